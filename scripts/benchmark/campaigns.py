"""How far results of campaigns can be relied on: intervals, false alarms with arms and looks, value expected and realised.

    python -m scripts.benchmark.campaigns [SEED=1] [CAMPAIGNS=20000] [OUT=data/bench]

Every line is a number of simulated campaigns whose truth is known: responses are binomial, a responder's value is exponential, and what
is asked of each is what `make campaign-results` asks (scripts/base/statistics): Newcombe's interval for responses, its like for
value, beside which Welch's stands, and Bonferroni's level for several comparisons, for all campaigns at once. One generator, seeded by SEED and the line's
place, draws each line, so that a line does not depend on those above it.

Looks: responses come evenly until the last look, and each look tests what has come so far; a campaign counts where any
look shows an effect, though there is none. Plans: both arms have half of the customers; what a campaign realised is the value of those who
responded because of the offer, less the cost of all contacts, and what it measured is what its results would say.

Writes `campaigns_<campaigns>_<seed>.md` below OUT, the text it also prints.
"""

import datetime as dt
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from python_models.settings import Parameter
from python_models.typed import Range
from scripts.base.errors import UserError
from scripts.base.parameters import read_declared
from scripts.base.statistics import (
    ArmValues,
    best_holdout,
    comparisons_of,
    level_of,
    power_of,
    response_intervals,
    value_interval,
)
from scripts.benchmark.measuring import made_folder

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ARGUMENTS = {
    "seed": Parameter(1, "Of every draw.", range=Range(least=0, most=10_000, is_whole=True)),
    "campaigns": Parameter(
        20_000, "Simulated for each line.", range=Range(least=100, most=1_000_000, is_whole=True)
    ),
    "out": Parameter("data/bench", "Folder of the text."),
}
LEVEL = level_of(1)
# Customers in both arms, base rate and uplift.
COVERED = (
    (900, 200, 0.05, 0.02), (900, 100, 0.02, 0.0), (900, 60, 0.30, 0.10), (500, 500, 0.05, 0.01),
    (8158, 8158, 0.05, 0.01), (20, 20, 0.05, 0.0), (20_000, 2_000, 0.005, 0.002),
)  # fmt: skip
# Without effect: arms, segments, customers in each segment; 5% respond.
FAMILIES = ((1, 1, 1000), (1, 6, 1000), (2, 1, 3000), (3, 1, 4000), (5, 1, 6000), (3, 6, 4000))
LOOKS = (1, 2, 3, 4, 5, 6, 8, 12, 26, 52)
LOOKED_AT = 5000
# Base rates of strata of so many customers each, as segments and value bands are; so many of each are held out.
STRATA, STRATUM, STRATUM_HELD_OUT = np.linspace(0.01, 0.3, 18), 100, 30
# Customers in both arms and the uplift there is; planned are one point over 5%, USD 30 a responder, 0.05 a contact.
PLANS = ((2000, 0.01), (16_316, 0.01), (16_316, 0.005), (16_316, 0.0))
BASE, PLANNED, VALUE, COST = 0.05, 0.01, 30.0, 0.05
# Values are drawn for so many campaigns at a time.
BATCH = 500


def welch(treated: ArmValues, held_out: ArmValues, level: float) -> tuple[FloatArray, FloatArray]:
    """Welch's interval of the difference of means, which value_interval is held against."""
    from scipy.stats import t

    parts = [
        (each.squares - each.total**2 / each.customers) / (each.customers - 1) / each.customers
        for each in (treated, held_out)
    ]
    total = np.maximum(parts[0] + parts[1], 1e-300)
    degrees = total**2 / np.maximum(
        parts[0] ** 2 / (treated.customers - 1) + parts[1] ** 2 / (held_out.customers - 1), 1e-300
    )
    reach = t.ppf((1 + level) / 2, np.maximum(degrees, 1.0)) * np.sqrt(total)
    difference = treated.total / treated.customers - held_out.total / held_out.customers
    return difference - reach, difference + reach


def drawn_values(
    generator: np.random.Generator, customers: int, responded: IntArray, mean: float
) -> tuple[ArmValues, FloatArray, IntArray]:
    """Values of an arm of which so many responded in each campaign; with every responder's value and campaign."""
    values = generator.exponential(mean, int(responded.sum()))
    campaign = np.repeat(np.arange(len(responded)), responded)
    sums, squares = (
        np.bincount(campaign, each, len(responded)).astype(np.float64) for each in (values, values**2)
    )
    return ArmValues(customers, sums, squares), values, campaign


def covered(
    generator: np.random.Generator, campaigns: int, case: tuple[int, int, float, float]
) -> list[float]:
    """Shares of campaigns whose intervals hold the truth, and that show an effect.

    In this order: the interval of responses, of value, Welch's of value, effects shown; Welch's is above the truth, so that it would
    see value that is not there; value_interval is.
    """
    treated, held_out, base, uplift = case
    counts = np.zeros(6, dtype=np.int64)
    worth = uplift * VALUE
    for size in _batches(campaigns):
        responded = generator.binomial(treated, base + uplift, size)
        others = generator.binomial(held_out, base, size)
        low, high = response_intervals(treated, responded, held_out, others, LEVEL)
        arms = (
            drawn_values(generator, treated, responded, VALUE)[0],
            drawn_values(generator, held_out, others, VALUE)[0],
        )
        # Where nobody responded in either arm there is nothing to compare.
        with np.errstate(invalid="ignore"):
            own, welchs = value_interval(*arms, LEVEL), welch(*arms, LEVEL)
        nothing = arms[0].total + arms[1].total == 0
        held = [(ends[0] <= worth) & (worth <= ends[1]) | nothing for ends in (own, welchs)]
        counts += [
            int(each.sum())
            for each in (
                (low <= uplift) & (uplift <= high), held[0], held[1], (low > 0) | (high < 0),
                welchs[0] > worth, own[0] > worth,
            )
        ]  # fmt: skip
    return [float(each) for each in counts / campaigns]


def arm_sizes(arms: int, customers: int) -> list[int]:
    """Customers of the holdout, which is the best for so many arms, and of each arm."""
    held_out = round(best_holdout(arms) * customers)
    return [held_out, *[(customers - held_out) // arms] * arms]


def false_alarms(
    generator: np.random.Generator, campaigns: int, arms: int, segments: int, customers: int
) -> tuple[float, float]:
    """Shares of campaigns without any effect that show one somewhere: without a correction, and with the job's."""
    sizes = arm_sizes(arms, customers)
    alarms = np.zeros((2, campaigns), dtype=bool)
    level = level_of(comparisons_of(arms) * segments)
    for _ in range(segments):
        responded = [generator.binomial(size, BASE, campaigns) for size in sizes]
        for one, other in combinations(range(arms + 1), 2):
            for place, each in enumerate((LEVEL, level)):
                low, high = response_intervals(
                    sizes[one], responded[one], sizes[other], responded[other], each
                )
                alarms[place] |= (low > 0) | (high < 0)
    return float(alarms[0].mean()), float(alarms[1].mean())


def looked_at(generator: np.random.Generator, campaigns: int, looks: int, arms: int) -> float:
    """Share of campaigns without any effect that show one at one look or more."""
    sizes = arm_sizes(arms, LOOKED_AT)
    level = level_of(comparisons_of(arms))
    shares = [BASE / looks] * looks
    # By arm and look, who has responded so far.
    responded = [
        generator.multinomial(size, [*shares, 1 - BASE], campaigns)[:, :looks].cumsum(axis=1)
        for size in sizes
    ]
    alarm = np.zeros(campaigns, dtype=bool)
    for one, other in combinations(range(arms + 1), 2):
        low, high = response_intervals(sizes[one], responded[one], sizes[other], responded[other], level)
        alarm |= ((low > 0) | (high < 0)).any(axis=1)
    return float(alarm.mean())


def drawn_within_strata(generator: np.random.Generator, campaigns: int) -> tuple[float, float]:
    """Shares of campaigns without any effect that show one: held out within strata, as the job does, and across all of them."""
    size, rates = len(STRATA) * STRATUM, np.repeat(STRATA, STRATUM)
    held_out = len(STRATA) * STRATUM_HELD_OUT
    alarms = [0, 0]
    for batch in _batches(campaigns):
        responds = generator.random((batch, size)) < rates
        lots = generator.random((batch, size))
        for place, groups in enumerate((len(STRATA), 1)):
            # The place of each customer's lot in its group.
            turn = lots.reshape(batch, groups, -1).argsort(axis=2).argsort(axis=2).reshape(batch, size)
            is_held_out = turn < held_out // groups
            others = (responds & is_held_out).sum(axis=1)
            low, high = response_intervals(
                size - held_out, responds.sum(axis=1) - others, held_out, others, LEVEL
            )
            alarms[place] += int(((low > 0) | (high < 0)).sum())
    return alarms[0] / campaigns, alarms[1] / campaigns


@dataclass(frozen=True)
class Realised:
    """A plan and what came of it in many campaigns; money."""

    customers: int
    uplift: float
    expected: float
    realised: FloatArray
    measured: FloatArray
    paid: NDArray[np.bool_]
    uplift_shown: NDArray[np.bool_]
    measured_uplift: FloatArray


def realised(generator: np.random.Generator, campaigns: int, customers: int, uplift: float) -> Realised:
    """Carry a plan out many times, with an uplift that may be another than the planned one."""
    half = customers // 2
    parts = []
    for size in _batches(campaigns):
        of_offer = generator.binomial(half, uplift, size)
        # Who responds without the offer is drawn among the others of the arm.
        responded = of_offer + generator.binomial(half - of_offer, BASE / (1 - uplift))
        others = generator.binomial(half, BASE, size)
        treated, values, campaign = drawn_values(generator, half, responded, VALUE)
        held_out, _, _ = drawn_values(generator, half, others, VALUE)
        # The first of a campaign's responders stand for those of the offer: values are drawn alike.
        first = np.arange(len(values)) - np.repeat(np.cumsum(responded) - responded, responded)
        added = np.bincount(campaign, values * (first < of_offer[campaign]), size)
        low, _ = value_interval(treated, held_out, LEVEL)
        shown, _ = response_intervals(half, responded, half, others, LEVEL)
        parts.append(
            np.stack(
                [
                    added - half * COST,
                    treated.total - held_out.total - half * COST,
                    half * (low - COST) > 0,
                    shown > 0,
                    (responded - others) / half,
                ]
            )
        )
    added, measured, paid, shown, measured_uplift = np.concatenate(parts, axis=1)
    expected = half * (PLANNED * VALUE - COST)
    return Realised(customers, uplift, expected, added, measured, paid > 0, shown > 0, measured_uplift)


def _batches(campaigns: int) -> list[int]:
    return [min(BATCH, campaigns - start) for start in range(0, campaigns, BATCH)]


def words(seed: int, campaigns: int) -> str:
    """Simulate all lines and say what came of them."""
    lines = [
        f"Measured by `python -m scripts.benchmark.campaigns SEED={seed} CAMPAIGNS={campaigns}`, {dt.datetime.now(dt.UTC):%Y-%m-%d},"
        f" {platform.system()} {platform.machine()}, NumPy {np.__version__}: {campaigns:,} campaigns a line.",
        "",
        "| treated | held out | base | uplift | interval holds it | of value | Welch's of value | effect shown | Welch's too high |"
        " of value too high |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    # A line's place is counted through the whole text.
    places = iter(range(1_000))

    def generator() -> np.random.Generator:
        return np.random.default_rng([seed, next(places)])

    for case in COVERED:
        shares = " | ".join(f"{share:.1%}" for share in covered(generator(), campaigns, case))
        lines.append(f"| {case[0]:,} | {case[1]:,} | {case[2]:.1%} | {100 * case[3]:g} | {shares} |")
    lines += [
        "",
        "| arms | segments | comparisons | called an effect, uncorrected | corrected |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    for arms, segments, customers in FAMILIES:
        uncorrected, corrected = false_alarms(generator(), campaigns, arms, segments, customers)
        comparisons = comparisons_of(arms) * segments
        lines.append(f"| {arms} | {segments} | {comparisons} | {uncorrected:.1%} | {corrected:.1%} |")
    lines += ["", "| looks | one offer | two arms, corrected |", "| ---: | ---: | ---: |"]
    for looks in LOOKS:
        shares = " | ".join(f"{looked_at(generator(), campaigns, looks, arms):.1%}" for arms in (1, 2))
        lines.append(f"| {looks} | {shares} |")
    lines += [
        "",
        "| customers | uplift, planned 1 | power | expected | realised, mean | 5% to 95% | measured, 5% to 95% | it paid | shown |"
        " measured uplift where shown |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for customers, uplift in PLANS:
        lines.append(_plan_line(realised(generator(), campaigns, customers, uplift)))
    within, across = drawn_within_strata(generator(), campaigns)
    lines += [
        "",
        f"{len(STRATA)} strata of {STRATUM} customers, {STRATUM_HELD_OUT} of each held out, whose rates go from {STRATA[0]:.0%} to"
        f" {STRATA[-1]:.0%}: {within:.1%} called an effect where the draw is within strata, {across:.1%} where it is across them.",
    ]
    return "\n".join(lines) + "\n"


def _plan_line(found: Realised) -> str:
    half = found.customers // 2
    power = f"{power_of(half, half, BASE, found.uplift):.0%}" if found.uplift else ""
    spread = [
        " to ".join(f"{end:,.0f}" for end in np.quantile(each, [0.05, 0.95]))
        for each in (found.realised, found.measured)
    ]
    overstated = found.measured_uplift[found.uplift_shown].mean() if found.uplift_shown.any() else 0.0
    return (
        f"| {found.customers:,} | {100 * found.uplift:g} | {power} | {found.expected:,.0f} | {found.realised.mean():,.0f} |"
        f" {spread[0]} | {spread[1]} | {found.paid.mean():.1%} | {found.uplift_shown.mean():.1%} | {100 * overstated:.2f} |"
    )


def main(arguments: Sequence[str]) -> int:
    """Simulate, print and write the text; return the exit code."""
    try:
        values = read_declared(arguments, ARGUMENTS)
        out = made_folder("OUT", values["out"])
        text = words(values["seed"], values["campaigns"])
        (out / f"campaigns_{values['campaigns']}_{values['seed']}.md").write_text(text, encoding="utf-8")
        print(text, end="")
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
