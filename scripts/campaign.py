"""`make campaign`: shows the plan of a target list and writes it when somebody agrees; see campaigns/draw.py.

python -m scripts.campaign NAME= SEGMENT= [HOLDOUT= BUDGET= ...] [CONFIRM=yes]
"""

import datetime as dt
import sys
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from python_models.typed import printable
from scripts.base.console import Console, run_command
from scripts.base.paths import warehouse_folder
from scripts.campaigns.draw import draw_campaign, plan_campaign
from scripts.campaigns.layout import listed_mailings
from scripts.campaigns.plan import summary
from scripts.campaigns.settings import is_confirmed, read_settings

# What somebody may answer, in the languages there are words for.
AGREED = ("yes", "y", "ya")


def main(arguments: Sequence[str]) -> int:
    """Show the plan, draw it where somebody agrees, and return the exit code: 0 also where only the plan was shown."""

    def work(console: Console) -> None:
        settings = read_settings(arguments)
        is_agreed = is_confirmed(arguments)
        warehouse = warehouse_folder()
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0)
        plan = plan_campaign(settings, warehouse, now)
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for head, text in summary(plan, settings, now):
            table.add_row(Text(printable(head)), Text(printable(text)))
        console.table(table)
        for note in (*(match.sentence() for match in plan.unknown), *plan.notes):
            console.note(printable(note))
        if plan.objectors:
            console.note(plan.words.say("note.objectors", count=f"{plan.objectors:,}"))
        if not is_agreed and sys.stdin.isatty() and sys.stdout.isatty():
            console.print(f"\n{plan.words.say('say.ask')} ", end="")
            is_agreed = sys.stdin.readline().strip().lower() in AGREED
        if not is_agreed:
            console.print(f"\n{plan.words.say('say.plan_only')}")
            return
        draw_campaign(settings, warehouse, now, plan)
        mailings = listed_mailings(plan.folder, list(plan.mailings))
        key = "say.mail_to" if len(plan.arms) == 1 else "say.mail_to_arms"
        console.print(f"\n{plan.words.say(key, lists=mailings)}")
        later = f"make campaign-results NAME={settings.name} OUTCOMES=file"
        console.print(plan.words.say("say.later", command=later))
        console.print(plan.words.say("say.cancel", command=f"make campaign-cancel NAME={settings.name}"))

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
