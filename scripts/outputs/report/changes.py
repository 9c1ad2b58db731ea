"""The report's first section where there is a month before: what changed, who moved, which segments are new, drift.

Reads the published tables; writes nothing.
"""

from typing import Any

import pandas as pd

from scripts.outputs.report.charts import sizes
from scripts.outputs.report.flows import Flow, flow_picture
from scripts.outputs.report.parts import Figure, Frame, Page, Table, figure_of, table_of

# What is no segment: those who came and went.
OTHERS = "#8a929c"
# Pairs of segments in the table of movements, the largest first.
MOST_PAIRS = 12


def changes_of(data: Page) -> dict[str, Any] | None:
    """What the section shows; None where this is the first month, and no new model came."""
    flows = data.frame(
        "from marts.segment_migration where as_of_date = (select max(as_of_date) from marts.segment_drift)"
        " order by from_segment_id nulls last, to_segment_id nulls last, cause"
    )
    if flows.empty:
        return None
    t = data.t
    moved = flows[flows["cause"] == "behaviour"]
    by_model = int(flows[flows["cause"] == "model"]["customers"].sum())
    stayed = int(flows[flows["cause"].isin(["stayed", "behaviour", "model"])]["customers"].sum())
    count = int(moved["customers"].sum())
    months = {
        "before": f"{flows['as_of_before'].iloc[0]:%Y-%m-%d}",
        "now": f"{flows['as_of_date'].iloc[0]:%Y-%m-%d}",
    }
    lines = [
        t(
            "changes.moved",
            count=data.number(count, "whole"),
            share=data.number(count / stayed if stayed else None, "share"),
        ),
        t(
            "changes.came_and_went",
            came=data.number(_sum(flows, "joined", "returned"), "whole"),
            left=data.number(_sum(flows, "left"), "whole"),
        ),
        *([t("changes.by_model", count=data.number(by_model, "whole"))] if by_model else []),
        *_lineage(data, months["now"]),
    ]
    alarms = data.frame(
        "select alarm, words from marts.segment_drift where alarm != 'fine' order by alarm, drift desc nulls last, words"
    )
    return {
        "intro": t("changes.intro", **months),
        "lines": lines,
        "alarms": [f"{t('changes.' + row.alarm)}: {row.words}" for row in alarms.itertuples()],
        "no_alarm": t("changes.fine"),
        "sizes": _sizes_table(data, flows),
        "movements": _movements_table(data),
        "figures": [_flow_figure(data, flows), *_size_figure(data)],
    }


def _sum(flows: Frame, *causes: str) -> int:
    return int(flows[flows["cause"].isin(causes)]["customers"].sum())


def _lineage(data: Page, month: str) -> list[str]:
    """New, retired and renamed segments, a sentence each."""
    rows = data.frame(
        "select * from marts.segment_lineage where what in ('new', 'retired', 'renamed')"
        f" and as_of_date = date '{month}' order by what, coalesce(to_segment_id, from_segment_id)"
    )
    return [
        data.t(
            f"changes.{row.what}",
            name=str(row.name_after if row.what == "new" else row.name_before),
            other=str(row.name_after),
            count=data.number(row.customers, "whole"),
        )
        for row in rows.itertuples()
    ]


def _name(number: Any, name: Any, other: str) -> str:
    return other if pd.isna(number) else f"{int(number)} {name}"


def _flow_figure(data: Page, flows: Frame) -> Figure:
    t = data.t
    came, left = t("changes.came"), t("changes.left")
    bands: list[Flow] = [
        (
            _name(row.from_segment_id, row.from_segment_name, came),
            _name(row.to_segment_id, row.to_segment_name, left),
            int(row.customers),
        )
        for row in flows.groupby(
            ["from_segment_id", "from_segment_name", "to_segment_id", "to_segment_name"], dropna=False, as_index=False
        )["customers"].sum().itertuples()
    ]  # fmt: skip
    table = table_of(
        t("changes.flows"),
        [t("changes.from"), t("changes.to"), t("customers")],
        [(before, now, data.number(count, "whole")) for before, now, count in bands],
        (2,),
    )
    drawn = flow_picture(bands, [*data.colours, came, left], data.colours, OTHERS)
    return figure_of(t("changes.flows"), drawn, table)


def _size_figure(data: Page) -> list[Figure]:
    """Sizes over time, from three months on."""
    t = data.t
    frame = data.frame(
        "select as_of_date as month, to_segment_id as segment_id, any_value(to_segment_name) as segment_name,"
        " sum(customers)::bigint as customers from marts.segment_migration where to_segment_id is not null"
        " group by all union all"
        " select as_of_before, from_segment_id, any_value(from_segment_name), sum(customers)::bigint"
        " from marts.segment_migration where from_segment_id is not null"
        " and as_of_before = (select min(as_of_before) from marts.segment_migration) group by all order by 2, 1"
    )
    if frame["month"].nunique() < 3:
        return []
    frame["name"] = [_name(row.segment_id, row.segment_name, "") for row in frame.itertuples()]
    table = table_of(
        t("changes.sizes_over_time"),
        [t("changes.month"), t("segment"), t("customers")],
        [
            (f"{row.month:%Y-%m-%d}", row.name, data.number(row.customers, "whole"))
            for row in frame.itertuples(index=False)
        ],
        (2,),
    )
    drawn = sizes(frame, (t("changes.month"), t("customers")), data.decimals, data.colours)
    return [figure_of(t("changes.sizes_over_time"), drawn, table)]


def _sizes_table(data: Page, flows: Frame) -> Table:
    """Each segment before and now, and its mean value."""
    t = data.t
    names: dict[int, str] = {}
    for side in ("from", "to"):
        for number, name in (
            flows[[f"{side}_segment_id", f"{side}_segment_name"]].dropna().itertuples(index=False)
        ):
            names[int(number)] = name
    rows = []
    for number in sorted(names):
        before, now = flows[flows["from_segment_id"] == number], flows[flows["to_segment_id"] == number]
        sizes = int(before["customers"].sum()), int(now["customers"].sum())
        change = sizes[1] / sizes[0] - 1 if sizes[0] else None
        rows.append(
            (
                f"{number} {names[number]}",
                data.number(sizes[0], "whole"),
                data.number(sizes[1], "whole"),
                data.number(change, "share"),
                data.number(_mean(before, "value_before")),
                data.number(_mean(now, "value_after")),
            )
        )
    heads = [
        "segment",
        "changes.before",
        "changes.now",
        "changes.growth",
        "changes.value_before",
        "changes.value_now",
    ]
    return table_of(t("changes.sizes"), [t(head) for head in heads], rows, range(1, 6))


def _mean(flows: Frame, column: str) -> float | None:
    known = flows.dropna(subset=[column])
    customers = known["customers"].sum()
    return float((known[column] * known["customers"]).sum() / customers) if customers else None


def _movements_table(data: Page) -> Table | None:
    """The largest movements, and what they call for; None where nobody moved."""
    t = data.t
    rows = data.frame(
        "select from_segment_id, any_value(from_segment_name) as before, to_segment_id, any_value(to_segment_name) as now,"
        " any_value(movement) as movement, any_value(play) as play, count(*) as customers"
        " from marts.customer_movements where cause = 'behaviour' group by from_segment_id, to_segment_id"
        f" order by customers desc, from_segment_id, to_segment_id limit {MOST_PAIRS}"
    )
    if rows.empty:
        return None
    cells = [
        (
            f"{row.from_segment_id} {row.before}",
            f"{row.to_segment_id} {row.now}",
            data.number(row.customers, "whole"),
            row.movement if isinstance(row.movement, str) else "",
            row.play if isinstance(row.play, str) else "",
        )
        for row in rows.itertuples()
    ]
    heads = ["changes.from", "changes.to", "customers", "changes.movement", "changes.play"]
    return table_of(t("changes.movements"), [t(head) for head in heads], cells, (2,))
