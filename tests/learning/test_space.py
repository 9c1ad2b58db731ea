"""The space that every partition is measured in: the same whatever the currency."""

import numpy as np

from python_models.space import common_space
from tests.support.points import amounts


def test_the_common_space_is_the_same_whatever_the_currency() -> None:
    values = amounts(300, 4)
    np.testing.assert_allclose(common_space(values), common_space(values * 160), atol=1e-9)
    # Two views of each feature, each with half the variance.
    np.testing.assert_allclose(common_space(values).var(axis=0), 0.5)
