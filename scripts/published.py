"""What is published now, for the commands that read it. Opens the published file read-only."""

from pathlib import Path

import duckdb

from scripts.errors import UserError
from scripts.publish import LINK

# Of the tables that the report and campaigns read, the ones that came last.
NEEDED = ("words", "segment_rules", "customer_values")


def published_file(warehouse: Path) -> Path:
    """Return the published file's link.

    Raises UserError where nothing is published, or an earlier version of the job published it.
    """
    published = warehouse / LINK
    if not published.exists():
        raise UserError(f"{published}: nothing is published yet; run make build first.")
    with duckdb.connect(str(published), read_only=True) as connection:
        found = {
            row[0]
            for row in connection.execute(
                "select table_name from duckdb_tables() where schema_name = 'marts'"
            ).fetchall()
        }
    missing = [name for name in NEEDED if name not in found]
    if missing:
        raise UserError(
            f"{published}: has no table {missing[0]}, so an earlier version of the job built it; run make build again."
        )
    return published
