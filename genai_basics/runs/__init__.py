"""Training, run folders and model cards."""

from .run import Run, load_run
from .run_files import NotARunError
from .stopping import Interrupted, OutOfMemoryError

__all__ = [
    "Interrupted",
    "NotARunError",
    "OutOfMemoryError",
    "Run",
    "export",
    "load_run",
    "train",
]


def __getattr__(name):
    if name == "train":  # needs Keras, unlike reading a run folder
        from .training import train

        return train
    if name == "export":
        from .export_run import export

        return export
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
