"""Shows what would be read from a source, without training: a description and a picture."""

import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from ..plotting import save
from ..plotting.style import styled
from .describing import Description, describe
from .encodings import suffix_of
from .files import errors_named, read_once
from .forecast import with_times
from .guess import guess_kind
from .loading import load_data
from .sheets import TABLE_SUFFIXES, read_sheet
from .timelines import is_time_name, times_of
from .writers import image_grid, to_pixels

__all__ = ["draw", "look"]


@read_once()
def look(source, **options):
    """Return (description, input of `draw`) for a source.

    The input of `draw` is its data set, or {column: numbers or texts} for a table without a
    target.
    """
    with errors_named(source):
        return _look(source, **options)


def _look(source, **options):
    path = Path(source).expanduser()
    if (
        path.is_file()
        and suffix_of(path) in (*TABLE_SUFFIXES, ".txt")
        and not options.get("target")
    ):
        kind = options.get("kind") or guess_kind(path, options)
        if kind == "tables":
            return _sheet(path, options, "--target names the column to predict.")
        if kind == "forecast":
            try:
                data = load_data(source, **options)
            except ValueError as error:  # usually several columns could be the target
                return _sheet(path, options, str(error), kind)
            return describe(data), data
    data = load_data(source, **options)
    return describe(data), data


def _sheet(path, options, note, kind="tables"):
    """Return (description, columns) of a table whose target column is not given."""
    names = ("encoding", "delimiter", "header", "decimal", "thousands", "missing")
    with warnings.catch_warnings(record=True, action="always") as caught:
        sheet = read_sheet(path, **{name: options[name] for name in names if name in options})
        columns = [_column(sheet, name) for name in sheet.names]
        values = {
            column["name"]: sheet.numbers(column["name"]).values
            if column["kind"] == "number"
            else np.array(sheet.texts(column["name"]))
            for column in columns
        }
    notes = dict.fromkeys(str(warning.message) for warning in caught)
    page = Description(data=str(path), kind=kind, rows=len(sheet), columns=columns)
    return Description(page, notes=[*notes, note]), values


def _column(sheet, name):
    numbers, texts = sheet.numbers(name), sheet.texts(name)
    times = times_of(sheet, name, is_time_name(name)) if len(sheet) else None
    if times is not None and times.wrong.mean() <= 0.02:
        ends = times.values[~np.isnat(times.values)]
        ends = [str(end).removesuffix("T00:00:00") for end in (ends.min(), ends.max())]
        return {
            "name": name,
            "kind": "time",
            "range": ends,
            "missing": float(np.isnat(times.values).mean()),
        }
    known = numbers.values[np.isfinite(numbers.values)]
    facts = {"name": name, "kind": "number"}
    if len(known) and numbers.wrong.sum() <= 0.02 * len(texts):
        facts |= {"unit": numbers.unit, "range": [float(known.min()), float(known.max())]}
        return {**facts, "missing": float(1 - len(known) / len(texts))}
    counts = Counter(text for text in sheet.categories(name)[0] if text)
    common = ", ".join(f"{cell[:40]} ({n})" for cell, n in counts.most_common(3))
    facts |= {"kind": "text", "values": len(counts), "most often": common}
    return {**facts, "missing": float(1 - sum(counts.values()) / max(1, len(texts)))}


@styled
def draw(data, path):
    """Draw a data set to a file: a grid of examples, with boxes, histograms, or lines.

    Args:
        data: A `Dataset`, or {name: values} of the columns of a table.
        path: A `.png` file.
    """
    part = None if isinstance(data, dict) else data.train
    if part is not None and data.kind in ("images", "detection", "video"):
        _draw_pictures(data, part, Path(path))
    else:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9, 6), layout="constrained")
        if part is None or data.kind == "tables":
            _draw_columns(data if part is None else part.x, figure)
        else:
            _draw_numbers(data, part, figure)
        save(figure, path)
    return Path(path)


def _draw_pictures(data, part, path):
    from PIL import Image, ImageDraw

    count = min(len(part), 6 if data.kind == "video" else 25)
    low, high = getattr(data.spec, "value_range", (0, 255))
    pictures = []
    for i in range(count):
        x = np.asarray(part.x[i])
        x = x.reshape(-1, *x.shape[2:]) if x.ndim == 4 else x  # frames below each other
        image = Image.fromarray(to_pixels(x, (low, high)).squeeze()).convert("RGB")
        if data.kind == "detection":
            pen = ImageDraw.Draw(image)
            for box in np.asarray(part.y[i]["boxes"]):
                pen.rectangle(box.tolist(), outline=(255, 0, 0), width=max(1, image.width // 100))
        pictures.append(image)
    height = max(image.height for image in pictures)
    width = max(image.width for image in pictures)
    sheet = np.full((count, height, width, 3), 255, "uint8")
    for i, image in enumerate(pictures):
        sheet[i, : image.height, : image.width] = np.asarray(image)
    Image.fromarray(image_grid(sheet)).save(path)


def _draw_columns(columns, figure, most=12):
    """Draw a histogram of each numeric column, and the most common values of the others."""
    shown = list(columns.items())[:most]
    side = int(np.ceil(np.sqrt(len(shown))))
    plots = figure.subplots(side, side, squeeze=False).ravel()
    for (name, values), plot in zip(shown, plots, strict=False):
        values = np.asarray(values)
        if values.dtype.kind in "fiu":
            plot.hist(values[np.isfinite(values)], bins=30)
        else:
            common = Counter(values.tolist()).most_common(10)
            plot.barh([cell[:20] or "(missing)" for cell, _ in common], [n for _, n in common])
        plot.set_title(name)
    for plot in plots[len(shown) :]:
        plot.set_axis_off()


def _draw_numbers(data, part, figure):
    if data.kind == "forecast":
        spec = data.spec
        series, _ = with_times(part, spec.frequency)
        axes = figure.subplots(len(spec.targets), squeeze=False)[:, 0]
        for target, plot in zip(spec.targets, axes, strict=True):
            for one, at in zip(series[:10], series.times, strict=False):
                plot.plot(at, one[:, spec.columns.index(target)], linewidth=0.8)
            plot.set_title(target)
        return
    if data.kind == "music":
        plots = figure.subplots(min(len(part), 4), squeeze=False)[:, 0]
        for piece, plot in zip(part.x, plots, strict=False):
            plot.imshow(
                _piano_roll(piece),
                cmap="Greys",
                origin="lower",
                aspect="auto",
                interpolation="nearest",
            )
            plot.set_ylim(data.spec.low - 1, data.spec.high + 1)
            plot.set(xlabel="step", ylabel="pitch")
        return
    plot = figure.subplots()
    if data.kind in ("audio", "series"):
        for i in range(min(len(part), 5)):
            plot.plot(np.asarray(part.x[i]).reshape(len(part.x[i]), -1)[:, 0], linewidth=0.5)
        return
    if getattr(data.spec, "corpus", False):
        common = Counter(part.x[0]).most_common(40)
        plot.bar([repr(char)[1:-1] for char, _ in common], [n for _, n in common])
        plot.set_title("characters")
        return
    values = np.ravel(part.x) if data.kind == "vectors" else [len(item) for item in part.x]
    plot.hist(values, bins=40)
    plot.set_title("values" if data.kind == "vectors" else "lengths")


def _piano_roll(piece, most=256):
    """Return which pitches sound in the first steps of a piece, bool (pitches, steps)."""
    roll = np.zeros((128, min(len(piece), most)), bool)
    for step, pitches in enumerate(piece[:most]):
        roll[[int(pitch) for pitch in pitches if pitch >= 0], step] = True
    return roll
