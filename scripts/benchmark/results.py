"""The results of a benchmark as Markdown, CSV and a chart: rows in, text out. Touches nothing."""

import csv
import io
import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scripts.base.errors import UserError
from scripts.benchmark.floors import FLOORS
from scripts.benchmark.measuring import MeasuredRun
from scripts.benchmark.quality import RESAMPLES, SILHOUETTE_ROWS, Quality
from scripts.benchmark.ways import OURS, SCOPES
from scripts.published.look import SERIES
from scripts.published.reading import NOTHING

# Bytes of addresses that V8 reserves, which draws the chart, with room for the rest.
ADDRESS_SPACE = 80_000_000_000


@dataclass(frozen=True)
class Circumstances:
    """What the numbers are of."""

    date: str
    words: str
    commit: str


@dataclass(frozen=True)
class Compared:
    """One way at one size.

    Attributes:
        runs: what was measured, a run a turn; empty where it was not.
        times: wall seconds as a multiple of this build's in the same turn, the median of all turns.
        remark: why it was not measured, or what else there is to say.
    """

    customers: int
    scope: str
    way: str
    runs: Sequence[MeasuredRun]
    times: float | None
    quality: Quality | None
    remark: str = ""

    def median(self, of: str) -> float:
        """Median over the runs."""
        return median([getattr(run, of) for run in self.runs])


@dataclass(frozen=True)
class Size:
    """All that was measured of one ledger; `floors` are seconds by stage."""

    customers: int
    rows: Mapping[str, int]
    compared: Sequence[Compared]
    stages: Sequence[dict[str, Any]]
    floors: Mapping[str, float]


def median(values: Sequence[float]) -> float:
    """The middle one, or the mean of the middle two."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def middle_stages(runs: Sequence[MeasuredRun]) -> list[dict[str, Any]]:
    """The stages of builds that took turns, with the median of each one's seconds."""
    return [
        {**stages[0], "seconds": median([stage["seconds"] for stage in stages])}
        for stages in zip(*(run.stages for run in runs), strict=True)
    ]


def _number(value: float | None, digits: int) -> str:
    return NOTHING if value is None else f"{value:,.{digits}f}"


def _row(each: Compared) -> str:
    if not each.runs:
        return f"| {each.way} | not measured: {each.remark} |" + " |" * 9
    quality = each.quality
    measured = [
        _number(each.median("seconds"), 1),
        _number(each.times, 2),
        _number(each.median("processor"), 1),
        _number(each.median("memory"), 2),
    ]
    if quality is None:
        found = [NOTHING] * 6
    else:
        found = [
            str(quality.k),
            _number(quality.inertia, 3),
            _number(quality.silhouette, 3),
            _number(quality.least_jaccard, 2),
            _number(quality.mean_jaccard, 2),
            _number(quality.types_found, 2),
        ]
    return f"| {' | '.join([each.way, *measured, *found])} |"


def _ways_table(size: Size, scope: str) -> list[str]:
    rows = [each for each in size.compared if each.scope == scope]
    remarks = [f"{each.way}: {each.remark}." for each in rows if each.runs and each.remark]
    return [
        f"{SCOPES[scope]}:",
        "",
        f"| way | wall s | times {OURS[scope]} | processor s | peak GB | segments | inertia | silhouette | least Jaccard"
        " | mean Jaccard | types found |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        *map(_row, rows),
        "",
        *(line for remark in remarks for line in (remark, "")),
    ]


def _stages_table(size: Size) -> list[str]:
    lines = []
    for stage in size.stages:
        name, count, seconds = stage["stage"], stage["rows"], stage["seconds"]
        rate = f"{count / seconds:,.0f}" if count and seconds else ""
        floor = _number(size.floors[name], 2) if name in size.floors else ""
        lines.append(
            f"| {name} | {'' if count is None else f'{count:,}'} | {seconds:.2f} | {rate} | {floor} |"
            f" {FLOORS.get(name, '')} |"
        )
    return [
        "Stages of this build, and the floor beside each that has one:",
        "",
        "| stage | rows | s | rows/s | floor s | the floor is |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
        *lines,
        "",
    ]


def markdown(machine: Circumstances, sizes: Sequence[Size]) -> str:
    """All of it as Markdown."""
    lines = [
        f"Measured {machine.date}, commit {machine.commit}, {machine.words}.",
        "",
        "Medians of runs that took turns. Peak memory is that of all processes of a way together. Inertia is a share of"
        f" that of one segment; it and the silhouette (of {SILHOUETTE_ROWS:,} customers) are taken in one common space for"
        f" all ways, Jaccards over {RESAMPLES} resamples in the way's own. More segments always have less inertia."
        " Types found is the adjusted Rand index with the hidden types that the ledger was made of.",
        "",
    ]
    for size in sizes:
        total = f"{size.rows['transactions']:,} transactions, {size.rows['statements']:,} statements"
        lines += [f"## {size.customers:,} customers", "", f"{total}, Parquet.", ""]
        for scope in SCOPES:
            lines += _ways_table(size, scope)
        lines += _stages_table(size)
    return "\n".join(lines)


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {name: f"{value:.4f}" if isinstance(value, float) else value for name, value in row.items()}
        for row in rows
    )
    return text.getvalue()


def ways_csv(machine: Circumstances, sizes: Sequence[Size]) -> str:
    """A row for each way at each size."""
    measures = ("k", "inertia", "silhouette", "least_jaccard", "mean_jaccard", "types_found")
    return _csv(
        [
            {
                "measured_on": machine.date,
                "commit": machine.commit,
                "customers": each.customers,
                "transactions": size.rows["transactions"],
                "scope": each.scope,
                "way": each.way,
                "runs": len(each.runs),
                "seconds": each.median("seconds") if each.runs else None,
                "times_ours": each.times,
                "processor_seconds": each.median("processor") if each.runs else None,
                "peak_gb": each.median("memory") if each.runs else None,
                **{name: getattr(each.quality, name, None) for name in measures},
                "remark": each.remark if each.runs else f"not measured: {each.remark}",
            }
            for size in sizes
            for each in size.compared
        ]
    )


def stages_csv(machine: Circumstances, sizes: Sequence[Size]) -> str:
    """A row for each stage of this build at each size."""
    return _csv(
        [
            {
                "measured_on": machine.date,
                "commit": machine.commit,
                "customers": size.customers,
                "stage": stage["stage"],
                "rows": stage["rows"],
                "seconds": stage["seconds"],
                "floor_seconds": size.floors.get(stage["stage"]),
                "floor": FLOORS.get(stage["stage"], ""),
            }
            for size in sizes
            for stage in size.stages
        ]
    )


def check_address_space() -> None:
    """Raise UserError where the chart would end the process: what draws it is a browser's engine."""
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY and most < ADDRESS_SPACE:
        raise UserError(
            f"ulimit -v: {most / 1e9:.1f} GB of addresses are allowed; the benchmark's chart reserves more, though it"
            " uses little memory: run ulimit -v unlimited before."
        )


def chart(sizes: Sequence[Size]) -> str:
    """Seconds over customers, both on logarithmic scales, a panel a scope: SVG."""
    import altair as alt
    import pandas as pd
    import vl_convert

    panels = []
    for scope, title in SCOPES.items():
        found = [
            {"customers": each.customers, "seconds": each.median("seconds"), "way": each.way}
            for size in sizes
            for each in size.compared
            if each.scope == scope and each.runs
        ]
        ways = list(dict.fromkeys(str(row["way"]) for row in found))
        drawn = (
            alt.Chart(pd.DataFrame(found))
            .mark_line(point=alt.OverlayMarkDef(size=70, filled=True))
            .encode(
                x=alt.X(
                    "customers:Q", title="customers", scale=alt.Scale(type="log", nice=False, padding=20)
                ),
                y=alt.Y("seconds:Q", title="seconds", scale=alt.Scale(type="log", nice=False, padding=20)),
                color=alt.Color(
                    "way:N",
                    sort=ways,
                    title=None,
                    scale=alt.Scale(domain=ways, range=list(SERIES[: len(ways)])),
                ),
                shape=alt.Shape("way:N", sort=ways, title=None, scale=alt.Scale(domain=ways)),
            )
        )
        panels.append(drawn.properties(title=title, width=330, height=260))
    whole = (
        alt.hconcat(*panels)
        .resolve_scale(color="independent", shape="independent")
        .configure(background="white", font="sans-serif")
        .configure_legend(orient="bottom", columns=2, labelLimit=260)
    )
    svg: str = vl_convert.vegalite_to_svg(whole.to_dict())
    return svg
