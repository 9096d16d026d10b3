"""Series and texts of unequal length, padded to the longest of a batch."""

import keras
import numpy as np
from keras import ops

from .base import Preprocessor
from .numbers import Numbers
from .tokens import PADDING, Tokenizer

__all__ = ["Steps", "Tokens"]


@keras.saving.register_keras_serializable(package="genai_basics")
class Steps(Numbers):
    """Series of any length, standardized per channel.

    A batch is padded to its longest series with `padding`, for a `Masking` layer.
    """

    padding = -1e4  # far from any standardized value

    def as_array(self, x):
        many = isinstance(x, (list, tuple))
        for one in x if many else [x]:
            one = np.asarray(one)
            if one.dtype.kind not in "iufb" or not np.isfinite(one).all():
                raise ValueError(
                    "x must hold finite numbers: fill gaps first. "
                    f"Received: {one.dtype} with gaps or words"
                )
        if many:  # series of one channel may have the shape (time,)
            x = [np.asarray(one)[:, None] if np.ndim(one) == 1 else one for one in x]
        x = super().as_array(x)
        if len(x.shape) != 3 or x.shape[2] != self.shape[1]:
            raise ValueError(
                f"x must have shape (n, time, {self.shape[1]}). Received: x of shape {x.shape}"
            )
        return x

    def call(self, x):
        x = ops.cast(x, "float32")
        filled = ops.all(ops.isnan(x), axis=-1, keepdims=True)
        return ops.where(filled, self.padding, self.scaling(ops.where(filled, 0.0, x)))


@keras.saving.register_keras_serializable(package="genai_basics")
class Tokens(Preprocessor):
    """Texts as token numbers, padded with 0.

    Args:
        unit: See `Tokenizer`; `None` selects words or characters.
        size: Maximum number of different units.
        max_length: Maximum number of units of a text.
        tokenizer: The fitted `Tokenizer`.
    """

    def __init__(self, unit=None, size=5000, max_length=400, tokenizer=None, **kwargs):
        super().__init__(**kwargs)
        self.unit, self.size, self.max_length = unit, size, max_length
        if isinstance(tokenizer, dict):
            tokenizer = keras.saving.deserialize_keras_object(tokenizer)
        self.tokenizer = tokenizer or Tokenizer(unit or "character", size, name="tokenizer")
        self.built = True

    @property
    def shape(self):
        """Shape of one prepared example, with `None` for axes of any length."""
        return (None,)

    @property
    def state(self):
        return {"unit": self.tokenizer.unit}

    @state.setter
    def state(self, value):
        if value["unit"] != self.tokenizer.unit:
            self.tokenizer = Tokenizer(value["unit"], self.size, name="tokenizer")

    def adapt(self, x, y=None):
        texts = self._texts(x)
        if self.unit is None:
            words = np.mean([len(text.split()) for text in texts[:1000]])
            self.state = {"unit": "character" if words <= 3 else "word"}
        self.tokenizer.adapt(texts)

    def prepare(self, x):
        rows = [self.tokenizer.encode(text)[: self.max_length] for text in self._texts(x)]
        out = np.full((len(rows), max([1, *map(len, rows)])), PADDING, "int32")
        for row, numbers in zip(out, rows, strict=True):
            row[: len(numbers)] = numbers
        return out

    def _texts(self, x):
        if isinstance(x, str):
            raise ValueError(f"x must be a list of texts. Received: the text {x[:40]!r}")
        texts = list(x)
        for text in texts:
            if not isinstance(text, str) or not text:
                raise ValueError(
                    f"x must hold texts with something in them. Received: {text!r:.60}"
                )
        return texts

    def call(self, x):
        longest = ops.max(ops.sum(ops.cast(x != PADDING, "int32"), axis=1))
        return x[:, :longest]

    def get_config(self):
        own = {"unit": self.unit, "size": self.size, "max_length": self.max_length}
        tokenizer = keras.saving.serialize_keras_object(self.tokenizer)
        return {**super().get_config(), **own, "tokenizer": tokenizer}
