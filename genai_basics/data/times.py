"""Parses times as people write them; the whole column decides the format, never one cell."""

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np

from .dates import read_dates
from .numerals import EMPTY, WORDS

__all__ = ["Times", "read_times"]

ISO = re.compile(r"\d{4}-\d{2}(-\d{2}([ T]\d{2}(:\d{2}(:\d{2}(\.\d+)?)?)?)?)?")
CLOCK = re.compile(
    r"(?P<date>.*?\d.*?)(?:[ T:]+|(?<=\d{4}) ?)(?P<hour>\d{1,2})"
    r"(?::(?P<minute>\d{2})(?::(?P<second>\d{2}(?:[.,]\d+)?))?(?: ?(?P<half>[ap])\.?m\.?)?"
    r"|h(?P<french>\d{2})| ?(?P<only>[ap])\.?m\.?) ?(?P<zone>Z|[A-Za-z]{3,4})? ?"
    r"(?P<offset>[+-]\d{1,2}(?::?\d{2})?)?(?: \(.*\))?",
    re.IGNORECASE,
)
CLOCK_FIRST = re.compile(r"^(\d{1,2}:\d{2}(?::\d{2})?(?: ?[apAP]\.?[mM]\.?)?) +(\S*\d.*)$")
CLOCK_INSIDE = re.compile(r"^(.*\d) +(\d{1,2}:\d{2}:\d{2}) +(?:[A-Z]{3,4} )?(\d{4})$")
COMPACT = re.compile(r"(\d{8})[T ]?(\d{2})(\d{2})(\d{2})?(Z)?")
RANGE = re.compile(r"(.*\d.*?) *(?: - | – | to |/(?=\d{4}-\d{2}-\d{2}))\s*.*\d.*")
ZONES = {"Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "BST": 1, "WEST": 1, "CET": 1, "CEST": 2, "MEZ": 1}
ZONES |= {"MESZ": 2, "EET": 2, "EEST": 3, "MSK": 3, "JST": 9, "EST": -5, "EDT": -4, "CST": -6}
ZONES |= {"CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}
MONTHLY = re.compile(r"(1[89]|20|21)\d\d\.(0[1-9]|1[0-2])|(0?[1-9]|1[0-2])\.(1[89]|20|21)\d\d")
EPOCHS = {9: 1, 10: 1, 12: 10**3, 13: 10**3, 15: 10**6, 16: 10**6, 18: 10**9, 19: 10**9}
UNITS = {3: "seconds", 4: "milliseconds", 5: "microseconds", 6: "nanoseconds"}  # digits // 3
EXCEL = 25569  # days from Excel's day 0 to 1970


@dataclass
class Times:
    """A column of cells read as times.

    Attributes:
        values: datetime64[s], NaT where a cell is missing or not a time.
        wrong: Whether each cell holds something that is not a time.
        day_first: Whether the day comes before the month, if that makes a difference.
        unclear: A cell that reads differently in the other order.
        said: What was decided, for a message, or "".
    """

    values: np.ndarray
    wrong: np.ndarray
    day_first: bool | None = None
    unclear: str | None = None
    said: str = ""


def read_times(cells, *, day_first=None, named=True):
    """Return the `Times` in a column, or None if it holds no times.

    Accepted are ISO 8601; day, month and year in any order that fits all cells, with months as
    numbers or words; quarters, months and weeks of a year; seconds or milliseconds since 1970;
    with or without a time of day and a UTC offset. If day and month are ambiguous, the order that
    gives even steps is used. Times with offsets become UTC, or remain local times if only
    those have even steps.

    Args:
        cells: List of str.
        day_first: Whether the day comes before the month. `None` infers it.
        named: Whether plain numbers count as times because of the column's name.

    Example:

    >>> read_times(["31/12/2023 11:30 PM", "01/01/2024 12:30 AM"]).values[1]
    np.datetime64('2024-01-01T00:30:00')
    """
    cells = [cell.strip() for cell in cells]
    different = [c for c in dict.fromkeys(cells) if c not in EMPTY and c.lower() not in WORDS]
    if not different:
        return None
    if len(different) > 2 and all(_is_season(cell) for cell in different):
        years = {cell: np.datetime64(cell[:4], "s") for cell in different}
        return _table(cells, years)
    if all(ISO.fullmatch(cell) for cell in different):
        try:
            times = _iso(different)
            if _within_seconds(times):
                return None
            return _table(cells, dict(zip(different, times, strict=True)))
        except ValueError:
            pass  # a thirteenth month: reported below
    if all(re.fullmatch(r"-?\d+(\.\d+)?", cell) for cell in different):
        found = _of_numbers(different, named)
        if found is not None:
            values, said = found
            return _table(cells, dict(zip(different, values, strict=True)), said)
        if not named or not all(MONTHLY.fullmatch(cell) for cell in different):
            return None
    return _of_words(cells, different, day_first)


def _table(cells, times, said="", **facts):
    """Return the `Times` of cells, from a dict of the time of each."""
    none = np.datetime64("NaT", "s")
    values = np.array([times.get(cell, none) for cell in cells], "datetime64[s]")
    gone = [cell in EMPTY or cell.lower() in WORDS for cell in cells]
    return Times(values, np.isnat(values) & ~np.array(gone, bool), said=said, **facts)


def _is_season(cell):
    """Whether a cell is a season across two years, such as 1999/2000 or 2019-20."""
    match = re.fullmatch(r"(\d{4})[-/](?:\d{2})?(\d{2})", cell)
    return bool(match) and (int(match[1]) + 1) % 100 == int(match[2])


def _iso(cells):
    return np.array(cells, "datetime64[s]")


def _of_numbers(cells, named=True):
    """Return (times, message) of plain numbers, or None.

    Without a time-like column name, only years, months and days in eight digits are times.
    """
    if not named:
        days = _digits(cells, (4, 6)) if all(re.fullmatch(r"\d{8}", c) for c in cells) else None
        return None if days is None else (days, "")
    whole = [cell.split(".")[0] for cell in cells]
    lengths = {len(cell.lstrip("-")) for cell in whole}
    values = np.array(cells, "float64")
    if lengths == {4} and values.min() >= 1000 and values.max() < 2200:
        return _of_years(values)
    if all("." not in cell for cell in cells):
        for length, cut in ((6, (4,)), (8, (4, 6)), (12, None), (14, None)):
            if lengths == {length}:
                found = _digits(cells, cut)
                if found is not None:
                    return found, ""
    (length,) = lengths if len(lengths) == 1 else (max(lengths),)
    if length in EPOCHS and lengths <= {length, length - 1}:
        whole = np.array([cell.split(".")[0] for cell in cells], "int64")
        unit, seconds = UNITS[length // 3], whole // EPOCHS[length]
        if _within_seconds(seconds):
            return None
        return seconds.astype("datetime64[s]"), f"as {unit} since 1970"
    if lengths == {5} and values.min() >= 20_000 and values.max() < 80_000:
        seconds = np.round((values - EXCEL) * 86400).astype("int64")
        return seconds.astype("datetime64[s]"), "as Excel's numbers of days"
    return None


def _within_seconds(times):
    """Return whether times differ by less than a second; these are not read as times."""
    return len(np.unique(times)) < 0.9 * len(times)


def _of_years(years):
    """Return (times, message) of years with or without a fraction, or None.

    The fraction gives the start of the month (1959.0833 is February) or its middle (1959.0417 is
    January).
    """
    if np.array_equal(years, np.round(years)):
        return (years - 1970).astype("int64").astype("datetime64[Y]").astype("datetime64[s]"), ""
    for months in (np.floor(12 * years + 0.05), np.round(12 * years)):
        different = np.unique(months)
        steps = np.unique(np.diff(different), return_counts=True)
        if len(different) == len(years) > 1 and steps[1].max() >= 0.8 * steps[1].sum():
            since = (months - 12 * 1970).astype("int64").astype("datetime64[M]")
            return since.astype("datetime64[s]"), "as decimal years, to the month"
    return None


def _digits(cells, cut):
    """Return the times of 202001, 20200131, 202001311200 and so on, or None."""
    try:
        if cut is not None:
            parts = [
                [cell[a:b] for a, b in zip((0, *cut), (*cut, None), strict=True)] for cell in cells
            ]
            found = _iso(["-".join(part) for part in parts])
        else:
            days = ["-".join((cell[:4], cell[4:6], cell[6:8])) for cell in cells]
            clocks = [":".join(re.findall("..", cell[8:])) for cell in cells]
            found = _iso([f"{day}T{clock}" for day, clock in zip(days, clocks, strict=True)])
    except ValueError:
        return None
    years = found.astype("datetime64[Y]").astype("int64") + 1970
    return found if years.min() >= 1700 and years.max() < 2200 else None


def _of_words(cells, different, day_first):
    """Return the `Times` of cells that are not plain numbers, or None."""
    if sum(bool(RANGE.fullmatch(cell)) for cell in different) > 0.9 * len(different):
        starts = {cell: RANGE.sub(r"\1", cell).strip() for cell in different}  # a range: its start
        parts = {cell: _split(start) for cell, start in starts.items()}
    else:
        parts = {cell: _split(cell) for cell in different}
    dates = {date for date, _, _ in parts.values()}
    days = read_dates(dates)
    if days is None:
        return None
    choices = {}
    for name, found in days.items():
        if name in ("mdy", "dmy") and day_first is not None and (name == "dmy") != day_first:
            continue
        local, offsets = {}, {}
        for cell, (date, seconds, offset) in parts.items():
            if found.get(date) is not None:
                local[cell] = np.datetime64(found[date], "s") + np.timedelta64(int(seconds), "s")
                offsets[cell] = offset
        choices[name] = (local, offsets)
    if not choices:
        return None
    most = max(len(local) for local, _ in choices.values())
    choices = {name: found for name, found in choices.items() if len(found[0]) == most}
    if most < 0.9 * len(different):
        return None
    scores = {name: _evenness(cells, local) for name, (local, _) in choices.items()}
    separated = Counter(re.sub(r"[\w\s]", "", date)[:1] for date in dates).most_common(1)[0][0]
    usual = "dmy" if separated in (".", "-") else "mdy"
    name = max(scores, key=lambda name: (round(scores[name], 2), name == usual))
    local, offsets = choices[name]
    both = {"mdy", "dmy"} <= set(choices) and choices["mdy"][0] != choices["dmy"][0]
    unclear = None
    if both:
        unclear = next(c for c in local if choices["mdy"][0][c] != choices["dmy"][0][c])
    facts = {"unclear": unclear, "day_first": name == "dmy" if name in ("mdy", "dmy") else None}
    return _with_offsets(cells, local, offsets, facts)


def _with_offsets(cells, local, offsets, facts):
    """Convert times with offsets to one clock."""
    given = {offset for offset in offsets.values() if offset is not None}
    if not given or given == {0.0}:
        return _table(cells, local, **facts)
    shifts = {cell: np.timedelta64(int(3600 * (offsets[cell] or 0)), "s") for cell in local}
    universal = {cell: time - shifts[cell] for cell, time in local.items()}
    if len(given) > 1 and _evenness(cells, local) > _evenness(cells, universal):
        said = "on the local clock, their offsets left out"
        return _table(cells, local, said, **facts)
    return _table(cells, universal, "in UTC by their offsets", **facts)


def _split(cell):
    """Return (date, seconds since midnight, offset in hours or None) of a cell."""
    compact = COMPACT.fullmatch(cell)
    if compact:
        date, hour, minute, second, zone = compact.groups()
        seconds = 3600 * int(hour) + 60 * int(minute) + int(second or 0)
        return f"{date[:4]}-{date[4:6]}-{date[6:]}", seconds, 0.0 if zone else None
    cell = CLOCK_INSIDE.sub(r"\1 \3 \2", CLOCK_FIRST.sub(r"\2 \1", cell.replace(", ", " ")))
    match = CLOCK.fullmatch(cell)
    if match is None:
        hour = re.fullmatch(r"(\d{4}\D\d{1,2}\D\d{1,2})[ T](\d{1,2})", cell)
        return (hour[1], 3600 * int(hour[2]), None) if hour else (cell, 0, None)
    date, hour = match["date"], int(match["hour"])
    half = (match["half"] or match["only"] or "").lower()
    if half:
        hour = hour % 12 + 12 * (half == "p")
    minute = int(match["minute"] or match["french"] or 0)
    second = float((match["second"] or "0").replace(",", "."))
    zone, offset = (match["zone"] or "").upper(), match["offset"]
    if hour > 24 or minute > 59 or (zone and zone not in ZONES):
        return cell, 0, None
    hours = float(ZONES[zone]) if zone else None
    if offset:
        digits = offset[1:].replace(":", "").rjust(2, "0").ljust(4, "0")
        hours = (hours or 0.0) + (int(digits[:2]) + int(digits[2:]) / 60) * (
            -1 if offset[0] == "-" else 1
        )
    return date.strip(" ,").removesuffix("T"), 3600 * hour + 60 * minute + int(second), hours


def _evenness(cells, times):
    """Return how even the steps between times are, 0 to 1, plus 1 if they are in order."""
    ordered = np.array([times[cell] for cell in cells if cell in times], "datetime64[s]")
    if len(ordered) < 2:
        return 0.0
    steps = np.diff(ordered)
    zero = np.timedelta64(0, "s")
    sorted_ = bool(np.all(steps >= zero) or np.all(steps <= zero))
    different = np.unique(ordered)
    if len(different) < 2:
        return float(sorted_)
    months = different.astype("datetime64[M]")
    days = (different - months).astype("int64")
    if np.all(days == days[0]):
        steps = np.diff(months.astype("int64"))
    else:
        steps = np.diff(different).astype("int64")
    return sorted_ + np.unique(steps, return_counts=True)[1].max() / len(steps)
