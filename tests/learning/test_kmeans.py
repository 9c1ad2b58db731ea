"""KMeans: distances, fits, the order of segments, and where a center is added or removed."""

import numpy as np
import pytest

from python_models.kmeans import (
    Partition,
    fit_from,
    fit_plus_plus,
    number_by_size,
    squared_distances,
    with_center_added,
    with_center_removed,
)


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


# The learning holds the warning back for all its threads at once.
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_a_fit_that_cannot_fill_its_segments_is_none() -> None:
    points = np.repeat([[0.0], [1.0]], 5, axis=0)
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
