"""Files of a run folder: the history, and checkpoints, which are read completely or not at all."""

import csv
import json
import zipfile
from pathlib import Path

import numpy as np

from .. import limits
from ..atomic import replacing

__all__ = ["NotARunError", "checkpoint", "read_history", "restore", "write_history"]


LONGEST = 1 << 28  # maximum bytes of the facts in a checkpoint, and of a history


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
        if limits.regular(path).stat().st_size > LONGEST:
            raise ValueError(f"it is longer than {LONGEST:,} bytes")
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


def restore(path, check=None, **groups):
    """Assign the variables of each group from a checkpoint; return its JSON-compatible facts.

    Nothing is assigned unless everything can be: each array exists, has its variable's shape and
    is finite. Shapes are compared before memory is allocated.

    Args:
        path: A file written by `checkpoint`.
        check: Function that raises a `ValueError` or `KeyError` for invalid `facts`.
        **groups: Lists of variables.

    Raises:
        NotARunError: If the file is truncated, incomplete, of another model or contains NaN.
    """
    try:
        with zipfile.ZipFile(limits.regular(path, "weights")) as archive:
            pairs = [
                (variable, _read(archive, f"{name}/{i}", variable))
                for name, variables in groups.items()
                for i, variable in enumerate(variables)
            ]
            names = [n for n in archive.namelist() if n.endswith(".json.npy")]
            facts = {n[: -len(".json.npy")]: json.loads(_text(archive, n)) for n in names}
        if check is not None:
            check(facts["facts"])
    except (zipfile.BadZipFile, KeyError, EOFError, OSError, ValueError, TypeError) as error:
        reason = str(error)[:100]
        raise NotARunError(f"'{path}' is damaged or of another model ({reason})") from error
    for variable, value in pairs:
        variable.assign(value)
    return facts


def _open(archive, name):
    """Open an array in an archive; return the file, shape and dtype without reading values."""
    file = archive.open(name)
    version = np.lib.format.read_magic(file)
    header = {(1, 0): np.lib.format.read_array_header_1_0}
    header[2, 0] = np.lib.format.read_array_header_2_0
    shape, _, dtype = header[version](file)
    file.seek(0)
    return file, shape, dtype


def _read(archive, name, variable):
    """Read the array of a checkpoint that is to be assigned to a variable."""
    file, shape, dtype = _open(archive, f"{name}.npy")
    if shape != tuple(variable.shape):
        raise ValueError(f"shape {shape} instead of {tuple(variable.shape)}")
    if dtype.kind not in "fiubV" or dtype.itemsize > 16:
        raise ValueError(f"values of type {dtype}")
    value = np.lib.format.read_array(file, allow_pickle=False)
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        raise ValueError("a value is not finite")
    return value


def _text(archive, name):
    file, shape, dtype = _open(archive, name)
    if shape != () or dtype.kind != "U" or dtype.itemsize > LONGEST:
        raise ValueError(f"{name} is not a text")
    return str(np.lib.format.read_array(file, allow_pickle=False))
