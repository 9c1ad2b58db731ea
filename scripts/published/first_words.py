"""What report and slides say first: the portfolio's worth, who earns, who is at risk, what to do first. Touches nothing.

Every number is one of the published tables'.
"""

from typing import Any

from scripts.published.look import SERIES
from scripts.published.reading import PublishedTables

# pandas' type stubs let a cell be anything; these frames' columns are the marts'.
Frame = Any


def first_words(data: PublishedTables, profiles: Frame, values: Frame, plays: Frame) -> dict[str, Any]:
    """The headline, and the sentences that a reader could repeat.

    Args:
        data: the tables that are open, for words and numbers.
        profiles: segment_profiles.
        values: segment_values.
        plays: segment_playbook in the order of play_rank.

    Returns:
        `headline`, one text; `sentences`, at most three: what is unknown is left out; `cannot`, what the data do not say.
    """
    currency = str(values["currency"].iloc[0])
    names = dict(zip(profiles["segment_id"], profiles["segment_name"], strict=True))
    shares = dict(zip(profiles["segment_id"], profiles["customer_share"], strict=True))
    customers = data.number(profiles["customers"].sum(), "whole")
    known = values.dropna(subset=["total_base"])
    sentences = []
    if known.empty:
        headline = data.word("report.headline_unknown", customers=customers, segments=str(len(profiles)))
    else:
        low, base, high = (known[f"total_{case}"].sum() for case in ("low", "base", "high"))
        headline = data.word(
            "report.headline",
            customers=customers,
            amount=amount_of(data, base, currency),
            low=data.number(low),
            high=data.number(high),
        )
        best = known.loc[known["total_base"].idxmax()]
        sentences.append(
            data.word(
                "report.say.earns",
                segment=names[best["segment_id"]],
                share=data.number(shares[best["segment_id"]], "share"),
                value_share=data.number(best["share_of_total"], "share"),
                amount=amount_of(data, best["total_base"], currency),
            )
        )
    behind, losing = values.dropna(subset=["behind_share"]), values.dropna(subset=["expected_loss"])
    losses = -(losing["expected_loss"] * losing["customers"])
    amount = amount_of(data, losses.sum() if len(losses) else None, currency)
    if len(behind):
        worst = behind.loc[behind["behind_share"].idxmax()]
        share = data.number(worst["behind_share"], "share")
        sentences.append(
            data.word("report.say.risk", segment=names[worst["segment_id"]], share=share, amount=amount)
        )
    elif len(losing):
        worst = values.loc[losses.idxmax()]
        sentences.append(data.word("report.say.loss", segment=names[worst["segment_id"]], amount=amount))
    first = plays.iloc[0]
    sentences.append(
        data.word(
            "report.say.first" if first["verdict"] == "worth_testing" else "report.say.nearest",
            segment=first["segment_name"],
            objective=first["objective"],
            verdict=first["verdict_words"],
        )
    )
    return {"headline": headline, "sentences": sentences, "cannot": data.word("report.say.cannot")}


def amount_of(data: PublishedTables, amount: float | None, currency: str) -> str:
    """An amount of money with its currency, in the words of the language."""
    return data.word("report.money", currency=currency, amount=data.number(amount))


def colours_by_segment(data: PublishedTables) -> dict[int, str]:
    """The colour of each segment by its id, retired ones too: an identity keeps its colour."""
    registry = data.frame("select segment_id, colour from marts.segment_registry")
    return {int(row.segment_id): SERIES[int(row.colour) % len(SERIES)] for row in registry.itertuples()}
