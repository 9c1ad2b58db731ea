"""The ledger's half of a build on Spark: rows judged, features, audit. The rest of the job reads its tables as DuckDB's own.

Writes tables below the warehouse, in a folder that goes with the build, and views of them to the work file.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from scripts.base.console import Console
from scripts.base.files import partial_of, remove
from scripts.base.parameters import SPARK, machine_limits
from scripts.base.paths import DBT_TARGET, LOGS, SPARK_LOG, SPARK_TABLES, WORK
from scripts.base.quoting import sql_name, sql_text
from scripts.dbt.failures import why_dbt_failed
from scripts.dbt.runner import run_dbt
from scripts.dbt.spark import make_views, spark_session, tables_of

# The models that Spark computes: dbt's selectors. DuckDB has the views of staging too, for a look at single rows.
STAGING, LEDGER = "path:models/staging/ledger", "path:models/ledger"
SCHEMA = "ledger"
# Arguments for dbt's build of all else: tests of these models' tables stay.
WITHOUT_LEDGER = ("--exclude", LEDGER, "--indirect-selection", "empty")
FEATURES = "int_ledger_customer_features"


def compute_ledger(
    variables: Mapping[str, Any], views: Sequence[str], warehouse: Path, console: Console
) -> None:
    """Run the models of a ledger on a local Spark, and make views of their tables in the work file.

    Args:
        variables: dbt's vars.
        views: statements that make the input readable there.
        warehouse: its folder; the work file is open nowhere.
        console: gets a line per stage.

    Raises UserError where a step failed, and nothing is published.
    """
    folder = partial_of(warehouse / SPARK_TABLES)
    remove(folder)
    (warehouse / LOGS).mkdir(exist_ok=True)
    console.start_dbt("Start Spark")
    with spark_session(folder, warehouse / SPARK_LOG, machine_limits()) as session:
        make_views(session, views)
        result = run_dbt(
            ["run", "--select", STAGING, LEDGER],
            variables,
            work=warehouse / WORK,
            target=warehouse / DBT_TARGET,
            logs=warehouse / LOGS,
            on_event=console.on_dbt_event,
            engine=SPARK,
        )
    if not result.success:
        raise why_dbt_failed(result, warehouse)
    with duckdb.connect(str(warehouse / WORK)) as connection:
        connection.execute(f"create schema if not exists {SCHEMA}")
        for name, path in tables_of(folder, SCHEMA).items():
            files = sql_text(str(path / "*.parquet"))
            connection.execute(
                f"create view {SCHEMA}.{sql_name(name)} as from read_parquet({files}, hive_partitioning = false)"
            )
        [(rows,)] = connection.execute(f"select count(*) from {SCHEMA}.{FEATURES}").fetchall()
    console.end_dbt(rows)
