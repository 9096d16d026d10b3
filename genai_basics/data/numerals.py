"""Parses numbers as people write them; the whole column decides the format, never one cell."""

import math
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

import numpy as np

__all__ = ["Numerals", "is_missing", "looks_like_number", "read_numbers"]

# Always missing, in every column ...
EMPTY = {"", "?", ".", "..", "...", "…", "nan", "NaN", "NAN", "-nan", "nat", "NaT", "<NA>", "\\N"}
EMPTY |= {"#N/A", "#N/A N/A", "#NA", "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?", "#NULL!"}
# ... and missing among numbers, but a category if frequent.
WORDS = {"na", "n/a", "n.a.", "nan", "null", "none", "nil", "-", "--", "–", "—", "(null)"}

SPACES = " \t\r\x0b\x0c\x85\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
SPACES += "\u2008\u2009\u200a\u202f\u205f\u3000"
CURRENCIES = {"USD", "EUR", "GBP", "CHF", "JPY", "CNY", "RMB", "INR", "CAD", "AUD", "NZD", "SEK"}
CURRENCIES |= {"NOK", "DKK", "PLN", "CZK", "HUF", "RON", "BRL", "MXN", "ZAR", "TRY", "RUB", "KRW"}
CURRENCIES |= {"kr", "Kr", "kr.", "zł", "Kč", "Ft", "Rs", "Rs.", "Fr.", "SFr.", "lei", "лв"}
SAME = {"EUR": "€", "USD": "$", "US$": "$", "GBP": "£", "kr.": "kr", "Kr": "kr", "Rs.": "Rs"}
MULTIPLES = {"K": 1e3, "k": 1e3, "M": 1e6, "m": 1e6, "B": 1e9, "b": 1e9, "T": 1e12}
CELL = re.compile(
    r" *(?P<minus>[-+]?) *(?P<before>[^\d.,'’+\-() ][^\d,'’+\-() ]{0,3})? *(?P<sign>[-+]?) *"
    r"(?P<body>[.,]?\d(?:[\d.,'’_ ]*\d)?[.,]?(?:[eE][-+]?\d+)?)"
    r" *(?P<after>[^\d.,'’+\-() ][^\d,'’+\-()]{0,11}?)?(?P<trailing>-?) *"
)
GROUPS = r"[1-9]\d{0,2}(?P<group>[%s'’_ ])\d{3}(?:(?P=group)\d{3})*"
INDIAN = r"[1-9]\d?(?:%s\d{2})+%s\d{3}"
BODIES = {  # decimal sign: pattern of a number
    decimal: re.compile(
        rf"(?:{GROUPS % other}|{INDIAN % (other, other)})(?:{point}\d*)?"
        rf"|(?:\d+(?:{point}\d*)?|{point}\d+)(?:[eE][-+]?\d+)?"
    )
    for decimal, point, other in ((".", r"\.", ","), (",", ",", r"\."))
}
UNCLEAR = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
SWISS = re.compile(r"[.,]-{1,2} *$")  # 1064.-
LONGEST = 60  # characters in a number
ONES = str.maketrans("023456789", "111111111")
ZERO = re.compile(r"^([^\d\n]*)0", re.MULTILINE)
ALIKE = str.maketrans({**dict.fromkeys("\u2212\u2013\u2014", "-"), **dict.fromkeys(SPACES, " ")})
PLAIN = {  # decimal sign: translation to Python's notation
    decimal: str.maketrans({**dict.fromkeys(f"{other}'’_{SPACES}"), decimal: ".", "\u2212": "-"})
    for decimal, other in (".,", ",.")
}
LARGEST = float(np.finfo("float32").max)


@dataclass
class _Form:
    """What cells that differ only in their digits have in common.

    Attributes:
        body: Slice of the cell with the digits and separators.
        negative: Whether the number is negative.
        unit: Unit next to the number.
        fits: The decimal signs with which the cell is a valid number.
        unclear: Whether the two decimal signs give different numbers.
    """

    body: slice
    negative: bool
    unit: str
    fits: str
    unclear: bool


@dataclass
class Numerals:
    """A column of cells read as numbers.

    Attributes:
        values: float64, NaN where a cell is missing or not a number.
        wrong: Whether each cell holds something that is not a number.
        decimal: The decimal sign that was used.
        unit: Unit next to the numbers: "€", "%", "kg" or "".
        decided: Whether the cells alone determine the decimal sign ("1,5" does); None if no
            cell contains a possible decimal sign.
        unclear: A cell that reads differently with the other sign, if the cells alone do
            not determine it.
        guessed: Whether the hint determined the sign and nothing in the column did.
    """

    values: np.ndarray
    wrong: np.ndarray
    decimal: str
    unit: str = ""
    decided: bool | None = None
    unclear: str | None = None
    guessed: bool = False


def is_missing(cell):
    """Whether a cell stands for a missing value, such as "", "NA" or "?"."""
    cell = cell.strip()
    return cell in EMPTY or cell.lower() in WORDS


def read_numbers(cells, *, decimal=None, hint=".", missing=()):
    """Return the `Numerals` in a column.

    Thousands may be separated by the other sign, by spaces or apostrophes. The decimal sign
    is the one with which more cells are numbers; if both fit all cells, as in `1,064`, the one
    that gives the column the smaller spread of magnitudes; and if that does not decide either,
    `hint`.

    Args:
        cells: List of str.
        decimal: "." or ",", if known. `None` infers it.
        hint: Decimal sign to use if the column does not determine it.
        missing: Further words for a missing value.

    Example:

    >>> read_numbers(["1.064,50 €", "900", "(12)"]).values.tolist()
    [1064.5, 900.0, -12.0]
    """
    keys = _keys(cells)
    examples = dict(zip(keys, cells, strict=True))
    hollow = {key for key, cell in examples.items() if is_missing(cell)}
    if missing:
        keys = [None if c.strip() in missing else k for k, c in zip(keys, cells, strict=True)]
    counts = Counter(keys)
    forms = {key: _form(cell) for key, cell in examples.items()}
    units = Counter()
    for key, form in forms.items():
        if form is not None and key not in hollow:
            units[form.unit] += counts[key]
    unit, scales = _unit(units)
    known = {
        key: form
        for key, form in forms.items()
        if form is not None and key not in hollow and scales and form.unit in scales
    }
    choice = Numerals(np.zeros(0), np.zeros(0), decimal or hint, unit)
    if decimal is None:
        _decide(choice, known, counts, keys, cells)
    values = _values(choice.decimal, known, keys, cells)
    factors = {key: (-1 if form.negative else 1) * scales[form.unit] for key, form in known.items()}
    if set(factors.values()) - {1.0}:
        values = values * [factors.get(key, 1.0) for key in keys]
    choice.values = np.where(np.abs(values) <= LARGEST, values, np.nan)  # single precision
    empty = hollow | {None}
    choice.wrong = np.isnan(choice.values) & ~np.array([key in empty for key in keys], bool)
    return choice


def looks_like_number(cell):
    """Whether a single cell is a number, with points or commas, and has no unit of letters."""
    form = _form(cell)
    return form is not None and bool(form.fits) and not form.unit.isalpha()


def _keys(cells):
    """Return a key for each cell, equal for cells that differ only in their digits.

    A leading zero gives another key, since no thousands separator follows it.
    """
    joined = "\n".join(cells)
    if joined.count("\n") >= len(cells):
        joined = "\n".join(cell.replace("\n", "\x1e") for cell in cells)
    return ZERO.sub(r"\1\0", joined).translate(ONES).split("\n")[: len(cells)]


def _form(cell):
    """Return the `_Form` of a cell, or None if it is not a number."""
    if len(cell) > LONGEST:
        return None
    text = cell.translate(ALIKE)
    text = SWISS.sub(lambda match: " " * len(match[0]), text)
    opened = text.find("(")
    closed = text.rstrip().endswith(")") and opened >= 0
    closed = closed and not any(map(str.isdigit, text[:opened]))
    if closed:
        text = text.replace("(", " ", 1)
        text = " ".join(text.rsplit(")", 1))
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
    body, unit = match["body"], after if after in MULTIPLES else before or after
    fits = "".join(decimal for decimal in BODIES if BODIES[decimal].fullmatch(body))
    return _Form(
        slice(*match.span("body")),
        minuses == 1,
        SAME.get(unit, unit),
        fits,
        bool(UNCLEAR.fullmatch(body)),
    )


def _values(decimal, forms, keys, cells):
    """Parse the bodies of cells with a decimal sign as float64, NaN if not a number."""
    bodies = {key: form.body for key, form in forms.items() if decimal in form.fits}
    at = [i for i, key in enumerate(keys) if key in bodies]
    values = np.full(len(cells), np.nan)
    if at:
        joined = "\n".join([cells[i][bodies[keys[i]]] for i in at]).translate(PLAIN[decimal])
        values[at] = np.array(joined.split("\n"), "float64")
    return values


def _unit(units):
    """Return the column's unit and {unit: scale} of the units compatible with it."""
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


def _decide(choice, forms, counts, keys, cells):
    """Set the decimal sign of `choice`, and whether the cells determine it."""
    valid = {d: sum(counts[key] for key, form in forms.items() if d in form.fits) for d in BODIES}
    if valid["."] != valid[","]:
        choice.decimal, choice.decided = max(valid, key=valid.get), True
        return
    told = {key for key, form in forms.items() if form.unclear and counts[key]}
    if not told:
        return
    choice.decided = False
    choice.unclear = cells[next(i for i, key in enumerate(keys) if key in told)]
    read = {d: _values(d, forms, keys, cells) for d in BODIES}
    clear = np.array([key not in told for key in keys], bool)
    plain = read["."][clear & np.isfinite(read["."])]
    if not len(plain):
        choice.guessed = True
        return
    signs = {"," if "," in key else "." for key in told}
    if len(signs) == 1 and 100 <= plain.max() < 1000:  # only numbers from 1000 on have the sign
        choice.decimal = "." if "," in signs else ","
        return
    spreads = {d: np.std(np.log(np.unique(values[values > 0]))) for d, values in read.items()}
    if not math.isclose(spreads["."], spreads[","], rel_tol=0.05):
        choice.decimal = min(spreads, key=spreads.get)
    else:
        choice.guessed = True
