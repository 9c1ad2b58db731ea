"""Autoencoders: what they rebuild, that they repeat themselves, and that scoring needs no TensorFlow."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from python_models import autoencoder
from python_models.autoencoder import PRESETS, Autoencoder, Preset, code_units, fit_autoencoder, pca_errors
from python_models.encoder import Encoder, Layer, encoder_from_rows
from python_models.settings import Settings
from tests.support.builds import REPO
from tests.support.learned import Records, learned

GIVEN: dict[str, Any] = {
    "k": None, "k_max": 6, "candidates_k_max": 5, "scaling": "standard", "representation": "",
    "autoencoders": "undercomplete", "pca_variance": 0.9, "min_jaccard": 0.75, "min_segment_share": 0.01,
    "bootstraps": 10, "sample_rows": 100_000, "curve_rows": 20_000, "silhouette_rows": 1_000, "seed": 1,
}  # fmt: skip


def bent(rows: int = 1500, seed: int = 0) -> np.ndarray:
    """Rows on a bent surface: two numbers stand behind eight features, in three clouds."""
    rng = np.random.default_rng(seed)
    cloud = rng.integers(3, size=rows)
    hidden = rng.normal(0, 0.4, size=(rows, 2)) + np.array([[0, 0], [3, 0], [0, 3]])[cloud]
    wide = np.column_stack(
        [hidden, hidden**2, np.sin(hidden), hidden.prod(axis=1), np.abs(hidden).sum(axis=1)]
    )
    wide += rng.normal(0, 0.05, size=wide.shape)
    return (wide - wide.mean(axis=0)) / wide.std(axis=0)


def with_epochs(epochs: int) -> dict[str, Preset]:
    return {name: replace(preset, epochs=epochs) for name, preset in PRESETS.items()}


@pytest.fixture(scope="module")
def trained() -> dict[tuple[str, int], Autoencoder]:
    points = bent()
    wanted = [("undercomplete", 1), ("undercomplete", 2), ("sparse", 1), ("denoising", 1), ("variational", 1)]
    with pytest.MonkeyPatch.context() as patch:
        # These rows are learned in fewer passes than real ones.
        patch.setattr(autoencoder, "FEWEST_STEPS", 1)
        patch.setattr(autoencoder, "PRESETS", with_epochs(12))
        return {(name, seed): fit_autoencoder(points, name, seed) for name, seed in wanted}


@pytest.fixture
def short_training(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Three passes, where a test does not ask how good a network is."""
    monkeypatch.setattr(autoencoder, "FEWEST_STEPS", 1)
    monkeypatch.setattr(autoencoder, "PRESETS", with_epochs(3))
    yield


@pytest.fixture(scope="module")
def other_process() -> list[str]:
    """What another process, with two threads and other hashes, prints of training a network."""
    code = """
import json, os, sys
import python_models.training, python_models.encoder
print("tensorflow" in sys.modules, "keras" in sys.modules)
before = dict(os.environ)
from tests.learning.test_autoencoder import bent, fit_autoencoder, autoencoder, with_epochs
autoencoder.FEWEST_STEPS = 1
autoencoder.PRESETS = with_epochs(12)
made = fit_autoencoder(bent(), "variational", 1)
print("tensorflow" in sys.modules, dict(os.environ) == before)
print(json.dumps([made.encoder.rows(), made.curve]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPO,
        env=os.environ | {"OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_every_preset_learns_and_no_code_unit_is_dead(trained: dict[tuple[str, int], Autoencoder]) -> None:
    for (name, _), network in trained.items():
        assert network.dead_units == 0, name
        assert network.units == network.encoder.codes == 7
        losses = [held_out for _, _, held_out in network.curve]
        assert min(losses) < losses[0] / 2, name
        assert [epoch for epoch, _, _ in network.curve] == list(range(1, len(losses) + 1))
        assert network.error == pytest.approx(network.encoder.errors(bent()).mean())
        assert network.error < 0.2, name


def test_the_error_beside_it_is_that_of_as_many_components() -> None:
    """Independent columns of variance 4, 2 and 1: with two components only the last is lost."""
    corners = np.array(np.meshgrid(*[[-1.0, 1.0]] * 3)).reshape(3, -1).T * np.sqrt([4, 2, 1])
    assert pca_errors(corners, 2) == pytest.approx([0.0, 0.0, 1.0])
    assert pca_errors(corners, 3) == pytest.approx([0.0, 0.0, 0.0])


def test_codes_of_two_seeds_give_the_same_segments(trained: dict[tuple[str, int], Autoencoder]) -> None:
    points = bent()
    labels = [
        KMeans(3, n_init=10, random_state=0).fit_predict(each.encoder.transform(points))
        for each in trained.values()
    ]
    for one, other in combinations(labels, 2):
        assert adjusted_rand_score(one, other) >= 0.8


def test_codes_stand_in_the_order_of_what_they_explain(
    trained: dict[tuple[str, int], Autoencoder],
) -> None:
    """Codes without correlation and in falling order; the first two serve the plots."""
    codes = trained["undercomplete", 1].encoder.transform(bent())
    deviations = codes.std(axis=0)
    assert (np.diff(deviations) <= 1e-3).all()
    correlations = np.corrcoef(codes.T) - np.eye(codes.shape[1])
    assert np.abs(correlations[:2, :2]).max() < 1e-3
    np.testing.assert_allclose(codes.mean(axis=0), 0, atol=1e-3)


def test_the_same_seed_gives_the_same_numbers_in_another_process(
    trained: dict[tuple[str, int], Autoencoder], other_process: list[str]
) -> None:
    rows, curve = json.loads(other_process[2])
    ours = trained["variational", 1]
    assert rows == ours.encoder.rows()
    assert [tuple(each) for each in curve] == list(ours.curve)


def test_a_small_sample_gets_more_passes() -> None:
    """Batches of 256: 500 steps are 50 passes over 2,560 customers, and never more than 50."""
    passes = {rows: autoencoder._passes(PRESETS["undercomplete"], rows) for rows in (100, 2560, 3328, 18_000)}
    assert passes == {100: 50, 2560: 50, 3328: 39, 18_000: 30}


def test_an_encoder_comes_back_from_its_rows_exactly(
    trained: dict[tuple[str, int], Autoencoder],
) -> None:
    encoder = trained["undercomplete", 1].encoder
    rows = json.loads(json.dumps(encoder.rows()))
    back = encoder_from_rows(reversed(rows))
    points = bent()
    np.testing.assert_array_equal(back.transform(points), encoder.transform(points))
    np.testing.assert_array_equal(back.reconstruct(points), encoder.reconstruct(points))
    # In batches, as scoring does it.
    parts = np.vstack([back.transform(part) for part in np.array_split(points, 7)])
    np.testing.assert_allclose(parts, encoder.transform(points), rtol=1e-12, atol=1e-12)


def test_an_encoder_equals_the_hand_computation() -> None:
    """ReLU(2x - 1) of 3 and 0 is 5 and 0; back by y / 2 + 1: 3.5 and 1; squared errors 0.25 and 1."""
    encoder = Encoder(
        "hand",
        (Layer(np.array([[2.0]]), np.array([-1.0]), "relu"),),
        (Layer(np.array([[0.5]]), np.array([1.0]), "linear"),),
    )
    points = np.array([[3.0], [0.0]])
    assert encoder.transform(points).tolist() == [[5.0], [0.0]]
    assert encoder.reconstruct(points).tolist() == [[3.5], [1.0]]
    assert encoder.errors(points).tolist() == [[0.25], [1.0]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda rows: [*rows, rows[0] | {"autoencoder": "other"}],
            "expected the layers of one encoder, found 2",
        ),
        (lambda rows: rows[1:], "the encoder lacks layers"),
        (
            lambda rows: [rows[0] | {"activation": "tanh"}, *rows[1:]],
            "activation tanh: expected linear or relu",
        ),
        (lambda rows: [rows[0] | {"bias": "[1.0,2.0]"}, *rows[1:]], "does not hold 1 x 1 weights"),
        (
            lambda rows: [rows[0] | {"outputs": 2, "bias": "[1,2]", "weights": "[1,2]"}, *rows[1:]],
            "hands on 2 numbers to one that expects 1",
        ),
    ],
)
def test_damaged_rows_are_refused(change: Any, message: str) -> None:
    layer = Layer(np.ones((1, 1)), np.zeros(1), "linear")
    rows = Encoder("hand", (layer,), (layer,)).rows()
    with pytest.raises(ValueError, match=message):
        encoder_from_rows(change(rows))


def test_too_few_customers_are_refused_in_one_sentence() -> None:
    with pytest.raises(ValueError, match="only 99 customers: an autoencoder needs at least 100"):
        fit_autoencoder(bent(99), "undercomplete", 1)


@pytest.mark.parametrize(("features", "codes"), [(1, 1), (2, 1), (5, 4), (17, 10), (300, 10)])
def test_there_are_fewer_codes_than_features(features: int, codes: int) -> None:
    assert code_units(features) == codes


def records_of(features: pd.DataFrame, **changes: object) -> Records:
    return learned(features, Settings.from_mapping(GIVEN | changes))


def portfolio(rows: int) -> pd.DataFrame:
    frame = pd.DataFrame(bent(rows), columns=[f"x{number}" for number in range(8)])
    return frame.assign(customer_id=[f"C{number}" for number in range(rows)])


@pytest.mark.usefixtures("short_training")
def test_codes_are_compared_and_may_be_asked_for() -> None:
    free = records_of(portfolio(600))
    assert {each["representation"] for each in free["candidates"]} == {"scaled", "pca", "undercomplete"}
    assert {
        each["autoencoder"] for each in free["autoencoders"] + free["epochs"] + free["reconstruction"]
    } == {"undercomplete"}
    assert [each["feature"] for each in free["reconstruction"]] == [f"x{number}" for number in range(8)]
    assert free["run"][0]["keras"] and free["run"][0]["tensorflow"] != "unknown"
    asked = records_of(portfolio(600), representation="undercomplete", autoencoders="", k=3)
    assert asked["run"][0]["representation"] == "undercomplete"
    assert {each["representation"] for each in asked["candidates"]} == {"undercomplete"}
    dimensions = {each["feature"] for each in asked["parameters"] if each["stage"] == "centroid"}
    assert dimensions == {f"ae_{number}" for number in range(1, 8)}
    again = records_of(
        portfolio(600).sample(frac=1, random_state=1), representation="undercomplete", autoencoders="", k=3
    )
    assert again["parameters"] == asked["parameters"] and again["encoder_layers"] == asked["encoder_layers"]


def test_a_small_portfolio_goes_without_networks_unless_it_asks_for_one() -> None:
    assert "autoencoders" not in records_of(portfolio(60))
    with pytest.raises(ValueError, match="only 60 customers: an autoencoder needs at least 100"):
        records_of(portfolio(60), representation="undercomplete")


def test_tensorflow_is_loaded_only_to_train_and_says_nothing(other_process: list[str]) -> None:
    """And the caller's environment is as it was."""
    assert other_process[0].split() == ["False", "False"]
    assert other_process[1].split() == ["True", "True"]


def test_what_native_code_says_is_let_out_only_where_tensorflow_fails_to_load(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    with autoencoder._native_errors_held_back():
        os.write(2, b"chatter")
    os.write(2, b"after ")
    with pytest.raises(ImportError), autoencoder._native_errors_held_back():
        os.write(2, b"no such instruction")
        raise ImportError
    assert capfd.readouterr().err == "after no such instruction"
