"""What stands on the workbook's sheets: the published tables, in the words of the language they were built in.

Reads the published file through PublishedTables; writes the workbook through Book. The customers' rows are not
written here but their sheet's header, table and formats, which excel_rows.fill_sheet fills.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from scripts.outputs.workbook.book import (
    BAR,
    CHOSEN,
    COUNT,
    LINK,
    MONEY,
    NUMBER,
    SHARE,
    TEXT,
    Book,
    Place,
    Sheet,
    SheetColumn,
)
from scripts.outputs.workbook.sheet_tables import SheetTables
from scripts.outputs.workbook.what_if import write_what_if
from scripts.published.look import VALUE_PARTS
from scripts.published.reading import LATEST_RUN

# The name of the customers' Excel table: what a PivotTable takes for its source, in every language.
TABLE = "Customers"
# A cell is as red or blue as many standard deviations as this from the mean of all customers.
DEVIATIONS = 2.0
BLUE, WHITE, RED = "#6BAED6", "#FFFFFF", "#FB8A6A"
DAY, MINUTE = "yyyy-mm-dd", "yyyy-mm-dd hh:mm"
# Number formats of features by their unit: of means, and of single customers.
OF_MEANS = {"money": MONEY, "share": "0%", "count": "#,##0.0", "months": "#,##0.0"}
OF_CUSTOMERS = {"money": "#,##0.00", "share": "0.00", "count": "0", "months": "0"}
# Of the other columns of a customer: number format where it is not the type's own, width where it is not WIDTH.
OTHERS = {"value_base": "#,##0.00", "confidence": "0.000"}
WIDTH, WIDTHS = 14, {"customer_id": 18, "segment_name": 30, "as_of_date": 12, "status": 12}
# What of the customers is printed: those at the top, with the columns before the features. All would be a hundred pages.
PRINTED_ROWS, PRINTED_TO = 40, "is_closed"
# The customers' header is below a hidden row with the columns' names in the published tables.
CUSTOMERS_HEAD = 2

# pandas' type stubs let a cell be anything; these frames' columns are the marts'.
Frame = Any


def write_sheets(
    data: SheetTables,
    path: Path,
    connection: duckdb.DuckDBPyConnection,
    customers: str,
    rows: int,
    *,
    beside: str,
    most_listed: int,
) -> str:
    """Write all sheets but the customers' rows.

    Args:
        data: the published tables.
        path: where the workbook goes.
        connection: where the table of customers is.
        customers: that table's name.
        rows: number of its rows that the sheet will hold; 0 where there is no such sheet.
        beside: name of the file that holds the customers then.
        most_listed: rows beyond which there is no such sheet.

    Returns the place of the customers' sheet in the file, for fill_sheet.
    """
    run = data.frame(f"from {LATEST_RUN}").iloc[0]
    with Book(path, data.t("title"), str(run["model_id"]), run["built_at"]) as book:
        sheets = _Sheets(data, book, run, connection.execute(f"describe {customers}").fetchall())
        about = book.sheet(data.w("sheet.readme"), (24, 100), portrait=True)
        described = [
            (sheets.segments(), data.w("about.segments")),
            *sheets.movements(),
            *sheets.campaigns(),
            (sheets.profiles(), data.w("about.profiles")),
            (sheets.elbow(), data.w("about.elbow")),
            (sheets.value(), data.w("about.parts")),
            (sheets.assumptions(), data.w("about.assumptions")),
            (sheets.playbook(), data.w("about.playbook")),
            *write_what_if(book, data, sheets.currency),
            (sheets.rules(), data.w("about.rules")),
            (sheets.quality(), data.w("about.quality")),
            (sheets.dictionary(), data.w("about.dictionary")),
        ]
        if rows:
            described.append((sheets.customers(connection, customers, rows), data.w("about.customers")))
        sheets.about(about, described, rows, beside, most_listed)
        about.raw.activate()
        return book.last_part


def cells_of(frame: Frame) -> list[list[Any]]:
    """The rows of a frame as cells, empty where a value is missing."""
    return [[None if pd.isna(cell) else cell for cell in row] for row in frame.itertuples(index=False)]


class _Sheets:
    """The sheets, each written by the method of its name."""

    def __init__(
        self, data: SheetTables, book: Book, run: Frame, customer_columns: Sequence[Sequence[Any]]
    ) -> None:
        self.data, self.book, self.run = data, book, run
        self.profile_rows = data.frame("from marts.segment_profiles order by segment_id")
        self.value_rows = data.frame("from marts.segment_values order by segment_id")
        self.currency = str(self.value_rows["currency"].iloc[0])
        units = data.frame("select distinct feature, unit from marts.segment_feature_contrasts")
        self.units: dict[str, str] = dict(zip(units["feature"], units["unit"], strict=True))
        self.customer_heads: dict[str, str] = {
            str(name): self.head_of(str(name), self.units.get(str(name))) for name, *_ in customer_columns
        }

    def about(
        self, sheet: Sheet, described: Sequence[tuple[Sheet, str]], rows: int, beside: str, most_listed: int
    ) -> None:
        """Date, source, model, how to read it, and a link to each sheet."""
        data, run = self.data, self.run
        as_of = data.frame("select max(as_of_date) as day from marts.customer_features")["day"].iloc[0]
        counts = data.frame(
            "select status, count(*) as n from marts.customer_segments group by status"
        ).set_index("status")["n"]
        total = int(counts.sum())
        limit = data.number(most_listed, "whole")
        lines: list[tuple[str, Any, str]] = [
            (data.w("about.source"), data.source(), ""),
            *([] if pd.isna(as_of) else [(data.w("about.as_of"), as_of, DAY)]),
            (data.w("about.built"), run["built_at"], f'{MINUTE}" UTC"'),
            (
                data.w("about.model"),
                f"{run['model_id']}: {run['scaling']}, {run['representation']}, k = {run['k']}",
                "",
            ),
            (data.t("customers"), total, COUNT),
        ]
        if "suppressed" in counts:
            suppressed = data.number(counts["suppressed"], "whole")
            lines.append(("", data.t("suppressed", customers=suppressed), ""))
        if unknown := data.unknown():
            lines.append((data.t("warning"), unknown, ""))
        if isinstance(run["warning"], str) and run["warning"]:
            lines.append((data.t("warning"), run["warning"], ""))
        lines.append((data.w("about.reading"), data.w("about.reading_text"), ""))
        lines.append((data.w("about.value"), data.t("value.intro", currency=self.currency), ""))
        if rows:
            lines.append(
                (
                    data.w("about.pivot"),
                    data.w(
                        "about.pivot_text",
                        table=TABLE,
                        **{
                            name: self.customer_heads[name]
                            for name in ("segment_name", "customer_id", "value_base")
                        },
                    ),
                    "",
                )
            )
        else:
            whole = data.number(total, "whole")
            words = data.w("about.too_many", customers=whole, limit=limit, file=beside)
            lines.append((data.w("sheet.customers"), words, ""))
        row = sheet.title(data.t("title"))
        for head, value, form in lines:
            sheet.write(row, 0, head, bold=True)
            height = sheet.write(row, 1, value, align="left", text_wrap=True, num_format=form or "General")
            sheet.raw.set_row(row, 15 * height + 3)
            row += 1
        row += 1
        for each, words in described:
            target = each.name.replace("'", "''")
            link = self.book.format(font_color=LINK, underline=1)
            sheet.raw.write_url(row, 0, f"internal:'{target}'!A1", link, each.name)
            sheet.write(row, 1, words)
            row += 1

    def segments(self) -> Sheet:
        """Size, value and stability of each segment with bars, and what sets it apart."""
        data = self.data
        sheet = self.book.sheet(data.w("sheet.segments"), (5, 28, 13, 12, 14, 10, 62, 52))
        rows = []
        for place, profile in self.profile_rows.iterrows():
            description = f"{profile['payment_words']}. {profile['description'] or ''}"
            if profile["is_unstable"]:
                note = data.t("unstable", stability=data.decimals(profile["stability"], 2))
                description = f"{description} {data.t('warning')}: {note}"
            rows.append(
                (
                    profile["segment_id"], profile["segment_name"], profile["customers"],
                    profile["customer_share"], self.value_rows["value_base"][place], profile["stability"],
                    description, profile["traits"],
                )
            )  # fmt: skip
        value = f"{data.t('glance.value')}, {self.currency}"
        columns = (
            SheetColumn(data.w("id")), SheetColumn(data.t("segment"), bold=True), SheetColumn(data.t("customers"), COUNT),
            SheetColumn(data.t("share"), SHARE), SheetColumn(value, MONEY), SheetColumn(data.t("glance.stability"), "0.00"),
            SheetColumn(data.w("description")), SheetColumn(data.t("glance.traits")),
        )  # fmt: skip
        row = sheet.title(data.t("glance.title"), data.t("glance.intro"))
        place = sheet.table(row, columns, rows, fixed=2)
        bars = {"type": "data_bar", "bar_color": BAR, "bar_solid": True, "bar_axis_color": BAR}
        for column in (2, 3, 4):
            sheet.raw.conditional_format(place.first, column, place.last, column, bars)
        for at, column, title, form in ((1, 2, "glance.size", COUNT), (6, 4, "glance.value", MONEY)):
            head = columns[column].head
            series = {"name": head, "categories": place.cells(1), "values": place.cells(column)}
            chart = self.book.bar_chart([series], data.t(title), head, form)
            sheet.chart(place.last + 2, at, chart, data.t(title), width=520)
        return sheet

    def movements(self) -> list[tuple[Sheet, str]]:
        """Who went from where to where with this month, and what the largest movements call for; nothing in the first."""
        data = self.data
        flows = data.frame(
            "select * exclude (flow) from (select flows.flow, flows.from_segment_name, flows.to_segment_name, flows.cause, flows.customers, flows.share_of_from,"
            " flows.value_before, flows.value_after, any_value(moved.movement) as movement, any_value(moved.play) as play"
            " from marts.segment_migration as flows left join marts.customer_movements as moved"
            " on flows.from_segment_id = moved.from_segment_id and flows.to_segment_id = moved.to_segment_id"
            " and flows.cause = moved.cause and flows.as_of_date = moved.as_of_date"
            " where flows.as_of_date = (select max(as_of_date) from marts.segment_drift)"
            " group by all) order by cause = 'stayed', customers desc, flow"
        )
        if flows.empty:
            return []
        flows["cause"] = [data.w(f"cause.{cause}") for cause in flows["cause"]]
        sheet = self.book.sheet(data.w("sheet.movements"), (26, 26, 22, 12, 12, 14, 14, 26, 70))
        value = f", {self.currency}"
        columns = (
            SheetColumn(data.t("changes.from"), bold=True), SheetColumn(data.t("changes.to"), bold=True),
            SheetColumn(data.w("cause")), SheetColumn(data.t("customers"), COUNT), SheetColumn(data.t("share"), SHARE),
            SheetColumn(data.t("changes.value_before") + value, MONEY),
            SheetColumn(data.t("changes.value_now") + value, MONEY),
            SheetColumn(data.t("changes.movement")), SheetColumn(data.t("changes.play")),
        )  # fmt: skip
        row = sheet.title(data.t("changes.title"))
        sheet.table(row, columns, cells_of(flows), fixed=2)
        return [(sheet, data.w("about.movements"))]

    def campaigns(self) -> list[tuple[Sheet, str]]:
        """What was drawn and what came of it, by segment where it was measured; nothing where nothing was drawn."""
        data = self.data
        rows = data.frame(
            "select campaigns.campaign, created_at, status, coalesce(segment_name, segments) as segments,"
            " comparison,"
            " coalesce(results.contacted, campaigns.contacted) as contacted,"
            " coalesce(results.held_out, campaigns.held_out) as held_out, contacted_responded, held_out_responded, uplift,"
            " uplift_low, uplift_high, cost, net_value, net_value_low, net_value_high, words, warning"
            " from marts.campaigns as campaigns left join marts.campaign_results as results"
            " on campaigns.campaign = results.campaign and is_latest"
            " order by created_at desc, campaigns.campaign, segment_id nulls first, compared_with != 'holdout', arm, compared_with"
        )
        if rows.empty:
            return []
        rows["status"] = [data.t(f"campaigns.status.{status}") for status in rows["status"]]
        # The verdict of what was measured, and before that what speaks against it.
        rows["words"] = rows["words"].fillna(rows.pop("warning"))
        sheet = self.book.sheet(
            data.w("sheet.campaigns"), (22, 16, 16, 34, 18, 11, 11, 12, 12, 11, 11, 11, 13, 13, 13, 13, 70)
        )
        low, high = data.w("campaigns.low"), data.w("campaigns.high")
        columns = (
            SheetColumn(data.t("campaigns.campaign"), bold=True), SheetColumn(data.w("campaigns.drawn"), MINUTE),
            SheetColumn(data.w("campaigns.status")), SheetColumn(data.t("campaigns.segments")),
            SheetColumn(data.w("campaigns.arms")), SheetColumn(data.t("campaigns.contacted"), COUNT), SheetColumn(data.w("campaigns.held_out"), COUNT),
            SheetColumn(data.w("campaigns.contacted_responded"), COUNT),
            SheetColumn(data.w("campaigns.held_out_responded"), COUNT), SheetColumn(data.w("campaigns.uplift"), "0.0%"),
            SheetColumn(low, "0.0%"), SheetColumn(high, "0.0%"),
            SheetColumn(data.w("campaigns.cost", currency=self.currency), MONEY),
            SheetColumn(data.w("campaigns.net", currency=self.currency), MONEY), SheetColumn(low, MONEY),
            SheetColumn(high, MONEY), SheetColumn(data.t("campaigns.verdict")),
        )  # fmt: skip
        row = sheet.title(data.t("campaigns.title"), data.t("campaigns.intro"))
        sheet.table(row, columns, cells_of(rows), fixed=1)
        return [(sheet, data.w("about.campaigns"))]

    def profiles(self) -> Sheet:
        """Mean of each feature in each segment, coloured by how far it lies from the mean of all."""
        data = self.data
        contrasts = data.frame("from marts.segment_feature_contrasts order by segment_id")
        order = data.frame("describe marts.customer_features")["column_name"]
        features = [feature for feature in order if feature in set(contrasts["feature"])]
        names = [f"{row.segment_id} {row.segment_name}" for row in self.profile_rows.itertuples()]
        sheet = self.book.sheet(data.w("sheet.profiles"), (46, 12, *(14 for _ in names)))
        row = sheet.title(data.t("profile.title"), data.w("profiles.intro"))
        heads = [
            SheetColumn(data.t("profile.feature")),
            SheetColumn(data.t("profile.portfolio"), italic=True),
            *(SheetColumn(name) for name in names),
        ]
        place = sheet.table(row, heads, [], fixed=1)
        for row, feature in enumerate(features, place.first):
            cells = contrasts[contrasts["feature"] == feature]
            mean, form = cells["portfolio_mean"].iloc[0], OF_MEANS[cells["unit"].iloc[0]]
            sheet.write(row, 0, self.head_of(feature, cells["unit"].iloc[0]))
            sheet.write(row, 1, mean, num_format=form, italic=True)
            for column, value in enumerate(cells["segment_mean"], 2):
                sheet.write(row, column, value, num_format=form)
            contrast = cells["z_contrast"].abs()
            # Of an unknown feature, and of one that is the same for all, there is nothing to colour.
            if not contrast.max() > 0:
                continue
            farthest = cells.loc[contrast.idxmax()]
            deviation = abs((farthest["segment_mean"] - mean) / farthest["z_contrast"])
            sheet.raw.conditional_format(
                row, 2, row, len(names) + 1,
                {
                    "type": "3_color_scale", "min_color": BLUE, "mid_color": WHITE, "max_color": RED,
                    "min_type": "num", "mid_type": "num", "max_type": "num",
                    "min_value": mean - DEVIATIONS * deviation, "mid_value": mean,
                    "max_value": mean + DEVIATIONS * deviation,
                },
            )  # fmt: skip
        return sheet

    def elbow(self) -> Sheet:
        """The curves over the number of segments as numbers and charts, and what each method would take."""
        data = self.data
        points = data.frame("from marts.elbow_curve order by k")
        measures = ("inertia", "silhouette", "davies_bouldin", "calinski_harabasz", "gap", "stability")
        sheet = self.book.sheet(data.w("sheet.elbow"), (11, 11, 11, 11, 11, 11, 11, 18))
        marks = {
            int(p.k): data.t(
                "k.both" if p.is_chosen and p.is_elbow else "k.chosen" if p.is_chosen else "k.elbow_mark"
            )
            for p in points.itertuples()
            if p.is_chosen or p.is_elbow
        }
        columns = [
            SheetColumn(data.t("k.axis")),
            *(
                SheetColumn(
                    data.w(f"elbow.{measure}"),
                    MONEY if measure in ("inertia", "calinski_harabasz") else "0.000",
                )
                for measure in measures
            ),
            SheetColumn(data.w("elbow.mark"), bold=True),
        ]
        rows = [
            (p.k, *(getattr(p, measure) for measure in measures), marks.get(int(p.k)))
            for p in points.itertuples()
        ]
        # The charts beside the table belong on its page.
        sheet.raw.fit_to_pages(1, 1)
        row = sheet.title(data.t("k.title"), data.t("k.intro", reason=str(self.run["reason"])))
        place = sheet.table(row, columns, rows)
        chosen = [int(k) in marks for k in points["k"]]
        red = {"border": {"color": CHOSEN}, "fill": {"color": CHOSEN}}
        labels: list[dict[str, Any]] = [
            {"value": marks[int(k)]} if int(k) in marks else {"delete": True} for k in points["k"]
        ]
        for number, (column, title) in enumerate(((1, "k.elbow"), (2, "k.silhouette"), (6, "k.stability"))):
            series = {
                "name": columns[column].head,
                "categories": place.cells(0), "values": place.cells(column),
                "points": [red if mark else None for mark in chosen],
                "data_labels": {"value": True, "custom": labels, "position": "above"},
            }  # fmt: skip
            chart = self.book.line_chart(
                series, data.t(title), columns[0].head, columns[column].head, MONEY if column == 1 else "0.0",
                most=1 if title == "k.stability" else None,
            )  # fmt: skip
            sheet.chart(place.head + 15 * number, len(columns) + 1, chart, data.t(title), height=290)
        row = sheet.heading(place.last + 2, data.t("k.votes"))
        votes = data.frame("from marts.choice_votes order by method")
        sheet.table(
            row,
            (SheetColumn(data.t("k.method"), span=2), SheetColumn("k"), SheetColumn(data.t("k.why"), span=5)),
            [
                (data.words.get(f"workbook.elbow.{v.method}", data.t("k.elbow_mark")), v.k, v.words)
                for v in votes.itertuples()
            ],
        )
        return sheet

    def value(self) -> Sheet:
        """What a customer of each segment is worth a year, and what that is made of."""
        data, values = self.data, self.value_rows
        sheet = self.book.sheet(data.w("sheet.value"), (5, 28, *(12 for _ in range(6 + len(VALUE_PARTS)))))
        money = f", {self.currency}"
        fields = {
            "segment_id": SheetColumn(data.w("id")), "segment_name": SheetColumn(data.t("segment"), bold=True),
            "customers": SheetColumn(data.t("customers"), COUNT),
            **{f"value_{scenario}": SheetColumn(data.t(f"value.{scenario}") + money, MONEY)
                for scenario in ("low", "base", "high")},
            "total_base": SheetColumn(data.t("value.total") + money, MONEY),
            "share_of_total": SheetColumn(data.t("value.share_of_total"), SHARE),
            **{part: SheetColumn(data.t(f"part.{part}") + money, MONEY) for part in VALUE_PARTS},
        }  # fmt: skip
        row = sheet.title(data.t("value.title"), data.t("value.intro", currency=self.currency))
        place = sheet.table(
            row, list(fields.values()), [[line[f] for f in fields] for _, line in values.iterrows()], fixed=2
        )
        parts = [
            {
                "name": data.t(f"part.{part}"),
                "categories": place.cells(1),
                "values": place.cells(list(fields).index(part)),
            }
            for part in VALUE_PARTS
        ]
        title, axis = data.t("value.parts_chart"), data.t("value.axis", currency=self.currency)
        chart = self.book.bar_chart(parts, title, axis, MONEY)
        sheet.chart(place.last + 2, 1, chart, title, width=900, height=380)
        return sheet

    def assumptions(self) -> Sheet:
        """The rates behind the values, with their sources."""
        data = self.data
        sheet = self.book.sheet(data.t("value.assumptions"), (40, 26, 12, 12, 12, 70))
        row = sheet.title(data.t("value.assumptions"), data.t("value.intro", currency=self.currency))
        number = "#,##0.####"
        columns = (
            SheetColumn(data.t("value.assumption")), SheetColumn(data.t("value.unit")),
            SheetColumn(data.t("value.low"), number), SheetColumn(data.t("value.base"), number),
            SheetColumn(data.t("value.high"), number), SheetColumn(data.t("value.source")),
        )  # fmt: skip
        lines = data.frame("from marts.value_assumptions").itertuples()
        sheet.table(row, columns, [(a.meaning, a.unit, a.low, a.base, a.high, a.reference) for a in lines])
        return sheet

    def playbook(self) -> Sheet:
        """What to aim for, offer and avoid."""
        data = self.data
        plays = data.frame("from marts.segment_playbook order by play_rank")
        sheet = self.book.sheet(
            data.w("sheet.playbook"), (5, 20, 40, 13, 14, 26, 34, 22, 32, 34, 12, 14, 10, 26)
        )
        fields = {
            "segment_id": SheetColumn(data.w("id")), "segment_name": SheetColumn(data.t("segment"), bold=True),
            "verdict_words": SheetColumn(data.w("play.verdict")),
            "contactable_customers": SheetColumn(data.w("play.contactable"), COUNT),
            "expected_net": SheetColumn(f"{data.w('play.net')}, {self.currency}", MONEY),
            "objective": SheetColumn(data.t("playbook.objective")), "offer": SheetColumn(data.t("glance.offer")),
            "channel": SheetColumn(data.t("playbook.channel")), "avoid": SheetColumn(data.t("glance.avoid")),
            "success_measure": SheetColumn(data.t("glance.measure")),
            "value_change_per_response": SheetColumn(data.w("per_response", currency=self.currency), "#,##0.00"),
            "limit_increase": SheetColumn(data.t("playbook.limit")),
            "is_under_payment_stress": SheetColumn(data.t("playbook.stress")),
            "reference": SheetColumn(data.t("playbook.source")),
        }  # fmt: skip
        plays["limit_increase"] = [
            data.words.get(f"report.limit.{limit}", limit) for limit in plays["limit_increase"]
        ]
        plays["is_under_payment_stress"] = [
            data.t("yes" if stress else "no") for stress in plays["is_under_payment_stress"]
        ]
        intro = f"{data.t('playbook.intro')} {data.word('playbook.no_protected_traits')}"
        row = sheet.title(data.t("playbook.title"), intro)
        sheet.table(
            row, list(fields.values()), [[play[f] for f in fields] for _, play in plays.iterrows()], fixed=2
        )
        return sheet

    def rules(self) -> Sheet:
        """A few questions on raw numbers that find most of a segment, with the SQL that asks them."""
        data = self.data
        rules = data.frame(
            "from marts.segment_rules inner join (select segment_id, segment_name from marts.segment_profiles)"
            " using (segment_id) order by segment_id, rule"
        )
        sheet = self.book.sheet(data.w("sheet.rules"), (5, 28, 8, 60, 13, 13, 11, 11, 70))
        columns = (
            SheetColumn(data.w("id")), SheetColumn(data.t("segment"), bold=True), SheetColumn(data.w("rules.rule")),
            SheetColumn(data.t("rules.rule")), SheetColumn(data.w("rules.matched"), COUNT),
            SheetColumn(data.w("rules.of_segment"), COUNT), SheetColumn(data.t("rules.precision"), SHARE),
            SheetColumn(data.t("rules.recall"), SHARE), SheetColumn("SQL"),
        )  # fmt: skip
        row = sheet.title(data.t("rules.title"), f"{data.t('rules.intro')} {data.w('rules.whole')}")
        sheet.table(
            row,
            columns,
            [
                (
                    rule.segment_id, rule.segment_name, data.w("rules.all") if rule.rule == 0 else rule.rule,
                    rule.rule_text, rule.customers_matched, rule.customers_of_segment, rule.precision_share,
                    rule.recall_share, rule.sql_predicate,
                )
                for rule in rules.itertuples()
            ],
            fixed=2,
        )  # fmt: skip
        return sheet

    def quality(self) -> Sheet:
        """Every row of the input accounted for, and what was odd."""
        data = self.data
        sheet = self.book.sheet(data.w("sheet.quality"), (34, 24, 13, 13, 13, 18, 18, 18, 18, 18, 30))
        fields = {
            "source": SheetColumn(data.t("quality.source")), "measure": SheetColumn(data.w("measure")),
            **{f: SheetColumn(data.t(f"quality.{word}"), COUNT) for f, word in (
                ("rows_in", "rows_in"), ("rows_accepted", "accepted"), ("rows_rejected", "rejected"))},
            **{f: SheetColumn(data.w(f"amount_{word}"), "#,##0.00") for f, word in (
                ("amount_in", "in"), ("amount_in_features", "used"), ("amount_outside_window", "outside"),
                ("amount_rejected", "rejected"))},
            "amounts_unknown": SheetColumn(data.w("amounts_unknown"), COUNT),
            "files": SheetColumn(data.w("files")),
        }  # fmt: skip
        audit = data.frame("from marts.load_audit order by source, measure <> 'rows', measure")
        row = sheet.title(data.t("quality.title"), data.t("quality.intro"))
        place = sheet.table(
            row, list(fields.values()), [[line[f] for f in fields] for _, line in audit.iterrows()]
        )
        checks = data.frame("from marts.data_quality_checks order by affected_rows desc, check_name")
        columns = (
            SheetColumn(data.t("quality.check")), SheetColumn(data.t("quality.severity")),
            SheetColumn(data.t("quality.affected"), COUNT), SheetColumn(data.t("quality.meaning"), span=6),
        )  # fmt: skip
        sheet.table(
            place.last + 2,
            columns,
            [(c.check_name, c.severity, c.affected_rows, c.meaning) for c in checks.itertuples()],
        )
        return sheet

    def dictionary(self) -> Sheet:
        """What every table and column of the published file means, from their comments there."""
        data = self.data
        found = data.frame(
            """
            select table_name, null as column_name, null as data_type, comment, -1 as column_index
            from duckdb_tables() where schema_name = 'marts'
            union all
            select table_name, column_name, lower(data_type), comment, column_index
            from duckdb_columns() where schema_name = 'marts'
            order by table_name, column_index
            """
        )
        sheet = self.book.sheet(data.w("sheet.dictionary"), (28, 34, 16, 90, 34))
        heads = self.customer_heads
        row = sheet.title(data.w("sheet.dictionary"), data.w("dictionary.intro"))
        columns = (
            SheetColumn(data.w("table")), SheetColumn(data.w("column")), SheetColumn(data.w("type")),
            SheetColumn(data.t("quality.meaning")), SheetColumn(data.w("dictionary.head")),
        )  # fmt: skip
        of_customers = ("customer_segments", "customer_values", "customer_features")
        rows = [
            (
                line.table_name, line.column_name, line.data_type, line.comment,
                heads.get(line.column_name) if line.table_name in of_customers else None,
            )
            for line in found.itertuples()
        ]  # fmt: skip
        place: Place = sheet.table(row, columns, rows, fixed=1)
        sheet.raw.autofilter(place.head, 0, place.last, len(columns) - 1)
        return sheet

    def head_of(self, column: str, unit: str | None) -> str:
        """What the reader calls a column of customers, with its unit."""
        data = self.data
        words = data.w(f"customers.{column}") if unit is None else data.word(f"feature.{column}")
        if column == "value_base":
            unit = "money"
        words = words[:1].upper() + words[1:]
        # Counts and months say in their words what they count.
        if unit not in ("money", "share"):
            return words
        return f"{words}, {self.currency if unit == 'money' else data.w('unit.share')}"

    def customers(self, connection: duckdb.DuckDBPyConnection, table: str, rows: int) -> Sheet:
        """Header, Excel table and one blank row of formats; fill_sheet puts the customers there."""
        columns = connection.execute(f"select column_name, column_type from (describe {table})").fetchall()
        formats = {feature: OF_CUSTOMERS[unit] for feature, unit in self.units.items()} | OTHERS
        described = [
            (
                self.customer_heads[name],
                {"DATE": DAY, "VARCHAR": TEXT}.get(kind, formats.get(name, NUMBER)),
                WIDTHS.get(name, WIDTH),
            )
            for name, kind in columns
        ]
        names = [name for name, _ in columns]
        sheet = self.book.rows_sheet(self.data.w("sheet.customers"), TABLE, described, names)
        sheet.raw.print_area(0, 0, CUSTOMERS_HEAD - 1 + min(rows, PRINTED_ROWS), names.index(PRINTED_TO))
        return sheet
