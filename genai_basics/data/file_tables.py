"""Tables that describe each file of a folder: its label, its text, its speaker."""

import json
from collections import Counter
from dataclasses import dataclass

from ..warning import warn
from .delimited import read_rows
from .encodings import decode_text
from .files import list_files, split_of
from .matching import FileIndex

__all__ = ["FileTable", "find_file_tables"]

FILE_COLUMNS = (
    *("file_name", "filename", "file", "path", "filepath", "file_path", "wav_filename", "audio"),
    *("audio_path", "image", "image_name", "image_path", "img", "image_id", "id"),
    "slice_file_name",
)
SPLIT_COLUMNS = ("split", "subset", "partition", "set")


@dataclass
class FileTable:
    """A table whose rows are about files.

    Attributes:
        path: The table.
        files: The file of each row, None if it is missing.
        columns: {name: cells}, without the column of file names.
        missing: The names of missing files.
        more: Further files that the rows were read from.
    """

    path: object
    files: list
    columns: dict
    missing: list
    more: tuple = ()

    def check(self, names, target):
        """Raise a ValueError if a column of the user's `target` does not exist."""
        absent = [name for name in names if name not in self.columns]
        if absent:
            raise ValueError(
                f"'{self.path}' has no column {absent[0]!r}; it has {', '.join(self.columns)}. "
                f"Received: target={target!r}"
            )

    def point_out_missing(self):
        if self.missing:
            warn(
                f"{len(self.missing)} files of '{self.path.name}' are not there (the first is "
                f"'{self.missing[0]}') and are left out."
            )

    def take(self, rows):
        """Return a table with the given rows only."""
        columns = {name: [cells[i] for i in rows] for name, cells in self.columns.items()}
        return FileTable(self.path, [self.files[i] for i in rows], columns, [], self.more)


def find_file_tables(root, files, encoding=None):
    """Return {part: FileTable} of a folder, {} if no table describes its files.

    Tables called `metadata` are preferred, then those of splits (`train.tsv`), then the one
    that describes the most files. A single table is split by its column `split`, or by the split
    folders that contain the files.

    Raises:
        ValueError: A table assigns a file to two parts, or names no existing file.
    """
    paths = [
        p
        for p in list_files(root, (".csv", ".tsv", ".jsonl"))
        if len(p.relative_to(root).parts) <= 3
    ]
    paths = [path for path in paths if "submission" not in path.stem.lower()]
    index, found = FileIndex(root, files), {}
    librispeech = list_files(root, (".trans.txt",))
    if librispeech:
        return _cut(_read_librispeech(librispeech, index, encoding), root)
    for path in paths[:50]:
        table = _read_table(path, index, encoding)
        if table is not None:
            found[path] = table
    named = {path: table for path, table in found.items() if path.stem.lower() == "metadata"}
    for path in [path for path in paths if path.stem.lower() == "metadata"]:
        if path not in found and path.parent == root:
            header = _rows(path, encoding)[0]
            raise ValueError(
                f"'{path}' must have a column file_name that names files of its folder. "
                f"Received: {', '.join(header)}"
            )
    splits = {}
    for path, table in (named or found).items():
        words = (*path.stem.replace("-", "_").split("_"), *path.relative_to(root).parts[:-1][::-1])
        part = split_of(path.stem) or next(filter(None, map(split_of, words)), None)
        if part is not None and part not in splits:
            splits[part] = table
    if "train" in splits and len(splits) > 1:
        return splits
    best = max((named or found).values(), key=lambda t: len(set(t.files)), default=None)
    return {} if best is None else _cut(best, root)


def _cut(table, root):
    """Split one table by its column `split` or the folders of its files: {part: FileTable}."""
    name = next((name for name in table.columns if name.lower() in SPLIT_COLUMNS), None)
    parts = [split_of(cell) for cell in table.columns[name]] if name else []
    if "train" not in parts or None in parts:
        folders = [file.relative_to(root).parts[:-1] if file else () for file in table.files]
        parts = [next(filter(None, map(_split_of, some)), None) for some in folders]
        there = {part for part, file in zip(parts, table.files, strict=True) if file}
        if "train" not in there or None in there or len(there) < 2:
            return {"all": table}
        parts = [part or "train" for part in parts]
    found = {}
    for part in dict.fromkeys(parts):
        found[part] = table.take([i for i, other in enumerate(parts) if other == part])
    found["train"].missing = table.missing
    return found


def _split_of(folder):
    """Return the split that a folder is named after, including names like `train-clean-100`."""
    return split_of(folder) or split_of(folder.split("-")[0])


def _read_librispeech(paths, index, encoding):
    """Return the `FileTable` of files with a name and a transcription on each line."""
    lines = [li.strip() for path in paths for li in decode_text(path, encoding).split("\n")]
    rows = [line.partition(" ") for line in lines if line]
    found, _ = index.match(dict(enumerate(name for name, *_ in rows)))
    columns = {"transcription": [text.strip() for *_, text in rows]}
    columns["speaker"] = [name.split("-")[0] for name, *_ in rows]
    missing = [name for i, (name, *_) in enumerate(rows) if i not in found]
    files = [found.get(i) for i in range(len(rows))]
    return FileTable(paths[0], files, columns, missing, tuple(paths[1:]))


def _read_table(path, index, encoding):
    """Return the `FileTable` of a path, None if no column names files of the index."""
    header, rows = _rows(path, encoding)
    if not rows:
        return None
    near = path.parent.relative_to(index.root).as_posix()
    split = split_of(path.stem)
    if index.match(dict(enumerate(header)), near)[0]:  # no header
        header, rows = [f"column {i}" for i in range(1, len(header) + 1)], [header, *rows]
    columns = dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))
    lower = {name.lower(): name for name in reversed(header)}
    order = [lower[name] for name in FILE_COLUMNS if name in lower]
    best, matches = None, {}
    for name in (*order, *(name for name in header if name not in order)):
        cells = dict(enumerate(columns[name]))
        few = dict(enumerate(columns[name][:50]))
        skipped = name not in order and not any(index.match(few, near, split))
        if skipped or len(matches) == len(rows):
            continue
        found, unclear = index.match(cells, near, split)
        named = name.lower() in FILE_COLUMNS[:4]
        if unclear and (named or len(unclear) > len(rows) / 2):
            key, files = next(iter(unclear.items()))
            several = " or ".join(f"'{f.relative_to(index.root)}'" for f in files[:2])
            raise ValueError(f"'{cells[key]}' of '{path}' may be {several}; write its folder too.")
        if len(found) > len(matches) and (named or len(found) >= len(rows) / 2):
            best, matches = name, found
    if best is None:
        return None
    files = [matches.get(i) for i in range(len(rows))]
    missing = [cell for i, cell in enumerate(columns.pop(best)) if i not in matches]
    return FileTable(path, files, columns, missing)


def _rows(path, encoding):
    """Return (header, rows) of a table; if "|" separates (LJSpeech), quotation marks are text."""
    text = decode_text(path, encoding)
    if path.suffix.lower() == ".jsonl":
        return _records(path, text)
    lines = [line for line in text.split("\n") if line.strip()]
    for delimiter in "|\t":
        counts = Counter(line.count(delimiter) for line in lines)
        cells = [[cell.strip() for cell in line.split(delimiter)] for line in lines]
        quoted = any(c[:1] == '"' == c[-1:] and len(c) > 1 for row in cells for c in row)
        if len(counts) == 1 and 0 not in counts and not (quoted and delimiter == "\t"):
            return cells[0], cells[1:]
    return read_rows(path, encoding)


def _records(path, text):
    """Return (header, rows) of JSON objects, one per line."""
    try:
        records = [json.loads(line) for line in text.split("\n") if line.strip()]
        names = list(dict.fromkeys(name for record in records for name in record))
        cells = [[record.get(name, "") for name in names] for record in records]
    except (ValueError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"'{path}' must hold one JSON object per line: {str(error)[:200]}."
        ) from error
    rows = [["|".join(map(str, c)) if isinstance(c, list) else str(c) for c in r] for r in cells]
    return names, rows
