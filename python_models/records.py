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
from importlib.metadata import PackageNotFoundError, version
from numbers import Integral, Real

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models.autoencoder import Autoencoder
from python_models.champion import Candidate, Choice, Gate
from python_models.elbow import Elbow
from python_models.gap import Gap
from python_models.kmeans import Partition
from python_models.measures import Measures, mean
from python_models.pca import component_names
from python_models.rules import Rule
from python_models.sample import Sample
from python_models.settings import Settings
from python_models.space import Space
from python_models.stability import Stability
from python_models.votes import Vote

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
# Named only where an autoencoder was trained.
NETWORK_LIBRARIES = ("keras", "tensorflow")


@dataclass(frozen=True)
class Curve:
    """Solutions for k = 1, 2, ... in the champion's space, their measures, and the elbow."""

    partitions: Sequence[Partition]
    measures: Sequence[Measures]
    elbow: Elbow


@dataclass(frozen=True)
class Network:
    """An autoencoder, the space whose scaled features it learned from, and the seconds it took."""

    space: Space
    fitted: Autoencoder
    seconds: float


@dataclass(frozen=True)
class Run:
    """All that came of a training run.

    Attributes:
        candidates: everything compared; choice.place is the champion's index.
        curve: in the champion's space.
        stabilities: Jaccard of the least stable segment for each k of the curve, None where not known.
        final: the model, its segments numbered by size.
        fault: why the model is not valid (a segment unstable or too small), or None.
        stability: of the model's segments, on all resamples.
        own_silhouettes: of the first rows of the sample under `final`, or None where undefined.
        tree_accuracy: of the model.
        rules: that describe the model's segments.
        seconds: per part of the run.
    """

    sample: Sample
    settings: Settings
    candidates: Sequence[Candidate]
    choice: Choice
    curve: Curve
    gap: Gap
    votes: Sequence[Vote]
    stabilities: Sequence[float | None]
    final: Partition
    fault: str | None
    stability: Stability
    gate: Gate
    own_silhouettes: FloatArray | None
    tree_accuracy: float | None
    rules: Sequence[Rule]
    networks: Sequence[Network]
    seconds: Mapping[str, float]

    @property
    def space(self) -> Space:
        """The champion's."""
        return self.candidates[self.choice.place].space

    @property
    def reason(self) -> str:
        """Why the champion was chosen."""
        return self.choice.reasons[self.choice.place]


def to_frame(records: Iterable[Record]) -> pd.DataFrame:
    """Lay records out as rows of text columns `record` and `payload`."""
    rows = [(kind, _json(payload)) for kind, payload in records]
    return pd.DataFrame(rows, columns=["record", "payload"], dtype=object)


def records_of(run: Run) -> Iterator[Record]:
    """Lay out a run, one kind of record after the other."""
    parameters = parameters_of(run)
    named: dict[str, Value] = {"model_id": model_id(parameters, run.settings.as_row())}
    for stage, component, feature, value in parameters:
        yield (
            "parameter",
            named | {"stage": stage, "component": component, "feature": feature, "value": value},
        )
    for place, candidate in enumerate(run.candidates):
        yield "candidate", named | _candidate(run, place, candidate)
    for place in range(len(run.curve.partitions)):
        yield "curve", named | _curve_point(run, place)
    for vote in run.votes:
        yield "vote", named | {"method": vote.method, "k": vote.k, "words": vote.words}
    for place in range(run.final.k):
        yield "segment", named | _segment(run, place)
    for payload in _rule_conditions(run.rules):
        yield "rule_condition", named | payload
    for kind, payload in _components(run):
        yield kind, named | payload
    for network in run.networks:
        for kind, payload in _network(run, network):
            yield kind, named | payload
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


def _candidate(run: Run, place: int, candidate: Candidate) -> dict[str, Value]:
    stability = candidate.stability
    return {
        "scaling": candidate.space.scaling,
        "representation": candidate.space.representation,
        "k": candidate.k,
        "inertia": candidate.partition.inertia,
        **asdict(candidate.measures),
        "stability": stability.worst,
        "mean_jaccard": float(stability.per_segment.mean()),
        "adjusted_rand": stability.rand,
        "resamples": stability.resamples,
        "tree_accuracy": candidate.tree_accuracy,
        "seed_agreement": candidate.seed_agreement,
        "smallest_segment": int(candidate.partition.sizes.min()),
        "smallest_share": candidate.smallest_share,
        "is_valid": run.gate.fault(candidate) is None,
        "is_chosen": place == run.choice.place,
        "reason": run.choice.reasons[place],
        "seconds": candidate.seconds,
    }


def _curve_point(run: Run, place: int) -> dict[str, Value]:
    partition = run.curve.partitions[place]
    gaps = run.gap.gaps
    return {
        "scaling": run.space.scaling,
        "representation": run.space.representation,
        "k": partition.k,
        "inertia": partition.inertia,
        **asdict(run.curve.measures[place]),
        "gap": float(gaps[place]) if place < len(gaps) else None,
        "gap_error": float(run.gap.errors[place]) if place < len(gaps) else None,
        "stability": run.stabilities[place] if place < len(run.stabilities) else None,
        "smallest_segment": int(partition.sizes.min()),
        "is_elbow": partition.k == run.curve.elbow.k,
        "is_chosen": partition.k == run.final.k,
    }


def _segment(run: Run, place: int) -> dict[str, Value]:
    size = int(run.final.sizes[place])
    jaccard = float(run.stability.per_segment[place])
    is_small = size / len(run.final.labels) < run.gate.min_share
    return {
        "segment_id": place + 1,
        "customers_in_sample": size,
        "silhouette": _segment_silhouette(run, place),
        "stability": jaccard,
        "is_unstable": jaccard < run.gate.min_jaccard or is_small,
    }


def _rule_conditions(rules: Sequence[Rule]) -> Iterator[dict[str, Value]]:
    for rule in rules:
        for number, alternative in enumerate(rule.alternatives, start=1):
            for place, condition in enumerate(alternative, start=1):
                yield {
                    "segment_id": rule.segment_id,
                    "rule": number,
                    "condition": place,
                    "feature": condition.feature,
                    "operator": condition.operator,
                    "threshold": condition.threshold,
                }


def _segment_silhouette(run: Run, place: int) -> float | None:
    """Mean over the segment's rows among those measured; None where none was."""
    if run.own_silhouettes is None:
        return None
    return mean(run.own_silhouettes[run.final.labels[: len(run.own_silhouettes)] == place])


def _components(run: Run) -> Iterator[Record]:
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
        for feature, loading in zip(run.sample.names, projection.loadings[place], strict=True):
            yield "loading", {"component": axis, "feature": feature, "loading": float(loading)}


def _network(run: Run, network: Network) -> Iterator[Record]:
    fitted = network.fitted
    name = fitted.encoder.name
    yield (
        "autoencoder",
        {
            "name": name,
            "scaling": network.space.scaling,
            # Scoring reads the codes of the same scaled features that the model reads.
            "is_of_model_scaling": network.space.scaling == run.space.scaling,
            "codes": fitted.encoder.codes,
            "units": fitted.units,
            "dead_units": fitted.dead_units,
            "weights": fitted.weights,
            "epochs": len(fitted.curve),
            "mse": fitted.error,
            "pca_mse": fitted.pca_error,
            "seconds": network.seconds,
        },
    )
    for epoch, loss, held_out in fitted.curve:
        yield "epoch", {"name": name, "epoch": epoch, "loss": loss, "val_loss": held_out}
    for feature, ours, theirs in zip(run.sample.names, fitted.feature_errors, fitted.pca_errors, strict=True):
        yield (
            "reconstruction",
            {"name": name, "feature": feature, "mse": float(ours), "pca_mse": float(theirs)},
        )
    for row in fitted.encoder.rows():
        yield "encoder", dict(row)


def _summary(run: Run) -> dict[str, Value]:
    settings: dict[str, Value] = dict(run.settings.as_row())
    asked = {f"{name}_asked": settings.pop(name) for name in ("k", "scaling", "representation")}
    libraries = (*LIBRARIES, *(NETWORK_LIBRARIES if run.networks else ()))
    return {
        **asked,
        **settings,
        "scaling": run.space.scaling,
        "representation": run.space.representation,
        "k": run.final.k,
        "elbow_k": run.curve.elbow.k,
        "reason": run.reason,
        "is_stable": run.fault is None,
        "warning": run.fault,
        "candidates": len(run.candidates),
        "rows_trained": len(run.sample.values),
        "features": ",".join(run.sample.features),
        "inertia": run.final.inertia,
        "silhouette": mean(run.own_silhouettes),
        "stability": run.stability.worst,
        "adjusted_rand": run.stability.rand,
        "tree_accuracy": run.tree_accuracy,
        **{f"seconds_{part}": taken for part, taken in run.seconds.items()},
        "python": platform.python_version(),
        **{library: _version(library) for library in libraries},
    }


def _version(library: str) -> str:
    # TensorFlow is one module in several distributions, as tensorflow-cpu.
    names = [library] if library != "tensorflow" else [library, "tensorflow-cpu", "tensorflow-intel"]
    for name in names:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "unknown"


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
