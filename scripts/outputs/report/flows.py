"""The picture of who went where between two months: bands from segments of the month before to those of now, as HTML.

Names are HTML text beside the bands, as in charts.py, each with a line of its own. Touches nothing.
"""

from collections.abc import Mapping, Sequence
from html import escape

from scripts.outputs.report.charts import drawn_in, legend

# In pixels; a name is 20 of them high, so that the names of thin bars stand apart.
HEIGHT, BAR, GAP, LINE = 360, 2.4, 8, 20
# A segment or band is drawn this high at least, in pixels: one that nobody sees would be taken for none.
THINNEST = 0.75

Flow = tuple[str, str, int]


def flow_picture(flows: Sequence[Flow], order: Sequence[str], colours: Mapping[str, str], others: str) -> str:
    """Draw the flows.

    Args:
        flows: from, to and customers.
        order: all names, in the order in which they are to stand.
        colours: of the names that have one; the rest is drawn in `others`.
        others: a colour.
    """
    place = {name: number for number, name in enumerate(order)}
    left = sorted({name for name, _, _ in flows}, key=place.__getitem__)
    right = sorted({name for _, name, _ in flows}, key=place.__getitem__)
    flows = sorted(flows, key=lambda flow: (place[flow[0]], place[flow[1]]))
    total = sum(count for _, _, count in flows) or 1
    room = HEIGHT - GAP * (max(len(left), len(right)) - 1)
    high = {flow: max(THINNEST, room * flow[2] / total) for flow in flows}
    starts, ends = _stacked(left, flows, high, 0), _stacked(right, flows, high, 1)
    at_left, at_right = dict(starts), dict(ends)
    parts = []
    for flow in flows:
        y, z, h = at_left[flow[0]], at_right[flow[1]], high[flow]
        at_left[flow[0]] += h
        at_right[flow[1]] += h
        path = (
            f"M{BAR},{y:.1f} C50,{y:.1f} 50,{z:.1f} {100 - BAR},{z:.1f}"
            f" L{100 - BAR},{z + h:.1f} C50,{z + h:.1f} 50,{y + h:.1f} {BAR},{y + h:.1f} Z"
        )
        stays = flow[0] == flow[1]
        parts.append(
            f'<path d="{path}" fill="{colours.get(flow[0], others)}" opacity="{0.25 if stays else 0.7}"/>'
        )
    sides = []
    for names, tops, bottoms, x in ((left, starts, at_left, 0), (right, ends, at_right, 100 - BAR)):
        words = []
        for name in names:
            top, size = tops[name], bottoms[name] - tops[name]
            parts.append(
                f'<rect x="{x}" y="{top:.1f}" width="{BAR}" height="{size:.1f}" fill="{colours.get(name, others)}"/>'
            )
            number, _, rest = name.partition(" ")
            short = f'{escape(number)}<span class="words"> {escape(rest)}</span>' if rest else escape(name)
            words.append((top + size / 2, short))
        sides.append(
            '<div class="side">'
            + "".join(f"<b>{short}</b>" for _, short in words)
            + "".join(f'<i style="top:{middle:.1f}px">{short}</i>' for middle, short in words)
            + "</div>"
        )
    bottom = max([*at_left.values(), *at_right.values(), HEIGHT]) + LINE / 2
    area = (
        f'<svg viewBox="0 0 100 {bottom:.0f}" preserveAspectRatio="none" style="height:{bottom:.0f}px"'
        f' focusable="false">{"".join(parts)}</svg>'
    )
    entries = [
        (f'<i style="background:{colours.get(name, others)}"></i>', name)
        for name in sorted({*left, *right}, key=place.__getitem__)
    ]
    return drawn_in(f'<div class="flow">{sides[0]}<div>{area}</div>{sides[1]}</div>{legend(entries)}')


def _stacked(
    names: Sequence[str], flows: Sequence[Flow], high: Mapping[Flow, float], side: int
) -> dict[str, float]:
    """Where each name's bar begins, from the top: far enough from the one before that both names have their line."""
    tops: dict[str, float] = {}
    at = before = 0.0
    for name in names:
        size = sum(high[flow] for flow in flows if flow[side] == name)
        tops[name] = max(at, (before + LINE if tops else LINE / 2) - size / 2)
        before = tops[name] + size / 2
        at = tops[name] + size + GAP
    return tops
