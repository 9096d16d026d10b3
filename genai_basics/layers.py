"""Layers that the families share."""

import keras
from keras import ops

from .backend import stop_gradient_of

__all__ = [
    "ConditionalNormalization",
    "DifferentiableAugmentation",
    "PixelShuffle",
    "Sampling",
    "Shift",
    "SpectralConv2D",
    "SpectralDense",
]


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
class Shift(keras.layers.Layer):
    """Subtract the mean of the data (`sign=-1`), or add it again (`sign=1`).

    Networks learn from the mean on far sooner than from zero, where that is black: on bright
    pictures an autoencoder was behind principal components for minutes without it. The mean is
    zero until `start` has seen data.

    Args:
        sign: 1 or -1.
        shared: One mean for each channel (the last axis), not one for each number.
    """

    def __init__(self, sign, shared=False, **kwargs):
        super().__init__(**kwargs)
        self.sign, self.shared = sign, shared

    def build(self, input_shape):
        shape = input_shape[-1:] if self.shared else input_shape[1:]
        self.mean = self.add_weight(name="mean", shape=shape, initializer="zeros", trainable=False)

    def start(self, x):
        """Take the mean from examples x (n, ...), NumPy."""
        self.mean.assign(x.mean(axis=tuple(range(x.ndim - 1)) if self.shared else 0))

    def call(self, x):
        return x + self.sign * ops.cast(self.mean, x.dtype)

    def get_config(self):
        return {**super().get_config(), "sign": self.sign, "shared": self.shared}


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


@keras.saving.register_keras_serializable(package="genai_basics")
class ConditionalNormalization(keras.layers.Layer):
    """Batch normalization whose scale and shift depend on a condition (de Vries et al., 2017).

    `layer([x, condition])` normalizes x over all axes but the last, and returns
    (1 + condition @ W) * x + condition @ V: with a one-hot label as condition, each class has a
    scale and a shift of its own.

    Args:
        momentum: Of the running mean and variance that `training=False` uses.
        epsilon: Added to the variance.
    """

    def __init__(self, momentum=0.9, epsilon=1e-3, **kwargs):
        super().__init__(**kwargs)
        self.momentum, self.epsilon = momentum, epsilon
        self.normalization = keras.layers.BatchNormalization(
            momentum=momentum, epsilon=epsilon, center=False, scale=False
        )

    def build(self, input_shape):
        shape, condition = input_shape
        self.normalization.build(shape)
        size = (condition[-1], shape[-1])
        self.scale = self.add_weight(name="scale", shape=size, initializer="zeros")
        self.shift = self.add_weight(name="shift", shape=size, initializer="zeros")

    def call(self, inputs, training=False):
        x, condition = inputs
        x = self.normalization(x, training=training)
        shape = (-1,) + (1,) * (len(x.shape) - 2) + (x.shape[-1],)
        scale = ops.reshape(ops.matmul(condition, self.scale), shape)
        return (1.0 + scale) * x + ops.reshape(ops.matmul(condition, self.shift), shape)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}


class _Spectral:
    """Divides a kernel by its largest singular value, found by power iteration.

    (Miyato et al., 2018, https://arxiv.org/abs/1802.05957.) The kernel counts as a matrix
    (all other axes, outputs). u is moved in training only, one iteration a call; the gradient
    flows through sigma = v^T W u with u and v held constant, as in the paper.
    """

    def build(self, input_shape):
        super().build(input_shape)
        self.u = self.add_weight(
            name="u",
            shape=(1, self.kernel.shape[-1]),
            initializer=keras.initializers.RandomNormal(seed=0),
            trainable=False,
        )

    def normalized_kernel(self, training=False):
        """Return the kernel over its spectral norm."""
        matrix = ops.reshape(self.kernel, (-1, self.kernel.shape[-1]))
        constant = stop_gradient_of(matrix)
        v = _unit(ops.matmul(self.u, ops.transpose(constant)))
        u = _unit(ops.matmul(v, constant))
        if training:
            self.u.assign(u)
        sigma = ops.sum(ops.matmul(v, matrix) * u)
        return self.kernel / ops.maximum(sigma, 1e-12)


def _unit(x):
    return x / (ops.norm(x) + 1e-12)


@keras.saving.register_keras_serializable(package="genai_basics")
class SpectralDense(_Spectral, keras.layers.Dense):
    """`Dense` with a kernel of spectral norm 1; see `_Spectral`."""

    def call(self, inputs, training=False):
        outputs = ops.matmul(inputs, self.normalized_kernel(training))
        return self.activation(outputs + self.bias if self.use_bias else outputs)


@keras.saving.register_keras_serializable(package="genai_basics")
class SpectralConv2D(_Spectral, keras.layers.Conv2D):
    """`Conv2D` with a kernel of spectral norm 1 as a matrix; see `_Spectral`."""

    def call(self, inputs, training=False):
        kernel = self.normalized_kernel(training)
        outputs = ops.conv(inputs, kernel, list(self.strides), self.padding, self.data_format)
        return self.activation(outputs + self.bias if self.use_bias else outputs)


@keras.saving.register_keras_serializable(package="genai_basics")
class DifferentiableAugmentation(keras.layers.Layer):
    """Random changes of pictures that gradients pass through (Zhao et al., 2020, DiffAugment).

    Shown to the discriminator on real and generated pictures alike, so that it cannot learn a
    small data set by heart, while the generator is not taught to make changed pictures.

    Args:
        policy: Some of `"translation"` (up to an eighth of the side), `"brightness"` (by up to a
            quarter of the range), `"cutout"` (a square of half the side).
        seed: Seed of the changes.
    """

    policies = ("translation", "brightness", "cutout")

    def __init__(self, policy=("translation", "brightness"), seed=None, **kwargs):
        super().__init__(**kwargs)
        self.policy, self.seed = tuple(policy), seed
        self.noise = keras.random.SeedGenerator(seed)
        unknown = [name for name in self.policy if name not in self.policies]
        if unknown:
            raise ValueError(
                f"`augment` takes {', '.join(self.policies)}. Received: {', '.join(unknown)}"
            )

    def call(self, x):
        """Change each picture of x, (batch, height, width, channels) in [-1, 1], by itself."""
        for name in self.policy:
            x = getattr(self, name)(x)
        return x

    def uniform(self, x, low, high):
        return keras.random.uniform((ops.shape(x)[0],), low, high, seed=self.noise)

    def brightness(self, x):
        """Add one number to all of a picture."""
        return x + ops.reshape(self.uniform(x, -0.5, 0.5), (-1, 1, 1, 1))

    def translation(self, x):
        """Shift by whole pixels; what comes in is -1, black."""
        for axis in (1, 2):
            size = x.shape[axis]
            reach = max(size // 8, 1)
            shift = ops.cast(ops.floor(self.uniform(x, -reach, reach + 1)), "int32")
            source = ops.arange(size)[None] + shift[:, None]
            inside = ops.cast((source >= 0) & (source < size), x.dtype)
            shape = (-1, size, 1, 1) if axis == 1 else (-1, 1, size, 1)
            index = ops.reshape(ops.clip(source, 0, size - 1), shape)
            x = ops.take_along_axis(x, ops.broadcast_to(index, ops.shape(x)), axis=axis)
            x = (x + 1.0) * ops.reshape(inside, shape) - 1.0
        return x

    def cutout(self, x):
        """Set a square of half the side to the middle of the range."""
        keep = 0.0
        for axis in (1, 2):
            size = x.shape[axis]
            centre = self.uniform(x, 0, size)[:, None]
            far = ops.abs(ops.arange(size, dtype="float32")[None] - centre) > size / 4
            shape = (-1, size, 1, 1) if axis == 1 else (-1, 1, size, 1)
            keep = ops.maximum(keep, ops.reshape(ops.cast(far, x.dtype), shape))
        return x * keep

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "policy": self.policy, "seed": self.seed}
