"""What tests of the learning share: settings, rows of results, features of files, labels from results alone."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from python_models.elbow import find_elbow, inertia_curve
from python_models.kmeans import squared_distances
from python_models.results import Results
from python_models.sample import draw_sample
from python_models.scaling import SCALINGS
from python_models.settings import Settings
from python_models.space import impute
from python_models.stored_model import stored_model
from python_models.training import train
from scripts.base.parameters import default_parameters
from tests.support.warm import run_module

Records = dict[str, list[dict[str, Any]]]


def job_features(source: Path, warehouse: Path) -> pd.DataFrame:
    """What the model sees of a file or a ledger, computed by the job's SQL in a folder of its own."""
    [found] = features_or_sentences([source], warehouse)
    assert isinstance(found, pd.DataFrame), found
    return found


def features_or_sentences(sources: list[Path], folder: Path) -> list[pd.DataFrame | str]:
    """What the model sees of each input, by the mapping beside it; the sentence where the job refuses it.

    folder: is made; it keeps a file <place>/work.duckdb with the tables of each.
    """
    folder.mkdir(parents=True)
    found: list[pd.DataFrame | str] = []
    for place, source in enumerate(sources):
        done = run_module("tests.support.features_job", str(folder / str(place)), str(source))
        assert done.returncode == 0, done.stdout + done.stderr
        sentence = folder / f"{place}.txt"
        if sentence.exists():
            found.append(sentence.read_text(encoding="utf-8"))
            continue
        with duckdb.connect(str(folder / str(place) / "work.duckdb"), read_only=True) as connection:
            table = connection.sql("from customers.int_customer_features order by customer_id").df()
        found.append(table.drop(columns=["as_of_date", "nothing_was_due", "months_on_book"]))
    return found


def real_features(real_file: Path) -> pd.DataFrame:
    """Features of Kaggle's file as the job reads them: nothing was due where the minimum payment is missing."""
    frame = pd.read_csv(real_file).rename(columns=str.lower).rename(columns={"cust_id": "customer_id"})
    return frame.fillna({"minimum_payments": 0.0})


def job_settings(**changes: object) -> Settings:
    """The job's own defaults, but for the changes."""
    known = default_parameters() | changes
    return Settings.from_mapping({name: known[name] for name in Settings.__dataclass_fields__})


def rows_of(results: Results) -> Records:
    """The rows of each result that has any, None where a value is missing; a run's with its details."""
    rows = {
        field.name: [
            {name: None if pd.isna(value) else value for name, value in row.items()}
            for row in getattr(results, field.name).to_dict("records")
        ]
        for field in fields(results)
    }
    rows["run"] = [row | json.loads(row["details"]) for row in rows["run"]]
    return {name: each for name, each in rows.items() if each}


def without_seconds(records: Records) -> Records:
    """Rows without what a clock says."""
    return {
        kind: [
            {k: v for k, v in each.items() if not k.startswith("seconds") and k != "details"} for each in rows
        ]
        for kind, rows in records.items()
    }


def learned(features: pd.DataFrame, settings: Settings) -> Records:
    """Rows of a training run, by result."""
    return rows_of(train(features, settings))


def labels_of(features: pd.DataFrame, records: Records) -> np.ndarray:
    """Segment of each customer, from the results alone."""
    model = stored_model(
        "m",
        records["run"][0]["representation"],
        pd.DataFrame(records["parameters"]),
        pd.DataFrame(records.get("encoder_layers", [])),
    )
    return model.labels(features[list(model.features)].to_numpy(dtype=np.float64))


def plain_labels(features: pd.DataFrame) -> tuple[int, np.ndarray]:
    """The plain path: standard scaling, the elbow's k of the curve over k = 1 to 20, KMeans. Its k and labels."""
    sample = draw_sample(features, len(features))
    filled = impute(sample)[1]
    scaler = SCALINGS["standard"](filled)
    points = np.ascontiguousarray(scaler.transform(filled))
    curve = inertia_curve(points, 20, np.random.default_rng(1))
    k = find_elbow([each.inertia for each in curve]).k
    # The sample's rows are in hash order; the features' are not.
    values = features[list(sample.names)].to_numpy(dtype=np.float64)
    values = np.where(np.isnan(values), impute(sample)[0].median, values)
    return k, squared_distances(scaler.transform(values), curve[k - 1].centers).argmin(axis=1)


def clouds(rows: int, seed: int) -> pd.DataFrame:
    """Amounts around three levels that lie apart, one of them skewed, and a share."""
    rng = np.random.default_rng(seed)
    kind = np.arange(rows) % 3
    frame = pd.DataFrame(
        {
            "balance": np.exp(rng.normal([2, 5, 8], 0.3, size=(rows, 3))[np.arange(rows), kind]),
            "purchases": rng.normal([900, 100, 500], 20, size=(rows, 3))[np.arange(rows), kind],
            "share": rng.normal([0.2, 0.8, 0.5], 0.02, size=(rows, 3))[np.arange(rows), kind],
        }
    )
    return frame.assign(customer_id=[f"C{number}" for number in range(rows)])
