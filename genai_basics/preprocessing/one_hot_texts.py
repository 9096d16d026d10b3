"""Short texts as one-hot rows of characters or words."""

from collections import Counter

import keras
import numpy as np
from keras import ops

from ..checks import one_of, whole
from .base import Preprocessor

__all__ = ["SEPARATORS", "OneHotTexts"]

SEPARATORS = {"character": "", "word": " "}


@keras.saving.register_keras_serializable(package="genai_basics")
class OneHotTexts(Preprocessor):
    """Texts as one-hot rows (max_length, vocabulary_size) of characters or words.

    `tokens` are the characters or words of the columns, with the end of a text (`""`) first;
    `adapt` takes the most frequent ones from the data. Unknown ones are dropped.

    Args:
        max_length: Maximum number of characters or words of a text; the rest is cut off.
        vocabulary_size: Number of columns.
        level: `"character"` or `"word"`.

    Example:

    >>> texts = OneHotTexts(5, 4)
    >>> texts.adapt(["abba", "baa"])
    >>> texts.prepare(["ab", "cabcab"]).tolist()
    [[1, 2, 0, 0, 0], [1, 2, 1, 2, 0]]
    >>> texts.invert(texts(texts.prepare(["ab"])))
    ['ab']
    """

    def __init__(self, max_length, vocabulary_size, level="character", **kwargs):
        super().__init__(**kwargs)
        self.max_length = whole("max_length", max_length, 1)
        self.vocabulary_size = whole("vocabulary_size", vocabulary_size, 2)
        self.level = one_of("level", level, SEPARATORS)
        self.tokens = ("",)
        self.built = True

    def split(self, text):
        """Return the characters or words of a text."""
        return str(text).split() if self.level == "word" else str(text)

    def cut(self, text):
        """Cut a text to `max_length`."""
        return SEPARATORS[self.level].join(self.split(text)[: self.max_length])

    def adapt(self, x, y=None):
        counts = Counter(token for text in x for token in self.split(text))
        # Ties are broken by the token, so that the order of the data does not matter.
        ranked = sorted(counts, key=lambda token: (-counts[token], token))
        self.tokens = ("", *ranked[: self.vocabulary_size - 1])
        if len(self.tokens) < 2:
            raise ValueError("the texts hold no characters. Received: empty texts only")

    def prepare(self, x):
        """Return texts as token numbers (n, max_length), padded with 0."""
        if isinstance(x, str):
            raise ValueError(f"x must be a list of texts. Received: one text, {x[:40]!r}")
        if hasattr(x, "dtype") and x.dtype.kind not in "USO":
            raise ValueError(f"x must be a list of texts. Received: numbers of dtype {x.dtype}")
        if not len(x):
            raise ValueError("x must hold at least one text. Received: none")
        numbers = {token: i for i, token in enumerate(self.tokens)}
        rows = np.zeros((len(x), self.max_length), "int32")
        for row, text in zip(rows, x, strict=True):
            known = [numbers[token] for token in self.split(text) if token in numbers]
            row[: len(known)] = known[: self.max_length]
        return rows

    def call(self, x):
        return ops.one_hot(x, self.vocabulary_size)

    def invert(self, outputs):
        """Return texts: the most probable token of each position, up to the first end."""
        texts = []
        for row in np.asarray(outputs).argmax(axis=-1):
            stop = np.flatnonzero(row == 0)
            row = row[: stop[0]] if len(stop) else row
            known = [self.tokens[i] for i in row if i < len(self.tokens)]
            texts.append(SEPARATORS[self.level].join(known))
        return texts

    @property
    def state(self):
        return self.tokens

    @state.setter
    def state(self, value):
        self.tokens = tuple(value)

    def get_config(self):
        names = ("max_length", "vocabulary_size", "level")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
