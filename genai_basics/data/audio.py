"""Sound: WAV files in class folders, with `metadata.csv`, or named by what they hold."""

import re
import warnings
from collections import Counter
from math import gcd
from pathlib import Path

import numpy as np

from .arrays import encode_parts
from .cells import read_rows
from .dataset import Part, Reading
from .files import (
    fingerprint_arrays,
    fingerprint_files,
    list_files,
    reason,
    report_skipped,
    split_folders,
)
from .spec import AudioSpec

__all__ = ["join_clips", "read_audio", "read_wav", "resample", "write_wav"]

NAMED = re.compile(r"^(?P<label>[^_]+)_(?P<speaker>[^_]+)_(?P<index>\d+)$")
SILENCE = 1e-4  # a clip whose loudest sample is below this holds nothing


def read_audio(
    source, *, sample_rate=None, class_names=None, alphabet=None, encoding=None, strict=False
):
    """Read clips of sound as float32 arrays in [-1, 1], at one sample rate.

    Args:
        source: A folder of WAV files: a folder for each class; or `metadata.csv` with
            `file_name` and `label` or `transcription` (and other columns, which become
            groups); or files named `{label}_{speaker}_{index}.wav`; or flat. Or a list of
            arrays, or a tuple (arrays, labels), with `sample_rate`.
        sample_rate: Samples a second to convert to. `None` takes the commonest of the files.
        class_names, alphabet: Of data seen before, to encode labels by.
        encoding: Encoding of `metadata.csv`.
        strict: Whether files that cannot be read are an error.
    """
    if not isinstance(source, Path):
        clips, labels = source if isinstance(source, tuple) else (source, None)
        return audio_reading(clips, labels, sample_rate, class_names=class_names)
    if not source.is_dir():
        raise ValueError(f"'{source}' is one file; give the folder that holds it.")
    splits = split_folders(source) or {"all": source}
    raw = {name: _list_clips(path, encoding) for name, path in splits.items()}
    files = [path for paths, _, _ in raw.values() for path in paths]
    if not files:
        raise ValueError(f"'{source}' holds no WAV files.")
    clips, bad = {}, {}
    for path in files:
        try:
            clips[path] = read_wav(path)
        except ValueError as error:
            bad[path] = reason(path, error)
    rates = Counter(rate for _, rate in clips.values())
    skipped = tuple(f"{path.relative_to(source)}: {bad[path]}" for path in bad)
    if not clips:
        raise ValueError(
            f"None of the {len(files)} WAV files in '{source}' can be read: {skipped[0]}"
        )
    report_skipped(skipped, strict, "WAV files")
    rate = sample_rate or rates.most_common(1)[0][0]
    if sample_rate is None and len(rates) > 1:
        warnings.warn(
            f"The files have sample rates of {', '.join(map(str, sorted(rates)))}; all are "
            f"converted to {rate}.",
            stacklevel=3,
        )
    parts = {}
    for name, (paths, targets, groups) in raw.items():
        keep = [i for i, path in enumerate(paths) if path in clips]
        x = [resample(*clips[paths[i]], rate) for i in keep]
        files = np.array([str(paths[i].relative_to(source)) for i in keep])
        groups = {key: np.asarray(column)[keep] for key, column in groups.items()}
        kind, values = targets
        values = None if values is None else [values[i] for i in keep]
        parts[name] = (x, kind, values, {"file": files, **groups})
    _warn_of_silence(parts)
    return _make(
        parts, rate, fingerprint_files(files_of(raw), source), skipped, class_names, alphabet
    )


def audio_reading(clips, targets, sample_rate, *, kind="label", groups=None, class_names=None):
    """Return the reading of clips that are arrays already; `kind` says what the targets are."""
    if sample_rate is None:
        raise ValueError("`sample_rate` must be given with arrays of sound.")
    x = [np.asarray(clip, "float32").reshape(-1) for clip in clips]
    digest = fingerprint_arrays(x, list(targets) if targets is not None else None)
    raw = {"all": (x, kind if targets is not None else None, targets, groups or {})}
    return _make(raw, int(sample_rate), digest, (), class_names, None)


def read_wav(path, sample_rate=None):
    """Return `(samples, rate)` of a WAV file: float32 mono in [-1, 1].

    Takes 8, 16, 24 and 32 bits and floats; channels are averaged.

    Args:
        path: The file.
        sample_rate: Rate to convert to. `None` keeps the file's.

    Raises:
        ValueError: The file is broken, is no WAV, or holds nothing.
    """
    from scipy.io import wavfile

    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            rate, samples = wavfile.read(path)
    except FileNotFoundError as error:
        raise ValueError(f"'{path}' is no file.") from error
    except Exception as error:  # SciPy raises many sorts for broken files
        raise ValueError(f"'{path}' cannot be read as a WAV file: {error}") from error
    if any("Reached EOF" in str(warning.message) for warning in said):
        warnings.warn(f"'{path}' is cut off; what there is of it was read.", stacklevel=2)
    if samples.dtype.kind == "u":  # 8 bits
        samples = (samples.astype("float32") - 128) / 128
    elif samples.dtype.kind == "i":  # SciPy gives 24 bits in the upper ones of 32
        samples = samples.astype("float32") / -float(np.iinfo(samples.dtype).min)
    samples = samples.astype("float32")
    samples = samples.mean(axis=1) if samples.ndim == 2 else samples
    if not len(samples):
        raise ValueError(f"'{path}' holds no samples")
    if not np.isfinite(samples).all():
        raise ValueError(f"'{path}' holds NaN or infinite samples")
    return resample(samples, rate, sample_rate or rate), sample_rate or rate


def resample(samples, rate, wanted):
    """Return `samples` at another rate, by a polyphase filter."""
    if rate == wanted:
        return samples
    from scipy.signal import resample_poly

    common = gcd(int(rate), int(wanted))
    return resample_poly(samples, wanted // common, rate // common).astype("float32")


def write_wav(path, samples, sample_rate):
    """Write mono samples in [-1, 1] as 16 bits; louder ones are clipped."""
    from scipy.io import wavfile

    pcm = (np.clip(samples, -1, 1) * 32767).round().astype("int16")
    wavfile.write(path, int(sample_rate), pcm)


def join_clips(clips, sample_rate, gap=0.25):
    """Return all clips in one array, with `gap` seconds of silence between them."""
    silence = np.zeros(round(gap * sample_rate), "float32")
    pieces = [piece for clip in clips for piece in (np.asarray(clip, "float32").ravel(), silence)]
    return np.concatenate(pieces[:-1])


def files_of(raw):
    return [path for paths, _, _ in raw.values() for path in paths]


def _make(raw, rate, digest, skipped, class_names, alphabet):
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
    spec = AudioSpec(rate, class_names, alphabet, longest)
    return Reading(spec, parts, digest, skipped)


def _list_clips(folder, encoding):
    """Return (paths, ("label" | "transcription" | None, values), groups) of a folder."""
    table = next((p for p in sorted(folder.iterdir()) if p.name.lower() == "metadata.csv"), None)
    if table is not None:
        return _listed_clips(table, encoding)
    paths = list_files(folder, (".wav",))
    nested = [path for path in paths if path.parent != folder]
    if nested:
        labels = [path.relative_to(folder).parts[0] for path in nested]
        matches = [NAMED.match(path.stem) for path in nested]
        if len(set(labels)) > 1:
            return nested, ("label", labels), {}
        paths = nested  # one folder, as `recordings/`, is no class
    matches = [NAMED.match(path.stem) for path in paths]
    if paths and all(matches):
        groups = {name: [m[name] for m in matches] for name in ("speaker", "index")}
        groups["index"] = [int(index) for index in groups["index"]]
        return paths, ("label", [m["label"] for m in matches]), groups
    return paths, (None, None), {}


def _listed_clips(table, encoding):
    header, rows = read_rows(table, encoding)
    cells = dict(zip(header, zip(*rows, strict=True), strict=True)) if rows else {}
    name = next((n for n in ("file_name", "filename", "file", "path") if n in cells), None)
    if name is None:
        raise ValueError(f"'{table}' must have a column file_name. Received: {', '.join(header)}")
    kinds = [kind for kind in ("transcription", "label") if kind in cells]
    if not kinds:
        raise ValueError(
            f"'{table}' must have a column label or transcription. Received: {', '.join(header)}"
        )
    keep, absent = [], []
    for i, file in enumerate(cells[name]):
        (keep if (table.parent / file).is_file() else absent).append(i)
    if absent:
        warnings.warn(
            f"{len(absent)} files of '{table.name}' are not there (the first is "
            f"'{cells[name][absent[0]]}') and are left out.",
            stacklevel=5,
        )
    empty = [i for i in keep if not cells[kinds[0]][i].strip()]
    if empty:
        warnings.warn(
            f"{len(empty)} files of '{table.name}' have no {kinds[0]} and are left out.",
            stacklevel=5,
        )
    keep = [i for i in keep if i not in set(empty)]
    paths = [table.parent / cells[name][i] for i in keep]
    groups = {
        key: [column[i] for i in keep]
        for key, column in cells.items()
        if key not in (name, kinds[0]) and key != "file"
    }
    return paths, (kinds[0], [cells[kinds[0]][i] for i in keep]), groups


def _warn_of_silence(parts):
    silent = [
        file
        for x, _, _, groups in parts.values()
        for clip, file in zip(x, groups["file"], strict=True)
        if np.abs(clip).max() < SILENCE
    ]
    if silent:
        warnings.warn(f"{len(silent)} clips are silent (the first is '{silent[0]}').", stacklevel=4)
