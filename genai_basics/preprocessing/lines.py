"""Short texts, each as one row of token numbers."""

import keras
import numpy as np

from ..warning import warn
from .base import Preprocessor
from .tokens import BOUNDARY, PADDING

__all__ = ["Lines"]

LONGEST = 1000  # maximum units of a text


@keras.saving.register_keras_serializable(package="genai_basics")
class Lines(Preprocessor):
    """Texts as tokens (n, max_length + 1): the units, a boundary, then padding.

    Args:
        tokenizer: A `Tokenizer`.
        max_length: Maximum number of units; longer texts are cut. `None`: the longest text given
            to `adapt`.
    """

    def __init__(self, tokenizer, max_length=None, **kwargs):
        super().__init__(**kwargs)
        self.tokenizer, self.max_length = tokenizer, max_length
        self.built = True

    @property
    def state(self):
        return {"max_length": self.max_length}

    @state.setter
    def state(self, value):
        self.max_length = value["max_length"]

    def texts(self, x):
        """Return raw x as a list of texts; raise a `ValueError` for anything else."""
        texts = [x] if isinstance(x, str) else list(x)
        for text in texts:
            if not isinstance(text, str):
                raise ValueError(f"x must hold texts. Received: {type(text).__name__}")
            if not text.strip():
                raise ValueError("texts must not be empty. Received: an empty text")
        return texts

    def adapt(self, x, y=None):
        texts = self.texts(x)
        if self.tokenizer.vocabulary is None:
            self.tokenizer.adapt(texts)
        if self.max_length is None:
            self.max_length = max(len(self.tokenizer.encode(text)) for text in texts)
        if self.max_length > LONGEST:
            raise ValueError(
                f"texts of {self.max_length} units are too long for one code: split them into "
                f"lines, or cut them by `max_length`. Received: max_length={self.max_length}"
            )

    def prepare(self, x):
        if getattr(x, "dtype", None) == np.int32:  # tokens already
            return x
        texts = [self.tokenizer.encode(text) for text in self.texts(x)]
        longest = self.max_length or max(map(len, texts))
        long = sum(len(text) > longest for text in texts)
        if long:
            warn(
                f"{long} of {len(texts)} texts are longer than max_length={longest} units and "
                "are cut"
            )
        tokens = np.full((len(texts), longest + 1), PADDING, "int32")
        for row, text in zip(tokens, texts, strict=True):
            text = text[:longest]
            row[: len(text)] = text
            row[len(text)] = BOUNDARY
        return tokens

    def lengths(self, x):
        return (x != PADDING).sum(axis=1)

    def invert(self, outputs):
        return [self.tokenizer.decode(row) for row in outputs]

    def get_config(self):
        tokenizer = keras.saving.serialize_keras_object(self.tokenizer)
        return {**super().get_config(), "tokenizer": tokenizer, "max_length": self.max_length}

    @classmethod
    def from_config(cls, config):
        tokenizer = keras.saving.deserialize_keras_object(config["tokenizer"])
        return super().from_config({**config, "tokenizer": tokenizer})
