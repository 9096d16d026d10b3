"""Reads the rows of `.csv` and `.tsv` files in any dialect, all cells as text."""

import csv
import io
import itertools
import re
from collections import Counter
from dataclasses import dataclass

from .. import limits
from ..warning import warn
from .encodings import decode_text, suffix_of
from .numerals import is_missing, looks_like_number, read_numbers

__all__ = ["Rows", "holds_columns", "read_cells", "read_rows"]

DELIMITERS = ("\t", ";", "|", ",")
NAMED = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";", "bar": "|"}
ONE_COLUMN = "\x1f"  # separates nothing: each line is one cell
SAMPLE = 65536  # characters searched for the delimiter
TOTALS = re.compile(
    r"(grand |sub)?totals?|sum|average|avg|mean|summe|gesamt|insgesamt|mittelwert|total général"
    r"|somme|moyenne|totale|media|suma|totaal|итого|всего|合計|总计",
    re.IGNORECASE,
)
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?|\d{1,2}:\d{2}(:\d{2})?.*")


@dataclass
class Rows:
    """The rows of a file.

    Attributes:
        names: Column names from the header, or "column_1", "column_2"... without one.
        rows: Lists of cells, all of the same length as `names`.
        lines: Line number in the file at which each row begins.
        delimiter: The character that separates cells.
        header: Whether the file has a header; None if this is undecided.
    """

    names: list
    rows: list
    lines: list
    delimiter: str
    header: bool | None


def read_rows(path, encoding=None):
    """Return `(header, rows)` of a file."""
    found = read_cells(path, encoding=encoding, header=True)
    return found.names, found.rows


def read_cells(
    path, *, encoding=None, delimiter=None, header=None, expect=(), text=None, strict=False
):
    """Return the `Rows` of a file.

    Lines above the header and footers such as totals are left out, rows with too few cells
    are padded with empty ones, and rows of any other width are skipped; a warning reports
    each of these.

    Args:
        path: The file, or its name in messages if `text` is given.
        encoding: As for `decode_text`.
        delimiter: The character that separates cells. `None` infers it: the one that gives
            rows of the most cells, and the same number in each.
        header: Whether the first row is a header. `None` infers it.
        expect: Names that a header would contain.
        text: The content, if it has already been read.
        strict: Whether rows of the wrong width are an error.
    """
    text = decode_text(path, encoding) if text is None else text
    if not text.strip():
        raise ValueError(f"'{path}' is empty.")
    skipped = 0
    named = re.match(r'"?sep=(.|\\t)"?[ \t;,]*\n', text, re.IGNORECASE)  # written by Excel
    if named:
        delimiter = delimiter or named[1]
        text, skipped = text[named.end() :], 1
    if delimiter is None:
        tabs = suffix_of(path) == ".tsv" and "\t" in text
        delimiter = "\t" if tabs else _find_delimiter(text)
        if delimiter == ONE_COLUMN and text.startswith('"'):  # whole rows are quoted
            inner = "\n".join(row[0] for _, row in _split(text, ONE_COLUMN))
            found = _find_delimiter(inner)
            if found not in (ONE_COLUMN, " ") and text.count('"\n') >= inner.count("\n"):
                text, delimiter = inner, found
    delimiter = NAMED.get(delimiter.lower(), delimiter)
    if len(delimiter) != 1:
        raise ValueError(
            "`delimiter` (--delimiter) must be one character, or tab or space. Received: "
            f"delimiter={delimiter!r}"
        )
    records = _parse(text, delimiter, path)
    if not records:
        raise ValueError(f"'{path}' is empty.")
    records = [(line + skipped, row) for line, row in records]
    records = _without_preamble(records, path)
    records = _of_one_width(records, path, delimiter, strict)
    rows = [row for _, row in records]
    if header is None:
        header = _has_header(rows, expect)
    if header is False:
        names = [f"column_{i + 1}" for i in range(len(rows[0]))]
        warn(f"'{path}' has no header; its columns are called {names[0]} to {names[-1]}.")
        body = records
    else:
        names, body = rows[0], records[1:]
        if header and len(names) > 1:
            names = [names[0].lstrip("# "), *names[1:]]
        body = _without_second_header(names, body, path)
    body = _without_totals(body, path)
    return Rows(names, [row for _, row in body], [line for line, _ in body], delimiter, header)


def _find_delimiter(text):
    """Return the delimiter that splits the rows most evenly, or `ONE_COLUMN`."""
    whole = text.rfind("\n", 0, SAMPLE) + 1 or text.find("\n") + 1  # lines
    sample = text[: whole or None] if len(text) > SAMPLE else text
    best, highest = None, 0.0
    for delimiter in DELIMITERS:
        rows = [row for _, row in _split(sample, delimiter, strip=lambda cell: cell.strip(" "))]
        common, times = Counter(map(len, rows)).most_common(1)[0]
        if common == 1:
            continue
        headed = len(rows[0]) in (common, max(2, common - 1))
        share = times / len(rows) * (1.0 if headed else 0.6)
        score = share * (0.5 + 0.5 * _clean(rows, delimiter)) + common / 10_000
        if score > highest and share > 0.3:
            best, highest = delimiter, score
    rows = [row for _, row in _split(sample, " ")]
    widths = {len(row) for row in rows[1:]}
    even = len(widths) == 1 and max(widths) > 1 and max(widths) - len(rows[0]) in (0, 1)
    if even and best is None and sample[0] == '"':
        return " "
    if even and _share_of_numbers(rows) > 0.5:
        cut = [] if best is None else [row for _, row in _split(sample, best)]
        if best is None or _share_of_numbers(cut) < 0.1:
            return " "
    return best or ONE_COLUMN


def _share_of_numbers(rows):
    cells = [cell for row in rows for cell in row]
    return sum(map(_is_number, cells)) / len(cells)


def holds_columns(text):
    """Whether the lines of a text are rows: separated by tabs, or mostly numbers and dates."""
    lines = [line for line in text[:SAMPLE].split("\n") if line.strip()][:1000]
    if lines and sum("\t" in line.strip() for line in lines) > 0.9 * len(lines):
        return True
    if len(lines) < 10:
        return False
    rows = [row for _, row in _split("\n".join(lines), _find_delimiter("\n".join(lines)))]
    cells = [cell for row in rows[1:] for cell in row]
    even = len({len(row) for row in rows[1:]}) == 1
    return even and sum(map(_is_typed, cells)) > len(cells) / 2


def _clean(rows, delimiter):
    """Return the share of text in cells without other delimiters, except decimal commas."""
    others = re.compile(f"[{''.join(set(DELIMITERS) - {delimiter})}](?! )")
    whole = left = 0
    for cell in itertools.chain.from_iterable(rows):
        whole += len(cell)
        left += len(cell) if others.search(cell) and not _is_number(cell) else 0
    return 1 - left / max(1, whole)


def _split(text, delimiter, strip=str.strip, **options):
    """Return [(line, cells)] of all rows that are not empty."""
    csv.field_size_limit(limits.get("cell"))
    text = "\n".join(map(" ".join, map(str.split, text.split("\n")))) if delimiter == " " else text
    options = {"skipinitialspace": delimiter != "\t", **options}
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, **options)
    rows, line = [], 1
    for row in reader:
        cells = list(map(strip, row))
        if any(cells):
            rows.append((line, cells))
        line = reader.line_num + 1
    return rows


def _parse(text, delimiter, path):
    """Return the rows, with quotation marks interpreted as the file uses them."""
    quotes = text.count('"')
    plain = {"quoting": csv.QUOTE_NONE}
    records = _split(text, delimiter)
    if delimiter == "\t" and quotes and not _quotes_cells(text):
        literal = _split(text, delimiter, **plain)  # quotation marks belong to the text
        if _uneven(literal) <= _uneven(records):
            return literal
    if '\\"' in text:
        escaped = _split(text, delimiter, escapechar="\\", doublequote=False)
        if _uneven(escaped) < _uneven(records):
            return escaped
    if quotes % 2:  # one is never closed and would swallow all lines to the end
        opened = _split(text, delimiter, **plain)
        line = max(records, key=lambda record: max(cell.count("\n") for cell in record[1]))[0]
        if _uneven(opened) > _uneven(records):
            raise ValueError(
                f"'{path}' has a quotation mark that is never closed (in the row at line {line})."
            )
        if any("\n" in cell for _, row in records for cell in row):
            warn(
                f"'{path}' has a quotation mark that is never closed (in the row at line {line}); "
                "it counts as text."
            )
            return [(line, [_unquoted(cell) for cell in row]) for line, row in opened]
    return records


def _unquoted(cell):
    return cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell


def _quotes_cells(text):
    lines = text[:SAMPLE].split("\n")
    return any(cell[:1] == '"' and cell[-1:] == '"' for li in lines for cell in li.split("\t"))


def _uneven(records):
    widths = Counter(len(row) for _, row in records)
    return len(records) - widths.most_common(1)[0][1] - len(records) / 1e6


def _filled(row):
    return sum(bool(cell) for cell in row)


def _without_preamble(records, path):
    """Leave out titles and comments above the header."""
    width = Counter(len(row) for _, row in records).most_common(1)[0][0]
    first = 0
    for i, (_, row) in enumerate(records[:20]):
        comment = row[0].startswith("#") and len(row) != width
        lone = width > 1 and (len(row) < width - 1 or width == 2) and len(row) <= width / 2
        padded = width > 2 and _filled(row) == 1 and row[0] and i + 1 < len(records)
        padded = padded and _filled(records[i + 1][1]) > _filled(row)
        if not (lone or padded or comment):
            break
        first = i + 1
    if 0 < first < len(records):
        shown = " ".join(filter(None, records[0][1]))[:60]
        warn(f"{first} lines above the header of '{path}' are left out ({shown!r}...).")
        return records[first:]
    return records


def _of_one_width(records, path, delimiter, strict):
    """Return the rows with as many cells as the header; see `read_cells`."""
    header, rows = records[0][1], [row for _, row in records[1:]]
    common = Counter(map(len, rows)).most_common(1)[0][0] if rows else len(header)
    if common == len(header) + 1:
        if all(not row[-1] for row in rows if len(row) == common):
            pass  # trailing delimiter in each row
        elif len({row[0] for row in rows}) == len(rows):  # row names, as written by R
            warn(
                f"The header of '{path}' has one name fewer than its rows have cells: the first "
                f"cells ({rows[0][0]!r}...) name the rows and are left out."
            )
            records = [records[0], *((line, row[1:]) for line, row in records[1:])]
            return _of_one_width(records, path, delimiter, strict)
    while len(header) > common and not header[-1]:
        header = header[:-1]
    width, kept, wrong, short = len(header), [(records[0][0], header)], [], []
    if all(len(row) == width for row in rows):
        return [*kept, *records[1:]]
    for place, (line, row) in enumerate(records[1:], 1):
        if len(row) > width and not any(row[width:]):
            row = row[:width]
        if len(row) == width:
            kept.append((line, row))
        elif len(row) < width and len(row) >= max(2, width / 2):
            kept.append((line, [*row, *[""] * (width - len(row))]))
            short.append(line)
        elif len(row) < width and place >= len(records) - 5 and _filled(row) <= 1:
            warn(f"Line {line} of '{path}' is below the table and left out ({row[0][:60]!r}).")
        else:
            wrong.append((line, row))
    if wrong:
        line, row = wrong[0]
        shown = ("," if delimiter == ONE_COLUMN else delimiter).join(row)[:60]
        message = f"rows of '{path}' that have not {width} cells (line {line} has {len(row)}"
        if strict or len(wrong) > max(1, 0.2 * len(rows)):
            raise ValueError(
                f"There are {len(wrong)} {message}: {shown!r}); --delimiter says what parts the "
                "cells."
            )
        warn(f"Skipped {len(wrong)} {message}: {shown!r}).")
    if len(short) > len(rows) / 2:
        raise ValueError(
            f"The header of '{path}' has {width} names, but its rows have {common} cells."
        )
    if short:
        warn(
            f"{len(short)} rows of '{path}' have fewer than {width} cells (the first is line "
            f"{short[0]}); the last ones count as empty."
        )
    return kept


def _without_second_header(names, records, path):
    """Leave out a second header row, of units or names, above columns of numbers."""
    rows = [row for _, row in records[1:1001]]
    if len(rows) < 3:
        return records
    line, first = records[0]
    columns = [[row[place] for row in rows if row[place]] for place in range(len(names))]
    typed = [place for place, cells in enumerate(columns) if cells and all(map(_is_typed, cells))]
    words = [place for place in typed if not (_is_typed(first[place]) or is_missing(first[place]))]
    merged = not all(names) and all(first)  # a name spans several columns
    lone = len(typed) == 1 and sum(map(bool, first)) > 1  # a single non-numeric cell
    if not words or lone or (len(words) <= 0.5 * len(typed) and not merged):
        return records
    warn(
        f"Line {line} of '{path}' ({', '.join(filter(None, first))[:60]!r}) reads as units or as a "
        "second row of names, and is left out."
    )
    return records[1:]


def _without_totals(records, path):
    """Leave out the footer of a table: totals, sources, notes."""
    end = len(records)
    for line, row in reversed(records[-5:]):
        first = next(cell for cell in row if cell)
        before = [other[0] for _, other in records[: max(0, end - 1)]]
        total = TOTALS.fullmatch(first.rstrip(":")) and first not in before
        note = len(row) > 2 and _filled(row) == 1 and row[0]
        note = note and sum(map(_is_typed, before)) > 0.9 * len(before) and not _is_typed(first)
        if not (total or note) or end < 4:
            break
        warn(
            f"Line {line} of '{path}' is below the table and left out "
            f"({' '.join(filter(None, row))[:60]!r})."
        )
        end -= 1
    return records[:end]


def _has_header(rows, expect):
    """Whether the first row is a header: True, False, or None if undecided.

    It is one if a column of numbers or dates begins with a word; it is not if all such
    columns begin with a number or date, or if a column of few words begins with one of them.
    """
    first, rest = rows[0], rows[1:1001]
    if not rest or (expect and set(expect) & set(first)):
        return True
    typed = repeated = False
    for place, head in enumerate(first):
        cells = [row[place] for row in rest if not is_missing(row[place])]
        if not cells:
            continue
        if sum(map(_is_typed, cells)) >= 0.95 * len(cells):
            if head and not _is_typed(head) and not is_missing(head):
                return True
            typed = typed or bool(head)
        elif len(set(cells)) <= len(cells) / 3:
            repeated = repeated or head in cells
    numbers = [cell for cell in first if _is_typed(cell)]
    if typed:
        return len(numbers) > 1 and _counts_on(numbers)
    return False if repeated else None


def _counts_on(cells):
    """Whether cells are consecutive numbers, such as years used as column names."""
    values = read_numbers(cells).values
    return bool(all(b - a == 1 for a, b in itertools.pairwise(values)))


def _is_typed(cell):
    return _is_number(cell) or bool(DATE.fullmatch(cell))


def _is_number(cell):
    try:
        float(cell)
    except ValueError:
        return looks_like_number(cell)
    return True
