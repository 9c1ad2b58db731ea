"""The round trip: a row of the real file becomes a ledger, the job makes features of it, the row is back."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from scripts.sample import writer

AS_OF = date(2025, 12, 31)
# The features of money come back to the cent; shares to the six decimals that the real file holds; counts
# exactly. `balance` is a mean of averages with six decimals.
TOLERANCE = {
    "balance": 1e-6,
    "balance_frequency": 1e-6,
    "purchases": 0.005,
    "oneoff_purchases": 0.005,
    "installments_purchases": 0.005,
    "cash_advance": 0.005,
    "purchases_frequency": 1e-6,
    "oneoff_purchases_frequency": 1e-6,
    "purchases_installments_frequency": 1e-6,
    "cash_advance_frequency": 1e-6,
    "cash_advance_trx": 0,
    "purchases_trx": 0,
    "credit_limit": 0.005,
    "payments": 0.005,
    "minimum_payments": 0.005,
    "prc_full_payment": 1e-6,
    "tenure": 0,
}
# Binary fractions of amounts in the millions.
SLACK = 1e-8
# DOMAIN: 7,935 rows admit an exact ledger. The others contradict themselves, some in several ways.
ADMITTED = 7935
ONLY_REFUNDS = 4
CONTRADICTORY = {
    # Cash advances in more months than the account was open; all of them young accounts.
    "frequency above 1": 8,
    "part of a month": 0,
    # Refunds: purchases are 20 to 600 less than one-off plus instalment purchases.
    "parts do not add up": 19,
    "purchases without a transaction": 3,
    "transactions without purchases": 3,
    # The only customer who was never active has a frequency all the same.
    "money without months, or months without money": 1,
    # The source counts the months of instalment-only customers one short.
    "more purchase months than its parts have": 971,
    "fewer purchase months than a part has": 19,
    "fewer transactions than months": 15,
    "fewer cents than transactions": 0,
    "paid in full though nothing was due": 0,
}


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@pytest.fixture
def real_rows(connection: duckdb.DuckDBPyConnection, real_file: Path) -> duckdb.DuckDBPyConnection:
    """The real file as the relation `real_rows` of targets."""
    connection.execute(f"""
        create table real_rows as
        select
            cust_id as customer_id,
            row_number() over (order by cust_id) as customer_number,
            * exclude (cust_id, minimum_payments),
            coalesce(minimum_payments, 0) as minimum_payments,
            minimum_payments is null as nothing_was_due,
            {writer.PLAIN_LIFE}
        from read_csv('{real_file}', normalize_names = true)
    """)
    return connection


def write(connection: duckdb.DuckDBPyConnection, targets: str, folder: Path) -> None:
    folder.mkdir()
    writer.create_plan(connection, targets, plan="plan", seed=1, as_of=AS_OF, seasonal_weights=(1,) * 12)
    writer.write_ledger(connection, "plan", folder, as_of=AS_OF, file_format="parquet")


def differences(expected: pd.DataFrame, found: pd.DataFrame) -> list[str]:
    """Say for each feature in how many rows it did not come back."""
    assert list(found.customer_id) == list(expected.customer_id)
    lines = []
    for name, tolerance in TOLERANCE.items():
        left, right = expected[name].astype(float), found[name].astype(float)
        off = ((left - right).abs() > tolerance + SLACK) | (left.isna() != right.isna())
        if off.any():
            first = off.idxmax()
            lines.append(
                f"{name}: {off.sum()} rows, first {expected.customer_id[first]}: {left[first]} became {right[first]}"
            )
    flags = expected.nothing_was_due.astype(bool) != found.nothing_was_due.astype(bool)
    if flags.any():
        lines.append(f"nothing_was_due: {flags.sum()} rows")
    return lines


def test_every_row_that_admits_a_ledger_comes_back(
    real_rows: duckdb.DuckDBPyConnection,
    features_of_ledger: Callable[[Path], pd.DataFrame],
    tmp_path: Path,
) -> None:
    """With them go the rows that only refunds keep from it: a refund of the difference brings them back."""
    real_rows.execute(f"""
        create table admitted as
        select real_rows.*, len(judged.contradictions) = 0 as is_exact
        from real_rows
        inner join ({writer.contradictions_sql("real_rows")}) as judged using (customer_id)
        where judged.contradictions in ([], ['parts do not add up'])
    """)
    write(real_rows, "admitted", tmp_path / "ledger")
    found = features_of_ledger(tmp_path / "ledger")
    expected = real_rows.sql("from admitted order by customer_id").df()
    assert expected.is_exact.sum() == ADMITTED
    assert (~expected.is_exact).sum() == ONLY_REFUNDS
    assert found.as_of_date.astype(str).str[:10].unique().tolist() == ["2025-12-31"]
    assert differences(expected, found) == []


def test_contradictions_are_counted_by_kind(real_rows: duckdb.DuckDBPyConnection) -> None:
    counts = writer.count_contradictions(real_rows, "real_rows")
    assert counts.pop("") == ADMITTED
    assert counts == CONTRADICTORY


# A row without contradiction, and for each kind a change that brings that contradiction about.
CONSISTENT = {
    "customer_id": "'C1'",
    "customer_number": "1",
    "balance": "100.5",
    "balance_frequency": "1.0",
    "purchases": "30.0",
    "oneoff_purchases": "10.0",
    "installments_purchases": "20.0",
    "cash_advance": "50.0",
    "purchases_frequency": "0.25",
    "oneoff_purchases_frequency": "0.083333",
    "purchases_installments_frequency": "0.166667",
    "cash_advance_frequency": "0.083333",
    "cash_advance_trx": "1",
    "purchases_trx": "3",
    "credit_limit": "1000.0",
    "payments": "60.0",
    "minimum_payments": "20.0",
    "prc_full_payment": "0.090909",
    "tenure": "12",
    "nothing_was_due": "false",
}
CHANGES = {
    "frequency above 1": {"cash_advance_frequency": "1.083333", "cash_advance_trx": "13"},
    "part of a month": {"cash_advance_frequency": "0.1"},
    "parts do not add up": {"purchases": "29.98"},
    "purchases without a transaction": {"purchases_trx": "0"},
    "transactions without purchases": {"purchases": "0.0"},
    "money without months, or months without money": {"balance_frequency": "0.0"},
    "more purchase months than its parts have": {"purchases_frequency": "0.333333"},
    "fewer purchase months than a part has": {"purchases_frequency": "0.083333"},
    "fewer transactions than months": {"purchases_trx": "2"},
    "fewer cents than transactions": {"minimum_payments": "0.0"},
    "paid in full though nothing was due": {"nothing_was_due": "true"},
}


def judged(connection: duckdb.DuckDBPyConnection, changes: dict[str, str]) -> list[str]:
    items = ", ".join(f"{value} as {name}" for name, value in {**CONSISTENT, **changes}.items())
    connection.execute(f"create or replace table one_row as select {items}")
    row = connection.execute(writer.contradictions_sql("one_row")).fetchone()
    assert row is not None
    names: list[str] = row[1]
    return names


def test_a_consistent_row_has_no_contradiction(connection: duckdb.DuckDBPyConnection) -> None:
    assert judged(connection, {}) == []


@pytest.mark.parametrize("kind", [kind.name for kind in writer.CONTRADICTIONS])
def test_each_contradiction_is_found(connection: duckdb.DuckDBPyConnection, kind: str) -> None:
    assert kind in judged(connection, CHANGES[kind])
