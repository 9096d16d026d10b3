"""The networks of `build_autoencoder`, for each shape of data and each task."""

import math

import keras
import numpy as np
from keras import layers

from ..checks import at_least, channels_last, one_of, real, whole
from ..layers import Shift
from ..layers.blocks import conv, conv_down, conv_up, crop, dense_down, dense_up, stages, upsample
from . import transform
from .noise import NOISES

__all__ = [
    "check_code",
    "check_noise",
    "check_shape",
    "latent_dim_for",
    "network_for",
    "networks",
    "unet",
]

DENSE_UP_TO = 4096  # elements per example

DETAIL = 0.1  # standard deviation of pixels given their neighbours, in network space


def check_shape(input_shape):
    """Raise an error unless the shape is that of pictures, series or vectors."""
    channels_last()
    if len(input_shape) not in (1, 2, 3) or any(not size or size < 1 for size in input_shape):
        raise ValueError(
            "`input_shape` must be (height, width, channels), (time, channels) or (numbers,). "
            f"Received: input_shape={input_shape}"
        )


def network_for(shape, noisy, rate):
    """Return the default network for the data and the task."""
    if len(shape) > 1 and noisy and min(shape[:-1]) >= 8:
        return "unet"
    if len(shape) == 3 and rate and min(shape[:-1]) >= 16:  # measured: dense codes take more bits
        return "conv"
    return "dense" if math.prod(shape) <= DENSE_UP_TO or len(shape) == 1 else "conv"


def latent_dim_for(shape, network, rate):
    """Return the default size of the code, or its channels, for the task."""
    if not rate:
        return 32
    return min(128, math.prod(shape)) if network == "dense" else 16 * shape[-1]


def check_code(input_shape, latent_dim, network, sparsity, contractive, rate):
    """Raise an error for a network or a code that the data or the loss terms do not allow."""
    whole("latent_dim", latent_dim, 1)
    one_of("network", network, ("dense", "conv", "unet"))
    if network != "dense" and (len(input_shape) == 1 or min(input_shape[:-1]) < 8):
        raise ValueError(
            f'network="{network}" needs pictures or series with sides of at least 8; use '
            f'network="dense". Received: input_shape={input_shape}'
        )
    weights = {"sparsity": sparsity, "contractive": contractive, "rate": rate}
    for name, weight in weights.items():
        at_least(name, weight, 0)
        if weight and network == "unet":
            raise ValueError(
                f'network="unet" has no code of its own, so `{name}` needs "dense" or "conv". '
                f"Received: {name}={weight}"
            )


def check_noise(input_shape, noise, noise_level, target):
    """Raise an error for an invalid noise, level or target, or an invalid combination."""
    one_of("noise", noise, (*NOISES, None))
    one_of("target", target, ("clean", "noise2void"))
    levels = noise_level if isinstance(noise_level, (tuple, list)) else (noise_level,) * 2
    levels = [real("noise_level", level) for level in levels]
    if len(levels) != 2 or not 0 <= levels[0] <= levels[1]:
        raise ValueError(
            "`noise_level` must not be negative, or a pair that rises. "
            f"Received: noise_level={noise_level}"
        )
    if noise in ("mask", "salt_pepper") and levels[1] > 1:
        raise ValueError(f"`noise_level` must be a fraction. Received: noise_level={noise_level}")
    if target == "noise2void" and (noise or len(input_shape) != 3):
        raise ValueError(
            'target="noise2void" learns from pictures that are already noisy: leave `noise` out. '
            f"Received: noise={noise!r}, input_shape={input_shape}"
        )


def networks(input_shape, latent_dim, network, widths, sparsity, rate, init):
    """Return an encoder x -> code and a decoder, dense or convolutional.

    Each is the sum of a network, whose last layer starts at zero, and a linear transform (see
    `transform`); for a sparse code, it is the network only. With a rate, the code of a
    convolutional network is a map over blocks of x.
    """
    dense, linear = network == "dense", not sparsity or rate
    widths = widths if dense else stages(input_shape, widths)
    block = 2 ** len(widths) if rate and not dense else None
    last = "zeros" if linear else init

    x = keras.Input(input_shape, name="x")
    centred = Shift(-1, shared=not dense, name="less_mean")(x)
    y = dense_down(centred, widths, init) if dense else conv_down(centred, widths, init)
    inner = y.shape[1:]
    if block:
        code = conv(_refined(y, init), latent_dim, last, activation=None, size=1)
    else:
        code = layers.Dense(latent_dim, kernel_initializer=last)(layers.Flatten()(y))
    if linear:
        code = layers.Add()([transform.analysis(centred, block, latent_dim, init), code])
    code = layers.ReLU()(code) if sparsity else code
    encoder = keras.Model(x, code, name="encoder")

    z = keras.Input(code.shape[1:], name="code")
    y = layers.Rescaling(transform.step_of(rate))(z) if rate else z
    if dense:
        # Without unit norms, the sparse code would shrink and the decoder's weights would grow.
        constraint = None if linear else keras.constraints.UnitNorm(axis=1)
        y = dense_up(y, widths, input_shape, init, constraint=constraint, last=last)
    elif block:
        y = conv_up(_refined(conv(y, widths[-1], init), init), widths, input_shape, init, last=last)
    else:
        y = layers.Dense(math.prod(inner), "relu", kernel_initializer=init)(y)
        y = conv_up(layers.Reshape(inner)(y), widths, input_shape, init, last=last)
    if linear:
        y = layers.Add()([transform.synthesis(z, block, input_shape, init), y])
    y = Shift(1, shared=not dense, name="and_mean")(y)
    return encoder, keras.Model(z, y, name="decoder")


def unet(input_shape, filters, noise_level, init):
    """Return an encoder x -> [x, maps of each stage] and a decoder that joins them again.

    As in Ronneberger et al. (2015), with additions instead of concatenations, and without a stage
    at full resolution, which would take most of the time (FFDNet, Zhang et al., 2018). The output
    is gain * x + the decoder's output, with a learned gain. For strong noise, this trains in far
    fewer steps than predicting the noise of each pixel (DnCNN, Zhang et al., 2017).
    """
    filters = stages(input_shape, filters)
    x = keras.Input(input_shape, name="x")
    maps = [Shift(-1, shared=True, name="less_mean")(x)]
    for i, channels in enumerate(filters):
        y = conv(maps[-1], channels, init, strides=2, size=3 if i else 5)
        maps.append(_refined(y, init))
    encoder = keras.Model(x, maps, name="encoder")

    inputs = [keras.Input(m.shape[1:], name=f"map{i}") for i, m in enumerate(maps)]
    y = inputs[-1]
    for skip in reversed(inputs[1:-1]):
        y = crop(upsample(y, skip.shape[-1], init), skip.shape[1:])
        y = _refined(layers.ReLU()(layers.Add()([y, skip])), init)
    y = crop(upsample(y, input_shape[-1], init), input_shape)
    # The gain is initialized to that of an elementwise Wiener filter.
    power = DETAIL**2 if len(input_shape) == 3 else 1.0
    gain = keras.initializers.Identity(power / (power + np.mean(noise_level) ** 2))
    kept = layers.Dense(input_shape[-1], use_bias=False, kernel_initializer=gain)(inputs[0])
    y = Shift(1, shared=True, name="and_mean")(layers.Add()([kept, y]))
    return encoder, keras.Model(inputs, y, name="decoder")


def _refined(x, init):
    """Add the output of two convolutions to x (He et al., 2016)."""
    y = conv(conv(x, x.shape[-1], init), x.shape[-1], init, activation=None)
    return layers.ReLU()(layers.Add()([x, y]))
