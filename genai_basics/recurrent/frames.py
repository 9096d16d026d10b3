"""Layers on frames of clips of unequal length: what lies behind the last one never counts."""

import keras
from keras import layers, ops

__all__ = ["StridedConv", "Within"]


@keras.saving.register_keras_serializable(package="genai_basics")
class StridedConv(layers.Layer):
    """`[x (batch, time, channels), frames (batch,)]` -> the same, thinned out by a convolution.

    What lies behind the last frame counts as zero, whatever the padding of a batch holds.
    """

    def __init__(
        self, filters, kernel_size, strides, kernel_initializer="glorot_uniform", **kwargs
    ):
        super().__init__(**kwargs)
        self.filters, self.kernel_size, self.strides = filters, kernel_size, strides
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.conv = layers.Conv1D(
            filters, kernel_size, strides, "valid", kernel_initializer=self.kernel_initializer
        )

    def build(self, shapes):
        self.conv.build(shapes[0])

    def call(self, inputs):
        x, frames = inputs
        there = ops.arange(ops.shape(x)[1])[None] < frames[:, None]
        x = x * ops.cast(there, x.dtype)[..., None]
        side = self.kernel_size // 2
        x = self.conv(ops.pad(x, ((0, 0), (side, side), (0, 0))))
        return ops.relu(x), (frames + self.strides - 1) // self.strides

    def compute_output_shape(self, shapes):
        (batch, time, _), frames = shapes
        time = None if time is None else -(-time // self.strides)
        return (batch, time, self.filters), frames

    def get_config(self):
        names = ("filters", "kernel_size", "strides")
        own = {name: getattr(self, name) for name in names}
        init = keras.initializers.serialize(self.kernel_initializer)
        return {**super().get_config(), **own, "kernel_initializer": init}


@keras.saving.register_keras_serializable(package="genai_basics")
class Within(layers.Layer):
    """`[x (batch, time, channels), frames (batch,)]` -> which frames are no padding."""

    def call(self, inputs):
        x, frames = inputs
        return ops.arange(ops.shape(x)[1])[None] < frames[:, None]

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs[0].shape[:2], "bool")
