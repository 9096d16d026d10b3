"""Reports, figures and predictions of predictors for commands, run folders and the audit."""

import numpy as np

from .. import metrics, plotting
from ..evaluation import Errors

__all__ = ["answer", "errors_of", "features_of", "pictures", "report"]

MOST_CLASSES = 50  # maximum size of a readable confusion matrix


def report(model, x, y=None):
    """Return `(metrics, intervals)` of a classifier or a regressor on raw data."""
    if y is None:
        raise ValueError("measuring predictions needs labels or values: pass y. Received: y=None")
    predictions, y = model.predict(x, verbose=0), model.head.targets(y)
    if not model.num_classes:
        return metrics.regression_report(y, predictions)
    if model.head.multi_label:
        return metrics.multi_label_report(y, predictions)
    return metrics.classification_report(y, predictions, model.class_names)


def answer(model, x, top=1):
    """Return a row per example, with the `top` labels and their probabilities, or the values."""
    predictions = model.predict(x, verbose=0)
    if not model.num_classes:
        columns = [f"value_{i}" for i in range(model.head.units)]
        columns = columns if len(columns) > 1 else ["value"]
        return [dict(zip(columns, row, strict=True)) for row in predictions.tolist()], None
    row_of = _likely_labels if model.head.multi_label else _best_labels
    return [row_of(model, row, top) for row in predictions], None


def _best_labels(model, probabilities, top):
    row = {}
    for place, i in enumerate(np.argsort(-probabilities)[:top], 1):
        suffix = f"_{place}" if place > 1 else ""
        row[f"label{suffix}"] = model.labels.name(i)
        row[f"probability{suffix}"] = round(float(probabilities[i]), 4)
    return row


def _likely_labels(model, probabilities, top):
    likely = np.flatnonzero(probabilities > 0.5)
    labels = {model.labels.name(i): round(float(probabilities[i]), 4) for i in likely}
    return {"labels": ", ".join(labels) or "(none)", "probabilities": labels}


def pictures(model, x, y=None):
    """Return a plot of the confusion matrix of a classifier."""
    classes = model.num_classes
    if y is None or not classes or model.head.multi_label or classes > MOST_CLASSES:
        return {}
    predictions = model.predict(x, verbose=0).argmax(axis=1)
    matrix = metrics.confusion_matrix(model.head.targets(y), predictions, classes)
    names = [model.labels.name(i) for i in range(classes)]
    return {"confusion": plotting.confusion_matrix(matrix, names)}


def errors_of(model, x, y):
    """Return the `Errors` of each example: 0 or 1, share of wrong labels, or absolute error."""
    outputs, y = model.predict(x, verbose=0), model.head.targets(y)
    if not model.num_classes:
        return Errors("absolute error", np.abs(outputs - y).mean(axis=1))
    if model.head.multi_label:
        return Errors("labels wrong", ((outputs > 0.5) != y).mean(axis=1))
    return Errors("error", (outputs.argmax(axis=1) != y).astype("float64"))


def features_of(model, x, y=None):
    """Return the features of raw x, (n, features)."""
    return model.features(x)
