"""Base of the preprocessing: from raw x to the numbers of a network, and back."""

import json

import keras
import numpy as np
from keras import ops

__all__ = ["Preprocessor", "Scaling"]


class Preprocessor(keras.layers.Layer):
    """Turns raw x of one kind into the numbers of a network. A layer: its state is saved.

    Four verbs lead from raw data to the network and back:

    - `adapt(x, y)` fits the state to raw training data;
    - `prepare(x)` returns raw x as an array, or a dict of arrays, of one length: once, in NumPy,
      so it is where data are checked;
    - calling the layer turns a batch of prepared x into numbers, in the input pipeline;
    - `invert(outputs)` maps outputs of a network (NumPy) back to raw data.
    """

    shape = None  # of one raw example, `None` for an axis of any length; `None`: texts, or windows

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})  # raw data need single precision

    @property
    def state(self):
        """Fitted state that is not weights, such as a vocabulary, as JSON holds it."""

    @state.setter
    def state(self, value):
        raise NotImplementedError(f"{type(self).__name__} must set its state")

    def save_own_variables(self, store):
        super().save_own_variables(store)
        if self.state is not None:  # next to the weights, so that files of weights hold it, too
            store["state"] = np.frombuffer(json.dumps(self.state).encode(), "uint8")

    def load_own_variables(self, store):
        store = {name: store[name] for name in sorted(store.keys())}
        state = store.pop("state", None)
        if state is not None:
            self.state = json.loads(np.asarray(state).tobytes())
        super().load_own_variables(store)

    def adapt(self, x, y=None):
        """Fit to raw training data. By default there is nothing to fit."""

    def prepare(self, x):
        """Return raw x as an array, or a dict of arrays, of one length."""
        raise NotImplementedError(f"{type(self).__name__} must define `prepare`")

    def call(self, x):
        """Return the network's numbers for a batch of prepared x."""
        return x

    def lengths(self, x):
        """Return how long each prepared example is, where a batch should hold similar lengths."""

    def invert(self, outputs):
        """Return outputs of the network, as NumPy arrays, in the units of raw data."""
        return outputs


@keras.saving.register_keras_serializable(package="genai_basics")
class Scaling(keras.layers.Layer):
    """Scales the last axis to mean 0 and variance 1, from `adapt` on.

    Keras' `Normalization` keeps copies of its weights, which assigned ones do not change.
    """

    def __init__(self, channels, **kwargs):
        super().__init__(trainable=False, dtype="float32", **kwargs)
        self.channels = channels
        self.mean = self.add_weight(name="mean", shape=(channels,), initializer="zeros")
        self.variance = self.add_weight(name="variance", shape=(channels,), initializer="ones")
        self.built = True

    def adapt(self, x):
        """Fit to x: missing numbers do not count, constant ones stay small."""
        flat = np.asarray(x, "float64").reshape(-1, np.shape(x)[-1])
        known = np.isfinite(flat).any(axis=0)
        flat = np.where(known, flat, 0.0)
        mean, variance = np.nanmean(flat, axis=0), np.nanvar(flat, axis=0)
        variance[variance == 0] = 1.0  # a constant: a new value must not become huge
        self.mean.assign(mean)
        self.variance.assign(variance)

    @property
    def deviation(self):
        """Standard deviation of each channel, (channels,)."""
        return ops.maximum(ops.sqrt(self.variance), 1e-7)

    def call(self, x):
        return (x - self.mean) / self.deviation

    def inverse(self, x):
        """Return scaled x in its own units."""
        return x * self.deviation + self.mean

    def get_config(self):
        config = super().get_config()
        return {"name": config["name"], "channels": self.channels}
