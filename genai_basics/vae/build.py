"""`build_vae`: the networks by the shape of the data."""

import math

import keras
from keras import layers

from ..layers import Shift, get_likelihood
from ..layers.blocks import check_shape, conv_down, conv_up, dense_down, dense_up, stages
from .hierarchical import HierarchicalVAE
from .model import VAE

__all__ = ["build_vae"]

DENSE_UP_TO = 4096  # numbers in an example; measured: more pay for convolutions
BETWEEN = 96  # width between maps and code; measured: at 256 a third of the time went there


def build_vae(
    input_shape=(28, 28, 1),
    latent_dim=20,
    *,
    network=None,
    hidden_units=(512, 512),
    filters=(32, 64, 128),
    beta=1.0,
    warm_up=0.2,
    cycles=1,
    free_bits=0.0,
    capacity=None,
    likelihood=None,
    prior="normal",
    importance_samples=1,
    levels=1,
    binarize=None,
    num_classes=None,
    class_names=None,
    value_range=(0, 255),
    seed=None,
):
    """Build a variational autoencoder for images or vectors. Then `compile()` and `fit(x)`.

    Args:
        input_shape: Shape of one example: (height, width, channels), sides from 8 to 128, or
            (numbers,).
        latent_dim: Size of the latent code z.
        network: `"dense"` or `"conv"`. `None` takes dense up to 4,096 numbers an example,
            where it reaches a lower bound in the same minutes on a CPU, and conv beyond.
        hidden_units: Widths of the dense encoder's layers; the decoder mirrors them.
        filters: Channels of the convolutional encoder's stages, each at half the size of the
            one before; stages that would fall under 4 pixels are left out.
        beta: Weight of the KL term. 1.0 is the ELBO; more gives a beta-VAE (Higgins et al., 2017).
        warm_up: Share of training in which beta rises from 0, so that no latent is switched off
            before it is of use (Sonderby et al., 2016).
        cycles: How often that rise is repeated over training (Fu et al., 2019).
        free_bits: Nats of KL a latent that cost nothing (Kingma et al., 2016).
        capacity: Nats of KL to aim at: the KL's distance from it is charged, and the aim rises
            from 0 with `warm_up` (Burgess et al., 2018). `None`: as little KL as pays.
        likelihood: `"bernoulli"`, `"gaussian"` (learned variance), `"logistic"` (discretized to
            256 levels), `"logistic_mixture"` (several of these a number) or a layer. `None`:
            bernoulli for grey images, gaussian for colour images and vectors.
        prior: `"normal"`, or one that is learned: `"mixture"`, `"vamp"`, `"flow"`, or a layer
            such as `VampPrior(500)`.
        importance_samples: Codes a picture in training. More than one tightens the bound
            (Burda et al., 2015, the IWAE).
        levels: 2 adds a second level of latents, half as many, above the first.
        binarize: `"dynamic"` draws black or white anew at each use, grey as the probability;
            a number between 0 and 1 is a threshold. `None`: grey values stay.
        num_classes: Number of labels of a conditional VAE: `fit(x, labels)`.
        class_names: Names of the labels.
        value_range: Range of the data. Vectors: `None` standardizes each number instead.
        seed: Seed of weights, noise and the order of data. `None` draws a fresh one.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> from genai_basics import build_vae, load_data
    >>> data = load_data("digits")
    >>> vae = build_vae((8, 8, 1), latent_dim=4, hidden_units=(64,), seed=0)
    >>> vae.compile()
    >>> history = vae.fit(data.train.x, epochs=1, verbose=0)
    >>> vae.sample(16, seed=0).shape
    (16, 8, 8, 1)
    """
    input_shape = tuple(input_shape)
    is_image = len(input_shape) == 3
    if network is None:
        dense = not is_image or math.prod(input_shape) <= DENSE_UP_TO
        network = "dense" if dense else "conv"
    check_shape(input_shape, latent_dim, network, num_classes)
    _check_loss(beta, warm_up, cycles, free_bits, capacity, importance_samples, levels)
    if not is_image and value_range == (0, 255):
        value_range = None
    likelihood = get_likelihood(likelihood or _default_likelihood(input_shape))
    networks = _networks(
        input_shape,
        (latent_dim, latent_dim // 2 or 1)[:levels],
        (network, hidden_units if network == "dense" else filters),
        num_classes,
        likelihood.multiplicity,
        keras.initializers.GlorotUniform(keras.random.SeedGenerator(seed)),
    )
    return (VAE if levels == 1 else HierarchicalVAE)(
        *networks,
        beta=beta,
        warm_up=warm_up,
        cycles=cycles,
        free_bits=free_bits,
        capacity=capacity,
        likelihood=likelihood,
        prior=prior,
        importance_samples=importance_samples,
        binarize=binarize,
        num_classes=num_classes,
        class_names=class_names,
        value_range=value_range,
        seed=seed,
        name="vae",
    )


def _default_likelihood(input_shape):
    grey = len(input_shape) == 3 and input_shape[-1] == 1
    return "bernoulli" if grey else "gaussian"


def _check_loss(beta, warm_up, cycles, free_bits, capacity, importance_samples, levels):
    for name, value in (("beta", beta), ("free_bits", free_bits), ("capacity", capacity or 0)):
        if value < 0:
            raise ValueError(f"`{name}` must not be negative. Received: {name}={value}")
    for name, value in (("cycles", cycles), ("importance_samples", importance_samples)):
        if value < 1:
            raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}")
    if not 0 <= warm_up <= 1:
        raise ValueError(f"`warm_up` must lie between 0 and 1. Received: warm_up={warm_up}")
    if levels not in (1, 2):
        raise ValueError(f"`levels` must be 1 or 2. Received: levels={levels}")
    if free_bits and capacity:
        raise ValueError("give `free_bits` or `capacity`, not both. Received: both")
    if importance_samples > 1 and (free_bits or capacity):
        raise ValueError(
            "`importance_samples` above 1 goes without `free_bits` and `capacity`. "
            f"Received: importance_samples={importance_samples}"
        )


def _networks(input_shape, latent_dims, network, num_classes, multiplicity, init):
    """Return encoder x -> (mean, log_var) and decoder z -> parameters of p(x | z).

    With two levels the encoder gives its features as well, and there are two networks more:
    features, z2 -> (mean, log_var) of z1, and z2 -> the same of p(z1 | z2).
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
    """Return mean and log variance of a code, read off features x."""
    # In single precision always: the bound is a small difference of large numbers.
    heads = ("z_mean", "z_log_var")
    return [
        layers.Dense(latent_dim, kernel_initializer=init, name=name, dtype="float32")(x)
        for name in heads
    ]


def _with_label(inputs, num_classes):
    """Return the model inputs and what to join to features: a label input, where conditional."""
    if not num_classes:
        return inputs, lambda x: x
    label = keras.Input((num_classes,), name="label")  # one-hot
    return [inputs, label], lambda x: layers.Concatenate()([x, label])
