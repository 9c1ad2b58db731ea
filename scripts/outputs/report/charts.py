"""The report's charts: frames in, HTML out. Touches nothing.

Every word and number is HTML text, which the browser sets in whatever font it has and for which the page makes room; only
lines and areas are SVG, without text. So nothing is cut or overlaps, whatever fonts a machine has. Text and lines take the
page's own colour (currentColor), so that one drawing serves light, dark and print. Nothing is drawn by script.
"""

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from scripts.published.look import SERIES

# Units of a drawing; it grows with the page, lines do not.
WIDTH, HEIGHT = 600, 230
# The picture of size times value has a height of its own, in pixels: its width is a share of the customers.
WORTH_HEIGHT = 210
# A number below that picture takes so much of the width, at least, on a phone.
NUMBER_WIDTH = 6.0
# In the shape of a cross the area is a ninth of that of its square.
SHAPES = ("circle", "square", "up", "diamond", "cross", "down", "ring", "bar")
LOW, MIDDLE, HIGH = (59, 111, 182), (242, 242, 242), (200, 85, 61)
# Beyond so many standard deviations a cell gets no darker.
DEEPEST = 2.0
# The quantiles of a box: its ends, its middle half, its median.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

Number = Callable[[float, int], str]
Named = tuple[str, str]

STYLE = """
.chart { position: relative; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.chart svg { display: block; width: 100%; height: auto; overflow: visible; }
.chart .legend { list-style: none; display: flex; flex-wrap: wrap; gap: .15rem 1rem; margin: .5rem 0 0; padding: 0; font-size: .88rem; }
.chart .legend svg { display: inline-block; width: .8rem; height: .8rem; margin-right: .4rem; vertical-align: -.08rem; }
.chart .legend i { display: inline-block; width: .8rem; height: .8rem; margin-right: .4rem; vertical-align: -.08rem; }
.chart b.number { position: absolute; transform: translate(-50%, -50%); min-width: 1.7em; text-align: center; border: 1px solid #1a1a1a; border-radius: 1em; font-size: .85em; background: #ffffff; color: #1a1a1a; line-height: 1.5; }
.plot { display: grid; grid-template-columns: max-content minmax(0, 1fr); column-gap: .5rem; padding-right: 1.2rem; font-size: .88rem; }
.plot .above { grid-column: 1 / -1; margin-bottom: .5rem; }
.plot .ys { position: relative; text-align: right; font-variant-numeric: tabular-nums; }
.plot .ys i { font-style: normal; position: absolute; right: 0; transform: translateY(50%); line-height: 1; white-space: nowrap; }
.plot .ys b { display: block; height: 0; overflow: hidden; visibility: hidden; font-weight: inherit; white-space: nowrap; }
.plot .xs { grid-column: 2; position: relative; height: 1.5em; font-variant-numeric: tabular-nums; }
.plot .xs i { font-style: normal; position: absolute; transform: translateX(-50%); white-space: nowrap; }
.plot .xs i.first { transform: none; } .plot .xs i.last { transform: translateX(-100%); }
.plot .below { grid-column: 2; }
.plot .area { position: relative; min-width: 0; }
.lines { display: grid; grid-template-columns: fit-content(15rem) minmax(6rem, 1fr) max-content; gap: .35rem .8rem; align-items: center; font-size: .92rem; }
.lines .track { position: relative; height: 1.3rem; }
.lines .track i { position: absolute; top: .15rem; bottom: .15rem; }
.lines .track i.zero { top: -.2rem; bottom: -.2rem; border-left: 1px solid currentColor; opacity: .6; }
.lines .track i.range { top: .4rem; bottom: .4rem; opacity: .5; border-radius: .25rem; }
.lines .track i.dot { width: .8rem; height: .8rem; top: .25rem; bottom: auto; margin-left: -.4rem; border-radius: 50%; border: 1px solid currentColor; }
.lines .amount { text-align: right; font-variant-numeric: tabular-nums; }
.heat { border-collapse: separate; border-spacing: 2px; font-size: .85rem; }
.heat th, .heat td { border: 0; padding: .15rem .5rem; }
.heat td { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.heat thead th { text-align: right; }
.key { display: flex; flex-wrap: wrap; align-items: center; gap: .2rem .6rem; font-size: .88rem; }
.key span { padding: 0 .5rem; }
.flow { display: grid; grid-template-columns: max-content minmax(5rem, 1fr) max-content; column-gap: .5rem; font-size: .85rem; }
.flow .side { position: relative; } .flow .side b { display: block; height: 0; overflow: hidden; visibility: hidden; font-weight: inherit; white-space: nowrap; }
.flow .side i { font-style: normal; position: absolute; line-height: 1.25rem; height: 1.25rem; margin-top: -.625rem; white-space: nowrap; }
.flow .side:first-child i { right: 0; }
.box { display: block; width: 100%; min-width: 6rem; height: 1.1rem; overflow: visible; }
@media screen and (max-width: 40rem) {
  .lines { grid-template-columns: minmax(0, 1fr) max-content; } .lines .name { grid-column: 1 / -1; margin-top: .3rem; }
  .flow .words { display: none; }
}
@media screen and (min-width: 40.01rem) { .flow + .legend { display: none; } }
@media print { .flow + .legend { display: none; } }
"""


def drawn_in(parts: str) -> str:
    """Put what was drawn into the frame by which the page, and a notebook, style it."""
    return f'<div class="chart" aria-hidden="true">{parts}</div>'


def ticks(low: float, high: float, count: int) -> tuple[list[float], int]:
    """Round numbers from low to high, about `count` of them, and the decimals they need.

    Where they differ by no more than rounding does, as of a component without any spread, it is one number.
    """
    if not _differ(low, high):
        low = round(low, 9) + 0.0
        return [low], 0 if low == int(low) else 2
    rough = (high - low) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(each for each in (1, 2, 2.5, 5, 10) if each * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    decimals = next(places for places in range(12) if abs(step - round(step, places)) < step * 1e-6)
    return [round(place * step, 12) for place in range(first, last + 1)], decimals


def _differ(low: float, high: float) -> bool:
    """Whether two ends differ by more than rounding does; a component in which nobody differs leaves no more than that."""
    return high - low > 1e-9 * max(1.0, abs(low), abs(high))


def legend(entries: Sequence[tuple[str, str]]) -> str:
    """Marks with their words, in a line that wraps.

    entries: a mark, HTML, and the word beside it.
    """
    return f'<ul class="legend">{"".join(f"<li>{mark}{escape(word)}</li>" for mark, word in entries)}</ul>'


def _square(colour: str) -> str:
    return f'<i style="background:{colour}"></i>'


def _svg(width: float, height: float, parts: str, more: str = "") -> str:
    return f'<svg viewBox="0 0 {width:g} {height:g}"{more} focusable="false">{parts}</svg>'


def _plot(
    area: str,
    across: Sequence[tuple[float, str]],
    upwards: Sequence[tuple[float, str]],
    words: Named,
    more: str = "",
) -> str:
    """An area with its scales.

    Args:
        area: HTML of it.
        across: places from the left in shares, and what to write there.
        upwards: places from below in shares, and what to write there.
        words: what is drawn across, what upwards.
        more: what else stands below the area.
    """
    marks = "".join(
        f'<i style="left:{100 * at:.1f}%"'
        + (' class="first"' if at < 0.02 else ' class="last"' if at > 0.98 and len(text) > 3 else "")
        + f">{escape(text)}</i>"
        for at, text in across
    )
    sides = "".join(f'<i style="bottom:{100 * at:.1f}%">{escape(text)}</i>' for at, text in upwards)
    room = "".join(f"<b>{escape(text)}</b>" for _, text in upwards)
    return drawn_in(
        f'<div class="plot"><div class="above">{escape(words[1])}</div><div class="ys">{room}{sides}</div>'
        f'<div class="area">{area}</div>'
        + (f'<div class="xs">{marks}</div>' if across else "")
        + (f'<div class="below">{escape(words[0])}</div>' if words[0] else "")
        + f"</div>{more}"
    )


def _grid(places: Sequence[float]) -> str:
    """Lines across the area at these shares of its height."""
    return "".join(
        f'<line x1="0" x2="{WIDTH}" y1="{HEIGHT * (1 - at):.1f}" y2="{HEIGHT * (1 - at):.1f}"'
        ' stroke="currentColor" stroke-opacity=".15"/>'
        for at in places
    )


def worth(frame: pd.DataFrame, words: Named, number: Number, colours: Mapping[str, str]) -> str:
    """Size times value: a rectangle a segment, as wide as its share of the customers, as high as one of them is worth.

    Args:
        frame: columns name (number, blank, name), customers and value (a missing one is drawn as none), in the order to draw.
        words: what is drawn across, what upwards.
        number: writes a number with so many decimals.
        colours: of the segments by name.
    """
    value = frame["value"].fillna(0.0)
    low, high = min(0.0, float(value.min())), max(0.0, float(value.max()))
    marks, decimals = ticks(low, high, 4)
    low, high = min(low, marks[0]) if marks else low, high or 1.0
    span = (high - low) or 1.0
    total = float(frame["customers"].sum()) or 1.0
    parts, labels, left = [], [], 0.0
    rows: list[float] = []
    for name, customers, each in zip(frame["name"], frame["customers"], value, strict=True):
        wide = float(customers) / total
        top, bottom = high - max(float(each), 0.0), high - min(float(each), 0.0)
        parts.append(
            f'<rect x="{100 * left:.2f}" y="{100 * top / span:.2f}" width="{100 * wide:.2f}"'
            f' height="{max(100 * (bottom - top) / span, 0.4):.2f}" fill="{colours[name]}"/>'
        )
        # Where segments are narrow, their numbers stand in several lines.
        middle = 100 * (left + wide / 2)
        row = next((place for place, end in enumerate(rows) if middle - end >= NUMBER_WIDTH), len(rows))
        rows[row : row + 1] = [middle]
        labels.append(
            f'<i style="left:{middle:.1f}%;top:{1.5 * row:.1f}em">{escape(name.partition(" ")[0])}</i>'
        )
        left += wide
    zero = 100 * high / span
    parts.append(
        f'<line x1="0" x2="100" y1="{zero:.2f}" y2="{zero:.2f}" stroke="currentColor"'
        ' vector-effect="non-scaling-stroke"/>'
    )
    area = _svg(100, 100, "".join(parts), f' preserveAspectRatio="none" style="height:{WORTH_HEIGHT}px"') + (
        f'<div class="xs" style="height:{1.5 * len(rows):.1f}em">{"".join(labels)}</div>'
    )
    # Below the zero of the scale stand the numbers of the segments, which are part of the area.
    upwards = [((each - low) / span, number(each, decimals)) for each in marks]
    sides = "".join(f'<i style="bottom:{100 * at:.1f}%">{escape(text)}</i>' for at, text in upwards)
    room = "".join(f"<b>{escape(text)}</b>" for _, text in upwards)
    return drawn_in(
        f'<div class="plot"><div class="above">{escape(words[1])}</div>'
        f'<div class="ys" style="height:{WORTH_HEIGHT}px">{room}{sides}</div><div class="area">{area}</div>'
        f'<div class="below">{escape(words[0])}</div></div>'
    )


def _track(low: float, high: float) -> Callable[[float], float]:
    """Where a number stands on a line from low to high, in percent, with a little room at both ends."""
    low, high = min(low, 0.0), max(high, 0.0)
    span = (high - low) or 1.0
    return lambda value: 1 + 98 * (value - low) / span


def value_ranges(
    frame: pd.DataFrame, label: str, number: Number, colours: Mapping[str, str] | None = None
) -> str:
    """Low, base and high value of each segment: a line with a point on the base.

    Args:
        frame: columns name, low, base, high, in the order to draw.
        label: what the numbers are.
        number: writes a number with so many decimals.
        colours: of the segments by name; None: one after the other.
    """
    known = frame[["low", "base", "high"]].to_numpy(dtype=float)
    known = known[~pd.isna(known)]
    at = _track(float(known.min()), float(known.max())) if len(known) else _track(0.0, 1.0)
    lines = []
    cells = frame[["name", "low", "base", "high"]].itertuples(index=False, name=None)
    for place, (name, low, base, high) in enumerate(cells):
        track = f'<i class="zero" style="left:{at(0.0):.1f}%"></i>'
        if not any(pd.isna(each) for each in (low, base, high)):
            colour = _one_by_one(name, place, colours)
            start, end = sorted((at(low), at(high)))
            track += (
                f'<i class="range" style="left:{start:.1f}%;width:{end - start:.1f}%;background:{colour}"></i>'
                f'<i class="dot" style="left:{at(base):.1f}%;background:{colour}"></i>'
            )
        lines.append(_line(str(name), track, number(base, 0)))
    return drawn_in(f'<div>{escape(label)}</div><div class="lines">{"".join(lines)}</div>')


def _one_by_one(name: Any, place: int, colours: Mapping[str, str] | None) -> str:
    return colours[name] if colours else SERIES[place % len(SERIES)]


def _line(name: str, track: str, amount: str) -> str:
    return (
        f'<span class="name">{escape(name)}</span><span class="track">{track}</span>'
        f'<span class="amount">{escape(amount)}</span>'
    )


def bars(
    frame: pd.DataFrame, value: str, label: str, text: str, colours: Mapping[str, str] | str | None = None
) -> str:
    """One bar a segment, or one a row of something else.

    Args:
        frame: columns name, `value` (of 0 and more) and `text`, in the order to draw.
        value: column of the lengths.
        label: what the numbers are.
        text: column of the words at the bars' ends.
        colours: of the segments by name, or one of all bars, where they are no segments; None: one after the other.
    """
    longest = float(frame[value].max()) or 1.0
    lines = []
    for place, (name, long, words) in enumerate(zip(frame["name"], frame[value], frame[text], strict=True)):
        colour = colours if isinstance(colours, str) else _one_by_one(name, place, colours)
        drawn = f'<i style="left:0;width:{100 * float(long) / longest:.1f}%;background:{colour}"></i>'
        lines.append(_line(str(name), drawn, str(words)))
    return drawn_in(f'<div>{escape(label)}</div><div class="lines">{"".join(lines)}</div>')


def value_parts(frame: pd.DataFrame, label: str, parts: Sequence[str], number: Number) -> str:
    """What a customer yields and costs, stacked to both sides of zero; the sum at the end of the line.

    Args:
        frame: columns name, part, amount; parts in the words of the page.
        label: what the numbers are.
        parts: all parts, in the order of the legend.
        number: writes a number with so many decimals.
    """
    amounts = frame.pivot_table(index="name", columns="part", values="amount", sort=False).fillna(0.0)
    gains, costs = amounts.clip(lower=0).sum(axis=1), amounts.clip(upper=0).sum(axis=1)
    at = (
        _track(float(costs.min()), float(gains.max()))
        if len(amounts)
        else _track(0.0, 1.0)
    )  # fmt: skip
    colours = {part: SERIES[place % len(SERIES)] for place, part in enumerate(parts)}
    lines = []
    for name in dict.fromkeys(frame["name"]):
        track, up, down = "", 0.0, 0.0
        for part in parts if name in amounts.index else ():
            amount = float(amounts.loc[name, part]) if part in amounts.columns else 0.0
            start = up if amount > 0 else down + amount
            up, down = up + max(amount, 0.0), down + min(amount, 0.0)
            if amount:
                track += (
                    f'<i style="left:{at(start):.2f}%;width:{at(start + abs(amount)) - at(start):.2f}%;'
                    f'background:{colours[part]}"></i>'
                )
        track += f'<i class="zero" style="left:{at(0.0):.2f}%"></i>'
        lines.append(_line(name, track, number(up + down, 0) if name in amounts.index else ""))
    return drawn_in(
        f'<div>{escape(label)}</div><div class="lines">{"".join(lines)}</div>'
        + legend([(_square(colours[part]), part) for part in parts])
    )


def heat(z: float) -> tuple[str, str]:
    """The colours of a cell's ground and of its text, for so many standard deviations."""
    share = min(abs(z) / DEEPEST, 1.0) if not math.isnan(z) else 0.0
    end = HIGH if z > 0 else LOW
    red, green, blue = (
        round(middle + share * (far - middle)) for middle, far in zip(MIDDLE, end, strict=True)
    )
    # The text is the one of black and white that stands out more.
    light = 0.2126 * _linear(red) + 0.7152 * _linear(green) + 0.0722 * _linear(blue)
    return f"#{red:02x}{green:02x}{blue:02x}", "#000000" if light > 0.179 else "#ffffff"


def _linear(part: int) -> float:
    share = part / 255
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)


def heat_key(number: Number, label: str) -> str:
    """What the colours of the cells say."""
    steps = []
    for z in (-2, -1, 0, 1, 2):
        ground, ink = heat(z)
        steps.append(f'<span style="background:{ground};color:{ink}">{escape(number(z, 0))}</span>')
    return drawn_in(f'<div class="key">{"".join(steps)} {escape(label)}</div>')


def heatmap(frame: pd.DataFrame, label: str, number: Number) -> str:
    """How far each segment lies from the portfolio, feature by feature, in standard deviations: a table.

    Args:
        frame: columns segment (short label), feature (words), z and text (what to print in the cell).
        label: what the colours are.
        number: writes a number with so many decimals.
    """
    segments = list(dict.fromkeys(frame["segment"]))
    rows = []
    for feature, cells in frame.groupby("feature", sort=False):
        row = "".join(cell(each.text, float(each.z)) for each in cells.itertuples())  # type: ignore[arg-type]
        rows.append(f'<tr><th scope="row">{escape(str(feature))}</th>{row}</tr>')
    heads = "".join(f'<th scope="col">{escape(each)}</th>' for each in segments)
    return (
        heat_key(number, label)
        + f'<table class="chart heat"><thead><tr><th></th>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )


def cell(text: Any, z: float) -> str:
    """A cell of the heatmap."""
    ground, ink = heat(z)
    return f'<td style="background:{ground};color:{ink}">{escape(str(text))}</td>'


def curve(frame: pd.DataFrame, value: str, words: Named, marks: Mapping[str, int], number: Number) -> str:
    """One measure over the number of segments, with marks at some of them, named below.

    Args:
        frame: columns k and `value`; rows without a value are left out.
        value: column to draw.
        words: what is drawn across, what upwards.
        marks: number of segments by the words for it, such as the chosen one.
        number: writes a number with so many decimals.
    """
    shown = frame.dropna(subset=[value])
    least, most = float(shown["k"].min()), float(shown["k"].max())
    low, high = float(shown[value].min()), float(shown[value].max())
    room = (high - low) * 0.05 or abs(high) * 0.05 or 0.05
    low, high = low - room, high + room
    points = [
        ((float(k) - least) / ((most - least) or 1.0), (float(v) - low) / (high - low))
        for k, v in zip(shown["k"], shown[value], strict=True)
    ]
    places = dict(zip((int(k) for k in shown["k"]), points, strict=True))
    steps, decimals = ticks(low, high, 5)
    parts = _grid([(each - low) / (high - low) for each in steps]) + _path(points, SERIES[0])
    named = [(word, k) for word, k in marks.items() if k in places]
    entries = []
    for shape, (word, k) in zip(("diamond", "square", "up"), named, strict=False):
        x, y = places[k]
        parts += mark(shape, WIDTH * x, HEIGHT * (1 - y), 9, SERIES[3])
        entries.append((_svg(20, 20, mark(shape, 10, 10, 9, SERIES[3])), f"{word}: {k}"))
    whole, _ = ticks(least, most, 8)
    across = [((k - least) / ((most - least) or 1.0), number(k, 0)) for k in whole if k == int(k)]
    upwards = [((each - low) / (high - low), number(each, decimals)) for each in steps]
    return _plot(_svg(WIDTH, HEIGHT, parts), across, upwards, words, legend(entries) if entries else "")


def _path(points: Sequence[tuple[float, float]], colour: str) -> str:
    line = " ".join(f"{WIDTH * x:.1f},{HEIGHT * (1 - y):.1f}" for x, y in points)
    dots = "".join(mark("circle", WIDTH * x, HEIGHT * (1 - y), 3.5, colour) for x, y in points)
    return f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'


def mark(shape: str, x: float, y: float, size: float, colour: str) -> str:
    """A mark of a shape around a point."""
    if shape in ("circle", "ring"):
        ink = f'fill="{colour}"' if shape == "circle" else f'fill="none" stroke="{colour}" stroke-width="1.5"'
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:g}" {ink}/>'
    s, t = size, size / 3
    corners = {
        "square": [(-s, -s), (s, -s), (s, s), (-s, s)],
        "up": [(0, -s), (s, s), (-s, s)],
        "down": [(0, s), (s, -s), (-s, -s)],
        "diamond": [(0, -s), (s, 0), (0, s), (-s, 0)],
        "bar": [(-s, -t), (s, -t), (s, t), (-s, t)],
        "cross": [
            (-t, -s), (t, -s), (t, -t), (s, -t), (s, t), (t, t), (t, s), (-t, s), (-t, t), (-s, t), (-s, -t), (-t, -t),
        ],
    }[shape]  # fmt: skip
    path = " ".join(f"{x + a:.1f},{y + b:.1f}" for a, b in corners)
    return f'<polygon points="{path}" fill="{colour}"/>'


def sizes(frame: pd.DataFrame, words: Named, number: Number, colours: Mapping[str, str]) -> str:
    """Customers of each segment, month by month.

    Args:
        frame: columns month (dates), name and customers.
        words: what is drawn across, what upwards.
        number: writes a number with so many decimals.
        colours: of the segments by name.
    """
    months = sorted(set(pd.to_datetime(frame["month"])))
    first, days = months[0], (months[-1] - months[0]).days or 1
    high = float(frame["customers"].max()) or 1.0
    steps, decimals = ticks(0.0, high, 5)
    parts = _grid([each / high for each in steps])
    entries = []
    for name, rows in frame.groupby("name", sort=False):
        points = [
            ((pd.Timestamp(row.month) - first).days / days, float(row.customers) / high)  # type: ignore[arg-type]
            for row in rows.sort_values("month").itertuples()
        ]
        parts += _path(points, colours[str(name)])
        entries.append((_square(colours[str(name)]), str(name)))
    chosen = sorted({0, len(months) // 2, len(months) - 1})
    across = [((months[place] - first).days / days, _day(months[place])) for place in chosen]
    upwards = [(each / high, number(each, decimals)) for each in steps]
    return _plot(_svg(WIDTH, HEIGHT, parts), across, upwards, words, legend(entries))


def _day(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m}"


def scatter(
    frame: pd.DataFrame,
    x: str,
    y: str,
    names: Sequence[str],
    number: Number,
    colours: Mapping[str, str] | None = None,
) -> str:
    """A map of customers, a colour and a shape a segment, its number at its centre.

    Args:
        frame: columns `x`, `y` (numbers) and name.
        x: column across, also the axis's title.
        y: column upwards.
        names: all segments, in order of their number, with which each begins.
        number: writes a number with so many decimals.
        colours: of the segments by name.
    """
    # The outermost customers would press all others into a corner.
    low, high = frame[[x, y]].quantile(0.005), frame[[x, y]].quantile(0.995)
    inside = frame[frame[[x, y]].ge(low).all(axis=1) & frame[[x, y]].le(high).all(axis=1)]
    span = {name: high[name] - low[name] if _differ(low[name], high[name]) else 1.0 for name in (x, y)}
    tall = 400.0

    def at(row: Any) -> tuple[float, float]:
        return WIDTH * (row[0] - low[x]) / span[x], tall * (1 - (row[1] - low[y]) / span[y])

    own = {name: colours[name] if colours else SERIES[i % len(SERIES)] for i, name in enumerate(names)}
    shapes = {name: SHAPES[i % len(SHAPES)] for i, name in enumerate(names)}
    groups, centres = [], []
    for name in names:
        of_segment = inside[inside["name"] == name]
        marks = "".join(
            mark(shapes[name], *at(row), 2.6, own[name])
            for row in of_segment[[x, y]].itertuples(index=False, name=None)
        )
        groups.append(f'<g opacity=".6">{marks}</g>')
        if len(of_segment):
            left, top = at((of_segment[x].median(), of_segment[y].median()))
            centres.append(
                f'<b class="number" style="left:{100 * left / WIDTH:.1f}%;top:{100 * top / tall:.1f}%">'
                f"{escape(name.partition(' ')[0])}</b>"
            )
    across, decimals_across = ticks(float(low[x]), float(high[x]), 5)
    upwards, decimals = ticks(float(low[y]), float(high[y]), 5)
    entries = [(_svg(20, 20, mark(shapes[name], 10, 10, 8, own[name])), name) for name in names]
    return _plot(
        _svg(WIDTH, tall, "".join(groups)) + "".join(centres),
        [((each - low[x]) / span[x], number(each, decimals_across)) for each in across],
        [((each - low[y]) / span[y], number(each, decimals)) for each in upwards],
        (x, y),
        legend(entries),
    )


def box(own: Sequence[float], everyone: Sequence[float], low: float, high: float, colour: str) -> str:
    """How a feature is spread in a segment, above how it is among all: the middle nine tenths, the middle half, the median.

    Args:
        own: QUANTILES of the segment, on the scale to draw.
        everyone: those of all customers.
        low: where the drawing begins.
        high: where it ends.
        colour: of the segment.
    """
    span = (high - low) or 1.0
    parts = ""
    for quantiles, ink, top, tall in ((own, colour, 0, 11), (everyone, "currentColor", 13, 5)):
        a, b, c, d, e = (100 * (each - low) / span for each in quantiles)
        middle = top + tall / 2
        faint = ' fill-opacity=".45"' if ink == "currentColor" else ""
        parts += (
            f'<rect x="{a:.1f}" y="{middle - 0.6:.1f}" width="{max(e - a, 0.5):.1f}" height="1.2" fill="{ink}"{faint}/>'
            f'<rect x="{b:.1f}" y="{top}" width="{max(d - b, 0.8):.1f}" height="{tall}" fill="{ink}"{faint}/>'
            f'<rect x="{c - 0.5:.1f}" y="{top - 1}" width="1" height="{tall + 2}" fill="currentColor"/>'
        )
    return (
        '<svg class="box" viewBox="0 0 100 18" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f"{parts}</svg>"
    )
