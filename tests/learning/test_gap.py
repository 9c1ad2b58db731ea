"""The gap statistic and its vote: hand computations and simulations of the paper."""

import numpy as np
import pytest

from python_models.gap import Gap, gap_statistic
from tests.support.points import clouds


def test_the_gap_equals_the_hand_computation() -> None:
    """Rows spread evenly over a line of length L, cut in k equal parts, have W = n L^2 / (12 k^2).

    Two such lines of length e at both ends of 0 to 1, for small e: W(1) = n / 4 and W(2) = n e^2 / 12; the
    reference, spread over 0 to 1, has n / 12 and n / 48. So the gaps are -ln 3 and -ln 4 - 2 ln e.
    """
    length, rows = 0.01, 1500
    line = np.linspace(0, length, rows // 2)
    points = np.random.default_rng(1).permutation(np.concatenate([line, 1 - line]))[:, None]
    gap = gap_statistic(points, 4, 1)
    assert gap.gaps[:2] == pytest.approx([-np.log(3), -np.log(4) - 2 * np.log(length)], abs=0.05)
    assert gap.k == 2


def test_the_gap_finds_clouds_and_no_clouds() -> None:
    """As in the paper's first simulations: one uniform cloud has k = 1, three clouds have k = 3."""
    rng = np.random.default_rng(2)
    assert gap_statistic(rng.uniform(size=(400, 5)), 5, 1).k == 1
    assert gap_statistic(rng.permutation(clouds(120, [[0, 0], [0, 12], [12, 0]])), 6, 1).k == 3


def test_the_gap_rule_equals_the_hand_computation() -> None:
    """0.5 < 0.9 - 0.1 at k = 1; 0.9 >= 0.95 - 0.1 at k = 2; a gap that only rises has no vote."""
    errors = np.full(3, 0.1)
    assert Gap(np.array([0.5, 0.9, 0.95]), errors).k == 2
    assert Gap(np.array([0.5, 0.7, 0.9]), errors).k is None
