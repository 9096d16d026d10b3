"""Upsampling of pictures without the checkerboards of transposed convolutions."""

import keras
from keras import ops

__all__ = ["PixelShuffle"]


@keras.saving.register_keras_serializable(package="genai_basics")
class PixelShuffle(keras.layers.Layer):
    """Rearranges (h, w, c * factor**2) to (h * factor, w * factor, c) (Shi et al., 2016).

    With a plain convolution before it, at the low resolution, it upsamples at a fraction of the
    cost of a transposed convolution, and without its checkerboard.
    """

    def __init__(self, factor=2, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        height, width, channels = x.shape[1:]
        f = self.factor
        x = ops.reshape(x, (-1, height, width, f, f, channels // f**2))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (-1, height * f, width * f, channels // f**2))

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, height * self.factor, width * self.factor, channels // self.factor**2)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}
