"""Text files in whatever encoding they are, compressed or not."""

import bz2
import gzip
import lzma
import warnings
from pathlib import Path

__all__ = ["decode_bytes", "decode_text", "split_lines", "suffix_of"]

PACKED = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress}


def suffix_of(path):
    """Return the ending of a file in small letters, without that of a compressed file.

    Example:

    >>> suffix_of("reviews.CSV.gz")
    '.csv'
    """
    path = Path(path)
    return Path(path.stem).suffix.lower() if path.suffix.lower() in PACKED else path.suffix.lower()


def decode_text(path, encoding=None):
    """Return the text of a file, in UTF-8 or, with a warning, in what it most likely is.

    Raises:
        ValueError: The file is no text, or in an encoding that cannot be told.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ValueError(f"'{path}' cannot be read: {error.strerror}.") from error
    unpack = PACKED.get(path.suffix.lower())
    if unpack is not None:
        try:
            raw = unpack(raw)
        except (OSError, EOFError, lzma.LZMAError) as error:
            raise ValueError(f"'{path}' cannot be decompressed: {error}.") from error
    return decode_bytes(raw, path, encoding)


def decode_bytes(raw, path, encoding=None):
    """Return `raw` as text; `path` names it in messages."""
    if encoding is not None:
        try:
            return _newlines(raw.decode(encoding).removeprefix("\ufeff"))
        except LookupError as error:
            raise ValueError(
                f"`encoding` must be one that Python knows, as utf-8 or cp1252. "
                f"Received: encoding={encoding!r}"
            ) from error
        except UnicodeDecodeError as error:
            raise ValueError(
                f"'{path}' is not in {encoding}; `encoding` (--encoding) names another."
            ) from error
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _newlines(raw.decode("utf-16"))
    if b"\0" in raw[:4096]:
        raise ValueError(f"'{path}' is no text file.")
    try:
        return _newlines(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        pass
    guess = _recognize(raw)
    if guess is None:
        raise ValueError(
            f"'{path}' is not in UTF-8 and its encoding cannot be told; `encoding` (--encoding) "
            "names it, as cp1252."
        )
    warnings.warn(
        f"'{path.name}' is not in UTF-8 and was read as {guess}; `encoding` (--encoding) names "
        "another.",
        stacklevel=2,
    )
    return _newlines(raw.decode(guess, errors="replace"))


def _recognize(raw):
    """Return the likeliest encoding, cp1252 where that is as likely, or None."""
    from charset_normalizer import from_bytes

    telling = [line for line in raw.splitlines() if not line.isascii()]
    matches = list(from_bytes(b"\n".join(telling)[:65536]))
    if not matches:
        return None
    best = matches[0]
    ties = list(best.could_be_from_charset)
    for match in matches:
        if (match.chaos, match.coherence) == (best.chaos, best.coherence):
            ties += match.could_be_from_charset
    return "cp1252" if "cp1252" in ties else best.encoding


def _newlines(text):
    return text.replace("\r\n", "\n").replace("\r", "\n")


def split_lines(text):
    """Return the lines of a decoded text: "\\n" alone ends one, and the last may lack it."""
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]
