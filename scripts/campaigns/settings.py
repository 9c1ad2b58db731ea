"""What a campaign is asked for: parameters and their ranges. Touches nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from python_models.settings import Parameter
from python_models.typed import Range, shown
from scripts.base.errors import UserError
from scripts.base.parameters import one_of, read_declared
from scripts.campaigns.layout import ENCODINGS, ListLayout, check_headings, read_columns
from scripts.campaigns.register import HOLDOUT, TREATMENT, check_name
from scripts.intake.customer_ids import ACCEPT

CUSTOMERS_LIST = "List of customers who must not be contacted: CSV or Parquet with customer_id."
# A share that is 0.0001 at least: a smaller one needs more customers than a bank has.
SMALLEST_RATE, LARGEST_COST, LARGEST_BUDGET = 0.0001, 1_000_000_000, 1_000_000_000_000_000
MOST_ARMS = 5
# Every parameter and its one default; docs/campaigns.md says more of them.
PARAMETERS = {
    "name": Parameter("", "Name of the campaign."),
    "segment": Parameter("", "Id or name of a segment, several of them separated by commas, or all."),
    "moved": Parameter(
        "",
        "In place of a segment, who moved between two with this month: `from>to`, each an id, a name or any.",
    ),
    "holdout": Parameter(
        "",
        "Share of the eligible who are not contacted, so that there is something to compare with; left out: the usual share by what is"
        " published where that shows the uplift, else the one that shows the most, a half for one offer.",
        range=Range(above=0, below=1),
    ),
    "arms": Parameter(
        "",
        "Names of versions of the offer, separated by commas, as A,B: each is contacted by an equal share, and compared with the"
        " same holdout and with each other. Left out: one offer.",
    ),
    "budget": Parameter(
        "",
        "Money to spend; left out for no bound. Those with the highest value are contacted.",
        range=Range(above=0, most=LARGEST_BUDGET),
    ),
    "max_customers": Parameter(
        "",
        "Most customers to contact; left out for no bound. Those with the highest value are contacted.",
        range=Range(least=1, most=1_000_000_000, is_whole=True),
    ),
    "cost": Parameter(
        "",
        "Money per customer contacted; left out: what the plays of the segments say, the dearest of them.",
        range=Range(least=0, most=LARGEST_COST),
    ),
    "base_rate": Parameter(
        "",
        "Share that responds without being contacted; left out: as in the plays that are published.",
        range=Range(least=SMALLEST_RATE, most=1 - SMALLEST_RATE),
    ),
    "expected_uplift": Parameter(
        "",
        "The uplift hoped for, in points as a share; left out: as in the plays that are published.",
        range=Range(least=SMALLEST_RATE, below=1),
    ),
    "opt_out": Parameter("", CUSTOMERS_LIST),
    "complaints": Parameter("", CUSTOMERS_LIST),
    "closed": Parameter("", CUSTOMERS_LIST),
    "contacted": Parameter("", CUSTOMERS_LIST),
    "cool_off_days": Parameter(
        30,
        "Days after a campaign in which its customers are left alone.",
        range=Range(least=0, most=3650, is_whole=True),
    ),
    "global_holdout": Parameter(
        0,
        "Share of all customers never contacted by any campaign, the same ones each time.",
        range=Range(least=0, below=1),
    ),
    "stressed": Parameter(
        "",
        "exclude or include who is over the limit or paid less than the minimum due; left out: include them where the"
        " segment's play is help.",
        one_of("exclude", "include"),
    ),
    "columns": Parameter(
        "",
        "Columns of the mailings, separated by commas, each with a heading of its own after =, as customer_id=CustID,segment_name."
        " Left out: customer_id, with several arms also arm.",
    ),
    "encoding": Parameter("utf-8", "Encoding of the mailings.", one_of(*ENCODINGS)),
    "by_channel": Parameter(
        "",
        "yes writes a mailing for each channel, by the plays of the segments, in place of one for all.",
        one_of("yes"),
    ),
    "spreadsheet_safe": Parameter(
        "",
        "yes puts ' before text of CSV files that a spreadsheet would take for a formula; otherwise ids are as they are.",
        one_of("yes"),
    ),
    "confirm": Parameter(
        "",
        "yes writes the lists; without it the plan is shown, and a person at a terminal is asked.",
        one_of("yes"),
    ),
    "unmatched": Parameter(
        "",
        "accept where the people of a list are no customers: without it a list of which nobody is one is refused.",
        one_of(ACCEPT),
    ),
}
ID_LISTS = ("OPT_OUT", "COMPLAINTS", "CLOSED", "CONTACTED")


@dataclass(frozen=True)
class CampaignSettings:
    """A campaign's parameters, checked; None for what is left to the plays that are published, and for no bound."""

    name: str
    segment: str
    moved: str
    holdout: float | None
    arms: tuple[str, ...]
    budget: float | None
    max_customers: int | None
    cost: float | None
    base_rate: float | None
    expected_uplift: float | None
    lists: dict[str, str]
    cool_off_days: int
    global_holdout: float
    stressed: bool | None
    unmatched: str
    layout: ListLayout


def read_settings(arguments: Sequence[str]) -> CampaignSettings:
    """Check `NAME=value` arguments; raises UserError for one that is not understood or out of range."""
    given = read_declared(arguments, PARAMETERS)
    if not given["segment"].strip() and not given["moved"].strip():
        raise UserError("SEGMENT is missing: give an id or a name, as in SEGMENT=3, several ids, or all.")
    if given["segment"].strip() and given["moved"].strip():
        raise UserError("MOVED: says already who is meant; leave SEGMENT out.")
    if not given["name"]:
        raise UserError("NAME is missing: give the campaign a name, as in NAME=spring_2026.")
    arms = _read_arms(given["arms"])
    return CampaignSettings(
        name=check_name(given["name"]),
        segment=given["segment"],
        moved=given["moved"].strip(),
        holdout=_number(given["holdout"]),
        arms=arms,
        budget=given["budget"] or None,
        max_customers=int(given["max_customers"]) if given["max_customers"] else None,
        cost=_number(given["cost"]),
        base_rate=_number(given["base_rate"]),
        expected_uplift=_number(given["expected_uplift"]),
        lists={name: given[name.lower()] for name in ID_LISTS if given[name.lower()]},
        cool_off_days=given["cool_off_days"],
        global_holdout=given["global_holdout"],
        stressed=given["stressed"] == "include" if given["stressed"] else None,
        unmatched=given["unmatched"],
        layout=check_headings(
            ListLayout(
                read_columns(given["columns"], arms),
                given["encoding"],
                given["by_channel"] == "yes",
                given["spreadsheet_safe"] == "yes",
            )
        ),
    )


def _number(read: float | str) -> float | None:
    return None if read == "" else float(read)


def is_confirmed(arguments: Sequence[str]) -> bool:
    """Whether the lists are to be written without a question; raises UserError as read_settings does."""
    return bool(read_declared(arguments, PARAMETERS)["confirm"] == "yes")


def _read_arms(text: str) -> tuple[str, ...]:
    """The names of the arms that are contacted; TREATMENT alone where none is given."""
    if not text.strip():
        return (TREATMENT,)
    arms = tuple(part.strip() for part in text.split(","))
    if (
        not 2 <= len(arms) <= MOST_ARMS
        or len({arm.lower() for arm in arms}) < len(arms)
        or not all(re.fullmatch(r"[A-Za-z0-9_-]{1,20}", arm) for arm in arms)
        or {HOLDOUT, TREATMENT} & {arm.lower() for arm in arms}
    ):
        raise UserError(
            f"ARMS={shown(text)}: expected 2 to {MOST_ARMS} different names of up to 20 letters, digits, _ or -, none of"
            f" them {HOLDOUT} or {TREATMENT}, as in ARMS=A,B; leave it out for one offer."
        )
    return arms
