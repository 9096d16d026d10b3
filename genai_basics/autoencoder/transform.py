"""The linear half of a codec of maps: blocks to channels and back, and where it starts.

It starts as the Karhunen-Loève transform of the data's blocks, which no linear transform of as
many channels betters, with steps of a width that suits the rate; what the convolutions beside it
add starts at nothing. So a codec is never worse than that, and no rate drives its code to zero
before there is something to lose.
"""

import math

import numpy as np
from keras import layers

__all__ = ["analysis", "start", "step_of", "synthesis", "there"]

BLOCKS = 200_000  # that the transform is fitted to, at most


def step_of(rate):
    """Return the width of rounding that suits a rate, in the network's numbers.

    A step s errs by s^2 / 12, and an error D falls with the bits as dD/dR = -2 ln(2) D; the
    loss is least where that slope is the rate.
    """
    return math.sqrt(6.0 * rate / math.log(2.0))


def analysis(x, block, channels, init):
    """Return blocks of x (…, sides, numbers), or x whole, as `channels` numbers each."""
    if block is None:
        return layers.Dense(channels, kernel_initializer=init, name="analysis")(x)
    pads = [(0, -side % block) for side in x.shape[1:-1]]
    if any(pad for _, pad in pads):
        x = layers.ZeroPadding2D(pads)(x) if len(pads) == 2 else layers.ZeroPadding1D(pads[0])(x)
    layer = layers.Conv2D if len(pads) == 2 else layers.Conv1D
    return layer(channels, block, block, kernel_initializer=init, name="analysis")(x)


def synthesis(z, block, numbers, init):
    """Return blocks of codes z again, side by side, of so many numbers at each place."""
    if block is None:
        return layers.Dense(numbers, kernel_initializer=init, name="synthesis")(z)
    layer = layers.Conv2DTranspose if len(z.shape) == 4 else layers.Conv1DTranspose
    return layer(numbers, block, block, kernel_initializer=init, name="synthesis")(z)


def there(encoder):
    """Say whether an encoder has such a half, as those of `build_autoencoder` do."""
    return any(layer.name == "analysis" for layer in encoder.layers)


def start(encoder, decoder, x, step):
    """Set both to the Karhunen-Loève transform of x (n, …), in steps of `step`."""
    forth, back = encoder.get_layer("analysis"), decoder.get_layer("synthesis")
    if len(forth.kernel.shape) == 2:
        blocks = x.reshape(len(x), -1)
        mean = centre = blocks.mean(axis=0)
    else:
        blocks = _blocks(x, forth.kernel.shape[0])
        mean = x.mean(axis=tuple(range(x.ndim - 1)))
        centre = np.tile(mean, blocks.shape[1] // len(mean))
    vectors = _principal(blocks[:: -(-len(blocks) // BLOCKS)] - centre, forth.kernel.shape[-1])
    forth.kernel.assign((vectors / step).reshape(forth.kernel.shape))
    forth.bias.assign(-centre @ vectors / step)
    turned = vectors.T if len(back.kernel.shape) == 2 else vectors
    back.kernel.assign((turned * step).reshape(back.kernel.shape))
    back.bias.assign(mean)


def _principal(rows, count):
    """Return the first `count` principal directions of rows (n, d), (d, count); 0 beyond them."""
    if len(rows) < rows.shape[1]:
        directions = np.linalg.svd(rows, full_matrices=False)[2].T
    else:
        directions = np.linalg.eigh(rows.T @ rows)[1][:, ::-1]
    directions = directions[:, :count]
    return np.pad(directions, [(0, 0), (0, count - directions.shape[1])])


def _blocks(x, block):
    """Return all whole blocks of x as rows."""
    sides = [side // block for side in x.shape[1:-1]]
    x = x[(slice(None), *(slice(0, side * block) for side in sides))]
    if len(sides) == 1:
        return x.reshape(-1, block * x.shape[-1])
    x = x.reshape(len(x), sides[0], block, sides[1], block, x.shape[-1])
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(-1, block * block * x.shape[-1])
