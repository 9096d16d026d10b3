"""Tokenizers for characters, bytes, words or sub-words (Sennrich et al., 2016).

Sub-words are byte-pair encoding of characters, https://arxiv.org/abs/1508.07909: starting from
characters, the most frequent pair of adjacent symbols within a word is repeatedly merged.
"""

import re
from collections import Counter, defaultdict
from itertools import pairwise

import keras
import numpy as np

from ..checks import one_of, whole
from .base import Preprocessor

__all__ = ["BOUNDARY", "PADDING", "UNKNOWN", "Sentences", "Tokenizer", "padded", "spaced"]

PADDING, UNKNOWN, BOUNDARY = 0, 1, 2  # a boundary begins and ends a text
SPECIAL = 3
UNITS = ("character", "byte", "word", "subword")
UNKNOWN_SIGN = "\N{REPLACEMENT CHARACTER}"

# Words include the preceding space, so that joining restores the text; digits are separate.
PIECES = re.compile(r" ?[^\W\d_]+| ?\d| ?[^\w\s]|_|\s")
WORDS = re.compile(r" ?\w+| ?[^\w\s]|\s")


@keras.saving.register_keras_serializable(package="genai_basics")
class Tokenizer(Preprocessor):
    """Texts as token numbers. 0 is padding, 1 an unknown unit, 2 the boundary of a text.

    Args:
        unit: `"character"`, `"byte"`, `"word"` or `"subword"`.
        size: Maximum size of the vocabulary, including these three; bytes need 259.
        vocabulary: The units, numbered from 3. `None` until `adapt`.

    Example:

    >>> tokenizer = Tokenizer("character", 10)
    >>> tokenizer.adapt(["abba"])
    >>> tokenizer.decode(tokenizer.encode("bab"))
    'bab'
    """

    def __init__(self, unit="character", size=256, vocabulary=None, **kwargs):
        super().__init__(**kwargs)
        one_of("unit", unit, UNITS)
        whole("vocab_size", size, SPECIAL + (256 if unit == "byte" else 1))
        self.unit, self.size = unit, size
        self.vocabulary = None if vocabulary is None else list(vocabulary)
        self.built = True

    def get_config(self):
        return {**super().get_config(), "unit": self.unit, "size": self.size}

    @property
    def state(self):
        return self.vocabulary

    @state.setter
    def state(self, value):
        self.vocabulary = value
        self.__dict__.pop("_numbered", None)

    @property
    def numbers(self):
        """Dict of the number of each unit of the vocabulary."""
        if self.vocabulary is None:
            raise ValueError("this model knows no text yet: call `fit`, or `adapt(texts)`, first")
        if self.__dict__.get("_numbered") != len(self.vocabulary):
            self.__dict__["_numbers"] = {u: i + SPECIAL for i, u in enumerate(self.vocabulary)}
            self.__dict__["_numbered"] = len(self.vocabulary)
            self.__dict__["_known"] = {}
        return self.__dict__["_numbers"]

    def adapt(self, texts, y=None):
        """Set the vocabulary to the most frequent units of texts."""
        most = self.size - SPECIAL
        if self.unit == "byte":
            self.vocabulary = []
        elif self.unit == "character":
            counts = Counter()
            for text in texts:
                counts.update(text)
            self.vocabulary = sorted(unit for unit, _ in counts.most_common(most))
        else:
            pieces = PIECES if self.unit == "subword" else WORDS
            counts = Counter(piece for text in texts for piece in pieces.findall(text))
            if self.unit == "word":
                self.vocabulary = [unit for unit, _ in counts.most_common(most)]
            else:
                self.vocabulary = learn_subwords(counts, most)
        self.__dict__.pop("_numbered", None)

    def prepare(self, x):
        """Return texts as one list of token numbers, with a boundary before and after each.

        A single text has no boundary after it, since it is assumed to be cut from a longer one.
        """
        ending = [BOUNDARY] if len(x) > 1 else []
        rows = [np.concatenate([[BOUNDARY], self.encode(text), ending]) for text in x]
        return [row.astype("int32") for row in rows]

    def invert(self, outputs):
        """Return the texts of rows of token numbers."""
        return [self.decode(row) for row in outputs]

    def encode(self, text):
        """Return the token numbers of a text, int32 (units,), without boundaries."""
        if self.unit == "byte":
            return np.frombuffer(text.encode(), "uint8").astype("int32") + SPECIAL
        numbers = self.numbers
        if self.unit == "character":
            return np.fromiter((numbers.get(c, UNKNOWN) for c in text), "int32", len(text))
        if self.unit == "word":
            found = [numbers.get(piece, UNKNOWN) for piece in WORDS.findall(text)]
        else:
            found = [number for piece in PIECES.findall(text) for number in self._subwords(piece)]
        return np.array(found, "int32")

    def decode(self, numbers):
        """Return the text of token numbers, up to the first boundary."""
        numbers = np.asarray(numbers)
        ends = np.flatnonzero(numbers == BOUNDARY)
        numbers = numbers[: ends[0]] if len(ends) else numbers
        if self.unit == "byte":
            return (
                (numbers[numbers >= SPECIAL] - SPECIAL)
                .astype("uint8")
                .tobytes()
                .decode(errors="replace")
            )
        return "".join(self.unit_of(number) for number in numbers if number != PADDING)

    def unit_of(self, number):
        """Return the text of one token number."""
        place = int(number) - SPECIAL
        return self.vocabulary[place] if 0 <= place < len(self.vocabulary) else UNKNOWN_SIGN

    def pieces(self, text):
        """Return the units of a text as text, one per token number."""
        if self.unit == "word":
            return WORDS.findall(text)
        if self.unit == "character":
            return list(text)
        if self.unit == "byte":
            return [chr(byte) for byte in text.encode()]
        written = []
        for piece in PIECES.findall(text):
            place = 0
            for number in self._subwords(piece):
                width = 1 if number == UNKNOWN else len(self.unit_of(number))
                written.append(piece[place : place + width])
                place += width
        return written

    def unknown_in(self, text):
        """Return the units of `text` that are not in the vocabulary, without repeats."""
        if self.unit == "byte":
            return []
        if self.unit == "word":
            return list(dict.fromkeys(p for p in WORDS.findall(text) if p not in self.numbers))
        return list(dict.fromkeys(c for c in text if c not in self.numbers))

    def _subwords(self, piece):
        numbers = self.numbers
        known = self.__dict__["_known"]
        if piece not in known:
            symbols = list(piece)
            while len(symbols) > 1:  # merge the pair that was learned first
                ranks = [numbers.get(a + b, 2**31) for a, b in pairwise(symbols)]
                best = int(np.argmin(ranks))
                if ranks[best] == 2**31:
                    break
                symbols[best : best + 2] = [symbols[best] + symbols[best + 1]]
            known[piece] = [numbers.get(symbol, UNKNOWN) for symbol in symbols]
        return known[piece]


@keras.saving.register_keras_serializable(package="genai_basics")
class Sentences(Preprocessor):
    """Texts as padded token numbers (n, longest), with a boundary after each.

    Args:
        tokenizer: A `Tokenizer`.
        max_length: Maximum number of units of a text; longer texts are cut.
        called: Name of the texts in error messages.
    """

    def __init__(self, tokenizer, max_length, called="x", **kwargs):
        super().__init__(**kwargs)
        self.tokenizer, self.max_length, self.called = tokenizer, max_length, called
        self.built = True

    def texts(self, x):
        """Check texts and return them as a list."""
        if isinstance(x, str):
            text = x[:40]
            raise ValueError(f"{self.called} must be a list of texts. Received: the text {text!r}")
        texts = [str(text) for text in x]
        empty = [i for i, text in enumerate(texts) if not text.strip()]
        if empty or not texts:
            place = f"text {empty[0]} of {self.called}" if texts else self.called
            raise ValueError(f"every text must hold something. Received: {place} empty")
        return texts

    def adapt(self, x, y=None):
        """Fit the tokenizer, unless it has a vocabulary."""
        texts = self.texts(x)
        if self.tokenizer.vocabulary is None:
            self.tokenizer.adapt([spaced(text) for text in texts])

    def numbers(self, texts):
        """Return the token numbers of texts, each with a boundary after it, as a list of arrays."""
        rows = [self.tokenizer.encode(spaced(text))[: self.max_length] for text in texts]
        return [np.append(row, BOUNDARY).astype("int32") for row in rows]

    def prepare(self, x):
        """Return texts as one array of token numbers, padded with 0."""
        return padded(self.numbers(self.texts(x)))

    def invert(self, outputs):
        """Return the texts of rows of token numbers."""
        return [self.tokenizer.decode(row).strip() for row in outputs]

    def get_config(self):
        own = {"max_length": self.max_length, "called": self.called}
        tokenizer = keras.saving.serialize_keras_object(self.tokenizer)
        return {**super().get_config(), **own, "tokenizer": tokenizer}

    @classmethod
    def from_config(cls, config):
        tokenizer = keras.saving.deserialize_keras_object(config["tokenizer"])
        return super().from_config({**config, "tokenizer": tokenizer})


def spaced(text):
    """Return a text with one space before each word, including the first."""
    return " " + " ".join(text.split())


def padded(rows):
    """Return rows of token numbers as one int32 array, padded with 0."""
    out = np.zeros((len(rows), max([1, *map(len, rows)])), "int32")
    for row, numbers in zip(out, rows, strict=True):
        row[: len(numbers)] = numbers
    return out


def learn_subwords(counts, most):
    """Return at most `most` symbols: characters, then pairs in the order of merging.

    Args:
        counts: `{word: count}`.
        most: Maximum number of symbols.
    """
    characters = Counter()
    for word, count in counts.items():
        for character in word:
            characters[character] += count
    symbols = [character for character, _ in characters.most_common(most)]
    words = [list(word) for word in counts]
    weights = list(counts.values())
    pairs, places = Counter(), defaultdict(set)  # counts of pairs, and the words that contain them
    for i, word in enumerate(words):
        for pair in pairwise(word):
            pairs[pair] += weights[i]
            places[pair].add(i)
    taken = set(symbols)
    while len(symbols) < most and pairs:
        pair = max(pairs, key=lambda p: (pairs[p], p))
        if pairs[pair] < 2:
            break
        joined = pair[0] + pair[1]
        if joined not in taken:
            symbols.append(joined)
            taken.add(joined)
        for i in places.pop(pair):
            word, weight = words[i], weights[i]
            for old in pairwise(word):
                pairs[old] -= weight
            words[i] = word = _join(word, pair, joined)
            for new in pairwise(word):
                pairs[new] += weight
                places[new].add(i)
        del pairs[pair]
    return symbols


def _join(word, pair, joined):
    out, i = [], 0
    while i < len(word):
        if i + 1 < len(word) and (word[i], word[i + 1]) == pair:
            out.append(joined)
            i += 2
        else:
            out.append(word[i])
            i += 1
    return out
