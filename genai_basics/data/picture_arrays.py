"""Reads pictures from folders, array files and arrays."""

import numpy as np

from ..checks import one_of
from ..warning import warn
from .arrays import encode_parts, read_arrays, targets_of
from .dataset import Part, Reading
from .images import CHANNELS, FITS, IMAGE_SUFFIXES, check_size, cut_tiles, middle_of, resize_images
from .picture_folders import group_of, read_picture_folder
from .spec import ImageSpec
from .targets import is_multi_label, is_regression

__all__ = ["read_images"]

PICTURE_NAMES = ("image", "picture", "photo", "img")


def read_images(
    source,
    *,
    target=None,
    image_size=None,
    color=None,
    fit=None,
    task=None,
    scale=None,
    strict=False,
    encoding=None,
    class_names=None,
):
    """Read pictures from a folder, a `.npz` or `.npy` file, an array or an (x, y) tuple.

    Args:
        source: Folder (pictures without labels, a folder for each class, `train/` and `test/`
            above those, or with a table of file names and labels, such as `metadata.csv`), file,
            or arrays (n, height, width[, channels]) of 0 to 255 or 0 to 1.
        target: Column of the table that holds the labels or values, or several columns of 0 and
            1. `None` uses one with a usual name, or the only one.
        image_size: (height, width) or one number. `None` uses the most common size of the files.
        color: "grey" or "rgb". `None` selects grey if all pictures are grey.
        fit: How pictures of other sizes are brought to `image_size`: "stretch" (default), "crop"
            to its aspect ratio first, or "tiles": cut each picture into tiles of that size, which
            stay in one part of the data if there are at least three pictures.
        task: "classification" or "regression". `None` selects regression if the targets are
            non-integers or have many values.
        scale: (low, high), the values that become black and white in pictures of more than 8
            bits. `None` derives one scale for all from their values.
        strict: Whether unreadable pictures are an error.
        encoding: Encoding of the table.
        class_names: Known class names to encode the labels with.
    """
    one_of("color", color, (None, *CHANNELS))
    one_of("fit", fit, (None, *FITS))
    one_of("task", task, (None, "classification", "regression"))
    if scale is not None and not scale[1] > scale[0]:
        raise ValueError(f"`scale` must be (low, high), low below high. Received: scale={scale}")
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
        options = {"scale": scale, "strict": strict, "class_names": class_names, "target": target}
        options.update(task=task, encoding=encoding)
        return read_picture_folder(source, size, color, fit, **options)
    if target is not None:
        raise ValueError(
            "`target` does not apply to kind 'images' in an array, whose targets are `y`; `kind` "
            f"(--kind) chooses another kind. Received: target={target!r}"
        )
    parts, digest = read_arrays(source)
    multi_label = all(is_multi_label(y) for _, y in parts.values())
    first = next(iter(parts.values()))[1]
    if task is None and first is not None and class_names is None and is_regression(first):
        task = "regression"
    if multi_label and task != "regression":
        labels = {name: np.asarray(y, "int64") for name, (_, y) in parts.items()}
        class_names, task = class_names or tuple(map(str, range(first.shape[1]))), None
    elif task == "regression":
        labels = {name: targets_of(y) for name, (_, y) in parts.items()}
    else:
        labels, class_names = encode_parts(parts, class_names, "pictures")
    scale = scale or scale_of_arrays([x for x, _ in parts.values()])
    ranges, made, group = set(), {}, None
    for name, (x, _) in parts.items():
        images, value_range = image_array(x, scale)
        made[name], pictures = _sized(images, labels[name], size, color, fit, value_range)
        group = group_of(pictures) if name in ("all", "train") else group
        ranges.add(value_range)
    value_range = max(ranges)
    if len(ranges) > 1:
        raise ValueError("Some parts hold pictures of 0 to 1 and others of 0 to 255.")
    shapes = {part.x.shape[1:] for part in made.values()}
    if len(shapes) > 1:
        raise ValueError(f"The parts hold pictures of different sizes: {sorted(shapes)}.")
    task = task if task == "regression" else None
    spec = ImageSpec(shapes.pop(), value_range, class_names, fit, scale, task, multi_label)
    return Reading(spec, made, digest, group=group)


def _sized(images, labels, size, color, fit, value_range):
    """Return a part of pictures at `size`, and the index of the source picture of each."""
    if fit == "tiles":
        tiles = [cut_tiles(image, size) for image in resize_images(images, None, color)]
        pictures = np.arange(len(images)).repeat([len(t) for t in tiles])
        return Part(np.concatenate(tiles), None if labels is None else labels[pictures]), pictures
    images = middle_of(images, size, fit)
    return Part(resize_images(images, size, color, value_range), labels), None


def looks_like_pictures(x, name=""):
    """Whether an array (n, h, w) may hold pictures although values are outside 0 to 255."""
    named = any(word in name.lower() for word in PICTURE_NAMES)
    square = x.ndim == 3 and x.shape[1] == x.shape[2] and x.shape[1] >= 8
    return x.ndim == 3 and (named or square or (x.dtype == np.uint16 and min(x.shape[1:]) >= 8))


def check_channels_last(x, name="x"):
    """Raise an error unless examples come first and channels last, as in Keras."""
    if x.ndim not in (4, 5) or x.shape[-1] in (1, 3, 4):
        return
    if x.ndim == 5 and (x.shape[2] in (1, 3) or x.shape[1] in (1, 3)):
        order = "0, 1, 3, 4, 2" if x.shape[2] in (1, 3) else "0, 2, 3, 4, 1"
        raise ValueError(
            f"The array `{name}` of shape {x.shape} looks like clips with channels before height: "
            f"bring the axes in order by np.transpose({name}, ({order}))."
        )
    if x.ndim == 5:
        return
    if x.shape[1] in (1, 3, 4) and min(x.shape[2:]) > 4:
        order, what = "0, 2, 3, 1", "channels first"
    elif x.shape[2] in (1, 3) and min(x.shape[:2]) > 4:
        order, what = "3, 0, 1, 2", "channels third and examples last"
    else:
        return
    raise ValueError(
        f"The array `{name}` of shape {x.shape} looks like pictures with {what}: bring the axes in "
        f"order by np.transpose({name}, ({order})), or `kind` (--kind) says that it is 'video'."
    )


def scale_of_arrays(arrays):
    """Return (0, white) of 16-bit arrays, None if no value exceeds 255."""
    deep = [x for x in arrays if isinstance(x, np.ndarray) and x.dtype == np.uint16]
    high = max((int(x.max(initial=0)) for x in deep), default=0)
    if high <= 255 or len(deep) < len(arrays):
        return None
    return 0.0, float(next(2**bits - 1 for bits in (10, 12, 14, 16) if high < 2**bits))


def image_array(x, scale=None):
    """Return pictures with a channel axis, and their value range."""
    if not isinstance(x, np.ndarray):
        raise ValueError("Pictures in an array must be of one size; read a folder for mixed sizes.")
    if x.dtype.kind not in "fiub":
        raise ValueError(f"Pictures must hold numbers. Received: dtype={x.dtype}")
    check_channels_last(x)
    if x.ndim == 3:
        x = x[..., None]
    if x.ndim != 4 or x.shape[-1] not in (1, 3, 4):
        raise ValueError(
            "Pictures must be (n, height, width) or (n, height, width, channels) with 1 or 3 "
            f"channels; `--kind` says what else the array holds. Received: shape {x.shape}"
        )
    if scale is not None:
        low, high = scale
        x = ((x.astype("float32") - low) * np.float32(255 / (high - low))).clip(0, 255)
        return x, (0, 255)
    low, high = x.min(), x.max()
    if low < 0 or high > 255:
        raise ValueError(
            f"Pictures must hold values of 0 to 255 or of 0 to 1; rescale them, give `scale` "
            f"(--load scale=({low:g},{high:g})), or `--kind` says what else the array holds. "
            f"Received: values from {low:g} to {high:g}"
        )
    if high == low:
        warn(f"All pixels of all pictures have the same value, {low:g}.")
    elif high <= 1 and (x.dtype.kind in "fb" or x.dtype != np.uint8):
        return x.astype("float32"), (0, 1)
    elif high < 32:
        warn(
            f"The pictures' values end at {high:g} where 255 is white; multiply them if that is "
            "too dark."
        )
    whole = x.dtype.kind in "iu" or bool(np.all(x == np.round(x)))
    return x.astype("uint8" if whole else "float32"), (0, 255)
