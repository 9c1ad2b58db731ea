"""What SOURCE is: the contract of the input, and the files that a summary or a ledger consists of.

Lists folders and looks at the beginning of files. Writes nothing.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from scripts.base.errors import UserError
from scripts.base.quoting import sql_path
from scripts.base.sentences import listed, shown
from scripts.base.yaml_files import read_yaml
from scripts.intake.csv_dialect import normalise, open_file, sniff

if TYPE_CHECKING:
    from scripts.intake.mapping import InputMapping

ENDINGS = (".csv", ".csv.gz", ".parquet")
EXPECTED = (
    "expected: a customer summary (one .csv, .csv.gz or .parquet file) or a ledger (a folder with accounts, "
    "transactions and statements, each such a file or a folder of such files)"
)

# Columns of a ledger that the job uses where they are there, though the contract does not ask for them.
EXTRA_COLUMNS = {
    "accounts": {"role": "varchar", "currency": "varchar", "opening_balance": "decimal(18,2)"},
    "transactions": {"currency": "varchar", "balance_after": "decimal(18,2)"},
    "statements": {"currency": "varchar"},
}

# Each scan spells out all columns: a CSV file of 2,000 columns and 1,000 rows takes 4 s and 150 MB to open. No bank's table
# of cards is as wide.
MOST_COLUMNS = 2_000

# Names of the customer's id, which mean the same wherever one stands.
ID_COLUMNS = ("customer_id", "cust_id")

SPREADSHEETS = (".xls", ".xlsx", ".xlsm", ".ods")
# A longer name is near to none of the contract's.
LONGEST_NEAR = 60
# Endings of data files that cannot be read; left out in silence they would be lost rows.
FOREIGN_ENDINGS = frozenset(
    [
        ".tsv",
        ".txt",
        *SPREADSHEETS,
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
)


@dataclass(frozen=True)
class Column:
    """One input column of the contract: its name, SQL type, whether it may be empty, and whether an input may lack it.

    What an input lacks, only a mapping can say: a column that is not found is a mistake until then.
    """

    name: str
    data_type: str
    may_be_empty: bool
    may_be_absent: bool = False
    values: tuple[str, ...] = ()  # the only ones there are, where the contract lists them

    @property
    def is_number(self) -> bool:
        """True for amounts, shares and counts."""
        return self.data_type.split("(")[0] in ("decimal", "double", "float", "integer", "bigint")

    @property
    def is_date(self) -> bool:
        """True for days."""
        return self.data_type == "date"


@dataclass(frozen=True)
class Contract:
    """The input contract: for each kind (`ledger`, `summary`) its entities and their columns.

    `optional`: the entities that a ledger need not have, with what stays unknown then.
    """

    ledger: Mapping[str, tuple[Column, ...]]
    summary: Mapping[str, tuple[Column, ...]]
    optional: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def entities(self, kind: str) -> Mapping[str, tuple[Column, ...]]:
        """Return the entities of one kind of input."""
        return self.ledger if kind == "ledger" else self.summary


@dataclass(frozen=True)
class InputFile:
    """One input file. `rows` counts data rows, unreadable ones included; `bytes` as stored.

    `stamp` tells this file, as it was when it was found, from another: see stamp_of. `encoding`, `delimiter` and `decimal_separator` are None for Parquet.
    """

    source: str
    file: str
    path: Path
    format: str
    bytes: int
    stamp: tuple[int, ...] = ()
    rows: int = 0
    unreadable_rows: int = 0
    encoding: str | None = None
    delimiter: str | None = None
    decimal_separator: str | None = None


@dataclass(frozen=True)
class FileCounts:
    """What one look at all of a sound CSV file found: rows, and by column values with a comma and words for nothing."""

    rows: int
    commas: Mapping[str, int]
    empties: Mapping[str, int]


@dataclass
class Entity:
    """One entity while it is looked at."""

    name: str
    columns: tuple[Column, ...]
    folder: Path  # `_file` is relative to it
    files: list[InputFile]
    parts: list[Part] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    decimal_comma: bool = False  # in some column
    # Values with a comma, and words for nothing, by column; not there where no scan of all rows has counted them.
    commas: dict[str, int] = field(default_factory=dict)
    empties: dict[str, int] = field(default_factory=dict)
    # The same of each file that needs no look again while its content stays; and what an earlier build found of some.
    counted: dict[Path, FileCounts] = field(default_factory=dict)
    known: Mapping[Path, FileCounts] = field(default_factory=dict)
    # What the files must have where a mapping gives the contract's columns: the bank's columns; and what comes of them.
    theirs: list[str] | None = None
    mapped: frozenset[str] = frozenset()

    @property
    def wanted(self) -> list[str]:
        """The columns that the files must have."""
        return self.names if self.theirs is None else self.theirs

    @property
    def as_they_stand(self) -> tuple[Column, ...]:
        """The contract's columns that the files have under the contract's names."""
        return tuple(column for column in self.columns if column.name not in self.mapped)

    @property
    def names(self) -> list[str]:
        """The contract's columns."""
        return [column.name for column in self.columns]


@dataclass
class Part:
    """Files of one entity that one SQL scan can read, in the scan's order."""

    files: list[InputFile]
    names: tuple[str, ...]  # of the scan's columns, Hive keys included
    scan: str  # with column _intake_path
    numbered: str  # with _intake_path and _row_number
    text: bool
    is_of_one_file: bool = False  # which `files` names
    # Of Parquet: what the files call the columns of `names`, their types, and which of them stand in the path.
    originals: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ()


def stamp_of(path: Path) -> tuple[int, ...]:
    """What the file system says of a file: device, number, size, and when content and entry last changed, in ns."""
    found = path.stat()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def load_contract(sources_folder: Path) -> Contract:
    """Read the contract from the dbt source YAMLs (`*__sources.yml`) in the folder or below it.

    Raises UserError when the sources `ledger` and `summary` are not both there.
    """
    found: dict[str, dict[str, tuple[Column, ...]]] = {}
    optional: dict[str, tuple[str, ...]] = {}
    for path in sorted(sources_folder.rglob("*__sources.yml")):
        for source in read_yaml(path).get("sources", []):
            if source["name"] not in ("ledger", "summary"):
                continue
            found[source["name"]] = {
                table["name"]: tuple(_column(column) for column in table["columns"])
                for table in source["tables"]
            }
            optional |= {
                table["name"]: tuple(_meta(table)["leaves_unknown"])
                for table in source["tables"]
                if "leaves_unknown" in _meta(table)
            }
    if not {"ledger", "summary"} <= set(found):
        raise UserError(
            f"{sources_folder} does not hold the input contract: sources ledger and summary in "
            f"*__sources.yml were expected, found {', '.join(sorted(found)) or 'none'}; "
            "restore dbt_project/models/staging."
        )
    return Contract(found["ledger"], found["summary"], optional)


def _meta(described: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = described.get("config", {}).get("meta", {})
    return found


def _column(described: Mapping[str, Any]) -> Column:
    meta = _meta(described)
    empty = bool(meta.get("may_be_empty", False))
    return Column(
        described["name"],
        described["data_type"],
        empty,
        # What may be empty in every row may be absent.
        empty or bool(meta.get("may_be_absent", False)),
        tuple(meta.get("values", ())),
    )


def look(source: Path, contract: Contract, mapping: InputMapping) -> tuple[str, list[Entity]]:
    """Find out the kind of input, 'summary' or 'ledger', and its files.

    mapping: where a bank's tables are, if it says so. An entity that is taken from another has no files yet. Raises UserError when SOURCE is neither, or something in it is in the way.
    """
    if not os.path.lexists(source):
        raise UserError(f"SOURCE={source} does not exist; {EXPECTED}.")
    path = source.resolve()
    if path.is_dir():
        return "ledger", _look_into_folder(source, path, contract, mapping)
    if not path.is_file():
        raise UserError(f"SOURCE={source} is neither a file nor a folder; {EXPECTED}.")
    ((name, columns),) = contract.summary.items()
    if path.suffix.lower() in SPREADSHEETS:
        raise UserError(
            f"SOURCE={source} is no .csv, .csv.gz or .parquet file but a spreadsheet: save the sheet as CSV UTF-8 (in"
            " Excel: File, Save As) and give that file."
        )
    if _ending(path.name) is None:
        raise UserError(f"SOURCE={source} is no .csv, .csv.gz or .parquet file; {EXPECTED}.")
    file = _input_file(name, path.parent, path)
    if any(table in contract.ledger for table in mapping.tables):
        raise UserError(
            f"SOURCE={source} is a file, but {mapping.path} describes a ledger; give the folder that the file is in."
        )
    entity = Entity(name, columns, path.parent, [file])
    _expect_theirs(entity, mapping)
    if file.format == "csv":
        # A ledger's file named alone deserves a better hint than 18 missing columns.
        header = {normalise(column) for column in sniff(path, entity.wanted).header}
        for ledger_name, ledger_columns in contract.ledger.items():
            if {column.name for column in ledger_columns} <= header and not set(entity.wanted) <= header:
                raise UserError(
                    f"SOURCE={source} holds a ledger's {ledger_name}; give the folder that holds it "
                    f"together with {' and '.join(name for name in contract.ledger if name != ledger_name)}."
                )
    return "summary", [entity]


def _expect_theirs(entity: Entity, mapping: InputMapping) -> None:
    """Note in the entity which columns its files must have."""
    if mapping.tables.get(entity.name):
        table = mapping.table(entity.name)
        entity.theirs = table.theirs(entity.columns)
        entity.mapped = frozenset(
            name
            for name, form in table.columns.items()
            if not (form.kind == "column" and form.columns == (name,))
        )


def _look_into_folder(source: Path, path: Path, contract: Contract, mapping: InputMapping) -> list[Entity]:
    if any(table in contract.summary for table in mapping.tables):
        raise UserError(
            f"SOURCE={source} is a folder, but {mapping.path} describes a customer summary; give the file itself."
        )
    children = _children(path)
    named: dict[str, list[Path]] = {name: [] for name in contract.ledger}
    for name in contract.ledger:
        if mapping.table(name).file:
            named[name] = [mapped_path(mapping, name, mapping.table(name).file, path)]
    for child in children:
        stem = child.name.lower()
        for ending in ENDINGS:
            stem = stem.removesuffix(ending)
        table = mapping.table(stem)
        if stem in named and not (table.file or table.taken_from or mapping.lacks(stem)):
            named[stem].append(child)
    missing = [
        name
        for name, paths in named.items()
        if not (paths or name in contract.optional or mapping.table(name).taken_from)
    ]
    if not any(named.values()):
        data_files = [child for child in children if child.is_file() and _ending(child.name)]
        if len(data_files) == 1 and _is_summary(data_files[0], contract):
            raise UserError(
                f"SOURCE={source} is a folder; name the customer summary in it: "
                f"SOURCE={source / data_files[0].name}"
            )
        held = listed(child.name for child in children) or "nothing"
        raise UserError(
            f"SOURCE={source} is a folder without accounts, transactions and statements "
            f"(it holds {held}); {EXPECTED}."
        )
    if missing:
        raise UserError(
            f"SOURCE={source} is a ledger without {' and '.join(missing)}: expected {missing[0]}.csv, "
            f"{missing[0]}.csv.gz, {missing[0]}.parquet or a folder {missing[0]} "
            f"beside {', '.join(name for name, paths in named.items() if paths)}."
        )
    entities = []
    for name, paths in named.items():
        if mapping.table(name).taken_from:
            entities.append(Entity(name, contract.ledger[name], path, []))
            continue
        if not paths:
            continue
        if len(paths) > 1:
            both = listed(sorted(child.name for child in paths))
            raise UserError(f"SOURCE={source} holds {name} more than once ({both}); leave one of them.")
        entities.append(look_at_entity(name, contract.ledger[name], path, paths[0]))
        _expect_theirs(entities[-1], mapping)
    return entities


def mapped_path(mapping: InputMapping, table: str, file: str, folder: Path) -> Path:
    """The path of a file that a mapping names, inside the source's folder; raises UserError where it is not there."""
    path = folder / file
    outside = Path(file).is_absolute() or ".." in Path(file).parts
    if outside or not path.exists():
        held = listed(child.name for child in _children(folder))
        raise UserError(
            f"{mapping.path}: {table}: there is no {shown(file)} in {folder} (it holds {held}); correct the name."
        )
    return path


def look_at_entity(name: str, columns: tuple[Column, ...], folder: Path, path: Path) -> Entity:
    """Find the files of one table: the file, or the folder with its parts. Raises UserError for one that is neither."""
    notes: list[str] = []
    if path.is_dir():
        if _ending(path.name):
            raise UserError(
                f"{path} is a folder, but its name says file; "
                f"a folder of parts is named {name}, without {_ending(path.name)}."
            )
        paths = _parts(path, notes, set())
        if not paths:
            raise UserError(
                f"{path} holds no .csv, .csv.gz or .parquet file; at least one part with {name} was expected."
            )
    else:
        if not _ending(path.name):
            raise UserError(
                f"{path} is a file without an ending; "
                f"expected {name}.csv, {name}.csv.gz, {name}.parquet or a folder {name}."
            )
        paths = [path]
    files = [_input_file(name, folder, part) for part in paths]
    first_of = {file.format: file for file in reversed(files)}
    if len(first_of) > 1:
        raise UserError(
            f"{path} mixes CSV and Parquet parts ({shown(first_of['csv'].file)}, {shown(first_of['parquet'].file)}); "
            "write all parts of one table in one format."
        )
    return Entity(name, columns, folder, files, notes=notes)


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
                f"{child} cannot be read; parts must end in .csv, .csv.gz or .parquet "
                "(move it away if it is none)."
            )
        else:
            notes.append(f"{child} was left out: it does not end in .csv, .csv.gz or .parquet.")
    return parts


def _children(folder: Path) -> list[Path]:
    try:
        children = sorted(folder.iterdir())
    except PermissionError:
        raise UserError(
            f"{folder} cannot be listed: permission denied; give yourself the right to read it."
        ) from None
    for child in children:
        # Whoever opens a pipe waits for a writer, perhaps for good.
        if _ending(child.name) and not child.is_dir() and not child.is_file():
            raise UserError(
                f"{child} is no file, nor a link to one (a pipe, a device or a broken link); take it out of the folder."
            )
    return children


def _ending(name: str) -> str | None:
    return next(
        (ending for ending in ENDINGS if name.lower().endswith(ending) and len(name) > len(ending)), None
    )


def _input_file(source: str, folder: Path, path: Path) -> InputFile:
    form = "parquet" if _ending(path.name) == ".parquet" else "csv"
    with open_file(path):
        stamp = stamp_of(path)
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        raise UserError(f"{str(path)!a}: the path is not UTF-8; rename it.") from None
    return InputFile(source, str(path.relative_to(folder)), path, form, stamp[2], stamp)


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


def contract_names(entity: Entity, found: Sequence[str]) -> tuple[str, ...]:
    """Return the names of a file's columns with the customer's id under the contract's name, where it has the other."""
    names = [normalise(name) for name in found]
    for wanted, other in (ID_COLUMNS, ID_COLUMNS[::-1]):
        if wanted in entity.wanted and wanted not in names and other in names:
            return tuple(wanted if name == other else as_is for name, as_is in zip(names, found, strict=True))
    return tuple(found)


def check_columns(entity: Entity, file: InputFile, found: Sequence[str]) -> None:
    """Raise UserError when columns of the contract are missing or stand twice in one file, or it has too many."""
    if len(found) > MOST_COLUMNS:
        raise UserError(
            f"{file.path} has {len(found):,} columns; at most {MOST_COLUMNS:,} are read, and the job needs "
            f"{len(entity.wanted)} of them: take out the others."
        )
    names = [normalise(name) for name in found]
    twice = [name for name in entity.wanted if names.count(name) > 1]
    if twice:
        raise UserError(
            f"{file.path} has the column {listed(twice)} more than once; keep one and rename the others."
        )
    missing = [name for name in entity.wanted if name not in names]
    if missing:
        others = [name for name in names if name not in entity.wanted and 0 < len(name) <= LONGEST_NEAR]
        near = []
        for name in missing:
            match = difflib.get_close_matches(name, others, 1, 0.6)
            near += [f"{shown(match[0])} for {name}"] if match else []
        suggestion = f"; near names: {listed(near, 30)}" if near else ""
        held = listed((name.strip() or "(no name)" for name in found), 60)
        raise UserError(
            f"{file.path} lacks the column{'s' if len(missing) > 1 else ''} {listed(missing, 40)} "
            f"of {entity.name}; found: {held}{suggestion}. "
            + (
                "IDS=rows takes the numbers of its rows for ids."
                if missing == ["cust_id"]
                else "A mapping tells other names: make mapping SOURCE=... drafts one."
            )
        )


def added_keys(file: InputFile, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the Hive keys to read from the path: all of them, unless the file itself has one of them."""
    keys = _hive_keys(file)
    return () if {normalise(key) for key in keys} & {normalise(name) for name in columns} else keys


def unpublished(sql: str) -> str:
    """Return a part's SQL reading the tables not yet published."""
    return sql.replace("raw.joined_rows", "temp.intake_joined").replace(
        "raw.row_shifts", "temp.intake_shifts"
    )


def hive_options(keys: Sequence[str]) -> str:
    """Return the options that make DuckDB add these keys as text columns, or none."""
    if not keys:
        return ", hive_partitioning = false"
    return ", hive_partitioning = true, hive_types_autocast = false"
