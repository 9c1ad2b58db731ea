"""Numbers that tests of the learning's parts share: correlated rows, skewed amounts, clouds of points."""

import numpy as np


def rows_of(seed: int, rows: int, columns: int) -> np.ndarray:
    """Rows whose columns are correlated."""
    rng = np.random.default_rng(seed)
    return np.ascontiguousarray(rng.normal(size=(rows, columns)) @ rng.normal(size=(columns, columns)))


def amounts(rows: int, seed: int) -> np.ndarray:
    """Three skewed amounts, 0 for two customers in five; a share; and the first amount as a debt."""
    rng = np.random.default_rng(seed)
    values = np.exp(rng.normal(5, 1.5, size=(rows, 3)))
    values[rng.random((rows, 3)) < 0.4] = 0.0
    return np.column_stack([values, rng.random(rows), -values[:, 0]])


def clouds(rows: int, centers: list[list[float]], seed: int = 0) -> np.ndarray:
    """So many rows around each center, with deviation 1 in every dimension."""
    rng = np.random.default_rng(seed)
    return np.vstack([rng.normal(center, 1.0, size=(rows, len(center))) for center in centers])
