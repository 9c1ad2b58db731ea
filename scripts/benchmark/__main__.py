"""`make bench`: time the job stage by stage on generated ledgers, beside the same work in pandas.

    python -m scripts.benchmark [SIZES=100000,1000000] [MONTHS=15] [NOTEBOOK=yes] [OUT=data/bench]

Writes below OUT: the ledgers (Parquet, made once and used again), a warehouse for each size, and
`benchmark.md`, the table it also prints. Every run is a process of its own, whose peak memory the kernel
tells. Cold is a run without a warehouse, warm the next one in the same warehouse; what the operating system
keeps of the files in memory is left as it is.
"""

import datetime as dt
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from python_models.settings import Parameter
from python_models.typed import shown
from scripts.base.errors import UserError
from scripts.base.parameters import COMMANDS, default_parameters, one_of, read_declared, read_value
from scripts.base.paths import LINK, PROJECT, STAGES, WAREHOUSE, given_path
from scripts.published.reading import LATEST_RUN
from scripts.sample.ledger import write_sample_ledger

# 15 months of the generated ledger are 51 transactions a customer.
PARAMETERS = {
    "sizes": Parameter("100000,1000000", "Customers of each ledger, separated by commas."),
    "months": Parameter(15, "Months of each ledger.", range=COMMANDS["sample_months"].range),
    "notebook": Parameter("yes", "Whether pandas and scikit-learn are timed, too.", one_of("yes", "no")),
    "out": Parameter("data/bench", "Folder of all that is written."),
}
SIZE = Parameter(100_000, "One of them.", range=COMMANDS["customers"].range)


@dataclass(frozen=True)
class MeasuredRun:
    """One measured process: wall and processor seconds, peak resident memory in GB, its stages."""

    seconds: float
    processor: float
    memory: float
    stages: list[dict[str, Any]]


class KilledError(Exception):
    """The kernel killed the process, as it does where memory ends."""


def measure(command: Sequence[str], environment: dict[str, str], log: Path) -> tuple[float, float, float]:
    """MeasuredRun a command to its end; return wall seconds, processor seconds and peak resident memory in GB.

    Raises UserError where it fails; its output stands in `log`.
    """
    started = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=os.environ | environment, stdout=out, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode == -signal.SIGKILL:
        raise KilledError
    if process.returncode != 0:
        raise UserError(f"{' '.join(command)}: ended with {process.returncode}; its output stands in {log}.")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e6


def run_job(ledger: Path, warehouse: Path) -> MeasuredRun:
    """MeasuredRun `make build` on a ledger."""
    seconds, processor, memory = measure(
        [sys.executable, "-m", "scripts.build", f"SOURCE={ledger}"],
        {WAREHOUSE: str(warehouse)},
        warehouse.with_suffix(".log"),
    )
    stages = json.loads((warehouse / STAGES).read_text(encoding="utf-8"))
    known = sum(stage["seconds"] for stage in stages)
    stages.append({"stage": "Start Python, print, leave", "rows": None, "seconds": seconds - known})
    place = [stage["stage"] for stage in stages].index("Learn the segments") + 1
    stages[place:place] = _learning(warehouse)
    return MeasuredRun(seconds, processor, memory, stages)


def _learning(warehouse: Path) -> list[dict[str, Any]]:
    """The parts of the learning of the last build, in their order."""
    with duckdb.connect(str(warehouse / LINK), read_only=True) as connection:
        details = connection.execute(f"select details from {LATEST_RUN}").fetchall()[0][0]
    return [
        {"stage": f"of it: {name.removeprefix('seconds_').replace('_', ' ')}", "rows": None, "seconds": taken}
        for name, taken in json.loads(details).items()
        if name.startswith("seconds_")
    ]


def run_notebook(ledger: Path, out: Path) -> MeasuredRun | None:
    """MeasuredRun the notebook's way on a ledger; None where it took more memory than there is."""
    report = out.with_suffix(".json")
    try:
        seconds, processor, memory = measure(
            [sys.executable, "-m", "scripts.benchmark.notebook", str(ledger), str(out), str(report)],
            {},
            out.with_suffix(".log"),
        )
    except KilledError:
        return None
    return MeasuredRun(seconds, processor, memory, json.loads(report.read_text(encoding="utf-8")))


def _ledger(folder: Path, customers: int, months: int) -> tuple[Path, float, dict[str, int]]:
    """The ledger of a size, made where it is not there yet; with the seconds that took and rows by table."""
    made = folder.with_name(f"{folder.name}.json")
    if not made.exists():
        started = time.perf_counter()
        seed = default_parameters()["seed"]
        sample = write_sample_ledger(
            folder, customers=customers, seed=seed, file_format="parquet", months=months
        )
        seconds = time.perf_counter() - started
        made.write_text(json.dumps({"seconds": seconds, "rows": sample.rows}), encoding="utf-8")
    known = json.loads(made.read_text(encoding="utf-8"))
    return folder, known["seconds"], known["rows"]


def _per_second(rows: float | None, seconds: float) -> str:
    return f"{rows / seconds:,.0f}" if rows and seconds else ""


def made_folder(name: str, text: str) -> Path:
    """The folder that parameter `name` gives, made where it is not there, as an absolute path.

    Raises UserError where it cannot be made.
    """
    folder = given_path(name, text).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{name}={shown(text)}: cannot be made ({error.strerror}); name another folder."
        ) from None
    return folder


def benchmark(sizes: Sequence[int], months: int, with_notebook: bool, out: Path) -> str:
    """Measure every size and return the Markdown."""
    lines = [
        f"Measured {dt.date.today()} on {os.cpu_count()} cores, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}.",
        "",
    ]
    warm_stages: list[dict[str, Any]] = []
    for size in sizes:
        ledger, made_in, rows = _ledger(out / f"ledger_{size}_{months}", size, months)
        total = sum(rows.values())
        warehouse = out / f"warehouse_{size}"
        shutil.rmtree(warehouse, ignore_errors=True)
        cold, warm = run_job(ledger, warehouse), run_job(ledger, warehouse)
        lines += [
            f"**{size:,} customers**: {rows['transactions']:,} transactions, {rows['statements']:,} statements,"
            f" Parquet, generated in {made_in:.1f} s ({_per_second(total, made_in)} rows/s).",
            "",
            "| stage | rows | cold s | warm s | rows/s (warm) |",
            "| --- | ---: | ---: | ---: | ---: |",
        ]
        for first, second in zip(cold.stages, warm.stages, strict=True):
            count = second["rows"]
            lines.append(
                f"| {second['stage']} | {'' if count is None else f'{count:,}'} | {first['seconds']:.1f} |"
                f" {second['seconds']:.1f} | {_per_second(count, second['seconds'])} |"
            )
        lines.append(
            f"| **whole build** | {total:,} | {cold.seconds:.1f} | {warm.seconds:.1f} |"
            f" {_per_second(total, warm.seconds)} |"
        )
        lines += [
            "",
            f"Peak memory {max(cold.memory, warm.memory):.1f} GB; processor time {cold.processor:.0f} s cold, {warm.processor:.0f} s warm.",
            "",
        ]
        if warm_stages:
            growth = [
                (after["seconds"] / before["seconds"], after["stage"])
                for before, after in zip(warm_stages, warm.stages, strict=True)
                if before["seconds"] >= 0.1
            ]
            most, stage = max(growth)
            lines += [f"The stage that grew most from the size before: {stage}, {most:.1f} times.", ""]
        warm_stages = warm.stages
        if with_notebook:
            notebook = run_notebook(ledger, out / f"notebook_{size}")
            if notebook is None:
                lines += [
                    "The same in pandas and scikit-learn ended killed by the kernel: not enough memory.",
                    "",
                ]
                continue
            steps = ", ".join(f"{step['stage']} {step['seconds']:.1f} s" for step in notebook.stages)
            lines += [
                f"The same in pandas and scikit-learn, as a notebook does it: {notebook.seconds:.1f} s"
                f" ({steps}), peak memory {notebook.memory:.1f} GB, processor time {notebook.processor:.0f} s."
                f" That is {notebook.seconds / cold.seconds:.1f} times the cold build and"
                f" {notebook.seconds / warm.seconds:.1f} times the warm one, in processor time"
                f" {notebook.processor / cold.processor:.1f} and {notebook.processor / warm.processor:.1f} times.",
                "",
            ]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Measure, print and write the table; return the exit code."""
    try:
        values = read_declared(arguments, PARAMETERS)
        sizes = [read_value("sizes", size.strip(), SIZE) for size in values["sizes"].split(",")]
        out = made_folder("OUT", values["out"])
        text = benchmark(sizes, values["months"], values["notebook"] == "yes", out)
        (out / "benchmark.md").write_text(text, encoding="utf-8")
        print(text)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
