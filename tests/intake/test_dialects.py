"""A property: the same 300 customers in ten dialects, alone and together, have the same features, or a sentence says why not.

Dialects are put together at random, by a seed. Never is there a third thing: other numbers, or rows refused in silence.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from tests.support.bank_layouts import clean_ledger
from tests.support.learned import features_or_sentences

SEED, COMBINATIONS = 2026, 4
SHARES = (
    "balance_frequency", "purchases_frequency", "oneoff_purchases_frequency", "purchases_installments_frequency",
    "cash_advance_frequency", "prc_full_payment",
)  # fmt: skip
DATES = ("opened_on", "closed_on", "posted_on", "statement_on", "due_on")
IDS = ("cust_id", "customer_id", "account_id", "transaction_id")
MONEY = (
    "balance", "purchases", "oneoff_purchases", "installments_purchases", "cash_advance", "credit_limit", "payments",
    "minimum_payments", "amount", "closing_balance", "average_daily_balance", "minimum_due", "paid_by_due_on",
)  # fmt: skip


@dataclass
class Written:
    """How a table is written: its cells as text, then the file around them."""

    cells: pd.DataFrame
    delimiter: str = ","
    encoding: str = "utf-8"
    quoted: bool = False
    parquet: bool = False


def each(table: Written, names: tuple[str, ...], change: Callable[[str], str]) -> None:
    """Change the cells of these columns that are not empty."""
    for name in set(names) & set(table.cells.columns):
        table.cells[name] = [change(text) if text else text for text in table.cells[name]]


def decimal_comma(table: Written) -> None:
    numbers = (*MONEY, *SHARES)
    each(table, numbers, lambda text: text.replace(".", "!").replace(",", ".").replace("!", ","))
    table.delimiter = ";" if table.delimiter == "," else table.delimiter


def days_first(table: Written) -> None:
    each(table, DATES, lambda text: "/".join(reversed(text.split("-"))))


def padded_ids(table: Written) -> None:
    each(table, IDS, lambda text: f" {text:<12}\u00a0")


def percent_points(table: Written) -> None:
    # As repr writes them, so that dividing by 100 gives the same number, or its neighbour.
    each(table, SHARES, lambda text: text if "%" in text else repr(float(text) * 100))


def percent_signs(table: Written) -> None:
    each(table, SHARES, lambda text: text if "%" in text else f"{float(text) * 100!r} %")


def dollar_signs(table: Written) -> None:
    each(table, MONEY, lambda text: f"${text}")


def quoted(table: Written) -> None:
    table.quoted = True


def tabs(table: Written) -> None:
    table.delimiter = "\t"


def utf_16(table: Written) -> None:
    table.encoding = "utf-16"


def typed_parquet(table: Written) -> None:
    table.parquet = True


# In the order in which they are applied: signs behind numbers, marks in them, then what is around.
DIALECTS = (
    percent_points, percent_signs, dollar_signs, decimal_comma, days_first, padded_ids, quoted, tabs, utf_16, typed_parquet,
)  # fmt: skip


def write(table: Written, path: Path) -> None:
    """Write a table; a typed Parquet file has numbers and dates where every cell reads as one."""
    if not table.parquet:
        table.cells.to_csv(
            path.with_suffix(".csv"),
            index=False,
            sep=table.delimiter,
            encoding=table.encoding,
            quoting=1 if table.quoted else 0,
        )
        return
    with duckdb.connect() as connection:
        connection.register("cells", table.cells)
        typed = []
        for name in table.cells.columns:
            type_ = "date" if name in DATES else "varchar" if name in (*IDS, "transaction_type") else "double"
            [(bad,)] = connection.execute(
                f"select count(*) from cells where {name} != '' and try_cast({name} as {type_}) is null"
            ).fetchall()
            typed.append(f"cast(nullif({name}, '') as {'varchar' if bad else type_}) as {name}")
        connection.execute(f"copy (select {', '.join(typed)} from cells) to '{path.with_suffix('.parquet')}'")


def combinations(tables: dict[str, pd.DataFrame]) -> list[tuple[Callable[[Written], None], ...]]:
    """Each dialect that changes these tables alone, and some together."""
    known = {name for cells in tables.values() for name in cells.columns}
    useless = {days_first} if not known & set(DATES) else {percent_points, percent_signs}
    left = [dialect for dialect in DIALECTS if dialect not in useless]
    chance = random.Random(SEED)
    together = []
    for _ in range(COMBINATIONS):
        drawn = chance.sample(left, chance.randint(3, 5))
        # A share has one of the two.
        drawn = [each for each in drawn if each is not percent_points or percent_signs not in drawn]
        together.append(tuple(sorted(drawn, key=DIALECTS.index)))
    return [*((dialect,) for dialect in left), *together]


def summary(folder: Path) -> dict[str, pd.DataFrame]:
    """300 customers, cells as text: some without cash, some who always pay in full, an empty cell here and there."""
    chance = np.random.default_rng(SEED)
    months = chance.integers(0, 13, size=(4, 300))
    oneoff, instalments = (np.round(months[place] * chance.uniform(20, 400, 300), 2) for place in (0, 1))
    columns = {
        "cust_id": [f"C{place:05}" for place in range(300)],
        "balance": np.round(chance.uniform(0, 9000, 300), 2),
        "balance_frequency": np.round(chance.integers(0, 12, 300) / 11, 6),
        "purchases": np.round(oneoff + instalments, 2),
        "oneoff_purchases": oneoff,
        "installments_purchases": instalments,
        "cash_advance": np.round(months[2] * chance.uniform(0, 300, 300), 2),
        "purchases_frequency": np.round(np.maximum(months[0], months[1]) / 12, 6),
        "oneoff_purchases_frequency": np.round(months[0] / 12, 6),
        "purchases_installments_frequency": np.round(months[1] / 12, 6),
        "cash_advance_frequency": np.round(months[2] / 12, 6),
        "cash_advance_trx": months[2] * 2,
        "purchases_trx": np.maximum(months[0], months[1]) * 3,
        "credit_limit": chance.integers(5, 200, 300) * 100.0,
        "payments": np.round(chance.uniform(0, 12000, 300), 2),
        "minimum_payments": np.round(chance.uniform(20, 900, 300), 2),
        "prc_full_payment": np.round(chance.integers(0, 13, 300) / 12, 6),
        "tenure": np.full(300, 12),
    }
    frame = pd.DataFrame({name: [str(value) for value in values] for name, values in columns.items()})
    frame.loc[7, "credit_limit"] = frame.loc[9, "minimum_payments"] = ""
    return {"summary": frame}


def ledger(folder: Path) -> dict[str, pd.DataFrame]:
    """A year of 240 customers, cells as text."""
    plain = clean_ledger(folder / "made")
    return {
        name: pd.read_csv(plain / f"{name}.csv", dtype=str, keep_default_na=False)
        for name in ("accounts", "transactions", "statements")
    }


def refused(database: Path) -> list[str]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return [
            row[0]
            for row in connection.execute(
                "select distinct reason from customers.int_rejected_rows"
            ).fetchall()
        ]


@pytest.mark.parametrize("made", [summary, ledger])
def test_a_dialect_changes_nothing_or_is_refused(
    tmp_path: Path, made: Callable[[Path], dict[str, pd.DataFrame]]
) -> None:
    tables = made(tmp_path)
    ways = [(), *combinations(tables)]
    sources = []
    for place, dialects in enumerate(ways):
        folder = tmp_path / f"way{place}"
        folder.mkdir()
        for name, cells in tables.items():
            table = Written(cells.copy())
            for dialect in dialects:
                dialect(table)
            write(table, folder / name)
        sources.append(folder if len(tables) > 1 else next(folder.iterdir()))
    plain, *others = features_or_sentences(sources, tmp_path / "work")
    assert isinstance(plain, pd.DataFrame) and len(plain) == (300 if made is summary else 240)
    assert refused(tmp_path / "work" / "0" / "work.duckdb") == []
    read = 0
    for place, (dialects, found) in enumerate(zip(ways[1:], others, strict=True), 1):
        named = ", ".join(dialect.__name__ for dialect in dialects)
        if isinstance(found, str):
            assert "\n" not in found and len(dialects) > 1, f"{named}: {found}"
            continue
        assert refused(tmp_path / "work" / str(place) / "work.duckdb") == [], named
        pd.testing.assert_frame_equal(found, plain, rtol=1e-12, atol=0, obj=named)
        read += 1
    # Refusing everything would be no property at all: each dialect alone is read, and most together.
    assert read >= len(ways) - 1 - COMBINATIONS // 2
