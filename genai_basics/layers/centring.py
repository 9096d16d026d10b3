"""Centres pictures on what they show."""

import keras
import numpy as np
from keras import ops

from ..backend import stop_gradient_of

__all__ = ["Centred"]


@keras.saving.register_keras_serializable(package="genai_basics")
class Centred(keras.layers.Layer):
    """Crops pictures to three quarters, around the centre of what differs from a background.

    Weight: `background` (height, width, c) in [-1, 1].
    """

    def build(self, input_shape):
        self.background = self.add_weight(
            name="background", shape=input_shape[1:], initializer="zeros", trainable=False
        )

    def call(self, x):
        x = x - self.background  # beyond the edge, too, there is background
        differs = ops.mean(ops.square(x), axis=-1)
        for axis in (1, 2):
            size = x.shape[axis]
            index = np.arange(size, dtype="float32")
            weight = ops.sum(differs, axis=3 - axis) + 1e-6  # (batch, size)
            centre = ops.matmul(weight, index) / ops.sum(weight, axis=1)
            first = stop_gradient_of(ops.round(centre - (3 * size // 4 - 1) / 2))
            rows = np.arange(3 * size // 4, dtype="float32")[:, None] - index
            chosen = ops.cast(rows + first[:, None, None] == 0.0, x.dtype)
            x = ops.einsum("bij,bjwc->biwc" if axis == 1 else "bij,bhjc->bhic", chosen, x)
        return x

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, 3 * height // 4, 3 * width // 4, channels)
