"""Texts as bags of words and n-grams."""

import re
from collections import Counter

import keras
import numpy as np

from .base import Preprocessor

__all__ = ["Words"]


@keras.saving.register_keras_serializable(package="genai_basics")
class Words(Preprocessor):
    """Texts as numbers of words and n-grams, padded with 0.

    The vocabulary contains entries of at least two training texts (or one, if there are few
    texts), most frequent first. Other words are ignored. `adapt` sets `inverse_frequencies`,
    1 + log((1 + n) / (1 + df)) of each entry, as in scikit-learn.

    Args:
        max_words: Maximum size of the vocabulary.
        ngrams: Maximum number of words in an n-gram.
        characters: Whether to use character n-grams of 2 to 4 letters as well. `None`: if
            training texts have at most three words, like names.
        max_length: Maximum number of entries of one text; the rest is cut off.
    """

    token = re.compile(r"\w+|[^\w\s]")

    def __init__(self, max_words=30_000, ngrams=2, characters=None, max_length=2000, **kwargs):
        super().__init__(**kwargs)
        self.max_words, self.ngrams = max_words, ngrams
        self.characters, self.max_length = characters, max_length
        self.numbers, self.with_characters = {}, bool(characters)
        self.inverse_frequencies = np.zeros(max_words + 1, "float32")
        self.built = True

    @property
    def shape(self):
        """Shape of one prepared example, with `None` for axes of any length."""
        return (None,)

    def entries(self, text):
        """Return the words and n-grams of a text as strings."""
        words = self.token.findall(text.lower())
        found = list(words)
        for n in range(2, self.ngrams + 1):
            found += [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]
        if self.with_characters:
            for word in words:
                word = f"<{word}>"
                for n in (2, 3, 4):
                    found += [f"#{word[i : i + n]}" for i in range(len(word) - n + 1)]
        return found

    def adapt(self, x, y=None):
        texts = self._texts(x)
        if self.characters is None:
            words = [len(self.token.findall(text)) for text in texts[:1000]]
            self.with_characters = bool(np.mean(words) <= 3)
        counts = Counter()
        for text in texts:
            counts.update(set(self.entries(text)))
        least = 2 if len(texts) >= 200 else 1
        # Ties in alphabetical order, since the order of a `Counter` depends on the hash seed.
        kept = sorted((-count, entry) for entry, count in counts.items() if count >= least)
        kept = kept[: self.max_words]
        if not kept:
            raise ValueError("the training texts hold no words. Received: texts without letters")
        self.numbers = {entry: i + 1 for i, (_, entry) in enumerate(kept)}
        df = np.array([-count for count, _ in kept])
        weights = np.zeros(self.max_words + 1, "float32")
        weights[1 : len(kept) + 1] = 1 + np.log((1 + len(texts)) / (1 + df))
        self.inverse_frequencies = weights

    def prepare(self, x):
        rows = []
        for text in self._texts(x):
            known = (self.numbers.get(entry, 0) for entry in self.entries(text))
            rows.append([number for number in known if number][: self.max_length])
        width = max([1, *map(len, rows)])
        numbers = np.zeros((len(rows), width), "int32")
        for i, row in enumerate(rows):
            numbers[i, : len(row)] = row
        return numbers

    def _texts(self, x):
        if isinstance(x, str):
            raise ValueError(f"x must be a list of texts. Received: the text {x[:40]!r}")
        texts = list(x)
        for text in texts:
            if not isinstance(text, str):
                raise ValueError(f"x must hold texts. Received: {text!r:.60}")
        return texts

    def call(self, x):
        return x

    @property
    def state(self):
        return {"characters": self.with_characters, "entries": list(self.numbers)}

    @state.setter
    def state(self, value):
        self.with_characters = value["characters"]
        self.numbers = {entry: i + 1 for i, entry in enumerate(value["entries"])}

    def get_config(self):
        names = ("max_words", "ngrams", "characters", "max_length")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
