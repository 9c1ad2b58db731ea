"""The work file: new for each build; nothing of customers is in its bytes afterwards."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from scripts.base.errors import UserError
from scripts.job.work_file import empty_work, renew_work


def tables(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute("select count(*) from duckdb_tables()").fetchall()[0][0]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work file with a customer, and the log of a build that was killed."""
    path = tmp_path / "work.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table customer_segments (customer_id varchar, segment_id integer)")
        connection.execute("insert into customer_segments values ('objector-4711-of-the-bank', 3)")
    with duckdb.connect(str(path)) as connection:
        connection.execute("set checkpoint_threshold = '1GB'; insert into customer_segments values ('c', 1)")
        log, copy = Path(f"{path}.wal").read_bytes(), path.read_bytes()
    assert b"objector-4711" in copy
    path.write_bytes(copy)
    Path(f"{path}.wal").write_bytes(log)
    return path


@pytest.mark.parametrize("make_new", [renew_work, empty_work])
def test_nothing_stays(make_new: Callable[[Path], object], work: Path) -> None:
    """Neither before a build nor after it."""
    assert not make_new(work)
    assert tables(work) == 0
    assert b"objector-4711" not in work.read_bytes()
    assert [path.name for path in work.parent.iterdir()] == ["work.duckdb"]


@pytest.mark.parametrize("content", [None, b"neither a database nor anything else"])
def test_a_work_file_that_is_lost_or_broken_is_made_anew(content: bytes | None, tmp_path: Path) -> None:
    work = tmp_path / "work.duckdb"
    if content:
        work.write_bytes(content)
        Path(f"{work}.wal").write_bytes(b"nor a log")
    renew_work(work)
    assert tables(work) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["work.duckdb"]


def test_a_work_file_that_is_open_elsewhere_stays(work: Path) -> None:
    Path(f"{work}.wal").unlink()
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(work)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None and other.stdout.readline() == "open\n"
    before = work.stat().st_ino
    with pytest.raises(UserError, match=rf"another process has it open \(pid {other.pid}\)"):
        renew_work(work)
    other.communicate("\n", timeout=60)
    assert work.stat().st_ino == before
    assert [path.name for path in work.parent.iterdir()] == ["work.duckdb"]


def test_rows_that_cannot_be_taken_are_a_sentence(tmp_path: Path) -> None:
    """The build has published by then and does not fail."""
    said = empty_work(tmp_path / "no_such_folder" / "work.duckdb")
    assert re.fullmatch(
        r".*work\.duckdb: rows of customers, .* cannot be taken from it \(.+\); .* until the next build", said
    )
