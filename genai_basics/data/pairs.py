"""Pairs of texts, source and translation: columns, two files of lines, TMX, JSON."""

import re
from functools import cache
from pathlib import Path

import numpy as np

from ..checks import one_of
from ..warning import warn
from .dataframes import is_frame
from .dataset import Part, Reading
from .delimited import read_cells
from .encodings import decode_text, read_bytes, split_lines, suffix_of
from .files import SPLITS, fingerprint_arrays, fingerprint_files, report_left_out
from .sheets import TABLE_SUFFIXES, read_sheet
from .spec import PairSpec
from .tables import source_fingerprint

__all__ = ["pair_columns", "pair_files", "pair_reading", "read_pairs"]

SOURCE_COLUMNS = ("source", "src", "input", "english", "en", "from", "question")
TARGET_COLUMNS = ("target", "tgt", "output", "translation", "to", "answer")
SIDES = {"src": "tgt", "source": "target", "tgt": "src", "target": "source"}
CODES = {"bpt", "ept", "it", "ph", "ut"}  # TMX elements of markup, not text


def read_pairs(
    source,
    *,
    target=None,
    text=None,
    encoding=None,
    delimiter=None,
    header=None,
    strict=False,
):
    """Read pairs of texts, each a source and its translation.

    Args:
        source: `.tsv`, `.csv`, `.txt`, `.json` or `.jsonl` with one pair per row (further columns
            are ignored), Tatoeba's four columns, `.tmx`, a DataFrame; a folder of two files of
            lines such as `train.en` and `train.fr`, or `src-train.txt` and `tgt-train.txt`, or
            one of the two files; or a tuple (sources, targets).
        target, text: Columns or languages of the targets and of the sources.
        encoding: As for `decode_text`.
        delimiter, header: As for tables.
        strict: Whether pairs with an empty side are an error; otherwise they are left out.
    """
    if isinstance(source, tuple):
        x, y = (list(map(str, side)) for side in source)
        return pair_reading(x, y, fingerprint_arrays(x, y), strict)
    if not isinstance(source, Path) and not is_frame(source):
        raise ValueError("Pairs must be a file of two columns or a tuple (sources, targets).")
    files = pair_files(source) if isinstance(source, Path) else {}
    if files:
        if source.is_file() and text is None and target is None:
            text = _side_of(source)[1]  # the given file holds the sources
        return _read_files(files, text, target, encoding, strict)
    if isinstance(source, Path) and source.is_dir():
        raise ValueError(
            f"'{source}' must hold two files of lines, such as train.en and train.fr, or "
            "src-train.txt and tgt-train.txt."
        )
    x, y, names = pair_columns(source, text, target, encoding, delimiter=delimiter, header=header)
    return pair_reading(x, y, source_fingerprint(source), strict, names)


def pair_reading(x, y, digest, strict=False, names=(None, None)):
    """Return the reading of pairs; pairs with the same source stay in one part."""
    return _readings({"all": (x, y)}, digest, strict, names)


def _readings(sides, digest, strict, names):
    parts = {}
    for name, (x, y) in sides.items():
        if len(x) != len(y):
            raise ValueError(
                f"Pairs must be whole. Received: {len(x)} sources and {len(y)} targets"
            )
        keep = [i for i in range(len(x)) if x[i].strip() and y[i].strip()]
        if len(keep) < len(x):
            message = f"{len(x) - len(keep)} of {len(x)} pairs have an empty side"
            report_left_out(message, strict)
        if not keep:
            raise ValueError("No pair has both sides.")
        parts[name] = Part([x[i].strip() for i in keep], [y[i].strip() for i in keep])
    longest = [max(len(t) for p in parts.values() for t in getattr(p, side)) for side in "xy"]
    first = parts.get("all") or parts["train"]
    return Reading(PairSpec(*longest, *names), parts, digest, group=np.array(first.x))


def pair_columns(
    source, text=None, target=None, encoding=None, *, delimiter=None, header=None, both=True
):
    """Return (sources, targets, their names) of a file with one pair per row, or of `.tmx`.

    The names are two columns or languages, or None if the file has no names.

    Args:
        source: File or data frame.
        text, target: Names of the sources and of the targets.
        encoding, delimiter, header: As for `read_pairs`.
        both: Whether targets and their names are required; `predict` reads files without them.
    """
    if not is_frame(source) and suffix_of(source) == ".tmx":
        return _read_tmx(source, text, target)
    if not is_frame(source) and suffix_of(source) not in TABLE_SUFFIXES:
        lines = split_lines(decode_text(source, encoding))  # one pair per line, separated by a tab
        rows = [line.split("\t") for line in lines]
        if not both and all(len(row) == 1 for row in rows):
            return lines, None, (None, None)
        rows = [row for row in rows if any(cell.strip() for cell in row)] if both else rows
        names, columns = _padded(rows)
        first = None if header else names
    elif is_frame(source) or suffix_of(source) not in (".csv", ".tsv"):
        sheet = read_sheet(source, encoding=encoding)
        names, first = sheet.names, None
        columns = [sheet.texts(name) for name in names]
    else:  # the first row may be a pair
        found = read_cells(source, encoding=encoding, delimiter=delimiter, header=True)
        names, first = found.names, None if header else found.names
        columns = [list(column) for column in zip(*found.rows, strict=True)] or [[] for _ in names]
    if not both:
        text, target = (name if name in names else None for name in (text, target))
    for name in filter(None, (text, target)):
        if name not in names:
            raise ValueError(
                f"'{source}' has no column {name!r}; its columns are {', '.join(names)}."
            )
    if len(columns) < 2:
        if not both:
            headed = first is None or text is not None or names[0].lower() in SOURCE_COLUMNS
            return columns[0] if headed else [*first, *columns[0]], None, (None, None)
        raise ValueError(f"'{source}' must hold two columns, source and target; it holds one.")
    x, y = _places(names, columns, text, target)
    known = {*SOURCE_COLUMNS, *TARGET_COLUMNS, *languages()}
    named = text is not None or target is not None or names[x].lower() in known
    named = named or first is None or all(_names_a_language(names[place]) for place in (x, y))
    if named:
        return columns[x], columns[y], (names[x], names[y])
    return [first[x], *columns[x]], [first[y], *columns[y]], (None, None)


def _padded(rows):
    """Return (first row, columns of the other rows), padded to the most common width."""
    width = max(2, max(map(len, rows)))
    rows = [[*row, *[""] * (width - len(row))] for row in rows]
    return rows[0], [list(column) for column in zip(*rows[1:], strict=True)] or [[]] * width


def _places(names, columns, text, target):
    """Return the column indices of the sources and of the targets."""
    x = None if text is None else names.index(text)
    y = None if target is None else names.index(target)
    if x is None and y is None and len(columns) >= 4:  # id, sentence, id, translation
        counted = [all(cell.strip().isdecimal() for cell in side[:100]) for side in columns[:4]]
        if counted == [True, False, True, False]:
            return 1, 3
    lower = [name.lower() for name in names]
    if x is None and y is None:
        x = next((i for i, name in enumerate(lower) if name in SOURCE_COLUMNS), None)
        y = next((i for i, name in enumerate(lower) if name in TARGET_COLUMNS), None)
    x = x if x is not None else (1 if y == 0 else 0)
    y = y if y is not None else (0 if x == 1 else 1)
    return x, y


# Two files of lines.


@cache
def languages():
    """Return the language codes of CLDR."""
    from babel.localedata import locale_identifiers

    return frozenset(code for code in locale_identifiers() if code.isalpha() and len(code) < 4)


@cache
def language_names():
    """Return the names of languages from CLDR, in English and in the language itself."""
    from babel import Locale

    named = (Locale.parse("en").languages.get(code) for code in languages())
    return frozenset(name.lower() for name in named if name)


def _names_a_language(cell):
    """Whether a cell is a few words that name a language, such as "English sentence"."""
    words = re.findall(r"[^\W\d_]+", cell.lower())
    return len(words) <= 4 and bool(language_names() & set(words)) and cell[-1:] not in ".!?"


def pair_files(source):
    """Return {part: {side: path}} of files whose lines are translations of each other.

    `source` is a folder or one of the two files. Sides are languages, or "src" and "tgt".
    """
    folder = source if source.is_dir() else source.parent
    stems = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        stem, side = _side_of(path)
        if side and path.is_file():
            stems.setdefault(stem, {})[side] = path
    found = {}
    for stem, sides in stems.items():
        if len(sides) != 2:
            continue
        words = re.split(r"[^a-z]+", stem.lower())
        part = next((p for p, names in SPLITS.items() if set(names) & set(words)), "all")
        if not source.is_dir() and source not in sides.values() and part == "all":
            continue
        if part in found:
            return {}
        found[part] = sides
    if not source.is_dir() and not any(source in sides.values() for sides in found.values()):
        return {}
    if "train" in found:
        found.pop("all", None)
        return found
    return {"all": found["all"]} if "all" in found and len(found) == 1 else {}


def _side_of(path):
    """Return (name without the side, side) of a file, or (None, None)."""
    suffix = suffix_of(path)[1:]
    stem = path.name.lower().rpartition(f".{suffix}")[0] if suffix else path.name.lower()
    if suffix in languages() or suffix in SIDES:
        return stem, suffix
    match = re.search(r"(?<![a-z])(src|source|tgt|target)(?![a-z])", stem)
    if match and suffix == "txt":
        return stem[: match.start()] + "*" + stem[match.end() :], match[1]
    return None, None


def _read_files(files, text, target, encoding, strict):
    sides, given = list(next(iter(files.values()))), text or target
    for option, value in (("text", text), ("target", target)):
        one_of(option, value, (None, *sides))
    source = text or next((side for side in sides if side in ("src", "source")), None)
    if source is None and target is None:
        name = next(iter(files.values()))[sides[0]].name
        both = re.search(r"(?<![a-z])([a-z]{2,3})[-_]([a-z]{2,3})(?![a-z])", name.lower())
        source = both[1] if both and {both[1], both[2]} == set(sides) else sides[0]
    source = source or next(side for side in sides if side != target)
    target = next(side for side in sides if side != source)
    raw, paths = {}, []
    for part, found in files.items():
        if set(found) != set(sides):
            raise ValueError(
                f"'{found[next(iter(found))]}' is in {' and '.join(found)}, not in "
                f"{' and '.join(sides)}."
            )
        x, y = (split_lines(decode_text(found[side], encoding)) for side in (source, target))
        if len(x) != len(y):
            raise ValueError(
                f"'{found[source]}' has {len(x)} lines and '{found[target]}' {len(y)}; each line "
                "must be the translation of the line of the other file."
            )
        raw[part] = (x, y)
        paths += [found[source], found[target]]
    if source not in SIDES and not given:
        warn(
            f"Sources are in {source!r} and targets in {target!r}; --target {source} turns them "
            "round."
        )
    return _readings(raw, fingerprint_files(paths), strict, (source, target))


def _read_tmx(path, text, target):
    """Return (sources, targets, their languages) of the translation units of a TMX file."""
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root = fromstring(read_bytes(path))
    except (ParseError, LookupError) as error:
        raise ValueError(f"'{path}' is not readable XML: {error}.") from error
    units, seen = [], {}
    for unit in root.iter("tu"):
        sides = {}
        for variant in unit.iter("tuv"):
            name = variant.get("{http://www.w3.org/XML/1998/namespace}lang") or variant.get("lang")
            segment = variant.find("seg")
            if name and segment is not None:
                sides[name.lower()] = " ".join("".join(_text_of(segment)).split())
        units.append(sides)
        seen.update(dict.fromkeys(sides))
    head = root.find("header")
    first = (head.get("srclang") or "").lower() if head is not None else ""
    names = sorted(seen, key=lambda name: name != first)
    chosen = [_language(name, names, path) for name in (text, target)]
    if chosen[0] is None and chosen[1] is not None and first in seen:
        chosen[0] = first if first != chosen[1] else None
    if len(names) != 2 and None in chosen:
        raise ValueError(
            f"'{path}' holds {len(names)} languages ({', '.join(names)}): --load text=... and "
            "--target say which two."
        )
    x = chosen[0] or next(name for name in names if name != chosen[1])
    y = chosen[1] or next(name for name in names if name != x)
    return [unit.get(x, "") for unit in units], [unit.get(y, "") for unit in units], (x, y)


def _language(name, names, path):
    if name is None:
        return None
    for known in names:
        if name.lower() in (known, known.split("-")[0]):
            return known
    raise ValueError(f"'{path}' has no {name!r}; its languages are {', '.join(names)}.")


def _text_of(element):
    """Yield the text of a segment, without markup."""
    yield element.text or ""
    for child in element:
        if child.tag not in CODES:
            yield from _text_of(child)
        yield child.tail or ""
