"""`make sql`: DuckDB's own shell on the published file: reads, cannot write, disturbs no build."""

import datetime as dt
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.job import sql_shell as sql
from scripts.published.version import prepare, publish
from scripts.sql import main
from tests.support.builds import REPO

COMMAND = [sys.executable, "-m", "scripts.sql"]
# What the shell asks a terminal (its colour, its kind), and the answer of a plain one.
QUESTION, ANSWER = b"\x1b[c", b"\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?1;2c"


@pytest.fixture
def warehouse(sample_build: Path, tmp_path: Path) -> Path:
    """A warehouse of its own with what was published last."""
    return shutil.copytree(sample_build.parent, tmp_path / "warehouse", symlinks=True)


def ask(warehouse: Path, *arguments: str, typed: str = "", home: Path | None = None) -> tuple[int, str, str]:
    """Run the command without a terminal; return its exit code, what it printed and its errors."""
    environment = {**os.environ, "CARD_SEGMENTS_WAREHOUSE": str(warehouse)}
    if home:
        environment["HOME"] = str(home)
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=REPO,
        env=environment,
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


class Terminal:
    """A person at a plain terminal."""

    def __init__(self, warehouse: Path) -> None:
        self.process, self.keys = pty.fork()
        if self.process == 0:
            os.chdir(REPO)
            environment = {**os.environ, "CARD_SEGMENTS_WAREHOUSE": str(warehouse), "TERM": "dumb"}
            os.execve(COMMAND[0], COMMAND, environment)

    def read_until(self, words: str) -> str:
        """Return what appears, without its colours, up to the words; fail where they do not come."""
        end = time.monotonic() + 20
        found = b""
        while words not in (text := re.sub(r"\x1b\[[0-9;]*m", "", found.decode(errors="ignore"))):
            ready, _, _ = select.select([self.keys], [], [], max(0, end - time.monotonic()))
            assert ready, f"{words!r} did not come: {text!r}"
            got = os.read(self.keys, 65536)
            if QUESTION in got:
                os.write(self.keys, ANSWER)
            found += got
        return text

    def type(self, line: str) -> None:
        os.write(self.keys, f"{line}\r".encode())

    def exit_code(self) -> int:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            process, status = os.waitpid(self.process, os.WNOHANG)
            if process:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.05)
        raise AssertionError("it did not end")


@pytest.fixture
def terminal(warehouse: Path) -> Iterator[Terminal]:
    opened = Terminal(warehouse)
    yield opened
    os.close(opened.keys)


def test_a_query_is_answered_and_the_schema_need_not_be_named(warehouse: Path) -> None:
    code, out, errors = ask(warehouse, "QUERY=select count(*) as n from segment_profiles; select 41 + 1")
    assert (code, errors) == (0, "")
    assert "42" in out and "published" not in out, "the answer and no welcome"


def test_queries_are_read_from_a_pipe(warehouse: Path) -> None:
    code, out, errors = ask(warehouse, typed="select 41 + 1;\n")
    assert (code, errors) == (0, "")
    assert "42" in out and "Tables:" not in out


@pytest.mark.parametrize(
    "statement",
    [
        "insert into segment_profiles (segment_id) values (99)",
        "create table mine as select 1",
        "create schema mine",
        "drop table segment_profiles",
        "update customer_segments set segment_id = 1",
    ],
)
def test_nothing_can_be_written(warehouse: Path, statement: str) -> None:
    before = (warehouse / "card_segments.duckdb").read_bytes()
    code, _, errors = ask(warehouse, f"QUERY={statement}")
    assert code != 0 and "read-only" in errors
    assert (warehouse / "card_segments.duckdb").read_bytes() == before


def test_an_answer_may_be_read_in_part(warehouse: Path) -> None:
    """As by head, which closes the pipe: no failure."""
    process = subprocess.Popen(
        [*COMMAND, "QUERY=" + 5000 * "select 1;"],
        cwd=REPO,
        env={**os.environ, "CARD_SEGMENTS_WAREHOUSE": str(warehouse)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert (process.wait(timeout=60), process.stderr.read()) == (0, b"")
    process.stderr.close()


def test_a_misspelt_table_fails(warehouse: Path) -> None:
    code, _, errors = ask(warehouse, "QUERY=from segment_profile")
    assert code == 1 and "segment_profiles" in errors


def test_a_users_duckdbrc_changes_nothing(warehouse: Path, tmp_path: Path) -> None:
    (tmp_path / ".duckdbrc").write_text("select 'from the file of the user';\n.mode line\n")
    code, out, _ = ask(warehouse, "QUERY=select 1 as n", home=tmp_path)
    assert code == 0 and "from the file" not in out and out == "n\n1\n"


def test_a_person_is_welcomed_asks_is_refused_writing_and_leaves(terminal: Terminal) -> None:
    opening = terminal.read_until(sql.PROMPT)
    for words in ("read-only", "segment_profiles", "customer_segments", ".quit"):
        assert words in opening
    terminal.type("select 41 + 1 as n from segment_profiles limit 1;")
    assert "42" in terminal.read_until(sql.PROMPT)
    terminal.type("create table mine as select 1;")
    assert "read-only" in terminal.read_until(sql.PROMPT)
    # Ctrl-C drops the line and not the shell.
    os.write(terminal.keys, b"select\x03")
    terminal.read_until("^C")
    terminal.type("select 40 + 3;")
    assert "43" in terminal.read_until(sql.PROMPT)
    terminal.type(".quit")
    assert terminal.exit_code() == 0


def test_an_open_shell_goes_on_while_another_version_is_published(
    terminal: Terminal, warehouse: Path, sample_work: Path
) -> None:
    terminal.read_until(sql.PROMPT)
    terminal.type("select count(*) from segment_profiles;")
    terminal.read_until(sql.PROMPT)
    old = (warehouse / "card_segments.duckdb").resolve()
    version = prepare(
        work=sample_work,
        warehouse=warehouse,
        manifest=warehouse / "dbt" / "manifest.json",
        at=dt.datetime(2026, 7, 1, tzinfo=dt.UTC),
        memory_limit="1GB",
        threads=1,
    )
    published = publish(version, keep=1)
    assert published.link.resolve() != old and not old.exists()
    # A table that was not looked at before.
    terminal.type("select 'there are ' || count(*) || ' of them' from customer_features;")
    assert "there are 6" in terminal.read_until(sql.PROMPT)
    terminal.type(".quit")
    assert terminal.exit_code() == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "nothing is published yet; run make build first"),
        (("SQL=from words",), "SQL=from words: expected one of QUERY="),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    code, out, errors = ask(tmp_path, *arguments)
    assert (code, out) == (1, "")
    assert errors.startswith("error: ") and words in errors and len(errors.splitlines()) == 1


def test_without_the_shells_package_it_says_so(
    sample_build: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CARD_SEGMENTS_WAREHOUSE", str(sample_build.parent))
    monkeypatch.setattr(sql, "find_spec", lambda _: None)
    assert main([]) == 1
    assert "duckdb-cli: DuckDB's shell is not installed" in capsys.readouterr().err


def test_a_program_that_takes_the_answer_gets_csv(warehouse: Path) -> None:
    """All columns, however many: a table would be cut to the width of a terminal that is not there."""
    import csv
    import io

    code, out, errors = ask(warehouse, "QUERY=from segment_playbook order by segment_id")
    assert (code, errors) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["segment_id"] for row in rows] == [str(number + 1) for number in range(len(rows))]
    assert rows[0]["verdict_words"] and "│" not in out
