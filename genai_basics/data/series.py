"""Reads labelled series: arrays, and the `.ts` files of the UEA and UCR archives."""

from pathlib import Path

import numpy as np

from .arrays import check_finite, encode_parts, read_arrays, stacked
from .dataset import Part, Reading
from .encodings import decode_text
from .files import fingerprint_files
from .spec import SeriesSpec

__all__ = ["read_series", "read_ts"]


def read_series(source, *, class_names=None, encoding=None):
    """Read series (n, time, channels), possibly of unequal lengths, with their classes.

    Args:
        source: `.npz`, `.npy`, arrays, a list of unequal arrays (with labels: a tuple); a
            `.ts` file, or a folder with `NAME_TRAIN.ts` and `NAME_TEST.ts`. Given one of the
            two files, the other is also read.
        class_names: Known class names to encode the labels with.
        encoding: As for `decode_text`.
    """
    if isinstance(source, Path) and (source.is_dir() or source.suffix.lower() == ".ts"):
        files = _ts_files(source)
        raw = {name: read_ts(path, encoding) for name, path in files.items()}
        used = list(files.values())
        digest = fingerprint_files(used)
    else:
        raw, digest = read_arrays(source)
        used = None
    raw = {name: (_with_channels(x), y) for name, (x, y) in raw.items()}
    labels, class_names = encode_parts(raw, class_names, "series")
    shapes = {np.shape(item) for x, _ in raw.values() for item in x}
    channels = {shape[1] for shape in shapes}
    if len(channels) > 1:
        raise ValueError(
            f"All series must have the same number of channels. Received: {sorted(channels)}"
        )
    times = {shape[0] for shape in shapes}
    time = times.pop() if len(times) == 1 else None
    spec = SeriesSpec((time, channels.pop()), class_names)
    parts = {name: Part(x, labels[name]) for name, (x, _) in raw.items()}
    return Reading(spec, parts, digest, files=used)


def read_ts(path, encoding=None):
    """Return `(series, labels or None)` of a `.ts` file, each series (time, channels).

    Missing values ("?") are filled by linear interpolation.
    """
    labelled, rows, started = True, [], False
    for line in decode_text(path, encoding).split("\n"):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("@"):
            words = line.lower().split()
            if words[0] == "@data":
                started = True
            elif words[0] in ("@classlabel", "@targetlabel"):
                labelled = len(words) > 1 and words[1] == "true"
            elif words[0] == "@timestamps" and words[1:2] == ["true"]:
                raise ValueError(f"'{path}' holds time stamps, which are not supported.")
        elif started:
            rows.append(line.split(":"))
    if not rows:
        raise ValueError(f"'{path}' holds no series (no lines after @data).")
    labels = [row.pop().strip() for row in rows] if labelled else None
    series = []
    for number, row in enumerate(rows):
        try:
            channels = [_filled([_value(v) for v in channel.split(",")]) for channel in row]
            values = np.stack(channels, axis=1)
            check_finite(values, "steps")
            series.append(values.astype("float32"))
        except ValueError as error:
            raise ValueError(f"Series {number} of '{path}' cannot be read: {error}.") from error
    return stacked(series), labels


def _ts_files(source):
    folder = source if source.is_dir() else source.parent
    stem = None if source.is_dir() else source.stem
    files = {path.stem.upper(): path for path in sorted(folder.glob("*.ts"))}
    if stem is not None and not stem.upper().endswith(("_TRAIN", "_TEST")):
        return {"all": source}
    name = stem.upper().rsplit("_", 1)[0] if stem else None
    found = {}
    for part in ("train", "test"):
        for key, path in files.items():
            if key.endswith(f"_{part.upper()}") and name in (None, key.rsplit("_", 1)[0]):
                found.setdefault(part, path)
    if "train" in found:
        return found
    paths = list(files.values()) if source.is_dir() else [source]
    if len(paths) != 1:
        raise ValueError(f"'{source}' must hold one .ts file, or NAME_TRAIN.ts and NAME_TEST.ts.")
    return {"all": paths[0]}


def _with_channels(x):
    """Check series and add a channel axis; series of equal length become one array."""
    if isinstance(x, np.ndarray):
        if x.ndim not in (2, 3) or x.dtype.kind not in "biuf":
            raise ValueError(
                "Series must be numbers (n, time) or (n, time, channels). "
                f"Received: {x.dtype} of shape {x.shape}"
            )
        x = x.astype("float32")
        return x[..., None] if x.ndim == 2 else x
    series = [np.asarray(item) for item in x]
    series = [item[:, None] if item.ndim == 1 else item for item in series]
    for i, item in enumerate(series):
        if item.ndim != 2 or not len(item):
            raise ValueError(
                f"Each series must be (time,) or (time, channels). Received: {item.shape} at {i}"
            )
        check_finite(item[None], "series")
    return stacked([item.astype("float32") for item in series])


def _value(text):
    return np.nan if text.strip() in ("?", "NaN", "nan") else float(text)


def _filled(values):
    values = np.array(values)
    missing = np.isnan(values)
    if missing.all():
        raise ValueError("it holds no values")
    steps = np.arange(len(values))
    values[missing] = np.interp(steps[missing], steps[~missing], values[~missing])
    return values
