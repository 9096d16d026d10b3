"""Warnings to the user that point to the line that called the library; errors as one line."""

import sys
import warnings

__all__ = ["one_line", "warn"]


def warn(message):
    """Issue a `UserWarning` at the nearest caller outside `genai_basics`.

    Example:

    >>> with warnings.catch_warnings(record=True, action="always") as caught:
    ...     warn("Two rows are left out.")
    >>> str(caught[0].message)
    'Two rows are left out.'
    """
    frame, level = sys._getframe(1), 2
    inside = ("genai_basics.", "contextlib")
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(inside):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)


def one_line(error):
    r"""Return an error as one line for a user; unexpected ones are named.

    Example:

    >>> one_line(ValueError("`n` must be at least 1.\n  Received: n=0"))
    '`n` must be at least 1. Received: n=0'
    """
    text = " ".join(str(error).split()) or type(error).__name__
    expected = isinstance(error, (ValueError, OSError, ImportError, MemoryError))
    if isinstance(error, OSError) and error.strerror and error.filename:
        text = f"'{error.filename}': {error.strerror}"
    return text if expected else f"{type(error).__name__}: {text}"
