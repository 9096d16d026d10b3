"""Export: the computation of `predict`, from raw x to raw outputs, as a graph."""

import keras

from .chunks import forget
from .preprocessing import Numbers

__all__ = ["export", "quantize"]


class _Served(keras.layers.Layer):
    """The preprocessing and the network of a model, and the inverse transform to raw data."""

    def __init__(self, model):
        super().__init__(dtype="float32")
        self.model = model

    def call(self, x):
        outputs = self.model(self.model.preprocessor(x), training=False)
        return self.model.preprocessor.restored(outputs) if self.model.restores else outputs


def export(model, filepath, format="tf_saved_model", **kwargs):
    """Export `predict` as SavedModel, ONNX or LiteRT with `keras.Model.export`.

    The graph maps raw x, float32, to raw outputs, so programs that use it need no
    preprocessing.

    Raises:
        ValueError: If x is prepared outside the graph, as for texts, tables and windows, or if
            the model needs other inputs than x.
    """
    if type(model.preprocessor) is not Numbers or model.restores is None:
        raise ValueError(
            f"what a {model.name} predicts is not computed by one graph of x: export the network "
            "inside it, for example `model.network.export(path)`. "
            f"Received: x prepared by {type(model.preprocessor).__name__}"
        )
    x = keras.Input(model.preprocessor.shape, name="x")
    keras.Model(x, _Served(model)(x)).export(filepath, format=format, **kwargs)


def quantize(model, mode=None, config=None, filters=None, **kwargs):
    """Quantize the weights of the inner networks: `keras.Model.quantize`.

    What prepares x, and what only evaluates, keeps its precision; so do layers inside of layers
    that are no networks, as they would not load again, unless `filters` chooses them.
    """
    model.settle()
    networks = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    if model.averaged:
        networks.append(model.average.network)
    for network in networks:
        own = set(map(id, _layers_of(network)))
        choose = (lambda layer, own=own: id(layer) in own) if filters is None else filters
        network.quantize(mode, config=config, filters=choose, **kwargs)
    if model.averaged:
        model.average.note(getattr(model, model.averaged))
    forget(model)


def _layers_of(network):
    """Yield the layers of a network, and of networks inside it."""
    for layer in network.layers:
        yield from _layers_of(layer) if isinstance(layer, keras.Model) else (layer,)
