"""Confidence intervals of shares, ratios and areas."""

import numpy as np
from scipy import stats

__all__ = ["area_under_curve", "difference_from_rest", "ratio_interval", "share_interval"]


def share_interval(count, n, confidence=0.95):
    """Return Wilson's interval `(low, high)` for a share of `count` out of n.

    Example:

    >>> [round(bound, 3) for bound in share_interval(0, 100)]
    [0.0, 0.037]
    """
    z = stats.norm.ppf((1 + confidence) / 2)
    share = count / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    width = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low = 0.0 if count == 0 else middle - width
    return float(low), float(1.0 if count == n else middle + width)


def ratio_interval(a, n_a, b, n_b, confidence=0.95):
    """Return `(ratio, low, high)` of the shares a / n_a and b / n_b, normal in its logarithm.

    Half a count is added to each, so that missing classes have a finite interval.
    """
    z = stats.norm.ppf((1 + confidence) / 2)
    ratio = ((a + 0.5) / (n_a + 0.5)) / ((b + 0.5) / (n_b + 0.5))
    variance = 1 / (a + 0.5) - 1 / (n_a + 0.5) + 1 / (b + 0.5) - 1 / (n_b + 0.5)
    width = z * np.sqrt(max(variance, 0.0))
    return float(ratio), float(ratio * np.exp(-width)), float(ratio * np.exp(width))


def area_under_curve(positive, negative, confidence=0.95):
    """Return `(area, (low, high))` under the ROC curve of scores, with DeLong's interval.

    The area is the probability that a positive scores above a negative; its variance is computed
    from the placements of each among the others (DeLong et al., 1988, doi:10.2307/2531595).

    Example:

    >>> area_under_curve([3.0, 4.0], [1.0, 2.0])[0]
    1.0
    """
    positive, negative = np.asarray(positive, "float64"), np.asarray(negative, "float64")
    m, n = len(positive), len(negative)
    ranks = stats.rankdata(np.concatenate([positive, negative]))
    of_positive = (ranks[:m] - stats.rankdata(positive)) / n
    of_negative = 1 - (ranks[m:] - stats.rankdata(negative)) / m
    area = of_positive.mean()
    variance = of_positive.var(ddof=1) / m + of_negative.var(ddof=1) / n if min(m, n) > 1 else 0.25
    width = stats.norm.ppf((1 + confidence) / 2) * np.sqrt(variance)
    return float(area), (float(max(area - width, 0.0)), float(min(area + width, 1.0)))


def difference_from_rest(values, rest, confidence=0.95):
    """Return the interval `(low, high)` of mean(values) - mean(rest), by Welch's t."""
    if min(len(values), len(rest)) < 2:
        return -np.inf, np.inf
    test = stats.ttest_ind(values, rest, equal_var=False)
    if not np.isfinite(test.statistic):  # neither varies
        gap = float(np.mean(values) - np.mean(rest))
        return gap, gap
    low, high = test.confidence_interval(confidence)
    return float(low), float(high)
