"""A trained encoder as plain numbers: scoring with it needs NumPy only. Touches nothing."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

PARTS = ("encoder", "decoder")
ACTIVATIONS = ("linear", "relu")


@dataclass(frozen=True)
class Layer:
    """activation(inputs @ weights + bias); weights (inputs, outputs), bias (outputs,)."""

    weights: FloatArray
    bias: FloatArray
    activation: str

    def apply(self, inputs: FloatArray) -> FloatArray:
        """Inputs of shape (rows, inputs) to (rows, outputs)."""
        outputs: FloatArray = inputs @ self.weights + self.bias
        return np.maximum(outputs, 0.0) if self.activation == "relu" else outputs


@dataclass(frozen=True)
class Encoder:
    """Both halves of an autoencoder, from scaled features to codes and back.

    Its numbers are those of single precision, so that they come back from their text exactly.

    Attributes:
        name: the preset that was trained.
        encoder: layers from scaled features to codes.
        decoder: layers from codes to scaled features.
    """

    name: str
    encoder: tuple[Layer, ...]
    decoder: tuple[Layer, ...]

    @property
    def codes(self) -> int:
        """Number of codes per customer."""
        return len(self.encoder[-1].bias)

    def transform(self, scaled: FloatArray) -> FloatArray:
        """Codes, shape (rows, codes), of scaled features, shape (rows, features)."""
        return _through(self.encoder, scaled)

    def reconstruct(self, scaled: FloatArray) -> FloatArray:
        """Scaled features as the codes remember them, shape (rows, features)."""
        return _through(self.decoder, self.transform(scaled))

    def errors(self, scaled: FloatArray) -> FloatArray:
        """Squared reconstruction error of each customer and feature, shape (rows, features).

        Its mean over a row is the customer's outlier score.
        """
        squared: FloatArray = (self.reconstruct(scaled) - scaled) ** 2
        return squared

    def rows(self) -> list[dict[str, str | int]]:
        """Lay the layers out, one flat row each: autoencoder, part, layer, activation, inputs, outputs, bias, weights.

        `bias` and `weights` are JSON lists as text, weights row by row.
        """
        return [
            {
                "autoencoder": self.name,
                "part": part,
                "layer": place,
                "activation": layer.activation,
                "inputs": layer.weights.shape[0],
                "outputs": layer.weights.shape[1],
                "bias": _text(layer.bias),
                "weights": _text(layer.weights.ravel()),
            }
            for part, layers in zip(PARTS, (self.encoder, self.decoder), strict=True)
            for place, layer in enumerate(layers)
        ]


def encoder_from_rows(rows: Iterable[Mapping[Any, object]]) -> Encoder:
    """Build an encoder from the rows that `Encoder.rows` wrote, in any order.

    Raises:
        ValueError: rows of more than one encoder, an unknown activation, a gap between layers, or
            sizes that do not fit.
    """
    given = list(rows)
    names = sorted({str(row["autoencoder"]) for row in given})
    if len(names) != 1:
        raise ValueError(f"expected the layers of one encoder, found {len(names)}: {', '.join(names)}")
    halves = [_layers([row for row in given if row["part"] == part], part) for part in PARTS]
    chain = [*halves[0], *halves[1]]
    for before, after in pairwise(chain):
        if before.weights.shape[1] != after.weights.shape[0]:
            raise ValueError(
                f"encoder {names[0]}: a layer hands on {before.weights.shape[1]} numbers to one that "
                f"expects {after.weights.shape[0]}; its rows are damaged, train it again"
            )
    return Encoder(names[0], halves[0], halves[1])


def single(values: FloatArray) -> FloatArray:
    """Round to single precision."""
    rounded: FloatArray = values.astype(np.float32).astype(np.float64)
    return rounded


def _layers(rows: Sequence[Mapping[str, object]], part: str) -> tuple[Layer, ...]:
    ordered = sorted(rows, key=lambda row: int(str(row["layer"])))
    places = [int(str(row["layer"])) for row in ordered]
    if not places or places != list(range(len(places))):
        raise ValueError(f"the {part} lacks layers: found {places}, expected 0, 1, ... without a gap")
    made = []
    for row in ordered:
        activation = str(row["activation"])
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation {activation}: expected {' or '.join(ACTIVATIONS)}")
        shape = int(str(row["inputs"])), int(str(row["outputs"]))
        bias, weights = _numbers(row["bias"]), _numbers(row["weights"])
        if len(bias) != shape[1] or len(weights) != shape[0] * shape[1]:
            raise ValueError(
                f"the {part}'s layer {row['layer']} does not hold {shape[0]} x {shape[1]} weights"
            )
        made.append(Layer(weights.reshape(shape), bias, activation))
    return tuple(made)


def _through(layers: Sequence[Layer], values: FloatArray) -> FloatArray:
    for layer in layers:
        values = layer.apply(values)
    return values


def _text(values: FloatArray) -> str:
    # The shortest text that reads back as the same number of single precision.
    return "[" + ",".join(str(each) for each in values.astype(np.float32)) + "]"


def _numbers(text: object) -> FloatArray:
    return single(np.array(json.loads(str(text)), dtype=np.float64))
