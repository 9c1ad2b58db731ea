"""The intake reads every kind of input as relations, keeps every row, and says what is wrong with a file."""

from __future__ import annotations

import gzip
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from scripts.base.errors import UserError
from scripts.intake import csv_source
from scripts.intake import source as intake
from scripts.intake.source import load_contract, open_source

ROOT = Path(__file__).resolve().parents[2]
REAL_FILE = ROOT.parent / "shared" / "data" / "cc_general.csv"
CONTRACT = load_contract(ROOT / "dbt_project" / "models" / "staging")

SUMMARY = [column.name for column in CONTRACT.summary["customer_summary"]]
ACCOUNTS = "account_id,customer_id,opened_on,closed_on"
TRANSACTIONS = "transaction_id,account_id,posted_on,transaction_type,amount"
STATEMENTS = ",".join(column.name for column in CONTRACT.ledger["statements"])
LEDGER = {
    "accounts": f"{ACCOUNTS}\nA1,C1,2024-01-01,\nA2,C2,2024-01-01,\n",
    "transactions": f"{TRANSACTIONS}\nT1,A1,2025-01-02,payment,10.50\nT2,A2,2025-01-03,fee,1.00\n",
    "statements": f"{STATEMENTS}\nA1,2025-01-31,2025-02-20,5.00,4.25,1.00,1000,1.00\n",
}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def ledger(folder: Path, **changed: str | bytes | None) -> Path:
    """Write a small ledger; an entity given as None is left out."""
    for name, content in {**LEDGER, **changed}.items():
        if content is not None:
            write(folder / f"{name}.csv", content)
    folder.mkdir(exist_ok=True)
    return folder


def summary_row(customer: str, extra: str | None = None, value: str = "1.5") -> str:
    return ",".join([customer, *[value] * (len(SUMMARY) - 1), *([] if extra is None else [extra])])


def summary(*rows: str, extra: bool = True, end: str = "\n") -> str:
    return end.join([",".join([*SUMMARY, "note"] if extra else SUMMARY), *rows]) + end


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def notes_of(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return rows(connection, "select cust_id, note, _row_number from raw.customer_summary order by 3")


def unreadable(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return rows(connection, "select file, row_number, raw_row, reason from raw.unreadable_rows order by 1, 2")


def refused(connection: duckdb.DuckDBPyConnection, source: Path, *words: str) -> None:
    """Ensure that the source is refused in one sentence that holds these words."""
    with pytest.raises(UserError) as raised:
        open_source(connection, source, CONTRACT)
    sentence = str(raised.value)
    assert "\n" not in sentence
    for word in words:
        assert word in sentence


# --- Contract and kinds of source -----------------------------------------------------------------------


def test_contract_is_read_from_the_dbt_sources() -> None:
    assert [column.name for column in CONTRACT.ledger["accounts"]] == ACCOUNTS.split(",")
    assert [column.name for column in CONTRACT.ledger["accounts"] if column.may_be_empty] == ["closed_on"]
    assert len(SUMMARY) == 18
    assert [column.is_number for column in CONTRACT.ledger["transactions"]] == [
        False,
        False,
        False,
        False,
        True,
    ]


def test_folder_without_contract_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not hold the input contract"):
        load_contract(tmp_path)


def test_ledger_of_plain_files(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    found = open_source(connection, ledger(tmp_path / "in"), CONTRACT)
    assert found.kind == "ledger"
    assert [file.source for file in found.files] == ["accounts", "transactions", "statements"]
    assert found.notes == ()
    assert rows(connection, "select * from raw.transactions order by 1") == [
        ("T1", "A1", "2025-01-02", "payment", "10.50", "transactions.csv", 1),
        ("T2", "A2", "2025-01-03", "fee", "1.00", "transactions.csv", 2),
    ]
    described = rows(connection, "describe raw.transactions")
    assert [row[0] for row in described][-2:] == ["_file", "_row_number"]
    assert [row[1] for row in described] == ["VARCHAR"] * 6 + ["BIGINT"]
    assert rows(
        connection, "select source, file, format, rows, unreadable_rows, encoding, delimiter from raw.inputs"
    )[0] == ("accounts", "accounts.csv", "csv", 2, 0, "utf-8", ",")


def test_ledger_of_parts_partitions_gzip_and_any_case(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    folder = ledger(tmp_path / "in", transactions=None, accounts=None, statements=None)
    write(folder / "ACCOUNTS.CSV.GZ", gzip.compress(LEDGER["accounts"].encode()))
    write(folder / "Statements.csv", LEDGER["statements"].upper())
    for month in (1, 2):
        write(
            folder / "transactions" / f"month=2025-0{month}" / "part 0.csv",
            f"{TRANSACTIONS}\nT{month}0,A1,2025-0{month}-02,fee,1\nT{month}1,A1,2025-0{month}-02,fee,2\n",
        )
    write(folder / "transactions" / "_SUCCESS", "")
    found = open_source(connection, folder, CONTRACT)
    assert found.kind == "ledger"
    assert rows(
        connection, "select transaction_id, month, _file, _row_number from raw.transactions order by 1"
    ) == [
        ("T10", "2025-01", "transactions/month=2025-01/part 0.csv", 1),
        ("T11", "2025-01", "transactions/month=2025-01/part 0.csv", 2),
        ("T20", "2025-02", "transactions/month=2025-02/part 0.csv", 1),
        ("T21", "2025-02", "transactions/month=2025-02/part 0.csv", 2),
    ]
    assert rows(connection, "select count(*) from raw.statements") == [(1,)]
    assert rows(connection, "select count(*), min(_file) from raw.accounts") == [(2, "ACCOUNTS.CSV.GZ")]


def test_hive_key_may_be_a_column_of_the_contract(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    folder = ledger(tmp_path / "in", transactions=None)
    header = TRANSACTIONS.replace("transaction_type,", "")
    write(folder / "transactions/transaction_type=fee/a.csv", f"{header}\nT1,A1,2025-01-02,1\n")
    # A broken file takes the same key from its path.
    write(
        folder / "transactions/transaction_type=cash%5Fadvance/a.csv", f'{header}\nT2,A1,2025-01-02,1\n"x\n'
    )
    open_source(connection, folder, CONTRACT)
    assert rows(connection, "select transaction_id, transaction_type from raw.transactions order by 1") == [
        ("T1", "fee"),
        ("T2", "cash_advance"),
    ]


def test_parts_with_other_column_orders_and_extra_columns(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    folder = ledger(tmp_path / "in", accounts=None)
    write(folder / "accounts/1.csv", f"{ACCOUNTS}\nA1,C1,2024-01-01,\n")
    write(
        folder / "accounts/2.csv", "branch;customer_id;account_id;closed_on;opened_on\nX;C2;A2;;2024-01-02\n"
    )
    open_source(connection, folder, CONTRACT)
    described = [row[0] for row in rows(connection, "describe raw.accounts")]
    assert described == [*ACCOUNTS.split(","), "branch", "_file", "_row_number"]
    assert rows(connection, "select account_id, branch, _file, _row_number from raw.accounts order by 1") == [
        ("A1", None, "accounts/1.csv", 1),
        ("A2", "X", "accounts/2.csv", 1),
    ]


def test_a_quote_that_does_not_close_costs_no_other_row_of_its_part(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """In one scan of several files DuckDB 1.5.5 leaves out the rest of such a file, and says nothing."""
    source = ledger(tmp_path / "ledger", transactions=None)
    for part in range(6):
        lines = [f"T{part}-{place},A1,2025-01-02,payment,10.50,Shop" for place in range(400)]
        if part == 2:
            lines[150] = 'T2-150,A1,2025-01-02,payment,10.50,"Corner shop'
        write(
            source / "transactions" / f"part-{part}.csv", "\n".join([f"{TRANSACTIONS},remark", *lines]) + "\n"
        )
    open_source(connection, source, CONTRACT)
    assert rows(connection, "select rows, unreadable_rows from raw.inputs where source = 'transactions'") == [
        (400, 0), (400, 0), (400, 1), (400, 0), (400, 0), (400, 0)
    ]  # fmt: skip
    assert rows(connection, "select count(*) from raw.transactions") == [(2399,)]


def test_parts_behind_a_link_are_read(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    folder = ledger(tmp_path / "in", accounts=None)
    write(tmp_path / "elsewhere" / "1.csv", LEDGER["accounts"])
    (folder / "accounts").mkdir()
    (folder / "accounts" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "round").symlink_to(folder / "accounts")
    open_source(connection, folder, CONTRACT)
    assert rows(connection, "select count(*) from raw.accounts") == [(2,)]


def test_parquet_keeps_types_and_counts_from_the_footer(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    folder = ledger(tmp_path / "in", transactions=None)
    (folder / "transactions").mkdir()
    for part in (1, 2):
        connection.execute(
            f"copy (select 'T' || {part} || i as \" Transaction_ID \", 'A1'::blob as account_id, "
            "date '2025-01-02' as posted_on, 'fee' as transaction_type, 1.25::decimal(18,2) as amount, "
            "[1, 2] as extra, {'a': {'b': 1}} as deep "
            f"from range(3) t(i)) to '{folder}/transactions/{part}.parquet'"
        )
    found = open_source(connection, folder, CONTRACT)
    types = dict(row[:2] for row in rows(connection, "describe raw.transactions"))
    assert (types["posted_on"], types["amount"], types["account_id"]) == ("DATE", "DECIMAL(18,2)", "VARCHAR")
    assert rows(
        connection, "select transaction_id, account_id, _file, _row_number from raw.transactions order by 1"
    )[3:] == [
        ("T20", "A1", "transactions/2.parquet", 1),
        ("T21", "A1", "transactions/2.parquet", 2),
        ("T22", "A1", "transactions/2.parquet", 3),
    ]
    assert [file.rows for file in found.files if file.format == "parquet"] == [3, 3]
    facts = rows(
        connection,
        "select rows, encoding, delimiter, decimal_separator from raw.inputs where format = 'parquet'",
    )
    assert facts == [(3, None, None, None)] * 2
    # Only what is asked for is read.
    plan = rows(connection, "explain select sum(amount) from raw.transactions")[0][1]
    assert "WINDOW" not in plan and "file_row_number" not in plan


def test_parquet_summary(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    source = write(tmp_path / "s.csv", summary(summary_row("C1", "x"), summary_row("C2", "y")))
    target = tmp_path / "s.parquet"
    connection.execute(f"copy (select * from read_csv('{source}')) to '{target}'")
    assert open_source(connection, target, CONTRACT).kind == "summary"
    assert rows(
        connection, "select cust_id, balance, _file, _row_number from raw.customer_summary order by 1"
    ) == [
        ("C1", 1.5, "s.parquet", 1),
        ("C2", 1.5, "s.parquet", 2),
    ]


def test_views_answer_from_a_new_connection(tmp_path: Path) -> None:
    source = ledger(tmp_path / "in", accounts=LEDGER["accounts"] + "A3\n" + '"A4,C\n')
    database = str(tmp_path / "work.duckdb")
    with duckdb.connect(database) as first:
        open_source(first, source, CONTRACT)
    with duckdb.connect(database) as later:
        assert rows(later, "select count(*), sum(_row_number) from raw.accounts") == [(2, 3)]
        assert rows(later, "select count(*) from raw.accounts_unnumbered") == [(2,)]
        assert rows(later, "select count(*) from raw.unreadable_rows") == [(2,)]


@pytest.mark.parametrize("name", ["it's {a} [b] *?.csv", "a b [1].csv", "x{1,2}'s", "*"])
def test_any_path(connection: duckdb.DuckDBPyConnection, tmp_path: Path, name: str) -> None:
    """Quotes, spaces, braces, brackets and stars in a path name this one file, never a pattern."""
    odd = tmp_path / f"in {{}} 'q' [z]* {name}"
    write(tmp_path / "in {} 'q' zz" / "summary.csv", "other")
    source = write(odd / ("[s]'" + name.replace(".csv", "") + ".csv"), summary(summary_row("C1", "x"), "bad"))
    write(odd / "s.csv", "decoy")
    open_source(connection, source, CONTRACT)
    assert rows(connection, "select cust_id, _file from raw.customer_summary") == [("C1", source.name)]
    assert unreadable(connection)[0][:2] == (source.name, 2)
    folder = ledger(odd / "l")
    plain = tmp_path / "plain.parquet"
    connection.execute(f"copy (from raw.customer_summary) to '{plain}'")
    open_source(connection, plain.rename(odd / "[p]'*.parquet"), CONTRACT)
    assert rows(connection, "select cust_id, _file from raw.customer_summary") == [("C1", "[p]'*.parquet")]
    open_source(connection, folder, CONTRACT)
    assert rows(connection, "select _file from raw.transactions limit 1") == [("transactions.csv",)]


# --- What a CSV file may look like ----------------------------------------------------------------------


def test_ids_are_kept_to_the_letter(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    ids = [
        "007",
        "9007199254740993",
        "123456789012345678901234567890",
        "=1+1",
        "'; drop table x; --",
        "NULL",
        "1e5",
        " x",
    ]
    text = summary(*(summary_row(f'"{name}"', "n") for name in ids))
    open_source(connection, write(tmp_path / "s.csv", text), CONTRACT)
    assert [row[0] for row in notes_of(connection)] == ids


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(connection: duckdb.DuckDBPyConnection, tmp_path: Path, delimiter: str) -> None:
    text = summary(summary_row("C1", "n"), "bad", summary_row("C3", "n")).replace(",", delimiter)
    open_source(connection, write(tmp_path / "s.csv", text), CONTRACT)
    assert notes_of(connection) == [("C1", "n", 1), ("C3", "n", 3)]
    assert rows(connection, "select delimiter from raw.inputs") == [(delimiter,)]
    # Also when the file is broken and read by lines.
    open_source(
        connection,
        write(tmp_path / "s.csv", text + delimiter.join(["C4"] * 18) + delimiter + '"o"x\n'),
        CONTRACT,
    )
    assert notes_of(connection) == [("C1", "n", 1), ("C3", "n", 3)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(connection: duckdb.DuckDBPyConnection, tmp_path: Path, end: str) -> None:
    text = summary(summary_row("C1", "n"), "bad", summary_row("C3", '"a,b"'), end=end)
    open_source(connection, write(tmp_path / "s.csv", text), CONTRACT)
    assert notes_of(connection) == [("C1", "n", 1), ("C3", "a,b", 3)]
    assert unreadable(connection) == [("s.csv", 2, "bad", "1 column, but the header has 19")]


def test_mixed_line_ends(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    text = summary(summary_row("C1", "n"), summary_row("C2", "n\r"), summary_row("C3", "n"), "bad\r")
    found = open_source(connection, write(tmp_path / "s.csv", text), CONTRACT)
    assert notes_of(connection) == [("C1", "n", 1), ("C2", "n", 2), ("C3", "n", 3)]
    assert [row[1] for row in unreadable(connection)] == [4]
    assert any("line by line" in note for note in found.notes)


def test_byte_order_mark_header_case_spaces_and_blank_lines(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    header = ",".join([f" {name.upper()} " for name in SUMMARY] + ["Note"])
    text = "\ufeff\n\r\n" + "\n".join([header, summary_row("C1", "n"), "bad", summary_row("C3", "m")])
    open_source(connection, write(tmp_path / "s.csv", text), CONTRACT)
    assert notes_of(connection) == [("C1", "n", 1), ("C3", "m", 3)]
    assert [row[1] for row in unreadable(connection)] == [2]


@pytest.mark.parametrize("mark", [" ", "-", "  ", "_-"])
def test_spaces_and_hyphens_in_headers(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, mark: str
) -> None:
    header = ",".join(name.replace("_", mark).title() for name in [*SUMMARY, "home_city"])
    open_source(connection, write(tmp_path / "s.csv", f"{header}\n{summary_row('C1', 'Bogor')}\n"), CONTRACT)
    assert rows(connection, "select cust_id, home_city from raw.customer_summary") == [("C1", "Bogor")]


def test_clashing_and_empty_names_of_further_columns(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    header = ",".join(["", *SUMMARY, "x", "X", "_file", "_row_number", "filename", 'a""b'.join('""')])
    row = ",".join(["0", summary_row("C1"), "1", "2", "3", "4", "5", "6"])
    open_source(connection, write(tmp_path / "s.csv", f"{header}\n{row}\n"), CONTRACT)
    described = [row[0] for row in rows(connection, "describe raw.customer_summary")]
    further = ["column_1", "x", "x_2", "_file_2", "_row_number_2", "filename", 'a"b']
    assert described == [*SUMMARY, *further, "_file", "_row_number"]
    assert rows(
        connection, 'select cust_id, column_1, x, x_2, _file_2, filename, "a""b" from raw.customer_summary'
    ) == [("C1", "0", "1", "2", "3", "5", "6")]


def test_latin_1_noticed_late(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are noticed wherever they stand, in whatever column."""
    many = [summary_row(f"C{i}", "plain") for i in range(60_000)]
    text = summary(*many, summary_row("C-last", "café"), "müll")
    found = open_source(connection, write(tmp_path / "s.csv", text.encode("latin-1")), CONTRACT)
    assert rows(
        connection, "select note, _row_number from raw.customer_summary where cust_id = 'C-last'"
    ) == [("café", 60_001)]
    assert unreadable(connection)[0][:3] == ("s.csv", 60_002, "müll")
    assert rows(connection, "select encoding from raw.inputs") == [("latin-1",)]
    assert any("Latin-1" in note for note in found.notes)


def test_broken_latin_1_file(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    text = summary(summary_row("C1", "é"), summary_row("C2", '"x"é'), summary_row("C3", '"ü\nä"'))
    open_source(connection, write(tmp_path / "s.csv", text.encode("latin-1")), CONTRACT)
    assert notes_of(connection) == [("C1", "é", 1), ("C3", "ü\nä", 3)]


CURLY = b"\x93Caf\x8e\x94"


def test_one_line_that_is_not_utf_8(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """It costs its row where the job needs the column; else it is kept. What others wrote in UTF-8 stays."""
    lines = summary(
        summary_row("C1", "Zo\u00eb"),
        summary_row("C2", "QUOTED"),
        summary_row("C\u00f63", "x"),
        summary_row("CQUOTED", "x"),
        summary_row("C5", '"two\nQUOTED"'),
        "short QUOTED",
        summary_row("C7", "\u20ac"),
        end="\r\n",
    )
    source = write(tmp_path / "s.csv", lines.encode().replace(b"QUOTED", b"\xff\xfe"))
    found = open_source(connection, source, CONTRACT)
    assert notes_of(connection) == [
        ("C1", "Zo\u00eb", 1),
        ("C2", "\ufffd\ufffd", 2),
        ("C\u00f63", "x", 3),
        ("C5", "two\n\ufffd\ufffd", 5),
        ("C7", "\u20ac", 7),
    ]
    assert rows(connection, "select count(*) from raw.customer_summary_unnumbered") == [(5,)]
    assert [(row[1], row[3]) for row in unreadable(connection)] == [
        (4, "cust_id: bytes that are not UTF-8"),
        (6, "1 column, but the header has 19"),
    ]
    assert [(file.rows, file.unreadable_rows, file.encoding) for file in found.files] == [(7, 2, "utf-8")]
    assert [note for note in found.notes if "not UTF-8" in note] == [
        "s.csv: 4 lines are not UTF-8; what cannot be read is replaced by \ufffd, or refuses its row where it stands in a column "
        "that the job uses."
    ]


@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_quotes_as_windows_writes_them(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, late: bool, gzipped: bool, end: bytes
) -> None:
    """Also where DuckDB finds them late, and between rows that are broken otherwise."""
    many = [summary_row(f"C{i}", "plain") for i in range(60_000 if late else 3)]
    text = summary(*many, summary_row("C-last", "QUOTED"), "bad", summary_row("C-end", "x"))
    content = text.encode().replace(b"QUOTED", CURLY).replace(b"\n", end)
    name = "s.csv.gz" if gzipped else "s.csv"
    found = open_source(
        connection, write(tmp_path / name, gzip.compress(content) if gzipped else content), CONTRACT
    )
    last = len(many) + 1
    assert rows(
        connection,
        "select cust_id, note, _row_number from raw.customer_summary order by _row_number desc limit 2",
    ) == [("C-end", "x", last + 2), ("C-last", "\u201cCaf\u017d\u201d", last)]
    assert [row[1] for row in unreadable(connection)] == [last + 1]
    assert any(note == f"{name}: 1 line is not UTF-8, and read as Windows-1252." for note in found.notes)


@pytest.mark.parametrize("header", ["note", "note \u201d", "t\u00fcr"])
@pytest.mark.parametrize("above", ["", "\n\n", "Report \u2013 all\n", "sep=,\n"])
def test_headers_as_windows_writes_them(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, header: str, above: str
) -> None:
    text = (
        above
        + ",".join([*SUMMARY, header])
        + "\n"
        + summary_row("C1", "\u2019")
        + "\n"
        + summary_row("C2", "x")
    )
    open_source(connection, write(tmp_path / "s.csv", text.encode("cp1252")), CONTRACT)
    assert rows(
        connection,
        f'select cust_id, "{header.replace(" ", "_")}", _row_number from raw.customer_summary order by 3',
    ) == [("C1", "\u2019", 1), ("C2", "x", 2)]


@pytest.mark.parametrize("order", ["le", "be"])
def test_utf_32_is_refused(connection: duckdb.DuckDBPyConnection, tmp_path: Path, order: str) -> None:
    content = f"\ufeff{summary(summary_row('C1', 'x'))}".encode(f"utf-32-{order}")
    refused(connection, write(tmp_path / "s.csv", content), "UTF-32", "save it as UTF-8")


def test_utf_16(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    text = summary(summary_row("C1", "é"), "bad", summary_row("C3", "€"), end="\r\n")
    open_source(connection, write(tmp_path / "s.csv", b"\xff\xfe" + text.encode("utf-16-le")), CONTRACT)
    assert notes_of(connection) == [("C1", "é", 1), ("C3", "€", 3)]
    refused(
        connection, write(tmp_path / "b.csv", b"\xfe\xff" + text.encode("utf-16-be")), "UTF-16", "big-endian"
    )


# --- Rows that cannot be read ---------------------------------------------------------------------------


def test_unreadable_rows_and_exact_row_numbers(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    text = summary(
        "first",
        summary_row("C2", '"two\nlines"'),
        summary_row("C3", "x,too,many"),
        "C4,short",
        summary_row("C5", '"a ""b"" c"'),
        summary_row("C6", ""),
        "last",
    )
    found = open_source(connection, write(tmp_path / "s.csv", text), CONTRACT)
    assert notes_of(connection) == [("C2", "two\nlines", 2), ("C5", 'a "b" c', 5), ("C6", None, 6)]
    assert [(row[1], row[3]) for row in unreadable(connection)] == [
        (1, "1 column, but the header has 19"),
        (3, "21 columns, but the header has 19"),
        (4, "2 columns, but the header has 19"),
        (7, "1 column, but the header has 19"),
    ]
    assert unreadable(connection)[2][2] == "C4,short"
    assert rows(connection, "select rows, unreadable_rows from raw.inputs") == [(7, 4)]
    assert (found.files[0].rows, found.files[0].unreadable_rows) == (7, 4)


def test_broken_quotes_cost_their_own_row_only(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    text = summary(
        summary_row("C1", '"two\r\n\r\nlines, ""q"""'),
        summary_row("C2", '"never closed'),
        summary_row("C3", "n"),
        summary_row("C4", '"x"y'),
        summary_row("C5", 'in"side'),
        summary_row("C6", '"two\nlines"'),
        "short",
        summary_row("C8", ' "quoted" '),
        summary_row("C9", '"never closed'),
    )
    open_source(connection, write(tmp_path / "s.csv", text), CONTRACT)
    assert notes_of(connection) == [
        ("C1", 'two\nlines, "q"', 1),
        ("C3", "n", 3),
        ("C5", 'in"side', 5),
        ("C6", "two\nlines", 6),
        ("C8", "quoted", 8),
    ]
    assert [(row[1], row[3]) for row in unreadable(connection)] == [
        (2, "a quotation mark is opened and not closed"),
        (4, "text stands beside a quoted value"),
        (7, "1 column, but the header has 19"),
        (9, "a quotation mark is opened and not closed"),
    ]
    assert rows(
        connection, "select count(*), count(distinct cust_id) from raw.customer_summary_unnumbered"
    ) == [(5, 5)]


@pytest.mark.parametrize("extra", ["", summary_row("C9", '"x"y')])
def test_blank_lines_are_no_rows(connection: duckdb.DuckDBPyConnection, tmp_path: Path, extra: str) -> None:
    text = summary(
        "",
        summary_row("C1", "n"),
        "",
        "",
        "bad",
        summary_row("C3", '"a\nb"'),
        "",
        "bad",
        summary_row("C5", "n"),
        extra,
    )
    open_source(connection, write(tmp_path / "s.csv", text), CONTRACT)
    assert notes_of(connection) == [("C1", "n", 1), ("C3", "a\nb", 3), ("C5", "n", 5)]
    assert [row[1] for row in unreadable(connection)][:2] == [2, 4]


def test_a_row_of_megabytes_costs_only_itself(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    text = summary(summary_row("C1", "n"), "y" * 3_000_000, summary_row("C3", "n"))
    refused_or_read = write(tmp_path / "s.csv", text)
    open_source(connection, refused_or_read, CONTRACT)
    assert notes_of(connection) == [("C1", "n", 1), ("C3", "n", 3)]
    assert [(row[1], len(row[2])) for row in unreadable(connection)] == [(2, csv_source.MOST_RAW_CHARACTERS)]


def dirty_parts(
    folder: Path, seed: int, broken: bool
) -> tuple[dict[str, tuple[str, int]], set[tuple[str, int]]]:
    """Write parts of accounts with unreadable rows here and there; return what must be found where."""
    chance = random.Random(seed)
    good: dict[str, tuple[str, int]] = {}
    bad: set[tuple[str, int]] = set()
    for part in range(7):
        lines = [ACCOUNTS + ",note"]
        name = f"accounts/p{part}.csv"
        for number in range(1, chance.choice([0, 1, 5, 3000]) + 1):
            kind = chance.random()
            key = f"A{part}-{number}"
            if kind < 0.2:
                bad.add((name, number))
                lines.append(chance.choice([key, f"{key},,,,,,x", f"{key},2"]))
            elif broken and kind < 0.25:
                bad.add((name, number))
                lines.append(chance.choice([f'{key},,,,"open', f'{key},,,,"x"y', f'"{key}"x,,,,']))
            else:
                good[key] = (name, number)
                lines.append(f"{key},C1,2024-01-01,," + ('"a\nb, c"' if kind < 0.5 else "n"))
        if len(lines) > 1:
            write(folder / name, "\n".join(lines) + "\n")
    return good, bad


@pytest.mark.parametrize("most_literal", [0, 2_000])
@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
def test_row_numbers_over_many_dirty_parts(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    broken: bool,
    most_literal: int,
) -> None:
    """Row numbers stay exact, written into the view or (many corrections) joined from a table."""
    monkeypatch.setattr(csv_source, "MOST_LITERAL_SHIFTS", most_literal)
    folder = ledger(tmp_path / "in", accounts=None)
    good, bad = dirty_parts(folder, seed, broken)
    open_source(connection, folder, CONTRACT)
    found = {
        row[0]: row[1:] for row in rows(connection, "select account_id, _file, _row_number from raw.accounts")
    }
    assert found == good
    assert {row[:2] for row in unreadable(connection)} == bad
    counted = rows(
        connection, "select sum(rows), sum(unreadable_rows) from raw.inputs where source = 'accounts'"
    )
    assert counted == [(len(good) + len(bad), len(bad))]


def test_row_numbers_in_a_scan_of_many_threads(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """A file of several scan buffers keeps its row numbers, its bad rows, and the same rows in every scan."""
    connection.execute("set threads = 4")
    size = 600_000
    lines = [f"{ACCOUNTS},note"]
    bad = set(range(1_000, size, 7_919))
    for number in range(1, size + 1):
        lines.append("bad" if number in bad else f"A{number},C{number},2024-01-01,,{'n' * 50}")
    folder = ledger(tmp_path / "in", accounts="\n".join(lines) + "\n")
    open_source(connection, folder, CONTRACT)
    wrong = "select count(*), count_if(_row_number != substr(account_id, 2)::bigint) from raw.accounts"
    assert rows(connection, wrong) == [(size - len(bad), 0)]
    assert {row[1] for row in unreadable(connection)} == bad
    for column in ("account_id", "note", "_file"):
        assert rows(connection, f"select count({column}) from raw.accounts_unnumbered") == [
            (size - len(bad),)
        ]


def test_the_unnumbered_view_has_no_window(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Its plan is a plain scan of the columns asked for, which DuckDB spreads over threads."""
    open_source(connection, ledger(tmp_path / "in", accounts=LEDGER["accounts"] + "bad\n"), CONTRACT)
    plan = rows(connection, "explain select count(customer_id) from raw.accounts_unnumbered")[0][1]
    assert "WINDOW" not in plan and "_intake_path" not in plan and "account_id" not in plan
    assert "_row_number" not in [row[0] for row in rows(connection, "describe raw.accounts_unnumbered")]


def test_all_rows_unreadable(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    refused(
        connection, write(tmp_path / "s.csv", summary("a", "b,c")), "none of its 2 rows", "row 1", "1 column"
    )


# --- Decimal marks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "delimiter", "comma"),
    [
        (["1,5", "2"], ";", True),
        (["1,5", "2"], ",", True),
        (["1.5", "2"], ";", False),
        (["1.234,50", "1.234"], ";", True),
        (["1,234.50", "1,234"], ",", False),
        (["1,234,567"], ",", False),
        (["1.234.567"], ";", True),
        (["1 234,5"], ";", True),
        (["0,125"], ",", True),
        (["12345,678"], ",", True),
        (["12345.678"], ";", False),
        (["1,234"], ",", False),
        # Nothing in it tells: as the points of the statements.
        (["1,234"], ";", False),
        (["1.234"], ";", False),
        (["-1,5", "+2,25"], ";", True),
        (["7", "x", ""], ";", False),
        (["1,5", "2,5", "3.5"], ";", True),
    ],
)
def test_decimal_mark(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, values: list[str], delimiter: str, comma: bool
) -> None:
    lines = [TRANSACTIONS.replace(",", delimiter)]
    lines += [
        delimiter.join(["1,75", "A1", "2025-01-02", "fee", f'"{value}"']).replace("1,75", "T1")
        for value in values
    ]
    folder = ledger(tmp_path / "in", transactions="\n".join(lines) + "\n")
    found = open_source(connection, folder, CONTRACT)
    # The statements of the same ledger have a mark of their own.
    assert found.spellings == ({"transactions.amount": ","} if comma else {})
    assert rows(connection, "select decimal_separator from raw.inputs where source = 'transactions'") == [
        ("," if comma else ".",)
    ]
    assert any("decimal comma" in note for note in found.notes) == comma


# --- Unusable input -------------------------------------------------------------------------------------


def test_missing_path(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    refused(connection, tmp_path / "nothing.csv", "nothing.csv does not exist", "expected")


@pytest.mark.parametrize("ending", ["csv", "parquet", "csv.gz"])
def test_empty_file(connection: duckdb.DuckDBPyConnection, tmp_path: Path, ending: str) -> None:
    refused(connection, write(tmp_path / f"s.{ending}", b""), "empty (0 bytes)", f"s.{ending}")


def test_nothing_but_a_header_or_blank_lines(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    refused(connection, write(tmp_path / "s.csv", summary()), "s.csv has a header but no data rows")
    refused(connection, write(tmp_path / "b.csv", "\n\n"), "b.csv holds only blank lines")
    refused(connection, write(tmp_path / "g.csv.gz", gzip.compress(b"", mtime=0)), "g.csv.gz holds nothing")
    target = tmp_path / "p.parquet"
    columns = ", ".join(f"1 as {name}" for name in SUMMARY)
    connection.execute(f"copy (select {columns} limit 0) to '{target}'")
    refused(connection, target, "p.parquet has columns but no rows")


def test_one_empty_part_is_no_fault(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    folder = ledger(tmp_path / "in", accounts=None)
    write(folder / "accounts/1.csv", ACCOUNTS + "\n")
    write(folder / "accounts/2.csv", LEDGER["accounts"])
    open_source(connection, folder, CONTRACT)
    assert rows(connection, "select file, rows from raw.inputs where source = 'accounts'") == [
        ("accounts/1.csv", 0),
        ("accounts/2.csv", 2),
    ]


def test_missing_columns_with_near_names(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    text = LEDGER["transactions"].replace("posted_on", "posted").replace("amount", "sum")
    refused(
        connection,
        ledger(tmp_path / "in", transactions=text),
        "transactions.csv lacks the columns posted_on, amount of transactions",
        "found: transaction_id, account_id, posted, transaction_type, sum",
        "posted for posted_on",
    )


def test_missing_columns_in_parquet(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    connection.execute(f"copy (select 1 as cust_id, 2 as balances) to '{tmp_path}/s.parquet'")
    refused(connection, tmp_path / "s.parquet", "lacks the columns balance", "found: cust_id, balances")


def test_duplicate_columns(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    text = summary(summary_row("C1", "x")).replace("note", " BALANCE ")
    refused(connection, write(tmp_path / "s.csv", text), "has the column balance more than once")


@pytest.mark.parametrize("keep", [0.999, 0.5, 0.0005])
def test_truncated_parquet(connection: duckdb.DuckDBPyConnection, tmp_path: Path, keep: float) -> None:
    columns = ", ".join(f"i as {name}" for name in SUMMARY)
    whole = tmp_path / "w.parquet"
    connection.execute(f"copy (select {columns} from range(1000) t(i)) to '{whole}'")
    data = whole.read_bytes()
    refused(
        connection,
        write(tmp_path / "s.parquet", data[: int(len(data) * keep)]),
        "s.parquet is a cut-off or damaged Parquet",
    )


def test_corrupt_parquet_footer(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """The damaged part is named, not its neighbours."""
    folder = ledger(tmp_path / "in", accounts=None)
    (folder / "accounts").mkdir()
    whole = write(tmp_path / "whole.csv", LEDGER["accounts"])
    for part in (1, 2):
        connection.execute(f"copy (from read_csv('{whole}')) to '{folder}/accounts/{part}.parquet'")
    damaged = folder / "accounts/2.parquet"
    data = bytearray(damaged.read_bytes())
    data[-200:-8] = b"\x00" * 192
    damaged.write_bytes(data)
    refused(connection, folder, "2.parquet is a cut-off or damaged Parquet file")


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("s.csv", b"PK\x03\x04rest", "Excel workbook or a ZIP"),
        ("s.csv", b"PAR1rest", "a Parquet file"),
        ("s.csv", gzip.compress(b"a,b\n1,2\n", mtime=0), "a gzip file"),
        ("s.csv", b"\x01\x00\x02\x00", "binary data"),
        ("s.csv.gz", b"a,b\n1,2\n", "no gzip file"),
        ("s.csv.gz", gzip.compress(b"PK\x03\x04rest", mtime=0), "Excel workbook or a ZIP"),
        ("s.parquet", b"a,b\n1,2\n", "no Parquet file"),
        (
            "s.xlsx",
            b"PK\x03\x04rest",
            "no .csv, .csv.gz or .parquet file but a spreadsheet: save the sheet as CSV UTF-8",
        ),
    ],
)
def test_content_that_is_not_what_the_name_says(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, name: str, content: bytes, word: str
) -> None:
    refused(connection, write(tmp_path / name, content), name, word)


def test_cut_off_gzip(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """DuckDB reads what is left of it in silence; rows would be lost."""
    text = summary(*(summary_row(f"C{i}", str(i * i)) for i in range(5000)))
    data = gzip.compress(text.encode())
    refused(
        connection, write(tmp_path / "s.csv.gz", data[: len(data) // 2]), "s.csv.gz is cut off or damaged"
    )


def test_folder_where_a_file_is_expected_and_the_reverse(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    folder = ledger(tmp_path / "in", accounts=None)
    (folder / "accounts.csv").mkdir()
    refused(connection, folder, "accounts.csv is a folder, but its name says file")
    (folder / "accounts.csv").rmdir()
    write(folder / "accounts", LEDGER["accounts"])
    refused(connection, folder, "accounts is a file without an ending", "folder accounts")
    refused(connection, ledger(tmp_path / "x") / "accounts.csv" / "deeper.csv", "does not exist")


def test_no_permission(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "s.csv", summary(summary_row("C1", "n")))
    source.chmod(0)
    if os.geteuid() == 0:
        # Root may read everything: let the open fail as it would for anyone else.
        def denied(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", denied)
    refused(connection, source, "s.csv cannot be read: permission denied")


def test_no_permission_to_list_a_folder(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", denied)
    refused(connection, tmp_path, "cannot be listed: permission denied")


@pytest.mark.parametrize("missing", ["accounts", "transactions"])
def test_ledger_without_one_entity(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, missing: str
) -> None:
    source = ledger(tmp_path / "in", **{missing: None})
    refused(connection, source, f"ledger without {missing}", f"{missing}.parquet")


def test_entity_given_twice(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    folder = ledger(tmp_path / "in")
    write(folder / "accounts" / "1.csv", LEDGER["accounts"])
    refused(connection, folder, "accounts more than once (accounts, accounts.csv)")


def test_mixed_formats_in_one_entity(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    folder = ledger(tmp_path / "in", accounts=None)
    write(folder / "accounts" / "1.csv", LEDGER["accounts"])
    write(folder / "accounts" / "2.parquet", b"PAR1")
    refused(connection, folder, "mixes CSV and Parquet parts (accounts/1.csv, accounts/2.parquet)")


def test_parts_that_cannot_be_read_are_not_passed_over(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    folder = ledger(tmp_path / "in", accounts=None)
    write(folder / "accounts" / "1.csv", LEDGER["accounts"])
    write(folder / "accounts" / "README.md", "about")
    found = open_source(connection, folder, CONTRACT)
    assert any("README.md was left out" in note for note in found.notes)
    write(folder / "accounts" / "2.csv.zst", b"x")
    refused(connection, folder, "2.csv.zst cannot be read")
    refused(connection, ledger(tmp_path / "y", accounts=None), "without accounts")
    (tmp_path / "y" / "accounts").mkdir()
    refused(connection, tmp_path / "y", "accounts holds no .csv, .csv.gz or .parquet file")


def test_folder_with_one_summary_names_the_file(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    write(tmp_path / "in" / "CC GENERAL.csv", summary(summary_row("C1", "n")))
    refused(connection, tmp_path / "in", "name the customer summary in it", "CC GENERAL.csv")
    write(tmp_path / "else" / "other.csv", "a,b\n1,2\n")
    refused(
        connection, tmp_path / "else", "without accounts, transactions and statements (it holds other.csv)"
    )


def test_one_file_of_a_ledger_asks_for_the_folder(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    source = ledger(tmp_path / "in") / "transactions.csv"
    refused(connection, source, "holds a ledger's transactions", "folder")


def test_nested_column(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    columns = ", ".join(f"{'[1]' if name == 'payments' else '1'} as {name}" for name in SUMMARY)
    connection.execute(f"copy (select {columns}) to '{tmp_path}/s.parquet'")
    refused(connection, tmp_path / "s.parquet", "column payments is nested")


# --- The database afterwards ----------------------------------------------------------------------------


def state(connection: duckdb.DuckDBPyConnection) -> str:
    relations = rows(
        connection, "select schema_name, view_name, sql from duckdb_views() where not internal order by all"
    )
    tables = rows(
        connection, "select schema_name, table_name, estimated_size from duckdb_tables() order by all"
    )
    return json.dumps([relations, tables, rows(connection, "select * from raw.inputs order by all")])


def test_a_refused_source_leaves_the_earlier_views(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    open_source(connection, ledger(tmp_path / "in"), CONTRACT)
    before = state(connection)
    refused(connection, ledger(tmp_path / "bad", statements=STATEMENTS + "\n"), "statements.csv has a header")
    refused(connection, ledger(tmp_path / "worse", statements=STATEMENTS + "\nx\n"), "none of its 1 rows")
    assert state(connection) == before


def test_a_failure_while_publishing_leaves_the_earlier_views(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_source(connection, ledger(tmp_path / "in"), CONTRACT)
    before = state(connection)

    def fails(*_: object, **__: object) -> str:
        raise RuntimeError("disk full")

    monkeypatch.setattr(intake, "_view_sql", fails)
    with pytest.raises(RuntimeError):
        open_source(connection, ledger(tmp_path / "next"), CONTRACT)
    assert state(connection) == before


def test_another_source_replaces_all_of_it(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    open_source(connection, ledger(tmp_path / "in", accounts=LEDGER["accounts"] + "bad\n"), CONTRACT)
    open_source(connection, write(tmp_path / "s.csv", summary(summary_row("C1", "n"))), CONTRACT)
    views = rows(connection, "select view_name from duckdb_views() where schema_name = 'raw' order by 1")
    assert views == [("customer_summary",), ("customer_summary_unnumbered",)]
    assert unreadable(connection) == []
    assert rows(connection, "select source from raw.inputs") == [("customer_summary",)]


def test_settings_and_temporary_tables_stay_as_they_were(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    settings = "select name, value from duckdb_settings() order by 1"
    before = rows(connection, settings)
    open_source(connection, ledger(tmp_path / "in", accounts=LEDGER["accounts"] + 'bad\n"x"y,,,\n'), CONTRACT)
    assert rows(connection, settings) == before
    assert rows(connection, "select table_name from duckdb_tables() where temporary") == []


def test_the_real_file(connection: duckdb.DuckDBPyConnection) -> None:
    if not REAL_FILE.exists():
        pytest.skip("the real file is not committed; ../shared/data/cc_general.csv is absent")
    found = open_source(connection, REAL_FILE, CONTRACT)
    assert (found.kind, found.notes, found.files[0].rows) == ("summary", (), 8950)
    assert len(rows(connection, "describe raw.customer_summary")) == 18 + 2
    assert rows(
        connection, "select count(*), min(_row_number), max(_row_number) from raw.customer_summary"
    ) == [(8950, 1, 8950)]


# DuckDB's reader would copy such a row once for each column too many: gigabytes, and hours.
WIDE = {
    "plain": "x," * 150_000,
    "quoted": '"x",' * 100_000,
    "commas in quotes": '",",' * 100_000,
    "the end of a row": f"{summary_row('C9', 'x')}{',x' * 150_000}",
    "many rows": "\n".join(["x," * 2_000] * 200),
}


@pytest.mark.parametrize("kind", WIDE)
@pytest.mark.parametrize("gzipped", [False, True])
def test_a_row_of_far_too_many_columns_costs_that_row(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, kind: str, gzipped: bool
) -> None:
    content = summary(summary_row("C1", "one"), WIDE[kind], summary_row("C2", "a")).encode()
    name = "s.csv.gz" if gzipped else "s.csv"
    found = open_source(
        connection, write(tmp_path / name, gzip.compress(content) if gzipped else content), CONTRACT
    )
    bad = WIDE[kind].count("\n") + 1
    assert notes_of(connection) == [("C1", "one", 1), ("C2", "a", bad + 2)]
    said = unreadable(connection)
    assert [row[1] for row in said] == list(range(2, bad + 2))
    assert all(row[3].endswith(f"columns, but the header has {len(SUMMARY) + 1}") for row in said)
    assert any("rows of far too many columns" in note for note in found.notes)


@pytest.mark.parametrize("value", ["x" * 2_100_000, '0.5"' + '"' * 2_100_000, "x" + ",y" * 1_100_000])
def test_a_row_longer_than_a_row_may_be_costs_that_row(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, value: str
) -> None:
    """Whichever reader meets it: an expression would go through it in each scan again."""
    text = summary(summary_row("C1", "one"), summary_row("C2", value), summary_row("C3", "x"))
    open_source(connection, write(tmp_path / "s.csv", text), CONTRACT)
    assert notes_of(connection) == [("C1", "one", 1), ("C3", "x", 3)]
    assert [(row[1], row[3]) for row in unreadable(connection)] == [
        (2, "the row is longer than 2 million bytes")
    ]


@pytest.mark.parametrize("value", ['"' + "a, b; c" * 5_000 + '"', "x" * 100_000, "one" + "," * 100_000])
def test_long_rows_that_are_rows_are_read_as_others(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, value: str
) -> None:
    """Delimiters in quotes, or with nothing behind them at the end, as a spreadsheet leaves them."""
    found = open_source(connection, write(tmp_path / "s.csv", summary(summary_row("C1", value))), CONTRACT)
    assert notes_of(connection) == [("C1", value.strip('",'), 1)]
    assert not found.notes


@pytest.mark.parametrize("sign", [",", "x,", '"', "x", " "])
@pytest.mark.parametrize("gzipped", [False, True])
def test_a_line_without_end_is_refused(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, sign: str, gzipped: bool
) -> None:
    content = summary(
        summary_row("C1", "x"), sign * (21_000_000 // len(sign)), summary_row("C2", "x")
    ).encode()
    name = "s.csv.gz" if gzipped else "s.csv"
    source = write(tmp_path / name, gzip.compress(content, 1) if gzipped else content)
    refused(connection, source, "a line of more than 20 million bytes")
