"""Decoding for connectionist temporal classification: from frames to symbols; 0 is the blank."""

from collections import defaultdict
from itertools import pairwise

import numpy as np
from keras import ops

from ..preprocessing import UNKNOWN

__all__ = ["Scorer", "beam_search", "collapse", "least_frames", "share_of", "symbols_in"]


def collapse(path):
    """Return the symbols of a path over frames, without repeats and blanks.

    Example:

    >>> collapse([0, 3, 3, 0, 3, 1])
    [3, 3, 1]
    """
    path = np.asarray(path)
    new = np.concatenate([[True], path[1:] != path[:-1]])
    return path[new & (path != 0)].tolist()


def least_frames(symbols):
    """Return the minimum number of frames of symbols: one each, and a blank between equal ones.

    Example:

    >>> least_frames([3, 3, 1])
    4
    """
    return len(symbols) + sum(a == b for a, b in pairwise(symbols))


def beam_search(log_p, beam=8, score=None, most=20):
    """Return the most probable symbols, summed over the paths that collapse to them.

    Prefix search (Hannun et al., 2014, https://arxiv.org/abs/1408.2873): each prefix has the log p
    of its paths that end in a blank, and of its other paths.

    Args:
        log_p: Array (frames, 1 + symbols) of log probabilities.
        beam: Number of prefixes kept after each frame.
        score: Function (prefix, symbol) -> number added to log p when the symbol is written.
        most: Number of the most probable symbols that are tried in each frame.

    Example:

    >>> beam_search(np.log([[0.4, 0.6], [0.6, 0.4]]))
    [1]
    """
    ended = {(): (0.0, -np.inf)}  # prefix: log p of paths that end with a blank, and of others
    given = {(): 0.0}  # sums of the scores
    for frame in np.asarray(log_p, "float64"):
        symbols = np.argsort(-frame)[:most]
        blank, other = defaultdict(lambda: -np.inf), defaultdict(lambda: -np.inf)
        for prefix, (p_blank, p_other) in ended.items():
            total = np.logaddexp(p_blank, p_other)
            blank[prefix] = np.logaddexp(blank[prefix], total + frame[0])
            if prefix:
                other[prefix] = np.logaddexp(other[prefix], p_other + frame[prefix[-1]])
            for symbol in symbols:
                if symbol == 0:
                    continue
                symbol = int(symbol)
                longer = (*prefix, symbol)
                # A repeat is a new symbol only after a blank.
                before = p_blank if prefix and prefix[-1] == symbol else total
                if longer not in given:
                    given[longer] = given[prefix] + (score(prefix, symbol) if score else 0.0)
                other[longer] = np.logaddexp(other[longer], before + frame[symbol])
        found = {p: (blank[p], other[p]) for p in {**blank, **other}}
        ranked = sorted(found, key=lambda p: -(np.logaddexp(*found[p]) + given[p]))
        ended = {prefix: found[prefix] for prefix in ranked[:beam]}
    return list(max(ended, key=lambda p: np.logaddexp(*ended[p]) + given[p]))


class Scorer:
    """Log probability of the next symbol under a language model, with a cache.

    Args:
        language_model: A `LanguageModel`.
        symbols: The recognized characters, each of which is a unit of the language model.
        weight: Factor of the log probability.
    """

    def __init__(self, language_model, symbols, weight):
        if any(len(symbol) > 1 for symbol in symbols):
            raise ValueError(
                "`language_model` takes a recognizer of characters. "
                f"Received: one of whole words, such as {symbols[0]!r}"
            )
        tokens = [language_model.tokenizer.encode(symbol) for symbol in symbols]
        if any(len(row) != 1 for row in tokens) or all(row[0] == UNKNOWN for row in tokens):
            raise ValueError(
                f"`language_model` must write {''.join(symbols)!r:.80} character by character. "
                f"Received: one of {language_model.tokenizer.unit}s"
            )
        self.model, self.weight = language_model, weight
        self.symbols, self.places = symbols, [row[0] for row in tokens]
        self.known = {}

    def __call__(self, prefix, number):
        """Return weight * log p(symbol | previous symbols); numbers start at 1."""
        if prefix not in self.known:
            text = "".join(self.symbols[number - 1] for number in prefix)
            p = self.model.predict([text])[0]
            self.known[prefix] = self.weight * np.log(np.maximum(p[self.places], 1e-8))
        return self.known[prefix][number - 1]


def symbols_in(y):
    """Return the number of symbols of each transcription, at least 1, (batch,)."""
    return ops.cast(ops.maximum(y["count"], 1), "float32")


def share_of(x, y, weights=None):
    """Return x, y, and what each clip counts in the mean over a batch: that over its symbols."""
    return x, y, symbols_in(y) * (1.0 if weights is None else ops.cast(weights, "float32"))
