"""The intake: looks at what SOURCE is and makes it readable as relations in schema `raw`.

Reads the input files and the dbt source YAMLs; writes views and three small tables (`inputs`,
`unreadable_rows`, and, for broken files, `joined_rows`/`row_shifts`) in schema `raw` of the connection's
database, nothing else. No data is copied: the views read the files each time they are queried.

Views, one per entity of the contract (`raw.accounts` ...): the contract's columns, then all others of the
input, in lower case; then `_file` (path inside the source folder), `_row_number` (1-based, of data rows;
unreadable rows count, blank lines do not) and `_decimal_comma` (one value per entity). Columns of CSV
files are text, those of Parquet files have their own types.

DuckDB 1.5.5 does not drop an unused window from a plan (later versions do, its pull request 25770), and
a row number of a CSV row is a window: it keeps the scan on one thread. So each entity has a second view
without `_row_number`, `raw.<entity>_unnumbered`, for scans of everything. Parquet rows know their number;
there both views cost the same.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote

import duckdb
import yaml

from scripts.csv_dialect import (
    DELIMITERS,
    Dialect,
    column_names,
    decimal_comma_sql,
    has_blank_line,
    is_decimal_comma,
    is_utf8,
    normalise,
    open_file,
    read_csv,
    sniff,
    sql_name,
    sql_path,
    sql_paths,
    sql_text,
)
from scripts.csv_lines import LineCount, count_lines, lines_sql, rows_sql
from scripts.errors import UserError

ENDINGS = (".csv", ".csv.gz", ".parquet")
EXPECTED = (
    "expected: a customer summary (one .csv, .csv.gz or .parquet file) or a ledger (a folder with accounts, "
    "transactions and statements, each such a file or a folder of such files)"
)

# Endings of data files that cannot be read; left out in silence they would be lost rows.
FOREIGN_ENDINGS = [
    ".tsv",
    ".txt",
    ".xls",
    ".xlsx",
    ".xlsm",
    ".ods",
    ".json",
    ".jsonl",
    ".ndjson",
    ".avro",
    ".orc",
    ".zip",
    ".7z",
    ".bz2",
    ".xz",
    ".zst",
    ".lz4",
    ".tar",
    ".tgz",
    ".gz",
]

# The decimal mark is looked for in so many rows of each kind of file.
DECIMAL_ROWS = 10_000

# More corrections of row numbers than this are joined from a table instead of written into the view.
MOST_LITERAL_SHIFTS = 2_000

# Longer raw rows are cut in `unreadable_rows`; a row swallowed by an open quote can be megabytes.
MOST_RAW_CHARACTERS = 10_000

# Kinds of rejected rows that DuckDB skips reliably. Others (quotes, lines without end) cost rows around.
SKIPPABLE = ("MISSING COLUMNS", "TOO MANY COLUMNS")


@dataclass(frozen=True)
class Column:
    """One input column of the contract: its name, SQL type, and whether it may be empty."""

    name: str
    data_type: str
    may_be_empty: bool

    @property
    def is_number(self) -> bool:
        """True for amounts, shares and counts."""
        return self.data_type.split("(")[0] in ("decimal", "double", "float", "integer", "bigint")


@dataclass(frozen=True)
class Contract:
    """The input contract: for each kind (`ledger`, `summary`) its entities and their columns."""

    ledger: Mapping[str, tuple[Column, ...]]
    summary: Mapping[str, tuple[Column, ...]]

    def entities(self, kind: str) -> Mapping[str, tuple[Column, ...]]:
        """Return the entities of one kind of input."""
        return self.ledger if kind == "ledger" else self.summary


@dataclass(frozen=True)
class InputFile:
    """One input file. `rows` counts data rows, unreadable ones included; `bytes` as stored.

    `encoding`, `delimiter` and `decimal_separator` are None for Parquet.
    """

    source: str
    file: str
    path: Path
    format: str
    bytes: int
    rows: int = 0
    unreadable_rows: int = 0
    encoding: str | None = None
    delimiter: str | None = None
    decimal_separator: str | None = None


@dataclass(frozen=True)
class Intake:
    """What SOURCE is: `kind` is 'summary' or 'ledger'; `notes` are sentences for the user."""

    kind: str
    files: tuple[InputFile, ...]
    notes: tuple[str, ...]


@dataclass
class _Entity:
    """One entity while it is looked at."""

    name: str
    columns: tuple[Column, ...]
    folder: Path  # `_file` is relative to it
    files: list[InputFile]
    parts: list[_Part] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    decimal_comma: bool = False

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]


@dataclass
class _Part:
    """Files of one entity that one SQL scan can read, in the scan's order."""

    files: list[InputFile]
    names: tuple[str, ...]  # of the scan's columns, Hive keys included
    scan: str  # with column _intake_path
    numbered: str  # with _intake_path and _row_number
    text: bool


def load_contract(sources_folder: Path) -> Contract:
    """Read the contract from the dbt source YAMLs (`*__sources.yml`) in the folder or below it.

    Raises UserError when the sources `ledger` and `summary` are not both there.
    """
    found: dict[str, dict[str, tuple[Column, ...]]] = {}
    for path in sorted(sources_folder.rglob("*__sources.yml")):
        for source in yaml.safe_load(path.read_text(encoding="utf-8")).get("sources", []):
            if source["name"] not in ("ledger", "summary"):
                continue
            found[source["name"]] = {
                table["name"]: tuple(
                    Column(
                        column["name"],
                        column["data_type"],
                        bool(column.get("config", {}).get("meta", {}).get("may_be_empty", False)),
                    )
                    for column in table["columns"]
                )
                for table in source["tables"]
            }
    if not {"ledger", "summary"} <= set(found):
        raise UserError(
            f"{sources_folder} does not hold the input contract: sources ledger and summary in *__sources.yml "
            f"were expected, found {', '.join(sorted(found)) or 'none'}; restore dbt_project/models/staging."
        )
    return Contract(found["ledger"], found["summary"])


def open_source(connection: duckdb.DuckDBPyConnection, source: Path, contract: Contract) -> Intake:
    """Make SOURCE readable as views in schema `raw` of the connection's database.

    Also fills `raw.inputs` (one row per file) and `raw.unreadable_rows` (one row per row of a CSV file
    that cannot be split into the header's columns). All of it is replaced in one transaction; when the
    input is unusable, UserError says why and the earlier relations stay. CSV files are read once from end
    to end to check them, of Parquet files only the footers.
    """
    kind, entities = _look(source, contract)
    try:
        connection.execute(
            "create or replace temp table intake_unreadable "
            "(source varchar, file varchar, row_number bigint, raw_row varchar, reason varchar)"
        )
        connection.execute(
            "create or replace temp table intake_joined (source varchar, file varchar, row_number bigint, raw_row varchar)"
        )
        connection.execute(
            "create or replace temp table intake_shifts (source varchar, part integer, first_rank bigint, shift bigint)"
        )
        for entity in entities:
            if entity.files[0].format == "parquet":
                _open_parquet(connection, entity)
            else:
                _open_csv(connection, entity)
            _refuse_without_rows(connection, entity)
        _publish(connection, entities)
    finally:
        for table in ("unreadable", "joined", "shifts", "errors", "scans"):
            connection.execute(f"drop table if exists temp.intake_{table}")
    return Intake(
        kind,
        tuple(file for entity in entities for file in entity.files),
        tuple(note for entity in entities for note in entity.notes),
    )


# --- What SOURCE is -------------------------------------------------------------------------------------


def _look(source: Path, contract: Contract) -> tuple[str, list[_Entity]]:
    """Find out the kind of input and its files."""
    if not os.path.lexists(source):
        raise UserError(f"SOURCE={source} does not exist; {EXPECTED}.")
    path = source.resolve()
    if path.is_dir():
        return "ledger", _look_into_folder(source, path, contract)
    if not path.is_file():
        raise UserError(f"SOURCE={source} is neither a file nor a folder; {EXPECTED}.")
    ((name, columns),) = contract.summary.items()
    if _ending(path.name) is None:
        raise UserError(f"SOURCE={source} is no .csv, .csv.gz or .parquet file; {EXPECTED}.")
    file = _input_file(name, path.parent, path)
    entity = _Entity(name, columns, path.parent, [file])
    if file.format == "csv":
        # A ledger's file named alone deserves a better hint than 18 missing columns.
        header = {normalise(column) for column in sniff(path, entity.names).header}
        for ledger_name, ledger_columns in contract.ledger.items():
            if {column.name for column in ledger_columns} <= header and not set(entity.names) <= header:
                raise UserError(
                    f"SOURCE={source} holds a ledger's {ledger_name}; give the folder that holds it together with "
                    f"{' and '.join(other for other in contract.ledger if other != ledger_name)}."
                )
    return "summary", [entity]


def _look_into_folder(source: Path, path: Path, contract: Contract) -> list[_Entity]:
    children = _children(path)
    named: dict[str, list[Path]] = {name: [] for name in contract.ledger}
    for child in children:
        stem = child.name.lower()
        for ending in ENDINGS:
            stem = stem.removesuffix(ending)
        if stem in named:
            named[stem].append(child)
    missing = [name for name, paths in named.items() if not paths]
    if len(missing) == len(named):
        data_files = [child for child in children if child.is_file() and _ending(child.name)]
        if len(data_files) == 1 and _is_summary(data_files[0], contract):
            raise UserError(
                f"SOURCE={source} is a folder; name the customer summary in it: SOURCE={source / data_files[0].name}"
            )
        held = ", ".join(child.name for child in children[:10]) or "nothing"
        raise UserError(
            f"SOURCE={source} is a folder without accounts, transactions and statements (it holds {held}); {EXPECTED}."
        )
    if missing:
        raise UserError(
            f"SOURCE={source} is a ledger without {' and '.join(missing)}: expected {missing[0]}.csv, {missing[0]}.csv.gz, "
            f"{missing[0]}.parquet or a folder {missing[0]} beside {', '.join(n for n in named if n not in missing)}."
        )
    entities = []
    for name, paths in named.items():
        if len(paths) > 1:
            both = " and ".join(sorted(child.name for child in paths))
            raise UserError(f"SOURCE={source} holds {name} more than once ({both}); leave one of them.")
        entities.append(_look_at_entity(name, contract.ledger[name], path, paths[0]))
    return entities


def _look_at_entity(name: str, columns: tuple[Column, ...], folder: Path, path: Path) -> _Entity:
    notes: list[str] = []
    if path.is_dir():
        if _ending(path.name):
            raise UserError(
                f"{path} is a folder, but its name says file; a folder of parts is named {name}, without {_ending(path.name)}."
            )
        paths = _parts(path, notes, set())
        if not paths:
            raise UserError(
                f"{path} holds no .csv, .csv.gz or .parquet file; at least one part with {name} was expected."
            )
    else:
        if not _ending(path.name):
            raise UserError(
                f"{path} is a file without an ending; expected {name}.csv, {name}.csv.gz, {name}.parquet or a folder {name}."
            )
        paths = [path]
    files = [_input_file(name, folder, part) for part in paths]
    first_of = {file.format: file for file in reversed(files)}
    if len(first_of) > 1:
        raise UserError(
            f"{path} mixes CSV and Parquet parts ({first_of['csv'].file}, {first_of['parquet'].file}); "
            "write all parts of one table in one format."
        )
    return _Entity(name, columns, folder, files, notes=notes)


def _parts(folder: Path, notes: list[str], seen: set[Path]) -> list[Path]:
    """Return the data files below a folder in the order of their names, links followed."""
    real = folder.resolve()
    if real in seen:
        return []
    seen.add(real)
    parts = []
    for child in _children(folder):
        # Spark and others put markers and logs beside the parts: _SUCCESS, .crc, _delta_log.
        if child.name.startswith(("_", ".")):
            continue
        if child.is_dir():
            parts += _parts(child, notes, seen)
        elif _ending(child.name):
            parts.append(child)
        elif child.suffix.lower() in FOREIGN_ENDINGS:
            raise UserError(
                f"{child} cannot be read; parts must end in .csv, .csv.gz or .parquet (move it away if it is none)."
            )
        else:
            notes.append(f"{child} was left out: it does not end in .csv, .csv.gz or .parquet.")
    return parts


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except PermissionError:
        raise UserError(
            f"{folder} cannot be listed: permission denied; give yourself the right to read it."
        ) from None


def _ending(name: str) -> str | None:
    return next(
        (ending for ending in ENDINGS if name.lower().endswith(ending) and len(name) > len(ending)), None
    )


def _input_file(source: str, folder: Path, path: Path) -> InputFile:
    form = "parquet" if _ending(path.name) == ".parquet" else "csv"
    with open_file(path) as opened:
        size = os.fstat(opened.fileno()).st_size
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        raise UserError(f"{str(path)!a}: the path is not UTF-8; rename it.") from None
    return InputFile(source, str(path.relative_to(folder)), path, form, size)


def _is_summary(path: Path, contract: Contract) -> bool:
    """Say whether a file looks like a summary; any file that cannot be read does not."""
    names = {column.name for columns in contract.summary.values() for column in columns}
    try:
        if path.name.lower().endswith(".parquet"):
            with duckdb.connect() as own:
                described = own.execute(f"describe select * from read_parquet({sql_path(path)})").fetchall()
            return names <= {normalise(row[0]) for row in described}
        return names <= {normalise(name) for name in sniff(path, names).header}
    except (UserError, duckdb.Error):
        return False


def _hive_keys(file: InputFile) -> tuple[str, ...]:
    """Return the keys of `key=value` folders on the file's way."""
    return tuple(
        part.split("=", 1)[0] for part in Path(file.file).parts[:-1] if re.fullmatch(r"[^=]+=.*", part)
    )


def _check_columns(entity: _Entity, file: InputFile, found: Sequence[str]) -> None:
    """Raise UserError when columns of the contract are missing or stand twice in one file."""
    names = [normalise(name) for name in found]
    twice = [name for name in entity.names if names.count(name) > 1]
    if twice:
        raise UserError(
            f"{file.path} has the column {', '.join(twice)} more than once; keep one and rename the others."
        )
    missing = [name for name in entity.names if name not in names]
    if missing:
        others = [name for name in names if name and name not in entity.names]
        near = []
        for name in missing:
            match = difflib.get_close_matches(name, others, 1, 0.6)
            near += [f"{match[0]} for {name}"] if match else []
        suggestion = f"; near names: {', '.join(near)}" if near else ""
        shown = ", ".join(name.strip() or "(no name)" for name in found[:40])
        raise UserError(
            f"{file.path} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)} of {entity.name}; "
            f"found: {shown}{suggestion}."
        )


# --- Parquet --------------------------------------------------------------------------------------------


def _open_parquet(connection: duckdb.DuckDBPyConnection, entity: _Entity) -> None:
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
                raise _damaged(path, str(error).splitlines()[0]) from None
        raise
    rows = {Path(name): int(count) for name, count in counted}
    entity.files = [replace(file, rows=rows[file.path]) for file in entity.files]

    groups: dict[tuple[tuple[tuple[str, str], ...], tuple[str, ...]], list[InputFile]] = {}
    for file in entity.files:
        columns = schemas[file.path]
        keys = _added_keys(file, [name for name, _ in columns])
        _check_columns(entity, file, [*(name for name, _ in columns), *keys])
        for name, data_type in columns:
            if normalise(name) in entity.names and data_type == "NESTED":
                raise UserError(
                    f"{file.path}: column {name} is nested (a list, struct or map); a plain value was expected."
                )
        groups.setdefault((columns, keys), []).append(file)
    for (part_columns, part_keys), files in groups.items():
        entity.parts.append(_parquet_part(entity, files, part_columns, part_keys))


def _parquet_part(
    entity: _Entity, files: list[InputFile], columns: tuple[tuple[str, str], ...], keys: tuple[str, ...]
) -> _Part:
    originals = [name for name, _ in columns] + list(keys)
    names = column_names(originals)
    if "file_row_number" in [name.lower() for name in originals]:
        raise UserError(f"{files[0].path}: a column must not be named file_row_number; rename it.")
    # Some writers store text without saying that it is text.
    binary = any(data_type == "BLOB" and normalise(name) in entity.names for name, data_type in columns)
    relation = (
        f"read_parquet({sql_paths([file.path for file in files])}, filename = '_intake_path', file_row_number = true"
        f"{', binary_as_string = true' if binary else ''}{_hive_options(keys)})"
    )
    selected = ", ".join(
        f"{sql_name(original)} as {sql_name(name)}" for original, name in zip(originals, names, strict=True)
    )
    return _Part(
        files,
        names,
        f"(select {selected}, _intake_path from {relation})",
        f"(select {selected}, _intake_path, file_row_number + 1 as _row_number from {relation})",
        text=False,
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
            f"{file.path} is no Parquet file, though its name says so; give a Parquet file or name it .csv if it is one."
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
        f"select file_name, name, duckdb_type, coalesce(num_children, 0) from parquet_schema({sql_paths(paths)})"
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


def _added_keys(file: InputFile, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the Hive keys to read from the path: all of them, unless the file itself has one of them."""
    keys = _hive_keys(file)
    return () if {normalise(key) for key in keys} & {normalise(name) for name in columns} else keys


def _hive_options(keys: Sequence[str]) -> str:
    if not keys:
        return ", hive_partitioning = false"
    return ", hive_partitioning = true, hive_types_autocast = false"


# --- CSV ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _CsvFile:
    file: InputFile
    dialect: Dialect
    keys: tuple[str, ...]
    clean: bool = True
    lines: LineCount | None = None


def _open_csv(connection: duckdb.DuckDBPyConnection, entity: _Entity) -> None:
    waiting = []
    for file in entity.files:
        dialect = sniff(file.path, entity.names)
        keys = _added_keys(file, dialect.header)
        _check_columns(entity, file, [*dialect.header, *keys])
        waiting.append(_CsvFile(file, dialect, keys))
    checked: list[_CsvFile] = []
    while waiting:
        again: list[_CsvFile] = []
        for group in _grouped(waiting):
            done, retry = _check_group(connection, entity, group)
            checked += done
            again += retry
        waiting = again

    order = {file.path: place for place, file in enumerate(entity.files)}
    checked.sort(key=lambda item: order[item.file.path])
    for part, group in enumerate(_grouped(checked)):
        if group[0].lines:
            entity.parts.append(_lines_part(connection, entity, group[0], part))
        else:
            entity.parts.append(_csv_part(connection, entity, group, part))
    _decide_decimal_mark(connection, entity, checked[0].dialect.delimiter)
    entity.files = [
        replace(
            item.file,
            encoding=item.dialect.encoding,
            delimiter=item.dialect.delimiter,
            decimal_separator="," if entity.decimal_comma else ".",
        )
        for item in checked
    ]
    _add_notes(entity, checked)


def _grouped(files: Sequence[_CsvFile]) -> list[list[_CsvFile]]:
    """Group files that one scan can read; a file read by lines stands alone."""
    groups: dict[tuple[object, ...], list[_CsvFile]] = {}
    for item in files:
        alone = item.file.path if item.lines else None
        groups.setdefault((item.dialect, item.keys, item.clean, alone), []).append(item)
    return list(groups.values())


def _check_group(
    connection: duckdb.DuckDBPyConnection, entity: _Entity, group: list[_CsvFile]
) -> tuple[list[_CsvFile], list[_CsvFile]]:
    """Read files of one dialect once, all columns; return those that are understood and those to try again."""
    dialect = group[0].dialect
    for table in ("errors", "scans"):
        connection.execute(f"drop table if exists temp.intake_{table}")
    relation = read_csv(
        [item.file.path for item in group],
        dialect,
        ", store_rejects = true, rejects_table = 'intake_errors', rejects_scan = 'intake_scans'",
    )
    # A column that is not read is not checked for its encoding.
    counts = ", ".join(f"count({sql_name(name)})" for name in column_names(dialect.header))
    try:
        counted = connection.execute(
            f"select _intake_path, count(*), {counts} from {relation} group by 1"
        ).fetchall()
        rejected = connection.execute(
            "select file_path, error_type::varchar, count(distinct line) "
            "from temp.intake_errors join temp.intake_scans using (scan_id, file_id) group by all"
        ).fetchall()
    except duckdb.Error:
        # Mixed line ends stop the reader; find out in which file.
        if len(group) > 1:
            split = [_check_group(connection, entity, [item]) for item in group]
            return [item for done, _ in split for item in done], [
                item for _, again in split for item in again
            ]
        return [_by_lines(connection, entity, group[0])], []

    rows = {Path(row[0]): int(row[1]) for row in counted}
    errors: dict[Path, dict[str, int]] = {}
    for name, error, count in rejected:
        errors.setdefault(Path(name), {})[error] = int(count)
    done: list[_CsvFile] = []
    again: list[_CsvFile] = []
    accepted: list[_CsvFile] = []
    for item in group:
        path = item.file.path
        kinds = errors.get(path, {})
        good = rows.get(path, 0)
        if "INVALID ENCODING" in kinds and dialect.encoding == "utf-8":
            again.append(replace(item, dialect=replace(dialect, encoding="latin-1")))
        elif any(kind not in SKIPPABLE for kind in kinds) or (kinds and has_blank_line(path, dialect)):
            done.append(_by_lines(connection, entity, item))
        else:
            bad = sum(kinds.values())
            file = replace(item.file, rows=good + bad, unreadable_rows=bad)
            accepted.append(replace(item, file=file, clean=not bad))
    if any(not item.clean for item in accepted):
        _keep_rejects(connection, entity, [item for item in accepted if not item.clean])
    return done + accepted, again


def _keep_rejects(connection: duckdb.DuckDBPyConnection, entity: _Entity, files: list[_CsvFile]) -> None:
    """Put the rejected rows of these files into intake_unreadable; several errors of one row are one."""
    # `line` counts the header and every row, whatever its line breaks.
    paths = ", ".join(f"({sql_text(str(item.file.path))}, {sql_text(item.file.file)})" for item in files)
    expected = len(files[0].dialect.header)
    skip = files[0].dialect.skip
    found = "cast(regexp_extract(error_message, 'Found: ([0-9]+)', 1) as bigint)"
    connection.execute(
        f"""
        insert into intake_unreadable
        with reasons as (
            select
                file,
                line - 1 - {skip} as row_number,
                trim(any_value(csv_line), chr(10) || chr(13)) as raw_row,
                case when bool_or(error_type::varchar = 'MISSING COLUMNS') then min({found}) else max({found}) end as found
            from temp.intake_errors
            join temp.intake_scans using (scan_id, file_id)
            join (values {paths}) as files (path, file) on file_path = path
            group by all
        )
        select
            {sql_text(entity.name)}, file, row_number, raw_row[:{MOST_RAW_CHARACTERS}],
            found || if(found = 1, ' column', ' columns') || ', but the header has {expected}'
        from reasons
        """
    )


def _by_lines(connection: duckdb.DuckDBPyConnection, entity: _Entity, item: _CsvFile) -> _CsvFile:
    """Take a file with broken quotes or line ends for what its lines say."""
    dialect = item.dialect
    if dialect.encoding == "utf-8" and not is_utf8(item.file.path, dialect):
        dialect = replace(dialect, encoding="latin-1")
    lines = count_lines(connection, item.file.path, dialect)
    name, file = entity.name, item.file.file
    if lines.unreadable:
        numbers, texts, reasons = zip(*lines.unreadable, strict=True)
        connection.execute(
            f"insert into intake_unreadable select ?, ?, unnest(?::bigint[]), unnest(?::varchar[])[:{MOST_RAW_CHARACTERS}], "
            "unnest(?::varchar[])",
            [name, file, list(numbers), list(texts), list(reasons)],
        )
    if lines.joined:
        places, rows = zip(*lines.joined, strict=True)
        connection.execute(
            "insert into intake_joined select ?, ?, unnest(?::bigint[]), unnest(?::varchar[])",
            [name, file, list(places), list(rows)],
        )
    bad = len(lines.unreadable)
    return replace(
        item,
        dialect=dialect,
        clean=not bad,
        lines=lines,
        file=replace(item.file, rows=lines.rows + bad, unreadable_rows=bad),
    )


def _csv_part(
    connection: duckdb.DuckDBPyConnection, entity: _Entity, group: list[_CsvFile], part: int
) -> _Part:
    """Return the scan of files of one dialect; rows that the check rejected are skipped again."""
    files = [item.file for item in group]
    options = _hive_options(group[0].keys) + ("" if group[0].clean else ", ignore_errors = true")
    relation = read_csv([file.path for file in files], group[0].dialect, options)
    # A row's place among the readable rows of all files, corrected by file starts and rejected rows.
    starts = []
    before = 0
    for file in files:
        good = file.rows - file.unreadable_rows
        starts.append(f"({sql_text(file.file)}, {before}, {good})")
        before += good
    connection.execute(
        f"""
        insert into intake_shifts
        with starts (file, before, good) as (values {", ".join(starts)}),
        rejects as (
            select file, row_number, row_number() over (partition by file order by row_number) as nth
            from intake_unreadable where source = {sql_text(entity.name)}
        ),
        shifts as (
            select before + 1 as first_rank, -before as shift from starts where good > 0
            union all
            select before + row_number - nth + 1, nth - before
            from rejects join starts using (file)
            where row_number - nth < good
        )
        select {sql_text(entity.name)}, {part}, first_rank, max(shift) from shifts group by first_rank
        """
    )
    numbered = f"(select *, row_number() over () as _intake_rank from {relation})"
    keys = column_names([*group[0].dialect.header, *group[0].keys])[len(group[0].dialect.header) :]
    renamed = ", ".join(
        f"{sql_name(key)} as {sql_name(name)}"
        for key, name in zip(group[0].keys, keys, strict=True)
        if key != name
    )
    names = column_names(group[0].dialect.header) + keys
    scan = f"(select * rename ({renamed}) from {relation})" if renamed else relation
    if renamed:
        numbered = f"(select * rename ({renamed}) from {numbered})"
    return _Part(files, names, scan, _number(connection, entity, part, numbered), text=True)


def _lines_part(connection: duckdb.DuckDBPyConnection, entity: _Entity, item: _CsvFile, part: int) -> _Part:
    """Return the scan of one broken file by lines, with the rows that go over several lines."""
    assert item.lines is not None
    path, dialect = item.file.path, item.dialect
    if item.lines.shifts:
        ranks, shifts = zip(*item.lines.shifts, strict=True)
        connection.execute(
            "insert into intake_shifts select ?, ?, unnest(?::bigint[]), unnest(?::bigint[])",
            [entity.name, part, list(ranks), list(shifts)],
        )
    place = f", {sql_text(str(path))} as _intake_path"
    pairs = [p.partition("=") for p in Path(item.file.file).parts[:-1] if "=" in p]
    values = {name: value for name, _, value in pairs}
    keys = column_names([*dialect.header, *item.keys])[len(dialect.header) :]
    for key, name in zip(item.keys, keys, strict=True):
        place += f", {sql_text(unquote(str(values[key])))} as {sql_name(name)}"
    scan = rows_sql(lines_sql(path, dialect, numbered=False), dialect, place)
    numbered = _number(
        connection,
        entity,
        part,
        rows_sql(lines_sql(path, dialect, numbered=True), dialect, place + ", _intake_rank"),
    )
    if item.lines.joined:
        joined = (
            f"(select raw_row as _intake_line, row_number from raw.joined_rows where source = {sql_text(entity.name)} "
            f"and file = {sql_text(item.file.file)})"
        )
        scan = f"(from {scan} union all by name from {rows_sql(joined, dialect, place)})"
        more = rows_sql(joined, dialect, place + ", row_number as _row_number")
        numbered = f"(from {numbered} union all by name from {more})"
    return _Part([item.file], column_names(dialect.header) + keys, scan, numbered, text=True)


def _number(connection: duckdb.DuckDBPyConnection, entity: _Entity, part: int, relation: str) -> str:
    """Return the relation with `_intake_rank` turned into `_row_number` by the part's shifts."""
    where = f"source = {sql_text(entity.name)} and part = {part}"
    shifts = connection.execute(
        f"select first_rank, shift from intake_shifts where {where} order by 1 limit {MOST_LITERAL_SHIFTS + 1}"
    ).fetchall()
    if len(shifts) > MOST_LITERAL_SHIFTS:
        return (
            f"(select ranked.* exclude (_intake_rank), _intake_rank + coalesce(shift, 0) as _row_number from {relation} as ranked "
            f"asof left join (select first_rank, shift from raw.row_shifts where {where}) as shifts "
            "on _intake_rank >= first_rank)"
        )
    connection.execute(f"delete from intake_shifts where {where}")
    return f"(select * exclude (_intake_rank), _intake_rank + {_shift_sql([(0, 0), *shifts])} as _row_number from {relation})"


def _shift_sql(shifts: Sequence[tuple[int, int]]) -> str:
    """Return the shift of a rank as a balanced tree of cases: about twelve comparisons at most."""
    if len(shifts) == 1:
        return f"({shifts[0][1]})"
    half = len(shifts) // 2
    return f"case when _intake_rank < {shifts[half][0]} then {_shift_sql(shifts[:half])} else {_shift_sql(shifts[half:])} end"


def _decide_decimal_mark(connection: duckdb.DuckDBPyConnection, entity: _Entity, delimiter: str) -> None:
    numbers = [column.name for column in entity.columns if column.is_number]
    if not numbers:
        return
    samples = " union all by name ".join(
        f"(select {', '.join(map(sql_name, numbers))} from {_unpublished(part.scan)} limit {DECIMAL_ROWS})"
        for part in entity.parts
    )
    counts = connection.execute(decimal_comma_sql(f"({samples})", numbers)).fetchone()
    assert counts is not None
    commas, points, either_comma, either_point = (int(count or 0) for count in counts)
    entity.decimal_comma = is_decimal_comma(commas, points, either_comma, either_point, delimiter)
    if entity.decimal_comma:
        entity.notes.append(f"{entity.name}: numbers are read with a decimal comma.")
    if commas and points:
        fewer = "comma" if commas <= points else "point"
        entity.notes.append(
            f"{entity.name}: some numbers have a decimal {fewer}, unlike most; they will be rejected."
        )
    elif either_comma and not commas and not points:
        meaning = "decimals" if entity.decimal_comma else "thousands"
        entity.notes.append(
            f"{entity.name}: commas in numbers like 1,234 are taken to set off {meaning}; no number tells."
        )


def _unpublished(sql: str) -> str:
    """Return a part's SQL reading the tables not yet published."""
    return sql.replace("raw.joined_rows", "temp.intake_joined").replace(
        "raw.row_shifts", "temp.intake_shifts"
    )


def _add_notes(entity: _Entity, files: Sequence[_CsvFile]) -> None:
    def some(chosen: list[str]) -> str:
        return ", ".join(chosen[:3]) + (f" and {len(chosen) - 3} more" if len(chosen) > 3 else "")

    for encoding, said in (("latin-1", "Latin-1, because its bytes are not UTF-8"), ("utf-16", "UTF-16")):
        chosen = [item.file.file for item in files if item.dialect.encoding == encoding]
        if chosen:
            entity.notes.append(f"{some(chosen)}: read as {said}.")
    for delimiter, said in DELIMITERS.items():
        chosen = [item.file.file for item in files if item.dialect.delimiter == delimiter]
        if chosen and delimiter != ",":
            entity.notes.append(f"{some(chosen)}: columns are separated by {said}.")
    chosen = [item.file.file for item in files if item.lines]
    if chosen:
        entity.notes.append(
            f"{some(chosen)}: read line by line, which is slower, because of quotes that do not close, mixed line ends,"
            " or blank lines beside unreadable rows."
        )
    bad = sum(item.file.unreadable_rows for item in files)
    if bad:
        entity.notes.append(
            f"{entity.name}: {bad:,} row{'' if bad == 1 else 's'} cannot be split into the header's columns."
        )


# --- Into the database ----------------------------------------------------------------------------------


def _refuse_without_rows(connection: duckdb.DuckDBPyConnection, entity: _Entity) -> None:
    """Raise UserError when no row of the entity can be read."""
    rows = sum(file.rows for file in entity.files)
    bad = sum(file.unreadable_rows for file in entity.files)
    first = (
        entity.files[0].path
        if len(entity.files) == 1
        else entity.folder / Path(entity.files[0].file).parts[0]
    )
    if not rows:
        what = (
            "has columns but no rows"
            if entity.files[0].format == "parquet"
            else "has a header but no data rows"
        )
        raise UserError(f"{first} {what}; at least one row of {entity.name} was expected.")
    if rows == bad:
        reason = connection.execute(
            "select reason, row_number from intake_unreadable where source = ? order by file, row_number limit 1",
            [entity.name],
        ).fetchone()
        assert reason is not None
        raise UserError(
            f"{first}: none of its {rows:,} rows can be read (row {reason[1]}: {reason[0]}); "
            "check the delimiter and the quotes, and export it again."
        )


def _publish(connection: duckdb.DuckDBPyConnection, entities: list[_Entity]) -> None:
    """Replace the relations of schema `raw`, all or none."""
    files = [file for entity in entities for file in entity.files]
    connection.execute("begin")
    try:
        connection.execute("create schema if not exists raw")
        old = connection.execute(
            "select view_name from duckdb_views() where schema_name = 'raw' and database_name = current_database()"
        ).fetchall()
        for (name,) in old:
            connection.execute(f"drop view raw.{sql_name(name)}")
        connection.execute(
            "create or replace table raw.inputs (source varchar, file varchar, format varchar, bytes bigint, rows bigint, "
            "unreadable_rows bigint, encoding varchar, delimiter varchar, decimal_separator varchar)"
        )
        facts = [
            (
                f.source,
                f.file,
                f.format,
                f.bytes,
                f.rows,
                f.unreadable_rows,
                f.encoding,
                f.delimiter,
                f.decimal_separator,
            )
            for f in files
        ]
        connection.execute(
            "insert into raw.inputs select " + ", ".join(["unnest(?)"] * 9),
            [list(values) for values in zip(*facts, strict=True)],
        )
        for name, temporary in (
            ("unreadable_rows", "unreadable"),
            ("joined_rows", "joined"),
            ("row_shifts", "shifts"),
        ):
            connection.execute(f"create or replace table raw.{name} as from temp.intake_{temporary}")
        for entity in entities:
            connection.execute(
                f"create view raw.{sql_name(entity.name)} as {_view_sql(entity, numbered=True)}"
            )
            connection.execute(
                f"create view raw.{sql_name(entity.name + '_unnumbered')} as {_view_sql(entity, numbered=False)}"
            )
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def _view_sql(entity: _Entity, numbered: bool) -> str:
    # Paths in the scan are absolute; the source folder is cut off.
    prefix = len(str(entity.folder).rstrip("/")) + 1
    selects = []
    for part in entity.parts:
        names = entity.names + [name for name in part.names if name not in entity.names]
        columns = ", ".join(sql_name(name) for name in names)
        number = ", cast(_row_number as bigint) as _row_number" if numbered else ""
        flag = "true" if entity.decimal_comma else "false"
        selects.append(
            f"select {columns}, _intake_path[{prefix + 1}:] as _file{number}, {flag} as _decimal_comma "
            f"from {part.numbered if numbered else part.scan}"
        )
    joined = " union all by name ".join(selects)
    if len(selects) == 1:
        return joined
    # By name: columns that only some parts have would come after the intake's own.
    added = ["_file", *(["_row_number"] if numbered else []), "_decimal_comma"]
    return f"select * exclude ({', '.join(added)}), {', '.join(added)} from ({joined})"
