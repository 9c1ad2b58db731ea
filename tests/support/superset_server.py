"""A real Apache Superset for tests, in an environment of its own: its database in a folder, a free port of 127.0.0.1.

CARD_SEGMENTS_SUPERSET names the environment's folder; tests/support/superset_requirements.txt says what is in it.
"""

import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from tests.support.postgres_server import free_port

SUPERSET = "CARD_SEGMENTS_SUPERSET"
ADMIN = "boss"
# The most rows that Superset gives out, unless its configuration says otherwise.
MOST_ROWS = 100_000

CONFIG = """
SECRET_KEY = {secret!r}
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db"
"""


def superset_uri(file: Path, temporary: Path) -> str:
    """What a team gives Superset as the address of a published file's link, so that it reads that and nothing else.

    temporary: folder for queries that are too large for memory.
    """
    options = {
        "access_mode": "read_only",
        # Who may write SQL would read every file that Superset can.
        "enable_external_access": "false",
        # DuckDB lives in each of Superset's processes and would take 80% of the machine.
        "memory_limit": "1GB",
        # Beside the file, where it is otherwise, nothing can be written.
        "temp_directory": str(temporary),
        # Or the query of one user changes the above for all.
        "lock_configuration": "true",
    }
    return f"duckdb:///{file}?{urlencode(options, safe='/')}"


class Superset:
    """A client of the server's HTTP API, logged in as the administrator."""

    def __init__(self, address: str, password: str) -> None:
        self.address = address
        self._session = requests.Session()
        login = {"username": ADMIN, "password": password, "provider": "db", "refresh": True}
        token = self.post("security/login", login)["access_token"]
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.headers["X-CSRFToken"] = self.get("security/csrf_token/")["result"]
        self._session.headers["Referer"] = address

    def get(self, path: str, **query: str) -> Any:
        """What a GET that must succeed answers."""
        answer = self._session.get(f"{self.address}/api/v1/{path}", params=query, timeout=60)
        assert answer.ok, answer.text
        return answer.json()

    def try_post(self, path: str, body: Any) -> requests.Response:
        """The answer to a POST, be it an error."""
        return self._session.post(f"{self.address}/api/v1/{path}", json=body, timeout=60)

    def post(self, path: str, body: Any) -> Any:
        """What a POST that must succeed answers."""
        answer = self.try_post(path, body)
        assert answer.ok, answer.text
        return answer.json()

    def delete(self, path: str) -> None:
        """A DELETE that must succeed."""
        answer = self._session.delete(f"{self.address}/api/v1/{path}", timeout=60)
        assert answer.ok, answer.text

    def connect(self, name: str, uri: str, *, writing: bool = False) -> int:
        """Make a database connection, which Superset tries; its number. `writing` ticks "Allow DML"."""
        given = {"database_name": name, "sqlalchemy_uri": uri, "allow_dml": writing}
        number: int = self.post("database/", {**given, "expose_in_sqllab": True})["id"]
        return number

    def tables(self, database: int, schema: str) -> set[str]:
        """Names of the tables of a schema, as SQL Lab lists them."""
        found = self.get(f"database/{database}/tables/", q=f"(schema_name:'{schema}')")
        return {table["value"] for table in found["result"]}

    def try_sql(self, database: int, sql: str, row_limit: int = MOST_ROWS) -> requests.Response:
        """The answer of SQL Lab, be it an error."""
        asked = {"database_id": database, "sql": sql, "queryLimit": row_limit, "runAsync": False}
        return self.try_post("sqllab/execute/", {**asked, "client_id": secrets.token_hex(5)})

    def sql(self, database: int, sql: str, row_limit: int = MOST_ROWS) -> list[tuple[Any, ...]]:
        """The rows that SQL Lab answers to a query that must succeed."""
        answer = self.try_sql(database, sql, row_limit)
        assert answer.ok, answer.text
        found = answer.json()
        names = [column["column_name"] for column in found["columns"]]
        return [tuple(row[name] for name in names) for row in found["data"]]


@contextmanager
def running_superset(environment: Path, folder: Path) -> Iterator[Superset]:
    """A new Superset in a folder while it is wanted, with a password that nobody knows."""
    password = secrets.token_urlsafe()
    config = folder / "superset_config.py"
    config.write_text(CONFIG.format(secret=secrets.token_urlsafe(42), folder=folder))
    variables = {"SUPERSET_CONFIG_PATH": str(config), "SUPERSET_HOME": str(folder), "HOME": str(folder)}
    env = {**os.environ, **variables}
    admin = f"--username {ADMIN} --firstname The --lastname Boss --email boss@localhost --password".split()
    for arguments in (["db", "upgrade"], ["fab", "create-admin", *admin, password], ["init"]):
        done = subprocess.run(
            [str(environment / "bin" / "superset"), *arguments],
            env=env, cwd=folder, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    address = f"127.0.0.1:{free_port()}"
    command = [str(environment / "bin" / "gunicorn"), "--bind", address, "--worker-class", "gthread"]
    # The connections that clients keep open would hold it for 30 s.
    command += ["--threads", "4", "--graceful-timeout", "1"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [*command, "superset.app:create_app()"],
            env=env, cwd=folder, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        _wait_until_healthy(server, f"http://{address}", folder / "log")
        yield Superset(f"http://{address}", password)
    finally:
        # The server ends its workers; killed, it would leave them.
        server.terminate()
        server.wait(timeout=60)


def _wait_until_healthy(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        try:
            if requests.get(f"{address}/health", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise AssertionError(f"Superset does not answer: {log.read_text()}")


@pytest.fixture(scope="module")
def superset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    """A server that the tests of a file share."""
    environment = Path(os.environ.get(SUPERSET, "/nowhere"))
    if not (environment / "bin" / "superset").is_file():
        pytest.skip(
            f"{SUPERSET} does not name an environment made from tests/support/superset_requirements.txt"
        )
    with running_superset(environment, tmp_path_factory.mktemp("superset")) as started:
        yield started
