"""Limits for what a file may request: sizes are computed and checked before allocating memory.

A file of a few bytes can declare gigabytes. Each reader calls `check` before it allocates memory.
Limits are raised by `--limit-...` in commands and by `raised` in Python.
"""

import contextlib
import contextvars
import os
import stat
from pathlib import Path

__all__ = ["LIMITS", "check", "get", "raised", "regular"]

LIMITS = {  # name: (value, description)
    "file": (16 << 30, "bytes of a file"),
    "array": (32 << 30, "bytes of an array or a series"),
    "pixels": (1 << 28, "pixels of a picture or of all frames of a clip"),
    "samples": (1 << 30, "samples of a sound"),
    "steps": (1 << 24, "steps of a piece of music"),
    "cell": (1 << 27, "characters of a cell or a line"),
    "rows": (1 << 27, "rows of a table or a series"),
    "weights": (32 << 30, "bytes of the weights of a model"),
}
_RAISED = contextvars.ContextVar("raised", default=None)


def get(name):
    """Return the current limit."""
    return (_RAISED.get() or {}).get(name, LIMITS[name][0])


@contextlib.contextmanager
def raised(**limits):
    """Replace limits within this context.

    Example:

    >>> with raised(rows=10):
    ...     check("rows", 12, "a.csv")
    Traceback (most recent call last):
    ValueError: 'a.csv' asks for 12 rows of a table or a series, over the limit of 10 (--limit-rows)
    """
    unknown = set(limits) - set(LIMITS)
    if unknown:
        raise ValueError(f"there is no limit of {', '.join(sorted(unknown))}: {', '.join(LIMITS)}")
    token = _RAISED.set({**(_RAISED.get() or {}), **limits})
    try:
        yield
    finally:
        _RAISED.reset(token)


def check(name, value, what):
    """Return `value`; raise a `ValueError` that names the file if it exceeds the limit."""
    if value > get(name):
        raise ValueError(
            f"'{what}' asks for {value:,} {LIMITS[name][1]}, over the limit of {get(name):,} "
            f"(--limit-{name})"
        )
    return value


def regular(path):
    """Return a path; raise a `ValueError` unless it is a regular file within the limit."""
    path = Path(path)
    try:
        facts = os.stat(path)
    except OSError as error:
        raise ValueError(f"'{path}' cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(facts.st_mode):
        raise ValueError(f"'{path}' is not a file: pipes, devices and sockets are not read")
    check("file", facts.st_size, path)
    return path
