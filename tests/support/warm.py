"""Commands in processes forked from one that has imported what takes seconds and changes nothing: dbt, pandas, scikit-learn.

A command is a process of its own as ever, with its arguments, folder, environment, output and exit code, and imports the
project's own modules itself. What asks about the start of a process, its limits or its locale starts Python afresh instead.
"""

import atexit
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[2]
# Libraries that read the environment as they are imported have seen the server's: only these may differ.
FREE = ("CARD_SEGMENTS_", "DBT_", "PYTEST_")
LONGEST_REQUEST = 1_000_000


def run_module(
    module: str,
    *arguments: str,
    cwd: Path = REPO,
    env: Mapping[str, str] | None = None,
    timeout: float = 600,
) -> subprocess.CompletedProcess[str]:
    """Run `python -m module arguments` and wait for its end, as subprocess.run does that captures text.

    Raises subprocess.TimeoutExpired where it takes longer than `timeout` seconds; the process is killed.
    """
    environment = dict(os.environ if env is None else env)
    server = _server()
    if _fixed(environment) != _fixed(server.environment):
        return run_afresh(module, *arguments, cwd=cwd, env=environment, timeout=timeout)
    request = {"module": module, "arguments": arguments, "cwd": str(cwd), "environment": environment}
    code, out, err = server.run(request, timeout)
    return subprocess.CompletedProcess([module, *arguments], code, out, err)


def run_afresh(
    module: str,
    *arguments: str,
    cwd: Path = REPO,
    env: Mapping[str, str] | None = None,
    timeout: float = 600,
) -> subprocess.CompletedProcess[str]:
    """The same by a Python that starts, for what a warm process would hide."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def _fixed(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith(FREE)}


@cache
def _server() -> "_Server":
    return _Server()


class _Server:
    """The process that forks, as its client sees it: it ends with the client."""

    def __init__(self) -> None:
        self.environment = dict(os.environ)
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", f"from tests.support.warm import serve; serve({theirs.fileno()})"],
                cwd=REPO,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._answers = self._socket.makefile("rb")
        atexit.register(self._end)

    def _end(self) -> None:
        self._answers.close()
        self._socket.close()
        self._process.wait()

    def run(self, request: dict[str, Any], timeout: float) -> tuple[int, str, str]:
        """Exit code and both outputs of a command."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            text = json.dumps(request).encode("utf-8", "surrogateescape")
            assert len(text) < LONGEST_REQUEST
            socket.send_fds(self._socket, [len(text).to_bytes(4, "big")], [out.fileno(), err.fileno()])
            self._socket.sendall(text)
            pid = int(self._answers.readline())
            late = threading.Timer(timeout, os.kill, [pid, signal.SIGKILL])
            late.start()
            code = int(self._answers.readline())
            late.cancel()
            if late.finished.is_set() and code == -signal.SIGKILL:
                raise subprocess.TimeoutExpired(request["module"], timeout)
            out.seek(0)
            err.seek(0)
            return code, out.read().decode(), err.read().decode()


def _serve(connection: socket.socket) -> None:
    """Fork for each request and say how it ended; returns in a forked process, when it is one of a command."""
    while True:
        head, descriptors, _, _ = socket.recv_fds(connection, 4, 2)
        if not head:
            # The client has ended.
            sys.exit(0)
        text = b""
        while len(text) < int.from_bytes(head, "big"):
            text += connection.recv(int.from_bytes(head, "big") - len(text))
        request = json.loads(text)
        assert threading.active_count() == 1, "a thread does not survive a fork"
        pid = os.fork()
        if pid == 0:
            connection.close()
            _become(request, descriptors)
            return
        for descriptor in descriptors:
            os.close(descriptor)
        connection.sendall(f"{pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _become(request: dict[str, Any], descriptors: list[int]) -> None:
    """Make this process what Python is at its start, but for what was imported."""
    for target, descriptor in zip((1, 2), descriptors, strict=True):
        os.dup2(descriptor, target)
        os.close(descriptor)
    for name, target in (("stdout", 1), ("stderr", 2)):
        # As Python opens them where they are no terminal.
        stream = open(  # noqa: SIM115
            target,
            "w",
            encoding="utf-8",
            errors="strict" if target == 1 else "backslashreplace",
            closefd=False,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.path[0] = request["cwd"]
    sys.argv = [request["module"], *request["arguments"]]
    sys.modules["duckdb"].execute("reset threads")
    if request["cwd"] != str(REPO):
        # The folder is a copy of the project, with modules and models of its own.
        for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
            del sys.modules[name]


def _warm_up() -> None:
    """Import what commands import, and let dbt parse once what then stays in memory: its classes, schemas, templates."""
    import duckdb
    import kneed  # noqa: F401
    import scipy.stats  # noqa: F401
    import sklearn.cluster
    import sklearn.metrics
    import sklearn.tree  # noqa: F401
    import statsmodels.stats.proportion  # noqa: F401
    import xlsxwriter  # noqa: F401

    before = dict(os.environ)
    os.environ.update(
        # Nothing opens it.
        CARD_SEGMENTS_WORK="work.duckdb",
        CARD_SEGMENTS_HOME=str(REPO),
        CARD_SEGMENTS_THREADS="1",
        CARD_SEGMENTS_MEMORY="1GB",
        DBT_PROJECT_DIR=str(REPO / "dbt_project"),
        DBT_PROFILES_DIR=str(REPO / "dbt_project"),
        DBT_SEND_ANONYMOUS_USAGE_STATS="false",
        # The extractor of dbt's static parser has threads once it was used, which no fork survives.
        DBT_STATIC_PARSER="false",
    )
    _parse()
    os.environ.clear()
    os.environ.update(before)
    # Nor do those of its default connection, which is there from the start.
    duckdb.execute("set threads = 1")
    gc.collect()
    gc.freeze()


def _parse() -> None:
    from dbt.cli.main import dbtRunner

    with tempfile.TemporaryDirectory() as folder:
        places = ["--target-path", folder, "--log-path", folder]
        quiet = ["--log-level", "none", "--log-level-file", "none"]
        done = dbtRunner().invoke([*quiet, "parse", *places, "--vars", '{"source_kind": "ledger"}'])
    assert done.success, done.exception


def serve(descriptor: int) -> None:
    """Be the process that forks, for the client at the other end of a socket."""
    with socket.socket(fileno=descriptor) as connection:
        _warm_up()
        _serve(connection)
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
