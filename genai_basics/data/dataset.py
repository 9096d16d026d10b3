"""What every reader returns: a `Dataset` of three `Part`s and a spec."""

from dataclasses import dataclass, field

import numpy as np

from .describing import describe

__all__ = ["Dataset", "Part", "Reading"]


@dataclass(frozen=True)
class Part:
    """Some examples: `x`, `y` (None without labels) and columns of facts about them.

    Attributes:
        x: The examples, an array, a list, `ImageFiles`, or a dict of columns.
        y: Labels, targets or transcriptions, or None.
        groups: Dict of arrays, one value an example: "file", "speaker", "time"...
        size: How many examples are the part's own, where x holds what came before them too.
    """

    x: object
    y: object = None
    groups: dict = field(default_factory=dict)
    size: int | None = None

    def __len__(self):
        if self.size is not None:
            return self.size
        return len(next(iter(self.x.values()))) if isinstance(self.x, dict) else len(self.x)

    def take(self, indices):
        """Return the part that holds the examples at `indices`, in that order."""
        groups = {name: _take(column, indices) for name, column in self.groups.items()}
        return Part(_take(self.x, indices), _take(self.y, indices), groups)

    def __repr__(self):
        y = "" if self.y is None else f", y={_describe(self.y)}"
        return f"Part({len(self)} examples, x={_describe(self.x)}{y})"


@dataclass(frozen=True)
class Dataset:
    """Data that are ready for a model, as `load_data` returns them.

    Attributes:
        name: Name or path, for people.
        kind: "images", "text", ...
        spec: What a builder needs to know, see `genai_basics.data.spec`.
        train, validation, test: `Part`s, split once by the seed.
        fingerprint: Hex digest of the content: other data have another.
        source: Keyword arguments with which `load_data` loads exactly this again; empty
            where the data came as arrays.
        skipped: "file: reason" for everything that could not be read.
        notes: What was decided or left out in reading, a sentence each.
    """

    name: str
    kind: str
    spec: object
    train: Part
    validation: Part
    test: Part
    fingerprint: str = ""
    source: dict = field(default_factory=dict)
    skipped: tuple = ()
    notes: tuple = ()

    def describe(self):
        """Return what was read, as a dict that prints as a page: see `describe`."""
        return describe(self)

    def __repr__(self):
        sizes = f"train={len(self.train)}, validation={len(self.validation)}"
        skipped = f", skipped={len(self.skipped)}" if self.skipped else ""
        return f"Dataset({self.name!r}, {sizes}, test={len(self.test)}{skipped}, {self.spec})"


@dataclass
class Reading:
    """What a reader of one kind hands to `load_data`, before splits are cut.

    Attributes:
        spec: The spec of all parts.
        parts: Parts under "all" where the source has no split of its own, else under
            "train" and any of "validation" and "test".
        fingerprint: Digest of the content.
        skipped: "file: reason" for what could not be read.
        group: Array of one value an example of "all": equal ones stay on one side.
        ordered: Cut along the order (time) instead of at random.
        cut: For one long text: a function of (start, stop) that returns a `Part`; then
            `length` is what start and stop count up to.
        files: The files of a folder that were used or named in a message; the others are then
            counted. `None` where that is not known.
    """

    spec: object
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
