"""The sample: features as a checked matrix, in an order that depends on nothing but the ids.

Touches nothing but its arguments.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from re import fullmatch

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

ID = "customer_id"
# Squares of larger numbers, summed over a sample, leave the range of a double.
LARGEST_VALUE = 1e150
# Scaled values that agree to this many decimals are the same to KMeans.
DECIMALS = 9


@dataclass(frozen=True)
class Sample:
    """Customers to learn from.

    Attributes:
        features: names in the order of the input, for display.
        names: the same names sorted, the order of the columns of `values`.
        values: shape (rows, features), raw units, NaN where missing; rows in hash order of
            customer_id, so that the first rows are a fair draw of all.
    """

    features: tuple[str, ...]
    names: tuple[str, ...]
    values: FloatArray


def draw_sample(frame: pd.DataFrame, limit: int) -> Sample:
    """Check the features and bring them to an order that row and column order do not touch.

    Args:
        frame: column customer_id, one row per customer, and numeric feature columns.
        limit: most rows to keep, the first in hash order.

    Raises:
        ValueError: no customer_id, a missing or repeated one, no feature, two columns of one name,
            a name that the model uses itself, a column that is not numeric or holds infinite or
            too large values.
    """
    columns = [str(column) for column in frame.columns]
    repeated = sorted({column for column in columns if columns.count(column) > 1})
    if repeated:
        raise ValueError(f"column {repeated[0]} occurs more than once: give every feature its own name")
    if ID not in columns:
        raise ValueError(f"the features have no column {ID}: it is needed to tell customers apart")
    features = tuple(column for column in columns if column != ID)
    if not features:
        raise ValueError(f"there is no feature beside {ID}: at least one numeric column is needed")
    named = frame.set_axis(columns, axis="columns")
    names = tuple(sorted(features))
    order = _hash_order(named[ID])[:limit]
    values = np.column_stack([_numbers(name, named[name])[order] for name in names])
    return Sample(features, names, np.ascontiguousarray(values))


def count_distinct(points: FloatArray, enough: int) -> int:
    """Count the rows of points that differ to 9 decimals, up to `enough`; more are not looked for.

    points: shape (rows, dimensions).
    """
    rows = max(1000, enough)
    while True:
        # Adding 0 turns -0.0 into 0.0.
        distinct = len(np.unique(np.round(points[:rows], DECIMALS) + 0.0, axis=0)) if len(points) else 0
        if distinct >= enough or rows >= len(points):
            return min(distinct, enough)
        rows *= 10


def _hash_order(ids: pd.Series) -> NDArray[np.int64]:
    if ids.isna().any():
        missing = int(ids.isna().sum())
        rows = "1 row has" if missing == 1 else f"{missing} rows have"
        raise ValueError(f"{rows} no {ID}: every customer needs one")
    texts = [str(each) for each in ids]
    if len(set(texts)) < len(texts):
        twice = ids.astype(str)[ids.astype(str).duplicated()]
        raise ValueError(
            f"{ID} {min(twice)} stands on more than one row, as do {twice.nunique() - 1} others: "
            "one row per customer is expected"
        )
    keys = [(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), text) for text in texts]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)


def _numbers(name: str, column: pd.Series) -> FloatArray:
    if fullmatch(r"pca_\d+|\(intercept\)", name):
        raise ValueError(f"column {name} has a name that the model uses itself: rename the feature")
    kinds: Iterable[object] = (pd.api.types.is_integer_dtype(column), pd.api.types.is_float_dtype(column))
    if not any(kinds):
        raise ValueError(
            f"column {name} is not numeric but {column.dtype}: cast it to a number or leave it out of the features"
        )
    numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(numbers).any():
        raise ValueError(
            f"column {name} holds {int(np.isinf(numbers).sum())} infinite values: "
            "make them missing or finite numbers before training"
        )
    if (np.abs(numbers) > LARGEST_VALUE).any():
        raise ValueError(
            f"column {name} holds values beyond {LARGEST_VALUE:g}, whose squares no double can hold: "
            "check its unit or reject those rows"
        )
    return numbers
