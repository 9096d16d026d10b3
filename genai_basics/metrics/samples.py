"""Metrics of generated samples: distances to the real distribution, novelty."""

from collections import Counter

import numpy as np

from ..checks import one_of

__all__ = [
    "active_units",
    "density_coverage",
    "frechet_distance",
    "frechet_report",
    "ngram_jsd",
    "novelty",
    "precision_recall",
]


def frechet_distance(real, fake):
    """Return the Fréchet distance of two sets of features, each modelled as a Gaussian.

    |m_r - m_f|^2 + tr(S_r + S_f - 2 (S_r S_f)^(1/2)), with means m and covariances S (Heusel
    et al., 2017, https://arxiv.org/abs/1706.08500). It is 0 for equal distributions. The trace
    of the root is the sum of the singular values of S_r^(1/2) S_f^(1/2), which is also real for
    singular covariances.

    Args:
        real: Features (n, d), such as those of a classifier's last hidden layer.
        fake: Features (m, d).

    Example:

    >>> real = np.random.default_rng(0).normal(size=(100, 3))
    >>> round(frechet_distance(real, real + 2.0), 6)
    12.0
    """
    real, fake = _features(real, fake)
    gap = np.square(real.mean(0) - fake.mean(0)).sum()
    covariances = [np.atleast_2d(np.cov(a, rowvar=False)) for a in (real, fake)]
    roots = [_root(covariance) for covariance in covariances]
    root = np.linalg.svd(roots[0] @ roots[1], compute_uv=False).sum()
    return float(max(gap + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * root, 0.0))


def frechet_report(real, fake, other):
    """Return the Fréchet distance of samples, with the floor that real data reach.

    Distances depend on the features and are too large for few examples, so the report has n and
    the distance of equally many other real examples.

    Args:
        real: Features (n, d) of held-out examples.
        fake: Features (n, d) of samples.
        other: Features (n, d) of other real examples, such as training examples.

    Example:

    >>> a, b, c = np.random.default_rng(0).normal(size=(3, 200, 2))
    >>> report = frechet_report(a, b + 1.0, c)
    >>> report["frechet_distance"] > 50 * report["frechet_floor"], report["frechet_n"]
    (True, 200)
    """
    n = min(len(real), len(fake), len(other))
    return {
        "frechet_distance": frechet_distance(real[:n], fake[:n]),
        "frechet_floor": frechet_distance(real[:n], other[:n]),
        "frechet_n": n,
    }


def precision_recall(real, fake, k=5):
    """Return the precision and recall of samples, by k nearest neighbours.

    Precision: the share of fakes that are in the ball of some real point, which reaches to its
    k-th nearest real neighbour. Recall: the same with both sides exchanged (Kynkäänniemi et al.,
    2019, https://arxiv.org/abs/1904.06991).

    Args:
        real: Features (n, d), n > k.
        fake: Features (m, d), m > k.
        k: Which neighbour sets the radius.

    Returns:
        A dict of `precision` and `recall`, from 0 to 1.

    Example:

    >>> real = np.random.default_rng(0).normal(size=(100, 3))
    >>> precision_recall(real, real)
    {'precision': 1.0, 'recall': 1.0}
    """
    real, fake = _features(real, fake, k)
    slack = _slack(real, fake)

    def share_inside(points, centres):
        radii = _radii(centres, k) + slack
        return float(
            np.concatenate([(d <= radii).any(1) for d in _distances(points, centres)]).mean()
        )

    return {"precision": share_inside(fake, real), "recall": share_inside(real, fake)}


def density_coverage(real, fake, k=5):
    """Return the density and coverage of samples, which are less sensitive to outliers.

    Density: the number of real points' balls that contain a fake, divided by k; it may exceed 1.
    Coverage: the share of real points with a fake in their ball (Naeem et al., 2020,
    https://arxiv.org/abs/2002.09797).

    Args:
        real: Features (n, d), n > k.
        fake: Features (m, d), m > k.
        k: Which real neighbour sets the radius.

    Returns:
        A dict of `density` and `coverage`.

    Example:

    >>> real = np.random.default_rng(0).normal(size=(100, 3))
    >>> density_coverage(real, real)["coverage"]
    1.0
    """
    real, fake = _features(real, fake, k)
    radii = _radii(real, k) + _slack(real, fake)
    within, covered = 0, np.zeros(len(real), bool)
    for distances in _distances(fake, real):
        inside = distances <= radii
        within += inside.sum()
        covered |= inside.any(0)
    return {"density": float(within / (k * len(fake))), "coverage": float(covered.mean())}


def ngram_jsd(real_texts, fake_texts, n=2, level="word"):
    """Return the Jensen-Shannon divergence of the n-grams of two sets of texts, in bits.

    JSD = KL(p || m) / 2 + KL(q || m) / 2 with m = (p + q) / 2, from 0 (equal frequencies) to 1
    (no common n-grams).

    Args:
        real_texts: Strings.
        fake_texts: Strings.
        n: Length of the n-grams.
        level: `"word"` (split at spaces) or `"character"`.

    Example:

    >>> ngram_jsd(["a b c"], ["d e f"])
    1.0
    """
    from scipy.spatial.distance import jensenshannon

    one_of("level", level, ("word", "character"))
    real, fake = _ngrams(real_texts, n, level), _ngrams(fake_texts, n, level)
    if bool(real) != bool(fake):
        return 1.0
    if not real:
        raise ValueError(f"both sets of texts must hold {n}-grams. Received: texts too short")
    grams = sorted(real | fake)
    counts = [[side[gram] for gram in grams] for side in (real, fake)]
    return float(jensenshannon(*counts, base=2) ** 2)


def novelty(real, fake):
    """Return the share of generated samples that are not copies of real ones, from 0 to 1.

    Args:
        real: Strings or arrays that the model was trained on.
        fake: Strings or arrays that it generated.

    Example:

    >>> novelty(["to be", "or not"], ["to be", "or to be"])
    0.5
    """
    seen = {_key(sample) for sample in real}
    if not len(fake):
        raise ValueError("`fake` must hold at least one sample. Received: none")
    return float(np.mean([_key(sample) not in seen for sample in fake]))


def active_units(means, threshold=0.01):
    """Count the latent dimensions that differ between examples.

    A unit u is active if Var_x(E_q(z | x)[z_u]) > threshold (Burda et al., 2015,
    https://arxiv.org/abs/1509.00519).

    Args:
        means: Array (n, latent_dim), the encoder's means of n examples.
        threshold: Variance above which a unit is active.

    Example:

    >>> active_units([[0.0, 1.0], [0.0, -1.0]])
    1
    """
    return int((np.var(np.asarray(means, "float64"), axis=0) > threshold).sum())


def _features(real, fake, k=1):
    sides = [np.asarray(side, "float64") for side in (real, fake)]
    for name, side in zip(("real", "fake"), sides, strict=True):
        if side.ndim != 2 or len(side) <= k or not np.isfinite(side).all():
            raise ValueError(
                f"`{name}` must be finite features (n, d) of more than {k} samples. "
                f"Received: {name}.shape={side.shape}"
            )
    if sides[0].shape[1] != sides[1].shape[1]:
        raise ValueError(
            "`real` and `fake` must have the same number of features. "
            f"Received: {sides[0].shape[1]} and {sides[1].shape[1]}"
        )
    return sides


def _root(covariance):
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T


def _slack(*sides):
    """Return the maximum rounding error in the squared distance of two equal points."""
    return 1e-10 * max(np.square(side - sides[0].mean(0)).sum(1).max() for side in sides)


def _distances(points, centres, rows=1024):
    """Yield squared distances (rows, len(centres)) for each block of `points`."""
    middle = centres.mean(0)  # centring loses fewer digits in |a|^2 - 2ab + |b|^2
    points, centres = points - middle, centres - middle
    squares = np.square(centres).sum(1)
    for start in range(0, len(points), rows):
        block = points[start : start + rows]
        yield np.square(block).sum(1)[:, None] - 2 * block @ centres.T + squares


def _radii(points, k):
    """Return squared distances (n,) to the k-th nearest other point."""
    blocks = _distances(points, points)
    # the nearest is the point itself
    return np.concatenate([np.partition(block, k, axis=1)[:, k] for block in blocks])


def _ngrams(texts, n, level):
    counts = Counter()
    for text in texts:
        items = text.split() if level == "word" else text
        counts.update(tuple(items[i : i + n]) for i in range(len(items) - n + 1))
    return counts


def _key(sample):
    if isinstance(sample, (str, bytes)):
        return sample
    array = np.ascontiguousarray(sample)
    return array.shape, array.tobytes()
