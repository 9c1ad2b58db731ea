"""Candidates: the partitions of each space for each k, fitted, measured and resampled. Touches nothing."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from python_models.champion import (
    FIRST_RESAMPLES,
    HOPELESS_AT_FIRST,
    MORE_RESAMPLES,
    SCREEN_RESAMPLES,
    Candidate,
    in_the_running,
    is_hopeful,
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
IntArray = NDArray[np.int64]


def candidates_in(
    spaces: Sequence[Space], problem: Problem, related: Sequence[Candidate] = ()
) -> list[Candidate]:
    """Fit, measure and resample a few times k = 2 to candidates_k_max in each space, and the k asked for.

    related: candidates of earlier spaces, whose segments say where to start in those of the same scaling.
    """
    # Of one scaling each space starts from what the first one found, so these are fitted one after the other.
    groups = [[each] for each in spaces]
    if not related:
        groups = [list(group) for _, group in groupby(spaces, key=lambda each: each.scaling)]
    fitted = side_by_side(lambda group: _fitted(group, problem, _labels(related, group[0].scaling)), groups)
    return side_by_side(lambda each: _candidate(*each, problem), [each for group in fitted for each in group])


def _labels(candidates: Sequence[Candidate], scaling: str) -> dict[int, IntArray]:
    """Labels by k, of the first representation among the candidates of a scaling."""
    alike = [each for each in candidates if each.space.scaling == scaling]
    return {each.k: each.partition.labels for each in alike if each.family == alike[0].family}


def _fitted(
    spaces: Sequence[Space], problem: Problem, known: Mapping[int, IntArray]
) -> list[tuple[Space, Partition, float]]:
    """Partitions of the spaces of one scaling, each with its share of the seconds."""
    settings = problem.settings
    found = []
    for space in spaces:
        started = time.perf_counter()
        points = _screening_points(space, problem)
        distinct = count_distinct(points, problem.largest_k)
        rng = np.random.default_rng(settings.seed)
        curve = inertia_curve(points, min(settings.candidates_k_max, distinct), rng, known)
        partitions = curve[1:]
        if settings.k is not None and len(curve) < settings.k <= distinct:
            beyond = fit_beyond(points, curve, settings.k, rng)
            partitions = [*partitions, *([beyond] if beyond is not None else [])]
        share = (time.perf_counter() - started) / max(len(partitions), 1)
        found += [(space, each, share) for each in partitions]
        known = known or {each.k: each.labels for each in partitions}
    return found


def screened(candidates: Sequence[Candidate], problem: Problem) -> list[Candidate]:
    """Look closer at those that the rule may still come to: more resamples, and the tree."""
    running = in_the_running(candidates, problem.gate)
    return side_by_side(
        lambda each: looked_at(each[0], problem) if each[1] else each[0],
        zip(candidates, running, strict=True),
    )


def looked_at(candidate: Candidate, problem: Problem) -> Candidate:
    """Bring a candidate up to the resamples of the screen, and ask the tree about one that is valid."""
    if candidate.stability.resamples >= SCREEN_RESAMPLES:
        return candidate
    started = time.perf_counter()
    more = with_resamples(candidate, problem.settings.seed, SCREEN_RESAMPLES)
    is_valid = problem.gate.fault(more) is None
    accuracy = tree_accuracy(problem.filled, candidate.partition.labels) if is_valid else None
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
    seed = problem.settings.seed
    stability = bootstrap(space.points, partition, seed, range(FIRST_RESAMPLES))
    candidate = Candidate(space, partition, problem.measures(partition), stability, None, None, 0.0)
    if is_hopeful(candidate, problem.gate, HOPELESS_AT_FIRST):
        candidate = with_resamples(candidate, seed, MORE_RESAMPLES)
    return replace(candidate, seconds=seconds + time.perf_counter() - started)
