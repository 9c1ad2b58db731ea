"""Segments that outlive a model: the segments of a new model get the ids of those in use that they continue.

Two segments are alike by the customers they share: their Jaccard similarity, |A and B| / |A or B|, on the sample that the
new model learned from. Pairs are assigned so that the sum of similarities is largest (the Hungarian method, Kuhn 1955;
scipy's). A pair below the least overlap is no pair: Hennig (2007) calls a cluster dissolved below a Jaccard of 0.5. Of
pairs that share alike, the one with the nearer centres comes first. Touches nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# What the nearness of centres counts beside a similarity of 1: it decides among equals only.
NEARNESS_WEIGHT = 1e-3


@dataclass(frozen=True)
class Identities:
    """Which segments the clusters of a new model are.

    Attributes:
        segment_ids: of each cluster; those that continue no segment have new ones, in the order of the clusters.
        similarities: Jaccard of each cluster with the segment that it continues; None for a new one.
        relabelled: share of the customers whose segment is another than before, 0 to 1; None where there was none.
    """

    segment_ids: tuple[int, ...]
    similarities: tuple[float | None, ...]
    relabelled: float | None


def identify(
    before: IntArray,
    clusters: IntArray,
    scaled: FloatArray,
    *,
    least_overlap: float,
    highest_id: int,
) -> Identities:
    """Match the clusters of a new model with the segments in use.

    Args:
        before: shape (rows,), ids of the segments in use that the customers are in.
        clusters: shape (rows,), 0 to k - 1: the new model's. Each has a row.
        scaled: shape (rows, features), in which the distance of centres is taken.
        least_overlap: Jaccard similarity, 0 to 1, from which a cluster continues a segment.
        highest_id: of all segments there have ever been; new ones are numbered from there.
    """
    # Imported late: a build that learns nothing needs no scipy.
    from scipy.optimize import linear_sum_assignment

    known, places = np.unique(before, return_inverse=True)
    k = int(clusters.max()) + 1
    shared = np.zeros((len(known), k))
    np.add.at(shared, (places, clusters), 1)
    either = shared.sum(axis=1)[:, None] + shared.sum(axis=0)[None, :] - shared
    jaccard = shared / either
    old = np.array([scaled[places == place].mean(axis=0) for place in range(len(known))])
    new = np.array([scaled[clusters == cluster].mean(axis=0) for cluster in range(k)])
    nearness = 1 / (1 + np.linalg.norm(old[:, None] - new[None, :], axis=2))
    pairs = zip(*linear_sum_assignment(-(jaccard + NEARNESS_WEIGHT * nearness)), strict=True)
    kept = {
        int(cluster): (int(known[place]), float(jaccard[place, cluster]))
        for place, cluster in pairs
        if jaccard[place, cluster] >= least_overlap
    }
    segment_ids, next_id = list[int](), highest_id + 1
    for cluster in range(k):
        if cluster in kept:
            segment_ids.append(kept[cluster][0])
        else:
            segment_ids.append(next_id)
            next_id += 1
    now = np.array(segment_ids)[clusters]
    return Identities(
        tuple(segment_ids),
        tuple(kept[cluster][1] if cluster in kept else None for cluster in range(k)),
        float((now != before).mean()),
    )


def first_identities(clusters: Sequence[int] | IntArray) -> Identities:
    """Ids where no segments were in use: 1 is the first cluster."""
    k = int(np.max(clusters)) + 1
    return Identities(tuple(range(1, k + 1)), (None,) * k, None)
