"""The input's Parquet files as relations of Spark, with the columns that the views of DuckDB have. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from scripts.base.errors import UserError
from scripts.base.quoting import sql_text
from scripts.base.sentences import listed
from scripts.intake.mapping import InputMapping
from scripts.intake.source_files import Column, Entity, Part

# Hadoop takes these in a path for a pattern.
PATTERN_SIGNS = "{}[]*?\\"
# Parquet's types by DuckDB's names that Spark reads as numbers: nanoseconds since 1970.
NANOSECONDS = "TIMESTAMP_NS"


def refuse_for_spark(kind: str, entities: Iterable[Entity], mapping: InputMapping) -> None:
    """Raise UserError where the input is none that Spark reads here: a ledger of Parquet files with the job's own names."""
    if kind != "ledger":
        raise UserError(
            "ENGINE=spark: is for a ledger; a customer summary is small, and DuckDB reads it: leave ENGINE out."
        )
    if mapping.path:
        raise UserError(
            f"ENGINE=spark: {mapping.path} says what tables and columns are called, which DuckDB alone reads; give the ledger"
            " the job's own names, and MAPPING=none, or leave ENGINE out."
        )
    text = [entity.name for entity in entities if entity.files and entity.files[0].format != "parquet"]
    if text:
        raise UserError(
            f"ENGINE=spark: {listed(text)} {'is' if len(text) == 1 else 'are'} CSV, and Spark reads Parquet alone here: write"
            " the tables as Parquet, or leave ENGINE out, and DuckDB reads them as they are."
        )


def spark_views(entities: Sequence[Entity], absent: dict[str, tuple[Column, ...]]) -> list[str]:
    """Statements that make a view in schema raw for each entity, and first the tables of files that it rests on.

    absent: entities that the input lacks, which become views without rows.
    """
    statements = []
    for entity in entities:
        names = entity.names + list(
            dict.fromkeys(name for part in entity.parts for name in part.names if name not in entity.names)
        )
        selects = []
        for number, part in enumerate(entity.parts):
            files = f"raw.{_name(f'{entity.name}_files_{number}')}"
            statements.append(_files_sql(entity, part, files))
            selects.append(_select_sql(entity, part, names, files))
        statements.append(f"create or replace view raw.{_name(entity.name)} as {' union all '.join(selects)}")
    for name, columns in absent.items():
        nothing = ", ".join(
            f"cast(null as {column.data_type.replace('varchar', 'string')}) as {column.name}"
            for column in columns
        )
        statements.append(
            f"create or replace view raw.{_name(name)} as select {nothing}, cast(null as string) as _file,"
            " cast(null as bigint) as _row_number where false"
        )
    return statements


def _files_sql(entity: Entity, part: Part, relation: str) -> str:
    """A table of Spark's over a part's files; no data are copied."""
    paths = [file.path for file in part.files]
    folder = entity.folder / Path(part.files[0].file).parts[0]
    if len(paths) == 1:
        path = _plain(paths[0])
    elif len(entity.parts) == 1:
        # All that lies below it, as the intake found it.
        path = _plain(folder)
    else:
        path = f"{_plain(folder)}/{{{','.join(_plain(each.relative_to(folder)) for each in paths)}}}"
    return (
        f"create table {relation} using parquet options (path {sql_text(path)}, recursiveFileLookup 'true',"
        " pathGlobFilter '*.[pP][aA][rR][qQ][uU][eE][tT]')"
    )


def _plain(path: Path) -> str:
    if set(str(path)) & set(PATTERN_SIGNS):
        raise UserError(
            f"ENGINE=spark: {path}: Spark takes {' '.join(PATTERN_SIGNS)} in a path for a pattern; rename the folder or file."
        )
    return str(path)


def _select_sql(entity: Entity, part: Part, names: Sequence[str], files: str) -> str:
    columns = dict(zip(part.names, part.originals, strict=True))
    # Percent-encoded, as in an address; a plus sign is one.
    decoded = "url_decode(replace(_metadata.file_path, '+', '%2B'))"
    read = []
    for name in names:
        if name not in columns:
            read.append(f"null as {_name(name)}")
        elif columns[name] in part.keys:
            value = f"regexp_extract({decoded}, {sql_text(f'/{columns[name]}=([^/]*)/')}, 1)"
            read.append(f"{value} as {_name(name)}")
        elif part.types.get(columns[name]) == NANOSECONDS:
            value = f"cast(timestamp_micros({_name(columns[name])} div 1000) as timestamp_ntz)"
            read.append(f"{value} as {_name(name)}")
        else:
            read.append(f"{_name(columns[name])} as {_name(name)}")
    prefix = len(str(entity.folder).rstrip("/")) + 1
    file = (
        sql_text(part.files[0].file)
        if len(part.files) == 1
        else f"substr(regexp_replace({decoded}, '^file:/+', '/'), {prefix + 1})"
    )
    return f"select {', '.join(read)}, {file} as _file, cast(_metadata.row_index + 1 as bigint) as _row_number from {files}"


def _name(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
