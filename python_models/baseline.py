"""What drift is measured against: the sample that a model learned from, as few numbers. Touches nothing.

Of each feature the shares of customers in the bins between its deciles, of whom nothing is known in a bin of their own (0);
of each segment its share; the mean distance to the centre; the share of customers near a border. Later months are held
against them in SQL (dbt_project/models/life/int_drift.sql): shares by the population stability index, PSI, the sum over
bins of (now - then) * ln(now / then) (Siddiqi, Credit Risk Scorecards, 2006, with 0.1 and 0.25 as customary bounds).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from python_models.kmeans import Partition, squared_distances
from python_models.sample import Sample

FloatArray = NDArray[np.float64]

DECILES = np.linspace(0.1, 0.9, 9)
# A customer is near a border whose confidence, 1 - distance to the centre / distance to the next one, is below this.
NEAR = 0.1


@dataclass(frozen=True)
class Baseline:
    """One number.

    Attributes:
        measure: feature, segments, distance or border.
        part: the feature, or the segment's id; empty for the others.
        bin: of a feature, from 1 up, 0 for those of whom it is not known.
        up_to: the bin's highest value, raw units; None for the last one, which has no end, and where there are no bins.
        value: a share, 0 to 1, or a distance.
    """

    measure: str
    part: str
    bin: int | None
    up_to: float | None
    value: float


def baseline_of(
    sample: Sample, points: FloatArray, final: Partition, segment_ids: Sequence[int]
) -> list[Baseline]:
    """Measure the sample under its model.

    points: shape (rows, dimensions), what KMeans saw; segment_ids: of the partition's clusters.
    """
    rows = []
    for place, name in enumerate(sample.names):
        rows += _bins(name, sample.values[:, place])
    for segment, size in zip(segment_ids, final.sizes, strict=True):
        rows.append(Baseline("segments", str(segment), None, None, float(size) / len(points)))
    distances = np.sqrt(np.sort(squared_distances(points, final.centers), axis=1)[:, :2])
    rows.append(Baseline("distance", "", None, None, float(distances[:, 0].mean())))
    # On both centres at once there is no nearer one.
    next_one = np.where(distances[:, 1] > 0, distances[:, 1], np.inf)
    confidence = np.where(np.isinf(next_one), 0.0, 1 - distances[:, 0] / next_one)
    rows.append(Baseline("border", "", None, None, float((confidence < NEAR).mean())))
    return rows


def _bins(name: str, values: FloatArray) -> list[Baseline]:
    known = values[~np.isnan(values)]
    rows = [Baseline("feature", name, 0, None, 1 - len(known) / len(values))]
    if len(known):
        # Most customers share a value, such as 0: fewer edges are left then.
        edges = np.unique(np.quantile(known, DECILES, method="lower"))
        counts = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
        ends = [*map(float, edges), None]
        rows += [
            Baseline("feature", name, place, end, float(count) / len(values))
            for place, (end, count) in enumerate(zip(ends, counts, strict=True), start=1)
        ]
    return rows
