"""What was read, without training: a page of facts, and a picture."""

import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from .encodings import suffix_of
from .guess import guess_kind
from .sheets import TABLE_SUFFIXES, read_sheet

__all__ = ["Description", "describe", "draw", "look"]

SHOWN = 20  # columns, classes and notes on a page


class Description(dict):
    """Facts about a data set, as JSON holds them; `print` shows them as a page."""

    def __str__(self):
        lines = []
        for name, value in self.items():
            label = name.replace("_", " ")
            if isinstance(value, list) and value and isinstance(value[0], dict):
                lines += [f"{label}:", *(f"  {_row(item)}" for item in value[:SHOWN])]
                lines += [f"  ... and {len(value) - SHOWN} more"] if len(value) > SHOWN else []
            elif isinstance(value, list) and not (value and isinstance(value[0], (int, float))):
                lines += [f"{label}:", *(f"  {item}" for item in value[:SHOWN])] if value else []
            elif isinstance(value, dict):
                shown = [f"{key} {_cell(item)}" for key, item in list(value.items())[:SHOWN]]
                more = [f"... ({len(value)})"] if len(value) > SHOWN else []
                lines.append(f"{label}: {', '.join([*shown, *more])}")
            elif value not in (None, ""):
                lines.append(f"{label}: {' '.join(_cell(value).split())}")
        return "\n".join(lines)


def _row(item):
    name, *facts = item.items()
    return f"{name[1]}: " + ", ".join(
        str(value) if key == "kind" else f"{key} {_cell(value)}"
        for key, value in facts
        if value not in (None, "", 0.0)
    )


def _cell(value):
    if isinstance(value, (list, tuple)):
        return " to ".join(map(_cell, value))
    return f"{value:,.5g}" if isinstance(value, float) else str(value)


def describe(data):
    """Return the `Description` of a data set.

    Its kind and axes; the sizes of its splits; columns with their kinds, ranges and missing
    shares; classes with their counts; times with their step and season; and what was decided and
    left out in reading.
    """
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    page = Description(data=data.name, kind=data.kind)
    page["examples"] = {name: len(part) for name, part in parts.items()}
    shape = getattr(data.spec, "shape", None)
    if shape:
        page["shape"] = " x ".join("any" if n is None else str(n) for n in shape)
    held = [part for part in parts.values() if len(part)]
    page.update(_FACTS.get(data.kind, lambda data, held: {})(data, held))
    classes = getattr(data.spec, "class_names", None)
    if classes:
        page["classes"] = _class_counts(held, classes)
    elif data.kind != "forecast" and held and isinstance(held[0].y, np.ndarray):
        page["target"] = {"name": getattr(data.spec, "target", None) or "y", **_range(held, "y")}
    page["notes"] = list(data.notes)
    page["left_out"] = list(data.skipped)
    return page


def look(source, **options):
    """Return (description, data set) of a source; of a table without a target (columns, None)."""
    from .loading import load_data

    path = Path(source).expanduser()
    if not options.get("target") and path.is_file() and suffix_of(path) in TABLE_SUFFIXES:
        kind = options.get("kind") or guess_kind(path, options)
        if kind == "tables":
            return _sheet(path, options), None
    data = load_data(source, **options)
    return describe(data), data


def _sheet(path, options):
    """Describe the columns of a table of which none is named to predict."""
    names = ("encoding", "delimiter", "header", "decimal", "thousands", "missing")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sheet = read_sheet(path, **{name: options[name] for name in names if name in options})
        columns = [_column(sheet, name) for name in sheet.names]
    notes = [str(warning.message) for warning in caught]
    page = Description(data=str(path), kind="tables", rows=len(sheet), columns=columns)
    return Description(page, notes=[*dict.fromkeys(notes), "--target names the column to predict."])


def _column(sheet, name):
    numbers, texts = sheet.numbers(name), sheet.texts(name)
    known = numbers.values[np.isfinite(numbers.values)]
    facts = {"name": name, "kind": "number"}
    if len(known) and numbers.wrong.sum() <= 0.02 * len(texts):
        facts |= {"unit": numbers.unit, "range": [float(known.min()), float(known.max())]}
        return {**facts, "missing": float(1 - len(known) / len(texts))}
    counts = Counter(text for text in sheet.categories(name)[0] if text)
    common = ", ".join(f"{cell[:40]} ({n})" for cell, n in counts.most_common(3))
    facts |= {"kind": "text", "values": len(counts), "most often": common}
    return {**facts, "missing": float(1 - sum(counts.values()) / max(1, len(texts)))}


def _range(parts, what):
    values = np.concatenate([np.asarray(getattr(part, what), "float64").ravel() for part in parts])
    known = values[np.isfinite(values)]
    if not len(known):
        return {}
    return {"range": [float(known.min()), float(known.max())], "mean": float(known.mean())}


def _class_counts(parts, classes):
    counts = Counter()
    for part in parts:
        if part.y is None:
            continue
        if isinstance(part.y, list):  # boxes
            for y in part.y:
                counts.update(np.asarray(y["labels"]).ravel().tolist() if "labels" in y else [])
        elif np.ndim(part.y) == 2:
            counts.update(dict(enumerate(np.asarray(part.y).sum(axis=0).tolist())))
        else:
            counts.update(np.asarray(part.y).tolist())
    return {str(name): int(counts[i]) for i, name in enumerate(classes)}


def _table(data, parts):
    columns = []
    for name, kind in data.spec.columns:
        values = np.concatenate([np.asarray(part.x[name]) for part in parts])
        if kind == "number":
            known = values[np.isfinite(values)].astype("float64")
            facts = {"range": [float(known.min()), float(known.max())] if len(known) else None}
            missing = 1 - len(known) / len(values)
        else:
            counts = Counter(values.tolist())
            missing = counts.pop("", 0) / len(values)
            common = ", ".join(f"{cell} ({n})" for cell, n in counts.most_common(3))
            facts = {"values": len(counts), "most often": common}
        columns.append({"name": name, "kind": kind, **facts, "missing": float(missing)})
    return {"task": data.spec.task, "columns": columns}


def _forecast(data, parts):
    spec, last = data.spec, parts[-1]
    several = isinstance(last.x, list)
    series = last.x if several else [last.x]
    times = last.groups.get("time")
    times = times if several else [times]
    facts = {"step": spec.frequency or "rows", "season": int(spec.season)}
    if times[0] is not None and len(times[0]):
        ends = str(min(t[0] for t in times)), str(max(t[-1] for t in times))
        facts["times"] = " to ".join(end.removesuffix("T00:00:00") for end in ends)
    if several:
        facts["series"] = {
            str(name): len(one) for name, one in zip(spec.series_names, series, strict=False)
        }
    columns = []
    for i, name in enumerate(spec.columns):
        values = np.concatenate([one[:, i] for one in series]).astype("float64")
        kind = "target" if name in spec.targets else "covariate"
        kind = "calendar" if name in spec.calendar else kind
        known = values[np.isfinite(values)]
        columns.append(
            {"name": name, "kind": kind, "range": [float(known.min()), float(known.max())]}
        )
    return {**facts, "columns": columns}


def _texts(data, parts):
    if getattr(data.spec, "corpus", False):
        return {"characters": sum(len(part.x[0]) for part in parts), "begins": parts[0].x[0][:60]}
    lengths = [len(text) for part in parts for text in part.x]
    first = {"first": parts[0].x[0][:60]}
    if data.kind == "pairs":
        first["first target"] = parts[0].y[0][:60]
    return {"characters of a text": [min(lengths), max(lengths)], **first}


def _sounds(data, parts):
    seconds = [len(clip) / data.spec.sample_rate for part in parts for clip in part.x]
    return {"sample_rate": data.spec.sample_rate, "seconds": [min(seconds), max(seconds)]}


def _boxes(data, parts):
    counts = [len(y["boxes"]) for part in parts for y in part.y]
    return {"boxes": int(sum(counts)), "boxes of a picture": [min(counts), max(counts)]}


def _pictures(data, parts):
    first = np.asarray(parts[0].x[0])
    return {"values": [float(first.min()), float(first.max())]}


_FACTS = {
    "tables": _table,
    "forecast": _forecast,
    "text": _texts,
    "pairs": _texts,
    "audio": _sounds,
    "detection": _boxes,
    "images": _pictures,
    "video": _pictures,
}


def draw(data, path):
    """Write a picture of a data set: examples in a grid, boxes drawn, histograms, or lines.

    Args:
        data: A `Dataset`.
        path: A `.png` file.
    """
    part = data.train
    if data.kind in ("images", "detection", "video"):
        _draw_pictures(data, part, Path(path))
    else:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9, 6), layout="constrained")
        _draw_numbers(data, part, figure)
        figure.savefig(path)
    return Path(path)


def _draw_pictures(data, part, path):
    from PIL import Image, ImageDraw

    from .writers import image_grid, to_pixels

    count = min(len(part), 6 if data.kind == "video" else 25)
    low, high = getattr(data.spec, "value_range", (0, 255))
    pictures = []
    for i in range(count):
        x = np.asarray(part.x[i])
        x = x.reshape(-1, *x.shape[2:]) if x.ndim == 4 else x  # frames one below the other
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


def _draw_numbers(data, part, figure):
    if data.kind == "forecast":
        spec = data.spec
        several = isinstance(part.x, list)
        axes = figure.subplots(len(spec.targets), squeeze=False)[:, 0]
        times = part.groups.get("time")
        for target, plot in zip(spec.targets, axes, strict=True):
            for i, one in enumerate(part.x[:10] if several else [part.x]):
                at = times[i] if several else times
                plot.plot(at, one[:, spec.columns.index(target)], linewidth=0.8)
            plot.set_title(target)
        return
    if data.kind == "tables":
        names = [name for name, _ in data.spec.columns][:12]
        side = int(np.ceil(np.sqrt(len(names))))
        plots = figure.subplots(side, side, squeeze=False).ravel()
        kinds = dict(data.spec.columns)
        for name, plot in zip(names, plots, strict=False):
            values = np.asarray(part.x[name])
            if kinds[name] == "number":
                plot.hist(values[np.isfinite(values)], bins=30)
            else:
                common = Counter(values.tolist()).most_common(10)
                plot.barh([cell[:20] or "(missing)" for cell, _ in common], [n for _, n in common])
            plot.set_title(name)
        for plot in plots[len(names) :]:
            plot.set_axis_off()
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
