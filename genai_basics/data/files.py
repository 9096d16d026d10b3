"""What all readers share: files found, fingerprinted, and reported when they cannot be read."""

import hashlib
import os
import warnings
from pathlib import Path

import numpy as np

__all__ = ["fingerprint_arrays", "fingerprint_files", "list_files", "load_arrays", "report_skipped"]

WHOLE = 64 * 2**20  # bytes of a single file that are hashed whole
FIRST = 4096  # bytes hashed of each file in a folder

SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}


def split_folders(folder):
    """Return {"train": path, ...} of split folders, or {} where there is no `train/`."""
    present = {path.name.lower(): path for path in folder.iterdir() if path.is_dir()}
    found = {}
    for split, names in SPLITS.items():
        for name in names:
            if name in present:
                found[split] = present[name]
                break
    return found if "train" in found else {}


def list_files(folder, suffixes):
    """Return the sorted files under `folder` with one of the endings, hidden ones left out."""
    found = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        chosen = (n for n in names if n.lower().endswith(tuple(suffixes)) and n[0] != ".")
        found += [os.path.join(root, name) for name in chosen]
    return [Path(name) for name in sorted(found)]


def fingerprint_files(paths, root=None):
    """Return a digest of names, sizes and first bytes; of one file, its content to 64 MiB."""
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
    """Return a digest of arrays and lists; of an array above 256 MiB, of every k-th row."""
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


def load_arrays(path):
    """Return the arrays of an `.npy` (under "x") or `.npz` file as a dict.

    Raises:
        ValueError: The file is broken or holds Python objects.
    """
    path = Path(path)
    if path.suffix.lower() not in (".npy", ".npz"):
        raise ValueError(f"'{path}' is no .npy or .npz file.")
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"x": loaded}
        with loaded:
            return {key: loaded[key] for key in loaded.files}
    except ValueError as error:
        if "pickle" in str(error) or "Object" in str(error):
            raise ValueError(
                f"'{path}' holds Python objects or is no NumPy file; save plain arrays of numbers "
                "or text instead."
            ) from error
        raise ValueError(f"'{path}' cannot be read as a NumPy file: {error}.") from error
    except Exception as error:  # truncated zip, wrong header: NumPy raises many sorts
        raise ValueError(f"'{path}' cannot be read as a NumPy file: {error}.") from error


def reason(path, error):
    """Why a file cannot be read, without its name, which stands before it already."""
    return str(error).removeprefix(f"'{path}' ")


def report_skipped(skipped, strict, what="files"):
    """Warn about what was skipped, or with `strict` raise."""
    if not skipped:
        return
    shown = "; ".join(reason.rstrip(".") for reason in skipped[:3]) + (
        "; ..." if len(skipped) > 3 else ""
    )
    if strict:
        raise ValueError(f"{len(skipped)} {what} cannot be read: {shown}")
    warnings.warn(f"Skipped {len(skipped)} {what} that cannot be read: {shown}", stacklevel=3)
