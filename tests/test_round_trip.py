"""The feature SQL proven exactly: a ledger is written for each row of the real file, and the row comes back."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from scripts import ledger_writer

AS_OF = date(2025, 12, 31)
MONEY = (
    "purchases",
    "oneoff_purchases",
    "installments_purchases",
    "cash_advance",
    "payments",
    "minimum_payments",
)


@pytest.fixture(scope="module")
def targets(real_file: Path) -> duckdb.DuckDBPyConnection:
    """Real rows as targets of a ledger, with the contradictions of each."""
    connection = duckdb.connect()
    connection.execute(
        f"""
        create table targets as
        select cust_id as customer_id, row_number() over () as customer_number,
            lower_names.* exclude (cust_id, minimum_payments), coalesce(minimum_payments, 0) as minimum_payments,
            minimum_payments is null as nothing_was_due, {ledger_writer.PLAIN_LIFE}
        from read_csv('{real_file}', normalize_names = true) as lower_names
        """
    )
    connection.execute(f"create table judged as {ledger_writer.contradictions_sql('targets')}")
    connection.execute(
        "create table exact as select * from targets"
        " where customer_id in (select customer_id from judged where len(contradictions) = 0)"
    )
    return connection


def test_7935_rows_admit_an_exact_ledger(targets: duckdb.DuckDBPyConnection) -> None:
    assert targets.execute("select count(*) from exact").fetchone() == (7935,)


def test_every_row_that_admits_a_ledger_comes_back(
    targets: duckdb.DuckDBPyConnection, features_of_ledger: Callable[[Path], pd.DataFrame], tmp_path: Path
) -> None:
    """Money comes back to the cent, everything else to 1e-6."""
    ledger_writer.create_plan(targets, "exact", plan="plan", seed=1, as_of=AS_OF, seasonal_weights=(1,) * 12)
    ledger_writer.write_ledger(targets, "plan", tmp_path, as_of=AS_OF, file_format="parquet")
    expected = targets.execute("select * from exact order by customer_id").df()
    found = features_of_ledger(tmp_path)
    assert list(found.customer_id) == list(expected.customer_id)
    assert (found.nothing_was_due == expected.nothing_was_due).all()
    for name in ledger_writer.FEATURES:
        # Half a cent is what rounding to cents may cost.
        tolerance = 0.005 + 1e-9 if name in MONEY or name == "credit_limit" else 1e-6
        difference = np.abs(found[name] - expected[name])
        assert difference.max() <= tolerance, (
            f"{name}: {difference.max()} at {expected.customer_id[difference.idxmax()]}"
        )
