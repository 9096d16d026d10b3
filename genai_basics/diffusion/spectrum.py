"""The normal distribution that a diffusion model starts from."""

import keras
import numpy as np
from keras import ops

__all__ = ["Spectrum", "mixed"]

LEAST = 1e-3  # minimum standard deviation


@keras.saving.register_keras_serializable(package="genai_basics")
class Spectrum(keras.layers.Layer):
    """N(m, C) whose covariance is diagonal in a fixed basis.

    The basis of pictures are cosines along both sides (the DCT, as in JPEG) of their principal
    colours, since neighbouring pixels and colours are similar: high frequencies, of which noise
    has as much as of low ones, have a small variance. The basis of vectors are their numbers.

    Weights: `mean` and `deviation`, each of the shape of an example, the latter in the basis;
    `colours` (c, c), an orthogonal matrix.
    """

    def build(self, input_shape):
        self.shape = shape = tuple(input_shape[1:])
        names = {"mean": "zeros", "deviation": "ones"}
        self.mean, self.deviation = (
            self.add_weight(name=name, shape=shape, initializer=start, trainable=False)
            for name, start in names.items()
        )
        if len(shape) == 3:
            self.colours = self.add_weight(
                name="colours", shape=shape[2:] * 2, initializer="identity", trainable=False
            )
            self.rows, self.columns = _cosines(shape[0]), _cosines(shape[1])

    def adapt(self, x):
        """Estimate mean, colours and deviations from examples (n, ...) in network space."""
        self.mean.assign(x.mean(axis=0))
        x = x - x.mean(axis=0)
        if len(self.shape) == 3:
            pixels = x.reshape(-1, self.shape[2])
            self.colours.assign(np.linalg.eigh(pixels.T @ pixels)[1])
        parts = np.array_split(x, -(-len(x) // 256))
        squares = sum(np.square(self.forward(part)).sum(axis=0) for part in parts) / len(x)
        self.deviation.assign(np.sqrt(np.maximum(squares, LEAST**2)))

    def forward(self, x):
        """Return the coefficients of x (batch, ...) in the basis, with the shape of x."""
        if len(self.shape) == 1:
            return x
        return self._along(ops.matmul(x, self.colours), self.rows, self.columns)

    def back(self, x):
        """Return x (batch, ...) from its coefficients."""
        if len(self.shape) == 1:
            return x
        x = self._along(x, self.rows.T, self.columns.T)
        return ops.matmul(x, ops.transpose(self.colours))

    def _along(self, x, rows, columns):
        """Multiply the columns of pictures by one matrix, and their rows by another."""
        height, width, channels = self.shape
        x = ops.matmul(rows, ops.reshape(x, (-1, height, width * channels)))
        x = ops.matmul(columns, ops.reshape(x, (-1, width, channels)))
        return ops.reshape(x, (-1, height, width, channels))

    def compute_output_shape(self, input_shape):
        return input_shape


def _cosines(n):
    """Return the orthogonal matrix (n, n) whose row k is a cosine of k half waves."""
    k = np.arange(n)[:, None]
    waves = np.cos(np.pi * k * (np.arange(n) + 0.5) / n) * np.sqrt(2.0 / n)
    return np.where(k == 0, np.sqrt(1.0 / n), waves).astype("float32")


def mixed(a, b, steps):
    """Return `steps` mixtures of the noises a and b, scaled to variance 1."""
    w = np.linspace(0.0, 1.0, steps).reshape(-1, *[1] * np.ndim(a))
    return ((1.0 - w) * a + w * b) / np.sqrt(np.square(1.0 - w) + np.square(w))
