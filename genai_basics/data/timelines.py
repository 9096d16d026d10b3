"""Finds the times of a table and the rows of each series, and makes series regular."""

import re
from itertools import combinations

import numpy as np

from ..warning import warn
from .frequencies import (
    clock_changes,
    count_between,
    find_frequency,
    next_times,
    on_the_grid,
    regular_times,
)
from .times import read_times

__all__ = [
    "fill",
    "find_series",
    "find_time",
    "is_time_name",
    "read_timeline",
    "regular",
    "rest",
    "times_of",
]

NAMES = {"date", "time", "datetime", "timestamp", "ds", "month", "day", "week", "year", "period"}
NAMES |= {"ts", "quarter", "hour", "step", "t", "epoch", "datum", "zeit", "monat", "jahr", "tag"}
NAMES |= {"jour", "mes", "año", "anno", "giorno", "mese", "mois", "année", "annee", "heure"}
NAMES |= {"fecha"}
WITH = {"utc", "gmt", "local", "unix", "epoch", "s", "ms", "us", "sec", "seconds", "start", "end"}
WITH |= {"decimal", "fraction", "frac"}
PARTS = ("year", "quarter", "month", "day", "hour", "minute")
CLOCKS = {"time", "hour", "zeit", "uhrzeit", "heure", "hora", "clock", "hr"}
LEAST = 10  # minimum number of steps in a series


def is_time_name(name):
    """Whether a column's name suggests that it holds times."""
    words = set(re.findall(r"[^\W\d_]+", name.lower()))
    return bool(words & NAMES) and words <= NAMES | WITH


def find_time(table):
    """Return the names of the time column or columns of a table, or None."""
    lower = {name.lower().strip(): name for name in reversed(table.names)}
    if "year" in lower and ("month" in lower or "quarter" in lower):
        skipped = "quarter" if "month" in lower else None
        return tuple(lower[part] for part in PARTS if part in lower and part != skipped)
    names = sorted(table.names, key=lambda name: not is_time_name(name))
    for name in names:
        if len(table) > 1 and times_of(table, name, is_time_name(name)) is not None:
            return (name, *_clock_of(table, name))
    return None


def times_of(table, name, named=True, day_first=None):
    """Return the `Times` in a column of a table, or None if it holds no times."""

    def read():
        column = table.values[name]
        if isinstance(column, np.ndarray) and column.dtype.kind == "M":
            return read_times(column.astype("datetime64[s]").astype(str).tolist())
        cells = table.texts(name)
        sample = cells[:: max(1, len(cells) // 200)]
        if read_times(sample, named=named) is None or not any(map(str.isdigit, "".join(sample))):
            return None
        return read_times(cells, named=named, day_first=day_first)

    return table.remembered(("times", name, named, day_first), read)


def _clock_of(table, date):
    """Return the column of times of day that belongs to a date column, as a tuple."""
    cells = table.texts(date)
    if len(set(cells)) == len(cells) or any(":" in cell for cell in cells[:20]):
        return ()
    for name in table.names:
        if name != date and name.lower().strip() in CLOCKS:
            clocks = table.texts(name)
            if all(re.fullmatch(r"\d{1,2}(:\d{2}){0,2}( ?[apAP]\.?[mM]\.?)?", c) for c in clocks):
                return (name,)
    return ()


def read_timeline(table, time=None, day_first=None):
    """Return (times, names of their columns, table, fields of a spec) of a table.

    The times are datetime64, floats for numbered steps, or None; rows without a time are left
    out. The only field of a spec is `day_first`.
    """
    if time is not None:
        names = tuple(time.split(",")) if time not in table else (time,)
        table.check(*names)
    else:
        names = find_time(table)
    if names is None:
        return _numbered(table)
    if len(names) > 1:
        found = read_times(_stamps(table, names), day_first=day_first)
    else:
        found = times_of(table, names[0], day_first=day_first)
    cells = _stamps(table, names) if len(names) > 1 else table.texts(names[0])
    if found is None or found.wrong.mean() > 0.02:
        if time is not None and len(names) == 1 and not table.numbers(time).wrong.any():
            return _numbered(table, time)
        at = 0 if found is None else int(found.wrong.argmax())
        raise ValueError(
            f"The times in {', '.join(names)!r} cannot be read as dates. Received: {cells[at]!r} "
            f"in {table.line(at)}; write them as 2024-01-31 or 2024-01-31 14:00"
        )
    gone = np.isnat(found.values)
    if gone.any():
        at = int(gone.argmax())
        warn(
            f"{gone.sum()} rows have no time in {names[0]!r} and are left out (the first is "
            f"{table.line(at)}: {cells[at]!r})."
        )
        table = table.take(~gone)
    if found.said:
        warn(f"The times in {names[0]!r} are read {found.said}.")
    if found.unclear is not None and day_first is None:
        at = found.values[cells.index(found.unclear)].astype("datetime64[D]")
        way = "--month-first" if found.day_first else "--day-first"
        warn(
            f"{found.unclear!r} in {names[0]!r} was read as {at}; {way} reads it in the other "
            "order."
        )
    return found.values[~gone], names, table, {"day_first": found.day_first}


def _stamps(table, names):
    """Join the cells of several columns to dates with times of day."""
    columns = {name.lower().strip(): table.texts(name) for name in names}
    if "year" not in columns:
        date, clock = columns.values()
        clocks = [cell if ":" in cell or "m" in cell.lower() else f"{cell}:00" for cell in clock]
        return [f"{day} {hour}" for day, hour in zip(date, clocks, strict=True)]
    stamps = []
    for row in zip(*columns.values(), strict=True):
        at = dict(zip(columns, row, strict=True))
        if "month" not in at:
            stamps.append(f"{at['year']}Q{at['quarter'].lower().lstrip('q')}")
            continue
        month, day = at["month"], at.get("day")
        stamp = f"{at['year']}-{month}" + (f"-{day}" if day else "")
        if "hour" in at:
            stamp += f" {at['hour']}:{at.get('minute', '00').zfill(2)}"
        stamps.append(stamp)
    return stamps


def _numbered(table, time=None):
    """Return the timeline of numbered steps, or of steps in row order."""
    named = [time] if time else [name for name in table.names if is_time_name(name)]
    for name in named:
        numbers = table.numbers(name)
        if not numbers.wrong.any() and np.isfinite(numbers.values).all():
            return numbers.values, (name,), table, {}
    if named:
        warn(
            f"The times in {named[0]!r} ({table.texts(named[0])[0]!r}...) cannot be read as dates "
            "or whole seconds; the order of the rows is taken."
        )
        return None, (named[0],), table, {}
    return None, (), table, {}


def find_series(table, times, others, asked=None):
    """Return the name of the column that identifies the series of each row, or None.

    Raises:
        ValueError: Several columns do so, or only a combination of columns.
    """
    if asked is not None:
        table.check(asked)
        return asked
    if times is None or len(np.unique(times)) == len(times):
        return None
    codes = {}
    for name in others:
        cells = table.texts(name)
        different, code = np.unique(np.array(cells, dtype=str), return_inverse=True)
        whole = all(re.fullmatch(r"-?\d+", cell) for cell in different if cell)
        numeric = np.isfinite(table.numbers(name).values).any()
        if 2 <= len(different) <= len(cells) / LEAST and (whole or not numeric):
            codes[name] = code
    moments = np.unique(times, return_inverse=True)[1]

    def tells(*names):
        rows = np.stack([moments, *(codes[name] for name in names)], axis=1)
        return len(np.unique(rows, axis=0)) == len(rows)

    alone = [name for name in codes if tells(name)]
    fewest = min((codes[name].max() for name in alone), default=0) + 1
    alone = [name for name in alone if codes[name].max() < 2 * fewest]  # the others are values
    if alone:
        first = codes[alone[0]]
        pairs = {name: len(np.unique(np.stack([first, codes[name]]), axis=1).T) for name in alone}
        alike = [name for name in alone if pairs[name] == len(np.unique(first))]
        if len(alike) == len(alone):
            return alone[0]
        alone = [name for name in alone if name not in alike[1:]]
        raise ValueError(
            f"'{table.path}' holds several series, which are identified by "
            f"{' or by '.join(map(repr, alone))}: "
            "--load series=COLUMN names the column."
        )
    for size in (2, 3):
        for names in combinations(codes, size):
            if tells(*names):
                raise ValueError(
                    f"'{table.path}' holds several series, which are identified by "
                    f"{' and '.join(map(repr, names))} together: keep the rows of one series, or "
                    "join these columns into one."
                )
    return None


def regular(values, times, frequency, where=""):
    """Sort by time, merge rows with equal times, and fill gaps with NaN.

    Returns `(values, times, frequency, number of gaps)`.
    """
    dated = times.dtype.kind == "M"
    zero = np.timedelta64(0, "s") if dated else 0
    changed = clock_changes(times) if dated else None
    if changed is not None:
        warn(f"The clock changes to summer time and back{where}; the times are put on winter time.")
        times = changed
    if np.any(np.diff(times) < zero):
        warn(f"The times are not in order{where}; the rows were sorted by them.")
        order = np.argsort(times, kind="stable")
        values, times = values[order], times[order]
    different, at = np.unique(times, return_inverse=True)
    if len(different) < len(times):
        values = _joined(values, different, at, where)
        times = different
    if dated:
        found = frequency or find_frequency(times)
        if found is None:
            return values, times, None, 0
        times = on_the_grid(times, found)
        few = count_between(times[0], times[-1], found) < 10 * len(times) + 100
        grid = regular_times(times, found) if few else times[:1]
    else:
        found, steps = None, np.diff(times)
        if not len(steps):
            return values, times, None, 0
        sizes, counts = np.unique(steps, return_counts=True)
        step = sizes[counts.argmax()]
        count = round((times[-1] - times[0]) / step) + 1
        grid = times[0] + step * np.arange(count if count < 10 * len(times) else 0)
    if not len(grid):
        grid = times[:1]
    place = np.searchsorted(times, grid).clip(0, len(times) - 1)
    hit = times[place] == grid if dated else np.isclose(times[place], grid)
    gaps = len(grid) - hit.sum()
    if hit.sum() < len(times) or gaps > len(times):
        most = found if dated else f"{step:g}"
        warn(
            f"The times are uneven{where} (the most frequent step is {most}); they count as even "
            "steps."
        )
        return values, times, found, 0
    if gaps:
        first = grid[~hit][0] if dated else f"{grid[~hit][0]:g}"
        warn(
            f"{gaps} of {len(grid)} times are missing{where} (the first is {first}); their "
            "values are filled along a line between their neighbours."
        )
    opened = np.where(hit[:, None], values[place], np.nan)
    return opened, grid, found, gaps


def _joined(values, different, at, where):
    """Return one row per time: equal rows are merged, others averaged."""
    first = np.unique(at, return_index=True)[1]
    n = len(values) - len(different)
    same = np.array_equal(values, values[first][at], equal_nan=True)
    how = "with the same values; they count once" if same else "; their values are averaged"
    warn(f"{n} times occur more than once{where}{' ' if same else ''}{how}.")
    if same:
        return values[first]
    counts, sums = np.zeros((2, len(different), values.shape[1]))
    np.add.at(sums, at, np.nan_to_num(values))
    np.add.at(counts, at, np.isfinite(values))
    with np.errstate(invalid="ignore"):
        return sums / counts


def rest(values, times, names, targets, frequency, known, ahead):
    """Return `(values, times)` of the steps after the last value of the targets.

    The `known` columns are taken from the file, which must contain them; the others are NaN.
    """
    places = [names.index(name) for name in targets]
    there = np.flatnonzero(np.isfinite(values[:, places]).any(axis=1))
    end = there[-1] + 1 if len(there) else len(values)
    given = values[end : end + ahead]
    found = np.full((ahead, len(names)), np.nan)
    found[: len(given)] = given
    asked = [name for name in known if name in names]
    if any(not np.isfinite(found[:, names.index(name)]).all() for name in asked):
        raise ValueError(
            f"After the last value of {', '.join(targets)} there must be {ahead} rows with "
            f"{', '.join(asked)} of the steps to forecast. Received: {len(given)} rows"
        )
    if times is None:
        return found, None
    later = times[end : end + ahead]
    return found, later if len(later) == ahead else times_after(times[:end], frequency, ahead)


def times_after(times, frequency, steps):
    """Return the `steps` times, or step numbers, that follow a series."""
    if times.dtype.kind == "M":
        if frequency is None:
            return None
        return next_times(times, frequency, steps)
    step = np.median(np.diff(times)) if len(times) > 1 else 1.0
    return times[-1] + step * np.arange(1, steps + 1)


def fill(values, times, names, targets, gaps=0, where=""):
    """Trim to the first and last value of the targets, and interpolate missing values."""
    place = [names.index(name) for name in targets]
    known = np.flatnonzero(np.isfinite(values[:, place]).any(axis=1))
    if not len(known):
        raise ValueError(f"The series {', '.join(targets)} holds no values{where}.")
    inside = slice(known[0], known[-1] + 1)
    values, times = values[inside].copy(), None if times is None else times[inside]
    for name, column in zip(names, values.T, strict=True):
        missing = ~np.isfinite(column)
        if missing.all():
            raise ValueError(f"The column {name!r} holds no values{where}.")
        if missing.any():
            steps = np.arange(len(column))
            column[missing] = np.interp(steps[missing], steps[~missing], column[~missing])
            if name in targets and missing.sum() > gaps:  # gaps were already reported
                warn(
                    f"{missing.sum()} of {len(column)} values of {name!r} were missing{where} and "
                    "lie on a line between their neighbours."
                )
    return values, times
