"""Candidates: the partitions of each space for each k, fitted, measured and resampled. Touches nothing."""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from python_models.champion import (
    FIRST_RESAMPLES,
    SCREEN_RESAMPLES,
    Candidate,
    in_the_running,
    with_resamples,
)
from python_models.elbow import fit_beyond, inertia_curve
from python_models.explain import tree_accuracy
from python_models.kmeans import Partition
from python_models.problem import Problem
from python_models.sample import count_distinct
from python_models.space import Space
from python_models.stability import BOOTSTRAP_ROWS, bootstrap
from python_models.workers import side_by_side

FloatArray = NDArray[np.float64]


def candidates_in(space: Space, problem: Problem) -> list[Candidate]:
    """Fit, measure and resample a few times k = 2 to candidates_k_max in a space, and the k asked for."""
    settings = problem.settings
    started = time.perf_counter()
    points = _screening_points(space, problem)
    distinct = count_distinct(points, problem.largest_k)
    rng = np.random.default_rng(settings.seed)
    curve = inertia_curve(points, min(settings.candidates_k_max, distinct), rng)
    partitions = curve[1:]
    if settings.k is not None and len(curve) < settings.k <= distinct:
        beyond = fit_beyond(points, curve, settings.k, rng)
        partitions = [*partitions, *([beyond] if beyond is not None else [])]
    share = (time.perf_counter() - started) / max(len(partitions), 1)
    return [_candidate(space, each, share, problem) for each in partitions]


def screened(candidates: Sequence[Candidate], problem: Problem) -> list[Candidate]:
    """Look closer at those that the rule may still come to: more resamples, and the tree."""
    running = in_the_running(candidates, problem.gate)
    return side_by_side(
        lambda each: looked_at(each[0], problem) if each[1] else each[0],
        zip(candidates, running, strict=True),
    )


def looked_at(candidate: Candidate, problem: Problem) -> Candidate:
    """Bring a candidate up to the resamples of the screen, and ask the tree about it."""
    if candidate.stability.resamples >= SCREEN_RESAMPLES:
        return candidate
    started = time.perf_counter()
    more = with_resamples(candidate, problem.settings.seed, SCREEN_RESAMPLES)
    accuracy = tree_accuracy(problem.filled, candidate.partition.labels)
    taken = candidate.seconds + time.perf_counter() - started
    return replace(more, tree_accuracy=accuracy, seconds=taken)


def _screening_points(space: Space, problem: Problem) -> FloatArray:
    """Rows that candidates are fitted on: the first, or all where too few of the first ones differ."""
    first = space.points[: min(BOOTSTRAP_ROWS, problem.settings.curve_rows)]
    wanted = problem.largest_k
    is_poor = count_distinct(first, wanted) < count_distinct(space.points, wanted)
    return space.points if is_poor else first


def _candidate(space: Space, partition: Partition, seconds: float, problem: Problem) -> Candidate:
    started = time.perf_counter()
    stability = bootstrap(space.points, partition, problem.settings.seed, range(FIRST_RESAMPLES))
    measures = problem.measures(partition)
    taken = seconds + time.perf_counter() - started
    return Candidate(space, partition, measures, stability, None, None, taken)
