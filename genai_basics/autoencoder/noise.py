"""The noise that a denoiser learns to remove."""

import keras
import numpy as np
from keras import ops

from ..model import EVALUATION_SEED

__all__ = ["NOISES", "Corruption", "blind_spots", "clean_examples", "corrupted"]

NOISES = ("gaussian", "mask", "salt_pepper", "poisson")
BLIND = 0.15  # fraction of pixels that noise2void hides per step; fewer are a weaker signal


@keras.saving.register_keras_serializable(package="genai_basics")
class Corruption(keras.layers.Layer):
    """Adds noise to x, in network space.

    Args:
        noise: "gaussian": x + level * e. "mask": elements are set to 0. "salt_pepper": elements
            are set to 0 or 1. "poisson": photon counts, x with variance level^2 * x.
        level: See `build_autoencoder`; for a pair, each example draws a level between the two.
        bounded: Whether the data are in [0, 1]. Half of the examples are then clipped to it
            in training, as in files, so that a denoiser learns both.
    """

    def __init__(self, noise, level, bounded=True, **kwargs):
        super().__init__(**kwargs)
        self.noise, self.level, self.bounded = noise, level, bounded
        self.built = True

    @property
    def reach(self):
        """How far noise can exceed the range of x, as a multiple of its width."""
        return 6.0 * float(np.max(self.level)) if self.noise in ("gaussian", "poisson") else 0.0

    def call(self, x, seed, training=True):
        """Return x with noise, drawn with the `SeedGenerator` seed."""
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
        """Return Poisson counts, approximated by a normal distribution (accurate from about 10)."""
        deviation = level * ops.sqrt(ops.maximum(x, 0.0))
        return x + deviation * keras.random.normal(ops.shape(x), seed=seed)

    def get_config(self):
        own = {"noise": self.noise, "level": self.level, "bounded": self.bounded}
        return {**super().get_config(), **own}


def corrupted(model, x, seed=0):
    """Return x with the noise that the model was trained on, which may exceed the range."""
    if model.corruption is None:
        raise ValueError("this autoencoder was built without `noise`")
    model.evaluation_noise.state.assign([EVALUATION_SEED + seed, 0])

    def corrupt_prepared(x):
        numbers = model.preprocessor(x)
        return model.corruption(numbers, seed=model.evaluation_noise, training=False)

    noisy = model.map_batches(corrupt_prepared, *model.prepare(x)[:1])
    if model.value_range is None:
        return model.preprocessor.invert(noisy)
    low, high = model.value_range
    return noisy * (high - low) + low


def clean_examples(model, y):
    """Return y if it holds clean examples; labels, a number or word each, are not read.

    Raises:
        ValueError: If y has neither the shape of x nor that of labels.
    """
    if y is None or np.ndim(y[0]) == 0:
        return None
    y, shape = model.preprocessor.as_array(y), model.preprocessor.shape
    if y.shape[1:] != shape:
        raise ValueError(
            f"y must hold clean examples of the shape of x, {shape}. Received: shape {y.shape[1:]}"
        )
    return y


def blind_spots(x, seed):
    """Return x with some pixels replaced by neighbours, and their mask (Krull et al., 2019).

    Each hidden pixel gets the value of one of four neighbours within 2 pixels, drawn at every
    step, so the network cannot see the pixel's own value and learns its mean given the
    surroundings.

    Args:
        x: Pictures (batch, height, width, channels).
        seed: The `SeedGenerator` to draw with.

    Returns:
        Pictures of the same shape, and a mask (batch, height, width, 1) of 0 and 1.
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
