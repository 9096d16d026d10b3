"""Inputs of `predict`: converts what a user has to the form of the model's training data."""

import contextlib
import sys
from pathlib import Path

import numpy as np

from .arrays import layout, stacked
from .delimited import read_rows
from .detection import annotated_pictures
from .encodings import decode_text, split_lines, suffix_of
from .files import errors_named, list_files, load_arrays, read_files, report_skipped, report_unused
from .images import IMAGE_SUFFIXES, decode_image, middle_of, resize_images
from .pairs import pair_columns, pair_files
from .picture_arrays import image_array
from .records import JSON_SUFFIXES, read_json, records_of
from .sheets import TABLE_SUFFIXES
from .text import lines_are_rows, split_fasttext, text_columns

__all__ = ["read_inputs"]


def read_inputs(arguments, spec):
    """Return `(names, x)` from files, folders, literal texts or "-" for standard input.

    Args:
        arguments: Paths, or texts if the spec's data are texts. A `.txt` file holds one
            input per line, a `.csv` or `.tsv` file a column of texts or columns of the table,
            a `.npy` or `.npz` file an array of inputs.
        spec: The spec of the data that the model was trained on: pictures are converted to
            its size and mode, sounds to its sample rate, tables to its columns.

    Returns:
        names: A name for each input: a file's path (with a number where it holds several),
            or the text itself.
        x: The inputs, as raw data of the spec's kind.

    Raises:
        ValueError: A file does not exist or cannot be read; the message names it.
    """
    if not arguments:
        raise ValueError("There is nothing to read: give files, folders, texts or - .")
    names, items = [], []
    for argument in map(str, arguments):
        if not argument.strip():
            raise ValueError("An input is empty: give a text, a file, a folder or - .")
        with errors_named(argument):
            found = READERS[spec.kind](argument, spec)
        if spec.kind == "forecast":
            found, items = found[0], _joined(items, found[1])
            names += found
            continue
        if not found:
            raise ValueError(f"'{argument}' holds no input.")
        for name, item in found:
            names.append(name)
            items.append(item)
    return names, _collect(items, spec)


def _collect(items, spec):
    if spec.kind == "tables":
        return {name: np.array([item[name] for item in items]) for name, _ in spec.columns}
    if isinstance(items[0], str) or spec.kind in ("audio", "music", "forecast"):
        return items
    return stacked(items)


def _path(argument):
    path = Path(argument).expanduser()
    if not path.exists():
        raise ValueError(f"'{argument}' is not a file or folder.")
    if not (path.is_file() or path.is_dir()):
        raise ValueError(f"'{argument}' is a pipe or a device; give a file or folder.")
    return path


def _read_each(argument, suffixes, what, read):
    """Return the results of `read` for a file, or for the files of a folder.

    In a folder, as in training, an unreadable file is skipped and named in a warning; a file
    that is given by name is an error.
    """
    path = _path(argument)
    if not path.is_dir():
        return read(path)
    paths = list_files(path, suffixes)
    if not paths:
        raise ValueError(f"The folder '{argument}' holds no {what}.")
    found = _read_all(paths, argument, what, read)
    report_unused(path, paths, False)
    return found


def _read_all(paths, argument, what, read):
    found, skipped = read_files(paths, read)
    if not found:
        raise ValueError(f"'{argument}' holds no {what} that can be read: {skipped[0]}")
    report_skipped(skipped, False, what)
    return [one for several in found.values() for one in several]


def _numbered(name, rows):
    return [(f"{name}[{i}]" if len(rows) > 1 else str(name), row) for i, row in enumerate(rows)]


def _array(path):
    """Return the examples in an array file: `x`, or those of its test part."""
    parts = layout(load_arrays(path), path)
    return next(parts[part] for part in ("all", "test", "train") if part in parts)[0]


def _images(argument, spec):
    def read(path):
        if path.suffix.lower() in (".npy", ".npz"):
            return _numbered(path, _fit_images(_array(path), spec, path))
        fit, scale = getattr(spec, "fit", "stretch"), getattr(spec, "scale", None)
        image = decode_image(path, spec.shape, fit, scale)
        low, high = getattr(spec, "value_range", (0, 255))
        return [(str(path), image if high == 255 else image / np.float32(255) * (high - low) + low)]

    path = _path(argument)
    annotated = spec.kind == "detection" and path.suffix.lower() in (".json", ".yaml", ".yml")
    if annotated and path.is_file():
        return _read_all(annotated_pictures(path), argument, "pictures", read)
    return _read_each(argument, (*IMAGE_SUFFIXES, ".npy", ".npz"), "pictures", read)


def _fit_images(images, spec, path):
    """Convert an array of pictures to the spec's size, mode and range."""
    height, width, channels = spec.shape
    one = images.shape in ((height, width), (height, width, channels))
    images = images[None] if one else images
    images = images[..., None] if images.ndim == 3 else images
    if images.ndim != 4 or images.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"'{path}' must hold pictures (n, height, width[, channels]). Received: shape "
            f"{images.shape}"
        )
    value_range, scale = getattr(spec, "value_range", (0, 255)), getattr(spec, "scale", None)
    if scale is not None:
        images = image_array(images, scale)[0]
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise ValueError(f"'{path}' holds NaN or infinite values.")
    if images.min(initial=0) < 0 or images.max(initial=0) > 255:
        raise ValueError(
            f"'{path}' must hold values of 0 to 255 or of 0 to 1. Received: values from "
            f"{images.min():g} to {images.max():g}"
        )
    if images.dtype.kind == "f" and images.max(initial=0) <= 1 < value_range[1]:
        images = images * value_range[1]
    elif images.max(initial=0) > 1 == value_range[1]:
        images = images.astype("float32") / 255
    if value_range[1] == 255 and images.dtype.kind in "iub":
        images = images.astype("uint8")
    images = images if images.dtype == np.uint8 else images.astype("float32")
    size = None if None in (height, width) else (height, width)
    images = middle_of(images, size, getattr(spec, "fit", "stretch"))
    return resize_images(images, size, "grey" if channels == 1 else "rgb", value_range)


def _texts(argument, spec):
    if argument == "-":
        return [(line, line) for line in (line.rstrip("\r\n") for line in sys.stdin)]
    if not _is_path(argument, (".txt", ".tmx", *TABLE_SUFFIXES)):
        return [(argument, argument)]
    path = _path(argument)
    if path.is_dir() and spec.kind == "pairs":
        path = _sources(path, spec)
    if path.is_dir():
        return _read_each(
            argument, (".txt",), "text files", lambda file: [(str(file), decode_text(file))]
        )
    suffix = suffix_of(path)
    records = records_of(read_json(path)) if suffix in JSON_SUFFIXES else None
    if records and isinstance(records[0], str):
        lines = records
    elif spec.kind == "pairs":
        names = getattr(spec, "source", None), getattr(spec, "target", None)
        lines = pair_columns(path, *names, both=False)[0]
    elif suffix in TABLE_SUFFIXES or lines_are_rows(path):
        lines = text_columns(path, getattr(spec, "column", None), labels=False)[0]
    else:
        lines = split_fasttext(split_lines(decode_text(path)))[0]
    return [(line, line) for line in lines]


def _sources(folder, spec):
    """Return the file with the sources in a folder of translations, if there is one."""
    parts = pair_files(folder)
    sides = next((parts[part] for part in ("all", "test", "train") if part in parts), {})
    names = (getattr(spec, "source", None), "src", "source")
    return next((sides[name] for name in names if name in sides), folder)


def _is_path(argument, suffixes):
    """Whether an argument names a file or folder rather than being a literal text."""
    if len(argument) >= 1000 or "\n" in argument:
        return False
    path = Path(argument).expanduser()
    return suffix_of(path) in suffixes or path.exists()


def _vectors(argument, spec):
    path = _path(argument)
    if path.suffix.lower() in (".csv", ".tsv", ".txt"):
        array = _rows_of_numbers(path)
    else:
        array = np.atleast_1d(_array(path))
    size = spec.shape[-1]
    array = array.reshape(1, -1) if array.ndim == 1 and len(array) == size else array
    if array.ndim != 2 or array.shape[1] != size:
        raise ValueError(f"'{path}' must hold rows of {size} numbers. Received: {array.shape}")
    return _numbered(path, _single(array, path))


def _single(array, path):
    """Return an array of finite numbers in single precision."""
    if array.dtype.kind not in "biuf":
        raise ValueError(f"'{path}' must hold numbers. Received: {array.dtype}")
    with np.errstate(over="ignore"):
        array = array.astype("float32")
    if not np.isfinite(array).all():
        raise ValueError(f"'{path}' holds NaN, infinite or too large numbers.")
    return array


def _rows_of_numbers(path):
    header, rows = read_rows(path)
    with contextlib.suppress(ValueError):  # the first row is a header
        rows = [list(map(float, header)), *rows]
    return np.array([[_number(cell, path) for cell in row] for row in rows])


def _number(cell, path):
    try:
        return float(cell)
    except ValueError as error:
        raise ValueError(f"'{path}' holds {cell!r} instead of a number.") from error


def _tables(argument, spec):
    from .tables import rows_for_spec

    path = None if argument == "-" else _path(argument)
    return _numbered(argument, rows_for_spec(path, spec))


def _series(argument, spec):
    suffixes = (".ts", ".csv", ".tsv", ".npy", ".npz")
    return _read_each(argument, suffixes, "series", lambda path: _series_of(path, spec))


def _series_of(path, spec):
    if path.suffix.lower() in (".csv", ".tsv"):
        array = _rows_of_numbers(path)[None]
    elif path.suffix.lower() == ".ts":
        from .series import read_ts

        return _numbered(path, read_ts(path)[0])
    else:
        array = _array(path)
    channels = spec.shape[-1]
    array = array[None] if array.ndim == 2 and array.shape[1] == channels else array
    array = array[..., None] if array.ndim == 2 and channels == 1 else array
    if array.ndim != 3 or array.shape[2] != channels:
        raise ValueError(
            f"'{path}' must hold series (n, time, {channels}). Received: shape {array.shape}"
        )
    return _numbered(path, _single(array, path))


def _forecast(argument, spec):
    from .forecast import Histories, history_for_spec

    path = _path(argument)
    if path.suffix.lower() in (".npy", ".npz"):
        array = _single(np.asarray(_array(path)), path)
        array = array[:, None] if array.ndim == 1 else array
        if array.ndim != 2 or array.shape[1] != len(spec.columns):
            raise ValueError(
                f"'{path}' must hold a series (time, {len(spec.columns)}). Received: {array.shape}"
            )
        return [str(path)], Histories([array])
    found, histories = history_for_spec(path, spec)
    return [str(path) if name is None else f"{path}[{name}]" for name in found], histories


def _joined(before, histories):
    """Return the histories of several files as one."""
    if not before:
        return histories
    times = [*before.times, *histories.times]
    return type(histories)([*before, *histories], times, histories.frequency, histories.ahead)


def _audio(argument, spec):
    from .sound_files import SOUND_SUFFIXES, read_sound

    def read(path):
        if path.suffix.lower() not in (".npy", ".npz"):
            return [(str(path), read_sound(path).at(spec.sample_rate, spec.full_scale))]
        array = _array(path)
        rows = array[None] if array.ndim == 1 else array
        return _numbered(path, list(_single(rows, path)))

    return _read_each(argument, (*SOUND_SUFFIXES, ".npy", ".npz"), "sounds", read)


def _videos(argument, spec):
    from .gifs import fit_clips, read_gif

    def read(path):
        array = path.suffix.lower() in (".npy", ".npz")
        clip = _array(path) if array else read_gif(path)[0][None]
        return _numbered(path, fit_clips(clip, spec.shape, path))

    return _read_each(argument, (".gif", ".npy", ".npz"), "clips", read)


def _music(argument, spec):
    from .midi import MIDI_SUFFIXES, read_midi, read_music

    def read(path):
        if path.suffix.lower() not in (".json", ".npy", ".npz"):
            return [(str(path), read_midi(path, spec.steps_per_quarter, spec.voices))]
        parts = read_music(path, voices=spec.voices).parts.values()
        return _numbered(path, [piece for part in parts for piece in part.x])

    return _read_each(argument, (*MIDI_SUFFIXES, ".json", ".npy", ".npz"), "MIDI files", read)


READERS = {
    "images": _images,
    "detection": _images,
    "text": _texts,
    "pairs": _texts,
    "vectors": _vectors,
    "tables": _tables,
    "series": _series,
    "forecast": _forecast,
    "audio": _audio,
    "video": _videos,
    "music": _music,
}
