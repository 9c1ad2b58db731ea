"""A workbook's look: titles, tables whose rows are high enough for their text, native charts, print set-up.

Knows nothing of segments. Writes the workbook that it is given a path for, by XlsxWriter.
"""

import datetime as dt
import io
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd

from scripts.published.look import SERIES

# Characters of a cell, by Excel's specification.
MAX_TEXT = 32_767
BAR, LINE, CHOSEN = "#9DC3E6", "#2E75B6", "#C00000"
HEAD, EDGE, GRID, QUIET, LINK = "#DCE6F1", "#BFBFBF", "#D9D9D9", "#595959", "#0563C1"
# Points of a line of text at the usual size. Columns are as wide as so many digits; a letter of running text is
# narrower than a digit, a bold one about as wide.
LINE_HEIGHT, LETTERS, BOLD_LETTERS = 15.0, 1.12, 0.98
NUMBER, TEXT, MONEY, COUNT, SHARE = "General", "@", "#,##0", "#,##0", "0.0%"

Properties = dict[str, Any]
GRIDLINES: Properties = {"visible": True, "line": {"color": GRID}}


@dataclass(frozen=True)
class SheetColumn:
    """A column of a table.

    Attributes:
        head: what stands above it.
        form: number format.
        bold: whether its cells are bold.
        span: sheet columns that it goes over.
    """

    head: str
    form: str = NUMBER
    bold: bool = False
    italic: bool = False
    span: int = 1


@dataclass(frozen=True)
class Place:
    """Where a table's rows are: the sheet's name, the header's row, first and last row, counted from 0."""

    sheet: str
    head: int
    first: int
    last: int

    def cells(self, column: int) -> list[Any]:
        """A column's cells, for a chart's series."""
        return [self.sheet, self.first, column, self.last, column]


class Book:
    """A workbook in which text stays text: what looks like a formula, a number or a link is none.

    A formula is only what Sheet.formula writes.
    """

    def __init__(self, path: Path, title: str, comment: str, created: dt.datetime) -> None:
        """Begin a workbook at a path; use it as a context manager, which writes it at its end."""
        import xlsxwriter

        # In memory until it is whole: it holds no rows of customers, and a full disk is told by writing it, in one go.
        self._path, self._written = path, io.BytesIO()
        self.book = xlsxwriter.Workbook(
            self._written,
            {
                "in_memory": True,
                "strings_to_formulas": False,
                "strings_to_numbers": False,
                "strings_to_urls": False,
            },
        )
        self.book.set_properties({"title": title, "comments": comment, "created": created})
        self.sheets: list[Sheet] = []
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def __enter__(self) -> "Book":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.book.close()
            self._path.write_bytes(self._written.getvalue())

    def format(self, **properties: Any) -> Any:
        """A cell format; those alike are one."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format({"valign": "top", **properties})
        return self._formats[key]

    def sheet(self, name: str, widths: Sequence[float], *, portrait: bool = False) -> "Sheet":
        """Add a sheet with columns so wide, printed on A4 as wide as a page; no name that Excel would refuse."""
        added = Sheet(self, re.sub(r"[\[\]:*?/\\]", " ", name).strip("' ")[:31], widths, portrait)
        self.sheets.append(added)
        return added

    @property
    def last_part(self) -> str:
        """The last sheet's place in the file, as `xl/worksheets/sheet9.xml`."""
        return f"xl/worksheets/sheet{len(self.sheets)}.xml"

    def rows_sheet(
        self,
        name: str,
        table: str,
        columns: Sequence[tuple[str, str, float]],
        machine_names: Sequence[str] = (),
    ) -> "Sheet":
        """Add a sheet with an Excel table for rows.fill_sheet to fill: header and one blank row of formats.

        Args:
            name: what stands on its tab.
            table: name of the Excel table, what a PivotTable takes for its source.
            columns: header, number format and width of each; no two headers alike, whatever the case of their letters.
            machine_names: what programs call the columns, for a hidden row above the header; none for no such row.
        """
        sheet = self.sheet(name, [width for _, _, width in columns])
        row = 1 if machine_names else 0
        for place, machine_name in enumerate(machine_names):
            sheet.write(0, place, machine_name)
        if machine_names:
            sheet.raw.set_row(0, None, None, {"hidden": True})
        for place, (_, form, _) in enumerate(columns):
            sheet.raw.write_blank(row + 1, place, None, self.book.add_format({"num_format": form}))
        head = self.format(bold=True, text_wrap=True)
        heads = [{"header": text, "header_format": head} for text, _, _ in columns]
        sheet.raw.add_table(
            row,
            0,
            row + 1,
            len(columns) - 1,
            {"name": table, "columns": heads, "style": "Table Style Light 9"},
        )
        sheet.raw.hide_gridlines(0)
        # The arrow of a filter takes the room of two letters.
        lines = max(_lines(text, width - 2, True) for text, _, width in columns)
        sheet.raw.set_row(row, LINE_HEIGHT * max(lines, 2))
        sheet.raw.freeze_panes(row + 1, 1)
        sheet.raw.repeat_rows(row)
        return sheet

    def line_chart(
        self, series: Properties, title: str, x: str, y: str, form: str, most: float | None = None
    ) -> Any:
        """A line with points, of one series without a legend; `most` is where the axis ends that has an end."""
        chart = self.book.add_chart({"type": "line"})
        chart.add_series(
            {"line": {"color": LINE, "width": 2},
             "marker": {"type": "circle", "size": 5, "fill": {"color": LINE}, "border": {"color": LINE}}, **series}
        )  # fmt: skip
        chart.set_title({"name": title, "name_font": {"size": 12}})
        chart.set_legend({"none": True})
        chart.set_x_axis({"name": x})
        end = {} if most is None else {"max": most}
        chart.set_y_axis({"name": y, "num_format": form, "major_gridlines": GRIDLINES, **end})
        return chart

    def bar_chart(self, series: Sequence[Properties], title: str, x: str, form: str) -> Any:
        """Bars from the top down with the axis of numbers below; several series are stacked, with a legend."""
        stacked = len(series) > 1
        chart = self.book.add_chart({"type": "bar", "subtype": "stacked" if stacked else "clustered"})
        for place, each in enumerate(series):
            shown: Properties = {"value": not stacked, "num_format": form}
            fill = {"color": SERIES[place % len(SERIES)] if stacked else BAR}
            chart.add_series({"gap": 40, "fill": fill, "data_labels": shown, **each})
        chart.set_title({"name": title, "name_font": {"size": 12}})
        legend: Properties = {"position": "bottom"} if stacked else {"none": True}
        chart.set_legend(legend)
        chart.set_x_axis({"name": x, "num_format": form, "major_gridlines": GRIDLINES})
        chart.set_y_axis({"reverse": True, "crossing": "max", "label_position": "low"})
        return chart


class Sheet:
    """A sheet while it is written.

    Attributes:
        name: what stands on its tab.
        raw: XlsxWriter's worksheet, for what is done once.
    """

    def __init__(self, book: Book, name: str, widths: Sequence[float], portrait: bool) -> None:
        """Add it to the book; see Book.sheet."""
        self.book, self.name, self._widths = book, name, list(widths)
        self.raw = book.book.add_worksheet(name)
        for column, width in enumerate(widths):
            self.raw.set_column(column, column, width)
        self.raw.hide_gridlines(2)
        if not portrait:
            self.raw.set_landscape()
        self.raw.set_paper(9)
        self.raw.fit_to_pages(1, 0)
        self.raw.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        self.raw.set_footer("&L&A&R&P / &N")

    def title(self, title: str, intro: str = "") -> int:
        """Write title and introduction over the columns; return the row where a table may begin."""
        self.raw.write_string(0, 0, title, self.book.format(bold=True, font_size=16))
        self.raw.set_row(0, 24)
        if not intro:
            return 2
        # No wider than the eye likes to read.
        columns = 1
        while columns < len(self._widths) and sum(self._widths[:columns]) < 110:
            columns += 1
        form = self.book.format(text_wrap=True, font_color=QUIET)
        if columns > 1:
            self.raw.merge_range(1, 0, 1, columns - 1, "", form)
        self.raw.write_string(1, 0, intro, form)
        self.raw.set_row(1, LINE_HEIGHT * _lines(intro, sum(self._widths[:columns]), False) + 6)
        return 2

    def write(self, row: int, column: int, value: Any, span: int = 1, **properties: Any) -> int:
        """Write a cell and return how many lines of text it takes.

        Text is text, numbers are numbers, dates dates; nothing, infinity and not-a-number are an empty cell.
        """
        form = self.book.format(**properties)
        if span > 1:
            self.raw.merge_range(row, column, row, column + span - 1, "", form)
        if isinstance(value, str):
            text = value[:MAX_TEXT]
            self.raw.write_string(row, column, text, form)
            if not properties.get("text_wrap"):
                return 1
            width = sum(self._widths[column : column + span]) - 2 * properties.get("indent", 0)
            return _lines(text, width, bool(properties.get("bold")))
        if value is None or pd.isna(value) or value in (float("inf"), float("-inf")):
            self.raw.write_blank(row, column, None, form)
        elif isinstance(value, dt.datetime | dt.date):
            self.raw.write_datetime(row, column, value, form)
        else:
            self.raw.write_number(row, column, float(value), form)
        return 1

    def formula(self, row: int, column: int, text: str, value: Any, **properties: Any) -> None:
        """Write a formula that code made, never one with text of the data in it.

        value: what it gives for the numbers that are there; shown by programs that do not calculate.
        """
        known = None if value is None or (not isinstance(value, str) and pd.isna(value)) else value
        self.raw.write_formula(
            row, column, f"={text}", self.book.format(**properties), "" if known is None else known
        )

    def heading(self, row: int, text: str, column: int = 0) -> int:
        """Write a smaller title; return the next row."""
        self.raw.write_string(row, column, text, self.book.format(bold=True, font_size=12))
        return row + 1

    def table(
        self,
        row: int,
        columns: Sequence[SheetColumn],
        rows: Sequence[Sequence[Any]],
        *,
        fixed: int | None = None,
    ) -> Place:
        """Write a header and rows below it, each as high as its text needs.

        Args:
            row: where the header goes.
            columns: what they are.
            rows: a value for each column.
            fixed: columns on the left that stay in sight with the header, which then stands on each printed
                page, too; left out, nothing stays.
        """
        head: Properties = {
            "bold": True, "bg_color": HEAD, "text_wrap": True, "border": 1, "border_color": EDGE,
        }  # fmt: skip
        # Above numbers the header stands where they do, on the right.
        heads: list[Properties] = [
            head
            if any(isinstance(values[place], str) for values in rows) or (not rows and not place)
            else {**head, "align": "right"}
            for place in range(len(columns))
        ]
        self._row(row, columns, [column.head for column in columns], heads)
        styles: list[Properties] = [
            {"num_format": column.form, **({"bold": True} if column.bold else {}),
             **({"italic": True} if column.italic else {})}
            for column in columns
        ]  # fmt: skip
        # Text at a distance from the numbers to its left.
        text: list[Properties] = [
            {**style, "text_wrap": True, **({"align": "left", "indent": 1} if place else {})}
            for place, style in enumerate(styles)
        ]
        for number, values in enumerate(rows, row + 1):
            self._row(
                number,
                columns,
                values,
                [
                    one if isinstance(value, str) else other
                    for value, one, other in zip(values, text, styles, strict=True)
                ],
            )
        if fixed is not None:
            self.raw.freeze_panes(row + 1, fixed)
            self.raw.repeat_rows(row)
        return Place(self.name, row, row + 1, row + len(rows))

    def _row(
        self, row: int, columns: Sequence[SheetColumn], values: Sequence[Any], styles: Sequence[Properties]
    ) -> None:
        lines, place = 1, 0
        for column, value, style in zip(columns, values, styles, strict=True):
            lines = max(lines, self.write(row, place, value, column.span, **style))
            place += column.span
        if lines > 1:
            self.raw.set_row(row, LINE_HEIGHT * lines)

    def chart(
        self, row: int, column: int, chart: Any, description: str, *, width: int = 560, height: int = 300
    ) -> None:
        """Place a chart with its upper left corner in a cell, so many pixels large."""
        chart.set_size({"width": width, "height": height})
        self.raw.insert_chart(row, column, chart, {"description": description})


def _lines(text: str, width: float, bold: bool) -> int:
    """Lines that a text takes in a column of so many digits' width."""
    letters = max(int(width * (BOLD_LETTERS if bold else LETTERS)), 4)
    return sum(max(len(textwrap.wrap(part, letters)), 1) for part in text.split("\n"))
