"""Sound: files in class folders, with a table of labels or texts, or named after their labels."""

import re
from collections import Counter
from pathlib import Path

import numpy as np

from ..warning import warn
from .arrays import encode_parts
from .class_folders import read_class_folders
from .dataset import Part, Reading
from .file_tables import find_file_tables
from .files import fingerprint_arrays, fingerprint_files, list_files, read_files, report_skipped
from .sound_files import SOUND_SUFFIXES, full_scale_of, read_sound
from .spec import AudioSpec

__all__ = ["read_audio"]

NAMED = re.compile(r"^(?P<label>[^_]+)_(?P<speaker>[^_]+)_(?P<index>\d+)$")
NOISE = "_background_noise_"
SILENCE = 1e-4  # a clip whose loudest sample is below this is silent
TEXTS = ("transcription", "transcript", "sentence", "text", "normalized_text")
LABELS = ("label", "class", "category", "target", "class_name", "word")


def read_audio(
    source,
    *,
    target=None,
    sample_rate=None,
    full_scale=None,
    class_names=None,
    alphabet=None,
    encoding=None,
    strict=False,
):
    """Read clips of sound as float32 arrays in [-1, 1], at one sample rate.

    Args:
        source: A folder of WAV, FLAC, OGG or MP3 files: a folder for each class; or a table such
            as `metadata.csv` with file names and labels or transcriptions (and other columns,
            which become groups), as in LJSpeech, LibriSpeech and Common Voice; or files
            named `{label}_{speaker}_{index}.wav`; or files without labels. Alternatively, a list of
            arrays or a tuple (arrays, labels), with `sample_rate`.
        target: Column of the table that holds the labels or transcriptions.
        sample_rate: Samples per second to convert to. `None`: the most common rate of the files.
        full_scale: Maximum amplitude of files of floats, which are divided by it. `None` selects
            1, or the smallest power of two that bounds them all.
        class_names, alphabet: Known class names or alphabet to encode the labels with.
        encoding: Encoding of the table.
        strict: Whether files that cannot be read are an error.
    """
    if not isinstance(source, Path):
        clips, labels = source if isinstance(source, tuple) else (source, None)
        return audio_reading(clips, labels, sample_rate, class_names=class_names)
    if not source.is_dir():
        raise ValueError(f"'{source}' is one file; give the folder that holds it.")
    files = list_files(source, SOUND_SUFFIXES)
    if not files:
        raise ValueError(f"'{source}' holds no sounds (files that end in WAV, FLAC, OGG, MP3).")
    tables = find_file_tables(source, files, encoding)
    if tables:
        raw = {name: _listed_clips(table, target) for name, table in tables.items()}
    else:
        listed = read_class_folders(source, SOUND_SUFFIXES, "sounds")
        listed = {part: _without_noise(*both) for part, both in listed.items()}
        raw = {name: _named_clips(*both) for name, both in listed.items()}
    files = [path for paths, _, _ in raw.values() for path in paths]
    clips, skipped = read_files(files, read_sound, source)
    if not clips:
        raise ValueError(f"None of the {len(files)} sounds in '{source}' can be read: {skipped[0]}")
    report_skipped(skipped, strict, "sounds")
    full_scale = full_scale or _full_scale(clips.values())
    rates = Counter(clip.rate for clip in clips.values())
    rate = sample_rate or rates.most_common(1)[0][0]
    if sample_rate is None and len(rates) > 1:
        warn(
            f"The files have sample rates of {', '.join(map(str, sorted(rates)))}; all are "
            f"converted to {rate}."
        )
    parts = {}
    for name, (paths, targets, groups) in raw.items():
        keep = [i for i, path in enumerate(paths) if path in clips]
        x = [clips[paths[i]].at(rate, full_scale) for i in keep]
        names = np.array([str(paths[i].relative_to(source)) for i in keep])
        groups = {key: np.asarray(column)[keep] for key, column in groups.items()}
        kind, values = targets
        values = None if values is None else [values[i] for i in keep]
        parts[name] = (x, kind, values, {"file": names, **groups})
    _warn_of_silence(parts)
    about = list(dict.fromkeys(p for table in tables.values() for p in (table.path, *table.more)))
    digest = fingerprint_files([*files, *about], source)
    made = _make(parts, rate, digest, skipped, class_names, alphabet, full_scale)
    made.files = [*files, *about]
    return made


def audio_reading(clips, targets, sample_rate, *, kind="label", class_names=None):
    """Return the reading of clips given as arrays; `kind` is the kind of the targets."""
    if sample_rate is None:
        raise ValueError("`sample_rate` must be given with arrays of sound.")
    x = [np.asarray(clip, "float32").reshape(-1) for clip in clips]
    digest = fingerprint_arrays(x, list(targets) if targets is not None else None)
    raw = {"all": (x, kind if targets is not None else None, targets, {})}
    return _make(raw, int(sample_rate), digest, (), class_names, None)


def _without_noise(files, labels):
    """Leave out the folder of Speech Commands that holds background noise, which is not a class."""
    if labels is None or NOISE not in labels:
        return files, labels
    warn(f"'{NOISE}' holds noise to mix in, not a class, and is left out.")
    kept = [i for i, label in enumerate(labels) if label != NOISE]
    return [files[i] for i in kept], [labels[i] for i in kept]


def _make(raw, rate, digest, skipped, class_names, alphabet, full_scale=1):
    kinds = {kind for _, kind, _, _ in raw.values()}
    labels = dict.fromkeys(raw)
    if kinds == {"transcription"}:
        labels = {name: list(targets) for name, (_, _, targets, _) in raw.items()}
        letters = {letter for rows in labels.values() for text in rows for letter in text}
        if alphabet is None:
            alphabet = tuple(sorted(letters))
        elif letters - set(alphabet):
            raise ValueError(
                f"The transcriptions hold letters that are not in the alphabet: "
                f"{''.join(sorted(letters - set(alphabet)))!r}."
            )
    elif "label" in kinds:
        pairs = {name: (x, targets) for name, (x, _, targets, _) in raw.items()}
        labels, class_names = encode_parts(pairs, class_names, "clips")
        alphabet = None
    parts = {name: Part(x, labels[name], groups) for name, (x, _, _, groups) in raw.items()}
    longest = max(len(clip) for x, _, _, _ in raw.values() for clip in x)
    spec = AudioSpec(rate, class_names, alphabet, longest, full_scale)
    return Reading(spec, parts, digest, skipped)


def _named_clips(paths, labels):
    """Return (paths, ("label" | None, values), groups) of a folder without a table."""
    if labels is not None and len(set(labels)) > 1:
        return paths, ("label", labels), {}
    matches = [NAMED.match(path.stem) for path in paths]
    if not all(matches):
        return paths, (None, None), {}
    groups = {"speaker": [m["speaker"] for m in matches]}
    groups["index"] = [int(m["index"]) for m in matches]
    return paths, ("label", [m["label"] for m in matches]), groups


def _listed_clips(table, target):
    """Like `_named_clips`, for the files in a table; warn of rows without a file or a target."""
    columns, name = table.columns, table.path.name
    table.point_out_missing()
    column, kind = _target_column(table, target)
    keep = [i for i, path in enumerate(table.files) if path is not None]
    empty = {i for i in keep if not columns[column][i].strip()}
    if empty:
        warn(f"{len(empty)} files of '{name}' have no {column} and are left out.")
    keep = [i for i in keep if i not in empty]
    paths = [table.files[i] for i in keep]
    twice = [path.name for path, count in Counter(paths).items() if count > 1]
    if twice:
        raise ValueError(f"'{table.path}' holds {len(twice)} files twice, as '{twice[0]}'.")
    others = {key: cells for key, cells in columns.items() if key not in (column, "file")}
    groups = {key: [cells[i] for i in keep] for key, cells in others.items()}
    return paths, (kind, [columns[column][i] for i in keep]), groups


def _target_column(table, target):
    """Return (name, "label" or "transcription") of the column to predict."""
    lower = {name.lower(): name for name in reversed(table.columns)}
    table.check([target] if target is not None else [], target)
    for names, kind in ((TEXTS, "transcription"), (LABELS, "label")):
        for name in names if target is None else ():
            if name in lower:
                return lower[name], kind
    name = target or next(reversed(table.columns), None)  # LJSpeech: the last column has no header
    unnamed = all(name.startswith("column ") for name in table.columns)
    if name is None or (target is None and len(table.columns) > 1 and not unnamed):
        raise ValueError(
            f"'{table.path}' must have a column label or transcription, or `target` (--target) "
            f"must name it. Received: {', '.join(table.columns) or 'only file names'}"
        )
    cells = table.columns[name]
    several = len(set(cells)) > len(cells) / 2 and name.lower() not in LABELS
    return name, "transcription" if name.lower() in TEXTS or several else "label"


def _full_scale(clips):
    """Return the power of two that bounds all files of floats; warn if it is not 1."""
    peak = max((clip.peak for clip in clips if clip.floats), default=0.0)
    full_scale = full_scale_of(peak)
    if full_scale > 1:
        warn(
            f"Files of floats reach {peak:g}, beyond 1: all of them are divided by {full_scale:g}."
        )
    return full_scale


def _warn_of_silence(parts):
    silent = [
        file
        for x, _, _, groups in parts.values()
        for clip, file in zip(x, groups["file"], strict=True)
        if np.abs(clip).max() < SILENCE
    ]
    if silent:
        warn(f"{len(silent)} clips are silent (the first is '{silent[0]}').")
