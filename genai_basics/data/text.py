"""Text: a corpus, items with or without labels, pairs."""

import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np

from .arrays import encode_parts
from .cells import read_rows
from .dataset import Part, Reading
from .encodings import decode_text
from .files import fingerprint_arrays, fingerprint_files, list_files, split_folders
from .spec import PairSpec, TextSpec

__all__ = ["corpus_reading", "read_pairs", "read_text", "text_reading"]

TEXT_COLUMNS = ("text", "sentence", "review", "comment", "message", "content", "document", "title")
LABEL_COLUMNS = ("label", "class", "category", "sentiment", "target", "topic", "y", "language")
SOURCE_COLUMNS = ("source", "src", "input", "english", "en", "from", "question")
MOST_CHARACTERS = 500  # of an alphabet that is written down
NOTES = ("source", "readme", "license", "licence", "copying", "notes")  # files about the data


def read_text(
    source,
    *,
    target=None,
    text=None,
    encoding=None,
    corpus=None,
    multi_label=False,
    class_names=None,
    strict=False,
):
    """Read texts.

    Args:
        source: `.txt` (a corpus, or one item a line), `.csv` or `.tsv` with columns of text
            and labels, a folder of `.txt` files (a folder, or a file of lines, for each
            class), a list of texts, or a tuple (texts, labels).
        target: Column of labels. `None` finds it by its name.
        text: Column of texts. `None` takes the one with the longest cells.
        encoding: As for `decode_text`.
        corpus: Whether a `.txt` file is one long text; `None` takes files with blank lines
            for one.
        multi_label: Whether a cell holds several labels, parted by ";", "|" or ",".
        class_names: Names to encode labels by, of data seen before.
        strict: Whether rows without text or label are an error.
    """
    if not isinstance(source, Path):
        texts, labels = source if isinstance(source, tuple) else (source, None)
        raw = {"all": ([str(item) for item in texts], labels)}
        return text_reading(raw, fingerprint_arrays(*raw["all"]), class_names, multi_label, strict)
    if source.is_dir():
        return _read_folder(source, encoding, class_names, strict)
    digest = fingerprint_files([source])
    if source.suffix.lower() in (".csv", ".tsv"):
        raw = {"all": text_columns(source, text, target, encoding)}
        return text_reading(raw, digest, class_names, multi_label, strict)
    content = decode_text(source, encoding)
    if not content.strip():
        raise ValueError(f"'{source}' is empty.")
    if is_corpus(content) if corpus is None else corpus:
        return corpus_reading(content, digest)
    items = [line.strip() for line in content.splitlines() if line.strip()]
    return text_reading({"all": (items, None)}, digest, class_names, False, strict)


def corpus_reading(content, digest):
    """Return the reading of one long text, which is cut along its length."""
    if len(content) < 100:
        raise ValueError(
            f"A corpus must hold at least 100 characters. Received: {len(content)} characters"
        )

    def cut(start, stop):
        return Part([content[start:stop]])

    spec = TextSpec(corpus=True, max_length=len(content), alphabet=_alphabet([content]))
    return Reading(spec, {}, digest, cut=cut, length=len(content))


def text_reading(raw, digest, class_names=None, multi_label=False, strict=False, groups=None):
    """Return the reading of `{part: (texts, labels or None)}`, empty texts left out.

    Equal texts stay in one part, so that none is tested that was trained on.
    """
    kept, groups = {}, groups or {}
    for name, (texts, labels) in raw.items():
        if labels is not None and len(labels) != len(texts):
            raise ValueError(
                f"Labels must be as many as texts. Received: {len(texts)} texts and "
                f"{len(labels)} labels"
            )
        keep = [i for i, item in enumerate(texts) if item.strip()]
        if labels is not None:
            keep = [i for i in keep if str(labels[i]).strip()]
        if len(keep) < len(texts):
            _complain(
                f"{len(texts) - len(keep)} of {len(texts)} texts are empty or unlabelled", strict
            )
        if not keep:
            raise ValueError("There is no text with something in it.")
        labels = None if labels is None else [labels[i] for i in keep]
        kept[name] = ([texts[i] for i in keep], labels)
        groups = {key: np.asarray(column)[keep] for key, column in groups.items()}
    if multi_label:
        y, class_names = _encode_sets(kept, class_names)
    else:
        y, class_names = encode_parts(kept, class_names, "texts")
    parts = {name: Part(texts, y[name], groups) for name, (texts, _) in kept.items()}
    longest = max(len(item) for texts, _ in kept.values() for item in texts)
    alphabet = _alphabet(item for texts, _ in kept.values() for item in texts)
    spec = TextSpec(class_names, bool(multi_label), False, longest, alphabet)
    shared = np.array((parts.get("all") or parts["train"]).x, dtype=object).astype(str)
    group = shared if len(set(shared)) < len(shared) else None
    return Reading(spec, parts, digest, group=group)


def read_pairs(source, *, target=None, text=None, encoding=None, strict=False):
    """Read pairs of texts, a source and its translation.

    Args:
        source: `.tsv`, `.csv` or `.txt` with a pair a line (further columns are left out), or
            a tuple (sources, targets).
        target, text: Columns of targets and of sources where the file names its columns.
        encoding: As for `decode_text`.
        strict: Whether pairs with an empty side are an error; else they are left out.
    """
    if isinstance(source, Path):
        digest, (x, y) = fingerprint_files([source]), pair_columns(source, text, target, encoding)
    elif isinstance(source, tuple):
        x, y = (list(map(str, side)) for side in source)
        digest = fingerprint_arrays(x, y)
    else:
        raise ValueError("Pairs must be a file of two columns or a tuple (sources, targets).")
    return pair_reading(x, y, digest, strict)


def pair_reading(x, y, digest, strict=False):
    """Return the reading of pairs; those of one source stay in one part."""
    if len(x) != len(y):
        raise ValueError(f"Pairs must be whole. Received: {len(x)} sources and {len(y)} targets")
    keep = [i for i in range(len(x)) if x[i].strip() and y[i].strip()]
    if len(keep) < len(x):
        _complain(f"{len(x) - len(keep)} of {len(x)} pairs have an empty side", strict)
    if not keep:
        raise ValueError("There is no pair with both sides.")
    x, y = [x[i].strip() for i in keep], [y[i].strip() for i in keep]
    spec = PairSpec(max(map(len, x)), max(map(len, y)))
    return Reading(spec, {"all": Part(x, y)}, digest, group=np.array(x))


def is_corpus(content):
    """Whether a `.txt` file is one text: it has blank lines between others, or one line."""
    lines = content.strip().split("\n")
    return len(lines) == 1 or any(not line.strip() for line in lines)


def _alphabet(texts):
    characters = set().union(*texts)
    return tuple(sorted(characters)) if len(characters) <= MOST_CHARACTERS else None


def _complain(message, strict):
    if strict:
        raise ValueError(f"{message}.")
    warnings.warn(f"{message} and are left out.", stacklevel=4)


def text_columns(path, text=None, target=None, encoding=None):
    """Return (texts, labels or None) of a `.csv` or `.tsv` file, with or without a header."""
    header, rows = read_rows(path, encoding)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    lower = [name.lower() for name in header]
    if len(header) == 1 and text is None and lower[0] not in TEXT_COLUMNS:
        return [header[0], *columns[0]], None  # one column without a name for it
    place = _find_column(header, text, "text")
    if place is None:
        place = next((lower.index(name) for name in TEXT_COLUMNS if name in lower), None)
    if place is None:
        lengths = [sum(map(len, column)) for column in columns]
        place = int(np.argmax(lengths))
    label = _find_column(header, target, "target")
    if label is None:
        label = next((lower.index(name) for name in LABEL_COLUMNS if name in lower), None)
    if label is None and len(header) == 2:
        label = 1 - place
    if label == place:
        raise ValueError(f"The texts and `target` are one column. Received: target={target!r}")
    texts = list(columns[place])
    if label is None:
        return texts, None
    labels = list(columns[label])
    if target is None and header[label] in labels:  # the first row is no header
        return [header[place], *texts], [header[label], *labels]
    return texts, labels


def _find_column(header, name, option):
    if name is None:
        return None
    if name not in header:
        raise ValueError(
            f"`{option}` must be one of the columns {', '.join(header)}. "
            f"Received: {option}={name!r}"
        )
    return header.index(name)


def pair_columns(path, text=None, target=None, encoding=None):
    """Return (sources, targets) of a file with a pair a line."""
    content = decode_text(path, encoding)
    if path.suffix.lower() == ".txt":  # a pair a line, parted by a tab
        rows = [line.split("\t") for line in content.split("\n") if line.strip()]
        header, rows = rows[0], rows[1:]
    else:
        header, rows = read_rows(path, text=content)
    if len(header) < 2:
        raise ValueError(f"'{path}' must hold two columns, source and target; it holds one.")
    x, y = _find_column(header, text, "text"), _find_column(header, target, "target")
    x = x if x is not None else (1 if y == 0 else 0)
    y = y if y is not None else (0 if x == 1 else 1)
    named = text is not None or target is not None or header[x].lower() in SOURCE_COLUMNS
    rows = rows if named else [header, *rows]
    rows = [row if len(row) > max(x, y) else [*row, *[""] * 8][: max(x, y, 7) + 1] for row in rows]
    return [row[x] for row in rows], [row[y] for row in rows]


def _read_folder(folder, encoding, class_names, strict):
    splits = split_folders(folder) or {"all": folder}
    raw = {name: _folder_items(path, encoding) for name, path in splits.items()}
    names = {name: {"file": files} for name, (_, _, files) in raw.items()}
    files = list_files(folder, text_suffixes(folder))
    items = {name: (texts, labels) for name, (texts, labels, _) in raw.items()}
    groups = names.get("all")
    digest = fingerprint_files(files, folder)
    return text_reading(items, digest, class_names, False, strict, groups)


def _folder_items(folder, encoding):
    """Return (texts, labels or None, file names) of a folder in one of the known layouts."""
    texts, labels, names = [], [], []
    by_class = class_files(folder)
    if by_class:  # a file of lines for each class
        for label, path in by_class.items():
            for line in decode_text(path, encoding).split("\n"):
                if line.strip():
                    texts.append(line.strip())
                    labels.append(label)
                    names.append(path.name)
        return texts, labels, names
    files = [path for path in list_files(folder, (".txt",)) if path.stem.lower() not in NOTES]
    if not files:
        raise ValueError(f"'{folder}' holds no text files (.txt).")
    nested = [path for path in files if path.parent != folder]
    for path in nested or files:
        texts.append(decode_text(path, encoding).strip())
        labels.append(path.relative_to(folder).parts[0])
        names.append(str(path.relative_to(folder)))
    return texts, labels if nested else None, names


def class_files(folder):
    """Return {class: path} where a folder holds files of one name and an ending a class."""
    stems = defaultdict(dict)
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix and path.stem.lower() not in NOTES:
            stems[path.stem][path.suffix[1:]] = path
    if len(stems) == 1:
        (found,) = stems.values()
        known = {"txt", "csv", "tsv", "json", "npz", "npy", "wav", "mid", "ts"}
        return found if len(found) > 1 and not known & set(found) else {}
    return {}


def text_suffixes(folder):
    """Endings of the files that hold a folder's texts."""
    return tuple({path.suffix.lower() for path in class_files(folder).values()} or {".txt"})


def _encode_sets(parts, class_names):
    """Encode cells of several labels as rows of 0 and 1."""
    sets = {}
    for name, (_, labels) in parts.items():
        cells = [str(cell).replace("|", ";").replace(",", ";").split(";") for cell in labels]
        sets[name] = [{label.strip() for label in cell if label.strip()} for cell in cells]
    if class_names is None:
        class_names = tuple(sorted(set().union(*(s for rows in sets.values() for s in rows))))
    place = {label: i for i, label in enumerate(class_names)}
    y = {name: np.zeros((len(rows), len(place)), "int64") for name, rows in sets.items()}
    for name, rows in sets.items():
        for i, row in enumerate(rows):
            for label in row:
                if label not in place:
                    raise ValueError(f"The label {label!r} is none of {', '.join(class_names)}.")
                y[name][i, place[label]] = 1
    return y, tuple(class_names)
