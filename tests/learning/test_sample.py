"""The sample: its distinct rows are counted as far as is needed."""

import numpy as np

from python_models.sample import count_distinct
from tests.support.points import rows_of


def test_distinct_rows_are_counted_up_to_enough() -> None:
    points = np.repeat([[0.0, 1.0], [-0.0, 1.0], [1e-12, 1.0], [2.0, 1.0]], 900, axis=0)
    assert count_distinct(points, 5) == 2
    assert count_distinct(rows_of(9, 5000, 2), 20) == 20
    late = np.vstack([np.zeros((20_000, 1)), [[1.0]]])
    assert count_distinct(late, 20) == 2
