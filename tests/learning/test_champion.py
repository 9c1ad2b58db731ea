"""The champion: the rule chooses as it says, and a winner that does not hold makes room."""

import numpy as np
import pytest

from python_models.champion import Candidate, Gate, choose, confirmed, in_the_running, separation
from python_models.imputation import fit_median
from python_models.kmeans import Partition
from python_models.measures import Measures
from python_models.pca import fit_pca
from python_models.scaling import fit_standard
from python_models.space import Space
from python_models.stability import Stability


def candidate(
    k: int,
    worst: float,
    silhouette: float,
    kind: str = "log_standard/scaled",
    smallest: float = 0.1,
    seed_agreement: float | None = None,
) -> Candidate:
    scaling, representation = kind.split("/")
    points = np.zeros((100, 1))
    sizes = [round(100 * smallest)] + [1] * (k - 2)
    labels = np.repeat(np.arange(k), [*sizes, 100 - sum(sizes)]) if smallest < 0.02 else np.arange(100) % k
    space = Space(
        scaling, representation, fit_median(points), fit_standard(points),
        fit_pca(np.arange(4.0)[:, None], None), points, points, ("x",),
    )  # fmt: skip
    stability = Stability(np.array([[worst] + [1.0] * (k - 1)] * 10), np.ones(10))
    measures = Measures(silhouette, 1.0, 1.0)
    return Candidate(
        space, Partition(np.zeros((k, 1)), labels, 1.0), measures, stability, 0.9, seed_agreement, 0.1
    )


ORDER = ("scaled", "pca", "undercomplete")
GATE = Gate(0.75, 0.01)


@pytest.mark.parametrize(
    ("candidates", "winner"),
    [
        # Unstable or tiny segments are not valid, however well separated.
        ([candidate(5, 0.7, 0.9), candidate(3, 0.8, 0.2)], 1),
        ([candidate(6, 0.95, 0.9, smallest=0.0), candidate(3, 0.8, 0.2)], 1),
        # The very stable before the valid.
        ([candidate(8, 0.85, 0.3), candidate(5, 0.91, 0.28)], 1),
        # The finest that is separated within 7/8 of the best from 3 segments on.
        ([candidate(2, 0.99, 0.5), candidate(3, 0.99, 0.24), candidate(6, 0.95, 0.22), candidate(8, 0.95, 0.2)], 2),
        # Between kinds the better separated, even where the other is finer.
        ([candidate(8, 0.95, 0.29), candidate(9, 0.95, 0.26, "quantile/scaled")], 0),
        # Of those as well separated the finer, then the simpler.
        ([candidate(5, 0.95, 0.221, "quantile/scaled"), candidate(6, 0.95, 0.219)], 1),
        ([candidate(6, 0.95, 0.225, "log_standard/pca"), candidate(6, 0.95, 0.22)], 1),
        # Two segments only where nothing has more.
        ([candidate(2, 0.99, 0.5, "quantile/scaled"), candidate(4, 0.95, 0.2)], 1),
        ([candidate(2, 0.99, 0.5), candidate(4, 0.5, 0.2)], 0),
        # Codes that another seed would not give do not win.
        ([candidate(7, 0.95, 0.23, "log_standard/undercomplete", seed_agreement=0.9), candidate(6, 0.95, 0.23)], 1),
        ([candidate(7, 0.95, 0.23, "log_standard/undercomplete", seed_agreement=0.995), candidate(6, 0.95, 0.23)], 0),
        # Nothing is valid: the least unstable.
        ([candidate(5, 0.4, 0.3), candidate(4, 0.6, 0.2)], 1),
    ],
)  # fmt: skip
def test_the_rule_chooses_as_it_says(candidates: list[Candidate], winner: int) -> None:
    choice = choose(candidates, ORDER, GATE, "")
    assert choice.place == winner
    assert all(choice.reasons)
    assert (choice.fault is None) == (GATE.fault(candidates[winner]) is None)
    # What the screen drops could not have won.
    if choice.fault is None:
        assert in_the_running(candidates, GATE)[winner]


def test_a_winner_that_does_not_hold_makes_room() -> None:
    """The screen saw 0.95 on 10 resamples; all 50 say 0.8."""
    first, second = candidate(6, 0.95, 0.22), candidate(5, 0.93, 0.22)
    asked: list[int] = []

    def confirm(each: Candidate) -> Candidate | None:
        if each.k in asked:
            return None
        asked.append(each.k)
        return candidate(each.k, 0.8 if each.k == 6 else 0.92, 0.22)

    known, choice = confirmed([first, second], ORDER, GATE, "", confirm)
    assert asked == [6, 5]
    assert known[choice.place].k == 5
    assert "Jaccard is 0.80" in choice.reasons[0]


@pytest.mark.parametrize(
    ("silhouette", "words"),
    [
        (0.71, "segments stand far apart"),
        (0.70, "segments stand apart"),
        (0.51, "segments stand apart"),
        (0.50, "segments border on each other"),
        (0.25, "segments flow into each other"),
        (0.220, "segments flow into each other"),
        (-1.0, "segments flow into each other"),
    ],
)
def test_words_for_a_silhouette_follow_the_number(silhouette: float, words: str) -> None:
    assert separation(silhouette) == words
