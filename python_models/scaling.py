"""Scaling: bring the features to one scale, in a form that SQL can repeat. Touches nothing.

A scaling is a function from the imputed sample to a fitted `Scaler`, entered in `SCALINGS` under
the name a user types. The scaler hands out its parameters as named rows of one value per feature.
Every scaling ends with (value - center) / scale, so that scoring differs only in what comes before:

- standard, robust: nothing;
- log_standard: sign(value) * ln(1 + |value| / unit) where `log` is 1;
- quantile: the piecewise linear distribution function through the knots.

Rescaling a feature (another currency) changes none of the scaled values: each `unit`, knot, centre
and scale follows the feature. That is why the logarithm is taken of value / unit: a plain log1p would
give a portfolio in yen other segments than the same portfolio in euros.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# A column is taken as skewed above this skewness (Bulmer 1979: beyond 1 is highly skewed), ...
SKEWED = 1.0
# ... and logged where the logarithm brings its skewness to this share of what it was, or nearer to 0.
SKEWNESS_LEFT = 0.5
# The unit of the logarithm: this share of the median of the values other than 0. Far below it the
# scale is linear, so that a cent is not far from nothing; above it, it is logarithmic.
LOG_UNIT = 0.1
# A unit is at least this share of the largest value, so that no quotient leaves the range of a double.
SMALLEST_UNIT = 1e-9
# Interquartile range of a normal distribution with unit variance.
NORMAL_IQR = 1.3489795003921634
# Knots of the distribution function: every 5%. Each is a parameter, called by its percent.
KNOTS = 21
KNOT = "knot_"


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


@dataclass(frozen=True)
class LogScaler:
    """A signed logarithm of some columns, then a linear scaling of all.

    Attributes:
        log: shape (features,), 1 where the column is logged, else 0.
        unit: shape (features,), raw units, above 0: the value whose logarithm is ln 2; 1 where log is 0.
        linear: the scaling of what the logarithm left.
    """

    log: FloatArray
    unit: FloatArray
    linear: LinearScaler

    def transform(self, values: FloatArray) -> FloatArray:
        """Scale values, shape (rows, features), without missing ones."""
        logged = np.where(self.log == 1, signed_log(values, self.unit), values)
        return self.linear.transform(logged)

    def components(self) -> Mapping[str, FloatArray]:
        """Name the parameters: `log`, `unit`, `center` and `scale`."""
        return {"log": self.log, "unit": self.unit, **self.linear.components()}


@dataclass(frozen=True)
class QuantileScaler:
    """The share of customers at or below a value, 0 to 1, then a linear scaling.

    The share is the mean over all pairs of neighbouring knots a <= b of: 0 below a, 1 above b,
    (value - a) / (b - a) between; and 1/2 on the spot where a = b, so that the many customers who
    share a value, such as 0, stand at the middle of their ranks.

    Attributes:
        knots: shape (KNOTS, features), raw units, never falling.
        linear: the scaling of the shares.
    """

    knots: FloatArray
    linear: LinearScaler

    def transform(self, values: FloatArray) -> FloatArray:
        """Scale values, shape (rows, features), without missing ones."""
        return self.linear.transform(shares_below(values, self.knots))

    def components(self) -> Mapping[str, FloatArray]:
        """Name the parameters: `knot_00`, `knot_05`, ... `knot_100` in percent, `center` and `scale`."""
        step = 100 // (KNOTS - 1)
        named = {f"{KNOT}{place * step:02d}": knots for place, knots in enumerate(self.knots)}
        return {**named, **self.linear.components()}


def scaler_from_components(components: Mapping[str, FloatArray]) -> Scaler:
    """Build the scaling whose `components` these are; arrays have shape (features,).

    Raises KeyError where one is missing.
    """
    linear = LinearScaler(components["center"], components["scale"])
    if "log" in components:
        return LogScaler(components["log"], components["unit"], linear)
    knots = [name for name in components if name.startswith(KNOT)]
    if knots:
        by_percent = sorted(knots, key=lambda name: int(name.removeprefix(KNOT)))
        return QuantileScaler(np.array([components[name] for name in by_percent]), linear)
    return linear


def signed_log(values: FloatArray, unit: FloatArray) -> FloatArray:
    """sign(value) * ln(1 + |value| / unit), per column.

    values: shape (rows, features); unit: shape (features,), in the units of the feature.
    """
    logged: FloatArray = np.sign(values) * np.log1p(np.abs(values) / unit)
    return logged


def shares_below(values: FloatArray, knots: FloatArray) -> FloatArray:
    """Evaluate the piecewise linear distribution function of each column, see `QuantileScaler`.

    values: shape (rows, features); knots: shape (KNOTS, features). Returns shape (rows, features), 0 to 1.
    """
    total = np.zeros_like(values)
    for low, high in pairwise(knots):
        width = high - low
        step = np.where(values > high, 1.0, np.where(values < low, 0.0, 0.5))
        ramp = np.clip((values - low) / np.where(width > 0, width, 1.0), 0.0, 1.0)
        total += np.where(width > 0, ramp, step)
    return total / (len(knots) - 1)


def skewness(values: FloatArray) -> FloatArray:
    """Skewness of each column, the third central moment over the deviation cubed (scipy.stats.skew).

    A constant column has skewness 0.

    values: shape (rows, features). Returns shape (features,).
    """
    standard = fit_standard(values).transform(values)
    cubed: FloatArray = (standard**3).mean(axis=0)
    return cubed


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


def fit_log_standard(values: FloatArray) -> LogScaler:
    """Take the logarithm of the skewed columns, then zero mean and unit variance.

    Which columns are skewed is measured: skewness above 1 (a tail of large values), and the
    logarithm at least halves it. Frequencies and tenure stay as they are by that rule, not by name.

    values: shape (rows, features), in the units of the features.
    """
    unit = _log_unit(values)
    before, after = np.abs(skewness(values)), np.abs(skewness(signed_log(values, unit)))
    skewed = (skewness(values) > SKEWED) & (after <= SKEWNESS_LEFT * before)
    unit = np.where(skewed, unit, 1.0)
    logged = np.where(skewed, signed_log(values, unit), values)
    return LogScaler(skewed.astype(np.float64), unit, fit_standard(logged))


def fit_robust(values: FloatArray) -> LinearScaler:
    """Median 0, and the interquartile range of a normal distribution with unit variance.

    A column whose middle half is one value (most customers have no cash advance) has no interquartile
    range; it falls back to its standard deviation, and a constant column to 1.

    values: shape (rows, features), in the units of the features.
    """
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
    fallback = fit_standard(values)
    spread = high - low
    # A range within the rounding of the values is none.
    has_range = (spread > 0) & (fallback.scale != 1.0) & (spread > 1e-9 * np.abs(values).max(axis=0))
    constant = values.min(axis=0) == values.max(axis=0)
    return LinearScaler(
        np.where(constant, fallback.center, median),
        np.where(has_range, spread / NORMAL_IQR, fallback.scale),
    )


def fit_quantile(values: FloatArray) -> QuantileScaler:
    """Shares of customers at or below each value, through 21 knots, then zero mean and unit variance.

    values: shape (rows, features), in the units of the features.
    """
    # `lower` takes values that occur: interpolation would blur the ties.
    knots = np.quantile(values, np.linspace(0, 1, KNOTS), axis=0, method="lower")
    return QuantileScaler(knots, fit_standard(shares_below(values, knots)))


def _log_unit(values: FloatArray) -> FloatArray:
    size = np.abs(values)
    units = np.ones(values.shape[1])
    for place, column in enumerate(size.T):
        present = column[column > 0]
        if len(present):
            units[place] = max(LOG_UNIT * float(np.median(present)), SMALLEST_UNIT * float(present.max()))
    return np.where(units > 0, units, 1.0)


SCALINGS: Mapping[str, Callable[[FloatArray], Scaler]] = MappingProxyType(
    {
        "standard": fit_standard,
        "log_standard": fit_log_standard,
        "robust": fit_robust,
        "quantile": fit_quantile,
    }
)
