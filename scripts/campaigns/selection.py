"""Who is in a campaign, who is left out and why, and who is held out.

Reads the published file and the register on the connection it is given; makes temporary tables there, nothing else.
"""

import datetime as dt
import math
from collections.abc import Mapping, Sequence

import duckdb

from python_models.typed import shown, whole_number
from scripts.base.errors import UserError
from scripts.base.quoting import sql_text
from scripts.base.statistics import best_holdout, customers_needed
from scripts.campaigns.layout import take_back
from scripts.campaigns.register import HOLDOUT, Words, key_of
from scripts.campaigns.settings import ID_LISTS, CampaignSettings
from scripts.campaigns.terms import USUAL_HOLDOUT, Terms
from scripts.intake.customer_ids import Match, match_ids

BANDS = ("high", "middle", "low")


def named_segments(connection: duckdb.DuckDBPyConnection, wanted: str) -> dict[int, str]:
    """The segments that are meant, names by id; raises UserError where one is not there."""
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
        wanted_id = by_name.get(text.lower(), whole_number(text))
        if wanted_id is None or wanted_id not in known:
            there = ", ".join(f"{number} ({shown(name)})" for number, name in known.items())
            raise UserError(f"SEGMENT={shown(text)}: there is no such segment; there are {there}, and all.")
        found[wanted_id] = known[wanted_id]
    return found


def segments_of_movers(connection: duckdb.DuckDBPyConnection, wanted: str) -> tuple[dict[int, str], str]:
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


def select(
    connection: duckdb.DuckDBPyConnection,
    settings: CampaignSettings,
    segments: dict[int, str],
    movement: str,
    lists: dict[str, list[str]],
    helped: frozenset[int],
    now: dt.datetime,
) -> tuple[dict[str, int], list[Match]]:
    """Make temp table `eligible`; return excluded customers per reason, and lists with ids of no customer.

    helped: segments in which who is over the limit or behind on payments stays in.
    """
    unknown = []
    for name in (*ID_LISTS, "OBJECTIONS"):
        connection.execute(f"create or replace temp table list_{name} (customer_id varchar)")
        if name in lists:
            connection.execute(f"insert into list_{name} select unnest(?::varchar[])", [lists[name]])
            # What comes from a mailing may have been made safe for spreadsheets.
            if any(each.startswith("'") for each in lists[name]):
                take_back(connection, f"list_{name}", "published.marts.customer_segments")
            ids = [row[0] for row in connection.execute(f"from list_{name}").fetchall()]
            what = f"{name}={settings.lists[name]}" if name in ID_LISTS else "the register of objections"
            match = match_ids(connection, what, ids, "published.marts.customer_segments")
            if name in ID_LISTS:
                match.refuse_strangers(settings.unmatched)
            if match.unmatched:
                unknown.append(match)
    connection.execute(
        "create or replace temp table recent as select distinct customer_id from campaign_targets"
        " inner join campaigns using (name) where arm != ? and cancelled_at is null and created_at > ?",
        [HOLDOUT, now - dt.timedelta(days=settings.cool_off_days)],
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
    if spared := ", ".join(str(number) for number in segments if number not in helped):
        reasons["over_limit"] = f"segment_id in ({spared}) and coalesce(balance > credit_limit, false)"
        reasons["behind"] = f"segment_id in ({spared}) and coalesce(payments < minimum_payments, false)"
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


def within_bounds(settings: CampaignSettings, cost: float, holdout: float, eligible: int) -> int:
    """How many of the eligible take part, held out included, within BUDGET and MAX_CUSTOMERS."""
    contacts = eligible if settings.max_customers is None else settings.max_customers
    if settings.budget is not None and settings.budget < cost * eligible:
        contacts = min(contacts, math.floor(settings.budget / cost))
    if contacts >= eligible:
        return eligible
    kept = min(eligible, math.ceil(contacts / (1 - holdout)) + 1)
    while kept > 0 and kept - round(holdout * kept) > contacts:
        kept -= 1
    return kept


def share_held_out(
    settings: CampaignSettings, terms: Terms, eligible: int, words: Words
) -> tuple[float, str]:
    """The share held out, and where it comes from, in words where it was not asked for.

    As segment_playbook's recommended_holdout, for the customers and arms of this campaign.
    """
    if settings.holdout is not None:
        return settings.holdout, ""
    if terms.usual_holdout is None:
        return USUAL_HOLDOUT, ""
    arms, usual = len(settings.arms), terms.usual_holdout
    needed = customers_needed(terms.base_rate, terms.possible_uplift, usual, arms)
    points = f"{100 * terms.possible_uplift:.2g}"
    if needed <= within_bounds(settings, terms.cost, usual, eligible):
        return usual, words.say("note.holdout_usual", share=f"{usual:g}", points=points)
    best = round(best_holdout(arms), 2)
    return best, words.say("note.holdout_best", share=f"{best:g}", usual=f"{usual:g}", points=points)


def assign_arms(
    connection: duckdb.DuckDBPyConnection,
    kept: int,
    held_out: int,
    key: str,
    arms: Sequence[str],
    channels: Mapping[int, str | None],
) -> None:
    """Make temp table `targets`: every stratum's share is held out to within one customer, by a keyed hash.

    Strata are segment and value band (thirds of the segment's customers by value). In the order of strata,
    and of the hash within them, every (kept / held_out)-th customer is held out, from a keyed start: so
    that held_out of kept are exactly, whatever the order of rows. The others take turns between the arms in the same
    order, from a keyed one on: in each stratum, too, arms differ by one customer at most.
    """
    start = int(key[:13], 16) / 16**13
    turn = int(key[13:26], 16) % len(arms)
    reached = " ".join(
        f"when {segment} then {sql_text(channel) if channel else 'null'}"
        for segment, channel in channels.items()
    )
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
        ),
        held as (
            select
                *,
                floor(place::double * {held_out} / {kept} + {start!r})
                > floor((place - 1)::double * {held_out} / {kept} + {start!r}) as is_held_out
            from ranked
        )
        select
            customer_id, segment_id, segment_name, case band {bands} end as value_band,
            case
                when is_held_out then {sql_text(HOLDOUT)}
                else list_extract(
                    [{", ".join(map(sql_text, arms))}],
                    (row_number() over (partition by is_held_out order by place) + {turn}) % {len(arms)} + 1
                )
            end as arm,
            value_base,
            case segment_id {reached} else null end as channel
        from held"""
    )
