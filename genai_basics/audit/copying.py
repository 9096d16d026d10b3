"""Are samples copies of training examples, compared with real, held-out examples?"""

from dataclasses import dataclass, field

import numpy as np

from ..metrics.intervals import share_interval
from .neighbours import nearest

__all__ = ["Copying", "find_copies", "find_duplicates"]

LEVEL = 0.01  # share of real data below the threshold
QUERIES = 1000  # real examples that set the threshold
VOTERS = 5  # neighbours that determine a sample's class


@dataclass
class Copying:
    """The result of `find_copies`.

    Attributes:
        share: Share of the samples below the threshold, minus the 1% of real data that are also
            below it.
        interval: Its 95% interval.
        allowed: The share that an honest model can have by chance.
        ratios: Ratio of each sample (n,): 1 is usual, near 0 is a copy.
        neighbours: Indices (n, 5) of each sample's nearest training examples, by features if
            given, since pixels depend on where things are.
        originals: Indices (n,) of the training example that each sample is most similar to.
        duplicated: Share of the copies whose original occurs more than once in the training data.
        views: `(share, interval)` by pixels only and, if given, by features only.
        scores: Score of each sample (n,): its smallest ratio, relative to the threshold.
    """

    share: float
    interval: tuple
    allowed: float
    ratios: np.ndarray = field(repr=False)
    neighbours: np.ndarray = field(repr=False)
    originals: np.ndarray = field(repr=False)
    scores: np.ndarray = field(repr=False)
    duplicated: float = 0.0
    views: tuple = ()

    @property
    def is_copier(self):
        """Whether more samples are copies than chance allows."""
        return self.interval[0] > self.allowed

    def worst(self, n=10):
        """Return the indices of the samples with the lowest scores, lowest first."""
        return np.argsort(self.scores, kind="stable")[:n]


def find_copies(samples, train, held_out=None, *, features=None, seed=0):
    """Compare the distances of samples to training data with those of held-out data.

    A sample's ratio is its distance to the nearest training example, divided by its distance to
    the nearest held-out example. For a model that has learned the distribution, both are similar
    (after Meehan et al., 2020, https://arxiv.org/abs/2004.05675). The ratio does not accuse blurred
    samples, which are near to everything, and detects copies of examples that occur twice in the
    training data. The threshold is the ratio below which 1% of the held-out examples are, each
    compared with the other held-out examples. Without held-out data, the second distance is that
    to the 10th nearest training example, and the threshold is determined from training examples in
    the same way.

    With `features`, a sample is a copy if it is one by pixels or by features: the smaller of its
    two ratios, each divided by its threshold, is compared with that of held-out examples, so that
    1% of these are also below the joint threshold.

    Args:
        samples: Vectors (n, d).
        train: Vectors (m, d).
        held_out: Vectors (k, d) with k at least 20, or `None`.
        features: `(samples, train, held_out)` as feature vectors (n, e), (m, e), (k, e), which
            show similarities that pixels do not.
        seed: Seed of the choice of real examples that determine the threshold.

    Returns:
        A `Copying`.

    Example:

    >>> real = np.random.default_rng(0).normal(size=(300, 8))
    >>> find_copies(real[:50] + 0.001, real[:200], real[200:]).share
    1.0
    """
    judged = held_out is not None and len(held_out) >= 20
    source = held_out if judged else train
    real = np.sort(np.random.default_rng(seed).permutation(len(source))[:QUERIES])
    views = [(samples, train, held_out)] + ([features] if features is not None else [])
    compared = [_compare(*view, real, judged) for view in views]
    scores = np.stack([ratios / _limit(usual) for ratios, usual, _, _ in compared])
    real_scores = np.stack([usual / _limit(usual) for _, usual, _, _ in compared])
    score = scores.min(axis=0)
    copied = score < _limit(real_scores.min(axis=0))
    share, interval = _beyond_chance(copied)
    ratios, _, _, usual = compared[0]
    neighbours = compared[-1][2]
    nearest_of_views = np.stack([found[:, 0] for _, _, found, _ in compared])
    originals = nearest_of_views[scores.argmin(axis=0), np.arange(len(score))]
    return Copying(
        share=share,
        interval=interval,
        allowed=LEVEL + 3 / len(real),
        ratios=ratios,
        neighbours=neighbours,
        originals=originals,
        duplicated=_duplicated(train, originals[copied], 0.1 * usual),
        views=tuple(_beyond_chance(one < 1.0) for one in scores),
        scores=score,
    )


def _compare(samples, train, held_out, real, judged):
    """Return ratios of samples and of real data, the samples' neighbours, and typical distances."""
    found, distances = nearest(samples, train, max(VOTERS, 10))
    if judged:
        to_train = nearest(held_out[real], train)[1]
        order = np.concatenate([real, np.setdiff1d(np.arange(len(held_out)), real)])
        others = nearest(held_out[real], held_out[order], itself=True)[1][:, 0]
        ratios = distances[:, 0] / _positive(nearest(samples, held_out)[1][:, 0])
        real_ratios = to_train[:, 0] / _positive(others)
    else:
        order = np.concatenate([real, np.setdiff1d(np.arange(len(train)), real)])
        to_train = nearest(train[real], train[order], 10, itself=True)[1]
        ratios = distances[:, 0] / _positive(distances[:, -1])
        real_ratios = to_train[:, 0] / _positive(to_train[:, -1])
    return ratios, real_ratios, found[:, :VOTERS], np.median(to_train[:, 0])


def _limit(ratios):
    """Return the ratio below which 1% of the real examples are."""
    return max(float(np.sort(ratios)[int(LEVEL * len(ratios))]), 1e-12)


def _beyond_chance(copied):
    """Return the share of copies and its interval, minus the share expected by chance."""
    values = (copied.mean(), *share_interval(copied.sum(), len(copied)))
    share, low, high = (float(max(value - LEVEL, 0.0) / (1 - LEVEL)) for value in values)
    return share, (low, high)


def find_duplicates(*parts):
    """Return groups of equal examples within and across parts, as lists of (part, index).

    Args:
        *parts: Arrays or sequences of the same kind: `find_duplicates(train, test)`.

    Example:

    >>> find_duplicates(["a", "b", "a"], ["b"])
    [[(0, 0), (0, 2)], [(0, 1), (1, 0)]]
    """
    seen = {}
    for number, part in enumerate(parts):
        for start in range(0, len(part), 1024):  # pictures on disk are read a few at a time
            for i, example in enumerate(part[start : start + 1024]):
                seen.setdefault(_key(example), []).append((number, start + i))
    return [places for places in seen.values() if len(places) > 1]


def _key(example):
    if isinstance(example, str):
        return hash(example)
    if isinstance(example, (list, tuple)):
        return hash(str(example))
    array = np.ascontiguousarray(example)
    return hash((array.shape, array.tobytes()))


def _positive(distances):
    return np.maximum(distances, 1e-12)


def _duplicated(train, originals, near):
    """Return the share of copies whose original has another example within `near` of it."""
    unique, counts = np.unique(originals, return_counts=True)
    if not len(unique):
        return 0.0
    unique, counts = unique[:200], counts[:200]
    second = nearest(train[unique], train, 2)[1][:, -1]
    return float(counts[second <= near].sum() / counts.sum())
