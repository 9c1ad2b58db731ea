"""`make campaign`: a target list with a holdout, and what it can show before anyone is contacted.

Reads the published file and the lists that are named; writes warehouse/campaigns/<name>/ and the register
warehouse/campaigns/campaigns.duckdb, all or nothing.

python -m scripts.campaigns.draw NAME=... SEGMENT=... [HOLDOUT=0.1 BUDGET=... ...]
"""

import datetime as dt
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
from xlsxwriter.exceptions import XlsxWriterException

from python_models.settings import Parameter
from python_models.typed import Range, shown, whole_number
from scripts.base.errors import UserError
from scripts.base.files import sync
from scripts.base.parameters import SHEET_ROWS, one_of, read_declared
from scripts.base.paths import CAMPAIGNS, given_path
from scripts.base.quoting import sql_text
from scripts.base.statistics import POWER, customers_needed, power_of, smallest_uplift
from scripts.campaigns.register import (
    LISTED,
    LISTS,
    check_name,
    id_columns,
    in_clear,
    key_of,
    open_register,
    partial_lists,
    view_listed,
    words_of,
    write_list,
)
from scripts.intake.customer_ids import ACCEPT, Match, match_ids
from scripts.intake.id_lists import read_ids
from scripts.intake.objections import objectors
from scripts.outputs.workbook.book import LINE_HEIGHT, MONEY, NUMBER, TEXT, Book
from scripts.outputs.workbook.rows import fill_sheet
from scripts.published.reading import LATEST_RUN

CUSTOMERS_LIST = "List of customers who must not be contacted: CSV or Parquet with customer_id."
# A share that is 0.0001 at least: a smaller one needs more customers than a bank has.
SMALLEST_RATE, LARGEST_COST, LARGEST_BUDGET = 0.0001, 1_000_000_000, 1_000_000_000_000_000
# Every parameter and its one default; docs/campaigns.md says more of them.
PARAMETERS = {
    "name": Parameter("", "Name of the campaign."),
    "segment": Parameter("", "Id or name of a segment, several ids separated by commas, or all."),
    "moved": Parameter(
        "",
        "In place of a segment, who moved between two with this month: `from>to`, each an id, a name or any.",
    ),
    "holdout": Parameter(
        0.1,
        "Share of the eligible who are not contacted, so that there is something to compare with.",
        range=Range(above=0, below=1),
    ),
    "budget": Parameter(
        "",
        "Money to spend; left out for no bound. Those with the highest value are contacted.",
        range=Range(above=0, most=LARGEST_BUDGET),
    ),
    "cost": Parameter(1, "Money per customer contacted.", range=Range(least=0, most=LARGEST_COST)),
    "base_rate": Parameter(
        0.05,
        "Share that responds without being contacted.",
        range=Range(least=SMALLEST_RATE, most=1 - SMALLEST_RATE),
    ),
    "expected_uplift": Parameter(
        0.01, "The uplift hoped for, in points as a share.", range=Range(least=SMALLEST_RATE, below=1)
    ),
    "opt_out": Parameter("", CUSTOMERS_LIST),
    "complaints": Parameter("", CUSTOMERS_LIST),
    "closed": Parameter("", CUSTOMERS_LIST),
    "contacted": Parameter("", CUSTOMERS_LIST),
    "cool_off_days": Parameter(
        30,
        "Days after a campaign in which its customers are left alone.",
        range=Range(least=0, most=3650, is_whole=True),
    ),
    "global_holdout": Parameter(
        0,
        "Share of all customers never contacted by any campaign, the same ones each time.",
        range=Range(least=0, below=1),
    ),
    "stressed": Parameter(
        "exclude",
        "exclude or include who is over the limit or paid less than the minimum due.",
        one_of("exclude", "include"),
    ),
    "unmatched": Parameter(
        "",
        "accept where the people of a list are no customers: without it a list of which nobody is one is refused.",
        one_of(ACCEPT),
    ),
}
ID_LISTS = ("OPT_OUT", "COMPLAINTS", "CLOSED", "CONTACTED")
BANDS = ("high", "middle", "low")


@dataclass(frozen=True)
class CampaignSettings:
    """A campaign's parameters, checked."""

    name: str
    segment: str
    moved: str
    holdout: float
    budget: float | None
    cost: float
    base_rate: float
    expected_uplift: float
    lists: dict[str, str]
    cool_off_days: int
    global_holdout: float
    stressed: bool
    unmatched: str


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


def read_settings(arguments: Sequence[str]) -> CampaignSettings:
    """Check `NAME=value` arguments; raises UserError for one that is not understood or out of range."""
    given = read_declared(arguments, PARAMETERS)
    if not given["segment"].strip() and not given["moved"].strip():
        raise UserError("SEGMENT is missing: give an id or a name, as in SEGMENT=3, several ids, or all.")
    if given["segment"].strip() and given["moved"].strip():
        raise UserError("MOVED: says already who is meant; leave SEGMENT out.")
    if not given["name"]:
        raise UserError("NAME is missing: give the campaign a name, as in NAME=spring_2026.")
    return CampaignSettings(
        name=check_name(given["name"]),
        segment=given["segment"],
        moved=given["moved"].strip(),
        holdout=given["holdout"],
        budget=given["budget"] or None,
        cost=given["cost"],
        base_rate=given["base_rate"],
        expected_uplift=given["expected_uplift"],
        lists={name: given[name.lower()] for name in ID_LISTS if given[name.lower()]},
        cool_off_days=given["cool_off_days"],
        global_holdout=given["global_holdout"],
        stressed=given["stressed"] == "include",
        unmatched=given["unmatched"],
    )


def plan_campaign(settings: CampaignSettings, warehouse: Path, now: dt.datetime) -> CampaignPlan:
    """Draw the campaign, write its lists and the register, and return what was drawn.

    Args:
        settings: the parameters.
        warehouse: folder of the published file.
        now: the time to record, UTC without zone.

    Raises UserError where the segment is unknown, a list cannot be read, the name is taken or too few
    customers are left; nothing is written then.
    """
    also = id_columns(warehouse)
    lists = {
        name: in_clear(warehouse, read_ids(given_path(name, path), name, also))
        for name, path in settings.lists.items()
    }
    # Who objected after the last build still has a segment in it.
    lists["OBJECTIONS"] = objectors(warehouse)
    with open_register(warehouse) as connection:
        folder = warehouse / CAMPAIGNS / settings.name
        if connection.execute("select 1 from campaigns where name = ?", [settings.name]).fetchall():
            raise UserError(
                f"NAME={settings.name}: there is such a campaign already, its list may be in the mail; choose"
                f" another name, as in NAME={settings.name}_2."
            )
        segments, movement = (
            _movement(connection, settings.moved)
            if settings.moved
            else (_segments(connection, settings.segment), "")
        )
        words = words_of(connection)
        exclusions, unknown = _select(connection, settings, segments, movement, lists, now)
        eligible = connection.execute("select count(*) from eligible").fetchall()[0][0]
        kept = _within_budget(settings, eligible)
        held_out = round(settings.holdout * kept)
        if held_out < 1 or held_out >= kept:
            raise UserError(
                f"{'MOVED' if settings.moved else 'SEGMENT'}={shown(settings.moved or settings.segment)}: {kept:,} customers can be contacted within the lists and the"
                f" budget, too few to hold out {settings.holdout:g} of them; widen it, or raise HOLDOUT or BUDGET."
            )
        _assign(connection, kept, held_out, key_of(connection, settings.name))
        plan = _plan(connection, settings, segments, words, exclusions, unknown, eligible, folder)
        _register(connection, settings, plan, now)
        _write_lists(connection, plan, settings, now)
    return plan


def _segments(connection: duckdb.DuckDBPyConnection, wanted: str) -> dict[int, str]:
    known: dict[int, str] = dict(
        connection.execute(
            "select segment_id, segment_name from published.marts.segment_profiles order by 1"
        ).fetchall()
    )
    if wanted.strip().lower() == "all":
        return known
    by_name = {name.lower(): number for number, name in known.items()}
    if wanted.strip().lower() in by_name:
        number = by_name[wanted.strip().lower()]
        return {number: known[number]}
    found = {}
    for part in wanted.split(","):
        text = part.strip()
        wanted_id = whole_number(text)
        if wanted_id is None or wanted_id not in known:
            there = ", ".join(f"{number} ({shown(name)})" for number, name in known.items())
            raise UserError(f"SEGMENT={shown(text)}: there is no such segment; there are {there}, and all.")
        found[wanted_id] = known[wanted_id]
    return found


def _movement(connection: duckdb.DuckDBPyConnection, wanted: str) -> tuple[dict[int, str], str]:
    """The segments that the movers are in now, and the condition by which they are found."""
    before, arrow, now = (part.strip() for part in wanted.partition(">"))
    if not arrow or not before or not now:
        raise UserError(
            f"MOVED={shown(wanted)}: expected from>to, as in MOVED='Big spenders>Low-use cards', or any>3."
        )
    ended: dict[int, str] = dict(
        connection.execute(
            "select segment_id, segment_name from published.marts.segment_registry order by 1"
        ).fetchall()
    )
    sides = []
    for text, side in ((before, "from_segment_id"), (now, "to_segment_id")):
        if text.lower() in ("any", "all"):
            continue
        number = whole_number(text)
        found = [each for each, name in ended.items() if each == number or name.lower() == text.lower()]
        if not found:
            there = ", ".join(f"{each} ({shown(name)})" for each, name in ended.items())
            raise UserError(
                f"MOVED={shown(wanted)}: there is no segment {shown(text)}; there are {there}, and any."
            )
        sides.append(f"{side} = {found[0]}")
    condition = " and ".join(["cause = 'behaviour'", *sides])
    segments: dict[int, str] = dict(
        connection.execute(
            "select distinct to_segment_id, to_segment_name from published.marts.customer_movements"
            f" where {condition} order by 1"
        ).fetchall()
    )
    if not segments:
        raise UserError(f"MOVED={shown(wanted)}: nobody moved so with the month that is published.")
    return (
        segments,
        f"customer_id in (select customer_id from published.marts.customer_movements where {condition})",
    )


def _select(
    connection: duckdb.DuckDBPyConnection,
    settings: CampaignSettings,
    segments: dict[int, str],
    movement: str,
    lists: dict[str, list[str]],
    now: dt.datetime,
) -> tuple[dict[str, int], list[Match]]:
    """Make temp table `eligible`; return excluded customers per reason, and lists with ids of no customer."""
    unknown = []
    for name in (*ID_LISTS, "OBJECTIONS"):
        connection.execute(f"create or replace temp table list_{name} (customer_id varchar)")
        if name in lists:
            connection.execute(f"insert into list_{name} select unnest(?::varchar[])", [lists[name]])
            what = f"{name}={settings.lists[name]}" if name in ID_LISTS else "the register of objections"
            match = match_ids(connection, what, lists[name], "published.marts.customer_segments")
            if name in ID_LISTS:
                match.refuse_strangers(settings.unmatched)
            if match.unmatched:
                unknown.append(match)
    connection.execute(
        "create or replace temp table recent as select distinct customer_id from campaign_targets"
        " inner join campaigns using (name) where arm = 'treatment' and created_at > ?",
        [now - dt.timedelta(days=settings.cool_off_days)],
    )
    # The reasons in this order: the law's first; each customer counts under the first that holds.
    reasons = {
        "objection": "customer_id in (from list_OBJECTIONS)",
        "opt_out": "customer_id in (from list_OPT_OUT)",
        "complaint": "customer_id in (from list_COMPLAINTS)",
        "closed": "customer_id in (from list_CLOSED) or coalesce(is_closed, false)",
        "contacted": "customer_id in (from list_CONTACTED)",
        "cool_off": "customer_id in (from recent)",
        "global_holdout": f"{_unit_hash(key_of(connection, ' global'))} < {settings.global_holdout!r}",
    }
    if not settings.stressed:
        reasons["over_limit"] = "coalesce(balance > credit_limit, false)"
        reasons["behind"] = "coalesce(payments < minimum_payments, false)"
    cases = " ".join(f"when {condition} then '{reason}'" for reason, condition in reasons.items())
    connection.execute(
        f"""create or replace temp table selected as
        select customer_id, segment_id, segment_name, value_base, case {cases} end as reason
        from published.marts.customer_segments as segments
        inner join published.marts.customer_values using (customer_id, segment_id)
        inner join published.marts.customer_features using (customer_id)
        where segments.status = 'segmented' and segment_id in ({", ".join(map(str, segments))})
        {f"and {movement}" if movement else ""}"""
    )
    connection.execute("create or replace temp table eligible as from selected where reason is null")
    counted = dict(
        connection.execute(
            "select reason, count(*) from selected where reason is not null group by reason"
        ).fetchall()
    )
    return {reason: counted[reason] for reason in reasons if reason in counted}, unknown


def _unit_hash(key: str) -> str:
    """SQL of a number from 0 to 1 (excluded) that depends on the key and the customer's id alone."""
    return f"(('0x' || sha256({sql_text(key)} || ':' || customer_id)[1:13])::bigint / {16**13}.0)"


def _within_budget(settings: CampaignSettings, eligible: int) -> int:
    """How many of the eligible take part, held out included, so that contacting the rest is paid for."""
    if settings.budget is None or settings.budget >= settings.cost * eligible:
        return eligible
    contacts = math.floor(settings.budget / settings.cost)
    kept = min(eligible, math.ceil(contacts / (1 - settings.holdout)) + 1)
    while kept > 0 and kept - round(settings.holdout * kept) > contacts:
        kept -= 1
    return kept


def _assign(connection: duckdb.DuckDBPyConnection, kept: int, held_out: int, key: str) -> None:
    """Make temp table `targets`: every stratum's share is held out to within one customer, by a keyed hash.

    Strata are segment and value band (thirds of the segment's customers by value). In the order of strata,
    and of the hash within them, every (kept / held_out)-th customer is held out, from a keyed start: so
    that held_out of kept are exactly, whatever the order of rows.
    """
    start = int(key[:13], 16) / 16**13
    bands = " ".join(f"when {place} then '{band}'" for place, band in enumerate(BANDS, 1))
    connection.execute(
        f"""create or replace temp table targets as
        with hashed as (
            select *, {_unit_hash(key)} as draw from eligible
        ),
        kept as (
            select * from hashed order by value_base desc, draw, customer_id limit {kept}
        ),
        banded as (
            select *, ntile(3) over (partition by segment_id order by value_base desc, draw, customer_id) as band
            from kept
        ),
        ranked as (
            select *, row_number() over (order by segment_id, band, draw, customer_id) as place from banded
        )
        select
            customer_id, segment_id, segment_name, case band {bands} end as value_band,
            case
                when floor(place::double * {held_out} / {kept} + {start!r})
                    > floor((place - 1)::double * {held_out} / {kept} + {start!r})
                    then 'holdout'
                else 'treatment'
            end as arm,
            value_base
        from ranked"""
    )


def _plan(
    connection: duckdb.DuckDBPyConnection,
    settings: CampaignSettings,
    segments: dict[int, str],
    words: dict[str, str],
    exclusions: dict[str, int],
    unknown: list[Match],
    eligible: int,
    folder: Path,
) -> CampaignPlan:
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


def _register(
    connection: duckdb.DuckDBPyConnection, settings: CampaignSettings, plan: CampaignPlan, now: dt.datetime
) -> None:
    model = connection.execute(
        f"select model_id from {LATEST_RUN.replace('marts.', 'published.marts.')}"
    ).fetchall()[0][0]
    connection.execute(
        "insert into campaigns values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            settings.name, now, model, ", ".join(plan.segments.values()), json.dumps(settings.__dict__),
            plan.customers, plan.eligible, plan.treated, plan.held_out, plan.smallest_uplift,
            plan.power_at_expected, plan.needed, plan.warning or None,
        ],
    )  # fmt: skip
    for reason, count in plan.exclusions.items():
        connection.execute(
            "insert into campaign_exclusions values (?, ?, ?, ?)",
            [settings.name, reason, plan.reasons[reason], count],
        )
    connection.execute(
        f"insert into campaign_targets select ?, {', '.join(LISTED)} from targets", [settings.name]
    )


def _write_lists(
    connection: duckdb.DuckDBPyConnection, plan: CampaignPlan, settings: CampaignSettings, now: dt.datetime
) -> None:
    """Write the campaign's lists where the register takes them from once it knows the campaign."""
    partial = partial_lists(plan.folder.parent, settings.name)
    try:
        partial.mkdir(mode=0o700)
        view_listed(connection, "targets")
        for file in LISTS:
            write_list(connection, file, partial / file)
        if plan.treated + plan.held_out <= SHEET_ROWS:
            _write_workbook(connection, partial, plan, settings, now)
        for path in partial.iterdir():
            sync(path)
    except (OSError, duckdb.IOException, XlsxWriterException) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise UserError(
            f"{plan.folder}: cannot be written ({reason}); nothing is. Check the folder's permissions and space."
        ) from None


def _write_workbook(
    connection: duckdb.DuckDBPyConnection,
    partial: Path,
    plan: CampaignPlan,
    settings: CampaignSettings,
    now: dt.datetime,
) -> None:
    rows = plan.treated + plan.held_out
    drawn = partial / ".drawn.xlsx"
    with Book(drawn, f"Campaign {settings.name}", "", now) as book:
        about = book.sheet("Read me", (34, 60), portrait=True)
        for place, (head, text) in enumerate(summary(plan, settings, now)):
            about.write(place, 0, head, bold=True)
            about.raw.set_row(place, LINE_HEIGHT * about.write(place, 1, text, text_wrap=True))
        formats = {"segment_id": NUMBER, "value_base": MONEY}
        columns = [(name, formats.get(name, TEXT), 22) for name in LISTED]
        book.rows_sheet("Targets", "Targets", columns)
    fill_sheet(drawn, partial / "targets.xlsx", book.last_part, connection, "listed", rows)
    drawn.unlink()


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
