"""`make status`: what is published, by which model, how far the month is from it, how the last build ended. Reads only."""

import json
from pathlib import Path
from typing import Any

from python_models.typed import printable
from scripts.base.console import Console
from scripts.base.errors import ACT, WATCH, UserError
from scripts.base.paths import LINK
from scripts.job.run_record import read_run
from scripts.published.reading import latest_run, number_and_time, open_published
from scripts.published.version import version_in_use, versions_of

# The exit code of each alarm, the worst last.
CODES = {"fine": 0, "watch": WATCH, "act": ACT}


def status(warehouse: Path) -> dict[str, Any]:
    """What there is to say, as plain values.

    Raises UserError where nothing is published, or an earlier version of the job published it.
    """
    with open_published(warehouse) as connection:
        if not connection.execute(
            "select 1 from duckdb_tables() where table_name = 'segment_drift'"
        ).fetchall():
            raise UserError(
                f"{warehouse}: an earlier version of the job built what is published; run make build again."
            )
        run = latest_run(connection)
        segments = connection.execute("select count(*) from marts.segment_profiles").fetchall()[0][0]
        drift = connection.execute(
            "select alarm, words from marts.segment_drift where alarm != 'fine'"
            " order by alarm, drift desc nulls last, words"
        ).fetchall()
        age = connection.execute("select value_now from marts.segment_drift where measure = 'age'").fetchall()
        challengers = connection.execute(
            "select model_id, verdict from marts.models where status = 'challenger' order by learned_at, model_id"
        ).fetchall()
    number, at = number_and_time(warehouse / LINK)
    in_use = version_in_use(warehouse)
    last = read_run(warehouse)
    return {
        "version": number,
        "published_at": at,
        "source": "generated sample" if run["is_sample"] else run["input_path"],
        "as_of_date": str(run["as_of_date"]),
        "customers": run["customers"],
        "segments": segments,
        "model": {
            "model_id": run["model_id"],
            "scaling": run["scaling"],
            "representation": run["representation"],
            "learned_at": f"{run['trained_at']:%Y-%m-%d %H:%M} UTC",
            "age_months": int(age[0][0]) if age and age[0][0] is not None else None,
            "warning": run["warning"],
        },
        "decision": run["decision"],
        "alarm": max((alarm for alarm, _ in drift), key=list(CODES).index, default="fine"),
        "drift": [{"alarm": alarm, "words": words} for alarm, words in drift],
        "last_build": last
        and {name: last.get(name) for name in ("command", "ended_at", "exit_code", "sentence", "seconds")},
        "challengers": [{"model_id": model, "verdict": verdict} for model, verdict in challengers],
        "versions": [
            {"version": path.name, "megabytes": round(_size(path) / 1e6, 1), "in_use": path == in_use}
            for path in versions_of(warehouse)
        ],
    }


def print_status(warehouse: Path, as_json: bool, console: Console) -> int:
    """Print it on one screen, or as JSON; return the exit code that its alarm stands for."""
    found = status(warehouse)
    if as_json:
        console.print(json.dumps(found, indent=1, ensure_ascii=False))
        return CODES[found["alarm"]]
    model, last = found["model"], found["last_build"]
    lines = [
        ("published", f"version {found['version']} of {found['published_at']}, from {found['source']}"),
        (
            "state of",
            f"{found['as_of_date']}: {found['customers']:,} customers in {found['segments']} segments",
        ),
        (
            "model",
            f"{model['model_id']} ({model['scaling']} {model['representation']}), learned {model['learned_at']}"
            + (f", age in months of data: {model['age_months']}" if model["age_months"] else ""),
        ),
        *([("warning", model["warning"])] if model["warning"] else []),
        ("this build", found["decision"] or "of an earlier release"),
        ("drift", found["alarm"]),
        *(("", f"{each['alarm']}: {each['words']}") for each in found["drift"]),
        *(("challenger", f"{each['model_id']}: {each['verdict']}") for each in found["challengers"]),
        (
            "last build",
            "not recorded"
            if not last
            else f"{last['command']}, exit code {last['exit_code']}, {last['ended_at']}, {last['seconds']:.0f} s"
            + (f": {last['sentence']}" if last["sentence"] else ""),
        ),
        *(
            (
                "versions" if place == 0 else "",
                f"{each['version']}  {each['megabytes']:,.1f} MB" + ("  in use" if each["in_use"] else ""),
            )
            for place, each in enumerate(reversed(found["versions"]))
        ),
    ]
    for name, words in lines:
        console.print(printable(f"{name:<11} {words}".rstrip()))
    return CODES[found["alarm"]]


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
