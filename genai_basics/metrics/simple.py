"""What a simple method reaches without a trained network: ridge regression on random features.

Series and pictures are described by random convolutions (Dempster et al., 2020, ROCKET,
https://arxiv.org/abs/1910.13051; Coates & Ng, 2012), vectors by their numbers.
"""

import math

import keras
import numpy as np
from keras import layers, ops

__all__ = ["random_convolutions", "ridge_predictions"]

KERNELS = 128  # of pictures, and of each dilation of series
MEMORY = 2**25  # numbers in the maps that are computed at a time
STRENGTHS = np.logspace(-1, 5, 7)  # of the ridge, chosen by leave-one-out


def ridge_predictions(x, y, others, *, classes=False):
    """Return the predictions of ridge regression for other examples.

    Args:
        x: Examples (n, numbers), (n, steps, channels) or (n, height, width, channels), floats.
        y: Labels (n,) as integers, or values (n, outputs).
        others: Examples to predict, like x.
        classes: Whether y holds labels.

    Returns:
        Labels (m,) or values (m, outputs).

    Example:

    >>> x = np.arange(20.0)[:, None]
    >>> ridge_predictions(x, 3 * x, np.array([[30.0]])).round().ravel()
    array([90.])
    """
    from sklearn.linear_model import RidgeClassifierCV, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if np.ndim(x) > 2:
        x, others = random_convolutions(x), random_convolutions(others)
    ridge = RidgeClassifierCV if classes else RidgeCV
    return make_pipeline(StandardScaler(), ridge(STRENGTHS)).fit(x, y).predict(others)


def random_convolutions(x, seed=0):
    """Return features (n, d) of series or pictures: how often and how much random kernels fire.

    Args:
        x: Series (n, steps, channels) or pictures (n, height, width, channels), floats.
        seed: Seed of the kernels.
    """
    describe = _of_series if np.ndim(x) == 3 else _of_pictures
    network = describe(x.shape[1:], keras.random.SeedGenerator(seed))
    size = max(1, MEMORY // (KERNELS * math.prod(x.shape[1:-1])))
    return np.concatenate(
        [ops.convert_to_numpy(network(x[i : i + size])) for i in range(0, len(x), size)]
    )


def _of_series(shape, seed):
    """Return a network: the share above 0 and the maximum of kernels of rising dilations."""
    inputs, found, dilation = keras.Input(shape), [], 1
    while True:
        x = layers.Conv1D(KERNELS, 9, 1, "same", dilation_rate=dilation, **_random(seed))(inputs)
        found += [ops.mean(ops.cast(x > 0, "float32"), axis=1), ops.max(x, axis=1)]
        dilation *= 2
        if 8 * dilation >= shape[0]:
            return keras.Model(inputs, ops.concatenate(found, axis=-1))


def _of_pictures(shape, seed):
    """Return a network: of kernels of 5x5 pixels, the mean above 0 in each of 3x3 regions."""
    inputs = keras.Input(shape)
    x = layers.Conv2D(KERNELS, 5, 1, "same", activation="relu", **_random(seed))(inputs)
    regions = [-(-side // 3) for side in shape[:2]]
    x = layers.AveragePooling2D(regions, padding="same")(x)
    return keras.Model(inputs, layers.Flatten()(x))


def _random(seed):
    draw = keras.initializers.RandomNormal
    return {"kernel_initializer": draw(0.0, 1.0, seed), "bias_initializer": draw(0.0, 1.0, seed)}
