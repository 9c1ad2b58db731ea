"""`make excel`: the published segments as a workbook, warehouse/card_segments.xlsx, whole or not at all.

Reads the published file. Writes the workbook beside it and, where a sheet cannot hold the customers, these as
warehouse/card_segments_customers.parquet. The build ends with it.

python -m scripts.excel
"""

import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from scripts.console import Console, run_command
from scripts.csv_dialect import sql_text
from scripts.errors import UserError
from scripts.excel_rows import MAX_ROWS, fill_sheet
from scripts.parameters import warehouse_folder
from scripts.published import PublishedTables, published_file
from scripts.report import PARTS

WORKBOOK = "card_segments.xlsx"
# Where the customers go that a sheet cannot hold.
CUSTOMERS = "card_segments_customers.parquet"
# The name of the customers' Excel table: what a PivotTable takes for its source, in every language.
TABLE = "Customers"
# A cell is as red or blue as many standard deviations as this from the mean of all customers.
DEVIATIONS = 2.0
BLUE, WHITE, RED = "#6BAED6", "#FFFFFF", "#FB8A6A"
BAR, HEAD, QUIET = "#9DC3E6", "#DCE6F1", "#595959"
FORMATS = {"money": "#,##0", "share": "0%", "count": "#,##0.0", "months": "#,##0.0"}
# The customers with what a marketer filters and pivots by. `names` are the features, from their own table.
CUSTOMER_ROWS = """
    select
        segments.customer_id, segments.segment_id, segments.segment_name, segments.status, segments.as_of_date,
        segments.confidence, segments.runner_up_segment_id, customer_values.value_base, segments.is_closed,
        features.* exclude (customer_id, as_of_date, nothing_was_due)
    from marts.customer_segments as segments
    left join marts.customer_features as features using (customer_id)
    left join marts.customer_values as customer_values using (customer_id)
    order by segments.customer_id
"""
WIDTHS = {"customer_id": 18, "segment_name": 30, "as_of_date": 12, "status": 12}

SHEETS = (
    "readme", "segments", "profiles", "elbow", "value", "playbook", "quality", "dictionary", "customers"
)  # fmt: skip
# What a sheet's line on the first one is called where the word is taken.
ABOUT = {"value": "parts"}

# pandas' type stubs let a cell be anything; these frames' columns are the marts'.
Frame = Any


def write_workbook(published: Path) -> tuple[Path, int]:
    """Write the workbook about a published file beside it, in the language it was built in.

    Returns its path and the number of customers on its sheet, 0 where they are more than a sheet holds and stand
    in CUSTOMERS instead. Raises UserError where a file cannot be written; the workbook before stays then.
    """
    folder = published.parent
    path, customers = folder / WORKBOOK, folder / CUSTOMERS
    drawn, partial = folder / f".partial-drawn-{WORKBOOK}", folder / f".partial-{WORKBOOK}"
    partial_customers = folder / f".partial-{CUSTOMERS}"
    try:
        with (
            tempfile.TemporaryDirectory() as spilled,
            duckdb.connect(str(published), read_only=True) as connection,
        ):
            # A temporary table lies in memory and spills to a folder of its own: the warehouse's is not for readers.
            connection.execute(f"set temp_directory = {sql_text(spilled)}")
            connection.execute(f"create temp table customer_rows as {CUSTOMER_ROWS}")
            rows = connection.execute("select count(*) from marts.customer_segments").fetchall()[0][0]
            fits = 0 < rows < MAX_ROWS
            sheet = _Workbook(_Sheets(published), drawn, rows if fits else 0, connection).write()
            if fits:
                fill_sheet(drawn, partial, sheet, connection, "customer_rows", rows)
            else:
                drawn.replace(partial)
                connection.execute(
                    f"copy customer_rows to {sql_text(str(partial_customers))} (format parquet)"
                )
        if fits:
            # Of an earlier build that had more: it may hold customers who are no longer to be found.
            customers.unlink(missing_ok=True)
        else:
            partial_customers.replace(customers)
        partial.replace(path)
    except (OSError, duckdb.IOException) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise UserError(f"{path}: cannot be written ({reason}); check the folder.") from None
    finally:
        for file in (drawn, partial, partial_customers):
            file.unlink(missing_ok=True)
    return path, rows if fits else 0


class _Sheets(PublishedTables):
    """What the workbook reads."""

    def w(self, key: str, **values: str) -> str:
        """A word of the workbook."""
        return self.word(f"workbook.{key}", **values)

    def t(self, key: str, **values: str) -> str:
        """A word that the report has, too."""
        return self.word(f"report.{key}", **values)


class _Workbook:
    """The workbook while it is written: its formats, sheets and what they are made of."""

    def __init__(
        self, data: _Sheets, path: Path, customers: int, connection: duckdb.DuckDBPyConnection
    ) -> None:
        import xlsxwriter

        # Text stays text: what looks like a formula, a number or a link is none.
        self.book = xlsxwriter.Workbook(
            str(path), {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
        )
        self.data, self.customers, self.connection = data, customers, connection
        self.run = data.frame("from marts.model_runs order by trained_at desc limit 1").iloc[0]
        self.profiles = data.frame("from marts.segment_profiles order by segment_id")
        self.values = data.frame("from marts.segment_values order by segment_id")
        self.currency = str(self.values["currency"].iloc[0])
        self.book.set_properties(
            {
                "title": data.t("title"),
                "comments": str(self.run["model_id"]),
                "created": self.run["trained_at"],
            }
        )
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}
        self._sheets: list[str] = []

    def write(self) -> str:
        """Write all sheets; return the customers' part of the package."""
        with self.book:
            about = self._sheet("readme")
            self._segments(self._sheet("segments"))
            self._profiles(self._sheet("profiles"))
            self._elbow(self._sheet("elbow"))
            self._value(self._sheet("value"))
            self._playbook(self._sheet("playbook"))
            self._quality(self._sheet("quality"))
            self._dictionary(self._sheet("dictionary"))
            if self.customers:
                self._customers(self._sheet("customers"))
            self._about(about)
            about.activate()
        return f"xl/worksheets/sheet{len(self._sheets)}.xml"

    def _format(self, **properties: Any) -> Any:
        """A cell format; those alike are one."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format({"valign": "top", **properties})
        return self._formats[key]

    @property
    def _head(self) -> Any:
        return self._format(bold=True, bg_color=HEAD, text_wrap=True, border=1, border_color="#BFBFBF")

    def _sheet(self, key: str) -> Any:
        """A sheet for landscape A4, as wide as a page, its title's row on each; no name Excel would refuse."""
        name = re.sub(r"[\[\]:*?/\\]", " ", self.data.w(f"sheet.{key}")).strip("' ")[:31]
        self._sheets.append(name)
        sheet = self.book.add_worksheet(name)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.5, right=0.5)
        sheet.set_footer("&L&A&R&P / &N")
        return sheet

    def _title(self, sheet: Any, title: str, intro: str, columns: int) -> int:
        """Write title and introduction over the columns; return the row after them."""
        sheet.write_string(0, 0, title, self._format(bold=True, font_size=16))
        if not intro:
            return 2
        sheet.merge_range(1, 0, 1, max(columns - 1, 1), "", self._format())
        sheet.write_string(1, 0, intro, self._format(text_wrap=True, font_color=QUIET))
        sheet.set_row(1, 15 * (1 + len(intro) // 130))
        return 3

    def _write(self, sheet: Any, row: int, column: int, value: Any, **properties: Any) -> None:
        """Write text as text, numbers as numbers; nothing, infinity and not-a-number as an empty cell."""
        form = self._format(**properties)
        if (
            value is None
            or (not isinstance(value, str) and pd.isna(value))
            or value in (float("inf"), float("-inf"))
        ):
            sheet.write_blank(row, column, None, form)
        elif isinstance(value, str):
            sheet.write_string(row, column, value[:32_000], form)
        else:
            sheet.write_number(row, column, float(value), form)

    def _heads(self, sheet: Any, row: int, heads: Sequence[str]) -> None:
        for column, head in enumerate(heads):
            sheet.write_string(row, column, head, self._head)

    def _below(self, sheet: Any, row: int) -> None:
        """Keep the rows down to a table's header in sight, and on every page."""
        sheet.freeze_panes(row + 1, 0)
        sheet.repeat_rows(row)

    def _about(self, sheet: Any) -> None:
        data, run = self.data, self.run
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, 1, 100)
        sheet.set_portrait()
        audit = data.frame("from marts.load_audit where measure = 'rows' order by source")
        as_of = data.frame("select max(as_of_date) as day from marts.customer_features")["day"].iloc[0]
        counts = data.frame(
            "select status, count(*) as n from marts.customer_segments group by status"
        ).set_index("status")["n"]
        total = int(counts.sum())
        lines = [
            (data.w("about.source"), ", ".join(audit["files"])),
            *([] if pd.isna(as_of) else [(data.w("about.as_of"), f"{as_of:%Y-%m-%d}")]),
            (data.w("about.built"), f"{run['trained_at']:%Y-%m-%d %H:%M} UTC"),
            (
                data.w("about.model"),
                f"{run['model_id']}: {run['scaling']}, {run['representation']}, k = {run['k']}",
            ),
            (data.t("customers"), data.number(total, "whole")),
        ]
        if "suppressed" in counts:
            lines.append(("", data.t("suppressed", customers=data.number(counts["suppressed"], "whole"))))
        if isinstance(run["warning"], str) and run["warning"]:
            lines.append((data.t("warning"), run["warning"]))
        lines.append((data.w("about.reading"), data.w("about.reading_text")))
        lines.append((data.w("about.value"), data.t("value.intro", currency=self.currency)))
        if self.customers:
            lines.append((data.w("about.pivot"), data.w("about.pivot_text", table=TABLE)))
        else:
            lines.append(
                (
                    data.w("sheet.customers"),
                    data.w(
                        "about.too_many", customers=data.number(total, "whole"),
                        limit=data.number(MAX_ROWS, "whole"), file=CUSTOMERS,
                    ),
                )
            )  # fmt: skip
        row = self._title(sheet, data.t("title"), "", 2)
        for head, text in lines:
            self._write(sheet, row, 0, head, bold=True)
            self._write(sheet, row, 1, text, text_wrap=True)
            sheet.set_row(row, 15 * (1 + len(text) // 105))
            row += 1
        row += 1
        for key, name in zip(SHEETS[1:], self._sheets[1:], strict=False):
            link = self._format(font_color="#0563C1", underline=1)
            sheet.write_url(row, 0, f"internal:'{name.replace(chr(39), chr(39) * 2)}'!A1", link, name)
            self._write(sheet, row, 1, data.w(f"about.{ABOUT.get(key, key)}"), text_wrap=True)
            row += 1

    def _segments(self, sheet: Any) -> None:
        data, profiles, values = self.data, self.profiles, self.values
        heads = [
            data.w("id"), data.t("segment"), data.t("customers"), data.t("share"),
            f"{data.t('glance.value')}, {self.currency}", data.t("glance.stability"),
            data.w("description"), data.t("glance.traits"),
        ]  # fmt: skip
        for column, width in enumerate((5, 28, 12, 12, 14, 10, 60, 48)):
            sheet.set_column(column, column, width)
        row = self._title(sheet, data.t("glance.title"), data.t("glance.intro"), len(heads))
        self._heads(sheet, row, heads)
        self._below(sheet, row)
        first, last = row + 1, row + len(profiles)
        for place, profile in profiles.iterrows():
            row += 1
            note = data.t("unstable", stability=data.decimals(profile["stability"], 2))
            description = str(profile["description"] or "")
            if profile["is_unstable"]:
                description = f"{description} {data.t('warning')}: {note}"
            self._write(sheet, row, 0, profile["segment_id"])
            self._write(sheet, row, 1, profile["segment_name"], bold=True, text_wrap=True)
            self._write(sheet, row, 2, profile["customers"], num_format="#,##0")
            self._write(sheet, row, 3, profile["customer_share"], num_format="0.0%")
            self._write(sheet, row, 4, values["value_base"][place], num_format="#,##0")
            self._write(sheet, row, 5, profile["stability"], num_format="0.00")
            self._write(sheet, row, 6, description, text_wrap=True)
            self._write(sheet, row, 7, profile["traits"], text_wrap=True)
        for column in (2, 3, 4):
            sheet.conditional_format(
                first, column, last, column, {"type": "data_bar", "bar_color": BAR, "bar_solid": True}
            )
        name = self._sheets[-1]
        chart = self.book.add_chart({"type": "bar"})
        chart.add_series(
            {
                "name": heads[2], "categories": [name, first, 1, last, 1], "values": [name, first, 2, last, 2],
                "data_labels": {"value": True}, "fill": {"color": BAR}, "gap": 40,
            }
        )  # fmt: skip
        self._place(sheet, chart, last + 2, 1, data.t("glance.size"), heads[2], "", reverse=True)

    def _place(
        self,
        sheet: Any,
        chart: Any,
        row: int,
        column: int,
        title: str,
        x: str,
        y: str,
        *,
        reverse: bool = False,
    ) -> None:
        chart.set_title({"name": title, "name_font": {"size": 12}, "overlay": False})
        if reverse:  # bars from the top down, the axis of numbers below
            chart.set_x_axis({"name": x, "num_format": "#,##0", "major_gridlines": {"visible": True}})
            chart.set_y_axis({"reverse": True, "crossing": "max", "label_position": "low"})
        else:
            chart.set_x_axis({"name": x, "label_position": "low"})
            chart.set_y_axis({"name": y, "major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}}})
        chart.set_size({"width": 760, "height": 360})
        sheet.insert_chart(row, column, chart, {"description": title})

    def _profiles(self, sheet: Any) -> None:
        data, profiles = self.data, self.profiles
        contrasts = data.frame("from marts.segment_feature_contrasts order by segment_id")
        order = data.frame("describe marts.customer_features")["column_name"]
        features = [feature for feature in order if feature in set(contrasts["feature"])]
        names = [f"{row.segment_id} {row.segment_name}" for row in profiles.itertuples()]
        sheet.set_column(0, 0, 32)
        sheet.set_column(1, len(names) + 1, 14)
        row = self._title(sheet, data.t("profile.title"), data.w("profiles.intro"), len(names) + 2)
        self._heads(sheet, row, [data.t("profile.feature"), data.t("profile.portfolio"), *names])
        self._below(sheet, row)
        for feature in features:
            row += 1
            cells = contrasts[contrasts["feature"] == feature]
            mean, form = cells["portfolio_mean"].iloc[0], FORMATS[cells["unit"].iloc[0]]
            self._write(sheet, row, 0, data.word(f"feature.{feature}"))
            self._write(sheet, row, 1, mean, num_format=form, italic=True)
            for column, value in enumerate(cells["segment_mean"], 2):
                self._write(sheet, row, column, value, num_format=form)
            farthest = cells.loc[cells["z_contrast"].abs().idxmax()]
            if not farthest["z_contrast"]:
                continue
            deviation = abs((farthest["segment_mean"] - mean) / farthest["z_contrast"])
            sheet.conditional_format(
                row, 2, row, len(names) + 1,
                {
                    "type": "3_color_scale", "min_color": BLUE, "mid_color": WHITE, "max_color": RED,
                    "min_type": "num", "mid_type": "num", "max_type": "num",
                    "min_value": mean - DEVIATIONS * deviation, "mid_value": mean,
                    "max_value": mean + DEVIATIONS * deviation,
                },
            )  # fmt: skip

    def _elbow(self, sheet: Any) -> None:
        data = self.data
        points = data.frame("from marts.elbow_curve order by k")
        measures = ("inertia", "silhouette", "davies_bouldin", "calinski_harabasz", "gap", "stability")
        heads = [
            data.t("k.axis"),
            *(data.w(f"elbow.{measure}") for measure in measures),
            data.w("elbow.mark"),
        ]
        sheet.set_column(0, len(heads) - 1, 14)
        row = self._title(
            sheet, data.t("k.title"), data.t("k.intro", reason=str(self.run["reason"])), len(heads)
        )
        self._heads(sheet, row, heads)
        self._below(sheet, row)
        first, last = row + 1, row + len(points)
        for point in points.itertuples():
            row += 1
            self._write(sheet, row, 0, point.k, bold=bool(point.is_chosen))
            for column, measure in enumerate(measures, 1):
                form = "#,##0" if measure in ("inertia", "calinski_harabasz") else "0.000"
                self._write(sheet, row, column, getattr(point, measure), num_format=form)
            word = (
                "both"
                if point.is_chosen and point.is_elbow
                else "chosen"
                if point.is_chosen
                else "elbow_mark"
            )
            self._write(
                sheet, row, 7, data.t(f"k.{word}") if point.is_chosen or point.is_elbow else None, bold=True
            )
        name = self._sheets[-1]
        marks = {
            int(p.k): data.t("k.both" if p.is_elbow else "k.chosen")
            for p in points.itertuples()
            if p.is_chosen
        }
        marks |= {
            int(p.k): data.t("k.elbow_mark") for p in points.itertuples() if p.is_elbow and not p.is_chosen
        }
        for place, (column, title) in enumerate(((1, "k.elbow"), (2, "k.silhouette"), (6, "k.stability"))):
            measure = measures[column - 1]
            chart = self.book.add_chart({"type": "line"})
            emphasis = [{"border": {"color": "#C00000"}, "fill": {"color": "#C00000"}} if int(k) in marks else None
                        for k in points["k"]]  # fmt: skip
            labels: list[dict[str, Any]] = [
                {"value": marks[int(k)]} if int(k) in marks else {"delete": True} for k in points["k"]
            ]
            chart.add_series(
                {
                    "name": heads[column], "categories": [name, first, 0, last, 0],
                    "values": [name, first, column, last, column],
                    "line": {"color": "#2E75B6", "width": 2},
                    "marker": {"type": "circle", "size": 5, "fill": {"color": "#2E75B6"}}, "points": emphasis,
                    "data_labels": {"value": True, "custom": labels, "position": "above"},
                }
            )  # fmt: skip
            chart.set_legend({"none": True})
            self._place(sheet, chart, 4 + 19 * place, len(heads) + 1, data.t(title), heads[0], heads[column])
            if measure == "inertia":
                chart.set_y_axis({"name": heads[column], "num_format": "#,##0"})

    def _value(self, sheet: Any) -> None:
        data, values = self.data, self.values
        heads = [
            data.w("id"), data.t("segment"), data.t("customers"), data.t("value.low"), data.t("value.base"),
            data.t("value.high"), data.t("value.total"), data.t("value.share_of_total"),
            *(data.t(f"part.{part}") for part in PARTS),
        ]  # fmt: skip
        sheet.set_column(0, 0, 5)
        sheet.set_column(1, 1, 28)
        sheet.set_column(2, len(heads) - 1, 12)
        row = self._title(
            sheet, data.t("value.title"), data.t("value.intro", currency=self.currency), len(heads)
        )
        self._heads(sheet, row, heads)
        self._below(sheet, row)
        first, last = row + 1, row + len(values)
        columns = ["segment_id", "segment_name", "customers", "value_low", "value_base", "value_high", "total_base",
                   "share_of_total", *PARTS]  # fmt: skip
        for _, value in values.iterrows():
            row += 1
            for column, field in enumerate(columns):
                form = {"segment_id": "0", "share_of_total": "0.0%"}.get(field, "#,##0")
                self._write(sheet, row, column, value[field], num_format=form)
        name = self._sheets[-1]
        chart = self.book.add_chart({"type": "bar", "subtype": "stacked"})
        for column in range(8, len(heads)):
            chart.add_series(
                {
                    "name": heads[column], "categories": [name, first, 1, last, 1],
                    "values": [name, first, column, last, column], "gap": 40,
                }
            )  # fmt: skip
        axis = data.t("value.axis", currency=self.currency)
        self._place(sheet, chart, last + 2, 1, data.t("value.parts_chart"), axis, "", reverse=True)
        row = last + 22
        sheet.write_string(row, 1, data.t("value.assumptions"), self._format(bold=True, font_size=12))
        row += 1
        heads = [data.t("value.assumption"), data.t("value.unit"), data.t("value.low"), data.t("value.base"),
                 data.t("value.high"), data.t("value.source")]  # fmt: skip
        for column, head in enumerate(heads, 1):
            sheet.write_string(row, column, head, self._head)
        for assumption in data.frame("from marts.value_assumptions").itertuples():
            row += 1
            self._write(sheet, row, 1, assumption.meaning, text_wrap=True)
            self._write(sheet, row, 2, assumption.unit, text_wrap=True)
            for column, amount in enumerate((assumption.low, assumption.base, assumption.high), 3):
                self._write(sheet, row, column, amount, num_format="#,##0.####")
            sheet.merge_range(row, 6, row, 15, "", self._format())
            self._write(sheet, row, 6, assumption.source, text_wrap=True)
            sheet.set_row(row, 45)

    def _playbook(self, sheet: Any) -> None:
        data = self.data
        plays = data.frame("from marts.segment_playbook order by segment_id")
        fields = {
            "segment_id": data.w("id"), "segment_name": data.t("segment"),
            "objective": data.t("playbook.objective"), "offer": data.t("glance.offer"),
            "channel": data.t("playbook.channel"), "avoid": data.t("glance.avoid"),
            "success_measure": data.t("glance.measure"),
            "value_change_per_response": data.w("per_response", currency=self.currency),
            "limit_increase": data.t("playbook.limit"), "is_under_payment_stress": data.t("playbook.stress"),
            "source": data.t("playbook.source"),
        }  # fmt: skip
        for column, width in enumerate((5, 22, 28, 36, 24, 32, 36, 14, 18, 10, 30)):
            sheet.set_column(column, column, width)
        row = self._title(sheet, data.t("playbook.title"), data.t("playbook.intro"), len(fields))
        self._heads(sheet, row, list(fields.values()))
        self._below(sheet, row)
        for _, play in plays.iterrows():
            row += 1
            for column, field in enumerate(fields):
                value = play[field]
                if field == "limit_increase":
                    value = data.words.get(f"report.limit.{value}", value)
                elif field == "is_under_payment_stress":
                    value = data.t("yes" if value else "no")
                self._write(
                    sheet, row, column, value, text_wrap=True, bold=field == "segment_name",
                    num_format="#,##0.00" if field == "value_change_per_response" else "General",
                )  # fmt: skip

    def _quality(self, sheet: Any) -> None:
        data = self.data
        audit = data.frame("from marts.load_audit order by source, measure <> 'rows', measure")
        fields = {
            "source": data.t("quality.source"), "measure": data.w("measure"), "files": data.w("files"),
            "rows_in": data.t("quality.rows_in"), "rows_accepted": data.t("quality.accepted"),
            "rows_rejected": data.t("quality.rejected"), "amount_in": data.w("amount_in"),
            "amount_in_features": data.w("amount_used"), "amount_outside_window": data.w("amount_outside"),
            "amount_rejected": data.w("amount_rejected"),
        }  # fmt: skip
        for column, width in enumerate((32, 26, 30, 14, 14, 14, 18, 18, 18, 18)):
            sheet.set_column(column, column, width)
        row = self._title(sheet, data.t("quality.title"), data.t("quality.intro"), len(fields))
        self._heads(sheet, row, list(fields.values()))
        for _, line in audit.iterrows():
            row += 1
            for column, field in enumerate(fields):
                form = "#,##0.00" if field.startswith("amount") else "#,##0"
                value = line[field]
                self._write(sheet, row, column, value, num_format=form, text_wrap=field == "files")
        row += 2
        self._heads(
            sheet, row, [data.t("quality.check"), data.t("quality.severity"), data.t("quality.affected"),
                         data.t("quality.meaning")],
        )  # fmt: skip
        checks = data.frame("from marts.data_quality_checks order by affected_rows desc, check_name")
        for check in checks.itertuples():
            row += 1
            self._write(sheet, row, 0, check.check_name)
            self._write(sheet, row, 1, check.severity)
            self._write(sheet, row, 2, check.affected_rows, num_format="#,##0")
            self._write(sheet, row, 3, check.meaning)

    def _dictionary(self, sheet: Any) -> None:
        data = self.data
        columns = data.frame(
            """
            select columns.table_name, columns.column_name, columns.data_type, columns.comment,
                tables.comment as table_comment, columns.column_index
            from duckdb_columns() as columns
            inner join duckdb_tables() as tables using (schema_name, table_name)
            where columns.schema_name = 'marts'
            order by table_name, column_index
            """
        )
        for column, width in enumerate((28, 34, 16, 90)):
            sheet.set_column(column, column, width)
        row = self._title(sheet, data.w("sheet.dictionary"), data.w("dictionary.intro"), 4)
        self._heads(
            sheet, row, [data.w("table"), data.w("column"), data.w("type"), data.t("quality.meaning")]
        )
        self._below(sheet, row)
        first, table = row, ""
        for line in columns.itertuples():
            if line.table_name != table:
                table = line.table_name
                row += 1
                self._write(sheet, row, 0, table, bold=True)
                self._write(sheet, row, 3, line.table_comment, bold=True, text_wrap=True)
            row += 1
            self._write(sheet, row, 0, table)
            self._write(sheet, row, 1, line.column_name)
            self._write(sheet, row, 2, line.data_type.lower())
            self._write(sheet, row, 3, line.comment, text_wrap=True)
        sheet.autofilter(first, 0, row, 3)

    def _customers(self, sheet: Any) -> None:
        """Header, table and one blank row of formats; fill_sheet puts the customers there."""
        columns = self.connection.execute(
            "select column_name, column_type from (describe customer_rows)"
        ).fetchall()
        units = dict(
            self.connection.execute(
                "select distinct feature, unit from marts.segment_feature_contrasts"
            ).fetchall()
        )
        formats = {feature: {"share": "0.00"}.get(unit, "#,##0.00" if unit == "money" else "0")
                   for feature, unit in units.items()}  # fmt: skip
        formats |= {"value_base": "#,##0.00", "confidence": "0.000"}
        heads = []
        for place, (name, kind) in enumerate(columns):
            form = {"DATE": "yyyy-mm-dd", "VARCHAR": "@"}.get(kind, formats.get(name, "General"))
            sheet.set_column(place, place, WIDTHS.get(name, 14))
            sheet.write_blank(1, place, None, self.book.add_format({"num_format": form}))
            heads.append({"header": name, "header_format": self._format(bold=True, text_wrap=True)})
        sheet.add_table(
            0, 0, self.customers, len(columns) - 1,
            {"name": TABLE, "columns": heads, "style": "Table Style Light 9"},
        )  # fmt: skip
        sheet.hide_gridlines(0)
        sheet.set_row(0, 45)
        sheet.freeze_panes(1, 1)
        sheet.repeat_rows(0)


def main(arguments: Sequence[str]) -> int:
    """Write the workbook on what is published, say where it is, and return the exit code."""

    def work(console: Console) -> None:
        if arguments:
            raise UserError(f"{arguments[0]}: make excel takes no parameters.")
        published = published_file(warehouse_folder())
        with console.stage("Write the workbook") as stage:
            path, stage.rows = write_workbook(published)
        console.print(f"The workbook is {path}")
        if not stage.rows:
            console.print(f"More customers than a sheet holds: they are in {path.with_name(CUSTOMERS)}")

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
