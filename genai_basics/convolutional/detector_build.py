"""`build_detector`: from the shape of pictures to a detector."""

import math

import keras
from keras import layers

from .detector import Detector

__all__ = ["build_detector"]

LONGEST = 256  # pixels of the longer side that a picture is shrunk to


def build_detector(
    input_shape=(None, None, 3),
    num_classes=1,
    *,
    image_size=None,
    filters=(24, 48, 96, 160),
    augment=True,
    mirror=None,
    max_overlap=0.55,
    threshold=0.3,
    class_names=None,
    value_range=(0, 255),
    seed=None,
):
    """Build a detector of objects, to train from nothing on a few hundred pictures.

    `fit(x, y)` takes pictures, of any sizes, and for each a dict of `boxes` (k, 4), the corners
    left, top, right, bottom in its pixels, and `labels` (k,), numbers or names.

    Args:
        input_shape: (height, width, channels) of the pictures, None where sizes differ.
        num_classes: Number of classes.
        image_size: (height, width) that pictures are resized to. `None`: as they are up to 256
            pixels, else shrunk to 256 on the longer side. More finds smaller objects.
        filters: Channels at 1/2, 1/4, 1/8 and 1/16 of the size.
        augment: Whether pictures are shifted, zoomed and lit in other ways in training.
        mirror: Whether they are mirrored and turned upside down too. `None`: where class names
            are longer than those of letters and digits.
        max_overlap: Two boxes of a class that overlap by more are one object (intersection
            over union).
        threshold: Least score of a box that `detect` returns.
        class_names: Names of the labels.
        value_range: Range of the pictures.
        seed: Seed of weights, noise and the order of data. `None` draws a fresh one.

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
    network = _network((*size, input_shape[-1]), num_classes, filters, init)
    return Detector(
        network,
        num_classes=num_classes,
        augment=augment,
        mirror=bool(mirror),
        max_overlap=max_overlap,
        threshold=threshold,
        class_names=class_names,
        value_range=value_range,
        seed=seed,
        name="detector",
    )


def _check(input_shape, num_classes, class_names, filters, max_overlap, threshold):
    if len(input_shape) != 3 or input_shape[-1] not in (1, 3):
        raise ValueError(
            "`input_shape` must be (height, width, 1 or 3). "
            f"Received: input_shape={tuple(input_shape)}"
        )
    if num_classes < 1:
        raise ValueError(f"`num_classes` must be at least 1. Received: num_classes={num_classes}")
    if class_names is not None and len(class_names) != num_classes:
        raise ValueError(
            f"`class_names` must name each of {num_classes} classes. "
            f"Received: {len(class_names)} names"
        )
    if len(filters) != 4 or min(filters) < 1:
        raise ValueError(f"`filters` must be four widths. Received: filters={filters}")
    for name, value in (("max_overlap", max_overlap), ("threshold", threshold)):
        if not 0 < value < 1:
            raise ValueError(f"`{name}` must be between 0 and 1. Received: {name}={value}")


def _network_size(input_shape, image_size):
    """Return (height, width) of the network's pictures: multiples of 16."""
    if image_size is None:
        height, width = (size or LONGEST for size in input_shape[:2])
        scale = min(1.0, LONGEST / max(height, width))
        image_size = (height * scale, width * scale)
    sides = (image_size,) * 2 if isinstance(image_size, (int, float)) else tuple(image_size)
    if len(sides) != 2 or min(sides) < 16:
        raise ValueError(
            f"`image_size` must be (height, width), 16 at least. Received: image_size={image_size}"
        )
    return tuple(16 * max(1, round(side / 16)) for side in sides)


def _network(input_shape, num_classes, filters, init):
    """Return pictures -> (heat, reach): down to 1/16 of the size, and up to 1/4 again."""

    def conv(x, width, size=3, strides=1):
        x = layers.Conv2D(width, size, strides, "same", use_bias=False, kernel_initializer=init)(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))

    def up(x, beside, width):
        x = layers.UpSampling2D()(conv(x, width, 1))
        return conv(layers.Add()([x, conv(beside, width, 1)]), width)

    half, quarter, eighth, sixteenth = filters
    inputs = keras.Input(input_shape, name="x")
    x = conv(inputs, half, strides=2)
    quarter = conv(conv(x, quarter, strides=2), quarter)
    eighth = conv(conv(quarter, eighth, strides=2), eighth)
    x = conv(conv(eighth, sixteenth, strides=2), sixteenth)
    x = up(up(x, eighth, filters[2]), quarter, filters[1])
    # At the start each place says "nothing here" with 0.99 (Lin et al., 2017, section 4.1).
    bias = keras.initializers.Constant(-math.log(99))
    # Straight from the last stage: a stage for each would take a third of a step.
    head = {"padding": "same", "kernel_initializer": keras.initializers.GlorotUniform(init.seed)}
    heat = layers.Conv2D(num_classes, 3, **head, bias_initializer=bias, name="heat")(x)
    reach = layers.Conv2D(4, 3, **head, name="reach")(x)
    return keras.Model(inputs, [heat, reach], name="network")
