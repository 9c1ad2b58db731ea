"""The intake: looks at what SOURCE is and makes it readable as relations in schema `raw`.

Reads the input files and the dbt source YAMLs; writes views and three small tables (`inputs`,
`unreadable_rows`, and, for broken files, `joined_rows`/`row_shifts`) in schema `raw` of the connection's
database, nothing else. No data is copied: the views read the files each time they are queried.

Views, one per entity of the contract (`raw.accounts` ..., without rows where a ledger may lack it and does): the contract's columns, then all others of the
input, in lower case; then `_file` (path inside the source folder), `_row_number` (1-based, of data rows;
unreadable rows count, blank lines do not). Columns of CSV
files are text, those of Parquet files have their own types.

DuckDB 1.5.5 does not drop an unused window from a plan (later versions do, its pull request 25770), and
a row number of a CSV row is a window: it keeps the scan on one thread. So each entity has a second view
without `_row_number`, `raw.<entity>_unnumbered`, for scans of everything. Parquet rows know their number;
there both views cost the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from scripts.base.errors import UserError
from scripts.base.quoting import sql_name, sql_text
from scripts.base.sentences import listed, one_line, reason_of
from scripts.intake.csv_source import open_csv
from scripts.intake.mapped_columns import join_files, map_entity, mapped_spellings, take_from
from scripts.intake.mapping import UNMAPPED, InputMapping
from scripts.intake.parquet_source import open_parquet
from scripts.intake.source_files import (
    EXTRA_COLUMNS,
    Column,
    Contract,
    Entity,
    FileCounts,
    InputFile,
    load_contract,
    look,
    look_at_entity,
    mapped_path,
)
from scripts.intake.spark_views import refuse_for_spark, spark_views
from scripts.intake.spellings import currency_of, decide_spellings

__all__ = ["Column", "Contract", "InputFile", "Intake", "files_of", "load_contract", "open_source"]


@dataclass(frozen=True)
class Intake:
    """What SOURCE is.

    Attributes:
        kind: 'summary' or 'ledger'.
        files: all of them.
        notes: sentences for the user.
        spellings: how columns of text write numbers and dates, see intake/spellings.py.
        currency: the one that a column of currencies names, or empty.
        counted: what was found in sound CSV files, for the next build.
        for_spark: statements that make the same views there, where they were asked for.
    """

    kind: str
    files: tuple[InputFile, ...]
    notes: tuple[str, ...]
    spellings: Mapping[str, str]
    currency: str = ""
    counted: Mapping[Path, FileCounts] = field(default_factory=dict)
    for_spark: tuple[str, ...] = ()


def open_source(
    connection: duckdb.DuckDBPyConnection,
    source: Path,
    contract: Contract,
    mapping: InputMapping = UNMAPPED,
    *,
    decimal_mark: str = "",
    date_order: str = "",
    time_zone: str = "",
    known: Mapping[Path, FileCounts] | None = None,
    for_spark: bool = False,
) -> Intake:
    """Make SOURCE readable as views in schema `raw` of the connection's database.

    mapping: the bank's own names, see intake/mapping.py. known: what an earlier build found in CSV files that are the
    same still, which are not read from end to end again. for_spark: whether Spark is to read the files, too.

    Also fills `raw.inputs` (one row per file) and `raw.unreadable_rows` (one row per row of a CSV file
    that cannot be split into the header's columns). All of it is replaced in one transaction; when the
    input is unusable, UserError says why and the earlier relations stay. CSV files are read once from end
    to end to check them, of Parquet files only the footers.
    """
    kind, entities = look(source, contract, mapping)
    if for_spark:
        refuse_for_spark(kind, entities, mapping)
    for entity in entities:
        entity.known = known or {}
    with checking_tables(connection):
        with _told_as_sentence(source):
            for entity in entities:
                if entity.files:
                    _open_entity(connection, entity, mapping)
            _take_entities(connection, entities, mapping)
            for entity in entities:
                if mapping.tables.get(entity.name) and not mapping.table(entity.name).taken_from:
                    map_entity(connection, entity, mapping.table(entity.name))
            for entity in entities:
                _know_extra_columns(entity)
            currency = currency_of(connection, entities)
            delimiters = {entity.name: entity.files[0].delimiter or "" for entity in entities}
            spellings = decide_spellings(
                connection,
                entities,
                delimiters,
                decimal_mark=decimal_mark,
                date_order=date_order,
                time_zone=time_zone,
                balances=mapping.balances,
            )
            for entity in entities:
                spellings |= mapped_spellings(entity, mapping.table(entity.name))
            for entity in entities:
                entity.files = [
                    replace(file, decimal_separator="," if entity.decimal_comma else ".")
                    if file.delimiter
                    else file
                    for file in entity.files
                ]
        absent = [name for name in contract.entities(kind) if name not in {each.name for each in entities}]
        spellings |= {f"{name}.absent": "absent" for name in absent}
        notes = [_note_on_absent(name, entities, contract, mapping) for name in absent]
        lacking = {name: contract.entities(kind)[name] for name in absent}
        _publish(connection, entities, lacking)
    return Intake(
        kind,
        tuple(file for entity in entities for file in entity.files),
        tuple(one_line(note) for note in (*(note for entity in entities for note in entity.notes), *notes)),
        spellings,
        currency,
        {path: counts for entity in entities for path, counts in entity.counted.items()},
        tuple(spark_views(entities, lacking)) if for_spark else (),
    )


def files_of(source: Path, contract: Contract, mapping: InputMapping = UNMAPPED) -> tuple[InputFile, ...]:
    """Every file that open_source would read, those that a mapping joins among them; reads none of them.

    Raises UserError where SOURCE is not there, or not what was expected.
    """
    _, entities = look(source, contract, mapping)
    found = {file.path: file for entity in entities for file in entity.files}
    for entity in entities:
        join = mapping.table(entity.name).join
        if join:
            path = mapped_path(mapping, entity.name, join.file, entity.folder)
            joined = look_at_entity(entity.name, (), entity.folder, path)
            found |= {file.path: file for file in joined.files}
    return tuple(found.values())


@contextmanager
def _told_as_sentence(source: Path) -> Iterator[None]:
    """Turn what DuckDB says of input that it cannot read after all into a UserError."""
    try:
        yield
    except duckdb.Error as error:
        raise UserError(f"SOURCE={source} cannot be read ({reason_of(error)}); export it again.") from error


@contextmanager
def checking_tables(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Make the temporary tables that files are checked into while they are opened, and drop them at the end."""
    try:
        connection.execute(
            "create or replace temp table intake_unreadable "
            "(source varchar, file varchar, row_number bigint, raw_row varchar, reason varchar)"
        )
        connection.execute(
            "create or replace temp table intake_joined "
            "(source varchar, file varchar, row_number bigint, raw_row varchar)"
        )
        connection.execute(
            "create or replace temp table intake_shifts "
            "(source varchar, part integer, first_rank bigint, shift bigint)"
        )
        yield
    finally:
        for table in ("unreadable", "joined", "shifts", "errors", "scans"):
            connection.execute(f"drop table if exists temp.intake_{table}")


def _open_entity(connection: duckdb.DuckDBPyConnection, entity: Entity, mapping: InputMapping) -> None:
    """Open one table's files, and those that the mapping joins to them."""
    join = mapping.table(entity.name).join
    joined = None
    if join:
        path = mapped_path(mapping, entity.name, join.file, entity.folder)
        joined = look_at_entity(entity.name, (), entity.folder, path)
        joined.theirs = [join.on]
        open_files(connection, joined)
        entity.notes += joined.notes
        there = {name for part in joined.parts for name in part.names}
        # The key is in both; of the other columns, each in one of them.
        entity.theirs = [join.on, *(name for name in entity.wanted if name not in there)]
    open_files(connection, entity)
    _refuse_without_rows(connection, entity)
    if join and joined:
        join_files(connection, entity, joined, join.on)


def open_files(connection: duckdb.DuckDBPyConnection, entity: Entity) -> None:
    """Add parts, row counts and notes to an entity; within checking_tables. Raises UserError for an unusable file."""
    if entity.files[0].format == "parquet":
        open_parquet(connection, entity)
    else:
        open_csv(connection, entity)


def _take_entities(
    connection: duckdb.DuckDBPyConnection, entities: list[Entity], mapping: InputMapping
) -> None:
    """Make the tables that the mapping takes from others."""
    opened = {entity.name: entity for entity in entities if entity.files}
    for entity in entities:
        table = mapping.table(entity.name)
        if not table.taken_from:
            continue
        other = opened[table.taken_from]
        there = {name for part in other.parts for name in part.names}
        lacking = [name for name in table.theirs(entity.columns) if name not in there]
        if lacking:
            raise UserError(
                f"{mapping.path}: {entity.name} is taken from {other.name}, whose files lack {listed(lacking)}; they"
                f" have {listed(sorted(there))}."
            )
        take_from(connection, entity, other, table)


def _know_extra_columns(entity: Entity) -> None:
    """Let the spelling of further numbers be decided as that of the contract's."""
    there = {name for part in entity.parts for name in part.names}
    entity.columns += tuple(
        Column(name, data_type, True, True)
        for name, data_type in EXTRA_COLUMNS.get(entity.name, {}).items()
        if name in there and data_type != "varchar"
    )


def _note_on_absent(name: str, entities: list[Entity], contract: Contract, mapping: InputMapping) -> str:
    """What is unknown without a table, and what stands in for it."""
    unknown = list(contract.optional[name])
    instead = ""
    there = {column.name for entity in entities for column in entity.columns}
    if there & {"balance_after", "opening_balance"}:
        unknown.remove("balances")
        told_by = (
            "those of balance_after in transactions"
            if "balance_after" in there
            else "opening_balance in accounts and what has moved since"
        )
        instead = f"; balances are {told_by}" + (
            "" if mapping.balances else ", taken to be owed above 0 (balances in a mapping says otherwise)"
        )
    return f"{name}: not there, which leaves {', '.join(unknown[:-1])} and {unknown[-1]} unknown{instead}."


def _refuse_without_rows(connection: duckdb.DuckDBPyConnection, entity: Entity) -> None:
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
            "select reason, row_number from intake_unreadable "
            "where source = ? order by file, row_number limit 1",
            [entity.name],
        ).fetchone()
        assert reason is not None
        raise UserError(
            f"{first}: none of its {rows:,} rows can be read (row {reason[1]}: {reason[0]}); "
            "check the delimiter and the quotes, and export it again."
        )


def _publish(
    connection: duckdb.DuckDBPyConnection,
    entities: list[Entity],
    absent: Mapping[str, tuple[Column, ...]],
) -> None:
    """Replace the relations of schema `raw`, all or none; entities that are absent become views without rows."""
    files = [file for entity in entities for file in entity.files]
    connection.execute("begin")
    try:
        connection.execute("create schema if not exists raw")
        old = connection.execute(
            "select view_name from duckdb_views() "
            "where schema_name = 'raw' and database_name = current_database()"
        ).fetchall()
        for (name,) in old:
            connection.execute(f"drop view raw.{sql_name(name)}")
        connection.execute(
            "create or replace table raw.inputs "
            "(source varchar, file varchar, format varchar, bytes bigint, rows bigint, "
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
                f"create view raw.{sql_name(entity.name + '_unnumbered')} "
                f"as {_view_sql(entity, numbered=False)}"
            )
        for name, columns in absent.items():
            nothing = ", ".join(f"cast(null as {column.data_type}) as {column.name}" for column in columns)
            for view in (name, f"{name}_unnumbered"):
                connection.execute(
                    f"create view raw.{sql_name(view)} as select {nothing}, cast(null as varchar) as _file, "
                    "cast(null as bigint) as _row_number where false"
                )
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def _view_sql(entity: Entity, numbered: bool) -> str:
    # Paths in the scan are absolute; the source folder is cut off.
    prefix = len(str(entity.folder).rstrip("/")) + 1
    selects = []
    for part in entity.parts:
        names = entity.names + [name for name in part.names if name not in entity.names]
        # Known beforehand, so that no other file is opened for the rows of one.
        path = f"_intake_path[{prefix + 1}:]"
        file = sql_text(part.files[0].file) if part.is_of_one_file else path
        columns = ", ".join(sql_name(name) for name in names)
        number = ", cast(_row_number as bigint) as _row_number" if numbered else ""
        selects.append(
            f"select {columns}, {file} as _file{number} from {part.numbered if numbered else part.scan}"
        )
    joined = " union all by name ".join(selects)
    if len(selects) == 1:
        return joined
    # By name: columns that only some parts have would come after the intake's own.
    added = ["_file", *(["_row_number"] if numbered else [])]
    return f"select * exclude ({', '.join(added)}), {', '.join(added)} from ({joined})"
