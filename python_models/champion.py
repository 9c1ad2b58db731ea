"""The champion: which scaling, representation and k, by a rule that stands here in words. Touches nothing.

Candidates are all of scaling x representation x k. The rule:

1. Valid are the candidates whose every segment has a Jaccard of at least `min_jaccard` over the
   resamples and at least `min_segment_share` of the customers. Others are not chosen.
2. Of those, the very stable: every segment's Jaccard is at least 0.9. (Hennig calls 0.85 highly
   stable; a bank that renames its segments each quarter loses more than that.) Where none is, all
   valid ones go on.
3. Of those, the well separated: the mean silhouette in the common space is at least 7/8 of the best
   one of the same scaling and representation. The best is looked for from 3 segments on, since a
   silhouette is nearly always highest at 2, where it only says that some spend and others do not.
4. Of those, the finest of each scaling and representation: the largest k. More segments say more, as
   long as they hold. So one partition is left of each; those of 2 segments go if any has more.
5. Of these, the highest silhouette; and of all within 0.01 of it, the largest k, then the simplest
   representation (all features before components before codes), then the highest silhouette.

The codes of an autoencoder must also hold when its network is trained again from another seed
(adjusted Rand index of at least 0.99): nothing in the customers decides between two seeds. It is
looked at where codes would win, and passed over where REPRESENTATION asks for them.

So k hangs neither on how far the curve over k reaches nor on the shape of its bend. Stability is
screened on few resamples; the winner is then confirmed on `bootstraps` of them, and where it fails,
the rule is applied again with what is now known. K, SCALING and REPRESENTATION, where given, leave
only the candidates that have them. Where no candidate is valid, the least unstable is taken and
every table says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from python_models.kmeans import Partition
from python_models.measures import Measures
from python_models.space import Space
from python_models.stability import Stability, bootstrap, joined

# Jaccard of the least stable segment from which a candidate counts as very stable.
VERY_STABLE = 0.9
# Share of the best silhouette of its scaling and representation that a candidate must reach.
SEPARATED = 0.875
# The k from which the best silhouette is looked for.
YARDSTICK_K = 3
# Silhouettes closer than this are the same for the choice between scalings and representations.
SAME_SILHOUETTE = 0.01
# Adjusted Rand index at which two partitions are the same for a marketer.
SAME_SEGMENTS = 0.99
# Resamples of the screen, in three rounds: a candidate whose least stable segment lies by more below the least Jaccard
# that is valid gets no further round.
FIRST_RESAMPLES, HOPELESS_AT_FIRST = 2, 0.25
MORE_RESAMPLES, HOPELESS = 4, 0.15
SCREEN_RESAMPLES = 10


@dataclass(frozen=True)
class Candidate:
    """One partition to choose from.

    Attributes:
        space: what it was fitted in.
        partition: of the first rows of the sample.
        measures: in the common space.
        stability: over the resamples so far.
        tree_accuracy: share of customers whose segment a depth-4 tree on raw features tells; None
            where it was out of the running.
        seed_agreement: adjusted Rand index with the segments of the same network from another seed;
            None where it was not looked at.
        seconds: to fit, measure and resample it.
    """

    space: Space
    partition: Partition
    measures: Measures
    stability: Stability
    tree_accuracy: float | None
    seed_agreement: float | None
    seconds: float

    @property
    def k(self) -> int:
        """Number of segments."""
        return self.partition.k

    @property
    def family(self) -> tuple[str, str]:
        """Scaling and representation."""
        return self.space.scaling, self.space.representation

    @property
    def smallest_share(self) -> float:
        """Share of the customers in the smallest segment."""
        return float(self.partition.sizes.min() / len(self.partition.labels))

    @property
    def silhouette(self) -> float:
        """Mean silhouette in the common space, -1 where it has none."""
        return -1.0 if self.measures.silhouette is None else self.measures.silhouette


@dataclass(frozen=True)
class Gate:
    """What a candidate must hold to be chosen: min_jaccard and min_segment_share, both 0 to 1."""

    min_jaccard: float
    min_share: float

    def fault(self, candidate: Candidate) -> str | None:
        """Say why a candidate is not valid, or None."""
        worst = candidate.stability.worst
        if worst < self.min_jaccard:
            return f"a segment has a Jaccard of only {worst:.2f} (at least {self.min_jaccard:g} is asked for)"
        if candidate.smallest_share < self.min_share:
            return (
                f"a segment holds only {candidate.smallest_share:.2%} of the customers "
                f"(at least {self.min_share:.2%} is asked for)"
            )
        return None

    @property
    def very_stable(self) -> float:
        """Jaccard of the very stable, never below the least that is valid."""
        return max(VERY_STABLE, self.min_jaccard)


@dataclass(frozen=True)
class Choice:
    """The champion's place among the candidates, why it, and why not each of the others.

    Attributes:
        place: index of the champion.
        reasons: in words, one per candidate.
        fault: why the champion is not valid, or None.
    """

    place: int
    reasons: tuple[str, ...]
    fault: str | None


def is_hopeful(candidate: Candidate, gate: Gate, short: float) -> bool:
    """Whether a candidate may still become valid: large enough, and no more than `short` below the Jaccard asked for."""
    return (
        candidate.stability.worst >= gate.min_jaccard - short and candidate.smallest_share >= gate.min_share
    )


def in_the_running(candidates: Sequence[Candidate], gate: Gate) -> list[bool]:
    """Say of each candidate, after the first few resamples, whether the rule may still come to it."""
    hopeful = [is_hopeful(each, gate, HOPELESS) for each in candidates]
    places = [place for place, is_hopeful in enumerate(hopeful) if is_hopeful]
    # Only what the rule would keep sets a bar for others.
    kept = places
    for least in (gate.min_jaccard, gate.very_stable):
        kept = [place for place in kept if candidates[place].stability.worst >= least] or kept
    bars = _bars(candidates, kept)
    # A winner of any kind is at least as high as the bar of the kind with the best silhouette.
    fine = [place for place in kept if candidates[place].k >= YARDSTICK_K] or kept
    highest = max(_bars(candidates, fine).values(), default=-1.0) - SAME_SILHOUETTE
    return [
        is_hopeful and each.silhouette >= max(highest, bars.get(each.family, -1.0))
        for each, is_hopeful in zip(candidates, hopeful, strict=True)
    ]


def _bars(candidates: Sequence[Candidate], places: Sequence[int]) -> dict[tuple[str, str], float]:
    """Silhouette that each family's candidates must reach: a share of the best of those at `places`."""
    families: dict[tuple[str, str], list[Candidate]] = {}
    for place in places:
        families.setdefault(candidates[place].family, []).append(candidates[place])
    bars = {}
    for family, members in families.items():
        fine = [each for each in members if each.k >= YARDSTICK_K] or members
        best = max(each.silhouette for each in fine)
        # A share of a negative number would lie above it.
        bars[family] = SEPARATED * best if best > 0 else -1.0
    return bars


# What a step of the rule leaves: the places that stay, and for each of the others why it goes.
# Lowest silhouettes, excluded, and what they mean.
SEPARATION = (
    (0.70, "segments stand far apart"),
    (0.50, "segments stand apart"),
    (0.25, "segments border on each other"),
    (-2.0, "segments flow into each other"),
)
Step = tuple[list[int], dict[int, str]]


def choose(candidates: Sequence[Candidate], order: Sequence[str], gate: Gate, asked: str) -> Choice:
    """Apply the rule of this module to candidates as they stand, step by step.

    Args:
        candidates: at least one, of which any may be chosen.
        order: representations, the simplest first.
        gate: what is valid.
        asked: what was fixed by the user, such as 'K=7', or ''.
    """
    left, reasons = _valid(candidates, gate)
    if not left:
        return _least_unstable(candidates, reasons, asked)
    is_very_stable = any(candidates[place].stability.worst >= gate.very_stable for place in left)
    steps: tuple[Callable[[list[int]], Step], ...] = (
        lambda places: _very_stable(candidates, places, gate),
        lambda places: _steady(candidates, places),
        lambda places: _well_separated(candidates, places),
        lambda places: _finest(candidates, places),
        lambda places: _more_than_two(candidates, places),
    )
    for step in steps:
        left, gone = step(left)
        reasons |= gone
    winner, gone = _best(candidates, left, order)
    highest = max(candidates[place].silhouette for place in left)
    reasons |= gone | {winner: _praise(candidates[winner], is_very_stable, highest, asked)}
    return Choice(winner, tuple(reasons[place] for place in range(len(candidates))), None)


def _valid(candidates: Sequence[Candidate], gate: Gate) -> Step:
    """Rule 1: every segment comes back often enough and is large enough."""
    faults = {place: gate.fault(each) for place, each in enumerate(candidates)}
    gone = {place: fault for place, fault in faults.items() if fault}
    return [place for place in faults if place not in gone], gone


def _very_stable(candidates: Sequence[Candidate], places: list[int], gate: Gate) -> Step:
    """Rule 2: the very stable, where there is any."""
    kept = [place for place in places if candidates[place].stability.worst >= gate.very_stable] or places
    return kept, {
        place: f"a segment's Jaccard is {candidates[place].stability.worst:.2f}; others reach"
        f" {gate.very_stable:g} in all of theirs"
        for place in places
        if place not in kept
    }


def _steady(candidates: Sequence[Candidate], places: list[int]) -> Step:
    """Codes that hold when the network is trained from another seed, unless none of what is left does."""
    kept = [place for place in places if not _is_fickle(candidates[place])] or places
    return kept, {
        place: "trained from another seed the network gives other segments (adjusted Rand index"
        f" {candidates[place].seed_agreement:.2f}, {SAME_SEGMENTS:g} is asked for)"
        for place in places
        if place not in kept
    }


def _well_separated(candidates: Sequence[Candidate], places: list[int]) -> Step:
    """Rule 3: a silhouette near the best of the same scaling and representation."""
    bars = _bars(candidates, places)
    kept = [place for place in places if candidates[place].silhouette >= bars[candidates[place].family]]
    return kept, {
        place: f"silhouette {candidates[place].silhouette:.3f} is below {SEPARATED:g} of the best of its kind"
        for place in places
        if place not in kept
    }


def _finest(candidates: Sequence[Candidate], places: list[int]) -> Step:
    """Rule 4: the largest k of each scaling and representation."""
    finest: dict[tuple[str, str], int] = {}
    for place in places:
        each = candidates[place]
        finest[each.family] = max(each.k, finest.get(each.family, 0))
    kept = [place for place in places if candidates[place].k == finest[candidates[place].family]]
    return kept, {
        place: f"k = {finest[candidates[place].family]} is finer and holds as well"
        for place in places
        if place not in kept
    }


def _more_than_two(candidates: Sequence[Candidate], places: list[int]) -> Step:
    """Rule 4, its end: those of two segments go where any has more."""
    kept = [place for place in places if candidates[place].k >= YARDSTICK_K] or places
    return kept, {
        place: "two segments say little, and others hold with more" for place in places if place not in kept
    }


def _best(
    candidates: Sequence[Candidate], places: list[int], order: Sequence[str]
) -> tuple[int, dict[int, str]]:
    """Rule 5: of those with about the highest silhouette the finest, then the simplest; why not the others."""
    highest = max(candidates[place].silhouette for place in places)
    close = [place for place in places if candidates[place].silhouette >= highest - SAME_SILHOUETTE]

    def rank(place: int) -> tuple[int, int, float, int]:
        each = candidates[place]
        return -each.k, order.index(each.space.representation), -each.silhouette, place

    winner = min(close, key=rank)
    champion = candidates[winner]
    kind = f"{champion.space.scaling} {champion.space.representation} with k = {champion.k}"
    gone = {}
    for place in places:
        if place not in close:
            better = "better separated"
        elif candidates[place].k < champion.k:
            better = "as well separated and finer"
        else:
            better = "as well separated and simpler"
        gone[place] = f"{kind} is {better} (silhouette {champion.silhouette:.3f})"
    return winner, gone


def confirmed(
    candidates: Sequence[Candidate],
    order: Sequence[str],
    gate: Gate,
    asked: str,
    confirm: Callable[[Candidate], Candidate | None],
) -> tuple[list[Candidate], Choice]:
    """Choose, confirm the winner, and choose again with what is now known until a confirmed one wins.

    Args:
        candidates: as they were screened.
        order: as in `choose`.
        gate: as in `choose`.
        asked: as in `choose`.
        confirm: returns a candidate with all that can be known of it, or None where it is all known.
    """
    known = list(candidates)
    while True:
        choice = choose(known, order, gate, asked)
        more = confirm(known[choice.place])
        if more is None:
            return known, choice
        known[choice.place] = more


def with_resamples(candidate: Candidate, seed: int, resamples: int) -> Candidate:
    """Resample a candidate up to a number of resamples."""
    done = candidate.stability.resamples
    if done >= resamples:
        return candidate
    more = bootstrap(candidate.space.points, candidate.partition, seed, range(done, resamples))
    return replace(candidate, stability=joined([candidate.stability, more]))


def _is_fickle(candidate: Candidate) -> bool:
    return candidate.seed_agreement is not None and candidate.seed_agreement < SAME_SEGMENTS


def _least_unstable(candidates: Sequence[Candidate], reasons: dict[int, str], asked: str) -> Choice:
    def rank(place: int) -> tuple[float, float, int, int]:
        each = candidates[place]
        return -each.stability.worst, -each.silhouette, -each.k, place

    place = min(range(len(candidates)), key=rank)
    fault = reasons[place]
    given = f"{asked} as asked; " if asked else ""
    reasons[place] = f"{given}no candidate is valid, and of all this is the least unstable: {fault}"
    return Choice(place, tuple(reasons[each] for each in range(len(candidates))), fault)


def separation(silhouette: float) -> str:
    """What a mean silhouette means, by the scale of Kaufman and Rousseeuw (1990)."""
    return next(words for bound, words in SEPARATION if silhouette > bound)


def _praise(champion: Candidate, very: bool, highest: float, asked: str) -> str:
    worst, share = champion.stability.worst, champion.smallest_share
    measured = f"(least Jaccard {worst:.2f} over {champion.stability.resamples} resamples, smallest segment {share:.1%})"
    apart = f"silhouette {champion.silhouette:.3f}: {separation(champion.silhouette)}"
    if "K=" in asked:
        held = "all of its segments come back" if very else "it is valid"
        return f"{asked} as asked; {held} {measured}; {apart}"
    given = f"{asked} as asked; " if asked else ""
    held = "all of whose segments come back" if very else "that is valid"
    return (
        f"{given}the finest partition {held} {measured} and that is about as well separated as any that is left"
        f" ({apart}; the highest of each scaling and representation is {highest:.3f})"
    )
