"""Whether ids still stand in any file of a folder: the proof that somebody was forgotten. Reads only."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import duckdb

from scripts.base.quoting import sql_name, sql_text
from scripts.base.sentences import reason_of
from scripts.intake.customer_ids import spell_id
from scripts.intake.source_files import ID_COLUMNS
from scripts.published.taking_out import (
    CHECKS,
    REJECTED,
    SHORTEST_IN_TEXT,
    TAKEN,
    Leavers,
    hold_ready,
    holds,
    stands_in,
)

# What a picture's numbers stand in, which are nobody's ids.
DRAWN = {
    "d", "points", "transform", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "viewbox", "style",
    "fill", "stroke", "stroke-width", "font-size", "dx", "dy",
}  # fmt: skip
WORD = re.compile(r"[\w.-]")


@dataclass
class Traces:
    """What was found.

    Attributes:
        files: how many were looked through.
        found: those in which an id stands.
        unread: those that cannot be looked through, each with the reason.
    """

    files: int = 0
    found: list[Path] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def look_for(folder: Path, leavers: Leavers) -> Traces:
    """Look for ids in every file of a folder and of those in it; links are not followed.

    DuckDB and Parquet files by every column of text of every table, workbooks by the text of their cells, CSV files by their
    ids' column, and every file that is text by its words.
    """
    traces = Traces()
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        traces.files += 1
        try:
            if stands_in_file(path, leavers):
                traces.found.append(path)
        except (OSError, duckdb.Error, zipfile.BadZipFile, ElementTree.ParseError) as error:
            traces.unread.append(f"{path} ({getattr(error, 'strerror', None) or reason_of(error)})")
    return traces


def stands_in_file(path: Path, leavers: Leavers) -> bool:
    """Whether an id stands in a file; raises what its reader does where it cannot be read."""
    with path.open("rb") as file:
        head = file.read(12)
    if head[8:12] == b"DUCK" or head[:4] == b"PAR1":
        return _in_tables(path, leavers, is_parquet=head[:4] == b"PAR1")
    told = [each for each in leavers.ids if len(each) >= SHORTEST_IN_TEXT]
    if head[:4] == b"PK\x03\x04":
        return any(_in_part(texts, leavers.ids, told) for texts in _texts_of_archive(path))
    content = path.read_bytes()
    text = content.decode("utf-8", "replace")
    if path.suffix == ".html":
        parser = _PageTexts()
        parser.feed(text)
        return any(has_word(each, told) for each in parser.texts)
    if path.suffix == ".csv" and _in_id_column(text, leavers.ids):
        return True
    return has_word(text, told)


def has_word(text: str, ids: Iterable[str]) -> bool:
    """Whether one of the ids stands in a text as a word of its own, as `stands_in` says for SQL."""
    return any(_has_word(text, each) for each in ids)


def _has_word(text: str, identifier: str) -> bool:
    start = text.find(identifier)
    while start >= 0:
        before = text[start - 1 : start]
        after = re.sub(r"^[.]0+(?![\w-])", "", text[start + len(identifier) :][:20])
        # A full stop ends a sentence, or stands within a number or name.
        ends = not WORD.match(after) or re.match(r"[.](\W|$)", after)
        if ends and not WORD.match(before):
            return True
        start = text.find(identifier, start + 1)
    return False


def _in_tables(path: Path, leavers: Leavers, *, is_parquet: bool) -> bool:
    with duckdb.connect() as connection:
        hold_ready(connection, leavers)
        if is_parquet:
            relation = f"read_parquet({sql_text(str(path))})"
            connection.execute(f"create temp view {sql_name(path.stem)} as from {relation}")
            return _in_table(connection, "temp", path.stem, leavers)
        connection.execute(f"attach {sql_text(str(path))} as looked (read_only)")
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'looked' order by 1, 2"
        ).fetchall()
        return any(
            _in_table(connection, f"looked.{sql_name(schema)}", table, leavers) for schema, table in tables
        )


def _in_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str, leavers: Leavers) -> bool:
    relation = f"{schema}.{sql_name(table)}"
    columns = connection.execute(f"select column_name, column_type from (describe {relation})").fetchall()
    names = {name for name, _ in columns}
    is_known = {REJECTED: {"raw_row", "reason", "row_number"}, CHECKS: {"example_ids", "meaning"}}.get(table)
    if is_known and is_known <= names and holds(connection, schema, table, leavers):
        return True
    for name, kind in columns:
        text = f"cast({sql_name(name)} as varchar)"
        if name in ID_COLUMNS:
            # Nothing else stands there, and the column may be long.
            query = f"select 1 from {relation} where trim({text}) in (select id from {TAKEN}) limit 1"
        elif "VARCHAR" in kind or "JSON" in kind:
            query = (
                f"select 1 from (select distinct {text} as text from {relation}) inner join {TAKEN}"
                f" on length(id) >= {SHORTEST_IN_TEXT} and {stands_in('text', 'id')} limit 1"
            )
        else:
            continue
        if connection.execute(query).fetchall():
            return True
    return False


def _texts_of_archive(path: Path) -> Iterator[list[tuple[bool, str]]]:
    """The texts of each part of a workbook, and whether each is a cell's; numbers are none."""
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.filename.endswith((".xml", ".rels", ".vml")):
                with archive.open(entry) as part:
                    named = (
                        (element.tag.rpartition("}")[2], element.text or "")
                        for _, element in ElementTree.iterparse(part)
                    )
                    yield [(tag == "t", text) for tag, text in named if text and tag != "v"]


def _in_part(texts: Sequence[tuple[bool, str]], ids: Sequence[str], told: Sequence[str]) -> bool:
    cells = {spell_id(text) for is_cell, text in texts if is_cell}
    return not cells.isdisjoint(ids) or has_word("\n".join(text for _, text in texts), told)


def _in_id_column(text: str, ids: Sequence[str]) -> bool:
    rows = csv.reader(io.StringIO(text))
    head = [name.strip().lower() for name in next(rows, [])]
    places = [place for place, name in enumerate(head) if name in ID_COLUMNS]
    wanted = set(ids)
    return any(spell_id(row[place]) in wanted for row in rows for place in places if place < len(row))


class _PageTexts(HTMLParser):
    """What a page says: texts and attributes, but for the numbers by which pictures are drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts.extend(value for name, value in attrs if value and name not in DRAWN)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
