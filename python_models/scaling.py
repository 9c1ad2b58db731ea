"""Scaling: bring the features to one scale, in a form that SQL can repeat. Touches nothing.

A scaling is a function from the imputed sample to a fitted `Scaler`, entered in `SCALINGS` under
the name a user types. The scaler hands out its parameters as named rows of one value per feature.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class Scaler(Protocol):
    """What a fitted scaling must offer."""

    def transform(self, values: FloatArray) -> FloatArray:
        """Scale values, shape (rows, features), without missing ones."""

    def components(self) -> Mapping[str, FloatArray]:
        """Name each parameter that scoring needs; arrays have shape (features,)."""


@dataclass(frozen=True)
class LinearScaler:
    """(value - center) / scale, per feature; both arrays have shape (features,), raw units."""

    center: FloatArray
    scale: FloatArray

    def transform(self, values: FloatArray) -> FloatArray:
        """Scale values, shape (rows, features), without missing ones."""
        scaled: FloatArray = (values - self.center) / self.scale
        return scaled

    def components(self) -> Mapping[str, FloatArray]:
        """Name the parameters: `center` and `scale`."""
        return {"center": self.center, "scale": self.scale}


def fit_standard(values: FloatArray) -> LinearScaler:
    """Zero mean and unit variance per column, as scikit-learn's StandardScaler does it.

    The scale is the population standard deviation (divisor n). A constant column is centred on its
    value and gets scale 1, so that it weighs nothing; so does one whose variance is no more than
    the rounding of its mean (scikit-learn's rule, `sklearn.preprocessing._data._is_constant_feature`).

    Args:
        values: shape (rows, features), at least one row, finite.

    """
    rows = len(values)
    lowest, highest = values.min(axis=0), values.max(axis=0)
    mean = values.mean(axis=0)
    variance = values.var(axis=0)
    eps = np.finfo(np.float64).eps
    rounding = rows * eps * variance + (rows * mean * eps) ** 2
    constant = (lowest == highest) | (variance <= rounding) | (variance < np.finfo(np.float64).tiny)
    # The mean of equal numbers may differ from them in the last digit; the number itself does not.
    center = np.where(lowest == highest, lowest, mean)
    scale = np.where(constant, 1.0, np.sqrt(variance))
    return LinearScaler(center, scale)


SCALINGS: Mapping[str, Callable[[FloatArray], Scaler]] = MappingProxyType({"standard": fit_standard})
