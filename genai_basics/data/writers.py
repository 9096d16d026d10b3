"""Writes samples to files; the extension selects the format."""

import csv
import json
import math
from pathlib import Path

import numpy as np

from .. import provenance as origin
from ..atomic import replacing
from .images import to_picture
from .yolo import write_yolo

__all__ = ["image_grid", "rows_to_json", "to_pixels", "write_boxes", "write_samples"]

SUFFIXES = {  # kind: supported extensions; "" is a folder with one file per sample
    "images": (".png", ".gif", ".jpg", ".jpeg", ".npy", ".npz", ""),
    "detection": (".png", ".jpg", ".jpeg", ".npy", ".npz", ""),
    "text": (".txt", ".npy", ".npz", ""),
    "pairs": (".txt", ".npy", ".npz", ""),
    "tables": (".csv", ".npz"),
    "vectors": (".npy", ".npz", ".csv"),
    "series": (".npy", ".npz", ".csv", ""),
    "forecast": (".npy", ".npz", ".csv", ""),
    "audio": (".wav", ".npy", ".npz", ""),
    "video": (".gif", ".png", ".npy", ".npz", ""),
    "music": (".mid", ".wav", ".npz", ""),
}
# The default extension for samples of a kind.
PREFERRED = {"images": ".png", "vectors": ".npy", "text": ".txt", "video": ".gif", "music": ".mid"}
GAP = 0.25  # seconds of silence between sounds in one file
PLAIN = (".npy", ".txt", ".csv")  # formats without metadata


def write_samples(samples, path, spec, *, labels=None, provenance=None):
    """Write samples of a model to a file or a folder; return the paths written.

    Args:
        samples: Result of `model.sample`, in data space.
        path: `.png` or `.jpg` for a grid, `.gif` for an animated one, `.npy`, `.npz` (`samples`,
            `labels`), `.txt` with one sample per line, `.csv`, `.mid` and `.wav` with samples
            in sequence; without an extension, a folder with one file per sample.
        spec: The spec of the data; its kind determines which extensions are supported.
        labels: Label of each sample, written to `.npz` and into file names in a folder.
        provenance: Facts about the origin of the samples (`genai_basics.provenance`), embedded
            in each file; formats without metadata get a JSON file next to them.

    Raises:
        ValueError: The extension is not supported, or the file cannot be written.

    Example:

    >>> write_samples(images, "grid.png", data.spec)  # doctest: +SKIP
    """
    path = Path(path)
    suffix = "" if path.is_dir() else path.suffix.lower()
    suitable = SUFFIXES[spec.kind]
    if suffix not in suitable:
        known = ", ".join(ending or "a folder" for ending in suitable)
        raise ValueError(
            f"Samples of kind '{spec.kind}' are written to {known}. "
            f"Received: '{path}' ({suffix or 'folder'})"
        )
    if not len(samples):
        raise ValueError("There are no samples to write.")
    if suffix:
        written = _write(
            path, lambda file: WRITERS[suffix](file, samples, spec, labels), provenance
        )
        if provenance is not None and suffix in PLAIN:
            origin.write_beside(path, provenance)
        return [written]
    ending = ".csv" if spec.kind in ("series", "forecast") else suitable[0]
    digits, written = len(str(len(samples) - 1)), []
    for i in range(len(samples)):
        label = "" if labels is None else f"_{_safe(labels[i])}"
        one = samples[i : i + 1]
        name = path / f"{i:0{digits}d}{label}{ending}"
        write = WRITERS[ending]
        written.append(_write(name, lambda file: write(file, one, spec, None), provenance))  # noqa: B023
    if provenance is not None and ending in PLAIN:
        origin.write_beside(path, provenance)
    return written


def write_boxes(rows, images, path, spec, *, provenance=None):
    """Write pictures and predicted boxes as a YOLO folder; return the paths written.

    Args:
        rows: A dict of `input`, `boxes` (k, 4) and `labels` (k,) for each picture.
        images: The pictures that the boxes belong to.
        path: `data.yaml`; `images/` and `labels/` are written next to it.
        spec: The spec of the data that the model was trained on.
        provenance: As for `write_samples`.
    """
    if spec.kind != "detection":
        raise ValueError(
            f"Only boxes are written to .yaml, not data of kind '{spec.kind}': '{path}'."
        )
    stems = [_safe(Path(row["input"]).stem) for row in rows]
    stems = [name if stems.count(name) == 1 else f"{i}-{name}" for i, name in enumerate(stems)]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        written = write_yolo(path, images, rows, spec.class_names, stems)
    except OSError as error:
        raise ValueError(f"'{path}' cannot be written: {error.strerror or error}.") from error
    if provenance is not None:
        origin.write_beside(path, provenance)
    return written


def rows_to_json(rows, suffix, spec):
    """Return predictions (dicts) as the text of a file: JSON, one row per line.

    Detected objects become COCO results if `suffix` is `.json`: a list of
    `{"image_id", "file_name", "category_id", "bbox": [left, top, width, height], "score"}`,
    with pictures and categories numbered from 0.
    """
    if spec.kind != "detection" or suffix == ".jsonl":
        return "".join(json.dumps(row, default=str) + "\n" for row in rows)
    numbers = {name: i for i, name in enumerate(spec.class_names)}
    results = []
    for i, row in enumerate(rows):
        parts = (row["boxes"], row["labels"], row["scores"])
        for (left, top, right, bottom), label, score in zip(*parts, strict=True):
            box = [left, top, round(right - left, 1), round(bottom - top, 1)]
            result = {"image_id": i, "file_name": row.get("input", str(i))}
            results.append(result | {"category_id": numbers[label], "bbox": box, "score": score})
    return json.dumps(results)


def image_grid(images, columns=None, pad=2):
    """Return a grid of all `images`, uint8 (height, width, channels).

    Small pictures are enlarged by an integer factor to a grid about 600 to 900 pixels wide,
    with smoothing, since enlarged pixels are hard to read as squares.

    Args:
        images: uint8 (n, height, width, channels).
        columns: Pictures per row. `None` makes the grid as square as possible.
        pad: Number of white pixels between pictures.
    """
    n, height, width, channels = images.shape
    columns = min(n, columns or math.ceil(math.sqrt(n)))
    rows = math.ceil(n / columns)
    scale = max(1, round(750 / max(columns * width, rows * height)))
    height, width = height * scale, width * scale
    if scale > 1:
        images = np.stack([_enlarge(image, width, height) for image in images])
    shape = (rows * (height + pad) + pad, columns * (width + pad) + pad, channels)
    grid = np.full(shape, 255, "uint8")
    for i, image in enumerate(images):
        top = pad + (i // columns) * (height + pad)
        left = pad + (i % columns) * (width + pad)
        grid[top : top + height, left : left + width] = image
    return grid


def _enlarge(image, width, height):
    from PIL.Image import Resampling

    enlarged = to_picture(image).resize((width, height), Resampling.BICUBIC)
    return np.asarray(enlarged).reshape(height, width, -1)


def to_pixels(images, value_range=(0, 255)):
    """Convert pictures of any dtype in `value_range` to uint8, 0 to 255."""
    images = np.asarray(images)
    if images.dtype == np.uint8 and value_range[1] == 255:
        return images
    low, high = value_range
    scaled = (images.astype("float32") - low) * (255 / (high - low))
    return scaled.round().clip(0, 255).astype("uint8")


def _write(path, write, provenance):
    """Write to a temporary file in the same folder, then rename it, so no file is partial."""
    try:
        with replacing(path) as temporary:
            write(temporary)
            if provenance is not None and path.suffix.lower() not in PLAIN:
                origin.embed(temporary, provenance)
    except OSError as error:
        raise ValueError(f"'{path}' cannot be written: {error.strerror or error}.") from error
    return path


def _pixels(samples, spec):
    return to_pixels(_as_array(samples, "one picture"), getattr(spec, "value_range", (0, 255)))


def _write_png(file, samples, spec, labels):
    images = _pixels(samples, spec)
    columns = None
    if labels is not None and images.ndim == 4:
        kinds, counts = np.unique(labels, return_counts=True)
        if 1 < len(kinds) <= 20 and len(images) >= 4 * len(kinds):
            images, columns = _rows_of_classes(images, labels, kinds), counts.max()
    if len(images) == 1 and images.ndim == 4:  # a single picture, not a grid
        grid = images[0]
    elif images.ndim == 5:  # clips: one row each, frames side by side
        n, frames = images.shape[:2]
        grid = image_grid(images.reshape(n * frames, *images.shape[2:]), columns=frames)
    else:
        grid = image_grid(images, columns)
    to_picture(grid).save(file)


def _rows_of_classes(images, labels, kinds):
    """Sort pictures by label, each class padded with white to equal length."""
    rows = [images[np.asarray(labels) == kind] for kind in kinds]
    longest = max(map(len, rows))
    empty = [(0, 0)] * (images.ndim - 1)
    rows = [np.pad(row, [(0, longest - len(row)), *empty], constant_values=255) for row in rows]
    return np.concatenate(rows)


def _write_jpg(file, samples, spec, labels):
    to_picture(image_grid(_pixels(samples, spec))).save(file, quality=95)


def _write_gif(file, samples, spec, labels):
    clips = _pixels(samples, spec)
    if clips.ndim == 4:  # pictures in order, forwards and then backwards
        clips = np.concatenate([clips, clips[-2:0:-1]])[None]
    frames = [
        image_grid(clips[:, t], pad=2 if len(clips) > 1 else 0) for t in range(clips.shape[1])
    ]
    pictures = list(map(to_picture, frames))
    duration = round(1000 / getattr(spec, "fps", 8))
    pictures[0].save(file, save_all=True, append_images=pictures[1:], duration=duration, loop=0)


def _write_npz(file, samples, spec, labels):
    named = {} if labels is None else {"labels": np.asarray(labels)}
    if isinstance(samples, dict):
        np.savez_compressed(file, **samples, **named)
    elif _unequal(samples):  # one array per sample, padded to equal length
        arrays = [np.asarray(sample) for sample in samples]
        named["lengths"] = np.array([len(array) for array in arrays])
        np.savez_compressed(file, samples=_padded(arrays), **named)
    else:
        np.savez_compressed(file, samples=_as_array(samples, ".npz"), **named)


def _write_txt(file, samples, spec, labels):
    lines = list(samples)
    if len(lines) > 1:  # one item per line
        lines = [str(line).replace("\\", "\\\\").replace("\n", "\\n") for line in lines]
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _write_csv(file, samples, spec, labels):
    if isinstance(samples, dict):
        header, rows = list(samples), zip(*samples.values(), strict=True)
    else:
        array = np.asarray(samples)
        rows = array.reshape(-1, array.shape[-1]) if array.ndim > 1 else array[:, None]
        header = getattr(spec, "columns", None) or [f"x{i}" for i in range(rows.shape[1])]
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *rows])


def _write_wav(file, samples, spec, labels):
    from .sound_files import write_wav

    clips, rate = samples, getattr(spec, "sample_rate", None)
    if spec.kind == "music":
        from .midi import SAMPLE_RATE, synthesize

        rate = SAMPLE_RATE
        clips = [synthesize(piece, spec.steps_per_quarter) for piece in samples]
    silence = np.zeros(round(GAP * rate), "float32")
    pieces = [piece for clip in clips for piece in (np.asarray(clip, "float32").ravel(), silence)]
    write_wav(file, np.concatenate(pieces[:-1]), rate)


def _write_mid(file, samples, spec, labels):
    from .midi import write_midi

    write_midi(file, samples, spec.steps_per_quarter)


def _as_array(samples, ending):
    if _unequal(samples):
        raise ValueError(
            f"Samples of different shapes do not fit into {ending}; use a folder or .npz."
        )
    return np.asarray(samples)


def _unequal(samples):
    if isinstance(samples, np.ndarray) or isinstance(samples[0], str):
        return False
    return isinstance(samples[0], list) or len({np.shape(sample) for sample in samples}) > 1


def _padded(arrays):
    """Return unequal arrays, or lists of lists of pitches, as one array padded with -1."""
    if arrays[0].dtype == object or any(a.dtype == object for a in arrays):
        raise ValueError("Steps with different numbers of pitches do not fit into .npz; use .mid.")
    if len({array.shape[1:] for array in arrays}) > 1:
        raise ValueError("Samples of different widths do not fit into .npz; use a folder.")
    length = max(len(array) for array in arrays)
    pad = [(0, 0)] * (arrays[0].ndim - 1)
    filled = [np.pad(a, [(0, length - len(a)), *pad], constant_values=-1) for a in arrays]
    return np.stack(filled)


def _safe(label):
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in str(label))


WRITERS = {
    ".png": _write_png,
    ".jpg": _write_jpg,
    ".jpeg": _write_jpg,
    ".gif": _write_gif,
    ".npy": lambda file, samples, *_: np.save(file, _as_array(samples, ".npy"), allow_pickle=False),
    ".npz": _write_npz,
    ".txt": _write_txt,
    ".csv": _write_csv,
    ".wav": _write_wav,
    ".mid": _write_mid,
}
