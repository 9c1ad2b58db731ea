"""Running dbt in this process: the one place that calls it. Sets its environment; writes what it is told to."""

import json
import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.base.interrupts import raise_if_stopped
from scripts.base.parameters import DUCKDB, machine_limits
from scripts.base.paths import DBT_PROJECT, PROJECT
from scripts.dbt.parsed import OF_DBT, keep_project, kept_project

# A brace that dbt's `var` leaves alone: it renders each text as a template, a path with braces like any other.
BRACE = "{{ '{' }}"


def run_dbt(
    command: Sequence[str],
    variables: Mapping[str, Any],
    *,
    work: Path,
    target: Path,
    logs: Path | None = None,
    on_event: Callable[[Any], None] | None = None,
    engine: str = DUCKDB,
) -> Any:
    """Run a command of dbt on the project and let go of the database.

    Args:
        command: such as `["build"]`.
        variables: values for the vars of dbt_project.yml, as the models are to get them.
        work: DuckDB file, or `:memory:`.
        target: folder for the manifest and compiled SQL.
        logs: folder for dbt.log; without it nothing is logged.
        on_event: gets each of dbt's events.
        engine: the target of profiles.yml; of SPARK the session is open.

    Returns:
        What dbtRunner.invoke returns: `success`, `result`, `exception`.

    Raises:
        Stopped: somebody stopped the command meanwhile.

    """
    machine_limits()
    os.environ.update(
        CARD_SEGMENTS_WORK=str(work),
        CARD_SEGMENTS_HOME=str(PROJECT),
        DBT_PROJECT_DIR=str(DBT_PROJECT),
        DBT_PROFILES_DIR=str(DBT_PROJECT),
        DBT_TARGET_PATH=str(target),
        DBT_LOG_PATH=str(logs or target),
        DBT_SEND_ANONYMOUS_USAGE_STATS="false",
        DBT_STATIC_PARSER="true",
    )
    # Imported late: it takes seconds.
    from dbt.cli.main import dbtRunner

    # Its own words go to the log file: the user gets lines of stages, and one sentence on what failed.
    quiet = ["--log-level", "none", "--log-level-file", "debug" if logs else "none"]
    given = _as_they_are(variables)
    manifest = kept_project(given, work, engine)
    # Of an earlier run: whether this one parsed well, nothing else would say.
    (target / OF_DBT).unlink(missing_ok=True)
    runner = dbtRunner(manifest=manifest, callbacks=[on_event] if on_event else [])
    # What its log has no room for is no trouble of its own: the disk's sentence comes from what the models met.
    raises, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        result = runner.invoke([*quiet, *command, "--target", engine, "--vars", json.dumps(given)])
        if manifest is None:
            keep_project(target, given, work, engine)
    finally:
        logging.raiseExceptions = raises
        # dbt keeps its connection for a next call in this process; the file is wanted closed.
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if not result.success:
        # dbt keeps it for itself; whoever pressed Ctrl-C did not make a mistake.
        raise_if_stopped()
    return result


def _as_they_are(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The variables, with no text that dbt would take for a template."""
    return {
        name: re.sub(r"\{(?=[{%#])", lambda _: BRACE, value) if isinstance(value, str) else value
        for name, value in variables.items()
    }
