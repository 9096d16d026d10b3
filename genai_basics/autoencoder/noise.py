"""Noise to take away again, and pictures of any size in tiles of the network's."""

import keras
import numpy as np
from keras import ops

from ..data.images import tile_starts

__all__ = ["NOISES", "Corruption", "blind_spots", "in_tiles"]

NOISES = ("gaussian", "mask", "salt_pepper", "poisson")
BLIND = 0.15  # share of pixels that noise2void hides in a step; fewer teach less of each


@keras.saving.register_keras_serializable(package="genai_basics")
class Corruption(keras.layers.Layer):
    """Adds noise to x, in the network's numbers.

    Args:
        noise: "gaussian": x + level * e. "mask": numbers are set to 0. "salt_pepper": numbers
            are set to 0 or 1. "poisson": counts of light, x with variance level^2 * x.
        level: See `build_autoencoder`; a pair is drawn between, for each example.
        bounded: Whether the data lie in [0, 1]. Half of the examples are then cut off there
            in training, as files are, so that a denoiser knows both.
    """

    def __init__(self, noise, level, bounded=True, **kwargs):
        super().__init__(**kwargs)
        self.noise, self.level, self.bounded = noise, level, bounded

    @property
    def reach(self):
        """How far noise leaves the range of x in the most extreme of cases, in its widths."""
        return 6.0 * float(np.max(self.level)) if self.noise in ("gaussian", "poisson") else 0.0

    def call(self, x, seed, training=True):
        """Return x with noise drawn from the `SeedGenerator` seed."""
        one_each = (ops.shape(x)[0],) + (1,) * (len(x.shape) - 1)
        levels = self.level if isinstance(self.level, (tuple, list)) else (self.level,) * 2
        level = keras.random.uniform(one_each, *map(float, levels), seed=seed)
        if self.noise == "gaussian":
            noisy = x + level * keras.random.normal(ops.shape(x), seed=seed)
        elif self.noise == "poisson":
            noisy = self._counts(x, level, seed)
        else:
            lost = keras.random.uniform(ops.shape(x), seed=seed) < level
            salt = keras.random.uniform(ops.shape(x), seed=seed) < 0.5
            other = ops.cast(salt, x.dtype) if self.noise == "salt_pepper" else ops.zeros_like(x)
            noisy = ops.where(lost, other, x)
        if not (self.bounded and training):
            return noisy
        cut = keras.random.uniform(one_each, seed=seed) < 0.5
        return ops.where(cut, ops.clip(noisy, 0.0, 1.0), noisy)

    def _counts(self, x, level, seed):
        """Poisson counts, as a normal of the same mean and variance (good from some ten on)."""
        deviation = level * ops.sqrt(ops.maximum(x, 0.0))
        return x + deviation * keras.random.normal(ops.shape(x), seed=seed)

    def get_config(self):
        own = {"noise": self.noise, "level": self.level, "bounded": self.bounded}
        return {**super().get_config(), **own}


def blind_spots(x, seed):
    """Return x with few pixels replaced by neighbours, and a mask of where (Krull et al., 2019).

    Each hidden pixel takes the value of one of four neighbours within 2 pixels, drawn anew in
    each step, so that a network cannot find the pixel's own value and learns the mean of what
    its surroundings allow.

    Args:
        x: Pictures (batch, height, width, channels).
        seed: The `SeedGenerator` to draw from.

    Returns:
        Pictures of that shape, and a mask (batch, height, width, 1) of 0 and 1.
    """
    shape = (*ops.shape(x)[:3], 1)
    choice = keras.random.randint(shape, 0, 4, seed=seed)
    hidden = ops.cast(keras.random.uniform(shape, seed=seed) < BLIND, x.dtype)
    moved = ops.zeros_like(x)
    for i in range(4):
        signs = np.array([1 - 2 * (i & 1), 1 - (i & 2)], "int32")
        step = keras.random.randint((2,), 1, 3, seed=seed) * signs
        neighbour = ops.roll(x, (step[0], step[1]), axis=(1, 2))
        moved = moved + ops.cast(choice == i, x.dtype) * neighbour
    return x + hidden * (moved - x), hidden


def in_tiles(function, x, tile, overlap=16):
    """Apply `function` to x of any size in tiles of one size, without seams.

    Neighbouring tiles overlap by `overlap` or half a tile, whichever is less, and are blended
    with weights that fall smoothly to each tile's border.

    Args:
        function: Maps tiles (n, *tile) to tiles of that shape.
        x: One example, (height, width, channels) or (time, channels).
        tile: Shape of a tile; its last axis is x's.

    Returns:
        Array of the shape of x, float32.
    """
    x = np.asarray(x)
    sides = x.shape[:-1]
    pads = [(0, max(size - side, 0)) for size, side in zip(tile, sides, strict=False)]
    padded = np.pad(x, [*pads, (0, 0)], mode="symmetric" if min(sides) else "constant")
    starts = [tile_starts(n, t, overlap) for n, t in zip(padded.shape, tile[:-1], strict=False)]
    window = np.ones(tile[:-1], "float32")
    for axis, size in enumerate(tile[:-1]):
        ramp = np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2
        window *= ramp.astype("float32").reshape(
            [-1 if i == axis else 1 for i in range(window.ndim)]
        )
    window = window[..., None]
    total = np.zeros(padded.shape, "float32")
    weight = np.zeros((*padded.shape[:-1], 1), "float32")
    for first in starts[0]:  # a row of tiles at a time: photographs would not fit in memory
        corners = [(first, *rest) for rest in _grid(starts[1:])]
        places = [
            tuple(slice(c, c + t) for c, t in zip(corner, tile, strict=False)) for corner in corners
        ]
        outputs = function(np.stack([padded[place] for place in places]))
        for place, output in zip(places, outputs, strict=True):
            total[place] += window * output
            weight[place] += window
    return (total / weight)[tuple(slice(side) for side in sides)]


def _grid(axes):
    if not axes:
        return [()]
    return [(first, *rest) for first in axes[0] for rest in _grid(axes[1:])]
