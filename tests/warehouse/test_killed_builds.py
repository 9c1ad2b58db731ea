"""Whole builds killed with SIGKILL: the published file stays whole, the next build goes on as if nothing had been.

The tests run in order on one warehouse, as a machine would see it: each kill finds what the last one left.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from scripts.sample.ledger import write_sample_ledger
from tests.support.builds import QUICK, REPO

# Differ from build to build by nature: times, and ids made of them.
CONTENT = {
    "customer_features": "*",
    "customer_segments": "* exclude (model_id)",
    "segment_profiles": "segment_id, segment_name, customers",
    "model_parameters": "* exclude (model_id)",
    "rejected_rows": "* exclude (file)",
    "load_audit": "* exclude (files)",
}


class Warehouse:
    """A warehouse with builds of one small ledger."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "warehouse"
        self.ledger = folder / "ledger"
        self.link = self.path / "card_segments.duckdb"
        write_sample_ledger(self.ledger, customers=300, seed=3, file_format="csv", months=18)

    def version(self) -> Path:
        """The version in use."""
        return self.link.resolve().parent

    def start(self) -> subprocess.Popen[str]:
        """Start a build."""
        return subprocess.Popen(
            [sys.executable, "-m", "scripts.build", *QUICK, "RETRAIN=yes", f"SOURCE={self.ledger}"],
            cwd=REPO,
            env={**os.environ, "CARD_SEGMENTS_WAREHOUSE": str(self.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell that runs tests in the background has it ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def kill_when(self, moment: Callable[[], bool]) -> None:
        """Start a build and kill it at a moment; fails where it ends before."""
        build = self.start()
        deadline = time.monotonic() + 120
        while not moment():
            if build.poll() is not None or time.monotonic() > deadline:
                build.kill()
                pytest.fail("the build was not there to be killed: " + "".join(build.communicate()))
            time.sleep(0.005)
        build.send_signal(signal.SIGKILL)
        build.communicate(timeout=60)
        assert build.returncode == -signal.SIGKILL

    def content(self) -> dict[str, list[tuple[int, int]]]:
        """Rows and a checksum of each published table, opened as another process would."""
        with duckdb.connect(str(self.link), read_only=True) as connection:
            return {
                table: connection.execute(
                    f"select count(*), bit_xor(hash(t)) from (select {columns} from marts.{table}) as t"
                ).fetchall()
                for table, columns in CONTENT.items()
            }

    def logged(self, words: str) -> bool:
        """Whether dbt's log of the running build has these words; the one of the last build is removed by us."""
        log = self.path / "logs" / "dbt.log"
        return log.exists() and words in log.read_text(encoding="utf-8", errors="replace")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return Warehouse(tmp_path_factory.mktemp("killed"))


@pytest.fixture(scope="module")
def first(warehouse: Warehouse) -> dict[str, list[tuple[int, int]]]:
    """The published content of the first build that came through, after one was killed and beside a second.

    Two are started at once: one of them publishes, the other says which one holds the lock.
    """
    warehouse.kill_when((warehouse.path / "work.duckdb").exists)
    assert not warehouse.link.is_symlink()
    builds = [warehouse.start(), warehouse.start()]
    errors = [build.communicate(timeout=120)[1] for build in builds]
    codes = [build.returncode for build in builds]
    assert sorted(codes) == [0, 3], errors
    winner, refusal = builds[codes.index(0)], errors[codes.index(3)]
    assert re.search(rf"another build is running \(pid {winner.pid} since \S+\)", refusal)
    assert len(refusal.splitlines()) == 1
    return warehouse.content()


def test_of_two_builds_at_once_one_publishes(first: dict[str, list[tuple[int, int]]]) -> None:
    """See the fixture; and what is published is a portfolio of 300."""
    assert first["customer_features"][0][0] == first["customer_segments"][0][0] == 300


@pytest.mark.parametrize("moment", ["input opened", "model running", "learning", "publishing"])
def test_a_build_is_killed(
    warehouse: Warehouse, first: dict[str, list[tuple[int, int]]], moment: str
) -> None:
    """What was published stays; that each build gets further than the one before shows that it recovered."""
    shutil.rmtree(warehouse.path / "logs", ignore_errors=True)
    before = warehouse.version()
    work = warehouse.path / "work.duckdb"
    old = work.stat().st_mtime_ns
    moments: dict[str, Callable[[], bool]] = {
        "input opened": lambda: (
            Path(f"{work}.wal").exists() or (work.exists() and work.stat().st_mtime_ns != old)
        ),
        "model running": lambda: warehouse.logged("START sql table model ledger."),
        "learning": lambda: warehouse.logged("START python table model"),
        "publishing": lambda: any((warehouse.path / "versions").glob(".partial-*")),
    }
    warehouse.kill_when(moments[moment])
    assert warehouse.version() == before
    assert warehouse.content() == first
    assert not Path(f"{warehouse.link}.wal").exists()


def test_the_next_build_succeeds_with_the_same_tables(
    warehouse: Warehouse, first: dict[str, list[tuple[int, int]]]
) -> None:
    """With a reader that holds the published file open, and a log of a killed writer beside the link."""
    before = warehouse.version()
    Path(f"{warehouse.link}.wal").write_bytes(b"left by a killed writer")
    reader = subprocess.Popen(
        [sys.executable, "-c", "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); input()",
         str(warehouse.link)],
        stdin=subprocess.PIPE,
    )  # fmt: skip
    build = warehouse.start()
    _, errors = build.communicate(timeout=120)
    assert reader.poll() is None, "the reader holds it still"
    reader.communicate(b"\n", timeout=60)
    assert reader.returncode == 0
    assert build.returncode == 0, errors
    assert warehouse.version() != before
    assert warehouse.content() == first
    left = [
        path.name
        for path in warehouse.path.rglob("*")
        if re.search(r"\.partial|\.wal|\.tmp|broken", path.name)
    ]
    assert left == []


def test_a_build_is_stopped_by_ctrl_c(warehouse: Warehouse, first: dict[str, list[tuple[int, int]]]) -> None:
    """In the middle of a model that dbt runs, which would keep the interruption to itself."""
    shutil.rmtree(warehouse.path / "logs", ignore_errors=True)
    build = warehouse.start()
    deadline = time.monotonic() + 120
    while not warehouse.logged("START sql table model ledger.") and time.monotonic() < deadline:
        time.sleep(0.005)
    build.send_signal(signal.SIGINT)
    _, errors = build.communicate(timeout=120)
    assert build.returncode == 130, errors
    assert errors == "error: Stopped; what was published before stays as it was.\n"
    assert warehouse.content() == first


def test_work_that_another_process_has_open_is_not_taken_for_broken(
    warehouse: Warehouse, first: dict[str, list[tuple[int, int]]]
) -> None:
    """The build names the process and leaves; what work.duckdb keeps from run to run stays in its place."""
    work = warehouse.path / "work.duckdb"
    before = work.stat().st_ino
    with duckdb.connect(str(work), read_only=True):
        build = warehouse.start()
        _, errors = build.communicate(timeout=120)
    assert build.returncode == 1
    assert f"work.duckdb: another process has it open (pid {os.getpid()})" in errors
    assert work.stat().st_ino == before
    assert warehouse.content() == first
