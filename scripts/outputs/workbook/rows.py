"""Put many rows into one sheet of a workbook, formatted like a row that is there, at DuckDB's speed.

XlsxWriter formats a cell at a time in Python; for 100,000 customers that takes longer than all else. So it writes
the sheet with a header and one template row, and DuckDB writes the rest as XML in the template's styles.
Reads a connection; writes the workbook that it is given a path for.
"""

import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from scripts.base.parameters import SHEET_ROWS
from scripts.base.quoting import sql_name
from scripts.outputs.workbook.book import MAX_TEXT

# Rows fetched at a time, some 80 MB of XML; a multiple of what a thread of DuckDB takes at once.
BATCH = 50_000
# The customers' XML packs to a tenth at the lowest level, and takes three times as long at the usual one.
LEVEL = 1
# What XML has no way to write; each becomes the character that depicts it.
CONTROLS = [*range(0x00, 0x09), 0x0B, 0x0C, *range(0x0E, 0x20)]
PICTURES = "".join(chr(0x2400 + code) for code in CONTROLS)


def fill_sheet(
    path: Path,
    filled: Path,
    sheet: str,
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    rows: int,
    head: int = 1,
) -> None:
    """Copy a workbook and put the rows of a relation below the header of one of its sheets.

    Args:
        path: workbook by Book.rows_sheet, or one that was filled before; the row below the header has the formats
            wanted, and its Excel table is the workbook's only one.
        filled: where the copy goes.
        sheet: the sheet's part in the package, as `xl/worksheets/sheet9.xml`.
        connection: where the relation is; a temporary table, `sheet_rows`, is made and dropped there.
        relation: SQL name of the rows, in order; its columns are the sheet's, from A. Text stays text whatever
            it looks like, dates are dates, what is no finite number is an empty cell.
        rows: number of its rows, 1 to SHEET_ROWS less the hidden row.
        head: the header's row, counted from 1.
    """
    if not 0 < rows <= SHEET_ROWS + 1 - head:
        raise ValueError(f"{rows} rows: a sheet holds 1 to {SHEET_ROWS + 1 - head} below its header")
    first = head + 1
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(filled, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            if entry.filename.startswith("xl/tables/"):
                table = re.sub(
                    rf'ref="(A{head}:[A-Z]+)\d+"',
                    rf'ref="\g<1>{rows + head}"',
                    source.read(entry).decode("utf-8"),
                )
                target.writestr(entry, table, zipfile.ZIP_DEFLATED)
                continue
            if entry.filename != sheet:
                target.writestr(entry, source.read(entry), zipfile.ZIP_DEFLATED)
                continue
            xml = source.read(entry).decode("utf-8")
            template = re.search(rf'<row r="{first}".*?</row>', xml, re.DOTALL)
            if template is None:
                raise ValueError(f"{sheet}: no template row")
            styles = [int(style) for style in re.findall(rf'<c r="[A-Z]+{first}" s="(\d+)"', template[0])]
            last = re.findall(rf'<c r="([A-Z]+){first}"', template[0])[-1]
            start = re.sub(
                r'<dimension ref="[^"]*"', f'<dimension ref="A1:{last}{rows + head}"', xml[: template.start()]
            )
            packed = zipfile.ZipInfo(entry.filename, entry.date_time)
            packed.compress_type, packed._compresslevel = zipfile.ZIP_DEFLATED, LEVEL  # type: ignore[attr-defined]
            with target.open(packed, "w", force_zip64=True) as out:
                out.write(start.encode("utf-8"))
                for batch in _xml_rows(connection, relation, rows, first, styles):
                    out.write(batch.encode("utf-8"))
                out.write(xml[xml.index("</sheetData>") :].encode("utf-8"))


def _xml_rows(
    connection: duckdb.DuckDBPyConnection, relation: str, rows: int, top: int, styles: Sequence[int]
) -> Iterator[str]:
    columns = connection.execute(f"select column_name, column_type from (describe {relation})").fetchall()
    cells = [
        _cell(_letters(place), name, kind, style)
        for place, ((name, kind), style) in enumerate(zip(columns, styles, strict=True))
    ]
    connection.execute(
        f'create or replace temp table sheet_rows as select *, row_number() over () + {top - 1} as "sheet row" from {relation}'
    )
    # A range of rows at a time: the XML of a million customers all at once would take gigabytes. DuckDB keeps
    # the order of a table where nothing asks for another; to sort so much text would take half of the time.
    connection.execute("set preserve_insertion_order = true")
    for first in range(top, rows + top, BATCH):
        found = connection.execute(
            f"""
            select concat('<row r="', "sheet row", '">', {", ".join(cells)}, '</row>') from sheet_rows
            where "sheet row" >= {first} and "sheet row" < {first + BATCH}
            """
        ).fetchall()
        yield "".join(row[0] for row in found)
    connection.execute("drop table sheet_rows")


def _cell(letters: str, name: str, kind: str, style: int) -> str:
    """SQL for the XML of a cell."""
    column = sql_name(name)
    # concat copies its parts once; a chain of || copies what it has so far at each link, and takes 4 times as long.
    start = f"""'<c r="{letters}', "sheet row", '" s="{style}"""
    if kind == "VARCHAR":
        text = f"left({column}, {MAX_TEXT})"
        # Excel reads _x0041_ as A, wherever it comes from.
        text = f"regexp_replace({text}, '(_x[0-9A-Fa-f]{{4}}_)', '_x005F\\1', 'g')"
        pictures = f"translate({text}, {' || '.join(f'chr({code})' for code in CONTROLS)}, '{PICTURES}')"
        # Looking costs a tenth of translating, and hardly any text has one.
        text = f"case when regexp_matches({column}, '[\\x00-\\x08\\x0B\\x0C\\x0E-\\x1F]') then {pictures} else {text} end"
        for sign, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\ufffe", ""), ("\uffff", "")):
            text = f"replace({text}, '{sign}', '{escaped}')"
        filled = f"""{start}" t="inlineStr"><is><t xml:space="preserve">', {text}, '</t></is></c>'"""
        condition = f"{column} is not null"
    elif kind == "BOOLEAN":
        filled = f"""{start}" t="b"><v>', {column}::integer, '</v></c>'"""
        condition = f"{column} is not null"
    elif kind == "DATE":
        # Days are counted as if 1900 had been a leap year, so from 1900-03-01.
        filled = f"""{start}"><v>', {column} - date '1899-12-30', '</v></c>'"""
        condition = f"{column} >= date '1900-03-01'"
    else:
        filled = f"""{start}"><v>', {column}, '</v></c>'"""
        condition = f"isfinite({column}::double)"
    return f"""case when {condition} then concat({filled}) else concat({start}"/>') end"""


def _letters(place: int) -> str:
    """The name of a column, counted from 0."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
