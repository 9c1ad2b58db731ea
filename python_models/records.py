"""Records: what a training run hands over, one flat JSON object per row. Touches nothing.

SQL models unpack them, so a number must come back as the very double it was: Python writes the
shortest text that reads back exactly. Values without a number (NaN, infinite) become null.
"""

import json
import math
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import version
from numbers import Integral, Real

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models.elbow import Elbow
from python_models.kmeans import Partition
from python_models.measures import Measures, mean
from python_models.pca import component_names
from python_models.sample import Sample
from python_models.settings import Settings
from python_models.space import Space

FloatArray = NDArray[np.float64]
Value = str | int | float | bool | None
# The kind of record and its payload.
Record = tuple[str, dict[str, Value]]
# stage, component, feature, value
Parameter = tuple[str, str, str, float]

MODEL_ID_DIGITS = 12
# Enough to tell models apart, and blind to noise in the last digits.
SIGNIFICANT_DIGITS = 10
LIBRARIES = ("numpy", "pandas", "scikit-learn", "kneed")


@dataclass(frozen=True)
class Run:
    """All that came of a training run.

    Attributes:
        candidates: the curve's solution for each k.
        measures: of each candidate, in the same order.
        final: the model, its segments numbered by size.
        own_silhouettes: of the first rows of the sample under `final`, or None where undefined.
        seconds: per part of the run.
    """

    sample: Sample
    space: Space
    settings: Settings
    candidates: Sequence[Partition]
    measures: Sequence[Measures]
    elbow: Elbow
    final: Partition
    own_silhouettes: FloatArray | None
    seconds: Mapping[str, float]


def to_frame(records: Iterable[Record]) -> pd.DataFrame:
    """Lay records out as rows of text columns `record` and `payload`."""
    rows = [(kind, _json(payload)) for kind, payload in records]
    return pd.DataFrame(rows, columns=["record", "payload"], dtype=object)


def records_of(run: Run) -> Iterator[Record]:
    """Lay out a run: parameters, candidates, segments, components, and the run itself."""
    parameters = parameters_of(run)
    identity = model_id(parameters, asdict(run.settings))
    named: dict[str, Value] = {"model_id": identity}
    for stage, component, feature, value in parameters:
        yield (
            "parameter",
            named | {"stage": stage, "component": component, "feature": feature, "value": value},
        )
    for candidate, measures in zip(run.candidates, run.measures, strict=True):
        yield "candidate", named | _candidate(run, candidate, measures)
    for place, size in enumerate(run.final.sizes):
        yield (
            "segment",
            named
            | {
                "segment_id": place + 1,
                "customers_in_sample": int(size),
                "silhouette": _segment_silhouette(run, place),
                "stability": None,
            },
        )
    projection = run.space.projection
    for place, axis in enumerate(component_names(len(projection.loadings))):
        yield (
            "component",
            {
                "component": axis,
                "explained_variance": float(projection.explained_variance[place]),
                "explained_variance_share": float(projection.explained_variance_share[place]),
            },
        )
    yield "run", named | _summary(run)


def parameters_of(run: Run) -> list[Parameter]:
    """List every number that scoring needs: (stage, component, feature, value)."""
    names, space = run.sample.names, run.space
    tables = [("impute", "median", names, space.imputer.median)]
    for component, values in space.scaler.components().items():
        tables.append(("scale", component, names, values))
    for place, axis in enumerate(component_names(len(space.projection.loadings))):
        loadings = np.append(space.projection.loadings[place], space.projection.intercept[place])
        tables.append(("project", axis, (*names, "(intercept)"), loadings))
    for place, center in enumerate(run.final.centers):
        tables.append(("centroid", str(place + 1), space.dimensions, center))
    return [
        (stage, component, feature, float(value))
        for stage, component, features, values in tables
        for feature, value in zip(features, values, strict=True)
    ]


def model_id(parameters: Iterable[Parameter], settings: Mapping[str, Value]) -> str:
    """Name a model by what it is: 'm' and 12 hexadecimal digits of a SHA-256.

    Args:
        parameters: in any order; values count to 10 significant digits.
        settings: the parameters of the run.
    """
    canonical = {
        # Adding 0 turns -0.0 into 0.0.
        "parameters": sorted(
            (stage, component, feature, f"{value + 0.0:.{SIGNIFICANT_DIGITS - 1}e}")
            for stage, component, feature, value in parameters
        ),
        "settings": dict(settings),
    }
    return "m" + sha256(json.dumps(canonical, sort_keys=True).encode()).hexdigest()[:MODEL_ID_DIGITS]


def _candidate(run: Run, candidate: Partition, measures: Measures) -> dict[str, Value]:
    is_chosen = candidate.k == run.final.k
    return {
        "scaling": run.settings.scaling,
        "representation": run.settings.representation,
        "k": candidate.k,
        "inertia": candidate.inertia,
        **asdict(measures),
        "stability": None,
        "smallest_segment": int(candidate.sizes.min()),
        "is_elbow": candidate.k == run.elbow.k,
        "is_chosen": is_chosen,
        "reason": _reason(run) if is_chosen else _reason_against(candidate.k, run),
    }


def _segment_silhouette(run: Run, place: int) -> float | None:
    """Mean over the segment's rows among those measured; None where none was."""
    if run.own_silhouettes is None:
        return None
    return mean(run.own_silhouettes[run.final.labels[: len(run.own_silhouettes)] == place])


def _summary(run: Run) -> dict[str, Value]:
    settings = asdict(run.settings)
    return {
        "k_asked": settings.pop("k"),
        **settings,
        "k": run.final.k,
        "elbow_k": run.elbow.k,
        "reason": _reason(run),
        "rows_trained": len(run.sample.values),
        "features": ",".join(run.sample.features),
        "inertia": run.final.inertia,
        "silhouette": mean(run.own_silhouettes),
        **{f"seconds_{part}": taken for part, taken in run.seconds.items()},
        "python": platform.python_version(),
        **{library: version(library) for library in LIBRARIES},
    }


def _reason(run: Run) -> str:
    """Say why the chosen k was chosen."""
    asked = run.settings.k
    if asked is None:
        return run.elbow.reason
    if asked == run.elbow.k:
        return f"K={asked} was asked for; the elbow is there too"
    return f"K={asked} was asked for; the elbow is at {run.elbow.k}"


def _reason_against(k: int, run: Run) -> str:
    """Say why another k was not chosen."""
    if k == 1:
        return "one segment is the whole portfolio; it only starts the curve"
    if run.settings.k is None:
        return f"the elbow is at {run.elbow.k}"
    return f"{'the elbow, but ' if k == run.elbow.k else ''}K={run.settings.k} was asked for"


def _json(payload: Mapping[str, object]) -> str:
    return json.dumps({name: _plain(value) for name, value in payload.items()}, allow_nan=False)


def _plain(value: object) -> Value:
    """Turn NumPy's numbers into Python's, and what JSON cannot say into null."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    raise TypeError(f"a record cannot hold {type(value).__name__}")
