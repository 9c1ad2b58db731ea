"""What a campaign is planned with where its parameters are left out: the plays that are published. Reads the published file."""

from dataclasses import dataclass, replace

import duckdb

from scripts.campaigns.layout import OTHER
from scripts.campaigns.settings import CampaignSettings

# What a contact costs where no play knows it.
USUAL_COST = 1.0


@dataclass(frozen=True)
class Terms:
    """What the plays of a campaign's segments say.

    Attributes:
        helped: segments whose play is help, so that who is over the limit or behind on payments stays in.
        channels: how customers are reached, by segment; None where no play says it.
        values: money that one who responds because of the offer adds, by segment; None where it is unknown.
        currency: of costs and values.
        notes: what was decided, in sentences.
    """

    helped: frozenset[int]
    channels: dict[int, str | None]
    values: dict[int, float | None]
    currency: str
    notes: tuple[str, ...]


def with_terms(
    connection: duckdb.DuckDBPyConnection, settings: CampaignSettings, segments: dict[int, str]
) -> tuple[CampaignSettings, Terms]:
    """Return the settings with what was left out, and the terms of the plays.

    connection: with the published file attached as `published`.
    """
    found = connection.execute(
        "select segment_id, contact_cost, includes_stressed, value_per_responder, currency, contact_kind"
        " from published.marts.segment_playbook order by 1"
    ).fetchall()
    plays = {row[0]: row[1:] for row in found if row[0] in segments}
    notes = []
    cost = settings.cost
    if cost is None:
        known = [play[0] for play in plays.values() if play[0] is not None]
        cost = max(known, default=USUAL_COST)
        if known and min(known) < cost:
            notes.append(
                f"the plays of these segments cost {min(known):g} to {cost:g} a contact; planned with the dearest"
            )
        if len(known) < len(segments):
            notes.append(f"what a contact costs is not known of all these segments; planned with {cost:g}")
    helped = frozenset(number for number, play in plays.items() if play[1])
    if settings.stressed is not None:
        helped = frozenset(segments) if settings.stressed else frozenset()
    elif helped:
        names = ", ".join(segments[number] for number in sorted(helped))
        notes.append(f"over the limit or behind on payments stays in {names}, whose play is help")
    currency = next((play[3] for play in plays.values() if play[3]), "")
    values = {number: plays[number][2] if number in plays else None for number in segments}
    channels = {number: plays[number][4] if number in plays else None for number in segments}
    if settings.layout.by_channel and None in channels.values():
        names = ", ".join(segments[number] for number, channel in channels.items() if channel is None)
        notes.append(f"no play says how {names} is reached; its customers stand in mailing_{OTHER}.csv")
    return replace(settings, cost=cost), Terms(helped, channels, values, currency, tuple(notes))
