"""Layers that the families share."""

import keras
from keras import ops

__all__ = ["PixelShuffle", "Sampling"]


@keras.saving.register_keras_serializable(package="genai_basics")
class Sampling(keras.layers.Layer):
    """The reparameterization trick (Kingma & Welling, 2013, section 2.4).

    Draws z ~ N(mean, exp(log_var)) as z = mean + exp(log_var / 2) * epsilon with
    epsilon ~ N(0, 1). The randomness enters as an input, so gradients reach mean and log_var.

    Args:
        seed: Seed of epsilon. `None` draws a fresh one.

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

    def call(self, inputs, noise=None):
        """Draw z of shape (batch, latent_dim) from `inputs = (mean, log_var)` of that shape.

        `noise` is the `SeedGenerator` to draw from, the layer's own where it is left out.
        """
        mean, log_var = inputs
        epsilon = keras.random.normal(ops.shape(mean), dtype=mean.dtype, seed=noise or self.noise)
        return mean + ops.exp(0.5 * log_var) * epsilon

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="genai_basics")
class PixelShuffle(keras.layers.Layer):
    """Rearrange (h, w, c * factor**2) to (h * factor, w * factor, c) (Shi et al., 2016).

    A plain convolution before it, at the low resolution, upsamples at a fraction of the cost
    of a transposed convolution, and without its checkerboard.
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
