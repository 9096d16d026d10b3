"""Labels and values of pictures, from the columns of a table."""

import numpy as np

from ..warning import warn
from .file_tables import FileTable
from .numerals import read_numbers
from .targets import encode_labels, encode_sets

__all__ = ["read_targets"]

LABEL_NAMES = ("label", "labels", "class", "category", "target", "tags", "class_name", "y")
VALUE_NAMES = ("age", "value", "score", "price", "weight", "height", "angle", "count", "rating")
CORNERS = ({"xmin", "ymin", "xmax", "ymax"}, {"x1", "y1", "x2", "y2"}, {"bbox"})
FLAGS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "-1": 0, "False": 0, "True": 1}
MANY = 20  # more distinct integers than this are values, unless they count up from 0 or 1


def read_targets(tables, target, task, class_names):
    """Return ({part: (files, y, groups)}, fields of the spec) of {part: FileTable}.

    y holds indices into `class_names`, rows of 0 and 1 with `multi_label`, or values if the task
    is "regression"; it is None if the tables hold only metadata.
    """
    tables = {name: _present(table) for name, table in tables.items()}
    train = tables.get("train") or tables["all"]
    names = _target_columns(train, target)
    for part in [part for part in tables if not set(names or ()) <= set(tables[part].columns)]:
        table = tables.pop(part)
        warn(
            f"'{table.path.name}' has no column {', '.join(names)}: its {len(table.files)} "
            "pictures are left out; `predict` reads them."
        )
    if set(tables) == {"train"}:
        tables = {"all": tables["train"]}
    cells = {part: [table.columns[name] for name in names or ()] for part, table in tables.items()}
    facts = {"class_names": None, "task": None, "multi_label": False}
    if not names:
        y = dict.fromkeys(tables)
    elif len(names) > 1:
        y, facts = _indicators(cells, names, class_names, facts)
    else:
        y, facts = _one_column(cells, names[0], task, class_names, facts)
    found = {}
    for part, table in tables.items():
        groups = {
            name: column for name, column in table.columns.items() if name not in (names or ())
        }
        groups.pop("file", None)
        found[part] = (table.files, y[part], groups)
    return found, facts


def _present(table):
    """Return the rows whose file exists, one row per file."""
    table.point_out_missing()
    rows, seen = [], {}
    for i, file in enumerate(table.files):
        said = tuple(column[i] for column in table.columns.values())
        if file is not None and seen.setdefault(file, said) != said:
            raise ValueError(
                f"'{table.path}' has conflicting rows for '{file.name}': "
                f"{', '.join(seen[file])} and {', '.join(said)}."
            )
        if file is not None and table.files.index(file) == i:
            rows.append(i)
    return FileTable(table.path, table.files, table.columns, []).take(rows)


def _target_columns(table, target):
    """Return the names of the columns to predict, or None."""
    known = {name.lower(): name for name in table.columns}
    if target is not None:
        names = [name.strip() for name in target.split(",")] if isinstance(target, str) else target
        table.check(names, target)
        return list(names)
    if any(corners <= set(known) for corners in CORNERS):
        raise ValueError(
            f"'{table.path}' holds boxes: save them as Pascal VOC, COCO or YOLO, or `target` "
            "(--target) names the label of the whole picture."
        )
    named = next((known[name] for name in LABEL_NAMES if name in known), None)
    if named is not None:
        return [named]
    columns = [name for name, cells in table.columns.items() if any(cells)]
    flags = [name for name in columns if set(table.columns[name]) <= {*FLAGS}]
    if len(flags) > 1:
        return flags
    if len(columns) > 1:
        raise ValueError(
            f"'{table.path}' has the columns {', '.join(columns)}: `target` (--target) says which "
            "holds the labels or values."
        )
    return columns or None


def _indicators(cells, names, class_names, facts):
    """Encode columns of 0 and 1, one per class."""
    order = list(class_names or names)
    if set(order) != set(names):
        raise ValueError(f"The columns {', '.join(names)} are not the classes {', '.join(order)}.")
    y = {}
    for part, columns in cells.items():
        rows = [columns[names.index(name)] for name in order]
        if not all(cell in FLAGS for column in rows for cell in column):
            raise ValueError(f"The columns {', '.join(names)} must hold 0 and 1.")
        y[part] = np.array([[FLAGS[cell] for cell in column] for column in rows], "int64").T
    single = all((rows.sum(axis=1) == 1).all() for rows in y.values())
    if single and class_names is None:
        y = {part: rows.argmax(axis=1) for part, rows in y.items()}
    return y, {**facts, "class_names": tuple(order), "multi_label": not single}


def _one_column(cells, name, task, class_names, facts):
    everything = [cell.strip() for (column,) in cells.values() for cell in column]
    empty = everything.count("")
    if empty:
        raise ValueError(f"{empty} cells of the column '{name}' are empty; fill them.")
    numbers = _numbers(everything)
    if task == "regression" or (
        task is None and class_names is None and _are_values(numbers, name)
    ):
        if numbers is None:
            raise ValueError(f"The column '{name}' holds no numbers to predict: {everything[0]!r}.")
        warn(
            f"'{name}' is read as numbers to predict, {min(numbers):g} to {max(numbers):g}; `task` "
            "'classification' (--load task=classification) makes them classes."
        )
        y = {part: np.array(_numbers(column), "float32") for part, (column,) in cells.items()}
        return y, {**facts, "task": "regression"}
    separator = next((sign for sign in "|;," if any(sign in cell for cell in everything)), None)
    words = name.lower() in ("tags", "labels") and any(" " in cell for cell in everything)
    if separator or words:
        return _sets(cells, separator, class_names, facts)
    if class_names is None:
        class_names = encode_labels(everything, None, "pictures")[1]
    if class_names is None:
        return dict.fromkeys(cells), facts
    y = {p: encode_labels(column, class_names, "pictures")[0] for p, (column,) in cells.items()}
    return y, {**facts, "class_names": tuple(class_names)}


def _numbers(cells):
    """Return the cells as numbers, or None if one is not a number."""
    read = read_numbers(cells)
    return read.values.tolist() if np.isfinite(read.values).all() else None


def _are_values(numbers, name):
    """Whether numbers are values: fractions, mostly distinct, or many that do not count up."""
    if numbers is None or len(set(numbers)) < 3:
        return False
    different = set(numbers)
    if any(number != round(number) for number in different) or name.lower() in VALUE_NAMES:
        return True
    counted = different in (set(range(len(different))), set(range(1, len(different) + 1)))
    return len(different) > len(numbers) / 2 or (len(different) > MANY and not counted)


def _sets(cells, separator, class_names, facts):
    """Encode cells of several labels as rows of 0 and 1."""
    sets = {}
    for part, (column,) in cells.items():
        split = [cell.split(separator) for cell in column]
        sets[part] = [{label.strip() for label in labels if label.strip()} for labels in split]
    if class_names is None:
        class_names = sorted(set().union(*(row for rows in sets.values() for row in rows)))
        warn(
            f"Cells hold several labels, parted by {separator or 'spaces'!r}: {len(class_names)} "
            f"in all, {', '.join(class_names[:5])}{', ...' if len(class_names) > 5 else ''}."
        )
    y = encode_sets(sets, class_names)
    return y, {**facts, "class_names": tuple(class_names), "multi_label": True}
