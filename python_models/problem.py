"""What every step of a training run works on: the settings, the customers to learn from, and what is valid.

Touches nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from python_models.autoencoder import PRESETS
from python_models.champion import Candidate, Gate
from python_models.kmeans import Partition
from python_models.measures import Measures, calinski_harabasz, davies_bouldin, mean, silhouettes
from python_models.sample import count_distinct
from python_models.settings import REPRESENTATIONS, Settings
from python_models.space import Space

FloatArray = NDArray[np.float64]

# Representations, the simplest first.
ORDER = (*REPRESENTATIONS, *PRESETS)


@dataclass(frozen=True)
class Problem:
    """The customers of the sample and what is asked of the segments.

    Attributes:
        settings: of the run.
        filled: shape (customers, features), imputed, raw units.
        common: shape (customers, ...), the common space, in which all candidates are measured.
        distances: shape (rows, rows), between the first customers in the common space.
        possible: the most segments that any space has different customers for.
    """

    settings: Settings
    filled: FloatArray
    common: FloatArray
    distances: FloatArray
    possible: int

    @property
    def gate(self) -> Gate:
        """What a candidate must hold to be chosen."""
        return Gate(self.settings.min_jaccard, self.settings.min_segment_share)

    @property
    def largest_k(self) -> int:
        """Largest k among the candidates: the one asked for, or candidates_k_max."""
        return max(self.settings.candidates_k_max, self.settings.k or 0)

    def check_k(self) -> None:
        """Raise ValueError for a K that no space has so many different customers for."""
        if self.settings.k is not None and self.settings.k > self.possible:
            raise self.too_many_segments()

    def too_many_segments(self) -> ValueError:
        """The error that says that there are not enough different customers."""
        asked, customers = self.settings.k, len(self.filled)
        if asked is None:
            return ValueError("the customers differ too little to be told apart: check the features' values")
        if customers < asked:
            why = f"there are only {customers} customers to learn from"
        else:
            why = (
                f"only {self.possible} segments can be told apart, since the other customers repeat their"
                " features"
            )
        return ValueError(f"K={asked}: {why}; give at most {self.possible}, or leave K out to have it chosen")

    def measures(self, partition: Partition) -> Measures:
        """Measure a partition of the first customers in the common space, its silhouette on fewer."""
        points = self.common[: len(partition.labels)]
        rows = min(len(self.distances), len(points))
        return Measures(
            silhouette=mean(silhouettes(self.distances[:rows, :rows], partition.labels[:rows])),
            davies_bouldin=davies_bouldin(points, partition.labels),
            calinski_harabasz=calinski_harabasz(points, partition.labels),
        )

    def eligible(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Candidates that have the k asked for; all of them where none was."""
        asked = self.settings.k
        return [each for each in candidates if asked is None or each.k == asked]


def most_distinct(spaces: Sequence[Space], settings: Settings) -> int:
    """The most different customers that any space has, counted up to the largest k that may be wanted."""
    wanted = max(settings.k_max, settings.k or 0)
    return max((count_distinct(space.points, wanted) for space in spaces), default=0)
