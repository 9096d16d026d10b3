"""Encodes labels of any type as integers and class names."""

import unicodedata

import numpy as np

from ..warning import warn

__all__ = ["encode_labels"]


def encode_labels(labels, class_names=None, what="examples"):
    """Return `(y, class_names)`: int64 indices (n,) into the names.

    Names are sorted, numerically if all are integers. Labels with a single value are useless:
    a warning says so and the result is `(None, None)`.

    Args:
        labels: Strings or integers, (n,), (n, 1) or one-hot (n, classes).
        class_names: Known class names to encode the labels with. `None` takes them from the
            labels.
        what: Word for the examples in messages.

    Raises:
        ValueError: A label is empty or not in `class_names`.

    Example:

    >>> encode_labels(["b", "a", "b"])[1]
    ('a', 'b')
    """
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2 and _is_one_hot(labels):
        labels = labels.argmax(axis=1)
    if labels.ndim != 1:
        raise ValueError(
            f"There must be one label for each of the {what}. Received: an array of {labels.shape}"
        )
    if labels.dtype.kind == "f":
        if not np.all(np.isfinite(labels)) or np.any(labels != np.round(labels)):
            raise ValueError("Labels must be integers or names. Received: fractional numbers")
        labels = labels.astype("int64")
    if labels.dtype.kind == "b":
        labels = labels.astype("int64")
    if labels.dtype.kind in "OU":
        labels = np.array([unicodedata.normalize("NFC", str(label)) for label in labels])
    names, y = np.unique(labels.astype(str), return_inverse=True)
    if class_names is not None:
        return _encode_by(names, y, class_names), tuple(class_names)
    warn_of_twins(names, what)
    if "" in names:
        raise ValueError(f"{np.sum(labels.astype(str) == '')} of the {what} have an empty label.")
    if len(names) == 1 and len(labels) > 1:
        warn(
            f"All {len(labels)} {what} have the label {str(names[0])!r}; a single class says "
            "nothing, so they count as unlabelled."
        )
        return None, None
    order = np.array(sorted(range(len(names)), key=lambda i: _sort_key(names[i])))
    rank = np.empty(len(names), "int64")
    rank[order] = np.arange(len(names))
    return rank[y.reshape(-1)], tuple(str(names[i]) for i in order)


def encode_sets(sets, class_names):
    """Return rows of 0 and 1, int64 (n, classes), for {part: sets of labels}."""
    place, y = {name: i for i, name in enumerate(class_names)}, {}
    for part, rows in sets.items():
        y[part] = np.zeros((len(rows), len(place)), "int64")
        for i, row in enumerate(rows):
            unknown = sorted(row - place.keys())
            if unknown:
                raise ValueError(
                    f"The label {unknown[0]!r} is not one of {', '.join(class_names)}."
                )
            y[part][i, [place[label] for label in row]] = 1
    return y


def is_multi_label(y):
    """Whether the targets `y` are multi-label: 0 or 1 for each class, any number of ones."""
    y = np.asarray(y)
    wide = y.ndim == 2 and y.shape[1] > 1 and y.dtype.kind in "biuf"
    return bool(wide and np.isin(y, (0, 1)).all() and not _is_one_hot(y))


def is_regression(y):
    """Whether the targets `y` are values rather than classes."""
    y = np.asarray(y)
    if y.dtype.kind != "f":
        return y.dtype.kind in "iu" and y.ndim == 2 and y.shape[1] > 1 and not _is_one_hot(y)
    return not (np.all(y == np.round(y)) and (y.ndim == 1 or y.shape[1] == 1 or _is_one_hot(y)))


def warn_of_twins(names, what):
    """Point out names that differ only in case, spaces or number format."""
    twins = {}
    for name in map(str, names):
        try:
            key = f"{float(name):g}"
        except ValueError:
            key = " ".join(name.split()).casefold()
        twins.setdefault(key, []).append(name)
    for same in twins.values():
        if len(same) > 1:
            warn(
                f"The labels {' and '.join(map(repr, same))} of the {what} are nearly "
                "identical but count as separate classes; rename them if they mean the same."
            )


def _encode_by(names, y, class_names):
    place = {str(name): i for i, name in enumerate(class_names)}
    unknown = [str(name) for name in names if str(name) not in place]
    if unknown:
        shown = ", ".join(map(repr, unknown[:5]))
        known = ", ".join(list(place)[:20])
        raise ValueError(f"The label {shown} is not one of the classes {known}.")
    return np.array([place[str(name)] for name in names], "int64")[y.reshape(-1)]


def _is_one_hot(y):
    return y.shape[1] > 1 and np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all()


def _sort_key(name):
    digits = name.lstrip("-")
    return (0, int(name), "") if digits.isdecimal() else (1, 0, str(name))
