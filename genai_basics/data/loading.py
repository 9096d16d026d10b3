"""`load_data`: makes a `Dataset` from a name, a path or arrays."""

import dataclasses
import importlib
import inspect
import warnings
from pathlib import Path
from typing import Literal

import numpy as np

from ..checks import one_of
from ..jsonable import plain
from ..warning import warn
from .dataframes import is_frame
from .dataset import Dataset
from .files import errors_named, read_once, report_unused
from .guess import guess_kind
from .spec import spec_from_config
from .splits import limit_part, split_parts

__all__ = ["KINDS", "list_data", "load_data", "load_for"]

KINDS = {  # kind: (module, reader)
    "images": ("picture_arrays", "read_images"),
    "vectors": ("arrays", "read_vectors"),
    "text": ("text", "read_text"),
    "pairs": ("pairs", "read_pairs"),
    "tables": ("tables", "read_table"),
    "series": ("series", "read_series"),
    "forecast": ("forecast", "read_forecast"),
    "audio": ("audio", "read_audio"),
    "detection": ("detection", "read_detection"),
    "video": ("gifs", "read_video"),
    "music": ("midi", "read_music"),
}

NAMES = {  # name: (module, function, description)
    "digits": ("embedded", "digits", "images: 1,797 handwritten digits, 8x8"),
    "letters": ("letters", "letters", "images: 10,000 capital letters in 20 fonts, 28x28"),
    "python_topics": ("embedded", "python_topics", "text: a corpus, the topics of Python's help"),
    "place_names": ("embedded", "place_names", "text: countries and cities in eight languages"),
    "terms": ("embedded", "terms", "text: currencies and time zones in eight languages"),
    "dates": ("embedded", "dates", "pairs: dates in five languages, and in ISO 8601"),
    "sunspots": ("sunspots", "sunspots", "forecast: 2,820 months of sunspot numbers"),
    "key_tones": ("synthetic", "key_tones", "audio: telephone keys in noise"),
    "key_sequences": ("synthetic", "key_sequences", "audio: several keys, with transcription"),
    "scattered_letters": ("synthetic", "scattered_letters", "detection: letters, noisy ground"),
    "scattered_digits": ("synthetic", "scattered_digits", "detection: digits on a noisy ground"),
    "moving_letters": ("synthetic", "moving_letters", "video: letters that bounce, 32x32"),
    "moving_digits": ("synthetic", "moving_digits", "video: digits that bounce, 16 frames, 32x32"),
    "chords": ("synthetic", "chords", "music: chord progressions in four voices"),
    "mnist": ("downloads", "mnist", "images: 70,000 handwritten digits, 28x28 (download)"),
    "fashion_mnist": ("downloads", "fashion_mnist", "images: 70,000 clothes, 28x28 (download)"),
    "cifar10": ("downloads", "cifar10", "images: 60,000 in 10 classes, 32x32 RGB (download)"),
    "cifar100": ("downloads", "cifar100", "images: 60,000 in 100 classes, 32x32 RGB (download)"),
}


# Fields of a spec that are options of the same name.
LIKE = ("class_names", "target", "columns", "task", "missing", "signs", "fit", "scale")
LIKE += ("sample_rate", "full_scale", "alphabet")


def list_data():
    """Return the names that `load_data` accepts, each with a one-line description."""
    return {name: line for name, (_, _, line) in NAMES.items()}


def load_data(
    source,
    *,
    kind: str | None = None,
    target=None,
    image_size=None,
    color: Literal["grey", "rgb"] | None = None,
    seed: int | None = 0,
    validation: float = 0.1,
    test: float = 0.1,
    strict: bool = False,
    encoding: str | None = None,
    group=None,
    limit: int | None = None,
    like=None,
    **kind_options,
) -> "Dataset":
    """Load data of any kind and split them into training, validation and test parts.

    Args:
        source: A name (see `list_data`), a path to a file or folder, an array, a pandas
            DataFrame or Series, or a tuple (x, y) of arrays, lists or data frames.
        kind: "images", "vectors", "text", "pairs", "tables", "series", "forecast", "audio",
            "detection", "video" or "music". `None` infers it from the source.
        target: Column of a table to predict, or columns of a series to forecast.
        image_size: Height and width of pictures, or a single number for both.
        color: "grey" or "rgb".
        seed: Seed of the splits.
        validation, test: Fraction or number of examples to hold out, or "speaker=anna,ben":
            those with these values in a column of `groups`. Splits that the source already
            has are kept.
        strict: Whether an unreadable file is an error; otherwise it is skipped and named in
            a warning and in `Dataset.skipped`.
        encoding: Encoding of text files. `None` detects it.
        group: Column of `groups` ("speaker"); examples with equal values stay in one part.
        limit: Maximum number of examples per part, drawn at random; for series, the last steps.
        like: Spec (or its config) of earlier data, which gives sizes, class names and columns;
            labels that it does not contain are an error.
        **kind_options: Further options of the kind's reader.

    Returns:
        A `Dataset`.

    Raises:
        ValueError: The source does not exist or cannot be read, or an option does not
            apply to its kind.

    Example:

    >>> data = load_data("digits")
    >>> data.spec.shape
    (8, 8, 1)
    """
    options = {"target": target, "image_size": image_size, "color": color, "encoding": encoding}
    options.update(strict=strict or None, **kind_options)
    options = {name: value for name, value in options.items() if value is not None}
    splits = {"seed": seed, "validation": validation, "test": test, "group": group}
    caught = []
    try:
        with warnings.catch_warnings(record=True, action="always") as caught, errors_named(source):
            data = _load(source, kind, like, limit, splits, options)
    finally:  # warn once, at the caller's line
        notes = dict.fromkeys(str(w.message) for w in caught if w.category is UserWarning)
        for note in notes:
            warn(note)
        for w in caught:
            if w.category is not UserWarning:
                warnings.warn_explicit(w.message, w.category, w.filename, w.lineno)
    return dataclasses.replace(data, notes=tuple(notes))


def load_for(recipe, source, options, like=None):
    """Load the training data of a model, of a kind that it accepts.

    Args:
        recipe: The model's row in `recipes.py`.
        source: As for `load_data`, or a `Dataset`. `None`: the model's default data.
        options: Keyword arguments for `load_data`, in addition to those of the default data.
        like: As for `load_data`.
    """
    source = recipe.data if source is None else source
    usual = recipe.data_options if recipe.demo_of(source) and not like else {}
    options = {**usual, **options, **({"like": like} if like else {})}
    data = source if isinstance(source, Dataset) else load_data(source, **options)
    if data.kind not in recipe.kinds:
        raise ValueError(
            f"{recipe.name} takes {' or '.join(recipe.kinds)}, but '{data.name}' was read as "
            f"{data.kind}: choose other data, or another kind by `--kind` (`genai-basics inspect` "
            "shows what was read)"
        )
    if not len(data.train):
        raise ValueError(f"'{data.name}' has no training examples left after its splits")
    if recipe.labelled and data.train.y is None:
        raise ValueError(
            f"labels or values to learn are needed, and '{data.name}' holds none: they are the "
            "names of folders, a column (--target), `y` of an .npz file"
        )
    return data


@read_once()
def _load(source, kind, like, limit, splits, options):
    strict = options.get("strict", False)
    like = spec_from_config(like) if isinstance(like, dict) else like
    name, found, recorded = _find(source)
    if recorded in NAMES:
        reader, arguments = _import(*NAMES[recorded][:2]), ()
    else:
        asked = kind or (like.kind if like else guess_kind(found, options))
        one_of("kind", asked, KINDS)
        reader, arguments = _import(*KINDS[asked]), (found,)
    taken = _check_options(reader, options, f"'{name}'" if not arguments else f"kind '{asked}'")
    if like is not None:
        taken = {**_options_like(like, reader), **taken}
    reading = reader(*arguments, **taken)
    _check_spec(reading.spec, kind, like, name)
    skipped = tuple(reading.skipped)
    if reading.files is not None and found.is_dir():
        skipped += report_unused(found, reading.files, strict)
    parts = split_parts(reading, **splits)
    if like is None:
        _warn_of_imbalance(parts, getattr(reading.spec, "class_names", None))
    parts = [limit_part(part, limit, splits["seed"], reading.ordered) for part in parts]
    record = {}
    if recorded is not None:
        record = {"source": recorded, "kind": reading.spec.kind, **options, **splits}
        record.update(limit=limit, like=like and like.to_config())
    return Dataset(
        name=name,
        kind=reading.spec.kind,
        spec=reading.spec,
        train=parts[0],
        validation=parts[1],
        test=parts[2],
        fingerprint=reading.fingerprint,
        source={k: v for k, v in plain(record).items() if v is not None},
        skipped=skipped,
    )


def _find(source):
    """Return (display name, what to read, what to record) of a source."""
    if not isinstance(source, (str, Path)):
        first = source[0] if isinstance(source, tuple) else source
        return "data frame" if is_frame(first) else "arrays", source, None
    text, path = str(source), Path(source).expanduser()
    if text in NAMES and isinstance(source, str):
        return text, text, text
    if not path.exists():
        raise ValueError(
            f"'{text}' is neither a file or folder nor a name of data; the names are "
            f"{', '.join(NAMES)}, and a path may be a folder of pictures, texts or sounds, or a "
            "file such as .npz, .npy, .csv, .tsv, .txt, .json."
        )
    if not (path.is_file() or path.is_dir()):
        raise ValueError(f"'{text}' is a pipe or a device; give a file or folder.")
    return text, path, str(path.resolve())


def _import(module, function):
    return getattr(importlib.import_module(f".{module}", __package__), function)


def _keywords(reader):
    parameters = inspect.signature(reader).parameters.values()
    return [p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]


def _check_options(reader, options, what):
    """Return the options that the reader accepts; others are an error."""
    takes = _keywords(reader)
    for name, value in options.items():
        if name not in takes and name != "strict":
            raise ValueError(
                f"`{name}` does not apply to {what}, which takes: {', '.join(takes) or 'nothing'}; "
                f"`kind` (--kind) chooses another kind. Received: {name}={value!r}"
            )
    return {name: value for name, value in options.items() if name in takes}


def _options_like(spec, reader):
    """Return options with which the reader reads as it did for `spec`."""
    values = {name: getattr(spec, name, None) for name in LIKE}
    if spec.kind in ("images", "video", "detection"):
        *_, height, width, channels = spec.shape
        size = None if height is None or width is None else (height, width)
        values.update(image_size=size, color="grey" if channels == 1 else "rgb")
    if spec.kind == "video":
        values["frames"] = spec.shape[0]
    if spec.kind == "text":
        values["text"] = spec.column
    if spec.kind == "pairs":
        values["text"] = spec.source
    if spec.kind == "music":
        values.update(voices=spec.voices, steps_per_quarter=spec.steps_per_quarter)
    if spec.kind == "forecast":
        values.update(target=spec.targets, frequency=spec.frequency, season=spec.season)
        values.update(time=spec.time_column, series=spec.series_column, day_first=spec.day_first)
        raw = (name for name in spec.columns if name not in (*spec.calendar, *spec.targets))
        values.update(columns=tuple(dict.fromkeys(name.split("=")[0] for name in raw)))
    takes = _keywords(reader)
    return {name: value for name, value in values.items() if value is not None and name in takes}


def _check_spec(spec, kind, like, name):
    if kind is not None and kind != spec.kind:
        raise ValueError(
            f"'{name}' holds data of kind '{spec.kind}'; leave `kind` (--kind) out. "
            f"Received: kind={kind!r}"
        )
    for fact in ("kind", "shape", "value_range") if like is not None else ():
        there, here = getattr(like, fact, None), getattr(spec, fact, None)
        if there != here:
            raise ValueError(
                f"'{name}' does not fit data seen before, whose {fact} is {there}. "
                f"Received: {fact}={here}"
            )


def _warn_of_imbalance(parts, class_names):
    """Warn of classes that are rare in training or absent from a labelled part."""
    if class_names is None:
        return
    for name, part in zip(("training", "validation", "test"), parts, strict=True):
        y = np.asarray(part.y) if isinstance(part.y, np.ndarray) else np.zeros(0)
        if y.ndim != 1 or y.dtype.kind not in "iu" or len(y) < len(class_names):
            continue
        counts = np.bincount(y, minlength=len(class_names))
        few = counts < (0.01 * len(y) if name == "training" else 1)
        if few.any():
            names = [f"{class_names[i]!r} ({counts[i]})" for i in np.flatnonzero(few)]
            shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
            share = "under 1% of" if name == "training" else "none of"
            warn(f"{len(names)} classes have {share} the {len(y)} {name} examples: {shown}.")
