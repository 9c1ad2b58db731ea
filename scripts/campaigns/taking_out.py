"""Takes customers out of the campaigns: out of the register, and out of the lists of every campaign. Counts and results stay.

Writes warehouse/campaigns/campaigns.duckdb and the lists beside it anew, each whole or not at all.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import duckdb

from scripts.base.errors import UserError
from scripts.base.files import partial_of, sync, whole_file
from scripts.base.quoting import sql_name, sql_text
from scripts.campaigns.layout import channels_of, layout_of, view_lists
from scripts.campaigns.register import (
    TABLES,
    opened,
    register_of,
    settle_files,
)
from scripts.outputs.workbook.rows import fill_sheet

# The sheet of targets, which is the second of the two, in the package of a campaign's workbook.
SHEET = "xl/worksheets/sheet2.xml"


def customers_in_campaigns(warehouse: Path) -> list[str]:
    """Everybody who stands in a campaign's targets; raises UserError where the register cannot be opened."""
    path = register_of(warehouse)
    if not path.exists():
        return []
    with opened(path) as connection:
        connection.execute(TABLES)
        return [
            row[0]
            for row in connection.execute("select distinct customer_id from campaign_targets").fetchall()
        ]


def take_out_of_campaigns(warehouse: Path, customers: Sequence[str]) -> int:
    """Take customers out of every campaign; returns of how many campaigns they were targets.

    Lists first, the register last: where that is cut short, who runs it again finds them in the register still. Raises
    UserError where another process has the register open, or a file cannot be written.
    """
    path = register_of(warehouse)
    folder = path.parent
    if not path.exists():
        return 0
    with opened(path) as connection:
        connection.execute(TABLES)
        settle_files(connection, folder)
        connection.execute(
            "create temp table taken as select unnest(?::varchar[]) as customer_id", [list(customers)]
        )
        names = [
            row[0]
            for row in connection.execute(
                "select distinct name from campaign_targets semi join taken using (customer_id) order by 1"
            ).fetchall()
        ]
        for name in names:
            _write_lists(connection, folder / name, name)
        if names:
            _write_register(connection, path)
    return len(names)


def _write_lists(connection: duckdb.DuckDBPyConnection, folder: Path, name: str) -> None:
    """Write those of a campaign's lists that are there, as make campaign does, of those who are left."""
    of_campaign = f"from campaign_targets {{}} where name = {sql_text(name)}"
    view_lists(connection, f"({of_campaign.format('anti join taken using (customer_id)')})", name)
    [(parameters,)] = connection.execute("select parameters from campaigns where name = ?", [name]).fetchall()
    layout = layout_of(json.loads(parameters))
    # A mailing of which nobody is left stays, with its headings alone.
    mailings = layout.mailings(list(channels_of(connection, f"({of_campaign.format('')})")))
    for file, condition in {"targets.csv": "", **mailings}.items():
        if (folder / file).exists():
            with whole_file(folder / file, private=True) as partial:
                layout.write(connection, file, condition, partial)
    [(rows,)] = connection.execute("select count(*) from listed").fetchall()
    book = folder / "targets.xlsx"
    if not rows:
        book.unlink(missing_ok=True)
    elif book.exists():
        with whole_file(book, private=True) as partial:
            fill_sheet(book, partial, SHEET, connection, "listed", rows)


def _write_register(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Put a new register in the old one's place while that is still open, so that no other process comes between."""
    new = partial_of(path)
    try:
        connection.execute(f"attach {sql_text(str(new))} as anew")
        tables = connection.execute(
            "select table_name, sql from duckdb_tables() where database_name = current_database() and not temporary"
        ).fetchall()
        for table, statement in tables:
            connection.execute(statement.replace("CREATE TABLE ", "CREATE TABLE anew.", 1))
            out = " anti join taken using (customer_id)" if table == "campaign_targets" else ""
            connection.execute(f"insert into anew.{sql_name(table)} from {sql_name(table)}{out}")
        connection.execute("checkpoint anew")
        connection.execute("detach anew")
        new.chmod(0o600)
        sync(new)
        new.replace(path)
    except (OSError, duckdb.IOException) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise UserError(
            f"{path}: cannot be written ({reason}); it stays as it was. Check the folder's permissions and space."
        ) from None
    finally:
        new.unlink(missing_ok=True)
        Path(f"{new}.wal").unlink(missing_ok=True)
