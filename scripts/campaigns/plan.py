"""What a campaign would be: counts, cost, what it can show, as lines of words. Reads temporary tables; writes nothing."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import duckdb

from scripts.base.statistics import (
    POWER,
    best_holdout,
    comparisons_of,
    customers_needed,
    power_of,
    smallest_uplift,
)
from scripts.campaigns.layout import OTHER, channels_of
from scripts.campaigns.register import HOLDOUT, Words
from scripts.campaigns.settings import CampaignSettings
from scripts.campaigns.terms import Terms
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
        arms: the same by version of the offer.
        held_out: customers to compare them with.
        smallest_uplift: in points as a share, with power 0.8, of the smallest arm over the holdout, corrected for all
            comparisons where there are several arms; None where no uplift can be shown.
        smallest_by_arm: the same of each arm.
        smallest_difference: between the two smallest arms; None where there is one, or no difference can be shown.
        power_at_expected: chance to show the uplift hoped for, of the smallest arm.
        needed: customers needed to show it with power 0.8.
        warning: in words, or empty.
        folder: where the lists are.
        channels: customers to contact by channel, None where none is known.
        mailings: the lists of whom to contact, each with its condition on the view `mailed`.
        cost: money per contact.
        holdout: share held out.
        base_rate: share that is taken to respond without the offer.
        expected_uplift: the uplift hoped for, in points as a share.
        expected_net: money that is expected to be left after costs; None where a value is unknown.
        verdict: as in segment_playbook, for this campaign.
        verdict_words: the same in words.
        currency: of the money.
        notes: what was decided where parameters were left out.
        words: of the published language, by key.
    """

    segments: dict[int, str]
    customers: int
    exclusions: dict[str, int]
    reasons: dict[str, str]
    objectors: int
    unknown: list[Match]
    eligible: int
    treated: int
    arms: dict[str, int]
    held_out: int
    smallest_uplift: float | None
    smallest_by_arm: dict[str, float | None]
    smallest_difference: float | None
    power_at_expected: float
    needed: int
    warning: str
    folder: Path
    channels: dict[str | None, int]
    mailings: dict[str, str]
    cost: float
    holdout: float
    base_rate: float
    expected_uplift: float
    expected_net: float | None
    verdict: str
    verdict_words: str
    currency: str
    notes: tuple[str, ...]
    words: Words

    def counts(self) -> tuple[object, ...]:
        """What a person agrees to: who is contacted, held out and left out, in numbers."""
        return self.segments, self.exclusions, self.eligible, self.arms, self.held_out, self.cost

    def planned_with(self) -> dict[str, object]:
        """What the register keeps beside the parameters: what was decided where one was left out, and customers by arm."""
        return {
            "cost": self.cost, "holdout": self.holdout, "base_rate": self.base_rate,
            "expected_uplift": self.expected_uplift, "arm_sizes": self.arms,
        }  # fmt: skip


def make_plan(
    connection: duckdb.DuckDBPyConnection,
    settings: CampaignSettings,
    segments: dict[int, str],
    words: Words,
    exclusions: dict[str, int],
    unknown: list[Match],
    eligible: int,
    folder: Path,
    terms: Terms,
    holdout: float,
    reason: str,
) -> CampaignPlan:
    """Say what was drawn into the temporary tables `selected` and `targets`, and what it can show.

    reason: where the share held out comes from, in words or empty.
    """
    customers = connection.execute("select count(*) from selected").fetchall()[0][0]
    sizes: dict[str, int] = dict(
        connection.execute("select arm, count(*) from targets group by arm").fetchall()
    )
    held_out = sizes[HOLDOUT]
    channels = channels_of(connection, "targets")
    arms = {arm: sizes[arm] for arm in settings.arms}
    treated, least, comparisons = sum(arms.values()), min(arms.values()), comparisons_of(len(arms))
    objectors = connection.execute(
        "select count(*) from published.marts.customer_segments where status = 'suppressed'"
    ).fetchall()[0][0]
    possible, base_rate = terms.possible_uplift, terms.base_rate
    smallest = {arm: smallest_uplift(size, held_out, base_rate, comparisons) for arm, size in arms.items()}
    power = power_of(least, held_out, base_rate, possible, comparisons)
    needed = customers_needed(base_rate, possible, holdout, len(arms))
    warning = ""
    if power < POWER:
        warning = words.say(
            "hopeless" if power < POWER / 2 else "weak",
            power=f"{power:.0%}",
            uplift=f"{100 * possible:.2g}",
            needed=f"{needed:,}",
            have=f"{treated + held_out:,}",
        )
        warning += " " + _advice(terms, holdout, len(arms), treated + held_out, words)
    net = _expected_net(connection, terms, possible, terms.cost)
    at_best = customers_needed(base_rate, possible, best_holdout(len(arms)), len(arms))
    verdict = (
        "unknown" if net is None
        else "loses_money" if net <= 0
        else "too_small" if treated + held_out < at_best
        else "worth_testing"
    )  # fmt: skip
    return CampaignPlan(
        segments=segments,
        customers=customers,
        exclusions=exclusions,
        reasons={reason: words.say(f"reason.{reason}") for reason in exclusions},
        objectors=objectors,
        unknown=unknown,
        eligible=eligible,
        treated=treated,
        arms=arms,
        held_out=held_out,
        smallest_uplift=smallest[min(arms, key=arms.__getitem__)],
        smallest_by_arm=smallest,
        smallest_difference=(
            smallest_uplift(least, least, base_rate, comparisons) if len(arms) > 1 else None
        ),
        power_at_expected=power,
        needed=needed,
        warning=warning,
        folder=folder,
        channels=channels,
        mailings=settings.layout.mailings(list(channels)),
        cost=terms.cost,
        holdout=holdout,
        base_rate=base_rate,
        expected_uplift=terms.expected_uplift,
        expected_net=net,
        verdict=verdict,
        verdict_words=words[f"report.verdict.{verdict}"],
        currency=terms.currency,
        notes=(*terms.notes, *([reason] if reason else [])),
        words=words,
    )


def _advice(terms: Terms, holdout: float, arms: int, have: int, words: Words) -> str:
    """What would help, and what would not."""
    best = best_holdout(arms)
    needed = customers_needed(terms.base_rate, terms.possible_uplift, best, arms)
    # One offer has words of its own, with a half in them.
    kind = "" if arms == 1 else "_of_arms"
    if holdout != round(best, 2) and needed <= have:
        return words.say(f"advice.hold_out{kind}", holdout=f"{best:.2f}")
    held_out = int(have * best)
    smallest = smallest_uplift((have - held_out) // arms, held_out, terms.base_rate, comparisons_of(arms))
    return words.say(
        f"advice.more_customers{kind}",
        needed=f"{needed:,}",
        smallest="100" if smallest is None else f"{100 * smallest:.1f}",
        share=f"{best:.0%}",
    )


def _expected_net(
    connection: duckdb.DuckDBPyConnection, terms: Terms, uplift: float, cost: float
) -> float | None:
    """What those who respond because of the offer add, less what the contacts cost."""
    treated: dict[int, int] = dict(
        connection.execute(
            "select segment_id, count(*) from targets where arm != ? group by segment_id", [HOLDOUT]
        ).fetchall()
    )
    values = {number: terms.values[number] for number in treated}
    if any(value is None for value in values.values()):
        return None
    return sum(int(count) * (uplift * (values[number] or 0.0) - cost) for number, count in treated.items())


def summary(plan: CampaignPlan, settings: CampaignSettings, now: dt.datetime) -> list[tuple[str, str]]:
    """The plan as lines of a heading and a text, for the terminal and the workbook."""
    say = plan.words.say
    lines = [
        (say("plan.campaign"), say("plan.as_of", name=settings.name, at=f"{now:%Y-%m-%d %H:%M}")),
        (say("plan.segments"), ", ".join(f"{number} {name}" for number, name in plan.segments.items())),
        *([(say("plan.moved"), settings.moved)] if settings.moved else []),
        (say("plan.customers"), f"{plan.customers:,}"),
        *(
            ("  " + say("plan.left_out", reason=plan.reasons[reason]), f"{count:,}")
            for reason, count in plan.exclusions.items()
        ),
        (say("plan.eligible"), f"{plan.eligible:,}"),
    ]
    if plan.treated + plan.held_out < plan.eligible:
        kept = f"{plan.treated + plan.held_out:,}"
        lines.append(("  " + say("plan.within"), say("plan.of_highest", count=kept)))
    money = _money(plan, plan.treated * plan.cost)
    lines += [
        (say("plan.treatment"), say("plan.for_money", count=f"{plan.treated:,}", money=money)),
        *((f"  {arm}", f"{size:,}") for arm, size in plan.arms.items() if len(plan.arms) > 1),
        *(
            ("  " + say("plan.by_channel", channel=channel or OTHER), f"{count:,}")
            for channel, count in plan.channels.items()
            if settings.layout.by_channel
        ),
        (say("plan.holdout"), f"{plan.held_out:,}"),
        *_smallest(plan),
        (
            say("plan.chance", points=f"{100 * plan.expected_uplift:g}"),
            say("plan.power", power=f"{plan.power_at_expected:.0%}", needed=f"{plan.needed:,}"),
        ),
    ]
    if plan.expected_net is None:
        expected = say("plan.net_unknown", verdict=plan.verdict_words)
    else:
        expected = say("plan.net", money=_money(plan, plan.expected_net), verdict=plan.verdict_words)
    lines.append((say("plan.expected"), expected))
    if plan.warning:
        lines.append((say("plan.warning"), plan.warning))
    return lines


def _smallest(plan: CampaignPlan) -> list[tuple[str, str]]:
    what, base = plan.words.say("plan.smallest"), f"{plan.base_rate:.1%}"
    if len(plan.arms) == 1:
        return [
            (what, plan.words.say("plan.over_base", points=_points(plan, plan.smallest_uplift), base=base))
        ]
    of_arms = ", ".join(f"{arm} {_points(plan, smallest)}" for arm, smallest in plan.smallest_by_arm.items())
    comparisons = comparisons_of(len(plan.arms))
    return [
        (what, plan.words.say("plan.over_base_of_arms", points=of_arms, base=base, comparisons=comparisons)),
        ("  " + plan.words.say("plan.between"), _points(plan, plan.smallest_difference)),
    ]


def _points(plan: CampaignPlan, share: float | None) -> str:
    return (
        plan.words.say("plan.no_points")
        if share is None
        else plan.words.say("plan.points", number=f"{100 * share:.2f}")
    )


def _money(plan: CampaignPlan, amount: float) -> str:
    return f"{plan.currency} {amount:,.2f}".strip()
