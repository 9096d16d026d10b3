"""Arrays in the layouts that `.npz` files and Python callers use, and plain vectors."""

import numpy as np

from ..checks import one_of
from .dataset import Part, Reading
from .files import SPLITS, fingerprint_arrays, fingerprint_files, load_arrays
from .spec import VectorSpec
from .targets import encode_labels, is_regression

__all__ = ["layout", "read_arrays", "read_vectors", "targets_of"]

X_NAMES = ("x", "X", "samples", "images", "data", "clips")
LARGEST = float(np.finfo("float32").max)
Y_NAMES = ("y", "Y", "labels", "target", "targets", "label")


def read_arrays(source):
    """Return `({part: (x, y)}, fingerprint)` of a file, an array or an (x, y) tuple.

    The parts are "train", "test" (and "validation") if a file holds `x_train` and so on,
    otherwise "all".

    Raises:
        ValueError: No array is recognized, or x and y differ in number.
    """
    if hasattr(source, "suffix"):
        parts, digest = layout(load_arrays(source), source), fingerprint_files([source])
    elif isinstance(source, tuple):
        x, y = source
        parts = {"all": (_array(x), None if y is None else np.asarray(y))}
        digest = fingerprint_arrays(parts["all"][0], parts["all"][1])
    else:
        parts = {"all": (_array(source), None)}
        digest = fingerprint_arrays(parts["all"][0])
    for name, (x, y) in parts.items():
        if not len(x):
            array = "x" if name == "all" else f"x_{name}"
            raise ValueError(f"The array `{array}` holds no examples.")
        if y is not None and len(y) != len(x):
            raise ValueError(
                f"There must be as many labels as examples. Received: {len(x)} examples and "
                f"{len(y)} labels"
            )
        if isinstance(x, np.ndarray):
            check_finite(x)
    return parts, digest


def check_finite(x, what="examples"):
    """Raise a ValueError that counts the examples with NaN or infinite values.

    Numbers that overflow single precision count as infinite.
    """
    if x.dtype.kind != "f":
        return
    bad = ~(np.abs(x.reshape(len(x), -1)) <= LARGEST).all(axis=1)
    if bad.any():
        raise ValueError(
            f"{bad.sum()} of {len(x)} {what} hold NaN or infinite values (the first is number "
            f"{bad.argmax()}); fill them or remove those {what}."
        )


def encode_parts(parts, class_names=None, what="examples"):
    """Encode the labels of all parts together; returns `({part: y}, class_names)`."""
    labelled = [name for name, (_, y) in parts.items() if y is not None]
    if not labelled:
        return dict.fromkeys(parts), None
    if class_names is None:
        train = "train" if "train" in labelled else labelled[0]
        _, class_names = encode_labels(parts[train][1], None, what)
        if class_names is None:
            return dict.fromkeys(parts), None
    encoded = dict.fromkeys(parts)
    for name in labelled:
        try:
            encoded[name], _ = encode_labels(parts[name][1], class_names, what)
        except ValueError as error:
            if name in ("validation", "test"):
                raise ValueError(f"The {name} part: {error}") from error
            raise
    return encoded, class_names


def read_vectors(source, *, task=None, class_names=None):
    """Read vectors (n, d), with classes or values as y.

    Args:
        source: `.npy`, `.npz`, an array or an (x, y) tuple.
        task: "classification" or "regression". `None` selects regression if y holds
            non-integers.
        class_names: Known class names to encode the labels with.
    """
    one_of("task", task, (None, "classification", "regression"))
    parts, digest = read_arrays(source)
    for x, _ in parts.values():
        if getattr(x, "ndim", 0) != 2:
            raise ValueError(
                "Vectors must be an array (n, d); `--kind` says what else the array holds. "
                f"Received: shape {getattr(x, 'shape', 'of unequal arrays')}"
            )
    first_x, first_y = next(iter(parts.values()))
    shape = (int(first_x.shape[1]),)
    if task is None and first_y is not None and class_names is None:
        task = "regression" if is_regression(first_y) else None
    if task == "regression":
        labels, class_names = {name: targets_of(y) for name, (_, y) in parts.items()}, None
    else:
        labels, class_names = encode_parts(parts, class_names, "rows")
        task = "classification" if class_names else None
    made = {name: Part(_floats(x), labels[name]) for name, (x, _) in parts.items()}
    return Reading(VectorSpec(shape, class_names, task), made, digest)


def layout(arrays, path):
    """Find x and y, or the x and y of each part, among the arrays of a file."""
    parts = {}
    for part, words in SPLITS.items():
        for word in words:
            x = _named(arrays, X_NAMES, word)
            y = _named(arrays, Y_NAMES, word)
            if x is not None:
                parts[part] = (x, y)
    if "train" in parts:
        return parts
    if parts:
        return {"all": next(iter(parts.values()))}
    x = next((arrays[name] for name in X_NAMES if name in arrays), None)
    y = next((arrays[name] for name in Y_NAMES if name in arrays), None)
    if x is None and len(arrays) == 1:
        x = next(iter(arrays.values()))
    if x is None and "arr_0" in arrays:
        x, y = arrays["arr_0"], arrays.get("arr_1")
    if x is None:
        raise ValueError(
            f"'{path}' must hold `x` (and `y`), or `x_train`, `y_train`, `x_test`, `y_test`. "
            f"Received: {', '.join(arrays) or 'no arrays'}"
        )
    return {"all": (x, y)}


def _named(arrays, names, word):
    """Return the array called `x_train` or `train_x`, for any of the `names` for x, or None."""
    called = (form for name in names for form in (f"{name}_{word}", f"{word}_{name}"))
    return next((arrays[name] for name in called if name in arrays), None)


def _array(values):
    """Return `values` as an array; a list of arrays of unequal shapes stays a list."""
    if isinstance(values, np.ndarray):
        return values
    if hasattr(values, "__array__"):
        return np.asarray(values)
    values = list(values)
    shapes = {np.shape(value) for value in values}
    return np.asarray(values) if len(shapes) == 1 else [np.asarray(value) for value in values]


def stacked(items):
    """Return arrays of one shape as one array, others as a list."""
    return np.stack(items) if len({np.shape(item) for item in items}) == 1 else items


def targets_of(y):
    """Return regression targets as float32, of shape (n,) if there is one per example."""
    if y is None:
        return None
    y = np.asarray(y)
    check_finite(y.astype("float64"), "targets")
    y = y.astype("float32")
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def _floats(x):
    if x.dtype.kind not in "fiub":
        raise ValueError(f"Vectors must hold numbers. Received: dtype={x.dtype}")
    return x.astype("float32")
