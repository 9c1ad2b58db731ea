"""What a campaign is planned with where its parameters are left out: the plays that are published. Reads the published file."""

from dataclasses import dataclass

import duckdb

from scripts.campaigns.layout import OTHER
from scripts.campaigns.register import Words
from scripts.campaigns.settings import CampaignSettings

# Where no play says it.
USUAL_COST, USUAL_BASE_RATE, USUAL_UPLIFT, USUAL_HOLDOUT = 1.0, 0.05, 0.01, 0.1


@dataclass(frozen=True)
class Terms:
    """What a campaign is planned with: what was asked for, else what the plays of its segments say.

    Attributes:
        cost: money per contact.
        base_rate: share that responds without the offer.
        expected_uplift: the uplift hoped for, in points as a share.
        usual_holdout: share held out where that shows the uplift; None where nothing that is published says it.
        helped: segments whose play is help, so that who is over the limit or behind on payments stays in.
        channels: how customers are reached, by segment; None where no play says it.
        values: money that one who responds because of the offer adds, by segment; None where it is unknown.
        currency: of costs and values.
        notes: what was decided, in sentences.
    """

    cost: float
    base_rate: float
    expected_uplift: float
    usual_holdout: float | None
    helped: frozenset[int]
    channels: dict[int, str | None]
    values: dict[int, float | None]
    currency: str
    notes: tuple[str, ...]

    @property
    def possible_uplift(self) -> float:
        """The uplift hoped for, as far as the base rate leaves room for it."""
        return min(self.expected_uplift, 1 - self.base_rate - 1e-9)


def terms_of(
    connection: duckdb.DuckDBPyConnection,
    settings: CampaignSettings,
    segments: dict[int, str],
    words: Words,
) -> Terms:
    """Return what a campaign in these segments is planned with.

    Args:
        connection: with the published file attached as `published`.
        settings: what was asked for.
        segments: names by id.
        words: of the published language, by key.
    """
    found = connection.execute(
        "select segment_id, contact_cost, includes_stressed, value_per_responder, currency, contact_kind, base_response_rate, expected_uplift"
        " from published.marts.segment_playbook order by 1"
    ).fetchall()
    plays = {row[0]: row[1:] for row in found if row[0] in segments}
    notes = []
    cost = settings.cost
    if cost is None:
        known = [play[0] for play in plays.values() if play[0] is not None]
        cost = max(known, default=USUAL_COST)
        if known and min(known) < cost:
            notes.append(words.say("note.costs_differ", least=f"{min(known):g}", cost=f"{cost:g}"))
        if len(known) < len(segments):
            notes.append(words.say("note.cost_unknown", cost=f"{cost:g}"))
    helped = frozenset(number for number, play in plays.items() if play[1])
    if settings.stressed is not None:
        helped = frozenset(segments) if settings.stressed else frozenset()
    elif helped:
        names = ", ".join(segments[number] for number in sorted(helped))
        notes.append(words.say("note.stressed", names=names))
    currency = next((play[3] for play in plays.values() if play[3]), "")
    values = {number: plays[number][2] if number in plays else None for number in segments}
    channels = {number: plays[number][4] if number in plays else None for number in segments}
    if settings.layout.by_channel and None in channels.values():
        names = ", ".join(segments[number] for number, channel in channels.items() if channel is None)
        notes.append(words.say("note.no_channel", names=names, file=f"mailing_{OTHER}.csv"))
    base_rate, from_base = _first(settings.base_rate, [play[5] for play in plays.values()], USUAL_BASE_RATE)
    uplift, from_uplift = _first(settings.expected_uplift, [play[6] for play in plays.values()], USUAL_UPLIFT)
    published = [
        *([f"BASE_RATE={base_rate:g}"] if from_base else []),
        *([f"EXPECTED_UPLIFT={uplift:g}"] if from_uplift else []),
    ]
    if published:
        notes.append(words.say("note.published", parameters=", ".join(published)))
    shares = connection.execute(
        "select base from published.marts.value_assumptions where assumption = 'holdout_share' and base is not null"
    ).fetchall()
    return Terms(
        cost=cost, base_rate=base_rate, expected_uplift=uplift, usual_holdout=shares[0][0] if shares else None,
        helped=helped, channels=channels, values=values, currency=currency, notes=tuple(notes),
    )  # fmt: skip


def _first(given: float | None, of_plays: list[float | None], usual: float) -> tuple[float, bool]:
    """What was given, else what the first play that says it has, else the usual; and whether a play said it."""
    if given is not None:
        return given, False
    said = next((each for each in of_plays if each is not None), None)
    return (usual, False) if said is None else (said, True)
