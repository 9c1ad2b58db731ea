"""The gap statistic: inertia beside that of data without segments. Touches nothing.

Tibshirani, Walther and Hastie (2001), "Estimating the number of clusters in a data set via the gap
statistic": gap(k) = mean over references of ln W*(k) - ln W(k), where W is the inertia and a
reference draws each principal component uniformly over its range (their choice b, aligned with the
principal components). Their k is the smallest with gap(k) >= gap(k + 1) - s(k + 1), where s is the
references' standard deviation times sqrt(1 + 1 / references).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from python_models.kmeans import LARGEST_SEED, Partition, fit_plus_plus
from python_models.workers import side_by_side

FloatArray = NDArray[np.float64]

# Most customers, references and starts: ln W needs no more, and the cost is bounded.
GAP_ROWS = 3_000
REFERENCES = 5
STARTS = 2
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Gap:
    """Gap and its standard error s for k = 1, 2, ...; the curve ends where no more segments can be made."""

    gaps: FloatArray
    errors: FloatArray

    @property
    def k(self) -> int | None:
        """The smallest k by the one-standard-error rule; None where the gap rises to the curve's end."""
        for place in range(len(self.gaps) - 1):
            if self.gaps[place] >= self.gaps[place + 1] - self.errors[place + 1]:
                return place + 1
        return None


def gap_statistic(points: FloatArray, k_max: int, seed: int) -> Gap:
    """Compute the gap for k = 1 to k_max on the first GAP_ROWS rows of points, shape (rows, dimensions)."""
    data = points[:GAP_ROWS]
    rng = np.random.default_rng([seed, len(data)])
    # Each data set draws its starts from a generator of its own, so that they can be fitted side by side.
    sets = [data, *(_reference(data, rng) for _ in range(REFERENCES))]
    generators = [np.random.default_rng([seed, len(data), place]) for place in range(len(sets))]
    ours, *theirs = side_by_side(
        lambda each: _log_inertias(each[0], k_max, each[1]), zip(sets, generators, strict=True)
    )
    length = min(len(each) for each in [ours, *theirs])
    stacked = np.array([each[:length] for each in theirs])
    return Gap(
        gaps=stacked.mean(axis=0) - ours[:length],
        errors=stacked.std(axis=0) * np.sqrt(1 + 1 / REFERENCES),
    )


def _reference(data: FloatArray, rng: np.random.Generator) -> FloatArray:
    centred = data - data.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2]
    turned = centred @ axes.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    drawn: FloatArray = rng.uniform(size=turned.shape) * (high - low) + low
    return drawn


def _log_inertias(data: FloatArray, k_max: int, rng: np.random.Generator) -> FloatArray:
    """Ln W for k = 1, 2, ... as far as there are segments and inertia left."""
    found: list[float] = []
    for k in range(1, min(k_max, len(data)) + 1):
        starts = [np.random.default_rng(int(each)) for each in rng.integers(LARGEST_SEED, size=STARTS)]
        made: list[Partition | None] = [fit_plus_plus(data, k, start, TOLERANCE) for start in starts]
        inertias = [each.inertia for each in made if each is not None]
        if not inertias or min(inertias) <= 0:
            break
        found.append(float(np.log(min(inertias))))
    return np.array(found)
