"""Measures of a partition: silhouette, Davies-Bouldin, Calinski-Harabasz. Touches nothing.

Measures of different spaces must not be compared, so the caller gives every partition's points in
one common space, whatever space KMeans worked in.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Measures:
    """Measures of one partition; None where a measure has no value, as with one segment."""

    silhouette: float | None
    davies_bouldin: float | None
    calinski_harabasz: float | None


def mean(values: FloatArray | None) -> float | None:
    """Mean of what there is; None where there is nothing."""
    return None if values is None or len(values) == 0 else float(values.mean())


def pairwise_distances(points: FloatArray) -> FloatArray:
    """Euclidean distances of shape (rows, rows): 8 bytes x rows x rows."""
    distances: FloatArray = cdist(points, points)
    return distances


def silhouettes(distances: FloatArray, labels: IntArray) -> FloatArray | None:
    """Silhouette of each row, -1 to 1 (Rousseeuw 1987): (b - a) / max(a, b).

    a is the mean distance to the other rows of the row's segment, b the least mean distance to the
    rows of another segment; a row alone in its segment gets 0. The same numbers as scikit-learn's
    silhouette_samples, but one matrix product serves all rows, twenty times over the same distances.

    Args:
        distances: shape (rows, rows).
        labels: shape (rows,), whole numbers from 0.

    Returns:
        Shape (rows,), or None where the rows lie in fewer than 2 segments or each in its own.
    """
    segments, labels = np.unique(labels, return_inverse=True)
    rows = np.arange(len(labels))
    if not 2 <= len(segments) < len(labels):
        return None
    member = np.zeros((len(labels), len(segments)))
    member[rows, labels] = 1.0
    sizes = member.sum(axis=0)
    sums = distances @ member
    own = sums[rows, labels] / np.maximum(sizes[labels] - 1, 1)
    means = sums / sizes
    means[rows, labels] = np.inf
    other = means.min(axis=1)
    larger = np.maximum(own, other)
    alone = sizes[labels] == 1
    result: FloatArray = np.where(
        alone | (larger == 0), 0.0, (other - own) / np.where(larger == 0, 1.0, larger)
    )
    return result


def davies_bouldin(points: FloatArray, labels: IntArray) -> float | None:
    """Davies-Bouldin index (1979), 0 and up, lower is better; None where it has no value.

    points: shape (rows, dimensions); labels: shape (rows,).
    """
    from sklearn.metrics import davies_bouldin_score

    if not _is_measurable(labels):
        return None
    return float(davies_bouldin_score(points, labels))


def calinski_harabasz(points: FloatArray, labels: IntArray) -> float | None:
    """Calinski-Harabasz index (1974), 0 and up, higher is better; None where it has no value.

    points: shape (rows, dimensions); labels: shape (rows,).
    """
    from sklearn.metrics import calinski_harabasz_score

    if not _is_measurable(labels):
        return None
    return float(calinski_harabasz_score(points, labels))


def _is_measurable(labels: IntArray) -> bool:
    return 2 <= len(np.unique(labels)) < len(labels)
