"""Airflow: build each month. For the folder dags/ of a worker that has the project and sees the warehouse."""

import datetime as dt
import os
import subprocess

from airflow.decorators import dag, task
from airflow.exceptions import AirflowException, AirflowFailException

COMMAND = ["/opt/card-segments/docs/schedules/monthly.sh", "SOURCE=/data/cards/current"]
WAREHOUSE = "/srv/card-segments/warehouse"
# Another build runs, or somebody stopped this one.
AGAIN = {3, 130, 143}


@dag(
    schedule="0 5 3 * *",
    start_date=dt.datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": dt.timedelta(minutes=30)},
)
def card_segments() -> None:
    """One task: what it does of a month stands in the log as lines of JSON."""

    @task
    def build() -> str:
        done = subprocess.run(COMMAND, env={**os.environ, "CARD_SEGMENTS_WAREHOUSE": WAREHOUSE}, check=False)
        if done.returncode in (0, 4, 5):
            return {0: "fine", 4: "watch", 5: "act"}[done.returncode]
        if done.returncode in AGAIN:
            raise AirflowException(f"not built, exit code {done.returncode}: tried again")
        # 1, 2 and 70: to start it again changes nothing.
        raise AirflowFailException(f"not published, exit code {done.returncode}: the log says what to do")

    @task.branch
    def alarm(drift: str) -> str | None:
        # A task of your own that tells marketing; nothing where all is fine.
        return None if drift == "fine" else "tell"

    @task
    def tell() -> None:
        print("the month drifts: make status, docs/life.md")

    alarm(build()) >> tell()


card_segments()
