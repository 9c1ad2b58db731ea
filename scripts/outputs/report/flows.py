"""The picture of who went where between two months: bands from segments of the month before to those of now, as SVG text.

Text takes the page's own colour (currentColor), as in charts.py; nothing is drawn by script, and it prints. Touches nothing.
"""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

WIDTH, HEIGHT, BAR, GAP, LABEL = 620, 360, 14, 8, 185
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
    parts = []
    x_left, x_right = LABEL + BAR, WIDTH - LABEL - BAR
    middle = (x_left + x_right) / 2
    at_left, at_right = dict(starts), dict(ends)
    for flow in flows:
        y, z, h = at_left[flow[0]], at_right[flow[1]], high[flow]
        at_left[flow[0]] += h
        at_right[flow[1]] += h
        path = (
            f"M{x_left},{y:.1f} C{middle:.0f},{y:.1f} {middle:.0f},{z:.1f} {x_right},{z:.1f}"
            f" L{x_right},{z + h:.1f} C{middle:.0f},{z + h:.1f} {middle:.0f},{y + h:.1f} {x_left},{y + h:.1f} Z"
        )
        stays = flow[0] == flow[1]
        parts.append(
            f'<path d="{path}" fill="{colours.get(flow[0], others)}" opacity="{0.25 if stays else 0.7}"/>'
        )
    for names, tops, bottoms, x, anchor, label in (
        (left, starts, at_left, LABEL, "end", LABEL - 6),
        (right, ends, at_right, x_right, "start", x_right + BAR + 6),
    ):
        for name in names:
            top, size = tops[name], bottoms[name] - tops[name]
            parts.append(
                f'<rect x="{x}" y="{top:.1f}" width="{BAR}" height="{size:.1f}" fill="{colours.get(name, others)}"/>'
                f'<text x="{label}" y="{top + size / 2 + 4:.1f}" text-anchor="{anchor}" font-size="12"'
                f' fill="currentColor">{escape(name)}</text>'
            )
    bottom = max([*at_left.values(), *at_right.values(), HEIGHT]) + 4
    return (
        f'<svg aria-hidden="true" focusable="false" xmlns="http://www.w3.org/2000/svg" width="{WIDTH}"'
        f' height="{bottom:.0f}" viewBox="0 -6 {WIDTH} {bottom + 10:.0f}" font-family="sans-serif">{"".join(parts)}</svg>'
    )


def _stacked(
    names: Sequence[str], flows: Sequence[Flow], high: Mapping[Flow, float], side: int
) -> dict[str, float]:
    """Where each name's bar begins, from the top."""
    tops, at = {}, 0.0
    for name in names:
        tops[name] = at
        at += sum(high[flow] for flow in flows if flow[side] == name) + GAP
    return tops
