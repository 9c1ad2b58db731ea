"""The final fit: the champion's curve over k, and the champion on all customers of the sample. Touches nothing."""

from collections.abc import Sequence

import numpy as np

from python_models.champion import Candidate
from python_models.elbow import Curve, find_elbow, fit_beyond, inertia_curve
from python_models.kmeans import LARGEST_SEED, Partition, fit_from, fit_plus_plus, number_by_size
from python_models.problem import Problem
from python_models.sample import count_distinct
from python_models.workers import side_by_side

# k-means++ starts, beside those from the candidate's and the curve's solutions.
FINAL_STARTS = 8


def curve_of(champion: Candidate, candidates: Sequence[Candidate], problem: Problem) -> Curve:
    """Fit the curve over k in the champion's space, on its first rows or on all where those are alike.

    It starts from what the candidates of that space have found on fewer customers.

    Raises:
        ValueError: not even two segments can be told apart.

    """
    settings, points = problem.settings, champion.space.points
    distinct = count_distinct(points, settings.k_max)
    on_curve = points[: settings.curve_rows]
    if count_distinct(on_curve, settings.k_max) < distinct:
        on_curve = points
    rng = np.random.default_rng(settings.seed)
    known = {each.k: each.partition.labels for each in candidates if each.family == champion.family}
    partitions = inertia_curve(on_curve, min(settings.k_max, distinct), rng, known)
    if len(partitions) < 2:
        raise problem.too_many_segments()
    elbow = find_elbow([each.inertia for each in partitions])
    if champion.k > len(partitions):
        beyond = fit_beyond(on_curve, partitions, champion.k, rng)
        partitions = [*partitions, *([beyond] if beyond is not None else [])]
    return Curve(partitions, side_by_side(problem.measures, partitions), elbow)


def stability_by_k(candidates: Sequence[Candidate], champion: Candidate, k_max: int) -> list[float | None]:
    """Jaccard of the least stable segment for k = 1 to k_max in the champion's space, None where not known."""
    worst = {each.k: each.stability.worst for each in candidates if each.family == champion.family}
    return [worst.get(k) for k in range(1, k_max + 1)]


def fit_champion(champion: Candidate, curve: Curve, problem: Problem) -> Partition:
    """Fit the champion on all rows, from its own, the curve's and fresh starts; the least inertia wins.

    Returns:
        The partition, its segments numbered by size, the largest first.

    Raises:
        ValueError: no start finds so many segments.

    """
    points, k = champion.space.points, champion.k
    rng = np.random.default_rng([problem.settings.seed, k])
    starts = [np.random.default_rng(int(seed)) for seed in rng.integers(LARGEST_SEED, size=FINAL_STARTS)]
    known = [champion.partition, *(each for each in curve.partitions if each.k == k)]
    found = [
        *side_by_side(lambda each: fit_from(points, each.centers, 0.0), known),
        *side_by_side(lambda start: fit_plus_plus(points, k, start, 0.0), starts),
    ]
    made = [each for each in found if each is not None]
    if not made:
        raise problem.too_many_segments()
    return number_by_size(min(made, key=lambda each: each.inertia))
