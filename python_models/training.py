"""The whole of the learning as one function: a frame of features in, a frame of records out.

Touches nothing but its arguments. Everything heavy is imported before `train` bounds the threads,
since only libraries already loaded heed the bound; TensorFlow bounds its own.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from python_models.autoencoder import FEWEST_ROWS, PRESETS, Autoencoder, fit_autoencoder
from python_models.champion import (
    FIRST_RESAMPLES,
    SCREEN_RESAMPLES,
    Candidate,
    Choice,
    Gate,
    choose,
    confirmed,
    in_the_running,
    with_resamples,
)
from python_models.elbow import find_elbow, fit_beyond, inertia_curve
from python_models.explain import tree_accuracy
from python_models.gap import gap_statistic
from python_models.kmeans import LARGEST_SEED, Partition, fit_from, fit_plus_plus, number_by_size
from python_models.measures import (
    Measures,
    calinski_harabasz,
    davies_bouldin,
    mean,
    pairwise_distances,
    silhouettes,
)
from python_models.records import Curve, Network, Run, records_of, to_frame
from python_models.rules import segment_rules
from python_models.sample import count_distinct, draw_sample
from python_models.scaling import SCALINGS
from python_models.settings import REPRESENTATIONS, Settings
from python_models.space import Space, code_space, common_space, impute, plain_spaces
from python_models.stability import BOOTSTRAP_ROWS, adjusted_rand, bootstrap
from python_models.votes import votes

FloatArray = NDArray[np.float64]

# k-means++ starts of the final fit, beside those from the candidate's and the curve's solutions.
FINAL_STARTS = 8


def train(features: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Impute, compare scalings, representations and k by a written rule, and fit the champion.

    The result depends neither on the order of rows or columns nor on the number of threads; only
    what is named seconds differs between runs.

    Args:
        features: column `customer_id`, one row per customer, and numeric feature columns in raw
            units, NaN where missing.
        settings: what to do.

    Returns:
        One row per record: `record` names its kind and `payload` is one flat JSON object.

        - parameter: model_id, stage (impute, scale, project, centroid), component, feature, value;
        - candidate: every scaling x representation x k compared, its measures, stability, reason;
        - curve: k = 1, 2, ... in the champion's space: inertia, measures, is_elbow, is_chosen;
        - vote: the k that each method would take, in words;
        - segment: segment_id (1 is the largest), customers_in_sample, silhouette, stability;
        - rule_condition: segment_id, rule, condition (both from 1), feature, operator, threshold;
        - component: explained variance of a principal component; loading: one of its weights;
        - autoencoder, epoch, reconstruction, encoder: each network's quality, its training curve, its
          error per feature, its layers as numbers;
        - run: what was asked for, what came of it, library versions, seconds per part.

        Inertia is in the space that KMeans sees. Silhouette, Davies-Bouldin and Calinski-Harabasz
        are in the common space (`python_models.space.common_space`), whatever the scaling and the
        representation, since measures of different spaces must not be compared.

    Raises:
        ValueError: the features cannot be segmented, or not into K segments; one sentence says why.
    """
    clock = Clock()
    # Threads add up in another order, and the last digits differ.
    with threadpool_limits(limits=1):
        with clock.part("prepare"):
            sample = draw_sample(features, settings.sample_rows)
            imputer, filled = impute(sample)
            common = common_space(filled)
            distances = pairwise_distances(common[: settings.silhouette_rows])
            plain = plain_spaces(
                sample,
                imputer,
                filled,
                tuple(SCALINGS) if settings.scaling is None else (settings.scaling,),
                # Codes are learned from all scaled features.
                REPRESENTATIONS if settings.representation is None else (_plain(settings.representation),),
                settings.pca_variance,
            )
        judge = Judge(settings, filled, common, distances)
        with clock.part("candidates"):
            judge.check_k(plain)
            candidates = judge.screened([each for space in plain for each in judge.candidates(space)])
        with clock.part("autoencoders"):
            networks = _networks(judge, candidates, settings)
        with clock.part("candidates_codes"):
            coded = [code_space(each.space, each.fitted.encoder) for each in networks]
            if settings.representation not in REPRESENTATIONS:
                more = [each for space in coded for each in judge.candidates(space)]
                if settings.representation is not None:
                    # Only what was asked for; the plain spaces served the choice of a scaling.
                    candidates, more = (
                        [],
                        [e for e in more if e.space.representation == settings.representation],
                    )
                candidates = judge.screened([*candidates, *more])
            if not candidates:
                raise judge.too_many()
        with clock.part("choice"):
            candidates, choice = judge.chosen(candidates)
            champion = candidates[choice.place]
        with clock.part("curve"):
            curve = judge.curve(champion)
        with clock.part("votes"):
            gap = gap_statistic(champion.space.points, settings.candidates_k_max, settings.seed)
            stabilities = judge.stabilities(candidates, champion, len(curve.partitions))
            cast = votes(curve.elbow, curve.measures, gap, stabilities, judge.gate.very_stable)
        with clock.part("fit"):
            final = number_by_size(judge.fit_on_sample(champion, curve))
            stability = bootstrap(champion.space.points, final, settings.seed, range(settings.bootstraps))
            own = silhouettes(distances, final.labels[: len(distances)])
        with clock.part("rules"):
            rules = segment_rules(sample.values, filled, final.labels, sample.names)
    run = Run(
        sample=sample,
        settings=settings,
        candidates=candidates,
        choice=choice,
        curve=curve,
        gap=gap,
        votes=cast,
        stabilities=stabilities,
        final=final,
        fault=judge.gate.fault(replace(champion, partition=final, stability=stability)),
        stability=stability,
        gate=judge.gate,
        own_silhouettes=own,
        tree_accuracy=tree_accuracy(filled, final.labels),
        rules=rules,
        networks=networks,
        seconds=clock.seconds,
    )
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


class Judge:
    """Makes candidates, and measures all alike.

    Args:
        settings: of the run.
        filled: shape (rows, features), imputed, raw units.
        common: shape (rows, ...), the common space.
        distances: between its first rows.
    """

    def __init__(
        self, settings: Settings, filled: FloatArray, common: FloatArray, distances: FloatArray
    ) -> None:
        self.settings = settings
        self.filled = filled
        self.common = common
        self.distances = distances
        self.gate = Gate(settings.min_jaccard, settings.min_segment_share)
        self.order = (*REPRESENTATIONS, *PRESETS)
        self.possible = 0
        # Codes of the same networks from another seed, by name.
        self.twins: dict[str, FloatArray] = {}

    def check_k(self, spaces: Sequence[Space]) -> None:
        """Refuse a K that no space has so many different customers for."""
        wanted = max(self.settings.k_max, self.settings.k or 0)
        self.possible = max((count_distinct(space.points, wanted) for space in spaces), default=0)
        if self.settings.k is not None and self.settings.k > self.possible:
            raise self.too_many()

    def too_many(self) -> ValueError:
        """Say that there are not enough different customers."""
        if self.settings.k is None:
            return ValueError("the customers differ too little to be told apart: check the features' values")
        asked, rows = self.settings.k, len(self.filled)
        if rows < asked:
            why = f"there are only {rows} customers to learn from"
        else:
            why = f"only {self.possible} segments can be told apart, since the other customers repeat their features"
        return ValueError(f"K={asked}: {why}; give at most {self.possible}, or leave K out to have it chosen")

    def candidates(self, space: Space) -> list[Candidate]:
        """Fit, measure and resample a few times k = 2 to candidates_k_max in a space, and the k asked for."""
        started = time.perf_counter()
        points = self._screening_points(space)
        wanted = max(self.settings.candidates_k_max, self.settings.k or 0)
        distinct = count_distinct(points, wanted)
        rng = np.random.default_rng(self.settings.seed)
        curve = inertia_curve(points, min(self.settings.candidates_k_max, distinct), rng)
        partitions = curve[1:]
        asked = self.settings.k
        if asked is not None and len(curve) < asked <= distinct:
            beyond = fit_beyond(points, curve, asked, rng)
            partitions = [*partitions, *([beyond] if beyond is not None else [])]
        share = (time.perf_counter() - started) / max(len(partitions), 1)
        return [self._candidate(space, each, share) for each in partitions]

    def _screening_points(self, space: Space) -> FloatArray:
        """Rows that candidates are fitted on: the first, or all where too few of the first ones differ."""
        wanted = max(self.settings.candidates_k_max, self.settings.k or 0)
        first = space.points[: min(BOOTSTRAP_ROWS, self.settings.curve_rows)]
        is_poor = count_distinct(first, wanted) < count_distinct(space.points, wanted)
        return space.points if is_poor else first

    def _candidate(self, space: Space, partition: Partition, seconds: float) -> Candidate:
        started = time.perf_counter()
        stability = bootstrap(space.points, partition, self.settings.seed, range(FIRST_RESAMPLES))
        measures = self.measures(partition)
        taken = seconds + time.perf_counter() - started
        return Candidate(space, partition, measures, stability, None, None, taken)

    def screened(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Look closer at those that the rule may still come to: more resamples, and the tree."""
        running = in_the_running(candidates, self.gate)
        return [
            self._looked_at(each) if is_running else each
            for each, is_running in zip(candidates, running, strict=True)
        ]

    def _looked_at(self, candidate: Candidate) -> Candidate:
        if candidate.stability.resamples >= SCREEN_RESAMPLES:
            return candidate
        started = time.perf_counter()
        more = with_resamples(candidate, self.settings.seed, SCREEN_RESAMPLES)
        accuracy = tree_accuracy(self.filled, candidate.partition.labels)
        taken = candidate.seconds + time.perf_counter() - started
        return replace(more, tree_accuracy=accuracy, seconds=taken)

    def measures(self, partition: Partition) -> Measures:
        """Measure a partition of the first rows in the common space, its silhouette on fewer."""
        points = self.common[: len(partition.labels)]
        rows = min(len(self.distances), len(points))
        return Measures(
            silhouette=mean(silhouettes(self.distances[:rows, :rows], partition.labels[:rows])),
            davies_bouldin=davies_bouldin(points, partition.labels),
            calinski_harabasz=calinski_harabasz(points, partition.labels),
        )

    def best_plain(self, candidates: Sequence[Candidate]) -> Space:
        """Space of the champion among candidates as they are screened."""
        eligible = self._eligible(candidates) or list(candidates)
        return eligible[choose(eligible, self.order, self.gate, "").place].space

    def chosen(self, candidates: Sequence[Candidate]) -> tuple[list[Candidate], Choice]:
        """Apply the rule of the champion to the candidates that have the k asked for, if any was."""
        asked = self.settings.k
        eligible = self._eligible(candidates)
        if not eligible:
            raise self.too_many()
        given = ", ".join(
            f"{name.upper()}={value}"
            for name in ("k", "scaling", "representation")
            if (value := getattr(self.settings, name)) is not None
        )
        known, choice = confirmed(eligible, self.order, self.gate, given, self._confirm)
        others = [each for each in candidates if asked is not None and each.k != asked]
        reasons = (*choice.reasons, *(f"K={asked} was asked for" for _ in others))
        return [*known, *others], Choice(choice.place, reasons, choice.fault)

    def _eligible(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        asked = self.settings.k
        return [each for each in candidates if asked is None or each.k == asked]

    def _confirm(self, candidate: Candidate) -> Candidate | None:
        """Resample in full; where codes would win without being asked for, train their network again."""
        settings = self.settings
        if candidate.stability.resamples < max(settings.bootstraps, SCREEN_RESAMPLES):
            return with_resamples(self._looked_at(candidate), settings.seed, settings.bootstraps)
        is_coded = candidate.space.representation not in REPRESENTATIONS
        if is_coded and settings.representation is None and candidate.seed_agreement is None:
            return replace(candidate, seed_agreement=self._seed_agreement(candidate))
        return None

    def _seed_agreement(self, candidate: Candidate) -> float:
        name, k = candidate.space.representation, candidate.k
        if name not in self.twins:
            fitted = fit_autoencoder(candidate.space.scaled, name, self.settings.seed + 1)
            self.twins[name] = fitted.encoder.transform(candidate.space.scaled)
        labels = candidate.partition.labels
        points = self.twins[name][: len(labels)]
        rng = np.random.default_rng(self.settings.seed)
        found = [fit_plus_plus(points, k, rng, 0.0) for _ in range(FINAL_STARTS)]
        centers = np.array([points[labels == segment].mean(axis=0) for segment in range(k)])
        made = [each for each in [*found, fit_from(points, centers, 0.0)] if each is not None]
        return adjusted_rand(labels, min(made, key=lambda each: each.inertia).labels) if made else 0.0

    def curve(self, champion: Candidate) -> Curve:
        """Fit the curve over k in the champion's space, on its first rows or on all where those are alike."""
        settings, points = self.settings, champion.space.points
        distinct = count_distinct(points, settings.k_max)
        on_curve = points[: settings.curve_rows]
        if count_distinct(on_curve, settings.k_max) < distinct:
            on_curve = points
        rng = np.random.default_rng(settings.seed)
        partitions = inertia_curve(on_curve, min(settings.k_max, distinct), rng)
        if len(partitions) < 2:
            raise self.too_many()
        elbow = find_elbow([each.inertia for each in partitions])
        if champion.k > len(partitions):
            beyond = fit_beyond(on_curve, partitions, champion.k, rng)
            partitions = [*partitions, *([beyond] if beyond is not None else [])]
        return Curve(partitions, [self.measures(each) for each in partitions], elbow)

    def stabilities(
        self, candidates: Sequence[Candidate], champion: Candidate, k_max: int
    ) -> list[float | None]:
        """Jaccard of the least stable segment for k = 1 to k_max in the champion's space, None where not known."""
        worst = {
            each.k: each.stability.worst
            for each in candidates
            if each.space.scaling == champion.space.scaling
            and each.space.representation == champion.space.representation
        }
        return [worst.get(k) for k in range(1, k_max + 1)]

    def fit_on_sample(self, champion: Candidate, curve: Curve) -> Partition:
        """Fit the champion on all rows, from its own, the curve's and fresh starts; the least inertia wins."""
        points, k = champion.space.points, champion.k
        rng = np.random.default_rng([self.settings.seed, k])
        starts = [np.random.default_rng(int(seed)) for seed in rng.integers(LARGEST_SEED, size=FINAL_STARTS)]
        found = [
            fit_from(points, champion.partition.centers, 0.0),
            *(fit_from(points, each.centers, 0.0) for each in curve.partitions if each.k == k),
            *(fit_plus_plus(points, k, start, 0.0) for start in starts),
        ]
        made = [each for each in found if each is not None]
        if not made:
            raise self.too_many()
        return min(made, key=lambda each: each.inertia)


def _plain(representation: str) -> str:
    return representation if representation in REPRESENTATIONS else "scaled"


def _networks(judge: Judge, candidates: Sequence[Candidate], settings: Settings) -> list[Network]:
    """Train the autoencoders on the scaling that does best without them.

    Comparing each network on each scaling would take four times as long to say the same thing: a
    scaling whose features make unstable segments has never made better ones as codes.
    """
    if not settings.networks or not candidates:
        return []
    rows = len(judge.filled)
    if rows < FEWEST_ROWS and settings.representation in (None, *REPRESENTATIONS):
        return []
    best = judge.best_plain(candidates)
    spaces = [each.space for each in candidates if each.space.scaling == best.scaling]
    space = next((each for each in spaces if each.representation == "scaled"), best)
    networks = []
    for name in settings.networks:
        started = time.perf_counter()
        fitted: Autoencoder = fit_autoencoder(space.scaled, name, settings.seed)
        networks.append(Network(space, fitted, time.perf_counter() - started))
    return networks
