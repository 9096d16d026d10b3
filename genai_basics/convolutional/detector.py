"""Object detector: boxes and classes of objects in pictures, by centre heatmaps.

TTFNet (Liu et al., 2019, https://arxiv.org/abs/1909.00700). At a quarter of the resolution, `heat`
is high at the centres of the objects of each class, and `reach` gives at every position how far the
object extends to the left, top, right and bottom. The loss is

    loss = focal(heat) + 5 (1 - GIoU(boxes, true boxes)), averaged over objects

(equations 3 and 8); boxes.py has both terms. The peaks of `heat` are the detected objects.
"""

import math
from collections.abc import Iterable, Sequence

import keras
import numpy as np
from keras import layers, ops

from .. import feeding
from ..backend import gradient_step
from ..checks import channels_last, inside, whole, widths
from ..data.images import resize_images
from ..evaluation import losses_by_example
from ..losses import averaged, single
from ..preprocessing import Numbers
from . import evaluation
from .backbone import Transfer, get_backbone
from .boxes import boxes_of, detection_losses, distinct, varied

__all__ = ["Detector", "Resized", "build_detector"]

LONGEST = 256  # maximum pixels of the longer side of resized pictures
MOST = 100  # maximum number of detections per picture


def build_detector(
    input_shape: Sequence[int | None] = (None, None, 3),
    num_classes: int = 1,
    *,
    image_size=None,
    filters: Sequence[int] = (24, 48, 96, 160),
    backbone=None,
    weights="imagenet",
    augment: bool = True,
    mirror: bool | None = None,
    max_overlap: float = 0.55,
    threshold: float = 0.3,
    class_names: Iterable[str] | None = None,
    value_range: tuple[float, float] | None = (0, 255),
    seed: int | None = None,
) -> "Detector":
    """Build an object detector that trains from scratch on a few hundred pictures.

    `fit(x, y)` takes pictures of any sizes and, for each, a dict of `boxes` (k, 4), with left,
    top, right, bottom in its pixels, and `labels` (k,), numbers or names.

    Args:
        input_shape: (height, width, channels) of the pictures, `None` if sizes differ.
        num_classes: Number of classes.
        image_size: (height, width) that pictures are resized to. `None`: their own size up to 256
            pixels, otherwise 256 on the longer side. Larger sizes find smaller objects.
        filters: Channels at 1/2, 1/4, 1/8 and 1/16 of the size.
        backbone: Network that replaces the stages down to 1/16: a name in
            `keras.applications`, such as "MobileNetV3Small", or a Functional Keras model for
            pictures of 0 to 255 of the network's size. It is frozen in the first 40% of
            training and then fine-tuned at a much smaller learning rate.
        weights: Weights of a backbone given by name: "imagenet", the path of a file, or `None`
            for random weights, which are trained from the start.
        augment: Whether to shift, zoom and relight pictures in training.
        mirror: Whether to flip them horizontally and vertically as well. `None`: if class names
            are longer than letters and digits.
        max_overlap: Intersection over union above which two boxes of a class are one object.
        threshold: Minimum score of the boxes that `detect` returns.
        class_names: Names of the classes.
        value_range: Range of the pictures; other ranges get a warning.
        seed: Seed of weights, noise and the order of data. `None` draws a random one.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> from genai_basics import build_detector, load_data
    >>> data = load_data("scattered_digits", limit=16)
    >>> detector = build_detector(data.spec.shape, 10, class_names=data.spec.class_names, seed=0)
    >>> detector.compile()
    >>> history = detector.fit(data.train.x, data.train.y, epochs=1, verbose=0)
    >>> sorted(detector.detect(data.test.x)[0])
    ['boxes', 'labels', 'scores']
    """
    if class_names is not None and num_classes == 1:
        num_classes = len(class_names)
    _check(input_shape, num_classes, class_names, filters, max_overlap, threshold)
    size = _network_size(input_shape, image_size)
    if mirror is None:
        mirror = class_names is not None and any(len(str(name)) > 2 for name in class_names)
    init = keras.initializers.HeNormal(keras.random.SeedGenerator(seed))
    shape = (*size, input_shape[-1])
    return Detector(
        _network(shape, num_classes, filters, init, backbone, weights),
        Resized(shape, value_range, (0.0, 1.0)),
        num_classes=num_classes,
        augment=augment,
        mirror=bool(mirror),
        max_overlap=max_overlap,
        threshold=threshold,
        class_names=class_names,
        seed=seed,
        name="detector",
    )


def _check(input_shape, num_classes, class_names, filters, max_overlap, threshold):
    channels_last()
    if len(input_shape) != 3 or input_shape[-1] not in (1, 3):
        raise ValueError(
            "`input_shape` must be (height, width, 1 or 3). "
            f"Received: input_shape={tuple(input_shape)}"
        )
    whole("num_classes", num_classes, 1)
    if class_names is not None and len(class_names) != num_classes:
        raise ValueError(
            f"`class_names` must name each of {num_classes} classes. "
            f"Received: {len(class_names)} names"
        )
    widths("filters", filters, 4)
    for name, value in (("max_overlap", max_overlap), ("threshold", threshold)):
        inside(name, value, 0, 1)


def _network_size(input_shape, image_size):
    """Return (height, width) of the network's input, multiples of 16."""
    if image_size is None:
        height, width = (size or LONGEST for size in input_shape[:2])
        scale = min(1.0, LONGEST / max(height, width))
        image_size = (height * scale, width * scale)
    sides = (image_size,) * 2 if isinstance(image_size, (int, float)) else tuple(image_size)
    if len(sides) != 2 or min(sides) < 16:
        raise ValueError(
            f"`image_size` must be (height, width), at least 16. Received: image_size={image_size}"
        )
    return tuple(16 * max(1, round(side / 16)) for side in sides)


def _network(input_shape, num_classes, filters, init, backbone, weights):
    """Return the network pictures -> (heat, reach): down to 1/16 of the size and up to 1/4."""

    def conv(x, width, size=3, strides=1):
        x = layers.Conv2D(width, size, strides, "same", use_bias=False, kernel_initializer=init)(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))

    def up(x, skip, width):
        x = layers.UpSampling2D()(conv(x, width, 1))
        return conv(layers.Add()([x, conv(skip, width, 1)]), width)

    half, quarter, eighth, sixteenth = filters
    inputs = keras.Input(input_shape, name="x")
    if backbone is None:
        x = conv(inputs, half, strides=2)
        quarter = conv(conv(x, quarter, strides=2), quarter)
        eighth = conv(conv(quarter, eighth, strides=2), eighth)
        x = conv(conv(eighth, sixteenth, strides=2), sixteenth)
    else:
        quarter, eighth, x = get_backbone(backbone, weights, input_shape, (4, 8, 16))(inputs)
    x = up(up(x, eighth, filters[2]), quarter, filters[1])
    # Initially, the probability of an object is 0.01 everywhere (Lin et al., 2017, 4.1).
    bias = keras.initializers.Constant(-math.log(99))
    # Both heads share the last stage, since a stage for each would take a third of the time.
    head = {"padding": "same", "kernel_initializer": keras.initializers.GlorotUniform(init.seed)}
    heat = layers.Conv2D(num_classes, 3, **head, bias_initializer=bias, name="heat")(x)
    reach = layers.Conv2D(4, 3, **head, name="reach")(x)
    return keras.Model(inputs, [heat, reach], name="network")


@keras.saving.register_keras_serializable(package="genai_basics")
class Resized(Numbers):
    """Pictures of any size, resized to the network's input."""

    def raw(self, x):
        return x

    def as_array(self, x):
        pictures = [as_picture(picture) for picture in x]
        for picture in pictures:
            if picture.ndim != 3 or picture.shape[-1] != self.shape[-1]:
                raise ValueError(
                    f"x must hold pictures (height, width, {self.shape[-1]}). "
                    f"Received: a picture of shape {picture.shape}"
                )
        if not pictures:
            raise ValueError("x must hold at least one picture. Received: none")
        return np.concatenate([resize_images(p[None], self.shape[:2]) for p in pictures])


def as_picture(picture):
    """Return a picture as an array (height, width, channels)."""
    picture = np.asarray(picture)
    return picture[..., None] if picture.ndim == 2 else picture


@keras.saving.register_keras_serializable(package="genai_basics")
class Detector(Transfer):
    """A `network: pictures -> (heat, reach)`, trained with the losses of TTFNet.

    The network gets pictures of its input size in [0, 1]; boxes.py describes its outputs. The
    arguments are those of `build_detector`.
    """

    # For commands, run folders and the audit; see evaluation.py.
    report, answer = evaluation.report_detector, evaluation.answer_detector
    pictures, errors_of = evaluation.pictures_detector, evaluation.errors_of_detector
    examples, exported = evaluation.examples_of_detector, evaluation.exported_detector
    losses_by_example = losses_by_example

    can_sample = False
    tracked = ("heat", "box")
    loss_keyword = "its network: the losses are the paper's"
    learning_rate = 2e-3
    batch_size = 8
    box_weight = 5.0  # as in the paper

    def __init__(
        self,
        network,
        preprocessor,
        *,
        num_classes,
        augment=True,
        mirror=False,
        max_overlap=0.55,
        threshold=0.3,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.network, self.preprocessor, self.num_classes = network, preprocessor, num_classes
        self.augment, self.mirror = augment, mirror
        self.max_overlap, self.threshold = max_overlap, threshold
        self.built = True

    @property
    def size(self):
        """(height, width) of the network's input."""
        return tuple(self.network.inputs[0].shape[1:3])

    def default_optimizer(self, learning_rate):
        return keras.optimizers.AdamW(learning_rate, weight_decay=1e-2)

    # Data: pictures of any size, with boxes in their pixels.

    def prepare(self, x, y=None, sample_weight=None):
        x = [as_picture(picture) for picture in x]  # only once, since they may be read from disk
        resized = self.preprocessor.prepare(x)
        if y is None:
            return feeding.checked(self, resized, None, None)
        if len(y) != len(x):
            raise ValueError(
                f"x and y must have the same length. Received: lengths {[len(x), len(y)]}"
            )
        most = max([1, *(len(target["labels"]) for target in y)])
        boxes = np.zeros((len(y), most, 4), "float32")
        labels = np.full((len(y), most), -1, "int32")
        for i, (picture, target) in enumerate(zip(x, y, strict=True)):
            found, numbers = self._target(target, picture.shape)
            boxes[i, : len(found)], labels[i, : len(numbers)] = found, numbers
        return feeding.checked(self, resized, {"boxes": boxes, "labels": labels}, sample_weight)

    def _target(self, target, shape):
        """Return boxes in the network's pixels and integer labels, without boxes of zero area."""
        boxes = np.asarray(target["boxes"], "float32").reshape(-1, 4)
        labels = np.asarray(target["labels"])
        if len(boxes) != len(labels):
            raise ValueError(
                f"a picture needs a label for each box. Received: {len(boxes)} boxes and "
                f"{len(labels)} labels"
            )
        if not len(labels):
            return boxes, np.zeros(0, "int32")
        labels = self.labels.check(labels)
        height, width = shape[:2]
        boxes = boxes.clip(0, [width, height, width, height])
        boxes = boxes * (np.array([self.size[1] / width, self.size[0] / height] * 2, "float32"))
        keep = ((boxes[:, 2:] - boxes[:, :2]) > 0).all(axis=1)
        if "crowd" in target:
            keep &= ~np.asarray(target["crowd"], bool)
        return boxes[keep], labels[keep]

    # Training.

    def call(self, x, training=False):
        """Return `heat` logits and `reach`, at a quarter of the size."""
        return single(self.network(x, training=training))

    def loss_terms(self, x, y=None, training=False):
        """Return the terms of each picture, {name: (batch,)}: loss = heat + 5 box.

        They are means over the objects of a picture; `objects` is their number, at least 1.
        """
        boxes, labels = y["boxes"], y["labels"]
        if training and self.augment:
            x, boxes, seen = varied(x, boxes, self.mirror, self.noise)
            labels = ops.where(seen, labels, -1)
        heat, reach = self(x, training=training)
        heat, box, objects = detection_losses(heat, reach, boxes, labels, self.size)
        return {"loss": heat + self.box_weight * box, "heat": heat, "box": box, "objects": objects}

    def averaged_terms(self, data, training):
        """Return the means of the loss terms over the objects of a batch."""
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        terms = self.loss_terms(x, y, training)
        share = terms["objects"] / ops.mean(terms["objects"])
        return averaged(terms, share if weights is None else share * weights, self.losses)

    def train_step(self, data):
        terms = gradient_step(
            lambda: self.averaged_terms(data, training=True),
            self.trainable_variables,
            self.optimizer,
        )
        return self.track(ops.shape(data[0])[0], terms)

    def test_step(self, data):
        return self.track(ops.shape(data[0])[0], self.averaged_terms(data, training=False))

    def predict_step(self, data):
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self.decode(*self.maps(x))

    def maps(self, x):
        """Return `heat` and `reach`; with `mirror`, averaged with those of the mirror image."""
        heat, reach = self(x)
        if not self.mirror:
            return heat, reach
        other, back = self(ops.flip(x, axis=2))
        back = ops.take(ops.flip(back, axis=2), np.array([2, 1, 0, 3]), axis=-1)  # mirrored
        return (heat + ops.flip(other, axis=2)) / 2, (reach + back) / 2

    # From maps to boxes.

    def decode(self, heat, reach):
        """Return the 100 most likely boxes of each picture, best first, each object once.

        Candidates are positions whose heat is the maximum of the 3x3 around them; of boxes of
        one class that overlap by more than `max_overlap`, only the best is kept.

        Returns:
            Dict of `boxes` (batch, 100, 4) in the network's pixels, `labels` and `scores`
            (batch, 100), padded with -1 and 0, and `first`: 1 for the best label of an object.
        """
        p = ops.sigmoid(heat)
        peak = ops.max_pool(p, 3, 1, "same")
        p = ops.where(p >= peak, p, 0.0)
        rows, columns, classes = p.shape[1:]
        k = min(MOST, rows * columns * classes)
        scores, places = ops.top_k(ops.reshape(p, (-1, rows * columns * classes)), k)
        labels = ops.cast(places % classes, "int32")
        boxes = ops.reshape(boxes_of(reach, self.size), (-1, rows * columns, 4))
        boxes = ops.take_along_axis(boxes, (places // classes)[..., None], axis=1)
        limit = ops.array([self.size[1], self.size[0]] * 2, "float32")
        boxes = ops.clip(boxes, 0.0, limit)
        keep = distinct(boxes, labels, self.max_overlap)
        keep = ops.logical_and(keep, scores > 1e-3)
        first = distinct(boxes, ops.zeros_like(labels), self.max_overlap)
        return {
            "boxes": boxes,
            "labels": ops.where(keep, labels, -1),
            "scores": ops.where(keep, scores, 0.0),
            "first": ops.cast(first, "int32"),
        }

    def invert(self, outputs):
        return outputs  # they are not in the space of x

    # Methods on raw data.

    def detect(self, x, threshold=None, several=False):
        """Return the objects in each picture of x, best first.

        Args:
            x: Pictures of any sizes.
            threshold: Minimum score. `None` uses the builder's.
            several: Whether an object may have several labels, as for metrics, or only the best.

        Returns:
            List of `{"boxes": (k, 4), "labels": (k,), "scores": (k,)}`: corners in pixels of the
            given picture, names (numbers without `class_names`), scores from 0 to 1.
        """
        threshold = self.threshold if threshold is None else threshold
        found = self.predict(x, verbose=0)
        names = np.array(self.class_names or range(self.num_classes))
        results = []
        for i, picture in enumerate(x):
            height, width = np.shape(picture)[:2]
            names_of_parts = "boxes", "labels", "scores", "first"
            boxes, labels, scores, first = (found[name][i] for name in names_of_parts)
            order = np.argsort(-scores, kind="stable")
            order = order[(scores >= max(threshold, 1e-3))[order] & (several | (first > 0))[order]]
            scale = np.array([width / self.size[1], height / self.size[0]] * 2, "float32")
            box = boxes[order] * scale
            results.append({"boxes": box, "labels": names[labels[order]], "scores": scores[order]})
        return results
