"""Convolutional network: the same small weights at every place of a picture, sound or series.

Stages of convolutions, each at half the resolution of the one before (LeCun et al., 1998,
https://doi.org/10.1109/5.726791), with batch normalization (arXiv:1502.03167) and shortcuts
(He et al., 2015, arXiv:1512.03385: relu(x + f(x))), then the average over all places and a
dense layer. That average is what lets `explain` say which places spoke for a class (Zhou et
al., 2015, arXiv:1512.04150).
"""

import itertools

import keras
import numpy as np
from keras import layers, ops

from .. import plotting
from ..data.writers import image_grid, to_pixels
from ..layers import RandomAffine, RandomErasing, RandomLight, RandomSeries
from ..layers.spectral import LogMel
from ..predictor import Predictor, head_of
from ..preprocessing import Numbers, Waves

__all__ = ["CNN", "build_cnn", "train_feature_extractor"]

LEAST_SIDE = 6  # pixels of the smallest stage


def build_cnn(
    input_shape=None,
    num_classes=None,
    *,
    sample_rate=None,
    task=None,
    multi_label=False,
    num_outputs=1,
    filters=None,
    blocks=None,
    kernel_size=None,
    dropout=0.2,
    augment=True,
    mirror=None,
    mel_bands=40,
    pitch=0.02,
    balance=False,
    label_smoothing=0.05,
    class_names=None,
    value_range=(0, 255),
    seed=None,
):
    """Build a convolutional network for pictures, sounds, series or clips of video.

    Args:
        input_shape: Shape of one example: (height, width, channels), (time, channels) or
            (frames, height, width, channels). Leave it out for sounds.
        num_classes: Number of classes; left out, values are predicted (regression).
        sample_rate: Samples a second of sounds: x is then a list of clips of any length.
        task: "classification" or "regression", where `num_classes` should not decide.
        multi_label: Whether an example may have several labels at once: y is (n, classes).
        num_outputs: Number of values of a regression.
        filters: Channels of the stages, each at half the resolution of the one before (series
            keep theirs). `None`: 24, 48, 96..., as many as the size of pictures allows.
        blocks: Residual blocks in a stage; the first, at full resolution, has none. `None`: 1,
            for series 0.
        kernel_size: Side of the convolutions. `None`: 3; for series 7, 5, then 3.
        dropout: Share of features dropped before the last layer, in training.
        augment: Whether x is varied in training (pictures: shifts, turns, zooms, and light and
            gaps where they may be mirrored; sounds:
            speed, pitch, gaps; series: size, noise, time), or a layer of yours.
        mirror: Whether pictures may be mirrored, which letters and digits may not. `None`:
            colour pictures whose classes have longer names than digits and letters. Such a model
            predicts the average of a picture and its mirror image.
        mel_bands: Frequency bands that sounds are split into.
        pitch: How far sounds are moved and stretched over their bands in training, as a share
            of them: more for voices not heard before, 0 where the pitch is what counts.
        balance: Whether rare classes weigh as much as frequent ones.
        label_smoothing: How much of the certainty is spread over all classes.
        class_names: Names of the labels.
        value_range: Range of pictures, to warn of others.
        seed: Seed of weights, noise and the order of data. `None` draws a fresh one.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> from genai_basics import build_cnn, load_data
    >>> data = load_data("digits")
    >>> cnn = build_cnn((8, 8, 1), num_classes=10, filters=(8, 16), seed=0)
    >>> cnn.compile()
    >>> history = cnn.fit(data.train.x, data.train.y, epochs=1, verbose=0)
    >>> cnn.explain(data.test.x[:3]).shape
    (3, 8, 8)
    """
    units, activation = head_of(task, num_classes, class_names, multi_label, num_outputs)
    _check(input_shape, sample_rate, filters, blocks, dropout)
    seeds = itertools.repeat(None) if seed is None else itertools.count(seed)
    if mirror is None:
        mirror = _may_be_mirrored(input_shape, class_names)
    is_series = input_shape is not None and len(input_shape) == 2
    blocks = (0 if is_series else 1) if blocks is None else blocks
    if sample_rate is not None:
        inputs, x, mask = _hear(sample_rate, mel_bands, augment, pitch, seeds)
        filters, kernels = filters or (32, 64, 96), (kernel_size or 3,)
    else:
        inputs = x = keras.Input(input_shape, name="x")
        x, mask = _vary(x, augment, mirror, seeds), None
        filters = filters or ((64, 128, 64) if is_series else _stages(input_shape))
        kernels = (kernel_size,) if kernel_size else (7, 5, 3) if is_series else (3,)
    init = keras.initializers.HeNormal(keras.random.SeedGenerator(seed))
    places, mask = _convolve(x, mask, filters, kernels, blocks, not is_series, init)
    x = _average(places, mask)
    features = layers.Identity(name="features")(x)
    x = layers.Dropout(dropout, seed=next(seeds))(features)
    head = keras.initializers.GlorotUniform(seed)
    outputs = layers.Dense(units, activation, kernel_initializer=head, name="head")(x)
    return CNN(
        keras.Model(inputs, outputs, name="network"),
        Waves(sample_rate) if sample_rate is not None else Numbers(input_shape),
        mirror=bool(mirror),
        num_classes=None if activation == "linear" else units,
        multi_label=multi_label,
        balance=balance,
        label_smoothing=label_smoothing,
        class_names=None if activation == "linear" else class_names,
        value_range=value_range if input_shape is not None and len(input_shape) == 3 else None,
        seed=seed,
        name="cnn",
    )


def _check(input_shape, sample_rate, filters, blocks, dropout):
    if (input_shape is None) == (sample_rate is None):
        raise ValueError(
            "give `input_shape`, or `sample_rate` for sounds. "
            f"Received: input_shape={input_shape}, sample_rate={sample_rate}"
        )
    if input_shape is not None and (
        len(input_shape) not in (2, 3, 4)
        or any(size is not None and size < 1 for size in input_shape)
        or None in input_shape[1:]
    ):
        raise ValueError(
            "`input_shape` must be (height, width, channels), (time, channels) or (frames, height, "
            f"width, channels). Received: input_shape={input_shape}"
        )
    if filters is not None and (not filters or any(width < 1 for width in filters)):
        raise ValueError(f"`filters` must be widths of at least 1. Received: filters={filters}")
    if blocks is not None and blocks < 0:
        raise ValueError(f"`blocks` must not be negative. Received: blocks={blocks}")
    if not 0 <= dropout < 1:
        raise ValueError(f"`dropout` must be from 0 to below 1. Received: dropout={dropout}")


def _may_be_mirrored(input_shape, class_names):
    """Say whether pictures show things rather than writing, as far as one can tell."""
    named = class_names is not None and any(len(str(name)) > 2 for name in class_names)
    return named and input_shape is not None and len(input_shape) == 3 and input_shape[-1] == 3


def _stages(input_shape):
    """Return channels of as many stages as halve the shorter side down to a few pixels."""
    side = min(size for size in input_shape[-3:-1])
    count = 1
    while side >> count >= LEAST_SIDE and count < 6:
        count += 1
    count = max(count, 2)
    return tuple(24 * 2**i for i in range(count)) if count < 5 else (16, 32, 64, 96, 128)


def _vary(x, augment, mirror, seeds):
    """Add what varies grids in training."""
    if isinstance(augment, keras.layers.Layer):
        return augment(x)
    if not augment:
        return x
    if len(x.shape) == 3:
        return RandomSeries(seed=next(seeds), name="vary")(x)
    if len(x.shape) != 4:
        return x
    x = RandomAffine(0.1, 0.1, rotation=10, mirror=mirror, seed=next(seeds), name="vary")(x)
    if min(x.shape[1:3]) >= 16 and mirror:
        x = RandomLight(seed=next(seeds), name="light")(x)
        x = RandomErasing(0.5, seed=next(seeds), name="erase")(x)
    return x


def _hear(sample_rate, bands, augment, pitch, seeds):
    """Return the inputs of a network for sounds, their spectrogram, and which frames are sound."""
    samples = keras.Input((None,), name="samples")
    length = keras.Input((), dtype="int32", name="length")
    x = LogMel(sample_rate, bands, name="log_mel")(samples)
    x = Spectrogram(round(0.010 * sample_rate), name="spectrogram")([x, length])
    if isinstance(augment, keras.layers.Layer):
        x = augment(x)
    elif augment:
        shift, zoom = (0.1, pitch), (0.2, pitch)
        vary = RandomAffine(shift, zoom, fill="constant", seed=next(seeds), name="vary")
        x = RandomErasing((0.2, 0.25), count=2, seed=next(seeds), name="erase")(vary(x))
    return {"samples": samples, "length": length}, x, x[..., 1:]


@keras.saving.register_keras_serializable(package="genai_basics")
class Spectrogram(layers.Layer):
    """Log-mel bands as a picture (frames, bands, 2): standardized by clip, and where sound is.

    The mean of the clip's own frames is taken off and their standard deviation divided by, so
    that neither loudness counts nor the silence that fills up a batch. The number of frames is
    filled up to an even one: where a convolution at every second place begins depends on that.

    Args:
        hop: Samples from frame to frame.
    """

    def __init__(self, hop, **kwargs):
        super().__init__(**kwargs)
        self.hop = hop

    def call(self, inputs):
        x, length = inputs
        x = ops.pad(x, ((0, 0), (0, ops.shape(x)[1] % 2), (0, 0)))
        frames = ops.cast(ops.ceil(length / self.hop), "int32")
        mask = ops.cast(ops.arange(ops.shape(x)[1])[None] < frames[:, None], x.dtype)[..., None]
        count = ops.maximum(ops.sum(mask, axis=(1, 2), keepdims=True), 1.0) * x.shape[2]
        mean = ops.sum(x * mask, axis=(1, 2), keepdims=True) / count
        variance = ops.sum(ops.square(x - mean) * mask, axis=(1, 2), keepdims=True) / count
        x = (x - mean) * mask / ops.sqrt(variance + 0.1)
        return ops.stack([x, ops.broadcast_to(mask, ops.shape(x))], axis=-1)

    def compute_output_shape(self, input_shape):
        batch, _, bands = input_shape[0]
        return (batch, None, bands, 2)

    def get_config(self):
        return {**super().get_config(), "hop": self.hop}


def _convolve(x, mask, filters, kernels, blocks, halve, init):
    """Return features (..., filters[-1]) at every place, and the mask: stages of residual blocks.

    What a mask leaves out is set to 0 after every convolution, as if the clip ended there: what
    fills up a batch beside a longer clip changes nothing.
    """
    rank = len(x.shape) - 2
    kind = {1: layers.Conv1D, 2: layers.Conv2D, 3: layers.Conv3D}[rank]
    pool = {1: layers.MaxPooling1D, 2: layers.MaxPooling2D, 3: layers.MaxPooling3D}[rank]

    def conv(x, mask, width, size, strides=1, activation="relu"):
        x = kind(width, size, strides, "same", use_bias=False, kernel_initializer=init)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x) if activation else x
        return x if mask is None else layers.Multiply()([x, mask])

    def halved(mask):
        return mask if mask is None else pool(2, padding="same")(mask)

    for i, width in enumerate(filters):
        size = kernels[min(i, len(kernels) - 1)]
        # Spectrograms are wide and smooth: their first stage is at half their resolution too.
        strides = 2 if mask is not None and not i else 1
        if halve and i:
            x = pool(2, padding="same")(x)
        if strides == 2 or (halve and i):
            mask = halved(mask)
        x = conv(x, mask, width, size, strides)
        for _ in range(blocks if i or not halve else 0):  # at full resolution they cost most
            shortcut = x
            x = conv(conv(x, mask, width, size), mask, width, size, activation=None)
            x = layers.ReLU()(layers.Add()([x, shortcut]))
    return layers.Identity(name="places")(x), mask


@keras.saving.register_keras_serializable(package="genai_basics")
class MaskedAverage(layers.Layer):
    """Average features (frames, bands, channels) over the places of a mask (…, 1)."""

    def call(self, inputs):
        x, mask = inputs
        total = ops.maximum(ops.sum(mask, axis=(1, 2)), 1e-3)
        return ops.sum(x * mask, axis=(1, 2)) / total

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], input_shape[0][-1])


def _average(places, mask):
    if mask is not None:
        return MaskedAverage(name="average")([places, mask])
    kind = {
        3: layers.GlobalAveragePooling1D,
        4: layers.GlobalAveragePooling2D,
        5: layers.GlobalAveragePooling3D,
    }
    return kind[len(places.shape)](name="average")(places)


@keras.saving.register_keras_serializable(package="genai_basics")
class CNN(Predictor):
    """A convolutional network; see `Predictor` for what it can do, beside `explain`.

    Args:
        mirror: Whether a prediction is the average of a picture's and its mirror image's.
    """

    learning_rate = 3e-3
    batch_size = 64

    def __init__(self, network, reader, *, mirror=False, **kwargs):
        super().__init__(network, reader, **kwargs)
        self.mirror = mirror

    def call(self, x, training=False):
        outputs = super().call(x, training=training)
        if self.mirror and not training and self.is_of_pictures:
            return (outputs + super().call(ops.flip(x, axis=2), training=False)) / 2
        return outputs

    def default_optimizer(self):
        return keras.optimizers.AdamW(self.peak_learning_rate, weight_decay=1e-2)

    def explain(self, x, label=None):
        """Return how much each place of x speaks for a class: its class activation map.

        sum over features f of w_fc a_f(place), w the last layer's weights (Zhou et al., 2015);
        the average of the map over all places, plus a bias, is the class's logit.

        Args:
            x: Raw examples.
            label: Class, a number or name. `None`: the likeliest of each example.

        Returns:
            Array (n, height, width) for pictures, (n, time) for series, (n, frames, bands) for
            sounds: at the input's resolution, in logits.
        """
        prepared = self.prepare(x)
        labels = self.predict(x, verbose=0).argmax(axis=1)
        if label is not None:
            labels[:] = self.check_targets(np.array([label]))[0] if self.num_classes else label
        if isinstance(self.reader, Waves):  # cut to the longest of all, not of each batch
            return ops.convert_to_numpy(self._explain_prepared(*prepared, labels))
        return self.map_batches(self._explain_prepared, *prepared, labels.astype("int32"))

    def _explain_prepared(self, x, labels):
        if not hasattr(self, "_place_network"):
            inner = self.network
            outputs = [inner.get_layer("places").output, inner.outputs[0]]
            if isinstance(self.reader, Waves):
                outputs.append(inner.get_layer("spectrogram").output)
            self.__dict__["_place_network"] = keras.Model(inner.inputs, outputs)
        numbers = self.preprocess(x)
        places, _, *picture = self._place_network(numbers, training=False)
        weights = ops.take(ops.transpose(self.network.get_layer("head").kernel), labels, axis=0)
        maps = ops.sum(
            places * ops.reshape(weights, (-1, *[1] * (len(places.shape) - 2), weights.shape[-1])),
            axis=-1,
        )
        if picture:  # of any length: each place stands for a square of frames and bands
            frames, bands = ops.shape(picture[0])[1], picture[0].shape[2]
            side = -(-bands // maps.shape[2])
            maps = ops.repeat(ops.repeat(maps, side, axis=1), side, axis=2)
            return maps[:, :frames, :bands]
        if len(maps.shape) == 3:
            size = tuple(numbers.shape[1:3])
            return ops.image.resize(maps[..., None], size, "bilinear")[..., 0]
        return maps

    def answer(self, x, top=1, explain=False):
        """Return what `Predictor.answer` does, and with `explain` copies that show why."""
        rows, outputs = super().answer(x, top)
        if explain:
            if not self.is_of_pictures:
                raise ValueError("only pictures are drawn. Received: explain=True")
            outputs = self.draw_explained(x)
        return rows, outputs

    @property
    def is_of_pictures(self):
        """Whether x are pictures."""
        return isinstance(self.reader, Numbers) and len(self.input_shape_of_one()) == 3

    def pictures(self, x, y=None):
        """Return the confusion matrix, and for pictures the places that spoke for their class."""
        found = super().pictures(x, y)
        if self.is_of_pictures:
            found["explained"] = image_grid(self.draw_explained(np.asarray(x[:16])), columns=4)
        return found

    def draw_explained(self, x):
        """Return copies of pictures x, uint8 RGB, redder where the likeliest class was seen."""
        heat = np.maximum(self.explain(x), 0.0)
        pixels = to_pixels(np.asarray(x), self.value_range or (0, 255))
        return np.stack(
            [np.asarray(plotting.heatmap_over(*pair)) for pair in zip(pixels, heat, strict=True)]
        )


def train_feature_extractor(x, y, *, epochs=3, seed=0):
    """Train a small `cnn` on labelled pictures, whose `features` measure Fréchet distances.

    Args:
        x: Pictures (n, height, width, channels), 0 to 255.
        y: Labels (n,), integers or names.
        epochs: Passes; three reach 99% on MNIST.
        seed: Seed of weights, noise and the order of data.

    Returns:
        The `CNN`: `features(x)` are its last layer's inputs, (n, 128).
    """
    names = (
        sorted({str(label) for label in np.ravel(y)}) if np.asarray(y).dtype.kind in "USO" else None
    )
    classes = len(names) if names else int(np.max(y)) + 1
    model = build_cnn(
        np.shape(x)[1:], classes, class_names=names, filters=(16, 32, 128), blocks=0, seed=seed
    )
    model.compile()
    model.fit(x, y, epochs=epochs, verbose=0)
    return model
