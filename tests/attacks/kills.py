"""Kills whole builds of a small ledger at random moments of their length, and looks at what is published each time.

python -m tests.attacks.kills [N] [SEED]    N kills of running builds, 200 where it is left out
"""

import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import duckdb

from tests.support.builds import QUICK, REPO


def start_build(warehouse: Path, ledger: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a build of the ledger with little learning; all that it prints comes by one pipe."""
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.build", *QUICK, "K=3", "RETRAIN=yes", f"SOURCE={ledger}", *arguments],
        cwd=REPO,
        env={**os.environ, "CARD_SEGMENTS_WAREHOUSE": str(warehouse)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def published_run(warehouse: Path) -> int:
    """The run that DuckDB file, Parquet files, report and workbook all are of; 0 where nothing is published.

    Raises AssertionError where they are not of one run, or one of them is not whole.
    """
    link = warehouse / "card_segments.duckdb"
    if not link.exists():
        assert not any(os.path.lexists(warehouse / name) for name in ("current", "parquet")), (
            "half of a version"
        )
        return 0
    with duckdb.connect(str(link), read_only=True) as connection:
        run, model, at = connection.execute(
            "select run_number, model_id, strftime(trained_at, '%Y-%m-%d %H:%M') from marts.model_runs"
            " order by run_number desc limit 1"
        ).fetchall()[0]
        tables = [
            name
            for (name,) in connection.execute(
                "select table_name from duckdb_tables() where schema_name = 'marts'"
            ).fetchall()
        ]
        for table in tables:
            file = warehouse / "parquet" / f"{table}.parquet"
            theirs = f"select count(*), bit_xor(hash(t)) from read_parquet('{file}') as t"
            ours = f"select count(*), bit_xor(hash(t)) from marts.{table} as t"
            assert connection.execute(theirs).fetchall() == connection.execute(ours).fetchall(), (
                f"{table} is mixed"
            )
    page = (warehouse / "card_segments_report.html").read_text(encoding="utf-8")
    assert model in page and at in page and page.rstrip().endswith("</html>"), "the report is of another run"
    with zipfile.ZipFile(warehouse / "card_segments.xlsx") as book:
        assert book.testzip() is None
        assert model in book.read("docProps/core.xml").decode(), "the workbook is of another run"
    return int(run)


def wait_for(moment: float, build: subprocess.Popen[str], publishing: Path | None) -> str:
    """Wait for so many seconds from now, or from when a version begins to be written; returns where that is, in words.

    Ends earlier where the build does.
    """
    while publishing and build.poll() is None and not list(publishing.glob(".partial-*")):
        time.sleep(0.002)
    with suppress(subprocess.TimeoutExpired):
        build.wait(moment)
    return f"{moment:.2f} s into {'publishing' if publishing else 'a build'}"


def attack(folder: Path, kills: int, seed: int) -> Iterator[str]:
    """Kill builds in a folder that is empty; gives a line after each kill that hit a running one, or came too late.

    Raises AssertionError where one does harm.
    """
    from scripts.sample.ledger import write_sample_ledger

    ledger, warehouse = folder / "ledger", folder / "warehouse"
    write_sample_ledger(ledger, customers=300, seed=3, file_format="csv", months=13)
    choose = random.Random(seed)
    started = time.monotonic()
    out, _ = (build := start_build(warehouse, ledger)).communicate(timeout=300)
    assert build.returncode == 0, out
    length = time.monotonic() - started
    last, hits = published_run(warehouse), 0
    while hits < kills:
        build = start_build(warehouse, ledger)
        # A fifth of them while the version, its report and its workbook are written and published.
        if hits % 5 == 0:
            where = wait_for(choose.uniform(0, 0.15 * length), build, warehouse / "versions")
        else:
            where = wait_for(choose.uniform(0, 0.9 * length), build, None)
        build.send_signal(signal.SIGKILL)
        out, _ = build.communicate(timeout=60)
        hits += build.returncode == -signal.SIGKILL
        said = out.splitlines()
        stage = re.sub(r" {2,}.*", "", said[-1].strip()) if said else "nothing"
        run = published_run(warehouse)
        assert run >= last, f"run {run} after run {last}"
        came = f"kill {hits}" if build.returncode == -signal.SIGKILL else "too late"
        yield f"{came}: {where}, after {stage!r}: run {run}, {'new' if run > last else 'as before'}"
        last = run
    out, _ = (build := start_build(warehouse, ledger)).communicate(timeout=300)
    assert build.returncode == 0, out
    assert published_run(warehouse) > last
    left = [
        str(path) for path in warehouse.rglob("*") if re.search(r"\.partial|\.wal|\.tmp|broken", path.name)
    ]
    assert left == [], left


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as made:
        for line in attack(Path(made), *(given + [200, 1][len(given) :])):
            print(line, flush=True)
