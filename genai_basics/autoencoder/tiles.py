"""Processes pictures and series of any size in tiles of the network's size."""

import math

import numpy as np

from ..data.images import tile_starts

__all__ = ["as_example", "count_tiles", "in_tiles", "join", "reconstruct", "split"]


def in_tiles(function, x, tile, overlap=16):
    """Apply `function` to x, of any size, in tiles of a fixed size, without seams.

    Neighbouring tiles overlap by `overlap` or half a tile, whichever is less, and are blended
    with weights that decrease smoothly towards each tile's border.

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
    for first in starts[0]:  # one row of tiles at a time, so that photographs fit into memory
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


def count_tiles(size, tile):
    """Return the number of tiles that `split` makes from an example of `size`."""
    return math.prod(math.ceil(side / t) for side, t in zip(size, tile, strict=False))


def split(x, tile):
    """Cut x, of any size, into tiles without overlap; the last ones repeat the border."""
    pads = [(0, -side % t) for side, t in zip(x.shape, tile[:-1], strict=False)]
    x = np.pad(x, [*pads, (0, 0)], mode="edge")
    counts = [side // t for side, t in zip(x.shape, tile[:-1], strict=False)]
    if len(counts) == 1:
        return x.reshape(counts[0], *tile)
    x = x.reshape(counts[0], tile[0], counts[1], *tile[1:])
    return x.transpose(0, 2, 1, 3, 4).reshape(-1, *tile)


def join(tiles, size):
    """Invert `split`."""
    tile = tiles.shape[1:]
    if len(size) == 1:
        return tiles.reshape(-1, tile[-1])[: size[0]]
    counts = [math.ceil(side / t) for side, t in zip(size, tile, strict=False)]
    x = tiles.reshape(*counts, *tile).transpose(0, 2, 1, 3, 4)
    return x.reshape(counts[0] * tile[0], -1, tile[2])[: size[0], : size[1]]


def reconstruct(model, x):
    """Return reconstructions of x: denoised, if the model was trained with noise.

    Examples larger or smaller than the network's input are processed in tiles.

    Args:
        model: The autoencoder.
        x: Examples as for `fit`, or a list of pictures or clips of any sizes.

    Returns:
        An array if x is one, otherwise a list.
    """
    shape = tuple(model.preprocessor.shape)
    if hasattr(x, "shape") and tuple(x.shape[1:]) == shape:
        return model.predict(x, verbose=0)

    def through(tiles):
        return model.map_batches(model.reconstruct_batch, model.preprocessor.prepare(tiles))

    tiled = [in_tiles(through, as_example(model, item), shape) for item in x]
    outputs = [model.preprocessor.invert(item[None])[0] for item in tiled]
    if model.sample_rate:
        outputs = [output[..., 0] for output in outputs]
    return np.stack(outputs) if hasattr(x, "shape") else outputs


def as_example(model, x):
    """Return one raw example of any size as an array with a channel axis."""
    x, shape = np.asarray(x), tuple(model.preprocessor.shape)
    x = x[..., None] if model.sample_rate and x.ndim == 1 else x
    if len(shape) == 1 or x.ndim != len(shape) or x.shape[-1] != shape[-1] or not x.size:
        raise ValueError(
            f"{model.name} takes examples of shape ({', '.join(map(str, shape))}), or other "
            f"sizes with as many axes and channels. Received: shape {x.shape}"
        )
    return x
