"""The choice: the champion's rule applied until a winner has been confirmed. Touches nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from python_models.autoencoder import fit_autoencoder
from python_models.candidates import looked_at
from python_models.champion import SCREEN_RESAMPLES, Candidate, Choice, choose, confirmed, with_resamples
from python_models.kmeans import fit_from, fit_plus_plus
from python_models.problem import ORDER, Problem
from python_models.settings import REPRESENTATIONS
from python_models.space import Space
from python_models.stability import adjusted_rand

FloatArray = NDArray[np.float64]

# k-means++ starts on the codes of another seed.
TWIN_STARTS = 8


def best_space(candidates: Sequence[Candidate], problem: Problem) -> Space:
    """Space of the champion among candidates as they are screened."""
    eligible = problem.eligible(candidates) or list(candidates)
    return eligible[choose(eligible, ORDER, problem.gate, "").place].space


def choose_champion(candidates: Sequence[Candidate], problem: Problem) -> tuple[list[Candidate], Choice]:
    """Apply the rule to the candidates that have the k asked for, if any was.

    Returns:
        The candidates with all that was learned of them on the way, and the choice among them.

    Raises:
        ValueError: no candidate has the k asked for.

    """
    asked = problem.settings.k
    eligible = problem.eligible(candidates)
    if not eligible:
        raise problem.too_many_segments()
    given = ", ".join(
        f"{name.upper()}={value}"
        for name in ("k", "scaling", "representation")
        if (value := getattr(problem.settings, name)) is not None
    )
    known, choice = confirmed(eligible, ORDER, problem.gate, given, _Confirmation(problem).confirm)
    others = [each for each in candidates if asked is not None and each.k != asked]
    reasons = (*choice.reasons, *(f"K={asked} was asked for" for _ in others))
    return [*known, *others], Choice(choice.place, reasons, choice.fault)


@dataclass(frozen=True)
class _Confirmation:
    """Learns more of a winner, step by step; keeps the codes of networks trained again, by their name."""

    problem: Problem
    twins: dict[str, FloatArray] = field(default_factory=dict)

    def confirm(self, candidate: Candidate) -> Candidate | None:
        """Resample in full; where codes would win without being asked for, train their network again."""
        settings = self.problem.settings
        if candidate.stability.resamples < max(settings.bootstraps, SCREEN_RESAMPLES):
            return with_resamples(looked_at(candidate, self.problem), settings.seed, settings.bootstraps)
        is_coded = candidate.space.representation not in REPRESENTATIONS
        if is_coded and settings.representation is None and candidate.seed_agreement is None:
            return replace(candidate, seed_agreement=self._seed_agreement(candidate))
        return None

    def _seed_agreement(self, candidate: Candidate) -> float:
        """Adjusted Rand index of a candidate with the segments of the same network from another seed."""
        name, k, seed = candidate.space.representation, candidate.k, self.problem.settings.seed
        if name not in self.twins:
            fitted = fit_autoencoder(candidate.space.scaled, name, seed + 1)
            self.twins[name] = fitted.encoder.transform(candidate.space.scaled)
        labels = candidate.partition.labels
        points = self.twins[name][: len(labels)]
        rng = np.random.default_rng(seed)
        found = [fit_plus_plus(points, k, rng, 0.0) for _ in range(TWIN_STARTS)]
        centers = np.array([points[labels == segment].mean(axis=0) for segment in range(k)])
        made = [each for each in [*found, fit_from(points, centers, 0.0)] if each is not None]
        return adjusted_rand(labels, min(made, key=lambda each: each.inertia).labels) if made else 0.0
