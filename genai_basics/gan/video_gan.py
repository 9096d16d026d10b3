"""A GAN for short clips, with a score for frames and a score for motion.

There are two generators. `"layers"` generates a few pictures with masks, and a path for each; a
frame is a background, the same in all clips, with the pictures pasted at the current positions of
their paths (after Vondrick et al., 2016, https://arxiv.org/abs/1609.02612, and Yang et al., 2017,
LR-GAN). Moving objects keep their shape, and a picture is generated once for all frames. `"conv"`
uses convolutions over space and then over time, (2+1)D, for all other clips.

The discriminator has two outputs (Tulyakov et al., 2017, MoCoGAN): how real some single frames
look, and how real the motion looks. A single moving picture is judged by frames that are centred
on it, so that the discriminator need not learn it anew at each position; a label, if there is one,
is judged by the frames. Both outputs have equal weight in the losses of `gan.py`:

    D minimizes  E softplus(-D(x)) + E softplus(D(G(z))) + R1 penalty
    G minimizes  E softplus(-D(G(z)))
"""

from collections.abc import Iterable, Sequence
from typing import Literal

import keras
import numpy as np
from keras import layers, ops

from ..checks import idle, one_of, whole, widths
from ..layers import Centred, PixelShuffle
from ..preprocessing import VideoClips
from . import evaluation
from .gan import GAN
from .image_gan import label_input, noise_inputs, normalized, projected
from .players import check_choices, check_weight

__all__ = ["VideoGAN", "build_video_gan"]


def build_video_gan(
    input_shape: Sequence[int | None] = (16, 32, 32, 1),
    latent_dim: int = 64,
    *,
    num_classes: int | None = None,
    network: Literal["layers", "conv"] = "layers",
    moving=1,
    filters: Sequence[int] = (48, 96, 128),
    loss="non_saturating",
    penalty="r1",
    penalty_weight: float = 1.0,
    discriminator_steps: int = 1,
    ema: float | None = 0.995,
    class_names: Iterable[str] | None = None,
    value_range: tuple[float, float] | None = (0, 255),
    seed: int | None = None,
) -> "VideoGAN":
    """Build a GAN for clips (frames, height, width, channels). Then `fit(clips)`.

    With `num_classes`, `fit(clips, labels)` trains it to sample by label.

    Args:
        input_shape: Shape of one clip: 8 to 16 frames of 32x32 to 64x64 pixels, multiples of 8.
            Longer clips are cut off.
        latent_dim: Size of the noise z.
        num_classes: Number of labels of a conditional GAN; `None` learns without labels.
        network: `"layers"`, pictures that move in front of a fixed background, or `"conv"`.
        moving: Number of moving pictures for `"layers"`.
        filters: Channels of the convolutions at a half, a quarter and an eighth of the size.
        loss, penalty, penalty_weight, discriminator_steps, ema: As in `build_gan`.
        class_names: Names of the labels.
        value_range: Range of the data.
        seed: Random seed. `None` draws one.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> from genai_basics import build_video_gan, load_data
    >>> data = load_data("moving_digits")
    >>> gan = build_video_gan((16, 32, 32, 1), filters=(8, 8, 8), seed=0)
    >>> gan.compile()
    >>> history = gan.fit(data.train.x[:64], epochs=1, verbose=0)
    >>> gan.sample(2, seed=0).shape
    (2, 16, 32, 32, 1)
    """
    input_shape = tuple(input_shape)
    whole("latent_dim", latent_dim, 1)
    whole("moving", moving, 1)
    if num_classes is not None:
        whole("num_classes", num_classes, 2)
    if len(input_shape) != 4 or any(not side or side % 8 for side in input_shape[:3]):
        raise ValueError(
            "`input_shape` must be (frames, height, width, channels), the first three multiples "
            f"of 8. Received: input_shape={input_shape}"
        )
    one_of("network", network, ("layers", "conv"))
    widths("filters", filters, 3)
    check_choices(loss, penalty, discriminator_steps, ema)
    check_weight(build_video_gan, locals())
    init = keras.initializers.GlorotUniform(keras.random.SeedGenerator(seed))
    if network == "layers":
        generator = _layered_generator(input_shape, latent_dim, num_classes, moving, filters, init)
    else:
        idle(build_video_gan, locals(), "moving", because='with network="conv"')
        generator = _conv_generator(input_shape, latent_dim, num_classes, filters, init)
    return VideoGAN(
        generator,
        _discriminator(input_shape, num_classes, network, moving, filters, init),
        adversarial_loss=loss,
        penalty=penalty or "none",
        penalty_weight=penalty_weight,
        discriminator_steps=discriminator_steps,
        ema=ema,
        preprocessor=VideoClips(input_shape, value_range, VideoGAN.network_range),
        num_classes=num_classes,
        class_names=class_names,
        value_range=value_range,
        seed=seed,
        name="video_gan",
    )


def _conv2d(x, filters, init, strides=1):
    return layers.Conv2D(filters, 3, strides, padding="same", kernel_initializer=init)(x)


def _at_once(x, function):
    """Apply `function` to all frames or codes of x, (batch, n, ...), as one batch."""
    n = x.shape[1]
    x = function(ClipsToFrames()(x))
    return FramesToClips(n)(x)


def _over_time(x, filters, init, strides=1):
    """Apply a convolution over time only, 3 frames wide."""
    _, height, width, channels = x.shape[1:]
    x = layers.Reshape((-1, height * width, channels))(x)
    x = layers.Conv2D(filters, (3, 1), (strides, 1), padding="same", kernel_initializer=init)(x)
    return layers.Reshape((-1, height, width, filters))(x)


def _layered_generator(shape, latent_dim, num_classes, moving, filters, init):
    """Return z -> clips: pictures with masks that move on paths in front of a background.

    One network generates all pictures, each from its own code, so that none grows at the expense
    of another; a second network generates their paths.
    """
    frames, height, width, channels = shape
    inputs, label, _ = noise_inputs(latent_dim, num_classes)
    codes = inputs if label is None else inputs[0]
    if moving > 1:
        codes = layers.Dense(moving * latent_dim, kernel_initializer=init)(codes)
    codes = layers.Reshape((moving, latent_dim))(codes)
    widths = filters[: 3 if max(height, width) > 32 else 2]
    factor = 2 ** len(widths)
    size = (height // factor, width // factor, widths[-1])

    x = ClipsToFrames()(codes)
    if label is not None:
        label = ClipsToFrames()(layers.RepeatVector(moving)(label))
        x = layers.Concatenate()([x, label])
    x = layers.Dense(int(np.prod(size)), use_bias=False, kernel_initializer=init)(x)
    x = normalized(layers.Reshape(size)(x), label)
    for stage in reversed(widths[:-1]):
        x = normalized(PixelShuffle()(_conv2d(x, 4 * stage, init)), label)
        x = normalized(_conv2d(x, stage, init), label)
    pictures = FramesToClips(moving)(PixelShuffle()(_conv2d(x, 4 * (channels + 1), init)))

    # Opposite codes get opposite paths, since a bend shared by all paths would shake all clips.
    path = codes
    for activation in ("tanh", "tanh", None):
        units = 256 if activation else frames * 2
        path = layers.Dense(units, activation, use_bias=False, kernel_initializer=init)(path)
    path = layers.Reshape((moving, frames, 2))(path)
    clips = MovingLayers(name="layers")([pictures, path])
    return keras.Model(inputs, clips, name="generator")


def _conv_generator(shape, latent_dim, num_classes, filters, init):
    """Return z -> clips by (2+1)D convolutions: twice the frames and the size at each stage."""
    frames, height, width, channels = shape
    size = (frames // 4, height // 8, width // 8, filters[2])
    inputs, _, x = noise_inputs(latent_dim, num_classes)
    x = layers.Dense(int(np.prod(size)), kernel_initializer=init)(x)
    x = normalized(layers.Reshape(size)(x))
    for stage in (filters[1], filters[0]):
        x = _at_once(x, lambda y, c=stage: PixelShuffle()(_conv2d(y, 4 * c, init)))
        x = normalized(layers.UpSampling3D((2, 1, 1))(x))
        x = normalized(_over_time(x, stage, init))
    x = _at_once(x, lambda y: PixelShuffle()(_conv2d(y, 4 * channels, init)))
    return keras.Model(inputs, layers.Activation("tanh")(x), name="generator")


def _discriminator(shape, num_classes, network, moving, filters, init):
    """Return clips -> (batch, 2): the scores of some frames, which see the label, and of motion."""
    frames = shape[0]
    inputs = keras.Input(shape, name="x")
    centred = network == "layers" and moving == 1
    few = frames // (8 if centred else 4)
    x = ClipsToFrames()(SomeFrames(few)(inputs))
    if centred:
        x = Centred(name="centred")(x)
    for stage in filters:
        x = layers.LeakyReLU(0.2)(_conv2d(x, stage, init, strides=2))
    x = layers.GlobalAveragePooling1D()(FramesToClips(few)(layers.Flatten()(x)))
    label = label_input(num_classes)
    frame_score = projected(x, label, init)

    x = inputs
    if max(shape[1:3]) >= 32:  # half the size suffices for motion (Clark et al., 2019, DVD-GAN)
        x = _at_once(x, layers.AveragePooling2D(2))
    x = _at_once(x, lambda y: _conv2d(y, filters[0] // 2, init, strides=2))
    for stage in filters[1:]:
        x = layers.LeakyReLU(0.2)(x)
        x = _at_once(x, lambda y, c=stage: _conv2d(y, c, init, strides=2))
        x = _over_time(layers.LeakyReLU(0.2)(x), stage, init, strides=2)
    x = layers.LeakyReLU(0.2)(x)
    motion_score = layers.Dense(1, kernel_initializer=init)(layers.Flatten()(x))
    outputs = layers.Concatenate(name="scores")([frame_score, motion_score])
    return keras.Model(inputs if label is None else [inputs, label], outputs, name="discriminator")


@keras.saving.register_keras_serializable(package="genai_basics")
class ClipsToFrames(keras.layers.Layer):
    """Clips (batch, frames, ...) as pictures (batch * frames, ...)."""

    def call(self, x):
        return ops.reshape(x, (-1, *x.shape[2:]))

    def compute_output_shape(self, input_shape):
        return (None, *input_shape[2:])


@keras.saving.register_keras_serializable(package="genai_basics")
class FramesToClips(keras.layers.Layer):
    """Pictures (batch * frames, ...) as clips (batch, frames, ...)."""

    def __init__(self, frames, **kwargs):
        super().__init__(**kwargs)
        self.frames = frames

    def call(self, x):
        return ops.reshape(x, (-1, self.frames, *x.shape[1:]))

    def compute_output_shape(self, input_shape):
        return (None, self.frames, *input_shape[1:])

    def get_config(self):
        return {**super().get_config(), "frames": self.frames}


@keras.saving.register_keras_serializable(package="genai_basics")
class SomeFrames(keras.layers.Layer):
    """Selects `count` equally spaced frames of clips; in training, the first one is random."""

    def __init__(self, count, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.count, self.seed = count, seed
        self.noise = keras.random.SeedGenerator(seed)

    def call(self, x, training=False):
        step = x.shape[1] // self.count
        first = 0
        if training:
            first = keras.random.randint((), 0, step, seed=self.noise)
        return ops.take(x, first + step * ops.arange(self.count), axis=1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.count, *input_shape[2:])

    def get_config(self):
        return {**super().get_config(), "count": self.count, "seed": self.seed}


@keras.saving.register_keras_serializable(package="genai_basics")
class MovingLayers(keras.layers.Layer):
    """Pictures pasted on a background, at the current positions of their paths.

    The inputs are `[pictures, path]`: pictures (batch, n, height, width, c + 1), before tanh,
    with the mask's logits as the last channel; path (batch, n, frames, 2), down and right: the
    weights of cosines, scaled so that slow ones count more than fast ones. So a path is smooth
    from the start, and it can turn at a wall. Positions between pixels are interpolated, so that
    gradients reach the path. A later picture covers an earlier one.

    Weights: `background` (height, width, c) in [-1, 1], the same in all clips, so that what moves
    cannot become part of it; `drift` (2, 2), the weights of the two slowest cosines that all
    paths share.
    """

    def build(self, input_shape):
        (_, _, height, width, channels), path = input_shape
        shape = (height, width, channels - 1)
        self.background = self.add_weight(name="background", shape=shape, initializer="zeros")
        self.drift = self.add_weight(name="drift", shape=(min(path[2], 2), 2), initializer="zeros")

    def call(self, inputs):
        pictures, path = inputs
        height, width, _ = self.background.shape
        waves = _cosines(path.shape[2])
        places = ops.matmul(waves, path) + ops.matmul(waves[:, :2], self.drift)
        places = ops.multiply(places, (height / 4, width / 4))
        frames = ops.transpose(self.background, (0, 2, 1))  # width last: it is fast
        for i in range(pictures.shape[1]):
            picture = ops.tanh(2.0 * _standardized(pictures[:, i, ..., :-1]))
            mask = ops.sigmoid(4.0 * _standardized(pictures[:, i, ..., -1:]) - 2.0)
            layer = ops.transpose(ops.concatenate([mask * picture, mask], axis=-1), (0, 1, 3, 2))
            down, right = _tents(places[:, i, :, 0], height), _tents(places[:, i, :, 1], width)
            layer = ops.einsum("btij,bjcw->bticw", down, layer)
            layer = ops.einsum("bticw,btkw->btick", layer, right)
            frames = (1.0 - layer[..., -1:, :]) * frames + layer[..., :-1, :]
        frames = ops.swapaxes(frames, -1, -2)
        return frames

    def compute_output_shape(self, input_shape):
        (batch, _, height, width, channels), path = input_shape
        return (batch, path[2], height, width, channels - 1)


def _cosines(frames):
    """Return (frames, frames): column k is a cosine of k half waves, of amplitude 1 / k^2.

    These are the amplitudes of a triangle wave: a path between two walls at constant speed.
    """
    k = np.arange(frames)
    waves = np.cos(np.pi * k * (k[:, None] + 0.5) / frames)
    return (waves / np.maximum(k, 1) ** 2).astype("float32")


def _standardized(x):
    """Return pictures (batch, height, width, c) with mean 0 and variance 1 over their pixels."""
    x = x - ops.mean(x, axis=(1, 2), keepdims=True)
    return x / ops.sqrt(ops.mean(ops.square(x), axis=(1, 2), keepdims=True) + 1e-6)


def _tents(shift, size):
    """Return matrices (batch, frames, size, size) that shift a line by `shift` pixels."""
    index = ops.arange(size, dtype=shift.dtype)
    source = index[:, None] - index[None]
    return ops.relu(1.0 - ops.abs(source - shift[..., None, None]))


@keras.saving.register_keras_serializable(package="genai_basics")
class VideoGAN(GAN):
    """A GAN of `generator: z -> clips` and `discriminator: clips -> (frame score, motion score)`.

    The networks get clips (frames, height, width, channels) in [-1, 1].
    """

    # Slower and in smaller batches if frames are not centred, since these are harder to learn.
    batch_size = property(lambda self: 32 if self.centring else 16)
    learning_rate = property(lambda self: 1e-3 if self.centring else 5e-4)
    d_learning_rate = property(lambda self: 2 * self.learning_rate)
    remedy = "use fewer epochs, more clips or fewer `filters`"
    xla = False  # takes minutes to compile without a gain

    # For commands, run folders and the audit; see evaluation.py.
    report, features_of = evaluation.report_clips, evaluation.features_of_clips
    pictures = evaluation.pictures_of_clips

    @property
    def centring(self):
        """The discriminator's layer that centres frames, or `None`."""
        return next((one for one in self.discriminator.layers if isinstance(one, Centred)), None)

    def shape_seen(self):
        frame = self.centring.output if self.centring else self.discriminator.inputs[0]
        height, width, channels = frame.shape[-3:]
        return (height, width, 3 * channels)

    def seen(self, x):
        """Return the channels of a picture that shows a clip and its motion.

        These are three frames. If frames are centred, they are two, and the mean of all frames,
        which shows the path.
        """
        frames = x.shape[1]
        if self.centring:
            shown = [self.centring(one) for one in (x[:, 0], x[:, -1], ops.mean(x, axis=1))]
            return 0.5 * ops.concatenate(shown, axis=-1)
        shown = [x[:, i] for i in (0, frames // 4, frames // 2)]
        return 0.5 * (ops.concatenate(shown, axis=-1) + 1.0)

    def adapt_judge(self, x, y):
        """Set the background to what does not move in most frames; the judge also sees it."""
        still = np.median(np.stack([clip[::4] for clip in x[:200]]), axis=(0, 1))
        still = ops.convert_to_numpy(self.preprocessor(still))
        for network in (self.generator, self.ema_generator, self.discriminator):
            for layer in network.layers:
                if isinstance(layer, (MovingLayers, Centred)) and layer.trainable:
                    layer.background.assign(still.reshape(layer.background.shape))
        super().adapt_judge(x, y)
