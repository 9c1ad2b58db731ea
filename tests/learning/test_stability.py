"""Stability: Jaccard, adjusted Rand index and bootstraps, by hand and by scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from python_models.kmeans import Partition, fit_plus_plus
from python_models.stability import adjusted_rand, best_jaccards, bootstrap, joined
from tests.support.points import clouds


def test_jaccards_equal_the_hand_computation() -> None:
    """{0, 1, 2} shares 2 of 3 with {0, 1}; {3, 4} shares 2 of 3 with {2, 3, 4}; {5} is itself."""
    old, new = np.array([0, 0, 0, 1, 1, 2]), np.array([1, 1, 0, 0, 0, 2])
    assert best_jaccards(old, new, 3) == pytest.approx([2 / 3, 2 / 3, 1.0])
    assert best_jaccards(old[:3], new[:3], 3) == pytest.approx([2 / 3, 0.0, 0.0])


def test_adjusted_rand_equals_the_hand_computation() -> None:
    """0 0 0 1 1 1 against 0 0 1 1 2 2: 2 pairs in common, 6 and 3 of their own, of 15.

    (2 - 6 * 3 / 15) / ((6 + 3) / 2 - 6 * 3 / 15) = 0.8 / 3.3, the 0.2424 of scikit-learn's guide.
    """
    one, other = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 2, 2])
    assert adjusted_rand(one, other) == pytest.approx(0.24242424, abs=1e-8)
    assert adjusted_rand(one, 1 - one) == 1.0
    assert adjusted_rand(np.zeros(4, dtype=np.int64), np.zeros(4, dtype=np.int64)) == 1.0


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=2, max_size=60))
@hypothesis_settings(max_examples=60, deadline=None)
def test_adjusted_rand_equals_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    one, other = np.array(pairs).T
    assert adjusted_rand(one, other) == pytest.approx(adjusted_rand_score(one, other), abs=1e-12)


def fitted(points: np.ndarray, k: int) -> Partition:
    found = [fit_plus_plus(points, k, np.random.default_rng(seed), 0.0) for seed in range(5)]
    return min((each for each in found if each is not None), key=lambda each: each.inertia)


def test_clouds_that_lie_apart_come_back_and_a_cut_through_one_does_not() -> None:
    points = clouds(150, [[0, 0], [20, 0], [0, 30]])
    order = np.random.default_rng(1).permutation(len(points))
    apart = bootstrap(points[order], fitted(points[order], 3), 1, range(20))
    assert apart.worst > 0.99 and apart.rand > 0.99 and apart.resamples == 20
    cut = bootstrap(points[order], fitted(points[order], 4), 1, range(20))
    assert cut.worst < 0.8
    assert cut.per_segment.max() > 0.99


def test_resamples_are_the_same_for_all_and_add_up() -> None:
    points = clouds(60, [[0, 0], [4, 0]])
    partition = fitted(points, 3)
    whole = bootstrap(points, partition, 7, range(6))
    parts = joined([bootstrap(points, partition, 7, range(2)), bootstrap(points, partition, 7, range(2, 6))])
    np.testing.assert_array_equal(whole.jaccards, parts.jaccards)
    np.testing.assert_array_equal(whole.rands, parts.rands)
    assert (bootstrap(points, partition, 8, range(6)).jaccards != whole.jaccards).any()


def test_a_resample_that_cannot_make_the_segments_counts_as_nothing() -> None:
    points = np.array([[0.0], [0.0], [5.0]])
    partition = Partition(np.array([[0.0], [5.0]]), np.array([0, 0, 1]), 0.0)
    stability = bootstrap(points, partition, 1, range(40))
    assert {tuple(each) for each in stability.jaccards.tolist()} == {(0.0, 0.0), (1.0, 1.0)}


def test_the_stability_of_two_pairs_equals_the_count_of_all_draws() -> None:
    """Of the 256 draws of 4 from 0, 1, 10, 11, 224 hold both pairs, and both come back.

    14 hold only 0 and 1: that segment is cut in two (Jaccard 1/2) and the other is gone (0); 14 more hold
    only 10 and 11. In 4 draws a row stands alone and there are no two segments. So each segment's
    Jaccard is (224 + 14 / 2) / 256 on average, and the adjusted Rand index 224 / 256: one segment cut in
    two agrees with it as much as chance would.
    """
    points = np.array([[0.0], [1.0], [10.0], [11.0]])
    partition = Partition(np.array([[0.5], [10.5]]), np.array([0, 0, 1, 1]), 1.0)
    stability = bootstrap(points, partition, 3, range(400))
    halves = {tuple(each) for each in stability.jaccards.tolist()}
    assert halves == {(1.0, 1.0), (0.5, 0.0), (0.0, 0.5), (0.0, 0.0)}
    assert stability.per_segment == pytest.approx([231 / 256] * 2, abs=0.04)
    assert stability.rand == pytest.approx(224 / 256, abs=0.05)
