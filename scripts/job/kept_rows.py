"""Rows of the input's files of text, kept from build to build, so that a month that comes is read and not the years before it.

A CSV file takes long to read: to split, to check, to turn into numbers and dates. While its content, the way it is read
and the release are the same, a build takes its rows from a Parquet file that the build before wrote (dbt's macro
rows_read_once) and what it found in it from files.json. Files of Parquet are quick as they are, and are not copied.

Reads and writes warehouse/rows, where a file that cannot be used is a file that is read again; writes a table of schema
raw to the connection it is given.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from scripts.base.files import partial_of, remove, whole_file
from scripts.base.paths import ROWS
from scripts.base.quoting import sql_text
from scripts.base.rights import share
from scripts.intake.csv_source import MOST_PARTS
from scripts.intake.source import Intake
from scripts.intake.source_files import FileCounts, InputFile
from scripts.job.built_from import project_digest
from scripts.job.unchanged_input import Seen

FILES = "files.json"
# The tables with a row for each of what happened. Accounts come whole every time.
TABLES = ("transactions", "statements")


@dataclass(frozen=True)
class KeptRows:
    """Where the rows of this build's files are, and will be.

    Attributes:
        folder: of what earlier builds wrote.
        new: of what this build writes.
        files: names of the Parquet files of this build, in one or the other.
        counted: what was found in each CSV file, by how its content is known.
        remark: which files are not read again, in a sentence; empty where all are.
    """

    folder: Path
    new: Path
    files: tuple[str, ...]
    counted: Mapping[str, FileCounts]
    remark: str


def known_files(warehouse: Path, files: Mapping[Path, Seen], mapping: str) -> dict[Path, FileCounts]:
    """What an earlier build found in files that are the same still.

    files: of the input. mapping: digest of the mapping, which says what columns they must have.
    """
    try:
        before = json.loads((warehouse / ROWS / FILES).read_text(encoding="utf-8"))
        return {
            path: FileCounts(**before[name])
            for path, seen in files.items()
            if (name := _content(path, seen, mapping)) in before
        }
    except (OSError, ValueError, TypeError):
        return {}


def offer_rows(
    connection: duckdb.DuckDBPyConnection,
    intake: Intake,
    files: Mapping[Path, Seen],
    mapping: str,
    warehouse: Path,
    *,
    tables: Collection[str],
) -> KeptRows:
    """Write the table raw.kept_files, by which dbt takes rows from what is kept, and keeps those of files that are new.

    tables: those whose rows may be kept, if a scan of one of their files does not read the others.

    Raises OSError where the folder for them cannot be made.
    """
    folder = warehouse / ROWS
    new = partial_of(folder)
    remove(new)
    offered = []
    if intake.kind == "ledger":
        # Rows of a table may be joined to those of files that are none of its own.
        beside = sorted(
            seen.digest for path, seen in files.items() if path not in {f.path for f in intake.files}
        )
        for entity in tables:
            if sum(file.source == entity for file in intake.files) > MOST_PARTS:
                continue
            reading = [entity, sorted(intake.spellings.items()), beside, _columns(connection, entity)]
            for file in intake.files:
                if file.source == entity and _is_sound(file, intake):
                    name = f"{_digest([reading, file.file, _content(file.path, files[file.path], mapping)])}.parquet"
                    offered.append((entity, file.file, name, _is_whole(connection, folder / name)))
    connection.execute(
        "create or replace table raw.kept_files (source varchar, file varchar, path varchar, is_there boolean)"
    )
    for entity, file_name, name, is_there in offered:
        path = (folder if is_there else new) / name
        values = ", ".join(map(sql_text, (entity, file_name, str(path))))
        connection.execute(f"insert into raw.kept_files values ({values}, {str(is_there).lower()})")
    if not all(is_there for *_, is_there in offered):
        new.mkdir(mode=0o700)
    counted = {_content(path, files[path], mapping): counts for path, counts in intake.counted.items()}
    kept = sum(is_there for *_, is_there in offered)
    remark = (
        f"{kept} of {sum(file.source in TABLES for file in intake.files)} files of {' and '.join(TABLES)} are as they were:"
        " their rows are those that an earlier build read"
        if kept
        else ""
    )
    return KeptRows(folder, new, tuple(name for _, _, name, _ in offered), counted, remark)


def keep_rows(kept: KeptRows) -> str:
    """Keep what the build wrote, and remove what is of none of its files; once its results are published.

    Returns a sentence where that cannot be done, else nothing: the next build reads the files again.
    """
    try:
        kept.folder.mkdir(mode=0o700, exist_ok=True)
        if kept.new.exists():
            for file in kept.new.iterdir():
                share(file, None)
                file.replace(kept.folder / file.name)
            remove(kept.new)
        with whole_file(kept.folder / FILES, private=True) as file:
            counted = {name: asdict(counts) for name, counts in kept.counted.items()}
            file.write_text(json.dumps(counted) + "\n", encoding="utf-8")
        for file in kept.folder.iterdir():
            if file.name not in (FILES, *kept.files):
                remove(file)
    except OSError as error:
        with suppress(OSError):
            remove(kept.new)
        return f"{kept.folder}: rows cannot be kept for the next build ({error.strerror}), which reads every file again"
    return ""


def _is_sound(file: InputFile, intake: Intake) -> bool:
    """Whether a file is one of text in which every row can be read."""
    return file.format == "csv" and not file.unreadable_rows and file.path in intake.counted


def _is_whole(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    if not path.exists():
        return False
    try:
        connection.execute(f"select count(*) from read_parquet({sql_text(str(path))})").fetchall()
    except duckdb.Error:
        return False
    return True


def _columns(connection: duckdb.DuckDBPyConnection, entity: str) -> list[Any]:
    """Names and types of a table of the input, on which it depends how a value is read."""
    return [row[:2] for row in connection.execute(f"describe raw.{entity}").fetchall()]


def _content(path: Path, seen: Seen, mapping: str) -> str:
    """By what a file is known to be the same, and read by the same release in the same way."""
    return _digest([str(path), seen.content, mapping, project_digest(), duckdb.__version__])


def _digest(of: Any) -> str:
    return hashlib.blake2b(json.dumps(of, default=str).encode("utf-8"), digest_size=16).hexdigest()
