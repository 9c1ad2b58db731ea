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
from scripts.base.paths import STAGING
from scripts.base.yaml_files import read_yaml
from scripts.campaigns.register import HOLDOUT, TABLES, TREATMENT, RegisterInUse, opened, register_of

SOURCES = STAGING / "_intake__sources.yml"

# Their columns are those of the sources of these names in _intake__sources.yml, in this order.
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
    held_out_responded, uplift, uplift_low_simultaneous, uplift_high_simultaneous, p_value_corrected, cost, net_value,
    net_value_low, net_value_high, verdict, words
from campaign_results order by name, measured_at, segment_id nulls first, arm, compared_with
"""
# How often, and how many seconds apart, to ask for a register that a campaign command has open.
ATTEMPTS, PAUSE = 20, 0.5

Rows = list[tuple[Any, ...]]


def campaigns_of(warehouse: Path) -> tuple[Rows, Rows]:
    """Campaigns and results of the register, as rows of OF_CAMPAIGNS and OF_RESULTS; none where there is no register.

    Raises UserError where another process has the register open, or it cannot be read.
    """
    path = register_of(warehouse)
    if not path.exists():
        return [], []
    try:
        register = _opened_in_time(path)
    except UserError as error:
        raise UserError(f"{error} PUBLISH_CAMPAIGNS=no builds without it.") from None
    with register as connection:
        # That of an earlier release lacks columns.
        connection.execute(TABLES)
        return connection.execute(OF_CAMPAIGNS).fetchall(), connection.execute(OF_RESULTS).fetchall()


def digest_of(campaigns: tuple[Rows, Rows]) -> str:
    """What tells campaigns and results from others."""
    return hashlib.blake2b(json.dumps(campaigns, default=str).encode(), digest_size=16).hexdigest()


def hand_over_campaigns(connection: duckdb.DuckDBPyConnection, campaigns: tuple[Rows, Rows]) -> None:
    """Write them to raw.campaigns and raw.campaign_results, where dbt's models read them; schema raw exists."""
    for table, rows in zip(("campaigns", "campaign_results"), campaigns, strict=True):
        columns = _columns(table)
        declared = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        connection.execute(f"create or replace table raw.{table} ({declared})")
        if rows:
            # A list a column: as many parameters however many rows there are.
            lists = ", ".join(f"unnest(?::{kind}[])" for kind in columns.values())
            given = [list(column) for column in zip(*rows, strict=True)]
            connection.execute(f"insert into raw.{table} select {lists}", given)


def _columns(table: str) -> dict[str, str]:
    """Names and types of a table of source intake."""
    [source] = read_yaml(SOURCES)["sources"]
    [found] = [each for each in source["tables"] if each["name"] == table]
    return {column["name"]: column["data_type"] for column in found["columns"]}


def _opened_in_time(path: Path) -> duckdb.DuckDBPyConnection:
    """Open the register, which a campaign command may hold for a moment."""
    for _ in range(ATTEMPTS - 1):
        try:
            return opened(path)
        except RegisterInUse:
            time.sleep(PAUSE)
    return opened(path)
