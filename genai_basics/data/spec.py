"""Specs: what a model must know about its data before training.

Each kind of data has one frozen dataclass. A spec is saved in a run's `config.json` and
restored from it (`to_config`, `spec_from_config`), and its `facts()` are keyword arguments of
the builders: `build_vae(**spec.facts())`, without those that a builder does not accept.
"""

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

from ..checks import one_of
from ..jsonable import plain

__all__ = [
    "AudioSpec",
    "DetectionSpec",
    "ForecastSpec",
    "ImageSpec",
    "MusicSpec",
    "PairSpec",
    "SeriesSpec",
    "Spec",
    "TableSpec",
    "TextSpec",
    "VectorSpec",
    "VideoSpec",
    "spec_from_config",
]


@dataclass(frozen=True)
class Spec:
    """Base class of all specs. `kind` is the value that `load_data(kind=)` and `--kind` accept."""

    kind: ClassVar[str] = ""

    def facts(self):
        """Return the keyword arguments of builders that this spec determines."""
        facts = {"input_shape": self.shape} if hasattr(self, "shape") else {}
        if hasattr(self, "class_names"):
            facts.update(num_classes=self.num_classes, class_names=self.class_names)
        return facts

    @property
    def num_classes(self):
        """Number of classes, or None without labels."""
        names = getattr(self, "class_names", None)
        return None if names is None else len(names)

    def to_config(self):
        """Return the spec as a JSON-compatible dict; `spec_from_config` reads it."""
        return {"kind": self.kind, **plain(dataclasses.asdict(self))}


@dataclass(frozen=True)
class ImageSpec(Spec):
    """Pictures: `shape` is (height, width, channels), values are in `value_range`.

    `fit` is how pictures of other sizes were brought to that shape, `scale` the (low, high) that
    became black and white in pictures of more than 8 bits. `task` is "regression" if y holds
    values; with `multi_label`, y holds 0 or 1 for each class.
    """

    kind: ClassVar[str] = "images"
    shape: tuple
    value_range: tuple = (0, 255)
    class_names: tuple | None = None
    fit: str = "stretch"
    scale: tuple | None = None
    task: str | None = None
    multi_label: bool = False

    def facts(self):
        facts = {**super().facts(), "value_range": self.value_range}
        about = {"task": self.task, "multi_label": self.multi_label}
        return {**facts, **{name: value for name, value in about.items() if value}}


@dataclass(frozen=True)
class VectorSpec(Spec):
    """Rows of an array: `shape` is (d,); `task` is "classification" or "regression"."""

    kind: ClassVar[str] = "vectors"
    shape: tuple
    class_names: tuple | None = None
    task: str | None = None

    def facts(self):
        return {**super().facts(), "task": self.task}


@dataclass(frozen=True)
class TextSpec(Spec):
    """Texts. With `corpus`, each part is one long text; `max_length` is in characters.

    `alphabet` holds the characters if there are at most a few hundred, and `column` is the name of
    the text column in a table.
    """

    kind: ClassVar[str] = "text"
    class_names: tuple | None = None
    multi_label: bool = False
    corpus: bool = False
    max_length: int | None = None
    alphabet: tuple | None = None
    column: str | None = None

    def facts(self):
        return {**super().facts(), "multi_label": self.multi_label, "alphabet": self.alphabet}


@dataclass(frozen=True)
class PairSpec(Spec):
    """Pairs of texts, source and target. The lengths are in characters.

    `source` and `target` are the names of the two columns or languages, if they have names.
    """

    kind: ClassVar[str] = "pairs"
    max_source_length: int | None = None
    max_target_length: int | None = None
    source: str | None = None
    target: str | None = None


@dataclass(frozen=True)
class TableSpec(Spec):
    """Rows of a table: `columns` are (name, "number" | "category") without the target.

    `predict` reads files in the same format: `signs` are (column, decimal sign) for signs other
    than a point (None: not recorded), `header` says whether files have a header, `missing` holds
    words for missing values.
    """

    kind: ClassVar[str] = "tables"
    columns: tuple
    target: str | None = None
    task: str = "classification"
    class_names: tuple | None = None
    signs: tuple | None = None
    header: bool = True
    missing: tuple = ()

    def facts(self):
        return {**super().facts(), "columns": self.columns, "task": self.task}


@dataclass(frozen=True)
class SeriesSpec(Spec):
    """Labelled series: `shape` is (time, channels), with time None if lengths differ."""

    kind: ClassVar[str] = "series"
    shape: tuple
    class_names: tuple | None = None


@dataclass(frozen=True)
class ForecastSpec(Spec):
    """One series to forecast.

    `columns` names the channels of x, `targets` those to forecast (the others are known
    covariates), `season` is the seasonal period in steps, `frequency` the step as text
    ("month", "day", "3600 seconds"), `calendar` the columns that were made from the time
    column. `series_column` identifies several series, called `series_names`.
    `predict` reads the columns `known` for `ahead` steps beyond the end of the targets, and
    parses times and numbers in the same format (`day_first`, `signs`).
    """

    kind: ClassVar[str] = "forecast"
    columns: tuple
    targets: tuple
    season: int = 1
    frequency: str | None = None
    time_column: str | None = None
    calendar: tuple = ()
    known: tuple = ()
    ahead: int = 0
    series_column: str | None = None
    series_names: tuple = ()
    day_first: bool | None = None
    signs: tuple | None = None

    def facts(self):
        facts = {"columns": self.columns, "targets": self.targets, "season": self.season}
        return {**facts, "calendar": self.calendar}


@dataclass(frozen=True)
class AudioSpec(Spec):
    """Sound clips with `class_names`, or with transcriptions in the characters `alphabet`.

    Files of floats were divided by `full_scale`.
    """

    kind: ClassVar[str] = "audio"
    sample_rate: int
    class_names: tuple | None = None
    alphabet: tuple | None = None
    max_length: int | None = None  # in samples
    full_scale: float = 1.0

    def facts(self):
        facts = {**super().facts(), "sample_rate": self.sample_rate}
        return {**facts, "alphabet": self.alphabet, "max_length": self.max_length}


@dataclass(frozen=True)
class DetectionSpec(Spec):
    """Pictures with boxes. `shape` is (height, width, channels), with None for varying sizes."""

    kind: ClassVar[str] = "detection"
    shape: tuple
    class_names: tuple


@dataclass(frozen=True)
class VideoSpec(Spec):
    """Video clips: `shape` is (frames, height, width, channels), values 0 to 255."""

    kind: ClassVar[str] = "video"
    shape: tuple
    fps: float = 10
    class_names: tuple | None = None


@dataclass(frozen=True)
class MusicSpec(Spec):
    """Pieces of music as sequences of chords, one per step.

    `voices` is the number of voices of arrays (steps, voices), None for lists of lists of
    pitches; `low` and `high` are the lowest and highest MIDI pitch.
    """

    kind: ClassVar[str] = "music"
    steps_per_quarter: int = 4
    voices: int | None = None
    low: int = 21
    high: int = 108

    def facts(self):
        pitches = (self.low, self.high)
        return {"voices": self.voices, "low": self.low, "high": self.high, "pitches": pitches}


SPECS = {spec.kind: spec for spec in Spec.__subclasses__()}


def spec_from_config(config):
    """Return the spec for the result of `spec.to_config()`.

    Example:

    >>> spec_from_config({"kind": "images", "shape": [8, 8, 1]}).num_classes is None
    True
    """
    values = dict(config)
    kind = one_of("kind", values.pop("kind", None), SPECS)
    return SPECS[kind](**{key: _tuples(value) for key, value in values.items()})


def _tuples(value):
    return tuple(_tuples(item) for item in value) if isinstance(value, (list, tuple)) else value
