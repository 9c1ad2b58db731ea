"""`make campaign-results`: says whether a campaign worked; campaigns/results.py says what that touches.

python -m scripts.campaign_results NAME= OUTCOMES=file [COST=]
"""

import datetime as dt
import sys
from collections.abc import Sequence

from scripts.base.console import Console, run_command
from scripts.base.paths import CAMPAIGNS, warehouse_folder
from scripts.base.statistics import false_alarms_of
from scripts.campaigns.results import measure_campaign, print_results, read_request, told_of


def main(arguments: Sequence[str]) -> int:
    """Measure the campaign, print what came of it, and return the exit code."""

    def work(console: Console) -> None:
        name, outcomes, cost = read_request(arguments)
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
        warehouse = warehouse_folder()
        results = measure_campaign(name, outcomes, cost, warehouse, now)
        looks, words = told_of(name, warehouse)
        print_results(results, console, words)
        if looks > 1:
            console.note(words.say("result.looks", looks=looks, share=f"{false_alarms_of(looks):.0%}"))
        comparisons = sum(each.segment_id is None for each in results)
        corrected = "result.corrected" if comparisons == 1 else "result.corrected_arms"
        console.print(f"\n{words.say(corrected, comparisons=comparisons)}")
        console.print(words.say("result.figures", file=warehouse / CAMPAIGNS / name / "results.csv"))

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
