"""One series to forecast: a `.csv` with a time column, gaps and all, or an array."""

import warnings

import numpy as np

from .dataset import Part, Reading
from .encodings import read_rows
from .files import fingerprint_arrays, fingerprint_files, load_arrays
from .spec import ForecastSpec
from .tables import parse_numbers
from .times import (
    CALENDAR,
    SEASONS,
    calendar_columns,
    find_frequency,
    next_times,
    parse_times,
    regular_times,
)

__all__ = ["find_time", "history_for_spec", "read_forecast", "series_reading"]

TIME_NAMES = (
    "date",
    "time",
    "datetime",
    "timestamp",
    "ds",
    "month",
    "day",
    "week",
    "year",
    "period",
)
CLOCK = ("year", "month", "day", "hour", "minute")
MOST_CATEGORIES = 10


def read_forecast(
    source,
    *,
    target=None,
    time=None,
    columns=None,
    encoding=None,
    season=None,
    frequency=None,
    calendar=True,
    known=(),
    ahead=0,
):
    """Read a series to forecast.

    Rows are put in the order of their times, values of the same time averaged, missing times
    and values filled along a line between their neighbours; each is said in a warning.

    Args:
        source: `.csv`, `.tsv`, `.npy`, `.npz` or an array (time,) or (time, channels).
        target: Column, or columns, to forecast.
        time: Column of times. `None` finds it; `year`, `month`, `day`, `hour` columns are
            taken together.
        columns: Columns to use beside the target. `None` takes all that hold something.
        encoding: As for `decode_text`.
        season: Steps after which the series resembles itself. `None` takes it from the
            frequency: 12 for months, 7 for days, 24 for hours.
        frequency: "month", "day", "900 seconds"... `None` takes the commonest step.
        calendar: Whether to add what the calendar says of each time: `week_sin`...
        known: Columns to read for the steps after the last value of the targets, too.
        ahead: How many such steps end the series; what is not known of them is NaN.
    """
    if not hasattr(source, "suffix") or source.suffix.lower() in (".npy", ".npz"):
        return _read_array(source, target, season)
    header, rows = read_rows(source, encoding)
    if not rows:
        raise ValueError(f"'{source}' holds no rows.")
    cells = dict(zip(header, zip(*rows, strict=True), strict=True))
    times, time_names = _times(cells, time, source)
    for name in time_names:
        del cells[name]
    targets = _targets(target, cells, source)
    series = {name: _numbers(name, cells[name]) for name in targets}
    for name in cells if columns is None else columns:
        if name not in cells:
            raise ValueError(f"'{source}' has no column {name!r}; it has {', '.join(header)}.")
        if name not in targets:
            series.update(_covariate(name, cells[name], asked=columns is not None))
    values = np.stack(list(series.values()), axis=1)
    time_column = time_names[0] if len(time_names) == 1 else ",".join(time_names) or None
    reading = series_reading(
        values,
        times,
        tuple(series),
        targets,
        season,
        frequency,
        calendar,
        time_column,
        known,
        ahead,
    )
    reading.fingerprint = fingerprint_files([source])
    return reading


def series_reading(
    values,
    times,
    names,
    targets,
    season=None,
    frequency=None,
    calendar=True,
    time_column=None,
    known=(),
    ahead=0,
):
    """Return the reading of `values` (time, channels), put in order and made whole."""
    gaps = 0
    if times is not None:
        values, times, frequency, gaps = _regular(values, times, frequency)
    rest = _rest(values, times, names, targets, frequency, known, ahead) if ahead else None
    values, times = _fill(values, times, names, targets, gaps)
    if len(values) < 10:
        raise ValueError(f"A series needs at least 10 steps. Received: {len(values)} steps")
    for name, column in zip(names, values.T, strict=True):
        if name in targets and np.ptp(column) == 0:
            warnings.warn(f"The series {name!r} has the same value at all times.", stacklevel=3)
    if rest is not None:
        values = np.concatenate([values, rest[0]])
        times = None if times is None else np.concatenate([times, rest[1]])
    periods = CALENDAR.get(frequency, ()) if calendar and times is not None else ()
    extra = calendar_columns(times, periods) if periods else {}
    x = np.concatenate([values, *(column[:, None] for column in extra.values())], axis=1)
    season = season or SEASONS.get(frequency, 1)
    spec = ForecastSpec(
        columns=(*names, *extra),
        targets=tuple(targets),
        season=season,
        frequency=frequency,
        time_column=time_column,
        calendar=tuple(extra),
    )
    groups = {"time": np.arange(len(x)) if times is None else times}
    whole = Part(x.astype("float32"), None, groups)

    def cut(start, stop):
        """A part, with all that came before it: y says which steps are its own."""
        part = whole.take(np.arange(stop))
        return Part(part.x, np.arange(stop) >= start, part.groups, stop - start)

    digest = fingerprint_arrays(values)
    return Reading(spec, {"all": whole}, digest, cut=cut, length=len(x), ordered=True)


def find_time(columns):
    """Return the names of the column, or columns, of times among {name: cells}, or None."""
    lower = {name.lower(): name for name in columns}
    if "year" in lower and "month" in lower:
        return tuple(lower[name] for name in CLOCK if name in lower)
    for name in sorted(columns, key=lambda name: name.lower() not in TIME_NAMES):
        cells = columns[name]
        named = name.lower() in TIME_NAMES
        if len(cells) < 2 or len(set(cells)) < 0.5 * len(cells):
            continue
        if not named and (cells[0].isdecimal() or name != next(iter(columns))):
            continue  # numbers under another name are no times
        if parse_times(cells) is not None:
            return (name,)
    return None


def history_for_spec(path, spec):
    """Return the series in a file, float32 (time, channels), with the columns of the spec.

    Where the spec has steps `ahead`, these come after the last value of the targets: what the
    file and the calendar say of its `known` columns, and NaN.
    """
    raw = [name for name in spec.columns if name not in spec.calendar]
    plain = list(dict.fromkeys(name.split("=")[0] for name in raw))
    time = spec.time_column if spec.time_column and "," not in spec.time_column else None
    reading = read_forecast(
        path,
        target=spec.targets,
        time=time,
        columns=plain,
        season=spec.season,
        frequency=spec.frequency,
        calendar=bool(spec.calendar),
        known=spec.known,
        ahead=spec.ahead,
    )
    found = dict(zip(reading.spec.columns, reading.parts["all"].x.T, strict=True))
    absent = [name for name in spec.columns if name not in found and "=" not in name]
    if absent:
        raise ValueError(f"'{path}' lacks the columns {', '.join(absent)}.")
    steps = len(reading.parts["all"])
    zeros = np.zeros(steps, "float32")  # a category that this file never has
    return np.stack([found.get(name, zeros) for name in spec.columns], axis=1)


def _read_array(source, target, season):
    array = next(iter(load_arrays(source).values())) if hasattr(source, "suffix") else source
    array = np.asarray(array, "float64")
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2:
        raise ValueError(
            f"A series must be an array (time,) or (time, channels). Received: {array.shape}"
        )
    names = tuple(f"x{i}" for i in range(array.shape[1]))
    targets = _targets(target, dict.fromkeys(names), "the array") if target else names
    return series_reading(array, None, names, targets, season)


def _times(cells, time, source):
    """Return (times or None, names of the columns that hold them)."""
    if time is not None and time not in cells:
        raise ValueError(f"'{source}' has no column {time!r}; it has {', '.join(cells)}.")
    names = (time,) if time else find_time(cells)
    if names is None:
        names = tuple(name for name in cells if name.lower() in TIME_NAMES)[:1]
        if names and not parse_numbers(cells[names[0]])[1]:
            return None, names  # numbered steps
        if names:
            warnings.warn(
                f"The times in {names[0]!r} ({cells[names[0]][0]!r}...) cannot be read as dates; "
                "the order of the rows is taken.",
                stacklevel=4,
            )
        return None, names
    if len(names) == 1:
        times = parse_times(cells[names[0]])
        if times is None:
            raise ValueError(
                f"The times in {names[0]!r} cannot be read as dates. Received: "
                f"{cells[names[0]][0]!r}; write them as 2024-01-31 or 2024-01-31 14:00"
            )
        return times, names
    width = {"year": 4}
    parts = [[cell.zfill(width.get(name.lower(), 2)) for cell in cells[name]] for name in names]
    stamps = []
    for row in zip(*parts, strict=True):
        date, clock = "-".join(row[:3]), row[3:]
        stamps.append(date + (" " + ":".join(clock) if clock else ""))
    return parse_times(stamps), names


def _targets(target, cells, source):
    if target is None:
        numeric = [name for name, column in cells.items() if not parse_numbers(column[:100])[1]]
        if len(numeric) != 1:
            raise ValueError(
                f"`target` (--target) must name the column of '{source}' to forecast: "
                f"{', '.join(cells)}."
            )
        return tuple(numeric)
    targets = (target,) if isinstance(target, str) and target in cells else target
    targets = tuple(targets.split(",") if isinstance(targets, str) else targets)
    for name in targets:
        if name not in cells:
            raise ValueError(
                f"`target` must be among the columns {', '.join(cells)}. Received: target={name!r}"
            )
    return targets


def _numbers(name, cells):
    values, wrong = parse_numbers(cells)
    if len(wrong) > 0.02 * len(cells):
        raise ValueError(f"The column {name!r} must hold numbers. Received: {wrong[0]!r}")
    if wrong:
        warnings.warn(
            f"{len(wrong)} cells of {name!r} are no numbers ({wrong[0]!r}) and count as missing.",
            stacklevel=4,
        )
    return values


def _covariate(name, cells, asked):
    """Return the columns that one column of a file gives: its numbers, or one a category."""
    values, wrong = parse_numbers(cells)
    if len(wrong) <= 0.02 * len(cells):
        present = values[np.isfinite(values)]
        counts = len(values) > 2 and np.all(np.diff(values) == 1)  # numbers of rows
        if not asked and (not len(present) or np.ptp(present) == 0 or counts):
            return {}
        return {name: values}
    categories = sorted(set(cells))
    if len(categories) > MOST_CATEGORIES:
        warnings.warn(
            f"The column {name!r} holds {len(categories)} different texts and is left out.",
            stacklevel=4,
        )
        return {}
    column = np.array(cells)
    return {f"{name}={category}": (column == category) * 1.0 for category in categories}


def _regular(values, times, frequency):
    """Sort by time, average what has the same time, and open the gaps as NaN.

    Returns `(values, times, frequency, number of gaps)`.
    """
    if np.any(np.diff(times) < np.timedelta64(0, "s")):
        warnings.warn("The times are not in order; the rows were sorted by them.", stacklevel=4)
        order = np.argsort(times, kind="stable")
        values, times = values[order], times[order]
    different, where = np.unique(times, return_inverse=True)
    if len(different) < len(times):
        warnings.warn(
            f"{len(times) - len(different)} times come more than once; their values are averaged.",
            stacklevel=4,
        )
        counts, sums = np.zeros((2, len(different), values.shape[1]))
        np.add.at(sums, where, np.nan_to_num(values))
        np.add.at(counts, where, np.isfinite(values))
        with np.errstate(invalid="ignore"):
            values = sums / counts
        times = different
    frequency = frequency or find_frequency(times)
    if frequency is None:
        return values, times, None, 0
    grid = regular_times(times, frequency)
    place = np.searchsorted(times, grid).clip(0, len(times) - 1)
    hit = times[place] == grid
    gaps = len(grid) - hit.sum()
    if hit.sum() < len(times) or gaps > len(times):
        warnings.warn(
            f"The times are uneven (most often a {frequency} apart); they count as even steps.",
            stacklevel=4,
        )
        return values, times, frequency, 0
    if gaps:
        warnings.warn(
            f"{gaps} of {len(grid)} times are missing (the first is {grid[~hit][0]}); their values "
            "are filled along a line between their neighbours.",
            stacklevel=4,
        )
    opened = np.where(hit[:, None], values[place], np.nan)
    return opened, grid, frequency, gaps


def _rest(values, times, names, targets, frequency, known, ahead):
    """Return `(values, times)` of the steps after the last value of the targets.

    The `known` columns are those of the file, which must hold them; the rest is NaN.
    """
    places = [names.index(name) for name in targets]
    there = np.flatnonzero(np.isfinite(values[:, places]).any(axis=1))
    end = there[-1] + 1 if len(there) else len(values)
    given = values[end : end + ahead]
    rest = np.full((ahead, len(names)), np.nan)
    rest[: len(given)] = given
    asked = [name for name in known if name in names]
    if any(not np.isfinite(rest[:, names.index(name)]).all() for name in asked):
        raise ValueError(
            f"After the last value of {', '.join(targets)} there must be {ahead} rows with "
            f"{', '.join(asked)} of the steps to forecast. Received: {len(given)} rows"
        )
    if times is None:
        return rest, None
    later = times[end : end + ahead]
    return rest, later if len(later) == ahead else next_times(times[end - 1], frequency, ahead)


def _fill(values, times, names, targets, gaps=0):
    """Cut where the targets begin and end, and fill what is missing between."""
    place = [names.index(name) for name in targets]
    known = np.flatnonzero(np.isfinite(values[:, place]).any(axis=1))
    if not len(known):
        raise ValueError(f"The series {', '.join(targets)} holds no values.")
    inside = slice(known[0], known[-1] + 1)
    values, times = values[inside].copy(), None if times is None else times[inside]
    for name, column in zip(names, values.T, strict=True):
        missing = ~np.isfinite(column)
        if missing.all():
            raise ValueError(f"The column {name!r} holds no values.")
        if missing.any():
            steps = np.arange(len(column))
            column[missing] = np.interp(steps[missing], steps[~missing], column[~missing])
            if name in targets and missing.sum() > gaps:  # of the gaps it was said
                warnings.warn(
                    f"{missing.sum()} of {len(column)} values of {name!r} were missing and lie on "
                    "a line between their neighbours.",
                    stacklevel=4,
                )
    return values, times
