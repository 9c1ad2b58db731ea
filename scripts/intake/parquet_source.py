"""Parquet files of one entity as a relation: only their footers are read here. Writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from scripts.base.errors import UserError
from scripts.base.quoting import sql_name, sql_paths
from scripts.base.sentences import reason_of, shown
from scripts.intake.csv_dialect import column_names, normalise, open_file
from scripts.intake.source_files import (
    Entity,
    InputFile,
    Part,
    added_keys,
    check_columns,
    contract_names,
    hive_options,
)


def open_parquet(connection: duckdb.DuckDBPyConnection, entity: Entity) -> None:
    """Add the scans and row counts of the entity's Parquet files to it.

    Raises UserError for a file that cannot be used. Damage inside a file's data shows only when it is read.
    """
    for file in entity.files:
        _check_parquet_marks(file)
    paths = [file.path for file in entity.files]
    try:
        schemas = _parquet_schemas(connection, paths)
        counted = connection.execute(
            f"select file_name, num_rows from parquet_file_metadata({sql_paths(paths)})"
        ).fetchall()
    except duckdb.Error:
        # Find the one to blame.
        for path in paths:
            try:
                _parquet_schemas(connection, [path])
            except duckdb.Error as error:
                raise _damaged(path, reason_of(error)) from None
        raise
    rows = {Path(name): int(count) for name, count in counted}
    entity.files = [replace(file, rows=rows[file.path]) for file in entity.files]

    groups: dict[tuple[tuple[tuple[str, str], ...], tuple[str, ...]], list[InputFile]] = {}
    for file in entity.files:
        columns = schemas[file.path]
        keys = added_keys(file, [name for name, _ in columns])
        check_columns(entity, file, contract_names(entity, [*(name for name, _ in columns), *keys]))
        for name, data_type in columns:
            if normalise(name) in entity.wanted and data_type == "NESTED":
                raise UserError(
                    f"{file.path}: column {shown(name)} is nested (a list, struct or map); "
                    "a plain value was expected."
                )
        groups.setdefault((columns, keys), []).append(file)
    for (part_columns, part_keys), files in groups.items():
        entity.parts.append(_parquet_part(entity, files, part_columns, part_keys))


def _parquet_part(
    entity: Entity, files: list[InputFile], columns: tuple[tuple[str, str], ...], keys: tuple[str, ...]
) -> Part:
    originals = [name for name, _ in columns] + list(keys)
    names = column_names(contract_names(entity, originals))
    if "file_row_number" in [name.lower() for name in originals]:
        raise UserError(f"{files[0].path}: a column must not be named file_row_number; rename it.")
    # Some writers store text without saying that it is text.
    binary = any(data_type == "BLOB" and normalise(name) in entity.wanted for name, data_type in columns)
    relation = (
        f"read_parquet({sql_paths([file.path for file in files])}, "
        f"filename = '_intake_path', file_row_number = true"
        f"{', binary_as_string = true' if binary else ''}{hive_options(keys)})"
    )
    selected = ", ".join(
        f"{sql_name(original)} as {sql_name(name)}" for original, name in zip(originals, names, strict=True)
    )
    return Part(
        files,
        names,
        f"(select {selected}, _intake_path from {relation})",
        f"(select {selected}, _intake_path, file_row_number + 1 as _row_number from {relation})",
        text=False,
        originals=tuple(originals),
        types=dict(columns),
        keys=keys,
    )


def _check_parquet_marks(file: InputFile) -> None:
    with open_file(file.path) as opened:
        first = opened.read(4)
        opened.seek(max(0, file.bytes - 4))
        last = opened.read(4)
    if not first:
        raise UserError(f"{file.path} is empty (0 bytes); a Parquet file with data rows was expected.")
    if first == b"PARE" or last == b"PARE":
        raise UserError(
            f"{file.path} is an encrypted Parquet file, which cannot be read; write it without encryption."
        )
    if first != b"PAR1":
        raise UserError(
            f"{file.path} is no Parquet file, though its name says so; "
            "give a Parquet file, or name it .csv if it is one."
        )
    if last != b"PAR1" or file.bytes < 12:
        raise _damaged(file.path, "its end is missing")


def _damaged(path: Path, reason: str) -> UserError:
    return UserError(f"{path} is a cut-off or damaged Parquet file ({reason}); copy or export it again.")


def _parquet_schemas(
    connection: duckdb.DuckDBPyConnection, paths: Sequence[Path]
) -> dict[Path, tuple[tuple[str, str], ...]]:
    """Return each file's columns with their types (NESTED for lists and the like), from the footers."""
    rows = connection.execute(
        "select file_name, name, duckdb_type, coalesce(num_children, 0) "
        f"from parquet_schema({sql_paths(paths)})"
    ).fetchall()
    schemas: dict[Path, tuple[tuple[str, str], ...]] = {}
    at = 0
    while at < len(rows):
        path, children = Path(rows[at][0]), rows[at][3]
        at += 1
        columns = []
        for _ in range(children):
            nested = rows[at][3] > 0
            columns.append((rows[at][1], "NESTED" if nested else str(rows[at][2])))
            # The tree is listed depth first: skip what hangs below this column.
            open_nodes = 1
            while open_nodes:
                open_nodes += rows[at][3] - 1
                at += 1
        schemas[path] = tuple(columns)
    return schemas
