"""Publish the marts: a new read-only version, then one atomic switch of the link to it.

Reads warehouse/work.duckdb; writes warehouse/versions/, where a version is a folder with the DuckDB file, each table
as a Parquet file, every model for the next build, whose the accounts of refused rows are, report and workbook; the link warehouse/current, which leads to one of them; and the names that
readers open, links through it. What shows the tables is made before anything is switched: nothing can fail after that.
"""

import datetime as dt
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from scripts.base.errors import UserError
from scripts.base.files import left_behind, partial_of, remove, sync
from scripts.base.paths import ACCOUNTS, CURRENT, FOLLOWS, LINK, MODELS, OF_A_VERSION, PARQUET, VERSIONS, WORK
from scripts.base.quoting import sql_name, sql_text
from scripts.base.rights import share

# What Metabase, Excel's drivers and Postgres all read; DuckDB's other types fail in at least one of them.
FOR_BI = re.compile(
    r"BOOLEAN|TINYINT|SMALLINT|INTEGER|BIGINT|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)|VARCHAR|DATE|TIMESTAMP"
)
# A version's name: its number, which only grows, and when it was made, for people: clocks can be wrong.
VERSION = re.compile(r"([0-9]{6,})-[0-9TZ]+")
# In the work file, what a version keeps of accounts.
ACCOUNTS_KEPT = "state.accounts_of_refused_rows"
SeenAs = Callable[[str, str, Sequence[str]], str]
# Before versions were folders, they were files with the time in their name.
OLD_VERSIONS = "card_segments_*.duckdb"


@dataclass(frozen=True)
class Prepared:
    """A version that is whole and on disk, and to which no link leads yet.

    Attributes:
        warehouse: folder of the links.
        name: of the version.
        folder: with the tables; REPORT, WORKBOOK and CUSTOMERS written there get published with them.
        path: of the DuckDB file in it.
        tables: rows per table.
    """

    warehouse: Path
    name: str
    folder: Path
    path: Path
    tables: dict[str, int]


@dataclass(frozen=True)
class Published:
    """What was published: the version's folder, the DuckDB file in it, the link to that, rows per table, and remarks.

    Attributes:
        remarks: what did not go well after the new version was in use, in sentences.
    """

    folder: Path
    path: Path
    link: Path
    tables: dict[str, int]
    remarks: list[str]


def remove_leftovers(warehouse: Path) -> list[str]:
    """Remove what processes that are gone left behind half written, and what DuckDB had spilled to disk.

    Whoever calls it holds the build's lock.

    Returns what cannot be removed, in sentences.
    """
    versions = warehouse / VERSIONS
    # Builds alone write versions, one at a time.
    leftovers = left_behind(versions, locked=True)
    for folder in (warehouse, *(versions.iterdir() if versions.is_dir() else ())):
        leftovers += left_behind(folder)
    remarks = []
    for leftover in (*leftovers, warehouse / f"{WORK}.tmp"):
        try:
            remove(leftover)
        except OSError as error:
            remarks.append(
                f"{leftover}: was left behind by a command that was stopped, may hold customers, and cannot be removed"
                f" ({error.strerror}); remove it"
            )
    return remarks


def prepare(
    *,
    work: Path,
    warehouse: Path,
    manifest: Path,
    at: dt.datetime,
    memory_limit: str,
    threads: int,
    seen_as: SeenAs | None = None,
) -> Prepared:
    """Copy every model of schema marts, with comments and keys and as Parquet, to a new version.

    Args:
        work: DuckDB file with the marts; opened read-only, and no other process may be writing to it.
        warehouse: folder of the links and of versions/; no other process may be publishing there.
        manifest: dbt's manifest.json: names, descriptions and keys of the marts.
        at: the time, UTC, that stands in the version's name.
        memory_limit: what DuckDB may use, as `4GB`; it spills to versions/ beyond that.
        threads: number of threads DuckDB may use.
        seen_as: the query of a mart as it is published, of its name, relation and columns, where ids are pseudonyms; whose
            the accounts of refused rows are is not kept then. None: as it is.

    Raises UserError where the file system or the memory limit refuses, or a column has a type that BI tools
    cannot read; what was published before stays as it was. `remove_leftovers` removes what is not published then.
    """
    for name in (CURRENT, *OF_A_VERSION):
        place = warehouse / name
        # Report and workbook used to be files, before versions were folders.
        if (
            os.path.lexists(place)
            and not place.is_symlink()
            and (place.is_dir() or name in (CURRENT, LINK, PARQUET))
        ):
            raise UserError(
                f"{place}: expected a link that a build made, found something else; move it away and build again."
            )
    versions = warehouse / VERSIONS
    with _failures_in_words(warehouse, memory_limit):
        versions.mkdir(exist_ok=True)
        name = f"{_next_number(warehouse):06}-{at:%Y%m%dT%H%M%SZ}"
        folder = partial_of(versions / name)
        config: dict[str, Any] = {
            "memory_limit": memory_limit,
            "threads": threads,
            "temp_directory": str(partial_of(versions / f"{name}.tmp")),
        }
        (folder / PARQUET).mkdir(parents=True)
        (folder / MODELS).parent.mkdir()
        tables = _write(folder, work, manifest, config, seen_as)
    return Prepared(warehouse, name, folder, folder / LINK, tables)


def publish(version: Prepared, *, keep: int, group: int | None = None) -> Published:
    """Let the link lead to a version, and remove old versions.

    Args:
        version: what `prepare` made.
        keep: number of newest versions that stay, this one included.
        group: of the operating system, that may read what is published; None: the owner alone.

    Raises UserError where the file system refuses; what was published before stays as it was. What goes wrong once
    the new version is in use is a remark.
    """
    warehouse, versions = version.warehouse, version.warehouse / VERSIONS
    folder, link = versions / version.name, warehouse / LINK
    with _failures_in_words(warehouse):
        in_use = version_in_use(warehouse)
        (version.folder / FOLLOWS).write_text(in_use.name if in_use else "", encoding="utf-8")
        # Each step is on disk before the next one rests on it: content, name, link, and only then the removal of
        # old versions. So a power cut leaves the link on a whole version, too.
        for path in sorted(version.folder.rglob("*"), reverse=True):
            path.chmod(0o700 if path.is_dir() else 0o400)
            share(path, group)
            sync(path)
        share(version.folder, group)
        sync(version.folder)
        version.folder.rename(folder)
        share(versions, group)
        sync(versions)
        _remove_stray_log(link)
        _switch(warehouse / CURRENT, Path(VERSIONS) / version.name)
    remarks = []
    try:
        link_names(warehouse)
        sync(warehouse)
        _prune(versions, folder, keep)
    except OSError as error:
        remarks.append(
            f"{folder} is published, but {error.filename or warehouse} cannot be put in order ({error.strerror})"
        )
    return Published(folder, folder / LINK, link, version.tables, remarks)


def link_names(warehouse: Path) -> None:
    """Let each name that readers open lead through the link to the version in use; raises OSError where refused.

    A name of which that version has nothing goes: it may be of another, with customers who are no longer to be found.
    Where no link leads to a version, as where somebody copied the file alone, nothing is done.
    """
    if not (warehouse / CURRENT).is_symlink():
        return
    for name in OF_A_VERSION:
        place, target = warehouse / name, Path(CURRENT) / name
        if not (warehouse / target).exists():
            place.unlink(missing_ok=True)
        elif not (place.is_symlink() and place.readlink() == target):
            _switch(place, target)


def versions_of(warehouse: Path) -> list[Path]:
    """Every whole version, the oldest first: folders by their number, after those of before."""
    versions = warehouse / VERSIONS
    numbered = (
        [path for path in versions.iterdir() if VERSION.fullmatch(path.name)] if versions.is_dir() else []
    )
    return [*sorted(versions.glob(OLD_VERSIONS)), *sorted(numbered, key=number_of)]


def version_in_use(warehouse: Path) -> Path | None:
    """The folder of the version in use; None where nothing is published, or an earlier release did, in a file."""
    current = warehouse / CURRENT
    return warehouse / os.readlink(current) if current.is_symlink() else None


def roll_back(warehouse: Path, version: Path) -> None:
    """Let the link lead to an earlier version, from one moment to the next: tables, report and workbook with it.

    Raises UserError where the file system refuses.
    """
    with _failures_in_words(warehouse):
        _remove_stray_log(warehouse / LINK)
        _switch(warehouse / CURRENT, Path(VERSIONS) / version.name)
        link_names(warehouse)
        sync(warehouse)


def number_of(version: Path) -> int:
    """The number of a version's folder; 0 where it has none."""
    found = VERSION.fullmatch(version.name)
    return int(found[1]) if found else 0


def _next_number(warehouse: Path) -> int:
    in_use = version_in_use(warehouse) or Path()
    return 1 + max(map(number_of, [*versions_of(warehouse), in_use]))


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
    """Let the link lead to a target, a path from where the link is, from one moment to the next."""
    new = partial_of(link)
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)


def _write(
    folder: Path, work: Path, manifest: Path, config: dict[str, Any], seen_as: SeenAs | None
) -> dict[str, int]:
    """Write the marts of work to a version's new file, closed and without a log beside it, and to Parquet files; the models.

    Returns rows per table.
    """
    path = folder / LINK
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
        rows = {mart["name"]: _copy(connection, mart, features, seen_as) for mart in marts}
        connection.execute("checkpoint published")
        for name in rows:
            # Snappy, the default, is what every reader knows, Excel's Power Query included.
            file = sql_text(str(folder / PARQUET / f"{name}.parquet"))
            connection.execute(f"copy published.marts.{sql_name(name)} to {file} (format parquet)")
        connection.execute(f"copy work.model.int_models to {sql_text(str(folder / MODELS))} (format parquet)")
        accounts = sql_text(str(folder / ACCOUNTS))
        none = " where false" if seen_as else ""
        connection.execute(f"copy (from work.{ACCOUNTS_KEPT}{none}) to {accounts} (format parquet)")
        connection.execute("detach published")
    # A log would not move with the file: what counts is what the file itself holds.
    Path(f"{path}.wal").unlink(missing_ok=True)
    with duckdb.connect(str(path), read_only=True, config=config) as connection:
        for name, count in rows.items():
            found = connection.execute(f"select count(*) from marts.{sql_name(name)}").fetchall()[0][0]
            if found != count:
                raise RuntimeError(f"marts.{name}: {count} rows were copied, {found} are in {path}")
    return rows


def _copy(
    connection: duckdb.DuckDBPyConnection,
    mart: dict[str, Any],
    features: dict[str, str],
    seen_as: SeenAs | None,
) -> int:
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
    comments = {column: _description(column, mart["columns"], features) for column, _ in columns}
    copy_table(
        connection,
        seen_as(name, source, [column for column, _ in columns]) if seen_as else f"from {source}",
        target,
        mart["config"]["meta"].get("primary_key", []),
        mart["description"],
        {column: words for column, words in comments.items() if words},
    )
    rows: int = connection.execute(f"select count(*) from {source}").fetchall()[0][0]
    return rows


def copy_table(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    target: str,
    key: Sequence[str],
    comment: str,
    comments: dict[str, str],
) -> None:
    """Make a table of a query's rows, with its key and comments.

    Args:
        connection: where both are.
        query: what it holds.
        target: its SQL name.
        key: columns of the primary key; none where it has none.
        comment: what it is.
        comments: what its columns are, of those that say so.
    """
    columns = ", ".join(map(sql_name, key))
    # Rows in the key's order make the file the same from run to run, and the index 3 times as fast to build.
    order = f" order by {columns}" if key else ""
    connection.execute(f"create table {target} as from ({query}){order}")
    if key:
        connection.execute(f"alter table {target} add primary key ({columns})")
    if comment:
        connection.execute(f"comment on table {target} is {sql_text(comment)}")
    for column, words in comments.items():
        connection.execute(f"comment on column {target}.{sql_name(column)} is {sql_text(words)}")


def _description(column: str, columns: dict[str, dict[str, str]], features: dict[str, str]) -> str:
    if column in columns:
        return columns[column]["description"]
    for ending, word in (("_mean", "Mean"), ("_median", "Median")):
        feature = column.removesuffix(ending)
        if column.endswith(ending) and feature in features:
            return f"{word} of: {features[feature]}"
    return ""


def _remove_stray_log(link: Path) -> None:
    """Remove the log of a writer that had no business here, before the link leads to another file.

    DuckDB 1.5 looks for a log beside the version, under a name that is new each time; 1.3 and 1.4, which
    BI drivers may still contain, look beside the link and replay what they find into the new version.
    """
    Path(f"{link}.wal").unlink(missing_ok=True)


def _prune(versions: Path, current: Path, keep: int) -> None:
    """Remove all but the newest `keep` versions.

    Who has an old version open goes on reading it: the file lives until the last one closes it.
    """
    for version in versions_of(versions.parent)[: -max(keep, 1)]:
        if version == current:
            continue
        if version.is_dir():
            # Not a version from one moment to the next: a removal that is cut short leaves no half of one.
            going = partial_of(version)
            version.rename(going)
            remove(going)
        else:
            remove(version.with_suffix(".parquet"))
            remove(version)
            # Only root can have opened a version for writing and left a log.
            remove(Path(f"{version}.wal"))
