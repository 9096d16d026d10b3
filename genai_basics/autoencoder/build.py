"""`build_autoencoder`: the networks by the shape of the data and the job."""

import math

import keras
import numpy as np
from keras import layers

from ..layers import Shift
from ..layers.blocks import conv, conv_down, conv_up, crop, dense_down, dense_up, stages, upsample
from . import transform
from .model import Autoencoder
from .noise import NOISES

__all__ = ["build_autoencoder"]

DENSE_UP_TO = 4096  # numbers in an example
DETAIL = 0.1  # spread of pixels about what their neighbours say, in the network's numbers


def build_autoencoder(
    input_shape=(28, 28, 1),
    latent_dim=None,
    *,
    network=None,
    hidden_units=(512, 512),
    filters=(32, 64, 128),
    noise=None,
    noise_level=0.3,
    target="clean",
    sparsity=0.0,
    contractive=0.0,
    rate=0.0,
    value_range=(0, 255),
    sample_rate=None,
    max_length=None,
    seed=None,
):
    """Build an autoencoder for pictures, vectors, series or clips of sound.

    Then `compile()` and `fit(x)`. By itself it squeezes each example through `latent_dim`
    numbers; the keywords make it sparse, contractive, a denoiser or a codec.

    Args:
        input_shape: Shape of one example: (height, width, channels), (time, channels) or
            (numbers,).
        latent_dim: Numbers in the code; with `network="conv"` and a `rate`, channels of the
            code, which then keeps its place in the picture. `None`: 32 numbers; with a `rate`
            128, or 16 channels for each of the data's, of which the rate says how many are used.
        network: `"dense"`, `"conv"`, or `"unet"`: convolutions with connections past the
            code, which denoise best and have no code of their own. `None`: unet for noise on
            pictures, series and sound, conv for pictures with a `rate`, dense up to 4,096
            numbers an example, conv beyond.
        hidden_units: Widths of the dense encoder's layers; the decoder mirrors them.
        filters: Channels of the stages of "conv" and "unet", each at half the size of the one
            before.
        noise: `"gaussian"`, `"mask"`, `"salt_pepper"` or `"poisson"`: noise that is added in
            training, to be taken away (Vincent et al., 2008). `None`: none.
        noise_level: gaussian, poisson: standard deviation (poisson: at full brightness) as a
            part of the value range, or in standard deviations of the data where there is no
            range; mask, salt_pepper: share of numbers lost. A pair: drawn between the two.
        target: `"clean"`: the data are clean, or `fit(noisy, clean)`. `"noise2void"`: they
            are noisy themselves, and each number is guessed from its neighbours (Krull et al.,
            2019); `noise` stays `None`.
        sparsity: Weight of the mean absolute code, which is then positive (ReLU).
        contractive: Weight of the squared Frobenius norm of the encoder's Jacobian, a number
            of the code (Rifai et al., 2011).
        rate: Weight of the code's bits a number of x (a pixel, say) beside the mean squared
            error: the code is rounded, and `compress` writes it. 0.01 makes small files, 0.001
            good pictures. 0: no rounding.
        value_range: Range of pictures. Other data are standardized.
        sample_rate: Samples a second of sound. It makes `max_length` count and clips welcome.
        max_length: Samples in a clip of sound; `input_shape` is then (max_length, 1).
        seed: Seed of weights, noise and the order of data. `None` draws a fresh one.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> from genai_basics import build_autoencoder, load_data
    >>> data = load_data("digits")
    >>> autoencoder = build_autoencoder((8, 8, 1), latent_dim=8, hidden_units=(64,), seed=0)
    >>> autoencoder.compile()
    >>> history = autoencoder.fit(data.train.x, epochs=1, verbose=0)
    >>> autoencoder.encode(data.test.x).shape[1]
    8
    """
    if sample_rate:
        input_shape = (max_length or sample_rate, 1)
    input_shape = tuple(input_shape)
    _check_shape(input_shape)
    if network is None:
        network = _network_for(input_shape, noise or target == "noise2void", rate)
    if latent_dim is None:
        latent_dim = _latent_dim_for(input_shape, network, rate)
    _check(input_shape, latent_dim, network, noise, noise_level, target)
    _check_weights(network, sparsity=sparsity, contractive=contractive, rate=rate)
    init = keras.initializers.GlorotUniform(keras.random.SeedGenerator(seed))
    if network == "unet":
        networks = _unet(input_shape, filters, noise_level, init)
    else:
        widths = hidden_units if network == "dense" else filters
        networks = _networks(input_shape, latent_dim, network, widths, sparsity, rate, init)
    return Autoencoder(
        *networks,
        noise=noise,
        noise_level=noise_level,
        target=target,
        sparsity=sparsity,
        contractive=contractive,
        rate=rate,
        sample_rate=sample_rate,
        value_range=value_range if len(input_shape) == 3 else None,
        seed=seed,
        name="autoencoder",
    )


def _network_for(shape, noisy, rate):
    if len(shape) > 1 and noisy and min(shape[:-1]) >= 8:
        return "unet"
    if len(shape) == 3 and rate and min(shape[:-1]) >= 16:  # measured: dense codes take more bits
        return "conv"
    return "dense" if math.prod(shape) <= DENSE_UP_TO or len(shape) == 1 else "conv"


def _latent_dim_for(shape, network, rate):
    if not rate:
        return 32
    return min(128, math.prod(shape)) if network == "dense" else 16 * shape[-1]


def _check_shape(input_shape):
    if len(input_shape) not in (1, 2, 3) or any(not size or size < 1 for size in input_shape):
        raise ValueError(
            "`input_shape` must be (height, width, channels), (time, channels) or (numbers,). "
            f"Received: input_shape={input_shape}"
        )


def _check(input_shape, latent_dim, network, noise, noise_level, target):
    if latent_dim < 1:
        raise ValueError(f"`latent_dim` must be at least 1. Received: latent_dim={latent_dim}")
    if network not in ("dense", "conv", "unet"):
        raise ValueError(
            f'`network` must be "dense", "conv" or "unet". Received: network={network!r}'
        )
    if network != "dense" and (len(input_shape) == 1 or min(input_shape[:-1]) < 8):
        raise ValueError(
            f'network="{network}" needs pictures or series of 8 steps a side at least; use '
            f'network="dense". Received: input_shape={input_shape}'
        )
    if noise is not None and noise not in NOISES:
        names = ", ".join(f'"{name}"' for name in NOISES)
        raise ValueError(f"`noise` must be {names} or None. Received: noise={noise!r}")
    levels = noise_level if isinstance(noise_level, (tuple, list)) else (noise_level,) * 2
    if len(levels) != 2 or not 0 <= levels[0] <= levels[1]:
        raise ValueError(
            "`noise_level` must not be negative, or a pair that rises. "
            f"Received: noise_level={noise_level}"
        )
    if noise in ("mask", "salt_pepper") and levels[1] > 1:
        raise ValueError(f"`noise_level` must be a share. Received: noise_level={noise_level}")
    if target not in ("clean", "noise2void"):
        raise ValueError(f'`target` must be "clean" or "noise2void". Received: target={target!r}')
    if target == "noise2void" and (noise or len(input_shape) != 3):
        raise ValueError(
            'target="noise2void" learns from pictures that are noisy already: leave `noise` out. '
            f"Received: noise={noise!r}, input_shape={input_shape}"
        )


def _check_weights(network, **weights):
    for name, weight in weights.items():
        if weight < 0:
            raise ValueError(f"`{name}` must not be negative. Received: {name}={weight}")
        if weight and network == "unet":
            raise ValueError(
                f'network="unet" has no code of its own, so `{name}` needs "dense" or "conv". '
                f"Received: {name}={weight}"
            )


def _networks(input_shape, latent_dim, network, widths, sparsity, rate, init):
    """Return an encoder x -> code and a decoder, dense or convolutional.

    A linear transform stands beside each, and the networks' last layers start at zero, see
    `transform`; but not with a sparse code, which is no transform of x. The code of a
    convolutional network is a map where there is a rate, of blocks of x.
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
        # Without unit norms a sparse code would shrink and the decoder's weights grow instead.
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


def _unet(input_shape, filters, noise_level, init):
    """Return an encoder x -> [x, maps of each stage] and a decoder that joins them again.

    As Ronneberger et al. (2015), with additions where they join channels, and with no stage of
    x's full size, where most of the time would go (FFDNet, Zhang et al., 2018). The output is
    gain * x + what the maps say, with a learned gain. Under strong noise that is trained in far
    fewer steps than x less a noise to be told pixel by pixel (DnCNN, Zhang et al., 2017).
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
    # The gain starts where a Wiener filter of single numbers would have it.
    power = DETAIL**2 if len(input_shape) == 3 else 1.0
    gain = keras.initializers.Identity(power / (power + np.mean(noise_level) ** 2))
    kept = layers.Dense(input_shape[-1], use_bias=False, kernel_initializer=gain)(inputs[0])
    y = Shift(1, shared=True, name="and_mean")(layers.Add()([kept, y]))
    return encoder, keras.Model(inputs, y, name="decoder")


def _refined(x, init):
    """Add to x what two convolutions make of it (He et al., 2016)."""
    y = conv(conv(x, x.shape[-1], init), x.shape[-1], init, activation=None)
    return layers.ReLU()(layers.Add()([x, y]))
