"""Dates as people write them, without times of day; ambiguous ones give all readings."""

import datetime
import functools
import re

__all__ = ["read_dates"]

ORDERS = ("ymd", "mdy", "dmy")
PERIODS = (  # notations of quarters, months, weeks and half years: pattern, months per unit
    (re.compile(r"(?P<year>\d{4})(?:q|t|quarter)(?P<n>[1-4])"), 3),
    (re.compile(r"(?:q|t|quarter)(?P<n>[1-4])(?P<year>\d{4}|\d{2})"), 3),
    (re.compile(r"(?P<n>[1-4])(?:q|t|quarter)(?P<year>\d{4}|\d{2})"), 3),
    (re.compile(r"(?P<year>\d{4})(?:h|s)(?P<n>[12])"), 6),
    (re.compile(r"(?:h|s)(?P<n>[12])(?P<year>\d{4})"), 6),
    (re.compile(r"(?P<year>\d{4})m(?P<n>\d{1,2})"), 1),
    (re.compile(r"m(?P<n>\d{1,2})(?P<year>\d{4})"), 1),
)
WEEK = re.compile(r"(?P<year>\d{4})\W*(?:k?w|week)\W*(?P<week>\d{1,2})(?:-(?P<day>[1-7]))?")
WEEK_FIRST = re.compile(r"(?:k?w|week)\W*(?P<week>\d{1,2})\W+(?P<year>\d{4})(?P<day>)")
WEEKDAYS = {day[:n] for day in ("monday", "tuesday", "wednesday", "thursday") for n in (2, 3, 4, 9)}
WEEKDAYS |= {day[:n] for day in ("friday", "saturday", "sunday") for n in (2, 3, 8)}
WEEKDAYS |= {"thurs", "tues", "of", "de", "del", "le"}
LANGUAGES = ("de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "pl", "cs")
LANGUAGES += ("hu", "ro", "tr")


def read_dates(dates):
    """Return {order: {date: datetime.date}} of texts without times of day, or None."""
    found = {order: {} for order in ORDERS}
    numbers = [re.fullmatch(r"(\d{4})\D([1-4])", text) for text in dates]
    if all(numbers) and {match[2] for match in numbers} == set("1234"):  # quarters of several years
        quarters = {match[0]: _valid(int(match[1]), 3 * int(match[2]) - 2, 1) for match in numbers}
        return {"ymd": quarters} if len({match[1] for match in numbers}) > 1 else None
    wrong = 0
    for text in dates:
        read = _date(text)
        wrong += not read
        if wrong > 0.1 * len(dates):
            return None
        for order, date in read.items():
            found[order][text] = date
    plain = found["ymd"]  # a file may contain both 2024-01-31 and 31.01.2024
    found.update({order: {**plain, **found[order]} for order in ("mdy", "dmy") if found[order]})
    return {order: days for order, days in found.items() if days}


def _date(text):
    """Return {order: date} of a text, for each order in which it is a date."""
    plain = re.sub(r"(?<=\d)(st|nd|rd|th|er|º|°)\b", "", text.lower())
    plain = re.sub("[年月년월] ?", "-", plain).rstrip("日일")
    for pattern, months in PERIODS:
        match = pattern.fullmatch(re.sub(r"[\s\-_/.'’]", "", plain))
        if match:
            month = 1 + months * (int(match["n"]) - 1)
            return (
                dict.fromkeys(ORDERS, _valid(_year(match["year"]), month, 1)) if month < 13 else {}
            )
    week = WEEK.fullmatch(plain) or WEEK_FIRST.fullmatch(plain)
    if week:
        try:
            day = datetime.date.fromisocalendar(
                int(week["year"]), int(week["week"]), int(week["day"] or 1)
            )
        except ValueError:
            return {}
        return dict.fromkeys(ORDERS, day)
    tokens = re.findall(r"\d+|[^\W\d_]+\.?", plain)
    words = [token.rstrip(".") for token in tokens if not token[0].isdigit()]
    digits = [token for token in tokens if token[0].isdigit()]
    months = [month_names()[word] for word in words if word in month_names()]
    others = [word for word in words if word not in month_names() and word not in WEEKDAYS]
    if len(months) > 1 or others or not 1 <= len(digits) <= 3 or len(text) > 40:
        return {}
    if months:
        return _with_word(digits, months[0], tokens[0][0].isdigit())
    return _in_figures(digits, re.sub(r"[\w]", "", plain))


def _with_word(digits, month, number_first):
    if len(digits) == 1:  # 20-Jan has no year
        long = len(digits[0]) == 4 or (len(digits[0]) == 2 and not number_first)
        day = _valid(_year(digits[0]), month, 1) if long else None
    elif len(digits) == 2:
        first, second = digits
        day, year = (second, first) if len(first) == 4 else (first, second)
        day = _valid(_year(year), month, int(day)) if len(year) in (2, 4) else None
    else:
        day = None
    return dict.fromkeys(ORDERS, day) if day else {}


def _in_figures(digits, signs):
    """Return {order: date} of a date of two or three numbers."""
    if len(digits) == 2:
        if len(digits[0]) == 4 and len(digits[1]) == 3:  # day of the year
            first = _valid(int(digits[0]), 1, 1)
            day = first and first + datetime.timedelta(int(digits[1]) - 1)
            day = day if day and day.year == first.year else None
        elif len(digits[0]) == 4:
            day = _valid(int(digits[0]), int(digits[1]), 1)
        elif len(digits[1]) == 4:
            day = _valid(int(digits[1]), int(digits[0]), 1)
        else:
            day = None
        return dict.fromkeys(ORDERS, day) if day else {}
    if len(digits) == 1:
        if len(digits[0]) == 8 and not signs:
            digits = [digits[0][:4], digits[0][4:6], digits[0][6:]]
        else:
            return {}
    places = {"ymd": (0, 1, 2), "mdy": (2, 0, 1), "dmy": (2, 1, 0)}
    found = {}
    for order, (year, month, day) in places.items():
        sizes = [len(digits[place]) for place in (year, month, day)]
        if sizes[0] in (2, 4) and max(sizes[1:]) <= 2:
            date = _valid(_year(digits[year]), int(digits[month]), int(digits[day]))
            if date:
                found[order] = date
    return found


def _year(text):
    return int(text) + (0 if len(text) > 2 else 1900 if int(text) >= 69 else 2000)


def _valid(year, month, day):
    try:
        return datetime.date(year, month, day) if 1000 <= year < 3000 else None
    except (ValueError, OverflowError):
        return None


@functools.cache
def month_names():
    """Return {name: number} of months, in English and the other languages of CLDR."""
    from babel.dates import get_month_names

    names = {}
    for code in ("en", *LANGUAGES):
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                for number, name in get_month_names(width, context, code).items():
                    names.setdefault(name.lower().rstrip("."), number)
    return {**names, "sept": 9}
