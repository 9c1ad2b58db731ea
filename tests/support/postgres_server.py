"""A real PostgreSQL for tests: a throw-away cluster that asks for passwords, on a free port and a Unix socket."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import psycopg

SUPERUSER, OTHERS_USER = "boss", "postgres"
# Odd characters on purpose: quoted in a key=value DSN, percent-encoded in a URI, and special to make and a shell.
PASSWORD = "pa$$ w'ord\\/@:x"


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        folder: holds the socket and `log`, in which every statement stands.
        port: of TCP on 127.0.0.1, and in the socket's name.
    """

    folder: Path
    port: int

    def environment(
        self, database: str = "postgres", user: str = SUPERUSER, password: str = PASSWORD
    ) -> dict[str, str]:
        """The variables of libpq that lead here."""
        return {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGDATABASE": database,
            "PGUSER": user,
            "PGPASSWORD": password,
        }

    def connect(
        self, database: str = "postgres", user: str = SUPERUSER, password: str = PASSWORD
    ) -> "psycopg.Connection[Any]":
        """A connection by the socket that commits by itself."""
        import psycopg

        return psycopg.connect(
            host=str(self.folder),
            port=self.port,
            dbname=database,
            user=user,
            password=password,
            autocommit=True,
        )

    def make_role(self, name: str, password: str = PASSWORD) -> None:
        """Make a role that may log in and nothing else, unless there is one."""
        from psycopg import sql

        with self.connect() as connection:
            if not connection.execute("select 1 from pg_roles where rolname = %s", [name]).fetchone():
                # Or the log, in which tests look for passwords, would hold it.
                connection.execute("set log_statement = 'none'")
                connection.execute(
                    sql.SQL("create role {} login password {}").format(sql.Identifier(name), password)
                )

    def make_database(self, name: str, owner: str = SUPERUSER, encoding: str = "UTF8") -> None:
        """Make an empty database, instead of the one of that name."""
        from psycopg import sql

        with self.connect() as connection:
            connection.execute(sql.SQL("drop database if exists {} (force)").format(sql.Identifier(name)))
            connection.execute(
                sql.SQL("create database {} owner {} template template0 encoding {} locale 'C'").format(
                    sql.Identifier(name), sql.Identifier(owner), encoding
                )
            )

    def log(self) -> str:
        """What the server has logged."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def _programs() -> Path:
    """The folder of initdb and pg_ctl, which Debian keeps off the path."""
    found = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if not (found or debian):
        pytest.skip("PostgreSQL's server is not installed (Debian: postgresql)")
    return Path(found).parent if found else debian[-1].parent


def _as_server_user() -> list[str]:
    """What to put before a command: PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return []
    try:
        user = pwd.getpwnam(OTHERS_USER)
    except KeyError:
        pytest.skip(f"tests run as root, and there is no user {OTHERS_USER} to run PostgreSQL as")
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


@contextmanager
def running_server(largest_file: int | None = None) -> Iterator[Server]:
    """A new cluster while it is wanted; superuser `boss` with PASSWORD, like everybody else.

    Args:
        largest_file: bytes beyond which the server can write no file, as on a full disk.
    """
    programs, as_user = _programs(), _as_server_user()
    # A socket's path may have 107 characters, which pytest's folders exceed.
    folder = Path(tempfile.mkdtemp(prefix="card_segments_pg_"))
    (folder / "password").write_text(PASSWORD + "\n")
    if as_user:
        for path in (folder, folder / "password"):
            shutil.chown(path, OTHERS_USER)
    data, port = folder / "data", free_port()
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c log_statement=all"
    initdb = [str(programs / "initdb"), "-D", str(data), "-U", SUPERUSER, "-E", "UTF8", "--locale=C"]
    control = [*as_user, str(programs / "pg_ctl"), "-D", str(data), "-w"]
    limit = ["prlimit", f"--fsize={largest_file}"] if largest_file else []
    try:
        for command in (
            [*as_user, *initdb, "--auth=scram-sha-256", f"--pwfile={folder / 'password'}"],
            [*limit, *control, "-l", str(folder / "log"), "-o", options, "start"],
        ):
            done = subprocess.run(
                command, cwd="/", capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL
            )
            assert done.returncode == 0, done.stdout + done.stderr
        yield Server(folder, port)
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], cwd="/", capture_output=True, timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A server that the tests of a process share."""
    with running_server() as server:
        yield server
