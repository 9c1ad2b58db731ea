"""`make campaign`: draws a target list with a holdout; campaigns/draw.py says what that touches.

python -m scripts.campaign NAME= SEGMENT= [HOLDOUT= BUDGET= ...]
"""

import datetime as dt
import sys
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from python_models.typed import printable
from scripts.base.console import Console, run_command
from scripts.base.paths import warehouse_folder
from scripts.campaigns.draw import plan_campaign
from scripts.campaigns.plan import summary
from scripts.campaigns.settings import read_settings


def main(arguments: Sequence[str]) -> int:
    """Draw the campaign, print what was drawn, and return the exit code."""

    def work(console: Console) -> None:
        settings = read_settings(arguments)
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0)
        plan = plan_campaign(settings, warehouse_folder(), now)
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for head, text in summary(plan, settings, now):
            table.add_row(Text(printable(head)), Text(printable(text)))
        console.table(table)
        for match in plan.unknown:
            console.note(printable(match.sentence()))
        if plan.objectors:
            console.note(
                f"{plan.objectors:,} customers of the portfolio object to profiling; they are in no segment"
            )
        console.print(f"\nMail to {plan.folder}/mailing.csv only; targets.csv holds both arms.")
        console.print(f"Later: make campaign-results NAME={settings.name} OUTCOMES=file")

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
