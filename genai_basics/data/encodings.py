"""Text files in whatever encoding they are, and the cells of `.csv` and `.tsv` files."""

import csv
import io
import warnings
from collections import Counter
from pathlib import Path

__all__ = ["decode_bytes", "decode_text", "read_rows"]


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
    return decode_bytes(raw, path, encoding)


def decode_bytes(raw, path, encoding=None):
    """Return `raw` as text; `path` names it in messages."""
    if encoding is not None:
        try:
            return _newlines(raw.decode(encoding))
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


def read_rows(path, encoding=None, text=None):
    """Return `(header, rows)` of a `.csv` or `.tsv` file, all cells as text.

    The delimiter (comma, semicolon, tab or bar) is the one that cuts the first lines most
    evenly. Rows with too many or too few cells are skipped with a warning.

    Args:
        path: The file, or a word for it in messages where `text` is given.
        encoding: As for `decode_text`.
        text: The content, where it is read already.
    """
    text = decode_text(path, encoding) if text is None else text
    lines = [line for line in text.splitlines()[:50] if line.strip()]
    if not lines:
        raise ValueError(f"'{path}' is empty.")
    delimiter = "\t" if str(path).lower().endswith(".tsv") else find_delimiter(lines)
    quoting = csv.QUOTE_MINIMAL
    if delimiter == "\t" and '"' in text and not _quotes_cells(lines):
        quoting = csv.QUOTE_NONE  # quotation marks within a tab-separated text are its own
    csv.field_size_limit(2**27)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, quoting=quoting)
    rows = [[cell.strip() for cell in row] for row in reader if any(cell.strip() for cell in row)]
    width = Counter(map(len, rows)).most_common(1)[0][0]
    if len(rows[0]) == width - 1 and len(rows) > 1:  # R leaves out the name of its row numbers
        rows[0] = ["row", *rows[0]]
    kept = [row for row in rows if len(row) == width]
    if len(kept) < len(rows):
        first = next(i for i, row in enumerate(rows) if len(row) != width) + 1
        warnings.warn(
            f"Skipped {len(rows) - len(kept)} rows of '{path}' that have not {width} cells (the "
            f"first is row {first}).",
            stacklevel=2,
        )
    return kept[0], kept[1:]


def find_delimiter(lines):
    """Return the character that cuts all lines into the most, and equally many, cells."""
    best, score = ",", 0.0
    for delimiter in ("\t", ";", ",", "|"):
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        common, times = Counter(counts).most_common(1)[0]
        if common > 1 and times / len(counts) + common / 1000 > score:
            best, score = delimiter, times / len(counts) + common / 1000
    return best


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


def _quotes_cells(lines):
    return any(cell[:1] == '"' and cell[-1:] == '"' for li in lines for cell in li.split("\t"))


def _newlines(text):
    return text.replace("\r\n", "\n").replace("\r", "\n")
