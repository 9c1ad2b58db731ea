"""Builds of the whole job as a user starts it, and how tests read what they publish."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd

REPO = Path(__file__).resolve().parents[2]
REAL_FILE = REPO.parent / "shared" / "data" / "cc_general.csv"

# The learning at its smallest, for tests that ask about something else.
QUICK = (
    "SCALING=log_standard",
    "REPRESENTATION=scaled",
    "AUTOENCODERS=",
    "BOOTSTRAPS=5",
    "CANDIDATES_K_MAX=7",
)


def run_build(warehouse: Path, *arguments: str, whole: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the job as a user does, in its own warehouse; with all of the learning where it is to be `whole`."""
    return subprocess.run(
        # What is given last counts.
        [sys.executable, "-m", "scripts.build", *(() if whole else QUICK), *arguments],
        cwd=REPO,
        env={**os.environ, "CARD_SEGMENTS_WAREHOUSE": str(warehouse)},
        capture_output=True,
        text=True,
        timeout=600,
    )


def query(published: Path, sql: str) -> pd.DataFrame:
    """Read from a published file as a BI tool does."""
    with duckdb.connect(str(published), read_only=True) as connection:
        return connection.sql(sql).df()
