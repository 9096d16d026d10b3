"""Base class of the preprocessing, from raw x to network space and back."""

import json

import keras
import numpy as np
from keras import ops

__all__ = ["Preprocessor", "Scaling"]


class Preprocessor(keras.layers.Layer):
    """Maps raw x of one kind to network space. It is a layer, so its state is saved.

    Four methods map raw data to the network's inputs and back:

    - `adapt(x, y)` fits the state to raw training data;
    - `prepare(x)` returns raw x as an array, or a dict of arrays, of one length; it runs once, in
      NumPy, and checks the data;
    - calling the layer maps a batch of prepared x to the network's inputs, in the input pipeline;
    - `invert(outputs)` maps outputs of a network (NumPy) back to raw data.
    """

    shape = None  # of one raw example, with `None` for axes of any length; `None`: texts or windows

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})  # raw data need single precision

    @property
    def state(self):
        """Fitted state other than weights, such as a vocabulary, as JSON types."""

    @state.setter
    def state(self, value):
        raise NotImplementedError(f"{type(self).__name__} must set its state")

    def get_config(self):
        config = super().get_config()
        return config if self.state is None else {**config, "state": self.state}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        state = config.pop("state", None)
        layer = super().from_config(config)
        if state:
            layer.state = state
        return layer

    def save_own_variables(self, store):
        super().save_own_variables(store)
        if self.state is not None:  # next to the weights, so that weight files also contain it
            store["state"] = np.frombuffer(json.dumps(self.state).encode(), "uint8")

    def load_own_variables(self, store):
        store = {name: store[name] for name in sorted(store.keys())}
        state = store.pop("state", None)
        if state is not None:
            self.state = json.loads(np.asarray(state).tobytes())
        super().load_own_variables(store)

    def raw(self, x):
        """Return raw x in the form that `adapt` takes, with its shape checked."""
        return x

    def adapt(self, x, y=None):
        """Fit to raw training data. By default, there is nothing to fit."""

    def prepare(self, x):
        """Return raw x as an array, or a dict of arrays, of one length."""
        raise NotImplementedError(f"{type(self).__name__} must define `prepare`")

    def call(self, x):
        """Map a batch of prepared x to network space."""
        return x

    def lengths(self, x):
        """Return the length of each prepared example if batches should have similar lengths."""

    def invert(self, outputs):
        """Convert outputs of the network to NumPy arrays in the units of raw data."""
        return outputs


@keras.saving.register_keras_serializable(package="genai_basics")
class Scaling(keras.layers.Layer):
    """Scales the last axis to mean 0 and variance 1, after `adapt`.

    Keras' `Normalization` keeps copies of its weights, which assigning weights does not update.
    """

    def __init__(self, channels, **kwargs):
        super().__init__(**{"trainable": False, "dtype": "float32", **kwargs})
        self.channels = channels
        self.mean = self.add_weight(name="mean", shape=(channels,), initializer="zeros")
        self.variance = self.add_weight(name="variance", shape=(channels,), initializer="ones")
        self.built = True

    def adapt(self, x):
        """Fit to x, ignoring missing values and leaving constants unscaled."""
        flat = np.asarray(x, "float64").reshape(-1, np.shape(x)[-1])
        known = np.isfinite(flat).any(axis=0)
        flat = np.where(known, flat, 0.0)
        mean, variance = np.nanmean(flat, axis=0), np.nanvar(flat, axis=0)
        variance[variance == 0] = 1.0  # constant: new values must not become huge
        self.mean.assign(mean)
        self.variance.assign(variance)

    @property
    def deviation(self):
        """Standard deviation of each channel, (channels,)."""
        return ops.maximum(ops.sqrt(self.variance), 1e-7)

    def call(self, x):
        return (x - ops.cast(self.mean, x.dtype)) / ops.cast(self.deviation, x.dtype)

    def inverse(self, x):
        """Return scaled x in original units."""
        return x * self.deviation + self.mean

    def get_config(self):
        return {**super().get_config(), "channels": self.channels}
