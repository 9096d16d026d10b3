"""`Dataset`: what `load_data` returns, three `Part`s and a spec."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .describing import describe

__all__ = ["Dataset", "Part", "Reading"]


@dataclass(frozen=True)
class Part:
    """Some examples: `x`, `y` (None without labels) and metadata columns.

    Attributes:
        x: The examples: an array, a list, `ImageFiles`, or a dict of columns.
        y: Labels, targets or transcriptions, or None.
        groups: Dict of arrays with one value per example: "file", "speaker", "time"...
        size: Number of the part's own examples, if x also holds the history before them.
    """

    x: Any
    y: Any = None
    groups: dict = field(default_factory=dict)
    size: int | None = None

    def __len__(self):
        if self.size is not None:
            return self.size
        return len(next(iter(self.x.values()))) if isinstance(self.x, dict) else len(self.x)

    def take(self, indices):
        """Return a part with the examples at `indices`, in that order."""
        groups = {name: _take(column, indices) for name, column in self.groups.items()}
        return Part(_take(self.x, indices), _take(self.y, indices), groups)

    def __repr__(self):
        y = "" if self.y is None else f", y={_describe(self.y)}"
        return f"Part({len(self)} examples, x={_describe(self.x)}{y})"


@dataclass(frozen=True)
class Dataset:
    """Data that are ready for a model, returned by `load_data`.

    Attributes:
        name: Name or path, for display.
        kind: "images", "text", ...
        spec: What a builder needs to know, see `genai_basics.data.spec`.
        train, validation, test: `Part`s, split once by the seed.
        fingerprint: Hex digest of the content; it differs for different data.
        source: Keyword arguments with which `load_data` loads exactly this again; empty
            if the data were given as arrays.
        skipped: "file: reason" for everything that could not be read.
        notes: What was decided or left out while reading, one sentence each.
    """

    name: str
    kind: str
    spec: Any
    train: Part
    validation: Part
    test: Part
    fingerprint: str = ""
    source: dict = field(default_factory=dict)
    skipped: tuple = ()
    notes: tuple = ()

    def describe(self):
        """Return a summary as a dict that prints as a page; see `describe`."""
        return describe(self)

    def _repr_html_(self):
        return self.describe()._repr_html_()

    def __repr__(self):
        sizes = f"train={len(self.train)}, validation={len(self.validation)}"
        skipped = f", skipped={len(self.skipped)}" if self.skipped else ""
        return f"Dataset({self.name!r}, {sizes}, test={len(self.test)}{skipped}, {self.spec})"


@dataclass
class Reading:
    """What the reader of one kind returns to `load_data`, before splitting.

    Attributes:
        spec: The spec of all parts.
        parts: {"all": Part} if the source has no splits of its own, otherwise "train" and
            any of "validation" and "test".
        fingerprint: Digest of the content.
        skipped: "file: reason" for what could not be read.
        group: Array of one value per example of "all"; examples with equal values stay in
            one part.
        ordered: Whether to split in order (of time) instead of at random.
        cut: For one long text: a function of (start, stop) that returns a `Part`; `length` is
            then the largest value of stop.
        files: The files of a folder that were used or named in a message; the others are then
            counted. `None` if that is not known.
    """

    spec: Any
    parts: dict
    fingerprint: str
    skipped: tuple = ()
    group: object = None
    ordered: bool = False
    cut: object = None
    length: int = 0
    files: object = None


def _take(values, indices):
    if values is None:
        return None
    if isinstance(values, dict):
        return {name: _take(column, indices) for name, column in values.items()}
    if isinstance(values, list):
        return [values[int(i)] for i in np.asarray(indices, "int64")]
    if hasattr(values, "take_files"):
        return values.take_files(indices)
    return values[np.asarray(indices, "int64")]


def _describe(values):
    if isinstance(values, dict):
        return f"{len(values)} columns"
    if hasattr(values, "shape"):
        return f"{values.dtype}{tuple(values.shape)}"
    return f"list of {type(values[0]).__name__}" if values else "empty list"
