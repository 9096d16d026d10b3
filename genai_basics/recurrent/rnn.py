"""Recurrent classifier or regressor for whole sequences.

(Elman, 1990; Hochreiter & Schmidhuber, 1997; Cho et al., 2014.) Recurrent layers read a series or
a text step by step, in both directions: h_t = f(x_t, h_(t-1)). The prediction is made from the
mean of h_t over all steps and the last h_t of each direction. Padding is masked.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

import keras
from keras import layers

from ..checks import below_one, idle, whole
from ..layers.cells import recurrent_layer
from ..predictor import Head, Predictor
from ..preprocessing import Steps, Tokens

__all__ = ["RNN", "build_rnn"]


def build_rnn(
    input_shape: Sequence[int | None] | None = None,
    num_classes: int | None = None,
    *,
    task: Literal["classification", "regression"] | None = None,
    class_names: Iterable[str] | None = None,
    multi_label: bool = False,
    num_outputs: int = 1,
    unit: Literal["character", "word", "subword", "byte"] | None = None,
    vocab_size: int = 5000,
    units: int = 64,
    num_layers: int = 1,
    cell: Literal["gru", "lstm"] = "gru",
    bidirectional: bool = True,
    dropout: float = 0.3,
    balance: bool = False,
    label_smoothing: float = 0.0,
    max_length: int = 400,
    seed: int | None = None,
) -> "RNN":
    """Build a recurrent network that classifies or regresses series or texts.

    Args:
        input_shape: `(time, channels)` of series, time `None` if lengths differ; `None` for
            texts.
        num_classes: Number of classes. `None` predicts values (regression), unless there are
            `class_names`.
        task: "classification" or "regression". `None` infers it from `num_classes`.
        class_names: Names of the classes.
        multi_label: Whether an example may have several labels at once: y is (n, classes).
        num_outputs: Number of values per example, for regression.
        unit: What texts are split into: "word", "subword", "character" or "byte". `None`:
            characters if texts have at most three words, like names, otherwise words.
        vocab_size: Maximum number of different units.
        units: Size of each recurrent layer, in each direction.
        num_layers: Number of recurrent layers.
        cell: "gru" or "lstm".
        bidirectional: Whether to read from the end as well.
        dropout: Dropout rate.
        balance: Whether rare classes weigh as much as frequent ones in training.
        label_smoothing: Label smoothing, from 0 to 1.
        max_length: Maximum number of units of a text; the rest is cut off.
        seed: Seed of weights, noise and the order of data. `None` draws a random one.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> from genai_basics import build_rnn
    >>> rnn = build_rnn(num_classes=2, units=8, seed=0)
    >>> rnn.compile()
    >>> history = rnn.fit(["aba", "bab"] * 8, [0, 1] * 8, epochs=1, verbose=0)
    >>> rnn.predict(["abab"], verbose=0).shape
    (1, 2)
    """
    whole("units", units, 1)
    whole("num_layers", num_layers, 1)
    below_one("dropout", dropout)
    if max_length is not None:
        whole("max_length", max_length, 1)
    head = Head.of(build_rnn, locals())
    seeds = keras.random.SeedGenerator(seed)
    if input_shape is None:
        preprocessor = Tokens(unit, vocab_size, max_length)
        inputs = keras.Input((None,), dtype="int32", name="tokens")
        x = layers.Embedding(
            vocab_size,
            units,
            embeddings_initializer=keras.initializers.RandomNormal(0.0, 1.0, seed=seeds),
            mask_zero=True,
        )(inputs)
        x = layers.Dropout(dropout, seed=seed)(x)
    else:
        input_shape = tuple(input_shape)
        idle(build_rnn, locals(), "unit", "vocab_size", "max_length", because="without texts")
        if len(input_shape) != 2 or not input_shape[1]:
            raise ValueError(
                "`input_shape` must be (time, channels), time None if it differs. "
                f"Received: input_shape={input_shape}"
            )
        preprocessor = Steps((None, input_shape[1]))
        inputs = keras.Input((None, input_shape[1]), name="series")
        x = layers.Masking(preprocessor.padding)(inputs)
    for _ in range(num_layers):
        layer = recurrent_layer(cell, units, seeds, return_sequences=True, return_state=True)
        x, *states = (layers.Bidirectional(layer) if bidirectional else layer)(x)
    kept = states if cell == "gru" else states[::2]
    x = layers.Concatenate()([layers.GlobalAveragePooling1D()(x), *kept])
    x = layers.Dropout(dropout, seed=seed)(x)
    init = keras.initializers.GlorotUniform(seeds)
    x = layers.Dense(units, "relu", kernel_initializer=init)(x)
    network = keras.Model(inputs, head(x, seeds), name="network")
    return RNN(network, preprocessor, head, seed=seed, name="rnn")


@keras.saving.register_keras_serializable(package="genai_basics")
class RNN(Predictor):
    """A `Predictor` with a recurrent network."""

    batch_size = 64
    learning_rate = 2e-3

    def default_optimizer(self, learning_rate):
        return keras.optimizers.Adam(learning_rate, global_clipnorm=1.0)
