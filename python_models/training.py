"""The whole of the learning as one function: a frame of features in, typed frames of results out.

Touches nothing but its arguments. Everything heavy is imported before `train` bounds the threads,
since only libraries already loaded heed the bound; TensorFlow bounds its own.
"""

import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from python_models.autoencoder import FEWEST_ROWS, fit_autoencoder, keras_loading
from python_models.baseline import baseline_of
from python_models.candidates import candidates_in, screened
from python_models.champion import Candidate
from python_models.choice import best_space, choose_champion
from python_models.explain import tree_accuracy
from python_models.final_fit import curve_of, fit_champion, stability_by_k
from python_models.gap import gap_statistic
from python_models.identity import Identities, first_identities, identify
from python_models.measures import pairwise_distances, silhouettes
from python_models.problem import Problem, most_distinct
from python_models.progress import PROGRESS
from python_models.results import Network, Results, Run, results_of
from python_models.rules import segment_rules
from python_models.sample import Sample, draw_sample
from python_models.scaling import SCALINGS
from python_models.settings import REPRESENTATIONS, Settings
from python_models.space import Space, code_space, common_space, impute, plain_spaces
from python_models.stability import bootstrap
from python_models.stored_model import StoredModel
from python_models.votes import votes
from python_models.workers import in_parallel, side_by_side


@dataclass(frozen=True)
class Predecessor:
    """What a new model follows.

    Attributes:
        model: the one in use.
        highest_id: of all segments that any model has had.
        least_overlap: see `python_models.identity.identify`.
    """

    model: StoredModel
    highest_id: int
    least_overlap: float


def train(features: pd.DataFrame, settings: Settings, predecessor: Predecessor | None = None) -> Results:
    """Impute, compare scalings, representations and k by a written rule, and fit the champion.

    The result depends neither on the order of rows or columns nor on the number of threads; only
    what is named seconds differs between runs.

    Args:
        features: column `customer_id`, one row per customer, and numeric feature columns in raw
            units, NaN where missing.
        settings: what to do.
        predecessor: the model in use, whose segments keep their ids; None where there is none.

    Returns:
        Typed frames. Inertia is in the space that KMeans sees. Silhouette, Davies-Bouldin and
        Calinski-Harabasz are in the common space (`python_models.space.common_space`), whatever the
        scaling and the representation, since measures of different spaces must not be compared.

    Raises:
        ValueError: the features cannot be segmented, or not into K segments; one sentence says why.
    """
    clock = Clock()
    # Several threads on one sum add up in another order, and the last digits differ: each sum is of one thread. Of fewer
    # distinct segments than asked for, which scikit-learn warns of, the fit looks itself.
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        with clock.part("prepare"):
            sample, spaces, problem = _prepared(features, settings)
            problem.check_k()
        with clock.part("candidates"), keras_loading() if _trains_networks(problem) else nullcontext():
            candidates = screened(candidates_in(spaces, problem), problem)
        with clock.part("autoencoders"):
            networks = _networks(candidates, problem)
        with clock.part("candidates_codes"):
            candidates = _with_codes(candidates, networks, problem)
        with clock.part("choice"):
            candidates, choice = choose_champion(candidates, problem)
            champion = candidates[choice.place]
            points = champion.space.points
        with clock.part("curve"):
            # Neither waits for the other.
            curve, gap = in_parallel(
                lambda: curve_of(champion, candidates, problem),
                lambda: gap_statistic(points, settings.candidates_k_max, settings.seed),
            )
        with clock.part("votes"):
            stabilities = stability_by_k(candidates, champion, len(curve.partitions))
            cast = votes(curve.elbow, curve.measures, gap, stabilities, problem.gate.very_stable)
        with clock.part("fit"):
            final = fit_champion(champion, curve, problem)
            stability = bootstrap(points, final, settings.seed, range(settings.bootstraps))
            own = silhouettes(problem.distances, final.labels[: len(problem.distances)])
        with clock.part("rules"):
            rules = segment_rules(sample.values, problem.filled, final.labels, sample.names)
        with clock.part("identities"):
            identities = _identities(sample, final.labels, champion.space.scaled, predecessor)
    return results_of(
        Run(
            sample=sample,
            settings=settings,
            candidates=candidates,
            choice=choice,
            curve=curve,
            gap=gap,
            votes=cast,
            stabilities=stabilities,
            final=final,
            identities=identities,
            stability=stability,
            own_silhouettes=own,
            tree_accuracy=tree_accuracy(problem.filled, final.labels),
            rules=rules,
            baseline=baseline_of(sample, points, final, identities.segment_ids),
            networks=networks,
            seconds=clock.seconds,
        )
    )


def _identities(
    sample: Sample, clusters: NDArray[np.int64], scaled: NDArray[np.float64], predecessor: Predecessor | None
) -> Identities:
    """The ids of the clusters' segments, of which those of the model in use keep theirs."""
    if predecessor is None:
        return first_identities(clusters)
    place = {name: column for column, name in enumerate(sample.names)}
    read = [place[name] for name in predecessor.model.features]
    return identify(
        predecessor.model.labels(sample.values[:, read]),
        clusters,
        scaled,
        least_overlap=predecessor.least_overlap,
        highest_id=predecessor.highest_id,
    )


class Clock:
    """Seconds per named part of the run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time what happens inside, and tell that it begins."""
        PROGRESS.begin(name)
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started


def _prepared(features: pd.DataFrame, settings: Settings) -> tuple[Sample, list[Space], Problem]:
    """Draw the sample, fill it, and bring it into the spaces that need no autoencoder."""
    sample = draw_sample(features, settings.sample_rows)
    imputer, filled = impute(sample)
    common = common_space(filled)
    distances = pairwise_distances(common[: settings.silhouette_rows])
    scalings = tuple(SCALINGS) if settings.scaling is None else (settings.scaling,)
    representations: tuple[str, ...] = REPRESENTATIONS
    if settings.representation is not None:
        # Codes are learned from all scaled features.
        is_plain = settings.representation in REPRESENTATIONS
        representations = (settings.representation if is_plain else "scaled",)
    spaces = plain_spaces(sample, imputer, filled, scalings, representations, settings.pca_variance)
    return sample, spaces, Problem(settings, filled, common, distances, most_distinct(spaces, settings))


def _networks(candidates: Sequence[Candidate], problem: Problem) -> list[Network]:
    """Train the autoencoders on the scaling that does best without them.

    Comparing each network on each scaling would take four times as long to say the same thing: a
    scaling whose features make unstable segments has never made better ones as codes.
    """
    settings = problem.settings
    if not candidates or not _trains_networks(problem):
        return []
    best = best_space(candidates, problem)
    spaces = [each.space for each in candidates if each.space.scaling == best.scaling]
    space = next((each for each in spaces if each.representation == "scaled"), best)

    def trained(name: str) -> Network:
        started = time.perf_counter()
        fitted = fit_autoencoder(space.scaled, name, settings.seed)
        return Network(space, fitted, time.perf_counter() - started)

    return side_by_side(trained, settings.networks)


def _trains_networks(problem: Problem) -> bool:
    """Whether networks are wanted; too few customers are passed over unless their codes were asked for."""
    settings = problem.settings
    is_asked_for = settings.representation not in (None, *REPRESENTATIONS)
    return bool(settings.networks) and (is_asked_for or len(problem.filled) >= FEWEST_ROWS)


def _with_codes(
    candidates: list[Candidate], networks: Sequence[Network], problem: Problem
) -> list[Candidate]:
    """Add the candidates that the codes of the networks make; raise ValueError where there is none at all."""
    asked = problem.settings.representation
    if asked not in REPRESENTATIONS:
        spaces = [code_space(each.space, each.fitted.encoder) for each in networks]
        coded = candidates_in(spaces, problem, candidates)
        if asked is not None:
            # Only what was asked for; the plain spaces served the choice of a scaling.
            candidates, coded = [], [each for each in coded if each.space.representation == asked]
        candidates = screened([*candidates, *coded], problem)
    if not candidates:
        raise problem.too_many_segments()
    return candidates
