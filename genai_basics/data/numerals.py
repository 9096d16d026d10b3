"""Numbers as people write them, decided by the whole column, never by one cell."""

import math
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

import numpy as np

__all__ = ["Numerals", "is_missing", "read_numbers"]

# Always missing, whatever the column holds ...
EMPTY = {"", "?", ".", "..", "...", "…", "nan", "NaN", "NAN", "-nan", "nat", "NaT", "<NA>", "\\N"}
EMPTY |= {"#N/A", "#N/A N/A", "#NA", "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?", "#NULL!"}
# ... and missing among numbers, but a category where they are frequent.
WORDS = {"na", "n/a", "n.a.", "nan", "null", "none", "nil", "-", "--", "–", "—", "(null)"}

SPACES = "\\s\u00a0\u202f\u2009\u2007"
CURRENCIES = {"USD", "EUR", "GBP", "CHF", "JPY", "CNY", "RMB", "INR", "CAD", "AUD", "NZD", "SEK"}
CURRENCIES |= {"NOK", "DKK", "PLN", "CZK", "HUF", "RON", "BRL", "MXN", "ZAR", "TRY", "RUB", "KRW"}
CURRENCIES |= {"kr", "Kr", "kr.", "zł", "Kč", "Ft", "Rs", "Rs.", "Fr.", "SFr.", "lei", "лв"}
MULTIPLES = {"K": 1e3, "k": 1e3, "M": 1e6, "m": 1e6, "B": 1e9, "b": 1e9, "T": 1e12}
CELL = re.compile(
    r"(?P<minus>[-+]?) *(?P<before>[^\d.,'’+\-() ][^\d,'’+\-() ]{0,3})? *(?P<sign>[-+]?) *"
    r"(?P<body>[.,]?\d(?:[\d.,'’_ ]*\d)?[.,]?(?:[eE][-+]?\d+)?)"
    r" *(?P<after>[^\d.,'’+\-() ][^\d,'’+\-()]{0,11})?(?P<trailing>-?)"
)
GROUPS = r"[1-9]\d{0,2}(?P<group>[%s'’_ ])\d{3}(?:(?P=group)\d{3})*"
INDIAN = r"[1-9]\d?(?:%s\d{2})+%s\d{3}"
BODIES = {  # decimal sign: all that a number may look like
    decimal: re.compile(
        rf"(?:{GROUPS % other}|{INDIAN % (other, other)}|\d+)(?:{point}\d*)?(?:[eE][-+]?\d+)?"
        rf"|{point}\d+(?:[eE][-+]?\d+)?"
    )
    for decimal, point, other in ((".", r"\.", ","), (",", ",", r"\."))
}
UNCLEAR = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")


@dataclass
class Numerals:
    """What a column of cells says as numbers.

    Attributes:
        values: float64, NaN where a cell is missing or no number.
        wrong: Whether each cell holds something that is no number.
        decimal: The decimal sign that was taken.
        unit: What stands next to the numbers: "€", "%", "kg" or "".
        decided: Whether the cells alone tell the decimal sign ("1,5" does); None where no cell
            has a sign that could be one.
        unclear: A cell that reads differently with the other sign, where the cells alone do
            not decide.
        guessed: Whether nothing in the column decided that, but the hint.
    """

    values: np.ndarray
    wrong: np.ndarray
    decimal: str
    unit: str = ""
    decided: bool | None = None
    unclear: str | None = None
    guessed: bool = False


def is_missing(cell, missing=()):
    """Whether a cell says that there is no value, as "", "NA" or "?" do."""
    cell = cell.strip()
    return cell in EMPTY or cell.lower() in WORDS or cell in missing


def read_numbers(cells, *, decimal=None, hint=".", missing=()):
    """Return the `Numerals` in a column.

    Thousands may be set apart by the other sign, by spaces or apostrophes. The decimal sign
    is the one with which more cells are numbers; where all are with both, as in `1,064`, the one
    with which the magnitudes of the column lie closer together; and where that does not tell
    either, `hint`.

    Args:
        cells: List of str.
        decimal: "." or ",", where it is known. `None` decides it.
        hint: What to take where the column does not tell.
        missing: Further words for a missing value.

    Example:

    >>> read_numbers(["1.064,50 €", "900", "(12)"]).values.tolist()
    [1064.5, 900.0, -12.0]
    """
    if decimal != "," and (plain := _plain(cells, missing)):
        return plain
    counts = Counter(cells)
    parsed = {}
    for cell in counts:
        if not is_missing(cell, missing):
            parsed[cell] = _taken_apart(cell)
    units = Counter()
    for cell, found in parsed.items():
        if found is not None:
            units[found[2]] += counts[cell]
    unit, scales = _unit(units)
    for cell, found in parsed.items():
        if found is not None and (scales is None or found[2] not in scales):
            parsed[cell] = None
    bodies = {cell: found[0] for cell, found in parsed.items() if found is not None}
    choice = Numerals(np.zeros(0), np.zeros(0), decimal or hint, unit)
    if decimal is None:
        _decide(choice, bodies, counts, hint)
    numbers = {}
    for cell, found in parsed.items():
        value = None if found is None else _value(found[0], choice.decimal)
        if value is not None:
            numbers[cell] = (-value if found[1] else value) * scales[found[2]]
    choice.values = np.array([numbers.get(cell, np.nan) for cell in cells], "float64")
    bad = {cell for cell in parsed if cell not in numbers}
    choice.wrong = np.array([cell in bad for cell in cells], bool)
    return choice


def _plain(cells, missing):
    """Return the numbers of a column as programs write them, or None: this is the fast way."""
    values, decided = np.full(len(cells), np.nan), None
    for i, cell in enumerate(cells):
        if cell in missing:
            continue
        try:
            value = float(cell)
        except ValueError:
            if is_missing(cell):
                continue
            return None
        if not math.isfinite(value):
            if is_missing(cell):
                continue
            return None
        values[i] = value
        if not decided and "." in cell:
            decided = not UNCLEAR.fullmatch(cell.strip().lstrip("+-"))
    if decided is False:
        return None
    return Numerals(values, np.zeros(len(cells), bool), ".", "", decided)


def _taken_apart(cell):
    """Return (digits and signs, whether negative, unit) of a cell, or None."""
    text = cell.strip().translate({0x2212: "-", 0x2013: "-", 0x2014: "-"})
    text = re.sub(f"[{SPACES}]", " ", re.sub(r"[.,]-{1,2}$", "", text))  # 1064.- as in Switzerland
    opened = text.find("(")
    closed = text.endswith(")") and opened >= 0 and not any(map(str.isdigit, text[:opened]))
    if closed:
        text = text[:opened] + text[opened + 1 : -1]
    match = CELL.fullmatch(text)
    if match is None:
        return None
    before, after = match["before"] or "", (match["after"] or "").strip()
    if before and not (
        before in CURRENCIES or any(unicodedata.category(c) == "Sc" for c in before)
    ):
        return None
    minuses = (match["minus"] + match["sign"] + match["trailing"]).count("-") + closed
    if minuses > 1 or (before and after and before != after and after not in MULTIPLES):
        return None
    return match["body"], minuses == 1, after if after in MULTIPLES else before or after


def _unit(units):
    """Return the column's unit and {unit: scale} of the cells that agree with it."""
    named = Counter({unit: n for unit, n in units.items() if unit})
    if not named:
        return "", {"": 1.0}
    if len(named) > 1 and all(unit in MULTIPLES for unit in named):
        return "", {"": 1.0, **MULTIPLES}
    unit, n = named.most_common(1)[0]
    currency = unit in CURRENCIES or any(unicodedata.category(c) == "Sc" for c in unit)
    if not currency and n < 0.9 * sum(units.values()):
        return ("", {"": 1.0}) if units[""] else ("", None)
    return unit, {unit: 1.0} if unit == "%" and units[""] < 0.02 * n else {unit: 1.0, "": 1.0}


def _decide(choice, bodies, counts, hint):
    """Set the decimal sign of `choice`, and whether the cells tell it."""
    valid = dict.fromkeys(BODIES, 0)
    told = []
    for cell, body in bodies.items():
        fits = {decimal: bool(BODIES[decimal].fullmatch(body)) for decimal in BODIES}
        for decimal, fit in fits.items():
            valid[decimal] += counts[cell] * fit
        if fits["."] and fits[","] and UNCLEAR.fullmatch(body):
            told.append(cell)
    if valid["."] != valid[","]:
        choice.decimal, choice.decided = max(valid, key=valid.get), True
        return
    if not told:
        return
    choice.decided, choice.unclear = False, told[0]
    plain = [_value(body, ".") for body in bodies.values() if not UNCLEAR.fullmatch(body)]
    plain = [value for value in plain if value is not None]
    signs = {"," if "," in cell else "." for cell in told}
    if not plain:
        choice.guessed = True
        return
    if len(signs) == 1 and 100 <= max(plain) < 1000:  # all from 1000 on have the sign
        choice.decimal = "." if "," in signs else ","
        return
    spreads = {}
    for decimal in BODIES:
        values = [_value(body, decimal) for body in bodies.values()]
        spreads[decimal] = np.std(np.log([value for value in values if value]))
    if not math.isclose(spreads["."], spreads[","], rel_tol=0.05):
        choice.decimal = min(spreads, key=spreads.get)
    else:
        choice.guessed = True


def _value(body, decimal):
    if not BODIES[decimal].fullmatch(body):
        return None
    other = "," if decimal == "." else "."
    value = float(re.sub(f"[{other}'’_ ]", "", body).replace(",", "."))
    return value if math.isfinite(value) else None
