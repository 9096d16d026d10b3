"""Tables: rows of numbers and categories, and a column to predict."""

import sys
import warnings

import numpy as np

from .dataset import Part, Reading
from .encodings import read_rows
from .files import fingerprint_files
from .labels import encode_labels
from .spec import TableSpec

__all__ = ["is_missing", "parse_numbers", "read_rows", "read_table", "rows_for_spec"]

MISSING = {"", "na", "n/a", "nan", "null", "none", "?", "-", "."}
FEW = 20  # most different whole numbers that count as classes


def read_table(
    source, *, target=None, encoding=None, task=None, columns=None, class_names=None, strict=False
):
    """Read a `.csv` or `.tsv` file whose first row names its columns.

    Columns of numbers (a few cells may be missing or text) become float32 with NaN where
    missing, others text with "" where missing. Columns of one value are left out, and those of
    text with another value in nearly each row.

    Args:
        source: Path.
        target: Column to predict.
        encoding: As for `decode_text`.
        task: "classification" or "regression". `None` takes classification where the target
            is text, or at most 20 different whole numbers.
        columns: Names of the columns to use, or (name, "number" | "category") pairs.
        class_names: Classes of data seen before.
        strict: Whether rows without a target are an error; else they are left out.
    """
    header, rows = read_rows(source, encoding)
    if target is None:
        raise ValueError(
            f"`target` (--target) must name the column to predict: {', '.join(header)}."
        )
    for name in (target, *(name for name, _ in _typed(columns or ()))):
        if name not in header:
            raise ValueError(
                f"'{source}' has no column {name!r}; its columns are {', '.join(header)}."
            )
    if len(set(header)) < len(header):
        raise ValueError(f"'{source}' names a column twice: {', '.join(header)}.")
    rows, dropped = _with_target(rows, header.index(target))
    if dropped:
        message = f"{dropped} rows of '{source}' have no {target!r}"
        if strict:
            raise ValueError(f"{message}.")
        warnings.warn(f"{message} and are left out.", stacklevel=3)
    if not rows:
        raise ValueError(f"'{source}' holds no rows with a {target!r}.")
    cells = dict(zip(header, zip(*rows, strict=True), strict=True))
    y, task, class_names = _read_target(target, cells.pop(target), task, class_names)
    if columns is None:
        kinds = [(name, _kind(name, column)) for name, column in cells.items()]
        typed = tuple((name, kind) for name, kind in kinds if kind)
    else:
        typed = tuple((name, kind or _kind(name, cells[name])) for name, kind in _typed(columns))
    if not typed:
        raise ValueError(f"'{source}' has no column to predict {target!r} from.")
    x = {name: _column(name, cells[name], kind) for name, kind in typed}
    spec = TableSpec(typed, target, task, class_names)
    return Reading(spec, {"all": Part(x, y)}, fingerprint_files([source]))


def rows_for_spec(path, spec):
    """Return the rows of a file (None: standard input) as dicts of the spec's columns.

    The order of the columns does not matter and others are left out.
    """
    name = "standard input" if path is None else path
    header, rows = read_rows(name, text=sys.stdin.read() if path is None else None)
    absent = [column for column, _ in spec.columns if column not in header]
    if absent:
        raise ValueError(f"'{name}' lacks the columns {', '.join(absent)}.")
    if not rows:
        raise ValueError(f"'{name}' holds no rows.")
    cells = dict(zip(header, zip(*rows, strict=True), strict=True))
    columns = {column: _column(column, cells[column], kind) for column, kind in spec.columns}
    return [{column: values[i] for column, values in columns.items()} for i in range(len(rows))]


def is_missing(cell):
    """Whether a cell says that there is no value, as "", "NA" or "?" do."""
    return cell.strip().lower() in MISSING


def parse_numbers(cells):
    """Return float64 numbers, NaN where missing, and the cells that are neither."""
    values, wrong = np.full(len(cells), np.nan), []
    for i, cell in enumerate(cells):
        if is_missing(cell):
            continue
        try:
            values[i] = float(cell)
        except ValueError:
            try:  # 3,5 as much of Europe writes it; 1,234,567 as others do
                values[i] = float(cell.replace(",", "." if cell.count(",") == 1 else ""))
            except ValueError:
                wrong.append(cell)
    return values, wrong


def _typed(columns):
    return [(item, None) if isinstance(item, str) else tuple(item) for item in columns]


def _with_target(rows, place):
    kept = [row for row in rows if not is_missing(row[place])]
    return kept, len(rows) - len(kept)


def _kind(name, cells):
    """Return "number", "category", or None for a column that tells nothing."""
    present = [cell for cell in cells if not is_missing(cell)]
    different = set(present)
    if len(different) < 2:
        if present or cells:
            reason = f"holds one value only ({present[0]!r})" if present else "is empty"
            warnings.warn(f"The column {name!r} {reason} and is left out.", stacklevel=4)
        return None
    wrong = parse_numbers(present)[1]
    if len(wrong) <= 0.02 * len(present):
        return "number"
    if len(different) > 50 and len(different) > 0.9 * len(present):
        warnings.warn(
            f"The column {name!r} has another text in nearly each row and is left out.",
            stacklevel=4,
        )
        return None
    return "category"


def _column(name, cells, kind):
    if kind == "category":
        return np.array(["" if is_missing(cell) else cell for cell in cells], dtype=str)
    values, wrong = parse_numbers(cells)
    if wrong:
        warnings.warn(
            f"{len(wrong)} cells of {name!r} are no numbers ({wrong[0]!r}) and count as missing.",
            stacklevel=3,
        )
    return values.astype("float32")


def _read_target(name, cells, task, class_names):
    """Return (y, task, class_names) of the column to predict."""
    if task not in (None, "classification", "regression"):
        raise ValueError(
            f"`task` must be 'classification' or 'regression'. Received: task={task!r}"
        )
    values, wrong = parse_numbers(cells)
    if task is None:
        whole = not wrong and bool(np.all(values == np.round(values)))
        few = len(set(cells)) <= FEW
        task = "classification" if class_names or wrong or (whole and few) else "regression"
    if task == "regression":
        if wrong:
            raise ValueError(
                f"The target {name!r} must hold numbers for regression. Received: {wrong[0]!r}"
            )
        if np.ptp(values) == 0:
            raise ValueError(f"The target {name!r} holds one value only ({cells[0]!r}).")
        return values.astype("float32"), task, None
    if len(set(cells)) < 2 and class_names is None:
        raise ValueError(f"The target {name!r} holds one value only ({cells[0]!r}).")
    y, class_names = encode_labels(cells, class_names, "rows")
    return y, task, class_names
