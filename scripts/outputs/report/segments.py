"""What the report says of each segment: a line, and what opens below it: words, play, and how its features are spread.

Reads the published tables; writes nothing.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from scripts.outputs.report.charts import QUANTILES, box
from scripts.outputs.report.parts import Frame, Page
from scripts.published.reading import NOTHING

# Customers whose features are looked at for how they are spread, about: quantiles of more say the same, and cost more.
LOOKED_AT = 50_000
# Below these silhouettes a segment is hard to tell from the one it borders on, or borders on it.
HARD, NEAR = 0.1, 0.25


def segments_of(
    data: Page, profiles: Frame, values: Frame, plays: Frame, currency: str
) -> list[dict[str, Any]]:
    """The segments in order of their number."""
    t = data.t
    names = dict(zip(profiles["segment_id"], profiles["segment_name"], strict=True))
    of_play = plays.set_index("segment_id")
    of_value = values.set_index("segment_id")
    borders = _borders(data)
    spread = _spread(data)
    segments: list[dict[str, Any]] = []
    for _, profile in profiles.iterrows():
        number = profile["segment_id"]
        value, play = of_value.loc[number], of_play.loc[number]
        colour = data.colours[f"{number} {profile['segment_name']}"]
        segments.append(
            {
                "id": int(number),
                "name": profile["segment_name"],
                "payment": profile["payment_words"],
                "colour": colour,
                "description": profile["description"],
                "traits": profile["traits"],
                "customers": f"{data.number(profile['customers'], 'whole')} {t('glance.size_axis')}",
                "share": data.number(profile["customer_share"], "share"),
                **_value(data, value, currency),
                "verdict": t(f"verdict.{play['verdict']}"),
                "verdict_kind": play["verdict"],
                "border": _border_words(data, profile["silhouette"], borders.get(number), names),
                "unstable": t("unstable", stability=data.decimals(profile["stability"], 2))
                if profile["is_unstable"]
                else "",
                "play": _play(data, play, currency),
                "spread": _spread_rows(data, spread, number, colour),
            }
        )
    return segments


def _value(data: Page, value: pd.Series, currency: str) -> dict[str, str]:
    """What a customer of the segment is worth, the range of it, and all of them; a word where that is not known."""
    if pd.isna(value["value_base"]):
        return {
            "value": data.t("glance.value_unknown"),
            "value_range": "",
            "total": NOTHING,
            "total_share": "",
        }
    return {
        "value": data.t("money", currency=currency, amount=data.number(value["value_base"])),
        "value_range": data.t(
            "glance.range", low=data.number(value["value_low"]), high=data.number(value["value_high"])
        ),
        "total": data.t("money", currency=currency, amount=data.number(value["total_base"])),
        "total_share": data.t("glance.of_value", share=data.number(value["share_of_total"], "share")),
    }


def _play(data: Page, play: Frame, currency: str) -> list[tuple[str, str]]:
    t = data.t
    change = play["value_change_per_response"]
    expected = str(play["value_expectation"])
    if not pd.isna(change):
        amount = f"{currency} {data.decimals(change, 2 if abs(change) < 10 else 0)}"
        expected = f"{t('playbook.per_response', amount=amount)}. {expected}"
    limit = data.words.get(f"report.limit.{play['limit_increase']}", str(play["limit_increase"]))
    return [
        (t("playbook.objective"), play["objective"]),
        (t("glance.offer"), play["offer"]),
        (t("playbook.channel"), play["channel"]),
        (t("glance.avoid"), play["avoid"]),
        (t("glance.measure"), play["success_measure"]),
        (t("playbook.value"), expected),
        (t("playbook.limit"), limit),
        (t("playbook.stress"), t("yes") if play["is_under_payment_stress"] else t("no")),
        (t("playbook.source"), play["reference"]),
    ]


def _borders(data: Page) -> dict[int, tuple[int, float]]:
    """Of each segment the one that is next for most of its customers, and for how large a share of them."""
    frame = data.frame(
        "select segment_id, other, customers / sum(customers) over (partition by segment_id) as share from ("
        " select segment_id, runner_up_segment_id as other, count(*) as customers from marts.customer_segments"
        " where status = 'segmented' and runner_up_segment_id is not null group by all)"
        " order by segment_id, share desc, other"
    ).drop_duplicates("segment_id")
    return {
        int(row.segment_id): (int(row.other), float(row.share)) for row in frame.itertuples()
    }  # fmt: skip


def _border_words(
    data: Page, silhouette: float, border: tuple[int, float] | None, names: dict[int, str]
) -> str:
    """How well apart a segment lies, and from which other."""
    if border is None or pd.isna(silhouette) or border[0] not in names:
        return ""
    kind = "hard" if silhouette < HARD else "near" if silhouette < NEAR else "apart"
    return data.t(
        f"border.{kind}",
        silhouette=data.decimals(silhouette, 2),
        other=names[border[0]],
        share=data.number(border[1], "share"),
    )


def _spread(data: Page) -> dict[str, Any]:
    """Quantiles of each feature, of each segment and of all (None), from one query over the features."""
    units = dict(
        data.frame("select distinct feature, unit from marts.segment_feature_contrasts").itertuples(
            index=False
        )
    )
    columns = [
        each for each in data.frame("describe marts.customer_features")["column_name"] if each in units
    ]
    step = -(-int(data.frame("select count(*) as n from marts.customer_features")["n"].iloc[0]) // LOOKED_AT)
    quantiles = ", ".join(f"quantile_cont({name}, {list(QUANTILES)}) as {name}" for name in columns)
    # The same customers each time, whatever the order of rows.
    rows = data.frame(
        f"select segment_id, {quantiles} from marts.customer_segments inner join marts.customer_features using (customer_id)"
        f" where status = 'segmented' and md5_number_lower(customer_id) % {max(step, 1)} = 0"
        " group by grouping sets ((segment_id), ())"
    )
    found = {
        (None if pd.isna(row["segment_id"]) else int(row["segment_id"]), name): list(row[name])
        for _, row in rows.iterrows()
        for name in columns
        # Of a feature that the input does not know, there are none.
        if isinstance(row[name], Sequence | np.ndarray)
    }
    return {"units": units, "columns": columns, "found": found}


def _spread_rows(data: Page, spread: dict[str, Any], number: int, colour: str) -> list[dict[str, str]]:
    """A line a feature: its box, and the numbers of it."""
    rows = []
    for name in spread["columns"]:
        own, everyone = spread["found"].get((number, name)), spread["found"].get((None, name))
        if own is None or everyone is None:
            continue
        unit = spread["units"][name]
        every = [
            value
            for (_, feature), values in spread["found"].items()
            if feature == name
            for value in (values[0], values[-1])
        ]
        low, high = _scaled(min(every), unit), _scaled(max(every), unit)
        drawn = box(
            [_scaled(each, unit) for each in own],
            [_scaled(each, unit) for each in everyone],
            low,
            high,
            colour,
        )
        rows.append(
            {
                "feature": data.word(f"feature.{name}"),
                "box": drawn,
                "median": data.number(own[2], unit),
                "half": data.t("glance.range", low=data.number(own[1], unit), high=data.number(own[3], unit)),
                "all": data.number(everyone[2], unit),
            }
        )
    return rows


def _scaled(value: float, unit: str) -> float:
    """Where a value stands: money and counts on a logarithmic scale, on which few large ones do not hide the rest."""
    return value if unit == "share" else math.copysign(math.log1p(abs(value)), value)
