"""Times as people write them, the step between them, and what the calendar says of them."""

import datetime
import re

import numpy as np

__all__ = ["CALENDAR", "SEASONS", "calendar_columns", "find_frequency", "next_times", "parse_times"]

FORMATS = (
    *("%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y%m%d"),
    *("%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%b %Y", "%B %Y", "%b-%y", "%m/%Y"),
)
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
ISO = re.compile(r"^\d{4}-\d{2}(-\d{2}([ T]\d{2}(:\d{2}(:\d{2}(\.\d+)?)?)?)?)?$")
STEPS = {"hour": 3600, "day": 86400, "week": 7 * 86400, "minute": 60, "second": 1}
SEASONS = {  # steps after which a series of that frequency resembles itself
    "minute": 60,
    "hour": 24,
    "day": 7,
    "business day": 5,
    "week": 52,
    "month": 12,
    "quarter": 4,
}
CALENDAR = {  # periods that tell something at that frequency
    "minute": ("day", "week"),
    "hour": ("day", "week", "year"),
    "day": ("week", "year"),
    "business day": ("week", "year"),
    "week": ("year",),
    "month": ("year",),
    "quarter": ("year",),
}


def parse_times(cells):
    """Return datetime64[s] of the cells, or None where they are no times.

    Takes ISO 8601, the usual orders of day, month and year (one that fits all cells), years,
    and seconds since 1970.
    """
    cells = [cell.strip().removesuffix("Z").removesuffix("+00:00") for cell in cells]
    if all(ISO.match(cell) for cell in cells):
        try:
            return np.array(cells, dtype="datetime64[s]")
        except ValueError:
            return None
    if all(cell.isdecimal() and len(cell) == 4 for cell in cells):
        years = np.array(cells, "int64")
        return np.array(cells, "datetime64[s]") if years.min() >= 1000 else None
    if all(cell.isdecimal() and len(cell) in (9, 10) for cell in cells):
        return np.array(cells, "int64").astype("datetime64[s]")
    for day in FORMATS:
        for clock in CLOCKS:
            try:
                datetime.datetime.strptime(cells[0], day + clock)
                parsed = [datetime.datetime.strptime(cell, day + clock) for cell in cells]
            except ValueError:
                continue
            return np.array(parsed, dtype="datetime64[s]")
    return None


def find_frequency(times):
    """Return the commonest step between sorted times: "hour", "month", "900 seconds"..."""
    seconds = np.diff(times).astype("int64")
    if not len(seconds):
        return None
    step, days = int(np.median(seconds)), float(np.median(seconds)) / 86400
    for name, low, high in (("month", 28, 31), ("quarter", 89, 92), ("year", 365, 366)):
        if low <= days <= high and np.all(_day_of_month(times) == _day_of_month(times[:1])):
            return name
    if step == 86400 and len(times) >= 10 and not np.any(weekdays(times) >= 5):
        return "business day"
    names = {size: name for name, size in STEPS.items()}
    return names.get(step, f"{step} seconds")


def regular_times(times, frequency):
    """Return all times from the first to the last at the frequency."""
    first, last = times[0], times[-1]
    if frequency in ("month", "quarter", "year"):
        months = {"month": 1, "quarter": 3, "year": 12}[frequency]
        start, stop = first.astype("datetime64[M]"), last.astype("datetime64[M]")
        return np.arange(start, stop + 1, months).astype(times.dtype) + (first - start)
    if frequency == "business day":
        days = np.arange(first, last + np.timedelta64(1, "s"), np.timedelta64(86400, "s"))
        return days[weekdays(days) < 5]
    step = STEPS.get(frequency) or int(frequency.split()[0])
    return np.arange(first, last + np.timedelta64(1, "s"), np.timedelta64(step, "s"))


def next_times(time, frequency, steps):
    """Return the `steps` times that follow `time`."""
    if frequency in ("month", "quarter", "year"):
        months = {"month": 1, "quarter": 3, "year": 12}[frequency] * steps
        stop = (time.astype("datetime64[M]") + months).astype("datetime64[s]")
        end = stop + (time - time.astype("datetime64[M]"))
    else:
        step = STEPS.get(frequency, STEPS["day"] if frequency == "business day" else 0)
        step = step or int(frequency.split()[0])
        end = time + np.timedelta64(step * (2 * steps + 3), "s")
    times = regular_times(np.array([time, end], "datetime64[s]"), frequency)
    return times[times > time][:steps]


def calendar_columns(times, periods):
    """Return {name: float32}: sine and cosine of where each time stands in each period.

    Args:
        times: datetime64 array (n,).
        periods: Any of "day", "week", "year".
    """
    seconds = times.astype("datetime64[s]").astype("int64")
    year = times.astype("datetime64[Y]")
    start, stop = (y.astype("datetime64[s]").astype("int64") for y in (year, year + 1))
    shares = {
        "day": seconds % 86400 / 86400,
        "week": (seconds + 3 * 86400) % (7 * 86400) / (7 * 86400),  # 1970 began on a Thursday
        "year": (seconds - start) / (stop - start),
    }
    columns = {}
    for period in periods:
        angle = 2 * np.pi * shares[period]
        columns[f"{period}_sin"] = np.sin(angle).astype("float32")
        columns[f"{period}_cos"] = np.cos(angle).astype("float32")
    return columns


def weekdays(times):
    """Return 0 for Mondays to 6 for Sundays."""
    return (times.astype("datetime64[D]").astype("int64") + 3) % 7


def _day_of_month(times):
    return (times.astype("datetime64[D]") - times.astype("datetime64[M]")).astype("int64")
