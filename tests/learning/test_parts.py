"""The parts of the learning, one by one, against hand computations, scikit-learn and published examples."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import (
    calinski_harabasz_score,
    davies_bouldin_score,
    silhouette_samples,
)
from sklearn.preprocessing import StandardScaler

from python_models.elbow import farthest_below_chord, find_elbow, fit_beyond, inertia_curve
from python_models.imputation import fit_median
from python_models.kmeans import (
    Partition,
    fit_from,
    fit_plus_plus,
    number_by_size,
    squared_distances,
    with_center_added,
    with_center_removed,
)
from python_models.measures import (
    calinski_harabasz,
    davies_bouldin,
    pairwise_distances,
    silhouettes,
)
from python_models.pca import fit_pca
from python_models.sample import count_distinct
from python_models.scaling import SCALINGS, LinearScaler

NAN = float("nan")


def rows_of(seed: int, rows: int, columns: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.ascontiguousarray(rng.normal(size=(rows, columns)) @ rng.normal(size=(columns, columns)))


# Imputation


def test_missing_values_become_the_median_of_the_present_ones() -> None:
    values = np.array([[1.0, NAN, NAN], [NAN, 5.0, NAN], [4.0, 7.0, NAN], [100.0, NAN, NAN]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        imputer = fit_median(values)
    assert imputer.median.tolist() == [4.0, 6.0, 0.0]
    assert imputer.transform(values).tolist() == [
        [1.0, 6.0, 0.0],
        [4.0, 5.0, 0.0],
        [4.0, 7.0, 0.0],
        [100.0, 6.0, 0.0],
    ]


# Scaling


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


# Principal components


@pytest.mark.parametrize("variance_share", [None, 0.5, 0.9, 1.0])
def test_components_equal_scikit_learn_up_to_sign(variance_share: float | None) -> None:
    values = rows_of(2, 300, 7)
    projection = fit_pca(values, variance_share)
    kept = len(projection.loadings)
    theirs = PCA(svd_solver="full").fit(values)
    np.testing.assert_allclose(np.abs(projection.loadings), np.abs(theirs.components_[:kept]), atol=1e-12)
    np.testing.assert_allclose(projection.explained_variance, theirs.explained_variance_[:kept])
    np.testing.assert_allclose(projection.explained_variance_share, theirs.explained_variance_ratio_[:kept])
    np.testing.assert_allclose(
        np.abs(projection.transform(values)), np.abs(theirs.transform(values)[:, :kept]), atol=1e-10
    )
    np.testing.assert_allclose(projection.transform(values).mean(axis=0), 0, atol=1e-12)


def test_as_many_components_are_kept_as_the_share_of_variance_needs() -> None:
    """Independent columns of variance 60, 25, 10 and 5: shares 0.60, 0.85, 0.95, 1."""
    corners = np.array(np.meshgrid(*[[-1.0, 1.0]] * 4)).reshape(4, -1).T
    values = corners * np.sqrt([60, 25, 10, 5])
    kept = {share: len(fit_pca(values, share).loadings) for share in (0.5, 0.7, 0.9, 0.96, 1.0)}
    # Two at least, for the plots.
    assert kept == {0.5: 2, 0.7: 2, 0.9: 3, 0.96: 4, 1.0: 4}
    assert len(fit_pca(values, None).loadings) == 2
    assert fit_pca(values, 1.0).explained_variance_share == pytest.approx([0.60, 0.25, 0.10, 0.05])


def test_one_feature_has_one_component() -> None:
    assert fit_pca(np.array([[0.0], [1.0], [5.0]]), None).loadings.tolist() == [[1.0]]


@given(st.integers(0, 10_000))
@hypothesis_settings(max_examples=25, deadline=None)
def test_the_largest_loading_is_positive(seed: int) -> None:
    for values in (rows_of(seed, 30, 4), -rows_of(seed, 30, 4)):
        loadings = fit_pca(values, 1.0).loadings
        assert (loadings[np.arange(len(loadings)), np.abs(loadings).argmax(axis=1)] > 0).all()


def test_of_equally_large_loadings_the_first_is_positive() -> None:
    x = np.random.default_rng(3).normal(size=200)
    for noise in (0.0, 1e-14, -1e-14):
        values = np.column_stack([x, -x * (1 + noise)])
        assert fit_pca(values, None).loadings[0] == pytest.approx([np.sqrt(0.5), -np.sqrt(0.5)])


# KMeans


def test_segments_are_numbered_by_size_and_equals_by_their_center() -> None:
    centers = np.array([[5.0, 1.0], [2.0, 9.0], [2.0, 3.0], [0.0, 0.0]])
    labels = np.array([0, 1, 2, 3, 3, 3, 0, 1, 2, 0, 0])
    numbered = number_by_size(Partition(centers, labels, 1.0))
    assert numbered.centers.tolist() == [[5.0, 1.0], [0.0, 0.0], [2.0, 3.0], [2.0, 9.0]]
    assert numbered.sizes.tolist() == [4, 3, 2, 2]
    assert numbered.labels.tolist() == [0, 3, 2, 1, 1, 1, 0, 3, 2, 0, 0]


def test_squared_distances_equal_the_hand_computation() -> None:
    points, centers = np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 0.0], [6.0, 8.0]])
    assert squared_distances(points, centers).tolist() == [[0.0, 100.0], [25.0, 25.0]]


def test_a_fit_that_cannot_fill_its_segments_is_none() -> None:
    points = np.repeat([[0.0], [1.0]], 5, axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fit_from(points, np.array([[0.0], [1.0], [1.0]]), 0.0) is None
        assert fit_plus_plus(points, 3, np.random.default_rng(1), 0.0) is None


def test_an_added_center_lowers_the_inertia_and_the_best_place_comes_first() -> None:
    points = np.array([[0.0], [1.0], [2.0], [50.0], [51.0]])
    center = points.mean(axis=0, keepdims=True)
    before = squared_distances(points, center).sum()
    starts = with_center_added(points, center, np.random.default_rng(1))
    after = [squared_distances(points, start).min(axis=1).sum() for start in starts]
    assert after == sorted(after)
    assert after[-1] < before
    assert starts[0][-1].item() in (50.0, 51.0)


def test_no_center_is_added_where_every_row_is_one() -> None:
    points = np.array([[0.0], [1.0]])
    assert with_center_added(points, points, np.random.default_rng(1)) == []


def test_the_cheapest_center_is_removed_first() -> None:
    points = np.array([[0.0], [1.0], [10.0], [30.0]])
    partition = Partition(points.copy(), np.arange(4), 0.0)
    first = with_center_removed(points, partition)[0]
    assert sorted(first.ravel().tolist()) in ([0.0, 10.0, 30.0], [1.0, 10.0, 30.0])


# The curve and its elbow


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


# Measures


def test_silhouettes_equal_the_hand_computation() -> None:
    """Row 0: a = 1, b = (10 + 11) / 2; row 1: a = 1, b = (9 + 10) / 2; the others mirror them."""
    points = np.array([[0.0], [1.0], [10.0], [11.0]])
    own = silhouettes(pairwise_distances(points), np.array([0, 0, 1, 1]))
    assert own == pytest.approx([9.5 / 10.5, 8.5 / 9.5, 8.5 / 9.5, 9.5 / 10.5])


def test_measures_equal_scikit_learn() -> None:
    points = rows_of(7, 200, 4)
    labels = np.random.default_rng(8).integers(0, 5, 200)
    labels[0] = 7  # alone in its segment, and a label left out
    own = silhouettes(pairwise_distances(points), labels)
    np.testing.assert_allclose(own, silhouette_samples(points, labels), atol=1e-12)
    assert davies_bouldin(points, labels) == davies_bouldin_score(points, labels)
    assert calinski_harabasz(points, labels) == calinski_harabasz_score(points, labels)


def test_silhouettes_of_repeated_rows_are_numbers() -> None:
    points = np.repeat([[0.0], [1.0]], 3, axis=0)
    assert silhouettes(pairwise_distances(points), np.array([0, 0, 0, 1, 1, 1])) == pytest.approx(1.0)
    assert silhouettes(np.zeros((4, 4)), np.array([0, 0, 1, 1])) == pytest.approx(0.0)


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_a_measure_without_a_value_is_none(labels: list[int]) -> None:
    points = np.array([[0.0], [1.0], [5.0]])
    marks = np.array(labels)
    assert silhouettes(pairwise_distances(points), marks) is None
    assert davies_bouldin(points, marks) is None
    assert calinski_harabasz(points, marks) is None


# The sample


def test_distinct_rows_are_counted_up_to_enough() -> None:
    points = np.repeat([[0.0, 1.0], [-0.0, 1.0], [1e-12, 1.0], [2.0, 1.0]], 900, axis=0)
    assert count_distinct(points, 5) == 2
    assert count_distinct(rows_of(9, 5000, 2), 20) == 20
    late = np.vstack([np.zeros((20_000, 1)), [[1.0]]])
    assert count_distinct(late, 20) == 2
