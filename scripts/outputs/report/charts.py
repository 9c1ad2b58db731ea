"""The report's charts, drawn by Vega-Altair as SVG: frames in, charts and SVG text out. Touches nothing.

Text and lines take the page's own colour (currentColor), so that one drawing serves light, dark and print.
Nothing is drawn by script in the browser, and nothing is loaded.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from scripts.published.look import SERIES

WIDTH = 300
ROW = 30
SHAPES = [
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "cross",
    "triangle-down",
    "triangle-left",
    "triangle-right",
]
LOW, MIDDLE, HIGH = "#3B6FB6", "#F2F2F2", "#C8553D"
INK = "currentColor"

Chart = Any


def draw(chart: Chart, thousands: str, decimal: str) -> str:
    """Render to SVG text, with the language's marks in numbers."""
    import vl_convert

    number = {"thousands": thousands, "decimal": decimal, "grouping": [3], "currency": ["", ""]}
    locale = {"number": number}

    styled = chart.configure(
        background="transparent", font="sans-serif", padding=4, locale=locale
    ).configure_view(stroke=None).configure_axis(
        labelColor=INK, titleColor=INK, tickColor=INK, domainColor=INK, gridColor=INK, gridOpacity=0.15,
        labelFontSize=13, titleFontSize=13, titleFontWeight="normal", labelLimit=210,
    ).configure_legend(
        labelColor=INK, titleColor=INK, labelFontSize=13, titleFontSize=13, titleFontWeight="normal",
        orient="bottom", columns=2, labelLimit=220,
    ).configure_text(color=INK, fontSize=12)  # fmt: skip
    svg: str = vl_convert.vegalite_to_svg(styled.to_dict())
    # The figure around it carries the words for those who cannot see it.
    return re.sub(r"<svg ", '<svg aria-hidden="true" focusable="false" ', svg, count=1)


def _colours(names: Sequence[str], of_segments: Mapping[str, str] | None = None) -> alt.Scale:
    """Of segments their own, else one after the other."""
    one_by_one = [SERIES[place % len(SERIES)] for place in range(len(names))]
    return alt.Scale(
        domain=list(names), range=[of_segments[name] for name in names] if of_segments else one_by_one
    )


def bars(
    frame: pd.DataFrame, value: str, label: str, text: str, colours: Mapping[str, str] | str | None = None
) -> Chart:
    """One bar a segment, or one a row of something else.

    Args:
        frame: columns name, `value` and `text`, in the order to draw.
        value: column of the lengths.
        label: title of the axis.
        text: column of the words at the bars' ends.
        colours: of the segments by name, or one of all bars, where they are no segments; None: one after the other.
    """
    order = frame["name"].tolist()
    base = alt.Chart(frame).encode(y=alt.Y("name:N", sort=order, title=None))
    drawn = base.mark_bar().encode(
        x=alt.X(f"{value}:Q", title=label, axis=alt.Axis(tickCount=4)),
        color=alt.value(colours)
        if isinstance(colours, str)
        else alt.Color("name:N", scale=_colours(order, colours), legend=None),
    )
    words = base.mark_text(align="left", dx=4).encode(x=alt.X(f"{value}:Q"), text=f"{text}:N")
    return (drawn + words).properties(width=WIDTH - 60, height=ROW * len(frame))


def value_ranges(frame: pd.DataFrame, label: str, colours: Mapping[str, str] | None = None) -> Chart:
    """Low, base and high value of each segment: a line with a point on the base.

    Args:
        frame: columns name, low, base, high, in the order to draw.
        label: title of the axis.
        colours: of the segments by name; None: one after the other.
    """
    order = frame["name"].tolist()
    base = alt.Chart(frame).encode(
        y=alt.Y("name:N", sort=order, title=None),
        color=alt.Color("name:N", scale=_colours(order, colours), legend=None),
    )
    lines = base.mark_rule(strokeWidth=6, opacity=0.45).encode(
        x=alt.X("low:Q", title=label, axis=alt.Axis(tickCount=5)), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=110, opacity=1).encode(x="base:Q")
    zero = alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(color=INK, opacity=0.6).encode(x="zero:Q")
    return (zero + lines + points).properties(width=WIDTH - 20, height=ROW * len(frame))


def value_parts(frame: pd.DataFrame, label: str, parts: Sequence[str]) -> Chart:
    """What a customer yields and costs, stacked to both sides of zero.

    Args:
        frame: columns name, part, amount; parts in the words of the page.
        label: title of the axis.
        parts: all parts, in the order of the legend.
    """
    order = list(dict.fromkeys(frame["name"]))
    drawn = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("amount:Q", title=label, axis=alt.Axis(tickCount=5)),
            y=alt.Y("name:N", sort=order, title=None),
            color=alt.Color("part:N", sort=list(parts), scale=_colours(parts), title=None),
            order=alt.Order("place:Q"),
        )
    )
    return drawn.properties(width=WIDTH - 20, height=ROW * len(order))


def heatmap(frame: pd.DataFrame, label: str) -> Chart:
    """How far each segment lies from the portfolio, feature by feature, in standard deviations.

    Args:
        frame: columns segment (short label), feature (words), z and text (what to print in the cell).
        label: title of the legend.
    """
    segments = list(dict.fromkeys(frame["segment"]))
    features = list(dict.fromkeys(frame["feature"]))
    base = alt.Chart(frame).encode(
        x=alt.X("segment:N", sort=segments, title=None, axis=alt.Axis(orient="top", labelAngle=0)),
        y=alt.Y("feature:N", sort=features, title=None),
    )
    cells = base.mark_rect().encode(
        color=alt.Color(
            "z:Q", title=label,
            scale=alt.Scale(domain=[-2, 0, 2], range=[LOW, MIDDLE, HIGH], clamp=True),
            legend=alt.Legend(gradientLength=200, titleLimit=300, values=[-2, -1, 0, 1, 2]),
        )
    )  # fmt: skip
    words = base.mark_text(fontSize=11).encode(
        text="text:N",
        color=alt.condition("abs(datum.z) > 1.3", alt.value("#ffffff"), alt.value("#1a1a1a")),
    )
    return (cells + words).properties(width=max(40 * len(segments), 200), height=22 * len(features))


def curve(frame: pd.DataFrame, value: str, label: str, k_label: str, marks: Mapping[int, str]) -> Chart:
    """One measure over the number of segments, with marks at some of them.

    Args:
        frame: columns k and `value`; rows without a value are left out.
        value: column to draw.
        label: title of its axis.
        k_label: title of the other.
        marks: words at a k, such as the chosen one.
    """
    shown = frame.dropna(subset=[value])
    base = alt.Chart(shown).encode(
        x=alt.X("k:Q", title=k_label, axis=alt.Axis(tickMinStep=1, format="d", grid=False)),
        y=alt.Y(
            f"{value}:Q",
            title=label,
            scale=alt.Scale(zero=False),
            axis=alt.Axis(format="~s" if shown[value].max() > 100 else ".2f", tickCount=5),
        ),
    )
    layers = [
        base.mark_line(color=SERIES[0]),
        base.mark_point(color=SERIES[0], filled=True, size=30, opacity=1),
    ]
    marked = shown[shown["k"].isin(list(marks))].assign(words=lambda rows: rows["k"].map(dict(marks)))
    if len(marked):
        chosen = alt.Chart(marked).encode(x="k:Q", y=f"{value}:Q")
        layers += [
            chosen.mark_point(color=SERIES[3], filled=True, size=130, opacity=1),
            chosen.mark_text(align="left", dx=8, dy=-10).encode(text="words:N"),
        ]
    return alt.layer(*layers).properties(width=WIDTH, height=190)


def sizes(frame: pd.DataFrame, month: str, label: str, colours: Mapping[str, str]) -> Chart:
    """Customers of each segment, month by month.

    Args:
        frame: columns month (dates), name and customers.
        month: title of the axis of months.
        label: title of the other.
        colours: of the segments by name.
    """
    order = list(dict.fromkeys(frame["name"]))
    return (
        alt.Chart(frame)
        .mark_line(point=True)
        .encode(
            x=alt.X("month:T", title=month, axis=alt.Axis(format="%Y-%m", tickCount=6, grid=False)),
            y=alt.Y("customers:Q", title=label, axis=alt.Axis(tickCount=5)),
            color=alt.Color("name:N", sort=order, scale=_colours(order, colours), title=None),
        )
        .properties(width=WIDTH + 60, height=220)
    )


def scatter(
    frame: pd.DataFrame, x: str, y: str, names: Sequence[str], colours: Mapping[str, str] | None = None
) -> Chart:
    """A map of customers, a colour and a shape a segment, its number at its centre.

    Args:
        frame: columns `x`, `y` (numbers) and name.
        x: column across, also the axis's title.
        y: column upwards.
        names: all segments, in order of their number, with which each begins.
        colours: of the segments by name.
    """
    # The outermost customers would press all others into a corner.
    low, high = frame[[x, y]].quantile(0.005), frame[[x, y]].quantile(0.995)
    inside = frame[frame[[x, y]].ge(low).all(axis=1) & frame[[x, y]].le(high).all(axis=1)].copy()
    inside[[x, y]] = inside[[x, y]].round(3)
    shapes = alt.Scale(domain=list(names), range=[SHAPES[i % len(SHAPES)] for i in range(len(names))])
    points = (
        alt.Chart(inside)
        .mark_point(filled=True, size=16, opacity=0.55, strokeWidth=0)
        .encode(
            x=alt.X(f"{x}:Q", axis=alt.Axis(tickCount=5), scale=alt.Scale(nice=False)),
            y=alt.Y(f"{y}:Q", axis=alt.Axis(tickCount=5), scale=alt.Scale(nice=False)),
            color=alt.Color("name:N", scale=_colours(names, colours), title=None),
            shape=alt.Shape("name:N", scale=shapes, title=None),
        )
    )
    centres = inside.groupby("name", as_index=False)[[x, y]].median()
    centres["number"] = [name.partition(" ")[0] for name in centres["name"]]
    at = alt.Chart(centres).encode(x=f"{x}:Q", y=f"{y}:Q")
    halo = at.mark_point(filled=True, size=330, color="#ffffff", opacity=0.9, stroke="#1a1a1a", strokeWidth=1)
    numbers = at.mark_text(fontWeight="bold", fontSize=13, color="#1a1a1a").encode(text="number:N")
    return (points + halo + numbers).properties(width=WIDTH + 20, height=280)
