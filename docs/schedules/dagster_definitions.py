"""Dagster: the segments as an asset, built each month. Where the project is, and the warehouse can be seen."""

import os
import subprocess

import dagster as dg

COMMAND = ["/opt/card-segments/docs/schedules/monthly.sh", "SOURCE=/data/cards/current"]
WAREHOUSE = "/srv/card-segments/warehouse"
DRIFT = {0: "fine", 4: "watch", 5: "act"}
# Another build runs, or somebody stopped this one.
AGAIN = {3, 130, 143}


@dg.asset
def card_segments() -> dg.MaterializeResult:
    """Publish the month's segments."""
    done = subprocess.run(COMMAND, env={**os.environ, "CARD_SEGMENTS_WAREHOUSE": WAREHOUSE}, check=False)
    code = done.returncode
    if code in AGAIN:
        raise dg.RetryRequested(max_retries=3, seconds_to_wait=1800)
    if code not in DRIFT:
        # 1, 2 and 70: to start it again changes nothing.
        raise dg.Failure(f"not published, exit code {code}: the log says what to do", allow_retries=False)
    return dg.MaterializeResult(metadata={"drift": DRIFT[code]})


monthly = dg.ScheduleDefinition(
    name="monthly", target=dg.AssetSelection.assets(card_segments), cron_schedule="0 5 3 * *"
)
defs = dg.Definitions(assets=[card_segments], schedules=[monthly])
