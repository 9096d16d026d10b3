"""Limits for what a file may request: sizes are computed and checked before allocating memory.

A file of a few bytes can declare gigabytes. Each reader calls `check` before it allocates memory.
Limits are raised by `--limit-...` in commands and by `raised` in Python.
"""

import contextlib
import os
import stat
from pathlib import Path

__all__ = ["LIMITS", "check", "get", "raised", "regular"]

LIMITS = {  # name: (value, description)
    "bytes": (4 << 30, "bytes when read or unpacked"),
    "pixels": (1 << 27, "pixels of a picture, or of all frames of a clip"),
    "samples": (1 << 28, "samples of sound"),
    "steps": (200_000, "steps of music"),  # at four per quarter note, about seven hours
    "cell": (1 << 27, "characters of a cell"),
    "weights": (32 << 30, "bytes of weights"),
}
_RAISED = {}  # shared by all threads, since several decode pictures


def get(name):
    """Return the current limit."""
    return _RAISED.get(name, LIMITS[name][0])


@contextlib.contextmanager
def raised(**limits):
    """Replace limits within this context.

    Example:

    >>> with raised(steps=10):
    ...     check("steps", 12, "a.mid")
    Traceback (most recent call last):
    ValueError: 'a.mid' asks for 12 steps of music, over the limit of 10 (--limit-steps)
    """
    unknown = set(limits) - set(LIMITS)
    if unknown:
        raise ValueError(f"there is no limit of {', '.join(sorted(unknown))}: {', '.join(LIMITS)}")
    before = dict(_RAISED)
    _RAISED.update(limits)
    try:
        yield
    finally:
        _RAISED.clear()
        _RAISED.update(before)


def check(name, value, what):
    """Return `value`; raise a `ValueError` that names the file if it exceeds the limit."""
    if value > get(name):
        raise ValueError(
            f"'{what}' asks for {value:,} {LIMITS[name][1]}, over the limit of {get(name):,} "
            f"(--limit-{name})"
        )
    return value


def regular(path, limit="bytes"):
    """Return a path; raise a `ValueError` unless it is a regular file within the limit."""
    path = Path(path)
    try:
        facts = os.stat(path)
    except OSError as error:
        raise ValueError(f"'{path}' cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(facts.st_mode):
        raise ValueError(f"'{path}' is not a file: pipes, devices and sockets are not read")
    check(limit, facts.st_size, path)
    return path
