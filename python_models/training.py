"""The whole of the learning as one function: a frame of features in, a frame of records out.

Touches nothing but its arguments. Everything heavy is imported before `train` bounds the threads,
since only libraries already loaded heed the bound.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from python_models.elbow import find_elbow, fit_beyond, inertia_curve
from python_models.kmeans import LARGEST_SEED, Partition, fit_from, fit_plus_plus, number_by_size
from python_models.measures import (
    Measures,
    calinski_harabasz,
    davies_bouldin,
    mean,
    pairwise_distances,
    silhouettes,
)
from python_models.records import Run, records_of, to_frame
from python_models.sample import count_distinct, draw_sample
from python_models.settings import Settings
from python_models.space import Space, prepare

FloatArray = NDArray[np.float64]

# k-means++ starts on the whole sample, beside the curve's solution.
FINAL_STARTS = 3


def train(features: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Impute, scale, project, choose k and fit KMeans.

    The result depends neither on the order of rows or columns nor on the number of threads; only
    the seconds in the record `run` differ between runs.

    Args:
        features: column `customer_id`, one row per customer, and numeric feature columns in raw
            units, NaN where missing.
        settings: what to do.

    Returns:
        One row per record: `record` names its kind and `payload` is one flat JSON object.

        - parameter: model_id, stage (impute, scale, project, centroid), component, feature, value;
        - candidate: the curve's solution at one k and its measures, whether it is_elbow and is_chosen;
        - segment: segment_id (1 is the largest), customers_in_sample, silhouette;
        - component: explained_variance and explained_variance_share of a principal component;
        - run: what was asked for, what came of it, library versions, seconds per part.

        Inertia is in the space that KMeans sees. Silhouette, Davies-Bouldin and Calinski-Harabasz
        are in the space of all scaled features, whatever the representation, since measures of
        different spaces must not be compared; candidates' are of the customers on the curve.

    Raises:
        ValueError: the features cannot be segmented, or not into K segments; one sentence says why.
    """
    clock = Clock()
    # Threads add up in another order, and the last digits differ.
    with threadpool_limits(limits=1):
        with clock.part("prepare"):
            sample = draw_sample(features, settings.sample_rows)
            space = prepare(sample, settings)
        with clock.part("curve"):
            rng = np.random.default_rng(settings.seed)
            curve = _curve(space, settings, rng)
            elbow = find_elbow([each.inertia for each in curve])
            k = settings.k or elbow.k
            candidates = _with_asked(space, curve, k, rng)
        with clock.part("fit"):
            chosen = next(each for each in candidates if each.k == k)
            final = number_by_size(_fit_on_sample(space, chosen, rng))
        with clock.part("measures"):
            measured = min(settings.silhouette_rows, len(candidates[0].labels))
            distances = pairwise_distances(space.scaled[:measured])
            measures = [_measures(space, distances, each) for each in candidates]
            own = silhouettes(distances, final.labels[:measured])
    run = Run(sample, space, settings, candidates, measures, elbow, final, own, clock.seconds)
    return to_frame(records_of(run))


class Clock:
    """Seconds per named part of the run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time what happens inside."""
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started


def _curve(space: Space, settings: Settings, rng: np.random.Generator) -> list[Partition]:
    """Fit the curve on its first rows, or on all where too few of the first ones differ."""
    wanted = max(settings.k_max, settings.k or 0)
    distinct = count_distinct(space.points, wanted)
    if settings.k is not None and settings.k > distinct:
        raise _too_many(settings.k, distinct)
    on_curve = space.points[: settings.curve_rows]
    if count_distinct(on_curve, wanted) < distinct:
        on_curve = space.points
    curve = inertia_curve(on_curve, min(settings.k_max, distinct), rng)
    if len(curve) < 2:
        raise ValueError("the customers differ too little to be told apart: check the features' values")
    return curve


def _with_asked(space: Space, curve: list[Partition], k: int, rng: np.random.Generator) -> list[Partition]:
    """Add a k that was asked for beyond the curve."""
    if k <= len(curve):
        return curve
    beyond = fit_beyond(space.points[: len(curve[0].labels)], curve, k, rng)
    if beyond is None:
        raise _too_many(k, len(curve))
    return [*curve, beyond]


def _too_many(k: int, possible: int) -> ValueError:
    return ValueError(
        f"K={k}: only {possible} segments can be told apart, since the other customers repeat their features; "
        f"give at most {possible}, or leave K out to choose it by the elbow"
    )


def _fit_on_sample(space: Space, chosen: Partition, rng: np.random.Generator) -> Partition:
    """Fit the chosen k on all rows; where the curve saw them all, its solution is the fit."""
    if len(chosen.labels) == len(space.points):
        return chosen
    # Drawn before it is known which start wins, so that every path uses the generator alike.
    starts = [np.random.default_rng(int(seed)) for seed in rng.integers(LARGEST_SEED, size=FINAL_STARTS)]
    found = [
        fit_from(space.points, chosen.centers, 0.0),
        *(fit_plus_plus(space.points, chosen.k, start, 0.0) for start in starts),
    ]
    made = [each for each in found if each is not None]
    if not made:
        raise _too_many(chosen.k, chosen.k - 1)
    return min(made, key=lambda each: each.inertia)


def _measures(space: Space, distances: FloatArray, partition: Partition) -> Measures:
    """Measure a partition of the first rows in the common space, its silhouette on fewer."""
    points = space.scaled[: len(partition.labels)]
    return Measures(
        silhouette=mean(silhouettes(distances, partition.labels[: len(distances)])),
        davies_bouldin=davies_bouldin(points, partition.labels),
        calinski_harabasz=calinski_harabasz(points, partition.labels),
    )
