"""`make slides`: a PowerPoint deck on what is published, about eight slides, with charts that PowerPoint can edit.

Reads a published file and writes card_segments.pptx, whole or not at all.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LABEL_POSITION, XL_LEGEND_POSITION, XL_TICK_LABEL_POSITION
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.util import Inches, Pt

from scripts.base.files import whole_file
from scripts.base.paths import SLIDES
from scripts.published.first_words import Frame, colours_by_segment, first_words
from scripts.published.reading import LATEST_RUN, NOTHING, PublishedTables

# Left, top, width and height, in pptx's units.
Box = tuple[int, int, int, int]
WIDTH, HEIGHT = Inches(13.333), Inches(7.5)
LEFT, TOP, INNER = Inches(0.6), Inches(0.45), Inches(12.133)
INK, SOFT, LINE = RGBColor(0x1C, 0x24, 0x30), RGBColor(0x55, 0x60, 0x6E), RGBColor(0xD5, 0xDA, 0xE1)
LOW, BASE, HIGH = RGBColor(0xA9, 0xB3, 0xBF), RGBColor(0x00, 0x72, 0xB2), RGBColor(0x7F, 0xB8, 0xD8)
# Segments with a slide of their own: those that earn most, are most at risk, and whose play comes first.
OF_THEIR_OWN = 3
# Features in which a segment differs most, in its chart.
CONTRASTS = 7
# Rows that a slide's table holds at a size that a room can read.
MOST_PLAYS = 10


def write_slides(published: Path, folder: Path) -> Path:
    """Write the deck about a published file into a folder, in the language it was built in; return its path.

    Raises UserError where the file cannot be written; the one before stays then.
    """
    deck = Deck(PublishedTables(published))
    path = folder / SLIDES
    with whole_file(path) as partial:
        deck.presentation.save(str(partial))
    return path


class Deck:
    """The slides, made one after the other.

    Attributes:
        presentation: what is saved.
    """

    def __init__(self, data: PublishedTables) -> None:
        """Read the tables and make all slides."""
        self.data = data
        self.profiles = data.frame("from marts.segment_profiles order by segment_id")
        self.values = data.frame("from marts.segment_values order by segment_id")
        self.plays = data.frame("from marts.segment_playbook order by play_rank, segment_id")
        self.run = data.frame(f"from {LATEST_RUN}").iloc[0]
        self.currency = str(self.values["currency"].iloc[0])
        self.colours = colours_by_segment(data)
        self.presentation = Presentation()
        self.presentation.slide_width, self.presentation.slide_height = WIDTH, HEIGHT
        self.presentation.core_properties.title = data.word("report.title")
        self._first()
        self._segments()
        self._value()
        for number in self._that_matter():
            self._segment(number)
        self._plays()
        self._made()

    def _slide(self, title: str, notes: str) -> Any:
        # The layout that has a title alone: its place is read aloud and listed first.
        slide = self.presentation.slides.add_slide(self.presentation.slide_layouts[5])
        place = slide.shapes.title
        place.left, place.top, place.width, place.height = LEFT, TOP, INNER, Inches(0.95)
        place.text_frame.word_wrap = True
        place.text_frame.vertical_anchor = MSO_ANCHOR.TOP
        _write(place.text_frame, [(title, 26 if len(title) < 95 else 21, True, INK)])
        slide.notes_slide.notes_text_frame.text = notes
        return slide

    def _text(self, slide: Any, box: Box, lines: Sequence[tuple[str, float, bool, Any]]) -> None:
        shape = slide.shapes.add_textbox(*box)
        shape.text_frame.word_wrap = True
        _write(shape.text_frame, lines)

    def _tables(self, *names: str) -> str:
        return self.data.word("slides.numbers", tables=", ".join(names))

    def _first(self) -> None:
        data = self.data
        said = first_words(data, self.profiles, self.values, self.plays)
        slide = self._slide(
            str(said["headline"]), self._tables("segment_profiles", "segment_values", "segment_playbook")
        )
        lines = [(sentence, 20, False, INK) for sentence in said["sentences"]]
        lines.append((said["cannot"], 16, False, SOFT))
        self._text(slide, (LEFT, Inches(1.6), INNER, Inches(4.4)), lines)
        as_of = data.frame("select max(as_of_date) as day from marts.customer_features")["day"].iloc[0]
        state = "" if pd.isna(as_of) else data.word("report.as_of", date=f"{as_of:%Y-%m-%d}") + ". "
        made = data.word(
            "report.made", date=f"{self.run['built_at']:%Y-%m-%d %H:%M} UTC", model=str(self.run["model_id"])
        )
        self._text(
            slide,
            (LEFT, Inches(6.5), INNER, Inches(0.6)),
            [(f"{data.source()}. {state}{made}.", 12, False, SOFT)],
        )

    def _segments(self) -> None:
        largest = self.profiles.loc[self.profiles["customers"].idxmax()]
        title = self.data.word(
            "slides.segments",
            count=str(len(self.profiles)),
            segment=largest["segment_name"],
            share=self.data.number(largest["customer_share"], "share"),
        )
        slide = self._slide(title, self._tables("segment_profiles"))
        chart = CategoryChartData(number_format="#,##0")
        chart.categories = _names(self.profiles)
        chart.add_series(
            self.data.word("report.glance.size_axis"), [int(each) for each in self.profiles["customers"]]
        )
        drawn = self._chart(slide, chart, (LEFT, Inches(1.45), INNER, Inches(5.6)))
        self._colour_points(drawn, self.profiles["segment_id"])
        _label(drawn, "#,##0")

    def _value(self) -> None:
        known = self.values.dropna(subset=["value_base"])
        if known.empty:
            self._slide(self.data.word("slides.value_unknown"), self._tables("segment_values"))
            return
        best = known.loc[known["total_base"].idxmax()]
        share = self.profiles.set_index("segment_id")["customer_share"][best["segment_id"]]
        title = self.data.word(
            "slides.value",
            segment=best["segment_name"],
            value_share=self.data.number(best["share_of_total"], "share"),
            share=self.data.number(share, "share"),
        )
        slide = self._slide(title, self._tables("segment_values", "value_assumptions"))
        chart = CategoryChartData(number_format="#,##0")
        chart.categories = _names(known)
        for case in ("low", "base", "high"):
            chart.add_series(
                self.data.word(f"report.value.{case}"),
                [round(float(each)) for each in known[f"value_{case}"]],
            )
        axis = self.data.word("report.value.axis", currency=self.currency)
        self._text(slide, (LEFT, Inches(1.38), INNER, Inches(0.4)), [(axis, 14, False, SOFT)])
        drawn = self._chart(slide, chart, (LEFT, Inches(1.7), INNER, Inches(5.4)))
        for series, colour in zip(drawn.plots[0].series, (LOW, BASE, HIGH), strict=True):
            series.format.fill.solid()
            series.format.fill.fore_color.rgb = colour
            series.invert_if_negative = False
        _label(drawn, "#,##0")
        drawn.has_legend = True
        drawn.legend.position, drawn.legend.include_in_layout = XL_LEGEND_POSITION.BOTTOM, False
        drawn.legend.font.size = Pt(13)

    def _that_matter(self) -> list[int]:
        wanted = []
        if self.values["total_base"].notna().any():
            wanted.append(self.values.loc[self.values["total_base"].idxmax(), "segment_id"])
        if self.values["behind_share"].notna().any():
            wanted.append(self.values.loc[self.values["behind_share"].idxmax(), "segment_id"])
        wanted += [
            *self.plays["segment_id"][:1],
            *self.values.sort_values("total_base", ascending=False)["segment_id"],
        ]
        return [int(each) for each in dict.fromkeys(wanted)][:OF_THEIR_OWN]

    def _segment(self, number: int) -> None:
        data = self.data
        profile = self.profiles.set_index("segment_id").loc[number]
        play = self.plays.set_index("segment_id").loc[number]
        title = data.word("slides.segment", segment=profile["segment_name"], payment=profile["payment_words"])
        slide = self._slide(
            title, self._tables("segment_profiles", "segment_feature_contrasts", "segment_playbook")
        )
        half = Inches(6.2)
        said = [
            (str(profile["description"]), 14, False, INK),
            (data.word("slides.traits"), 13, True, INK), (str(profile["traits"]), 13, False, INK),
            (data.word("report.glance.offer"), 13, True, INK), (str(play["offer"]), 13, False, INK),
            (data.word("report.glance.avoid"), 13, True, INK), (str(play["avoid"]), 13, False, INK),
            (str(play["verdict_words"]), 13, False, SOFT),
        ]  # fmt: skip
        self._text(slide, (LEFT, Inches(1.45), half, Inches(5.7)), said)
        contrasts = data.frame(
            f"from marts.segment_feature_contrasts where segment_id = {number} and z_contrast is not null"
            f" order by abs(z_contrast) desc, feature limit {CONTRASTS}"
        )
        chart = CategoryChartData(number_format="0.0")
        chart.categories = [data.word(f"feature.{each}") for each in contrasts["feature"]]
        chart.add_series(profile["segment_name"], [round(float(each), 2) for each in contrasts["z_contrast"]])
        left = LEFT + half + Inches(0.2)
        width = WIDTH - left - Inches(0.5)
        self._text(
            slide, (left, Inches(1.45), width, Inches(0.6)), [(data.word("slides.contrast"), 12, False, SOFT)]
        )
        drawn = self._chart(slide, chart, (left, Inches(2.0), width, Inches(5.0)))
        self._colour_points(drawn, [number] * len(contrasts))
        # Bars that go left would run over their names.
        drawn.category_axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
        _label(drawn, "0.0")

    def _plays(self) -> None:
        data = self.data
        counts = self.plays["verdict"].value_counts()
        title = data.word(
            "slides.plays",
            worth=str(counts.get("worth_testing", 0)),
            small=str(counts.get("too_small", 0)),
            loses=str(counts.get("loses_money", 0)),
        )
        slide = self._slide(title, self._tables("segment_playbook", "value_assumptions"))
        plays = self.plays.head(MOST_PLAYS)
        years = (
            ", ".join(sorted({f"{each:g}" for each in self.plays["value_horizon_years"].dropna()})) or NOTHING
        )
        heads = [
            data.word("report.segment"), data.word("report.plays.verdict"), data.word("report.plays.contacts"),
            data.word("report.plays.value", currency=self.currency, years=years),
            data.word("report.plays.net", currency=self.currency), data.word("report.plays.break_even"),
            data.word("report.plays.smallest"),
        ]  # fmt: skip
        widths = [2.7, 1.9, 1.2, 1.9, 1.3, 1.5, 1.633]
        shape = slide.shapes.add_table(
            len(plays) + 1, len(heads), LEFT, Inches(1.4), INNER, Inches(0.46) * (len(plays) + 1)
        )
        table = shape.table
        for place, (head, width) in enumerate(zip(heads, widths, strict=True)):
            table.columns[place].width = Inches(width)
            _cell(table.cell(0, place), head, 11, True)
        for row, play in enumerate(plays.itertuples(), 1):
            cells = (
                f"{play.segment_id} {play.segment_name}", data.word(f"report.verdict.{play.verdict}"),
                data.number(play.contacts, "whole"), self._small(play.value_per_responder),
                self._small(play.expected_net), self._points(play.break_even_uplift),
                self._points(play.smallest_uplift),
            )  # fmt: skip
            for place, text in enumerate(cells):
                _cell(table.cell(row, place), text, 12, place == 0)
        self._text(
            slide,
            (LEFT, Inches(6.75), INNER, Inches(0.6)),
            [(data.word("report.say.cannot"), 12, False, SOFT)],
        )

    def _small(self, amount: float) -> str:
        return self.data.decimals(amount, 2 if not pd.isna(amount) and abs(amount) < 10 else 0)

    def _points(self, share: float) -> str:
        if pd.isna(share):
            return NOTHING
        return self.data.word("report.plays.points", number=self.data.decimals(100 * share, 1))

    def _made(self) -> None:
        data = self.data
        slide = self._slide(
            data.word("slides.made"), self._tables("load_audit", "model_runs", "value_assumptions")
        )
        audit = data.frame("from marts.load_audit where measure = 'rows' order by source")
        lines = [
            data.word(
                "slides.made.rows",
                source=row.source,
                accepted=data.number(row.rows_accepted, "whole"),
                rejected=data.number(row.rows_rejected, "whole"),
            )
            for row in audit.itertuples()
        ]
        lines.append(
            data.word("slides.made.model", model=str(self.run["model_id"]), reason=str(self.run["reason"]))
        )
        if isinstance(self.run["warning"], str) and self.run["warning"]:
            lines.append(f"{data.word('report.warning')}: {self.run['warning']}")
        if unknown := data.unknown():
            lines.append(unknown)
        lines += [
            data.word("slides.made.value"),
            data.word("report.say.cannot"),
            data.word("playbook.no_protected_traits"),
        ]
        self._text(
            slide,
            (LEFT, Inches(1.45), INNER, Inches(5.6)),
            [(line, 16, False, INK) for line in lines],
        )

    def _chart(self, slide: Any, chart: Any, box: Box) -> Any:
        drawn = slide.shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, *box, chart).chart
        drawn.has_legend = drawn.has_title = False
        drawn.font.size, drawn.font.color.rgb = Pt(13), INK
        # The first category on top.
        drawn.category_axis.reverse_order = True
        drawn.category_axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
        drawn.category_axis.format.line.color.rgb = LINE
        drawn.value_axis.has_major_gridlines = drawn.value_axis.visible = False
        # Room for the numbers at the ends of bars, and none over the names of categories.
        amounts = [float(each) for series in drawn.plots[0].series for each in series.values]
        span = max([0.0, *amounts]) - min([0.0, *amounts])
        drawn.value_axis.minimum_scale = min([0.0, *amounts]) - (
            0.25 * span if min(amounts, default=0) < 0 else 0
        )
        drawn.value_axis.maximum_scale = max([0.0, *amounts]) + 0.15 * span
        drawn.plots[0].gap_width = 45
        return drawn

    def _colour_points(self, drawn: Any, numbers: Sequence[int]) -> None:
        series = drawn.plots[0].series[0]
        series.invert_if_negative = False
        for place, number in enumerate(numbers):
            fill = series.points[place].format.fill
            fill.solid()
            fill.fore_color.rgb = _colour(self.colours[int(number)])


def _colour(text: str) -> Any:
    """The colour that `#rrggbb` writes."""
    return RGBColor(*bytes.fromhex(text.removeprefix("#")))


def _names(frame: Frame) -> list[str]:
    return [
        f"{number} {name}" for number, name in zip(frame["segment_id"], frame["segment_name"], strict=True)
    ]


def _label(drawn: Any, number_format: str) -> None:
    plot = drawn.plots[0]
    plot.has_data_labels = True
    plot.data_labels.number_format, plot.data_labels.number_format_is_linked = number_format, False
    plot.data_labels.font.size = Pt(12)
    plot.data_labels.position = XL_LABEL_POSITION.OUTSIDE_END


def _write(frame: Any, lines: Sequence[tuple[str, float, bool, Any]]) -> None:
    """Write paragraphs: text, size in points, bold, colour."""
    for place, (text, size, is_bold, colour) in enumerate(lines):
        paragraph = frame.paragraphs[0] if place == 0 else frame.add_paragraph()
        paragraph.alignment = PP_ALIGN.LEFT
        run = paragraph.add_run()
        run.text = text
        run.font.size, run.font.bold = Pt(size), is_bold
        run.font.color.rgb = colour
        paragraph.space_after = Pt(size * (0.15 if is_bold else 0.6))


def _cell(cell: Any, text: str, size: float, is_bold: bool) -> None:
    cell.text = text
    cell.margin_top = cell.margin_bottom = Inches(0.04)
    cell.vertical_anchor = MSO_ANCHOR.MIDDLE
    for paragraph in cell.text_frame.paragraphs:
        for run in paragraph.runs:
            run.font.size, run.font.bold = Pt(size), is_bold
