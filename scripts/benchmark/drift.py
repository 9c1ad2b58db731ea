"""How often quiet months raise an alarm, how soon a shock does, and how well movers are told, on portfolios that go on.

    python -m scripts.benchmark.drift [SEED=1] [SEEDS=20] [SHOCK_SEEDS=8] [CUSTOMERS=1000] [PROCESSES=2] [MINUTES=30]
        [OUT=data/bench]

For each seed a portfolio is generated (scripts/sample) that goes on after December 2025, quietly and, for the first seeds,
once with each shock, which begins in April 2027. A whole build learns from December 2026, without autoencoders and with 5 resamples: the
sample begins with more new customers than join later, and a year settles that. The months after it are labelled one
after the other by the job's own SQL. dbt compiles and runs what leads to `segment_drift` for the first of them; the same
statements then run for each month, with its date in place of the first one's, and with the month before where a build
takes it from the version in use; they run on the ledgers with a shock, too. Nothing is published in between. What is not
done after MINUTES is left out. The last quiet month of the first seed is built whole,
too, and must say the same.

An alarm is a line of `segment_drift` that says act; lines that say watch are counted apart. Lines on the model's age and on
names are left out: they ask for something else. Movers are customers whose label is another than the month before,
which `customer_movements` lists while the model stays; they are held against the hidden types month by month.

Writes `drift_<customers>_<seed>.md` below OUT, the text it also prints.
"""

import datetime as dt
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import duckdb
import pandas as pd

from python_models.settings import Parameter
from python_models.typed import Range
from scripts.base.errors import UserError
from scripts.base.parameters import read_declared
from scripts.base.paths import LINK, PROJECT, STAGING, WAREHOUSE
from scripts.benchmark.measuring import UnmeasuredError, made_folder
from scripts.dbt.runner import run_dbt
from scripts.intake.objections import hand_over
from scripts.intake.source import load_contract, open_source
from scripts.job.state import take_over
from scripts.sample.ledger import AS_OF, SHOCKS, write_sample_ledger

ARGUMENTS = {
    "seed": Parameter(1, "Of the first portfolio.", range=Range(least=0, most=10_000, is_whole=True)),
    "seeds": Parameter(20, "Portfolios.", range=Range(least=1, most=1000, is_whole=True)),
    "shock_seeds": Parameter(
        8, "Of them, how many get shocks, too.", range=Range(least=0, most=1000, is_whole=True)
    ),
    "customers": Parameter(1000, "Customers of each.", range=Range(least=100, most=1_000_000, is_whole=True)),
    "processes": Parameter(2, "Portfolios at a time.", range=Range(least=1, most=64, is_whole=True)),
    "minutes": Parameter(30, "When to stop.", range=Range(least=1, most=10_000, is_whole=True)),
    "out": Parameter("data/bench", "Folder of the text."),
}
# Months after December 2025: the one learned from, the last one, and the first of a shock.
LEARNED, LAST, SHOCKED = 12, 36, 16
# The name that the work file has in a build, and in dbt's parsed project.
WORK, DATE = "work.duckdb", "{date}"
QUICK = ("AUTOENCODERS=", "BOOTSTRAPS=5", "WORKBOOK_CUSTOMERS=0")
HORIZONS = (1, 3, 6, 12)
# What dbt runs once, for nothing that it makes says of a month whether it drifts.
ONCE = re.compile(
    r"^(stg_|rulebook_|int_load_audit|int_quality_checks|int_rejected_rows|int_ledger_(checks|money|rejected))"
)
ONCE_OF_MODEL = re.compile(
    r"^int_(learning_plan|models|model_runs|model_parameters|autoencoders)|^model_in_use$"
)


@dataclass(frozen=True)
class Found:
    """What was found in one portfolio.

    Attributes:
        seed: its seed.
        alarms: for each way it went on, '' the quiet one, a row a month and line: month, measure, part, alarm.
        movers: of the quiet one by horizon, how many movements were found, were right, changes there were, were found.
    """

    seed: int
    alarms: dict[str, pd.DataFrame]
    movers: pd.DataFrame


def month_end(number: int) -> dt.date:
    """Last day of the month so many months after the sample's last."""
    year, month = divmod(AS_OF.year * 12 + AS_OF.month + number, 12)
    return dt.date(year, month + 1, 1) - dt.timedelta(days=1)


def build(warehouse: Path, *arguments: str) -> None:
    """Run a whole build; raises UnmeasuredError where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.build", *QUICK, *arguments],
        cwd=PROJECT, env={**os.environ, WAREHOUSE: str(warehouse)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise UnmeasuredError(f"a build ended with {done.returncode}: {done.stderr.strip()}")


def drift_of(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The lines that are measured."""
    return connection.sql("""
        select measure, part, alarm, drift from marts.segment_drift where measure not in ('age', 'name') order by all
    """).df()  # fmt: skip


def first_month(folder: Path, source: Path, warehouse: Path, month: int) -> list[str]:
    """Run dbt up to `segment_drift` in the work file of `folder`; return what of it runs for each month, with {date}."""
    work, as_of = folder / WORK, month_end(month).isoformat()
    with duckdb.connect(str(work)) as connection:
        take_over(connection, warehouse)
        intake = open_source(connection, source, load_contract(STAGING))
        hand_over(connection, [])
    result = run_dbt(
        ["build", "--select", "+segment_drift", "--exclude-resource-type", "unit_test", "test"],
        {"source_kind": intake.kind, "spellings": dict(intake.spellings), "as_of": as_of, "learning": {}},
        work=work,
        target=folder / "dbt",
    )
    if not result.success:
        raise UnmeasuredError(f"{source}: dbt failed: {result.exception}")
    return [
        f"create or replace {node.config.materialized} {node.relation_name} as {node.compiled_code}".replace(
            as_of, DATE
        )
        for node in (each.node for each in result.result.results)
        if node.resource_type == "model"
        and node.language == "sql"
        and not ONCE.search(node.name)
        and not ONCE_OF_MODEL.search(node.name)
    ]


def months_of(
    work: Path, statements: Sequence[str], months: Sequence[int]
) -> Iterator[tuple[int, duckdb.DuckDBPyConnection]]:
    """Give each month's tables, one month after the other, in a connection that goes on to the next.

    Args:
        work: a work file in which dbt has run.
        statements: what it ran.
        months: after the sample's last, one after the other; before the first, the file has another one's tables.
    """
    with duckdb.connect(str(work)) as connection:
        before = None
        for month in months:
            if before is not None:
                # What a build would have published.
                connection.execute(f"""
                    create or replace table state.month_before as
                    select features.*, scores.segment_id, cast(null as double) as value_base
                    from customers.int_customer_features as features
                    inner join scoring.customer_scores as scores using (customer_id);
                    create or replace view state.last_customers as from state.month_before;
                    create or replace table state.runs as
                    select * replace (date '{month_end(before)}' as as_of_date) from model.int_model_runs
                    order by run_number desc limit 1;
                    create or replace view state.model_runs as from state.runs;
                """)
            for statement in statements:
                connection.execute(statement.replace(DATE, month_end(month).isoformat()))
            yield month, connection
            before = month


def measure_seed(seed: int, customers: int, has_shocks: bool, is_checked: bool) -> Found:
    """Measure one portfolio, in a folder that is removed again."""
    with tempfile.TemporaryDirectory(prefix="drift.") as name:
        folder = Path(name)
        write = partial(
            write_sample_ledger, customers=customers, seed=seed, file_format="parquet", months=12, more_months=LAST + 1
        )  # fmt: skip
        source, warehouse = folder / "ledger", folder / "warehouse"
        write(source)
        build(warehouse, f"SOURCE={source}", f"AS_OF={month_end(LEARNED)}")
        statements = first_month(folder, source, warehouse, LEARNED + 1)
        compiled = shutil.copy(folder / WORK, folder / "compiled.duckdb")
        lines, labels = [], []
        for month, connection in months_of(folder / WORK, statements, range(LEARNED + 1, LAST + 1)):
            lines.append(drift_of(connection).assign(month=month))
            scores = connection.sql("select customer_id, segment_id from scoring.customer_scores").df()
            labels.append(scores.assign(month=month))
        alarms = {"": pd.concat(lines)}
        hidden = pd.read_csv(folder / "ledger_hidden_months.csv", dtype=str)
        movers = movers_of(pd.concat(labels), hidden)
        if is_checked:
            check(warehouse, source, lines[-1])
        for shock in SHOCKS if has_shocks else ():
            # Until it begins, the portfolio is the same.
            write(source, shock=shock, shock_month=SHOCKED)
            work = Path(shutil.copy(compiled, folder / WORK))
            with duckdb.connect(str(work)) as connection:
                open_source(connection, source, load_contract(STAGING))
            months = months_of(work, statements, range(SHOCKED - 1, SHOCKED + 12))
            alarms[shock] = pd.concat(
                drift_of(connection).assign(month=month) for month, connection in months
            )
    return Found(seed, alarms, movers)


def check(warehouse: Path, source: Path, said: pd.DataFrame) -> None:
    """Build the last two months whole; raises UnmeasuredError where the last one says something else."""
    copied = warehouse.with_name("checked")
    shutil.copytree(warehouse, copied, symlinks=True)
    for month in (LAST - 1, LAST):
        build(copied, f"SOURCE={source}", f"AS_OF={month_end(month)}")
    with duckdb.connect(str(copied / LINK), read_only=True) as connection:
        whole = drift_of(connection)
    same = whole.assign(drift=whole.drift.round(9)).equals(
        said[whole.columns].assign(drift=said.drift.round(9))
    )
    if not same:
        raise UnmeasuredError(
            f"a whole build says of {month_end(LAST)} something else:\n{whole}\n{said.drop(columns='month')}"
        )


def movers_of(labels: pd.DataFrame, hidden: pd.DataFrame) -> pd.DataFrame:
    """Hold labels month by month against hidden types.

    Args:
        labels: customer_id, segment_id, month.
        hidden: the sample's hidden months.

    Returns:
        A row for each horizon: horizon, movements, explained (the customer's type had changed in as many months up to that one),
        changes, noticed (the label moved within as many months from the change on), told_apart (changes between types
        that are the most frequent ones of different segments), arrived (of those, the label then is that of the new type).
    """
    number = (pd.PeriodIndex(hidden.from_month, freq="M").astype("int64")
              - pd.Period(f"{AS_OF:%Y-%m}", freq="M").ordinal)  # fmt: skip
    stays = hidden.assign(month=number, before=hidden.groupby("customer_id").hidden_type.shift())
    changes = stays[stays.before.notna()][["customer_id", "before", "hidden_type", "month"]]
    labels = labels.sort_values(["customer_id", "month"])
    earlier = labels.groupby("customer_id")[["segment_id", "month"]].shift()
    moved = labels[(earlier.month == labels.month - 1) & (earlier.segment_id != labels.segment_id)]
    first, last = int(labels.month.min()) + 1, int(labels.month.max())
    types = labels[labels.month == first].merge(
        stays[stays.month <= first].groupby("customer_id").hidden_type.last(), on="customer_id"
    )
    # The segment in which most customers of a type are.
    home = types.groupby("hidden_type").segment_id.agg(lambda segments: segments.mode()[0])
    pairs = moved.merge(changes[["customer_id", "month"]], on="customer_id", suffixes=("", "_changed"))
    lag = pairs.month - pairs.month_changed
    there = labels.set_index(["customer_id", "month"]).segment_id
    rows = []
    for horizon in HORIZONS:
        # Movements and changes before and after which there are as many months to look at.
        found = moved[moved.month >= first]
        explained = pairs[(lag >= 0) & (lag < horizon)][["customer_id", "month"]].drop_duplicates()
        looked_at = changes[(changes.month >= first) & (changes.month <= last - horizon + 1)]
        at_end = (
            looked_at.assign(month=looked_at.month + horizon - 1).set_index(["customer_id", "month"]).index
        )
        looked_at = looked_at.assign(segment_id=there.reindex(at_end).to_numpy())
        looked_at = looked_at[looked_at.segment_id.notna()]
        noticed = pairs[(lag >= 0) & (lag < horizon)][["customer_id", "month_changed"]].drop_duplicates()
        noticed = looked_at.merge(
            noticed, left_on=["customer_id", "month"], right_on=["customer_id", "month_changed"]
        )
        apart = looked_at[looked_at.before.map(home) != looked_at.hidden_type.map(home)]
        rows.append({
            "horizon": horizon, "movements": len(found), "explained": len(explained), "changes": len(looked_at),
            "noticed": len(noticed), "told_apart": len(apart),
            "arrived": int((apart.segment_id == apart.hidden_type.map(home)).sum()),
        })  # fmt: skip
    return pd.DataFrame(rows)


def words(found: Sequence[Found], customers: int, seconds: float) -> str:
    """The Markdown."""
    quiet = pd.concat([each.alarms[""].assign(seed=each.seed) for each in found])
    months = quiet.groupby(["seed", "month"]).alarm.agg(set)
    count = len(months)
    act, watch = (sum(alarm in said for said in months) for alarm in ("act", "watch"))
    lines = [
        f"Measured {dt.date.today()} on {os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python"
        f" {platform.python_version()}, in {seconds / 60:.0f} minutes: {len(found)} portfolios of {customers:,} customers.",
        "",
        f"Of {count} quiet months {act} say act ({act / count:.1%}), {watch} say watch ({watch / count:.1%}).",
        "",
        "| line | months that say act | months that say watch |",
        "| --- | ---: | ---: |",
        *(
            f"| {measure} {part if measure in ('feature', 'month') else ''} | {(said == 'act').sum()} | {(said == 'watch').sum()} |"
            for (measure, part), said in quiet.assign(
                part=quiet.part.where(quiet.measure.isin(["feature", "month"]), "")
            ).groupby(["measure", "part"]).alarm
            if (said != "fine").any()
        ),
        "",
        f"{len([each for each in found if len(each.alarms) > 1])} of the portfolios had shocks, too:",
        "",
        "| shock | act in its first month | within two | within three | within six | within twelve | by PSI within twelve |"
        " first month that says act, median |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]  # fmt: skip
    shocked = [each for each in found if len(each.alarms) > 1]
    for shock in SHOCKS if shocked else ():
        firsts = [first_act(each.alarms[shock]) for each in shocked]
        by_psi = [first_act(lines_of_psi(each.alarms[shock])) for each in shocked]
        within = (sum(first <= most for first in firsts) for most in (1, 2, 3, 6, 12))
        median = statistics.median(firsts)
        lines.append(
            f"| {shock} | {' | '.join(str(each) for each in within)} | {sum(first <= 12 for first in by_psi)} |"
            f" {median if median <= 12 else 'none'} |"
        )
    movers = pd.concat([each.movers for each in found]).groupby("horizon").sum()
    lines += [
        "",
        "| months | movements whose type had changed within them | changes of type noticed within them |"
        " changes between segments whose label is right at their end |",
        "| ---: | ---: | ---: | ---: |",
        *(
            f"| {horizon} | {row.explained:,} of {row.movements:,} ({row.explained / row.movements:.0%})"
            f" | {row.noticed:,} of {row.changes:,} ({row.noticed / row.changes:.0%})"
            f" | {row.arrived:,} of {row.told_apart:,} ({row.arrived / row.told_apart:.0%}) |"
            for horizon, row in movers.iterrows()
        ),
        "",
    ]
    return "\n".join(lines)


def lines_of_psi(alarms: pd.DataFrame) -> pd.DataFrame:
    """The lines whose drift is a population stability index."""
    return alarms[alarms.measure.isin(["feature", "segments"])]


def first_act(alarms: pd.DataFrame) -> int:
    """In which month of the shock, from 1, a line says act for the first time; 13 where none does."""
    acts = alarms[(alarms.alarm == "act") & (alarms.month >= SHOCKED)].month
    return int(acts.min()) - SHOCKED + 1 if len(acts) else 13


def main(arguments: Sequence[str]) -> int:
    """Measure, print and write the text; return the exit code."""
    started = time.perf_counter()
    try:
        values = read_declared(arguments, ARGUMENTS)
        out = made_folder("OUT", values["out"])
        one = partial(measure_seed, customers=values["customers"])
        # DuckDB does not survive a fork.
        pool = ProcessPoolExecutor(values["processes"], mp_context=get_context("spawn"))
        waiting = [
            pool.submit(
                one, values["seed"] + place, has_shocks=place < values["shock_seeds"], is_checked=place == 0
            )
            for place in range(values["seeds"])
        ]
        found: list[Found] = []
        try:
            for done in as_completed(waiting, timeout=60 * values["minutes"]):
                found.append(done.result())
                seconds = time.perf_counter() - started
                print(f"seed {found[-1].seed} after {seconds:.0f} s", file=sys.stderr, flush=True)
        except TimeoutError:
            # Those that are at work end their portfolio.
            pool.shutdown(cancel_futures=True)
            found = [each.result() for each in waiting if not each.cancelled()]
            print(f"{len(waiting) - len(found)} portfolios are left out", file=sys.stderr)
        finally:
            pool.shutdown(cancel_futures=True)
        if not found:
            raise UnmeasuredError(f"MINUTES={values['minutes']}: no portfolio was done by then")
        text = words(found, values["customers"], time.perf_counter() - started)
        (out / f"drift_{values['customers']}_{values['seed']}.md").write_text(text, encoding="utf-8")
        print(text)
    except (UserError, UnmeasuredError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
