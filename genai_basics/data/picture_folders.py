"""Reads folders of pictures: class folders, splits, or a table of labels or values."""

import math
import re
from collections import Counter

import numpy as np

from ..warning import warn
from . import images
from .arrays import encode_parts
from .class_folders import read_class_folders
from .dataset import Part, Reading
from .file_tables import find_file_tables
from .files import fingerprint_files, list_files, report_skipped
from .images import (
    CHANNELS,
    DEEP_MODES,
    GREY_MODES,
    IMAGE_SUFFIXES,
    ImageFiles,
    cut_tiles,
    decode_image,
    extremes_of,
    open_image,
    orientation_of,
    read_each,
    scale_of,
)
from .picture_tables import read_targets
from .spec import ImageSpec

MANY_ALIKE = 0.1  # minimum share of pictures of the usual size
NAMED = re.compile(r"([^\W\d]{2,})[._ -]*\d+$")

__all__ = ["group_of", "read_picture_folder"]


def read_picture_folder(
    source, size, color, fit, *, scale, strict, class_names, target, task, encoding
):
    """Read a folder of pictures, or the tiles of one file; arguments as for `read_images`."""
    folder = source if source.is_dir() else source.parent
    files = list_files(source, IMAGE_SUFFIXES) if source.is_dir() else [source]
    if not files:
        raise ValueError(
            f"'{folder}' holds no pictures (files that end in {', '.join(IMAGE_SUFFIXES)})."
        )
    tables = find_file_tables(source, files, encoding) if source.is_dir() else {}
    if tables:
        found, facts = read_targets(tables, target, task, class_names)
    elif target is not None:
        raise ValueError(f"'{folder}' has no table of its files. Received: target={target!r}")
    else:
        listed = {"all": ([source], None)}
        if source.is_dir():
            listed = read_class_folders(source, IMAGE_SUFFIXES, "pictures")
        _point_out_names(listed)
        found = {part: (*both, {}) for part, both in listed.items()}
        facts = {}
    files = [file for paths, *_ in found.values() for file in paths]
    digest = fingerprint_files([*files, *(table.path for table in tables.values())], folder)
    headers = read_each(files, _read_header)
    good = [header for header in headers.values() if isinstance(header, tuple)]
    bad = {file: reason for file, reason in headers.items() if isinstance(reason, str)}
    if len(bad) == len(files):
        first = f"{files[0].relative_to(folder)}: {bad[files[0]]}"
        raise ValueError(f"None of the {len(files)} pictures in '{folder}' can be read ({first}).")
    shape = _common_shape(good, size, color)
    deep = [header[3] for header in good if header[3]]
    scale = (scale or scale_of(deep)) if deep else scale
    in_memory = fit == "tiles" or len(files) * math.prod(shape) <= images.IN_MEMORY
    decoded, read = {}, [file for file in files if file not in bad]
    if in_memory:
        step = _tile_step(good, shape) if fit == "tiles" else None
        decoded = read_each(read, lambda file: _read_file(file, shape, fit, step, scale))
        broken = decoded
    else:
        broken = read_each(read, _check_whole)
    bad.update((file, error) for file, error in broken.items() if isinstance(error, str))
    skipped = tuple(f"{file.relative_to(folder)}: {bad[file]}" for file in sorted(bad))
    report_skipped(skipped, strict, "pictures")
    _warn_of_headers(headers, deep, scale)
    if size is None:
        _warn_of_sizes(headers, shape)
    raw, groups, group = {}, {}, None
    for name, (paths, y, columns) in found.items():
        keep = [i for i, path in enumerate(paths) if path not in bad]
        keep = [i for i in keep for _ in range(len(decoded[paths[i]]) if in_memory else 1)]
        if not keep:
            raise ValueError(f"The {name} part of '{folder}' holds no picture that can be read.")
        kept = [paths[i] for i in keep]
        raw[name] = (kept, None if y is None else np.asarray(y)[keep])
        groups[name] = {key: np.asarray(column)[keep] for key, column in columns.items()}
        _warn_of_lost(y, raw[name][1])
    if facts:
        labels, class_names = {name: y for name, (_, y) in raw.items()}, facts["class_names"]
    else:
        labels, class_names = encode_parts(raw, class_names, "pictures")
    parts = {}
    for name, (paths, _) in raw.items():
        if in_memory:
            x = np.concatenate([decoded[path] for path in dict.fromkeys(paths)])
        else:
            x = ImageFiles(paths, shape, fit, scale)
        names = np.array([str(path.relative_to(folder)) for path in paths])
        parts[name] = Part(x, labels[name], {"file": names, **groups[name]})
        if fit == "tiles" and name in ("all", "train"):
            group = group_of(names)
    task, multi_label = facts.get("task"), facts.get("multi_label", False)
    spec = ImageSpec(shape, (0, 255), class_names, fit, scale, task, multi_label)
    files += [table.path for table in tables.values()]
    return Reading(spec, parts, digest, skipped, group, files=files)


def group_of(pictures):
    """Return the group of each tile, its picture; `None` if there are too few pictures."""
    return None if pictures is None or len(set(pictures)) < 3 else np.asarray(pictures)


def _point_out_names(listed):
    """Point out unlabelled pictures whose names begin with a class: `cat.12.jpg`."""
    paths, labels = listed.get("train") or listed.get("all")
    names = Counter(match[1] for path in paths if (match := NAMED.match(path.stem)))
    telling = 1 < len(names) <= 20 and min(names.values()) > 1
    if labels is None and telling and sum(names.values()) > 0.9 * len(paths):
        warn(
            f"The pictures have no labels, but their names begin with {', '.join(names)}: if these "
            "are classes, move the pictures into a folder for each."
        )


def _read_header(file):
    """Return (height, width, mode, extremes if more than 8 bits or None, number of frames)."""
    with open_image(file) as image:
        width, height = image.size
        if orientation_of(image) >= 5:
            width, height = height, width
        mode, frames = image.mode, getattr(image, "n_frames", 1)
        if mode in DEEP_MODES:
            return height, width, mode, extremes_of(image), frames
        if image.format == "PNG":
            image.verify()
        return height, width, mode, None, frames


def _check_whole(file):
    """Decode a whole picture, JPEGs at an eighth of their size; return None."""
    with open_image(file) as image:
        image.draft(image.mode, (image.width // 8, image.height // 8))
        image.load()


def _read_file(file, shape, fit, step, scale):
    """Return a picture as (1, *shape), or every `step`-th of its tiles."""
    if fit != "tiles":
        return decode_image(file, shape, fit, scale)[None]
    return cut_tiles(decode_image(file, (None, None, shape[2]), fit, scale), shape[:2])[::step]


def _tile_step(headers, shape):
    """Return k such that keeping every k-th tile fits into memory."""
    tiles = sum(
        math.prod(-(-side // tile) for side, tile in zip(header[:2], shape, strict=False))
        for header in headers
    )
    step = -(-tiles * math.prod(shape) // images.IN_MEMORY)
    if step > 1:
        warn(f"One of {step} tiles is used: all take more than 1 GiB.")
    return step


def _common_shape(headers, size, color):
    """Return the most common shape of pictures, or the median sides if no size is common."""
    if not size:
        size, count = Counter(header[:2] for header in headers).most_common(1)[0]
        if count < MANY_ALIKE * len(headers):
            size = tuple(int(side) for side in np.median([h[:2] for h in headers], axis=0))
    grey = all(header[2] in GREY_MODES for header in headers)
    return (*size, CHANNELS[color] if color else (1 if grey else 3))


def _warn_of_headers(headers, deep, scale):
    """Report how pictures of more than 8 bits were scaled and that further frames are ignored."""
    if deep and scale != (0.0, 255.0):
        warn(
            f"{len(deep)} pictures have more than 8 bits: {scale[0]:g} became black and "
            f"{scale[1]:g} white in all of them; `scale` (--load scale=...) chooses others."
        )
    several = [
        file for file, header in headers.items() if isinstance(header, tuple) and header[4] > 1
    ]
    if several:
        warn(
            f"{len(several)} pictures have several frames or pages (the first is "
            f"'{several[0].name}'); only the first is read."
        )


def _warn_of_lost(labels, kept):
    """Warn of classes that are lost because none of their pictures can be read."""
    if labels is None or np.asarray(labels).ndim > 1 or np.asarray(labels).dtype.kind == "f":
        return
    for label in sorted(set(labels) - set(kept)):
        warn(f"No picture of the class '{label}' can be read.")


def _warn_of_sizes(headers, shape):
    sizes = [header[:2] for header in headers.values() if isinstance(header, tuple)]
    other = sum(size != shape[:2] for size in sizes)
    if other:
        warn(
            f"{other} of {len(sizes)} pictures are not {shape[0]}x{shape[1]}, the usual size, and "
            "are resized to it; `image_size` (--image-size) chooses another size, and `fit` "
            "'tiles' (--fit tiles) cuts them into pieces of it."
        )
    elif max(shape[:2]) > 256:
        warn(
            f"The pictures are {shape[0]}x{shape[1]}, which is slow to train on; `image_size` "
            "(--image-size) makes them smaller, or with `fit` 'tiles' (--fit tiles) cuts them up."
        )
