"""A history that is built afterwards, month by month with AS_OF, is the one that monthly runs would have given."""

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from scripts.sample.ledger import write_sample_ledger
from tests.support.builds import query, run_build

# The last of the generated past, and months in which people change, join and leave.
MONTHS = ("2025-12-31", "2026-01-31", "2026-02-28", "2026-03-31")
OF_A_HISTORY = {
    "segment_history": "customer_id, segment_id, valid_from, valid_to",
    "segment_migration": "*",
    "customer_movements": "*",
    "segment_profiles": "segment_id, segment_name, customers",
    "customer_segments": "customer_id, as_of_date, segment_id, runner_up_segment_id, distance_to_centroid",
    "customer_features": "*",
}


def build(warehouse: Path, *given: str) -> None:
    done = run_build(warehouse, *given)
    assert done.returncode == 0, done.stdout + done.stderr


def deliver(ledger: Path, month: str, to: Path) -> None:
    """Put what a bank knows at a month's end where the month before stands: all accounts anew, rows as a new file."""
    begins = "0001-01-01" if month == MONTHS[0] else f"{month[:7]}-01"
    for table, day in (("transactions", "posted_on"), ("statements", "statement_on")):
        (to / table).mkdir(parents=True, exist_ok=True)
        duckdb.sql(
            f"copy (from '{ledger}/{table}/*.parquet' where {day} between '{begins}' and '{month}')"
            f" to '{to}/{table}/{month}.parquet'"
        )
    (to / "accounts").mkdir(exist_ok=True)
    duckdb.sql(
        f"copy (select * replace (case when closed_on <= '{month}' then closed_on end as closed_on)"
        f" from '{ledger}/accounts/*.parquet' where opened_on <= '{month}') to '{to}/accounts/accounts.parquet'"
    )


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Published files of the same months: each built of the whole ledger afterwards, and each when it had ended."""
    folder = tmp_path_factory.mktemp("backfill")
    ledger = write_sample_ledger(
        folder / "ledger", customers=500, seed=4, file_format="parquet", months=14, more_months=4
    ).folder
    for month in MONTHS:
        build(folder / "afterwards", f"SOURCE={ledger}", f"AS_OF={month}")
        deliver(ledger, month, folder / "delivered")
        build(folder / "monthly", f"SOURCE={folder / 'delivered'}")
    return folder / "afterwards" / "card_segments.duckdb", folder / "monthly" / "card_segments.duckdb"


@pytest.mark.parametrize("table", OF_A_HISTORY)
def test_it_is_the_same(histories: tuple[Path, Path], table: str) -> None:
    afterwards, monthly = (
        query(published, f"select {OF_A_HISTORY[table]} from marts.{table} order by all")
        for published in histories
    )
    assert len(afterwards)
    pd.testing.assert_frame_equal(afterwards, monthly)
