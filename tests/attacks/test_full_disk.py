"""A file system that is full, or read-only: every command says so in a sentence, and nothing is lost."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.builds import QUICK, query, run_command
from tests.support.copied_version import copy_warehouse

SIZE = 60 << 20
COMMANDS = {
    "build": [*QUICK, "K=2"],
    "build with objections": [*QUICK, "K=2", "OBJECTIONS={list}"],
    "report": [],
    "excel": [],
    "campaign": ["NAME=spring", "SEGMENT=1", "CONFIRM=yes"],
    "docs": [],
    "models": [],
    "scoring_sql": [],
    "sql": ["QUERY=select count(*) from customer_segments"],
}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 60 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def warehouse(disk: Path, sample_build: Path) -> Path:
    """A warehouse on it with a version, a work file and what dbt left."""
    folder = disk / "warehouse"
    folder.mkdir()
    copy_warehouse(sample_build, folder)
    for name in ("dbt", "logs"):
        shutil.copytree(
            sample_build.parent / name, folder / name, ignore=shutil.ignore_patterns("compiled", "run")
        )
    shutil.copy(sample_build.parent / "work.duckdb", folder)
    return folder


def run(command: str, warehouse: Path) -> subprocess.CompletedProcess[str]:
    listed = warehouse.parent.parent / "objections.csv"
    if not listed.exists():
        ids = query(
            warehouse / "card_segments.duckdb", "select customer_id from marts.customer_segments order by 1"
        )
        listed.write_text(f"customer_id\n{ids.customer_id[0]}\n")
    arguments = [argument.format(list=listed) for argument in COMMANDS[command]]
    # Where dbt writes as it parses is part of the question.
    return run_command(warehouse, f"scripts.{command.split()[0]}", *arguments, afresh=True)


def content(warehouse: Path) -> dict[str, bytes]:
    """What is published, name by name."""
    names = ("card_segments.duckdb", "card_segments_report.html", "card_segments.xlsx")
    return {name: (warehouse / name).read_bytes() for name in names}


def is_a_sentence_or_success(done: subprocess.CompletedProcess[str]) -> bool:
    lines = done.stderr.splitlines()
    return (done.returncode == 0 and not lines) or (
        done.returncode == 1 and len(lines) == 1 and lines[0].startswith("error: ")
    )


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("free", [0, 150_000])
def test_a_full_disk(warehouse: Path, command: str, free: int) -> None:
    before = content(warehouse)
    filler = warehouse.parent / "filler"
    found = os.statvfs(warehouse)
    with filler.open("wb") as file:
        left = found.f_bavail * found.f_frsize - free
        try:
            while left > 0:
                left -= file.write(b"x" * min(left, 1 << 16))
            file.flush()
        except OSError:
            pass
    done = run(command, warehouse)
    assert is_a_sentence_or_success(done), done.stderr[-3000:]
    assert content(warehouse) == before
    filler.unlink()
    if command == "campaign" or "objections" in command:
        # Nothing half written stands in the way.
        again = done if done.returncode == 0 else run(command, warehouse)
        assert again.returncode == 0, again.stderr
    left_over = [str(path) for path in warehouse.rglob("*") if ".partial" in path.name]
    assert left_over == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_read_only_file_system(warehouse: Path, command: str) -> None:
    before = content(warehouse)
    subprocess.run(["mount", "-o", "remount,ro", str(warehouse.parent)], check=True)
    done = run(command, warehouse)
    assert is_a_sentence_or_success(done), done.stderr[-3000:]
    assert content(warehouse) == before
    if command in ("models", "scoring_sql", "sql"):
        assert done.returncode == 0, done.stderr
