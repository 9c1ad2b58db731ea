"""The floors of a build's stages: the least that any job would do in a stage's place, by the same libraries.

    python -m scripts.benchmark.floors LEDGER PUBLISHED FEATURES K SAMPLE_ROWS REPORT FOLDER

Reads the ledger (Parquet), the published file of a build and its features (.npy); writes seconds by stage to REPORT
and two copies of the published tables below FOLDER. A floor checks nothing, chooses nothing and keeps no history, so
no stage can reach it; the distance says what the rest of the stage costs.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np

from scripts.base.parameters import machine_limits
from scripts.base.quoting import sql_name, sql_path, sql_paths, sql_text

# What stands in for each stage, by its title.
FLOORS = {
    "Check every row, compute features": "a bare scan of the three files with the sums that the features need",
    "Learn the segments": "one KMeans fit with the chosen k on as many customers",
    "Label every customer": "one KMeans prediction of all customers, features in memory",
    "Write the tables": "a bare copy of the published tables to DuckDB and to Parquet",
}
TYPES = (
    "oneoff_purchase", "installment_purchase", "refund", "cash_advance", "payment", "payment_reversal",
)  # fmt: skip


def _scan(connection: duckdb.DuckDBPyConnection, ledger: Path) -> None:
    """Aggregate transactions and statements to a row a customer, without a look at a single row."""
    for table in ("accounts", "transactions", "statements"):
        files = sorted([*ledger.glob(f"{table}.parquet"), *ledger.glob(f"{table}/*.parquet")])
        connection.execute(f"create view {table} as from read_parquet({sql_paths(files)})")
    sums = ", ".join(
        f"sum(amount) filter (transaction_type = '{each}') as {each}, "
        f"count(*) filter (transaction_type = '{each}') as {each}_rows"
        for each in TYPES
    )
    connection.execute(
        f"create table of_transactions as select account_id, date_trunc('month', posted_on) as month, {sums}"
        " from transactions group by all"
    )
    connection.execute(
        "create table of_statements as select account_id, sum(average_daily_balance) as balance, "
        "sum(minimum_due) as minimum_due, sum(credit_limit) as credit_limit, count(*) as months, "
        "count(*) filter (average_daily_balance > 0) as months_with_balance, "
        "count(*) filter (due_on is not null and paid_by_due_on >= closing_balance) as months_in_full"
        " from statements group by all"
    )
    amounts = ", ".join(
        f"sum({each}) as {each}, sum({each}_rows) as {each}_rows, count(*) filter ({each}_rows > 0) as {each}_months"
        for each in TYPES
    )
    connection.execute(
        f"create table features as with spent as (select account_id, {amounts} from of_transactions group by all) "
        "select customer_id, sum(columns(spent.* exclude (account_id))), "
        "sum(columns(of_statements.* exclude (account_id))) from accounts left join spent using (account_id) "
        "left join of_statements using (account_id) group by customer_id"
    )


def _copy(connection: duckdb.DuckDBPyConnection, published: Path, folder: Path) -> None:
    copied = folder / "copied.duckdb"
    copied.unlink(missing_ok=True)
    connection.execute(f"attach {sql_text(str(published))} as published (read_only)")
    connection.execute(f"attach {sql_text(str(copied))} as copied")
    tables = connection.execute(
        "select table_name from duckdb_tables() where database_name = 'published' and schema_name = 'marts'"
    ).fetchall()
    for (name,) in tables:
        relation = f"published.marts.{sql_name(name)}"
        connection.execute(f"create table copied.{sql_name(name)} as from {relation}")
        connection.execute(f"copy {relation} to {sql_path(folder / f'{name}.parquet')} (format parquet)")
    connection.execute("checkpoint copied")


def measured_floors(
    ledger: Path, published: Path, features: Path, k: int, sample_rows: int, folder: Path
) -> dict[str, float]:
    """Seconds of each floor, by the stage's title."""
    from sklearn.cluster import KMeans

    from scripts.benchmark.learners import standardised

    seconds: dict[str, float] = {}

    @contextmanager
    def floor_of(stage: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        seconds[stage] = time.perf_counter() - started

    machine = machine_limits()
    limits: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": machine.memory,
        "threads": machine.threads,
    }
    scanned = folder / "scanned.duckdb"
    scanned.unlink(missing_ok=True)
    with (
        floor_of("Check every row, compute features"),
        duckdb.connect(str(scanned), config=limits) as connection,
    ):
        _scan(connection, ledger)
    with floor_of("Write the tables"), duckdb.connect(config=limits) as connection:
        _copy(connection, published, folder)
    points = standardised(np.load(features))
    with floor_of("Learn the segments"):
        fitted = KMeans(k, random_state=0).fit(points[:sample_rows])
    with floor_of("Label every customer"):
        fitted.predict(points)
    return seconds


if __name__ == "__main__":
    _ledger, _published, _features, _k, _rows, _report, _folder = sys.argv[1:]
    _found = measured_floors(
        Path(_ledger), Path(_published), Path(_features), int(_k), int(_rows), Path(_folder)
    )
    Path(_report).write_text(json.dumps(_found), encoding="utf-8")
