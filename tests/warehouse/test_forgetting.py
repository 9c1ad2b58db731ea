"""make forget: nothing of a customer is left below the warehouse, of everybody else all; and objecting reaches the past."""

import csv
import html
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import duckdb
import openpyxl
import pandas as pd
import pytest

from scripts.base.console import Console
from scripts.base.errors import UserError
from scripts.base.lock import build_lock
from scripts.base.paths import ACCOUNTS, CUSTOMERS, FORGOTTEN, FORGOTTEN_KEY, REPORT_PDF
from scripts.intake.forgotten import bring_back, forgotten_among, known_as_forgotten, remember
from scripts.intake.objections import objectors, update_register
from scripts.job import forgetting
from scripts.published.taking_out import Leavers
from scripts.published.traces import has_word, look_for
from scripts.sample.ledger import write_sample_ledger
from tests.support.builds import REPO, query, run_build, run_command

# Names that customers of the generated ledger are given here: parts of each other, numbers, quotes, blanks, formulas.
ZEBRA, SEVEN, SEVENTEEN, QUOTED, PADDED, NUMBER = (
    "ZEBRA-4711-QUAGGA",
    "7",
    "17",
    'O\'Brien "Q"',
    "00042",
    "5000123",
)
RENAMED = {
    "C00000001": ZEBRA, "C00000002": SEVEN, "C00000003": SEVENTEEN, "C00000004": QUOTED,
    "C00000005": f"  {PADDED} ", "C00000006": NUMBER,
}  # fmt: skip
# Whom the joint account does not count for, by the order of ids.
PARTNER = "ZZ-PARTNER"


def name_anew(folder: Path) -> None:
    """Give customers their names, in accounts alone; and rows that are refused to some of them."""
    accounts = pd.read_csv(folder / "accounts.csv", dtype=str, keep_default_na=False)
    accounts["customer_id"] = accounts["customer_id"].replace(RENAMED)
    accounts.to_csv(folder / "accounts.csv", index=False)
    # A joint account of the zebra and another: one of them is the holder for whom it counts.
    with (folder / "accounts.csv").open("a") as file:
        file.write(f"C00000001-1,{PARTNER},2018-06-01,\n")
    with (folder / "transactions.csv").open("a") as file:
        file.write("T1,C00000001-1,nonsense,payment,11.00,\n")
        file.write("T2,C00000001-1,2025-03-03,payment,12.00,,too,many\n")
        file.write("T3,C00000002-1,nonsense,payment,13.00,\n")
        file.write("T4,C00000003-1,nonsense,payment,7,7\n")
        file.write(f'7,C00000004-1,"2025-03-32",payment,15.00,"{ZEBRA}"\n')


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forgetting") / "ledger"
    write_sample_ledger(folder, customers=300, seed=3, file_format="csv", months=18)
    name_anew(folder)
    return folder


@pytest.fixture(scope="module")
def whole(ledger: Path) -> Path:
    """A warehouse with two months, campaigns, an objection, documentation and what a scheduler asked."""
    warehouse = ledger.parent / "whole"
    objections = ledger.parent / "objections.csv"
    objections.write_text(f"customer_id\nC00000040\n{NUMBER}\n")
    for month, more in (
        ("2025-06-30", [f"OBJECTIONS={objections}"]),
        ("2025-07-31", ["WORKBOOK_CUSTOMERS=10"]),
    ):
        done = run_build(warehouse, f"SOURCE={ledger}", "K=3", f"AS_OF={month}", *more)
        assert done.returncode == 0, done.stdout + done.stderr
    for name in ("spring", "autumn"):
        done = run_command(
            warehouse,
            "scripts.campaign",
            f"NAME={name}",
            "SEGMENT=all",
            "STRESSED=include",
            "COOL_OFF_DAYS=0",
            "CONFIRM=yes",
        )
        assert done.returncode == 0, done.stderr
    assert run_command(warehouse, "scripts.docs").returncode == 0
    return warehouse


@pytest.fixture
def warehouse(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "warehouse", symlinks=True))


def forget(warehouse: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_command(warehouse, "scripts.forget", *arguments)


def versions(warehouse: Path) -> list[Path]:
    return sorted((warehouse / "versions").iterdir())


def texts(path: Path) -> str:
    """All that stands in a file, however it is packed, as one text."""
    head = path.read_bytes()[:12]
    if head[8:12] == b"DUCK":
        with duckdb.connect() as connection:
            connection.execute(f"attach '{path}' as f (read_only)")
            found = connection.execute(
                "select '\"' || schema_name || '\".\"' || table_name || '\"' from duckdb_tables() where database_name = 'f'"
            ).fetchall()
            return "\n".join(str(connection.execute(f"from f.{name}").fetchall()) for (name,) in found)
    if head[:4] == b"PAR1":
        return str(duckdb.execute(f"from read_parquet('{path}')").fetchall())
    if head[:2] == b"PK":
        with zipfile.ZipFile(path) as archive:
            return html.unescape("\n".join(archive.read(name).decode() for name in archive.namelist()))
    return html.unescape(path.read_bytes().decode("utf-8", "replace"))


def everything(warehouse: Path) -> dict[str, str]:
    return {
        str(path.relative_to(warehouse)): texts(path)
        for path in sorted(warehouse.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def rows(version: Path, table: str, out: str) -> list[tuple[object, ...]]:
    """A table's rows but for a customer's, in order."""
    with duckdb.connect(str(version / "card_segments.duckdb"), read_only=True) as connection:
        return connection.execute(f"from marts.{table} where customer_id != ? order by all", [out]).fetchall()


OF_CUSTOMERS = ("customer_segments", "customer_features", "customer_values", "segment_history")


def test_nothing_is_left_of_who_is_forgotten(warehouse: Path, whole: Path) -> None:
    for name in ("logs", "dbt"):
        # What a failed command and dbt said once.
        (warehouse / name / "old.log").write_text(f"something about {ZEBRA}.\n")
    with duckdb.connect(str(warehouse / "work.duckdb")) as work:
        work.execute(f"create table a as select '{ZEBRA}' as customer_id")
    (warehouse / "rows").mkdir(exist_ok=True)
    (warehouse / "rows" / "2025-06.parquet").write_text("C00000001-1")
    # Somebody printed the report.
    for version in versions(warehouse):
        (version / REPORT_PDF).write_text("of before")
    (warehouse / REPORT_PDF).symlink_to(Path("current") / REPORT_PDF)
    assert sum(ZEBRA in text for text in everything(warehouse).values()) > 10
    done = forget(warehouse, f"CUSTOMER={ZEBRA}")
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.strip().splitlines()[-1]
    assert (
        last.startswith("looked through ")
        and " and found nothing; outside of its reach: the source (" in last
    )
    assert not [path for path in warehouse.rglob(REPORT_PDF) if path.is_symlink() or path.exists()]
    found = everything(warehouse)
    assert [name for name, text in found.items() if ZEBRA in text] == []
    assert [name for name, text in found.items() if "C00000001-1" in text] == [], "accounts of theirs neither"
    # Not in free blocks, an index or a file's statistics.
    assert [p for p in warehouse.rglob("*") if p.is_file() and ZEBRA.encode() in p.read_bytes()] == []
    assert not (warehouse / "rows").exists() and not list(warehouse.rglob(".partial*"))
    for before, after in zip(versions(whole), versions(warehouse), strict=True):
        assert before.name == after.name
        for table in OF_CUSTOMERS:
            assert rows(before, table, ZEBRA) == rows(after, table, ZEBRA), table
            assert len(rows(after, table, "")) < len(rows(before, table, "")), table
        # Everything else of a version stays as it is: rows, keys, words about it.
        describe = "from duckdb_columns() where schema_name = 'marts'"
        read = f"select table_name, column_name, data_type, comment {describe} order by 1, 2"
        file = "card_segments.duckdb"
        assert query(before / file, read).equals(query(after / file, read))
        read = "select table_name, constraint_text from duckdb_constraints() where constraint_type = 'PRIMARY KEY' order by 1"
        assert query(before / file, read).equals(query(after / file, read))
        assert query(before / file, "from marts.segment_profiles order by 1").equals(
            query(after / file, "from marts.segment_profiles order by 1")
        ), "aggregates stay"
        assert sorted(p.name for p in (before / "parquet").iterdir()) == sorted(
            p.name for p in (after / "parquet").iterdir()
        )
    assert (warehouse / "current").readlink() == (whole / "current").readlink()
    assert run_command(warehouse, "scripts.status").returncode in (0, 4, 5)
    assert run_command(warehouse, "scripts.docs").returncode == 0


def test_refused_rows_keep_reason_and_money_and_the_audit_adds_up(warehouse: Path, whole: Path) -> None:
    assert forget(warehouse, f"CUSTOMER={ZEBRA}").returncode == 0
    read = "select source, reason, measure, amount, row_number, raw_row from marts.rejected_rows order by all"
    for before, after in zip(versions(whole), versions(warehouse), strict=True):
        old, new = (query(each / "card_segments.duckdb", read) for each in (before, after))
        gone = new[new.row_number < 0]
        assert len(old) == len(new) and gone.raw_row.isna().all()
        # The joint account's row, two of its refused transactions, and another's row that named the zebra.
        assert len(gone) >= 4 and {11.0} <= set(gone.amount.dropna())
        kept = old[~old.raw_row.str.contains(f"C00000001-1|{ZEBRA}", na=False)]
        left = new[new.row_number >= 0]
        assert kept.reset_index(drop=True).equals(left.reset_index(drop=True))
        audit = query(
            after / "card_segments.duckdb", "from marts.load_audit where measure = 'rows'"
        ).set_index("source")
        for source, count in new.groupby("source").size().items():
            assert audit.rows_rejected[source] == count
        assert old.amount.sum() == pytest.approx(new.amount.sum())


def test_seven_is_not_seventeen(warehouse: Path, whole: Path) -> None:
    done = forget(warehouse, f"CUSTOMER= {SEVEN}.0 ")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ids of fewer than 6 signs only where ids stand" in done.stdout
    for before, after in zip(versions(whole), versions(warehouse), strict=True):
        for table in OF_CUSTOMERS:
            assert rows(before, table, SEVEN) == rows(after, table, SEVEN), table
        refused = query(
            after / "card_segments.duckdb", "select raw_row from marts.rejected_rows"
        ).raw_row.dropna()
        assert refused.str.contains("C00000003-1").any(), (
            "a row of 17, with 7 for its amount and its merchant"
        )
        assert not refused.str.contains("C00000002-1").any(), "whose account it is, the version knows"
        words = query(after / "card_segments.duckdb", "select example_ids from marts.data_quality_checks")
        assert not any(SEVEN in str(text).split() for text in words.example_ids)
    for name in ("spring", "autumn"):
        before, after = (
            set(pd.read_csv(each / "campaigns" / name / "targets.csv", dtype=str).customer_id)
            for each in (whole, warehouse)
        )
        assert SEVEN in before and after == before - {SEVEN}


@pytest.mark.parametrize("customer", [QUOTED, PADDED, NUMBER])
def test_other_spellings(warehouse: Path, customer: str) -> None:
    """With quotes and a blank; padded in the input; a number, of one who objected before and so stands in that register."""
    done = forget(warehouse, f"CUSTOMER={customer}")
    assert done.returncode == 0, done.stdout + done.stderr
    for version in versions(warehouse):
        for table in OF_CUSTOMERS:
            found = query(
                version / "card_segments.duckdb", f"select customer_id from marts.{table}"
            ).customer_id
            assert customer not in set(found.str.strip())
    assert customer not in objectors(warehouse) and objectors(warehouse) == sorted(
        {"C00000040", NUMBER} - {customer}
    )
    assert known_as_forgotten(warehouse, [customer, SEVEN]) == {customer}


def test_a_list_is_read_as_one_of_objections(warehouse: Path, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["CUST_ID"], [f" {QUOTED} "], ["00042 "], ["42"], ["Q-1"]])
    done = forget(warehouse, f"CUSTOMERS={path}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 of its 4 ids are not known below" in done.stdout and "42 (is it 00042?)" in done.stdout
    assert not {QUOTED, PADDED} & set(
        query(warehouse / "card_segments.duckdb", "from marts.customer_segments").customer_id
    )
    path.write_text("customer_id\nQ-2\n0042\n")
    done = forget(warehouse, f"CUSTOMERS={path}")
    assert done.returncode == 1 and "none of its 2 ids is known below" in done.stderr
    assert forget(warehouse, f"CUSTOMERS={path}", "UNMATCHED=accept").returncode == 0


def test_campaigns_forget_and_keep_their_counts(warehouse: Path, whole: Path) -> None:
    before = pd.read_csv(whole / "campaigns/spring/targets.csv", dtype=str)
    assert ZEBRA in set(before.customer_id)
    assert forget(warehouse, f"CUSTOMER={ZEBRA}").returncode == 0
    folder = warehouse / "campaigns" / "spring"
    after = pd.read_csv(folder / "targets.csv", dtype=str)
    assert after.equals(before[before.customer_id != ZEBRA].reset_index(drop=True))
    mailing = set(pd.read_csv(folder / "mailing.csv", dtype=str).customer_id)
    assert mailing == set(after.customer_id[after.arm == "treatment"])
    sheets = openpyxl.load_workbook(folder / "targets.xlsx")
    cells = list(sheets["Targets"].iter_rows(values_only=True))
    assert [row[0] for row in cells[1:]] == list(after.customer_id)
    assert sheets["Targets"].tables["Targets"].ref == f"A1:F{len(after) + 1}"
    read = (
        "select * from campaigns order by 1",
        "select * from campaign_exclusions order by all",
        "from secret",
    )
    for sql in read:
        old, new = (query(each / "campaigns/campaigns.duckdb", sql) for each in (whole, warehouse))
        assert old.equals(new), "with the secret that holds groups out"
    done = run_command(
        warehouse,
        "scripts.campaign",
        "NAME=later",
        "SEGMENT=all",
        "CONFIRM=yes",
        "STRESSED=include",
        "COOL_OFF_DAYS=0",
    )
    assert done.returncode == 0, done.stderr


def test_the_next_build_leaves_them_out_and_says_how_many(warehouse: Path, ledger: Path) -> None:
    assert forget(warehouse, f"CUSTOMER={ZEBRA}").returncode == 0
    done = run_build(warehouse, f"SOURCE={ledger}", "AS_OF=2025-08-31")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "forgotten: 1 of the input's customers; nothing is published of them" in done.stdout
    found = everything(warehouse)
    assert [name for name, text in found.items() if ZEBRA in text or "C00000001-1" in text] == []
    audit = query(warehouse / "card_segments.duckdb", "from marts.load_audit").set_index(
        ["source", "measure"]
    )
    assert audit.rows_in["customers", "forgotten"] == 1
    money = audit.dropna(subset="amount_in")
    parts = money[["amount_in_features", "amount_outside_window", "amount_rejected"]].sum(axis=1)
    assert parts.to_numpy() == pytest.approx(money.amount_in.to_numpy(), abs=0.005)
    # A build that fails has read them, too.
    done = run_build(warehouse, f"SOURCE={ledger}", "AS_OF=2025-09-30", "MAX_REJECTED_SHARE=0")
    assert done.returncode in (1, 2), done.stdout
    assert [name for name, text in everything(warehouse).items() if ZEBRA in text] == []
    # Who wants to be profiled again says so.
    (warehouse.parent / "back.csv").write_text(f"customer_id\n{ZEBRA}\n")
    done = run_build(
        warehouse,
        f"SOURCE={ledger}",
        "AS_OF=2025-09-30",
        f"OBJECTIONS_WITHDRAWN={warehouse.parent / 'back.csv'}",
    )
    assert done.returncode == 0 and "1 withdrawn" in done.stdout, done.stdout + done.stderr
    assert ZEBRA in set(query(warehouse / "card_segments.duckdb", "from marts.customer_segments").customer_id)


def test_who_objects_later_has_no_segment_in_the_past(warehouse: Path, whole: Path, ledger: Path) -> None:
    listed = warehouse.parent / "objections.csv"
    listed.write_text(f"customer_id\n{ZEBRA}\n{PARTNER}\n")
    done = run_build(warehouse, f"SOURCE={ledger}", "AS_OF=2025-08-31", f"OBJECTIONS={listed}")
    assert done.returncode == 0, done.stdout + done.stderr
    read = (
        "select check_name, example_ids, meaning from marts.data_quality_checks where example_ids like '%-%'"
    )
    assert PARTNER in query(versions(whole)[1] / "card_segments.duckdb", read).to_string()
    for version in versions(warehouse):
        assert PARTNER not in query(version / "card_segments.duckdb", read).to_string(), "nobody's example"
    for before, after in zip(versions(whole), versions(warehouse)[:2], strict=True):
        file = after / "card_segments.duckdb"
        [row] = query(file, f"from marts.customer_segments where customer_id = '{ZEBRA}'").to_dict("records")
        assert row.pop("status") == "suppressed" and row.pop("customer_id") == ZEBRA
        assert pd.Series(row).isna().all()
        for table in OF_CUSTOMERS[1:]:
            assert ZEBRA not in set(query(file, f"from marts.{table}").customer_id)
        parquet = f"select * from read_parquet('{after}/parquet/customer_values.parquet') where customer_id = '{ZEBRA}'"
        assert duckdb.execute(parquet).fetchall() == []
        for table in OF_CUSTOMERS:
            assert rows(before, table, ZEBRA) == rows(after, table, ZEBRA), table
        # A refused row stays as it was.
        read = "select count(*) as n from marts.rejected_rows where raw_row like '%C00000001-1%'"
        assert query(file, read).n[0] == query(before / "card_segments.duckdb", read).n[0] > 0
    assert "Write version" not in run_build(warehouse, f"SOURCE={ledger}", "AS_OF=2025-08-31").stdout, "once"


@pytest.mark.parametrize(
    ("version", "place"), [(0, 0), (0, 7), (0, -2), (0, -1), (1, 0), (1, 15), (1, -2), (1, -1)]
)
def test_cut_short_each_version_is_whole_and_again_ends_it(
    warehouse: Path, version: int, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop before one of the files takes its place."""
    console = Console()
    leavers = forgetting._look_up(warehouse, "CUSTOMER", [ZEBRA], "accept", None, console)
    assert leavers.accounts == ("C00000001-1",)
    # The DuckDB file and the accounts come last.
    files = len(list((versions(warehouse)[0] / "parquet").iterdir())) + 2
    left, replace = [version * files + place % files], Path.replace

    def stopping(self: Path, target: Path) -> Path:
        if "versions" in self.parts and not left[0]:
            raise KeyboardInterrupt
        left[0] -= "versions" in self.parts
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", stopping)
    # Report and workbook take their time, and are of no matter here.
    monkeypatch.setattr(forgetting, "write_report", lambda published, folder: None)
    monkeypatch.setattr(forgetting, "write_workbook", lambda published, folder, most_listed: None)
    with pytest.raises(KeyboardInterrupt):
        forgetting.take_out_of_versions(warehouse, leavers, console)
    for folder in versions(warehouse):
        with duckdb.connect(str(folder / "card_segments.duckdb"), read_only=True) as connection:
            assert connection.execute("select count(*) from marts.customer_segments").fetchall()[0][0] > 200
        for file in (folder / "parquet").iterdir():
            duckdb.execute(f"from read_parquet('{file}')").fetchall()
    monkeypatch.setattr(Path, "replace", replace)
    # Again, by what is there still.
    leavers = forgetting._look_up(warehouse, "CUSTOMER", [ZEBRA], "accept", None, console)
    forgetting.take_out_of_versions(warehouse, leavers, console)
    tables = [
        p
        for p in warehouse.rglob("versions/**/*")
        if p.suffix in (".parquet", ".duckdb") and p.name != CUSTOMERS
    ]
    assert tables and [p for p in tables if ZEBRA in texts(p) or "C00000001-1" in texts(p)] == []
    assert not list(warehouse.rglob(".partial*"))


def test_killed_it_is_run_again(warehouse: Path) -> None:
    started = subprocess.Popen(
        [sys.executable, "-m", "scripts.forget", f"CUSTOMER={ZEBRA}"],
        cwd=REPO,
        env={**os.environ, "CARD_SEGMENTS_WAREHOUSE": str(warehouse)},
        stdout=subprocess.DEVNULL,
    )
    while not list(warehouse.glob("versions/.partial-*")) and started.poll() is None:
        time.sleep(0.002)
    started.kill()
    assert started.wait(60) == -signal.SIGKILL
    for version in versions(warehouse):
        if not version.name.startswith(".partial-"):
            assert len(query(version / "card_segments.duckdb", "from marts.customer_segments")) > 200
    assert forget(warehouse, f"CUSTOMER={ZEBRA}").returncode == 0
    assert [name for name, text in everything(warehouse).items() if ZEBRA in text or ".partial" in name] == []


def test_a_version_of_an_earlier_release_is_removed_and_named(warehouse: Path) -> None:
    first, second = versions(warehouse)
    for version, statement in ((first, "drop table marts.words"),):
        file = version / "card_segments.duckdb"
        file.chmod(0o600)
        with duckdb.connect(str(file)) as connection:
            connection.execute(statement)
    old = warehouse / "versions" / "card_segments_20240101.duckdb"
    with duckdb.connect(str(old)) as connection:
        connection.execute(
            f"create schema marts; create table marts.customer_segments as select '{ZEBRA}' as customer_id"
        )
    (second / ACCOUNTS).unlink()
    done = forget(warehouse, f"CUSTOMER={ZEBRA}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{first.name} is removed: an earlier release published it" in done.stdout
    assert f"{old.name} is removed" in done.stdout
    assert (
        f"{second.name}: an earlier release did not write down whose accounts refused rows are of"
        in done.stdout
    )
    assert versions(warehouse) == [second]
    assert [
        name for name, text in everything(warehouse).items() if "C00000001-1" in text or ZEBRA in text
    ] == []


def test_what_is_in_use_and_cannot_be_written_anew_is_said(warehouse: Path) -> None:
    file = (warehouse / "card_segments.duckdb").resolve()
    file.chmod(0o600)
    with duckdb.connect(str(file)) as connection:
        connection.execute("drop table marts.words")
    done = forget(warehouse, f"CUSTOMER={ZEBRA}")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "it is in use; run make build, and then this again" in done.stderr


def test_a_file_of_ones_own_is_found_and_named(warehouse: Path) -> None:
    (warehouse / "campaigns" / "notes.txt").write_text(f"call {ZEBRA}, soon")
    done = forget(warehouse, f"CUSTOMER={ZEBRA}")
    assert done.returncode == 1 and "an id still stands in" in done.stderr and "notes.txt" in done.stderr
    (warehouse / "campaigns" / "notes.txt").unlink()
    assert forget(warehouse, f"CUSTOMER={ZEBRA}").returncode == 0, "who is forgotten already may be again"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "CUSTOMER or CUSTOMERS: give one of them"),
        (["CUSTOMER=1", "CUSTOMERS=x.csv"], "CUSTOMER or CUSTOMERS: give one of them"),
        (["CUSTOMER=zebra-4711-quagga"], "stands nowhere below {warehouse}; is it ZEBRA-4711-QUAGGA?"),
        (["CUSTOMER=nobody at all"], "CUSTOMER=nobody at all: stands nowhere below {warehouse}."),
        (["CUSTOMER=a\nb"], "is no id"),
        (["CUSTOMERS=missing.csv"], "CUSTOMERS=missing.csv: no such file"),
        (["NAME=1"], "NAME=1: expected one of CUSTOMER=, CUSTOMERS=, UNMATCHED="),
    ],
)
def test_a_mistake_is_one_sentence_and_changes_nothing(whole: Path, arguments: list[str], words: str) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("versions/**/*")}
    done = forget(whole, *arguments)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert words.format(warehouse=whole) in done.stderr
    assert {path: path.stat().st_mtime_ns for path in whole.rglob("versions/**/*")} == before
    assert not (whole / FORGOTTEN).exists()


def test_no_warehouse_and_a_build_that_runs(whole: Path, tmp_path: Path) -> None:
    done = forget(tmp_path / "none", "CUSTOMER=1")
    assert done.returncode == 1 and "there is no warehouse, so that nobody stands in it" in done.stderr
    with build_lock(whole):
        done = forget(whole, f"CUSTOMER={ZEBRA}")
    assert done.returncode == 3 and "another build is running" in done.stderr


def test_what_it_writes_is_its_owners_alone(warehouse: Path) -> None:
    umask = os.umask(0o022)
    try:
        assert forget(warehouse, f"CUSTOMER={ZEBRA}").returncode == 0
    finally:
        os.umask(umask)
    for path in (warehouse, *warehouse.rglob("*")):
        if not path.is_symlink():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    for name in (FORGOTTEN, FORGOTTEN_KEY):
        assert stat.S_IMODE((warehouse / name).stat().st_mode) == 0o600
    for file in (warehouse / "current").resolve().iterdir():
        assert stat.S_IMODE(file.stat().st_mode) in (0o400, 0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to any group")
def test_a_group_that_reads_goes_on_reading(warehouse: Path) -> None:
    group = 64_002
    for path in (warehouse, *(warehouse / "versions").rglob("*"), warehouse / "versions"):
        os.chown(path, -1, group)
        path.chmod(0o750 if path.is_dir() else 0o440)
    assert forget(warehouse, f"CUSTOMER={ZEBRA}").returncode == 0
    for path in (warehouse / "versions").rglob("*"):
        assert path.stat().st_gid == group and path.stat().st_mode & 0o040, path
    assert (warehouse / FORGOTTEN_KEY).stat().st_mode & 0o077 == 0


def test_only_known_tables_hold_ids(whole: Path) -> None:
    """A column that comes to hold ids must be taken care of in taking_out.py."""
    ids = f"select unnest(['{ZEBRA}', 'C00000001-1', 'C00000012', 'C00000012-1'])"
    known = {"customer_id", "rejected_rows.raw_row", "rejected_rows.reason", "data_quality_checks.example_ids",
             "data_quality_checks.meaning"}  # fmt: skip
    file = whole / "card_segments.duckdb"
    columns = query(
        file,
        "select table_name, column_name from duckdb_columns() where schema_name = 'marts' and data_type like '%VARCHAR%'",
    )
    seen = {
        column if column == "customer_id" else f"{table}.{column}"
        for table, column in columns.itertuples(index=False)
        if len(
            query(
                file,
                f'select 1 from marts.{table}, ({ids}) as i (id) where contains("{column}"::varchar, id) limit 1',
            )
        )
    }
    assert {"customer_id", "rejected_rows.raw_row"} <= seen <= known
    models = (whole / "current").resolve() / "state" / "models.parquet"
    assert ZEBRA not in texts(models) and "C00000012" not in texts(models)


# The register


def test_the_register_holds_hashes_alone(tmp_path: Path) -> None:
    assert remember(tmp_path, ["7", ZEBRA]) == 2 and remember(tmp_path, ["7"]) == 0
    text = (tmp_path / FORGOTTEN).read_text()
    assert (
        ZEBRA not in text
        and "\n7," not in text
        and (tmp_path / FORGOTTEN_KEY).read_text().strip() not in text
    )
    with duckdb.connect() as connection:
        connection.execute(
            "create table c as select unnest(['7', '17', '8', 'a''b', 'ZEBRA-4711-QUAGGA']) as customer_id"
        )
        assert forgotten_among(tmp_path, connection, "c") == ["7", ZEBRA]
    assert bring_back(tmp_path, ["7", "8"]) == ["7"]
    assert known_as_forgotten(tmp_path, ["7", ZEBRA]) == {ZEBRA}


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        (FORGOTTEN_KEY, None, "is missing, the key of"),
        (FORGOTTEN_KEY, "0" * 64, "is another than that of"),
        (FORGOTTEN, "keyed_hash\n", "is damaged"),
        (FORGOTTEN, "", "is damaged"),
        (FORGOTTEN, None, "is missing, and its key is there"),
    ],
)
def test_a_register_that_cannot_be_used_stops_everything(
    tmp_path: Path, file: str, content: str | None, words: str
) -> None:
    remember(tmp_path, ["7"])
    (tmp_path / file).unlink()
    if content is not None:
        (tmp_path / file).write_text(content)
    with duckdb.connect() as connection, pytest.raises(UserError, match=words):
        connection.execute("create table c as select '7' as customer_id")
        forgotten_among(tmp_path, connection, "c")


def test_who_was_forgotten_joins_no_list_in_clear(tmp_path: Path) -> None:
    remember(tmp_path, ["7"])
    (tmp_path / "list.csv").write_text("customer_id\n7\n8\n")
    with duckdb.connect() as connection:
        connection.execute("create table c as select unnest(['7', '8']) as customer_id")
        after = update_register(tmp_path, str(tmp_path / "list.csv"), "", connection, "c")
    assert after.ids == ("8",) and objectors(tmp_path) == ["8"]


def test_registers_that_warehouses_share_are_refused(whole: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    for name in ("objections.csv", "forgotten.csv"):
        (tmp_path / name).symlink_to(shared / name)
    with pytest.raises(
        UserError, match=r"the register of objections is a link to .*, but belongs to one warehouse"
    ):
        objectors(tmp_path)
    with pytest.raises(UserError, match="the register of who was forgotten is a link to"):
        remember(tmp_path, ["7"])
    warehouse = Path(shutil.copytree(whole, tmp_path / "warehouse", symlinks=True))
    shutil.move(warehouse / "campaigns", shared / "campaigns")
    (warehouse / "campaigns").symlink_to(shared / "campaigns")
    done = run_command(warehouse, "scripts.campaign", "NAME=c", "SEGMENT=all", "CONFIRM=yes")
    assert done.returncode == 1 and "the register of campaigns is a link to" in done.stderr
    done = forget(warehouse, f"CUSTOMER={ZEBRA}")
    assert done.returncode == 1 and "the register of campaigns is a link to" in done.stderr


# The look


@pytest.mark.parametrize(
    ("text", "is_there"),
    [
        ("7", True), ("8;7", True), ("it is 7.", True), ("7.0,", True), ('"7"', True),
        ("17", False), ("7.5", False), ("7_a", False), ("C-7", False), ("0.7", False), ("77", False), ("7-1", False),
    ],
)  # fmt: skip
def test_a_word_of_its_own(text: str, is_there: bool) -> None:
    assert has_word(text, ["7"]) == is_there
    with duckdb.connect() as connection:
        from scripts.published.taking_out import stands_in

        assert connection.execute(
            f"select {stands_in('?', '?::varchar')}", [text, "7", text, "7"]
        ).fetchall() == [(is_there,)]


def test_every_kind_of_file_is_looked_into(tmp_path: Path) -> None:
    places = tmp_path / "places"
    places.mkdir()
    with duckdb.connect(str(places / "a.duckdb")) as connection:
        connection.execute(f"create schema s; create table s.t as select 1 as n, 'of {ZEBRA}' as words")
    duckdb.execute(f"copy (select ['a', '{ZEBRA}'] as list) to '{places / 'b.parquet'}' (format parquet)")
    book = openpyxl.Workbook()
    book.active["A1"] = ZEBRA  # type: ignore[index]
    book.save(places / "c.xlsx")
    (places / "d.html").write_text(f"<p title='{ZEBRA}'>&nbsp;</p>")
    (places / "e.log").write_text(f"x={ZEBRA}\n")
    (places / "f.csv").write_text("customer_id\n7\n")
    traces = look_for(places, Leavers((ZEBRA, "7")))
    assert [path.name[0] for path in traces.found] == list("abcdef") and traces.files == 6
    assert look_for(places, Leavers(("ZEBRA-4711", "17"))).found == []
    (places / "g.duckdb").write_bytes(b"xxxxxxxxDUCK and no more")
    assert len(look_for(places, Leavers(("nobody",))).unread) == 1
