"""Time the learning part by part, and KMeans beside ten scikit-learn starts for each k.

    python -m scripts.benchmark.learning SOURCE=path/to/CC_GENERAL.csv [OUT=data/bench]

Reads a customer summary as CSV. Writes `learning.md` below OUT, the text it also prints. The learning runs
in a process of its own, whose peak memory the kernel tells; the comparison of KMeans follows in this one.
"""

import datetime as dt
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scripts.base.errors import UserError
from scripts.base.parameters import default_parameters, read_arguments
from scripts.base.paths import given_path
from scripts.base.sentences import reason_of
from scripts.benchmark.measuring import UnmeasuredError, made_folder, measure

ARGUMENTS = {"SOURCE": "", "OUT": "data/bench"}
# As a notebook does it: KMeans(k, n_init=10) for each k of the curve.
STARTS = 10
REPORT = "learning.json"


def read_summary(path: Path) -> pd.DataFrame:
    """Features of a customer summary, as the job's SQL hands them to the model.

    Raises UserError where the file cannot be read or has no customers.
    """
    try:
        frame = pd.read_csv(path).rename(columns=str.lower).rename(columns={"cust_id": "customer_id"})
    except (OSError, ValueError) as error:
        raise UserError(f"SOURCE={path}: cannot be read as CSV: {reason_of(error)}") from None
    if "customer_id" not in frame or "minimum_payments" not in frame:
        raise UserError(f"SOURCE={path}: expected the columns of Kaggle's CC GENERAL.csv")
    # Nothing was due where the minimum payment is missing.
    return frame.fillna({"minimum_payments": 0.0})


def learn(source: Path, report: Path) -> None:
    """Train with the job's defaults and write what the results say of it to `report`.

    source: a customer summary as CSV, or the sample that a build learned from as Parquet.
    """
    from python_models.settings import Settings
    from python_models.training import train

    defaults = default_parameters()
    settings = Settings.from_mapping({name: defaults[name] for name in Settings.__dataclass_fields__})
    is_sample = source.suffix == ".parquet"
    features = duckdb.read_parquet(str(source)).df() if is_sample else read_summary(source)
    started = time.perf_counter()
    results = train(features, settings)
    found = {
        "seconds": time.perf_counter() - started,
        "model_id": str(results.run["model_id"][0]),
        "run": json.loads(results.run["details"][0]),
        "autoencoders": results.autoencoders.to_dict("records"),
    }
    report.write_text(json.dumps(found), encoding="utf-8")


def learning_table(source: Path, out: Path) -> list[str]:
    """Run `learn` in a process of its own and lay out its parts."""
    report = out / REPORT
    taken = measure(
        [sys.executable, "-m", "scripts.benchmark.learning", "--learn", str(source), str(report)],
        {},
        out / "learning.log",
    )
    known = json.loads(report.read_text(encoding="utf-8"))
    run = known["run"]
    parts = {name[8:]: value for name, value in run.items() if name.startswith("seconds_")}
    return [
        f"{run['rows_trained']:,} customers, champion {run['scaling']} {run['representation']} with k = {run['k']}.",
        "",
        "| part of the learning | seconds |",
        "| --- | ---: |",
        *(f"| {name.replace('_', ' ')} | {value:.1f} |" for name, value in parts.items()),
        f"| **all of the learning** | {known['seconds']:.1f} |",
        f"| the process with its imports | {taken.seconds:.1f} |",
        "",
        f"Processor time {taken.processor:.0f} s, peak memory {taken.memory:.2f} GB.",
        "",
        "| autoencoder | weights | mean squared error | of PCA with as many components | dead units | seconds |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        *(
            f"| {each['autoencoder']} | {each['weights']:,} | {each['mse']:.4f} | {each['pca_mse']:.4f} |"
            f" {each['dead_units']} of {each['units']} | {each['seconds']:.1f} |"
            for each in known["autoencoders"]
        ),
        "",
    ]


def kmeans_table(features: pd.DataFrame, k_max: int, seed: int) -> list[str]:
    """Compare the curve's inertia and seconds with the best of ten scikit-learn starts for each k."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    from python_models.elbow import inertia_curve
    from python_models.sample import draw_sample
    from python_models.scaling import SCALINGS
    from python_models.space import impute

    lines = [
        f"| scaling | seconds of the curve, k = 1 to {k_max} | seconds of {STARTS} starts for each k |"
        " largest inertia over theirs | least |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    filled = impute(draw_sample(features, len(features)))[1]
    # Both with one thread, as the job runs it.
    with threadpool_limits(limits=1):
        for name, fit in SCALINGS.items():
            points: NDArray[np.float64] = np.ascontiguousarray(fit(filled).transform(filled))
            started = time.perf_counter()
            ours = [each.inertia for each in inertia_curve(points, k_max, np.random.default_rng(seed))]
            our_seconds = time.perf_counter() - started
            started = time.perf_counter()
            theirs = [
                KMeans(k, n_init=STARTS, random_state=seed).fit(points).inertia_
                for k in range(1, len(ours) + 1)
            ]
            their_seconds = time.perf_counter() - started
            ratio = np.array(ours) / np.array(theirs)
            lines.append(
                f"| {name} | {our_seconds:.1f} | {their_seconds:.1f} | {ratio.max():.4f} | {ratio.min():.4f} |"
            )
    return [*lines, ""]


def benchmark_learning(source: Path, out: Path) -> str:
    """Measure both and return the Markdown."""
    defaults = default_parameters()
    head = (
        f"Measured {dt.date.today()} on {os.cpu_count()} cores, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}."
    )
    features = read_summary(source)
    learned = learning_table(source, out)
    return "\n".join([head, "", *learned, *kmeans_table(features, defaults["k_max"], defaults["seed"])])


def main(arguments: Sequence[str]) -> int:
    """Measure, print and write the text; return the exit code."""
    try:
        if len(arguments) == 3 and arguments[0] == "--learn":
            learn(Path(arguments[1]), Path(arguments[2]))
            return 0
        values = read_arguments(arguments, ARGUMENTS)
        if not values["SOURCE"]:
            raise UserError("SOURCE=: give the path of a customer summary such as CC GENERAL.csv")
        out = made_folder("OUT", values["OUT"])
        # `measure` runs from the project's folder.
        text = benchmark_learning(given_path("SOURCE", values["SOURCE"]).absolute(), out)
        (out / "learning.md").write_text(text, encoding="utf-8")
        print(text)
    except (UserError, UnmeasuredError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
