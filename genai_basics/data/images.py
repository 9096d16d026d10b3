"""Pictures: folders that may be larger than memory, and arrays."""

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
GREY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B", "F")


class ImageFiles(Sequence):
    """A folder of pictures as a sequence of uint8 arrays, read and resized on demand.

    Args:
        files: Paths.
        shape: (height, width, channels) of every picture.
        fit: "stretch", or "crop" to cut to the target's proportions first.

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
        shape: (height, width, channels) to convert to. `None` keeps size and mode.
        fit: "stretch" to `shape`, or "crop" to its proportions first.

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
    if shape and image.size != (shape[1], shape[0]):
        size, method = (shape[1], shape[0]), Image.Resampling.LANCZOS
        image = ImageOps.fit(image, size, method) if fit == "crop" else image.resize(size, method)
    array = np.asarray(image)
    return array[:, :, None] if channels == 1 else array


def read_images(source, *, image_size=None, color=None, fit=None, strict=False, class_names=None):
    """Read pictures from a folder, a `.npz` or `.npy` file, an array or an (x, y) tuple.

    Args:
        source: Folder (flat, a folder for each class, `train/` and `test/` over those), file
            or arrays (n, height, width[, channels]) of 0 to 255 or 0 to 1.
        image_size: (height, width) or one number. `None` takes the commonest of the files.
        color: "grey" or "rgb". `None` takes grey where all pictures are.
        fit: "stretch" (default) or "crop", for pictures of other proportions.
        strict: Whether pictures that cannot be read are an error.
        class_names: Names to encode labels by, of data seen before.
    """
    if color not in (None, *CHANNELS):
        raise ValueError(f"`color` must be 'grey' or 'rgb'. Received: color={color!r}")
    if fit not in (None, "stretch", "crop"):
        raise ValueError(f"`fit` must be 'stretch' or 'crop'. Received: fit={fit!r}")
    size, fit = check_size(image_size), fit or "stretch"
    if hasattr(source, "is_dir") and source.is_dir():
        return _read_folder(source, size, color, fit, strict, class_names)
    if getattr(source, "suffix", "").lower() in IMAGE_SUFFIXES:
        raise ValueError(f"'{source}' is one picture: give a folder of them.")
    parts, digest = read_arrays(source)
    ranges, made = set(), {}
    labels, class_names = encode_parts(parts, class_names, "pictures")
    for name, (x, _) in parts.items():
        images, value_range = _image_array(x)
        made[name] = Part(resize_images(images, size, color, value_range), labels[name])
        ranges.add(value_range)
    value_range = max(ranges)
    if len(ranges) > 1:
        raise ValueError("Some parts hold pictures of 0 to 1 and others of 0 to 255.")
    shapes = {part.x.shape[1:] for part in made.values()}
    if len(shapes) > 1:
        raise ValueError(f"The parts hold pictures of different sizes: {sorted(shapes)}.")
    return Reading(ImageSpec(shapes.pop(), value_range, class_names), made, digest)


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


def _read_folder(folder, size, color, fit, strict, class_names):
    splits = split_folders(folder) or {"all": folder}
    found = {name: _class_files(path) for name, path in splits.items()}
    files = [file for paths, _ in found.values() for file in paths]
    if not files:
        raise ValueError(
            f"'{folder}' holds no pictures (files that end in {', '.join(IMAGE_SUFFIXES)})."
        )
    digest = fingerprint_files(files, folder)
    headers = _read_headers(files)
    shape = _common_shape([h for h in headers.values() if isinstance(h, tuple)], size, color)
    bad = {file: reason for file, reason in headers.items() if isinstance(reason, str)}
    if len(bad) == len(files):
        first = f"{files[0].relative_to(folder)}: {bad[files[0]]}"
        raise ValueError(f"None of the {len(files)} pictures in '{folder}' can be read ({first}).")
    in_memory = len(files) * int(np.prod(shape)) <= IN_MEMORY
    decoded = {}
    if in_memory:
        decoded = _decode_all([file for file in files if file not in bad], shape, fit)
        bad.update((file, image) for file, image in decoded.items() if isinstance(image, str))
    skipped = tuple(f"{file.relative_to(folder)}: {bad[file]}" for file in sorted(bad))
    report_skipped(skipped, strict, "pictures")
    if size is None:
        _warn_of_sizes(headers, shape)
    raw = {}
    for name, (paths, labels) in found.items():
        keep = [i for i, path in enumerate(paths) if path not in bad]
        raw[name] = ([paths[i] for i in keep], labels and [labels[i] for i in keep])
        if not keep:
            raise ValueError(f"The {name} part of '{folder}' holds no picture that can be read.")
    y, class_names = encode_parts(raw, class_names, "pictures")
    parts = {}
    for name, (paths, _) in raw.items():
        x = np.stack([decoded[p] for p in paths]) if in_memory else ImageFiles(paths, shape, fit)
        names = np.array([str(path.relative_to(folder)) for path in paths])
        parts[name] = Part(x, y[name], {"file": names})
    return Reading(ImageSpec(shape, (0, 255), class_names), parts, digest, skipped)


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
            exif = Image.Exif()
            exif.load(image.info.get("exif", b""))
            if exif.get(0x0112) in (5, 6, 7, 8):  # turned by the camera
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
            "resized to it; `image_size` (--image-size) chooses another size.",
            stacklevel=5,
        )
    elif max(shape[:2]) > 256:
        warnings.warn(
            f"The pictures are {shape[0]}x{shape[1]}, which is slow to train on; `image_size` "
            "(--image-size) makes them smaller.",
            stacklevel=5,
        )


def _decode_all(files, shape, fit):
    """Return {file: array, or why it cannot be read}."""

    def decode(file):
        try:
            return decode_image(file, shape, fit)
        except ValueError as error:
            return _why(error.__cause__ or error)

    with ThreadPoolExecutor(4) as pool:
        return dict(zip(files, pool.map(decode, files), strict=True))
