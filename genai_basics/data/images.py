"""Pictures: decoding with Pillow, converting size, colour and scale; folders as sequences."""

import functools
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from .. import limits

__all__ = ["IMAGE_SUFFIXES", "ImageFiles", "decode_image", "open_image", "resize_images"]

IMAGE_SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jfif", ".jpe", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".gif"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".jp2", ".avif", ".heic", ".heif"),
)
# Allowed decoders; others start programs (EPS) or do not read pictures.
FORMATS = ("PNG", "JPEG", "MPO", "BMP", "DIB", "WEBP", "TIFF", "GIF", "PPM", "TGA", "JPEG2000")
FORMATS += ("AVIF", "HEIF")
IN_MEMORY = 2**30  # bytes: a folder that decodes to less is loaded into memory
CHANNELS = {"grey": 1, "rgb": 3}
FITS = ("stretch", "crop", "tiles")
DEEP_MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N", "F")  # more than 8 bits
GREY_MODES = ("1", "L", "LA", *DEEP_MODES)


class ImageFiles(Sequence):
    """A folder of pictures as a sequence of uint8 arrays, read and resized on demand.

    Args:
        files: Paths.
        shape: (height, width, channels) of every picture.
        fit, scale: As in `decode_image`.

    Example:

    >>> pictures = ImageFiles(paths, (64, 64, 3))  # doctest: +SKIP
    >>> pictures[:8].shape  # doctest: +SKIP
    (8, 64, 64, 3)
    """

    dtype = np.dtype("uint8")

    def __init__(self, files, shape, fit="stretch", scale=None):
        self.files, self.fit, self.scale = [Path(file) for file in files], fit, scale
        self.shape = (len(self.files), *shape)
        self.ndim = len(self.shape)

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        if isinstance(index, (int, np.integer)):
            return self._decode(self.files[index])
        if isinstance(index, slice):
            files = self.files[index]
        else:
            index = np.asarray(index)
            index = np.flatnonzero(index) if index.dtype == bool else index.astype("int64")
            files = [self.files[i] for i in index]
        images = np.empty((len(files), *self.shape[1:]), "uint8")
        with ThreadPoolExecutor(4) as pool:
            for i, image in enumerate(pool.map(self._decode, files)):
                images[i] = image
        return images

    def _decode(self, file):
        return decode_image(file, self.shape[1:], self.fit, self.scale)

    def __array__(self, dtype=None, copy=None):
        images = self[:]
        return images if dtype is None else images.astype(dtype)

    def take_files(self, indices):
        """Return the `ImageFiles` of the pictures at `indices`, without reading them."""
        files = [self.files[int(i)] for i in indices]
        return ImageFiles(files, self.shape[1:], self.fit, self.scale)


def decode_image(file, shape=None, fit="stretch", scale=None):
    """Return the picture in `file` (path or open file) as uint8 (height, width, channels).

    Args:
        file: Path or binary file. The EXIF orientation is applied, and transparent pixels
            become white.
        shape: (height, width, channels) to convert to. `None` keeps size and mode; `None` for
            height and width keeps the size.
        fit: "stretch" to `shape`, "crop" to its aspect ratio first, or "tiles": cut out the
            centre of a larger picture without resizing.
        scale: (low, high), the values that become black and white in pictures of more than
            8 bits. `None` uses `scale_of` this picture.

    Raises:
        ValueError: The file holds no readable picture.
    """
    from PIL import Image, ImageOps

    try:
        with open_image(file) as image:
            image.load()
            image = ImageOps.exif_transpose(image)
            if image.mode in DEEP_MODES:
                extremes = extremes_of(image)
    except Exception as error:  # Pillow raises many types for broken files
        raise ValueError(f"'{file}' cannot be read as a picture: {why(error, file)}.") from error
    channels = shape[2] if shape else (1 if image.mode in GREY_MODES else 3)
    if image.mode in DEEP_MODES:
        values = np.asarray(image, "float64")
        low, high = scale or scale_of([extremes])
        values = (values - low) * (255 / (high - low))
        image = Image.fromarray(values.clip(0, 255).round().astype("uint8"))
    if "A" in image.mode or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    image = image.convert("L" if channels == 1 else "RGB")
    if shape and None not in shape and image.size != (shape[1], shape[0]):
        top, left, height, width = _middle((image.height, image.width), shape[:2], fit)
        image = image.crop((left, top, left + width, top + height))
        image = image.resize((shape[1], shape[0]), Image.Resampling.LANCZOS)
    array = np.asarray(image)
    return array[:, :, None] if channels == 1 else array


def open_image(file):
    """Open a picture with an allowed decoder, without reading its pixels."""
    from PIL import Image

    if str(file).lower().endswith((".heic", ".heif")):
        _register_heif()
    if isinstance(file, (str, Path)):
        limits.regular(file)
    Image.init()
    image = Image.open(file, formats=[name for name in FORMATS if name in Image.OPEN])
    limits.check("pixels", image.width * image.height, getattr(file, "name", file))
    return image


@functools.cache
def _register_heif():
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise ValueError("it needs pip install 'genai_basics[heic]', or save it as JPEG") from error
    register_heif_opener()


def scale_of(extremes):
    """Return the values (low, high) for black and white, from all [(mode, lowest, highest)].

    For integers, black is 0 unless some are negative, and white is the smallest maximum of 8,
    10, 12, 14 or 16 bits that bounds them all; floats within 0 to 1 or 0 to 255 keep that range.
    """
    low = min(lowest for _, lowest, _ in extremes)
    high = max(highest for *_, highest in extremes)
    whole = all(mode != "F" for mode, *_ in extremes)
    tops = [2**bits - 1 for bits in (8, 10, 12, 14, 16)] if whole else [1, 255]
    top = next((top for top in tops if high <= top), None)
    if low < 0 or top is None:
        return float(min(low, 0) if whole else low), float(high if high > low else low + 1)
    return 0.0, float(top)


def extremes_of(image):
    """Return (mode, lowest value, highest value) of a picture."""
    values = np.asarray(image)
    if not np.isfinite(values).all():
        raise ValueError("it holds NaN or infinite values")
    return image.mode, float(values.min()), float(values.max())


def why(error, path=""):
    """Return a few words on why Pillow cannot read a picture."""
    text = " ".join(str(error).removeprefix(f"'{path}' ").split()) or type(error).__name__
    return "no picture" if "cannot identify" in text else text[:200].rstrip(".")


def read_each(files, read):
    """Return {file: result of `read`, or text that says why it cannot be read}."""

    def attempt(file):
        try:
            return read(file)
        except Exception as error:  # Pillow raises many types for broken files
            return why(error.__cause__ or error)

    with ThreadPoolExecutor(4) as pool:
        return dict(zip(files, pool.map(attempt, files), strict=True))


def to_picture(array):
    """Return a uint8 array (height, width, channels) as a Pillow image."""
    from PIL import Image

    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def picture_frame(file):
    """Return ((width, height) as stored, EXIF orientation) of a picture."""
    with open_image(file) as image:
        return image.size, orientation_of(image)


def orientation_of(image):
    """Return the EXIF orientation of a picture, 1 to 8; 1 means upright."""
    from PIL import Image

    exif = Image.Exif()
    exif.load(image.info.get("exif", b""))  # getexif() would decode a PNG
    orientation = exif.get(0x0112, 1)
    return orientation if orientation in range(1, 9) else 1


def cut_tiles(image, size):
    """Cut a picture (height, width, channels) into adjacent tiles (n, *size, channels).

    The last tiles of a row or column end at the picture's edge, so they may overlap others.
    """
    if any(side < wanted for side, wanted in zip(image.shape, size, strict=False)):
        raise ValueError(f"smaller than a tile of {size[0]}x{size[1]}")
    rows, columns = map(tile_starts, image.shape, size)
    height, width = size
    return np.stack([image[r : r + height, c : c + width] for r in rows for c in columns])


def tile_starts(side, tile, overlap=0):
    """Return the offsets of evenly spaced tiles that cover a side from end to end.

    Neighbours overlap by at least `overlap` or half a tile, whichever is less.
    """
    step = tile - min(overlap, tile // 2)
    count = 1 + math.ceil((side - tile) / step)
    return np.linspace(0, side - tile, count).round().astype(int).tolist()


def middle_of(images, size, fit):
    """Crop pictures (n, h, w, c) to the region that `fit` later resizes to `size`."""
    if size is None:
        return images
    top, left, height, width = _middle(images.shape[1:3], size, fit)
    return images[:, top : top + height, left : left + width]


def _middle(sides, size, fit):
    """Return (top, left, height, width) of the region that `fit` keeps; see `decode_image`."""
    if fit == "stretch":
        return 0, 0, *sides
    scale = min(side / wanted for side, wanted in zip(sides, size, strict=True))
    if fit == "tiles":
        scale = min(scale, 1.0)
    kept = [max(1, round(wanted * scale)) for wanted in size]
    return *((side - k) // 2 for side, k in zip(sides, kept, strict=True)), *kept


def check_size(image_size):
    """Return (height, width) for a size given as one number or two; None for None."""
    if image_size is None:
        return None
    size = image_size if isinstance(image_size, (tuple, list)) else (image_size, image_size)
    if len(size) != 2 or not all(isinstance(side, (int, np.integer)) and side > 0 for side in size):
        raise ValueError(
            "`image_size` must be a number of pixels or (height, width). "
            f"Received: image_size={image_size!r}"
        )
    return tuple(int(side) for side in size)


def resize_images(images, size=None, color=None, value_range=(0, 255)):
    """Convert `images` (n, h, w, c) to `size` and `color`, with the same type and range."""
    from PIL import Image

    n, height, width, channels = images.shape
    wanted = CHANNELS[color] if color else (3 if channels == 4 else channels)
    if channels == 4:  # transparent pixels become white
        white = 255 if images.dtype == np.uint8 else value_range[1]
        opaque = images[..., 3:] / white
        colours = images[..., :3] * opaque + white * (1 - opaque)
        images = (colours.round() if images.dtype == np.uint8 else colours).astype(images.dtype)
        channels = 3
    if wanted == 1 and channels == 3:
        grey = images @ np.array([[0.299], [0.587], [0.114]])
        images = (grey.round() if images.dtype == np.uint8 else grey).astype(images.dtype)
    elif wanted == 3 and channels == 1:
        images = np.repeat(images, 3, axis=-1)
    if size is None or size == (height, width):
        return images
    if images.dtype == np.uint8:
        planes = images[..., 0] if wanted == 1 else images
        resized = np.empty((n, *size, *planes.shape[3:]), "uint8")
        for i, plane in enumerate(planes):
            picture = Image.fromarray(plane).resize(size[::-1], Image.Resampling.LANCZOS)
            resized[i] = np.asarray(picture)
        return resized.reshape(n, *size, wanted)
    resized = np.empty((n, *size, wanted), "float32")
    for i in range(n):
        for c in range(wanted):
            plane = Image.fromarray(images[i, :, :, c].astype("float32"))
            resized[i, :, :, c] = plane.resize(size[::-1], Image.Resampling.LANCZOS)
    return resized.clip(0, value_range[1])
