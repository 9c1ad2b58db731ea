"""`make campaign-cancel`: a campaign that does not take place: its lists go, its people may be contacted by others again.

Writes the register, where it stays with its name and the time; removes warehouse/campaigns/<name>/.
"""

import datetime as dt
from pathlib import Path

from scripts.base.errors import UserError
from scripts.base.sentences import listed
from scripts.campaigns.register import open_register


def cancel_campaign(name: str, warehouse: Path, now: dt.datetime) -> int:
    """Mark a campaign as cancelled and remove its lists; return how many customers it gives back.

    Args:
        name: the campaign's.
        warehouse: folder of the register.
        now: the time to record, UTC without zone.

    Raises UserError where there is no such campaign, it is cancelled already, or has results: then people were contacted.
    """
    with open_register(warehouse) as connection:
        found = connection.execute(
            "select cancelled_at, treated from campaigns where name = ?", [name]
        ).fetchall()
        if not found:
            known = [row[0] for row in connection.execute("select name from campaigns order by 1").fetchall()]
            raise UserError(
                f"NAME={name}: there is no such campaign"
                + (f"; there are {listed(known)}." if known else ".")
            )
        [(cancelled_at, treated)] = found
        if cancelled_at is not None:
            raise UserError(
                f"NAME={name}: was cancelled on {cancelled_at:%Y-%m-%d}; there is nothing left to do."
            )
        if connection.execute("select 1 from campaign_results where name = ?", [name]).fetchall():
            raise UserError(
                f"NAME={name}: has results, so its customers were contacted; it cannot be cancelled."
            )
        connection.execute("update campaigns set cancelled_at = ? where name = ?", [now, name])
    return int(treated)
