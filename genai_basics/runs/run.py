"""A run folder: what `train` writes and every other command reads.

model.keras      the trained network, with its preprocessing
config.json      everything needed to repeat the run
history.csv      a row for each round of training: losses and metrics
curves.png       the same, drawn
samples.*        what the model makes, and samples/ as training went on
MODEL_CARD.md    what it is, of what, how good
checkpoints/     last.npz, where training goes on; best.npz, the best weights by validation
"""

import contextlib
import functools
import json
import shutil
import zipfile
from pathlib import Path

from .. import registration
from .card import write_card
from .run_files import NotARunError, read_history, replacing, restore, write_text

__all__ = ["Interrupted", "NotARunError", "Run", "load_run"]

# The files that a run is resumed from and recognized by.
RUN_FILES = ("config.json", "model.keras", "history.csv", "checkpoints/*.npz", "samples/step-*")
BEFORE = ".before"  # within a run folder: the run that another is about to replace


class Interrupted(KeyboardInterrupt):
    """Training was stopped by Ctrl-C; `run` is what it saved."""

    def __init__(self, run):
        super().__init__(f"stopped; the run is in {run.folder}")
        self.run = run


class Run:
    """A training run on disk.

    Attributes:
        folder: `pathlib.Path` of the run.
        config: Dict of everything needed to repeat it (`config.json`).
        model: The trained model, loaded on first use.
        history: List of dicts, one for each round of training.
    """

    def __init__(self, folder, config):
        self.folder, self.config = Path(folder), config

    def __repr__(self):
        return f"Run({str(self.folder)!r}, {self.name}, {self.config['status']})"

    @property
    def name(self):
        """Name of the model's recipe."""
        return self.config["model"]

    @functools.cached_property
    def spec(self):
        """Spec of the data that the model was trained on."""
        from ..data import spec_from_config

        return spec_from_config(self.config["data"]["spec"])

    @property
    def reads(self):
        """Spec by which `predict` reads its inputs."""
        return self.model.reads(self.spec)

    @functools.cached_property
    def model(self):
        """The trained model: the best by validation so far, where training was cut off."""
        model = load_model(self.folder)
        best = self.folder / "checkpoints" / "best.npz"
        if self.config["status"] != "finished" and best.exists():
            restore(best, weights=model.variables)
        return model

    @property
    def history(self):
        return read_history(self.folder / "history.csv")

    def data(self, source=None, **options):
        """Return the run's data again, split as they were, or other data read like them.

        Raises:
            ValueError: Where the run's data were arrays, or are no longer there.
        """
        from ..data import load_data

        if source is not None:
            return load_data(source, like=self.spec, **options)
        recorded = self.config["data"]["source"]
        if not recorded:
            raise ValueError(
                "this run was trained on arrays, which it does not keep: say on what by `--data`"
            )
        return load_data(**{**recorded, **options})

    def held_out(self, source=None, **options):
        """Return `(data, part)`: data as `data` reads them, and the part of it to measure on.

        That is their test part, else their validation part. Other data than the run's, without a
        test part of their own, count whole; but a series, which a forecast needs the beginning of.
        """
        if source is not None and self.spec.kind != "forecast":
            data = self.data(source, **{"test": 0, "validation": 0, **options})
            if data.fingerprint != self.config["data"]["fingerprint"]:
                return data, data.test if len(data.test) else data.train
        data = self.data(source, **options)
        return data, data.test if len(data.test) else data.validation

    def save_config(self):
        write_text(self.folder / "config.json", json.dumps(self.config, indent=2) + "\n")

    def save_model(self, model):
        """Write `model.keras`, whole or not at all."""
        with replacing(self.folder / "model.keras") as path:
            model.save(path)

    def write_card(self):
        """Write `MODEL_CARD.md` again, from the numbers in `config`."""
        write_card(self)

    def write_pictures(self, pictures):
        """Write `{name: image array or figure}` as NAME.png into the folder; return the paths."""
        from .. import plotting, provenance

        paths = []
        for name, picture in pictures.items():
            paths.append(self.folder / f"{name}.png")
            plotting.save(picture, paths[-1])
            if self.spec.kind in ("images", "video", "music") and self.model.can_sample:
                provenance.embed(paths[-1], provenance.describe(self))  # it holds samples
        return paths


@contextlib.contextmanager
def new_folder(folder, force=False):
    """Yield a run folder that can be written; `put_aside` then makes room in it.

    Where training fails before it has learned anything, the folder goes back to what it was.
    """
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"'{folder}' is a file; choose another folder by `--out`")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise FileExistsError(
            f"'{folder}' is not empty: add `--resume` to go on with it, `--force` to write over "
            "it, or choose another `--out`"
        )
    made, before = not folder.exists(), folder / BEFORE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise PermissionError(f"'{folder}' cannot be written ({error.strerror})") from error
    try:
        yield folder
    except Interrupted:
        raise
    except BaseException:
        if (folder / "checkpoints" / "last.npz").exists():
            raise  # something was learned, or the earlier run still lies there
        if made:
            shutil.rmtree(folder)
        elif before.exists():
            _move_run(folder, folder / ".failed")
            _move_run(before, folder)
            shutil.rmtree(folder / ".failed")
        raise
    finally:
        shutil.rmtree(before, ignore_errors=True)


def put_aside(folder):
    """Make room in a run folder for another run, until that has learned something."""
    _move_run(folder, folder / BEFORE)


def _move_run(source, target):
    """Move the files by which a run goes on from one folder to another."""
    target.mkdir(exist_ok=True)
    for pattern in RUN_FILES:
        for path in source.glob(pattern):
            place = target / path.relative_to(source)
            place.parent.mkdir(exist_ok=True)
            path.replace(place)


def load_run(folder):
    """Return the `Run` in `folder`.

    Raises:
        NotARunError: If there is none, or its `config.json` is damaged.

    Example:

    >>> from genai_basics import load_run, train
    >>> run = train("vae", epochs=1)
    >>> load_run(run.folder).model.sample(2).shape
    (2, 8, 8, 1)
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise NotARunError(f"'{folder}' is not a folder; `genai-basics train` makes run folders")
    path = folder / "config.json"
    if not path.exists():
        raise NotARunError(
            f"'{folder}' is not a run folder (no config.json); `genai-basics train` makes one"
        )
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        config["model"], config["status"], config["data"]["spec"]
    except (ValueError, KeyError, TypeError) as error:
        raise NotARunError(f"'{path}' is damaged ({error}); train the run again") from error
    return Run(folder, config)


def load_model(folder):
    """Return the model saved in a run folder, or raise a `NotARunError` that says what is wrong."""
    path = Path(folder) / "model.keras"
    if not path.exists():
        raise NotARunError(f"'{folder}' holds no model.keras; resume it by `train --resume`")
    if not zipfile.is_zipfile(path):
        raise NotARunError(
            f"'{path}' is damaged (not a whole .keras file); resume the run or train it again"
        )
    import keras

    registration.register()
    try:
        return keras.saving.load_model(path)
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise NotARunError(f"'{path}' is damaged ({error}); train the run again") from error
