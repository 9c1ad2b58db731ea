"""The record of the last build, warehouse/logs/run.json: what, when, how long, how it ended. Writes that file alone."""

import datetime as dt
import json
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from scripts.base.console import Console
from scripts.base.errors import LOCK_HELD, UserError
from scripts.base.files import whole_file
from scripts.base.paths import RUN
from scripts.published.version import version_in_use

PACKAGES = ("duckdb", "dbt-core", "dbt-duckdb", "numpy", "pandas", "scikit-learn")


def record_run(warehouse: Path, console: Console, command: str, given: Mapping[str, Any]) -> None:
    """Have the record written when the command ends, however it ends, but for who found another build running.

    given: the parameters that were typed.
    """
    started = dt.datetime.now(dt.UTC)

    def write(code: int, sentence: str) -> None:
        if code == LOCK_HELD or not warehouse.is_dir():
            return
        ended = dt.datetime.now(dt.UTC)
        in_use = version_in_use(warehouse)
        record = {
            "command": command,
            "parameters": dict(given),
            "started_at": started.isoformat(timespec="seconds"),
            "ended_at": ended.isoformat(timespec="seconds"),
            "seconds": round((ended - started).total_seconds(), 3),
            "exit_code": code,
            "sentence": sentence,
            "version_in_use": in_use.name if in_use else None,
            "stages": [
                {"stage": each.title, "rows": each.rows, "seconds": round(each.seconds, 3)}
                for each in console.stages
            ],
            "python": platform.python_version(),
            "packages": {name: _version(name) for name in PACKAGES},
        }
        if console.as_json:
            console.event(
                "end", exit_code=code, seconds=record["seconds"], version_in_use=record["version_in_use"]
            )
        try:
            (warehouse / RUN).parent.mkdir(exist_ok=True)
            with whole_file(warehouse / RUN, private=True) as file:
                file.write_text(json.dumps(record, indent=1, default=str) + "\n", encoding="utf-8")
        except (OSError, UserError):
            # How the build ended is known; a disk that is full says so already.
            return

    console.on_end = write


def read_run(warehouse: Path) -> dict[str, Any] | None:
    """The record of the last build; None where there is none, or it cannot be read."""
    try:
        found: dict[str, Any] = json.loads((warehouse / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
