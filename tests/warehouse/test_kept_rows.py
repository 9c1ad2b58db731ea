"""Rows of CSV files are read once: whatever order months come in, the result is that of a build from nothing."""

import os
import random
import re
import shutil
from pathlib import Path

import duckdb
import pytest

from scripts.base.paths import ROWS, STAGING
from scripts.intake.source import files_of, load_contract, open_source
from scripts.job import kept_rows
from scripts.job.unchanged_input import look_at
from scripts.sample.ledger import write_sample_ledger
from tests.support.builds import QUICK, run_command

SMALL = (*QUICK, "K=3", "CANDIDATES_K_MAX=4", "BOOTSTRAPS=2", "WORKBOOK_CUSTOMERS=0", "AS_OF=2025-12-31")
CONTRACT = load_contract(STAGING)
# What follows from the input alone; ids and names go on from build to build.
OF_THE_INPUT = (
    "customer_features",
    "rejected_rows",
    "load_audit",
    "data_quality_checks",
    "customer_segments",
)


def months_of(ledger: Path, table: str) -> dict[str, list[str]]:
    """Lines of a table by the month in them; the last files have those without one."""
    found: dict[str, list[str]] = {}
    for line in (ledger / f"{table}.csv").read_text(encoding="utf-8").splitlines(keepends=True)[1:]:
        month = re.search(r"(20[0-9]{2}-[0-9]{2})-[0-9]{2}", line)
        found.setdefault(month[1] if month else "other", []).append(line)
    return found


class Bank:
    """A ledger that grows month by month, as a bank delivers it."""

    def __init__(self, whole: Path, folder: Path) -> None:
        self.folder = folder
        self.headers = {}
        for table in ("transactions", "statements"):
            (folder / table).mkdir(parents=True)
            with (whole / f"{table}.csv").open(encoding="utf-8") as file:
                self.headers[table] = file.readline()
        shutil.copy(whole / "accounts.csv", folder / "accounts.csv")

    def deliver_all(self, whole: Path) -> None:
        for table in self.headers:
            for month, lines in months_of(whole, table).items():
                self.deliver(table, month, lines)

    def deliver(self, table: str, name: str, lines: list[str]) -> None:
        text = self.headers[table] + "".join(lines)
        (self.folder / table / f"{name}.csv").write_text(text, encoding="utf-8")


def build(warehouse: Path, source: Path, *arguments: str) -> str:
    # The accounts are whole from the first month on, of which few have been used by then.
    done = run_command(
        warehouse,
        "scripts.build",
        *SMALL,
        f"SOURCE={source}",
        "MIN_KEPT_SHARE=0",
        "MAX_REJECTED_SHARE=1",
        *arguments,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def published(warehouse: Path, table: str) -> list[tuple[object, ...]]:
    left_out = "* exclude (model_id)" if table == "customer_segments" else "*"
    with duckdb.connect(str(warehouse / "card_segments.duckdb"), read_only=True) as connection:
        return connection.execute(f"select {left_out} from marts.{table} order by all").fetchall()


def kept(warehouse: Path) -> set[str]:
    return {path.name for path in (warehouse / ROWS).glob("*.parquet")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With every kind of dirt that the sample has; broken quotes, too."""
    folder = tmp_path_factory.mktemp("whole") / "ledger"
    write_sample_ledger(folder, customers=250, seed=7, file_format="csv", months=14)
    return folder


def test_deliveries_in_any_order_end_as_a_build_from_nothing(whole: Path, tmp_path: Path) -> None:
    """Months out of order, several at a time, late rows, a correction, a month twice, and a file that goes."""
    draw = random.Random(int(os.environ.get("CARD_SEGMENTS_SEED", "1")))
    bank = Bank(whole, tmp_path / "bank")
    transactions, statements = (months_of(whole, table) for table in bank.headers)
    # A build needs the window's end, and some statements.
    first = ["2025-12", "2025-11", "other"]
    later = sorted({*transactions, *statements} - set(first))
    draw.shuffle(later)
    late = {month: draw.sample(lines, min(5, len(lines))) for month, lines in transactions.items()}
    for month in first:
        bank.deliver("transactions", month, [line for line in transactions[month] if line not in late[month]])
        if month in statements:
            bank.deliver("statements", month, statements[month])
    warehouse = tmp_path / "warehouse"
    build(warehouse, bank.folder)
    while later:
        for month in [later.pop() for _ in range(min(len(later), draw.choice([4, 5, 6])))]:
            for table, lines in (("transactions", transactions), ("statements", statements)):
                if month in lines:
                    bank.deliver(table, month, lines[month])
        before = kept(warehouse)
        build(warehouse, bank.folder)
        assert before < kept(warehouse), "what was read before stays, and what is new is added"
    # Late rows; a correction of amounts in a file that was read; a month twice; a file that goes.
    bank.deliver("transactions", "late", [line for month in first for line in late[month]])
    corrected = [re.sub(r"([0-9]+)\.([0-9]{2})", r"\g<1>1.\2", line) for line in statements["2025-11"]]
    bank.deliver("statements", "2025-11", corrected)
    bank.deliver("transactions", "2025-10-again", transactions["2025-10"])
    (bank.folder / "transactions" / "2025-03.csv").unlink()
    build(warehouse, bank.folder)
    anew = tmp_path / "anew"
    build(anew, bank.folder)
    for table in OF_THE_INPUT[:-1]:
        assert published(warehouse, table) == published(anew, table), table
    assert kept(warehouse) == kept(anew)
    assert any("kept" in str(row) for row in published(anew, "rejected_rows")), "duplicates across files"


def test_what_is_kept_is_not_read_again(whole: Path, tmp_path: Path) -> None:
    """Seen by other rows in its place: they are what is used."""
    bank = Bank(whole, tmp_path / "bank")
    bank.deliver_all(whole)
    warehouse = tmp_path / "warehouse"
    build(warehouse, bank.folder)
    before = published(warehouse, "customer_features")
    files = sorted((warehouse / ROWS).glob("*.parquet"))
    assert files
    altered = 0
    for file in files:
        rows = f"read_parquet('{file}')"
        if "posted_on" in duckdb.sql(f"from {rows} limit 0").columns:
            paid_twice = "case when type_code = 3 then 2 * amount else amount end::decimal(18, 2)"
            duckdb.sql(f"copy (select * replace ({paid_twice} as amount) from {rows}) to '{file}'")
            altered += 1
    assert altered
    build(warehouse, bank.folder, "REBUILD=yes")
    assert published(warehouse, "customer_features") != before
    # What is broken or gone is read again.
    for place, file in enumerate(files):
        if place % 2:
            file.unlink()
        else:
            file.write_bytes(b"PAR1 of old")
    build(warehouse, bank.folder, "REBUILD=yes")
    assert published(warehouse, "customer_features") == before
    assert kept(warehouse) == {file.name for file in files}


def test_another_way_to_read_reads_again(whole: Path, tmp_path: Path) -> None:
    bank = Bank(whole, tmp_path / "bank")
    bank.deliver_all(whole)
    warehouse = tmp_path / "warehouse"
    build(warehouse, bank.folder)
    before = kept(warehouse)
    (tmp_path / "mapping.yml").write_text(
        "statements:\n  columns:\n    credit_limit: {column: credit_limit, divide_by: 100}\n"
    )
    build(warehouse, bank.folder, f"MAPPING={tmp_path / 'mapping.yml'}")
    assert not before & kept(warehouse)
    for file in (warehouse / ROWS).iterdir():
        assert file.stat().st_mode & 0o077 == 0


def test_tables_of_too_many_files_are_read_as_they_are(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scan of one of their files would read all."""
    monkeypatch.setattr(kept_rows, "MOST_PARTS", 2)
    bank = Bank(whole, tmp_path / "bank")
    for place in range(3):
        bank.deliver("transactions", str(place), [f"T{place},A,2025-01-05,payment,1.00,\n"])
    bank.deliver("statements", "all", months_of(whole, "statements")["2025-11"])
    files = look_at(files_of(bank.folder, CONTRACT), bank.folder)
    with duckdb.connect() as connection:
        intake = open_source(connection, bank.folder, CONTRACT)
        kept_rows.offer_rows(connection, intake, files, "", tmp_path, tables=kept_rows.TABLES)
        offered = connection.execute("select source, file from raw.kept_files").fetchall()
    assert offered == [("statements", "statements/all.csv")]


def test_what_was_counted_is_known_until_the_content_changes(whole: Path, tmp_path: Path) -> None:
    """And for another mapping it is counted anew."""
    bank = Bank(whole, tmp_path / "bank")
    bank.deliver("transactions", "a", ["T1,A,2025-01-05,payment,1.00,\n", "T2,A,2025-01-05,payment,n/a,\n"])
    bank.deliver("statements", "a", months_of(whole, "statements")["2025-11"])
    files = look_at(files_of(bank.folder, CONTRACT), bank.folder)
    with duckdb.connect() as connection:
        intake = open_source(connection, bank.folder, CONTRACT)
        rows = kept_rows.offer_rows(connection, intake, files, "m", tmp_path, tables=kept_rows.TABLES)
        kept_rows.keep_rows(rows)
    path = bank.folder / "transactions" / "a.csv"
    known = kept_rows.known_files(tmp_path, files, "m")
    assert known[path.resolve()].rows == 2
    assert known[path.resolve()].empties["amount"] == 1
    assert kept_rows.known_files(tmp_path, files, "another") == {}
    with duckdb.connect() as connection:
        again = open_source(connection, bank.folder, CONTRACT, known=known)
    assert again.notes == intake.notes
    assert again.files == intake.files
    bank.deliver("transactions", "a", ["T1,A,2025-01-05,payment,1.50,\n"])
    files = look_at(files_of(bank.folder, CONTRACT), bank.folder)
    assert path.resolve() not in kept_rows.known_files(tmp_path, files, "m")
