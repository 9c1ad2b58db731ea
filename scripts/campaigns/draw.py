"""`make campaign`: a target list with a holdout, and what it can show before anyone is contacted.

Reads the published file and the lists that are named; writes warehouse/campaigns/<name>/ and the register
warehouse/campaigns/campaigns.duckdb, all or nothing; a plan writes no more than an empty register.
"""

import datetime as dt
import json
from dataclasses import asdict
from pathlib import Path

import duckdb

from python_models.typed import shown
from scripts.base.errors import UserError
from scripts.base.paths import CAMPAIGNS, given_path
from scripts.campaigns.layout import view_lists
from scripts.campaigns.lists import write_lists
from scripts.campaigns.plan import CampaignPlan, make_plan
from scripts.campaigns.register import (
    LISTED,
    id_columns,
    in_clear,
    key_of,
    open_register,
    refuse_pseudonyms,
    words_of,
)
from scripts.campaigns.selection import (
    assign_arms,
    named_segments,
    segments_of_movers,
    select,
    share_held_out,
    within_bounds,
)
from scripts.campaigns.settings import CampaignSettings
from scripts.campaigns.terms import terms_of
from scripts.intake.id_lists import read_ids
from scripts.intake.objections import objectors
from scripts.published.reading import LATEST_RUN


def plan_campaign(settings: CampaignSettings, warehouse: Path, now: dt.datetime) -> CampaignPlan:
    """Say what drawing the campaign now would give; no campaign and no list is written.

    Arguments and errors are those of draw_campaign.
    """
    with open_register(warehouse) as connection:
        plan = _drawn(connection, settings, warehouse, now)
        # What was drawn is let go of: who is asked may take a day.
        connection.execute("rollback")
        connection.execute("begin")
    return plan


def draw_campaign(
    settings: CampaignSettings, warehouse: Path, now: dt.datetime, shown_before: CampaignPlan | None = None
) -> CampaignPlan:
    """Draw the campaign, write its lists and the register, and return what was drawn.

    Args:
        settings: the parameters.
        warehouse: folder of the published file.
        now: the time to record, UTC without zone.
        shown_before: the plan that somebody agreed to, if one was shown.

    Raises UserError where the segment is unknown, a list cannot be read, the name is taken, too few customers are left,
    or other customers would be drawn than those of the plan that was shown; nothing is written then.
    """
    with open_register(warehouse) as connection:
        plan = _drawn(connection, settings, warehouse, now)
        if shown_before is not None and plan.counts() != shown_before.counts():
            raise UserError(
                f"NAME={settings.name}: what is published, a list or another campaign changed since the plan was shown;"
                " look at the plan again."
            )
        _register(connection, settings, plan, now)
        write_lists(connection, plan, settings, now)
    return plan


def _drawn(
    connection: duckdb.DuckDBPyConnection, settings: CampaignSettings, warehouse: Path, now: dt.datetime
) -> CampaignPlan:
    """Draw into temporary tables, and say what was drawn."""
    also = id_columns(warehouse)
    lists = {
        name: in_clear(warehouse, read_ids(given_path(name, path), name, also), f"{name}={path}")
        for name, path in settings.lists.items()
    }
    # Who objected after the last build still has a segment in it.
    lists["OBJECTIONS"] = objectors(warehouse)
    if connection.execute("select 1 from campaigns where name = ?", [settings.name]).fetchall():
        raise UserError(
            f"NAME={settings.name}: there is such a campaign already, its list may be in the mail; choose"
            f" another name, as in NAME={settings.name}_2."
        )
    segments, movement = (
        segments_of_movers(connection, settings.moved)
        if settings.moved
        else (named_segments(connection, settings.segment), "")
    )
    words = words_of(connection)
    terms = terms_of(connection, settings, segments, words)
    exclusions, unknown = select(connection, settings, segments, movement, lists, terms.helped, now)
    refuse_pseudonyms(connection, warehouse, "eligible")
    eligible = connection.execute("select count(*) from eligible").fetchall()[0][0]
    holdout, reason = share_held_out(settings, terms, eligible, words)
    kept = within_bounds(settings, terms.cost, holdout, eligible)
    held_out = round(holdout * kept)
    if held_out < 1 or kept - held_out < len(settings.arms):
        raise UserError(
            f"{'MOVED' if settings.moved else 'SEGMENT'}={shown(settings.moved or settings.segment)}: {kept:,} customers"
            f" can be contacted within the lists and the bounds, too few to hold out {holdout:g} of them"
            f"{' and contact each arm' if len(settings.arms) > 1 else ''}; widen it, or raise HOLDOUT, BUDGET or MAX_CUSTOMERS."
        )
    assign_arms(connection, kept, held_out, key_of(connection, settings.name), settings.arms, terms.channels)
    view_lists(connection, "targets", settings.name)
    settings.layout.check(connection)
    folder = warehouse / CAMPAIGNS / settings.name
    return make_plan(
        connection,
        settings,
        segments,
        words,
        exclusions,
        unknown,
        eligible,
        folder,
        terms,
        holdout,
        reason,
    )


def _register(
    connection: duckdb.DuckDBPyConnection, settings: CampaignSettings, plan: CampaignPlan, now: dt.datetime
) -> None:
    model = connection.execute(
        f"select model_id from {LATEST_RUN.replace('marts.', 'published.marts.')}"
    ).fetchall()[0][0]
    connection.execute(
        "insert into campaigns (name, created_at, model_id, segments, parameters, customers, eligible, treated, held_out,"
        " smallest_uplift, power_at_expected, customers_needed, warning) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            settings.name, now, model, ", ".join(plan.segments.values()), json.dumps(asdict(settings) | plan.planned_with()),
            plan.customers, plan.eligible, plan.treated, plan.held_out, plan.smallest_uplift,
            plan.power_at_expected, plan.needed, plan.warning or None,
        ],
    )  # fmt: skip
    for reason, count in plan.exclusions.items():
        connection.execute(
            "insert into campaign_exclusions values (?, ?, ?, ?)",
            [settings.name, reason, plan.reasons[reason], count],
        )
    connection.execute(
        f"insert into campaign_targets (name, {', '.join(LISTED)}, channel)"
        f" select ?, {', '.join(LISTED)}, channel from targets",
        [settings.name],
    )
