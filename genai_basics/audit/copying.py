"""Are samples copies of training examples? Judged by how near real, unseen examples come."""

from dataclasses import dataclass, field

import numpy as np

from .intervals import share_interval
from .neighbours import nearest

__all__ = ["Copying", "find_copies", "find_duplicates"]

LEVEL = 0.01  # share of real data that the threshold takes for copies
QUERIES = 1000  # real examples that set the threshold
VOTERS = 5  # neighbours that tell a sample's class


@dataclass
class Copying:
    """What `find_copies` found.

    Attributes:
        share: Share of the samples that are nearer to a training example than real data are,
            less the hundredth of real data that are, too.
        interval: Its 95% interval.
        allowed: The share that an honest model may have by chance.
        ratios: Of each sample (n,): 1 is usual, near 0 is a copy.
        neighbours: Indices (n, 5) of each sample's nearest training examples.
        threshold: Ratio below which a sample counts as copied.
        duplicated: Share of the copies whose original is in the training data more than once.
    """

    share: float
    interval: tuple
    allowed: float
    ratios: np.ndarray = field(repr=False)
    neighbours: np.ndarray = field(repr=False)
    threshold: float = 0.0
    duplicated: float = 0.0

    @property
    def is_copier(self):
        """Whether more samples are copies than chance allows."""
        return self.interval[0] > self.allowed

    def worst(self, n=10):
        """Return the samples (indices) that are nearest to copies, worst first."""
        return np.argsort(self.ratios, kind="stable")[:n]


def find_copies(samples, train, held_out=None, seed=0):
    """Compare samples with training data, against how held-out data compare with them.

    A sample's ratio is its distance to the nearest training example over its distance to the
    nearest held-out one. A model that has learned the distribution comes as near to the one as
    to the other (after Meehan et al., 2020, https://arxiv.org/abs/2004.05675); the ratio lets
    blurred samples, which are near to everything, off, and catches copies of what the training
    data hold twice. The threshold is the ratio under which one in a hundred held-out examples
    falls, each left out of the held-out data in its turn. Without held-out data, the second
    distance is that to the 10th nearest training example, and training examples, each left
    out in its turn, set the threshold.

    Args:
        samples: Vectors (n, d).
        train: Vectors (m, d).
        held_out: Vectors (k, d), k of 20 at least, or `None`.
        seed: Seed of the choice of real examples that set the threshold.

    Returns:
        A `Copying`.

    Example:

    >>> real = np.random.default_rng(0).normal(size=(300, 8))
    >>> find_copies(real[:50] + 0.001, real[:200], real[200:]).share
    1.0
    """
    generator = np.random.default_rng(seed)
    points, samples_to_train = nearest(samples, train, max(VOTERS, 10))
    if held_out is not None and len(held_out) >= 20:
        real = np.sort(generator.permutation(len(held_out))[:QUERIES])
        to_train = nearest(held_out[real], train)[1]
        order = np.concatenate([real, np.setdiff1d(np.arange(len(held_out)), real)])
        others = nearest(held_out[real], held_out[order], itself=True)[1][:, 0]
        ratios = samples_to_train[:, 0] / _positive(nearest(samples, held_out)[1][:, 0])
        real_ratios = to_train[:, 0] / _positive(others)
    else:
        real = np.sort(generator.permutation(len(train))[:QUERIES])
        order = np.concatenate([real, np.setdiff1d(np.arange(len(train)), real)])
        to_train = nearest(train[real], train[order], 10, itself=True)[1]
        ratios = samples_to_train[:, 0] / _positive(samples_to_train[:, -1])
        real_ratios = to_train[:, 0] / _positive(to_train[:, -1])
    threshold = np.sort(real_ratios)[int(LEVEL * len(real))]
    copied = ratios < threshold
    usual = np.median(to_train[:, 0])
    bounds = share_interval(copied.sum(), len(copied))
    share, *interval = (max(value - LEVEL, 0.0) / (1 - LEVEL) for value in (copied.mean(), *bounds))
    return Copying(
        share=float(share),
        interval=tuple(map(float, interval)),
        allowed=LEVEL + 3 / len(real),
        ratios=ratios,
        neighbours=points[:, :VOTERS],
        threshold=float(threshold),
        duplicated=_duplicated(train, points[copied, 0], 0.1 * usual),
    )


def find_duplicates(*parts):
    """Return groups of equal examples, within parts and across them, as lists of (part, index).

    Args:
        *parts: Arrays or sequences of equal kind: `find_duplicates(train, test)`.

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
    """Return the share of copies whose original has a second one within `near` of it."""
    unique, counts = np.unique(originals, return_counts=True)
    if not len(unique):
        return 0.0
    unique, counts = unique[:200], counts[:200]
    second = nearest(train[unique], train, 2)[1][:, -1]
    return float(counts[second <= near].sum() / counts.sum())
