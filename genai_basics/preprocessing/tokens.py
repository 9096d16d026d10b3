"""Text to numbers and back: characters, bytes, words or sub-words (Sennrich et al., 2016).

Sub-words are byte-pair encoding on characters, https://arxiv.org/abs/1508.07909: from single
characters, the commonest pair of neighbours within a word becomes one symbol, again and again.
"""

import re
from collections import Counter, defaultdict
from itertools import pairwise

import keras
import numpy as np

__all__ = ["BOUNDARY", "PADDING", "UNKNOWN", "Tokenizer"]

PADDING, UNKNOWN, BOUNDARY = 0, 1, 2  # a boundary opens and closes a text
SPECIAL = 3
UNITS = ("character", "byte", "word", "subword")
UNKNOWN_SIGN = "\N{REPLACEMENT CHARACTER}"

# Words with the space before them, so that joining gives the text back; digits one by one.
PIECES = re.compile(r" ?[^\W\d_]+| ?\d| ?[^\w\s]|_|\s")
WORDS = re.compile(r" ?\w+| ?[^\w\s]|\s")


@keras.saving.register_keras_serializable(package="genai_basics")
class Tokenizer(keras.layers.Layer):
    """Numbers texts. 0 is padding, 1 what the vocabulary lacks, 2 the border of a text.

    Args:
        unit: `"character"`, `"byte"`, `"word"` or `"subword"`.
        size: Most numbers, the three above included; bytes need 259.
        vocabulary: The units that have numbers, from 3 on. `None` until `adapt`.

    Example:

    >>> tokenizer = Tokenizer("character", 10)
    >>> tokenizer.adapt(["abba"])
    >>> tokenizer.decode(tokenizer.encode("bab"))
    'bab'
    """

    def __init__(self, unit="character", size=256, vocabulary=None, **kwargs):
        super().__init__(**kwargs)
        if unit not in UNITS:
            names = ", ".join(f'"{name}"' for name in UNITS)
            raise ValueError(f"`unit` must be one of {names}. Received: unit={unit!r}")
        least = SPECIAL + (256 if unit == "byte" else 1)
        if size < least:
            raise ValueError(f"`vocab_size` must be at least {least}. Received: vocab_size={size}")
        self.unit, self.size = unit, size
        self.vocabulary = None if vocabulary is None else list(vocabulary)
        self.built = True

    def get_config(self):
        own = {"unit": self.unit, "size": self.size, "vocabulary": self.vocabulary}
        return {**super().get_config(), **own}

    @property
    def numbers(self):
        """`{unit: number}` of the vocabulary."""
        if self.vocabulary is None:
            raise ValueError("this model knows no text yet: call `fit`, or `adapt(texts)`, first")
        if self.__dict__.get("_numbered") != len(self.vocabulary):
            self.__dict__["_numbers"] = {u: i + SPECIAL for i, u in enumerate(self.vocabulary)}
            self.__dict__["_numbered"] = len(self.vocabulary)
            self.__dict__["_known"] = {}
        return self.__dict__["_numbers"]

    def adapt(self, texts):
        """Take the vocabulary from texts: their commonest units, as many as fit."""
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

    def encode(self, text):
        """Return the numbers of a text, int32 (units,), without borders."""
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
        """Return the text of numbers, up to the first border."""
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
        """Return the text of one number."""
        place = int(number) - SPECIAL
        return self.vocabulary[place] if 0 <= place < len(self.vocabulary) else UNKNOWN_SIGN

    def pieces(self, text):
        """Return the units of a text as they are written, one for each of its numbers."""
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
        """Return the units of `text` that the vocabulary lacks, each once."""
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
            while len(symbols) > 1:  # join the pair that was learned first
                ranks = [numbers.get(a + b, 2**31) for a, b in pairwise(symbols)]
                best = int(np.argmin(ranks))
                if ranks[best] == 2**31:
                    break
                symbols[best : best + 2] = [symbols[best] + symbols[best + 1]]
            known[piece] = [numbers.get(symbol, UNKNOWN) for symbol in symbols]
        return known[piece]


def learn_subwords(counts, most):
    """Return at most `most` symbols, characters first, then pairs in the order of joining.

    Args:
        counts: `{word: how often}`.
        most: How many symbols.
    """
    characters = Counter()
    for word, count in counts.items():
        for character in word:
            characters[character] += count
    symbols = [character for character, _ in characters.most_common(most)]
    words = [list(word) for word in counts]
    weights = list(counts.values())
    pairs, places = Counter(), defaultdict(set)  # how often, and in which words
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
