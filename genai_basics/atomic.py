"""Atomic writing: a file is written completely or not at all."""

import contextlib
import os
from pathlib import Path

__all__ = ["TEMPORARY", "replacing", "write_text"]

TEMPORARY = ".writing-"  # prefix of unfinished files


@contextlib.contextmanager
def replacing(path):
    """Yield a temporary path next to `path`, which replaces `path` if no error occurs.

    Example:

    >>> with replacing("numbers.txt") as path:  # doctest: +SKIP
    ...     path.write_text("1 2 3")
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path, text):
    """Write a text file, completely or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
