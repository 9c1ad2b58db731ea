"""A campaign on a disk that is full, or killed in the middle: whole or not at all, and the next one goes on."""

import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from scripts.base.errors import UserError
from scripts.campaigns.register import REGISTER, open_register
from tests.support.builds import REPO
from tests.support.campaigning import publish_customers

# Draws campaign `a`; stops the process where it is told to.
DRAW = """
import datetime as dt, os, signal, sys
from pathlib import Path
from scripts.base.console import run_command
from scripts.campaigns import draw, register, settings

def stop(*_): os.kill(os.getpid(), signal.SIGKILL)

name, place = sys.argv[2], sys.argv[3]
if place == "before the commit":
    os.fsync = stop
if place == "after the commit":
    settle = register.settle_files
    register.settle_files = lambda *given: settle(*given) if not (given[1] / ".partial-a").exists() else stop()
asked = settings.read_settings([f"NAME={name}", "SEGMENT=all", "COOL_OFF_DAYS=0"])
sys.exit(run_command(lambda _: draw.draw_campaign(asked, Path(sys.argv[1]), dt.datetime(2026, 3, 1)) and None))
"""
# Measures campaign `first`; is killed where it is told to.
MEASURE = """
import datetime as dt, os, signal, sys
from pathlib import Path
from scripts.campaigns import register, results

def stop(*_): os.kill(os.getpid(), signal.SIGKILL)

warehouse, outcomes, place = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
if place == "before the commit":
    write = results._write
    results._write = lambda *given: (write(*given), stop())
if place == "after the commit":
    settle = register.settle_files
    register.settle_files = lambda *given: stop() if list(given[1].glob(".partial-*")) else settle(*given)
results.measure_campaign("first", outcomes, None, warehouse, dt.datetime.now())
"""
LISTS = ["mailing.csv", "targets.csv", "targets.xlsx"]


def draw(
    warehouse: Path, name: str = "a", place: str = "", largest_file: int = 0
) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        if largest_file:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    return subprocess.run(
        [sys.executable, "-c", DRAW, str(warehouse), name, place],
        cwd=REPO,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=120,
    )


def assert_one_sentence(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 1 and not done.stdout, done.stdout + done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1, done.stderr
    assert "cannot be written" in done.stderr, done.stderr


def campaigns_of(warehouse: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(warehouse / "campaigns" / REGISTER), read_only=True) as connection:
        return connection.execute(
            "select name, count(*) from campaigns inner join campaign_targets using (name) group by name order by name"
        ).fetchall()


def names_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    publish_customers(tmp_path / "warehouse")
    return tmp_path / "warehouse"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own, for campaigns alone."""
    publish_customers(tmp_path / "warehouse")
    folder = tmp_path / "warehouse" / "campaigns"
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=30m", "none", folder], capture_output=True
    ).returncode:
        pytest.skip("a disk of a size of its own takes the right to mount")
    yield tmp_path / "warehouse"
    subprocess.run(["umount", folder], check=True)


def resize(warehouse: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", warehouse / "campaigns"], check=True)


@pytest.mark.parametrize("largest_file", [1, 5_000, 20_000, 300_000])
def test_a_full_disk_leaves_no_register_or_a_whole_one(warehouse: Path, largest_file: int) -> None:
    """No file may grow beyond a size: too small for the register, for its log, for what a campaign adds."""
    done = draw(warehouse, largest_file=largest_file)
    assert_one_sentence(done)
    assert names_in(warehouse / "campaigns") in ([], [REGISTER], [REGISTER, f"{REGISTER}.wal"])
    assert draw(warehouse).returncode == 0
    assert campaigns_of(warehouse) == [("a", 924)]
    assert names_in(warehouse / "campaigns") == [*(f"a/{name}" for name in LISTS), REGISTER]


@pytest.mark.parametrize("kilobytes_left", [4, 300, 700, 1_000, 1_200])
def test_a_disk_that_gets_full_keeps_the_register_that_is_there(disk: Path, kilobytes_left: int) -> None:
    assert draw(disk, "first").returncode == 0
    used = sum(path.stat().st_blocks for path in (disk / "campaigns").rglob("*")) // 2
    resize(disk, f"{used + kilobytes_left}k")
    done = draw(disk, "second")
    if done.returncode:
        assert_one_sentence(done)
        assert not [name for name in names_in(disk / "campaigns") if "second" in name]
    resize(disk, "30m")
    assert draw(disk, "third").returncode == 0
    expected = ["first", "third"] if done.returncode else ["first", "second", "third"]
    assert [name for name, _ in campaigns_of(disk)] == expected
    assert set(names_in(disk / "campaigns")) == {
        REGISTER,
        *(f"{each}/{name}" for each in expected for name in LISTS),
    }


def test_the_first_campaign_on_a_disk_without_space(disk: Path) -> None:
    resize(disk, "100k")
    assert_one_sentence(draw(disk))
    assert names_in(disk / "campaigns") == []
    resize(disk, "30m")
    assert draw(disk).returncode == 0


def test_an_empty_register_is_made_anew(warehouse: Path) -> None:
    """As a full disk left it once, with the log of another file beside it."""
    folder = warehouse / "campaigns"
    folder.mkdir()
    (folder / REGISTER).touch()
    (folder / f"{REGISTER}.wal").write_bytes(b"a log of what was there before")
    assert draw(warehouse).returncode == 0
    assert campaigns_of(warehouse) == [("a", 924)]


def test_a_register_that_is_none_is_left_as_it_is(warehouse: Path) -> None:
    folder = warehouse / "campaigns"
    folder.mkdir()
    (folder / REGISTER).write_bytes(b"no database" * 1000)
    with (
        pytest.raises(UserError, match=r"cannot be opened .*restore the register from a backup"),
        open_register(warehouse),
    ):
        pass
    assert (folder / REGISTER).read_bytes() == b"no database" * 1000


@pytest.mark.parametrize("place", ["before the commit", "after the commit"])
def test_a_campaign_that_was_killed_is_finished_or_removed_by_the_next(warehouse: Path, place: str) -> None:
    folder = warehouse / "campaigns"
    assert draw(warehouse, "first").returncode == 0
    assert draw(warehouse, "a", place).returncode == -signal.SIGKILL
    assert not (folder / "a").exists() and (folder / ".partial-a" / "targets.csv").exists()
    (folder / f"{REGISTER}.tmp").mkdir()
    (folder / f"{REGISTER}.tmp" / "duckdb_temp_storage-0.tmp").write_text("ids")
    done = draw(warehouse, "second")
    assert done.returncode == 0, done.stderr
    expected = ["first", "second"] if place == "before the commit" else ["a", "first", "second"]
    assert [name for name, _ in campaigns_of(warehouse)] == expected
    assert set(names_in(folder)) == {REGISTER, *(f"{each}/{name}" for each in expected for name in LISTS)}


def measure(warehouse: Path, responded: int, place: str = "") -> int:
    """Measure campaign `first` with one row of outcomes; returns the exit code."""
    outcomes = warehouse.parent / "outcomes.csv"
    outcomes.write_text(f"customer_id,responded\n010001,{responded}\n")
    command = [sys.executable, "-c", MEASURE, str(warehouse), str(outcomes), place]
    return subprocess.run(command, cwd=REPO, timeout=120).returncode


def responded(warehouse: Path) -> tuple[list[int], int]:
    """How many responded, by measurement in the register, and in results.csv."""
    with duckdb.connect(str(warehouse / "campaigns" / REGISTER), read_only=True) as connection:
        of_all = "select treated_responded + held_out_responded from {} where segment_id is null"
        measured = connection.execute(of_all.format("campaign_results") + " order by measured_at").fetchall()
        [(written,)] = connection.execute(
            of_all.format(f"read_csv('{warehouse}/campaigns/first/results.csv')")
        ).fetchall()
    return [count for (count,) in measured], written


@pytest.mark.parametrize("place", ["before the commit", "after the commit"])
def test_results_stand_in_the_register_and_in_the_file_or_in_neither(warehouse: Path, place: str) -> None:
    folder = warehouse / "campaigns"
    assert draw(warehouse, "first").returncode == 0
    assert measure(warehouse, 0) == 0
    assert responded(warehouse) == ([0], 0)
    assert measure(warehouse, 1, place) == -signal.SIGKILL
    assert len(list(folder.glob(".partial-first.*.csv"))) == 1
    # Whatever opens the register next settles it.
    assert draw(warehouse, "second").returncode == 0
    assert responded(warehouse) == (([0], 0) if place == "before the commit" else ([0, 1], 1))
    assert not list(folder.glob(".partial-*"))


def test_two_first_campaigns_at_once_make_one_register(warehouse: Path) -> None:
    """None of them is lost: each is in the register that stays, or was told that it is in use."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", DRAW, str(warehouse), name, ""],
            cwd=REPO,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("a", "b", "c")
    ]
    said = [each.communicate(timeout=120)[1] for each in started]
    done = [name for name, each in zip("abc", started, strict=True) if each.returncode == 0]
    assert done and all("close what uses it" in words for words in said if words), said
    assert [name for name, _ in campaigns_of(warehouse)] == done
