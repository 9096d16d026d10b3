"""Compares the classes of samples with those of the data, and finds groups with large errors."""

import numpy as np

from ..metrics.intervals import difference_from_rest, ratio_interval, share_interval

__all__ = ["clusters", "compare_shares", "neighbours_label", "worst_groups"]

CLUSTERS = 10


def neighbours_label(neighbours, labels):
    """Return the most frequent label of each row's neighbours; on ties, that of the nearest.

    Args:
        neighbours: Indices (n, k) into `labels`.
        labels: Integers (m,).
    """
    votes = np.asarray(labels)[neighbours]
    counts = (votes[:, :, None] == votes[:, None, :]).sum(axis=2)
    return votes[np.arange(len(votes)), counts.argmax(axis=1)]


def clusters(points, *others, seed=0):
    """Return the cluster (0, 1, ...) of each point, and of each point of each of `others`.

    For data without labels: k-means on the first principal components of `points`.
    """
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.decomposition import PCA

    chosen = np.random.default_rng(seed).permutation(len(points))[:10_000]
    parts = min(32, *points[chosen].shape)
    components = PCA(parts, svd_solver="randomized", random_state=seed).fit(points[chosen])
    number = max(min(CLUSTERS, len(points) // 20), 1)
    means = MiniBatchKMeans(number, n_init=3, random_state=seed)
    means.fit(components.transform(points[chosen]))
    return [means.predict(components.transform(part)) for part in (points, *others)]


def compare_shares(data, samples, names, confidence=0.95):
    """Return a row per class: its share of the data and of the samples, and their ratio.

    The intervals hold for all rows simultaneously (Bonferroni); `differs` says whether the
    ratio is significant.

    Args:
        data: Integers (n,), the classes of real examples.
        samples: Integers (m,), the classes of samples.
        names: Names of the classes.
        confidence: Probability that all intervals hold.

    Example:

    >>> [row["differs"] for row in compare_shares([0, 1] * 500, [0] * 900 + [1] * 100, "ab")]
    [True, True]
    """
    confidence = 1 - (1 - confidence) / len(names)
    data, samples = (np.bincount(side, minlength=len(names)) for side in (data, samples))
    rows = []
    for i, name in enumerate(names):
        n, m = data.sum(), samples.sum()
        ratio, low, high = ratio_interval(samples[i], m, data[i], n, confidence)
        shares = {"data": float(data[i] / n), "samples": float(samples[i] / m)}
        differs = not low <= 1 <= high
        rows.append({"class": str(name), **shares, "ratio": ratio, "low": low, "high": high})
        rows[-1]["differs"] = differs
    return rows


def worst_groups(errors, groups, clusters=None, confidence=0.95):
    """Return a row per group, worst first: the error in the group and in the rest.

    `differs` says whether the gap to the rest is significant, for all groups simultaneously
    (Bonferroni). Errors that are correlated, such as those of the objects in one picture, count
    as the smaller number of independent errors with the same variance (the design effect, Kish,
    1965).

    Args:
        errors: Numbers (n,), higher is worse; if all are 0 or 1, they are counted.
        groups: The group of each error (n,).
        clusters: Cluster of correlated errors of each error (n,). `None`: all independent.
        confidence: Probability that all intervals hold.

    Example:

    >>> worst_groups([0, 1] * 10 + [0] * 80, ["a"] * 20 + ["b"] * 80)[0]["group"]
    'a'
    """
    errors, groups = np.asarray(errors, "float64"), np.asarray([str(g) for g in groups])
    names = sorted(set(groups.tolist()))
    confidence_of_one = 1 - (1 - confidence) / max(len(names), 1)
    counted = set(np.unique(errors)) <= {0.0, 1.0}
    rows = []
    for name in names:
        here = groups == name
        inside, rest = errors[here], errors[~here]
        row = {"group": name, "n": len(inside), "error": float(inside.mean())}
        if counted:
            effects = [
                1.0 if clusters is None else _together(errors[w], clusters[w])
                for w in (here, ~here)
            ]
            sizes = [
                len(part) / effect for part, effect in zip((inside, rest), effects, strict=True)
            ]
            wrong = [row["error"] * sizes[0], rest.sum() / effects[1]]
            row["low"], row["high"] = share_interval(wrong[0], sizes[0], confidence)
            ratio = ratio_interval(
                wrong[0], sizes[0], wrong[1], max(sizes[1], 1), confidence_of_one
            )
            differs = len(rest) > 0 and not ratio[1] <= 1 <= ratio[2]
        else:
            width = 1.96 * inside.std(ddof=1) / np.sqrt(len(inside)) if len(inside) > 1 else np.inf
            row["low"], row["high"] = row["error"] - width, row["error"] + width
            low, high = difference_from_rest(inside, rest, confidence_of_one)
            differs = not low <= 0 <= high
        row["rest"] = float(rest.mean()) if len(rest) else None
        rows.append({**row, "differs": bool(differs)})
    return sorted(rows, key=lambda row: -row["error"])


def _together(errors, clusters):
    """Return the design effect: the variance of the mean error, relative to independent errors."""
    mean = errors.mean() if len(errors) else 0.0
    alone = len(errors) * mean * (1 - mean)
    if alone == 0.0:
        return 1.0
    _, numbers = np.unique(clusters, return_inverse=True)
    return max(float((np.bincount(numbers, errors - mean) ** 2).sum()) / alone, 1.0)
