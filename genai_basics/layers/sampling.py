"""Latent codes: the reparameterized draw, paths between codes; centring of data."""

import itertools

import keras
import numpy as np
from keras import ops

__all__ = ["Sampling", "Shift", "bounded", "great_circles"]


@keras.saving.register_keras_serializable(package="genai_basics")
class Sampling(keras.layers.Layer):
    """The reparameterization trick (Kingma & Welling, 2013, section 2.4).

    Draws z ~ N(mean, exp(log_var)) as z = mean + exp(log_var / 2) * epsilon with
    epsilon ~ N(0, 1). The randomness enters as an input, so gradients reach mean and log_var.

    Args:
        seed: Seed of epsilon. `None` draws a random seed.

    Example:

    >>> import keras
    >>> from genai_basics import Sampling
    >>> Sampling(seed=0)([keras.ops.zeros((5, 2)), keras.ops.zeros((5, 2))]).shape
    TensorShape([5, 2])
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.noise = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, inputs, noise=None):
        """Draw z of shape (batch, latent_dim) from `inputs = (mean, log_var)` of that shape.

        `noise` is the `SeedGenerator` to draw with, by default the layer's own.
        """
        mean, log_var = inputs
        epsilon = keras.random.normal(ops.shape(mean), dtype=mean.dtype, seed=noise or self.noise)
        return mean + ops.exp(0.5 * log_var) * epsilon

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="genai_basics")
class Shift(keras.layers.Layer):
    """Subtracts the mean of the data (`sign=-1`) or adds it (`sign=1`).

    Networks learn faster when data are centred: on bright pictures, an autoencoder without it was
    worse than principal components for minutes. The mean is 0 until `start` is called.

    Args:
        sign: 1 or -1.
        shared: Whether all positions share one mean per channel (the last axis).
    """

    def __init__(self, sign, shared=False, **kwargs):
        super().__init__(**kwargs)
        self.sign, self.shared = sign, shared

    def build(self, input_shape):
        shape = input_shape[-1:] if self.shared else input_shape[1:]
        self.mean = self.add_weight(name="mean", shape=shape, initializer="zeros", trainable=False)

    @property
    def started(self):
        """Whether the mean has been set."""
        return bool(ops.any(self.mean != 0))

    def start(self, x):
        """Set the mean from examples x (n, ...), NumPy, unless it has been set or is frozen."""
        if self.trainable and not self.started:
            self.mean.assign(x.mean(axis=tuple(range(x.ndim - 1)) if self.shared else 0))

    def call(self, x):
        return x + self.sign * ops.cast(self.mean, x.dtype)

    def get_config(self):
        return {**super().get_config(), "sign": self.sign, "shared": self.shared}


def bounded(x, limit=10.0, beyond=4.0):
    """Bound x smoothly for use as an exponent: beyond `limit`, |x| approaches limit + beyond.

    The gradient is 1 up to `limit` and then decreases like 1 / x^2, so training can recover, unlike
    with clipping, whose gradient is 0.
    """
    excess = ops.relu(ops.abs(x) - limit)
    return ops.clip(x, -limit, limit) + ops.sign(x) * excess / (1.0 + excess / beyond)


def great_circles(corners, steps):
    """Return points (k * steps, d) on the paths from each of k + 1 corners to the next.

    A path is a great circle if both corners have the same length, so no point comes near 0,
    where Gaussian noise has almost no samples.
    """
    rows = []
    for a, b in itertools.pairwise(corners):
        cosine = a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-12)
        angle = max(np.arccos(np.clip(cosine, -1.0, 1.0)), 1e-6)
        t = (np.arange(steps) / steps)[:, None]
        rows.append((np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle))
    return np.concatenate(rows)
