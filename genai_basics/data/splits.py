"""Splits data into training, validation and test parts: once, seeded, stratified."""

import dataclasses

import numpy as np

from ..warning import warn
from .dataset import Part

__all__ = ["split_parts"]

MOST_VALIDATION = 5000  # examples: more add little information but cost time every epoch


def split_parts(reading, *, seed=0, validation=0.1, test=0.1, group=None):
    """Split a reading into the parts (train, validation, test).

    Splits that the source already has are kept, except that `validation=0` adds its validation
    part to training; a missing validation part is taken from the training part, at most 5000
    examples. The result depends only on the data and `seed`.

    Args:
        reading: A `Reading`.
        seed: Seed of the draw.
        validation, test: A fraction below 1, a number of examples, or "column=a,b": the
            examples whose column of `Part.groups` has one of these values.
        group: Name of a column of `Part.groups`; examples with equal values stay in one part.
    """
    for name, value in (("validation", validation), ("test", test)):
        if isinstance(value, str):
            continue
        if value < 0 or (isinstance(value, float) and value >= 1):
            raise ValueError(
                f"`{name}` must be a fraction of at least 0 and less than 1, or a number of "
                f"examples. Received: {name}={value}"
            )
    parts = reading.parts
    if reading.cut is not None or reading.ordered:
        return _cut_in_order(reading, validation, test)
    empty = np.zeros(0, "int64")
    if "all" in parts:
        whole = parts["all"]
        rest, held = _draw(whole, test, seed, _groups(whole, group, reading.group), "test")
        parts = {"train": whole.take(rest), "test": whole.take(held)}
        shared = None if reading.group is None else np.asarray(reading.group)[rest]
    else:
        shared = reading.group
    train = parts["train"]
    if "validation" in parts and not isinstance(validation, str) and validation == 0:
        parts = dict(parts)
        train = parts["train"] = _joined(train, parts.pop("validation"))
        parts["validation"] = train.take(empty)
    if "validation" not in parts:
        groups = _groups(train, group, shared)
        rest, held = _draw(train, validation, seed + 1, groups, "validation")
        parts = {**parts, "train": train.take(rest), "validation": train.take(held)}
    nothing = train.take(empty)
    return parts["train"], parts["validation"], parts.get("test", nothing)


def _joined(a, b):
    """Concatenate two parts."""
    together = range(len(a) + len(b))

    def join(first, second):
        if first is None or second is None:
            return None
        if isinstance(first, dict):
            return {name: join(first[name], second[name]) for name in first if name in second}
        both = [first[i] if i < len(a) else second[i - len(a)] for i in together]
        return both if isinstance(first, list) else np.stack(both)

    return Part(join(a.x, b.x), join(a.y, b.y), join(a.groups, b.groups))


def _count(n, share):
    """Return the number of examples that `share` of `n` means; at least one unless it is 0."""
    if isinstance(share, str):
        raise ValueError("A series or a text is held out by a fraction or a number of steps.")
    if isinstance(share, float):
        return min(n, max(1, round(n * share))) if share > 0 else 0
    return share


def _draw(part, share, seed, groups, name):
    """Split the indices of `part` into the rest and a held-out share.

    Units (examples, or groups of them) are shuffled, then sorted by class and taken at even
    steps, so each class is represented to within one unit. The first unit of each class is
    never taken, so that no class is missing from training.
    """
    n = len(part)
    if isinstance(share, str):
        return _select(part, share, name)
    wanted = _count(n, share)
    if name == "validation":
        wanted = min(wanted, MOST_VALIDATION)
    if wanted == 0:
        return np.arange(n), np.zeros(0, "int64")
    if n <= wanted or n < 2:
        raise ValueError(
            f"There are too few examples to hold out a {name} part; give more, or set `{name}` "
            f"to 0. Received: {n} examples, {name}={share}"
        )
    generator = np.random.default_rng(seed)
    if groups is None:
        unit_of, first = np.arange(n), np.arange(n)
    else:
        _, first, unit_of = np.unique(groups, return_index=True, return_inverse=True)
    if len(first) < 2:
        raise ValueError(
            f"All {n} examples belong to one group, which cannot be on both sides of a split."
        )
    order = generator.permutation(len(first))
    classes = _classes(part.y)
    if classes is not None:
        order = order[np.argsort(classes[first[order]], kind="stable")]
        starts = np.unique(classes[first[order]], return_index=True)[1]
        candidates = np.delete(order, starts) if len(starts) < len(order) else order[1:]
    else:
        candidates = order[1:]
    units = min(max(1, round(wanted * len(first) / n)), len(candidates))
    steps = (np.arange(units) + generator.random()) * len(candidates) / units
    held = np.isin(unit_of, candidates[steps.astype("int64")])
    return np.flatnonzero(~held), np.flatnonzero(held)


def _select(part, rule, name):
    column, _, values = rule.partition("=")
    known = {key: sorted(set(map(str, part.groups[key]))) for key in part.groups}
    values = [value.strip() for value in values.split(",")]
    if column not in known or not set(values) <= set(known[column]):
        choice = known.get(column) or list(known) or ["no columns"]
        raise ValueError(
            f"`{name}` must name a column and its values, such as speaker=anna,ben; there are "
            f"{', '.join(choice[:20])}. Received: {name}={rule!r}"
        )
    held = np.isin(part.groups[column].astype(str), values)
    if held.all():
        raise ValueError(f"No training examples are left. Received: {name}={rule!r}")
    return np.flatnonzero(~held), np.flatnonzero(held)


def _classes(y):
    """Return integers to stratify by, or None if `y` holds no classes."""
    if y is None or isinstance(y, list):
        return None
    y = np.asarray(y)
    if y.ndim != 1 or y.dtype.kind not in "iu" or len(np.unique(y)) > len(y) / 2:
        return None
    return y


def _groups(part, name, default):
    if name is None:
        return default
    if name not in part.groups:
        known = ", ".join(part.groups) or "none"
        raise ValueError(f"`group` must be one of the columns: {known}. Received: group={name!r}")
    return np.asarray(part.groups[name])


def _cut_in_order(reading, validation, test):
    whole = reading.parts.get("all")
    cut = reading.cut or (lambda start, stop: whole.take(np.arange(start, stop)))
    n = reading.length or len(whole)
    last = n - _count(n, test)
    middle = last - _count(n, validation)
    if middle < 1:
        raise ValueError(
            "The series or text is too short to be cut into training, validation and test "
            f"parts. Received: {n} steps"
        )
    return cut(0, middle), cut(middle, last), cut(last, n)


def limit_part(part, limit, seed, ordered=False):
    """Return at most `limit` examples of `part`, drawn at random, in their original order.

    For a series (`ordered`), these are the last steps; of several, the same number of each.
    """
    if limit is None or len(part) <= limit:
        return part
    if isinstance(part.y, list) and part.size is not None:
        each = max(1, limit // len(part.y))
        y = [own & (np.arange(len(own)) >= len(own) - each) for own in part.y]
        warn(f"`limit` (--limit) keeps the last {each} steps of each of {len(y)} series in a part.")
        return dataclasses.replace(part, y=y, size=int(sum(own.sum() for own in y)))
    if part.size is not None:  # the history of a series is kept; only its own steps are reduced
        y = np.arange(len(part.x)) >= len(part.x) - limit
        return dataclasses.replace(part, y=y, size=limit)
    if ordered:
        return part.take(np.arange(len(part) - limit, len(part)))
    chosen = np.random.default_rng(seed).choice(len(part), limit, replace=False)
    return part.take(np.sort(chosen))
