"""Warnings to the user that point to the line that called the library."""

import sys
import warnings

__all__ = ["warn"]


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
