"""`make campaign-results`: did the offer work? Per segment and over all, against the holdout, and arm against arm.

Reads the outcomes that are named and the register of campaigns; adds the results to the register and writes
warehouse/campaigns/<name>/results.csv, both or neither.
"""

import datetime as dt
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from python_models.settings import Parameter
from python_models.typed import printable
from scripts.base.console import Console
from scripts.base.errors import UserError
from scripts.base.files import sync
from scripts.base.parameters import read_declared
from scripts.base.paths import CAMPAIGNS, given_path
from scripts.base.quoting import sql_name, sql_text
from scripts.base.sentences import listed, reason_of, shown
from scripts.base.statistics import (
    ALPHA,
    FEWEST_IN_ARM,
    Effect,
    corrected,
    level_of,
    response_effect,
    response_interval,
    smallest_uplift,
    value_effect,
)
from scripts.campaigns.layout import layout_of, take_back
from scripts.campaigns.register import (
    HOLDOUT,
    RESULTS,
    TREATMENT,
    Words,
    arms_of,
    bring_in_clear,
    check_name,
    id_columns,
    open_register,
    partial_results,
    words_of,
)
from scripts.campaigns.settings import PARAMETERS as PLANNED
from scripts.intake.csv_dialect import column_names
from scripts.intake.customer_ids import id_sql, match_ids
from scripts.intake.id_lists import id_column, list_relation

PARAMETERS = {
    "name": Parameter("", "The campaign's."),
    "outcomes": Parameter(
        "", "CSV or Parquet: customer_id, responded (1 or 0), and value (money) where there is one."
    ),
    "cost": Parameter("", "Money per customer contacted; left out: as planned.", range=PLANNED["cost"].range),
}
# Of one customer, either way; more would leave no digits for the others in a sum.
LARGEST_VALUE = 1_000_000_000_000
YES, NO = ("1", "true", "yes", "y", "ya"), ("0", "false", "no", "n", "tidak")


@dataclass(frozen=True)
class Outcomes:
    """One segment's customers after a campaign, of an arm and of those it is compared with.

    Attributes:
        segment: its id; None for all of the campaign's together.
        name: its name.
        treated: value of each treated customer, money, 0 for who did not respond.
        treated_responded: how many of them responded.
        held_out: value of each customer held out, or of the arm compared with.
        held_out_responded: how many of them responded.
        arm: the arm.
        compared_with: the holdout, or another arm.
    """

    segment: int | None
    name: str
    treated: NDArray[np.float64]
    treated_responded: int
    held_out: NDArray[np.float64]
    held_out_responded: int
    arm: str = TREATMENT
    compared_with: str = HOLDOUT


@dataclass(frozen=True)
class Result:
    """What a campaign did in one segment, a row of campaign_results; rates and uplift are shares, 0 to 1.

    held_out is whom the arm is compared with: in a comparison of two arms those of the other one, and then there is neither a
    cost nor what is left after it, since a contact costs the same in both.
    """

    segment_id: int | None
    segment_name: str
    treated: int
    treated_responded: int
    held_out: int
    held_out_responded: int
    uplift: float | None
    uplift_low: float | None
    uplift_high: float | None
    p_value: float | None
    p_value_corrected: float | None
    uplift_low_simultaneous: float | None
    uplift_high_simultaneous: float | None
    value_per_customer: float | None
    value_low: float | None
    value_high: float | None
    cost: float
    cost_per_additional_response: float | None
    net_value: float | None
    net_value_low: float | None
    net_value_high: float | None
    verdict: str
    words: str
    arm: str
    compared_with: str


def judge(
    wholes: Sequence[Outcomes], segments: Sequence[Outcomes], cost: float, words: dict[str, str]
) -> list[Result]:
    """Compare each arm with the holdout, and arms with each other: all together first, then each segment.

    Two families of comparisons, those over all customers and those within segments, are each corrected for their number by
    Bonferroni, p-values and simultaneous intervals alike (Dunn, Multiple comparisons among means, JASA 56, 1961), so that a
    p-value below 5% and an interval without 0 are the same. Holm's steps would reject more, but the bounds that go with them
    (Strassburger, Bretz, Statistics in Medicine 27, 2008) have one side only. One offer over all customers is one question
    and needs no correction. The interval of value is corrected for the comparisons over all. An arm of fewer than
    FEWEST_IN_ARM is not judged.

    Args:
        wholes: all customers of the campaign, by comparison.
        segments: the same by segment.
        cost: money per treated customer.
        words: by key, for the verdicts.
    """
    results = []
    for family in (wholes, segments):
        effects = [
            response_effect(*_counts(each), 1 - ALPHA) if _is_large_enough(each) else None for each in family
        ]
        p_values = iter(corrected([effect.p_value for effect in effects if effect is not None]))
        judged = sum(effect is not None for effect in effects)
        for each, effect in zip(family, effects, strict=True):
            if effect is None:
                results.append(_result(each, None, None, None, cost, len(wholes), words))
            else:
                wide = response_interval(*_counts(each), level_of(judged))
                results.append(_result(each, effect, next(p_values), wide, cost, len(wholes), words))
    return results


def _is_large_enough(outcomes: Outcomes) -> bool:
    return min(len(outcomes.treated), len(outcomes.held_out)) >= FEWEST_IN_ARM


def _counts(each: Outcomes) -> tuple[int, int, int, int]:
    return len(each.treated), each.treated_responded, len(each.held_out), each.held_out_responded


def _result(
    each: Outcomes,
    effect: Effect | None,
    p_value: float | None,
    simultaneous: tuple[float, float] | None,
    cost: float,
    comparisons: int,
    words: dict[str, str],
) -> Result:
    treated, held_out = len(each.treated), len(each.held_out)
    value = value_effect(each.treated, each.held_out, level_of(comparisons)) if effect else None
    pays = value if each.compared_with == HOLDOUT else None
    spent = cost * treated if each.compared_with == HOLDOUT else 0.0
    additional = effect.estimate * treated if effect else 0.0
    verdict = "too_small"
    if effect is not None and p_value is not None:
        shown = "uplift_shown" if effect.estimate > 0 else "harm_shown"
        verdict = shown if p_value < ALPHA else "no_effect_shown"
    return Result(
        segment_id=each.segment,
        segment_name=each.name,
        treated=treated,
        treated_responded=each.treated_responded,
        held_out=held_out,
        held_out_responded=each.held_out_responded,
        uplift=effect.estimate if effect else None,
        uplift_low=effect.low if effect else None,
        uplift_high=effect.high if effect else None,
        p_value=effect.p_value if effect else None,
        p_value_corrected=p_value,
        uplift_low_simultaneous=simultaneous[0] if simultaneous else None,
        uplift_high_simultaneous=simultaneous[1] if simultaneous else None,
        value_per_customer=value.estimate if value else None,
        value_low=value.low if value else None,
        value_high=value.high if value else None,
        cost=spent,
        cost_per_additional_response=(
            spent / additional if additional > 0 and each.compared_with == HOLDOUT else None
        ),
        net_value=pays.estimate * treated - spent if pays else None,
        net_value_low=pays.low * treated - spent if pays else None,
        net_value_high=pays.high * treated - spent if pays else None,
        verdict=verdict,
        words="; ".join(
            part
            for part in (
                _verdict_words(verdict, each, comparisons, words),
                ""
                if pays is None
                else _paying_words(pays.low * treated - spent, pays.high * treated - spent, words),
            )
            if part
        ),
        arm=each.arm,
        compared_with=each.compared_with,
    )


def _paying_words(low: float, high: float, words: dict[str, str]) -> str:
    """Whether it paid, by the interval of what was left after costs."""
    kind = "paid" if low > 0 else "lost" if high < 0 else "not_shown"
    return words[f"campaign.paying.{kind}"]


# Words where two arms are compared.
OF_ARMS = {"uplift_shown": "arm_better", "harm_shown": "arm_worse", "no_effect_shown": "arms_alike"}


def _verdict_words(verdict: str, each: Outcomes, comparisons: int, words: dict[str, str]) -> str:
    said = verdict if each.compared_with == HOLDOUT else OF_ARMS.get(verdict, verdict)
    text = words[f"campaign.verdict.{said}"]
    text = text.replace("{arm}", each.arm).replace("{other}", each.compared_with)
    if "{smallest}" not in text:
        return text
    treated, held_out = len(each.treated), len(each.held_out)
    # Nobody responding without the offer is taken for one who does, since from 0 anything is shown.
    rate = min(max(each.held_out_responded, 1) / held_out, 0.99)
    smallest = smallest_uplift(treated, held_out, rate, comparisons)
    return text.replace("{smallest}", "100" if smallest is None else f"{100 * smallest:.1f}")


def measure_campaign(
    name: str, outcomes: Path, cost: float | None, warehouse: Path, now: dt.datetime
) -> list[Result]:
    """Read the outcomes, judge, add the results to the register and write results.csv.

    Args:
        name: the campaign's.
        outcomes: CSV or Parquet file with customer_id, responded and, where there is one, value.
        cost: money per treated customer; None: as planned.
        warehouse: folder of campaigns/.
        now: the time to record, UTC without zone.

    Raises UserError where the campaign is unknown or a row of the outcomes is not understood, of an unknown
    customer, or of one a second time; nothing is written then.
    """
    with open_register(warehouse) as connection:
        planned = connection.execute(
            "select parameters from campaigns where name = ? and cancelled_at is null", [name]
        ).fetchall()
        if not planned:
            known = [row[0] for row in connection.execute("select name from campaigns order by 1").fetchall()]
            raise UserError(
                f"NAME={name}: there is no such campaign, or it was cancelled; "
                + (f"there are {listed(known)}." if known else "make one with make campaign.")
            )
        plan = json.loads(planned[0][0])
        per_contact = plan["cost"] if cost is None else cost
        pairs = compared(arms_of(plan))
        # What the mailing calls the id may be what the sender's tool calls it.
        also = (*id_columns(warehouse), *column_names([layout_of(plan).id_heading]))
        relation, columns = list_relation(outcomes, "OUTCOMES", also)
        customer = id_column(outcomes, "OUTCOMES", columns, also)
        if "responded" not in columns:
            raise UserError(
                f"OUTCOMES={outcomes}: has no column responded (1 or 0); its columns are {listed(columns)}."
            )
        value = sql_name("value") if "value" in columns else "null"
        try:
            connection.execute(
                f"""create or replace temp table outcomes as select
                    {id_sql(sql_name(customer))} as customer_id,
                    lower({id_sql("responded")}) as responded,
                    nullif(trim(cast({value} as varchar)), '') as value
                from {relation}"""
            )
        except duckdb.Error as error:
            raise UserError(f"OUTCOMES={outcomes}: cannot be read ({reason_of(error)}).") from None
        bring_in_clear(connection, "outcomes")
        connection.execute(
            "create or replace temp table known as select customer_id from campaign_targets where name = ?",
            [name],
        )
        take_back(connection, "outcomes", "known")
        _check(connection, name, outcomes)
        words = words_of(connection)
        connection.execute(
            f"""create or replace temp table measured as select
                targets.segment_id, targets.segment_name, targets.arm,
                coalesce(outcomes.responded in {YES}, false) as responded,
                coalesce(cast(outcomes.value as double), 0) as value
            from campaign_targets as targets left join outcomes using (customer_id) where name = ?
            order by customer_id""",
            [name],
        )
        frame: Any = connection.sql("from measured").df()
        segments = [
            _outcomes(int(segment), str(of_segment["segment_name"].iloc[0]), of_segment, *pair)
            for pair in pairs
            for segment, of_segment in frame.groupby("segment_id")
        ]
        wholes = [_outcomes(None, words["campaign.all_segments"], frame, *pair) for pair in pairs]
        results = judge(wholes, segments, per_contact, words)
        columns_written = [field.name for field in fields(Result)]
        for result in results:
            connection.execute(
                f"insert into campaign_results (name, measured_at, {', '.join(columns_written)})"
                f" values (?, ?, {', '.join('?' * len(columns_written))})",
                [name, now, *(getattr(result, column) for column in columns_written)],
            )
        _write(connection, name, now, warehouse / CAMPAIGNS)
    return results


def compared(arms: Sequence[str]) -> list[tuple[str, str]]:
    """The comparisons of a campaign: each arm with the holdout, then each with those after it."""
    return [*((arm, HOLDOUT) for arm in arms), *combinations(arms, 2)]


def told_of(name: str, warehouse: Path) -> tuple[int, Words]:
    """How often a campaign was measured, and the words to say it in."""
    with open_register(warehouse) as connection:
        [(count,)] = connection.execute(
            "select count(distinct measured_at) from campaign_results where name = ?", [name]
        ).fetchall()
        return int(count), words_of(connection)


def _check(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    def first(query: str, *values: Any) -> tuple[Any, ...] | None:
        found: tuple[Any, ...] | None = connection.execute(query, list(values)).fetchone()
        return found

    if found := first(
        "select count(*) from outcomes where coalesce(customer_id, '') = '' having count(*) > 0"
    ):
        raise UserError(
            f"OUTCOMES={path}: {found[0]:,} rows have no customer_id; fill it in or take them out."
        )
    ids = [row[0] for row in connection.execute("select distinct customer_id from outcomes").fetchall()]
    match = match_ids(connection, f"OUTCOMES={path}", ids, "known")
    if match.unmatched:
        raise UserError(
            f"{match.sentence(f'in campaign {name}')}; give its targets only, treatment and holdout, with the ids of"
            " targets.csv."
        )
    if found := first(
        "select customer_id, count(*) from outcomes group by customer_id having count(*) > 1 order by 1 limit 1"
    ):
        raise UserError(
            f"OUTCOMES={path}: customer {shown(found[0])} stands there {found[1]} times; give one row a customer."
        )
    if found := first(
        f"select customer_id, responded from outcomes where coalesce(responded, '') not in {(*YES, *NO)}"
        " order by 1 limit 1"
    ):
        raise UserError(
            f"OUTCOMES={path}: customer {shown(found[0])} has responded {shown(found[1] or 'empty')}; expected 1 or 0."
        )
    if found := first(
        "select customer_id, value from outcomes where value is not null"
        " and not coalesce(isfinite(try_cast(value as double)), false) order by 1 limit 1"
    ):
        raise UserError(
            f"OUTCOMES={path}: customer {shown(found[0])} has value {shown(found[1])}; expected a number, as in 12.50."
        )
    if found := first(
        f"select customer_id, value from outcomes where abs(cast(value as double)) > {LARGEST_VALUE}"
        " order by 1 limit 1"
    ):
        raise UserError(
            f"OUTCOMES={path}: customer {shown(found[0])} has value {shown(found[1])}; expected at most {LARGEST_VALUE:,}."
        )


def _outcomes(segment: int | None, name: str, frame: Any, arm: str, compared_with: str) -> Outcomes:
    treated, held_out = frame[frame["arm"] == arm], frame[frame["arm"] == compared_with]
    return Outcomes(
        segment,
        name,
        treated["value"].to_numpy(dtype=np.float64),
        int(treated["responded"].sum()),
        held_out["value"].to_numpy(dtype=np.float64),
        int(held_out["responded"].sum()),
        arm,
        compared_with,
    )


def _write(connection: duckdb.DuckDBPyConnection, name: str, now: dt.datetime, folder: Path) -> None:
    """Write the results where the register takes them from once it knows them."""
    partial = partial_results(folder, name, now)
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        connection.execute(
            "create or replace temp table latest as select * from campaign_results"
            " where name = ? and measured_at = ? order by segment_id nulls first, rowid",
            [name, now],
        )
        connection.execute(f"copy latest to {sql_text(str(partial))} (header, delimiter ',')")
        sync(partial)
    except (OSError, duckdb.IOException) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise UserError(
            f"{folder / name / RESULTS}: cannot be written ({reason}); nothing is. Check the folder's permissions and space."
        ) from None


def print_results(results: Sequence[Result], console: Console, words: Words) -> None:
    """Print, for each comparison, a line for each segment and one for all, then each in words."""
    pairs = list(dict.fromkeys((each.arm, each.compared_with) for each in results))
    for place, (arm, other) in enumerate(pairs):
        if len(pairs) > 1:
            gap = "\n" if place else ""
            console.print(gap + words.say("result.compared", arm=arm, other=other))
        of_pair = [each for each in results if (each.arm, each.compared_with) == (arm, other)]
        _print_comparison(of_pair, console, words)


def _print_comparison(results: Sequence[Result], console: Console, words: Words) -> None:
    say = words.say
    first = results[0]
    heads = (
        (first.arm, first.compared_with)
        if first.compared_with != HOLDOUT
        else (say("result.treated"), say("result.held_out"))
    )
    responses, values = (
        _table(say("result.segment"), *heads, say("result.uplift"), say("result.interval"), "p"),
        _table(say("result.segment"), say("result.net"), say("result.interval")),
    )
    for each in results:
        segment = say("result.all") if each.segment_id is None else str(each.segment_id)
        # The interval that goes with the p-value beside it.
        low, high = each.uplift_low_simultaneous, each.uplift_high_simultaneous
        responses.add_row(
            segment,
            say("result.of", **_rate(each.treated_responded, each.treated)),
            say("result.of", **_rate(each.held_out_responded, each.held_out)),
            _points(each.uplift),
            say("result.to", low=_points(low), high=_points(high)),
            "-" if each.p_value_corrected is None else f"{each.p_value_corrected:.3f}",
        )
        if each.net_value is not None:
            interval = say("result.to", low=f"{each.net_value_low:,.0f}", high=f"{each.net_value_high:,.0f}")
            values.add_row(segment, f"{each.net_value:,.0f}", interval)
    for table in (responses, values):
        # Two, since one with both does not fit into 80 columns.
        if table.row_count:
            console.table(table)
            console.print()
    for each in results:
        number = "" if each.segment_id is None else f"{each.segment_id} "
        console.print(printable(f"  {number}{each.segment_name}: {each.words}"))


def _table(*heads: str) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="")
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    return table


def _rate(responded: int, customers: int) -> dict[str, str]:
    return {"share": f"{responded / max(customers, 1):.1%}", "count": f"{customers:,}"}


def _points(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:+.1f}"


def read_request(arguments: Sequence[str]) -> tuple[str, Path, float | None]:
    """Read the campaign's name, the file with its outcomes and the cost of a contact, None where it is not given.

    Raises:
        UserError: one is missing, or is not what was declared.

    """
    given = read_declared(arguments, PARAMETERS)
    for name in ("name", "outcomes"):
        if not given[name]:
            raise UserError(
                f"{name.upper()} is missing: give NAME of a campaign and OUTCOMES, a file with its outcomes."
            )
    cost = None if given["cost"] == "" else given["cost"]
    return check_name(given["name"]), given_path("OUTCOMES", given["outcomes"]), cost
