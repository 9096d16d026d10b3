"""Prepares training: checked data, builder arguments from the data, library versions."""

import contextlib
import platform
from importlib import metadata
from pathlib import Path

import keras

from .. import backend
from ..checks import positive
from ..extras import require

__all__ = [
    "check_numbers",
    "checked",
    "describe",
    "facts_of",
    "free_folder",
    "latest_folder",
    "plain",
    "planted",
    "prepare_process",
    "versions",
]


def checked(data, drop, wanted, seed):
    """Return the data without the examples to drop, and the results of the checks."""
    if not wanted and not drop:
        return data, None
    from ..audit import check_data, drop_suspects

    found = check_data(data, seed=seed)
    return drop_suspects(data, found, drop), found.to_config()


def planted(data, repeats, seed):
    """Return the data with secrets planted in the training text, and the secrets."""
    if not repeats:
        return data, None
    from ..audit import plant

    return plant(data, repeats, seed)


def facts_of(data, usual, asked):
    """Return fields of the data's spec as builder arguments; requested ones must exist."""
    known = data.spec.facts()
    for name in asked:
        if known.get(name) is None:
            what = name.removeprefix("num_").replace("_", " ")
            raise ValueError(f"'{data.name}' has no {what}: it holds no labels")
    return {name: known[name] for name in (*usual, *asked) if known.get(name) is not None}


def describe(data):
    parts = (data.train, data.validation, data.test)
    return {
        "name": data.name,
        "kind": data.kind,
        "source": data.source,
        "fingerprint": data.fingerprint,
        "sizes": [len(part) for part in parts],
        "spec": data.spec.to_config(),
        "skipped": list(data.skipped),
    }


def versions():
    names = ("genai_basics", "keras", "tensorflow", "numpy")
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found


def plain(value):
    """Convert arguments to JSON types; objects become their class name."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else type(value).__name__


def check_numbers(epochs, minutes, batch_size, dp_noise, dp_clip):
    """Raise an error for training arguments that contradict each other or are not positive."""
    if epochs and minutes:
        raise ValueError(
            f"give `epochs` or `minutes`, not both. Received: epochs={epochs}, minutes={minutes}"
        )
    budget = {"epochs": epochs, "minutes": minutes, "batch_size": batch_size}
    for name, value in {**budget, "dp_noise": dp_noise, "dp_clip": dp_clip}.items():
        if value is not None:
            positive(name, value)
    if dp_clip is not None and dp_noise is None:
        raise ValueError(f"`dp_clip` needs `dp_noise`. Received: dp_clip={dp_clip}, dp_noise=None")


def prepare_process(training):
    """Set process-wide state: seeds, determinism, precision."""
    if training["strategy"] != "one" and training.get("dp_noise"):
        raise ValueError(
            "private training takes one process and one device: leave `dp_noise` out, or the "
            f"strategy. Received: dp_noise={training['dp_noise']}, "
            f'strategy="{training["strategy"]}"'
        )
    if training.get("dp_noise"):
        require("dp_accounting", "privacy")  # fail now, not after training
    keras.utils.set_random_seed(training["seed"])
    if training["deterministic"]:
        backend.deterministic()
    if training["precision"]:
        keras.config.set_dtype_policy(training["precision"])


def free_folder(name):
    """Create and return the first of runs/NAME, runs/NAME-2, ... that does not exist."""
    Path("runs").mkdir(exist_ok=True)
    for i in range(1, 10**6):
        folder = Path("runs") / (name if i == 1 else f"{name}-{i}")
        with contextlib.suppress(FileExistsError):
            folder.mkdir()  # so that simultaneous starts get different folders
            return folder


def latest_folder(name):
    """Return the most recently written run of a model in runs/."""
    folders = [p.parent for p in Path("runs").glob(f"{name}*/config.json")]
    if not folders:
        raise ValueError(f"there is no run of {name} in runs/; say which by `--out`")
    return max(folders, key=lambda folder: (folder / "config.json").stat().st_mtime)
