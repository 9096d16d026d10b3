"""The step between times, the times that follow, and calendar features."""

import re
from itertools import pairwise

import numpy as np

__all__ = ["calendar_columns", "calendar_of", "find_frequency", "next_times", "season_of"]

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 7 * 86400}
MONTHS = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}
DAY = np.timedelta64(86400, "s")


def season_of(frequency):
    """Return the seasonal period of a frequency in steps, 1 if there is none.

    Example:

    >>> season_of("month end"), season_of("15 minutes"), season_of("day")
    (12, 96, 7)
    """
    if frequency is None:
        return 1
    unit = frequency.split()[0]
    if unit in MONTHS or "month end" in frequency:
        return max(1, 12 // MONTHS.get(unit, 1))
    if frequency == "business day":
        return 5
    step = seconds_of(frequency)
    if step == 60:
        return 60
    for whole in (86400, 7 * 86400, 364 * 86400):
        if step < whole and whole % step == 0 and whole // step <= 1440:
            return whole // step
    return 1


def calendar_of(frequency):
    """Return the periods that are informative at a frequency: "day", "week", "year"."""
    if frequency is None or frequency.startswith("year"):
        return ()
    if frequency == "business day":
        return ("week", "year")
    step = seconds_of(frequency)
    if step is None:
        return ("year",)
    if step < 60:
        return ()
    if step < 3600:
        return ("day", "week")
    if step < 86400:
        return ("day", "week", "year")
    return ("week", "year") if step < 7 * 86400 else ("year",)


def seconds_of(frequency):
    """Return the length of a step in seconds, or None for months and business days."""
    match = re.fullmatch(r"(?:(\d+) )?(second|minute|hour|day|week)s?", frequency)
    return int(match[1] or 1) * SECONDS[match[2]] if match else None


def find_frequency(times):
    """Return the most common step between sorted times: "hour", "month end", "15 minutes"..."""
    seconds = np.diff(times).astype("int64")
    if not len(seconds):
        return None
    step, days = int(np.median(seconds)), float(np.median(seconds)) / 86400
    months = np.diff(times.astype("datetime64[M]")).astype("int64")
    for name, low, high in (
        ("month", 28, 31),
        ("quarter", 89, 92),
        ("half-year", 181, 184),
        ("year", 365, 366),
    ):
        if low <= days <= high and (step % (7 * 86400) or np.all(months)):
            found = _end_of(times, name, months)
            if found:
                return found
    if step == 86400 and len(times) >= 10 and not np.any(weekdays(times) >= 5):
        return "business day"
    step = _commonest(seconds)
    for name, size in reversed(SECONDS.items()):
        if step % size == 0 and (name != "week" or step == size):
            n = step // size
            return name if n == 1 else f"{n} {name}s"
    return None


def _commonest(seconds):
    steps, counts = np.unique(seconds, return_counts=True)
    return int(steps[counts.argmax()])


def _end_of(times, name, months):
    """Return `name`, or "month end" and so on if all times are at one point of the month."""
    days = times.astype("datetime64[D]")
    start = times.astype("datetime64[M]")
    ends = (start + 1).astype("datetime64[D]") - 1
    clocks = (times - days).astype("int64")
    if np.any(clocks != clocks[0]) or np.any(months < MONTHS[name]):
        return None
    in_month = (days - start.astype("datetime64[D]")).astype("int64")
    if np.all(days == np.minimum(ends, start.astype("datetime64[D]") + in_month.max())):
        return f"{name} end" if np.all(days == ends) and in_month.min() < in_month.max() else name
    if np.all(days == ends):
        return f"{name} end"
    if np.all(days == np.busday_offset(ends, 0, roll="backward")):
        return f"business {name} end"
    if np.all(months % MONTHS[name] == 0):
        return name
    return None


def regular_times(times, frequency):
    """Return all times from the first to the last at the frequency."""
    first, last = times[0], times[-1]
    unit = frequency.removeprefix("business ").split()[0]
    if unit in MONTHS:
        return _months(times, frequency, MONTHS[unit])
    if frequency == "business day":
        days = np.arange(first, last + np.timedelta64(1, "s"), DAY)
        return days[weekdays(days) < 5]
    step = np.timedelta64(seconds_of(frequency), "s")
    return np.arange(first, last + np.timedelta64(1, "s"), step)


def count_between(first, last, frequency):
    """Return the approximate number of steps of a frequency between two times."""
    unit = frequency.removeprefix("business ").split()[0]
    step = MONTHS[unit] * 30 * SECONDS["day"] if unit in MONTHS else seconds_of(frequency)
    return int((last - first).astype("timedelta64[s]").astype("int64")) // (step or SECONDS["day"])


def _months(times, frequency, months):
    start, stop = times[0].astype("datetime64[M]"), times[-1].astype("datetime64[M]")
    grid = np.arange(start, stop + 1, months)
    ends = (grid + 1).astype("datetime64[D]") - 1
    days = times.astype("datetime64[D]")
    clock = (times[0] - days[0]).astype("timedelta64[s]")
    if frequency.startswith("business "):
        ends = np.busday_offset(ends, 0, roll="backward")
    elif not frequency.endswith(" end"):
        day = (days - times.astype("datetime64[M]").astype("datetime64[D]")).max()
        ends = np.minimum(ends, grid.astype("datetime64[D]") + day)
    return ends.astype("datetime64[s]") + clock


def on_the_grid(times, frequency):
    """Move monthly times on varying days (such as the first business day) to a fixed day."""
    unit = frequency.split()[0]
    if unit not in MONTHS or frequency.endswith(" end"):
        return times
    days = times.astype("datetime64[D]") - times.astype("datetime64[M]").astype("datetime64[D]")
    if np.array_equal(_months(times, frequency, MONTHS[unit])[:1], times[:1]) and np.all(
        np.isin(times, _months(times, frequency, MONTHS[unit]))
    ):
        return times
    return times if not np.any(days) else times.astype("datetime64[M]").astype("datetime64[s]")


def next_times(times, frequency, steps):
    """Return the `steps` times that follow the last of `times`, or that follow a single time."""
    times = np.atleast_1d(times)[-12:].astype("datetime64[s]")
    unit = frequency.removeprefix("business ").split()[0]
    if unit in MONTHS:
        end = (times[-1].astype("datetime64[M]") + MONTHS[unit] * steps).astype("datetime64[s]")
    else:
        step = 86400 if frequency == "business day" else seconds_of(frequency)
        end = times[-1] + np.timedelta64(step * (2 * steps + 3), "s")
        times = times[-1:]
    found = regular_times(np.append(times, end), frequency)
    return found[found > times[-1]][:steps]


def clock_changes(times):
    """Remove daylight saving time from ordered local times; None if there is none to remove.

    Steps must be even, except for an hour missing in spring and one repeated in autumn.
    """
    steps = np.diff(times).astype("int64")
    if len(steps) < 2:
        return None
    step = _commonest(steps)
    if not 0 < step <= 3600:
        return None
    odd = np.flatnonzero(steps != step)
    jumps = steps[odd] - step
    if not len(odd) or not np.all(np.abs(jumps) == 3600):
        return None
    if any(a == b for a, b in pairwise(jumps)) or len(odd) > 2 + 2 * (
        (times[-1] - times[0]) // np.timedelta64(365, "D")
    ):
        return None
    after = times[odd + 1]
    months = after.astype("datetime64[M]").astype("int64") % 12 + 1
    hours = (after - after.astype("datetime64[D]")).astype("int64") / 3600
    if not np.all(np.isin(months, (3, 4, 9, 10, 11)) & (weekdays(after) == 6) & (hours <= 4)):
        return None
    summer = np.zeros(len(times), "int64")
    summer[1:][odd] = jumps
    summer = np.cumsum(summer)
    summer -= summer.min()
    return times - summer.astype("timedelta64[s]")


def calendar_columns(times, periods):
    """Return {name: float32}: sine and cosine of the position of each time in each period.

    Args:
        times: datetime64 array (n,).
        periods: Any of "day", "week", "year".
    """
    seconds = times.astype("datetime64[s]").astype("int64")
    year = times.astype("datetime64[Y]")
    start, stop = (y.astype("datetime64[s]").astype("int64") for y in (year, year + 1))
    shares = {
        "day": seconds % 86400 / 86400,
        "week": (seconds + 3 * 86400) % (7 * 86400) / (7 * 86400),  # 1 January 1970 was a Thursday
        "year": (seconds - start) / (stop - start),
    }
    columns = {}
    for period in periods:
        angle = 2 * np.pi * shares[period]
        columns[f"{period}_sin"] = np.sin(angle).astype("float32")
        columns[f"{period}_cos"] = np.cos(angle).astype("float32")
    return columns


def weekdays(times):
    """Return the weekday of each time, 0 for Monday to 6 for Sunday."""
    return (times.astype("datetime64[D]").astype("int64") + 3) % 7
