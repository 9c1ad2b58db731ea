"""Scalings: each against hand computations and scikit-learn, and what all of them promise."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.stats import skew
from sklearn.preprocessing import RobustScaler, StandardScaler

from python_models.scaling import SCALINGS, LinearScaler, LogScaler, QuantileScaler, fit_standard, skewness
from tests.support.points import amounts, rows_of


def test_standard_scaling_equals_the_hand_computation() -> None:
    """1, 2, 3, 4 have mean 2.5 and population variance (2.25 + 0.25 + 0.25 + 2.25) / 4 = 1.25."""
    scaler = SCALINGS["standard"](np.array([[1.0], [2.0], [3.0], [4.0]]))
    assert {name: values.tolist() for name, values in scaler.components().items()} == {
        "center": [2.5],
        "scale": [np.sqrt(1.25)],
    }
    assert scaler.transform(np.array([[5.0]])).item() == pytest.approx(2.5 / 1.118033988749895, rel=1e-15)


def test_standard_scaling_equals_scikit_learn() -> None:
    values = rows_of(1, 500, 6) * [1, 10, 1e3, 1e6, 1e-6, 1e9] + [0, 5, 1e4, -1e6, 1, 1e9]
    scaled = SCALINGS["standard"](values).transform(values)
    np.testing.assert_allclose(scaled, StandardScaler().fit_transform(values), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("constant", [0.0, 7.0, 0.1, 1e12 / 3, 1e-200])
def test_a_constant_column_weighs_nothing(constant: float) -> None:
    values = np.column_stack([np.full(1001, constant), np.arange(1001.0)])
    scaler = SCALINGS["standard"](values)
    assert isinstance(scaler, LinearScaler)
    assert (scaler.center[0], scaler.scale[0]) == (constant, 1.0)
    assert not scaler.transform(values)[:, 0].any()


def test_noise_in_the_last_digits_is_not_blown_up() -> None:
    values = np.full((1000, 1), 1e9)
    values[::2] = np.nextafter(1e9, 2e9)
    scaler = SCALINGS["standard"](values)
    assert scaler.components()["scale"].tolist() == [1.0]


def test_skewness_equals_scipy() -> None:
    values = amounts(500, 1)
    np.testing.assert_allclose(skewness(values), skew(values), rtol=1e-9, atol=1e-12)
    assert skewness(np.ones((9, 1))).tolist() == [0.0]


def test_the_logarithm_is_taken_where_it_at_least_halves_a_skewness_above_one() -> None:
    values = amounts(2000, 2)
    scaler = SCALINGS["log_standard"](values)
    assert isinstance(scaler, LogScaler)
    # A tail of large amounts; neither a share, spread evenly, nor a tail of large debts.
    assert scaler.log.tolist() == [1, 1, 1, 0, 0]
    assert scaler.unit[:3] == pytest.approx([np.median(each[each > 0]) / 10 for each in values.T[:3]])
    assert scaler.unit[3:].tolist() == [1, 1]


def test_log_scaling_equals_the_hand_computation() -> None:
    """Median of the values other than 0 is 10, so the unit is 1: ln(1 + x) of 0, 10, 10 and 1000."""
    values = np.array([[0.0]] * 10 + [[10.0]] * 6 + [[1000.0]])
    scaler = SCALINGS["log_standard"](values)
    logs = np.log([1.0] * 10 + [11.0] * 6 + [1001.0])
    parts = {name: part.item() for name, part in scaler.components().items()}
    assert parts == pytest.approx({"log": 1.0, "unit": 1.0, "center": logs.mean(), "scale": logs.std()})
    assert scaler.transform(np.array([[-10.0]])).item() == pytest.approx(
        (-np.log(11) - logs.mean()) / logs.std()
    )


def test_robust_scaling_equals_scikit_learn_where_there_is_a_range() -> None:
    values = np.random.default_rng(3).gamma(2.0, size=(400, 4)) * [1, 10, 1000, 0.01]
    theirs = RobustScaler(unit_variance=True).fit_transform(values)
    np.testing.assert_allclose(SCALINGS["robust"](values).transform(values), theirs, rtol=1e-9)


def test_robust_scaling_falls_back_to_the_deviation_where_the_middle_half_is_one_value() -> None:
    values = np.array([[0.0]] * 9 + [[10.0]])
    parts = {name: part.item() for name, part in SCALINGS["robust"](values).components().items()}
    assert parts == pytest.approx({"center": 0.0, "scale": 3.0})


def test_quantile_scaling_equals_the_hand_computation() -> None:
    """0 to 100 has knots 0, 5, ... 100, so x stands at x %; a tie of half the customers at its middle."""
    values = np.column_stack([np.arange(101.0), np.repeat([0.0, 1.0], [60, 41])])
    scaler = SCALINGS["quantile"](values)
    assert isinstance(scaler, QuantileScaler)
    assert scaler.knots[:, 0].tolist() == [5.0 * knot for knot in range(21)]
    names = list(scaler.components())
    assert (names[:2], names[20:]) == (["knot_00", "knot_05"], ["knot_100", "center", "scale"])
    shares = replace(scaler, linear=fit_standard(np.zeros((1, 2)))).transform(
        np.array([[12.5, 0.0], [-3.0, -1.0], [300.0, 0.5], [99.0, 9.0]])
    )
    # The second feature's knots: 0 up to 55%, 1 from 60% on: 11 ties at 0, a ramp, 8 ties at 1.
    assert shares == pytest.approx(
        np.array([[0.125, 11 / 40], [0.0, 0.0], [1.0, (11 + 0.5) / 20], [0.99, 1.0]])
    )


@given(
    st.integers(0, 10_000), st.sampled_from(list(SCALINGS)), st.sampled_from([1e-3, 0.01, 7.0, 160.0, 1e6])
)
@hypothesis_settings(max_examples=60, deadline=None)
def test_no_scaling_knows_the_currency(seed: int, name: str, rate: float) -> None:
    values = amounts(200, seed)
    ours = SCALINGS[name](values).transform(values)
    theirs = SCALINGS[name](values * rate).transform(values * rate)
    # A customer on a knot may fall to its other side by the last digit, half a tie's width.
    tolerance = 1e-9 if name != "quantile" else 2.0
    np.testing.assert_allclose(ours, theirs, atol=tolerance)
    np.testing.assert_allclose(np.median(np.abs(ours - theirs)), 0, atol=1e-9)


@given(st.sampled_from(list(SCALINGS)), st.integers(0, 10_000))
@hypothesis_settings(max_examples=40, deadline=None)
def test_every_scaling_keeps_the_order_of_customers(name: str, seed: int) -> None:
    values = amounts(100, seed)
    scaled = SCALINGS[name](values).transform(values)
    for raw, new in zip(values.T, scaled.T, strict=True):
        assert (np.diff(new[np.argsort(raw, kind="stable")]) >= -1e-12).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", list(SCALINGS))
def test_constant_tiny_and_giant_columns_are_scaled_to_numbers(name: str) -> None:
    rows = np.arange(50.0)
    giant = np.where(rows == 0, 1e140, rows)
    values = np.column_stack([np.full(50, 7.0), np.zeros(50), rows * 1e-300, giant, -giant, rows % 2])
    scaled = SCALINGS[name](values).transform(values)
    assert np.isfinite(scaled).all()
    assert not scaled[:, :2].any()
