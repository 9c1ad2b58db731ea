"""Kills whole builds of a small ledger at random moments of their length, and looks at what is published each time.

python -m tests.attacks.kills [N] [SEED]    N kills, 200 where it is left out
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
from pathlib import Path

import duckdb

from tests.support.builds import QUICK, REPO


def start_build(warehouse: Path, ledger: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a build of the ledger with little learning; all that it prints comes by one pipe."""
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.build", *QUICK, "K=3", f"SOURCE={ledger}", *arguments],
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


def attack(folder: Path, kills: int, seed: int) -> list[str]:
    """Kill builds in a folder that is empty; returns a line for each kill. Raises AssertionError where one does harm."""
    from scripts.sample.ledger import write_sample_ledger

    ledger, warehouse = folder / "ledger", folder / "warehouse"
    write_sample_ledger(ledger, customers=300, seed=3, file_format="csv", months=13)
    choose = random.Random(seed)
    started = time.monotonic()
    out, _ = (build := start_build(warehouse, ledger)).communicate(timeout=300)
    assert build.returncode == 0, out
    length = time.monotonic() - started
    last, lines = published_run(warehouse), []
    for number in range(kills):
        # A fifth of them near the end, where publishing is.
        moment = choose.uniform(0.85, 1.05) if number % 5 == 0 else choose.uniform(0, 1)
        build = start_build(warehouse, ledger)
        time.sleep(moment * length)
        build.send_signal(signal.SIGKILL)
        out, _ = build.communicate(timeout=60)
        said = out.splitlines()
        stage = re.sub(r" {2,}.*", "", said[-1].strip()) if said else "nothing"
        run = published_run(warehouse)
        assert run >= last, f"run {run} after run {last}"
        lines.append(
            f"{moment:.2f} of a build, after {stage!r}: run {run}, {'new' if run > last else 'as before'}"
        )
        last = run
    out, _ = (build := start_build(warehouse, ledger)).communicate(timeout=300)
    assert build.returncode == 0, out
    assert published_run(warehouse) > last
    left = [
        str(path) for path in warehouse.rglob("*") if re.search(r"\.partial|\.wal|\.tmp|broken", path.name)
    ]
    assert left == [], left
    return lines


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as made:
        for line in attack(Path(made), *(given + [200, 1][len(given) :])):
            print(line)
