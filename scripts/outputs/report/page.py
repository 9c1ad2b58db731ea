"""`make report`: one HTML page on the segments, with nothing to load.

Reads a published file and writes card_segments_report.html, whole or not at all.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from scripts.base.files import whole_file
from scripts.base.paths import REPORT
from scripts.outputs.report import charts
from scripts.outputs.report.campaigns import campaigns_of
from scripts.outputs.report.changes import changes_of
from scripts.outputs.report.parts import Figure, Frame, Page, Table, figure_of, names_of, table_of
from scripts.outputs.report.segments import segments_of
from scripts.published.first_words import first_words
from scripts.published.look import VALUE_PARTS
from scripts.published.reading import LATEST_RUN, NOTHING

TEMPLATE = Path(__file__).with_name("page.html.j2")
# Customers drawn on a map: enough to see its shape, few enough for a phone.
POINTS = 1500
# What stands open below the first screen, and what a reader who wants to know more opens.
OPEN = ("plays", "campaigns", "changes", "value", "profile")
FOLDED = ("rules", "k", "maps", "quality", "fair", "model")


def write_report(published: Path, folder: Path, language: str = "") -> Path:
    """Write the page about a published file into a folder, in the language it was built in or another; return its path.

    Raises UserError where the page cannot be written, or there are no words of the language; the page before stays then.
    """
    page = render(Page(published, language))
    path = folder / REPORT
    with whole_file(path) as partial:
        partial.write_text(page, encoding="utf-8")
    return path


def render(data: Page, *, is_for_meeting: bool = False, zoom: float = 1.0) -> str:
    """The page as HTML.

    Args:
        data: what it reads.
        is_for_meeting: whether print shows two pages, what a meeting needs, and not all.
        zoom: size of what is printed then.
    """
    # Imported late: a build that fails early need not wait for them.
    import jinja2

    profiles = data.frame("from marts.segment_profiles order by segment_id")
    values = data.frame("from marts.segment_values order by segment_id")
    plays = data.frame("from marts.segment_playbook order by play_rank, segment_id")
    fair = data.frame("from marts.protected_trait_mix order by trait, value, segment_id")
    run = data.frame(f"from {LATEST_RUN}").iloc[0]
    currency = str(values["currency"].iloc[0])
    maps = _maps(data, profiles)
    changes, campaigns = changes_of(data), campaigns_of(data, currency)
    page: dict[str, Any] = {
        "t": data.t,
        "style": charts.STYLE,
        "is_for_meeting": is_for_meeting,
        "zoom": f"{zoom:.2f}",
        **_words(data, profiles, run, currency),
        **first_words(data, profiles, values, plays),
        "changes": changes,
        "campaigns": campaigns,
        "segments": segments_of(data, profiles, values, plays, currency),
        "maps_intro": maps.pop("maps_intro"),
        "has_autoencoder": len(maps["maps"]) > 1,
        "charts": {
            "worth": _worth(data, profiles, values, currency),
            "value_ranges": _range_chart(data, values, currency),
            "value_parts": _parts_chart(data, values, currency),
            "curves": _curves(data),
            **maps,
        },
        "tables": {
            "plays": _plays_table(data, plays, currency),
            "heat": _heat_table(data, profiles),
            "assumptions": _assumptions_table(data),
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
    may_lack = {"fair": len(fair) > 0, "changes": changes, "campaigns": campaigns}
    left_out = {name for name, is_there in may_lack.items() if not is_there}
    page["open"] = [name for name in OPEN if name not in left_out]
    page["folded"] = [name for name in FOLDED if name not in left_out]
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
        "language": data.word("language.code"),
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
        "k_intro": t("k.intro", reason=str(run["reason"])),
        "note": t("kept_language", language=data.published_language) if data.published_language else "",
        "never": data.word("playbook.no_protected_traits").strip(),
    }


def _worth(data: Page, profiles: Frame, values: Frame, currency: str) -> Figure:
    """The picture of the first screen; its numbers are those of the rows below."""
    t = data.t
    frame = pd.DataFrame(
        {"name": names_of(profiles), "customers": profiles["customers"], "value": values["value_base"]}
    )
    rows = [
        (
            name, data.number(profile.customers, "whole"), data.number(profile.customer_share, "share"),
            data.number(value.value_base), data.number(value.total_low), data.number(value.total_base),
            data.number(value.total_high), data.number(value.share_of_total, "share"),
        )
        for name, profile, value in zip(frame["name"], profiles.itertuples(), values.itertuples(), strict=True)
    ]  # fmt: skip
    heads = [
        t("segment"), t("customers"), t("share"), t("value.axis", currency=currency), t("value.total_low"),
        t("value.total"), t("value.total_high"), t("value.share_of_total"),
    ]  # fmt: skip
    title = t("glance.picture")
    drawn = charts.worth(
        frame, (t("glance.across"), t("value.axis", currency=currency)), data.decimals, data.colours
    )
    return figure_of(title, drawn, table_of(title, heads, rows, range(1, 8)))


def _plays_table(data: Page, plays: Frame, currency: str) -> Table:
    """What each play is expected to bring, in the order in which to look at them."""
    t = data.t

    def points(share: float) -> str:
        return NOTHING if pd.isna(share) else t("plays.points", number=data.decimals(100 * share, 1))

    def money(amount: float) -> str:
        places = 2 if not pd.isna(amount) and abs(amount) < 10 else 0
        return data.decimals(amount, places)

    rows = [
        (
            f"{play.segment_id} {play.segment_name}\n{play.objective}",
            f"{t('verdict.' + play.verdict)}\n{play.verdict_words}",
            f"{data.number(play.contacts, 'whole')}"
            f"\n{t('plays.held_out', count=data.number(play.held_out, 'whole'))}",
            f"{data.decimals(play.expected_responders, 0)}"
            f"\n{t('plays.more', count=data.decimals(play.additional_responders, 0))}",
            money(play.value_per_responder),
            money(play.expected_cost),
            money(play.expected_net),
            f"{points(play.break_even_uplift)}\n{t('plays.expected', points=points(play.expected_uplift))}",
            f"{points(play.smallest_uplift)}"
            f"\n{t('plays.needed', count=data.number(play.customers_needed, 'whole'))}",
        )
        for play in plays.itertuples()
    ]
    years = {f"{each:g}" for each in plays["value_horizon_years"].dropna()} or {NOTHING}
    heads = [
        t("plays.play"), t("plays.verdict"), t("plays.contacts"), t("plays.responders"),
        t("plays.value", currency=currency, years=", ".join(sorted(years))), t("plays.cost", currency=currency),
        t("plays.net", currency=currency), t("plays.break_even"), t("plays.smallest"),
    ]  # fmt: skip
    return table_of(t("plays.title"), heads, rows, range(2, 9))


def _range_chart(data: Page, values: Frame, currency: str) -> Figure:
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
    drawn = charts.value_ranges(frame, t("value.axis", currency=currency), data.decimals, data.colours)
    return figure_of(title, drawn, table_of(title, heads, rows, (1, 2, 3)))


def _parts_chart(data: Page, values: Frame, currency: str) -> Figure:
    t = data.t
    words = [t(f"part.{part}") for part in VALUE_PARTS]
    frame = pd.DataFrame(
        [
            {"name": name, "part": word, "amount": float(row[part])}
            for name, (_, row) in zip(names_of(values), values.iterrows(), strict=True)
            for part, word in zip(VALUE_PARTS, words, strict=True)
        ]
    )
    rows = [
        (name, *(data.number(row[part]) for part in VALUE_PARTS))
        for name, (_, row) in zip(names_of(values), values.iterrows(), strict=True)
    ]
    title = t("value.parts_chart")
    drawn = charts.value_parts(frame, t("value.axis", currency=currency), words, data.decimals)
    table = table_of(title, [t("segment"), *words], rows, range(1, len(VALUE_PARTS) + 1))
    return figure_of(title, drawn, table)


def _heat_table(data: Page, profiles: Frame) -> dict[str, Any]:
    """Means of each feature in each segment, their grounds as far from white as they lie from the mean of all."""
    t = data.t
    contrasts = data.frame("from marts.segment_feature_contrasts order by segment_id")
    units = dict(zip(contrasts["feature"], contrasts["unit"], strict=True))
    columns = data.frame("describe marts.customer_features")["column_name"]
    rows = []
    for feature in (each for each in columns if each in units):
        of_feature, unit = contrasts[contrasts["feature"] == feature], units[feature]
        rows.append(
            {
                "feature": data.word(f"feature.{feature}"),
                "all": data.number(of_feature["portfolio_mean"].iloc[0], unit),
                "cells": [
                    charts.cell(data.number(row.segment_mean, unit), float(row.z_contrast))
                    for row in of_feature.itertuples()
                ],
            }
        )
    return {
        "key": charts.heat_key(data.decimals, t("profile.legend")),
        "segments": [
            {"number": str(number), "name": name}
            for number, name in zip(profiles["segment_id"], profiles["segment_name"], strict=True)
        ],
        "rows": rows,
    }


def _curves(data: Page) -> list[Figure]:
    t = data.t
    points = data.frame("from marts.elbow_curve order by k")
    chosen, elbow = points[points["is_chosen"]]["k"].tolist(), points[points["is_elbow"]]["k"].tolist()
    marks = {t("k.both"): int(chosen[0])} if chosen and chosen == elbow else {}
    if not marks:
        marks = {t(f"k.{word}"): int(k[0]) for word, k in (("chosen", chosen), ("elbow_mark", elbow)) if k}
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
        drawn = charts.curve(points, value, (t("k.axis"), t(f"k.{axis}")), marks, data.decimals)
        figures.append(figure_of(t(f"k.{title}"), drawn, table))
    return figures


def _maps(data: Page, profiles: Frame) -> dict[str, Any]:
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
    drawn = charts.scatter(points, "pca_1", "pca_2", names, data.decimals, data.colours)
    figures = [figure_of(t("maps.pca"), drawn, None)]
    lead = data.frame("select autoencoder from marts.autoencoders where is_lead")["autoencoder"].tolist()
    if lead and points[["ae_1", "ae_2"]].notna().all(axis=None):
        drawn = charts.scatter(points, "ae_1", "ae_2", names, data.decimals, data.colours)
        figures.append(figure_of(t("maps.ae", name=lead[0]), drawn, None))
    intro = t("maps.intro", shown=data.number(len(points), "whole"), variance=data.number(variance, "share"))
    return {"maps": figures, "maps_intro": intro}


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
