"""A build that is stopped while Spark computes leaves neither a process nor a row behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from scripts.sample.ledger import write_sample_ledger
from tests.support.builds import QUICK, REPO
from tests.support.spark_ledgers import needs_spark

# Seconds until a model runs, on a machine that has much else to do.
LONGEST_START = 300


@needs_spark
def test_a_build_that_is_stopped_on_spark(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    write_sample_ledger(tmp_path / "ledger", customers=100, seed=1, file_format="parquet", months=12)
    build = subprocess.Popen(
        [sys.executable, "-m", "scripts.build", *QUICK, f"SOURCE={tmp_path / 'ledger'}", "ENGINE=spark"],
        cwd=REPO,
        env={**os.environ, "CARD_SEGMENTS_WAREHOUSE": str(warehouse)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    log = warehouse / "logs" / "dbt.log"
    until = time.monotonic() + LONGEST_START
    while not (log.exists() and "table model ledger." in log.read_text(encoding="utf-8")):
        assert build.poll() is None and time.monotonic() < until
        time.sleep(0.2)
    assert processes_of(warehouse)
    build.send_signal(signal.SIGTERM)
    _, errors = build.communicate(timeout=LONGEST_START)
    assert (build.returncode, errors) == (
        143,
        "error: Stopped; what was published before stays as it was.\n",
    )
    assert processes_of(warehouse) == []
    assert list(warehouse.glob(".partial-*")) == []


def processes_of(warehouse: Path) -> list[str]:
    """Processes of Java that were told of the warehouse."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if str(warehouse) in command and "java" in command.partition("\0")[0]:
            found.append(command)
    return found
