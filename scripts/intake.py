"""Open the input: make a file or a folder readable as views in the schema `raw`, copying nothing.

Reads the source's files; writes views and the tables raw.inputs and raw.unreadable_rows in work.duckdb.
"""

import codecs
import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import yaml

from scripts.errors import UserError

TEXT_ENDINGS, PARQUET_ENDINGS = (".csv", ".csv.gz"), (".parquet",)
DELIMITERS = (",", ";", "\t", "|")
# Rows looked at to tell a decimal comma from a decimal point.
ROWS_LOOKED_AT = 5000
ADDED = ("_file", "_row_number", "_decimal_comma")


@dataclass(frozen=True)
class Contract:
    """Columns each input table must have, in order, by table, and which of them hold numbers."""

    summary: dict[str, list[str]]
    ledger: dict[str, list[str]]
    numbers: dict[str, list[str]]


@dataclass(frozen=True)
class Intake:
    """What the source turned out to be, its files, and remarks for the user."""

    kind: str
    files: list[Path]
    notes: list[str]


@dataclass(frozen=True)
class InputFile:
    """One file as it is to be read; `columns` are its header's, as they stand there."""

    path: Path
    shown: str
    is_text: bool
    columns: list[str]
    delimiter: str
    encoding: str


def load_contract(sources: Path) -> Contract:
    """Read the input contract from dbt's source files below a folder."""
    tables: dict[str, dict[str, list[str]]] = {"summary": {}, "ledger": {}}
    numbers: dict[str, list[str]] = {}
    for path in sorted(sources.rglob("*__sources.yml")):
        for source in yaml.safe_load(path.read_text(encoding="utf-8"))["sources"]:
            for table in source["tables"] if source["name"] in tables else []:
                tables[source["name"]][table["name"]] = [c["name"] for c in table["columns"]]
                numbers[table["name"]] = [
                    c["name"] for c in table["columns"] if c["data_type"].startswith(("decimal", "double"))
                ]
    return Contract(tables["summary"], tables["ledger"], numbers)


def open_source(connection: duckdb.DuckDBPyConnection, source: Path, contract: Contract) -> Intake:
    """Find out what SOURCE is, check every file, and make the views that staging reads.

    Raises UserError, a sentence on the file and the fault, where the source cannot be used; views made
    by an earlier build then stay.
    """
    if not source.exists():
        raise UserError(f"SOURCE={source}: no such file or folder; expected a customer summary or a ledger folder.")
    if source.is_dir():
        kind = "ledger"
        found = {entity: _parts(source, entity) for entity in contract.ledger}
    else:
        kind = "summary"
        found = {entity: [source] for entity in contract.summary}
    columns = contract.ledger if kind == "ledger" else contract.summary
    notes: list[str] = []
    connection.execute("begin")
    try:
        connection.execute("create schema if not exists raw")
        connection.execute(
            "create or replace table raw.inputs (source varchar, file varchar, format varchar, bytes bigint,"
            " rows bigint, unreadable_rows bigint, encoding varchar, delimiter varchar, decimal_separator varchar)"
        )
        connection.execute(
            "create or replace table raw.unreadable_rows"
            " (source varchar, file varchar, row_number bigint, raw_row varchar, reason varchar)"
        )
        for entity, paths in found.items():
            files = [_inspect(path, source, columns[entity]) for path in paths]
            _open_entity(connection, entity, files, contract.numbers[entity], notes)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return Intake(kind, [path for paths in found.values() for path in paths], notes)


def _parts(folder: Path, entity: str) -> list[Path]:
    endings = TEXT_ENDINGS + PARQUET_ENDINGS
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror}); check its permissions.") from None
    for entry in entries:
        name = entry.name.lower()
        if entry.is_file() and name in {entity + ending for ending in endings}:
            return [entry]
        if entry.is_dir() and name == entity:
            parts = [p for p in sorted(entry.rglob("*")) if p.is_file() and p.name.lower().endswith(endings)]
            if parts:
                return parts
    raise UserError(
        f"{folder}: no {entity} in this folder; a ledger needs {entity}.csv, {entity}.parquet or a folder"
        f" {entity} with such parts. A customer summary is given as a file: SOURCE=path/to/file.csv."
    )


def _inspect(path: Path, source: Path, required: list[str]) -> InputFile:
    """Look at a file's first bytes and header."""
    shown = str(path.relative_to(source)) if path != source else path.name
    name = path.name.lower()
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check its permissions.") from None
    if not start:
        raise UserError(f"{path}: the file is empty; expected a header and rows.")
    if name.endswith(PARQUET_ENDINGS):
        if start != b"PAR1":
            raise UserError(f"{path}: not a Parquet file, whatever its name says; write it again.")
        columns = _parquet_columns(path)
        file = InputFile(path, shown, False, columns, "", "")
    elif name.endswith(TEXT_ENDINGS):
        if start in (b"PAR1", b"PK\x03\x04"):
            raise UserError(f"{path}: not a CSV file, whatever its name says; save it as CSV.")
        encoding = _encoding(path)
        header = _header(path, encoding)
        wanted = set(required)
        best = max(DELIMITERS, key=lambda d: len(wanted & {_plain(c) for c in _split(header, d)}))
        file = InputFile(path, shown, True, _split(header, best), best, encoding)
    else:
        raise UserError(f"{path}: expected a file that ends in .csv, .csv.gz or .parquet.")
    plain = [_plain(c) for c in file.columns]
    missing = [c for c in required if c not in plain]
    if missing:
        raise UserError(
            f"{path}: missing columns {', '.join(missing)}; found {', '.join(file.columns)}."
            " Add them or rename yours; header case does not matter."
        )
    twice = sorted({c for c in plain if plain.count(c) > 1})
    if twice:
        raise UserError(f"{path}: columns {', '.join(twice)} stand twice in the header; keep one of each.")
    return file


def _parquet_columns(path: Path) -> list[str]:
    with duckdb.connect() as reader:
        try:
            described = reader.execute(f"describe select * from read_parquet({_literal(path)})").fetchall()
        except duckdb.Error:
            raise UserError(f"{path}: the Parquet file is damaged or cut off; write it again.") from None
    for name, kind, *_ in described:
        if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")):
            raise UserError(f"{path}: column {name} is nested ({kind}); expected plain columns.")
    return [row[0] for row in described]


def _encoding(path: Path) -> str:
    """UTF-8 where every byte fits, UTF-16 by its mark, else Latin-1."""
    if path.name.lower().endswith(".gz"):
        return "utf-8"
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as stream:
        block = stream.read(1 << 20)
        if block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        try:
            while block:
                decoder.decode(block)
                block = stream.read(1 << 20)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "latin-1"
    return "utf-8"


def _header(path: Path, encoding: str) -> str:
    import gzip

    opener: Any = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opener(path, "rt", encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline=None) as stream:
            return str(stream.readline(1 << 20)).rstrip("\n")
    except (OSError, EOFError, UnicodeError):
        raise UserError(f"{path}: cannot be read as text; save it as CSV in UTF-8.") from None


def _split(header: str, delimiter: str) -> list[str]:
    return next(csv.reader([header], delimiter=delimiter), [])


def _plain(column: str) -> str:
    return column.strip().lower()


def _open_entity(
    connection: duckdb.DuckDBPyConnection,
    entity: str,
    files: list[InputFile],
    numbers: list[str],
    notes: list[str],
) -> None:
    if len({f.is_text for f in files}) > 1:
        raise UserError(f"{entity}: CSV and Parquet parts are mixed; expected one format.")
    comma = files[0].is_text and _decimal_comma(connection, files[0], numbers)
    if comma:
        notes.append(f"{entity}: numbers are read with a decimal comma")
    for encoding in sorted({f.encoding for f in files} - {"utf-8", ""}):
        notes.append(f"{entity}: read as {encoding}, since the bytes are not UTF-8")
    queries = []
    total = 0
    for file in files:
        unreadable = _validate(connection, entity, file) if file.is_text else []
        rows = _rows(connection, file) + len(unreadable)
        total += rows - len(unreadable)
        if rows == 0 and len(files) == 1:
            raise UserError(f"{file.path}: there is a header and no row; expected at least one.")
        connection.execute(
            "insert into raw.inputs values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                entity, file.shown, "csv" if file.is_text else "parquet", file.path.stat().st_size, rows,
                len(unreadable), file.encoding, file.delimiter, "," if comma else ".",
            ],
        )  # fmt: skip
        queries.append(_select(file, unreadable, comma))
    if total == 0:
        raise UserError(f"{files[0].path}: no row of {entity} can be read; expected rows like the header.")
    connection.execute(f"create or replace view raw.{entity} as {' union all by name '.join(queries)}")


def _validate(connection: duckdb.DuckDBPyConnection, entity: str, file: InputFile) -> list[int]:
    """Read a CSV file once; rows that cannot be read go to raw.unreadable_rows. Return their numbers."""
    with duckdb.connect() as reader:
        try:
            reader.execute(f"select count(*) from {_read_csv(file, rejects=True)}").fetchall()
        except duckdb.Error as error:
            raise UserError(f"{file.path}: cannot be read as CSV ({_first_line(error)}); save it again.") from None
        # A line counts rows, the header being the first; a row may have several faults.
        found = reader.execute(
            "select line - 1, any_value(csv_line order by column_idx), any_value(error_type order by column_idx)"
            " from reject_errors group by line order by line"
        ).fetchall()
    for number, line, fault in found:
        connection.execute(
            "insert into raw.unreadable_rows values (?, ?, ?, ?, ?)",
            [entity, file.shown, number, line, f"the row cannot be read: {str(fault).lower()}"],
        )
    return [row[0] for row in found]


def _rows(connection: duckdb.DuckDBPyConnection, file: InputFile) -> int:
    query = (
        f"select count(*) from {_read_csv(file, rejects=False)}"
        if file.is_text
        else f"select num_rows from parquet_file_metadata({_literal(file.path)})"
    )
    try:
        return int(connection.execute(query).fetchall()[0][0])
    except duckdb.Error as error:
        raise UserError(f"{file.path}: cannot be read ({_first_line(error)}).") from None


def _select(file: InputFile, unreadable: list[int], comma: bool) -> str:
    plain = ", ".join(
        f"{_quoted(f'column{i}' if file.is_text else name)} as {_quoted(_plain(name))}"
        for i, name in enumerate(file.columns)
        if _plain(name) not in ADDED
    )
    if file.is_text:
        # A readable row's number is its place among the readable ones and the unreadable before it.
        place = "row_number() over ()"
        relation = _read_csv(file, rejects=False)
        gaps = [number - before for before, number in enumerate(unreadable)]
        if gaps:
            place = f"{place} + len(list_filter({gaps}, gap -> gap <= row_number() over ()))"
    else:
        place = "file_row_number + 1"
        relation = f"read_parquet({_literal(file.path)}, file_row_number = true)"
    return (
        f"select {plain}, {_literal(file.shown)} as _file, cast({place} as bigint) as _row_number,"
        f" {str(comma).lower()} as _decimal_comma from {relation}"
    )


def _read_csv(file: InputFile, *, rejects: bool) -> str:
    names = ", ".join(f"'column{i}': 'VARCHAR'" for i in range(len(file.columns)))
    options = [
        _literal(file.path),
        "auto_detect = false", "header = true", f"delim = {_literal(file.delimiter)}",
        "quote = '\"'", "escape = '\"'", f"columns = {{{names}}}", f"encoding = '{file.encoding}'",
        "store_rejects = true" if rejects else "ignore_errors = true", "max_line_size = 10000000",
    ]  # fmt: skip
    if rejects:
        options.append("rejects_limit = 0")
    return f"read_csv({', '.join(options)})"


def _decimal_comma(connection: duckdb.DuckDBPyConnection, file: InputFile, numbers: list[str]) -> bool:
    """Whether more numbers end in a comma and other than three digits than in a point and digits."""
    places = [i for i, name in enumerate(file.columns) if _plain(name) in numbers]
    texts = ", ".join(f"column{i}" for i in places)
    rows = connection.execute(
        f"select {texts} from {_read_csv(file, rejects=False)} limit {ROWS_LOOKED_AT}"
    ).fetchall()
    commas = points = 0
    for row in rows:
        for text in row:
            commas += bool(text and re.fullmatch(r"\s*[+-]?[\d. ]*\d,(\d{1,2}|\d{4,})\s*", text))
            points += bool(text and re.fullmatch(r"\s*[+-]?[\d, ]*\d\.(\d{1,2}|\d{4,})\s*", text))
    return commas > points


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _literal(value: object) -> str:
    text = str(value.absolute()) if isinstance(value, Path) else str(value)
    if isinstance(value, Path):
        # In a path these would be a pattern; a class of one character is the character itself.
        text = re.sub(r"([\[*?])", r"[\1]", text)
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
