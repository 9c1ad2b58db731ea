"""A way to PostgreSQL that gives no password away, by DuckDB's postgres extension.

Reads the extension from its Python package; nothing is downloaded. A password in DSN goes into this process's
PGPASSWORD, where libpq looks for it, so that no statement and no message of DuckDB's ever holds it.
"""

import ctypes
import importlib.util
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import duckdb

from scripts.base.errors import UserError
from scripts.base.parameters import machine_limits
from scripts.base.quoting import sql_text
from scripts.outputs.postgres.refusals import CHANGED, UNCHANGED, why_postgres_failed

PACKAGE = "duckdb_extension_postgres"
# The extension's own name: DuckDB looks for an entry point that is named after the file.
EXTENSION = "postgres_scanner.duckdb_extension"
SECRETS = frozenset(
    ("password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
)
CONNECT_SECONDS = "10"
BAD_DSN = (
    "DSN: expected postgresql://user@host:port/database or host=... port=... dbname=... user=...; in the first form"
    " write characters such as @ / : # of a password or name as %40 %2F %3A %23."
)
PAIR = re.compile(r"\s*([A-Za-z_]+)\s*=\s*('(?:\\.|[^'\\])*'|(?:\\.|[^\s'\\])*)(?=\s|$)", re.DOTALL)
HOST = re.compile(r"(\[[^\]]+\]|[^:\[\]]*)(?::(\d*))?")


@dataclass(frozen=True)
class Dsn:
    """Where and as whom to connect: libpq's keywords with their values, the secret ones apart and never shown."""

    options: dict[str, str]
    secrets: dict[str, str] = field(repr=False)

    def shown(self, keyword: str, variable: str) -> str:
        """The value of a keyword that is no secret, or of libpq's environment variable for it, or nothing."""
        return self.options.get(keyword) or os.environ.get(variable, "")


def read_dsn(text: str) -> Dsn:
    """Read a libpq connection string: a URI, or keyword=value pairs; an empty one leaves all to PG* variables.

    Raises UserError, which repeats nothing of the text, where it is neither.
    """
    text = text.strip()
    values = _uri(text) if re.match(r"postgres(ql)?://", text) else _pairs(text)
    return Dsn(
        {keyword: value for keyword, value in values.items() if keyword not in SECRETS},
        {keyword: value for keyword, value in values.items() if keyword in SECRETS},
    )


def _pairs(text: str) -> dict[str, str]:
    values, place = {}, 0
    while place < len(text):
        pair = PAIR.match(text, place)
        if not pair:
            raise UserError(BAD_DSN)
        value = pair[2][1:-1] if pair[2].startswith("'") else pair[2]
        values[pair[1]] = re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL)
        place = pair.end()
    return values


def _uri(text: str) -> dict[str, str]:
    rest, _, query = text.split("://", 1)[1].partition("?")
    authority, _, database = rest.partition("/")
    login, _, hosts = authority.rpartition("@")
    user, _, password = login.partition(":")
    places = [HOST.fullmatch(each) for each in hosts.split(",")]
    if "@" in database + query or "#" in text or not all(places):
        raise UserError(BAD_DSN)
    values = {
        "user": unquote(user),
        "password": unquote(password),
        "host": ",".join(unquote(place[1].strip("[]")) for place in places if place),
        "port": ",".join(place[2] or "" for place in places if place),
        "dbname": unquote(database),
    }
    values = {keyword: value for keyword, value in values.items() if value.strip(",")}
    return values | dict(parse_qsl(query, keep_blank_values=True))


class Postgres:
    """A DuckDB connection with PostgreSQL attached as `target` and a DuckDB file as `published`, read-only.

    Everything that is asked of PostgreSQL goes through `_ask`, which words what it refuses and what breaks off: each
    method raises UserError then.

    Attributes:
        connection: for statements that only read `published`.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, dsn: Dsn, schema: str) -> None:
        self.connection = connection
        self._dsn, self._schema = dsn, schema
        self._outcome = UNCHANGED

    def attach(self, words: str) -> None:
        """Connect, as a libpq connection string says."""
        self._ask(
            f"attach {sql_text(words)} as target"
            f" (type postgres, schema {sql_text(self._schema)}, isolation_level 'read committed')"
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep what is done within, all of it or nothing."""
        self._ask("begin")
        yield
        self._ask("commit")
        self._outcome = CHANGED

    def run(self, sql: str) -> None:
        """Have PostgreSQL run statements, in the transaction if one is open."""
        self._ask("call postgres_execute('target', ?)", [sql])

    def run_alone(self, sql: str) -> None:
        """Have PostgreSQL run one statement outside of any transaction, as it wants VACUUM."""
        self._ask("call postgres_execute('target', ?, use_transaction = false)", [sql])

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """PostgreSQL's answer to a query, in the transaction if one is open."""
        return self._ask("from postgres_query('target', ?)", [sql])

    def copy(self, sql: str) -> int:
        """Insert rows of `published` into a table of `target`, as DuckDB's statement says; return how many."""
        return int(self._ask(sql)[0][0])

    def look_again(self) -> None:
        """Let DuckDB see tables that were made since it looked."""
        self._ask("call pg_clear_cache()")

    def _ask(self, sql: str, values: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        try:
            return self.connection.execute(sql, list(values)).fetchall()
        except duckdb.InterruptException:
            raise KeyboardInterrupt from None
        except duckdb.Error as error:
            sentence = why_postgres_failed(str(error), self._schema, self._outcome)
        for secret in filter(None, self._dsn.secrets.values()):
            sentence = sentence.replace(secret, "***")
        # Raised here, outside of the handler, so that no traceback repeats the connection string.
        raise UserError(sentence)


@contextmanager
def open_postgres(dsn: Dsn, published: Path, schema: str) -> Iterator[Postgres]:
    """Connect to PostgreSQL beside a published file; what PostgreSQL refuses becomes one sentence.

    Args:
        dsn: where to connect; PG* variables, a service file and ~/.pgpass add what it leaves out.
        published: DuckDB file to read.
        schema: the one schema of the target that will be looked at; need not exist.

    Raises UserError for what a user or an administrator can mend, UserError too where the extension is missing.
    """
    if "password" in dsn.secrets:
        os.environ["PGPASSWORD"] = dsn.secrets["password"]
    # What DuckDB sends is UTF-8, whatever the database has.
    os.environ["PGCLIENTENCODING"] = "UTF8"
    os.environ.setdefault("PGAPPNAME", "card segments")
    os.environ.setdefault("PGCONNECT_TIMEOUT", CONNECT_SECONDS)
    given = dsn.options | dsn.secrets
    words = " ".join(
        f"{keyword}={_quoted(value)}"
        for keyword, value in given.items()
        if keyword not in ("password", "client_encoding")
    )
    connection = _duckdb()
    try:
        connection.execute(f"attach {sql_text(str(published))} as published (read_only)")
        postgres = Postgres(connection, dsn, schema)
        postgres.attach(words)
        yield postgres
    except RuntimeError as error:
        # What DuckDB makes of Ctrl-C.
        if isinstance(error.__cause__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    finally:
        _close(connection)


def _close(connection: duckdb.DuckDBPyConnection) -> None:
    """Close a connection, in whose transaction PostgreSQL then changes nothing, if one is open.

    Where PostgreSQL has broken off, closing would abort this process: the extension of DuckDB 1.5.5 fails to roll
    back while it is cleaned up. So such a connection is never closed; the process ends soon.
    """
    try:
        connection.execute("rollback")
    except duckdb.TransactionException:
        pass  # None was open.
    except duckdb.Error:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
        return
    connection.close()


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", r"\\").replace("'", r"\'") + "'"


def _duckdb() -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory with the postgres extension."""
    machine = machine_limits()
    connection = duckdb.connect(
        config={
            "memory_limit": machine.memory,
            "threads": machine.threads,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    # The package names the file otherwise than its entry point; a link with the right name will do.
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / EXTENSION
        link.symlink_to(_extension())
        connection.execute(f"load {sql_text(str(link))}")
    return connection


def _extension() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise UserError(
            f"make postgres needs the Python package {PACKAGE.replace('_', '-')}, which is not in this environment:"
            " install the project's extra postgres, as in pip install '.[postgres]'."
        )
    file = Path(found.origin).parent / "extensions" / f"v{duckdb.__version__}" / "postgres.duckdb_extension"
    if not file.exists():
        raise UserError(
            f"{PACKAGE.replace('_', '-')}: is not made for DuckDB {duckdb.__version__}; install the project's extra"
            " postgres, as in pip install '.[postgres]', which takes the one that is."
        )
    return file
