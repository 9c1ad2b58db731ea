"""What a command imports: one that reads a table waits for none of what builds it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.builds import REPO

# Each takes from a quarter of a second to many seconds to import.
HEAVY = {
    "altair", "dbt.cli", "keras", "numpy", "pandas", "scipy", "sklearn", "statsmodels", "tensorflow", "xlsxwriter",
}  # fmt: skip


def imported(warehouse: Path, command: str, *arguments: str) -> set[str]:
    """The heavy modules that a command, which has to end well, imported."""
    code = (
        f"import sys; from scripts.{command} import main; code = main(sys.argv[1:]);"
        " sys.stderr.write(' '.join(sys.modules)); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=REPO, capture_output=True, text=True, timeout=120,
        env={**os.environ, "CARD_SEGMENTS_WAREHOUSE": str(warehouse)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout
    return HEAVY & set(done.stderr.split())


@pytest.mark.parametrize(
    ("command", "arguments"),
    [("models", []), ("sql", ["QUERY=from segment_profiles"]), ("scoring_sql", []), ("docs", [])],
)
def test_a_command_that_reads_a_table_imports_little(
    sample_build: Path, command: str, arguments: list[str]
) -> None:
    assert imported(sample_build.parent, command, *arguments) == set()


def test_what_is_heavy_is_seen(sample_build: Path) -> None:
    assert "pandas" in imported(sample_build.parent, "report")
