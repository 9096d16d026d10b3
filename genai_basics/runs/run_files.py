"""Files of a run folder: the history, and checkpoints, which are read completely or not at all."""

import csv
import json
import zipfile
from pathlib import Path

import numpy as np

from ..atomic import replacing

__all__ = ["NotARunError", "checkpoint", "read_history", "restore", "write_history"]


class NotARunError(ValueError):
    """The folder contains no training run, or one that cannot be read."""


def write_history(path, rows):
    """Write `history.csv`, with the union of the rows' keys in order of appearance."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def read_history(path):
    """Return the rows of `history.csv` as dicts of numbers."""
    if not Path(path).exists():
        return []
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            return [{k: float(v) for k, v in row.items() if v != ""} for row in rows]
    except (ValueError, TypeError, csv.Error) as error:
        raise NotARunError(f"'{path}' is damaged ({str(error)[:100]})") from error


def checkpoint(path, **groups):
    """Write groups of variables, arrays and facts to one `.npz`, completely or not at all.

    A group is a list of variables or a JSON-compatible object; `restore` reads it back.
    """
    from ..backend import value_of

    arrays = {}
    for name, group in groups.items():
        if isinstance(group, list):
            arrays.update({f"{name}/{i}": value_of(v) for i, v in enumerate(group)})
        else:
            arrays[f"{name}.json"] = np.array(json.dumps(group))
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)


def restore(path, **groups):
    """Assign the variables of each group from a checkpoint; return its JSON-compatible facts.

    Nothing is assigned unless everything can be: each array exists, has its variable's shape and
    is finite.

    Raises:
        NotARunError: If the file is truncated, incomplete, of another model or contains NaN.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            pairs = [
                (variable, _checked(arrays[f"{name}/{i}"], variable))
                for name, variables in groups.items()
                for i, variable in enumerate(variables)
            ]
            names = [name for name in arrays.files if name.endswith(".json")]
            facts = {name[: -len(".json")]: json.loads(str(arrays[name])) for name in names}
    except (zipfile.BadZipFile, KeyError, EOFError, OSError, ValueError, TypeError) as error:
        reason = str(error)[:100]
        raise NotARunError(f"'{path}' is damaged or of another model ({reason})") from error
    for variable, value in pairs:
        variable.assign(value)
    return facts


def _checked(value, variable):
    if value.shape != tuple(variable.shape):
        raise ValueError(f"shape {value.shape} instead of {tuple(variable.shape)}")
    if not np.isfinite(np.asarray(value, "float64")).all():
        raise ValueError("a value is not finite")
    return value
