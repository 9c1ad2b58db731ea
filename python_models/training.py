"""The whole of the learning as one function: a frame of features in, a frame of records out."""

import hashlib
import json
import math
import platform
import time
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import (
    calinski_harabasz_score,
    davies_bouldin_score,
    pairwise_distances,
    silhouette_samples,
)
from threadpoolctl import threadpool_limits

from python_models.elbow import find_elbow, inertia_curve
from python_models.imputation import fit_median
from python_models.kmeans import Partition, fit_from, fit_plus_plus, number_by_size
from python_models.pca import component_names, fit_pca
from python_models.scaling import SCALINGS
from python_models.settings import Settings

FloatArray = NDArray[np.float64]

ID = "customer_id"
# Starts tried at a k beyond the curve, where no neighbour's solution helps.
STARTS_BEYOND_CURVE = 10


def train(features: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Impute, scale, project, choose k and fit KMeans.

    Args:
        features: one row per customer: `customer_id` and numeric feature columns, NaN where missing.
        settings: what to do.

    Returns:
        One row per record: `record` (parameter, candidate, segment, component or run) and `payload`, a
        flat JSON object. The result depends neither on the order of rows or columns nor on threads.

    Raises:
        ValueError: the features cannot be segmented; the message says why and what to do.

    """
    names, values = _checked(features)
    with threadpool_limits(limits=1):
        return _train(names, values, settings)


def _checked(features: pd.DataFrame) -> tuple[list[str], FloatArray]:
    """Feature names in order and values, rows in the order of the id's hash, which is as good as drawn."""
    names = sorted(name for name in features.columns if name != ID)
    ids = features[ID].astype(str)
    if ids.duplicated().any():
        raise ValueError(
            f"customer_id {ids[ids.duplicated()].iloc[0]} stands in two rows: expected one a customer"
        )
    for name in names:
        if not pd.api.types.is_numeric_dtype(features[name]):
            raise ValueError(f"{name} is not numeric: expected a number or nothing in every row")
        if np.isinf(features[name].to_numpy(dtype=np.float64, na_value=np.nan)).any():
            raise ValueError(f"{name} holds an infinite value: expected a number or nothing in every row")
    order = np.argsort([hashlib.md5(i.encode(), usedforsecurity=False).hexdigest() + i for i in ids])
    return names, features[names].to_numpy(dtype=np.float64, na_value=np.nan)[order]


def _train(names: list[str], values: FloatArray, settings: Settings) -> pd.DataFrame:
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    values = values[: settings.sample_rows]
    if len(values) == 0 or len(np.unique(np.nan_to_num(values, nan=-1.0), axis=0)) < 2:
        raise ValueError(
            f"the {len(values)} customers are all alike: a segmentation needs at least 2 that differ"
        )
    imputer = fit_median(values)
    scaler = SCALINGS[settings.scaling](imputer.transform(values))
    scaled = scaler.transform(imputer.transform(values))
    projection = fit_pca(scaled, settings.pca_variance if settings.representation == "pca" else None)
    axes = component_names(len(projection.loadings))
    points = projection.transform(scaled) if settings.representation == "pca" else scaled
    spaces = axes if settings.representation == "pca" else names
    seconds["prepare"] = time.perf_counter() - started

    started = time.perf_counter()
    rng = np.random.default_rng(settings.seed)
    curve_points = points[: settings.curve_rows]
    distinct = len(np.unique(curve_points, axis=0))
    if settings.k is not None and settings.k > distinct:
        raise ValueError(
            f"K={settings.k}: only {distinct} customers differ from each other; give a smaller K or leave it out"
        )
    curve = inertia_curve(curve_points, min(settings.k_max, distinct), rng)
    elbow = find_elbow([each.inertia for each in curve])
    k = settings.k or elbow.k
    if k > len(curve):
        fits = [fit_plus_plus(curve_points, k, rng, 0.0) for _ in range(STARTS_BEYOND_CURVE)]
        usable = [each for each in fits if each is not None]
        if not usable:
            raise ValueError(f"K={k}: the customers do not fall into that many segments; give a smaller K")
        curve = [*curve, min(usable, key=lambda each: each.inertia)]
    seconds["curve"] = time.perf_counter() - started

    started = time.perf_counter()
    chosen = next(each for each in curve if each.k == k)
    final = fit_from(points, chosen.centers, 0.0) or chosen
    if len(final.labels) != len(points):
        raise ValueError(f"K={k}: a segment lost all its customers on the full sample; give a smaller K")
    final = number_by_size(final)
    seconds["fit"] = time.perf_counter() - started

    started = time.perf_counter()
    rows = min(settings.silhouette_rows, len(curve_points))
    distances = pairwise_distances(points[:rows])
    measures = {each.k: _measures(curve_points, distances, each) for each in curve}
    own = _silhouettes(distances, final.labels[:rows])
    seconds["measures"] = time.perf_counter() - started

    reason = (
        f"the {elbow.found_by}" if settings.k is None else f"K={k} was asked for; the elbow is at {elbow.k}"
    )
    parameters = _parameters(names, spaces, imputer.median, scaler.components(), axes, projection, final)
    model_id = _model_id(parameters, settings)
    records: list[tuple[str, dict[str, Any]]] = [
        ("parameter", {"model_id": model_id, **p}) for p in parameters
    ]
    for each in curve:
        records.append(
            (
                "candidate",
                {
                    "model_id": model_id,
                    "scaling": settings.scaling,
                    "representation": settings.representation,
                    "k": each.k,
                    "inertia": each.inertia,
                    **measures[each.k],
                    "stability": None,
                    "smallest_segment": int(each.sizes.min()),
                    "is_elbow": each.k == elbow.k,
                    "is_chosen": each.k == k,
                    "reason": reason if each.k == k else None,
                },
            )
        )
    for segment, size in enumerate(final.sizes, start=1):
        of_segment = own[final.labels[:rows] == segment - 1] if own is not None else np.array([])
        records.append(
            (
                "segment",
                {
                    "model_id": model_id,
                    "segment_id": segment,
                    "customers_in_sample": int(size),
                    "silhouette": float(of_segment.mean()) if len(of_segment) else None,
                    "stability": None,
                },
            )
        )
    for axis, variance, share in zip(
        axes, projection.explained_variance, projection.explained_variance_share, strict=True
    ):
        records.append(
            (
                "component",
                {"component": axis, "explained_variance": variance, "explained_variance_share": share},
            )
        )
    libraries = {name: version(name) for name in ("numpy", "pandas", "scikit-learn", "kneed")}
    records.append(
        (
            "run",
            {
                "model_id": model_id,
                "seed": settings.seed,
                "scaling": settings.scaling,
                "representation": settings.representation,
                "k": k,
                "elbow_k": elbow.k,
                "reason": reason,
                "rows_trained": len(values),
                "features": ",".join(names),
                "inertia": final.inertia,
                "silhouette": float(own.mean()) if own is not None else None,
                **{f"seconds_{part}": taken for part, taken in seconds.items()},
                "python": platform.python_version(),
                **libraries,
            },
        )
    )
    return pd.DataFrame(
        {"record": [kind for kind, _ in records], "payload": [_json(payload) for _, payload in records]}
    )


def _silhouettes(distances: FloatArray, labels: NDArray[np.int64]) -> FloatArray | None:
    if not 2 <= len(np.unique(labels)) < len(labels):
        return None
    silhouettes: FloatArray = silhouette_samples(distances, labels, metric="precomputed")
    return silhouettes


def _measures(points: FloatArray, distances: FloatArray, partition: Partition) -> dict[str, float | None]:
    """Silhouette on the rows of `distances`, the others on all; none for one segment."""
    own = _silhouettes(distances, partition.labels[: len(distances)])
    enough = 2 <= partition.k < len(points)
    return {
        "silhouette": None if own is None else float(own.mean()),
        "davies_bouldin": float(davies_bouldin_score(points, partition.labels)) if enough else None,
        "calinski_harabasz": float(calinski_harabasz_score(points, partition.labels)) if enough else None,
    }


def _parameters(
    names: list[str],
    spaces: list[str],
    median: FloatArray,
    scale: Mapping[str, FloatArray],
    axes: list[str],
    projection: Any,
    final: Partition,
) -> list[dict[str, Any]]:
    """Every number that scoring needs, one row each."""
    rows: list[dict[str, Any]] = []

    def add(stage: str, component: str, features: list[str], numbers: FloatArray) -> None:
        for feature, number in zip(features, numbers, strict=True):
            rows.append({"stage": stage, "component": component, "feature": feature, "value": float(number)})

    add("impute", "median", names, median)
    for component, numbers in scale.items():
        add("scale", component, names, numbers)
    for axis, loadings, intercept in zip(axes, projection.loadings, projection.intercept, strict=True):
        add("project", axis, [*names, "(intercept)"], np.append(loadings, intercept))
    for segment, center in enumerate(final.centers, start=1):
        add("centroid", str(segment), spaces, center)
    return rows


def _model_id(parameters: list[dict[str, Any]], settings: Settings) -> str:
    canonical = [[p["stage"], p["component"], p["feature"], f"{p['value']:.9e}"] for p in parameters]
    text = json.dumps([canonical, vars(settings)], sort_keys=True)
    return "m" + hashlib.sha256(text.encode()).hexdigest()[:12]


def _json(payload: Mapping[str, Any]) -> str:
    """JSON with the shortest text that gives each double back; what is no number becomes null."""
    plain = {
        name: (None if isinstance(value, float) and not math.isfinite(value) else value)
        for name, value in ((n, float(v) if isinstance(v, np.floating) else v) for n, v in payload.items())
    }
    return json.dumps(plain)
