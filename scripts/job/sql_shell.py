"""`make sql`: DuckDB's shell on what is published, read-only.

Ctrl-C is left to the shell, and the file ~/.duckdbrc is not read. Writes nothing.

python -m scripts.sql [QUERY="from segment_profiles"]   a query is answered, and the shell is left
"""

import datetime as dt
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import duckdb

from scripts.base.errors import UserError

PROMPT = "segments> "
# Of the tables, those that the welcome names; `show tables` lists all.
SHOWN_FIRST = ("segment_", "customer_")


def shell_program() -> Path:
    """Return DuckDB's shell, as its package brings it.

    The package's own start, bin/duckdb, is a Python program that Ctrl-C would end in the middle of a query.
    Raises UserError where the package is not there.
    """
    package = find_spec("duckdb_cli")
    program = Path(package.origin).with_name("duckdb") if package and package.origin else None
    if program is None or not os.access(program, os.X_OK):
        raise UserError(
            f"duckdb-cli: DuckDB's shell is not installed in {sys.prefix}; remove .venv and run make sql again,"
            " or install the version that requirements.lock names."
        )
    return program


def shell_command(program: Path, published: Path, query: str, is_read_on: bool) -> list[str]:
    """Arguments that open the shell so that `from segment_profiles` works, or answer one query.

    is_read_on: whether a program or a file takes the answer: it gets CSV, whole, where a person gets a table cut to the
    width of the terminal.
    """
    opening = [str(program), "-no-init", "-readonly", *(["-csv"] if is_read_on else []), "-cmd", "use marts"]
    if query:
        return [*opening, str(published), "-c", query]
    return [*opening, "-cmd", f".prompt '{PROMPT}'", str(published)]


def welcome(published: Path) -> str:
    """Say what is open, some of what is in it, and how to leave."""
    with duckdb.connect(str(published), read_only=True) as connection:
        names = [
            row[0]
            for row in connection.execute(
                "select table_name from duckdb_tables() where schema_name = 'marts' order by table_name"
            ).fetchall()
        ]
    first = [name for start in SHOWN_FIRST for name in names if name.startswith(start)]
    at = dt.datetime.fromtimestamp(published.stat().st_mtime, dt.UTC)
    return (
        f"{published}, published {at:%Y-%m-%d %H:%M} UTC, read-only.\n"
        f"Tables: {', '.join(first)} and {len(names) - len(first)} more (show tables;).\n"
        "A query ends with a semicolon, as in: from segment_profiles;   Leave with .quit or Ctrl-D."
    )
