"""Publish the marts: a new read-only version, then one atomic switch of the link.

Reads warehouse/work.duckdb; writes warehouse/versions/ and the link warehouse/card_segments.duckdb.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import duckdb

from scripts.errors import UserError

LINK = "card_segments.duckdb"
PARTIAL = ".partial-"
NOT_FOR_BI = ("HUGEINT", "UHUGEINT", "STRUCT", "MAP", "ENUM", "UNION", "JSON", "BIT", "INTERVAL", "UBIGINT",
              "UINTEGER", "USMALLINT", "UTINYINT")  # fmt: skip


@dataclass(frozen=True)
class Published:
    """What was published: the version's file, the link to it, and rows per table."""

    path: Path
    link: Path
    tables: dict[str, int]


def remove_leftovers(warehouse: Path) -> None:
    """Remove what a killed build left behind half written."""
    for leftover in [*warehouse.glob(f"{PARTIAL}*"), *(warehouse / "versions").glob(f"{PARTIAL}*")]:
        leftover.unlink()


def publish(
    *, work: Path, warehouse: Path, manifest: Path, run: str, keep: int, memory_limit: str, threads: int
) -> Published:
    """Copy every model of schema marts, with comments and keys, and point the link at the copy.

    Raises UserError where the file system refuses; what was published before stays as it was.
    """
    link = warehouse / LINK
    if link.exists() and not link.is_symlink():
        raise UserError(
            f"{link}: expected a link that a build made, found a file; move it away and build again."
        )
    versions = warehouse / "versions"
    partial = versions / f"{PARTIAL}{run}.duckdb"
    final = versions / f"card_segments_{run}.duckdb"
    try:
        versions.mkdir(exist_ok=True)
        tables = _write(partial, work, manifest, memory_limit, threads)
        _sync(partial)
        partial.chmod(0o444)
        partial.rename(final)
        new_link = warehouse / f"{PARTIAL}{run}.link"
        new_link.symlink_to(Path("versions") / final.name)
        new_link.replace(link)
        _sync(versions)
        _sync(warehouse)
    except (OSError, duckdb.IOException) as error:
        raise UserError(
            f"{warehouse}: cannot publish ({str(error).splitlines()[0]}); nothing changed."
        ) from None
    finally:
        partial.unlink(missing_ok=True)
    _prune(versions, final, keep)
    return Published(final, link, tables)


def _write(path: Path, work: Path, manifest: Path, memory_limit: str, threads: int) -> dict[str, int]:
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
    models = [n for n in nodes if n["resource_type"] == "model" and n["schema"] == "marts"]
    features = {
        name: column["description"]
        for n in models if n["name"] == "customer_features"
        for name, column in n["columns"].items()
    }  # fmt: skip
    rows: dict[str, int] = {}
    with duckdb.connect(config={"memory_limit": memory_limit, "threads": threads}) as connection:
        connection.execute(f"attach {_text(str(work))} as work (read_only)")
        connection.execute(f"attach {_text(str(path))} as published")
        connection.execute("create schema published.marts")
        for model in sorted(models, key=lambda n: n["name"]):
            name = model["name"]
            source, target = f'work.marts."{name}"', f'published.marts."{name}"'
            for column, kind in connection.execute(
                f"select column_name, column_type from (describe {source})"
            ).fetchall():
                if kind.startswith(NOT_FOR_BI) or kind.endswith("]"):
                    raise RuntimeError(
                        f"marts.{name}.{column} has type {kind}, which BI tools cannot read: cast it"
                    )
            key = model["config"]["meta"].get("primary_key", [])
            order = f" order by {', '.join(key)}" if key else ""
            connection.execute(f"create table {target} as select * from {source}{order}")
            if key:
                connection.execute(f"alter table {target} add primary key ({', '.join(key)})")
            connection.execute(f"comment on table {target} is {_text(model['description'])}")
            for (column,) in connection.execute(f"select column_name from (describe {target})").fetchall():
                words = _description(column, model["columns"], features)
                if words:
                    connection.execute(f'comment on column {target}."{column}" is {_text(words)}')
            counts = [
                connection.execute(f"select count(*) from {r}").fetchall()[0][0] for r in (source, target)
            ]
            if counts[0] != counts[1]:
                raise RuntimeError(f"marts.{name}: {counts[0]} rows became {counts[1]}")
            rows[name] = counts[1]
        connection.execute("checkpoint published")
        connection.execute("detach published")
    with duckdb.connect(str(path), read_only=True) as connection:
        for name, count in rows.items():
            if connection.execute(f'select count(*) from marts."{name}"').fetchall() != [(count,)]:
                raise RuntimeError(f"marts.{name} did not arrive whole in {path}")
    return rows


def _description(column: str, columns: dict[str, dict[str, str]], features: dict[str, str]) -> str:
    if column in columns:
        return columns[column]["description"]
    for ending, word in (("_mean", "Mean"), ("_median", "Median")):
        feature = column.removesuffix(ending)
        if column.endswith(ending) and feature in features:
            return f"{word} of: {features[feature]}"
    return ""


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _prune(versions: Path, current: Path, keep: int) -> None:
    """Remove all but the newest `keep` versions; names sort by the time of the run."""
    kept = sorted(versions.glob("card_segments_*.duckdb"))[-max(keep, 1) :]
    for version in versions.glob("card_segments_*.duckdb"):
        if version not in kept and version != current:
            version.unlink()
