"""Spark for the models of a ledger: one session of our own, which dbt-spark finds and uses. Writes below the folder it is given.

pyspark is imported where ENGINE=spark alone. The session's process ends with the block, so that the learning has the memory.
"""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from scripts.base.errors import UserError
from scripts.base.parameters import Machine
from scripts.base.sentences import shown

# What Spark 4 runs on.
FIRST_JAVA = 17
INSTALL = "make spark adds what it needs to the environment"
WITHOUT = "leave ENGINE out to build with DuckDB"
# Tables of the session, a folder a schema as `ledger.db`; and what it spills.
TABLES, SPILLED = "tables", "spilled"
# Seconds that Spark's process may take to end by itself.
LONGEST_END = 30


def check_spark() -> None:
    """Raise UserError where a package or the Java is missing that Spark needs, or a cluster is asked for."""
    if remote := os.environ.get("SPARK_REMOTE"):
        raise UserError(
            f"SPARK_REMOTE={shown(remote)}: ENGINE=spark builds on this machine alone, on no cluster; unset SPARK_REMOTE."
        )
    for module, package in (("pyspark", "pyspark"), ("dbt.adapters.spark", "dbt-spark")):
        if importlib.util.find_spec(module) is None:
            raise UserError(f"ENGINE=spark: {package} is not installed; {INSTALL}, or {WITHOUT}.")
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java") or ""
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError):
        where = f"JAVA_HOME={home} has no bin/java that runs" if home else "there is no java on the PATH"
        raise UserError(f"ENGINE=spark: {where}; install Java {FIRST_JAVA} or later, or {WITHOUT}.") from None
    version = re.search(r'version "(?:1\.)?([0-9]+)', told)
    if version is None or int(version[1]) < FIRST_JAVA:
        found = f"Java {version[1]}" if version else "a Java of an unknown version"
        raise UserError(
            f"ENGINE=spark: {java} is {found}; Spark needs Java {FIRST_JAVA} or later (JAVA_HOME says which is used)."
        )


@contextmanager
def spark_session(folder: Path, log: Path, machine: Machine) -> Iterator[Any]:
    """Yield a local SparkSession; it ends, with its process, when the block does.

    Args:
        folder: for its tables and what it spills; nothing goes anywhere else.
        log: file for what it says of itself, written anew.
        machine: memory and threads it may use.

    Raises UserError where it does not start.
    """
    # No frame of pandas goes in or out.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    # Imported late: it takes a second.
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    (folder / SPILLED).mkdir(parents=True)
    conf = SparkConf(loadDefaults=False).setAll(list(settings(folder, machine).items()))
    # Spark takes Ctrl-C for itself.
    handler = signal.getsignal(signal.SIGINT)
    gateway = session = None
    with log.open("w", encoding="utf-8") as chatter:
        try:
            with _without_settings():
                gateway = launch_gateway(conf, {"stdout": chatter, "stderr": chatter})
            session = SparkSession(SparkContext(gateway=gateway, conf=conf))
        except PySparkException as error:
            raise UserError(
                f"ENGINE=spark: Spark does not start ({str(error).splitlines()[0]}); details stand in {log}."
            ) from None
        finally:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGINT, handler)
        try:
            yield session
        finally:
            _end(session, gateway)


@contextmanager
def _without_settings() -> Iterator[None]:
    """Take from the environment what is of another Spark of this machine."""
    theirs = {name: os.environ.pop(name) for name in [*os.environ] if name.startswith(("SPARK_", "PYSPARK_"))}
    try:
        yield
    finally:
        os.environ.update(theirs)


def settings(folder: Path, machine: Machine) -> dict[str, str]:
    """What the session is to be like, whatever the machine's own settings of Spark say."""
    number, unit = re.fullmatch(r"([0-9.]+) ?([KMGT])i?B", machine.memory).groups()  # type: ignore[union-attr]
    megabytes = int(float(number) * 1024 ** ("KMGT".index(unit) - 1))
    return {
        "spark.master": f"local[{machine.threads}]",
        "spark.app.name": "card segments",
        "spark.driver.memory": f"{max(megabytes, 512)}m",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": str(folder / SPILLED),
        "spark.driver.extraJavaOptions": f"-Djava.io.tmpdir={folder / SPILLED}",
        "spark.sql.warehouse.dir": str(folder / TABLES),
        "spark.sql.catalogImplementation": "in-memory",
        # More than cores, so that a part fits in memory; small ones are put together.
        "spark.sql.shuffle.partitions": str(4 * machine.threads),
        **SQL,
    }


# How SQL is read and computed: as DuckDB does it.
SQL = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    # A backslash in a literal is one.
    "spark.sql.parser.escapedStringLiterals": "true",
    "spark.sql.parquet.binaryAsString": "true",
    # Moments in nanoseconds, which scripts/intake/spark_views.py turns into moments again.
    "spark.sql.legacy.parquet.nanosAsLong": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
}


def make_views(session: Any, statements: Iterable[str]) -> None:
    """Make the input readable in schema raw; raises UserError where Spark cannot read a file."""
    from pyspark.errors import PySparkException

    try:
        session.sql("create schema if not exists raw")
        for statement in statements:
            session.sql(statement)
    except PySparkException as error:
        words = str(error).splitlines()[0]
        raise UserError(f"ENGINE=spark: the input cannot be read ({words}); {WITHOUT}.") from None


def tables_of(folder: Path, schema: str) -> dict[str, Path]:
    """The tables that a session left in a schema, each a folder of Parquet files."""
    return {path.name: path for path in sorted((folder / TABLES / f"{schema}.db").iterdir())}


def _end(session: Any, gateway: Any) -> None:
    """Stop the session and its process, which ends when its input does."""
    from pyspark import SparkContext

    with suppress(Exception):
        session.stop()
    with suppress(Exception):
        gateway.shutdown()
    # Another session of this process would look for the process that has ended.
    SparkContext._gateway = SparkContext._jvm = None
    gateway.proc.stdin.close()
    try:
        gateway.proc.wait(LONGEST_END)
    except subprocess.TimeoutExpired:
        gateway.proc.kill()
        gateway.proc.wait()
