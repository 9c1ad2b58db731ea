"""The inertia curve and its elbow: the best of many starts, and published examples of kneed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from python_models.elbow import farthest_below_chord, find_elbow, fit_beyond, inertia_curve
from python_models.kmeans import squared_distances
from tests.support.points import rows_of


@given(st.integers(0, 1000))
@hypothesis_settings(max_examples=10, deadline=None)
def test_the_curve_falls_and_its_solutions_are_what_they_say(seed: int) -> None:
    points = rows_of(seed, 120, 3)
    curve = inertia_curve(points, 12, np.random.default_rng(seed))
    assert [each.k for each in curve] == list(range(1, 13))
    inertias = [each.inertia for each in curve]
    assert (np.diff(inertias) < 0).all()
    for each in curve:
        distances = squared_distances(points, each.centers)
        np.testing.assert_allclose(distances.min(axis=1).sum(), each.inertia, rtol=1e-9)
        np.testing.assert_array_equal(distances.argmin(axis=1), each.labels)


def test_the_curve_of_four_clouds_is_the_best_of_many_starts_at_every_k() -> None:
    rng = np.random.default_rng(5)
    clouds = [[0, 0], [0, 20], [20, 0], [30, 30]]
    points = np.vstack([rng.normal(center, 1.0, size=(80, 2)) for center in clouds])
    curve = inertia_curve(points, 8, rng)
    for each in curve:
        best = KMeans(each.k, n_init=50, random_state=0).fit(points).inertia_
        assert each.inertia <= best * 1.005, each.k
    assert find_elbow([each.inertia for each in curve]).k == 4


def test_a_k_beyond_the_curve_lies_below_it() -> None:
    points = rows_of(6, 200, 3)
    curve = inertia_curve(points, 5, np.random.default_rng(1))
    beyond = fit_beyond(points, curve, 9, np.random.default_rng(2))
    assert beyond is not None
    assert beyond.k == 9
    assert beyond.inertia < inertia_curve(points, 8, np.random.default_rng(1))[-1].inertia


def test_a_k_beyond_what_differs_has_no_solution() -> None:
    points = np.repeat([[0.0], [1.0], [5.0]], 4, axis=0)
    curve = inertia_curve(points, 3, np.random.default_rng(1))
    assert fit_beyond(points, curve, 4, np.random.default_rng(2)) is None


def test_elbow_of_the_examples_published_with_kneed() -> None:
    """Figure 2 of the Kneedle paper, y = 5 - 1 / (x + 0.1), bends at x = 0.22, its third of 10 points.

    The second is kneed's own test of a convex decreasing curve, which bends at its third point, x = 2.
    """
    figure = 1 / (np.linspace(0, 1, 10) + 0.1)
    assert find_elbow(figure.tolist()).k == 3
    elbow = find_elbow([100.0, 40.0, 20.0, 15.0, 10.0, 5.0, 4.0, 3.0, 2.0, 1.0])
    assert elbow.k == 3
    assert elbow.reason == "elbow of the inertia curve over k = 1 to 10"


def test_where_kneed_finds_no_elbow_the_chord_decides_and_the_reason_says_so() -> None:
    """Below the chord 10, 7.5, 5, 2.5, 0 lie 0.5 at k = 2, 1 at k = 3 and 0.3 at k = 4."""
    curve = [10.0, 7.0, 4.0, 2.2, 0.0]
    assert farthest_below_chord(curve) == 3
    elbow = find_elbow(curve)
    assert elbow.k == 3
    assert "kneed finds no elbow" in elbow.reason


@pytest.mark.parametrize("curve", [[9.0, 4.0], [9.0, 4.0, 0.0], [5.0, 4.0, 3.0, 2.0], [9.0, 8.9, 0.0]])
def test_the_elbow_is_never_below_two(curve: list[float]) -> None:
    assert find_elbow(curve).k >= 2
