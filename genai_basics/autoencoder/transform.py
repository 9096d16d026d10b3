"""The linear part of an autoencoder: maps vectors, or blocks of a picture, to a code and back.

It is initialized to the Karhunen-Loève transform of the data (their principal components), the
best linear transform to a code of this size; the networks' contribution starts at 0. So an
autoencoder starts as good as principal components, and the rate of a codec does not drive its
code to zero before the code is useful.
"""

import math

import numpy as np
from keras import layers

from ..backend import value_of
from ..layers import Shift
from ..layers.blocks import crop

__all__ = ["analysis", "start", "step_of", "synthesis"]

BLOCKS = 200_000  # maximum number of blocks that the transform is fitted to


def step_of(rate):
    """Return the best rounding step for a rate, in network space.

    A step s causes an error of s^2 / 12, and an error D decreases with the bits as
    dD/dR = -2 ln(2) D; the loss is minimal where the magnitude of that slope equals the rate.
    """
    return math.sqrt(6.0 * rate / math.log(2.0))


def analysis(x, block, channels, init):
    """Map x (…, numbers), or each block of it, to `channels` numbers."""
    if block is None:
        x = layers.Flatten()(x)
        return layers.Dense(channels, kernel_initializer=init, name="analysis")(x)
    pads = [(0, -side % block) for side in x.shape[1:-1]]
    if any(pad for _, pad in pads):
        x = layers.ZeroPadding2D(pads)(x) if len(pads) == 2 else layers.ZeroPadding1D(pads[0])(x)
    layer = layers.Conv2D if len(pads) == 2 else layers.Conv1D
    return layer(channels, block, block, kernel_initializer=init, name="analysis")(x)


def synthesis(z, block, shape, init):
    """Map codes z, or the codes of blocks, to numbers of `shape`."""
    if block is None:
        z = layers.Dense(math.prod(shape), kernel_initializer=init, name="synthesis")(z)
        return layers.Reshape(shape)(z)
    layer = layers.Conv2DTranspose if len(shape) == 3 else layers.Conv1DTranspose
    return crop(layer(shape[-1], block, block, kernel_initializer=init, name="synthesis")(z), shape)


def start(encoder, decoder, x, step=None):
    """Set the means and the linear parts from examples x (n, …), in network space.

    Args:
        encoder, decoder: From `build_autoencoder`; others are not changed, nor are frozen ones or
            those that an earlier training run initialized.
        x: Examples, NumPy.
        step: Unit of the code. `None`: the code has a mean square of 1.
    """
    linear = [
        layer
        for layer in (*encoder.layers, *decoder.layers)
        if isinstance(layer, Shift) or layer.name in ("analysis", "synthesis")
    ]
    started = any(isinstance(layer, Shift) and layer.started for layer in linear)
    if started or not all(layer.trainable for layer in linear):
        return
    names = {layer.name for layer in linear}
    if "less_mean" in names:
        for network, name in ((encoder, "less_mean"), (decoder, "and_mean")):
            network.get_layer(name).start(x)
        x = x - value_of(encoder.get_layer("less_mean").mean)
    if "analysis" not in names:
        return
    forth, back = encoder.get_layer("analysis"), decoder.get_layer("synthesis")
    whole = len(forth.kernel.shape) == 2
    rows = x.reshape(len(x), -1) if whole else _blocks(x, forth.kernel.shape[0])
    mean = rows.mean(axis=0) if whole else np.zeros(x.shape[-1], "float32")
    rows = rows[:: -(-len(rows) // BLOCKS)] - (mean if whole else 0.0)
    vectors = _principal(rows, forth.kernel.shape[-1])
    step = step or max(float(np.sqrt(np.square(rows @ vectors).mean())), 1e-6)
    forth.kernel.assign((vectors / step).reshape(forth.kernel.shape))
    forth.bias.assign(-mean @ vectors / step if whole else np.zeros(forth.bias.shape))
    turned = vectors.T if whole else vectors
    back.kernel.assign((turned * step).reshape(back.kernel.shape))
    back.bias.assign(mean)


def _principal(rows, count):
    """Return the first `count` principal directions of rows (n, d), (d, count), padded with 0."""
    if len(rows) < rows.shape[1]:
        directions = np.linalg.svd(rows, full_matrices=False)[2].T
    else:
        directions = np.linalg.eigh(rows.T @ rows)[1][:, ::-1]
    directions = directions[:, :count]
    return np.pad(directions, [(0, 0), (0, count - directions.shape[1])])


def _blocks(x, block):
    """Return all complete blocks of x as rows."""
    sides = [side // block for side in x.shape[1:-1]]
    x = x[(slice(None), *(slice(0, side * block) for side in sides))]
    if len(sides) == 1:
        return x.reshape(-1, block * x.shape[-1])
    x = x.reshape(len(x), sides[0], block, sides[1], block, x.shape[-1])
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(-1, block * block * x.shape[-1])
