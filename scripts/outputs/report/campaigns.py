"""The report's section on campaigns: what was drawn, and what came of it. Reads the published tables; touches nothing."""

from typing import Any

import pandas as pd

from scripts.outputs.report.parts import Frame, Page, table_of
from scripts.published.reading import NOTHING


def campaigns_of(data: Page, currency: str) -> dict[str, Any] | None:
    """What the section shows; None where nothing was drawn, or nothing is published of it."""
    t = data.t
    campaigns = data.frame(
        "select campaigns.* replace (coalesce(results.contacted, campaigns.contacted) as contacted,"
        " coalesce(results.held_out, campaigns.held_out) as held_out), compared_with, uplift, uplift_low, uplift_high, net_value, net_value_low, net_value_high, words,"
        " comparison"
        " from marts.campaigns as campaigns left join marts.campaign_results as results"
        " on campaigns.campaign = results.campaign and is_latest and segment_id is null"
        " order by created_at desc, campaigns.campaign, compared_with != 'holdout', arm, compared_with"
    )
    if campaigns.empty:
        return None
    rows = [
        (
            _named(row, t("campaigns.drawn", date=f"{row.created_at:%Y-%m-%d}")),
            row.segments,
            _contacted(data, row),
            _points(data, row.smallest_uplift),
            _uplift(data, row),
            _net(data, row),
            row.words if row.status == "measured" else t(f"campaigns.status.{row.status}"),
        )
        for row in campaigns.itertuples()
    ]
    heads = [
        t("campaigns.campaign"), t("campaigns.segments"), t("campaigns.contacted"), t("campaigns.smallest"),
        t("campaigns.uplift"), t("campaigns.net", currency=currency), t("campaigns.verdict"),
    ]  # fmt: skip
    return {
        "list": table_of(t("campaigns.title"), heads, rows, range(2, 6)),
        "by_segment": _by_segment(data, currency),
    }


def _by_segment(data: Page, currency: str) -> dict[str, Any] | None:
    t = data.t
    results = data.frame(
        "from marts.campaign_results where is_latest and segment_id is not null"
        " order by measured_at desc, campaign, segment_id, compared_with != 'holdout', arm, compared_with"
    )
    if results.empty:
        return None
    rows = [
        (
            _named(row),
            f"{row.segment_id} {row.segment_name}",
            _contacted(data, row),
            f"{data.number(row.contacted_responded, 'whole')}\n{_beside(data, row, row.held_out_responded)}",
            _uplift(data, row),
            _net(data, row),
            row.words,
        )
        for row in results.itertuples()
    ]
    heads = [
        t("campaigns.campaign"), t("segment"), t("campaigns.contacted"), t("campaigns.responded"),
        t("campaigns.uplift"), t("campaigns.net", currency=currency), t("campaigns.verdict"),
    ]  # fmt: skip
    return table_of(t("campaigns.by_segment"), heads, rows, range(2, 6))


def _named(row: Frame, more: str = "") -> str:
    """A campaign's name, and of several versions of an offer which is held against what."""
    return "\n".join(filter(None, [row.campaign, "" if pd.isna(row.comparison) else row.comparison, more]))


def _contacted(data: Page, row: Frame) -> str:
    return f"{data.number(row.contacted, 'whole')}\n{_beside(data, row, row.held_out)}"


def _beside(data: Page, row: Frame, count: int) -> str:
    """How many there are of those that a row's customers are held against: the holdout, or another version."""
    shown = data.number(count, "whole")
    is_held_out = pd.isna(row.compared_with) or row.compared_with == "holdout"
    return data.t("campaigns.held_out", count=shown) if is_held_out else f"{row.compared_with}: {shown}"


def _points(data: Page, share: float) -> str:
    return NOTHING if pd.isna(share) else data.t("plays.points", number=data.decimals(100 * share, 1))


def _uplift(data: Page, row: Frame) -> str:
    if pd.isna(row.uplift):
        return NOTHING
    low, high = (data.decimals(100 * each, 1) for each in (row.uplift_low, row.uplift_high))
    return f"{_points(data, row.uplift)}\n{data.t('campaigns.interval', low=low, high=high)}"


def _net(data: Page, row: Frame) -> str:
    if pd.isna(row.net_value):
        return NOTHING
    if pd.isna(row.net_value_low):
        return data.number(row.net_value)
    low, high = data.number(row.net_value_low), data.number(row.net_value_high)
    return f"{data.number(row.net_value)}\n{data.t('campaigns.interval', low=low, high=high)}"
