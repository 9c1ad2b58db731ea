"""Dirty input through the whole job, as a user starts it.

Rows: refused with their reason or taken as meant, and every other customer labelled. Files that cannot be
used: one sentence, exit code 1, and what was published before stays. (The kinds of dirty rows of a ledger are
in test_sample_ledger, those that the intake alone decides in test_intake.)
"""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from scripts.sample.ledger import write_sample_ledger
from tests.support.builds import REPO, run_build

HEADER = (
    "CUST_ID;BALANCE;BALANCE_FREQUENCY;PURCHASES;ONEOFF_PURCHASES;INSTALLMENTS_PURCHASES;CASH_ADVANCE;"
    "PURCHASES_FREQUENCY;ONEOFF_PURCHASES_FREQUENCY;PURCHASES_INSTALLMENTS_FREQUENCY;CASH_ADVANCE_FREQUENCY;"
    "CASH_ADVANCE_TRX;PURCHASES_TRX;CREDIT_LIMIT;PAYMENTS;MINIMUM_PAYMENTS;PRC_FULL_PAYMENT;TENURE"
)
ODD_IDS = ["=1+2", "'; drop table accounts; --", "9007199254740993", "00042", "42", "Zoë"]
NOBODY = 65534


def row(customer: str, number: int, **given: str) -> str:
    """A consistent row, with decimal commas; `given` replaces fields by name."""
    fields = dict.fromkeys(HEADER.lower().split(";"), "0")
    fields |= {
        "cust_id": customer, "balance": f"{100 * number},50", "balance_frequency": "1", "tenure": "12",
        "purchases": f"{10 * number},25", "oneoff_purchases": f"{10 * number},25",
        "purchases_frequency": "0,5", "oneoff_purchases_frequency": "0,5", "purchases_trx": str(6 + number),
        "credit_limit": "3000", "payments": f"{7 * number}", "minimum_payments": "20",
    }  # fmt: skip
    return ";".join((fields | given).values())


def table(published: Path, name: str) -> pd.DataFrame:
    with duckdb.connect(str(published), read_only=True) as connection:
        return connection.table(f"marts.{name}").df()


def test_a_summary_with_every_kind_of_dirty_row(tmp_path: Path) -> None:
    """Semicolons, decimal commas, a byte-order mark, a quoted line end, an extra column; ids kept as they are."""
    good = [row(f'"{customer}"', place) for place, customer in enumerate(ODD_IDS)]
    good += [row(f"C{place:04}", place) for place in range(10, 60)]
    dirty = {
        "balance is not a number": row("D1", 1, balance="12,5O"),
        "payments is not a number": row("D2", 1, payments="soon"),
        "purchases is not a number": row("D3", 1, purchases="-inf"),
        "cash_advance is negative": row("D4", 1, cash_advance="-5"),
        "credit_limit is above 1e12": row("D5", 1, credit_limit="9" * 200),
        "tenure is not a whole number of months from 1 to 12": row("D6", 1, tenure="13"),
        "the values stand one column too far to the left: tenure is empty, and prc_full_payment is 8": row(
            "D8", 1, minimum_payments="0", prc_full_payment="8", tenure=""
        ),
        "cust_id is empty": row("", 1),
        "purchases_frequency x tenure is not a whole number of months": row(
            "D7", 1, purchases_frequency="0,54"
        ),
        "cust_id stands in another row as well, which was kept": good[9],
    }
    grouped = row("THOUSANDS", 1, balance="1.234.567,50")
    quoted = row('"LINE\nEND"', 1)
    lines = [HEADER + ";REMARK", *[f"{line};note" for line in [*good, *dirty.values(), grouped, quoted]]]
    source = tmp_path / "odd name's file.csv"
    source.write_bytes(b"\xef\xbb\xbf" + ("\r\n".join(lines) + "\r\n").encode())

    done = run_build(tmp_path / "w", f"SOURCE={source}", "MAX_REJECTED_SHARE=0.5", "K=3")
    assert done.returncode == 0, done.stderr
    published = tmp_path / "w" / "card_segments.duckdb"
    rejected = table(published, "rejected_rows").sort_values("row_number")
    assert rejected.reason.tolist() == list(dirty)
    unread = (
        table(published, "load_audit").query("amounts_unknown > 0").set_index("measure")["amounts_unknown"]
    )
    # A limit of 200 digits is a number, but no sum holds it.
    assert unread.to_dict() == {"balance": 1, "credit_limit": 1, "payments": 1, "purchases": 1}
    assert "the balance of 1 rejected row" in done.stdout
    assert rejected.row_number.tolist() == list(range(57, 57 + len(dirty)))
    segments = table(published, "customer_segments")
    assert segments.segment_id.notna().all()
    assert set(ODD_IDS) | {"THOUSANDS", "LINE\nEND"} <= set(segments.customer_id)
    assert len(segments) == len(good) + 2
    features = table(published, "customer_features").set_index("customer_id")
    assert features.balance["THOUSANDS"] == 1_234_567.5
    assert features.balance["9007199254740993"] == 200.5


def test_latin_1_text_is_read(tmp_path: Path) -> None:
    source = tmp_path / "latin.csv"
    lines = [HEADER, row("Müller", 1), *[row(f"C{place:04}", place) for place in range(30)]]
    source.write_bytes("\n".join(lines).encode("latin-1"))
    done = run_build(tmp_path / "w", f"SOURCE={source}", "K=2")
    assert done.returncode == 0, done.stderr
    assert "Müller" in set(table(tmp_path / "w" / "card_segments.duckdb", "customer_segments").customer_id)


def empty(folder: Path) -> Path:
    (folder / "empty.csv").touch()
    return folder / "empty.csv"


def header_only(folder: Path) -> Path:
    (folder / "header.csv").write_text(HEADER + "\n")
    return folder / "header.csv"


def lacking_columns(folder: Path) -> Path:
    (folder / "lacking.csv").write_text("CUST_ID,BALANCE\nC1,5\n")
    return folder / "lacking.csv"


def other_columns(folder: Path) -> Path:
    (folder / "other.csv").write_text("name,age\nAda,36\n")
    return folder / "other.csv"


def repeated_column(folder: Path) -> Path:
    (folder / "repeated.csv").write_text(f"{HEADER};tenure\n{row('C1', 1)};12\n")
    return folder / "repeated.csv"


def truncated_parquet(folder: Path) -> Path:
    write_sample_ledger(folder / "ledger", customers=50, seed=1, file_format="parquet", months=12)
    file = folder / "ledger" / "transactions.parquet"
    file.write_bytes(file.read_bytes()[:-2000])
    return folder / "ledger"


def ledger_without_transactions(folder: Path) -> Path:
    write_sample_ledger(folder / "ledger", customers=50, seed=1, file_format="csv", months=12)
    (folder / "ledger" / "transactions.csv").unlink()
    return folder / "ledger"


def empty_folder(folder: Path) -> Path:
    (folder / "nothing").mkdir()
    return folder / "nothing"


def binary(folder: Path) -> Path:
    (folder / "photo.csv").write_bytes(bytes(range(256)) * 40)
    return folder / "photo.csv"


def missing(folder: Path) -> Path:
    return folder / "no_such_file.csv"


def device(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.csv")
    return folder / "pipe.csv"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with something published, which no failure may touch."""
    folder = tmp_path_factory.mktemp("published")
    source = folder / "good.csv"
    source.write_text("\n".join([HEADER, *[row(f"C{place:04}", place) for place in range(30)]]))
    done = run_build(folder / "w", f"SOURCE={source}", "K=2")
    assert done.returncode == 0, done.stderr
    return folder / "w"


def one_sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Refused, or stopped by a check, and on standard error one line that holds the words."""
    assert done.returncode in (1, 2), done.stdout
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0], lines[0]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (empty, ["empty.csv"]),
        (header_only, ["header.csv"]),
        (lacking_columns, ["lacking.csv", "balance_frequency"]),
        (other_columns, ["other.csv", "cust_id"]),
        (repeated_column, ["repeated.csv", "tenure"]),
        (truncated_parquet, ["transactions.parquet"]),
        (ledger_without_transactions, ["transactions"]),
        (empty_folder, ["nothing", "accounts"]),
        (binary, ["photo.csv"]),
        (missing, ["no_such_file.csv"]),
        (device, ["pipe.csv"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_unusable_file_is_one_sentence(
    tmp_path: Path, warehouse: Path, make: Callable[[Path], Path], words: list[str]
) -> None:
    before = (warehouse / "current").readlink()
    one_sentence(run_build(warehouse, f"SOURCE={make(tmp_path)}"), *words)
    assert (warehouse / "current").readlink() == before


@pytest.mark.skipif(os.getuid() != 0, reason="to become another user, who may not read the file, takes root")
def test_a_file_without_permission_is_one_sentence(tmp_path: Path) -> None:
    source = tmp_path / "secret.csv"
    source.write_text(HEADER + "\n" + row("C1", 1) + "\n")
    source.chmod(0)
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.owner() == "root" and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH | stat.S_IROTH)
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    code = (
        "import os, sys, encodings.utf_8_sig, sklearn.cluster; from scripts.build import main;"
        f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY});"
        "sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, f"SOURCE={source}"],
        cwd=REPO,
        env={**os.environ, "CARD_SEGMENTS_WAREHOUSE": str(home / "w"), "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    one_sentence(done, "secret.csv", "permission")


@pytest.mark.parametrize(
    ("rows", "arguments", "words"),
    [
        ([row("C1", 1)], [], ["1 customer"]),
        ([row(f"C{place}", 1) for place in range(30)], [], ["same features"]),
        ([row(f"C{place}", place) for place in range(30)], ["K=31"], ["K=31", "30"]),
    ],
    ids=["one customer", "all the same", "more segments than customers"],
)
def test_what_cannot_be_segmented_is_one_sentence(
    tmp_path: Path, rows: list[str], arguments: list[str], words: list[str]
) -> None:
    source = tmp_path / "few.csv"
    source.write_text("\n".join([HEADER, *rows]) + "\n")
    one_sentence(run_build(tmp_path / "w", f"SOURCE={source}", *arguments), *words)


def test_a_ledger_without_a_readable_statement_says_why(tmp_path: Path) -> None:
    made = write_sample_ledger(tmp_path / "ledger", customers=30, seed=1, file_format="csv", months=12)
    statements = made.folder / "statements.csv"
    head, *rows = statements.read_text(encoding="utf-8").splitlines()
    statements.write_text(
        "\n".join([head, *(line.replace("-", "~") for line in rows)]) + "\n", encoding="utf-8"
    )
    done = run_build(tmp_path / "w", f"SOURCE={made.folder}", "MAX_REJECTED_SHARE=1")
    one_sentence(
        done, "statements: every row was refused, most because statement_on is not a date like 2025-12-31;"
    )


def test_columns_without_a_value_leave_the_job_going(tmp_path: Path) -> None:
    """Nothing is known of limits and of payments in full, so that values are unknown; that is said, to the end."""
    source = tmp_path / "no_limits.csv"
    rows = [row(f"C{place}", place, credit_limit="", prc_full_payment="NULL") for place in range(30)]
    source.write_text("\n".join([HEADER, *rows]) + "\n")
    done = run_build(tmp_path / "w", f"SOURCE={source}", "K=2")
    assert done.returncode == 0, done.stderr
    published = tmp_path / "w" / "card_segments.duckdb"
    assert table(published, "customer_features")[["credit_limit", "prc_full_payment"]].isna().all(axis=None)
    assert "NULL is read as empty in prc_full_payment" in done.stdout
    assert "unknown  " in done.stdout
    assert table(published, "customer_segments").segment_id.notna().all()
