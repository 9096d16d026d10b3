"""Reads tables: rows of numbers and categories, and a column to predict."""

import re

import numpy as np

from ..checks import one_of
from ..warning import warn
from .dataframes import is_frame
from .dataset import Part, Reading
from .files import fingerprint_arrays, fingerprint_files
from .numerals import is_missing
from .sheets import STRAY, open_sheet, read_sheet
from .spec import TableSpec
from .targets import encode_labels
from .times import read_times

__all__ = ["read_table", "rows_for_spec", "source_fingerprint"]

FEW = 20  # maximum number of distinct integers that count as classes


def read_table(
    source,
    *,
    target=None,
    encoding=None,
    task=None,
    columns=None,
    class_names=None,
    delimiter=None,
    header=None,
    decimal=None,
    thousands=None,
    missing=(),
    signs=None,
    strict=False,
):
    """Read a table with columns of numbers or categories.

    Columns of numbers (a few cells may be missing or text) become float32 with NaN where
    missing, others text with "" where missing. Columns with a single value are left out, and so
    are text columns with a different value in nearly every row.

    Args:
        source: `.csv`, `.tsv`, `.json`, `.jsonl`, `.parquet`, `.xlsx` or a DataFrame.
        target: Column to predict.
        encoding: As for `decode_text`.
        task: "classification" or "regression". `None` selects classification if the target
            is text, or has at most 20 distinct integers.
        columns: Names of the columns to use, or (name, "number" | "category") pairs.
        class_names: Known class names.
        delimiter: The character that separates cells. `None` infers it.
        header: Whether the first row is a header. `None` infers it.
        decimal, thousands: Decimal sign and thousands separator. `None` infers them per column.
        missing: Words for a missing value, in addition to "", "?", "NA" and similar ones.
        signs: Decimal signs of earlier data, as in a spec.
        strict: Whether rows of the wrong width or without a target are an error; otherwise
            they are left out.
    """
    typed = [(item, None) if isinstance(item, str) else tuple(item) for item in columns or ()]
    y = None
    if isinstance(source, tuple):
        source, y = source
    table = read_sheet(
        source,
        encoding=encoding,
        delimiter=delimiter,
        header=header,
        decimal=decimal,
        thousands=thousands,
        missing=missing,
        expect=(*([target] if target else ()), *(name for name, _ in typed)),
        strict=strict,
        signs=signs,
    )
    if y is not None:
        target = _add_target(table, y, target)
    if target is None:
        raise ValueError(
            f"`target` (--target) must name the column to predict: {', '.join(table.names)}."
        )
    table.check(target, *(name for name, _ in typed))
    if not len(table):
        raise ValueError(f"'{table.path}' holds no rows.")
    table, y, task, class_names = _read_target(table, target, task, class_names, strict)
    names = [name for name in table.names if name != target]
    typed = typed or [(name, None) for name in names]
    given = bool(columns)
    kinds = [(name, kind or _kind(table, name, given)) for name, kind in typed]
    typed = tuple((name, kind) for name, kind in kinds if kind)
    if not typed:
        raise ValueError(f"'{table.path}' has no column to predict {target!r} from.")
    x = {name: _column(table, name, kind) for name, kind in typed}
    _say_frequent(table, [name for name, kind in typed if kind == "category"])
    signs = tuple((name, table.numbers(name).decimal) for name, kind in typed if kind == "number")
    signs = tuple((name, sign) for name, sign in signs if sign == ",")
    header = table.header is not False
    spec = TableSpec(typed, target, task, class_names, signs, header, table.missing)
    return Reading(spec, {"all": Part(x, y)}, source_fingerprint(source))


def source_fingerprint(source):
    """Return the digest of a file or a data frame."""
    if not is_frame(source):
        return fingerprint_files([source])
    import pandas as pd

    return fingerprint_arrays(pd.util.hash_pandas_object(source).to_numpy(), str(source.shape))


def rows_for_spec(path, spec):
    """Return the rows of a file (None: standard input) as dicts of the spec's columns.

    The order of the columns does not matter, and further columns are ignored. A file without
    a header may contain the target or not.
    """
    names = [name for name, _ in spec.columns]
    table = open_sheet(
        path,
        missing=spec.missing,
        expect=names,
        header=None if spec.header else False,
        signs=spec.signs,
    )
    if not spec.header and len(table.names) == len(names):
        table.values = dict(zip(names, table.values.values(), strict=True))
    absent = [name for name in names if name not in table]
    if absent:
        raise ValueError(f"'{table.path}' lacks the columns {', '.join(absent)}.")
    if not len(table):
        raise ValueError(f"'{table.path}' holds no rows.")
    columns = {name: _column(table, name, kind) for name, kind in spec.columns}
    return [{name: values[i] for name, values in columns.items()} for i in range(len(table))]


def _add_target(table, y, target):
    """Add targets that were given separately from the table, under their own name."""
    values = read_sheet(y).values if is_frame(y) else None
    if values is None:
        cells = [str(value) for value in np.asarray(y).ravel().tolist()]
        values = {"target": cells}
    name, cells = next(iter(values.items()))
    name = target or (name if name not in table else "target")
    if len(cells) != len(table):
        raise ValueError(
            f"There must be as many targets as rows. Received: {len(table)} rows and {len(cells)} "
            "targets"
        )
    table.values[name] = cells
    return name


def _kind(table, name, given=False):
    """Return "number", "category", or None for an uninformative column."""
    texts = table.texts(name)
    numbers = table.numbers(name)
    present = [text for text in texts if text]
    different = set(present)
    if len(different) < 2:
        reason = f"holds only one value ({present[0]!r})" if present else "is empty"
        warn(f"The column {name!r} {reason} and is left out.")
        return None
    codes = _are_codes({text for text in different if not is_missing(text)})
    known = 0 if codes else np.isfinite(numbers.values).sum()
    if numbers.wrong.sum() <= STRAY * (known + numbers.wrong.sum()) and known:
        return "number"
    words = {text for text, wrong in zip(texts, numbers.wrong, strict=True) if wrong}
    many = len(set(numbers.values[np.isfinite(numbers.values)].tolist())) > FEW
    if len(words) == 1 and many and known > len(present) / 2:  # a word for a missing value
        return "number"
    if not given and len(different) > 20 and len(different) > 0.9 * len(present):
        shown = present[0] if len(present[0]) < 40 else f"{present[0][:40]}..."
        warn(
            f"The column {name!r} has a different text in nearly every row ({shown!r}) and is left "
            "out."
        )
        return None
    if codes:
        code = next(text for text in present if text.startswith("0"))
        warn(
            f"The column {name!r} holds codes with leading zeros ({code!r}), which are read as "
            "categories, not as numbers."
        )
    elif len(different) > FEW and _are_dates(different):
        warn(
            f"The column {name!r} holds dates ({present[0]!r}), which are read as categories; "
            "numbers, such as the day of the week, say more to a model."
        )
    return "category"


def _are_dates(texts):
    """Whether all texts are dates with a year."""
    if not all(re.search(r"\d{4}", text) for text in texts):
        return False
    times = read_times(sorted(texts))
    return times is not None and not times.wrong.any()


def _are_codes(texts):
    """Whether texts are codes of digits, such as postal codes: their leading zeros count."""
    if not all(text.isdecimal() for text in texts):
        return False
    lengths = {len(text) for text in texts}
    zeros = sum(text.startswith("0") and len(text) > 1 for text in texts)
    return 0 < zeros == len(texts) or (zeros > 0 and len(lengths) == 1 and min(lengths) > 3)


def _column(table, name, kind):
    if kind == "category":
        return np.array(table.categories(name)[0], dtype=str)
    return table.values_of(name).astype("float32")


def _say_frequent(table, names):
    """Warn of words such as "None" that count as a category."""
    words = {name: table.categories(name)[1] for name in names}
    words = {name: word for name, word in words.items() if word}
    if words:
        word = next(iter(words.values()))
        warn(
            f"{word!r} counts as a category of its own in {', '.join(words)}; --missing {word} "
            "makes it a missing value."
        )


def _read_target(table, name, task, class_names, strict):
    """Return (the rows that have a target, y, task, class_names)."""
    one_of("task", task, (None, "classification", "regression"))
    numbers = table.numbers(name)
    known, wrong = np.isfinite(numbers.values), numbers.wrong
    texts, word = table.categories(name)
    values = set(numbers.values[known].tolist())
    whole = all(value.is_integer() for value in values)
    if task is None:
        few = wrong.sum() <= STRAY * (known.sum() + wrong.sum()) and len(values) > FEW
        if class_names or (wrong.any() and not few) or not known.any():
            task = "classification"
        else:
            task = "classification" if whole and len(values) <= FEW else "regression"
        if task == "classification" and not class_names:
            _check_classes(table, name, texts, numbers)
    if task == "regression":
        first = int(wrong.argmax())
        if wrong.sum() > STRAY * len(wrong):
            raise ValueError(
                f"The target {name!r} must hold numbers for regression; {wrong.sum()} of "
                f"{len(wrong)} cells are not numbers. Received: {texts[first]!r} in "
                f"{table.line(first)}"
            )
        if wrong.any():
            warn(
                f"{wrong.sum()} cells of the target {name!r} are not numbers ({texts[first]!r} in "
                f"{table.line(first)})."
            )
        keep = known
    else:
        keep = np.array([bool(text) for text in texts])
        if not wrong.any() and whole and word is None:
            texts = _as_integers(texts, numbers.values, name)
            keep = known
        elif word:
            warn(
                f"{word!r} counts as a class of the target {name!r} ({texts.count(word)} rows); "
                f"--missing {word} leaves these rows out."
            )
    if not keep.all():
        message = f"{(~keep).sum()} rows of '{table.path}' have no {name!r}"
        if strict:
            raise ValueError(f"{message}.")
        warn(f"{message} and are left out (the first is {table.line(int((~keep).argmax()))}).")
    if not keep.any():
        raise ValueError(f"'{table.path}' holds no rows with a {name!r}.")
    taken = table if keep.all() else table.take(keep)
    if task == "regression":
        y = numbers.values[keep]
        if np.ptp(y) == 0:
            raise ValueError(f"The target {name!r} holds only one value ({y[0]:g}).")
        return taken, y.astype("float32"), task, None
    labels = [text for text, kept in zip(texts, keep, strict=True) if kept]
    if len(set(labels)) < 2 and class_names is None:
        raise ValueError(f"The target {name!r} holds only one value ({labels[0]!r}).")
    if class_names is None:
        _point_out_alike(set(labels), name)
    y, class_names = encode_labels(labels, class_names, "rows")
    return taken, y, task, class_names


def _check_classes(table, name, texts, numbers):
    """Reject a target with nearly as many texts as rows: numbers that could not be parsed."""
    different = len({text for text in texts if text})
    first = int(numbers.wrong.argmax())
    known = np.isfinite(numbers.values)
    mostly = known.sum() > len(texts) / 2 and len(set(numbers.values[known])) > FEW
    if numbers.wrong.any() and (different > max(FEW, len(texts) / 2) or mostly):
        raise ValueError(
            f"The target {name!r} of '{table.path}' holds {different} different values in "
            f"{len(texts)} rows, which are not classes, and {numbers.wrong.sum()} of them are not "
            f"numbers: {texts[first]!r} in {table.line(first)}. Correct or remove these cells, say "
            "how numbers are written (--decimal, --thousands) or which words mean missing "
            "(--missing), or choose another --target."
        )


def _as_integers(texts, values, name):
    """Return integers in one notation, since "1" and "1.0" would be two classes."""
    plain = [str(int(value)) if np.isfinite(value) else "" for value in values]
    if len(set(plain)) == len(set(texts)) and not all(
        text in ("", *plain) or text.endswith((".0", ",0")) for text in set(texts)
    ):
        return texts  # 01, 02: names that are kept unchanged
    if len(set(plain)) < len(set(texts)):
        twice = next(t for t in texts if t and t not in plain)
        warn(
            f"The target {name!r} has one number in several forms ({twice!r}), which are one class."
        )
    return plain


def _point_out_alike(labels, name):
    """Point out labels that differ only in case."""
    seen = {}
    for label in sorted(labels):
        other = seen.setdefault(label.casefold(), label)
        if other != label:
            warn(f"The target {name!r} has {other!r} and {label!r}, which count as two classes.")
            return
