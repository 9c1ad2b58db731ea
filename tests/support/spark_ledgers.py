"""Ledgers of Parquet files that two engines are to read alike: with every kind of dirt, and in every type a column may have."""

import importlib.util
import shutil
from pathlib import Path

import duckdb
import pytest

from scripts.sample.ledger import write_sample_ledger

needs_spark = pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None
    or importlib.util.find_spec("dbt.adapters.spark") is None
    or shutil.which("java") is None,
    reason="pyspark, dbt-spark (make spark) or Java is not here",
)

NUMBERS = (
    "1", "1.", "  12.5", "12.5 ", ".5", "", "-", "NA", "1e3", "1E-1", "1e400", "--5", "+5", "5-", "-5", "(5)", "(5",
    "1,234.56", "1.234,56", "1'234.5", "1 234.50", "1\u00a0234", "12,34", "12,34,567.8", "USD 5", "5 USD", "$5", "\u20ac 5.00",
    "Rp5", "kr 7", "5 CR", "5 DR", "5cr", "NaN", "inf", "Infinity", "0x10", "1_000", "9999999999999999", "99999999999999999",
    "1234567890123456.789", "0.005", "0.015", "1.005", "2.675", "\u22125", "5\u2212", "\t5", "5\n", "5\r\n", "abc", "1e", "e1",
    "1.2.3", "00012", "0.1e1", "-0.001",
)  # fmt: skip
DAYS = (
    "2025-12-01", "2025/12/02", "2025-1-3", "2025-12-04 10:00:00", "2025-12-05T10:00:00Z", "2025-12-06, 10:00",
    "2025-12-07T10:00:00+07:00", "2025", "2025-12", "today", "epoch", "infinity", "31/12/2025", "20251231", "2025-13-01",
    "2025-02-30", "2024-02-29", "0001-01-01", "1899-12-31", "1900-01-01", "1949-12-31", "2999-12-31", "3000-01-01",
    "9999-12-31", " 2025-12-08", "2025-12-09 ", "\u00a02025-12-10", "2025-12/11", "2025-12-12x", "12025-12-01",
    "2025-12-14 10:00 PM", "2025-12-15\n", "2025-12-16 x", "-2025-12-01", "2025-12-17.5",
)  # fmt: skip
IDS = (
    " X1", "X2 ", "X3\t", "\tX4", "X5\u00a0", "X\u00e96", "7.0", "007.00", "8.10", "X9\r\n", "X10\n", "", "  ", "\u00a0",
    "\u200b", "NULL", "~x", "!x", "X11.0", "12.000", "1e5", "A B",
)  # fmt: skip
TYPES = ("fee ", "Fee", " fee", "fee\t", "fee.0", "interest", "", "\u00a0refund", None)
TABLES = ("accounts", "transactions", "statements")


def dirty_ledger(folder: Path) -> Path:
    """A ledger whose columns are text: the sample's dirt, and each way to write a number, a day, an id and a type."""
    with duckdb.connect() as connection:
        _read_sample(connection, folder / "sample", seed=3)
        [(account,)] = connection.execute("select min(account_id) from accounts").fetchall()
        rows = [
            *(
                (f"M{i}", account, "2025-11-05", "oneoff_purchase", number)
                for i, number in enumerate(NUMBERS)
            ),
            *((f"D{i}", account, day, "oneoff_purchase", "7.25") for i, day in enumerate(DAYS)),
            *((each, account, "2025-11-06", "payment", "3") for each in IDS),
            *((f"I{i}", each, "2025-11-06", "payment", "3") for i, each in enumerate(IDS)),
            *((f"T{i}", account, "2025-11-06", each, "3") for i, each in enumerate(TYPES)),
            *(
                ("DUP1", account, day, "fee", each)
                for day, each in (("2025-11-07", "1"), ("2025-11-06", "1"))
            ),
            *(("DUP2", account, "2025-11-07", kind, "1") for kind in ("fee", "interest", "fee")),
        ]
        connection.executemany("insert into transactions select ?, ?, ?, ?, ?, null", rows)
        for i, each in enumerate(NUMBERS):
            day = f"{1950 + i // 12}-{i % 12 + 1:02d}-15"
            connection.execute(
                "insert into statements select ?, ?, '2025-12-20', ?, ?, ?, ?, ?", [account, day, *[each] * 5]
            )
        for i, day in enumerate(DAYS):
            connection.execute(
                "insert into statements select ?, '2024-03-05', ?, '1', '1', '1', '1', '1'", [account, day]
            )
            connection.execute("insert into accounts select ?, ?, ?, null", [f"MA{i}", f"MC{i}", day])
            connection.execute("insert into accounts select ?, ?, '2020-01-01', ?", [f"MB{i}", f"MD{i}", day])
        for i, each in enumerate(IDS):
            connection.execute("insert into accounts select ?, ?, '2020-01-01', null", [each, f"ME{i}"])
            connection.execute("insert into accounts select ?, ?, '2020-01-01', null", [f"MF{i}", each])
        ledger = folder / "ledger"
        # Parts in folders, whose names are percent-encoded in an address; one has a column that the others have not.
        for name, part in (("a +1", "even"), ("b é%20", "odd")):
            (ledger / "transactions" / f"part={part}").mkdir(parents=True)
            connection.execute(
                f"copy (select *{', 1 as further' if part == 'odd' else ''} from transactions"
                f" where rowid % 2 = {int(part == 'odd')})"
                f" to '{ledger / 'transactions' / f'part={part}' / name}.parquet' (format parquet)"
            )
        for table in ("accounts", "statements"):
            connection.execute(f"copy {table} to '{ledger / table}.parquet' (format parquet)")
    return ledger


def spelled_ledger(folder: Path) -> Path:
    """A ledger of text with every order of days, two digits of the year, decimal commas, percent signs and currencies."""
    with duckdb.connect() as connection:
        _read_sample(connection, folder / "sample", seed=4)
        ledger = folder / "ledger"
        ledger.mkdir()
        day = "try_cast({} as date)"
        comma = "translate({}, '.', ',')"
        queries = {
            "accounts": f"""
                * replace (
                    strftime({day.format("opened_on")}, '%-d/%m/%Y') as opened_on,
                    strftime({day.format("closed_on")}, '%d-%b-%y') as closed_on
                )
            """,
            "transactions": f"""
                * replace (
                    strftime({day.format("posted_on")}, '%Y%m%d') as posted_on,
                    'EUR ' || {comma.format("amount")} as amount
                )
            """,
            "statements": f"""
                * replace (
                    strftime({day.format("statement_on")}, '%m/%d/%y') as statement_on,
                    strftime({day.format("due_on")}, '%m-%d-%Y') as due_on,
                    {comma.format("closing_balance")} as closing_balance
                )
            """,
        }
        for table, query in queries.items():
            connection.execute(
                f"copy (select {query} from {table}) to '{ledger / table}.parquet' (format parquet)"
            )
    return ledger


def typed_ledger(folder: Path, balances: str) -> Path:
    """A ledger without statements whose columns have types: numbers as ids, moments, fractions, further columns.

    balances: the column that tells them, balance_after or opening_balance.
    """
    with duckdb.connect() as connection:
        write_sample_ledger(folder / "sample", customers=200, seed=5, file_format="parquet", months=18)
        ledger = folder / "ledger"
        ledger.mkdir()
        number = "cast(regexp_replace(account_id, '[^0-9]', '', 'g') as {})"
        opening = ", round(100 * random(), 2) as opening_balance" if balances == "opening_balance" else ""
        after = ", round(500 * sin(hash(transaction_id) % 1000), 3) as balance_after" if not opening else ""
        queries = {
            "accounts": f"""
                * replace ({number.format("double")} as account_id, cast(opened_on as timestamp_ns) as opened_on),
                case when hash(customer_id) % 3 = 0 then 'Owner' else 'joint' end as role, 'a"b' as "odd `name"{opening}
            """,
            "transactions": f"""
                * replace (
                    {number.format("bigint")} as account_id, cast(posted_on as timestamp) as posted_on,
                    cast(amount as double) + 0.001 as amount
                ){after}
            """,
        }
        connection.execute("select setseed(0.5)")
        for table, query in queries.items():
            connection.execute(
                f"copy (select {query} from '{folder / 'sample' / table}.parquet')"
                f" to '{ledger / table}.parquet' (format parquet)"
            )
    return ledger


def _read_sample(connection: duckdb.DuckDBPyConnection, folder: Path, seed: int) -> None:
    """Make tables of text from the rows of a generated ledger that can be split into columns."""
    write_sample_ledger(folder, customers=200, seed=seed, file_format="csv", months=18)
    for table in TABLES:
        connection.execute(
            f"create table {table} as from read_csv('{folder / table}.csv', delim = ',', header = true, quote = '\"',"
            " all_varchar = true, ignore_errors = true)"
        )
