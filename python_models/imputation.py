"""Missing values: the median of the sample stands in for them. Touches nothing but its arguments."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Imputer:
    """A value per feature for the rows that lack it; `median` has shape (features,), raw units."""

    median: FloatArray

    def transform(self, values: FloatArray) -> FloatArray:
        """Return values, shape (rows, features), with every NaN replaced by its column's median."""
        filled: FloatArray = np.where(np.isnan(values), self.median, values)
        return filled


def fit_median(values: FloatArray) -> Imputer:
    """Take the median of each column's present values; a column without any gets 0.

    The median rather than the mean: card features are skewed, and a mean lies where few customers
    are. Missing minimum payments mean that nothing was due; they are 0 before they come here.

    values: shape (rows, features), NaN where missing.
    """
    median = np.zeros(values.shape[1])
    present = ~np.isnan(values).all(axis=0)
    if present.any():
        median[present] = np.nanmedian(values[:, present], axis=0)
    return Imputer(median)
