"""Which kind of data a path or an array holds, where the user does not say."""

import numpy as np

from .detection import find_annotations
from .encodings import decode_text, read_rows
from .files import list_files, load_arrays
from .forecast import TIME_NAMES, find_time
from .images import IMAGE_SUFFIXES
from .music import MIDI_SUFFIXES
from .tables import parse_numbers
from .text import LABEL_COLUMNS, SOURCE_COLUMNS, TEXT_COLUMNS, class_files

__all__ = ["guess_kind"]


def guess_kind(source, options):
    """Return the kind of a path, an array or an (x, y) tuple.

    Args:
        source: Existing path, or arrays.
        options: The options given; `target` for instance tells a table.

    Raises:
        ValueError: It cannot be told; the message names `kind` (--kind).
    """
    if not hasattr(source, "is_dir"):
        return guess_array(source[0] if isinstance(source, tuple) else source)
    if source.is_dir():
        return _guess_folder(source)
    suffix = source.suffix.lower()
    if suffix in (".npz", ".npy"):
        arrays = load_arrays(source)
        if "train" in arrays and "x" not in arrays:
            return "music"
        name = next((n for n in ("x", "x_train", "X", "samples", "arr_0") if n in arrays), None)
        return guess_array(arrays[name] if name else next(iter(arrays.values()), np.zeros(0)))
    if suffix == ".json":
        return "detection" if find_annotations(source) else "music"
    if suffix == ".ts":
        return "series"
    if suffix == ".txt":
        return _guess_lines(decode_text(source, options.get("encoding")))
    if suffix in (".csv", ".tsv"):
        return _guess_columns(source, options)
    if suffix in IMAGE_SUFFIXES:
        return "images"
    if suffix in (".yaml", ".yml"):
        return "detection"
    raise ValueError(
        f"'{source}' is of no format that is known here: .npz, .npy, .csv, .tsv, .txt, .json, .ts "
        "or a folder; `kind` (--kind) says what it holds if it is one of them by another name."
    )


def guess_array(x):
    """Return the kind that an array of this shape and these values most likely holds."""
    if not isinstance(x, np.ndarray):
        x = list(x)
        if x and isinstance(x[0], str):
            return "text"
        if len({np.shape(item) for item in x}) > 1:
            return "series"
        x = np.asarray(x)
    if x.dtype.kind in "US":
        return "text"
    if x.dtype.kind not in "biuf":
        raise ValueError(f"An array must hold numbers or text. Received: dtype={x.dtype}")
    if x.ndim == 5 or (x.ndim == 4 and x.shape[-1] not in (1, 3, 4)):
        return "video"
    if x.ndim == 4:
        return "images"
    if x.ndim == 3:
        pixels = not (x < 0).any() and not (x > 255).any() and min(x.shape[1:]) >= 4
        return "images" if pixels else "series"
    if x.ndim == 2:
        return "vectors"
    if x.ndim == 1:
        return "forecast"
    raise ValueError(
        f"An array of shape {x.shape} is no kind of data that is known here; `kind` (--kind) says "
        "what it holds."
    )


def _guess_lines(content):
    lines = [line for line in content.split("\n") if line.strip()][:1000]
    pairs = sum("\t" in line.strip() for line in lines)
    return "pairs" if lines and pairs > 0.9 * len(lines) else "text"


def _guess_columns(path, options):
    """Tell a table, a series, texts and pairs apart by the columns."""
    header, rows = read_rows(path, options.get("encoding"))
    if len(rows) < 2:
        return "tables"
    columns = dict(zip(header, zip(*rows[:1000], strict=True), strict=False))
    lower = {name.lower() for name in header}
    if find_time(columns) is not None or (len(header) == 2 and header[0].lower() in TIME_NAMES):
        return "forecast"
    long = [name for name, cells in columns.items() if _is_prose(cells)]
    if len(header) == 2 and lower & set(SOURCE_COLUMNS) and not lower & set(LABEL_COLUMNS):
        return "pairs"
    free = options.get("target") is None and not _has_number(columns)
    if path.suffix.lower() == ".tsv" and len(header) in (2, 3) and free and _are_different(columns):
        return "pairs"
    named = lower & set(TEXT_COLUMNS) and len(header) <= 4
    if (long and len(header) <= 4) or named or len(header) == 1:
        return "text" if not _all_numbers(columns) else "tables"
    if len(header) == 2 and free:
        return "text"
    return "tables"


def _is_prose(cells):
    words = [len(cell.split()) for cell in cells]
    return float(np.mean(words)) >= 4 and len(set(cells)) > len(cells) / 2


def _are_different(columns):
    return all(len(set(cells)) > len(cells) / 4 for cells in list(columns.values())[:2])


def _has_number(columns):
    return any(len(parse_numbers(cells)[1]) < len(cells) / 2 for cells in columns.values())


def _all_numbers(columns):
    return all(not parse_numbers(cells)[1] for cells in columns.values())


def _guess_folder(folder):
    if list_files(folder, (".wav",)):
        return "audio"
    if find_annotations(folder):
        return "detection"
    pictures = list_files(folder, IMAGE_SUFFIXES)
    if pictures:
        return "video" if all(path.suffix.lower() == ".gif" for path in pictures) else "images"
    if list_files(folder, MIDI_SUFFIXES):
        return "music"
    if list_files(folder, (".ts",)):
        return "series"
    if class_files(folder) or list_files(folder, (".txt",)):
        return "text"
    raise ValueError(
        f"'{folder}' holds nothing that can be read: it may hold pictures, text files, WAV, MIDI "
        "or annotations of boxes."
    )
