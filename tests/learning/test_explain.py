"""Explanation: a tree tells segments cut by a question, and not those drawn by lot."""

import numpy as np
import pytest

from python_models.explain import tree_accuracy


def test_a_tree_tells_segments_cut_by_a_question_and_not_those_drawn_by_lot() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(900, 3))
    assert tree_accuracy(values, (values[:, 1] > 0.3).astype(np.int64)) == pytest.approx(1.0, abs=0.01)
    assert tree_accuracy(values, rng.integers(2, size=900)) == pytest.approx(0.5, abs=0.08)
    assert tree_accuracy(values[:2], np.array([0, 1])) is None
