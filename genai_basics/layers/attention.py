"""Attention from one sequence of tokens to another; token 0 is padding."""

import keras
from keras import ops

__all__ = ["Attention", "NotPadding", "Unmasked"]


@keras.saving.register_keras_serializable(package="genai_basics")
class NotPadding(keras.layers.Layer):
    """Mask of the tokens (batch, time) that are not padding."""

    def call(self, tokens):
        return tokens != 0

    def compute_output_spec(self, tokens):
        return keras.KerasTensor(tokens.shape, "bool")


@keras.saving.register_keras_serializable(package="genai_basics")
class Unmasked(keras.layers.Layer):
    """Removes the mask that Keras' layers attach to x; attention finds padding from tokens."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, x):
        return ops.copy(x)

    def compute_mask(self, inputs, previous_mask):
        return None

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable(package="genai_basics")
class Attention(keras.layers.Layer):
    """Maps `[queries, keys, values, source tokens]` to weighted values per query, and weights.

    weights = softmax(queries . keys) over the source, without padding.
    """

    def call(self, inputs):
        queries, keys, values, source = inputs
        scores = ops.cast(ops.matmul(queries, ops.transpose(keys, (0, 2, 1))), "float32")
        there = ops.cast(ops.expand_dims(source, 1) != 0, "float32")  # 1e9 overflows half precision
        weights = ops.cast(ops.softmax(scores - 1e9 * (1 - there), axis=-1), values.dtype)
        return ops.matmul(weights, values), weights

    def compute_output_shape(self, shapes):
        queries, keys, values, _ = shapes
        return (*queries[:2], values[2]), (*queries[:2], keys[1])
