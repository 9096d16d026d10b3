"""Reads text files in any encoding, compressed or not."""

import bz2
import gzip
import lzma
import zlib
from pathlib import Path

from .. import limits
from ..warning import warn
from .charsets import recognize

__all__ = ["decode_bytes", "decode_text", "read_bytes", "split_lines", "suffix_of"]

PACKED = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


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
    guess = recognize(raw)
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
