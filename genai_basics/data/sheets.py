"""The columns of a table, from a file or a data frame; each column is parsed as a whole."""

import copy
import dataclasses
import functools
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..warning import warn
from .dataframes import PACKAGED, counts_rows, frame_columns, is_frame, number_texts, read_packaged
from .delimited import read_cells
from .encodings import decode_bytes, suffix_of
from .files import once
from .numerals import EMPTY, is_missing, read_numbers
from .records import JSON_SUFFIXES, read_json, record_columns

__all__ = ["TABLE_SUFFIXES", "Sheet", "open_sheet", "read_sheet"]

TABLE_SUFFIXES = (".csv", ".tsv", ".tab", ".dat", ".data", *JSON_SUFFIXES, *PACKAGED)
STRAY = 0.02  # share of the cells of a numeric column that may be non-numeric
FREQUENT = 0.05  # share of the cells above which a word such as "None" is a category


@dataclass(eq=False, repr=False)
class Sheet:
    """Columns of text, numbers or times, and the number format of the file.

    Attributes:
        values: {name: list of str, float64 array (NaN: missing) or datetime64 array}.
        path: Name of the source in messages.
        lines: Line number in the file of each row.
        decimal: Decimal sign of all columns. `None` infers it for each.
        missing: Words for a missing value, in addition to the usual ones.
        delimiter, header: Of the file; `header` is None if undecided.
        signs: (column, ",") pairs of earlier data, for columns that do not determine their
            decimal sign; columns not listed use points. `None`: there are no earlier data.
    """

    values: dict
    path: object
    lines: list | None = None
    decimal: str | None = None
    missing: tuple = ()
    delimiter: str = ","
    header: bool | None = True
    signs: tuple | None = None
    _read: dict = field(default_factory=dict, init=False)
    _said: set = field(default_factory=set, init=False)

    @property
    def names(self):
        return list(self.values)

    def __len__(self):
        return len(next(iter(self.values.values()), ()))

    def __contains__(self, name):
        return name in self.values

    def check(self, *names):
        """Raise a ValueError if a column does not exist."""
        for name in names:
            if name not in self.values:
                nameless = "" if self.header is not False else " (it has no header)"
                raise ValueError(
                    f"'{self.path}' has no column {name!r}; its columns are "
                    f"{', '.join(self.values)}{nameless}."
                )

    def line(self, i):
        """Return the position of row i, for messages."""
        return f"row {i + 1}" if self.lines is None else f"line {self.lines[i]}"

    def take(self, keep):
        """Return the rows where the boolean array `keep` is true."""
        places = np.flatnonzero(keep)
        values = {
            name: column[places] if isinstance(column, np.ndarray) else [column[i] for i in places]
            for name, column in self.values.items()
        }
        lines = None if self.lines is None else [self.lines[i] for i in places]
        return dataclasses.replace(self, values=values, lines=lines)

    @functools.cached_property
    def hint(self):
        """Most common decimal sign of unambiguous columns, or the usual one for the delimiter."""
        text = [name for name, column in self.values.items() if isinstance(column, list)]
        found = [self._numbers(name, ".") for name in text]
        signs = Counter(n.decimal for n in found if n.decided and n.wrong.mean() < 0.1)
        usual = "," if self.delimiter == ";" else "."
        return signs.most_common(1)[0][0] if signs else usual

    def numbers(self, name):
        """Return the `Numerals` of a column; warn if the decimal sign is ambiguous."""
        found = self._numbers(name, ".", self.decimal)
        if found.decided is not False or self.decimal:
            return found
        if self.signs is not None:
            return self._numbers(name, ".", dict(self.signs).get(name, "."))
        if found.guessed and self.hint != ".":
            found = self._numbers(name, self.hint)
        plain = self.delimiter == "," and found.decimal == "." and "." in found.unclear
        if not plain and name not in self._said:
            self._said.add(name)
            other = "," if found.decimal == "." else "."
            value = read_numbers([found.unclear], decimal=found.decimal).values[0]
            otherwise = read_numbers([found.unclear], decimal=other).values[0]
            warn(
                f"{found.unclear!r} in {name!r} was read as {value:.12g}; --decimal {other!r} "
                f"reads it as {otherwise:.12g}."
            )
        return found

    def values_of(self, name, most=1.0):
        """Return the numbers of a column; cells that are not numbers become NaN, with a warning.

        Raises:
            ValueError: A share of more than `most` of the cells are not numbers.
        """
        found = self.numbers(name)
        if found.wrong.any():
            first = int(found.wrong.argmax())
            shown = f"{self.texts(name)[first]!r} in {self.line(first)}"
            if found.wrong.mean() > most:
                raise ValueError(f"The column {name!r} must hold numbers. Received: {shown}")
            warn(
                f"{found.wrong.sum()} cells of {name!r} are not numbers ({shown}) and count as "
                "missing."
            )
        return found.values

    def _numbers(self, name, hint, decimal=None):
        column = self.values[name]

        def read():
            packed = isinstance(column, np.ndarray)
            cells = column
            if packed:
                cells = [""] * len(column) if column.dtype.kind == "M" else number_texts(column)
            known = "." if packed else decimal
            return read_numbers(cells, decimal=known, hint=hint, missing=self.missing)

        return self.remembered(("numbers", name, hint, decimal), read)

    def remembered(self, key, read):
        """Return `read()`, cached by key."""
        if key not in self._read:
            self._read[key] = read()
        return self._read[key]

    def texts(self, name):
        """Return a column as a list of str, "" where a cell is certainly missing."""
        column = self.values[name]

        def read():
            cells = column
            if isinstance(column, np.ndarray):
                dated = column.dtype.kind == "M"
                cells = column.astype(str).tolist() if dated else number_texts(column)
            hollow = {*EMPTY, *self.missing}
            return ["" if cell in hollow else cell for cell in map(str.strip, cells)]

        return self.remembered(("texts", name), read)

    def categories(self, name):
        """Return `(texts, word)`: like `texts`, with "" also for rare words such as "None".

        `word` is such a word that is frequent and hence a category, or None.
        """
        texts = self.texts(name)
        words = {word: n for word, n in Counter(texts).items() if word and is_missing(word)}
        rare = {word for word, n in words.items() if n < max(2, FREQUENT * len(texts))}
        frequent = [word for word in words if word not in rare]
        texts = ["" if cell in rare else cell for cell in texts] if rare else texts
        return texts, frequent[0] if frequent else None


def read_sheet(
    source,
    *,
    encoding=None,
    delimiter=None,
    header=None,
    decimal=None,
    thousands=None,
    missing=(),
    expect=(),
    text=None,
    strict=False,
    signs=None,
):
    """Return the `Sheet` of a file or a data frame.

    Columns without a name are left out if they are empty or a row index.

    Args:
        source: `.csv`, `.tsv`, `.json`, `.jsonl`, `.parquet`, `.xlsx`, each also as `.gz`;
            a DataFrame or Series; the name of `text` in messages if that is given.
        encoding, delimiter, header, expect, text, strict: As for `read_cells`.
        decimal, thousands: Decimal sign, "." or ","; thousands separator, any character.
        missing: Words for a missing value, as a list or "A,B".
        signs: As for `Sheet`.
    """
    decimal = _decimal(decimal, thousands)
    missing = tuple(missing.split(",") if isinstance(missing, str) else map(str, missing))
    facts = {"decimal": decimal, "missing": missing, "signs": signs}
    if is_frame(source):
        return Sheet(frame_columns(source), "the data frame", **facts)
    options = {"encoding": encoding, "delimiter": delimiter, "header": header, "strict": strict}
    options["expect"] = tuple(sorted({*expect}))
    sheet = copy.copy(_file_sheet(source, tuple(facts.items()), text=text, **options))
    sheet.values, sheet._said = dict(sheet.values), set()
    return sheet


@once
def _file_sheet(source, facts, *, text, encoding, **options):
    """Return the `Sheet` of a file; `facts` are for `Sheet`, `options` for `read_cells`."""
    facts, suffix = dict(facts), suffix_of(source) if text is None else ".csv"
    if suffix in PACKAGED:
        return Sheet(frame_columns(read_packaged(source)), source, **facts)
    if suffix in JSON_SUFFIXES:
        return Sheet(record_columns(read_json(source, encoding), source), source, **facts)
    found = read_cells(source, text=text, encoding=encoding, **options)
    columns = [list(column) for column in zip(*found.rows, strict=True)]
    columns = columns or [[] for _ in found.names]
    values = _named(found.names, columns, source)
    facts.update(delimiter=found.delimiter, header=found.header)
    return Sheet(values, source, found.lines, **facts)


def _decimal(decimal, thousands):
    """Check both signs; return the decimal sign if known."""
    if decimal not in (None, ".", ","):
        raise ValueError(f"`decimal` (--decimal) must be '.' or ','. Received: decimal={decimal!r}")
    named = {"space": " ", "apostrophe": "'", "none": "", "comma": ",", "point": "."}
    thousands = named.get(thousands, thousands)
    if thousands not in (None, "", ".", ",", "'", "’", " ", "_"):
        raise ValueError(
            "`thousands` (--thousands) must be one of . , ' space or none. Received: "
            f"thousands={thousands!r}"
        )
    if thousands and thousands == decimal:
        raise ValueError(
            "`decimal` and `thousands` must be two signs. Received: both are " + repr(decimal)
        )
    return decimal or {",": ".", ".": ","}.get(thousands)


def _named(names, columns, path):
    """Return {name: cells} without uninformative unnamed columns."""
    values, left = {}, []
    for place, (name, cells) in enumerate(zip(names, columns, strict=True), 1):
        if not name or name.startswith("Unnamed: "):
            if not any(cells):
                continue
            if counts_rows(cells):
                left.append(place)
                continue
            name = name or f"column_{place}"
        if name in values:
            raise ValueError(f"'{path}' names a column twice: {name}.")
        values[name] = cells
    if left:
        warn(f"The nameless column {left[0]} of '{path}' numbers the rows and is left out.")
    return values


def open_sheet(path, **options):
    """Return the `Sheet` of a file, or of standard input for None."""
    if path is None:
        raw = sys.stdin.buffer.read() if hasattr(sys.stdin, "buffer") else sys.stdin.read()
        text = decode_bytes(raw, Path("standard input")) if isinstance(raw, bytes) else raw
        return read_sheet("standard input", text=text, **options)
    return read_sheet(path, **options)
