"""Export: the computation of `predict`, from raw x to raw outputs, as a graph."""

import keras
from keras.src.backend.common import global_state

from .preprocessing import Numbers

__all__ = ["export", "refuse_h5"]


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


def refuse_h5(model):
    """Raise an error while Keras saves a model as HDF5, which it marks by a global attribute."""
    if global_state.get_global_attribute("use_legacy_config", False):
        raise ValueError(
            f"an .h5 file cannot hold all of a {model.name}: save it as .keras, or its weights "
            "alone by `save_weights`. Received: a path that ends in .h5"
        )
