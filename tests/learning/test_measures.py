"""Measures of a partition: silhouette, Davies-Bouldin and Calinski-Harabasz, by hand and by scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_samples

from python_models.measures import calinski_harabasz, davies_bouldin, pairwise_distances, silhouettes
from tests.support.points import rows_of


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
