"""Builds of the whole job as a user starts it, and how tests read what they publish."""

import os
import subprocess
from pathlib import Path

import duckdb
import pandas as pd

from tests.support.warm import REPO, run_afresh, run_module

REAL_FILE = REPO.parent / "shared" / "data" / "cc_general.csv"

# The learning at its smallest, for tests that ask about something else.
QUICK = (
    "SCALING=log_standard",
    "REPRESENTATION=scaled",
    "AUTOENCODERS=",
    "BOOTSTRAPS=5",
    "CANDIDATES_K_MAX=7",
)


def run_command(
    warehouse: Path, module: str, *arguments: str, cwd: Path = REPO, afresh: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run one of the job's commands as a user does; `afresh` in a Python that has imported nothing, as a user's has."""
    run = run_afresh if afresh else run_module
    return run(module, *arguments, cwd=cwd, env={**os.environ, "CARD_SEGMENTS_WAREHOUSE": str(warehouse)})


def run_build(
    warehouse: Path, *arguments: str, whole: bool = False, afresh: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run the job in its own warehouse, whether or not that is published; with all of the learning where it is to be `whole`."""
    # What is given last counts.
    given = [*(() if whole else QUICK), "REBUILD=yes", *arguments]
    return run_command(warehouse, "scripts.build", *given, afresh=afresh)


def query(published: Path, sql: str) -> pd.DataFrame:
    """Read from a published file as a BI tool does."""
    with duckdb.connect(str(published), read_only=True) as connection:
        return connection.sql(sql).df()
