"""`make campaign-results`: says whether a campaign worked; campaigns/results.py says what that touches.

python -m scripts.campaign_results NAME= OUTCOMES=file [COST=]
"""

import datetime as dt
import sys
from collections.abc import Sequence

from scripts.base.console import Console, run_command
from scripts.base.paths import CAMPAIGNS, warehouse_folder
from scripts.base.statistics import false_alarms_of
from scripts.campaigns.results import looks_at, measure_campaign, print_results, read_request


def main(arguments: Sequence[str]) -> int:
    """Measure the campaign, print what came of it, and return the exit code."""

    def work(console: Console) -> None:
        name, outcomes, cost = read_request(arguments)
        now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
        warehouse = warehouse_folder()
        results = measure_campaign(name, outcomes, cost, warehouse, now)
        print_results(results, console)
        comparisons = sum(each.segment_id is None for each in results)
        correction = (
            "are corrected for the number of segments (Bonferroni); for all together they are not."
            if comparisons == 1
            else f"are corrected (Bonferroni): all together for the {comparisons} comparisons of arms, segments for theirs."
        )
        looks = looks_at(name, warehouse)
        if looks > 1:
            console.note(
                f"this campaign was measured {looks} times. A test that is looked at so often while responses come in shows an effect"
                f" that is not there in up to {false_alarms_of(looks):.0%} of campaigns (simulated), not in 5%: decide beforehand"
                " which look counts."
            )
        console.print(
            "\nUplift in points. Who is not in the outcomes counts as not responding. p and interval"
            f" {correction}"
        )
        console.print(f"All figures: {warehouse / CAMPAIGNS / name / 'results.csv'}")

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
