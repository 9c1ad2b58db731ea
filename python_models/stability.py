"""Stability: do the segments come back when the customers are drawn anew? Touches nothing.

Hennig (2007), "Cluster-wise assessment of cluster stability", as `clusterboot` of the R package fpc
does it with `bootmethod="boot"`: draw as many customers with replacement, fit again, and take for
each segment its Jaccard similarity with the most similar new one, over the customers drawn, each
counted once. The mean over the resamples is the segment's stability: below 0.6 doubtful, from 0.75
valid, from 0.85 highly stable. Beside it the adjusted Rand index (Hubert and Arabie 1985) of both
partitions as wholes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from python_models.kmeans import LARGEST_SEED, Partition, fit_from, fit_plus_plus
from python_models.workers import side_by_side

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Most customers a resample is drawn from: the cost is bounded, whatever the portfolio.
BOOTSTRAP_ROWS = 10_000
# k-means++ starts per resample, beside the one from the segments' own centres. The least inertia
# counts: a solution that only its own start finds is not counted as stable.
FRESH_STARTS = 2
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Stability:
    """What came of the resamples.

    Attributes:
        jaccards: shape (resamples, k), of each segment with its most similar new one, 0 to 1.
        rands: shape (resamples,), adjusted Rand index of both partitions.
    """

    jaccards: FloatArray
    rands: FloatArray

    @property
    def per_segment(self) -> FloatArray:
        """Mean Jaccard of each segment, shape (k,)."""
        means: FloatArray = self.jaccards.mean(axis=0)
        return means

    @property
    def worst(self) -> float:
        """Mean Jaccard of the least stable segment."""
        return float(self.per_segment.min())

    @property
    def rand(self) -> float:
        """Mean adjusted Rand index."""
        return float(self.rands.mean())

    @property
    def resamples(self) -> int:
        """Number of resamples."""
        return len(self.rands)


def contingency(one: IntArray, other: IntArray) -> FloatArray:
    """Count the rows by both labels, shape (labels of one, labels of other)."""
    wide = int(other.max()) + 1
    tall = int(one.max()) + 1
    return np.bincount(one * wide + other, minlength=tall * wide).reshape(tall, wide).astype(np.float64)


def best_jaccards(one: IntArray, other: IntArray, k: int) -> FloatArray:
    """Jaccard similarity of each of the k segments of `one` with its most similar one of `other`.

    Shared rows over the rows of either, 0 to 1; 0 for a segment without rows.

    one, other: labels 0 to k - 1 of the same rows, shape (rows,). Returns shape (k,).
    """
    shared = contingency(np.append(one, k - 1), np.append(other, 0))
    shared[k - 1, 0] -= 1
    either = shared.sum(axis=1)[:, None] + shared.sum(axis=0)[None, :] - shared
    similar: FloatArray = (shared / np.where(either > 0, either, 1.0)).max(axis=1)
    return similar


def adjusted_rand(one: IntArray, other: IntArray) -> float:
    """Adjusted Rand index of two partitions: 1 if they agree, 0 on average by chance.

    one, other: labels of the same rows, shape (rows,). Source: Hubert and Arabie (1985).
    """
    shared = contingency(one, other)
    pairs = (shared * (shared - 1)).sum() / 2
    ours, theirs = shared.sum(axis=1), shared.sum(axis=0)
    our_pairs, their_pairs = (ours * (ours - 1)).sum() / 2, (theirs * (theirs - 1)).sum() / 2
    possible = len(one) * (len(one) - 1) / 2
    expected = our_pairs * their_pairs / possible if possible else 0.0
    largest = (our_pairs + their_pairs) / 2
    # Both are one segment, or both single rows: the same partition.
    return 1.0 if largest == expected else float((pairs - expected) / (largest - expected))


def bootstrap(points: FloatArray, partition: Partition, seed: int, resamples: range) -> Stability:
    """Draw resamples, fit each again and compare.

    Args:
        points: shape (rows, dimensions).
        partition: of the first of them; at most the first BOOTSTRAP_ROWS are drawn from.
        seed: with a resample's number, the source of its draw: every partition meets the same draws.
        resamples: numbers of the resamples to draw, at least one.

    Returns:
        Jaccards and adjusted Rand indexes. A resample in which k segments cannot be made counts as
        0 for each of them.

    """
    rows = min(len(partition.labels), BOOTSTRAP_ROWS)

    def compared(number: int) -> tuple[FloatArray, float]:
        rng = np.random.default_rng([seed, number])
        counts = np.bincount(rng.integers(rows, size=rows), minlength=rows)
        drawn = np.flatnonzero(counts)
        again = _fit_again(points[drawn], partition.centers, counts[drawn].astype(np.float64), rng)
        old = partition.labels[drawn]
        if again is None:
            return np.zeros(partition.k), 0.0
        return best_jaccards(old, again.labels, partition.k), adjusted_rand(old, again.labels)

    jaccards, rands = zip(*side_by_side(compared, resamples), strict=True)
    return Stability(np.array(jaccards), np.array(rands))


def joined(parts: Sequence[Stability]) -> Stability:
    """Put the resamples of several calls together."""
    return Stability(
        np.vstack([each.jaccards for each in parts]), np.concatenate([each.rands for each in parts])
    )


def _fit_again(
    points: FloatArray, centers: FloatArray, weights: FloatArray, rng: np.random.Generator
) -> Partition | None:
    if len(points) < len(centers):
        return None
    starts = [np.random.default_rng(int(seed)) for seed in rng.integers(LARGEST_SEED, size=FRESH_STARTS)]
    found = [
        fit_from(points, centers, TOLERANCE, weights),
        *(fit_plus_plus(points, len(centers), start, TOLERANCE, weights) for start in starts),
    ]
    return min((each for each in found if each is not None), key=lambda each: each.inertia, default=None)
