"""The networks F: [x, t] or [x, t, one-hot label] -> output of x's shape, initially 0."""

import math

import keras
import numpy as np
from keras import layers, ops

from ..layers.blocks import conv, crop, upsample

__all__ = ["build_dense", "build_unet"]


@keras.saving.register_keras_serializable(package="genai_basics")
class TimeWaves(keras.layers.Layer):
    """Sines and cosines of a time in [0, 1], from a quarter of a wave to 25 waves."""

    def call(self, t):
        """Return (batch, 32) for t (batch, 1)."""
        angles = t * (0.5 * math.pi * 100.0 ** np.linspace(0, 1, 16, dtype="float32"))
        return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)


def _inputs(input_shape, num_classes, width, init):
    """Return the inputs x, t and one-hot label, and a vector of the conditions."""
    inputs = [keras.Input(input_shape, name="x"), keras.Input((1,), name="t")]
    known = TimeWaves()(inputs[1])
    if num_classes:
        inputs.append(keras.Input((num_classes,), name="label"))
        known = layers.Concatenate()([known, inputs[2]])
    for _ in range(2):
        known = layers.Dense(width, "silu", kernel_initializer=init)(known)
    return inputs, known


def _modulated(x, known, init):
    """Scale and shift the channels of x, given the conditions (Perez et al., 2017)."""
    width = x.shape[-1]
    shape = (1,) * (len(x.shape) - 2) + (width,)
    scale = layers.Dense(width, kernel_initializer=init, bias_initializer="ones")(known)
    shift = layers.Dense(width, kernel_initializer=init)(known)
    x = layers.Multiply()([x, layers.Reshape(shape)(scale)])
    return layers.Add()([x, layers.Reshape(shape)(shift)])


def build_unet(input_shape, filters, num_classes, init):
    """Return F, a U-Net (Ronneberger et al., 2015) of residual blocks that adds its skips."""
    inputs, known = _inputs(input_shape, num_classes, 4 * filters[0], init)
    silu = layers.Activation("silu")

    def block(x):
        y = conv(silu(x), x.shape[-1], init, activation=None)
        y = silu(_modulated(y, known, init))
        return layers.Add()([x, conv(y, x.shape[-1], "zeros", activation=None)])

    side, halve = min(input_shape[:2]), min(input_shape[:2]) >= 16
    depth = max(len(filters), math.ceil(math.log2(side / 8)) + (not halve))
    filters = [filters[min(i, len(filters) - 1)] for i in range(depth)]
    x = conv(inputs[0], filters[0], init, activation=None, strides=2 if halve else 1, size=4)
    skips = []
    for width in filters[1:]:
        skips.append(block(x))
        x = conv(skips[-1], width, init, activation=None, strides=2)
    x = block(block(x))
    for skip in reversed(skips):
        x = crop(upsample(x, skip.shape[-1], init), skip.shape[1:])
        x = block(layers.Add()([x, skip]))
    last = upsample if halve else lambda x, *args: conv(x, *args, activation=None)
    outputs = crop(last(silu(x), input_shape[-1], "zeros"), input_shape)
    return keras.Model(inputs, outputs, name="network")


def build_dense(input_shape, hidden_units, num_classes, init):
    """Return F of dense residual blocks."""
    inputs, known = _inputs(input_shape, num_classes, hidden_units[0], init)
    silu = layers.Activation("silu")
    x = layers.Dense(hidden_units[0], kernel_initializer=init)(layers.Flatten()(inputs[0]))
    for units in hidden_units:
        y = layers.Dense(units, kernel_initializer=init)(silu(x))
        y = silu(_modulated(y, known, init))
        x = layers.Add()([x, layers.Dense(hidden_units[0], kernel_initializer=init)(y)])
    x = layers.Dense(math.prod(input_shape), kernel_initializer="zeros")(x)
    return keras.Model(inputs, layers.Reshape(input_shape)(x), name="network")
