"""The columns of a table, from a file or a data frame, each of them read as a whole."""

import functools
import json
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from ..extras import require
from .cells import read_cells
from .encodings import decode_bytes, decode_text, suffix_of
from .numbers import EMPTY, is_missing, read_numbers

__all__ = ["TABLE_SUFFIXES", "Columns", "is_frame", "read_columns"]

TEXT_SUFFIXES = (".csv", ".tsv", ".tab", ".dat", ".data", ".txt")
JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
PACKAGED = {  # ending: (pandas' reader, package that it needs)
    ".parquet": ("read_parquet", "pyarrow"),
    ".feather": ("read_feather", "pyarrow"),
    ".xlsx": ("read_excel", "openpyxl"),
    ".xlsm": ("read_excel", "openpyxl"),
}
TABLE_SUFFIXES = (".csv", ".tsv", ".tab", ".dat", ".data", *JSON_SUFFIXES, *PACKAGED)
FREQUENT = 0.05  # share of the cells from which a word such as "None" is a category


class Columns:
    """Columns of text, numbers or times, and how the file writes its numbers.

    Args:
        values: {name: list of str, float64 array (NaN: missing) or datetime64 array}.
        path: What messages call the source.
        lines: The line of the file in which each row stands.
        decimal: Decimal sign of all columns. `None` decides it for each.
        missing: Words for a missing value, besides the usual ones.
        delimiter, header: As the file has them.
    """

    def __init__(
        self, values, path, lines=None, decimal=None, missing=(), delimiter=",", header=True
    ):
        self.values, self.path, self.lines = values, path, lines
        self.decimal, self.missing = decimal, missing
        self.delimiter, self.header = delimiter, header
        self._read = {}

    @property
    def names(self):
        return list(self.values)

    def __len__(self):
        return len(next(iter(self.values.values()), ()))

    def __contains__(self, name):
        return name in self.values

    def check(self, *names):
        """Raise a ValueError where a column is not there."""
        for name in names:
            if name not in self.values:
                nameless = "" if self.header else " (it has no header)"
                raise ValueError(
                    f"'{self.path}' has no column {name!r}; its columns are "
                    f"{', '.join(self.values)}{nameless}."
                )

    def line(self, i):
        """Return where row i stands, for messages."""
        return f"row {i + 1}" if self.lines is None else f"line {self.lines[i]}"

    def take(self, keep):
        """Return the rows at which the boolean array `keep` holds."""
        places = np.flatnonzero(keep)
        values = {
            name: column[places] if isinstance(column, np.ndarray) else [column[i] for i in places]
            for name, column in self.values.items()
        }
        lines = None if self.lines is None else [self.lines[i] for i in places]
        rest = self.decimal, self.missing, self.delimiter, self.header
        return Columns(values, self.path, lines, *rest)

    @functools.cached_property
    def hint(self):
        """The decimal sign of the columns that tell theirs, or else of files so delimited."""
        text = [name for name, column in self.values.items() if isinstance(column, list)]
        found = [self._numbers(name, ".") for name in text]
        signs = Counter(n.decimal for n in found if n.decided and n.wrong.mean() < 0.1)
        usual = "," if self.delimiter == ";" else "."
        return signs.most_common(1)[0][0] if signs else usual

    def numbers(self, name, usual=None):
        """Return the `Numbers` of a column, and say where the sign was a matter of judgement.

        Args:
            name: The column.
            usual: The sign to take where the cells do not decide.
        """
        found = self._numbers(name, ".", self.decimal)
        if found.decided is not False or self.decimal:
            return found
        if usual is not None:
            return self._numbers(name, ".", usual)
        if found.guessed and self.hint != ".":
            found = self._numbers(name, self.hint)
        if self.delimiter != "," or found.decimal != "." or "," in found.unclear:
            other = "," if found.decimal == "." else "."
            value = read_numbers([found.unclear], decimal=found.decimal).values[0]
            otherwise = read_numbers([found.unclear], decimal=other).values[0]
            warnings.warn(
                f"{found.unclear!r} in {name!r} was read as {value:.12g}; --decimal {other!r} "
                f"reads it as {otherwise:.12g}.",
                stacklevel=4,
            )
        return found

    def _numbers(self, name, hint, decimal=None):
        key = name, hint, decimal
        if key not in self._read:
            column = self.values[name]
            if isinstance(column, np.ndarray):
                column = [""] * len(column) if column.dtype.kind == "M" else _number_texts(column)
                decimal = "."
            self._read[key] = read_numbers(column, decimal=decimal, hint=hint, missing=self.missing)
        return self._read[key]

    def texts(self, name):
        """Return a column as a list of str, "" where a cell is missing for sure."""
        column = self.values[name]
        if isinstance(column, np.ndarray):
            texts = column.astype(str).tolist() if column.dtype.kind == "M" else None
            column = _number_texts(column) if texts is None else texts
        hollow = {*EMPTY, *self.missing}
        return ["" if cell.strip() in hollow else cell.strip() for cell in column]

    def categories(self, name):
        """Return `(texts, word)`: as `texts`, and "" too for rare words such as "None".

        `word` is one that is frequent, and so a category, or None.
        """
        texts = self.texts(name)
        words = Counter(cell for cell in texts if cell and is_missing(cell))
        rare = {word for word, n in words.items() if n < max(2, FREQUENT * len(texts))}
        frequent = [word for word in words if word not in rare]
        texts = ["" if cell in rare else cell for cell in texts]
        return texts, frequent[0] if frequent else None


def is_frame(source):
    """Whether a source is a pandas DataFrame or Series, without importing pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(source, (pandas.DataFrame, pandas.Series))


def read_columns(
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
):
    """Return the `Columns` of a file or a data frame.

    Columns without a name are left out where they are empty or count the rows.

    Args:
        source: `.csv`, `.tsv`, `.json`, `.jsonl`, `.parquet`, `.xlsx`, each of them `.gz` too;
            a DataFrame or Series; a word for messages where `text` is given.
        encoding, delimiter, header, expect, text, strict: As for `read_cells`.
        decimal, thousands: How numbers are written: "." or ","; thousands may be any sign.
        missing: Words for a missing value, a list or "A,B".
    """
    decimal = _decimal(decimal, thousands)
    missing = tuple(missing.split(",") if isinstance(missing, str) else map(str, missing))
    if is_frame(source):
        return Columns(_frame_values(source), "the data frame", None, decimal, missing)
    suffix = suffix_of(source) if text is None else ".csv"
    if suffix in PACKAGED:
        frame = _packaged(source, suffix)
        return Columns(_frame_values(frame), source, None, decimal, missing)
    if suffix in JSON_SUFFIXES:
        values = record_columns(read_json(source, encoding), source)
        return Columns(values, source, None, decimal, missing)
    found = read_cells(
        source,
        encoding=encoding,
        delimiter=delimiter,
        header=header,
        expect=expect,
        text=text,
        strict=strict,
    )
    columns = [list(column) for column in zip(*found.rows, strict=True)]
    columns = columns or [[] for _ in found.names]
    values = _named(found.names, columns, source)
    rest = found.delimiter, found.header is not False
    return Columns(values, source, found.lines, decimal, missing, *rest)


def _decimal(decimal, thousands):
    """Check the two signs; return the decimal one where it is known."""
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
    """Return {name: cells} less the nameless columns that say nothing."""
    values, left = {}, []
    for place, (name, cells) in enumerate(zip(names, columns, strict=True), 1):
        if not name or name.startswith("Unnamed: "):
            if not any(cells):
                continue
            if _counts(cells):
                left.append(place)
                continue
            name = name or f"column_{place}"
        if name in values:
            raise ValueError(f"'{path}' names a column twice: {name}.")
        values[name] = cells
    if left:
        warnings.warn(
            f"The nameless column {left[0]} of '{path}' numbers the rows and is left out.",
            stacklevel=4,
        )
    return values


def _counts(cells):
    """Whether cells are numbers of rows, each of them another, most of them in order."""
    try:
        numbers = [int(cell) for cell in cells]
    except ValueError:
        return False
    return len(set(numbers)) == len(numbers)


def _number_texts(column):
    return [
        "" if value != value else str(int(value)) if value == int(value) else repr(float(value))
        for value in column.tolist()
    ]


# Data frames.


def _packaged(path, suffix):
    """Read a file by pandas and the package that it needs for it."""
    reader, package = PACKAGED[suffix]
    try:
        require(package, "tables")
    except ImportError as error:
        raise ValueError(f"'{path}': {error}, or save it as .csv.") from error
    import pandas

    try:
        if reader != "read_excel":
            return getattr(pandas, reader)(path)
        sheets = pandas.read_excel(path, sheet_name=None, keep_default_na=False)
    except Exception as error:  # each engine raises its own sorts
        raise ValueError(f"'{path}' cannot be read as {suffix}: {error}.") from error
    filled = {name: sheet for name, sheet in sheets.items() if len(sheet)}
    if not filled:
        raise ValueError(f"'{path}' holds no rows.")
    first, *others = filled
    if others:
        warnings.warn(
            f"'{path}' has {len(filled)} sheets; {first!r} is read and {', '.join(others)} left "
            "out.",
            stacklevel=4,
        )
    return filled[first]


def _frame_values(frame):
    """Return {name: values} of a DataFrame or Series; an index with a meaning is a column."""
    import pandas as pd

    if isinstance(frame, pd.Series):
        frame = frame.to_frame("value" if frame.name is None else frame.name)
    timed = isinstance(frame.index, (pd.DatetimeIndex, pd.PeriodIndex))
    if timed or any(name is not None for name in frame.index.names):
        names = [name or "time" for name in frame.index.names]
        frame = frame.reset_index(names=names)
    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    doubled = frame.columns[frame.columns.duplicated()]
    if len(doubled):
        raise ValueError(f"The data frame names a column twice: {doubled[0]}.")
    values = {name: _column_values(frame[name]) for name in frame.columns}
    nameless = [name for name in values if name.startswith("Unnamed: ")]
    for name in nameless:
        column = values[name]
        cells = column if isinstance(column, list) else _number_texts(column)
        if not any(cells) or _counts(cells):
            del values[name]
    return values


def _column_values(column):
    import pandas as pd

    kind = column.dtype
    if isinstance(kind, pd.PeriodDtype):
        column, kind = column.dt.to_timestamp(), None
    if isinstance(kind, pd.DatetimeTZDtype):
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.to_numpy("datetime64[us]")
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return column.to_numpy("float64", na_value=np.nan)
    if isinstance(kind, pd.CategoricalDtype):
        column = column.astype(object)
    return _values(list(column))


def _values(cells):
    """Return values of any sort as numbers where all are, or else as text."""
    plain = [None if _is_null(cell) else cell for cell in cells]
    present = [cell for cell in plain if cell is not None]
    numbers = [isinstance(c, (int, float, np.number)) and not isinstance(c, bool) for c in present]
    if present and all(numbers):
        return np.array([np.nan if cell is None else cell for cell in plain], "float64")
    return [_text(cell) for cell in plain]


def _is_null(cell):
    return cell is None or (not isinstance(cell, (str, list, dict, tuple)) and cell != cell)


def _text(cell):
    if cell is None:
        return ""
    if isinstance(cell, (list, tuple, set)):
        return ";".join(map(str, cell))
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return json.dumps(cell) if isinstance(cell, dict) else str(cell)


# Records.


def read_json(path, encoding=None):
    """Return what a `.json` file holds, or the list of what each line of a `.jsonl` file holds."""
    text = decode_text(path, encoding)
    try:
        if suffix_of(path) == ".json":
            try:
                return json.loads(text)
            except json.JSONDecodeError as error:
                if "Extra data" not in str(error):
                    raise
        lines = [(i, li) for i, li in enumerate(text.split("\n"), 1) if li.strip()]
        found = []
        for number, line in lines:
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise ValueError(
                    f"Line {number} of '{path}' is no JSON ({error.msg}): {line[:60]!r}."
                ) from error
        return found
    except json.JSONDecodeError as error:
        raise ValueError(f"'{path}' is no JSON: {error}.") from error


def records_of(content):
    """Return the records (dicts) or texts in JSON, or None where it holds neither."""
    if isinstance(content, dict):
        lists = [value for value in content.values() if isinstance(value, list) and value]
        records = [value for value in lists if all(isinstance(item, dict) for item in value)]
        if len(records) == 1 and len(lists) == 1:
            return records[0]
        columns = list(content.values())
        if columns and all(isinstance(column, dict) for column in columns):  # as pandas writes
            keys = list(columns[0])
            if all(list(column) == keys for column in columns):
                return [{name: content[name][key] for name in content} for key in keys]
        flat = len(lists) == len(columns) > 0 and len({len(column) for column in columns}) == 1
        if flat and not any(isinstance(cell, (list, dict)) for li in columns for cell in li):
            return [dict(zip(content, row, strict=True)) for row in zip(*columns, strict=True)]
        return None
    if not isinstance(content, list) or not content:
        return None
    if all(isinstance(item, dict) for item in content) or all(
        isinstance(item, str) for item in content
    ):
        return content
    return None


def record_columns(content, path):
    """Return {name: values} of the records in JSON; "translation": {"en": ...} gives "en"."""
    records = records_of(content)
    if records is None or isinstance(records[0], str):
        raise ValueError(
            f'\'{path}\' must hold a list of records such as [{{"a": 1, "b": 2}}, ...].'
        )
    flat = []
    for record in records:
        row = {}
        for name, value in record.items():
            nested = value.items() if isinstance(value, dict) else ()
            row.update(nested if len(record) == 1 else {f"{name}.{k}": v for k, v in nested})
            if not isinstance(value, dict):
                row[name] = value
        flat.append(row)
    names = dict.fromkeys(name for row in flat for name in row)
    return {str(name): _values([row.get(name) for row in flat]) for name in names}


def open_columns(path, **options):
    """Return the `Columns` of a file (None: standard input)."""
    if path is None:
        raw = sys.stdin.buffer.read() if hasattr(sys.stdin, "buffer") else sys.stdin.read()
        text = decode_bytes(raw, Path("standard input")) if isinstance(raw, bytes) else raw
        return read_columns("standard input", text=text, **options)
    return read_columns(path, **options)
