"""Arguments of Keras' methods that would be read wrong or have no effect."""

import keras
import numpy as np

from .checks import whole
from .preprocessing import Numbers
from .warning import warn

__all__ = ["check_counts", "check_numbers", "refuse_unread", "wanted"]

COUNTS = {  # arguments of Keras' methods and their minima
    **dict.fromkeys(("epochs", "initial_epoch"), 0),
    **dict.fromkeys(("steps", "steps_per_epoch", "validation_steps", "validation_batch_size"), 1),
}


def wanted(model, y):
    """Return y if the model learns from it, else `None`, as for labels of an autoencoder."""
    read = y is not None and model.reads_y
    return y if read and (model.reads_labels or np.ndim(next(iter(y), 0)) > 0) else None


def refuse_unread(model, y):
    """Refuse a y from which the model does not learn."""
    if y is None or wanted(model, y) is not None:
        return
    if model.reads_y:
        raise ValueError(
            "an autoencoder learns from x, or from clean examples of the shape of x as y, not "
            "from labels: leave `y` out. Received: a number or word per example as y"
        )
    raise ValueError(
        f"a {model.name} built without labels learns from x alone: leave `y` out. Received: y"
    )


def check_counts(arguments):
    """Refuse numbers of epochs, steps or examples that are not whole or too small."""
    for name in COUNTS.keys() & arguments.keys():
        if arguments[name] is not None:
            whole(name, arguments[name], COUNTS[name])


def check_numbers(model, x):
    """Refuse raw integers in a direct call of the model; warn where a call builds a graph."""
    if not isinstance(model.preprocessor, Numbers):
        return
    if isinstance(x, keras.KerasTensor) and _is_input(x):
        warn(
            f"a direct call of a {model.name} takes the network's numbers, not raw data: write "
            "`model(model.preprocessor(x))` in a model that gets raw data"
        )
    elif "int" in str(getattr(x, "dtype", "")):
        raise ValueError(
            "a direct call takes the network's numbers, not raw data: use `predict`, or "
            f"`model(model.preprocessor(x))`. Received: x of type {x.dtype}"
        )


def _is_input(tensor):
    """Return whether a symbolic tensor is a `keras.Input`, not the output of a layer."""
    return isinstance(tensor._keras_history.operation, keras.layers.InputLayer)
