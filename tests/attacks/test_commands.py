"""Every command where a service or an old terminal starts it: without HOME, in ASCII, with little memory."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from scripts.base.paths import WAREHOUSE
from tests.support.builds import QUICK, REPO

# A letter and a sign that ASCII has not.
NAME = "M\u00fcnzen \u20ac"
POOR = {
    "LANG": "C",
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "TERM": "dumb",
    "COLUMNS": "20",
    "CARD_SEGMENTS_MEMORY": "200MB",
}
COMMANDS = {
    "build": ["scripts.build", *QUICK, "CANDIDATES_K_MAX=4", "BOOTSTRAPS=2"],
    "mapping": ["scripts.mapping", "SOURCE={ledger}", "MAPPING={warehouse}/mapping.yml"],
    "report": ["scripts.report"],
    "excel": ["scripts.excel"],
    "sql": ["scripts.sql", "QUERY=from segment_profiles"],
    "docs": ["scripts.docs"],
    "campaign": ["scripts.campaign", "NAME=a", "SEGMENT=all", "CONFIRM=yes"],
    "results": ["scripts.campaign_results", "NAME=a", "OUTCOMES={warehouse}/outcomes.csv"],
    "models": ["scripts.models"],
    "scoring": ["scripts.scoring_sql"],
    "forget": ["scripts.forget", "CUSTOMER=C00000012"],
}


@pytest.fixture
def warehouse(sample_build: Path, tmp_path: Path) -> Path:
    """A copy of a warehouse, in which a segment's name is not ASCII and a campaign was drawn."""
    copy = tmp_path / "warehouse"
    shutil.copytree(sample_build.parent, copy, symlinks=True)
    published = copy / "card_segments.duckdb"
    version = published.resolve()
    version.chmod(0o644)
    with duckdb.connect(str(version)) as connection:
        connection.execute(f"update marts.segment_profiles set segment_name = '{NAME}' where segment_id = 1")
        connection.execute(f"update marts.customer_segments set segment_name = '{NAME}' where segment_id = 1")
        first = connection.execute("select min(customer_id) from marts.customer_segments").fetchall()[0][0]
    (copy / "outcomes.csv").write_text(f"customer_id,responded\n{first},1\n")
    return copy


def run(
    warehouse: Path, command: str, before: Callable[[], None] | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a command without a terminal."""
    places = {"warehouse": str(warehouse), "ledger": str(warehouse.parent / "ledger")}
    environment = {**os.environ, WAREHOUSE: str(warehouse), **more}
    del environment["HOME"]
    return subprocess.run(
        [sys.executable, "-m", *(each.format(**places) for each in COMMANDS[command])],
        cwd=REPO, env=environment, preexec_fn=before, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=200,
    )  # fmt: skip


def test_every_command_in_poor_surroundings(warehouse: Path, sample_build: Path) -> None:
    shutil.copytree(sample_build.parents[1] / "ledger", warehouse.parent / "ledger")
    for command in ("models", "mapping", "report", "excel", "sql", "docs", "campaign", "scoring", "forget"):
        done = run(warehouse, command, **POOR)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr, command
        if command == "campaign":
            assert "\\xfc" in done.stdout and "\\u20ac" in done.stdout
    # A customer who was not drawn, or who was: either is a sentence or a result.
    done = run(warehouse, "results", **POOR)
    assert done.returncode == 0 or (done.stderr.startswith("error: ") and done.stderr.count("\n") == 1)


def test_a_build_in_poor_surroundings(warehouse: Path) -> None:
    done = run(warehouse, "build", **POOR)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_command_with_few_addresses(warehouse: Path) -> None:
    """`ulimit -v`, as a scheduler sets it: no command reserves more addresses than it uses."""
    few = 4_000_000_000

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (few, few))

    for command in ("build", "report", "excel", "sql", "campaign", "models", "scoring", "forget"):
        done = run(warehouse, command, limit, OPENBLAS_NUM_THREADS="2")
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
