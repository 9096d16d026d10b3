"""Series to forecast, from a table with a time column (gaps allowed) or an array."""

from dataclasses import dataclass, replace

import numpy as np

from ..warning import warn
from .dataset import Part, Reading
from .files import fingerprint_arrays, load_arrays
from .frequencies import calendar_columns, calendar_of, season_of
from .sheets import STRAY, read_sheet
from .spec import ForecastSpec
from .tables import source_fingerprint
from .timelines import fill, find_series, is_time_name, read_timeline, regular, rest, times_after

__all__ = ["Histories", "history_for_spec", "read_forecast", "series_reading", "with_times"]

MOST_CATEGORIES = 10


@dataclass
class _Series:
    """One series: values (time, channels), times and name."""

    values: np.ndarray
    times: np.ndarray | None
    name: str | None = None


class Histories(list):
    """Arrays (time, channels) to forecast from, with the times that follow.

    Args:
        arrays: The histories.
        times: The times of each, or None.
        frequency: The step between times.
        ahead: Number of steps at the end of each history that are to be forecast.
    """

    def __init__(self, arrays, times=None, frequency=None, ahead=0):
        super().__init__(arrays)
        self.times, self.frequency = times or [None] * len(self), frequency
        self.ahead = ahead

    def following(self, horizon):
        """Return the `horizon` times after each history as text, or None."""
        found = []
        for times in self.times:
            if times is None:
                found.append(None)
                continue
            last = times[: len(times) - self.ahead]
            after = times_after(last, self.frequency, horizon)
            found.append(None if after is None else _texts(after))
        return found


def with_times(part, frequency):
    """Return `(x, y)` of a part of series, with x as `Histories`."""
    if isinstance(part.x, list):
        return Histories(part.x, part.groups["time"], frequency), part.y
    return Histories([part.x], [part.groups["time"]], frequency), [part.y]


def _texts(times):
    if times.dtype.kind != "M":
        return [f"{time:g}" for time in times]
    whole = np.all(times == times.astype("datetime64[D]"))
    return np.datetime_as_string(times, unit="D" if whole else "s").tolist()


def read_forecast(
    source,
    *,
    target=None,
    time=None,
    series=None,
    columns=None,
    encoding=None,
    season=None,
    frequency=None,
    calendar=True,
    day_first=None,
    delimiter=None,
    header=None,
    decimal=None,
    thousands=None,
    missing=(),
    signs=None,
    known=(),
    ahead=0,
    strict=False,
):
    """Read a series to forecast, or several that a column identifies.

    Rows are sorted by time, and missing times and values are filled by linear interpolation;
    a warning reports each.

    Args:
        source: `.csv`, `.tsv`, `.json`, `.parquet`, `.xlsx`, a DataFrame or Series; `.npy`,
            `.npz` or an array (time,) or (time, channels).
        target: Column, or columns, to forecast.
        time: Column of times. `None` finds it; columns `year`, `month`, `day` and `hour` are
            combined, and so are a date and a time of day.
        series: Column that identifies the series of each row. `None` finds it if times occur
            more than once.
        columns: Columns to use in addition to the target. `None`: all that are not empty.
        encoding: As for `decode_text`.
        season: Seasonal period in steps. `None` derives it from the frequency: 12 for
            months, 7 for days, 24 for hours.
        frequency: "month", "day", "15 minutes"... `None` uses the most common step.
        calendar: Whether to add calendar features of each time: `week_sin`...
        day_first: Whether days come before months. `None` selects what gives even steps.
        delimiter, header, decimal, thousands, missing, signs: As for tables.
        known: Columns whose values after the last value of the targets are also read.
        ahead: Number of such steps at the end of the series; unknown values are NaN.
        strict: Whether rows with more or fewer cells than the header are an error.
    """
    if _is_array(source):
        return _read_array(source, target, season)
    names = [target] if isinstance(target, str) else [*(target or ())]
    table = read_sheet(
        source,
        encoding=encoding,
        delimiter=delimiter,
        header=header,
        decimal=decimal,
        thousands=thousands,
        missing=missing,
        expect=[*names, *([time] if time else [])],
        strict=strict,
        signs=signs,
    )
    if not len(table):
        raise ValueError(f"'{table.path}' holds no rows.")
    times, time_names, table, facts = read_timeline(table, time, day_first)
    others = [name for name in table.names if name not in time_names]
    teller = find_series(table, times, [n for n in others if n not in names], series)
    others = [name for name in others if name != teller]
    targets = _targets(target, table, others)
    found = {name: table.values_of(name, STRAY) for name in targets}
    for name in others if columns is None else columns:
        table.check(name)
        if name not in targets:
            found.update(_covariate(table, name, asked=columns is not None))
    values = np.stack(list(found.values()), axis=1)
    several = [_Series(values, times)]
    if teller is not None:
        cells = np.array(table.texts(teller), dtype=str)
        different = list(dict.fromkeys(cells.tolist()))
        if series is None:
            shown = ", ".join(different[:5]) + (", ..." if len(different) > 5 else "")
            warn(f"The column {teller!r} separates {len(different)} series ({shown}).")
        several = [
            _Series(values[cells == name], None if times is None else times[cells == name], name)
            for name in different
        ]
    commas = tuple((name, ",") for name in table.names if table.numbers(name).decimal == ",")
    reading = _reading(
        several,
        tuple(found),
        targets,
        season=season,
        frequency=frequency,
        calendar=calendar,
        known=known,
        ahead=ahead,
        time_column=None if times is None else ",".join(time_names),
        series_column=teller,
        signs=commas,
        **facts,
    )
    reading.fingerprint = source_fingerprint(source)
    return reading


def series_reading(values, times, names, targets, **options):
    """Return the reading of `values` (time, channels), sorted and without gaps."""
    return _reading([_Series(values, times)], tuple(names), targets, **options)


def _reading(
    several,
    names,
    targets,
    *,
    season=None,
    frequency=None,
    calendar=True,
    known=(),
    ahead=0,
    **facts,
):
    found, short = [], []
    for one in several:
        where = "" if one.name is None else f" in the series {one.name!r}"
        gaps, times, values = 0, one.times, one.values
        if times is not None:
            values, times, frequency, gaps = regular(values, times, frequency, where)
        end = rest(values, times, names, targets, frequency, known, ahead) if ahead else None
        values, times = fill(values, times, names, targets, gaps, where)
        if len(values) < 10:
            short.append((one.name, len(values)))
            continue
        for name, column in zip(names, values.T, strict=True):
            if name in targets and np.ptp(column) == 0:
                warn(f"The series {name!r} has the same value at all times{where}.")
        if end is not None:
            values = np.concatenate([values, end[0]])
            times = None if times is None or end[1] is None else np.concatenate([times, end[1]])
        found.append(_Series(values, times, one.name))
    if not found:
        raise ValueError(f"A series needs at least 10 steps. Received: {short[0][1]} steps")
    if short:
        warn(
            f"{len(short)} series have fewer than 10 steps and are left out "
            f"({', '.join(str(name) for name, _ in short[:5])})."
        )
    dated = all(one.times is not None and one.times.dtype.kind == "M" for one in found)
    periods = calendar_of(frequency) if calendar and dated else ()
    extra = ()
    for one in found:
        added = calendar_columns(one.times, periods) if periods else {}
        extra = tuple(added)
        one.values = np.concatenate(
            [one.values, *(column[:, None] for column in added.values())], axis=1
        ).astype("float32")
    spec = ForecastSpec(
        columns=(*names, *extra),
        targets=tuple(targets),
        season=season or season_of(frequency),
        frequency=frequency,
        calendar=extra,
        series_names=tuple(one.name for one in found if one.name is not None),
        **facts,
    )
    digest = fingerprint_arrays(*(one.values for one in found))
    return _in_order(found, several[0].name is not None, spec, digest)


def _in_order(found, several, spec, digest):
    """Return the reading of series; each part holds the last steps of every series.

    A part has all its history: y says which steps are its own.
    """
    longest = max(len(one.values) for one in found)

    def cut(start, stop):
        x, y, times = [], [], []
        for one in found:
            first, last = (max(0, len(one.values) - longest + step) for step in (start, stop))
            x.append(one.values[:last])
            y.append(np.arange(last) >= first)
            times.append(np.arange(last) if one.times is None else one.times[:last])
        size = int(sum(own.sum() for own in y))
        if several:
            return Part(x, y, {"time": times}, size)
        return Part(x[0], y[0], {"time": times[0]}, size)

    whole = replace(cut(0, longest), y=None, size=None)
    return Reading(spec, {"all": whole}, digest, cut=cut, length=longest, ordered=True)


def history_for_spec(path, spec):
    """Return `(names, Histories)` of the series in a file, with the spec's columns.

    If the spec has steps `ahead`, they follow the last value of the targets: its `known`
    columns hold the values from the file and the calendar, the others NaN.
    """
    raw = [name for name in spec.columns if name not in spec.calendar]
    plain = list(dict.fromkeys(name.split("=")[0] for name in raw))
    reading = read_forecast(
        path,
        target=spec.targets,
        time=spec.time_column,
        series=spec.series_column,
        columns=plain,
        season=spec.season,
        frequency=spec.frequency,
        calendar=bool(spec.calendar),
        day_first=spec.day_first,
        signs=spec.signs,
        known=spec.known,
        ahead=spec.ahead,
    )
    whole = reading.parts["all"]
    series, _ = with_times(whole, reading.spec.frequency)
    names = list(reading.spec.series_names) or [None]
    absent = [n for n in spec.columns if n not in reading.spec.columns and "=" not in n]
    if absent:
        raise ValueError(f"'{path}' lacks the columns {', '.join(absent)}.")
    arrays = []
    for x in series:
        found = dict(zip(reading.spec.columns, x.T, strict=True))
        zeros = np.zeros(len(x), "float32")  # a category that is not in this file
        arrays.append(np.stack([found.get(name, zeros) for name in spec.columns], axis=1))
    return names, Histories(arrays, series.times, series.frequency, spec.ahead)


def _is_array(source):
    if hasattr(source, "suffix"):
        return source.suffix.lower() in (".npy", ".npz")
    return not hasattr(source, "columns") and not hasattr(source, "to_frame")


def _read_array(source, target, season):
    array = next(iter(load_arrays(source).values())) if hasattr(source, "suffix") else source
    array = np.asarray(array, "float64")
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2:
        raise ValueError(
            f"A series must be an array (time,) or (time, channels). Received: {array.shape}"
        )
    names = tuple(f"x{i}" for i in range(array.shape[1]))
    targets = _chosen(target, names) if target else names
    return series_reading(array, None, names, targets, season=season)


def _targets(target, table, names):
    if target is not None:
        return _chosen(target, table.names)
    numeric = [n for n in names if table.numbers(n).wrong.mean() < STRAY and not is_time_name(n)]
    if len(numeric) != 1:
        raise ValueError(
            f"`target` (--target) must name the column of '{table.path}' to forecast: "
            f"{', '.join(table.names)}."
        )
    return tuple(numeric)


def _chosen(target, names):
    targets = (target,) if isinstance(target, str) and target in names else target
    targets = tuple(targets.split(",") if isinstance(targets, str) else targets)
    for name in targets:
        if name not in names:
            raise ValueError(
                f"`target` must be among the columns {', '.join(names)}. Received: target={name!r}"
            )
    return targets


def _covariate(table, name, asked):
    """Return the columns made from one column: its numbers, or one column per category."""
    found = table.numbers(name)
    if found.wrong.mean() <= STRAY:
        values = found.values
        present = values[np.isfinite(values)]
        counts = len(values) > 2 and np.all(np.diff(values) == 1)  # a row index
        if not asked and (not len(present) or np.ptp(present) == 0 or counts):
            return {}
        return {name: table.values_of(name, STRAY)}
    cells = table.texts(name)
    categories = sorted(set(cells))
    if len(categories) > MOST_CATEGORIES:
        warn(f"The column {name!r} holds {len(categories)} different texts and is left out.")
        return {}
    column = np.array(cells)
    return {f"{name}={category}": (column == category) * 1.0 for category in categories}
