"""Campaigns and their results as a build publishes them: counts, costs and verdicts, and no customer's id.

Reads warehouse/campaigns/campaigns.duckdb and writes raw.campaigns and raw.campaign_results of the connection it is given.
"""

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import duckdb

from scripts.base.errors import UserError
from scripts.campaigns.register import HOLDOUT, TABLES, TREATMENT, opened, register_of

# What is published of each campaign, and of each measurement of it.
CAMPAIGNS = {
    "campaign": "varchar",
    "created_at": "timestamp",
    "status": "varchar",
    "segments": "varchar",
    "customers": "bigint",
    "eligible": "bigint",
    "contacted": "bigint",
    "held_out": "bigint",
    "cost_per_contact": "double",
    "smallest_uplift": "double",
    "power_at_expected": "double",
    "customers_needed": "bigint",
    "warning": "varchar",
    "model_id": "varchar",
}
RESULTS = {
    "campaign": "varchar",
    "measured_at": "timestamp",
    "is_latest": "boolean",
    "segment_id": "integer",
    "segment_name": "varchar",
    "arm": "varchar",
    "compared_with": "varchar",
    "contacted": "bigint",
    "contacted_responded": "bigint",
    "held_out": "bigint",
    "held_out_responded": "bigint",
    "uplift": "double",
    "uplift_low": "double",
    "uplift_high": "double",
    "p_value": "double",
    "cost": "double",
    "net_value": "double",
    "net_value_low": "double",
    "net_value_high": "double",
    "verdict": "varchar",
    "words": "varchar",
}
OF_CAMPAIGNS = """
select
    name, created_at,
    case
        when cancelled_at is not null then 'cancelled'
        when name in (select name from campaign_results) then 'measured'
        else 'drawn'
    end,
    segments, customers, eligible, treated, held_out, try_cast(parameters ->> 'cost' as double), smallest_uplift,
    power_at_expected, customers_needed, warning, model_id
from campaigns order by created_at, name
"""
OF_RESULTS = f"""
select
    name, measured_at, measured_at = max(measured_at) over (partition by name), segment_id, segment_name,
    coalesce(arm, '{TREATMENT}'), coalesce(compared_with, '{HOLDOUT}'), treated, treated_responded, held_out,
    held_out_responded, uplift, uplift_low_simultaneous, uplift_high_simultaneous, p_value_corrected, cost, net_value, net_value_low, net_value_high, verdict, words
from campaign_results order by name, measured_at, segment_id nulls first, arm, compared_with
"""
# How often, and how many seconds apart, to ask for a register that a campaign command has open.
ATTEMPTS, PAUSE = 20, 0.5

Rows = list[tuple[Any, ...]]


def campaigns_of(warehouse: Path) -> tuple[Rows, Rows]:
    """Campaigns and results of the register, as rows of CAMPAIGNS and RESULTS; none where there is no register.

    Raises UserError where another process has the register open, or it cannot be read.
    """
    path = register_of(warehouse)
    if not path.exists():
        return [], []
    with _opened_in_time(path) as connection:
        # That of an earlier release lacks columns.
        connection.execute(TABLES)
        return connection.execute(OF_CAMPAIGNS).fetchall(), connection.execute(OF_RESULTS).fetchall()


def digest_of(campaigns: tuple[Rows, Rows]) -> str:
    """What tells campaigns and results from others."""
    return hashlib.blake2b(json.dumps(campaigns, default=str).encode(), digest_size=16).hexdigest()


def hand_over_campaigns(connection: duckdb.DuckDBPyConnection, campaigns: tuple[Rows, Rows]) -> None:
    """Write them to raw.campaigns and raw.campaign_results, where dbt's models read them; schema raw exists."""
    for table, columns, rows in zip(
        ("campaigns", "campaign_results"), (CAMPAIGNS, RESULTS), campaigns, strict=True
    ):
        declared = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        connection.execute(f"create or replace table raw.{table} ({declared})")
        if rows:
            places = ", ".join(["(" + ", ".join("?" * len(columns)) + ")"] * len(rows))
            connection.execute(
                f"insert into raw.{table} values {places}", [each for row in rows for each in row]
            )


def _opened_in_time(path: Path) -> duckdb.DuckDBPyConnection:
    """Open the register, which a campaign command may hold for a moment."""
    for attempt in range(ATTEMPTS):
        try:
            return opened(path)
        except UserError as error:
            if "lock" not in str(error) or attempt == ATTEMPTS - 1:
                raise UserError(f"{error} PUBLISH_CAMPAIGNS=no builds without it.") from None
            time.sleep(PAUSE)
    raise AssertionError("unreachable")
