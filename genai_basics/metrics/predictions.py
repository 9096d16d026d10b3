"""Metrics of predicted classes, values and forecasts, with bootstrap intervals."""

import numpy as np

from ..checks import inside

__all__ = [
    "bootstrap_interval",
    "calibration_error",
    "classification_report",
    "confusion_matrix",
    "coverage",
    "mase",
    "multi_label_report",
    "pinball",
    "regression_report",
]

RESAMPLES = 1000


def bootstrap_interval(values, statistic=np.mean, confidence=0.95, seed=0):
    """Return the percentile bootstrap interval `(low, high)` of a statistic of `values`.

    The rows of `values` are resampled with replacement a thousand times, and the interval
    contains the central `confidence` of the resampled statistics (Efron, 1979,
    https://doi.org/10.1214/aos/1176344552).

    Args:
        values: Array (n, ...), one observation per row.
        statistic: Callable from such an array to a number.
        confidence: Share of the draws inside the interval, between 0 and 1.
        seed: Seed of the draws. The same seed gives the same interval.

    Example:

    >>> low, high = bootstrap_interval([0, 1, 1, 1, 0, 1, 1, 1, 1, 1])
    >>> low < 0.8 < high
    True
    """
    values = np.asarray(values)
    if not len(values):
        raise ValueError("`values` must hold at least one observation. Received: none")
    inside("confidence", confidence, 0, 1)
    rng = np.random.default_rng(seed)
    draws = (rng.integers(len(values), size=len(values)) for _ in range(RESAMPLES))
    return _middle([statistic(values[rows]) for rows in draws], confidence)


def confusion_matrix(labels, predictions, num_classes=None):
    """Count pairs of true and predicted class, as an int array (num_classes, num_classes).

    Row i, column j holds the number of examples of class i that were predicted as class j.

    Args:
        labels: Integers (n,), the true classes.
        predictions: Integers (n,), the predicted classes.
        num_classes: Number of classes; by default, the largest label plus one.

    Example:

    >>> confusion_matrix([0, 0, 1], [0, 1, 1]).tolist()
    [[1, 1], [0, 1]]
    """
    from sklearn import metrics

    labels, predictions = np.ravel(labels), np.ravel(predictions)
    _same_length(labels, predictions)
    if num_classes is None:
        num_classes = int(max(labels.max(), predictions.max())) + 1
    return metrics.confusion_matrix(labels, predictions, labels=range(num_classes))


def calibration_error(labels, probabilities, bins=15):
    """Return the expected calibration error, from 0 (calibrated) to 1.

    ECE = sum over bins b of |b| / n * |accuracy(b) - confidence(b)|, with predictions in bins
    of equal width by the probability of the predicted class (Guo et al., 2017,
    https://arxiv.org/abs/1706.04599).

    Args:
        labels: Integers (n,), the true classes.
        probabilities: Floats (n, classes), or (n,) or (n, 1) for the second of two classes.
        bins: Number of bins.

    Example:

    >>> calibration_error([0, 1], [[0.8, 0.2], [0.2, 0.8]])
    0.2
    """
    confidence, correct = _top(np.ravel(labels), _columns(probabilities))
    return round(float(_calibration_error(confidence, correct, bins)), 12)


def classification_report(labels, probabilities, class_names=None, *, confidence=0.95, seed=0):
    """Return the metrics of a classifier and their bootstrap intervals, two flat dicts.

    These are accuracy; balanced accuracy (the mean of the classes' recalls); F1 averaged over
    the classes that occur; expected calibration error in 15 bins; and log loss in nats. All
    intervals are computed from the same resampled test sets.

    Args:
        labels: True classes (n,): integers, or names from `class_names`.
        probabilities: Floats (n, classes), or (n,) or (n, 1) for the second of two classes.
        class_names: Names of the classes in the order of the columns.
        confidence: Share of the bootstrap draws inside an interval.
        seed: Seed of the draws.

    Example:

    >>> metrics, intervals = classification_report(["no", "yes"], [0.1, 0.8], ["no", "yes"])
    >>> metrics["accuracy"], intervals["accuracy"]
    (1.0, (1.0, 1.0))
    """
    from sklearn import metrics

    probabilities = _columns(probabilities)
    labels = _as_integers(labels, class_names, probabilities.shape[1])
    _same_length(labels, probabilities)
    predictions = probabilities.argmax(1)
    top, correct = _top(labels, probabilities)
    total = probabilities.sum(1)
    nats = -np.log(np.clip(probabilities[np.arange(len(labels)), labels] / total, 1e-12, 1))
    report = {
        "accuracy": metrics.accuracy_score(labels, predictions),
        "balanced_accuracy": metrics.recall_score(
            labels, predictions, labels=np.unique(labels), average="macro", zero_division=0
        ),
        "f1_macro": metrics.f1_score(labels, predictions, average="macro", zero_division=0),
        "calibration_error": _calibration_error(top, correct, 15),
        "log_loss": nats.mean(),
    }

    def resampled(rows):
        matrix = np.zeros((probabilities.shape[1],) * 2)
        np.add.at(matrix, (labels[rows], predictions[rows]), 1)
        hits, true, taken = np.diag(matrix), matrix.sum(1), matrix.sum(0)
        seen = true + taken > 0
        return (
            correct[rows].mean(),
            (hits[true > 0] / true[true > 0]).mean(),
            (2 * hits[seen] / (true + taken)[seen]).mean(),
            _calibration_error(top[rows], correct[rows], 15),
            nats[rows].mean(),
        )

    draws = _resample(len(labels), resampled, seed)
    intervals = {name: _middle(draws[:, i], confidence) for i, name in enumerate(report)}
    return {name: float(value) for name, value in report.items()}, intervals


def multi_label_report(labels, probabilities, *, threshold=0.5, confidence=0.95, seed=0):
    """Return the metrics of a multi-label classifier, and their intervals.

    These are exact match (all labels of an example are right), accuracy over all labels, and
    F1 = 2 TP / (2 TP + FP + FN) over all labels together (micro) and averaged over those that
    occur (macro).

    Args:
        labels: Array (n, classes) of 0 and 1.
        probabilities: Floats (n, classes).
        threshold: Minimum probability of a predicted label.
        confidence: Share of the bootstrap draws inside an interval.
        seed: Seed of the draws.

    Example:

    >>> report, _ = multi_label_report([[1, 0], [1, 1]], [[0.9, 0.2], [0.8, 0.3]])
    >>> report["exact_match"], report["accuracy"], report["f1_micro"]
    (0.5, 0.75, 0.8)
    """
    labels, taken = np.asarray(labels) > 0.5, np.asarray(probabilities) > threshold
    if labels.shape != taken.shape or labels.ndim != 2:
        raise ValueError(
            "`probabilities` must have the shape (n, classes) of `labels`. "
            f"Received: {taken.shape} for {labels.shape}"
        )
    right, both = labels == taken, labels & taken

    def figures(rows):
        hits, sizes = both[rows].sum(0), labels[rows].sum(0) + taken[rows].sum(0)
        seen = sizes > 0
        return (
            right[rows].all(axis=1).mean(),
            right[rows].mean(),
            2 * hits.sum() / max(sizes.sum(), 1),
            (2 * hits[seen] / sizes[seen]).mean() if seen.any() else 0.0,
        )

    names = ("exact_match", "accuracy", "f1_micro", "f1_macro")
    draws = _resample(len(labels), figures, seed)
    intervals = {name: _middle(draws[:, i], confidence) for i, name in enumerate(names)}
    values = figures(np.arange(len(labels)))
    return {name: float(value) for name, value in zip(names, values, strict=True)}, intervals


def regression_report(targets, predictions, *, confidence=0.95, seed=0):
    """Return `mae`, `rmse` and `r2` of predicted values and their bootstrap intervals.

    R^2 = 1 - sum (y - f)^2 / sum (y - mean y)^2, averaged over outputs if there are several.

    Args:
        targets: Array (n,) or (n, outputs).
        predictions: Array of the same size.
        confidence: Share of the bootstrap draws inside an interval.
        seed: Seed of the draws.

    Example:

    >>> metrics, intervals = regression_report([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    >>> round(metrics["mae"], 3), metrics["r2"]
    (0.333, 0.5)
    """
    from sklearn import metrics

    targets = np.asarray(targets, "float64").reshape(len(targets), -1)
    predictions = np.asarray(predictions, "float64").reshape(len(predictions), -1)
    if targets.shape != predictions.shape:
        raise ValueError(
            "`predictions` must have as many values as `targets`. "
            f"Received: {predictions.shape} for {targets.shape}"
        )
    report = {
        "mae": metrics.mean_absolute_error(targets, predictions),
        "rmse": np.sqrt(metrics.mean_squared_error(targets, predictions)),
        "r2": metrics.r2_score(targets, predictions) if len(targets) > 1 else np.nan,
    }
    errors = predictions - targets

    def resampled(rows):
        squares = np.square(errors[rows])
        spread = np.square(targets[rows] - targets[rows].mean(0)).sum(0)
        explained = np.where(spread > 0, 1 - squares.sum(0) / np.where(spread > 0, spread, 1), 0)
        return np.abs(errors[rows]).mean(), np.sqrt(squares.mean()), explained.mean()

    draws = _resample(len(targets), resampled, seed)
    intervals = {name: _middle(draws[:, i], confidence) for i, name in enumerate(report)}
    return {name: float(value) for name, value in report.items()}, intervals


def mase(targets, forecasts, history, season=1):
    """Return the mean absolute scaled error; 1 is as good as repeating the last season.

    MASE = mean |y - f| / mean |h_t - h_(t - season)| over the history that the model was
    trained on (Hyndman & Koehler, 2006, https://doi.org/10.1016/j.ijforecast.2006.03.001).

    Args:
        targets: Array of true values.
        forecasts: Array of the same shape.
        history: Training series (time,) or (time, channels).
        season: Seasonal period in steps; 1 compares with the last value.

    Example:

    >>> mase([5.0, 6.0], [4.0, 5.0], history=[1.0, 2.0, 3.0, 4.0])
    1.0
    """
    history = np.asarray(history, "float64")
    if not 1 <= season < len(history):
        raise ValueError(
            f"`season` must be at least 1 and less than the history's {len(history)} steps. "
            f"Received: season={season}"
        )
    scale = np.abs(history[season:] - history[:-season]).mean()
    error = np.abs(np.asarray(targets, "float64") - forecasts).mean()
    return float(error / scale) if scale > 0 else float("inf" if error > 0 else 0.0)


def pinball(targets, forecasts, quantiles):
    """Return the pinball loss of quantile forecasts, averaged over values and quantiles.

    max(q (y - f), (q - 1) (y - f)), which is minimal for the true quantile (Koenker & Bassett,
    1978, https://doi.org/10.2307/1913643).

    Args:
        targets: Array (...).
        forecasts: Array (..., quantiles), one column per quantile.
        quantiles: Numbers between 0 and 1.

    Example:

    >>> pinball([1.0], [[0.0, 2.0]], [0.1, 0.5])
    0.3
    """
    quantiles = np.asarray(quantiles, "float64")
    error = np.asarray(targets, "float64")[..., None] - np.asarray(forecasts, "float64")
    if error.shape[-1] != len(quantiles):
        raise ValueError(
            f"`forecasts` must have {len(quantiles)} columns, one for each quantile. "
            f"Received: forecasts.shape={np.shape(forecasts)}"
        )
    return float(np.maximum(quantiles * error, (quantiles - 1) * error).mean())


def coverage(targets, low, high):
    """Return the share of true values inside their intervals, including the ends.

    Args:
        targets: Array of true values.
        low: Lower ends, an array of the same shape.
        high: Upper ends, an array of the same shape.

    Example:

    >>> coverage([1.0, 5.0], [0.0, 0.0], [2.0, 2.0])
    0.5
    """
    targets = np.asarray(targets)
    return float(((targets >= low) & (targets <= high)).mean())


def _resample(n, statistics, seed):
    """Return the statistics of `RESAMPLES` draws of n rows, (RESAMPLES, number of statistics)."""
    rng = np.random.default_rng(seed)
    return np.array([statistics(rng.integers(n, size=n)) for _ in range(RESAMPLES)])


def _middle(draws, confidence):
    tails = (1 - confidence) / 2
    low, high = np.quantile(draws, [tails, 1 - tails])
    return float(low), float(high)


def _calibration_error(confidence, correct, bins):
    edges = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(edges, weights=correct - confidence, minlength=bins)
    return np.abs(gaps).sum() / len(correct)  # |b| / n * |mean gap| = |sum of gaps| / n


def _top(labels, probabilities):
    """Return the probability of each prediction and whether it is right, two arrays (n,)."""
    return probabilities.max(1), (probabilities.argmax(1) == labels).astype("float64")


def _columns(probabilities):
    probabilities = np.asarray(probabilities, "float64")
    if probabilities.ndim == 1 or probabilities.shape[1] == 1:
        second = probabilities.reshape(-1)
        return np.stack([1 - second, second], axis=1)
    return probabilities


def _as_integers(labels, class_names, num_classes):
    labels = np.ravel(labels)
    if labels.dtype.kind in "USO" and class_names is not None:
        numbers = {str(name): number for number, name in enumerate(class_names)}
        unknown = sorted({str(label) for label in labels} - set(numbers))
        if unknown:
            raise ValueError(f"`labels` must be among {list(numbers)}. Received: {unknown[:5]}")
        labels = np.array([numbers[str(label)] for label in labels])
    labels = labels.astype("int64")
    if not len(labels) or labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(
            f"`labels` must be classes from 0 to {num_classes - 1}, as `probabilities` has "
            f"{num_classes} columns. Received: {np.unique(labels)[:10].tolist()}"
        )
    return labels


def _same_length(labels, predictions):
    if len(labels) != len(predictions):
        raise ValueError(
            "there must be as many predictions as labels. "
            f"Received: {len(predictions)} for {len(labels)}"
        )
