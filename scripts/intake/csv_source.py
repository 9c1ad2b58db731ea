"""CSV files of one entity as a relation: one pass checks every file and finds the rows that are no rows.

Reads the input files; writes the temporary tables `intake_unreadable`, `intake_joined` and
`intake_shifts`, which the intake makes and publishes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

import duckdb

from scripts.base.quoting import sql_name, sql_text
from scripts.base.sentences import listed, shown
from scripts.intake.csv_dialect import (
    DELIMITERS,
    Dialect,
    OddLines,
    check_line_lengths,
    column_names,
    has_blank_line,
    is_utf8,
    odd_lines,
    read_csv,
    sniff,
)
from scripts.intake.csv_lines import TOO_LONG, LineCount, count_lines, lines_sql, rows_sql
from scripts.intake.source_files import (
    EXTRA_COLUMNS,
    ID_COLUMNS,
    Entity,
    FileCounts,
    InputFile,
    Part,
    added_keys,
    check_columns,
    contract_names,
    hive_options,
)
from scripts.intake.spellings import EMPTIES

# More corrections of row numbers than this are joined from a table instead of written into the view.
MOST_LITERAL_SHIFTS = 2_000

# Up to so many files each has a scan of its own, so that a query of some does not read the others.
MOST_PARTS = 200

# Longer raw rows are cut in `unreadable_rows`; a row swallowed by an open quote can be megabytes.
MOST_RAW_CHARACTERS = 10_000

# What DuckDB says of a rejected row. A line over its limit may be rows swallowed by an open quote.
KIND = (
    "if(error_type::varchar = 'LINE SIZE OVER MAXIMUM' and not contains(csv_line, '\"'), "
    "'LONG LINE', error_type::varchar)"
)

# Kinds of rejected rows that DuckDB skips reliably. Others (broken quotes) cost rows around them.
SKIPPABLE = {"MISSING COLUMNS", "TOO MANY COLUMNS", "LONG LINE"}


@dataclass(frozen=True)
class _CsvFile:
    file: InputFile
    dialect: Dialect
    keys: tuple[str, ...]
    clean: bool = True
    lines: LineCount | None = None
    odd: OddLines | None = None

    @property
    def wants_lines(self) -> bool:
        """Whether it is read by lines from the first."""
        return self.odd is not None or self.dialect.is_wide


def open_csv(connection: duckdb.DuckDBPyConnection, entity: Entity) -> None:
    """Check the entity's CSV files and add their scans, counts and notes to it.

    Raises UserError for a file that cannot be used.
    """
    waiting, known = [], []
    for file in entity.files:
        dialect = sniff(file.path, [*entity.wanted, *ID_COLUMNS])
        dialect = replace(dialect, header=contract_names(entity, dialect.header))
        keys = added_keys(file, dialect.header)
        check_columns(entity, file, [*dialect.header, *keys])
        item = _CsvFile(file, dialect, keys)
        if file.path in entity.known:
            known.append(_as_before(entity, item))
        else:
            waiting.append(_not_utf8(item) if dialect.encoding == "latin-1" else item)
    checked = known
    while waiting:
        again: list[_CsvFile] = []
        checked += [_by_lines(connection, entity, item) for item in waiting if item.wants_lines]
        for item in waiting:
            if not item.wants_lines:
                looked_at, is_understood = _check(connection, entity, item)
                (checked if is_understood else again).append(looked_at)
        waiting = again

    order = {file.path: place for place, file in enumerate(entity.files)}
    checked.sort(key=lambda item: order[item.file.path])
    groups = [[item] for item in checked] if len(checked) <= MOST_PARTS else _grouped(checked)
    for part, group in enumerate(groups):
        if group[0].lines:
            entity.parts.append(_lines_part(connection, entity, group[0], part))
        else:
            entity.parts.append(_csv_part(connection, entity, group, part))
    if any(item.lines for item in checked):
        # Rows that are read by lines were not counted.
        entity.commas.clear()
        entity.empties.clear()
    entity.files = [
        replace(
            item.file,
            encoding=item.odd.encoding if item.odd else item.dialect.encoding,
            delimiter=item.dialect.delimiter,
        )
        for item in checked
    ]
    _add_notes(entity, checked)


def _as_before(entity: Entity, item: _CsvFile) -> _CsvFile:
    """Take for a file what an earlier build found in it."""
    counts = entity.known[item.file.path]
    entity.counted[item.file.path] = counts
    _add_counts(entity, counts.commas, counts.empties)
    return replace(item, file=replace(item.file, rows=counts.rows))


def _add_counts(entity: Entity, commas: Mapping[str, int], empties: Mapping[str, int]) -> None:
    for name, count in commas.items():
        entity.commas[name] = entity.commas.get(name, 0) + count
    for name, count in empties.items():
        entity.empties[name] = entity.empties.get(name, 0) + count


def _grouped(files: Sequence[_CsvFile]) -> list[list[_CsvFile]]:
    """Group files that one scan can read; a file read by lines stands alone."""
    groups: dict[tuple[object, ...], list[_CsvFile]] = {}
    for item in files:
        alone = item.file.path if item.lines else None
        groups.setdefault((item.dialect, item.keys, item.clean, alone), []).append(item)
    return list(groups.values())


def _check(connection: duckdb.DuckDBPyConnection, entity: Entity, item: _CsvFile) -> tuple[_CsvFile, bool]:
    """Read a file once, all columns; return it, and whether it is understood now, or else is to be tried again.

    Never several in one scan: there DuckDB 1.5.5 stops at a quote that does not close, goes on with the next file, and
    says nothing of it, so that the rest of the file is lost.
    """
    dialect, path = item.dialect, item.file.path
    for table in ("errors", "scans"):
        connection.execute(f"drop table if exists temp.intake_{table}")
    relation = read_csv(
        [path],
        dialect,
        ", store_rejects = true, rejects_table = 'intake_errors', rejects_scan = 'intake_scans'",
    )
    # A column that is not read is not checked for its encoding.
    counts = ", ".join(f"count({sql_name(name)})" for name in column_names(dialect.header))
    numbers = [column.name for column in entity.as_they_stand if column.is_number]
    spelled = [column.name for column in entity.as_they_stand if column.is_number or column.is_date]
    words = ", ".join(map(sql_text, EMPTIES))
    looked_for = [
        *(f"count_if(contains({sql_name(name)}, ','))" for name in numbers),
        *(f"count_if({sql_name(name)} in ({words}) and {sql_name(name)} != '')" for name in spelled),
    ]
    try:
        counted = connection.execute(
            f"select {', '.join(['count(*)', *looked_for])}, {counts} from {relation}"
        ).fetchall()[0]
        kinds, bad = connection.execute(
            f"select coalesce(list(distinct {KIND}), []), count(distinct line) from temp.intake_errors"
        ).fetchall()[0]
    except duckdb.Error:
        # Mixed line ends stop the reader.
        return _by_lines(connection, entity, item), True

    found = [int(count or 0) for count in counted]
    commas = dict(zip(numbers, found[1:], strict=False))
    empties = dict(zip(spelled, found[1 + len(numbers) :], strict=False))
    kinds, good = set(kinds), found[0]
    if "LONG LINE" in kinds or "LINE SIZE OVER MAXIMUM" in kinds:
        check_line_lengths(path, dialect)
    # Nothing found, nothing rejected: no data rows, or line ends that DuckDB takes for none.
    unsure = dialect.mixed_ends or not (good or kinds)
    # DuckDB also says so of UTF-8 beside a broken quote; the bytes decide.
    if "INVALID ENCODING" in kinds and dialect.encoding == "utf-8" and not is_utf8(path, dialect):
        return _not_utf8(item), False
    if unsure or not kinds <= SKIPPABLE or (kinds and has_blank_line(path, dialect)):
        return _by_lines(connection, entity, item), True
    _add_counts(entity, commas, empties)
    if not bad and dialect.encoding == "utf-8":
        entity.counted[path] = FileCounts(good, commas, empties)
    done = replace(item, file=replace(item.file, rows=good + bad, unreadable_rows=bad), clean=not bad)
    if bad:
        _keep_rejects(connection, entity, done)
    return done, True


def _keep_rejects(connection: duckdb.DuckDBPyConnection, entity: Entity, item: _CsvFile) -> None:
    """Put the rejected rows of a file into intake_unreadable; several errors of one row are one."""
    # `line` counts the header and every row, whatever its line breaks.
    expected = len(item.dialect.header)
    skip = item.dialect.skip
    found = "try_cast(regexp_extract(error_message, 'Found: ([0-9]+)', 1) as bigint)"
    connection.execute(
        f"""
        insert into intake_unreadable
        with reasons as (
            select
                line - 1 - {skip} as row_number,
                trim(any_value(csv_line), chr(10) || chr(13)) as raw_row,
                bool_or({KIND} = 'LONG LINE') as is_long,
                if(bool_or({KIND} = 'MISSING COLUMNS'), min({found}), max({found})) as found
            from temp.intake_errors
            group by all
        )
        select
            {sql_text(entity.name)}, {sql_text(item.file.file)}, row_number, raw_row[:{MOST_RAW_CHARACTERS}],
            case
                when is_long then {sql_text(TOO_LONG)}
                else found || if(found = 1, ' column', ' columns') || ', but the header has {expected}'
            end
        from reasons
        """
    )


def _not_utf8(item: _CsvFile) -> _CsvFile:
    """Take a file that is not UTF-8 for Latin-1, or for UTF-8 with odd lines."""
    odd = odd_lines(item.file.path, item.dialect)
    if odd is None:
        return replace(item, dialect=replace(item.dialect, encoding="latin-1"))
    above = sum(1 for number, _ in odd.lines if number <= item.dialect.header_lines)
    return replace(item, dialect=replace(item.dialect, encoding="utf-8", odd_header_lines=above), odd=odd)


def _by_lines(connection: duckdb.DuckDBPyConnection, entity: Entity, item: _CsvFile) -> _CsvFile:
    """Take a file with broken quotes, line ends or letters for what its lines say."""
    if item.dialect.encoding == "utf-8" and not item.odd and not is_utf8(item.file.path, item.dialect):
        item = _not_utf8(item)
    dialect = item.dialect
    check_line_lengths(item.file.path, dialect)
    used = {*entity.wanted, *EXTRA_COLUMNS.get(entity.name, {})}
    lines = count_lines(connection, item.file.path, dialect, item.odd, used)
    name, file = entity.name, item.file.file
    if lines.unreadable:
        numbers, texts, reasons = zip(*lines.unreadable, strict=True)
        connection.execute(
            "insert into intake_unreadable select ?, ?, unnest(?::bigint[]), "
            f"unnest(?::varchar[])[:{MOST_RAW_CHARACTERS}], unnest(?::varchar[])",
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
    connection: duckdb.DuckDBPyConnection, entity: Entity, group: list[_CsvFile], part: int
) -> Part:
    """Return the scan of files of one dialect; rows that the check rejected are skipped again."""
    files = [item.file for item in group]
    options = hive_options(group[0].keys) + ("" if group[0].clean else ", ignore_errors = true")
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
    number = _number(connection, entity, part, numbered)
    return Part(files, names, scan, number, text=True, is_of_one_file=len(files) == 1)


def _lines_part(connection: duckdb.DuckDBPyConnection, entity: Entity, item: _CsvFile, part: int) -> Part:
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
            "(select raw_row as _intake_line, row_number from raw.joined_rows "
            f"where source = {sql_text(entity.name)} and file = {sql_text(item.file.file)})"
        )
        scan = f"(from {scan} union all by name from {rows_sql(joined, dialect, place)})"
        more = rows_sql(joined, dialect, place + ", row_number as _row_number")
        numbered = f"(from {numbered} union all by name from {more})"
    names = column_names(dialect.header) + keys
    return Part([item.file], names, scan, numbered, text=True, is_of_one_file=True)


def _number(connection: duckdb.DuckDBPyConnection, entity: Entity, part: int, relation: str) -> str:
    """Return the relation with `_intake_rank` turned into `_row_number` by the part's shifts."""
    where = f"source = {sql_text(entity.name)} and part = {part}"
    shifts = connection.execute(
        f"select first_rank, shift from intake_shifts where {where} "
        f"order by 1 limit {MOST_LITERAL_SHIFTS + 1}"
    ).fetchall()
    if len(shifts) > MOST_LITERAL_SHIFTS:
        return (
            "(select ranked.* exclude (_intake_rank), _intake_rank + coalesce(shift, 0) as _row_number "
            f"from {relation} as ranked asof left join "
            f"(select first_rank, shift from raw.row_shifts where {where}) as shifts "
            "on _intake_rank >= first_rank)"
        )
    connection.execute(f"delete from intake_shifts where {where}")
    shift = _shift_sql([(0, 0), *shifts])
    return f"(select * exclude (_intake_rank), _intake_rank + {shift} as _row_number from {relation})"


def _shift_sql(shifts: Sequence[tuple[int, int]]) -> str:
    """Return the shift of a rank as a balanced tree of cases: about twelve comparisons at most."""
    if len(shifts) == 1:
        return f"({shifts[0][1]})"
    half = len(shifts) // 2
    below, above = _shift_sql(shifts[:half]), _shift_sql(shifts[half:])
    return f"case when _intake_rank < {shifts[half][0]} then {below} else {above} end"


def _note_on_odd_lines(file: str, odd: OddLines) -> str:
    count = len(odd.lines)
    lines = "1 line is" if count == 1 else f"{count:,} lines are"
    if odd.encoding == "utf-8":
        return (
            f"{shown(file)}: {lines} not UTF-8; what cannot be read is replaced by \ufffd, or refuses its row where it stands in a "
            "column that the job uses."
        )
    return f"{shown(file)}: {lines} not UTF-8, and read as Windows-1252."


def _add_notes(entity: Entity, files: Sequence[_CsvFile]) -> None:
    def some(chosen: list[str]) -> str:
        return listed(chosen)

    for encoding, said in (("latin-1", "Latin-1, because its bytes are not UTF-8"), ("utf-16", "UTF-16")):
        chosen = [item.file.file for item in files if item.dialect.encoding == encoding]
        if chosen:
            entity.notes.append(f"{some(chosen)}: read as {said}.")
    for delimiter, said in DELIMITERS.items():
        chosen = [item.file.file for item in files if item.dialect.delimiter == delimiter]
        if chosen and delimiter != ",":
            entity.notes.append(f"{some(chosen)}: columns are separated by {said}.")
    for lines in sorted({item.dialect.title_lines for item in files} - {0}):
        chosen = [item.file.file for item in files if item.dialect.title_lines == lines]
        entity.notes.append(
            f"{some(chosen)}: {'the first line is' if lines == 1 else f'the first {lines} lines are'} left out, as the header "
            "stands below."
        )
    for item in files:
        if item.odd:
            entity.notes.append(_note_on_odd_lines(item.file.file, item.odd))
    chosen = [item.file.file for item in files if item.lines and not item.odd]
    if chosen:
        entity.notes.append(
            f"{some(chosen)}: read line by line, which is slower, because of quotes that do not close, "
            "mixed line ends, rows of far too many columns, or blank lines beside unreadable rows."
        )
    bad = sum(item.file.unreadable_rows for item in files)
    if bad:
        entity.notes.append(
            f"{entity.name}: {bad:,} row{'' if bad == 1 else 's'} cannot be split into the header's columns."
        )
