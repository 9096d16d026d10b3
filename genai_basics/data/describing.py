"""A one-page summary of a data set."""

from collections import Counter

import numpy as np

from ..markup import bullets, cell, page, table

__all__ = ["Description", "describe"]

LOOKED_AT = 200  # pictures per part whose values are examined
SHOWN = 20  # maximum number of columns, classes and notes on the page


class Description(dict):
    """Facts about a data set that JSON can hold; `print` shows them as a page."""

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
                shown = [f"{key} {cell(item)}" for key, item in list(value.items())[:SHOWN]]
                more = [f"... ({len(value)})"] if len(value) > SHOWN else []
                lines.append(f"{label}: {', '.join([*shown, *more])}")
            elif value not in (None, ""):
                lines.append(f"{label}: {' '.join(cell(value).split())}")
        return "\n".join(lines)

    def _repr_html_(self):
        """Return the page as HTML for notebooks."""
        parts, facts = [], []
        for name, value in self.items():
            label = name.replace("_", " ")
            if isinstance(value, list) and value and isinstance(value[0], dict):
                names = list(dict.fromkeys(key for item in value for key in item))
                rows = [[item.get(key, "") for key in names] for item in value[:SHOWN]]
                parts += [table(rows, names)]
            elif isinstance(value, dict):
                cells = [f"{key}: {cell(item)}" for key, item in list(value.items())[:SHOWN]]
                facts.append((label, ", ".join(cells)))
            elif isinstance(value, list) and not (value and isinstance(value[0], (int, float))):
                parts.append(bullets(value[:SHOWN]))
            elif value not in (None, ""):
                facts.append((label, value))
        return page(str(self["data"]), table(facts), *parts)


def _row(item):
    name, *facts = item.items()
    return f"{name[1]}: " + ", ".join(
        str(value) if key == "kind" else f"{key} {cell(value)}"
        for key, value in facts
        if value not in (None, "", 0.0)
    )


def describe(data):
    """Return the `Description` of a data set.

    It holds the kind and axes; the sizes of the splits; columns with their kinds, ranges and
    shares of missing values; classes with their counts; times with their step and season; and
    what was decided and left out while reading.
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
    loudest = max(float(np.abs(clip).max(initial=0)) for part in parts for clip in part.x)
    facts = {"sample_rate": data.spec.sample_rate, "seconds": [min(seconds), max(seconds)]}
    return {**facts, "loudest sample": loudest}


def _boxes(data, parts):
    counts = [len(y["boxes"]) for part in parts for y in part.y]
    return {"boxes": int(sum(counts)), "boxes of a picture": [min(counts), max(counts)]}


def _pictures(data, parts):
    """Return the range of values: of all arrays, or of a sample if files are streamed."""
    lows, highs, seen = [], [], 0
    for part in parts:
        whole = isinstance(part.x, np.ndarray)
        some = [part.x] if whole else part.x[:: -(-len(part) // LOOKED_AT)]
        lows += [float(np.min(pictures)) for pictures in some]
        highs += [float(np.max(pictures)) for pictures in some]
        seen += len(part) if whole else len(some)
    of = "" if seen == sum(map(len, parts)) else f" of {seen} examples"
    return {f"values{of}": [min(lows), max(highs)]}


def _music(data, parts):
    steps = [len(piece) for part in parts for piece in part.x]
    facts = {"voices": data.spec.voices or "chords", "pitches": [data.spec.low, data.spec.high]}
    return {
        **facts,
        "steps_per_quarter": data.spec.steps_per_quarter,
        "steps": [min(steps), max(steps)],
    }


_FACTS = {
    "tables": _table,
    "forecast": _forecast,
    "text": _texts,
    "pairs": _texts,
    "audio": _sounds,
    "detection": _boxes,
    "images": _pictures,
    "video": _pictures,
    "music": _music,
}
