"""Scoring in SQL gives scikit-learn's labels: on every row of the real file, and on a million generated rows."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans

from tests.conftest import run_build

ROWS = 1_000_000


@pytest.fixture(scope="module", params=["scaled", "pca"])
def warehouse(
    request: pytest.FixtureRequest, real_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A build on the real file, for each representation."""
    warehouse = tmp_path_factory.mktemp(request.param) / "warehouse"
    done = run_build(warehouse, f"SOURCE={real_file}", f"REPRESENTATION={request.param}", "K=7")
    assert done.returncode == 0, done.stderr
    return warehouse


def predicted(parameters: pd.DataFrame, features: pd.DataFrame) -> np.ndarray:
    """Labels by scikit-learn's own predict, from the published parameters."""
    stage = {
        key: group.set_index("feature").value for key, group in parameters.groupby(["stage", "component"])
    }
    columns = list(stage["impute", "median"].index)
    points = features[columns].fillna(stage["impute", "median"])
    points = (points - stage["scale", "center"][columns]) / stage["scale", "scale"][columns]
    centroids = {int(c): v for (s, c), v in stage.items() if s == "centroid"}
    dimensions = list(centroids[1].index)
    if dimensions[0].startswith("pca_"):
        loadings = np.array([stage["project", axis][columns] for axis in dimensions])
        intercept = np.array([stage["project", axis]["(intercept)"] for axis in dimensions])
        seen = points.to_numpy() @ loadings.T + intercept
    else:
        seen = points[dimensions].to_numpy()
    model = KMeans(len(centroids), n_init=1, max_iter=1)
    model.fit(seen[:100])
    model.cluster_centers_ = np.array([centroids[c][dimensions] for c in sorted(centroids)])
    return model.predict(np.ascontiguousarray(seen)) + 1


def test_labels_are_scikit_learns_on_the_real_file(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse / "card_segments.duckdb"), read_only=True) as connection:
        features = connection.sql("select * from marts.customer_features order by customer_id").df()
        parameters = connection.sql("select * from marts.model_parameters").df()
        labels = connection.sql("select segment_id from marts.customer_segments order by customer_id").df()
    assert (labels.segment_id.to_numpy() == predicted(parameters, features)).all()


def test_labels_are_scikit_learns_on_a_million_rows(warehouse: Path) -> None:
    """The real rows, each over a hundred times, every value moved by up to a fifth, some values missing."""
    with duckdb.connect(str(warehouse / "card_segments.duckdb"), read_only=True) as connection:
        parameters = connection.sql("select * from marts.model_parameters").df()
        real = connection.sql("select * exclude (as_of_date) from marts.customer_features order by 1").df()
    names = sorted(parameters.feature[parameters.stage == "impute"])
    draw = np.random.default_rng(5)
    values = real[names].to_numpy()[draw.integers(len(real), size=ROWS)]
    values = values * draw.uniform(0.8, 1.2, size=values.shape)
    values[draw.random(values.shape) < 0.001] = np.nan
    features = pd.DataFrame(values, columns=names).assign(customer_id=[f"{i:07}" for i in range(ROWS)])

    compiled = warehouse / "dbt" / "compiled" / "card_segments" / "models" / "segmentation"
    scoring = (compiled / "customer_scores.sql").read_text(encoding="utf-8")
    model_input = '"work"."segmentation"."model_input"'
    assert model_input in scoring
    with duckdb.connect() as connection:
        connection.register("rows_to_score", features)
        sql = scoring.replace(model_input, "rows_to_score")
        labels = connection.sql(f"select segment_id from ({sql}) order by customer_id").df().segment_id
    expected = predicted(parameters, features)
    # Two sums of the same terms in another order may put a row that lies between two centroids apart.
    assert (labels.to_numpy() != expected).sum() == 0
    assert len(set(expected)) == 7
