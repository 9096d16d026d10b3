"""Reads texts: a corpus, or items with or without labels."""

import re
from collections import defaultdict
from pathlib import Path

import numpy as np

from ..warning import warn
from .arrays import encode_parts
from .dataframes import is_frame
from .dataset import Part, Reading
from .delimited import holds_columns
from .encodings import decode_text, split_lines, suffix_of
from .files import fingerprint_arrays, fingerprint_files, list_files, report_left_out, split_folders
from .records import JSON_SUFFIXES, read_json, records_of
from .sheets import TABLE_SUFFIXES, read_sheet
from .spec import TextSpec
from .tables import source_fingerprint
from .targets import encode_sets

__all__ = ["corpus_reading", "read_text", "text_columns", "text_reading"]

TEXT_COLUMNS = ("text", "sentence", "review", "comment", "message", "content", "document", "title")
LABEL_COLUMNS = ("label", "class", "category", "sentiment", "target", "topic", "y", "language")
FASTTEXT = re.compile(r"((?:__label__\S+\s+)+)")
FEW = 50  # maximum number of distinct cells in a column of labels
MOST_CHARACTERS = 500  # maximum size of an alphabet that is recorded
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
    delimiter=None,
    header=None,
    missing=(),
    strict=False,
):
    """Read texts.

    Args:
        source: `.txt` (a corpus, or one item per line), `.csv`, `.tsv`, `.json`, `.jsonl` or a
            DataFrame with columns of text and labels, a folder of `.txt` files (with a folder or a
            file of lines for each class), a list of texts, or a tuple (texts, labels).
        target: Column of labels. `None` finds it by its name.
        text: Column of texts. `None` selects the one with the longest cells.
        encoding: As for `decode_text`.
        corpus: Whether a `.txt` file is one long text; `None` assumes so if it has blank
            lines.
        multi_label: Whether a cell holds several labels, separated by ";", "|" or ",".
        class_names: Known class names to encode the labels with.
        delimiter, header, missing: As for tables.
        strict: Whether rows without a text or label are an error.
    """
    options = {"delimiter": delimiter, "header": header, "missing": missing, "strict": strict}
    if is_frame(source):
        *both, column = text_columns(source, text, target, **options)
        digest = source_fingerprint(source)
        return text_reading({"all": both}, digest, class_names, multi_label, strict, column=column)
    if not isinstance(source, Path):
        texts, labels = source if isinstance(source, tuple) else (source, None)
        raw = {"all": ([str(item) for item in texts], labels)}
        return text_reading(raw, fingerprint_arrays(*raw["all"]), class_names, multi_label, strict)
    if source.is_dir():
        return _read_folder(source, encoding, class_names, strict)
    digest = fingerprint_files([source])
    suffix = suffix_of(source)
    if suffix in JSON_SUFFIXES:
        records = records_of(read_json(source, encoding))
        if records and isinstance(records[0], str):
            return text_reading({"all": (records, None)}, digest, class_names, False, strict)
    if suffix in TABLE_SUFFIXES or lines_are_rows(source, encoding, corpus):
        *both, column = text_columns(source, text, target, encoding=encoding, **options)
        return text_reading({"all": both}, digest, class_names, multi_label, strict, column=column)
    for name, value in (("target", target), ("text", text)):
        if value is not None:
            raise ValueError(
                f"'{source}' holds lines of text without columns. Received: {name}={value!r}"
            )
    content = decode_text(source, encoding)
    if not content.strip():
        raise ValueError(f"'{source}' is empty.")
    if is_corpus(content) if corpus is None else corpus:
        return corpus_reading(content, digest)
    items = split_lines(content)
    blank = sum(not line.strip() for line in items)
    if blank:
        warn(
            f"'{source}' is read as a list of texts; its {blank} blank lines are left out "
            "(--load corpus=True reads it as one text)."
        )
    items, labels = split_fasttext([line.strip() for line in items if line.strip()])
    several = labels is not None and any(";" in label for label in labels)
    return text_reading({"all": (items, labels)}, digest, class_names, several, strict)


def split_fasttext(lines):
    """Return (texts, labels) of lines like "__label__a __label__b a text", else (lines, None).

    Several labels of one text are joined by ";".
    """
    found = [FASTTEXT.match(line) for line in lines if line.strip()]
    if not found or not all(found):
        return lines, None
    labels = [";".join(match[1].split()).replace("__label__", "") for match in found]
    return [FASTTEXT.sub("", line) for line in lines], labels


def lines_are_rows(path, encoding=None, corpus=None):
    """Whether the lines of a `.txt` file are rows of cells, such as text, tab, label."""
    return (
        corpus is None and suffix_of(path) == ".txt" and holds_columns(decode_text(path, encoding))
    )


def corpus_reading(content, digest):
    """Return the reading of one long text, which is split by position."""
    if len(content) < 100:
        raise ValueError(
            f"A corpus must hold at least 100 characters. Received: {len(content)} characters"
        )

    def cut(start, stop):
        return Part([content[start:stop]])

    spec = TextSpec(corpus=True, max_length=len(content), alphabet=_alphabet([content]))
    return Reading(spec, {}, digest, cut=cut, length=len(content))


def text_reading(
    raw, digest, class_names=None, multi_label=False, strict=False, groups=None, column=None
):
    """Return the reading of `{part: (texts, labels or None)}`, without empty texts.

    Equal texts stay in one part, so that no training text is in the test part.
    """
    kept, groups = {}, groups or {}
    for name, (texts, labels) in raw.items():
        if labels is not None and len(labels) != len(texts):
            raise ValueError(
                f"There must be as many labels as texts. Received: {len(texts)} texts and "
                f"{len(labels)} labels"
            )
        keep = [i for i, item in enumerate(texts) if item.strip()]
        if labels is not None:
            keep = [i for i in keep if str(labels[i]).strip()]
        if len(keep) < len(texts):
            report_left_out(
                f"{len(texts) - len(keep)} of {len(texts)} texts are empty or unlabelled", strict
            )
        if not keep:
            raise ValueError("All texts are empty.")
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
    spec = TextSpec(class_names, bool(multi_label), False, longest, alphabet, column)
    shared = np.array((parts.get("all") or parts["train"]).x, dtype=object).astype(str)
    group = shared if len(set(shared)) < len(shared) else None
    return Reading(spec, parts, digest, group=group)


def is_corpus(content):
    """Whether a `.txt` file is one text: a single line, or paragraphs separated by blank lines.

    A list of short items (names, words) is not, nor a file in which few lines are blank.
    """
    lines = content.strip().split("\n")
    filled = [line for line in lines if line.strip()]
    if len(lines) == 1:
        return True
    if len(filled) == len(lines) or len(lines) - len(filled) < 0.01 * len(lines):
        return False
    sentence = sum(line.rstrip()[-1] in '.!?:;,{}()"”' for line in filled)
    indented = sum(line[0].isspace() for line in filled)
    words = sum(len(line.split()) for line in filled)
    short = len(filled) >= 10 and words <= 3 * len(filled) and len(set(filled)) > 0.5 * len(filled)
    return not (short and sentence + indented < 0.1 * len(filled))


def _alphabet(texts):
    characters = set().union(*texts)
    return tuple(sorted(characters)) if len(characters) <= MOST_CHARACTERS else None


def text_columns(source, text=None, target=None, *, labels=True, **options):
    """Return (texts, labels or None, name of the text column) of a table.

    Args:
        source: File or data frame, with or without a header.
        text, target: Columns of texts and of labels. `None` finds them.
        labels: Whether to read labels; if not, the column `text` may be missing.
        **options: As for `read_sheet`.
    """
    sheet = read_sheet(source, expect=[*filter(None, (text, target))], **options)
    text = text if labels or text in sheet else None
    header, lower = sheet.names, [name.lower() for name in sheet.names]
    columns = [_raw(sheet, name) for name in header]
    if len(header) == 1 and text is None and lower[0] not in TEXT_COLUMNS:
        first = [header[0]] if sheet.header is None else []
        return [*first, *columns[0]], None, None  # a single column without a name
    place = _find_column(sheet, text)
    if place is None:
        place = next((lower.index(name) for name in TEXT_COLUMNS if name in lower), None)
    if place is None:
        lengths = [sum(map(len, column)) for column in columns]
        place = int(np.argmax(lengths))
    label = _find_column(sheet, target)
    if label is None:
        label = next((lower.index(name) for name in LABEL_COLUMNS if name in lower), None)
    if label is None and len(header) == 2:
        label = 1 - place
    if label is None:  # the only other column with few distinct cells
        kinds = [set(filter(None, sheet.texts(name))) for name in header]
        few = [i for i in range(len(header)) if 2 <= len(kinds[i]) <= min(FEW, len(sheet) / 4)]
        few = [i for i in few if i != place and sum(map(bool, columns[i])) > len(sheet) / 2]
        label = few[0] if len(few) == 1 else None
    if label == place:
        raise ValueError(f"The texts and `target` are one column. Received: target={target!r}")
    texts, name = list(columns[place]), None if sheet.header is False else header[place]
    unused = [name for i, name in enumerate(header) if i not in (place, label)]
    if labels and unused:
        taken = f"the texts are those of {header[place]!r}"
        taken += "" if label is None else f", the labels those of {header[label]!r}"
        warn(f"The columns {', '.join(unused)} of '{sheet.path}' are not used: {taken}.")
    if label is None or not labels:
        return texts, None, name
    found, word = sheet.categories(header[label])
    if word:
        warn(
            f"{word!r} counts as a class of {header[label]!r} ({found.count(word)} rows); "
            f"--missing {word} leaves these rows out."
        )
    if (
        target is None and sheet.header is None and header[label] in found
    ):  # the first row is not a header
        return [header[place], *texts], [header[label], *found], None
    different = len(set(found))
    if different > FEW and different > 0.5 * len(found):
        raise ValueError(
            f"The column {header[label]!r} of '{sheet.path}' holds {different} different texts in "
            f"{len(found)} rows, which are not labels ({found[0][:40]!r}): --target names another "
            "column, and --kind pairs reads two columns as pairs."
        )
    _point_out_sets(set(found), header[label])
    return texts, found, name


def _point_out_sets(labels, name):
    """Point out cells that look like several labels: "a|b" when "a" and "b" are also labels."""
    for label in sorted(labels):
        parts = {part.strip() for part in re.split(r"[|;,]", label)}
        if len(parts) > 1 and parts <= labels:
            warn(
                f"{label!r} in {name!r} counts as a label of its own; --load multi_label=True "
                "reads several labels from such cells."
            )
            return


def _raw(sheet, name):
    column = sheet.values[name]
    return column if isinstance(column, list) else sheet.texts(name)


def _find_column(sheet, name):
    if name is None:
        return None
    sheet.check(name)
    return sheet.names.index(name)


def _read_folder(folder, encoding, class_names, strict):
    splits = split_folders(folder) or {"all": folder}
    raw = {name: _folder_items(path, encoding) for name, path in splits.items()}
    used = [path for _, _, paths in raw.values() for path in paths]
    files = list_files(folder, text_suffixes(folder))
    items = {name: (texts, labels) for name, (texts, labels, _) in raw.items()}
    groups = None
    if "all" in raw:
        groups = {"file": [str(path.relative_to(folder)) for path in raw["all"][2]]}
    digest = fingerprint_files(files, folder)
    reading = text_reading(items, digest, class_names, False, strict, groups)
    reading.files = used
    return reading


def _folder_items(folder, encoding):
    """Return (texts, labels or None, paths) of a folder in one of the known layouts."""
    texts, labels, paths = [], [], []
    by_class = class_files(folder)
    if by_class:  # a file of lines for each class
        for label, path in by_class.items():
            for line in split_lines(decode_text(path, encoding)):
                if line.strip():
                    texts.append(line.strip())
                    labels.append(label)
                    paths.append(path)
        return texts, labels, paths
    files = [path for path in list_files(folder, (".txt",)) if path.stem.lower() not in NOTES]
    if not files:
        raise ValueError(f"'{folder}' holds no text files (.txt).")
    nested = [path for path in files if path.parent != folder]
    for path in nested or files:
        texts.append(decode_text(path, encoding).strip())
        labels.append(path.relative_to(folder).parts[0])
        paths.append(path)
    return texts, labels if nested else None, paths


def class_files(folder):
    """Return {class: path} if a folder holds files of one stem with one extension per class."""
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
    """Return the extensions of the files that hold a folder's texts."""
    return tuple({path.suffix.lower() for path in class_files(folder).values()} or {".txt"})


def _encode_sets(parts, class_names):
    """Encode cells with several labels as rows of 0 and 1."""
    sets = {}
    for name, (_, labels) in parts.items():
        cells = [str(cell).replace("|", ";").replace(",", ";").split(";") for cell in labels]
        sets[name] = [{label.strip() for label in cell if label.strip()} for cell in cells]
    if class_names is None:
        class_names = sorted(set().union(*(row for rows in sets.values() for row in rows)))
    return encode_sets(sets, class_names), tuple(class_names)
