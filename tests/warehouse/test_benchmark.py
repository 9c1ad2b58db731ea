"""`make bench`: other ways do the job's work, what is measured is what it says, and what cannot be run is not left out."""

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from scripts.benchmark import __main__ as bench
from scripts.benchmark.floors import FLOORS
from scripts.benchmark.learners import elbow
from scripts.benchmark.measuring import MeasuredRun, UnmeasuredError, measure
from scripts.benchmark.notebook import features_of, read
from scripts.benchmark.quality import customers_of, quality_of
from scripts.benchmark.results import Compared, median, middle_stages
from scripts.benchmark.ways import BUILD, FAISS, JOB, NOTEBOOK, OUR_LEARNING, POLARS, PYCARET, SCIKIT_LEARN
from scripts.sample.ledger import write_sample_ledger
from tests.support.builds import QUICK, REPO, run_build

# Names an environment made from scripts/benchmark/peers_requirements.txt.
PEERS = "CARD_SEGMENTS_PEERS"
CUSTOMERS = 300


def peers_python() -> Path:
    """The interpreter of the peers' environment; skips where there is none."""
    python = Path(os.environ.get(PEERS, "/nowhere")) / "bin" / "python"
    if not python.is_file():
        pytest.skip(
            f"{PEERS} does not name an environment made from scripts/benchmark/peers_requirements.txt"
        )
    return python


# Other ways do the job's work


@dataclass(frozen=True)
class Built:
    """A ledger and the features that a build computed of it."""

    ledger: Path
    features: pd.DataFrame


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("built")
    write_sample_ledger(folder / "ledger", customers=400, seed=11, file_format="parquet", months=15)
    done = run_build(folder / "warehouse", f"SOURCE={folder / 'ledger'}", "K=2")
    assert done.returncode == 0, done.stderr
    with duckdb.connect(str(folder / "warehouse" / "card_segments.duckdb"), read_only=True) as connection:
        job = connection.sql("select * from marts.customer_features").df()
    return Built(folder / "ledger", job.set_index("customer_id").sort_index())


def assert_same_features(job: pd.DataFrame, other: pd.DataFrame) -> None:
    """The same customers, and each of the 17 features the same but for the order of adding up."""
    assert len(other.columns) == 17
    pd.testing.assert_frame_equal(
        job[other.columns], other.sort_index(), check_index_type=False, check_exact=False, rtol=1e-9
    )


def test_the_notebooks_features_are_the_jobs(built: Built) -> None:
    assert_same_features(built.features, features_of(*read(built.ledger)))


def test_polars_features_are_the_jobs(built: Built, tmp_path: Path) -> None:
    out = tmp_path / "features.parquet"
    script = (
        "import sys, pathlib; from scripts.benchmark.polars_way import features_of;"
        " features_of(pathlib.Path(sys.argv[1])).write_parquet(sys.argv[2])"
    )
    subprocess.run([peers_python(), "-c", script, str(built.ledger), str(out)], cwd=REPO, check=True)
    assert_same_features(
        built.features, duckdb.read_parquet(str(out)).df().set_index("customer_id").sort_index()
    )


def test_the_elbow_is_where_a_curve_bends() -> None:
    assert elbow([100.0, 60.0, 30.0, 27.0, 25.0, 24.0, 23.5]) == 3
    assert elbow([60.0, 30.0, 27.0, 25.0, 24.0, 23.5], 2) == 3


# A tiny run


@dataclass(frozen=True)
class Ran:
    """What a tiny benchmark printed and wrote."""

    printed: str
    ways: dict[str, dict[str, str]]
    stages: list[dict[str, str]]
    folder: Path


def rows_of(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """One turn on a small ledger with little learning; the peers where their environment is, PyCaret never."""
    out = tmp_path_factory.mktemp("bench")
    all_ways = bench.ways_of

    def few_ways(*arguments: Any) -> list[bench.Way]:
        ways = {way.name: way for way in all_ways(*arguments)}
        ways[BUILD] = replace(ways[BUILD], command=(*ways[BUILD].command, *QUICK))
        ways[OUR_LEARNING] = replace(ways[OUR_LEARNING], missing="it takes a test too long")
        return list(ways.values())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "ways_of", few_ways)
        values = bench.read_declared(
            [
                f"SIZES={CUSTOMERS}",
                "REPEATS=1",
                f"PEERS={os.environ.get(PEERS, '/nowhere')}",
                "PYCARET=/nowhere",
            ],
            bench.PARAMETERS,
        )
        printed = bench.benchmark(values, out)
    ways = {row["way"]: row for row in rows_of(out / "benchmark.csv")}
    yield Ran(printed, ways, rows_of(out / "benchmark_stages.csv"), out)


def test_every_way_has_its_row(ran: Ran) -> None:
    assert list(ran.ways) == [BUILD, NOTEBOOK, POLARS, OUR_LEARNING, SCIKIT_LEARN, FAISS, PYCARET]
    for name in ran.ways:
        assert f"\n| {name} | " in ran.printed


def test_what_is_measured_has_its_numbers(ran: Ran) -> None:
    for name in (BUILD, NOTEBOOK, SCIKIT_LEARN):
        row = ran.ways[name]
        assert row["runs"] == "1" and row["remark"] == ""
        assert float(row["seconds"]) > 0 and float(row["processor_seconds"]) > 0
        # Python with NumPy alone is more than that.
        assert float(row["peak_gb"]) > 0.05
        assert int(row["k"]) >= 2 and 0 < float(row["inertia"]) < 1
        assert -1 <= float(row["silhouette"]) <= 1 and 0 <= float(row["least_jaccard"]) <= 1
    assert ran.ways[BUILD]["times_ours"] == "1.0000"
    assert float(ran.ways[NOTEBOOK]["times_ours"]) == pytest.approx(
        float(ran.ways[NOTEBOOK]["seconds"]) / float(ran.ways[BUILD]["seconds"]), abs=1e-3
    )


def test_what_has_no_environment_is_not_left_out(ran: Ran) -> None:
    remark = "not measured: PYCARET=/nowhere is no environment made from scripts/benchmark/pycaret_requirements.txt"
    assert ran.ways[PYCARET]["remark"] == remark and ran.ways[PYCARET]["seconds"] == ""
    assert f"| {PYCARET} | {remark} |" in ran.printed
    assert ran.ways[OUR_LEARNING]["remark"] == "not measured: it takes a test too long"


def test_polars_is_measured_or_says_why_not(ran: Ran) -> None:
    for name in (POLARS, FAISS):
        if (Path(os.environ.get(PEERS, "/nowhere")) / "bin" / "python").is_file():
            assert ran.ways[name]["remark"] == "" and float(ran.ways[name]["inertia"]) < 1
        else:
            assert ran.ways[name]["remark"].startswith("not measured: PEERS=")


def test_polars_and_the_notebook_find_the_same_segments(ran: Ran) -> None:
    peers_python()
    same = ("k", "inertia", "silhouette", "least_jaccard", "types_found")
    assert [ran.ways[POLARS][name] for name in same] == [ran.ways[NOTEBOOK][name] for name in same]


def test_each_floor_stands_beside_a_stage(ran: Ran) -> None:
    beside = {row["stage"]: row["floor_seconds"] for row in ran.stages if row["floor"]}
    assert set(beside) == set(FLOORS)
    assert all(float(seconds) > 0 for seconds in beside.values())


def test_the_chart_names_every_way_that_was_measured(ran: Ran) -> None:
    chart = (ran.folder / "benchmark.svg").read_text(encoding="utf-8")
    for name, row in ran.ways.items():
        assert (f">{name}<" in chart) == (row["seconds"] != ""), name


# What is measured is what it says


def test_a_run_is_charged_with_the_memory_of_its_children_and_not_of_its_parent(tmp_path: Path) -> None:
    hold = "import time; held = b'x' * {size}; time.sleep(1)"
    alone = measure([sys.executable, "-c", "pass"], {}, tmp_path / "alone.log")
    both = (
        "import subprocess, sys;"
        f"child = subprocess.Popen([sys.executable, '-c', {hold.format(size=150_000_000)!r}]);"
        f"{hold.format(size=150_000_000)}; child.wait()"
    )
    together = measure([sys.executable, "-c", both], {}, tmp_path / "both.log")
    held = bytearray(b"x") * 400_000_000
    beside = measure([sys.executable, "-c", "pass"], {}, tmp_path / "beside.log")
    assert together.memory > 0.3
    assert alone.memory < 0.1 and beside.memory < 0.1, len(held)


def test_processor_seconds_are_those_of_children_too(tmp_path: Path) -> None:
    spin = "import time; end = time.process_time() + 0.5\nwhile time.process_time() < end: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {spin!r}])"
    assert measure([sys.executable, "-c", parent], {}, tmp_path / "spin.log").processor > 0.5


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["-c", "print('no such thing'); raise SystemExit(3)"], "ended with 3; its output stands in"),
        (["-c", "import os; os.kill(os.getpid(), 9)"], "killed by the kernel: not enough memory"),
    ],
)
def test_a_run_that_fails_says_why(command: list[str], reason: str, tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    with pytest.raises(UnmeasuredError, match=reason):
        measure([sys.executable, *command], {}, log)


def test_medians_are_of_each_measure_by_itself() -> None:
    runs = [
        MeasuredRun(seconds, processor, 1.0, [{"stage": "a", "rows": 1, "seconds": seconds}])
        for seconds, processor in ((3.0, 10.0), (1.0, 30.0), (2.0, 20.0))
    ]
    each = Compared(10, JOB, BUILD, runs, 1.0, None)
    assert (each.median("seconds"), each.median("processor")) == (2.0, 20.0)
    assert middle_stages(runs) == [{"stage": "a", "rows": 1, "seconds": 2.0}]
    assert median([4.0, 1.0]) == 2.5


# Quality


def test_the_quality_of_a_known_partition() -> None:
    """Three far groups: their own partition has it all, a random one nothing, a coarser one is worse and steady."""
    rng = np.random.default_rng(3)
    types = np.arange(600) % 3
    features = rng.normal(size=(600, 4)) + 40 * np.eye(3, 4)[types]
    customers = customers_of(features, types)
    right = quality_of(customers, types + 1, features)
    assert right.k == 3 and right.inertia < 0.5 and right.types_found == 1.0
    assert right.silhouette is not None and right.silhouette > 0.4
    assert right.least_jaccard == right.mean_jaccard == 1.0
    wrong = quality_of(customers, rng.permutation(types), features)
    assert wrong.inertia > 0.95 and abs(wrong.types_found) < 0.05
    assert wrong.silhouette is not None and wrong.silhouette < 0.05
    coarse = quality_of(customers, np.minimum(types, 1), features)
    assert coarse.k == 2 and right.inertia < coarse.inertia < wrong.inertia
    assert 0.3 < coarse.types_found < 0.9


def test_the_inertia_of_a_partition_is_a_share_of_that_of_one_segment() -> None:
    features = np.array([[0.0], [0.0], [1.0], [1.0]]) + np.array([[0.0, 5.0]])
    customers = customers_of(features, np.array([0, 0, 1, 1]))
    assert quality_of(customers, np.array([7, 7, 9, 9]), None).inertia == pytest.approx(0.0, abs=1e-12)
    halves = quality_of(customers, np.array([0, 1, 0, 1]), None)
    assert halves.inertia == pytest.approx(1.0) and halves.least_jaccard is None
