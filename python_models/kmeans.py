"""KMeans: one fit and the moves that make good starts for it. Touches nothing.

Every fit is scikit-learn's KMeans (Lloyd's algorithm). A start is either k-means++ (Arthur and
Vassilvitskii 2007) or made from a neighbour's solution: a centre more, placed where it lowers the
inertia most (the fast global k-means of Likas, Vlassis and Verbeek 2003, on drawn candidates), or a
centre less, the one whose customers lose least by moving to their second nearest.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.cluster import KMeans

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Lloyd's algorithm ends by itself when no row changes its segment; this only bounds the time.
MAX_ITERATIONS = 1000
# Rows drawn as places for a further centre, with probability proportional to their cost.
INSERTION_CANDIDATES = 32
LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class Partition:
    """A fitted KMeans.

    Attributes:
        centers: shape (k, dimensions).
        labels: shape (rows,), 0 to k - 1, the nearest centre of each row.
        inertia: sum of the squared distances to the nearest centre.

    """

    centers: FloatArray
    labels: IntArray
    inertia: float

    @property
    def k(self) -> int:
        """Number of segments."""
        return len(self.centers)

    @property
    def sizes(self) -> IntArray:
        """Rows per segment, shape (k,)."""
        return np.bincount(self.labels, minlength=self.k).astype(np.int64)


def squared_distances(points: FloatArray, centers: FloatArray) -> FloatArray:
    """Squared Euclidean distances, shape (rows, k)."""
    squared = (points**2).sum(axis=1)[:, None] - 2 * points @ centers.T + (centers**2).sum(axis=1)
    floored: FloatArray = np.maximum(squared, 0.0)
    return floored


def fit_from(
    points: FloatArray, centers: FloatArray, tolerance: float, weights: FloatArray | None = None
) -> Partition | None:
    """Run Lloyd's algorithm from given centres, shape (k, dimensions).

    Args:
        points: shape (rows, dimensions).
        centers: where to start.
        tolerance: stop when the centres move less (scikit-learn's tol); 0 goes on until no row
            changes its segment.
        weights: shape (rows,), how often each row counts; None counts each once.

    Returns:
        The solution, or None where fewer than k segments have rows.

    """
    return _fit(points, len(centers), centers, 0, tolerance, weights)


def fit_plus_plus(
    points: FloatArray,
    k: int,
    rng: np.random.Generator,
    tolerance: float,
    weights: FloatArray | None = None,
) -> Partition | None:
    """Run Lloyd's algorithm from one k-means++ start; arguments and result as in `fit_from`.

    points: shape (rows, dimensions); weights: shape (rows,). Source: Arthur and Vassilvitskii (2007).
    """
    return _fit(points, k, "k-means++", int(rng.integers(LARGEST_SEED)), tolerance, weights)


def _fit(
    points: FloatArray,
    k: int,
    init: FloatArray | str,
    seed: int,
    tolerance: float,
    weights: FloatArray | None,
) -> Partition | None:
    model = KMeans(
        k, init=init, n_init=1, tol=tolerance, max_iter=MAX_ITERATIONS, random_state=seed, algorithm="lloyd"
    )
    # Points come from here alone and are finite: a look at each of them takes a tenth of a fit from a known start.
    with config_context(assume_finite=True, skip_parameter_validation=True):
        model.fit(points, sample_weight=weights)
    partition = Partition(model.cluster_centers_, model.labels_.astype(np.int64), float(model.inertia_))
    return partition if partition.sizes.all() else None


def with_center_added(points: FloatArray, centers: FloatArray, rng: np.random.Generator) -> list[FloatArray]:
    """Starts of k + 1 centres, the most promising first: the centres and one drawn row each.

    A row is drawn with probability proportional to its squared distance; the gain of a place is
    what inertia falls by when every row that is nearer to it moves there. So inertia of the start,
    and of the fit from it, is below that of the centres. No start where every row is a centre.

    points: shape (rows, dimensions); centers: shape (k, dimensions); each start: shape (k + 1, dimensions).
    """
    cost = squared_distances(points, centers).min(axis=1)
    if not cost.sum() > 0:
        return []
    drawn = np.unique(rng.choice(len(points), INSERTION_CANDIDATES, p=cost / cost.sum()))
    gain = np.maximum(cost[:, None] - squared_distances(points, points[drawn]), 0.0).sum(axis=0)
    best_first = drawn[np.argsort(-gain, kind="stable")]
    return [np.vstack([centers, points[row]]) for row in best_first]


def with_center_removed(points: FloatArray, partition: Partition) -> list[FloatArray]:
    """Starts of k - 1 centres, the cheapest removal first: the solution without each centre.

    points: shape (rows, dimensions); each start: shape (k - 1, dimensions).
    """
    distances = squared_distances(points, partition.centers)
    rows = np.arange(len(points))
    own = distances[rows, partition.labels].copy()
    distances[rows, partition.labels] = np.inf
    loss = np.bincount(partition.labels, distances.min(axis=1) - own, partition.k)
    return [np.delete(partition.centers, segment, axis=0) for segment in np.argsort(loss, kind="stable")]


def number_by_size(partition: Partition) -> Partition:
    """Renumber the segments by rows, largest first; of equals the lexicographically smaller centre."""
    # lexsort takes its last key first.
    order = np.lexsort([*partition.centers.T[::-1], -partition.sizes])
    place = np.empty(partition.k, dtype=np.int64)
    place[order] = np.arange(partition.k)
    return Partition(partition.centers[order], place[partition.labels], partition.inertia)
