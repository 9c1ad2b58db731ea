"""Votes: each method takes its extreme, and abstains where there is none."""

import numpy as np

from python_models.elbow import Elbow
from python_models.gap import Gap
from python_models.measures import Measures
from python_models.votes import votes


def test_votes_are_the_extremes_and_abstain_where_there_is_none() -> None:
    measures = [Measures(None, None, None), Measures(0.3, 1.5, 90.0), Measures(0.4, 1.5, 80.0)]
    cast = votes(Elbow(3, "bend"), measures, Gap(np.array([1.0, 2.0]), np.zeros(2)), [None, 0.95, 0.85], 0.9)
    # Of equals the smaller k.
    assert [(each.method, each.k) for each in cast] == [
        ("elbow", 3), ("silhouette", 3), ("davies_bouldin", 2), ("calinski_harabasz", 2), ("gap", None), ("stability", 2),
    ]  # fmt: skip
    assert "over k = 2 to 3" in cast[1].words
    assert votes(Elbow(2, ""), measures[:2], Gap(np.zeros(1), np.zeros(1)), [None, None], 0.9)[-1].k is None
