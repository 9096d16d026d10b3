"""Measures how much of a generated text or piece of music is verbatim training data."""

import numpy as np

__all__ = ["Index", "as_symbols", "copied_text"]

LONG = 50  # longer runs are unlikely by chance
LEVELS = 11  # runs are measured up to 2^11 - 1 symbols


class Index:
    """Index of the training texts, which finds the longest runs that a query shares with them.

    A suffix array by prefix doubling (Manber & Myers, 1993): a symbol's rank at level k is that
    of the 2^k symbols that begin there. Queries are sorted into the same array; the longest match
    of a position is with the suffix of the corpus just before or just after it, and its length is
    found level by level. It is all in NumPy; a megabyte takes seconds.

    Args:
        texts: Sequences of integers (arrays), the training texts.
    """

    def __init__(self, texts):
        self.texts = [np.asarray(text, "int64") for text in texts]

    def longest_runs(self, queries):
        """Return an array per query: the length of the longest run from each position that
        occurs in the corpus, up to 2047 symbols."""
        queries = [np.asarray(query, "int64") for query in queries]
        everything = _joined([*self.texts, *queries])
        size = sum(len(text) + 1 for text in self.texts)
        ranks, order = _ranks(everything)
        place = np.empty(len(order), "int64")
        place[order] = np.arange(len(order))
        is_corpus = order < size
        steps = np.arange(len(order))
        before = np.maximum.accumulate(np.where(is_corpus, steps, -1))
        after = np.minimum.accumulate(np.where(is_corpus, steps, len(order))[::-1])[::-1]
        positions = np.arange(size, len(everything))
        lengths = np.zeros(len(positions), "int64")
        for side in (before, after):
            found = side[place[positions]]
            valid = (found >= 0) & (found < len(order))
            match = order[np.clip(found, 0, len(order) - 1)]
            shared = _common_prefix(ranks, positions, match)
            lengths = np.maximum(lengths, np.where(valid, shared, 0))
        ends = np.cumsum([len(query) + 1 for query in queries])
        starts = ends - [len(query) + 1 for query in queries]
        return [lengths[a : b - 1] for a, b in zip(starts, ends, strict=True)]


def _joined(texts):
    """Join sequences, each followed by a symbol that occurs nowhere else."""
    lowest = min((int(text.min()) for text in texts if len(text)), default=0)
    parts = []
    for i, text in enumerate(texts):
        parts += [text - lowest + len(texts), np.array([i], "int64")]
    return np.concatenate(parts)


def _ranks(symbols):
    """Return `(ranks of each level, suffix array)`; ties beyond the last level remain."""
    ranks = [np.unique(symbols, return_inverse=True)[1].astype("int64")]
    for level in range(LEVELS):
        step = 1 << level
        now = ranks[-1]
        following = np.zeros_like(now)
        following[: -step or None] = now[step:] + 1 if step < len(now) else 0
        key = now * (int(now.max()) + 2) + following
        order = np.argsort(key)
        ordered = key[order]
        new = np.concatenate([[0], np.cumsum(ordered[1:] != ordered[:-1])])
        rank = np.empty_like(now)
        rank[order] = new
        if level + 1 < LEVELS:
            ranks.append(rank)
        if new[-1] == len(now) - 1:
            break
    return ranks, order


def _common_prefix(ranks, a, b):
    """Return the length of the common prefix of the suffixes at a and b, level by level."""
    a, b = a.copy(), b.copy()
    last = len(ranks[0]) - 1
    length = np.zeros(len(a), "int64")
    for level in range(len(ranks) - 1, -1, -1):
        inside = (a <= last) & (b <= last)
        equal = inside & (ranks[level][np.minimum(a, last)] == ranks[level][np.minimum(b, last)])
        step = np.where(equal, 1 << level, 0)
        a, b, length = a + step, b + step, length + step
    return length


def as_symbols(text):
    """Return a text or a piece of music as integers: code points, or one number per chord."""
    if isinstance(text, str):
        return np.frombuffer(text.encode("utf-32-le"), "<u4").astype("int64")
    chords = [tuple(np.ravel(step).tolist()) for step in text]
    return np.array([_number(chord) for chord in chords], "int64")


def _number(chord):
    """Return one integer for a chord, a hash of its pitches."""
    number = 0
    for voice, pitch in enumerate(chord):
        number = (number * 1_000_003 + (int(pitch) + 2) * (voice + 1)) % (1 << 40)
    return number


def copied_text(samples, train, held_out, window=None):
    """Return `(metrics, passages)`: how much of the samples is verbatim training text.

    Held-out texts show how much of that is chance: they determine `chance_run`, the length of
    runs that only one in a thousand of their positions exceeds, at most 50 (data may be
    repetitive). `copied` is the share of the samples' symbols in longer runs, minus the same
    share `copied_by_chance` of held-out texts.

    Args:
        samples: Generated texts (str) or pieces (steps of chords).
        train: Training texts or pieces.
        held_out: Held-out texts or pieces. Without them, the length of runs is 50 symbols.
        window: Length of the n-grams that are counted. `None`: 20 characters or 4 chords.

    Returns:
        A dict of numbers, and the longest copied passages as `(length, sample, start)`.
    """
    window = window or (20 if isinstance(samples[0], str) else 4)
    asked = [as_symbols(sample) for sample in samples]
    budget = max(sum(map(len, asked)), 20_000)
    unseen = _first_symbols([as_symbols(text) for text in held_out], budget)
    index = Index([as_symbols(text) for text in train])
    runs = index.longest_runs([*asked, *unseen])
    ours, theirs = runs[: len(asked)], runs[len(asked) :]
    longest = np.quantile(np.concatenate(theirs), 0.999) if theirs else LONG
    chance = int(min(longest, LONG))
    by_chance = _covered(theirs, chance)
    whole = {_text_key(text) for text in train}
    metrics = {
        "copied": max(_covered(ours, chance) - by_chance, 0.0) / max(1.0 - by_chance, 1e-9),
        "longest_run": max((int(run.max()) for run in ours if len(run)), default=0),
        "ngrams_seen": _share_of_ngrams(ours, window),
        "samples_seen": float(np.mean([_text_key(sample) in whole for sample in samples])),
        "chance_run": chance,
    }
    if theirs:
        metrics["copied_by_chance"] = by_chance
        metrics["longest_run_by_chance"] = max(int(run.max()) for run in theirs if len(run))
        metrics["ngrams_seen_by_chance"] = _share_of_ngrams(theirs, window)
        unseen = [_text_key(text) in whole for text in held_out]
        metrics["samples_seen_by_chance"] = float(np.mean(unseen))
    found = [(int(run.max()), i, int(run.argmax())) for i, run in enumerate(ours) if len(run)]
    return metrics, sorted((p for p in found if p[0] > chance), reverse=True)[:20]


def _text_key(text):
    return text.strip() if isinstance(text, str) else str(np.asarray(text, object).tolist())


def _first_symbols(texts, budget):
    kept = []
    for text in texts:
        if budget <= 0:
            break
        kept.append(text[:budget])
        budget -= len(text)
    return [text for text in kept if len(text)]


def _covered(runs, length):
    """Return the share of symbols in runs of more than `length`."""
    covered = total = 0
    for run in runs:
        reach = np.where(run > length, np.arange(len(run)) + run, 0)
        reach = np.maximum.accumulate(reach) if len(run) else reach
        covered += int((reach > np.arange(len(run))).sum())
        total += len(run)
    return covered / max(total, 1)


def _share_of_ngrams(runs, window):
    seen = [run[: max(len(run) - window + 1, 0)] >= window for run in runs]
    return float(np.mean(np.concatenate(seen))) if sum(map(len, seen)) else 0.0
