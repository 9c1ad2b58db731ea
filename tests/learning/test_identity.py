"""Segments that outlive a model: which cluster of a new model is which segment."""

import numpy as np
import pytest

from python_models.identity import first_identities, identify

SCALED = np.arange(24, dtype=float).reshape(12, 2)


def ids(before: list[int], clusters: list[int], least: float = 0.5, highest: int = 9) -> tuple[int, ...]:
    found = identify(
        np.array(before), np.array(clusters), SCALED[: len(before)], least_overlap=least, highest_id=highest
    )
    return found.segment_ids


def test_the_same_customers_are_the_same_segment_whatever_its_place() -> None:
    found = identify(
        np.array([4, 4, 4, 2, 2, 7]),
        np.array([2, 2, 2, 1, 1, 0]),
        SCALED[:6],
        least_overlap=0.5,
        highest_id=7,
    )
    assert found.segment_ids == (7, 2, 4)
    assert found.similarities == (1.0, 1.0, 1.0)
    assert found.relabelled == 0


def test_a_cluster_that_continues_nothing_is_new_and_never_has_an_id_of_before() -> None:
    """Segment 3 is split in three, none of which has half of it: all are new, after the highest id there has ever been."""
    assert ids([1, 1, 1, 3, 3, 3], [0, 0, 0, 1, 2, 3], highest=5) == (1, 6, 7, 8)


def test_of_a_split_the_half_with_most_customers_keeps_the_id() -> None:
    assert ids([1, 1, 1, 1, 1, 2], [1, 1, 1, 0, 0, 2]) == (10, 1, 2)


def test_the_relabelled_are_those_whose_segment_is_another() -> None:
    found = identify(
        np.array([1, 1, 1, 1, 2, 2, 2, 2]), np.array([0, 0, 0, 1, 1, 1, 1, 1]), SCALED[:8],
        least_overlap=0.5, highest_id=2,
    )  # fmt: skip
    assert (found.segment_ids, found.relabelled) == ((1, 2), 1 / 8)


def test_pairs_are_taken_so_that_all_together_are_most_alike() -> None:
    """Cluster 0 is most like segment 1, but then cluster 1 would have nothing: together the other way is better."""
    before = [1] * 6 + [2] * 3
    clusters = [0] * 3 + [1] * 3 + [0] * 3
    assert ids(before, clusters, least=0.3) == (2, 1)


@pytest.mark.parametrize(("least", "expected"), [(0.5, (1, 2)), (0.76, (10, 2))])
def test_below_the_least_overlap_there_is_no_pair(least: float, expected: tuple[int, ...]) -> None:
    assert ids([1, 1, 1, 1, 2, 2, 2, 2, 2], [0, 0, 0, 1, 1, 1, 1, 1, 1], least=least) == expected


def test_of_clusters_that_share_alike_the_nearer_one_continues() -> None:
    scaled = np.array([[0.0], [0.0], [10.0], [10.0]])
    found = identify(np.array([1, 1, 2, 2]), np.array([0, 1, 0, 1]), scaled, least_overlap=0.1, highest_id=2)
    assert sorted(found.segment_ids) == [1, 2]


def test_first_ids_are_places() -> None:
    assert first_identities(np.array([0, 2, 1])).segment_ids == (1, 2, 3)
