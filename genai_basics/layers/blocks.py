"""Bodies of encoders and decoders that the autoencoders and the VAEs share.

All take and return Keras tensors, for Functional networks. "Convolutional" is two-dimensional
for pictures (height, width, channels) and one-dimensional for series (time, channels).
"""

import math

from keras import layers

from ..checks import channels_last, idle, one_of, whole, widths
from . import PixelShuffle

__all__ = [
    "check_shape",
    "check_widths",
    "conv",
    "conv_down",
    "conv_up",
    "crop",
    "dense_down",
    "dense_up",
    "stages",
    "upsample",
]


def check_shape(input_shape, latent_dim, network, num_classes):
    """Raise an error for shapes and sizes that dense and convolutional networks do not support."""
    channels_last()
    whole("latent_dim", latent_dim, 1)
    one_of("network", network, ("dense", "conv"))
    if num_classes is not None:
        whole("num_classes", num_classes, 2)
    if len(input_shape) not in (1, 3) or any(not size or size < 1 for size in input_shape):
        raise ValueError(
            "`input_shape` must be (height, width, channels) or (numbers,). "
            f"Received: input_shape={input_shape}"
        )
    if network == "conv" and (len(input_shape) != 3 or min(input_shape[:2]) < 8):
        raise ValueError(
            'network="conv" needs images of at least 8x8 pixels; use network="dense". '
            f"Received: input_shape={input_shape}"
        )


def check_widths(builder, given):
    """Check the widths of `given["network"]`, and refuse those of another one; see `idle`."""
    own, other = "hidden_units", "filters"
    if given["network"] != "dense":
        own, other = other, own
    widths(own, given[own])
    idle(builder, given, other, because=f'with network="{given["network"]}"')


def dense_down(x, hidden_units, init, *, activation="relu"):
    """Flatten x and apply dense layers of `hidden_units`."""
    x = layers.Flatten()(x)
    for units in hidden_units:
        x = layers.Dense(units, activation, kernel_initializer=init)(x)
    return x


def dense_up(x, hidden_units, shape, init, *, activation="relu", constraint=None, last=None):
    """Mirror `dense_down`: from a code to numbers of `shape`, without a final activation.

    `last`: initializer of the last layer, by default `init`.
    """
    for units in reversed(hidden_units):
        x = layers.Dense(units, activation, kernel_initializer=init, kernel_constraint=constraint)(
            x
        )
        constraint = None  # for the first layer only
    last = last or init
    x = layers.Dense(math.prod(shape), kernel_initializer=last, kernel_constraint=constraint)(x)
    return layers.Reshape(shape)(x)


def stages(shape, filters, smallest=4):
    """Return `filters` without stages that make a side less than `smallest`; at least one."""
    side = min(shape[:-1])
    return [f for i, f in enumerate(filters) if side >> (i + 1) >= smallest] or list(filters[:1])


def conv(x, filters, init, *, strides=1, activation="relu", size=3):
    """Convolve x (…, channels) with "same" padding."""
    layer = layers.Conv1D if len(x.shape) == 3 else layers.Conv2D
    return layer(filters, size, strides, "same", activation=activation, kernel_initializer=init)(x)


def conv_down(x, filters, init, *, activation="relu"):
    """Halve x once for each of `filters`, the channels of the stages."""
    for channels in filters:
        x = conv(x, channels, init, strides=2, activation=activation)
    return x


def conv_up(x, filters, shape, init, *, activation="relu", last=None):
    """Double x once for each stage of `conv_down`, in reverse, to numbers of `shape`.

    `last`: initializer of the last convolution, by default `init`.
    """
    for channels in reversed(filters[:-1]):
        x = layers.Activation(activation)(upsample(x, channels, init))
    return crop(upsample(x, shape[-1], last or init), shape)


def upsample(x, channels, init):
    """Double x by a convolution at the low resolution and a pixel shuffle."""
    if len(x.shape) == 3:
        x = conv(x, 2 * channels, init, activation=None)
        return layers.Reshape((2 * x.shape[1], channels))(x)
    return PixelShuffle()(conv(x, 4 * channels, init, activation=None))


def crop(x, shape):
    """Cut x to the sides of `shape`, at the end of each axis."""
    if len(x.shape) == 3:
        return layers.Cropping1D((0, x.shape[1] - shape[0]))(x)
    return layers.Cropping2D(((0, x.shape[1] - shape[0]), (0, x.shape[2] - shape[1])))(x)
