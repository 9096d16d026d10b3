"""Checks of arguments, each a `ValueError` of one sentence that ends with what came.

Example:

>>> at_least("latent_dim", 0, 1)
Traceback (most recent call last):
ValueError: `latent_dim` must be at least 1. Received: latent_dim=0
"""

__all__ = ["at_least", "between", "one_of", "positive"]


def at_least(name, value, least):
    """Return `value`, or refuse it where it is less than `least` (NaN is refused, too)."""
    if not value >= least:
        raise ValueError(f"`{name}` must be at least {least}. Received: {name}={value}")
    return value


def positive(name, value):
    """Return `value`, or refuse it where it is not more than 0."""
    if not value > 0:
        raise ValueError(f"`{name}` must be more than 0. Received: {name}={value}")
    return value


def between(name, value, low, high):
    """Return `value`, or refuse it outside `low` to `high`, both included."""
    if not low <= value <= high:
        raise ValueError(f"`{name}` must lie between {low} and {high}. Received: {name}={value}")
    return value


def one_of(name, value, choices):
    """Return `value`, or refuse it where it is not among `choices`."""
    if value not in choices:
        *first, last = (f'"{c}"' if isinstance(c, str) else str(c) for c in choices)
        listed = f"{', '.join(first)} or {last}" if first else last
        raise ValueError(f"`{name}` must be {listed}. Received: {name}={value!r}")
    return value
