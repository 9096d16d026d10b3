"""Reads text files, compressed or not; detects their encoding from a few non-ASCII letters."""

import bz2
import gzip
import lzma
import unicodedata
import zlib
from pathlib import Path

from .. import limits
from ..warning import warn

__all__ = ["decode_bytes", "decode_text", "read_bytes", "split_lines", "suffix_of"]

PACKED = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
# If two fit equally well, the first is used; most agree on the characters they share.
ONE_BYTE = ("cp1252", "cp1250", "iso8859-2", "cp1253", "iso8859-7", "cp1251", "koi8-r", "cp1254")
ONE_BYTE += ("cp1257", "iso8859-15", "mac_roman", "cp850", "cp852", "cp866", "mac_latin2")
ALPHABETS = [
    set(letters)
    for letters in (
        "àâæçéèêëîïôœùûüÿ",  # French
        "äöüßé",
        "áéíóúüñ",
        "áâãàçéêíóôõúü",  # Portuguese
        "àçèéíïòóúü",  # Catalan
        "åäöæøéü",
        "éëïóöüè",
        "áčďéěíňóřšťúůýž",  # Czech
        "áäčďéíĺľňóôŕšťúýž",
        "ąćęłńóśźż",
        "áéíóöőúüű",
        "čćđšž",
        "ăâîşţșț",
        "çğıiöşüâîû",  # Turkish
        "ąčęėįšųūž",
        "āčēģīķļņšūž",
        "äõöüšž",
    )
]
ICELANDIC = set("áðéíóúýþæö"), set("áéíóúæö")  # the first with none of the second: Turkish
COMMON = set("оеаинтсрвлмдпуякОЕАИНТСРВЛМДПУЯК") | set("αοιετσνηυρπκμλςάέήίόύώΑΟΙΕΤΣΝΗΥΡΠΚΜΛ")
ITALIAN = set("àèéìòù")  # only at the end of words
QUOTES = set("‘’‚“”„–—…«»‹›•·†‰\u00a0")
SIGNS = set("€£¥°§©®™±²³µ¼½¾×÷ºª¢¹")
OPENING = set("¿¡")


def suffix_of(path):
    """Return the extension of a file in lower case, ignoring that of the compression.

    Example:

    >>> suffix_of("reviews.CSV.gz")
    '.csv'
    """
    path = Path(path)
    return Path(path.stem).suffix.lower() if path.suffix.lower() in PACKED else path.suffix.lower()


def decode_text(path, encoding=None):
    """Return the text of a file; if it is not UTF-8, guess its encoding and warn.

    Raises:
        ValueError: The file is not text, or its encoding cannot be determined.
    """
    return decode_bytes(read_bytes(path), Path(path), encoding)


def read_bytes(path):
    """Return the content of a file, decompressed according to its extension."""
    path = limits.regular(path)
    unpack = PACKED.get(path.suffix.lower(), open)
    most = limits.get("bytes")
    try:
        with unpack(path, "rb") as file:
            raw = file.read(most + 1)
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        how = "read" if unpack is open else "decompressed"
        why = getattr(error, "strerror", None) or str(error)[:200]
        raise ValueError(f"'{path}' cannot be {how}: {why}.") from error
    limits.check("bytes", len(raw), path)
    return raw


def decode_bytes(raw, path, encoding=None):
    """Return `raw` as text; messages call it `path`."""
    if encoding is not None:
        try:
            return _newlines(raw.decode(encoding).removeprefix("\ufeff"))
        except LookupError as error:
            raise ValueError(
                f"`encoding` must be one that Python knows, such as utf-8 or cp1252. "
                f"Received: encoding={encoding!r}"
            ) from error
        except UnicodeDecodeError as error:
            raise ValueError(
                f"'{path}' is not in {encoding}; `encoding` (--encoding) names another."
            ) from error
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _newlines(raw.decode("utf-16"))
    wide = _without_mark(raw[:4096])
    if wide:
        return _newlines(raw.decode(wide, errors="replace"))
    if b"\0" in raw[:4096]:
        raise ValueError(f"'{path}' is not a text file.")
    try:
        return _newlines(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
    text, broken = _mostly_utf8(raw)
    if text is not None:
        warn(
            f"'{path.name}' is in UTF-8 except for {broken} bytes (the first in line {line}), "
            "which were read as cp1252."
        )
        return _newlines(text)
    guess = _recognize(raw)
    if guess is None:
        raise ValueError(
            f"'{path}' is not in UTF-8 and its encoding cannot be determined; give `encoding` "
            "(--encoding), for example cp1252."
        )
    text = _newlines(raw.decode(guess, errors="replace"))
    shown = next((line for line in text.split("\n") if not line.isascii()), text).strip()
    at = max(0, next((i for i, c in enumerate(shown) if not c.isascii()), 0) - 30)
    warn(
        f"'{path.name}' is not in UTF-8 and was read as {guess}, for example "
        f"{shown[at : at + 60]!r}; "
        "`encoding` (--encoding) names another."
    )
    return text


def _without_mark(start):
    """Return "utf-16-le" or "-be" if every other byte of mostly ASCII text is 0, else None."""
    for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, others = start[first::2], start[1 - first :: 2]
        if len(start) > 3 and zeros.count(0) > 0.5 * len(zeros) and not others.count(0):
            return name
    return None


def _mostly_utf8(raw):
    """Return (text, number of invalid UTF-8 bytes) if these are few, otherwise (None, 0)."""
    text = raw.decode("utf-8-sig", errors="surrogateescape")
    broken = sum("\udc80" <= char <= "\udcff" for char in text)
    whole = sum(not char.isascii() for char in text) - broken
    if broken > 0.1 * whole:
        return None, 0
    fixed = [
        bytes([ord(c) - 0xDC00]).decode("cp1252", "replace") if "\udc80" <= c <= "\udcff" else c
        for c in text
    ]
    return "".join(fixed), broken


def _newlines(text):
    return text.replace("\r\n", "\n").replace("\r", "\n")


def split_lines(text):
    """Return the lines of a decoded text; only "\\n" ends a line, and the last may lack it."""
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


def _recognize(raw):
    """Return the most likely encoding of bytes that are not UTF-8, or None."""
    telling = [line for line in raw.split(b"\n") if not line.isascii()]
    sample = b"\n".join(telling[:2000])[:65536]
    scores = {}
    for name in ONE_BYTE:
        try:
            scores[name] = _score(sample.decode(name))
        except UnicodeDecodeError:
            continue
    best = max(scores, key=scores.get, default=None)
    if best is not None and scores[best] >= 0.8:
        return best
    wide = _wide(sample)
    return wide or (best if best is not None and scores[best] > 0.3 else None)


def _wide(sample):
    """Return the encoding of Chinese, Japanese or Korean, or None."""
    from charset_normalizer import from_bytes

    for match in from_bytes(sample):
        letters = [c for c in str(match) if not c.isascii()]
        wide = sum(unicodedata.east_asian_width(c) in "WF" for c in letters)
        if letters and wide > 0.9 * len(letters):
            return match.encoding
    return None


def _score(text):
    """Return how plausible the non-ASCII characters are in their context, at most 1."""
    letters, points = [], []
    for i, char in enumerate(text):
        if char.isascii():
            continue
        before, after = text[i - 1 : i] if i else "", text[i + 1 : i + 2]
        if char.isalpha() and char not in SIGNS:
            letters.append((char, before, after, _alone(text, i)))
        else:
            points.append(_sign(char, before, after))
    greek_or_cyrillic = sum(_script(char) not in ("LATIN", "") for char, *_ in letters)
    if greek_or_cyrillic > len(letters) / 2:
        points += [_letter(*found, foreign=True) for found in letters]
    else:
        known = [[c.lower()[:1] in alphabet for c, *_ in letters] for alphabet in ALPHABETS]
        icelandic = any(c.lower() in ICELANDIC[1] for c, *_ in letters)
        known.append([c.lower() in ICELANDIC[0] and icelandic for c, *_ in letters])
        known.append([c.lower() in ITALIAN and not after.isalpha() for c, _, after, _ in letters])
        language = max(known, key=sum)
        for found, fits in zip(letters, language, strict=True):
            points.append(min(_letter(*found), 1.0 if fits else 0.2))
    return sum(points) / len(points) if points else 0.0


def _sign(char, before, after):
    inside = before.isalpha() and after.isalpha()
    if char in QUOTES:
        return 1.0 if char in "’·\u00a0" or not inside else -1.0
    if char in SIGNS:
        return -1.0 if inside or (char in "¼½¾£€¥" and before.isalpha()) else 1.0
    if char in OPENING:
        return (
            1.0
            if (not before or before in " \n\"'(;,\t") and (after.isalpha() or not after.isalnum())
            else -1.0
        )
    return -2.0


def _alone(text, i):
    """Whether the word around position i, or the four letters up to it, are all non-ASCII."""
    start = i
    while start and i - start < 20 and text[start - 1].isalpha():
        start -= 1
    end = i + 1
    while end < len(text) and end - i < 20 and text[end].isalpha():
        end += 1
    word = text[start:end]
    run = text[max(start, i - 3) : i + 1]
    whole = len(word) > 1 and not any(map(str.isascii, word))
    return whole or (len(run) == 4 and not any(map(str.isascii, run)))


def _letter(char, before, after, alone, foreign=False):
    """Return how plausible a letter is between its two neighbours."""
    if before.isdigit() or after.isdigit():
        return -1.0
    if char.isupper() and before.islower():
        return -2.0
    if char.islower() and after.isupper():
        return -2.0
    if char.isupper() and before.isupper() and after.islower():
        return -1.0
    if foreign:
        mixed = [c for c in (before, after) if c.isalpha() and _script(c) != _script(char)]
        return -1.0 if mixed else 1.0 if char in COMMON else 0.4
    if _script(char) != "LATIN":
        return -1.0
    if alone:  # not a word of a Latin alphabet
        return -1.0
    if char in "ñÑ" and after.lower() not in set("aeiouáéíóúü"):
        return 0.2
    return 1.0


def _script(char):
    return unicodedata.name(char, " ").split()[0]
