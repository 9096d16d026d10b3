"""Pictures: folders that may be larger than memory, and arrays."""

import math
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from .arrays import encode_parts, read_arrays
from .dataset import Part, Reading
from .files import fingerprint_files, list_files, report_skipped, split_folders
from .spec import ImageSpec

__all__ = ["IMAGE_SUFFIXES", "ImageFiles", "decode_image", "read_images", "resize_images"]

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".ppm", ".pgm")
IN_MEMORY = 2**30  # bytes: a folder that decodes to less is held in memory
CHANNELS = {"grey": 1, "rgb": 3}
FITS = ("stretch", "crop", "tiles")
GREY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B", "F")


class ImageFiles(Sequence):
    """A folder of pictures as a sequence of uint8 arrays, read and resized on demand.

    Args:
        files: Paths.
        shape: (height, width, channels) of every picture.
        fit: As in `decode_image`.

    Example:

    >>> pictures = ImageFiles(paths, (64, 64, 3))  # doctest: +SKIP
    >>> pictures[:8].shape  # doctest: +SKIP
    (8, 64, 64, 3)
    """

    dtype = np.dtype("uint8")

    def __init__(self, files, shape, fit="stretch"):
        self.files, self.fit = [Path(file) for file in files], fit
        self.shape = (len(self.files), *shape)
        self.ndim = len(self.shape)

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        if isinstance(index, (int, np.integer)):
            return decode_image(self.files[index], self.shape[1:], self.fit)
        if isinstance(index, slice):
            files = self.files[index]
        else:
            index = np.asarray(index)
            index = np.flatnonzero(index) if index.dtype == bool else index.astype("int64")
            files = [self.files[i] for i in index]
        images = np.empty((len(files), *self.shape[1:]), "uint8")
        with ThreadPoolExecutor(4) as pool:
            decode = pool.map(lambda file: decode_image(file, self.shape[1:], self.fit), files)
            for i, image in enumerate(decode):
                images[i] = image
        return images

    def __array__(self, dtype=None, copy=None):
        images = self[:]
        return images if dtype is None else images.astype(dtype)

    def take_files(self, indices):
        """Return the `ImageFiles` of the pictures at `indices`, without reading them."""
        return ImageFiles([self.files[int(i)] for i in indices], self.shape[1:], self.fit)


def decode_image(file, shape=None, fit="stretch"):
    """Return the picture in `file` (path or open file) as uint8 (height, width, channels).

    Args:
        file: Path or binary file. The orientation that cameras note is applied, what is
            transparent becomes white, 16-bit grey and floats of 0 to 1 become 8-bit.
        shape: (height, width, channels) to convert to. `None` keeps size and mode, `None` for
            height and width the size.
        fit: "stretch" to `shape`, "crop" to its proportions first, or "tiles": cut the middle
            out of a larger picture as it is.

    Raises:
        ValueError: The file holds no picture that can be read.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as image:
            image.load()
            image = ImageOps.exif_transpose(image)
    except Exception as error:  # Pillow raises many sorts for broken files
        raise ValueError(f"'{file}' cannot be read as a picture: {_why(error)}.") from error
    channels = shape[2] if shape else (1 if image.mode in GREY_MODES else 3)
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, "float64")
        top = values.max(initial=0)
        if top > 255:
            values = values / 257
        elif image.mode == "F" and top <= 1:
            values = values * 255
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


def picture_frame(file):
    """Return ((width, height) as stored, orientation as cameras note it) of a picture."""
    from PIL import Image

    with Image.open(file) as image:
        return image.size, _orientation(image)


def _orientation(image):
    """Return how a picture is turned for display: 1 to 8, 1 for not at all."""
    from PIL import Image

    exif = Image.Exif()
    exif.load(image.info.get("exif", b""))  # getexif() would decode a PNG
    orientation = exif.get(0x0112, 1)
    return orientation if orientation in range(1, 9) else 1


def cut_tiles(image, size):
    """Cut a picture (height, width, channels) into tiles (n, *size, channels), side by side.

    The last tiles of a row or column end with the picture, so they may overlap those before.
    """
    if any(side < wanted for side, wanted in zip(image.shape, size, strict=False)):
        raise ValueError(f"smaller than a tile of {size[0]}x{size[1]}")
    rows, columns = map(tile_starts, image.shape, size)
    height, width = size
    return np.stack([image[r : r + height, c : c + width] for r in rows for c in columns])


def tile_starts(side, tile, overlap=0):
    """Return where tiles start on a side: evenly, from its first to its last number.

    Neighbours overlap by `overlap` or half a tile at least, whichever is less.
    """
    step = tile - min(overlap, tile // 2)
    count = 1 + math.ceil((side - tile) / step)
    return np.linspace(0, side - tile, count).round().astype(int).tolist()


def read_images(source, *, image_size=None, color=None, fit=None, strict=False, class_names=None):
    """Read pictures from a folder, a `.npz` or `.npy` file, an array or an (x, y) tuple.

    Args:
        source: Folder (flat, a folder for each class, `train/` and `test/` over those), file
            or arrays (n, height, width[, channels]) of 0 to 255 or 0 to 1.
        image_size: (height, width) or one number. `None` takes the commonest of the files.
        color: "grey" or "rgb". `None` takes grey where all pictures are.
        fit: How pictures of other sizes come to `image_size`: "stretch" (default), "crop" to its
            proportions first, or "tiles": each is cut into pieces of that size, which stay in one
            part of the data where there are three pictures or more.
        strict: Whether pictures that cannot be read are an error.
        class_names: Names to encode labels by, of data seen before.
    """
    if color not in (None, *CHANNELS):
        raise ValueError(f"`color` must be 'grey' or 'rgb'. Received: color={color!r}")
    if fit not in (None, *FITS):
        raise ValueError(f"`fit` must be one of {', '.join(FITS)}. Received: fit={fit!r}")
    size, fit = check_size(image_size), fit or "stretch"
    if fit == "tiles" and size is None:
        raise ValueError(
            "`fit` 'tiles' needs their size, as `image_size` 64 (--image-size). "
            "Received: image_size=None"
        )
    one = getattr(source, "suffix", "").lower() in IMAGE_SUFFIXES
    if one and fit != "tiles":
        raise ValueError(
            f"'{source}' is one picture: give a folder of them, or cut it up by `fit` 'tiles' "
            "(--fit tiles)."
        )
    if one or (hasattr(source, "is_dir") and source.is_dir()):
        return _read_files(source, size, color, fit, strict, class_names)
    parts, digest = read_arrays(source)
    ranges, made, group = set(), {}, None
    labels, class_names = encode_parts(parts, class_names, "pictures")
    for name, (x, _) in parts.items():
        images, value_range = _image_array(x)
        made[name], pictures = _sized(images, labels[name], size, color, fit, value_range)
        group = _group(pictures) if name in ("all", "train") else group
        ranges.add(value_range)
    value_range = max(ranges)
    if len(ranges) > 1:
        raise ValueError("Some parts hold pictures of 0 to 1 and others of 0 to 255.")
    shapes = {part.x.shape[1:] for part in made.values()}
    if len(shapes) > 1:
        raise ValueError(f"The parts hold pictures of different sizes: {sorted(shapes)}.")
    spec = ImageSpec(shapes.pop(), value_range, class_names, fit)
    return Reading(spec, made, digest, group=group)


def _sized(images, labels, size, color, fit, value_range):
    """Return the part of pictures at `size`, and the number of the picture that each is of."""
    if fit == "tiles":
        tiles = [cut_tiles(image, size) for image in resize_images(images, None, color)]
        pictures = np.arange(len(images)).repeat([len(t) for t in tiles])
        return Part(np.concatenate(tiles), None if labels is None else labels[pictures]), pictures
    images = middle_of(images, size, fit)
    return Part(resize_images(images, size, color, value_range), labels), None


def middle_of(images, size, fit):
    """Return the middle of pictures (n, h, w, c) that `fit` brings to `size`, not yet resized."""
    if size is None:
        return images
    top, left, height, width = _middle(images.shape[1:3], size, fit)
    return images[:, top : top + height, left : left + width]


def _middle(sides, size, fit):
    """Return (top, left, height, width) of what `fit` keeps of a picture, see `decode_image`."""
    if fit == "stretch":
        return 0, 0, *sides
    scale = min(side / wanted for side, wanted in zip(sides, size, strict=True))
    if fit == "tiles":
        scale = min(scale, 1.0)
    kept = [max(1, round(wanted * scale)) for wanted in size]
    return *((side - k) // 2 for side, k in zip(sides, kept, strict=True)), *kept


def _group(pictures):
    """Return by which picture its tiles stay together; `None` where there are too few for that."""
    return None if pictures is None or len(set(pictures)) < 3 else np.asarray(pictures)


def check_size(image_size):
    """Return (height, width) of a size given as one number or two, None for None."""
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
    """Return `images` (n, h, w, c) at `size` and in `color`, same type and range."""
    from PIL import Image

    n, height, width, channels = images.shape
    wanted = CHANNELS[color] if color else (3 if channels == 4 else channels)
    if channels == 4:
        images, channels = images[..., :3], 3
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


def _image_array(x):
    """Return pictures with a channel axis, and their range."""
    if not isinstance(x, np.ndarray):
        raise ValueError("Pictures in an array must be of one size; read a folder for mixed sizes.")
    if x.dtype.kind not in "fiub":
        raise ValueError(f"Pictures must hold numbers. Received: dtype={x.dtype}")
    if x.ndim == 4 and x.shape[-1] not in (1, 3, 4) and x.shape[1] in (1, 3):
        raise ValueError(
            "Pictures must be (n, height, width, channels), channels last. "
            f"Received: shape {x.shape}"
        )
    if x.ndim == 3:
        x = x[..., None]
    if x.ndim != 4 or x.shape[-1] not in (1, 3, 4):
        raise ValueError(
            "Pictures must be (n, height, width) or (n, height, width, channels) with 1 or 3 "
            f"channels; `--kind` says what else the array holds. Received: shape {x.shape}"
        )
    low, high = x.min(), x.max()
    if low < 0 or high > 255:
        raise ValueError(
            f"Pictures must hold values of 0 to 255 or of 0 to 1; rescale them, or `--kind` says "
            f"what else the array holds. Received: values from {low:g} to {high:g}"
        )
    if high == low:
        warnings.warn(f"All pixels of all pictures have the same value, {low:g}.", stacklevel=4)
    elif high <= 1 and (x.dtype.kind in "fb" or x.dtype != np.uint8):
        return x.astype("float32"), (0, 1)
    elif high < 32:
        warnings.warn(
            f"The pictures' values end at {high:g} where 255 is white; multiply them if that is "
            "too dark.",
            stacklevel=4,
        )
    whole = x.dtype.kind in "iu" or bool(np.all(x == np.round(x)))
    return x.astype("uint8" if whole else "float32"), (0, 255)


def _read_files(source, size, color, fit, strict, class_names):
    """Read a folder of pictures, or the tiles of one file."""
    if source.is_dir():
        folder, splits = source, split_folders(source) or {"all": source}
        found = {name: _class_files(path) for name, path in splits.items()}
    else:
        folder, found = source.parent, {"all": ([source], None)}
    files = [file for paths, _ in found.values() for file in paths]
    if not files:
        raise ValueError(
            f"'{folder}' holds no pictures (files that end in {', '.join(IMAGE_SUFFIXES)})."
        )
    digest = fingerprint_files(files, folder)
    headers = _read_headers(files)
    good = [header for header in headers.values() if isinstance(header, tuple)]
    shape = _common_shape(good, size, color)
    bad = {file: reason for file, reason in headers.items() if isinstance(reason, str)}
    if len(bad) == len(files):
        first = f"{files[0].relative_to(folder)}: {bad[files[0]]}"
        raise ValueError(f"None of the {len(files)} pictures in '{folder}' can be read ({first}).")
    in_memory = fit == "tiles" or len(files) * int(np.prod(shape)) <= IN_MEMORY
    decoded = {}
    if in_memory:
        step = _tile_step(good, shape) if fit == "tiles" else None
        read = [file for file in files if file not in bad]
        decoded = _decode_all(read, lambda file: _read_file(file, shape, fit, step))
        bad.update((file, image) for file, image in decoded.items() if isinstance(image, str))
    skipped = tuple(f"{file.relative_to(folder)}: {bad[file]}" for file in sorted(bad))
    report_skipped(skipped, strict, "pictures")
    if size is None:
        _warn_of_sizes(headers, shape)
    raw, group = {}, None
    for name, (paths, labels) in found.items():
        keep = [i for i, path in enumerate(paths) if path not in bad]
        keep = [i for i in keep for _ in range(len(decoded[paths[i]]) if in_memory else 1)]
        raw[name] = ([paths[i] for i in keep], labels and [labels[i] for i in keep])
        if not keep:
            raise ValueError(f"The {name} part of '{folder}' holds no picture that can be read.")
    y, class_names = encode_parts(raw, class_names, "pictures")
    parts = {}
    for name, (paths, _) in raw.items():
        if in_memory:
            x = np.concatenate([decoded[path] for path in dict.fromkeys(paths)])
        else:
            x = ImageFiles(paths, shape, fit)
        names = np.array([str(path.relative_to(folder)) for path in paths])
        parts[name] = Part(x, y[name], {"file": names})
        if fit == "tiles" and name in ("all", "train"):
            group = _group(names)
    spec = ImageSpec(shape, (0, 255), class_names, fit)
    return Reading(spec, parts, digest, skipped, group)


def _tile_step(headers, shape):
    """Return which of the tiles, one of how many, are kept so that all fit into memory."""
    tiles = sum(
        math.prod(-(-side // tile) for side, tile in zip(header[:2], shape, strict=False))
        for header in headers
    )
    step = -(-tiles * math.prod(shape) // IN_MEMORY)
    if step > 1:
        warnings.warn(f"One of {step} tiles is used: all take more than 1 GiB.", stacklevel=6)
    return step


def _read_file(file, shape, fit, step):
    """Return a picture as (1, *shape), or so many of its tiles."""
    if fit != "tiles":
        return decode_image(file, shape, fit)[None]
    return cut_tiles(decode_image(file, (None, None, shape[2])), shape[:2])[::step]


def _class_files(folder):
    """Return `(files, labels)`; labels None for a folder without one for each class."""
    files = list_files(folder, IMAGE_SUFFIXES)
    labels = [path.relative_to(folder).parts[0] for path in files]
    loose = [path for path in files if path.parent == folder]
    if len(loose) == len(files):
        return files, None
    if loose:
        warnings.warn(
            f"{len(loose)} pictures lie beside the class folders of '{folder}' and are left out.",
            stacklevel=5,
        )
        kept = [(path, label) for path, label in zip(files, labels, strict=True)]
        kept = [(path, label) for path, label in kept if path.parent != folder]
        files, labels = [path for path, _ in kept], [label for _, label in kept]
    return files, labels


def _read_headers(files):
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(files, pool.map(_read_header, files), strict=True))


def _read_header(file):
    """Return (height, width, mode), or why the file cannot be read."""
    from PIL import Image

    try:
        with Image.open(file) as image:
            width, height = image.size
            if _orientation(image) >= 5:  # turned by the camera
                width, height = height, width
            if image.format == "PNG":
                header = (height, width, image.mode)
                image.verify()
                return header
            if image.format == "JPEG":
                with open(file, "rb") as raw:
                    raw.seek(max(0, file.stat().st_size - 4096))
                    if b"\xff\xd9" not in raw.read():
                        return "the file is cut off"
            return height, width, image.mode
    except Exception as error:  # Pillow raises many sorts for broken files
        return _why(error)


def _why(error):
    return "no picture" if "cannot identify" in str(error) else str(error)


def _common_shape(headers, size, color):
    if not headers:
        return (1, 1, 1)
    size = size or Counter(header[:2] for header in headers).most_common(1)[0][0]
    grey = all(header[2] in GREY_MODES for header in headers)
    return (*size, CHANNELS[color] if color else (1 if grey else 3))


def _warn_of_sizes(headers, shape):
    sizes = [header[:2] for header in headers.values() if isinstance(header, tuple)]
    other = sum(size != shape[:2] for size in sizes)
    if other:
        warnings.warn(
            f"{other} of {len(sizes)} pictures are not {shape[0]}x{shape[1]} like the most and are "
            "resized to it; `image_size` (--image-size) chooses another size, and `fit` 'tiles' "
            "(--fit tiles) cuts them into pieces of it.",
            stacklevel=5,
        )
    elif max(shape[:2]) > 256:
        warnings.warn(
            f"The pictures are {shape[0]}x{shape[1]}, which is slow to train on; `image_size` "
            "(--image-size) makes them smaller, or with `fit` 'tiles' (--fit tiles) cuts them up.",
            stacklevel=5,
        )


def _decode_all(files, read):
    """Return {file: what `read` makes of it, or why it cannot be read}."""

    def decode(file):
        try:
            return read(file)
        except ValueError as error:
            return _why(error.__cause__ or error)

    with ThreadPoolExecutor(4) as pool:
        return dict(zip(files, pool.map(decode, files), strict=True))
