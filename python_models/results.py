"""What a training run hands over: one typed frame for each kind of result. Touches nothing.

COLUMNS (result_columns.py) is the one place that names and types the columns; SQL reads the frames as they are. Values
without a number (NaN, infinite) are empty.
"""

import json
import math
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from numbers import Integral, Real

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models.autoencoder import Autoencoder
from python_models.baseline import Baseline
from python_models.champion import Candidate, Choice, Gate
from python_models.elbow import Curve
from python_models.gap import Gap
from python_models.identity import Identities
from python_models.kmeans import Partition
from python_models.measures import mean
from python_models.pca import component_names
from python_models.result_columns import COLUMNS
from python_models.rules import Rule
from python_models.sample import Sample
from python_models.settings import Settings
from python_models.space import Space
from python_models.stability import Stability
from python_models.votes import Vote

FloatArray = NDArray[np.float64]
Value = str | int | float | bool | None
Row = dict[str, Value]
# stage, component, feature, value
Parameter = tuple[str, str, str, float]

MODEL_ID_DIGITS = 12
# Enough to tell models apart, and blind to noise in the last digits.
SIGNIFICANT_DIGITS = 10
LIBRARIES = ("numpy", "pandas", "scikit-learn", "kneed")
# Named only where an autoencoder was trained.
NETWORK_LIBRARIES = ("keras", "tensorflow")


@dataclass(frozen=True)
class Results:
    """The results of a training run, a frame each with the COLUMNS of its name; frames may be empty.

    Attributes:
        run: one row: what was chosen and how good it is; `details` is JSON with all settings, library versions and
            seconds per part.
        parameters: every number that scoring needs: stage (impute, scale, project, centroid), component, feature.
        candidates: every scaling x representation x k compared, its measures, stability and reason.
        curve: k = 1, 2, ... in the champion's space.
        baseline: what drift is measured against, see python_models/baseline.py.
        votes: the k that each method would take, in words.
        segments: one row per segment; where no model came before, 1 is the largest.
        rule_conditions: rule and condition count from 1.
        components: the principal components, by the variance they explain.
        autoencoders: the networks that were trained.
        epochs: their training curves.
        reconstruction: their mean squared error per scaled feature, beside that of as many components.
        encoder_layers: their layers as numbers.
    """

    run: pd.DataFrame
    parameters: pd.DataFrame
    candidates: pd.DataFrame
    curve: pd.DataFrame
    baseline: pd.DataFrame
    votes: pd.DataFrame
    segments: pd.DataFrame
    rule_conditions: pd.DataFrame
    components: pd.DataFrame
    autoencoders: pd.DataFrame
    epochs: pd.DataFrame
    reconstruction: pd.DataFrame
    encoder_layers: pd.DataFrame


@dataclass(frozen=True)
class Network:
    """An autoencoder, the space whose scaled features it learned from, and the seconds it took."""

    space: Space
    fitted: Autoencoder
    seconds: float

    @property
    def name(self) -> str:
        """The autoencoder's."""
        return self.fitted.encoder.name


@dataclass(frozen=True)
class Run:
    """All that came of a training run.

    Attributes:
        candidates: everything compared; choice.place is the champion's index.
        curve: in the champion's space.
        stabilities: Jaccard of the least stable segment for each k of the curve, None where not known.
        final: the model, its segments in the order of their size.
        identities: of those segments.
        stability: of the model's segments, on all resamples.
        own_silhouettes: of the first rows of the sample under `final`, or None where undefined.
        tree_accuracy: of the model.
        rules: that describe the model's segments.
        baseline: of the sample under the model.
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
    identities: Identities
    stability: Stability
    own_silhouettes: FloatArray | None
    tree_accuracy: float | None
    rules: Sequence[Rule]
    baseline: Sequence[Baseline]
    networks: Sequence[Network]
    seconds: Mapping[str, float]

    @property
    def space(self) -> Space:
        """The champion's."""
        return self.candidates[self.choice.place].space

    @property
    def gate(self) -> Gate:
        """What a model must hold to be valid."""
        return Gate(self.settings.min_jaccard, self.settings.min_segment_share)

    @property
    def fault(self) -> str | None:
        """Why the model is not valid (a segment unstable or too small), or None."""
        champion = self.candidates[self.choice.place]
        return self.gate.fault(replace(champion, partition=self.final, stability=self.stability))

    @property
    def reason(self) -> str:
        """Why the champion was chosen."""
        return self.choice.reasons[self.choice.place]


def results_of(run: Run) -> Results:
    """Lay out a run as typed frames."""
    parameters = parameters_of(run)
    named: Row = {"model_id": model_id(parameters, run.settings.as_row())}
    columns = ("stage", "component", "feature", "value")
    rows: dict[str, Iterable[Row]] = {
        "run": [_run_row(run, named)],
        "parameters": (named | dict(zip(columns, each, strict=True)) for each in parameters),
        "candidates": (named | _candidate(run, *each) for each in enumerate(run.candidates)),
        "curve": (_curve_point(run, place) for place in range(len(run.curve.partitions))),
        "baseline": (asdict(each) for each in run.baseline),
        "votes": (asdict(vote) for vote in run.votes),
        "segments": (_segment(run, place) for place in range(run.final.k)),
        "rule_conditions": _rule_conditions(run),
        "components": _components(run),
        "autoencoders": (_network(run, network) for network in run.networks),
        "epochs": (row for network in run.networks for row in _epochs(network)),
        "reconstruction": (row for network in run.networks for row in _reconstruction(run, network)),
        "encoder_layers": (
            {**named, **row} for network in run.networks for row in network.fitted.encoder.rows()
        ),
    }
    return Results(**{name: typed(rows[name], types) for name, types in COLUMNS.items()})


def typed(rows: Iterable[Row], types: Mapping[str, str]) -> pd.DataFrame:
    """Lay rows out as a frame.

    Args:
        rows: each with every column; NaN and infinite numbers become empty values.
        types: pandas' type of each column, see COLUMNS.

    Raises:
        ValueError: a row has other columns.
        TypeError: a value is no text, number, flag or None.

    """
    given = [{name: _plain(value) for name, value in row.items()} for row in rows]
    for row in given:
        if row.keys() != types.keys():
            raise ValueError(f"a row with {sorted(row)} is no row of {sorted(types)}")
    return pd.DataFrame(given, columns=list(types), dtype=object).astype(dict(types))


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
        tables.append(("centroid", str(run.identities.segment_ids[place]), space.dimensions, center))
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


def _candidate(run: Run, place: int, candidate: Candidate) -> Row:
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


def _curve_point(run: Run, place: int) -> Row:
    partition = run.curve.partitions[place]
    gaps = run.gap.gaps
    return {
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


def _segment(run: Run, place: int) -> Row:
    size = int(run.final.sizes[place])
    jaccard = float(run.stability.per_segment[place])
    is_small = size / len(run.final.labels) < run.gate.min_share
    return {
        "segment_id": run.identities.segment_ids[place],
        "continues": run.identities.similarities[place],
        "customers_in_sample": size,
        "silhouette": _segment_silhouette(run, place),
        "stability": jaccard,
        "is_unstable": jaccard < run.gate.min_jaccard or is_small,
    }


def _rule_conditions(run: Run) -> Iterator[Row]:
    for rule in run.rules:
        for number, alternative in enumerate(rule.alternatives, start=1):
            for place, condition in enumerate(alternative, start=1):
                yield {
                    "segment_id": run.identities.segment_ids[rule.place],
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


def _components(run: Run) -> Iterator[Row]:
    projection = run.space.projection
    for place, axis in enumerate(component_names(len(projection.loadings))):
        yield {
            "component": axis,
            "explained_variance": float(projection.explained_variance[place]),
            "explained_variance_share": float(projection.explained_variance_share[place]),
        }


def _network(run: Run, network: Network) -> Row:
    fitted = network.fitted
    return {
        "autoencoder": network.name,
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
    }


def _epochs(network: Network) -> Iterator[Row]:
    for epoch, loss, held_out in network.fitted.curve:
        yield {"autoencoder": network.name, "epoch": epoch, "loss": loss, "held_out_loss": held_out}


def _reconstruction(run: Run, network: Network) -> Iterator[Row]:
    fitted = network.fitted
    for feature, ours, theirs in zip(run.sample.names, fitted.feature_errors, fitted.pca_errors, strict=True):
        yield {
            "autoencoder": network.name,
            "feature": feature,
            "mse": float(ours),
            "pca_mse": float(theirs),
        }


def _run_row(run: Run, named: Row) -> Row:
    """The run's row; what a table has no column for stands in `details`."""
    summary = _summary(run)
    kept = ("scaling", "representation", "reason", "warning", "k", "elbow_k", "seed", "inertia", "silhouette")
    more = ("stability", "adjusted_rand", "tree_accuracy", "is_stable")
    return {
        **named,
        **{name: summary[name] for name in (*kept, *more)},
        "customers_trained_on": summary["rows_trained"],
        "relabelled": run.identities.relabelled,
        "seconds": sum(run.seconds.values()),
        "details": _json(named | summary),
    }


def _summary(run: Run) -> Row:
    settings: Row = dict(run.settings.as_row())
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
    raise TypeError(f"a result cannot hold {type(value).__name__}")
