"""A model as it is stored: labels customers again from its numbers, as the scoring query does. Touches nothing.

For the customers of a sample and for those whom a model labels no longer; everybody's labels come from SQL
(dbt_project/macros/scoring.sql). Needs neither scikit-learn nor TensorFlow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models.encoder import Encoder, encoder_from_rows
from python_models.imputation import Imputer
from python_models.pca import Projection
from python_models.scaling import Scaler, scaler_from_components

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Rows at a time: k distances each are in memory.
BATCH = 50_000


@dataclass(frozen=True)
class StoredModel:
    """What labels a customer.

    Attributes:
        model_id: its name.
        features: names of the features it reads, sorted: the columns of all arrays.
        centers: shape (segments, dimensions), in the space that KMeans saw.
        segment_ids: shape (segments,), rising.
        see: None where KMeans saw the scaled features; else what makes its points of them.
    """

    model_id: str
    features: tuple[str, ...]
    imputer: Imputer
    scaler: Scaler
    see: Projection | Encoder | None
    centers: FloatArray
    segment_ids: IntArray

    def scaled(self, values: FloatArray) -> FloatArray:
        """Impute and scale values, shape (rows, features), raw units, NaN where missing."""
        return self.scaler.transform(self.imputer.transform(values))

    def labels(self, values: FloatArray) -> IntArray:
        """Segment of each row of values, shape (rows, features), raw units, NaN where missing; ties go to the lower id."""
        found = [
            self._labels(values[start : start + BATCH]) for start in range(0, max(len(values), 1), BATCH)
        ]
        return np.concatenate(found)

    def _labels(self, values: FloatArray) -> IntArray:
        scaled = self.scaled(values)
        points = scaled if self.see is None else self.see.transform(scaled)
        relative = (self.centers**2).sum(axis=1) - 2 * points @ self.centers.T
        nearest: IntArray = self.segment_ids[relative.argmin(axis=1)]
        return nearest


def stored_model(
    model_id: str, representation: str, parameters: pd.DataFrame, layers: pd.DataFrame
) -> StoredModel:
    """Read a model from its rows.

    Args:
        model_id: its name.
        representation: scaled, pca or the name of an autoencoder.
        parameters: of `python_models.results.Results`, of this model alone.
        layers: its `encoder_layers`; may be empty where the representation is no autoencoder.

    Raises:
        ValueError: a number or a layer is missing.

    """
    stages: dict[str, dict[str, dict[str, float]]] = {}
    rows = zip(*(parameters[name] for name in ("stage", "component", "feature", "value")), strict=True)
    for stage, component, feature, value in rows:
        stages.setdefault(stage, {}).setdefault(component, {})[feature] = float(value)
    try:
        features = tuple(sorted(stages["impute"]["median"]))
        scale = {name: _row(values, features) for name, values in stages["scale"].items()}
        project = dict(sorted(stages["project"].items(), key=lambda item: int(item[0].rpartition("_")[2])))
        centroids = {int(segment): values for segment, values in stages["centroid"].items()}
        segments = sorted(centroids)
        see: Projection | Encoder | None = None
        if representation == "scaled":
            dimensions = features
        elif representation == "pca":
            see, dimensions = _projection(project, features), tuple(project)
        else:
            see = encoder_from_rows(layers[layers["autoencoder"] == representation].to_dict("records"))
            dimensions = tuple(sorted(centroids[segments[0]], key=lambda name: int(name.rpartition("_")[2])))
        return StoredModel(
            model_id,
            features,
            Imputer(_row(stages["impute"]["median"], features)),
            scaler_from_components(scale),
            see,
            np.array([_row(centroids[segment], dimensions) for segment in segments]),
            np.array(segments, dtype=np.int64),
        )
    except (KeyError, IndexError) as error:
        raise ValueError(
            f"model {model_id} lacks {error}: its rows are damaged; learn again by RETRAIN=1"
        ) from None


def model_of(models: Any, model_id: str) -> StoredModel:
    """Read a model from the table of all models.

    Args:
        models: a relation of DuckDB with `model_id` and the results of the learning, each a list of rows.
        model_id: of one of them.

    Raises ValueError as stored_model does.
    """
    row = models.filter(f"model_id = '{model_id}'")
    parameters, layers = (
        row.project(f"unnest({name}, recursive := true)").df() for name in ("parameters", "encoder_layers")
    )
    (representation,) = row.project("run[1].representation").fetchone()
    return stored_model(model_id, representation, parameters, layers)


def _row(values: dict[str, float], names: Sequence[str]) -> FloatArray:
    return np.array([values[name] for name in names])


def _projection(project: dict[str, dict[str, float]], features: Sequence[str]) -> Projection:
    loadings = np.array([_row(weights, features) for weights in project.values()])
    intercept = np.array([weights["(intercept)"] for weights in project.values()])
    unknown = np.full(len(intercept), np.nan)
    return Projection(loadings, intercept, unknown, unknown)
