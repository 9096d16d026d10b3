"""Layers that augment their input in training and return it unchanged otherwise."""

import math

import keras
from keras import ops

__all__ = [
    "DifferentiableAugmentation",
    "RandomAffine",
    "RandomErasing",
    "RandomLight",
    "RandomSeries",
]


class Augmentation(keras.layers.Layer):
    """Base class of the layers below: `augment(x)` in training, x otherwise.

    Args:
        seed: Seed of the noise. `None` draws a random seed.
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.noise = keras.random.SeedGenerator(seed)

    def call(self, x, training=False):
        return self.augment(x) if training else x

    def compute_output_shape(self, input_shape):
        return input_shape

    def uniform(self, shape, low, high):
        """Draw with the layer's own seed generator."""
        return keras.random.uniform(shape, low, high, seed=self.noise)

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="genai_basics")
class RandomAffine(Augmentation):
    """Shifts, rotates, zooms, shears and mirrors pictures (batch, height, width, channels) at once.

    Pixels from outside the picture repeat its edge. Values between pixels are interpolated.

    Args:
        shift: Maximum shift, as a fraction of the height and width; a pair for height, width.
        zoom: Maximum change of size, 0.1 for 10%; a pair for height and width, which then
            change independently.
        rotation: Maximum rotation, in degrees.
        shear: Maximum shear, in degrees.
        mirror: Whether half of the pictures are mirrored horizontally.
        fill: "nearest" repeats the edge, "constant" fills with 0.
    """

    def __init__(
        self, shift=0.1, zoom=0.1, rotation=0.0, shear=0.0, mirror=False, fill="nearest", **kwargs
    ):
        super().__init__(**kwargs)
        self.shift, self.zoom, self.rotation = shift, zoom, rotation
        self.shear, self.mirror, self.fill = shear, mirror, fill

    def augment(self, x):
        n = ops.shape(x)[0]
        height, width = (ops.cast(size, "float32") for size in (ops.shape(x)[1], ops.shape(x)[2]))
        angle = self.uniform((n,), -1, 1) * (self.rotation * math.pi / 180)
        slant = ops.tan(self.uniform((n,), -1, 1) * (self.shear * math.pi / 180))
        both = isinstance(self.zoom, (tuple, list))
        rows, columns = self.zoom if both else (self.zoom, self.zoom)
        scale_rows = self.uniform((n,), -1, 1)
        scale_columns = self.uniform((n,), -1, 1) if both else scale_rows
        scale_rows = ops.exp(scale_rows * math.log1p(rows))
        scale_columns = ops.exp(scale_columns * math.log1p(columns))
        if self.mirror:
            scale_columns = scale_columns * ops.sign(self.uniform((n,), -1, 1))
        down, right = self.shift if isinstance(self.shift, (tuple, list)) else (self.shift,) * 2
        right = self.uniform((n,), -right, right) * width
        down = self.uniform((n,), -down, down) * height
        # Maps (column, row) of the output, relative to the centre, to those of the input.
        cos, sin = ops.cos(angle), ops.sin(angle)
        a = cos * scale_columns
        b = (slant * cos - sin) * scale_rows
        c = sin * scale_columns
        d = (slant * sin + cos) * scale_rows
        middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
        x0 = middle_x - a * middle_x - b * middle_y + right
        y0 = middle_y - c * middle_x - d * middle_y + down
        zero = ops.zeros_like(a)
        transform = ops.stack([a, b, x0, c, d, y0, zero, zero], axis=1)
        return ops.image.affine_transform(x, transform, "bilinear", self.fill)

    def get_config(self):
        names = ("shift", "zoom", "rotation", "shear", "mirror", "fill")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="genai_basics")
class RandomLight(Augmentation):
    """Changes contrast and brightness of standardized pictures, slightly per channel as well.

    Args:
        contrast: Maximum change of the contrast, 0.2 for 20%.
        brightness: Maximum change of the brightness, in standard deviations; half of it is
            drawn for all channels together, half for each.
    """

    def __init__(self, contrast=0.2, brightness=0.4, **kwargs):
        super().__init__(**kwargs)
        self.contrast, self.brightness = contrast, brightness

    def augment(self, x):
        n, channels, half = ops.shape(x)[0], x.shape[-1], self.brightness / 2
        contrast = ops.exp(self.uniform((n, 1, 1, 1), -1, 1) * math.log1p(self.contrast))
        light = self.uniform((n, 1, 1, 1), -half, half)
        return x * contrast + light + self.uniform((n, 1, 1, channels), -half, half)

    def get_config(self):
        config = {"contrast": self.contrast, "brightness": self.brightness}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable(package="genai_basics")
class RandomErasing(Augmentation):
    """Sets a rectangle of each picture to 0 (DeVries & Taylor, 2017, arXiv:1708.04552).

    Args:
        size: Sides of the rectangle, as fractions of the picture's; a pair for height and width.
        count: Number of rectangles.
    """

    def __init__(self, size=0.25, count=1, **kwargs):
        super().__init__(**kwargs)
        self.size, self.count = size, count

    def augment(self, x):
        n, height, width = (ops.shape(x)[i] for i in range(3))
        sizes = self.size if isinstance(self.size, (tuple, list)) else (self.size,) * 2
        for _ in range(self.count):
            inside = []
            for length, size in zip((height, width), sizes, strict=True):
                places = (ops.cast(ops.arange(length), "float32") + 0.5) / ops.cast(
                    length, "float32"
                )
                centre = self.uniform((n, 1), 0, 1)
                half = self.uniform((n, 1), 0, size / 2)
                inside.append(ops.abs(places[None] - centre) < half)
            erased = ops.logical_and(inside[0][:, :, None], inside[1][:, None, :])
            x = ops.where(erased[..., None], ops.cast(0, x.dtype), x)
        return x

    def get_config(self):
        return {**super().get_config(), "size": self.size, "count": self.count}


@keras.saving.register_keras_serializable(package="genai_basics")
class RandomSeries(Augmentation):
    """Slightly scales, jitters and warps standardized series (batch, time, channels).

    Args:
        scale: Maximum change of scale of each channel, 0.1 for 10%.
        jitter: Standard deviation of the noise added to each value.
        warp: Maximum share of the series by which its ends move in time.
    """

    def __init__(self, scale=0.1, jitter=0.03, warp=0.1, **kwargs):
        super().__init__(**kwargs)
        self.scale, self.jitter, self.warp = scale, jitter, warp

    def augment(self, x):
        n, time, channels = (ops.shape(x)[i] for i in range(3))
        length = ops.cast(time, "float32")
        if self.warp:
            start = self.uniform((n, 1), -self.warp, self.warp) * length
            stop = (1 + self.uniform((n, 1), -self.warp, self.warp)) * length
            place = start + (stop - start) * ops.cast(ops.arange(time), "float32") / length
            place = ops.clip(place, 0.0, length - 1)
            left = ops.cast(ops.floor(place), "int32")
            share = (place - ops.floor(place))[..., None]
            right = ops.minimum(left + 1, time - 1)
            left, right = left[..., None], right[..., None]
            before = ops.take_along_axis(x, left, axis=1)
            x = before + share * (ops.take_along_axis(x, right, axis=1) - before)
        if self.scale:
            x = x * (1 + self.uniform((n, 1, channels), -self.scale, self.scale))
        return x + self.jitter * keras.random.normal(ops.shape(x), seed=self.noise)

    def get_config(self):
        names = ("scale", "jitter", "warp")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="genai_basics")
class DifferentiableAugmentation(keras.layers.Layer):
    """Random changes of pictures with gradients (Zhao et al., 2020, DiffAugment).

    They are applied to all real and generated pictures that the discriminator gets, so it cannot
    memorize a small data set, and the generator does not learn to make changed pictures.

    Args:
        policy: Some of `"translation"` (up to an eighth of the side), `"brightness"` (by up to a
            quarter of the range), `"cutout"` (a square of half the side).
        seed: Seed of the changes.
    """

    policies = ("translation", "brightness", "cutout")

    def __init__(self, policy=("translation", "brightness"), seed=None, **kwargs):
        super().__init__(**kwargs)
        self.policy, self.seed = tuple(policy), seed
        self.noise = keras.random.SeedGenerator(seed)
        unknown = [str(name) for name in self.policy if name not in self.policies]
        if unknown:
            raise ValueError(
                f"`augment` takes {', '.join(self.policies)}. Received: {', '.join(unknown)}"
            )

    def call(self, x):
        """Change each picture of x, (batch, height, width, channels) in [-1, 1], independently."""
        for name in self.policy:
            x = getattr(self, name)(x)
        return x

    def uniform(self, x, low, high):
        return keras.random.uniform((ops.shape(x)[0],), low, high, seed=self.noise)

    def brightness(self, x):
        """Add one number to all pixels of a picture."""
        more = ops.cast(self.uniform(x, -0.5, 0.5), x.dtype)
        return x + ops.reshape(more, (-1, 1, 1, 1))

    def translation(self, x):
        """Shift by whole pixels; new pixels are -1, black."""
        for axis in (1, 2):
            size = x.shape[axis]
            reach = max(size // 8, 1)
            shift = ops.cast(ops.floor(self.uniform(x, -reach, reach + 1)), "int32")
            source = ops.arange(size)[None] + shift[:, None]
            inside = ops.cast((source >= 0) & (source < size), x.dtype)
            shape = (-1, size, 1, 1) if axis == 1 else (-1, 1, size, 1)
            index = ops.reshape(ops.clip(source, 0, size - 1), shape)
            x = ops.take_along_axis(x, ops.broadcast_to(index, ops.shape(x)), axis=axis)
            x = (x + 1.0) * ops.reshape(inside, shape) - 1.0
        return x

    def cutout(self, x):
        """Set a square of half the side to the middle of the range."""
        keep = 0.0
        for axis in (1, 2):
            size = x.shape[axis]
            centre = self.uniform(x, 0, size)[:, None]
            far = ops.abs(ops.arange(size, dtype="float32")[None] - centre) > size / 4
            shape = (-1, size, 1, 1) if axis == 1 else (-1, 1, size, 1)
            keep = ops.maximum(keep, ops.reshape(ops.cast(far, x.dtype), shape))
        return x * keep

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "policy": self.policy, "seed": self.seed}
