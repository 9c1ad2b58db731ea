"""Codes and reconstruction error of customers under trained autoencoders. Touches nothing; needs no TensorFlow."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from python_models.autoencoder import CODES
from python_models.encoder import Encoder, encoder_from_rows
from python_models.space import code_names

COLUMNS = ("customer_id", "autoencoder", *code_names(CODES), "reconstruction_error")


def encoders_of(names: Collection[str], layers: pd.DataFrame) -> list[Encoder]:
    """Build encoders from their numbers, in order of their names.

    Args:
        names: of autoencoders that read the model's own scaled features.
        layers: `encoder_layers` of `python_models.results.Results`.

    Raises:
        ValueError: a layer is missing or damaged.

    """
    return [
        encoder_from_rows(layers[layers["autoencoder"] == name].to_dict("records")) for name in sorted(names)
    ]


def embed(encoders: Sequence[Encoder], scaled: pd.DataFrame) -> pd.DataFrame:
    """Encode a batch of customers.

    Args:
        encoders: trained on these features, in the order of their names.
        scaled: `customer_id` and the scaled features, in any order.

    Returns:
        COLUMNS, one row per customer and encoder: its codes (empty beyond those that it has) and the mean
        squared error of the scaled features rebuilt from them, by which outliers stand out.
    """
    features = sorted(set(scaled.columns) - {"customer_id"})
    values = np.ascontiguousarray(scaled[features].to_numpy(dtype=np.float64))
    frames = []
    # Threads add up in another order, and the last digits differ.
    with threadpool_limits(limits=1):
        for encoder in encoders:
            codes = np.full((len(values), CODES), np.nan)
            codes[:, : encoder.codes] = encoder.transform(values)
            frame = pd.DataFrame(codes, columns=code_names(CODES))
            frame.insert(0, "customer_id", scaled["customer_id"].to_numpy())
            frame.insert(1, "autoencoder", encoder.name)
            frame["reconstruction_error"] = encoder.errors(values).mean(axis=1)
            frames.append(frame)
    return pd.concat(frames, ignore_index=True)
