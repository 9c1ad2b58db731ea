"""The build lock: one build at a time, the second says who holds it, and a dead holder holds nothing."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.base.errors import UserError
from scripts.base.lock import build_lock
from tests.support.builds import REPO, run_build
from tests.support.lock_holder import HOLDER


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock, with a child of its own; it lets go at a line or its end."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        cwd=REPO,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        process.kill()


def childs_pid(holder: subprocess.Popen[str]) -> int:
    """Wait until the lock is held; return the pid of the holder's child."""
    assert holder.stdout is not None
    return int(holder.stdout.readline())


def test_the_second_is_told_who_and_since_when(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    childs_pid(holder)
    with pytest.raises(UserError) as caught, build_lock(tmp_path):
        pass
    since = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00"
    assert re.search(rf"another build is running \(pid {holder.pid} since {since}\)", str(caught.value))
    assert "\n" not in str(caught.value)


def test_a_build_leaves_with_one_sentence_while_another_runs(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    childs_pid(holder)
    done = run_build(tmp_path)
    assert done.returncode == 3
    assert not (tmp_path / "logs" / "run.json").exists(), "it is of the other build"
    assert f"pid {holder.pid} since" in done.stderr and len(done.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["build.lock"], "and touches nothing"


def test_a_holder_that_ends_lets_go(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    childs_pid(holder)
    holder.communicate("\n", timeout=60)
    assert (tmp_path / "build.lock").read_text() == "", "nobody's pid stays behind"
    with build_lock(tmp_path):
        pass


def test_a_killed_holder_holds_nothing_even_if_its_child_lives(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    """The kernel frees the lock; the dead one's pid stays in the file until the next holder's replaces it."""
    child = childs_pid(holder)
    holder.send_signal(signal.SIGKILL)
    holder.wait(timeout=60)
    os.kill(child, 0)  # which fails unless it is alive
    assert f"pid {holder.pid} " in (tmp_path / "build.lock").read_text()
    with build_lock(tmp_path):
        assert (tmp_path / "build.lock").read_text().startswith(f"pid {os.getpid()} since ")
        with pytest.raises(UserError, match=f"pid {os.getpid()} since"), build_lock(tmp_path):
            pass
    os.kill(child, signal.SIGKILL)


def test_a_pid_that_is_just_being_written_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between lock and pid the file may still name a build that was killed: that one is not reported."""
    lock = tmp_path / "build.lock"

    def sleep(seconds: float) -> None:
        lock.write_text(right)

    with build_lock(tmp_path):
        right = lock.read_text()
        lock.write_text("pid 1 since 1970-01-01T00:00:00+00:00\n")
        monkeypatch.setattr(time, "sleep", sleep)
        with pytest.raises(UserError, match=f"pid {os.getpid()} since"), build_lock(tmp_path):
            pass


def test_an_error_within_lets_go(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), build_lock(tmp_path):
        raise ZeroDivisionError
    with build_lock(tmp_path):
        pass


def test_a_lock_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "build.lock").mkdir()
    with pytest.raises(UserError, match=r"build\.lock: cannot be written \(Is a directory\)"):
        build_lock(tmp_path).__enter__()


def test_a_file_system_without_locks_is_not_mistaken_for_another_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(UserError, match=r"build\.lock: cannot be locked \(Operation not supported\)"):
        build_lock(tmp_path).__enter__()
