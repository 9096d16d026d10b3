"""The networks of `build_vae`, for each shape of data."""

import math

import keras
from keras import layers

from ..layers import Shift, bounded
from ..layers.blocks import conv_down, conv_up, dense_down, dense_up, stages
from ..losses import single

__all__ = ["gaussian", "networks", "posterior"]

BETWEEN = 96  # width between maps and code; measured: 256 would take a third of the time


def networks(input_shape, latent_dims, network, num_classes, multiplicity, init):
    """Return the encoder x -> (mean, log_var) and the decoder z -> parameters of p(x | z).

    With two levels, the encoder also returns its features, and there are two more networks:
    features, z2 -> (mean, log_var) of z1, and z2 -> the same for p(z1 | z2).
    """
    kind, widths = network
    widths = list(widths) if kind == "dense" else stages(input_shape, widths)
    silu = {"activation": "silu"}
    x = keras.Input(input_shape, name="x")
    inputs, join = _with_label(x, num_classes)
    centred = Shift(-1, shared=kind == "conv", name="less_mean")(x)
    if kind == "dense":
        features = dense_down(join(layers.Flatten()(centred)), widths, init, **silu)
    else:
        maps = conv_down(centred, widths, init, **silu)
        inner = maps.shape[1:]
        between = layers.Dense(max(BETWEEN, 2 * latent_dims[0]), "silu", kernel_initializer=init)
        features = between(join(layers.Flatten()(maps)))
    code = gaussian(features, latent_dims[-1], init)
    two = len(latent_dims) == 2
    encoder = keras.Model(inputs, [*code, features] if two else code, name="encoder")

    z = keras.Input((sum(latent_dims),), name="z")
    inputs, join = _with_label(z, num_classes)
    shape = (*input_shape[:-1], multiplicity * input_shape[-1])
    if kind == "dense":
        y = dense_up(join(z), widths, shape, init, **silu)
    else:
        y = layers.Dense(between.units, "silu", kernel_initializer=init)(join(z))
        y = layers.Dense(math.prod(inner), "silu", kernel_initializer=init)(y)
        y = conv_up(layers.Reshape(inner)(y), widths, shape, init, **silu)
    decoder = keras.Model(inputs, y, name="decoder")
    return (encoder, decoder, *_levels(features, latent_dims, init)) if two else (encoder, decoder)


def _levels(features, latent_dims, init):
    """Return the networks of the lower level: q(z1 | x, z2) and p(z1 | z2)."""
    seen = keras.Input(features.shape[1:], name="features")
    top = keras.Input((latent_dims[1],), name="z2")
    hidden = layers.Dense(256, "silu", kernel_initializer=init)(layers.Concatenate()([seen, top]))
    refiner = keras.Model([seen, top], gaussian(hidden, latent_dims[0], init), name="refiner")
    hidden = layers.Dense(256, "silu", kernel_initializer=init)(top)
    return refiner, keras.Model(top, gaussian(hidden, latent_dims[0], init), name="inner_prior")


def gaussian(x, latent_dim, init):
    """Return mean and log variance of a code, computed from features x."""
    # Always in single precision, since the bound is a small difference of large numbers.
    heads = ("z_mean", "z_log_var")
    return [
        layers.Dense(latent_dim, kernel_initializer=init, name=name, dtype="float32")(x)
        for name in heads
    ]


def posterior(outputs):
    """Bound log_var in the outputs of a network, (mean, log_var, ...), to a safe range."""
    mean, log_var, *rest = single(outputs)
    return [mean, bounded(log_var), *rest]


def _with_label(inputs, num_classes):
    """Return the model inputs and what to concatenate to features: a label, if conditional."""
    if not num_classes:
        return inputs, lambda x: x
    label = keras.Input((num_classes,), name="label")  # one-hot
    return [inputs, label], lambda x: layers.Concatenate()([x, label])
