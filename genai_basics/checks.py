"""Checks of arguments; each raises a one-sentence `ValueError` that ends with the value received.

Example:

>>> whole("latent_dim", 0, 1)
Traceback (most recent call last):
ValueError: `latent_dim` must be at least 1. Received: latent_dim=0
"""

import inspect
import math
import numbers
from collections.abc import Iterable

__all__ = [
    "at_least",
    "below_one",
    "between",
    "channels_last",
    "idle",
    "inside",
    "names_or_none",
    "one_of",
    "positive",
    "range_or_none",
    "real",
    "whole",
    "widths",
]


def at_least(name, value, least):
    """Return `value`; raise a `ValueError` if it is no number or less than `least`."""
    if not real(name, value) >= least:
        raise ValueError(f"`{name}` must be at least {least}. Received: {name}={value}")
    return value


def positive(name, value):
    """Return `value`; raise a `ValueError` unless it is greater than 0."""
    if not real(name, value) > 0:
        raise ValueError(f"`{name}` must be more than 0. Received: {name}={value}")
    return value


def between(name, value, low, high):
    """Return `value`; raise a `ValueError` unless it is in [low, high]."""
    if not low <= real(name, value) <= high:
        raise ValueError(f"`{name}` must lie between {low} and {high}. Received: {name}={value}")
    return value


def inside(name, value, low, high):
    """Return `value`; raise a `ValueError` unless it is in (low, high)."""
    if not low < real(name, value) < high:
        raise ValueError(
            f"`{name}` must be more than {low} and less than {high}. Received: {name}={value}"
        )
    return value


def below_one(name, value):
    """Return a rate, such as that of dropout; raise a `ValueError` unless it is in [0, 1)."""
    if not 0 <= real(name, value) < 1:
        raise ValueError(f"`{name}` must be at least 0 and less than 1. Received: {name}={value}")
    return value


def one_of(name, value, choices):
    """Return `value`; raise a `ValueError` unless it is one of `choices`."""
    if value not in choices:
        *first, last = (f'"{c}"' if isinstance(c, str) else str(c) for c in choices)
        listed = f"{', '.join(first)} or {last}" if first else last
        raise ValueError(f"`{name}` must be {listed}. Received: {name}={value!r}")
    return value


def real(name, value):
    """Return `value`; raise a `ValueError` unless it is a number."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ValueError(f"`{name}` must be a number. Received: {name}={value!r}")
    return value


def whole(name, value, least):
    """Return `value` as an int; raise a `ValueError` unless it is one of at least `least`."""
    if not isinstance(real(name, value), numbers.Integral):
        raise ValueError(f"`{name}` must be a whole number. Received: {name}={value!r}")
    return int(at_least(name, value, least))


def widths(name, values, count=None):
    """Return the widths of layers as a tuple; raise a `ValueError` unless each is at least 1.

    `count`: how many there must be; `None`: at least one.
    """
    found = tuple(values) if isinstance(values, (tuple, list)) else ()
    right = len(found) == count if count else found
    if not right or not all(isinstance(n, numbers.Integral) and n >= 1 for n in found):
        many = f"{count} widths" if count else "widths"
        raise ValueError(f"`{name}` must be {many} of at least 1. Received: {name}={values!r}")
    return found


def names_or_none(name, value):
    """Return names as a tuple of str, or `None`; raise a `ValueError` for anything else."""
    if value is None:
        return None
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ValueError(f"`{name}` must be a list of names. Received: {name}={value!r}")
    return tuple(map(str, value))


def range_or_none(name, value):
    """Return (lowest, highest), or `None`; raise a `ValueError` for anything else."""
    if value is None:
        return None
    found = tuple(value) if isinstance(value, Iterable) else ()
    numeric = len(found) == 2 and all(isinstance(end, numbers.Real) for end in found)
    if not numeric or not -math.inf < found[0] < found[1] < math.inf:
        raise ValueError(
            f"`{name}` must be the lowest and the highest number of the data. "
            f"Received: {name}={value!r}"
        )
    return found


def channels_last():
    """Refuse to build networks where a setting of Keras puts channels first."""
    import keras

    if keras.config.image_data_format() != "channels_last":
        raise ValueError(
            "models take channels as the last axis: call "
            'keras.config.set_image_data_format("channels_last"). '
            f"Received: {keras.config.image_data_format()}"
        )


def idle(builder, given, *names, because):
    """Refuse arguments of a function that have no effect, except its defaults.

    Args:
        builder: The function.
        given: All of its arguments by name, such as `locals()`.
        names: The arguments that have no effect.
        because: Why, after "has no effect".
    """
    for name in names:
        value, default = given[name], inspect.signature(builder).parameters[name].default
        value = tuple(value) if isinstance(value, list) else value
        if value is not None and value != default:
            raise ValueError(
                f"`{name}` has no effect {because}: leave it out. Received: {name}={value!r}"
            )
