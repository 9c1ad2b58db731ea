"""CSV files whose quoting, line ends or letters are broken: read line by line, so that one bad row costs one row.

DuckDB's CSV reader loses the good rows around a quote that never closes, and refuses a file that mixes
line ends or has bytes that are not UTF-8. Such a file, and only such a file, is read as lines of text that regular expressions take
apart: slower, but each line stands alone. Needs nothing but a connection; writes no table.
"""

from __future__ import annotations

import csv
import io
import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from scripts.base.errors import UserError
from scripts.base.quoting import sql_name, sql_path, sql_text
from scripts.base.sentences import listed, reason_of
from scripts.intake.csv_dialect import (
    LONGEST_LINE,
    LONGEST_ROW,
    MOST_BAD_LINES,
    Dialect,
    OddLines,
    column_names,
)

TOO_LONG = "the row is longer than 2 million bytes"
# A quoted value may go on over so many lines; an open quote is not looked for any further.
MOST_LINES = 100


@dataclass(frozen=True)
class LineCount:
    """What a file holds when read by lines.

    `rows` are readable rows; `unreadable` (row number, text, reason); `joined` (row number, text) the rows
    that go over several lines or were not UTF-8; `shifts` (line, shift): from this line on, row number = line + shift,
    where lines that are not UTF-8 do not count. `odd`: those lines, where there are any.
    """

    rows: int
    unreadable: list[tuple[int, str, str]]
    joined: list[tuple[int, str]]
    shifts: list[tuple[int, int]]
    odd: OddLines | None = None


def _field(delimiter: str) -> str:
    # A quoted value, or one that does not begin with a quote.
    mark = re.escape(delimiter)
    return rf'(?: *"(?:[^"]|"")*" *| *(?:[^" {mark}\r\n][^{mark}\r\n]*)?)'


def row_pattern(dialect: Dialect) -> str:
    """Return the regular expression of one whole row with the header's number of columns."""
    field, mark = _field(dialect.delimiter), re.escape(dialect.delimiter)
    # Delimiters with nothing behind them are let pass at the end, as DuckDB's reader does.
    return rf"{field}(?:{mark}{field}){{{len(dialect.header) - 1}}}(?:{mark})*"


def _is_row(dialect: Dialect) -> str:
    """Return the SQL condition that a line is a row."""
    # An expression goes through a line of megabytes in each scan again.
    return (
        f"case when strlen(_intake_line) <= {LONGEST_ROW} "
        f"then regexp_full_match(_intake_line, {sql_text(row_pattern(dialect))}) else false end"
    )


def lines_sql(path: Path, dialect: Dialect, numbered: bool) -> str:
    """Return SQL for the file's lines after the header without blank ones: _intake_line, _intake_rank."""
    # The delimiter stands in no text, so that a line is one value. The header is left out by counting its
    # lines here: `skip` miscounts where line ends are mixed.
    rank = ", row_number() over () as _intake_rank" if numbered else ""
    return (
        f"(select _intake_line{rank} from (select _intake_line from read_csv({sql_path(path)}, "
        "auto_detect = false, header = false, delim = '\x01\x02\x01', quote = '', escape = '', "
        f"strict_mode = false, max_line_size = {LONGEST_LINE}, encoding = {sql_text(dialect.encoding)}, "
        f"compression = {'gzip' if dialect.gzipped else 'none'!r}, columns = {{'_intake_line': 'VARCHAR'}}"
        f"{'' if dialect.odd_header_lines is None else ', ignore_errors = true'}) "
        f"where _intake_line is not null offset {dialect.header_lines - (dialect.odd_header_lines or 0)}))"
    )


def rows_sql(lines: str, dialect: Dialect, further: str) -> str:
    """Return SQL that takes rows of text (`_intake_line` of `lines`) apart; `further` columns are kept."""
    mark = re.escape(dialect.delimiter)
    fields = sql_text(rf"({_field(dialect.delimiter)})(?:{mark}|$)")
    columns = []
    for place, name in enumerate(column_names(dialect.header), 1):
        value = f"_intake_fields[{place}]"
        columns.append(
            f"nullif(case when starts_with(ltrim({value}), '\"') then "
            f"replace(substr(trim({value}), 2, length(trim({value})) - 2), '\"\"', '\"') "
            f"else {value} end, '') as {sql_name(name)}"
        )
    # Few lines have quotes, and the expression takes twenty times as long.
    split = (
        f"case when contains(_intake_line, '\"') then regexp_extract_all(_intake_line, {fields}, 1) "
        f"else string_split(_intake_line, {sql_text(dialect.delimiter)}) end"
    )
    return (
        f"(select {', '.join(columns)}{further} from (select *, {split} as _intake_fields from {lines} as lines "
        f"where {_is_row(dialect)}))"
    )


def count_lines(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    dialect: Dialect,
    odd: OddLines | None = None,
    used: Collection[str] = (),
) -> LineCount:
    """Sort a broken file's lines into rows, rows over several lines, and unreadable ones.

    Only lines that make no row on their own come to Python. A line with an open quote is joined with the
    lines after it where together they make one row; a line break inside becomes a plain newline.
    odd: the lines that are not UTF-8; a row with one is kept unless what cannot be read is in a column of `used`.
    Raises UserError when DuckDB cannot even split the file into lines, or a million of them make no row.
    """
    lines = lines_sql(path, dialect, numbered=True)
    try:
        bad = connection.execute(
            f"select _intake_rank, _intake_line from {lines} "
            f"where not {_is_row(dialect)} order by 1 limit {MOST_BAD_LINES + 1}"
        ).fetchall()
        # As many columns read as ever, so that both scans see the same lines.
        found = connection.execute(f"select count(_intake_line), max(_intake_rank) from {lines}").fetchone()
    except duckdb.Error as error:
        raise UserError(
            f"{path} cannot be split into lines ({reason_of(error)}); save it as CSV in UTF-8 again."
        ) from None
    if len(bad) > MOST_BAD_LINES:
        raise UserError(
            f"{path}: more than {MOST_BAD_LINES:,} lines have not the header's columns; export it again."
        )
    total = int(found[0]) if found else 0
    # From here on lines are counted with those that are not UTF-8.
    places, texts = _odd_places(path, dialect, odd, total)
    total += len(places)
    bad = sorted([*((_place(rank, places), text) for rank, text in bad), *zip(places, texts, strict=True)])
    unreadable: list[tuple[int, str, str]] = []
    joined: list[tuple[int, str]] = []
    shifts: dict[int, int] = {}
    shift = 0
    spent = 0
    row = re.compile(row_pattern(dialect))
    for first, last, text in _pieces(bad, row):
        spent += last - first + 1
        before = bisect_right(places, last)
        is_odd = before > bisect_left(places, first)
        is_row = last > first or (is_odd and row.fullmatch(text) is not None)
        damaged = _damaged_columns(text, dialect, used) if is_odd and is_row else []
        if damaged:
            reason = f"{listed(damaged)}: bytes that are not {'UTF-8' if odd and odd.encoding == 'utf-8' else 'text'}"
            unreadable.append((first + shift, text, reason))
        elif is_row:
            joined.append((first + shift, text))
        else:
            unreadable.append((first + shift, text, _reason(text, dialect)))
        shift -= last - first
        if last > first or is_odd:
            shifts[last + 1 - before] = shift + before
    rows = total - spent + len(joined)
    return LineCount(rows, unreadable, joined, sorted(shifts.items()), odd)


def _odd_places(
    path: Path, dialect: Dialect, odd: OddLines | None, total: int
) -> tuple[list[int], list[str]]:
    """Places and texts of lines that are not UTF-8, below the header; DuckDB must have read all others."""
    if odd is None:
        return [], []
    header = dialect.header_lines
    below = [(number - header, text) for number, text in odd.lines if number > header]
    if total + len(below) != odd.total - header:
        raise UserError(
            f"{path} cannot be split into lines: some are not UTF-8; save it as CSV in UTF-8 again."
        )
    return [place for place, _ in below], [text for _, text in below]


def _place(rank: int, places: list[int]) -> int:
    """The place of a line among all, of its rank among those that are not in `places`."""
    place = rank
    while (moved := rank + bisect_right(places, place)) != place:
        place = moved
    return place


def _damaged_columns(text: str, dialect: Dialect, used: Collection[str]) -> list[str]:
    """The columns of `used` that hold the mark of what could not be read."""
    try:
        [fields] = csv.reader(
            io.StringIO(text, newline=""), delimiter=dialect.delimiter, skipinitialspace=True
        )
    except (csv.Error, ValueError):
        return ["the row"]
    names = column_names(dialect.header)
    return [name for name, value in zip(names, fields, strict=False) if name in used and "\ufffd" in value]


def _pieces(bad: list[tuple[int, str]], row: re.Pattern[str]) -> Iterator[tuple[int, int, str]]:
    """Yield (first line, last line, text): joined rows over several lines, and single bad lines."""
    at = 0
    while at < len(bad):
        line, text = bad[at]
        end = at
        if text.count('"') % 2:
            whole = text
            for step in range(1, MOST_LINES):
                if at + step >= len(bad) or bad[at + step][0] != line + step:
                    break
                part = bad[at + step][1]
                whole += "\n" + part
                if len(whole) > LONGEST_ROW:
                    break
                # Where the quotes come out even, the row is whole or broken.
                if part.count('"') % 2:
                    if row.fullmatch(whole):
                        end, text = at + step, whole
                    break
        yield line, bad[end][0], text
        at = end + 1


def _reason(text: str, dialect: Dialect) -> str:
    if len(text.encode()) > LONGEST_ROW:
        return TOO_LONG
    if text.count('"') % 2:
        return "a quotation mark is opened and not closed"
    try:
        found = len(next(csv.reader([text], delimiter=dialect.delimiter, strict=True)))
    except (csv.Error, StopIteration):
        return "text stands beside a quoted value"
    return column_count_reason(found, len(dialect.header))


def column_count_reason(found: int, expected: int) -> str:
    """Say in words that a row has another number of columns than the header."""
    return f"{found} column{'' if found == 1 else 's'}, but the header has {expected}"
