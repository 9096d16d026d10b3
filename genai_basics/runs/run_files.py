"""Files of a run folder: each is written whole or not at all."""

import contextlib
import csv
import json
import os
import zipfile
from pathlib import Path

import numpy as np

__all__ = [
    "NotARunError",
    "checkpoint",
    "read_history",
    "replacing",
    "restore",
    "write_history",
    "write_text",
]


class NotARunError(ValueError):
    """The folder holds no training run, or one that cannot be read."""


@contextlib.contextmanager
def replacing(path):
    """Yield a temporary path next to `path`, which replaces `path` if no error occurs."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path, text):
    """Write a text file, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_history(path, rows):
    """Write `history.csv`: the union of the rows' keys, in the order in which they appear."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def read_history(path):
    """Return the rows of `history.csv` as dicts of numbers."""
    if not Path(path).exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return [{k: float(v) for k, v in row.items() if v != ""} for row in csv.DictReader(file)]


def checkpoint(path, **groups):
    """Write groups of variables, arrays and facts to one `.npz`, whole or not at all.

    A group is a list of variables or a JSON-able object; `restore` reads it back.
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
    """Assign the variables of each group from a checkpoint; return its JSON-able facts."""
    try:
        with np.load(path) as arrays:
            for name, variables in groups.items():
                for i, variable in enumerate(variables):
                    variable.assign(arrays[f"{name}/{i}"])
            facts = [name for name in arrays.files if name.endswith(".json")]
            return {name[: -len(".json")]: json.loads(str(arrays[name])) for name in facts}
    except (zipfile.BadZipFile, KeyError, EOFError, OSError) as error:
        raise NotARunError(f"'{path}' is damaged or of another model ({error})") from error
