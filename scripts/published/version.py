"""Publish the marts: a new read-only version, then one atomic switch of the link to it.

Reads warehouse/work.duckdb; writes warehouse/versions/ and the links warehouse/card_segments.duckdb, to the
version's file, and warehouse/parquet, to its folder with each table as a Parquet file. What shows the tables,
report and workbook, is made from the new version before anything is switched: nothing can fail after that.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from scripts.base.errors import UserError
from scripts.base.paths import (
    CUSTOMERS,
    LINK,
    PARQUET_LINK,
    PARTIAL,
    REPORT,
    VERSIONS,
    WORK,
    WORKBOOK,
    version_name,
)
from scripts.base.quoting import sql_name, sql_text

# What Metabase, Excel's drivers and Postgres all read; DuckDB's other types fail in at least one of them.
FOR_BI = re.compile(
    r"BOOLEAN|TINYINT|SMALLINT|INTEGER|BIGINT|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)|VARCHAR|DATE|TIMESTAMP"
)


@dataclass(frozen=True)
class Prepared:
    """A version that is whole, read-only and on disk, and to which no link leads yet.

    Attributes:
        warehouse: folder of the links.
        run: its name.
        path: of the DuckDB file.
        parquet: folder with its tables.
        outputs: folder for REPORT, WORKBOOK and CUSTOMERS; those that are there get published with it.
        tables: rows per table.
    """

    warehouse: Path
    run: str
    path: Path
    parquet: Path
    outputs: Path
    tables: dict[str, int]


@dataclass(frozen=True)
class Published:
    """What was published: the version's file, its Parquet folder, the link to the file, and rows per table."""

    path: Path
    parquet: Path
    link: Path
    tables: dict[str, int]


def remove_leftovers(warehouse: Path) -> None:
    """Remove what a killed build left behind half written, and what DuckDB had spilled to disk.

    Raises UserError where the file system refuses.
    """
    spilled = warehouse / f"{WORK}.tmp"
    leftovers = [*warehouse.glob(f"{PARTIAL}*"), *(warehouse / VERSIONS).glob(f"{PARTIAL}*"), spilled]
    for leftover in leftovers:
        try:
            if leftover.is_dir() and not leftover.is_symlink():
                shutil.rmtree(leftover)
            else:
                leftover.unlink(missing_ok=True)
        except OSError as error:
            raise UserError(
                f"{leftover}: a build that was stopped left it, and it cannot be removed ({error.strerror});"
                " check the folder's permissions."
            ) from None


def prepare(
    *, work: Path, warehouse: Path, manifest: Path, run: str, memory_limit: str, threads: int
) -> Prepared:
    """Copy every model of schema marts, with comments and keys and as Parquet, to a new version.

    Args:
        work: DuckDB file with the marts; opened read-only, and no other process may be writing to it.
        warehouse: folder of the link and of versions/.
        manifest: dbt's manifest.json: names, descriptions and keys of the marts.
        run: names the version; never used before, and sorts after the names before it.
        memory_limit: what DuckDB may use, as `4GB`; it spills to versions/ beyond that.
        threads: number of threads DuckDB may use.

    Raises UserError where the file system or the memory limit refuses, or a column has a type that BI tools
    cannot read; what was published before stays as it was. `remove_leftovers` removes what is not published then.
    """
    for place in (warehouse / LINK, warehouse / PARQUET_LINK):
        if os.path.lexists(place) and not place.is_symlink():
            raise UserError(
                f"{place}: expected a link that a build made, found something else; move it away and build again."
            )
    versions = warehouse / VERSIONS
    partial = versions / f"{PARTIAL}{run}.duckdb"
    parquet, outputs = partial.with_suffix(".parquet"), partial.with_suffix(".outputs")
    config: dict[str, Any] = {
        "memory_limit": memory_limit,
        "threads": threads,
        "temp_directory": str(partial.with_suffix(".tmp")),
    }
    with _failures_in_words(warehouse, memory_limit):
        versions.mkdir(exist_ok=True)
        parquet.mkdir()
        outputs.mkdir()
        tables = _write(partial, parquet, work, manifest, config)
        for file in (partial, *parquet.iterdir()):
            file.chmod(0o444)
            _sync(file)
        _sync(parquet)
    return Prepared(warehouse, run, partial, parquet, outputs, tables)


def publish(version: Prepared, *, keep: int) -> Published:
    """Point the links at a version, put its outputs beside them, and remove old versions.

    keep: number of newest versions that stay, this one included. Raises UserError where the file system refuses;
    what was published before stays as it was.
    """
    warehouse, versions = version.warehouse, version.warehouse / VERSIONS
    final = versions / f"{version_name(version.run)}.duckdb"
    parquet, link = final.with_suffix(".parquet"), warehouse / LINK
    with _failures_in_words(warehouse):
        # Each step is on disk before the next one rests on it: content, name, links, and only then the
        # removal of old versions. So a power cut leaves each link on a whole version, too.
        version.path.rename(final)
        version.parquet.rename(parquet)
        _sync(versions)
        _remove_stray_log(link)
        _switch(warehouse / PARQUET_LINK, parquet)
        _switch(link, final)
        for name in (REPORT, WORKBOOK, CUSTOMERS):
            if (version.outputs / name).exists():
                (version.outputs / name).replace(warehouse / name)
            else:
                # Of an earlier build: it may hold customers who are no longer to be found.
                (warehouse / name).unlink(missing_ok=True)
        _sync(warehouse)
        _prune(versions, final, keep)
    return Published(final, parquet, link, version.tables)


@contextmanager
def _failures_in_words(warehouse: Path, memory_limit: str = "") -> Iterator[None]:
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise UserError(
            f"{warehouse}: {memory_limit} of memory are too little to publish: give DuckDB more, as in"
            " CARD_SEGMENTS_MEMORY=8GB; what was published before stays as it was."
        ) from None
    except (OSError, duckdb.OperationalError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise UserError(
            f"{warehouse}: cannot publish ({reason}); what was published before stays as it was."
        ) from None


def _switch(link: Path, target: Path) -> None:
    """Let the link lead to a file or folder in versions/, from one moment to the next."""
    new = link.with_name(f"{PARTIAL}{target.name}.link")
    new.symlink_to(Path(target.parent.name) / target.name)
    new.replace(link)


def _write(path: Path, parquet: Path, work: Path, manifest: Path, config: dict[str, Any]) -> dict[str, int]:
    """Write the marts of work to a new file, closed and without a log beside it, and to Parquet files.

    Returns rows per table.
    """
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
    marts = sorted(
        (n for n in nodes if n["resource_type"] == "model" and n["schema"] == "marts"),
        key=lambda n: str(n["name"]),
    )
    features = {
        name: column["description"]
        for n in marts if n["name"] == "customer_features"
        for name, column in n["columns"].items()
    }  # fmt: skip
    with duckdb.connect(config=config) as connection:
        connection.execute(f"attach {sql_text(str(work))} as work (read_only)")
        connection.execute(f"attach {sql_text(str(path))} as published")
        connection.execute("create schema published.marts")
        rows = {mart["name"]: _copy(connection, mart, features) for mart in marts}
        connection.execute("checkpoint published")
        for name in rows:
            # Snappy, the default, is what every reader knows, Excel's Power Query included.
            file = sql_text(str(parquet / f"{name}.parquet"))
            connection.execute(f"copy published.marts.{sql_name(name)} to {file} (format parquet)")
        connection.execute("detach published")
    # A log would not move with the file: what counts is what the file itself holds.
    Path(f"{path}.wal").unlink(missing_ok=True)
    with duckdb.connect(str(path), read_only=True, config=config) as connection:
        for name, count in rows.items():
            found = connection.execute(f"select count(*) from marts.{sql_name(name)}").fetchall()[0][0]
            if found != count:
                raise RuntimeError(f"marts.{name}: {count} rows were copied, {found} are in {path}")
    return rows


def _copy(connection: duckdb.DuckDBPyConnection, mart: dict[str, Any], features: dict[str, str]) -> int:
    """Copy one table with its key and comments; return its number of rows."""
    name = mart["name"]
    source, target = f"work.marts.{sql_name(name)}", f"published.marts.{sql_name(name)}"
    columns = connection.execute(f"select column_name, column_type from (describe {source})").fetchall()
    for column, kind in columns:
        if not FOR_BI.fullmatch(kind):
            raise UserError(
                f"marts.{name}.{column} has type {kind}, which not every BI tool can read: cast it in the"
                f" model to a type such as varchar or double. What was published before stays as it was."
            )
    key = ", ".join(sql_name(column) for column in mart["config"]["meta"].get("primary_key", []))
    # Rows in the key's order make the file the same from run to run, and the index 3 times as fast to build.
    order = f" order by {key}" if key else ""
    connection.execute(f"create table {target} as from {source}{order}")
    rows: int = connection.execute(f"select count(*) from {source}").fetchall()[0][0]
    if key:
        connection.execute(f"alter table {target} add primary key ({key})")
    connection.execute(f"comment on table {target} is {sql_text(mart['description'])}")
    for column, _ in columns:
        if words := _description(column, mart["columns"], features):
            connection.execute(f"comment on column {target}.{sql_name(column)} is {sql_text(words)}")
    return rows


def _description(column: str, columns: dict[str, dict[str, str]], features: dict[str, str]) -> str:
    if column in columns:
        return columns[column]["description"]
    for ending, word in (("_mean", "Mean"), ("_median", "Median")):
        feature = column.removesuffix(ending)
        if column.endswith(ending) and feature in features:
            return f"{word} of: {features[feature]}"
    return ""


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_stray_log(link: Path) -> None:
    """Remove the log of a writer that had no business here, before the link leads to another file.

    DuckDB 1.5 looks for a log beside the version, under a name that is new each time; 1.3 and 1.4, which
    BI drivers may still contain, look beside the link and replay what they find into the new version.
    """
    Path(f"{link}.wal").unlink(missing_ok=True)


def _prune(versions: Path, current: Path, keep: int) -> None:
    """Remove all but the newest `keep` versions; names sort by the time of the run.

    Who has an old version open goes on reading it: the file lives until the last one closes it.
    """
    found = sorted(versions.glob(f"{version_name('*')}.duckdb"))
    for version in found[: -max(keep, 1)]:
        if version != current:
            shutil.rmtree(version.with_suffix(".parquet"), ignore_errors=True)
            version.unlink()
            # Only root can have opened a version for writing and left a log.
            Path(f"{version}.wal").unlink(missing_ok=True)
