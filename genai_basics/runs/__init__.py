"""Training, the run folder that it writes, and the card of the model."""

from .files import NotARunError
from .run import Interrupted, Run, load_run
from .training import train

__all__ = ["Interrupted", "NotARunError", "Run", "load_run", "train"]
