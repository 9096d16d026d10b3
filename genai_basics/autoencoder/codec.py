"""`Codec`: what an autoencoder with a rate does with files, beside what it does with arrays."""

import io
import math

import numpy as np
from keras import ops

from .. import metrics, plotting
from ..model import Model
from .compression import fingerprint, pack, unpack

__all__ = ["Codec"]

QUALITIES = (1, 5, 10, 20, 40, 60, 80, 90)  # of the codecs that the picture compares


class Codec(Model):
    """The verbs that pack codes; a base of `Autoencoder`, whose `entropy` they need."""

    @property
    def model_id(self):
        """8 bytes that tell this model's compressed files from another's."""
        self._check_codec()
        weights = [self.entropy.frequencies, *self.decoder.weights]
        return fingerprint([ops.convert_to_numpy(weight) for weight in weights])

    def _check_codec(self):
        if self.entropy is None:
            raise ValueError(
                "this autoencoder does not compress: build it with a `rate` (--set rate=0.01)"
            )

    def compress(self, x, names=None):
        """Return pictures (or other examples) as the bytes of one compressed file.

        Args:
            x: Examples as `fit` takes them, or a list of pictures of any sizes: what is larger
                than the network's is cut into tiles, side by side.
            names: Names to keep in the file, one for each.
        """
        self._check_codec()
        shape = tuple(self.input_shape_of_one())
        facts = {"n": len(x)}
        if names is not None:
            facts["names"] = [str(name) for name in names]
        if not (hasattr(x, "shape") and tuple(x.shape[1:]) == shape):
            x = [self._as_example(item) for item in x]
            facts["sizes"] = [item.shape[:-1] for item in x]
            x = np.concatenate([_split(item, shape) for item in x])
        codes = self.encode(x).astype("int32")
        return pack(self.model_id, facts, self.entropy.encode(codes))

    def decompress(self, data):
        """Return what `compress` was given, as the model reconstructs it.

        Returns:
            `(examples, names)`: an array, or a list where sizes differ; names or None.

        Raises:
            CodecError: The file is damaged, or of another model or version.
        """
        self._check_codec()
        facts, body = unpack(data, self.model_id)
        shape, inner = tuple(self.input_shape_of_one()), tuple(self.decoder.inputs[0].shape[1:])
        sizes = facts.get("sizes")
        counts = [1] * facts["n"] if sizes is None else [_tiles(size, shape) for size in sizes]
        codes = self.entropy.decode(body, sum(counts) * math.prod(inner))
        x = self.decode(codes.reshape(-1, *inner))
        if sizes is not None:
            parts = np.split(x, np.cumsum(counts)[:-1])
            x = [_join(tiles, size) for tiles, size in zip(parts, sizes, strict=True)]
        return x, facts.get("names")

    def rate_distortion(self, x):
        """Return a figure of this codec beside WebP and JPEG, `{}` where it cannot be drawn.

        All write the pictures x side by side as one sheet, with everything counted.
        """
        side = math.isqrt(len(x))
        x = x[: side**2]
        if side < 2 or x.shape[-1] not in (1, 3) or x.dtype != np.uint8:
            return {}
        rows = x.reshape(side, side, *x.shape[1:]).transpose(0, 2, 1, 3, 4)
        sheet = rows.reshape(side * x.shape[1], side * x.shape[2], x.shape[-1])
        data = self.compress(x)
        ours = (8 * len(data) / x[..., 0].size, metrics.psnr(x, self.decompress(data)[0]))
        curves = {"this model": [ours]}
        for name in ("webp", "jpeg"):
            files = [_written(sheet, name, quality) for quality in QUALITIES]
            curves[name] = [
                (8 * size / sheet[..., 0].size, metrics.psnr(sheet[None], again[None]))
                for size, again in files
            ]
        return {"rate_distortion": plotting.rate_distortion(curves)}


def _written(image, name, quality):
    """Return the bytes that a picture takes in a format of Pillow's, and the picture again."""
    from PIL import Image

    file = io.BytesIO()
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    picture.save(file, name, quality=quality)
    again = np.asarray(Image.open(file).convert(picture.mode))
    return len(file.getvalue()), again.reshape(image.shape)


def _tiles(size, tile):
    return math.prod(math.ceil(side / t) for side, t in zip(size, tile, strict=False))


def _split(x, tile):
    """Cut x (sides of any size) into tiles side by side, the last ones filled with the border."""
    pads = [(0, -side % t) for side, t in zip(x.shape, tile[:-1], strict=False)]
    x = np.pad(x, [*pads, (0, 0)], mode="edge")
    counts = [side // t for side, t in zip(x.shape, tile[:-1], strict=False)]
    if len(counts) == 1:
        return x.reshape(counts[0], *tile)
    x = x.reshape(counts[0], tile[0], counts[1], *tile[1:])
    return x.transpose(0, 2, 1, 3, 4).reshape(-1, *tile)


def _join(tiles, size):
    """Undo `_split`."""
    tile = tiles.shape[1:]
    if len(size) == 1:
        return tiles.reshape(-1, tile[-1])[: size[0]]
    counts = [math.ceil(side / t) for side, t in zip(size, tile, strict=False)]
    x = tiles.reshape(*counts, *tile).transpose(0, 2, 1, 3, 4)
    return x.reshape(counts[0] * tile[0], -1, tile[2])[: size[0], : size[1]]
