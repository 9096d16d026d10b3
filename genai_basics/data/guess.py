"""Which kind of data a path or an array holds, where the user does not say."""

import numpy as np

from .files import list_files, load_arrays
from .images import IMAGE_SUFFIXES

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
        name = next((n for n in ("x", "x_train", "X", "samples", "arr_0") if n in arrays), None)
        return guess_array(arrays[name] if name else next(iter(arrays.values()), np.zeros(0)))
    if suffix in IMAGE_SUFFIXES:
        raise ValueError(f"'{source}' is one picture; give the folder that holds it.")
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


def _guess_folder(folder):
    if list_files(folder, IMAGE_SUFFIXES):
        return "images"
    raise ValueError(
        f"'{folder}' holds nothing that can be read: it may hold pictures, text files, WAV, MIDI "
        "or annotations of boxes."
    )
