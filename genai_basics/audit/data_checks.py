"""Checks of data before training: duplicates, leaks, doubtful labels, personal data."""

import dataclasses
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..metrics.intervals import share_interval
from .canaries import repeated_sentences
from .copying import find_duplicates
from .neighbours import as_vectors, nearest

__all__ = ["DROPS", "Checks", "check_data", "drop_suspects", "personal_data"]

PARTS = ("train", "validation", "test")
DROPS = {  # name in `drop`: what it removes from the training part
    "duplicates": "all but the first of equal examples",
    "leaks": "examples that are also in a held-out part",
    "groups": "examples whose group is also in a held-out part",
    "labels": "examples whose label contradicts their nearest neighbours",
    "personal": "texts, or lines of a long one, with personal data",
}
PLACES = ("file", "index", "time", "start", "line")  # columns of positions, not of groups
ASKED = 2000  # training examples whose labels are checked
LOOK_ALIKES = 10
OFTEN = 20  # occurrences of a sentence in a text
FEW = 10  # training pictures
PICTURES = 2000  # files whose metadata are read
PATTERNS = {
    "e-mail address": re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}\b"),
    "card number": re.compile(r"(?<![\d.-])(?:\d[ -]?){12,18}\d(?![\d.-])"),
    "telephone number": re.compile(
        r"(?<![\w.])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}"
        r"|\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}[ .-]\d{3}[ .-]\d{4})(?![\w-])"
    ),
}
TAGS = {0x013B: "artist", 0x8298: "copyright", 0x9C9D: "author", 0xA430: "camera owner"}
PLACE = 0x8825  # EXIF's GPS block


@dataclass
class Checks:
    """The problems found in a data set.

    Attributes:
        findings: Sentences.
        suspects: `{name of DROPS: rows of {"part", "index", "what"}}`.
        metrics: Numbers by name.
        classes: A row per class of the training part.
    """

    findings: list = field(default_factory=list)
    suspects: dict = field(default_factory=dict)
    metrics: dict = field(default_factory=dict)
    classes: list = field(default_factory=list)

    def add(self, name, rows, sentence):
        """Add suspects and the sentence about them, if there are any."""
        if rows:
            self.suspects[name] = rows
            self.findings.append(sentence)

    def to_config(self):
        """Return findings, metrics and the first suspects of each kind, as JSON allows."""
        first = {name: rows[:20] for name, rows in self.suspects.items()}
        return {"findings": self.findings, "metrics": self.metrics, "suspects": first}


def check_data(data, group=None, seed=0):
    """Find problems of data before training or sharing.

    These are duplicates within the training part and between it and the held-out parts; values of
    a metadata column (a speaker, an author, a tune) that occur in several splits; labels that
    contradict nearly all nearest neighbours; rare classes; e-mail addresses, telephone and card
    numbers in texts; places and names in the metadata of pictures.

    Args:
        data: A `Dataset`.
        group: The column to check. `None`: every column whose values repeat.
        seed: Seed of the choice of examples whose labels are checked.

    Returns:
        `Checks`.

    Raises:
        ValueError: If there is no column `group`.

    Example:

    >>> from genai_basics import load_data
    >>> check_data(load_data("digits")).metrics["duplicates"]
    0
    """
    found = Checks()
    parts = {name: getattr(data, name) for name in PARTS}
    if not isinstance(data.train.x, dict) and data.kind != "forecast":
        _check_duplicates(parts, found)
    _check_columns(parts, group, found)
    _check_classes(data, found)
    if data.kind in ("images", "vectors"):
        _check_labels(data, seed, found)
    if data.kind in ("text", "pairs"):
        _check_texts(parts, found)
    if data.kind in ("images", "detection"):
        _check_pictures(data, found)
    return found


def groups_on_both_sides(data, group=None):
    """Return a sentence for each metadata column whose values occur in several splits.

    Args:
        data: A `Dataset`.
        group: The column to check. `None`: every column whose values repeat.
    """
    found = Checks()
    _check_columns({name: getattr(data, name) for name in PARTS}, group, found)
    return found.findings


def drop_suspects(data, found, names):
    """Return the data without the training examples that are suspects under `names`.

    Args:
        data: The `Dataset`.
        found: Its `Checks`.
        names: Keys of `DROPS`.
    """
    for name in names:
        if name not in DROPS:
            raise ValueError(f"`drop` takes {', '.join(DROPS)}. Received: drop={name!r}")
    gone, train = set(), data.train
    for name in names:
        rows = [row for row in found.suspects.get(name, ()) if row["part"] == "train"]
        if name == "personal" and len(train) == 1 and rows:
            lines = train.x[0].splitlines(keepends=True)
            kept = "".join(line for line in lines if not personal_data(line))
            train = dataclasses.replace(train, x=[kept])
            continue
        gone.update(row["index"] for row in rows)
    if gone:
        train = train.take(np.setdiff1d(np.arange(len(train)), sorted(gone)))
    return dataclasses.replace(data, train=train)


def personal_data(text):
    """Return `(type, match)` for e-mail addresses, telephone and card numbers in a text.

    Card numbers must pass Luhn's check. Telephone numbers must have a country code or the North
    American form; with the package phonenumbers (extra `privacy`), they must also be possible.

    Example:

    >>> personal_data("Write to ada@example.org or +44 20 7946 0958.")
    [('e-mail address', 'ada@example.org'), ('telephone number', '+44 20 7946 0958')]
    """
    found = []
    for sort, pattern in PATTERNS.items():
        for match in pattern.finditer(text):
            if sort == "card number" and not _passes_luhn(match.group()):
                continue
            if sort == "telephone number" and not _is_telephone(match.group()):
                continue
            found.append((sort, match.group()))
    return found


def _passes_luhn(text):
    digits = [int(c) for c in text if c.isdigit()]
    doubled = [sum(divmod(2 * d, 10)) for d in digits[-2::-2]]
    return len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_telephone(text):
    if re.fullmatch(r"\+\d+\.\d+", text):  # a decimal number with its sign
        return False
    try:
        import phonenumbers
    except ModuleNotFoundError:
        return 8 <= sum(c.isdigit() for c in text) <= 15
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(text, "US"))
    except phonenumbers.NumberParseException:
        return False


def _check_duplicates(parts, found):
    names = list(parts)
    groups = find_duplicates(*(parts[name].x for name in names))
    within, across = [], []
    for places in groups:
        inside = [i for part, i in places if part == 0]
        outside = [(names[part], i) for part, i in places if part]
        within += [{"part": "train", "index": i, "what": f"as {inside[0]}"} for i in inside[1:]]
        if inside and outside:
            what = f"as {outside[0][0]} {outside[0][1]}"
            across += [{"part": "train", "index": i, "what": what} for i in inside]
    n = len(parts["train"])
    found.metrics |= {"duplicates": len(within), "leaks": len(across)}
    found.add(
        "duplicates",
        within,
        f"{len(within)} of {n} training examples repeat an earlier one; --drop duplicates leaves "
        "them out.",
    )
    sentence = (
        f"{len(across)} of {n} training examples are also in a held-out part, so the held-out "
        "figures look better than they are; --drop leaks leaves them out."
    )
    found.add("leaks", across, sentence)


def _check_columns(parts, group, found):
    columns = parts["train"].groups
    if group is not None and group not in columns:
        known = ", ".join(columns) or "none"
        raise ValueError(f"`group` must be one of the columns: {known}. Received: group={group!r}")
    held_out = [part for name, part in parts.items() if name != "train" and len(part)]
    rows, sentences = [], []
    for name in [group] if group else [name for name in columns if name not in PLACES]:
        values = np.asarray([str(value) for value in columns[name]])
        other = [np.asarray([str(v) for v in part.groups.get(name, ())]) for part in held_out]
        if not len(values) or not sum(map(len, other)):
            continue
        shared = np.intersect1d(values, np.concatenate(other))
        identifies = len(np.unique(values)) > len(values) / 2 and group is None
        if identifies and not len(shared):
            continue
        if len(shared):
            leaked = np.flatnonzero(np.isin(values, shared))
            what = f"{name} {{}} is on both sides"
            rows += [
                {"part": "train", "index": int(i), "what": what.format(values[i])} for i in leaked
            ]
            few = ", ".join(shared[:5]) + (
                f" and {len(shared) - 5} more" if len(shared) > 5 else ""
            )
            sentences.append(
                f"{name} {few}: in the training part and in a held-out part; `group={name!r}` "
                f"(--group {name}) keeps each in one part."
            )
    for sentence in sentences:
        found.add("groups", rows, sentence)


def _check_classes(data, found):
    y, names = data.train.y, getattr(data.spec, "class_names", None)
    if data.kind == "detection":  # a dict of boxes and labels for each picture
        y = [label for target in y for label in target["labels"]]
    if y is None or not names or np.ndim(np.asarray(y, dtype=object)) != 1:
        return
    counts = np.bincount(np.asarray(y, "int64"), minlength=len(names))
    n, middle = counts.sum(), np.median(counts)
    for name, count in zip(names, counts, strict=True):
        low, high = share_interval(count, n, 1 - 0.05 / len(names))
        row = {"class": str(name), "n": int(count), "share": float(count / n)}
        found.classes.append({**row, "low": low, "high": high, "of_median": float(count / middle)})
    rare = [r for r in found.classes if r["high"] < middle / n and r["of_median"] <= 0.95]
    found.metrics["smallest_class"] = float(counts.min() / n)
    for row in sorted(rare, key=lambda row: row["n"])[:5]:
        found.findings.append(
            f"Class {row['class']} has {row['n']:,} training examples, {row['of_median']:.0%} of "
            "the median class: collect more of it, or train a classifier with --balance."
        )


def _check_labels(data, seed, found):
    """Find labels that contradict the common label of at least nine of ten nearest neighbours."""
    y = data.train.y
    names = getattr(data.spec, "class_names", None)
    if y is None or not names or len(y) < 100 or np.ndim(y) != 1 or data.kind == "detection":
        return
    order = np.random.default_rng(seed).permutation(len(y))[: 10 * ASKED]
    points, labels = as_vectors(data.train.take(order).x), np.asarray(y)[order]
    asked = min(ASKED, len(points))
    votes = labels[nearest(points[:asked], points, LOOK_ALIKES, itself=True)[0]]
    counts = np.stack([(votes == label).sum(axis=1) for label in range(len(names))], axis=1)
    doubted = (counts.max(axis=1) >= LOOK_ALIKES - 1) & (counts.argmax(axis=1) != labels[:asked])
    rows = [
        {
            "part": "train",
            "index": int(order[i]),
            "what": f"labelled {names[labels[i]]}, looks like {names[counts[i].argmax()]}",
        }
        for i in np.flatnonzero(doubted)
    ]
    found.metrics["labels_doubted"] = len(rows) / asked
    if rows:
        found.suspects["labels"] = rows
    if len(rows) > 0.01 * asked:  # some occur in all data
        found.findings.append(
            f"{len(rows)} of {asked} labels look wrong: nearly all of the most similar examples "
            "have another one; --drop labels leaves them out."
        )


def _check_texts(parts, found):
    rows, sorts = [], {}
    for name, part in parts.items():
        texts = part.x if part.y is None or not isinstance(part.y, list) else [*part.x, *part.y]
        for i, text in enumerate(texts):
            for sort, match in personal_data(str(text)):
                what = f"{sort} {match[:3]}..."  # enough to find it
                rows.append({"part": name, "index": i % len(part), "what": what})
                sorts[sort] = sorts.get(sort, 0) + 1
    found.metrics["personal_data"] = len(rows)
    plural = {"e-mail address": "e-mail addresses"}
    listed = ", ".join(f"{n} {plural.get(s, s + 's') if n > 1 else s}" for s, n in sorts.items())
    found.add(
        "personal",
        rows,
        f"The texts hold personal data: {listed}; --drop personal leaves them out.",
    )
    for sentence, times in repeated_sentences(map(str, parts["train"].x), OFTEN)[:3]:
        found.findings.append(
            f"'{sentence[:60]}' occurs {times} times in the training text; a model may memorize it."
        )


def _check_pictures(data, found):
    n, files = len(data.train), _files(data)
    if n < FEW:
        pictures = f"{n} pictures" if n > 1 else "one picture"
        found.findings.append(
            f"There {'are' if n > 1 else 'is'} only {pictures} to train on, which a model learns "
            "by heart; --fit tiles with a small --image-size cuts large ones into many."
        )
    rows, sorts = [], set()
    for name, i, file in files[:PICTURES]:
        for what in _metadata(file):
            rows.append({"part": name, "index": i, "what": what})
            sorts.add(what)
    pictures = len({(row["part"], row["index"]) for row in rows})
    if files:
        found.metrics["pictures_with_personal_metadata"] = pictures
    found.add(
        "metadata",
        rows,
        f"{pictures} pictures have {', '.join(sorted(sorts))} in their metadata; the model does "
        "not see it, but anyone who gets the files does.",
    )


def _files(data):
    """Return (part, index, path) of pictures that were read from files."""
    source = data.source.get("source")
    if not source or not Path(source).is_dir():
        return []
    found = []
    for name in PARTS:
        part = getattr(data, name)
        for i, file in enumerate(part.groups.get("file", ())):
            found.append((name, i, Path(source) / str(file)))
    return [entry for entry in found if entry[2].is_file()]


def _metadata(file):
    from PIL import Image

    try:
        with Image.open(file) as image:
            tags = image.getexif()
            tags = {**tags, **tags.get_ifd(0x8769)}
    except Exception:  # Pillow raises many types for broken files, reported when read
        return []
    found = [name for tag, name in TAGS.items() if str(tags.get(tag, "")).strip("\0 ")]
    return [*(["place"] if tags.get(PLACE) else []), *found]
