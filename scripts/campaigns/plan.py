"""What a campaign would be: counts, cost, what it can show, as lines of words. Reads temporary tables; writes nothing."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import duckdb

from scripts.base.statistics import POWER, customers_needed, power_of, smallest_uplift
from scripts.campaigns.settings import CampaignSettings
from scripts.intake.customer_ids import Match


@dataclass(frozen=True)
class CampaignPlan:
    """What was drawn.

    Attributes:
        segments: names by id.
        customers: in these segments.
        exclusions: customers per reason, in the order in which reasons are looked at.
        reasons: the reasons in words.
        objectors: customers of the portfolio without a segment because they object to profiling.
        unknown: how the ids of each list match, of those that are not all among the portfolio's customers.
        eligible: who is left, before the budget.
        treated: customers to contact.
        held_out: customers to compare them with.
        smallest_uplift: in points as a share, with power 0.8; None where no uplift can be shown.
        power_at_expected: chance to show the uplift hoped for.
        needed: customers needed to show it with power 0.8.
        warning: in words, or empty.
        folder: where the lists are.
    """

    segments: dict[int, str]
    customers: int
    exclusions: dict[str, int]
    reasons: dict[str, str]
    objectors: int
    unknown: list[Match]
    eligible: int
    treated: int
    held_out: int
    smallest_uplift: float | None
    power_at_expected: float
    needed: int
    warning: str
    folder: Path


def make_plan(
    connection: duckdb.DuckDBPyConnection,
    settings: CampaignSettings,
    segments: dict[int, str],
    words: dict[str, str],
    exclusions: dict[str, int],
    unknown: list[Match],
    eligible: int,
    folder: Path,
) -> CampaignPlan:
    """Say what was drawn into the temporary tables `selected` and `targets`, and what it can show."""
    customers = connection.execute("select count(*) from selected").fetchall()[0][0]
    arms = dict(connection.execute("select arm, count(*) from targets group by arm").fetchall())
    treated, held_out = arms["treatment"], arms["holdout"]
    objectors = connection.execute(
        "select count(*) from published.marts.customer_segments where status = 'suppressed'"
    ).fetchall()[0][0]
    possible = min(settings.expected_uplift, 1 - settings.base_rate - 1e-9)
    smallest = smallest_uplift(treated, held_out, settings.base_rate)
    power = power_of(treated, held_out, settings.base_rate, possible)
    needed = customers_needed(settings.base_rate, possible, settings.holdout)
    warning = ""
    if power < POWER:
        warning = words["campaign.hopeless" if power < POWER / 2 else "campaign.weak"].format(
            power=f"{power:.0%}",
            uplift=f"{100 * possible:.2g}",
            needed=f"{needed:,}",
            have=f"{treated + held_out:,}",
        )
    return CampaignPlan(
        segments=segments,
        customers=customers,
        exclusions=exclusions,
        reasons={reason: words[f"campaign.reason.{reason}"] for reason in exclusions},
        objectors=objectors,
        unknown=unknown,
        eligible=eligible,
        treated=treated,
        held_out=held_out,
        smallest_uplift=smallest,
        power_at_expected=power,
        needed=needed,
        warning=warning,
        folder=folder,
    )


def summary(plan: CampaignPlan, settings: CampaignSettings, now: dt.datetime) -> list[tuple[str, str]]:
    """The plan as lines of a heading and a text, for the terminal and the workbook."""
    smallest = "none" if plan.smallest_uplift is None else f"{100 * plan.smallest_uplift:.2f} points"
    lines = [
        ("campaign", f"{settings.name}, drawn {now:%Y-%m-%d %H:%M} UTC"),
        ("segments", ", ".join(f"{number} {name}" for number, name in plan.segments.items())),
        *([("moved", settings.moved)] if settings.moved else []),
        ("customers", f"{plan.customers:,}"),
        *((f"  left out: {plan.reasons[reason]}", f"{count:,}") for reason, count in plan.exclusions.items()),
        ("eligible", f"{plan.eligible:,}"),
    ]
    if plan.treated + plan.held_out < plan.eligible:
        lines.append(
            (
                "  within the budget",
                f"{plan.treated + plan.held_out:,} of the highest value, held out included",
            )
        )
    lines += [
        ("treatment", f"{plan.treated:,}, for {plan.treated * settings.cost:,.2f} in all"),
        ("holdout", f"{plan.held_out:,}"),
        ("smallest uplift it can show", f"{smallest} over a base of {settings.base_rate:.1%} (power 0.8)"),
        (
            f"chance to show {100 * settings.expected_uplift:g} points",
            f"{plan.power_at_expected:.0%}; {plan.needed:,} customers would have 80%",
        ),
    ]
    if plan.warning:
        lines.append(("warning", plan.warning))
    return lines
