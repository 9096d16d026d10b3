"""A graph as a Keras model of core layers, which loads without this library.

Layers of this library are replaced by Keras' own where these compute the same; others are taken
apart into the operations of `keras.ops` that their `call` uses.
"""

import keras
import numpy as np

from ..backend import value_of
from ..layers import GRU, LSTM, Shift
from ..preprocessing.base import Scaling
from .served import inputs_of

__all__ = ["core_model"]

DEEPEST = 8  # a layer may use layers that use layers


def core_model(graph, name):
    """Return a graph as a Functional model of core layers, with copies of its weights.

    Raises:
        ValueError: If a layer or an operation of the graph cannot be stored, with its name.
    """
    inputs = inputs_of(graph)
    try:
        model = keras.Model(inputs, graph.compute(*inputs.values()), name=name)
    except Exception as error:  # such as a shape that only the data tell
        reason = " ".join(str(error).split())[:100]
        raise _cannot(name, f"an operation ({type(error).__name__}: {reason})") from error
    for _ in range(DEEPEST):
        try:
            model = keras.models.clone_model(
                model, clone_function=_core_layer, call_function=_called, recursive=True
            )
        except _HeldError as error:
            raise _cannot(name, str(error)) from error.__cause__
        if not any(map(_is_ours, model._flatten_layers())):
            break
    try:
        config = keras.saving.serialize_keras_object(model)
    except Exception as error:  # an operation that holds a function, such as a loop
        raise _cannot(name, " or ".join(_operations(model)) or str(error)[:100]) from error
    for found in _named(config, __package__.split(".")[0]):
        raise _cannot(name, found)
    return model


class _HeldError(ValueError):
    """The name of a layer that cannot be taken apart."""


def _cannot(name, what):
    return ValueError(
        f"a Keras file of core layers cannot hold {what}, which '{name}' uses: export to onnx, "
        "litert or saved_model"
    )


def _is_ours(layer):
    return type(layer).__module__.startswith(f"{__package__.split('.')[0]}.")


def _core_layer(layer):
    """Return Keras' layer for one of ours, with its weights; other layers as they are."""
    if isinstance(layer, keras.layers.Bidirectional) and _is_ours(layer.forward_layer):
        config = layer.get_config()
        config["layer"] = keras.saving.serialize_keras_object(_core_layer(layer.forward_layer))
        config["backward_layer"] = None
        return _with_weights(keras.layers.Bidirectional.from_config(config), layer)
    for ours, theirs in ((GRU, keras.layers.GRU), (LSTM, keras.layers.LSTM)):
        if isinstance(layer, ours):
            return _with_weights(theirs.from_config(layer.get_config()), layer)
    return layer


def _with_weights(new, layer):
    """Build a layer like another one, with copies of its weights."""
    if layer.built and layer.weights:
        new.build_from_config(layer.get_build_config())
        new.set_weights(layer.get_weights())
    return new


def _called(layer, *args, **kwargs):
    """Call a layer of Keras, or take one of ours apart; weights among arguments become numbers."""
    args, kwargs = keras.tree.map_structure(_as_numbers, (args, kwargs))
    if not _is_ours(layer):
        return layer(*args, **kwargs)
    if isinstance(layer, Scaling):
        return _normalized(args[0], layer.mean, layer.deviation, -1)
    if isinstance(layer, Shift):
        axes = -1 if layer.shared else tuple(range(1, len(args[0].shape)))
        return _normalized(args[0], layer.mean, None, axes, invert=layer.sign > 0)
    try:
        return layer.call(*args, **kwargs)
    except Exception as error:
        raise _HeldError(f"the layer {type(layer).__name__}") from error


def _as_numbers(value):
    return value_of(value) if isinstance(value, keras.Variable) else value


def _normalized(x, mean, deviation, axis, invert=False):
    mean = value_of(mean)
    variance = np.ones_like(mean) if deviation is None else np.square(value_of(deviation))
    return keras.layers.Normalization(axis, mean.tolist(), variance.tolist(), invert)(x)


def _operations(model):
    """Return the names of operations that hold functions."""
    loops = ("ForiLoop", "WhileLoop", "Cond", "Scan", "Map")
    names = {type(operation).__name__ for operation in model.operations}
    return sorted(f"the loop {name}" for name in names.intersection(loops))


def _named(config, package):
    """Yield the classes of a package in the configuration of a model."""
    if isinstance(config, dict):
        if str(config.get("module")).split(".")[0] == package:
            yield f"the layer {config['class_name']}"
        config = list(config.values())
    for item in config if isinstance(config, (list, tuple)) else ():
        yield from _named(item, package)
