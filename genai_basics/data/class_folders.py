"""Folders of files with one folder per class, with or without split folders above."""

from unicodedata import normalize

from ..warning import warn
from .files import data_folders, inner_folder, list_files

__all__ = ["read_class_folders"]


def read_class_folders(folder, suffixes, what):
    """Return {part: (files, labels or None)} of class folders, with or without splits.

    Args:
        folder: The folder.
        suffixes: Extensions of the files to read.
        what: Word for these files in messages.
    """
    found = {}
    for part, path in data_folders(folder, suffixes).items():
        found[part] = _class_files(path, suffixes, what)
    names = set(found["train"][1] or ()) if "train" in found else set()
    if len(names) > 1:  # an unlabelled folder, such as Kaggle's test pictures, is not a part
        for part, (files, labels) in list(found.items()):
            if len(set(labels or ())) <= 1 and not set(labels or ()) & names:
                del found[part]
                warn(
                    f"The {len(files)} {what} in '{files[0].parent.relative_to(folder)}' have no "
                    "labels and are left out; `predict` reads them."
                )
    return {"all": found["train"]} if set(found) == {"train"} else found


def _class_files(folder, suffixes, what):
    """Return `(files, labels)`; labels are None without a folder per class."""
    folder = inner_folder(folder, suffixes)
    files = list_files(folder, suffixes)
    nested = [path for path in files if path.parent != folder]
    labels = [normalize("NFC", path.relative_to(folder).parts[0]) for path in nested]
    if not nested or (len(nested) < len(files) and len(set(labels)) == 1):
        return files, None  # a single nested folder is not a class
    if len(nested) < len(files):
        warn(
            f"{len(files) - len(nested)} {what} lie outside of the class folders of '{folder}' and "
            "are left out."
        )
    empty = [p.name for p in sorted(folder.iterdir()) if p.is_dir() and p.name[0] != "."]
    empty = [name for name in empty if normalize("NFC", name) not in labels]
    if empty:
        warn(
            f"{len(empty)} folders in '{folder}' hold no {what} and are not classes "
            f"({', '.join(empty[:3])})."
        )
    inner = {}
    for path, label in zip(nested, labels, strict=True):
        inner.setdefault(label, set()).add(path.relative_to(folder).parts[1:-1])
    first = next(iter(inner.values()))
    if len(inner) > 1 and len(first) > 1 and all(below == first for below in inner.values()):
        warn(
            f"Each of the folders {', '.join(sorted(inner)[:3])} holds the folders "
            f"{', '.join('/'.join(below) for below in sorted(first)[:3])}; the outer ones are "
            "taken as classes."
        )
    return nested, labels
