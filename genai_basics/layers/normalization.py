"""Normalization of activations by a condition, and of weights by their spectral norm."""

import keras
from keras import ops

from ..backend import stop_gradient_of

__all__ = ["ConditionalNormalization", "SpectralConv2D", "SpectralDense"]


@keras.saving.register_keras_serializable(package="genai_basics")
class ConditionalNormalization(keras.layers.Layer):
    """Batch normalization whose scale and shift depend on a condition (de Vries et al., 2017).

    `layer([x, condition])` normalizes x over all axes except the last, and returns
    (1 + condition @ W) * x + condition @ V: with a one-hot label as condition, each class has
    its own scale and shift.

    Args:
        momentum: Momentum of the running mean and variance, which `training=False` uses.
        epsilon: Added to the variance.
    """

    def __init__(self, momentum=0.9, epsilon=1e-3, **kwargs):
        super().__init__(**kwargs)
        self.momentum, self.epsilon = momentum, epsilon
        self.normalization = keras.layers.BatchNormalization(
            momentum=momentum,
            epsilon=epsilon,
            center=False,
            scale=False,
            dtype=self.dtype_policy,
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
    """Divides a kernel by its largest singular value, estimated by power iteration.

    (Miyato et al., 2018, https://arxiv.org/abs/1802.05957.) The kernel is treated as a matrix
    (all other axes, outputs). u is updated in training only, with one iteration per call; the
    gradient flows through sigma = v^T W u with u and v constant, as in the paper.
    """

    def build(self, input_shape):
        super().build(input_shape)
        self.u = self.add_weight(
            name="u",
            shape=(1, self.kernel.shape[-1]),
            initializer=keras.initializers.RandomNormal(seed=0),
            trainable=False,
        )

    # Keras' own layers would save the kernel and the bias alone, without u.
    save_own_variables = keras.Layer.save_own_variables
    load_own_variables = keras.Layer.load_own_variables

    def normalized_kernel(self, training=False):
        """Return the kernel divided by its spectral norm."""
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
