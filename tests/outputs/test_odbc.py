"""Excel's road to PostgreSQL, ODBC: the published tables through unixODBC and psqlODBC, as the role that may only read."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.support.builds import REPO
from tests.support.postgres_server import PASSWORD, Server
from tests.support.small_version import write_published

# The package loads a library of the system as it is imported.
pyodbc = pytest.importorskip(
    "pyodbc", reason="pyodbc cannot load unixODBC (Debian: unixodbc, odbc-postgresql)", exc_type=ImportError
)

DRIVER = "PostgreSQL Unicode"
READER, PUBLISHER, DATABASE = "odbc_reader", "odbc_publisher", "odbc_cards"


def connect(server: Server, *options: str) -> pyodbc.Connection:
    """Connect by a connection string alone, as Excel does."""
    place = f"Driver={{{DRIVER}}};Server=127.0.0.1;Port={server.port};Database={DATABASE}"
    words = [place, f"Uid={READER}", f"Pwd={{{PASSWORD}}}", *options]
    return pyodbc.connect(";".join(words), autocommit=True)


def publish(server: Server, warehouse: Path, *arguments: str) -> None:
    """Publish a warehouse, for the reader."""
    done = subprocess.run(
        [sys.executable, "-m", "scripts.postgres", f"READERS={READER}", *arguments],
        cwd=REPO,
        env={
            **os.environ,
            "CARD_SEGMENTS_WAREHOUSE": str(warehouse),
            **server.environment(DATABASE, PUBLISHER),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def odbc(postgres_server: Server, sample_build: Path) -> Iterator[pyodbc.Connection]:
    """The connection of docs/excel.md, to a published sample."""
    if DRIVER not in pyodbc.drivers():
        pytest.skip(f"the ODBC driver {DRIVER} is not registered (Debian: unixodbc, odbc-postgresql)")
    for role in (READER, PUBLISHER):
        postgres_server.make_role(role)
    postgres_server.make_database(DATABASE, owner=PUBLISHER)
    publish(postgres_server, sample_build.parent)
    # Without BoolsAsChar=0 true and false arrive as the texts 1 and 0.
    connection = connect(postgres_server, "ReadOnly=1", "BoolsAsChar=0")
    yield connection
    connection.close()


def test_the_published_tables_are_listed(odbc: pyodbc.Connection, sample_build: Path) -> None:
    with duckdb.connect(str(sample_build), read_only=True) as connection:
        ours = {name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()}
    found = {row.table_name for row in odbc.cursor().tables(schema="card_segments", tableType="TABLE")}
    assert found == ours and len(found) > 20


def test_keys_and_descriptions_can_be_seen(odbc: pyodbc.Connection, sample_build: Path) -> None:
    """The driver's lists show keys; comments, which psqlODBC 13.02 leaves out of its remarks, are to be had by SQL."""
    keys = odbc.cursor().primaryKeys(table="customer_segments", schema="card_segments").fetchall()
    assert [row.column_name for row in keys] == ["customer_id"]
    query = "select relname, obj_description(oid) from pg_class where relnamespace = 'card_segments'::regnamespace and relkind = 'r'"
    with duckdb.connect(str(sample_build), read_only=True) as connection:
        ours = connection.execute("select table_name, comment from duckdb_tables()").fetchall()
    assert sorted(map(tuple, odbc.execute(query).fetchall())) == sorted(ours)


def test_customers_have_the_right_types(odbc: pyodbc.Connection) -> None:
    """Ids are text, days are days, numbers are numbers, true and false are these."""
    cursor = odbc.execute("select * from card_segments.customer_segments")
    kinds = {name: kind for name, kind, *_ in cursor.description}
    assert (kinds["customer_id"], kinds["as_of_date"], kinds["segment_id"]) == (str, dt.date, int)
    assert (kinds["segment_name"], kinds["distance_to_centroid"], kinds["is_closed"]) == (str, float, bool)


def test_ids_keep_their_zeros(odbc: pyodbc.Connection, postgres_server: Server, tmp_path: Path) -> None:
    write_published(tmp_path, 1)
    publish(postgres_server, tmp_path, "SCHEMA=zeros")
    rows = odbc.execute("select customer_id from zeros.customer_segments order by 1 limit 2").fetchall()
    assert [tuple(row) for row in rows] == [("0000000000",), ("0000000001",)]


@pytest.mark.parametrize("table", ["customer_segments", "words", "rejected_rows", "load_audit", "model_runs"])
def test_rows_are_those_of_the_published_file(
    odbc: pyodbc.Connection, sample_build: Path, table: str
) -> None:
    """Texts with all of their characters, however long, decimals and timestamps too."""
    rows = [tuple(row) for row in odbc.execute(f"select * from card_segments.{table}").fetchall()]
    with duckdb.connect(str(sample_build), read_only=True) as connection:
        ours = connection.execute(f"from marts.{table}").fetchall()
    assert sorted(rows, key=repr) == sorted(ours, key=repr)


def test_it_cannot_write(odbc: pyodbc.Connection, postgres_server: Server) -> None:
    """The driver refuses; without its ReadOnly the server does."""
    with pytest.raises(pyodbc.Error, match="readonly"):
        odbc.execute("delete from card_segments.words")
    with (
        contextlib.closing(connect(postgres_server)) as connection,
        pytest.raises(pyodbc.Error, match="permission denied for table words"),
    ):
        connection.execute("delete from card_segments.words")
