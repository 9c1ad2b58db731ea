"""`make bench`: time the job on generated ledgers, beside other ways to do the same and the floor of each stage.

    python -m scripts.benchmark [SIZES=10000,100000] [REPEATS=3] [MONTHS=15] [NOTEBOOK=yes] [OUT=data/bench]
        [PEERS=data/peers] [PYCARET=data/pycaret]

Writes below OUT: the ledgers (Parquet, made once and used again), a folder for each size, and `benchmark.md`, which it
also prints, `benchmark.csv`, `benchmark_stages.csv` and `benchmark.svg`. Each turn builds in a new warehouse and then
runs every other way; what the operating system keeps of the files in memory is left as it is. A way whose environment
is not there has a row that says so.
"""

import datetime as dt
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from python_models.settings import Parameter, Settings
from python_models.typed import Range
from scripts.base.console import Console, run_command
from scripts.base.errors import UserError
from scripts.base.parameters import (
    COMMANDS,
    default_parameters,
    one_of,
    read_declared,
    read_value,
)
from scripts.base.paths import LINK, PROJECT, RUN, given_path
from scripts.base.quoting import sql_text
from scripts.benchmark.measuring import MeasuredRun, UnmeasuredError, made_folder, measure
from scripts.benchmark.quality import Quality, customers_of, own_space, quality_of
from scripts.benchmark.results import (
    Circumstances,
    Compared,
    Size,
    chart,
    check_address_space,
    markdown,
    median,
    middle_stages,
    stages_csv,
    ways_csv,
)
from scripts.benchmark.ways import BUILD, JOB, OUR_LEARNING, OURS, SizeFiles, Way, ways_of
from scripts.published.reading import LATEST_RUN
from scripts.sample.ledger import write_sample_ledger

# 15 months of the generated ledger are 51 transactions a customer.
PARAMETERS = {
    "sizes": Parameter("10000,100000", "Customers of each ledger, separated by commas."),
    "repeats": Parameter(3, "Turns of each way.", range=Range(least=1, most=99, is_whole=True)),
    "months": Parameter(15, "Months of each ledger.", range=COMMANDS["sample_months"].range),
    "notebook": Parameter("yes", "Whether pandas and scikit-learn are timed, too.", one_of("yes", "no")),
    "peers": Parameter("data/peers", "Folder of the environment with Polars and FAISS."),
    "pycaret": Parameter("data/pycaret", "Folder of the environment with PyCaret."),
    "out": Parameter("data/bench", "Folder of all that is written."),
}
SIZE = Parameter(100_000, "One of them.", range=COMMANDS["customers"].range)
LEARN_STAGE = "Learn the segments"
# The features, of what stands in their table.
NUMBERS = "select column_name from (describe marts.customer_features) where column_type = 'DOUBLE' order by column_name"
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def machine_words() -> Circumstances:
    """Date, machine and commit; the commit is unknown where this is no clone."""
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty=, with changes", "--exclude=*"],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    words = (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()},"
        f" load {os.getloadavg()[0]:.1f} before the first run"
    )
    return Circumstances(str(dt.date.today()), words, asked.stdout.strip() or "unknown")


def _ledger(folder: Path, customers: int, months: int) -> dict[str, int]:
    """Make the ledger of a size where it is not there yet; returns its rows by table."""
    made = folder.with_name(f"{folder.name}.json")
    if not made.exists():
        seed = default_parameters()["seed"]
        sample = write_sample_ledger(
            folder, customers=customers, seed=seed, file_format="parquet", months=months
        )
        made.write_text(json.dumps({"rows": sample.rows}), encoding="utf-8")
    rows: dict[str, int] = json.loads(made.read_text(encoding="utf-8"))["rows"]
    return rows


def run_build(way: Way, warehouse: Path) -> MeasuredRun:
    """Measure a build in a new warehouse, with its stages and the parts of its learning."""
    shutil.rmtree(warehouse, ignore_errors=True)
    run = measure(way.command, way.environment, way.log)
    stages = json.loads((warehouse / RUN).read_text(encoding="utf-8"))["stages"]
    known = sum(stage["seconds"] for stage in stages)
    stages.append({"stage": "Start Python, print, leave", "rows": None, "seconds": run.seconds - known})
    place = [stage["stage"] for stage in stages].index(LEARN_STAGE) + 1
    stages[place:place] = [
        {"stage": f"of it: {name.removeprefix('seconds_').replace('_', ' ')}", "rows": None, "seconds": taken}
        for name, taken in json.loads(_model(warehouse)["details"]).items()
        if name.startswith("seconds_")
    ]
    return replace(run, stages=stages)


def _model(warehouse: Path) -> dict[str, Any]:
    """The model of a build."""
    with duckdb.connect(str(warehouse / LINK), read_only=True) as connection:
        answer = connection.execute(f"select model_id, scaling, representation, k, details from {LATEST_RUN}")
        return dict(zip([column[0] for column in answer.description], answer.fetchall()[0], strict=True))


def hand_out(files: SizeFiles) -> None:
    """Write what the other ways and the measures need of a build: customers, features, the sample it learned from."""
    types = files.ledger.with_name(f"{files.ledger.name}_hidden_types.csv")
    learned_from = int(Settings.parameters()["sample_rows"].default)
    with duckdb.connect(str(files.warehouse / LINK), read_only=True) as connection:
        features = [row[0] for row in connection.execute(NUMBERS).fetchall()]
        wanted = ", ".join(features)
        # As dbt's model training_sample draws it.
        connection.execute(
            f"copy (select customer_id, {wanted} from marts.customer_features order by md5(customer_id), customer_id"
            f" limit {learned_from}) to {sql_text(str(files.sample))} (format parquet)"
        )
        order = "order by hash(customer_id), customer_id"
        connection.execute(
            f"copy (select customer_id, row_number() over ({order}) as place, segment_id, hidden_type"
            " from marts.customer_features inner join marts.customer_segments using (customer_id) inner join"
            f" read_csv({sql_text(str(types))}, header = true, all_varchar = true) using (customer_id))"
            f" to {sql_text(str(files.customers))} (format parquet)"
        )
        columns = connection.execute(f"select {wanted} from marts.customer_features {order}").fetchnumpy()
    np.save(files.features, np.column_stack([_doubles(column) for column in columns.values()]))


def _doubles(column: Any) -> FloatArray:
    """A column as DuckDB hands it over; NaN where it is empty."""
    return np.ma.filled(np.ma.asarray(column).astype(np.float64), np.nan)


def _labels(way: Way, files: SizeFiles) -> IntArray:
    """Segment of each customer, in the order of the features; raises UserError where some have none."""
    customers = f"read_parquet({sql_text(str(files.customers))})"
    if way.name == BUILD:
        sql = f"select segment_id from {customers} order by place"
    elif way.scope == JOB:
        sql = (
            f"select segment from {customers} left join read_parquet({sql_text(str(way.labels))}) as labels"
            " using (customer_id) order by place"
        )
    else:
        learned: IntArray = np.load(way.labels)
        return learned
    (labels,) = map(_doubles, duckdb.sql(sql).fetchnumpy().values())
    if np.isnan(labels).any():
        raise UserError(f"{way.name}: labels other customers than the build does; see {way.log}.")
    return labels.astype(np.int64)


def _qualities(ways: Sequence[Way], files: SizeFiles) -> dict[str, Quality | None]:
    """The quality of each way that has labels, by its name."""
    features = np.load(files.features)
    types = duckdb.sql(
        f"select dense_rank() over (order by hidden_type) - 1 as type from read_parquet({sql_text(str(files.customers))})"
        " order by place"
    ).fetchnumpy()["type"]
    customers = customers_of(features, _doubles(types).astype(np.int64))
    model, pca_variance = _model(files.warehouse), default_parameters()["pca_variance"]
    plain = own_space(customers.filled, "standard", "scaled", pca_variance)
    found: dict[str, Quality | None] = {}
    for way in ways:
        if way.name == OUR_LEARNING:
            # It hands over a model, which the build has labelled the customers by.
            is_same = json.loads(way.report.read_text(encoding="utf-8"))["model_id"] == model["model_id"]
            found[way.name] = found.get(BUILD) if is_same else None
            continue
        own = plain
        if way.name == BUILD:
            own = own_space(customers.filled, model["scaling"], model["representation"], pca_variance)
        found[way.name] = quality_of(customers, _labels(way, files), own)
    return found


def _floors(files: SizeFiles) -> dict[str, float]:
    """Seconds of each floor, by the stage's title."""
    folder = files.folder / "floors"
    folder.mkdir(exist_ok=True)
    report = files.folder / "floors.json"
    model = _model(files.warehouse)
    measure(
        [
            *(sys.executable, "-m", "scripts.benchmark.floors", str(files.ledger)),
            *(str((files.warehouse / LINK).resolve()), str(files.features), str(model["k"])),
            *(str(default_parameters()["sample_rows"]), str(report), str(folder)),
        ],
        {},
        files.folder / "floors.log",
    )
    shutil.rmtree(folder)
    seconds: dict[str, float] = json.loads(report.read_text(encoding="utf-8"))
    return seconds


def measure_size(
    files: SizeFiles, ways: Sequence[Way], customers: int, rows: dict[str, int], repeats: int
) -> Size:
    """Let every way have its turns on one ledger, and look at what each made.

    Raises UserError where this build itself fails; of another way the row says so.
    """
    runs: dict[str, list[MeasuredRun]] = {way.name: [] for way in ways}
    remarks = {way.name: way.missing for way in ways}
    floors: list[dict[str, float]] = []
    for _ in range(repeats):
        for way in ways:
            if remarks[way.name]:
                continue
            try:
                if way.name == BUILD:
                    runs[BUILD].append(run_build(way, files.warehouse))
                    if not floors:
                        hand_out(files)
                    floors.append(_floors(files))
                else:
                    runs[way.name].append(measure(way.command, way.environment, way.log))
            except UnmeasuredError as error:
                if way.name == BUILD:
                    raise UserError(f"{way.name}: {error}.") from None
                remarks[way.name], runs[way.name] = str(error), []
    qualities = _qualities([way for way in ways if runs[way.name]], files)
    compared = []
    for way in ways:
        ours = runs[OURS[way.scope]]
        pairs = [run.seconds / our.seconds for run, our in zip(runs[way.name], ours, strict=False)]
        quality = qualities.get(way.name)
        remark = remarks[way.name]
        if way.name == OUR_LEARNING and runs[way.name] and quality is None:
            remark = "chose another model than the build, so its quality is not known"
        compared.append(
            Compared(
                customers,
                way.scope,
                way.name,
                runs[way.name],
                median(pairs) if pairs else None,
                quality,
                remark,
            )
        )
    return Size(
        customers=customers,
        rows=rows,
        compared=compared,
        stages=middle_stages(runs[BUILD]),
        floors={stage: median([each[stage] for each in floors]) for stage in floors[0]},
    )


def benchmark(values: dict[str, Any], out: Path) -> str:
    """Measure every size, write the results below `out` and return the Markdown."""
    sizes = [read_value("sizes", size.strip(), SIZE) for size in values["sizes"].split(",")]
    peers, pycaret = (given_path(name.upper(), values[name]).absolute() for name in ("peers", "pycaret"))
    machine = machine_words()
    k_max, measured = default_parameters()["k_max"], list[Size]()
    for customers in sizes:
        files = SizeFiles(out / f"ledger_{customers}_{values['months']}", out / str(customers))
        files.folder.mkdir(exist_ok=True)
        rows = _ledger(files.ledger, customers, values["months"])
        ways = ways_of(files, peers, pycaret, k_max, values["notebook"] == "yes")
        measured.append(measure_size(files, ways, customers, rows, values["repeats"]))
    machine = replace(machine, words=f"{machine.words}, {os.getloadavg()[0]:.1f} after the last")
    text = markdown(machine, measured)
    for name, content in {
        "benchmark.md": text,
        "benchmark.csv": ways_csv(machine, measured),
        "benchmark_stages.csv": stages_csv(machine, measured),
        "benchmark.svg": chart(measured),
    }.items():
        (out / name).write_text(content, encoding="utf-8")
    return text


def main(arguments: Sequence[str]) -> int:
    """Measure, print and write the tables; return the exit code."""

    def work(console: Console) -> None:
        console.standing = "nothing is written of what was measured."
        values = read_declared(arguments, PARAMETERS)
        check_address_space()
        print(benchmark(values, made_folder("OUT", values["out"])))

    return run_command(work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
