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


# Builds, and keeps the work file as it is before a build that published takes the rows from it.
KEEPS_WORK = """
import shutil, sys
from scripts import build
from scripts.job import build as job
place, empty = sys.argv[1], job.empty_work
job.empty_work = lambda work: (shutil.copy(work, place), empty(work))[1]
sys.exit(build.main(sys.argv[2:]))
"""


def run_build(
    warehouse: Path, *arguments: str, whole: bool = False, full_work: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the job as a user does, in its own warehouse; with all of the learning where it is to be `whole`.

    full_work: gets the work file with its rows.
    """
    job = ["-c", KEEPS_WORK, str(full_work)] if full_work else ["-m", "scripts.build"]
    return subprocess.run(
        # What is given last counts.
        [sys.executable, *job, *(() if whole else QUICK), *arguments],
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
