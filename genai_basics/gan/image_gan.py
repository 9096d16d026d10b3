"""GANs for pictures and vectors: networks and `build_gan`."""

import math
from collections.abc import Iterable, Sequence
from typing import Literal

import keras
from keras import layers

from ..layers import ConditionalNormalization, PixelShuffle, SpectralConv2D, SpectralDense
from ..layers.blocks import check_shape, check_widths
from ..metrics.features import Judge
from .gan import GAN
from .players import check_choices, check_weight

__all__ = ["build_gan", "label_input", "noise_inputs", "normalized", "projected"]

DENSE_UP_TO = 256  # elements per example; measured: convolutions are better for more


def build_gan(
    input_shape: Sequence[int | None] = (28, 28, 1),
    latent_dim: int = 64,
    *,
    num_classes: int | None = None,
    network: Literal["dense", "conv"] | None = None,
    filters: Sequence[int] = (48, 96, 192),
    hidden_units: Sequence[int] = (256, 256),
    loss="non_saturating",
    penalty=None,
    penalty_weight: float = 10.0,
    spectral_normalization: bool = False,
    discriminator_steps: int = 1,
    augment: Sequence[str] = (),
    ema: float | None = 0.995,
    features=None,
    class_names: Iterable[str] | None = None,
    value_range: tuple[float, float] | None = (0, 255),
    seed: int | None = None,
) -> "GAN":
    """Build a GAN for images or vectors. Then `compile()` and `fit(x)`, or `fit(x, labels)`.

    Args:
        input_shape: Shape of one example: (height, width, channels), sides from 8 to 128, or
            (numbers,).
        latent_dim: Size of the noise z.
        num_classes: Number of labels of a conditional GAN; `None` learns without labels.
        network: `"dense"` or `"conv"`. `None`: conv for images of more than 256 numbers.
        filters: Channels of the convolutional stages, at a half, a quarter... of the size, in
            both players; the last is repeated for larger pictures.
        hidden_units: Widths of the dense layers, in both players.
        loss: `"non_saturating"`, `"hinge"`, `"least_squares"`, `"wasserstein"`,
            `"relativistic"`, or your own functions; see `losses.adversarial_losses`.
        penalty: `"gradient"` (Gulrajani et al., 2017), `"r1"`, `"r1_r2"` (Mescheder et al., 2018)
            or `"none"`. `None`: gradient for a wasserstein loss without spectral normalization,
            because that loss needs a bound on the discriminator's slope; otherwise none.
        penalty_weight: Weight of the penalty, lambda or gamma of the papers.
        spectral_normalization: Whether the discriminator's kernels are divided by their
            spectral norms (Miyato et al., 2018).
        discriminator_steps: Steps of the discriminator per step of the generator.
        augment: Differentiable augmentation for small sets of pictures, any of
            `"translation"`, `"brightness"`, `"cutout"` (Zhao et al., 2020).
        ema: Decay of the moving average of the generator's weights that samples come from.
        features: Network from examples in [0, 1] to features for the Fréchet distance. `None`:
            a small classifier trained on the labels, random convolutions without labels.
        class_names: Names of the labels.
        value_range: Range of the data. `None` standardizes each number of vectors instead.
        seed: Random seed. `None` draws one.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> from genai_basics import build_gan, load_data
    >>> data = load_data("digits")
    >>> gan = build_gan((8, 8, 1), num_classes=10, seed=0)
    >>> gan.compile()
    >>> history = gan.fit(data.train.x, data.train.y, epochs=1, verbose=0)
    >>> gan.sample(16, labels=[3], seed=0).shape
    (16, 8, 8, 1)
    """
    input_shape = tuple(input_shape)
    is_image = len(input_shape) == 3
    size = math.prod(side or 0 for side in input_shape)
    network = network or ("conv" if is_image and size > DENSE_UP_TO else "dense")
    check_shape(input_shape, latent_dim, network, num_classes)
    check_widths(build_gan, locals())
    augment = (augment,) if isinstance(augment, str) else augment or ()
    if augment and not is_image:
        raise ValueError(f"`augment` changes pictures, not vectors. Received: augment={augment!r}")
    if penalty is None:
        bounded = loss != "wasserstein" or spectral_normalization
        penalty = "none" if bounded else "gradient"
    check_choices(loss, penalty, discriminator_steps, ema)
    check_weight(build_gan, locals())
    if not is_image and value_range == (0, 255):
        value_range = None
    init = keras.initializers.GlorotUniform(keras.random.SeedGenerator(seed))
    networks = {
        "dense": (_dense_generator, _dense_discriminator, hidden_units),
        "conv": (_conv_generator, _conv_discriminator, filters),
    }
    build_generator, build_discriminator, widths = networks[network]
    activation = None if value_range is None else "tanh"
    return GAN(
        build_generator(input_shape, latent_dim, widths, num_classes, activation, init),
        build_discriminator(input_shape, widths, num_classes, spectral_normalization, init),
        adversarial_loss=loss,
        penalty=penalty,
        penalty_weight=penalty_weight,
        discriminator_steps=discriminator_steps,
        augment=augment,
        ema=ema,
        num_classes=num_classes,
        judge=features and Judge(input_shape, num_classes or len(class_names or ()), features),
        class_names=class_names,
        value_range=value_range,
        seed=seed,
        name="gan",
    )


def _stages(input_shape, filters):
    """Return the channels of the stages at a half, a quarter... of the size, down to 4 pixels."""
    side, stages = min(input_shape[:2]), []
    while side >= 8:
        side = -(-side // 2)
        stages.append(filters[min(len(stages), len(filters) - 1)])
    return stages


def label_input(num_classes):
    return keras.Input((num_classes,), name="label") if num_classes else None  # one-hot


def normalized(x, label=None):
    """Return relu of x after batch normalization, conditional if there is a label."""
    if label is None:
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    return layers.ReLU()(ConditionalNormalization()([x, label]))


def noise_inputs(latent_dim, num_classes):
    """Return the inputs of a generator, its one-hot label or `None`, and both as one vector."""
    z, label = keras.Input((latent_dim,), name="z"), label_input(num_classes)
    if label is None:
        return z, label, z
    return [z, label], label, layers.Concatenate()([z, label])


def _dense_generator(input_shape, latent_dim, hidden_units, num_classes, activation, init):
    """Return the generator z (and one-hot label) -> x in the network's range."""
    inputs, label, x = noise_inputs(latent_dim, num_classes)
    for units in hidden_units:
        x = normalized(layers.Dense(units, use_bias=False, kernel_initializer=init)(x), label)
    x = layers.Dense(math.prod(input_shape), activation, kernel_initializer=init)(x)
    return keras.Model(inputs, layers.Reshape(input_shape)(x), name="generator")


def _conv_generator(input_shape, latent_dim, filters, num_classes, activation, init):
    """Return a generator that doubles the size by pixel shuffles, from 4 to 7 pixels on."""
    height, width, channels = input_shape
    stages = _stages(input_shape, filters)
    factor = 2 ** len(stages)
    rows, columns = -(-height // factor), -(-width // factor)

    def conv(filters, bias=False):
        return layers.Conv2D(filters, 3, padding="same", use_bias=bias, kernel_initializer=init)

    inputs, label, x = noise_inputs(latent_dim, num_classes)
    x = layers.Dense(rows * columns * stages[-1], use_bias=False, kernel_initializer=init)(x)
    x = normalized(layers.Reshape((rows, columns, stages[-1]))(x), label)
    for width_of_stage in reversed(stages[:-1]):
        x = normalized(PixelShuffle()(conv(4 * width_of_stage)(x)), label)
        x = normalized(conv(width_of_stage)(x), label)
    x = PixelShuffle()(conv(4 * channels, bias=True)(x))
    x = layers.Cropping2D(((0, x.shape[1] - height), (0, x.shape[2] - width)))(x)
    return keras.Model(inputs, layers.Activation(activation or "linear")(x), name="generator")


def _dense_discriminator(input_shape, hidden_units, num_classes, spectral, init):
    """Return the discriminator x (and one-hot label) -> score (batch, 1)."""
    dense = SpectralDense if spectral else layers.Dense
    x = inputs = keras.Input(input_shape, name="x")
    x = layers.Flatten()(x)
    for units in hidden_units:
        x = layers.LeakyReLU(0.2)(dense(units, kernel_initializer=init)(x))
    return _scored(inputs, x, num_classes, dense, init)


def _conv_discriminator(input_shape, filters, num_classes, spectral, init):
    """Return a discriminator of strided convolutions, one more than the generator's stages."""
    conv = SpectralConv2D if spectral else layers.Conv2D
    stages = _stages(input_shape, filters)
    stages.append(filters[min(len(stages), len(filters) - 1)])
    x = inputs = keras.Input(input_shape, name="x")
    for width_of_stage in stages:
        x = conv(width_of_stage, 3, 2, "same", kernel_initializer=init)(x)
        x = layers.LeakyReLU(0.2)(x)
    dense = SpectralDense if spectral else layers.Dense
    return _scored(inputs, layers.Flatten()(x), num_classes, dense, init)


def _scored(inputs, x, num_classes, dense, init):
    label = label_input(num_classes)
    score = projected(x, label, init, dense)
    return keras.Model(inputs if label is None else [inputs, label], score, name="discriminator")


def projected(x, label, init, dense=layers.Dense):
    """Return a score of the features x, plus their projection on a label if there is one."""
    score = dense(1, kernel_initializer=init, name="score")(x)
    if label is None:
        return score
    v = dense(x.shape[-1], use_bias=False, kernel_initializer=init, name="projection")(label)
    return layers.Add()([score, layers.Dot(axes=1)([x, v])])
