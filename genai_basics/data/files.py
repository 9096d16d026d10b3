"""What all readers share: finding and fingerprinting files, reporting unreadable ones."""

import functools
import hashlib
import math
import os
import re
import warnings
import zipfile
from collections import defaultdict
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import numpy as np

from .. import limits
from ..warning import warn

__all__ = [
    "data_folders",
    "errors_named",
    "fingerprint_arrays",
    "fingerprint_files",
    "inner_folder",
    "list_files",
    "load_arrays",
    "once",
    "read_files",
    "read_once",
    "report_left_out",
    "report_skipped",
    "report_unused",
    "split_folders",
    "split_of",
    "walk",
]

WHOLE = 64 * 2**20  # bytes up to which a single file is hashed completely
LONGEST = 300  # maximum characters of a message
FIRST = 4096  # bytes hashed of each file in a folder

SPLITS = {
    "train": ("train", "training", "trainval"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}
MACHINE = ("@eadir", "__macosx", "$recycle.bin", "system volume information")  # folders
_known = ContextVar("known", default=None)  # results of earlier reads
HIDDEN = ("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r")  # files written by file managers


def split_of(name):
    """Return "train", "validation" or "test" if a folder or file is named so, else None.

    Numbers and the word "set" are ignored: `train2017`, `test_set`.

    Example:

    >>> split_of("Val2017"), split_of("training_set"), split_of("trains")
    ('validation', 'train', None)
    """
    word = "".join(c for c in name.lower() if c.isalpha()).removesuffix("set")
    return next((split for split, words in SPLITS.items() if word in words), None)


def split_folders(folder, suffixes=None):
    """Return {"train": path, ...} of split folders, or {} if there are none.

    There must be a `train/`, and if it is the only split it must be the only folder: `train/`
    next to `bus/` is a class. A common prefix or suffix is allowed: `seg_train`, `seg_test`.

    Args:
        folder: The folder that may contain them.
        suffixes: Extensions of the files to count. `None` counts all.
    """
    present = [path for path in sorted(folder.iterdir()) if path.is_dir()]
    present = [p for p in present if p.name[0] != "." and p.name.lower() not in MACHINE]
    if suffixes is not None:
        present = [path for path in present if list_files(path, suffixes)]
    found, marked = {}, defaultdict(dict)
    for path in sorted(present, key=lambda path: (len(path.name), path.name)):
        split, words = split_of(path.name), re.split(r"[^A-Za-z]+", path.name)
        if split is not None:
            found.setdefault(split, path)
        for word in words if split is None and len(words) > 1 else ():  # seg_train, seg_test
            if split_of(word):
                marked[path.name.replace(word, "")].setdefault(split_of(word), path)
    if len(found) < 2:
        found = next((some for some in marked.values() if len(some) > 1), found)
    alone = len(found) == 1 and len(present) > 1
    return {} if "train" not in found or alone else found


def data_folders(folder, suffixes):
    """Return {part: folder} for files with these extensions, "all" if there are no splits."""
    inner = inner_folder(folder, suffixes)
    return split_folders(inner, suffixes) or {"all": inner}


def inner_folder(folder, suffixes):
    """Descend through folders that contain a single folder, to the one with classes or splits.

    A warning names that folder. A folder that contains only files remains a class.
    """
    inner = folder
    while True:
        below = [path.relative_to(inner).parts for path in list_files(inner, suffixes)]
        first = {parts[0] for parts in below}
        least = 2 if first and split_of(min(first)) == "train" else 3
        if len(first) != 1 or max(map(len, below)) < least:
            break
        inner = inner / first.pop()
    if inner != folder:
        warn(f"Reading '{inner.relative_to(folder)}' in '{folder}', the only folder with data.")
    return inner


@contextmanager
def read_once():
    """Within this context, each file and folder is read only once."""
    token = _known.set({} if _known.get() is None else _known.get())
    try:
        yield
    finally:
        _known.reset(token)


def once(read):
    """Cache the results of a function within `read_once`; repeat its warnings."""

    @functools.wraps(read)
    def reader(*args, **options):
        known, key = _known.get(), (read, args, tuple(sorted(options.items())))
        if known is None:
            return read(*args, **options)
        if key not in known:
            with warnings.catch_warnings(record=True, action="always") as caught:
                known[key] = read(*args, **options), caught
        found, caught = known[key]
        for item in caught:
            warnings.warn(item.message, item.category, stacklevel=3)
        return found

    return reader


def walk(folder):
    """Return `(files, odd)` of everything below a folder, sorted, without hidden files.

    Links are followed, to each folder once. `odd` lists (path, reason) of links and files
    that cannot be read.
    """
    files, odd = _walk(folder)
    return [path for path, _ in files], odd


def list_files(folder, suffixes):
    """Return the sorted files below `folder` with one of the extensions; see `walk`.

    Files in folders created by an operating system (`@eaDir`) are left out.
    """
    suffixes = tuple(suffixes)
    return [path for path, name in _walk(folder)[0] if name.endswith(suffixes)]


@once
def _walk(folder):
    """Return `([(path, lower-case name, or "" in system folders)], odd)`."""
    files, odd, links, seen = [], [], [], set()

    def visit(top):
        for root, folders, names in os.walk(top):
            seen.add(os.path.realpath(root))
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            links.extend(p for n in folders if os.path.islink(p := os.path.join(root, n)))
            machine = _machine(Path(root, "file").relative_to(folder))
            for name in sorted(names):
                path = os.path.join(root, name)
                if name.startswith(".") or name.lower() in HIDDEN:
                    continue
                if os.path.isfile(path):
                    files.append((path, "" if machine else name.lower()))
                else:
                    dead = os.path.islink(path) and not os.path.exists(path)
                    odd.append((Path(path), "broken link" if dead else "not a regular file"))

    visit(folder)
    while links:  # after all real folders are known
        link = links.pop(0)
        if os.path.realpath(link) in seen:
            odd.append((Path(link), "link to a folder already read"))
        else:
            visit(link)
    return [(Path(path), name) for path, name in sorted(files)], sorted(odd)


def _machine(path):
    """Whether a relative path is in a folder created by an operating system."""
    return any(part.lower() in MACHINE for part in path.parts[:-1])


def report_unused(folder, used, strict):
    """Warn in one line, by extension, of unused files in a folder; return "file: reason".

    Raises:
        ValueError: There are such files, and `strict` is set.
    """
    files, odd = walk(folder)
    used = set(used)
    rest = [path.relative_to(folder) for path in files if path not in used]
    named = [(p.relative_to(folder), why) for p, why in odd]
    kinds = {}
    for path in rest:
        own = f"in {path.parent.name}" if _machine(path) else path.suffix.lower()
        kinds.setdefault(own or "without an ending", []).append(path)
    for path, why in named:
        kinds.setdefault(why, []).append(path)
    if not kinds:
        return ()
    counts = [
        f"{len(paths)} {kind} ({paths[0]}{', ...' if len(paths) > 1 else ''})"
        for kind, paths in sorted(kinds.items(), key=lambda item: -len(item[1]))
    ]
    text = f"{len(rest) + len(named)} files in '{folder}' are not used: {', '.join(counts)}"
    if strict and (named or any(not _machine(path) for path in rest)):
        raise ValueError(f"{text}; remove them, or drop `strict` (--strict).")
    warn(f"{text}.")
    return tuple(f"{path}: not used" for path in rest if not _machine(path)) + tuple(
        f"{path}: {why}" for path, why in named
    )


def fingerprint_files(paths, root=None):
    """Return a digest of names, sizes and first bytes; for one file, of its first 64 MiB."""
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        path = Path(path)
        if root is not None:
            digest.update(str(path.relative_to(root).as_posix()).encode())
        digest.update(str(path.stat().st_size).encode())
        with path.open("rb") as file:
            digest.update(file.read(WHOLE if len(paths) == 1 else FIRST))
    return digest.hexdigest()


def fingerprint_arrays(*values):
    """Return a digest of arrays and lists; for an array above 256 MiB, of every k-th row."""
    digest = hashlib.blake2b(digest_size=16)
    for value in values:
        if isinstance(value, np.ndarray) and value.dtype.kind != "O":
            digest.update(f"{value.shape}{value.dtype}".encode())
            step = max(1, value.nbytes // (256 * 2**20))
            digest.update(np.ascontiguousarray(value[::step]).tobytes())
        elif isinstance(value, (list, tuple)) and any(isinstance(v, np.ndarray) for v in value):
            digest.update(fingerprint_arrays(*value).encode())
        else:
            digest.update(repr(value).encode())
    return digest.hexdigest()


@contextmanager
def errors_named(source):
    """Convert errors while reading a file or folder to short `ValueError`s that name it."""
    try:
        yield
    except ImportError:  # a missing optional package
        raise
    except Exception as error:
        if not isinstance(source, (str, Path)):
            raise
        text, name = " ".join(str(error).split()), Path(source).name
        if not isinstance(error, ValueError) or isinstance(error, UnicodeError):
            text = f"'{source}' cannot be read ({type(error).__name__}: {text})"
        elif name not in text and Path(source).exists():
            text = f"'{source}': {text}"
        if len(text) > LONGEST + len(str(source)):
            text = f"{text[: LONGEST - 100 + len(str(source))]} ... {text[-95:]}"
        if text == " ".join(str(error).split()):
            raise
        raise ValueError(text) from error


def load_arrays(path):
    """Return the arrays of an `.npy` (under "x") or `.npz` file as a dict.

    Raises:
        ValueError: The file is broken or holds Python objects.
    """
    path = Path(path)
    if path.suffix.lower() not in (".npy", ".npz"):
        raise ValueError(f"'{path}' is not a .npy or .npz file.")
    try:
        if limits.regular(path).suffix.lower() == ".npz":
            with zipfile.ZipFile(path) as archive:
                size = sum(info.file_size for info in archive.infolist())
                limits.check("bytes", size, path)
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"x": loaded}
        with loaded:
            return {key: _array(loaded.zip, key) for key in loaded.files}
    except ValueError as error:
        if "pickle" in str(error) or "Object" in str(error):
            raise ValueError(
                f"'{path}' holds Python objects or is not a NumPy file; save plain arrays of "
                "numbers or text instead."
            ) from error
        raise ValueError(f"'{path}' cannot be read as a NumPy file: {str(error)[:200]}.") from error
    except Exception as error:  # truncated zip, wrong header: NumPy raises many types
        raise ValueError(f"'{path}' cannot be read as a NumPy file: {str(error)[:200]}.") from error


def _array(archive, key):
    """Return an array of an archive; raise an error if its header declares more than is stored."""
    name = key if key in archive.namelist() else f"{key}.npy"
    with archive.open(name) as file:
        version = np.lib.format.read_magic(file)
        header = getattr(np.lib.format, f"read_array_header_{version[0]}_0")
        shape, _, dtype = header(file)
        size, stored = math.prod(shape) * dtype.itemsize, archive.getinfo(name).file_size
        if size > stored and dtype.kind != "O":
            raise ValueError(f"{key} declares {size:,} bytes, and {stored:,} are stored")
    with archive.open(name) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def read_files(files, read, folder=None):
    """Return ({file: result of `read`}, ["file: why it cannot be read"])."""
    found, skipped = {}, []
    for file in files:
        try:
            found[file] = read(file)
        except ValueError as error:
            why = str(error).removeprefix(f"'{file}' ")  # the name is already there
            skipped.append(f"{file.relative_to(folder) if folder else file}: {why}")
    return found, skipped


def report_left_out(message, strict):
    """Warn about examples that are left out, or raise an error if `strict`."""
    if strict:
        raise ValueError(f"{message}.")
    warn(f"{message} and are left out.")


def report_skipped(skipped, strict, what="files"):
    """Warn about what was skipped, or raise an error if `strict`."""
    if not skipped:
        return
    shown = "; ".join(reason.rstrip(".") for reason in skipped[:3]) + (
        "; ..." if len(skipped) > 3 else ""
    )
    if strict:
        raise ValueError(f"{len(skipped)} {what} cannot be read: {shown}")
    warn(f"Skipped {len(skipped)} {what} that cannot be read: {shown}")
