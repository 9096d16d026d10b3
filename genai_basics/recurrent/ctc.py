"""Decoding of connectionist temporal classification: from frames to symbols. 0 is the blank."""

from collections import defaultdict
from itertools import pairwise

import numpy as np

__all__ = ["beam_search", "collapse", "least_frames"]


def collapse(path):
    """Return the symbols of a path over frames: repeats once, blanks left out.

    Example:

    >>> collapse([0, 3, 3, 0, 3, 1])
    [3, 3, 1]
    """
    path = np.asarray(path)
    new = np.concatenate([[True], path[1:] != path[:-1]])
    return path[new & (path != 0)].tolist()


def least_frames(symbols):
    """Return how many frames symbols need: one each, and a blank between equal neighbours.

    Example:

    >>> least_frames([3, 3, 1])
    4
    """
    return len(symbols) + sum(a == b for a, b in pairwise(symbols))


def beam_search(log_p, beam=8, score=None, most=20):
    """Return the likeliest symbols, summed over the paths that collapse to them.

    Prefix search (Hannun et al., 2014, https://arxiv.org/abs/1408.2873): each prefix carries the
    log p of its paths that end in a blank, and of those that do not.

    Args:
        log_p: Array (frames, 1 + symbols) of log probabilities.
        beam: Prefixes that are kept from frame to frame.
        score: Function (prefix, symbol) -> what is added to log p where a symbol is written.
        most: Symbols that are tried in each frame: the likeliest.

    Example:

    >>> beam_search(np.log([[0.4, 0.6], [0.6, 0.4]]))
    [1]
    """
    ended = {(): (0.0, -np.inf)}  # prefix: log p with a blank at the end, and without
    given = {(): 0.0}  # what the score has added
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
