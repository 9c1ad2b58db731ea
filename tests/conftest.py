"""Shared fixtures: the real file where it is there, and builds of the whole job in folders of their own."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from tests.support.builds import QUICK, REAL_FILE, run_build, run_command

# Fixtures of servers and programs, for every test that asks for one.
pytest_plugins = [
    "tests.support.browser",
    "tests.support.libreoffice",
    "tests.support.postgres_server",
    "tests.support.superset_server",
]

# Files that take longest, to be started first: else one core ends the run alone.
SLOWEST = ("test_evidence", "test_scoring", "test_end_to_end", "test_meaning")

Build = Callable[..., subprocess.CompletedProcess[str]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the slowest files first; within a file the order stays."""
    place = {name: number for number, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(SLOWEST)))


@pytest.fixture(scope="session")
def real_file() -> Path:
    """Kaggle's CC GENERAL.csv."""
    if not REAL_FILE.exists():
        pytest.skip("the real file, ../shared/data/cc_general.csv, is not here")
    return REAL_FILE


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder that `make` fills once in a test run, whichever of the run's processes comes first."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder = base / name
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            (folder / "made").touch()
    return folder


@pytest.fixture(scope="session")
def real_build(real_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published file of a build on the real file, with nothing but defaults."""

    def make(folder: Path) -> None:
        done = run_build(folder / "warehouse", f"SOURCE={real_file}", whole=True, afresh=True)
        assert done.returncode == 0, done.stdout + done.stderr

    return made_once(tmp_path_factory, "real", make) / "warehouse" / "card_segments.duckdb"


@pytest.fixture(scope="session")
def sample_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published file of a build on a generated ledger of 600 customers."""
    from scripts.sample.ledger import write_sample_ledger

    def make(folder: Path) -> None:
        write_sample_ledger(folder / "ledger", customers=600, seed=3, file_format="csv", months=18)
        full = folder / "full" / "work.duckdb"
        full.parent.mkdir()
        done = run_command(
            folder / "warehouse",
            "tests.support.kept_work",
            str(full),
            *QUICK,
            f"SOURCE={folder / 'ledger'}",
            afresh=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return made_once(tmp_path_factory, "sample", make) / "warehouse" / "card_segments.duckdb"


@pytest.fixture(scope="session")
def sample_work(sample_build: Path) -> Path:
    """The work file of that build, with the rows that go once it is published."""
    return sample_build.parents[1] / "full" / "work.duckdb"


@pytest.fixture(scope="session")
def features_of_ledger(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], pd.DataFrame]:
    """Features that the job computes from a ledger's folder."""

    def features(folder: Path) -> pd.DataFrame:
        warehouse = tmp_path_factory.mktemp("features") / "warehouse"
        done = run_build(warehouse, f"SOURCE={folder}", "K=2")
        assert done.returncode == 0, done.stdout + done.stderr
        with duckdb.connect(str(warehouse / "card_segments.duckdb"), read_only=True) as connection:
            return connection.sql("select * from marts.customer_features order by customer_id").df()

    return features
