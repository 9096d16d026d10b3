"""Convolutional network: the same small filters at every position of a picture, sound or series.

Stages of convolutions, each at half the resolution of the one before (LeCun et al., 1998,
https://doi.org/10.1109/5.726791), with batch normalization (arXiv:1502.03167) and residual blocks
relu(x + f(x)) (He et al., 2015, arXiv:1512.03385), then global average pooling and a dense layer.
The pooling is what makes class activation maps possible: see `CNN.explain` (Zhou et al., 2015,
arXiv:1512.04150).
"""

import itertools
from collections.abc import Iterable, Sequence
from typing import Literal

import keras
import numpy as np
from keras import layers, ops

from ..checks import below_one, idle, whole, widths
from ..layers import RandomAffine, RandomErasing, RandomLight, RandomSeries
from ..layers.spectral import LogMel, MaskedAverage, Spectrogram
from ..predictor import Head, Predictor
from ..preprocessing import Numbers, Waves
from . import evaluation
from .backbone import Transfer, get_backbone

__all__ = ["CNN", "build_cnn", "train_feature_extractor"]

LEAST_SIDE = 6  # minimum pixels of the last stage


def build_cnn(
    input_shape: Sequence[int | None] | None = None,
    num_classes: int | None = None,
    *,
    sample_rate: int | None = None,
    task: Literal["classification", "regression"] | None = None,
    multi_label: bool = False,
    num_outputs: int = 1,
    filters: Sequence[int] | None = None,
    blocks: int | None = None,
    kernel_size=None,
    backbone=None,
    weights="imagenet",
    dropout: float = 0.2,
    augment: bool = True,
    mirror: bool | None = None,
    mel_bands: int = 40,
    pitch: float = 0.02,
    balance: bool = False,
    label_smoothing: float = 0.05,
    class_names: Iterable[str] | None = None,
    value_range: tuple[float, float] | None = (0, 255),
    seed: int | None = None,
) -> "CNN":
    """Build a convolutional network for pictures, sounds, series or clips of video.

    Args:
        input_shape: Shape of one example: (height, width, channels), (time, channels) or
            (frames, height, width, channels). `None` for sounds.
        num_classes: Number of classes. `None` predicts values (regression), unless there are
            `class_names`.
        sample_rate: Samples per second of sounds: x is then a list of clips of any length.
        task: "classification" or "regression". `None` infers it from `num_classes`.
        multi_label: Whether an example may have several labels at once: y is (n, classes).
        num_outputs: Number of values per example, for regression.
        filters: Channels of each stage, at half the resolution of the stage before (series keep
            theirs). `None`: 24, 48, 96..., as many as the size of pictures allows.
        blocks: Residual blocks per stage; the first, at full resolution, has none. `None`: 1,
            for series 0.
        kernel_size: Side of the convolutions. `None`: 3; for series 7, 5, then 3.
        backbone: Network for pictures that replaces these stages: a name in
            `keras.applications`, such as "MobileNetV3Small", or a Keras model from pictures
            of 0 to 255 to maps or features. It is frozen in the first 40% of training and
            then fine-tuned at a much smaller learning rate.
        weights: Weights of a backbone given by name: "imagenet", the path of a file, or `None`
            for random weights, which are trained from the start.
        dropout: Dropout rate before the last layer.
        augment: Whether to augment x in training (pictures: shifts, rotations, zooms, and light
            and erasing if they may be mirrored; sounds: speed, pitch, erasing; series: scale,
            noise, time), or your own layer.
        mirror: Whether pictures may be mirrored, which letters and digits may not. `None`: colour
            pictures whose classes have longer names than letters and digits. Such a model
            predicts the average of a picture and its mirror image.
        mel_bands: Number of mel frequency bands of sounds.
        pitch: How far sounds are shifted and stretched over their bands in training, as a share
            of them: more for unknown voices, 0 if the pitch matters.
        balance: Whether rare classes weigh as much as frequent ones in training.
        label_smoothing: Label smoothing, from 0 to 1.
        class_names: Names of the classes.
        value_range: Range of pictures; other ranges get a warning.
        seed: Seed of weights, noise and the order of data. `None` draws a random one.

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
    head = Head.of(build_cnn, locals())
    _check(input_shape, sample_rate, filters, blocks, dropout)
    if backbone is not None and (filters, blocks, kernel_size) != (None,) * 3:
        raise ValueError(
            "a `backbone` takes the place of `filters`, `blocks` and `kernel_size`. "
            f"Received: filters={filters}, blocks={blocks}, kernel_size={kernel_size}"
        )
    seeds = itertools.repeat(None) if seed is None else itertools.count(seed)
    if mirror is None:
        mirror = _may_be_mirrored(input_shape, class_names)
    is_series = input_shape is not None and len(input_shape) == 2
    if sample_rate is None:
        idle(build_cnn, locals(), "mel_bands", "pitch", because="without `sample_rate`")
    blocks = (0 if is_series else 1) if blocks is None else blocks
    if sample_rate is not None:
        preprocessor = Waves(sample_rate)
        inputs, x, mask = _hear(sample_rate, mel_bands, augment, pitch, seeds)
        filters, kernels = filters or (32, 64, 96), (kernel_size or 3,)
    else:
        preprocessor = Numbers(input_shape, value_range if len(input_shape) == 3 else None)
        inputs = x = keras.Input(input_shape, name="x")
        x, mask = _vary(x, augment, mirror, seeds), None
        filters = filters or ((64, 128, 64) if is_series else _stages(input_shape))
        kernels = (kernel_size,) if kernel_size else (7, 5, 3) if is_series else (3,)
    init = keras.initializers.HeNormal(keras.random.SeedGenerator(seed))
    if backbone is None:
        places, mask = _convolve(x, mask, filters, kernels, blocks, not is_series, init)
    else:
        places = get_backbone(backbone, weights, input_shape)(x)
    if len(places.shape) > 2:
        places = _average(layers.Identity(name="places")(places), mask)
    x = layers.Dropout(dropout, seed=next(seeds))(places)
    return CNN(
        keras.Model(inputs, head(x, seed), name="network"),
        preprocessor,
        head,
        mirror=bool(mirror),
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
    if filters is not None:
        widths("filters", filters)
    if blocks is not None:
        whole("blocks", blocks, 0)
    below_one("dropout", dropout)


def _may_be_mirrored(input_shape, class_names):
    """Return whether pictures seem to show objects, not letters or digits."""
    named = class_names is not None and any(len(str(name)) > 2 for name in class_names)
    return named and input_shape is not None and len(input_shape) == 3 and input_shape[-1] == 3


def _stages(input_shape):
    """Return the channels of each stage; stages halve the shorter side down to a few pixels."""
    side = min(size for size in input_shape[-3:-1])
    count = 1
    while side >> count >= LEAST_SIDE and count < 6:
        count += 1
    count = max(count, 2)
    return tuple(24 * 2**i for i in range(count)) if count < 5 else (16, 32, 64, 96, 128)


def _vary(x, augment, mirror, seeds):
    """Apply the layers that augment pictures and series in training to x."""
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
    """Return the inputs of a network for sounds, their spectrogram and its mask."""
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


def _convolve(x, mask, filters, kernels, blocks, halve, init):
    """Return features (..., filters[-1]) at all positions, and their mask.

    The mask is applied after every convolution, as if the clip ended there, so that the padding
    of a batch changes nothing.
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
        # Spectrograms are wide and smooth, so their first stage also halves the resolution.
        strides = 2 if mask is not None and not i else 1
        if halve and i:
            x = pool(2, padding="same")(x)
        if strides == 2 or (halve and i):
            mask = halved(mask)
        x = conv(x, mask, width, size, strides)
        for _ in range(blocks if i or not halve else 0):  # at full resolution, they are too slow
            shortcut = x
            x = conv(conv(x, mask, width, size), mask, width, size, activation=None)
            x = layers.ReLU()(layers.Add()([x, shortcut]))
    return x, mask


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
class CNN(Transfer, Predictor):
    """A `Predictor` whose network is convolutional, with `explain`.

    Args:
        mirror: Whether to average the predictions for a picture and its mirror image.
    """

    answer, pictures = evaluation.answer_cnn, evaluation.pictures_cnn

    learning_rate = 3e-3
    batch_size = 64

    def __init__(self, network, preprocessor, head, *, mirror=False, **kwargs):
        super().__init__(network, preprocessor, head, **kwargs)
        self.mirror = mirror

    def call(self, x, training=False):
        outputs = super().call(x, training=training)
        if self.mirror and not training and self.is_of_pictures:
            return (outputs + super().call(ops.flip(x, axis=2), training=False)) / 2
        return outputs

    def default_optimizer(self, learning_rate):
        return keras.optimizers.AdamW(learning_rate, weight_decay=1e-2)

    def explain(self, x, label=None):
        """Return the class activation map of x: how much each position supports a class.

        map_c(position) = sum_f w_fc a_f(position), where w are the weights of the last layer
        (Zhou et al., 2015). Its mean over all positions, plus a bias, is the logit of class c.

        Args:
            x: Raw examples.
            label: Class, a number or name. `None`: the most likely class of each example.

        Returns:
            Array (n, height, width) for pictures, (n, time) for series, (n, frames, bands) for
            sounds: at the input's resolution, in logits.
        """
        if not any(layer.name == "places" for layer in self.network.layers):
            raise ValueError("a backbone without maps has no places to explain")
        prepared = self.prepare(x)
        labels = self.predict(x, verbose=0).argmax(axis=1)
        if label is not None:
            labels[:] = self.head.targets([label])[0] if self.num_classes else label
        if isinstance(self.preprocessor, Waves):  # padded to the longest of all, not per batch
            return ops.convert_to_numpy(self._explain_prepared(*prepared, labels))
        return self.map_batches(self._explain_prepared, *prepared, labels.astype("int32"))

    def _explain_prepared(self, x, labels):
        if not hasattr(self, "_place_network"):
            inner = self.network
            outputs = [inner.get_layer("places").output, inner.outputs[0]]
            if isinstance(self.preprocessor, Waves):
                outputs.append(inner.get_layer("spectrogram").output)
            self.__dict__["_place_network"] = keras.Model(inner.inputs, outputs)
        numbers = self.preprocessor(x)
        places, _, *picture = self._place_network(numbers, training=False)
        weights = ops.take(ops.transpose(self.network.get_layer("head").kernel), labels, axis=0)
        maps = ops.sum(
            places * ops.reshape(weights, (-1, *[1] * (len(places.shape) - 2), weights.shape[-1])),
            axis=-1,
        )
        if picture:  # any length: each position covers a square of frames and bands
            frames, bands = ops.shape(picture[0])[1], picture[0].shape[2]
            side = -(-bands // maps.shape[2])
            maps = ops.repeat(ops.repeat(maps, side, axis=1), side, axis=2)
            return maps[:, :frames, :bands]
        if len(maps.shape) == 3:
            size = tuple(numbers.shape[1:3])
            return ops.image.resize(maps[..., None], size, "bilinear")[..., 0]
        return maps

    @property
    def is_of_pictures(self):
        """Whether x holds pictures."""
        return isinstance(self.preprocessor, Numbers) and len(self.preprocessor.shape) == 3


def train_feature_extractor(x, y, *, epochs: int = 3, seed: int | None = 0):
    """Train a small CNN on labelled pictures, whose `features` are used for Fréchet distances.

    Args:
        x: Pictures (n, height, width, channels), 0 to 255.
        y: Labels (n,), integers or names.
        epochs: Number of epochs; three reach 99% on MNIST.
        seed: Seed of weights, noise and the order of data.

    Returns:
        The `CNN`: `features(x)` are the inputs of its last layer, (n, 128).
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
