"""`make report`: one HTML page on the segments, with nothing to load.

Reads a published file and writes card_segments_report.html, whole or not at all.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from scripts.base.files import whole_file
from scripts.base.paths import REPORT
from scripts.base.statistics import smallest_uplift
from scripts.outputs.report.changes import changes_of
from scripts.outputs.report.parts import Figure, Frame, Page, Table, figure_of, names_of, table_of
from scripts.published.look import VALUE_PARTS
from scripts.published.reading import LATEST_RUN, NOTHING

TEMPLATE = Path(__file__).with_name("page.html.j2")
# Customers drawn on a map: enough to see its shape, few enough for a phone.
POINTS = 1500
# The planning case of the page's table on tests; make campaign plans with the bank's own.
BASE_RATE = 0.05
HOLDOUT = 0.1
SECTIONS = (
    "changes",
    "glance",
    "value",
    "playbook",
    "test",
    "profile",
    "rules",
    "k",
    "maps",
    "quality",
    "fair",
    "model",
)


def write_report(published: Path, folder: Path) -> Path:
    """Write the page about a published file into a folder, in the language it was built in; return its path.

    Raises UserError where the page cannot be written; the page before stays then.
    """
    page = _render(Page(published))
    path = folder / REPORT
    with whole_file(path) as partial:
        partial.write_text(page, encoding="utf-8")
    return path


def _render(data: Page) -> str:
    # Imported late: a build that fails early need not wait for them.
    import jinja2

    profiles = data.frame("from marts.segment_profiles order by segment_id")
    values = data.frame("from marts.segment_values order by segment_id")
    fair = data.frame("from marts.protected_trait_mix order by trait, value, segment_id")
    run = data.frame(f"from {LATEST_RUN}").iloc[0]
    currency = str(values["currency"].iloc[0])
    maps = _maps(data, profiles)
    changes = changes_of(data)
    page: dict[str, Any] = {
        "t": data.t,
        **_words(data, profiles, run, currency),
        "sections": [
            section
            for section in SECTIONS
            if {"fair": len(fair) > 0, "changes": changes is not None}.get(section, True)
        ],
        "changes": changes,
        "segments": _segments(data, profiles, values, currency),
        "maps_intro": maps.pop("maps_intro"),
        "has_autoencoder": len(maps["maps"]) > 1,
        "charts": {
            "size": _size_chart(data, profiles),
            "value_ranges": _range_chart(data, values, currency),
            "value_parts": _parts_chart(data, values, currency),
            "heatmap": _heatmap(data, profiles),
            "curves": _curves(data),
            **maps,
        },
        "tables": {
            "values": _values_table(data, values, currency),
            "assumptions": _assumptions_table(data),
            "test": _test_table(data, profiles),
            "rules": _rules_table(data),
            "votes": _votes_table(data),
            "audit": _audit_table(
                data, data.frame("from marts.load_audit where measure = 'rows' order by source")
            ),
            "checks": _checks_table(data),
            "fair": _fair_table(data, fair),
            "model": _model_table(data, run),
        },
    }
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(page)


def _words(data: Page, profiles: Frame, run: Frame, currency: str) -> dict[str, Any]:
    """Title lines, notes and what introduces each section."""
    t = data.t
    suppressed = data.frame("select count(*) as n from marts.customer_segments where status = 'suppressed'")
    suppressed_count = int(suppressed["n"].iloc[0])
    as_of = data.frame("select max(as_of_date) as day from marts.customer_features")["day"].iloc[0]
    return {
        "language": _language(data),
        "subtitle": t(
            "subtitle",
            customers=data.number(profiles["customers"].sum(), "whole"),
            segments=str(len(profiles)),
            source=data.source(),
        ),
        "as_of": "" if pd.isna(as_of) else t("as_of", date=f"{as_of:%Y-%m-%d}") + ". ",
        "made": t("made", date=f"{run['built_at']:%Y-%m-%d %H:%M} UTC", model=str(run["model_id"])) + ".",
        "suppressed": t("suppressed", customers=data.number(suppressed_count, "whole"))
        if suppressed_count
        else "",
        "warning": run["warning"] if isinstance(run["warning"], str) else "",
        "unknown": data.unknown(),
        "value_intro": t("value.intro", currency=currency),
        "test_intro": t("test.intro", base=data.number(BASE_RATE, "share")),
        "k_intro": t("k.intro", reason=str(run["reason"])),
    }


def _segments(data: Page, profiles: Frame, values: Frame, currency: str) -> list[dict[str, Any]]:
    """What the card of each segment says."""
    t = data.t
    plays = data.frame("from marts.segment_playbook order by segment_id")
    segments: list[dict[str, Any]] = []
    for place, profile in profiles.iterrows():
        value, play = values.loc[place], plays.loc[place]
        segments.append(
            {
                "id": int(profile["segment_id"]),
                "name": profile["segment_name"],
                "payment": profile["payment_words"],
                "colour": data.colours[f"{profile['segment_id']} {profile['segment_name']}"],
                "description": profile["description"],
                "traits": profile["traits"],
                "customers": f"{data.number(profile['customers'], 'whole')} {t('glance.size_axis')}",
                "share": data.number(profile["customer_share"], "share"),
                **_value(data, value, currency),
                "offer": play["offer"],
                "success_measure": play["success_measure"],
                "unstable": t("unstable", stability=data.decimals(profile["stability"], 2))
                if profile["is_unstable"]
                else "",
                "play": _play(data, play, currency),
            }
        )
    return segments


def _value(data: Page, value: pd.Series, currency: str) -> dict[str, str]:
    """What a customer of the segment is worth, and the range of it; a word where that is not known."""
    if pd.isna(value["value_base"]):
        return {"value": data.t("glance.value_unknown"), "value_range": ""}
    return {
        "value": data.t("glance.value_of", amount=f"{currency} {data.number(value['value_base'])}"),
        "value_range": data.t(
            "glance.range", low=data.number(value["value_low"]), high=data.number(value["value_high"])
        ),
    }


def _language(data: Page) -> str:
    return data.word("language.code")


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


def _size_chart(data: Page, profiles: Frame) -> Figure:
    from scripts.outputs.report.charts import bars

    t = data.t
    frame = pd.DataFrame({"name": names_of(profiles), "customers": profiles["customers"]})
    shares = [data.number(share, "share") for share in profiles["customer_share"]]
    frame["words"] = shares
    counts = [data.number(count, "whole") for count in profiles["customers"]]
    table = table_of(
        t("glance.size"),
        [t("segment"), t("customers"), t("share")],
        list(zip(frame["name"], counts, shares, strict=True)),
        (1, 2),
    )
    return figure_of(
        data, t("glance.size"), bars(frame, "customers", t("glance.size_axis"), "words", data.colours), table
    )


def _range_chart(data: Page, values: Frame, currency: str) -> Figure:
    from scripts.outputs.report.charts import value_ranges

    t = data.t
    frame = pd.DataFrame(
        {
            "name": names_of(values), "low": values["value_low"],
            "base": values["value_base"], "high": values["value_high"],
        }
    )  # fmt: skip
    rows = [
        (name, data.number(low), data.number(base), data.number(high))
        for name, low, base, high in frame.itertuples(index=False)
    ]
    heads = [t("segment"), t("value.low"), t("value.base"), t("value.high")]
    title = t("value.range_chart")
    return figure_of(
        data,
        title,
        value_ranges(frame, t("value.axis", currency=currency), data.colours),
        table_of(title, heads, rows, (1, 2, 3)),
    )


def _parts_chart(data: Page, values: Frame, currency: str) -> Figure:
    from scripts.outputs.report.charts import value_parts

    t = data.t
    words = [t(f"part.{part}") for part in VALUE_PARTS]
    frame = pd.DataFrame(
        [
            {"name": name, "part": word, "amount": float(row[part]), "place": place}
            for name, (_, row) in zip(names_of(values), values.iterrows(), strict=True)
            for place, (part, word) in enumerate(zip(VALUE_PARTS, words, strict=True))
        ]
    )
    rows = [
        (name, *(data.number(row[part]) for part in VALUE_PARTS))
        for name, (_, row) in zip(names_of(values), values.iterrows(), strict=True)
    ]
    title = t("value.parts_chart")
    return figure_of(
        data,
        title,
        value_parts(frame, t("value.axis", currency=currency), words),
        table_of(title, [t("segment"), *words], rows, range(1, len(VALUE_PARTS) + 1)),
    )


def _heatmap(data: Page, profiles: Frame) -> Figure:
    from scripts.outputs.report.charts import heatmap

    t = data.t
    contrasts = data.frame("from marts.segment_feature_contrasts order by segment_id")
    units = dict(zip(contrasts["feature"], contrasts["unit"], strict=True))
    columns = data.frame("describe marts.customer_features")["column_name"]
    order = [feature for feature in columns if feature in units]
    rows, cells = [], []
    for feature in order:
        of_feature = contrasts[contrasts["feature"] == feature]
        label, unit = data.word(f"feature.{feature}"), units[feature]
        for row in of_feature.itertuples():
            cells.append(
                {
                    "segment": str(row.segment_id), "feature": label, "z": row.z_contrast,
                    "text": data.number(row.segment_mean, unit),
                }
            )  # fmt: skip
        means = [data.number(mean, unit) for mean in of_feature["segment_mean"]]
        rows.append((label, data.number(of_feature["portfolio_mean"].iloc[0], unit), *means))
    title = t("profile.title")
    table = table_of(
        title,
        [t("profile.feature"), t("profile.portfolio"), *names_of(profiles)],
        rows,
        range(1, len(profiles) + 2),
    )
    return figure_of(data, title, heatmap(pd.DataFrame(cells), t("profile.legend")), table)


def _curves(data: Page) -> list[Figure]:
    from scripts.outputs.report.charts import curve

    t = data.t
    points = data.frame("from marts.elbow_curve order by k")
    marks: dict[int, str] = {}
    for row in points.itertuples():
        if row.is_chosen or row.is_elbow:
            word = "both" if row.is_chosen and row.is_elbow else "chosen" if row.is_chosen else "elbow_mark"
            marks[int(row.k)] = t(f"k.{word}")
    figures = []
    for value, title, axis in (
        ("inertia", "elbow", "inertia"),
        ("silhouette", "silhouette", "silhouette_axis"),
        ("stability", "stability", "stability_axis"),
    ):
        shown = points.dropna(subset=[value])
        if shown.empty:
            continue
        places = 0 if value == "inertia" else 3
        table = table_of(
            t(f"k.{title}"),
            [t("k.axis"), t(f"k.{axis}")],
            [(str(k), data.decimals(v, places)) for k, v in zip(shown["k"], shown[value], strict=True)],
            (0, 1),
        )
        chart = curve(points, value, t(f"k.{axis}"), t("k.axis"), marks)
        figures.append(figure_of(data, t(f"k.{title}"), chart, table))
    return figures


def _maps(data: Page, profiles: Frame) -> dict[str, Any]:
    from scripts.outputs.report.charts import scatter

    t = data.t
    # The same customers each time, whatever the order of rows.
    points = data.frame(
        "select segment_id, pca_1, pca_2, ae_1, ae_2 from marts.customer_segments where status = 'segmented'"
        f" order by md5(customer_id), customer_id limit {POINTS}"
    )
    names = names_of(profiles)
    points["name"] = points["segment_id"].map(dict(zip(profiles["segment_id"], names, strict=True)))
    variance = data.frame(
        "select sum(explained_variance_share) as share from marts.pca_components"
        " where component in ('pca_1', 'pca_2')"
    )["share"].iloc[0]
    figures = [figure_of(data, t("maps.pca"), scatter(points, "pca_1", "pca_2", names, data.colours), None)]
    lead = data.frame("select autoencoder from marts.autoencoders where is_lead")["autoencoder"].tolist()
    if lead and points[["ae_1", "ae_2"]].notna().all(axis=None):
        chart = scatter(points, "ae_1", "ae_2", names, data.colours)
        figures.append(figure_of(data, t("maps.ae", name=lead[0]), chart, None))
    intro = t("maps.intro", shown=data.number(len(points), "whole"), variance=data.number(variance, "share"))
    return {"maps": figures, "maps_intro": intro}


def _values_table(data: Page, values: Frame, currency: str) -> Table:
    t = data.t
    rows = [
        (
            name, data.number(row.value_low), data.number(row.value_base), data.number(row.value_high),
            data.number(row.total_base), data.number(row.share_of_total, "share"),
        )
        for name, row in zip(names_of(values), values.itertuples(), strict=True)
    ]  # fmt: skip
    heads = [
        t("segment"), t("value.low"), t("value.base"), t("value.high"), t("value.total"), t("value.share_of_total")
    ]  # fmt: skip
    return table_of(f"{t('glance.value')} ({currency})", heads, rows, range(1, 6))


def _assumptions_table(data: Page) -> Table:
    t = data.t
    frame = data.frame("from marts.value_assumptions order by assumption")
    rows = [
        (row.meaning, f"{row.low:g}", f"{row.base:g}", f"{row.high:g}", row.unit, row.reference)
        for row in frame.itertuples()
    ]
    heads = [
        t("value.assumption"), t("value.low"), t("value.base"), t("value.high"), t("value.unit"), t("value.source")
    ]  # fmt: skip
    return table_of(t("value.assumptions"), heads, rows, (1, 2, 3))


def _test_table(data: Page, profiles: Frame) -> Table:
    t = data.t

    def points(treated: int, held_out: int) -> str:
        found = smallest_uplift(treated, held_out, BASE_RATE)
        return NOTHING if found is None else t("test.points", number=data.decimals(100 * found, 1))

    rows = []
    for name, count in zip(names_of(profiles), profiles["customers"], strict=True):
        held_out = round(HOLDOUT * int(count))
        half = int(count) // 2
        treated = int(count) - held_out
        rows.append(
            (
                name, data.number(treated, "whole"), data.number(held_out, "whole"),
                points(treated, held_out), points(int(count) - half, half),
            )
        )  # fmt: skip
    heads = [t("segment"), t("test.treated"), t("test.held_out"), t("test.smallest"), t("test.half")]
    return table_of(t("test.title"), heads, rows, range(1, 5))


def _rules_table(data: Page) -> Table:
    t = data.t
    frame = data.frame(
        "select rules.*, segment_name from marts.segment_rules as rules"
        " inner join marts.segment_profiles using (segment_id) where rule = 0 order by segment_id"
    )
    rows = [
        (
            name,
            row.rule_text,
            data.number(row.precision_share, "share"),
            data.number(row.recall_share, "share"),
        )
        for name, row in zip(names_of(frame), frame.itertuples(), strict=True)
    ]
    heads = [t("segment"), t("rules.rule"), t("rules.precision"), t("rules.recall")]
    return table_of(t("rules.title"), heads, rows, (2, 3))


def _votes_table(data: Page) -> Table:
    t = data.t
    frame = data.frame("from marts.choice_votes order by method")
    rows = [
        (row.method.replace("_", " "), NOTHING if pd.isna(row.k) else str(int(row.k)), row.words)
        for row in frame.itertuples()
    ]
    return table_of(t("k.votes"), [t("k.method"), "k", t("k.why")], rows, (1,))


def _audit_table(data: Page, audit: Frame) -> Table:
    t = data.t
    rows = [
        (
            f"{row.source} ({row.files})", data.number(row.rows_in, "whole"),
            data.number(row.rows_accepted, "whole"), data.number(row.rows_rejected, "whole"),
        )
        for row in audit.itertuples()
    ]  # fmt: skip
    heads = [t("quality.source"), t("quality.rows_in"), t("quality.accepted"), t("quality.rejected")]
    return table_of(t("quality.source"), heads, rows, (1, 2, 3))


def _checks_table(data: Page) -> Table:
    t = data.t
    frame = data.frame(
        "from marts.data_quality_checks where affected_rows > 0 order by severity desc, check_name"
    )
    rows = [
        (row.meaning, row.severity, data.number(row.affected_rows, "whole")) for row in frame.itertuples()
    ]
    heads = [t("quality.check"), t("quality.severity"), t("quality.affected")]
    return table_of(t("quality.check"), heads, rows, (2,))


def _fair_table(data: Page, fair: Frame) -> Table:
    t = data.t
    rows = [
        (
            f"{row.trait}: {row.value}", str(row.segment_id), data.number(row.customers, "whole"),
            data.number(row.share_of_segment, "share"), data.decimals(row.representation_ratio, 2),
        )
        for row in fair.itertuples()
    ]  # fmt: skip
    heads = [t("fair.trait"), t("segment"), t("customers"), t("share"), t("fair.representation")]
    return table_of(t("fair.title"), heads, rows, (1, 2, 3, 4))


def _model_table(data: Page, run: Frame) -> Table:
    t = data.t
    record = {name: run[name] for name in run.index if name not in ("details", "reason", "warning")}
    record |= {name: value for name, value in json.loads(run["details"]).items() if name not in run.index}
    rows = [
        (name.replace("_", " "), f"{value:.4g}" if isinstance(value, float) else str(value))
        for name, value in record.items()
        if value is not None and value != "" and not name.startswith("seconds_")
    ]
    return table_of(t("model.title"), [t("model.name"), t("model.value")], rows, ())
