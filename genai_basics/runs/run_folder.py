"""A run folder has one writer, which locks it and repairs it after another was killed.

A run that replaces another first moves it to `.before` and marks it `complete`. From then on,
the files in the folder belong to the new run. If it stops before its first checkpoint, the
next process that opens the folder moves the earlier run back; if it finishes, `.before` is
deleted.
"""

import contextlib
import json
import os
import platform
import shutil
import time

from ..atomic import TEMPORARY
from ..warning import warn
from .run_files import NotARunError
from .stopping import Interrupted

try:
    import fcntl
except ImportError:  # on Windows, nothing is locked
    fcntl = None

__all__ = [
    "drop_earlier",
    "holder",
    "learned",
    "locked",
    "new_folder",
    "put_aside",
    "recover",
    "refuse_links",
]

# The files that a run is resumed from and recognized by.
RUN_FILES = ("config.json", "model.keras", "history.csv", "checkpoints/*.npz", "samples/step-*")
BEFORE, GONE, LOCK = ".before", ".gone", ".lock"
COMPLETE = "complete"  # in `.before`: the earlier run was moved completely
CHECKPOINTS = ("last.npz", "previous.npz")  # newest first


def learned(folder):
    """Return whether a run can be resumed: it has a configuration and a checkpoint."""
    checkpoints = (folder / "checkpoints" / name for name in CHECKPOINTS)
    return (folder / "config.json").exists() and any(path.exists() for path in checkpoints)


@contextlib.contextmanager
def locked(folder):
    """Become the only writer of a run folder, and repair it if a writer was killed.

    Raises:
        BlockingIOError: If another process, which the message names, writes it.
        PermissionError: If the folder cannot be written.
        NotARunError: If links point outside the folder.
    """
    refuse_links(folder)
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    try:
        file = os.fdopen(os.open(folder / LOCK, flags, 0o644), "r+")
    except OSError as error:
        raise _unwritable(folder, error) from error
    with file:
        if not _lock(file):
            raise BlockingIOError(
                f"'{folder}' is being written by {file.read(200) or 'another process'}: wait until "
                "it ends, or choose another folder by `--out`"
            )
        try:
            (folder / f"{TEMPORARY}probe").touch()  # `recover` deletes it
        except OSError as error:
            raise _unwritable(folder, error) from error
        file.truncate(0)
        file.write(f"process {os.getpid()} on {platform.node()}, since {time.strftime('%H:%M:%S')}")
        file.flush()
        try:
            recover(folder)
            yield folder
        finally:
            file.truncate(0)


def _unwritable(folder, error):
    return PermissionError(f"'{folder}' cannot be written ({error.strerror})")


def holder(folder):
    """Return a description of the process that is writing a run folder, or `None`."""
    try:
        with open(folder / LOCK) as file:
            return None if _lock(file, shared=True) else file.read(200) or "another process"
    except OSError:
        return None


def _lock(file, shared=False):
    try:
        if fcntl:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def refuse_links(folder):
    """Raise a `NotARunError` if a link points outside a run folder."""
    home = folder.resolve()
    for place in (home, *(home / name for name in ("checkpoints", "samples", BEFORE))):
        for path in place.iterdir() if place.is_dir() and not place.is_symlink() else (place,):
            if path.is_symlink() and not path.resolve().is_relative_to(home):
                raise NotARunError(f"'{path}' is a link that leads out of the run: remove it")


def recover(folder):
    """Repair what a killed writer left unfinished: delete it, or move the earlier run back."""
    for path in [p for n in (".", "checkpoints", "samples") for p in (folder / n).glob("*")]:
        if path.name.startswith(TEMPORARY):
            path.unlink(missing_ok=True)
    shutil.rmtree(folder / GONE, ignore_errors=True)
    before = folder / BEFORE
    if not before.is_dir():
        return
    if (before / COMPLETE).exists():
        earlier = any(p.is_file() and p.name != COMPLETE for p in before.rglob("*"))
        if learned(folder):
            return drop_earlier(folder) if _status(folder) == "finished" or not earlier else None
        if earlier or not (folder / "config.json").exists():
            _clear(folder)
        (before / COMPLETE).unlink()
    if any(path.is_file() for path in before.rglob("*")):
        _move(before, folder)
        warn(
            f"the training that was to replace the run in '{folder}' had learned nothing when it "
            "stopped: the earlier run is there again"
        )
    shutil.rmtree(before)


def needs_recovery(folder):
    """Return whether a writer may have been killed while writing this folder."""
    return any((folder / name).exists() for name in (BEFORE, GONE)) or any(
        folder.glob(f"{TEMPORARY}*")
    )


def put_aside(folder):
    """Move a run aside for a new one; `recover` undoes this until the new one has a checkpoint."""
    before = folder / BEFORE
    if before.exists():  # the run in between did not finish: keep the earlier one
        return _clear(folder)
    before.mkdir()
    _move(folder, before)
    (before / COMPLETE).touch()


def drop_earlier(folder):
    """Delete the run that has been replaced."""
    if (folder / BEFORE).exists():
        os.replace(folder / BEFORE, folder / GONE)
        shutil.rmtree(folder / GONE)


def _clear(folder):
    for pattern in RUN_FILES:
        for path in folder.glob(pattern):
            path.unlink() if path.is_file() or path.is_symlink() else shutil.rmtree(path)


def _move(source, target):
    for pattern in RUN_FILES:
        for path in source.glob(pattern):
            place = target / path.relative_to(source)
            place.parent.mkdir(exist_ok=True)
            os.replace(path, place)


def _status(folder):
    try:
        return json.loads((folder / "config.json").read_text(encoding="utf-8")).get("status")
    except (ValueError, AttributeError, OSError):
        return None


def _refuse_files(folder, force):
    if any(path.name != LOCK for path in folder.iterdir()) and not force:
        raise FileExistsError(
            f"'{folder}' is not empty: add `--resume` to go on with it, `--force` to write over "
            "it, or choose another `--out`"
        )


@contextlib.contextmanager
def new_folder(folder, force=False, made=False):
    """Yield a locked run folder, in which `put_aside` then makes room.

    If training fails before its first checkpoint, the folder's earlier state is restored; a folder
    that was made for the run (`made`, or here) is deleted.
    """
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"'{folder}' is a file; choose another folder by `--out`")
    made = made or not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    if not (folder / LOCK).exists():  # not our folder: nothing to repair
        _refuse_files(folder, force)
    with locked(folder):
        _refuse_files(folder, force)
        try:
            yield folder
        except BaseException as error:
            if not learned(folder):
                if (folder / BEFORE / COMPLETE).exists() and not isinstance(error, Interrupted):
                    _clear(folder)
                recover(folder)
                if made and not (folder / "config.json").exists():
                    shutil.rmtree(folder)
            raise
