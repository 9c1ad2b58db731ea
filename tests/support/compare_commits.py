"""Shows that a change of the code changes no result: builds with two commits and compares every published table.

python -m tests.support.compare_commits OLD NEW            commits, both built with this environment
python -m tests.support.compare_commits OLD.duckdb NEW.duckdb   published files that are there already

Builds a generated ledger and, where it is there, the real file, each with all of the learning and on one thread, so
that sums of floating-point numbers have one order. Touches a temporary folder only.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

from tests.support.builds import REAL_FILE, REPO

# What differs between any two builds: clocks, and what is made from them.
OF_THE_RUN = {
    "run_id",
    "built_at",
    "trained_at",
    "loaded_at",
    "seconds",
    "duration_seconds",
    "model_id",
    "run_number",
}
WITHOUT_SECONDS = """regexp_replace(details, '"seconds_[a-z_]+": [^,}]+', '', 'g') as details"""
MAKE_LEDGER = """
import sys
from pathlib import Path
from scripts.sample.ledger import write_sample_ledger
write_sample_ledger(Path(sys.argv[1]), customers=2000, seed=3, file_format="csv", months=18)
"""


def compare(old: Path, new: Path) -> list[str]:
    """Say in a line for each table and column how the new published file differs from the old one."""
    lines = []
    with duckdb.connect() as connection:
        for name, path in (("old", old), ("new", new)):
            connection.execute(f"attach '{path}' as {name} (read_only)")
        columns = {name: _columns(connection, name) for name in ("old", "new")}
        for table in sorted(columns["old"] | columns["new"]):
            if table not in columns["new"] or table not in columns["old"]:
                lines.append(f"{table}: only in the {'old' if table in columns['old'] else 'new'} file")
                continue
            before, after = columns["old"][table], columns["new"][table]
            for column in before | after:
                if before.get(column) != after.get(column):
                    lines.append(f"{table}.{column}: was {before.get(column)}, is {after.get(column)}")
            shared = [each for each in before if each in after and each not in OF_THE_RUN]
            names = ", ".join(WITHOUT_SECONDS if each == "details" else f'"{each}"' for each in shared)
            for first, second in (("old", "new"), ("new", "old")):
                count, example = connection.execute(
                    f"with missing as (select {names} from {first}.marts.{table}"
                    f" except all select {names} from {second}.marts.{table})"
                    " select count(*), min(missing::varchar) from missing"
                ).fetchall()[0]
                if count:
                    lines.append(f"{table}: {count} rows only in the {first} file, such as {example[:600]}")
    return lines


def _columns(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    rows = connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() where database_name = ?"
        " and schema_name = 'marts'",
        [name],
    ).fetchall()
    for table, column, kind in rows:
        found.setdefault(table, {})[column] = kind
    return found


def build(checkout: Path, source: Path, warehouse: Path) -> Path:
    """Build with the code of a checkout; return the published file."""
    subprocess.run(
        [sys.executable, "-m", "scripts.build", f"SOURCE={source}", "BOOTSTRAPS=10"],
        cwd=checkout,
        env={**os.environ, "CARD_SEGMENTS_WAREHOUSE": str(warehouse), "CARD_SEGMENTS_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return warehouse / "card_segments.duckdb"


def compare_commits(old: str, new: str) -> list[str]:
    """Build with both commits, and say how what they publish differs."""
    lines = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checkouts = [_checkout(commit, folder / side) for commit, side in ((old, "old"), (new, "new"))]
        try:
            ledger = folder / "ledger"
            subprocess.run([sys.executable, "-c", MAKE_LEDGER, str(ledger)], cwd=checkouts[0], check=True)
            sources = {"generated ledger": ledger, "real file": REAL_FILE}
            for kind, source in sources.items():
                if not source.exists():
                    print(f"{kind}: is not here, so it was not compared")
                    continue
                files = [build(each, source, folder / f"{each.name} {kind}") for each in checkouts]
                lines += [f"{kind}: {line}" for line in compare(*files)]
        finally:
            for each in checkouts:
                subprocess.run(["git", "worktree", "remove", "--force", str(each)], cwd=REPO, check=True)
    return lines


def _checkout(commit: str, folder: Path) -> Path:
    subprocess.run(
        ["git", "worktree", "add", "--quiet", "--detach", str(folder), commit], cwd=REPO, check=True
    )
    return folder


def main() -> int:
    """Compare what the two arguments name; the exit code is 1 where anything differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("old")
    parser.add_argument("new")
    given = parser.parse_args()
    if given.old.endswith(".duckdb"):
        lines = compare(Path(given.old), Path(given.new))
    else:
        lines = compare_commits(given.old, given.new)
    print("\n".join(lines) or "Every published table is equal.")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
