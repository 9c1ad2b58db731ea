"""Scoring in SQL gives scikit-learn's labels: on every row of the real file, and on a million generated rows."""

import json
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans

from python_models.encoder import encoder_from_rows
from python_models.scaling import shares_below, signed_log
from scripts.base.errors import UserError
from scripts.dbt.query import compile_model
from scripts.dbt.runner import run_dbt
from scripts.job.scoring_query import scoring_sql
from tests.support.builds import run_build, run_command

ROWS = 1_000_000


# Every scaling, and every kind of what KMeans sees.
MODELS = [
    ("standard", "scaled"),
    ("log_standard", "scaled"),
    ("robust", "pca"),
    ("quantile", "scaled"),
    ("log_standard", "undercomplete"),
]


@pytest.fixture(scope="module", params=MODELS, ids=" ".join)
def warehouse(
    request: pytest.FixtureRequest, real_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A build on the real file, for each scaling and representation."""
    scaling, representation = request.param
    warehouse = tmp_path_factory.mktemp(scaling) / "warehouse"
    done = run_build(
        warehouse, f"SOURCE={real_file}", f"SCALING={scaling}", f"REPRESENTATION={representation}", "K=7"
    )
    assert done.returncode == 0, done.stderr
    return warehouse


def read(warehouse: Path, sql: str) -> pd.DataFrame:
    with duckdb.connect(str(warehouse / "card_segments.duckdb"), read_only=True) as connection:
        return connection.sql(sql).df()


def predicted(warehouse: Path, features: pd.DataFrame) -> np.ndarray:
    """Labels by scikit-learn's own predict, from the published parameters."""
    parameters = read(warehouse, "select * from marts.model_parameters")
    stage = {
        key: group.set_index("feature").value for key, group in parameters.groupby(["stage", "component"])
    }
    columns = sorted(stage["impute", "median"].index)
    scale = {name: values[columns].to_numpy() for (s, name), values in stage.items() if s == "scale"}
    values = features[columns].fillna(stage["impute", "median"]).to_numpy()
    if "log" in scale:
        values = np.where(scale["log"] == 1, signed_log(values, scale["unit"]), values)
    elif "knot_00" in scale:
        values = shares_below(values, np.array([scale[f"knot_{place:02d}"] for place in range(0, 101, 5)]))
    seen = (values - scale["center"]) / scale["scale"]
    centroids = {int(c): v for (s, c), v in stage.items() if s == "centroid"}
    dimensions = columns
    if "pca_1" in centroids[1]:
        dimensions = [f"pca_{place + 1}" for place in range(len(centroids[1]))]
        loadings = np.array([stage["project", axis][columns] for axis in dimensions])
        seen = seen @ loadings.T + [stage["project", axis]["(intercept)"] for axis in dimensions]
    elif "ae_1" in centroids[1]:
        layers = read(warehouse, "select * exclude (model_id) from marts.autoencoder_layers")
        seen = encoder_from_rows(layers.to_dict("records")).transform(seen)
        dimensions = [f"ae_{place + 1}" for place in range(len(centroids[1]))]
    model = KMeans(len(centroids), n_init=1, max_iter=1)
    model.fit(seen[:100])
    model.cluster_centers_ = np.array([centroids[c][dimensions] for c in sorted(centroids)])
    return model.predict(np.ascontiguousarray(seen)) + 1


def test_labels_are_scikit_learns_on_the_real_file(warehouse: Path) -> None:
    features = read(warehouse, "select * from marts.customer_features order by customer_id")
    labels = read(warehouse, "select segment_id from marts.customer_segments order by customer_id")
    assert (labels.segment_id.to_numpy() == predicted(warehouse, features)).all()
    assert labels.segment_id.nunique() == 7


def test_the_printed_query_labels_a_million_rows_as_scikit_learn_does(warehouse: Path) -> None:
    """The real rows, each over a hundred times, every value moved by up to a fifth, some values missing."""
    real = read(warehouse, "select * exclude (as_of_date) from marts.customer_features order by 1")
    names = sorted(
        read(warehouse, "select feature from marts.model_parameters where stage = 'impute'").feature
    )
    if read(warehouse, "select representation from marts.model_runs").representation[0] not in (
        "scaled",
        "pca",
    ):
        with pytest.raises(UserError, match="autoencoder"):
            scoring_sql(warehouse, "")
        return
    draw = np.random.default_rng(5)
    values = real[names].to_numpy()[draw.integers(len(real), size=ROWS)]
    values = values * draw.uniform(0.8, 1.2, size=values.shape)
    values[draw.random(values.shape) < 0.001] = np.nan
    customer_features = pd.DataFrame(values, columns=names).assign(
        customer_id=[f"{i:07}" for i in range(ROWS)]
    )
    done = run_command(warehouse, "scripts.scoring_sql")
    assert done.returncode == 0, done.stderr
    with duckdb.connect() as connection:
        connection.register("customer_features", customer_features)
        labels = (
            connection.sql(f"select segment_id from ({done.stdout}) order by customer_id").df().segment_id
        )
    expected = predicted(warehouse, customer_features)
    # Two sums of the same terms in another order may put a row that lies between two centroids apart.
    assert (labels.to_numpy() != expected).sum() == 0
    assert len(set(expected)) == 7


def test_an_unknown_model_is_one_sentence(warehouse: Path) -> None:
    with pytest.raises(UserError, match="no such model; make models lists them: m"):
        scoring_sql(warehouse, "m000000000000")


def test_the_query_is_written_as_dbt_writes_it(tmp_path: Path) -> None:
    """To the letter, for a model with something of every macro: logarithms, shares below, PCA."""
    features = {"balance": 1.5e-7, "payments": -0.0}
    knots = {f"knot_{place:02d}": {"balance": place // 2, "payments": 1 / 3} for place in range(0, 101, 5)}
    parameters = {
        "representation": "pca",
        "impute": {"median": features},
        "scale": {"center": features, "scale": features, "log": {"payments": 1}, "unit": features, **knots},
        "project": {axis: {"(intercept)": 0.1, **features} for axis in ("pca_1", "pca_2")},
        "centroid": {str(segment): {"pca_1": 0.7 * segment, "pca_2": 1e300} for segment in range(1, 12)},
    }
    variables = {"model": json.dumps(parameters), "source_kind": "summary"}
    done = run_dbt(
        ["compile", "--select", "customer_scores"], variables, work=Path(":memory:"), target=tmp_path
    )
    assert done.success, done.exception
    expected = str(done.result.results[0].node.compiled_code)
    made = compile_model(
        "scoring/customer_scores.sql",
        "scoring.sql",
        variables,
        lambda name: f'"memory"."{"scoring" if name == "customer_codes" else "model"}"."{name}"',
    )
    assert made == expected and len(made) > 5000
