"""Records: what a training run hands over, one flat JSON object per row. Touches nothing.

SQL models unpack them, so a number must come back as the very double it was: Python writes the
shortest text that reads back exactly. Values without a number (NaN, infinite) become null.
"""

import json
import math
from collections.abc import Iterable, Mapping
from hashlib import sha256
from numbers import Integral, Real

import pandas as pd

Value = str | int | float | bool | None
Record = tuple[str, dict[str, Value]]

MODEL_ID_DIGITS = 12
# Enough to tell models apart, and blind to noise in the last digits.
SIGNIFICANT_DIGITS = 10


def to_frame(records: Iterable[Record]) -> pd.DataFrame:
    """Lay records out as rows of text columns `record` and `payload`."""
    rows = [(kind, _json(payload)) for kind, payload in records]
    return pd.DataFrame(rows, columns=["record", "payload"], dtype=object)


def model_id(parameters: Iterable[tuple[str, str, str, float]], settings: Mapping[str, Value]) -> str:
    """Name a model by what it is: 'm' and 12 hexadecimal digits of a SHA-256.

    Args:
        parameters: (stage, component, feature, value), in any order.
        settings: the parameters of the run.
    """
    canonical = {
        "parameters": sorted(
            (stage, component, feature, f"{value + 0.0:.{SIGNIFICANT_DIGITS - 1}e}")
            for stage, component, feature, value in parameters
        ),
        "settings": dict(settings),
    }
    return "m" + sha256(json.dumps(canonical, sort_keys=True).encode()).hexdigest()[:MODEL_ID_DIGITS]


def _json(payload: Mapping[str, object]) -> str:
    return json.dumps({name: _plain(value) for name, value in payload.items()}, allow_nan=False)


def _plain(value: object) -> Value:
    """Turn NumPy's numbers into Python's, and what JSON cannot say into null."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    raise TypeError(f"a record cannot hold {type(value).__name__}")
