"""A run folder, which `train` writes and all other commands read.

model.keras      the trained network, with its preprocessing
config.json      everything needed to repeat the run
history.csv      one row per round of training: losses and metrics
curves.png       a plot of the history
samples.*        samples of the model; samples/ has those during training
MODEL_CARD.md    describes the model, its data and its quality
checkpoints/     last.npz, from which training is resumed; previous.npz, the one before it;
                 start.npz, random states before the first step; best.npz, the best weights by
                 validation
"""

import contextlib
import functools
import json
import zipfile
from pathlib import Path
from typing import Any

from .. import limits
from ..atomic import replacing, write_text
from ..markup import bullets, page, picture, table
from ..recipes import get_recipe
from ..warning import warn
from .archives import check_archive, small_enough
from .card import write_card
from .hub import address_of, download
from .run_files import NotARunError, read_history, restore
from .run_folder import CHECKPOINTS, holder, locked, needs_recovery, refuse_links
from .schema import read_config
from .stopping import early_end

__all__ = ["NotARunError", "Run", "load_model", "load_run"]


class Run:
    """A training run on disk.

    Attributes:
        folder: `pathlib.Path` of the run.
        config: Dict of everything needed to repeat it (`config.json`).
        model: The trained model, loaded on first use.
        history: List of dicts, one per round of training.
    """

    def __init__(self, folder, config):
        self.folder, self.config = Path(folder), config

    def __repr__(self):
        return f"Run({str(self.folder)!r}, {self.name}, {self.config['status']})"

    @property
    def name(self) -> str:
        """Name of the model's recipe."""
        return self.config["model"]

    @functools.cached_property
    def spec(self):
        """Spec of the data that the model was trained on."""
        from ..data import spec_from_config

        return spec_from_config(self.config["data"]["spec"])

    @property
    def reads(self):
        """Spec with which `predict` reads its inputs."""
        return self.model.reads(self.spec)

    @functools.cached_property
    def model(self) -> Any:
        """The trained model; if training was interrupted, the best so far by validation.

        A warning is issued for a run that has not finished.
        """
        model = load_model(self.folder)
        family = get_recipe(self.name).builder.split(".")[0]
        if type(model).__module__.split(".")[1] != family:
            raise NotARunError(
                f"'{self.folder}' says that it is a run of {self.name}, and holds a "
                f"{type(model).__name__}"
            )
        notice = early_end(self, holder(self.folder))
        if notice:
            warn(notice)
        if self.config["status"] == "running":
            paths = [self.folder / "checkpoints" / name for name in ("best.npz", *CHECKPOINTS)]
            for path in filter(Path.exists, paths):
                with contextlib.suppress(NotARunError):  # try the next one
                    restore(path, weights=model.variables)
                    break
        return model

    @property
    def history(self) -> list[dict[str, float]]:
        return read_history(self.folder / "history.csv")

    @property
    def step(self):
        """The last training step in the history."""
        return int(self.history[-1]["step"]) if self.history else 0

    def data(self, source=None, **options):
        """Load the run's data again, with the same splits, or other data read in the same way.

        Raises:
            ValueError: If the run's data were arrays or no longer exist.
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
        """Return `(data, part)`: the result of `data`, and the part to evaluate on.

        This is the test part, or else the validation part. Other data than the run's are used
        completely if they have no test part of their own, except for a series, whose beginning a
        forecast needs.
        """
        if source is not None and self.spec.kind != "forecast":
            data = self.data(source, **{"test": 0, "validation": 0, **options})
            if data.fingerprint != self.config["data"]["fingerprint"]:
                return data, data.test if len(data.test) else data.train
        data = self.data(source, **options)
        return data, data.test if len(data.test) else data.validation

    @property
    def measured(self) -> dict[str, float]:
        """The metrics on the test part, or on the validation part if there is none."""
        return self.config.get("test") or self.config.get("validation") or {}

    def _repr_html_(self):
        """Return the run as a card for notebooks: facts, metrics, findings, curves, samples."""
        config, measured = self.config, self.measured
        intervals = (config.get("test") and config.get("test_intervals")) or {}
        findings = [
            *(config.get("findings") or {}).values(),
            *(config.get("checks") or {}).get("findings", ()),
            *(config.get("audit") or {}).get("findings", ()),
        ]
        facts = {"data": config["data"]["name"], "folder": str(self.folder)}
        facts |= {name: config[name] for name in ("steps", "seconds") if name in config}
        pictures = [self.folder / f"{name}.png" for name in ("curves", "samples", "examples")]
        return page(
            f"{self.name}, {config['status']}",
            table(facts.items()),
            table([(name, value, intervals.get(name, "")) for name, value in measured.items()]),
            bullets(findings),
            *(picture(p, f"{p.stem} of {self.name}") for p in pictures if p.exists()),
        )

    def examples_of(self, data):
        """Return `(lines, picture)`: what the model makes of held-out examples of a `Dataset`."""
        part = next(part for part in (data.test, data.validation, data.train) if len(part))
        return self.model.examples(*inputs_of(data, part))

    def examples(self, data=None):
        """Write `examples.png`, the model's outputs for held-out examples; return lines about it.

        Args:
            data: The run's `Dataset`. `None` reads it again.
        """
        lines, drawn = self.examples_of(data or self.data())
        if drawn is not None:
            self.record({"examples": drawn})
        return lines

    def save_config(self):
        write_text(self.folder / "config.json", json.dumps(self.config, indent=2) + "\n")

    def record(self, pictures, **facts):
        """Add pictures and facts to the run folder in its current state; return their paths.

        Raises:
            OSError: If the folder cannot be written or is being written.
        """
        with locked(self.folder):
            self.config = load_run(self.folder).config
            paths = self.write_pictures(pictures)
            if facts:
                self.config.update(facts)
                self.save_config()
                self.write_card()
        return paths

    def save_model(self, model):
        """Write `model.keras`, completely or not at all."""
        with replacing(self.folder / "model.keras") as path:
            model.save(path)

    def write_card(self):
        """Write `MODEL_CARD.md` again, from the metrics in `config`."""
        write_card(self)

    def write_pictures(self, pictures):
        """Write `{name: image array or figure}` to the folder as NAME.png; return the paths."""
        from .. import plotting, provenance

        paths = []
        for name, drawn in pictures.items():
            paths.append(self.folder / f"{name}.png")
            plotting.save(drawn, paths[-1])
            if self.spec.kind in ("images", "video", "music") and self.model.can_sample:
                provenance.embed(paths[-1], provenance.describe(self))  # it contains samples
        return paths


def inputs_of(data, part):
    """Return `(x, y)` of a part of a `Dataset` for pictures; series include their times."""
    if data.kind == "forecast" and "time" in part.groups:
        from ..data.forecast import with_times

        return with_times(part, data.spec.frequency)
    return part.x, part.y


def load_run(folder: str | Path) -> "Run":
    """Return the `Run` in `folder`.

    Args:
        folder: The path of a run folder, or the address of a run on the Hugging Face hub,
            `"hf://USER/NAME"`.

    Raises:
        NotARunError: If there is no run, or its `config.json` is damaged.
        ConnectionError: If the hub cannot be reached, or refuses.

    Example:

    >>> from genai_basics import load_run, train
    >>> run = train("vae", epochs=1)
    >>> load_run(run.folder).model.sample(2).shape
    (2, 28, 28, 1)
    """
    repo = address_of(folder)
    folder = download(repo) if repo else Path(folder)
    if not folder.is_dir():
        raise NotARunError(f"'{folder}' is not a folder; `genai-basics train` makes run folders")
    if needs_recovery(folder):  # unless it is being written or is read-only
        with contextlib.suppress(BlockingIOError, PermissionError), locked(folder):
            pass
    refuse_links(folder)
    path = folder / "config.json"
    if not path.exists():
        writer = holder(folder)
        if writer:
            raise NotARunError(f"'{folder}' is no run yet: {writer} has just begun to train it")
        raise NotARunError(
            f"'{folder}' is not a run folder (no config.json); `genai-basics train` makes one"
        )
    return Run(folder, read_config(path))


def load_model(folder):
    """Return the model saved in a run folder; raise a `NotARunError` if that is not possible."""
    path = Path(folder) / "model.keras"
    if not path.exists():
        raise NotARunError(f"'{folder}' holds no model.keras; resume it by `train --resume`")
    if not zipfile.is_zipfile(limits.regular(path, "weights")):
        raise NotARunError(
            f"'{path}' is damaged (not a whole .keras file); resume the run or train it again"
        )
    import keras

    with check_archive(path):
        try:
            return small_enough(keras.saving.load_model(path))
        except NotARunError:
            raise
        except Exception as error:  # Keras raises many types for broken descriptions
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:150]
            raise NotARunError(f"'{path}' cannot be loaded ({reason})") from error
