"""What a campaign of given size can show, and what one has shown. Numbers in, numbers out; touches nothing.

The statistics are statsmodels' and scipy's; which ones, and why, stands at each function.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

POWER = 0.8
ALPHA = 0.05
# With fewer customers in an arm, or fewer responses in all, an interval says more about chance than about
# the offer.
FEWEST_IN_ARM = 20
# Share of campaigns without any effect that show one at one of so many looks at the 5% level, while responses come in; simulated,
# 20,000 each (scripts/benchmark/campaigns, docs/evidence.md).
FALSE_ALARMS = {
    1: 0.046, 2: 0.082, 3: 0.104, 4: 0.125, 5: 0.139, 6: 0.153, 8: 0.173, 12: 0.206, 26: 0.261, 52: 0.296
}  # fmt: skip
# Customers of an arm, to plan with.
FEWEST_PLANNED = 2


@dataclass(frozen=True)
class Effect:
    """A difference between treated and held out, with its interval and p-value (two-sided)."""

    estimate: float
    low: float
    high: float
    p_value: float


def comparisons_of(arms: int) -> int:
    """Comparisons of a campaign: each arm with the holdout, and each with each other."""
    return arms * (arms + 1) // 2


def level_of(comparisons: int) -> float:
    """Level of each of so many intervals intervals that together hold the truth at 95%: Bonferroni's.

    Dunn, Multiple comparisons among means, JASA 56, 1961.
    """
    return 1 - ALPHA / comparisons


def false_alarms_of(looks: int) -> float:
    """Share of campaigns without any effect that show one at one of so many looks, or of the next number that was simulated."""
    return FALSE_ALARMS[min((each for each in FALSE_ALARMS if each >= looks), default=max(FALSE_ALARMS))]


def best_holdout(arms: int) -> float:
    """Share held out that shows the smallest uplift of any of so many arms of one size: a half for one.

    Dunnett, A multiple comparison procedure for comparing several treatments with a control, JASA 50, 1955: the control
    as many times an arm as the root of their number.
    """
    return 1 / (1 + math.sqrt(arms))


def power_of(treated: int, held_out: int, base_rate: float, uplift: float, comparisons: int = 1) -> float:
    """Chance, 0 to 1, that a test of two proportions shows an uplift of this many points.

    Normal approximation with the pooled variance under no effect (statsmodels power_proportions_2indep), the
    formula of the usual tables; one of several comparisons is tested at ALPHA divided by their number.
    """
    from statsmodels.stats.proportion import power_proportions_2indep

    if min(treated, held_out) < 1 or uplift == 0:
        return ALPHA / comparisons
    found = power_proportions_2indep(
        uplift, base_rate, nobs1=treated, ratio=held_out / treated, alpha=ALPHA / comparisons, return_results=False
    )  # fmt: skip
    return float(found)


def smallest_uplift(treated: int, held_out: int, base_rate: float, comparisons: int = 1) -> float | None:
    """Smallest uplift in points (as a share) that is shown with power 0.8; None where none up to 1 is.

    Args:
        treated: customers who get the offer.
        held_out: customers who do not.
        base_rate: share that responds without the offer, above 0 and below 1.
        comparisons: of how many this is one.
    """
    from scipy.optimize import brentq

    most = 1 - base_rate - 1e-9
    if (
        min(treated, held_out) < FEWEST_PLANNED
        or power_of(treated, held_out, base_rate, most, comparisons) < POWER
    ):
        return None
    found = brentq(
        lambda uplift: power_of(treated, held_out, base_rate, uplift, comparisons) - POWER, 1e-6, most
    )
    return float(found)


def customers_needed(base_rate: float, uplift: float, holdout: float, arms: int = 1) -> int:
    """Customers in all arms and the holdout together for power 0.8 at this uplift and share held out."""
    from scipy.optimize import brentq

    def missing(total: float) -> float:
        return power_of_size(total, base_rate, uplift, holdout, arms) - POWER

    fewest = FEWEST_PLANNED * (arms + 1)
    # An uplift as large as may be is shown by the fewest that there can be.
    return fewest if missing(fewest) >= 0 else math.ceil(float(brentq(missing, fewest, 1e18)))


def power_of_size(total: float, base_rate: float, uplift: float, holdout: float, arms: int = 1) -> float:
    """Power with `total` customers of whom a share `holdout` is held out; total need not be whole.

    Several arms are of one size, and each is corrected for all comparisons.
    """
    from statsmodels.stats.proportion import power_proportions_2indep

    return float(
        power_proportions_2indep(
            uplift, base_rate, nobs1=total * (1 - holdout) / arms, ratio=arms * holdout / (1 - holdout),
            alpha=ALPHA / comparisons_of(arms), return_results=False,
        )
    )  # fmt: skip


def response_intervals(
    treated: int, responded: IntArray | int, held_out: int, held_out_responded: IntArray | int, level: float
) -> tuple[FloatArray, FloatArray]:
    """Intervals of the difference in response rates of one campaign or an array of them; arguments as of response_effect.

    Newcombe's hybrid score interval (statsmodels confint_proportions_2indep), which keeps its level in small
    arms and at rates near 0, where Wald's is too short.
    """
    from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = confint_proportions_2indep(
        responded, treated, held_out_responded, held_out, method="newcomb", compare="diff", alpha=1 - level
    )
    return low, high


def response_interval(
    treated: int, responded: int, held_out: int, held_out_responded: int, level: float
) -> tuple[float, float]:
    """The same of one campaign, as numbers."""
    low, high = response_intervals(treated, responded, held_out, held_out_responded, level)
    return float(low), float(high)


def response_effect(
    treated: int, responded: int, held_out: int, held_out_responded: int, level: float
) -> Effect:
    """Difference in response rates with Newcombe's interval, and the p-value that goes with it.

    The p-value is one minus the level at which the interval begins to hold 0, so that the two never disagree: a difference
    is shown at 5% exactly where the 95% interval leaves 0 out.

    Args:
        treated: customers who got the offer.
        responded: of these, who responded.
        held_out: customers who did not get it.
        held_out_responded: of these, who responded.
        level: of the interval, such as 0.95.
    """
    low, high = response_interval(treated, responded, held_out, held_out_responded, level)
    estimate = responded / treated - held_out_responded / held_out

    def interval(at: float) -> tuple[float, float]:
        return response_interval(treated, responded, held_out, held_out_responded, at)

    return Effect(estimate, low, high, _p_value(interval, estimate))


def _p_value(interval: Callable[[float], tuple[float, float]], estimate: float) -> float:
    """One minus the level at which an interval begins to hold 0; interval: its ends by its level."""
    from scipy.optimize import brentq
    from scipy.stats import norm

    if estimate == 0:
        return 1.0

    def nearest_end(z: float) -> float:
        """The end of the interval on the side of 0, as far from 0 as the estimate is when z is 0."""
        ends = interval(1 - 2 * float(norm.sf(z)))
        return ends[0] if estimate > 0 else -ends[1]

    # Beyond it levels cannot be told from 1.
    furthest = 8.0
    if nearest_end(furthest) > 0:
        return 2 * float(norm.sf(furthest))
    return 2 * float(norm.sf(brentq(nearest_end, 1e-9, furthest)))


@dataclass(frozen=True)
class ArmValues:
    """What an interval of value needs of an arm: customers, sum and sum of squares, of one campaign or an array of campaigns."""

    customers: int
    total: FloatArray | float
    squares: FloatArray | float


def value_interval(treated: ArmValues, held_out: ArmValues, level: float) -> tuple[FloatArray, FloatArray]:
    """Interval of the difference of mean value per customer, for values that are not below 0.

    Newcombe's hybrid of two intervals of means (Zou, Donner, Construction of confidence limits about effect measures, Statistics
    in Medicine 27, 2008). Each of these is Wilson's score interval on the scale of c, the sum of squares over the sum: the variance of
    a mean m of values most of which are 0 is m (c - m) / customers, as that of a share is where c is 1. So it is Newcombe's interval
    for response rates, times the value, where all responders bring the same, and it knows that an arm of which few or none
    responded might have brought more, where Welch's interval takes what it saw for all there is (docs/evidence.md). c is that of both
    arms together, or the arm's own where that is larger.
    """
    from scipy.stats import norm

    z = float(norm.isf((1 - level) / 2))
    pooled = (treated.squares + held_out.squares) / (treated.total + held_out.total)
    means, ends = [], []
    for arm in (treated, held_out):
        own = arm.squares / np.maximum(arm.total, np.finfo(float).tiny)
        scale, mean = np.maximum(pooled, own), arm.total / arm.customers
        share, shrunk = mean / scale, 1 + z**2 / arm.customers
        middle = share + z**2 / (2 * arm.customers)
        reach = z * np.sqrt(
            np.maximum(share * (1 - share), 0) / arm.customers + z**2 / (4 * arm.customers**2)
        )
        means.append(mean)
        ends.append((scale * (middle - reach) / shrunk, scale * (middle + reach) / shrunk))
    difference = means[0] - means[1]
    (low, high), (other_low, other_high) = ends
    return (
        difference - np.hypot(means[0] - low, other_high - means[1]),
        difference + np.hypot(high - means[0], means[1] - other_low),
    )


def value_effect(treated: FloatArray, held_out: FloatArray, level: float) -> Effect | None:
    """Difference of mean value per customer, with value_interval and the p-value that goes with it.

    Where a value is below 0, as where money was given back, Welch's interval and test (scipy ttest_ind, unequal variances).

    Args:
        treated: value of each treated customer, money, 0 for who did not respond.
        held_out: the same of those held out.
        level: of the interval.

    Returns:
        None where all values are the same, or an arm has fewer than two customers.
    """
    from scipy.stats import ttest_ind

    if min(len(treated), len(held_out)) < 2 or (np.ptp(treated) == 0 and np.ptp(held_out) == 0):
        return None
    estimate = float(treated.mean() - held_out.mean())
    if min(treated.min(), held_out.min()) < 0:
        found = ttest_ind(treated, held_out, equal_var=False)
        ends = found.confidence_interval(level)
        return Effect(estimate, float(ends.low), float(ends.high), float(found.pvalue))
    one, other = (
        ArmValues(len(each), float(each.sum()), float((each**2).sum())) for each in (treated, held_out)
    )

    def interval(at: float) -> tuple[float, float]:
        low, high = value_interval(one, other, at)
        return float(low), float(high)

    low, high = interval(level)
    return Effect(estimate, low, high, _p_value(interval, estimate))


def corrected(p_values: Sequence[float]) -> list[float]:
    """Bonferroni's correction of p-values for their number, as level_of is that of the intervals beside them."""
    return [min(1.0, len(p_values) * p) for p in p_values]
