"""The files of a campaign: who is contacted, both arms, and the workbook. Writes them where the register takes them from."""

import datetime as dt
from pathlib import Path

import duckdb
from xlsxwriter.exceptions import XlsxWriterException

from scripts.base.errors import UserError
from scripts.base.files import sync
from scripts.base.parameters import SHEET_ROWS
from scripts.campaigns.plan import CampaignPlan, summary
from scripts.campaigns.register import LISTED, partial_lists
from scripts.campaigns.settings import CampaignSettings
from scripts.outputs.workbook.book import LINE_HEIGHT, MONEY, NUMBER, TEXT, Book
from scripts.outputs.workbook.rows import fill_sheet


def write_lists(
    connection: duckdb.DuckDBPyConnection, plan: CampaignPlan, settings: CampaignSettings, now: dt.datetime
) -> None:
    """Write the campaign's lists, of the views `listed` and `mailed`, where the register takes them from once it knows the campaign."""
    partial = partial_lists(plan.folder.parent, settings.name)
    try:
        partial.mkdir(mode=0o700)
        for file, condition in {"targets.csv": "", **plan.mailings}.items():
            settings.layout.write(connection, file, condition, partial / file)
        if plan.treated + plan.held_out <= SHEET_ROWS:
            _write_workbook(connection, partial, plan, settings, now)
        for path in partial.iterdir():
            sync(path)
    except (OSError, duckdb.IOException, XlsxWriterException) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise UserError(
            f"{plan.folder}: cannot be written ({reason}); nothing is. Check the folder's permissions and space."
        ) from None


def _write_workbook(
    connection: duckdb.DuckDBPyConnection,
    partial: Path,
    plan: CampaignPlan,
    settings: CampaignSettings,
    now: dt.datetime,
) -> None:
    rows = plan.treated + plan.held_out
    drawn = partial / ".drawn.xlsx"
    with Book(drawn, f"Campaign {settings.name}", "", now) as book:
        about = book.sheet("Read me", (34, 60), portrait=True)
        for place, (head, text) in enumerate(summary(plan, settings, now)):
            about.write(place, 0, head, bold=True)
            about.raw.set_row(place, LINE_HEIGHT * about.write(place, 1, text, text_wrap=True))
        formats = {"segment_id": NUMBER, "value_base": MONEY}
        columns = [(name, formats.get(name, TEXT), 22) for name in LISTED]
        book.rows_sheet("Targets", "Targets", columns)
    fill_sheet(drawn, partial / "targets.xlsx", book.last_part, connection, "listed", rows)
    drawn.unlink()
