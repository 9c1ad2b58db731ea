"""Autoencoders: a few codes per customer from which a network rebuilds the features.

After Chollet, "Building Autoencoders in Keras" (blog.keras.io, 2016), for tables instead of images;
its convolutional and sequence variants need pixels or time steps and have no use on one row of
features. Keras and TensorFlow are imported when the first autoencoder is trained, not before; then
TensorFlow's thread counts and determinism are set for the whole process. Touches nothing else.

A network's codes are known only up to what the decoder can undo, so plain codes of two seeds share
no axis and no scale, and KMeans on them would agree at an adjusted Rand index of 0.3 to 0.5. Hence
the codes are brought to axes with a meaning: with B the least-squares map from codes to scaled
features and B = U S V', the codes become C U S. A distance between codes is then the distance
between the features that they foretell linearly, the axes stand in order of what they explain, and
any invertible linear change of a network's codes drops out. The map is part of the encoder.
"""

import itertools
import math
import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from python_models.encoder import Encoder, Layer, single
from python_models.pca import with_signs

FloatArray = NDArray[np.float64]

# Most customers a network learns from, and the share of them that only says when to stop.
TRAINING_ROWS = 20_000
HELD_OUT = 0.1
# Fewer customers than this tell a network nothing that PCA does not.
FEWEST_ROWS = 100
CODES = 10
# Small samples get more passes, until a network has had this many steps, but no more than that many.
FEWEST_STEPS = 500
MOST_EPOCHS = 50
PATIENCE = 4
# A code unit whose variance is below this share of the units' mean variance says nothing.
DEAD_SHARE = 0.01
# Held while Keras is being imported and set.
_loads = threading.Lock()
# Directions of the codes with less of the variance than this are rounding.
RANK_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Preset:
    """A network and how it is trained.

    Attributes:
        hidden: units of the encoder's layers before the code, all ReLU.
        decoder: units of the decoder's layers before the output, all ReLU.
        code_activation: of the code.
        noise: deviation of the Gaussian noise on the scaled features while training.
        l1: weight of the mean absolute code in the loss.
        kl: weight of the Kullback-Leibler divergence from the standard normal, per code; 0 is no VAE.
        epochs: most passes, but more where they are short (FEWEST_STEPS).
        batch: customers per step.
        rate: Adam's learning rate.
    """

    hidden: tuple[int, ...]
    decoder: tuple[int, ...]
    code_activation: str
    noise: float
    l1: float
    kl: float
    epochs: int
    batch: int
    rate: float


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "undercomplete": Preset((32,), (32,), "linear", 0.0, 0.0, 0.0, 30, 256, 6e-3),
        "sparse": Preset((32,), (32,), "linear", 0.0, 1e-3, 0.0, 30, 256, 6e-3),
        "denoising": Preset((32,), (32,), "linear", 0.2, 0.0, 0.0, 30, 256, 6e-3),
        "variational": Preset((32,), (32,), "linear", 0.0, 0.0, 1e-3, 30, 256, 6e-3),
        # The network of the course that CC GENERAL is known from, 2.3 million weights: off by default.
        "course": Preset((7, 500, 500, 2000), (2000, 500), "relu", 0.0, 0.0, 0.0, 25, 128, 1e-3),
    }
)


@dataclass(frozen=True)
class Autoencoder:
    """What came of training one preset.

    Attributes:
        encoder: the network as numbers.
        curve: (epoch from 1, loss, loss on the held-out customers) per pass.
        feature_errors: mean squared reconstruction error per feature, shape (features,), in scaled
            units, over the customers it learned from.
        pca_errors: the same of as many principal components.
        units: code units of the network.
        dead_units: those whose variance is below 1% of the units' mean.
        weights: trained numbers.
    """

    encoder: Encoder
    curve: tuple[tuple[int, float, float], ...]
    feature_errors: FloatArray
    pca_errors: FloatArray
    units: int
    dead_units: int
    weights: int

    @property
    def error(self) -> float:
        """Mean squared reconstruction error."""
        return float(self.feature_errors.mean())

    @property
    def pca_error(self) -> float:
        """Mean squared reconstruction error of as many principal components."""
        return float(self.pca_errors.mean())


def code_units(features: int) -> int:
    """Codes of a network: 10, but always fewer than features, if there is more than one."""
    return max(1, min(CODES, features - 1))


def fit_autoencoder(scaled: FloatArray, name: str, seed: int) -> Autoencoder:
    """Train a preset on scaled features; the same seed gives the same numbers.

    Stops when the loss on the last tenth of the customers has not fallen for 4 passes, and goes back
    to the best pass.

    Args:
        scaled: shape (rows, features), at least FEWEST_ROWS rows in an order of chance; the first
            TRAINING_ROWS are used.
        name: of PRESETS.
        seed: of the weights, the order of the customers and the noise.

    Raises:
        ValueError: too few rows, or the loss left the range of numbers.
    """
    if len(scaled) < FEWEST_ROWS:
        raise ValueError(
            f"only {len(scaled)} customers: an autoencoder needs at least {FEWEST_ROWS} to learn from; "
            "choose REPRESENTATION=scaled or pca"
        )
    keras = _keras()
    preset = PRESETS[name]
    rows = scaled[:TRAINING_ROWS]
    kept = len(rows) - max(1, int(len(rows) * HELD_OUT))
    units = code_units(scaled.shape[1])
    network = _network(keras, preset, scaled.shape[1], units, seed)
    curve = _trained(keras, network, preset, rows.astype(np.float32), kept, seed)
    if not all(np.isfinite([loss, held_out]).all() for _, loss, held_out in curve):
        raise ValueError(
            f"the autoencoder {name} diverged: a feature has values too extreme for it; choose another SCALING "
            f"or leave {name} out of AUTOENCODERS"
        )
    encoder, decoder = _layers_of(network, preset)
    codes = _codes(encoder, rows)
    variances = codes.var(axis=0)
    dead = variances <= DEAD_SHARE * variances.mean()
    made = _with_meaningful_axes(name, encoder, decoder, rows)
    return Autoencoder(
        encoder=made,
        curve=curve,
        feature_errors=made.errors(rows).mean(axis=0),
        pca_errors=pca_errors(rows, units),
        units=units,
        dead_units=int(dead.sum()),
        weights=int(network.count_params()),
    )


def pca_errors(scaled: FloatArray, components: int) -> FloatArray:
    """Mean squared error per feature of rebuilding scaled features from principal components.

    scaled: shape (rows, features). Returns shape (features,), in squared units of the scaling.
    """
    centred = scaled - scaled.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :components]
    errors: FloatArray = ((centred - centred @ axes @ axes.T) ** 2).mean(axis=0)
    return errors


def _passes(preset: Preset, rows: int) -> int:
    steps = math.ceil(rows / preset.batch)
    return max(preset.epochs, min(MOST_EPOCHS, math.ceil(FEWEST_STEPS / steps)))


def _codes(layers: list[Layer], values: FloatArray) -> FloatArray:
    for layer in layers:
        values = layer.apply(values)
    return values


def _with_meaningful_axes(
    name: str, encoder: list[Layer], decoder: list[Layer], scaled: FloatArray
) -> Encoder:
    """Turn and stretch the codes to what they explain of the features, see the module's docstring."""
    codes = _codes(encoder, scaled)
    mean = codes.mean(axis=0)
    centred = codes - mean
    # Whitened first, so that nearly dependent codes cannot blow up the least squares.
    _, deviations, directions = np.linalg.svd(centred / np.sqrt(len(codes)), full_matrices=False)
    real = deviations > RANK_TOLERANCE * max(float(deviations.max()), RANK_TOLERANCE)
    whiten = directions[real].T / deviations[real]
    white = centred @ whiten
    foretold = white.T @ (scaled - scaled.mean(axis=0)) / len(scaled)
    turn, explained, loadings = np.linalg.svd(foretold, full_matrices=False)
    signs = np.sign((with_signs(loadings) * loadings).sum(axis=1))
    # A direction that foretells nothing linearly keeps a sliver, so that the decoder can still use it.
    stretch = np.maximum(explained, 1e-3 * explained.max()) * signs
    forth = whiten @ turn * stretch
    back = ((turn / stretch).T * deviations[real]) @ directions[real]
    forth_layer = Layer(forth, -mean @ forth, "linear")
    back_layer = Layer(back, mean, "linear")
    layers = [_joined([*encoder, forth_layer]), _joined([back_layer, *decoder])]
    rounded = [
        tuple(Layer(single(each.weights), single(each.bias), each.activation) for each in half)
        for half in layers
    ]
    return Encoder(name, rounded[0], rounded[1])


def _joined(layers: list[Layer]) -> list[Layer]:
    """Multiply out neighbours of which the first is linear."""
    joined = [layers[0]]
    for layer in layers[1:]:
        before = joined[-1]
        if before.activation == "linear":
            joined[-1] = Layer(
                before.weights @ layer.weights, before.bias @ layer.weights + layer.bias, layer.activation
            )
        else:
            joined.append(layer)
    return joined


def _network(keras: Any, preset: Preset, features: int, units: int, seed: int) -> Any:
    """Lay out a network whose weights and noise are drawn from the seed and the layer's place, nothing else."""
    places = itertools.count()

    def drawn_from() -> int:
        return int(np.random.SeedSequence([seed, next(places)]).generate_state(1)[0] >> 1)

    def dense(width: int, **more: Any) -> Any:
        start = keras.initializers.GlorotUniform(seed=drawn_from())
        return keras.layers.Dense(width, kernel_initializer=start, **more)

    inputs = keras.Input((features,))
    flow = inputs
    if preset.noise:
        flow = keras.layers.GaussianNoise(preset.noise, seed=drawn_from())(flow)
    for place, width in enumerate(preset.hidden):
        flow = dense(width, activation="relu", name=f"encoder_{place}")(flow)
    code = dense(
        units,
        activation=preset.code_activation,
        activity_regularizer=keras.regularizers.L1(preset.l1) if preset.l1 else None,
        name=f"encoder_{len(preset.hidden)}",
    )(flow)
    flow = _drawn(keras, preset.kl, drawn_from())([code, dense(units)(flow)]) if preset.kl else code
    for place, width in enumerate(preset.decoder):
        flow = dense(width, activation="relu", name=f"decoder_{place}")(flow)
    outputs = dense(features, name=f"decoder_{len(preset.decoder)}")(flow)
    return keras.Model(inputs, outputs)


def _trained(
    keras: Any, network: Any, preset: Preset, rows: NDArray[np.float32], kept: int, seed: int
) -> tuple[tuple[int, float, float], ...]:
    """Train a network by Adam on the first `kept` rows and leave it as it was after its best pass.

    A pass is one graph with the loop over its steps in it: with networks as small as these Keras' own `fit`, which comes
    back to Python between steps, takes four times as long for the same. What it does is the usual: mean squared error
    with what the layers add, gradients clipped to norm 1, customers in another order for each pass.

    Returns:
        (pass from 1, loss, loss on the other rows) per pass, up to PATIENCE after the best.
    """
    import tensorflow

    learned, held_out = tensorflow.constant(rows[:kept]), tensorflow.constant(rows[kept:])
    weights = network.trainable_variables
    adam = keras.optimizers.Adam(preset.rate, clipnorm=1.0)
    adam.build(weights)

    def loss_of(batch: Any, training: bool) -> Any:
        rebuilt = network(batch, training=training)
        return tensorflow.add_n([tensorflow.reduce_mean(tensorflow.square(rebuilt - batch)), *network.losses])

    def step(start: Any, total: Any, order: Any) -> tuple[Any, Any, Any]:
        batch = tensorflow.gather(learned, order[start : start + preset.batch])
        with tensorflow.GradientTape() as tape:
            loss = loss_of(batch, training=True)
        adam.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        share = tensorflow.cast(tensorflow.shape(batch)[0], tensorflow.float32) / kept
        return start + preset.batch, total + loss * share, order

    @tensorflow.function(autograph=False)  # type: ignore[untyped-decorator]
    def one_pass(order: Any) -> tuple[Any, Any]:
        begin = (tensorflow.constant(0), tensorflow.constant(0.0), order)
        loss = tensorflow.while_loop(lambda start, *_: start < kept, step, begin)[1]
        return loss, loss_of(held_out, training=False)

    rng = np.random.default_rng(seed)
    curve: list[tuple[int, float, float]] = []
    best, kept_weights = math.inf, [each.numpy() for each in weights]
    since_best = 0
    while len(curve) < _passes(preset, kept) and since_best < PATIENCE:
        loss, foretold = one_pass(tensorflow.constant(rng.permutation(kept).astype(np.int32)))
        curve.append((len(curve) + 1, float(loss), float(foretold)))
        since_best += 1
        if curve[-1][2] < best:
            best, since_best = curve[-1][2], 0
            kept_weights = [each.numpy() for each in weights]
    for each, value in zip(weights, kept_weights, strict=True):
        each.assign(value)
    return tuple(curve)


def _drawn(keras: Any, weight: float, seed: int) -> Any:
    """A layer that draws codes around their means (Kingma and Welling 2014) and adds the divergence to the loss."""

    class Drawn(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.generator = keras.random.SeedGenerator(seed)

        def call(self, inputs: Any, training: bool = False) -> Any:
            means, log_variances = inputs
            ops = keras.ops
            divergence = 0.5 * (ops.square(means) + ops.exp(log_variances) - 1 - log_variances)
            self.add_loss(weight * ops.mean(ops.sum(divergence, axis=1)))
            if not training:
                return means
            noise = keras.random.normal(ops.shape(means), seed=self.generator)
            return means + ops.exp(0.5 * log_variances) * noise

    return Drawn()


def _layers_of(network: Any, preset: Preset) -> tuple[list[Layer], list[Layer]]:
    def layer(part: str, place: int, activation: str) -> Layer:
        weights, bias = network.get_layer(f"{part}_{place}").get_weights()
        return Layer(weights.astype(np.float64), bias.astype(np.float64), activation)

    last = len(preset.hidden)
    encoder = [layer("encoder", place, "relu") for place in range(last)]
    encoder.append(layer("encoder", last, preset.code_activation))
    last = len(preset.decoder)
    decoder = [layer("decoder", place, "relu") for place in range(last)]
    decoder.append(layer("decoder", last, "linear"))
    return encoder, decoder


@contextmanager
def keras_loading() -> Iterator[None]:
    """Import Keras beside what happens inside, which takes seconds; who needs it before waits for it."""
    loading = threading.Thread(target=_load_quietly)
    loading.start()
    try:
        yield
    finally:
        # A process must not end while TensorFlow is half imported.
        loading.join()


def _load_quietly() -> None:
    # What fails here fails again where it is wanted, and is told there.
    with suppress(Exception):
        _keras()


def _keras() -> Any:
    """Import Keras on TensorFlow, silently, and make it give the same numbers every time; for one thread at a time."""
    with _loads:
        return _imported_keras()


def _imported_keras() -> Any:
    quiet = _environment(TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0", KERAS_BACKEND="tensorflow")
    with quiet, _native_errors_held_back():
        import tensorflow

        # A sum over two threads adds up in another order. Refused once TensorFlow is in use, as by a
        # caller's own network; then its thread counts stay, and only the last digits may differ.
        with suppress(RuntimeError):
            tensorflow.config.threading.set_intra_op_parallelism_threads(1)
            tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        tensorflow.config.experimental.enable_op_determinism()
        # TensorFlow chooses at import, and at its first use, what it heeds of the environment.
        tensorflow.constant(0)
        import keras
    return keras


@contextmanager
def _native_errors_held_back() -> Iterator[None]:
    """Keep what native code writes to the error stream; let it out only where the block fails.

    TensorFlow's log level does not reach its note that there is no graphics card. Done once per process:
    the modules stay loaded.
    """
    if "keras" in sys.modules and "tensorflow" in sys.modules:
        yield
        return
    try:
        terminal = os.dup(2)
    except OSError:
        # The process has no error stream.
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(terminal, held.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Set environment variables for a while, where the caller has not."""
    missing = [name for name in values if name not in os.environ]
    os.environ.update({name: values[name] for name in missing})
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)
