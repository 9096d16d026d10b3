"""Feedforward network: dense layers from x to classes or values.

Each layer computes relu(W x + b), and the last a softmax over classes; training minimizes
-log p(y | x) by back-propagation (Rumelhart, Hinton & Williams, 1986,
https://doi.org/10.1038/323533a0). It accepts vectors, tables, pictures and texts.
"""

import itertools
from collections.abc import Iterable, Sequence
from typing import Literal

import keras
from keras import layers, ops

from ..checks import below_one, idle, whole, widths
from ..layers import RandomAffine
from ..predictor import Head, Predictor
from ..preprocessing import Columns, Numbers, Words

__all__ = ["MLP", "build_mlp"]


def build_mlp(
    input_shape: Sequence[int | None] | None = None,
    num_classes: int | None = None,
    *,
    columns=None,
    task: Literal["classification", "regression"] | None = None,
    multi_label: bool = False,
    num_outputs: int = 1,
    hidden_units: Sequence[int] | None = None,
    dropout: float | None = None,
    normalize: bool = True,
    augment: bool | None = None,
    max_words: int = 30_000,
    ngrams: int = 2,
    characters=None,
    max_categories: int = 50,
    balance: bool = False,
    label_smoothing: float = 0.0,
    class_names: Iterable[str] | None = None,
    value_range: tuple[float, float] | None = (0, 255),
    seed: int | None = None,
) -> "MLP":
    """Build a feedforward network for vectors, tables, pictures or texts.

    Args:
        input_shape: Shape of one example, (numbers,) or (height, width, channels). `None` for
            tables, with `columns`, and for texts.
        num_classes: Number of classes. `None` predicts values (regression), unless there are
            `class_names`.
        columns: Columns of a table, `(name, "number" | "category")` pairs: x is then a dict.
        task: "classification" or "regression". `None` infers it from `num_classes`.
        multi_label: Whether an example may have several labels at once: y is (n, classes).
        num_outputs: Number of values per example, for regression.
        hidden_units: Widths of the layers. `None`: (512, 512) for pictures, (128, 64) for
            vectors and tables, (64,) for texts.
        dropout: Dropout rate. `None`: 0.5 for texts, else 0.2.
        normalize: Whether each dense layer is followed by batch normalization.
        augment: Whether pictures are shifted, rotated and zoomed a little in training. `None`:
            if they have at least 12x12 pixels.
        max_words: Maximum size of the vocabulary of words and n-grams.
        ngrams: Maximum number of words in an n-gram.
        characters: Whether to use character n-grams as well. `None`: if texts are as short as
            names.
        max_categories: Maximum number of categories per column.
        balance: Whether rare classes weigh as much as frequent ones in training.
        label_smoothing: Label smoothing, from 0 to 1.
        class_names: Names of the classes.
        value_range: Range of pictures; other ranges get a warning.
        seed: Seed of weights, noise and the order of data. `None` draws a random one.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> from genai_basics import build_mlp, load_data
    >>> data = load_data("digits")
    >>> mlp = build_mlp((8, 8, 1), num_classes=10, hidden_units=(32,), seed=0)
    >>> mlp.compile()
    >>> history = mlp.fit(data.train.x, data.train.y, epochs=1, verbose=0)
    >>> mlp.predict(data.test.x, verbose=0).shape
    (180, 10)
    """
    head = Head.of(build_mlp, locals())
    is_text = input_shape is None and columns is None
    if input_shape is not None and columns is not None:
        raise ValueError(
            "give `input_shape` or `columns`, not both. "
            f"Received: input_shape={input_shape} and columns={columns}"
        )
    is_image = input_shape is not None and len(input_shape) == 3
    if not is_text:
        idle(build_mlp, locals(), "max_words", "ngrams", "characters", because="without texts")
    if columns is None:
        idle(build_mlp, locals(), "max_categories", because="without `columns`")
    if not is_image:
        idle(build_mlp, {"augment": augment or None}, "augment", because="without pictures")
    if hidden_units is None:
        hidden_units = (512, 512) if is_image else (64,) if is_text else (128, 64)
    dropout = (0.5 if is_text else 0.2) if dropout is None else dropout
    if augment is None:
        augment = is_image and min(input_shape[:2]) >= 12
    _check(input_shape, hidden_units, dropout, ngrams)
    init = keras.initializers.HeUniform(keras.random.SeedGenerator(seed))
    seeds = itertools.repeat(None) if seed is None else itertools.count(seed)

    if is_text:
        preprocessor = Words(max_words, ngrams, characters, name="words")
        inputs = keras.Input((None,), dtype="int32", name="x")
        x = BagOfWords(max_words + 1, hidden_units[0], name="bag_of_words")(inputs)
        rest = hidden_units[1:]
        x = layers.Dropout(dropout, seed=next(seeds))(layers.ReLU()(x))
    else:
        if columns is not None:
            preprocessor = Columns(columns, max_categories)
        else:
            preprocessor = Numbers(input_shape, value_range if is_image else None)
        shape = input_shape if columns is None else (preprocessor.width,)
        inputs = x = keras.Input(shape, name="x")
        if augment:
            x = RandomAffine(shift=0.08, zoom=0.1, rotation=10, seed=next(seeds))(x)
        x = layers.Flatten()(x)
        rest = hidden_units
    for width in rest:
        x = layers.Dense(width, use_bias=not normalize, kernel_initializer=init)(x)
        x = layers.BatchNormalization()(x) if normalize else x
        x = layers.Dropout(dropout, seed=next(seeds))(layers.ReLU()(x))
    return MLP(
        keras.Model(inputs, head(x, seed), name="network"),
        preprocessor,
        head,
        seed=seed,
        name="mlp",
    )


def _check(input_shape, hidden_units, dropout, ngrams):
    if input_shape is not None and any(not size or size < 1 for size in input_shape):
        raise ValueError(
            "`input_shape` must be (numbers,) or (height, width, channels). "
            f"Received: input_shape={input_shape}"
        )
    widths("hidden_units", hidden_units)
    below_one("dropout", dropout)
    whole("ngrams", ngrams, 1)


@keras.saving.register_keras_serializable(package="genai_basics")
class BagOfWords(keras.layers.Layer):
    """Sum of learned vectors of the words in a text, weighted by tf-idf (Joulin et al., 2016).

    It computes sum_i w_i e_i / ||w|| over the word numbers i of a text, where e are the vectors,
    w the inverse document frequencies, and 0 is padding. This equals a dense layer on tf-idf
    features.

    Args:
        num_words: Size of the vocabulary, including padding.
        units: Length of the vectors.
    """

    def __init__(self, num_words, units, **kwargs):
        super().__init__(**kwargs)
        self.num_words, self.units = num_words, units

    def build(self, input_shape=None):
        self.vectors = self.add_weight(
            name="vectors", shape=(self.num_words, self.units), initializer="glorot_uniform"
        )
        self.frequencies = self.add_weight(
            name="inverse_frequencies", shape=(self.num_words,), initializer="ones", trainable=False
        )
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")

    def call(self, numbers):
        weights = ops.take(self.frequencies, numbers, axis=0)
        weights = ops.where(numbers > 0, weights, 0.0)
        norm = ops.sqrt(ops.sum(ops.square(weights), axis=1, keepdims=True) + 1e-6)
        vectors = ops.take(self.vectors, numbers, axis=0)
        return ops.einsum("nt,ntu->nu", weights / norm, vectors) + self.bias

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.units)

    def get_config(self):
        return {**super().get_config(), "num_words": self.num_words, "units": self.units}


@keras.saving.register_keras_serializable(package="genai_basics")
class MLP(Predictor):
    """A `Predictor` whose network is feedforward."""

    learning_rate = 2e-3

    def adapt(self, x, y=None):
        super().adapt(x, y)
        if isinstance(self.preprocessor, Words):
            bag = self.network.get_layer("bag_of_words")
            bag.frequencies.assign(self.preprocessor.inverse_frequencies)
