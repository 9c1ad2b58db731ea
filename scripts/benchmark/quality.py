"""How good the segments of a way are, by the same measures for all of them. Frames and arrays in, numbers out.

Inertia and silhouette are taken in one common space (`python_models.space.common_space`), whatever the way saw.
Stability is taken in the way's own space, since it asks whether the way finds its segments again on other customers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from python_models.imputation import fit_median
from python_models.kmeans import Partition
from python_models.measures import mean, pairwise_distances, silhouettes
from python_models.pca import fit_pca
from python_models.scaling import SCALINGS
from python_models.settings import REPRESENTATIONS
from python_models.space import common_space
from python_models.stability import adjusted_rand, bootstrap

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Resamples of each way; the first customers that the silhouette is taken of.
RESAMPLES = 20
SILHOUETTE_ROWS = 4_000
SEED = 1


@dataclass(frozen=True)
class Quality:
    """What there is to say of a partition of all customers.

    Attributes:
        k: number of segments.
        inertia: squared distances to the segments' means in the common space, as a share of those to the mean of all.
        silhouette: mean over the first SILHOUETTE_ROWS customers, in the common space; None where it has no value.
        least_jaccard: mean Jaccard similarity of the least stable segment over RESAMPLES resamples; None where the
            way's own space is not known.
        mean_jaccard: that of all segments.
        types_found: adjusted Rand index with the hidden types that the generated ledger was made of.
    """

    k: int
    inertia: float
    silhouette: float | None
    least_jaccard: float | None
    mean_jaccard: float | None
    types_found: float


@dataclass(frozen=True)
class Customers:
    """The customers that every way is measured on, their rows in a random order: the first are a fair draw.

    Attributes:
        filled: features in raw units without missing values, shape (customers, features).
        common: the same in the common space.
        types: number of each customer's hidden type, shape (customers,).
    """

    filled: FloatArray
    common: FloatArray
    types: IntArray


def customers_of(features: FloatArray, types: IntArray) -> Customers:
    """Lay out the customers; `features` may hold NaN."""
    filled = fit_median(features).transform(features)
    return Customers(filled, common_space(filled), types)


def within(points: FloatArray, labels: IntArray) -> float:
    """Sum of the squared distances to the mean of the row's segment; labels from 0, shape (rows,)."""
    return float(
        sum(
            ((members - members.mean(axis=0)) ** 2).sum()
            for label in range(int(labels.max()) + 1)
            if len(members := points[labels == label])
        )
    )


def own_space(
    filled: FloatArray, scaling: str, representation: str, pca_variance: float
) -> FloatArray | None:
    """Points as KMeans saw them; None where they were a network's codes."""
    if representation not in REPRESENTATIONS:
        return None
    scaled = SCALINGS[scaling](filled).transform(filled)
    if representation == "pca":
        scaled = fit_pca(scaled, pca_variance).transform(scaled)
    return np.ascontiguousarray(scaled)


def quality_of(customers: Customers, given: IntArray, own: FloatArray | None) -> Quality:
    """Measure a partition of all customers.

    Args:
        customers: n of them.
        given: a whole number for each segment, shape (n,).
        own: the points that the way saw, shape (n, dimensions), or None.
    """
    segments, labels = np.unique(given, return_inverse=True)
    labels = labels.astype(np.int64)
    k = len(segments)
    first = slice(SILHOUETTE_ROWS)
    stability = None
    if own is not None:
        centers = np.array([own[labels == label].mean(axis=0) for label in range(k)])
        stability = bootstrap(own, Partition(centers, labels, within(own, labels)), SEED, range(RESAMPLES))
    whole = within(customers.common, np.zeros(len(labels), dtype=np.int64))
    return Quality(
        k=k,
        inertia=within(customers.common, labels) / whole,
        silhouette=mean(silhouettes(pairwise_distances(customers.common[first]), labels[first])),
        least_jaccard=stability.worst if stability else None,
        mean_jaccard=float(stability.per_segment.mean()) if stability else None,
        types_found=adjusted_rand(labels, customers.types),
    )
