"""Commands that are stopped, or whose output nobody takes: exit codes, words that are true, nothing that hangs."""

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from scripts.base.errors import UserError
from scripts.base.lock import build_lock
from tests.support.builds import QUICK, REPO
from tests.support.lock_holder import HOLDER

COMMAND = """
import os, signal, sys, time
from scripts.base.console import run_command
from scripts.base.interrupts import uninterrupted
def work(console):
{body}
sys.exit(run_command(work))
"""


def command(body: str) -> subprocess.Popen[str]:
    """A command of which this is the work."""
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND.format(body=textwrap.indent(textwrap.dedent(body), "    "))],
        cwd=REPO,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs tests in the background has it ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("published", [False, True])
def test_being_stopped_has_its_exit_code_and_true_words(
    number: signal.Signals, code: int, published: bool
) -> None:
    standing = "console.standing = 'version 7 is published.'" if published else "pass"
    running = command(f"{standing}\nprint('there', flush=True)\ntime.sleep(60)")
    assert running.stdout is not None and running.stdout.readline() == "there\n"
    running.send_signal(number)
    _, errors = running.communicate(timeout=60)
    words = "version 7 is published." if published else "what was published before stays as it was."
    assert (running.returncode, errors) == (code, f"error: Stopped; {words}\n")


def test_a_step_that_must_not_be_cut_in_two_ends_first() -> None:
    running = command(
        """
        with uninterrupted():
            print("there", flush=True)
            time.sleep(1)
            print("whole", flush=True)
            console.standing = "version 7 is published."
        time.sleep(60)
        """
    )
    assert running.stdout is not None and running.stdout.readline() == "there\n"
    running.send_signal(signal.SIGTERM)
    out, errors = running.communicate(timeout=60)
    assert (running.returncode, out, errors) == (143, "whole\n", "error: Stopped; version 7 is published.\n")


def test_a_library_that_keeps_the_stop_to_itself_does_not_hide_it() -> None:
    """As dbt does: what it then says is another error."""
    running = command(
        """
        from scripts.base.interrupts import raise_if_stopped
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)
        except KeyboardInterrupt:
            pass
        raise_if_stopped()
        """
    )
    _, errors = running.communicate(timeout=60)
    assert (running.returncode, errors) == (
        130,
        "error: Stopped; what was published before stays as it was.\n",
    )


def test_a_reader_who_leaves_hangs_nothing() -> None:
    """As `head -1` does: the command goes on to its end, in silence."""
    running = command(
        """
        for i in range(20_000):
            console.print(f"line {i}")
        print("to the end", file=sys.stderr)
        """
    )
    assert running.stdout is not None and running.stdout.readline() == "line 0\n"
    running.stdout.close()
    assert running.stderr is not None and running.stderr.read() == "to the end\n"
    assert running.wait(timeout=60) == 0


def test_output_that_cannot_be_written_is_one_sentence() -> None:
    body = COMMAND.format(body="    console.print('x' * 100)")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", body], cwd=REPO, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert done.returncode == 1
    assert done.stderr == (
        "error: standard output: cannot be written (No space left on device); what was published before stays as it"
        " was.\n"
    )


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (
            "raise OSError(28, 'No space left on device', '/bank/file')",
            "/bank/file: cannot be read or written (No space",
        ),
        (
            "raise PermissionError(13, 'Permission denied', '/bank/file')",
            "/bank/file: cannot be read or written (Perm",
        ),
        (
            "import duckdb; raise duckdb.IOException('IO Error: Corrupt block\\nmore')",
            "IO Error: Corrupt block;",
        ),
        ("raise MemoryError", "This process was refused more memory"),
    ],
)
def test_surroundings_that_refuse_are_one_sentence(fault: str, words: str) -> None:
    _, errors = (running := command(fault)).communicate(timeout=60)
    assert running.returncode == 1
    assert errors.startswith(f"error: {words}") and len(errors.splitlines()) == 1


def test_a_mistake_of_ours_says_where_its_traceback_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARD_SEGMENTS_WAREHOUSE", str(tmp_path / "warehouse"))
    _, errors = (running := command("{}['nothing']")).communicate(timeout=60)
    assert running.returncode == 70
    found = re.fullmatch(
        r"error: a fault of this program, not of yours \(KeyError: 'nothing'\); where it happened stands in (.+): please"
        r" report it\. .+\n",
        errors,
    )
    assert found and "Traceback" in Path(found[1]).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from scripts.sample.ledger import write_sample_ledger

    folder = tmp_path_factory.mktemp("stops") / "ledger"
    write_sample_ledger(folder, customers=200, seed=4, file_format="csv", months=12)
    return folder


def test_a_build_whose_output_nobody_reads_publishes(ledger: Path) -> None:
    warehouse = ledger.parent / "unread"
    arguments = " ".join([*QUICK, "K=2", f"SOURCE={ledger}"])
    done = subprocess.run(
        ["sh", "-c", f"'{sys.executable}' -m scripts.build {arguments} | head -1"],
        cwd=REPO,
        env={**os.environ, "CARD_SEGMENTS_WAREHOUSE": str(warehouse)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""
    assert (warehouse / "card_segments.duckdb").exists()
    with build_lock(warehouse):
        pass


@pytest.mark.parametrize("moment", ["Start dbt", "Check every row"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_build_that_is_stopped_in_dbt(ledger: Path, number: signal.Signals, code: int, moment: str) -> None:
    """While dbt reads the project, and while it runs a model."""
    warehouse = ledger.parent / f"{moment[:5]}_{number}"
    build = subprocess.Popen(
        [sys.executable, "-m", "scripts.build", *QUICK, "K=2", f"SOURCE={ledger}"],
        cwd=REPO,
        env={**os.environ, "CARD_SEGMENTS_WAREHOUSE": str(warehouse)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )
    log = warehouse / "logs" / "dbt.log"
    words = "Running with dbt" if moment == "Start dbt" else "START sql table model"
    deadline = time.monotonic() + 120
    while not (log.exists() and words in log.read_text(errors="replace")) and time.monotonic() < deadline:
        time.sleep(0.01)
    build.send_signal(number)
    _, errors = build.communicate(timeout=120)
    assert (build.returncode, errors) == (
        code,
        "error: Stopped; what was published before stays as it was.\n",
    )
    assert not (warehouse / "card_segments.duckdb").exists()


def test_a_holder_of_the_lock_that_is_halted_is_told_apart(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        cwd=REPO,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        child = int(holder.stdout.readline())
        holder.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        with (
            pytest.raises(UserError, match=f"which is halted: kill -CONT {holder.pid} lets it go on"),
            build_lock(tmp_path),
        ):
            pass
        (tmp_path / "build.lock").write_text("pid 4194304 since 2026-11-28T08:00:00+00:00\n")
        with pytest.raises(UserError, match="which is gone or runs on another machine"), build_lock(tmp_path):
            pass
        holder.kill()
    os.kill(child, signal.SIGKILL)
