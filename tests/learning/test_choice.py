"""Scalings, stability, gap, tree, votes and the champion's rule, against hand computations and scikit-learn."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.stats import skew
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import RobustScaler

from python_models.champion import Candidate, Gate, choose, confirmed, in_the_running
from python_models.elbow import Elbow
from python_models.explain import tree_accuracy
from python_models.gap import Gap, gap_statistic
from python_models.imputation import fit_median
from python_models.kmeans import Partition, fit_plus_plus
from python_models.measures import Measures
from python_models.pca import fit_pca
from python_models.scaling import SCALINGS, LogScaler, QuantileScaler, fit_standard, skewness
from python_models.space import Space, common_space
from python_models.stability import Stability, adjusted_rand, best_jaccards, bootstrap, joined
from python_models.votes import votes

# Scaling


def amounts(rows: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = np.exp(rng.normal(5, 1.5, size=(rows, 3)))
    values[rng.random((rows, 3)) < 0.4] = 0.0
    return np.column_stack([values, rng.random(rows), -values[:, 0]])


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


def test_the_common_space_is_the_same_whatever_the_currency() -> None:
    values = amounts(300, 4)
    np.testing.assert_allclose(common_space(values), common_space(values * 160), atol=1e-9)
    # Two views of each feature, each with half the variance.
    np.testing.assert_allclose(common_space(values).var(axis=0), 0.5)


# Stability


def test_jaccards_equal_the_hand_computation() -> None:
    """{0, 1, 2} shares 2 of 3 with {0, 1}; {3, 4} shares 2 of 3 with {2, 3, 4}; {5} is itself."""
    old, new = np.array([0, 0, 0, 1, 1, 2]), np.array([1, 1, 0, 0, 0, 2])
    assert best_jaccards(old, new, 3) == pytest.approx([2 / 3, 2 / 3, 1.0])
    assert best_jaccards(old[:3], new[:3], 3) == pytest.approx([2 / 3, 0.0, 0.0])


def test_adjusted_rand_equals_the_hand_computation() -> None:
    """0 0 0 1 1 1 against 0 0 1 1 2 2: 2 pairs in common, 6 and 3 of their own, of 15.

    (2 - 6 * 3 / 15) / ((6 + 3) / 2 - 6 * 3 / 15) = 0.8 / 3.3, the 0.2424 of scikit-learn's guide.
    """
    one, other = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 2, 2])
    assert adjusted_rand(one, other) == pytest.approx(0.24242424, abs=1e-8)
    assert adjusted_rand(one, 1 - one) == 1.0
    assert adjusted_rand(np.zeros(4, dtype=np.int64), np.zeros(4, dtype=np.int64)) == 1.0


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=2, max_size=60))
@hypothesis_settings(max_examples=60, deadline=None)
def test_adjusted_rand_equals_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    one, other = np.array(pairs).T
    assert adjusted_rand(one, other) == pytest.approx(adjusted_rand_score(one, other), abs=1e-12)


def clouds(rows: int, centers: list[list[float]], seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.vstack([rng.normal(center, 1.0, size=(rows, len(center))) for center in centers])


def fitted(points: np.ndarray, k: int) -> Partition:
    found = [fit_plus_plus(points, k, np.random.default_rng(seed), 0.0) for seed in range(5)]
    return min((each for each in found if each is not None), key=lambda each: each.inertia)


def test_clouds_that_lie_apart_come_back_and_a_cut_through_one_does_not() -> None:
    points = clouds(150, [[0, 0], [20, 0], [0, 30]])
    order = np.random.default_rng(1).permutation(len(points))
    apart = bootstrap(points[order], fitted(points[order], 3), 1, range(20))
    assert apart.worst > 0.99 and apart.rand > 0.99 and apart.resamples == 20
    cut = bootstrap(points[order], fitted(points[order], 4), 1, range(20))
    assert cut.worst < 0.8
    assert cut.per_segment.max() > 0.99


def test_resamples_are_the_same_for_all_and_add_up() -> None:
    points = clouds(60, [[0, 0], [4, 0]])
    partition = fitted(points, 3)
    whole = bootstrap(points, partition, 7, range(6))
    parts = joined([bootstrap(points, partition, 7, range(2)), bootstrap(points, partition, 7, range(2, 6))])
    np.testing.assert_array_equal(whole.jaccards, parts.jaccards)
    np.testing.assert_array_equal(whole.rands, parts.rands)
    assert (bootstrap(points, partition, 8, range(6)).jaccards != whole.jaccards).any()


def test_a_resample_that_cannot_make_the_segments_counts_as_nothing() -> None:
    points = np.array([[0.0], [0.0], [5.0]])
    partition = Partition(np.array([[0.0], [5.0]]), np.array([0, 0, 1]), 0.0)
    stability = bootstrap(points, partition, 1, range(40))
    assert {tuple(each) for each in stability.jaccards.tolist()} == {(0.0, 0.0), (1.0, 1.0)}


def test_the_stability_of_two_pairs_equals_the_count_of_all_draws() -> None:
    """Of the 256 draws of 4 from 0, 1, 10, 11, 224 hold both pairs, and both come back.

    14 hold only 0 and 1: that segment is cut in two (Jaccard 1/2) and the other is gone (0); 14 more hold
    only 10 and 11. In 4 draws a row stands alone and there are no two segments. So each segment's
    Jaccard is (224 + 14 / 2) / 256 on average, and the adjusted Rand index 224 / 256: one segment cut in
    two agrees with it as much as chance would.
    """
    points = np.array([[0.0], [1.0], [10.0], [11.0]])
    partition = Partition(np.array([[0.5], [10.5]]), np.array([0, 0, 1, 1]), 1.0)
    stability = bootstrap(points, partition, 3, range(400))
    halves = {tuple(each) for each in stability.jaccards.tolist()}
    assert halves == {(1.0, 1.0), (0.5, 0.0), (0.0, 0.5), (0.0, 0.0)}
    assert stability.per_segment == pytest.approx([231 / 256] * 2, abs=0.04)
    assert stability.rand == pytest.approx(224 / 256, abs=0.05)


# The gap statistic


def test_the_gap_equals_the_hand_computation() -> None:
    """Rows spread evenly over a line of length L, cut in k equal parts, have W = n L^2 / (12 k^2).

    Two such lines of length e at both ends of 0 to 1, for small e: W(1) = n / 4 and W(2) = n e^2 / 12; the
    reference, spread over 0 to 1, has n / 12 and n / 48. So the gaps are -ln 3 and -ln 4 - 2 ln e.
    """
    length, rows = 0.01, 1500
    line = np.linspace(0, length, rows // 2)
    points = np.random.default_rng(1).permutation(np.concatenate([line, 1 - line]))[:, None]
    gap = gap_statistic(points, 4, 1)
    assert gap.gaps[:2] == pytest.approx([-np.log(3), -np.log(4) - 2 * np.log(length)], abs=0.05)
    assert gap.k == 2


def test_the_gap_finds_clouds_and_no_clouds() -> None:
    """As in the paper's first simulations: one uniform cloud has k = 1, three clouds have k = 3."""
    rng = np.random.default_rng(2)
    assert gap_statistic(rng.uniform(size=(400, 5)), 5, 1).k == 1
    assert gap_statistic(rng.permutation(clouds(120, [[0, 0], [0, 12], [12, 0]])), 6, 1).k == 3


def test_the_gap_rule_equals_the_hand_computation() -> None:
    """0.5 < 0.9 - 0.1 at k = 1; 0.9 >= 0.95 - 0.1 at k = 2; a gap that only rises has no vote."""
    errors = np.full(3, 0.1)
    assert Gap(np.array([0.5, 0.9, 0.95]), errors).k == 2
    assert Gap(np.array([0.5, 0.7, 0.9]), errors).k is None


# The tree


def test_a_tree_tells_segments_cut_by_a_question_and_not_those_drawn_by_lot() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(900, 3))
    assert tree_accuracy(values, (values[:, 1] > 0.3).astype(np.int64)) == pytest.approx(1.0, abs=0.01)
    assert tree_accuracy(values, rng.integers(2, size=900)) == pytest.approx(0.5, abs=0.08)
    assert tree_accuracy(values[:2], np.array([0, 1])) is None


# The rule


def candidate(
    k: int,
    worst: float,
    silhouette: float,
    kind: str = "log_standard/scaled",
    smallest: float = 0.1,
    seed_agreement: float | None = None,
) -> Candidate:
    scaling, representation = kind.split("/")
    points = np.zeros((100, 1))
    sizes = [round(100 * smallest)] + [1] * (k - 2)
    labels = np.repeat(np.arange(k), [*sizes, 100 - sum(sizes)]) if smallest < 0.02 else np.arange(100) % k
    space = Space(
        scaling, representation, fit_median(points), fit_standard(points),
        fit_pca(np.arange(4.0)[:, None], None), points, points, ("x",),
    )  # fmt: skip
    stability = Stability(np.array([[worst] + [1.0] * (k - 1)] * 10), np.ones(10))
    measures = Measures(silhouette, 1.0, 1.0)
    return Candidate(
        space, Partition(np.zeros((k, 1)), labels, 1.0), measures, stability, 0.9, seed_agreement, 0.1
    )


ORDER = ("scaled", "pca", "undercomplete")
GATE = Gate(0.75, 0.01)


@pytest.mark.parametrize(
    ("candidates", "winner"),
    [
        # Unstable or tiny segments are not valid, however well separated.
        ([candidate(5, 0.7, 0.9), candidate(3, 0.8, 0.2)], 1),
        ([candidate(6, 0.95, 0.9, smallest=0.0), candidate(3, 0.8, 0.2)], 1),
        # The very stable before the valid.
        ([candidate(8, 0.85, 0.3), candidate(5, 0.91, 0.28)], 1),
        # The finest that is separated within 7/8 of the best from 3 segments on.
        ([candidate(2, 0.99, 0.5), candidate(3, 0.99, 0.24), candidate(6, 0.95, 0.22), candidate(8, 0.95, 0.2)], 2),
        # Between kinds the better separated, even where the other is finer.
        ([candidate(8, 0.95, 0.29), candidate(9, 0.95, 0.26, "quantile/scaled")], 0),
        # Of those as well separated the finer, then the simpler.
        ([candidate(5, 0.95, 0.221, "quantile/scaled"), candidate(6, 0.95, 0.219)], 1),
        ([candidate(6, 0.95, 0.225, "log_standard/pca"), candidate(6, 0.95, 0.22)], 1),
        # Two segments only where nothing has more.
        ([candidate(2, 0.99, 0.5, "quantile/scaled"), candidate(4, 0.95, 0.2)], 1),
        ([candidate(2, 0.99, 0.5), candidate(4, 0.5, 0.2)], 0),
        # Codes that another seed would not give do not win.
        ([candidate(7, 0.95, 0.23, "log_standard/undercomplete", seed_agreement=0.9), candidate(6, 0.95, 0.23)], 1),
        ([candidate(7, 0.95, 0.23, "log_standard/undercomplete", seed_agreement=0.995), candidate(6, 0.95, 0.23)], 0),
        # Nothing is valid: the least unstable.
        ([candidate(5, 0.4, 0.3), candidate(4, 0.6, 0.2)], 1),
    ],
)  # fmt: skip
def test_the_rule_chooses_as_it_says(candidates: list[Candidate], winner: int) -> None:
    choice = choose(candidates, ORDER, GATE, "")
    assert choice.place == winner
    assert all(choice.reasons)
    assert (choice.fault is None) == (GATE.fault(candidates[winner]) is None)
    # What the screen drops could not have won.
    if choice.fault is None:
        assert in_the_running(candidates, GATE)[winner]


def test_a_winner_that_does_not_hold_makes_room() -> None:
    """The screen saw 0.95 on 10 resamples; all 50 say 0.8."""
    first, second = candidate(6, 0.95, 0.22), candidate(5, 0.93, 0.22)
    asked: list[int] = []

    def confirm(each: Candidate) -> Candidate | None:
        if each.k in asked:
            return None
        asked.append(each.k)
        return candidate(each.k, 0.8 if each.k == 6 else 0.92, 0.22)

    known, choice = confirmed([first, second], ORDER, GATE, "", confirm)
    assert asked == [6, 5]
    assert known[choice.place].k == 5
    assert "Jaccard is 0.80" in choice.reasons[0]


def test_votes_are_the_extremes_and_abstain_where_there_is_none() -> None:
    measures = [Measures(None, None, None), Measures(0.3, 1.5, 90.0), Measures(0.4, 1.5, 80.0)]
    cast = votes(Elbow(3, "bend"), measures, Gap(np.array([1.0, 2.0]), np.zeros(2)), [None, 0.95, 0.85], 0.9)
    # Of equals the smaller k.
    assert [(each.method, each.k) for each in cast] == [
        ("elbow", 3), ("silhouette", 3), ("davies_bouldin", 2), ("calinski_harabasz", 2), ("gap", None), ("stability", 2),
    ]  # fmt: skip
    assert "over k = 2 to 3" in cast[1].words
    assert votes(Elbow(2, ""), measures[:2], Gap(np.zeros(1), np.zeros(1)), [None, None], 0.9)[-1].k is None
