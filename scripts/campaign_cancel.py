"""`make campaign-cancel`: gives back the customers of a campaign; campaigns/cancel.py says what that touches.

python -m scripts.campaign_cancel NAME=
"""

import datetime as dt
import sys
from collections.abc import Sequence

from scripts.base.console import Console, run_command
from scripts.base.errors import UserError
from scripts.base.parameters import read_arguments
from scripts.base.paths import warehouse_folder
from scripts.campaigns.cancel import cancel_campaign
from scripts.campaigns.register import check_name, open_register, words_of


def main(arguments: Sequence[str]) -> int:
    """Cancel the campaign, say how many customers are free again, and return the exit code."""

    def work(console: Console) -> None:
        given = read_arguments(arguments, {"NAME": ""})
        if not given["NAME"]:
            raise UserError("NAME is missing: give the name of the campaign, as in NAME=spring.")
        name = check_name(given["NAME"])
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0)
        warehouse = warehouse_folder()
        freed = cancel_campaign(name, warehouse, now)
        with open_register(warehouse) as connection:
            words = words_of(connection)
        console.print(words.say("say.cancelled", name=name, count=f"{freed:,}"))

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
