"""Music: one chord per step, read from JSON, arrays and MIDI files, written as MIDI or sound."""

import json
from collections import Counter
from pathlib import Path

import numpy as np

from .. import limits
from ..warning import warn
from .dataset import Part, Reading
from .files import (
    SPLITS,
    data_folders,
    fingerprint_arrays,
    fingerprint_files,
    list_files,
    load_arrays,
    read_files,
    report_skipped,
    split_of,
)
from .spec import MusicSpec

__all__ = ["music_reading", "read_midi", "read_music", "synthesize", "write_midi"]

MIDI_SUFFIXES = (".mid", ".midi", ".kar")
SAMPLE_RATE = 22050
TEMPO = 100  # quarter notes per minute
TOGETHER = 50  # maximum notes per step in the longest piece


def read_music(source, *, steps_per_quarter=None, voices=None, strict=False):
    """Read pieces: int arrays (steps, voices) with -1 for silence, or lists of lists of pitches.

    Args:
        source: `.json` of pieces, each a list of steps, each a list of MIDI pitches, under
            "train", "valid", "test" or as one list; `.npz` of `train`, `valid`, `test`
            (steps, voices) with `*_length` of the pieces in them; a folder of MIDI files.
        steps_per_quarter: Steps per quarter note. `None`: 4, or 1 for JSON.
        voices: Number of voices: each step keeps its highest notes. `None` keeps all.
        strict: Whether unreadable files are an error.
    """
    if isinstance(source, Path) and source.is_dir():
        return _read_folder(source, steps_per_quarter or 4, voices, strict)
    if isinstance(source, Path):
        is_json = source.suffix.lower() == ".json"
        raw = _json_pieces(source) if is_json else _array_pieces(source)
        digest = fingerprint_files([source])
        steps_per_quarter = steps_per_quarter or (1 if is_json else 4)
    else:
        raw, digest = {"all": list(source)}, fingerprint_arrays(list(source))
    raw = {name: [_voices(piece, voices) for piece in pieces] for name, pieces in raw.items()}
    return music_reading(raw, digest, steps_per_quarter or 4)


def music_reading(raw, digest, steps_per_quarter=4, skipped=(), groups=None):
    """Check `{part: pieces}` and return their reading."""
    everything = [piece for pieces in raw.values() for piece in pieces]
    if not everything:
        raise ValueError("There are no pieces.")
    arrays = all(isinstance(piece, np.ndarray) for piece in everything)
    pitches = [p for p in (_pitches(piece) for piece in everything) if len(p)]
    if not pitches:
        raise ValueError("The pieces hold no notes.")
    pitches = np.concatenate(pitches)
    if pitches.min() < 0 or pitches.max() > 127:
        raise ValueError(
            f"Pitches must be MIDI numbers from 0 to 127. Received: {pitches.min()} to "
            f"{pitches.max()}"
        )
    voices = {piece.shape[1] for piece in everything} if arrays else {None}
    if len(voices) > 1:
        raise ValueError(f"Pieces must all have as many voices. Received: {sorted(voices)}")
    spec = MusicSpec(steps_per_quarter, voices.pop(), int(pitches.min()), int(pitches.max()))
    groups = groups or {}
    parts = {name: Part(pieces, None, groups.get(name, {})) for name, pieces in raw.items()}
    return Reading(spec, parts, digest, skipped)


def read_midi(path, steps_per_quarter=4, voices=None, said=None):
    """Return the piece in a MIDI file: lists of pitches, or (steps, voices) with -1 for silence.

    Drums are left out. Notes are rounded to the nearest step and last at least one step.

    Args:
        path: The file.
        steps_per_quarter: Steps per quarter note.
        voices: As for `read_music`.
        said: Counter of messages about what was done. `None` warns instead.

    Raises:
        ValueError: The file is broken, has no notes, or has an implausible number of steps.
    """
    mido = _mido()
    try:
        file = mido.MidiFile(limits.regular(path), clip=True)
    except Exception as error:  # mido raises many types for broken files
        why = str(error)[:200] or "the file is cut off"
        raise ValueError(f"'{path}' cannot be read as a MIDI file: {why}.") from error
    if file.type == 2 and len(file.tracks) > 1:
        raise ValueError(f"'{path}' holds several pieces (type 2); save each in its own file.")
    done = Counter() if said is None else said
    ticks = _ticks_per_quarter(file.ticks_per_beat, path, done) / steps_per_quarter
    notes, drums, endless = _read_notes(file.tracks, ticks)
    done["pieces have drums, which are left out"] += drums
    done["pieces have notes that never end; they end with their track"] += endless
    if not notes:
        raise ValueError(f"'{path}' holds no notes{' but drums' if drums else ''}.")
    first = min(start for start, *_ in notes)
    length = max(stop for _, stop, *_ in notes) - first
    limits.check("steps", length, path)
    limits.check("steps", sum(stop - start for start, stop, *_ in notes) // TOGETHER, path)
    for what, count in done.items() if said is None else ():
        if count:
            warn(f"'{path}': {what}.")
    tracks = sorted({place for *_, place in notes})
    if len(tracks) == voices:  # one track per voice
        piece = np.full((length, voices), -1)
        for start, stop, note, place in sorted(notes):
            piece[start - first : stop - first, tracks.index(place)] = note
        return piece
    roll = np.zeros((length, 128), bool)
    for start, stop, note, _ in notes:
        roll[start - first : stop - first, note] = True
    return _voices([np.flatnonzero(step).tolist() for step in roll], voices)


def _ticks_per_quarter(division, path, said):
    """Return the ticks per quarter note; for SMPTE time, at 120 quarter notes per minute."""
    if division > 0:
        return division
    frames, ticks = -(division >> 8), division & 0xFF
    if not frames or not ticks:
        raise ValueError(f"'{path}' does not say how long a quarter note is (division {division}).")
    said["pieces use SMPTE time; a quarter note is taken as half a second"] += 1
    return (29.97 if frames == 29 else frames) * ticks / 2


def _read_notes(tracks, ticks):
    """Return ([(start, stop, pitch, track)] in steps, has drums, notes without an end)."""
    notes, drums, endless = [], False, False
    for place, track in enumerate(tracks):
        now, sounding, cut = 0, {}, {}

        def end(key, now, sounding=sounding, place=place):
            start = round(sounding.pop(key) / ticks)
            notes.append((start, max(start + 1, round(now / ticks)), key[1], place))

        for message in track:
            now += message.time
            if message.type not in ("note_on", "note_off"):
                continue
            if message.channel == 9:
                drums = True
                continue
            key, begins = (message.channel, message.note), message.type == "note_on"
            begins = begins and message.velocity > 0
            if key in sounding:
                if not begins and sounding[key] == now == cut.get(key):
                    del cut[key]  # the end of the previous note, which comes after this one
                    continue
                if begins:
                    cut[key] = now
                end(key, now)
            if begins:
                sounding[key] = now
        endless |= bool(sounding)
        for key in list(sounding):
            end(key, now)
    return notes, drums, endless


def write_midi(path, pieces, steps_per_quarter=4):
    """Write pieces to one MIDI file: a bar of silence between them, one track per voice.

    Args:
        path: The file.
        pieces: Arrays (steps, voices) with -1 for silence, or lists of lists of pitches.
        steps_per_quarter: Steps per quarter note.
    """
    mido = _mido()
    file = mido.MidiFile(ticks_per_beat=480)
    ticks = 480 // steps_per_quarter
    events, start = {}, 0
    for piece in pieces:
        for voice, first, last, pitch in _notes(piece, merge=steps_per_quarter > 1):
            events.setdefault(voice, []).append(((start + last) * ticks, 0, pitch))
            events.setdefault(voice, []).append(((start + first) * ticks, 1, pitch))
        start += len(piece) + 4 * steps_per_quarter
    for voice in sorted(events) or [0]:
        track, now = mido.MidiTrack(), 0
        if voice == min(events, default=0):
            track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(TEMPO)))
        channel = (voice % 15) + (voice % 15 >= 9)  # the tenth channel is for drums
        track.append(mido.Message("program_change", program=0, channel=channel))
        for time, on, pitch in sorted(events.get(voice, [])):
            kind, velocity = ("note_on", 80) if on else ("note_off", 0)
            track.append(
                mido.Message(kind, note=pitch, velocity=velocity, channel=channel, time=time - now)
            )
            now = time
        file.tracks.append(track)
    with open(path, "wb") as stream:
        file.save(file=stream)


def synthesize(piece, steps_per_quarter=4, *, sample_rate=SAMPLE_RATE):
    """Return the sound of a piece, float32 in [-1, 1]: six harmonics that decay like strings."""
    step = 60 / TEMPO / steps_per_quarter
    sound = np.zeros(round((len(piece) * step + 1.0) * sample_rate))
    for _, first, last, pitch in _notes(piece, merge=steps_per_quarter > 1):
        length = (last - first) * step
        time = np.arange(round((length + 0.3) * sample_rate)) / sample_rate
        frequency = 440 * 2 ** ((pitch - 69) / 12)
        orders = [k for k in range(1, 7) if k * frequency < sample_rate / 2]
        tone = sum(
            np.sin(2 * np.pi * k * frequency * time) / k**1.5 * np.exp(-1.5 * k**0.5 * time)
            for k in orders
        )
        tone = tone * np.minimum(1, time / 0.01) * np.clip((length + 0.3 - time) / 0.3, 0, 1)
        start = round(first * step * sample_rate)
        sound[start : start + len(tone)] += tone
    return (0.9 * sound / max(1e-9, np.abs(sound).max())).astype("float32")


def _notes(piece, merge):
    """Yield (voice, first step, last step, pitch); `merge` joins repeated pitches into one note."""
    if isinstance(piece, np.ndarray) and piece.dtype != object:
        rows = [[(v, int(p)) for v, p in enumerate(step) if p >= 0] for step in piece]
    else:
        rows = [[(0, int(p)) for p in step] for step in piece]
    sounding = {}
    for i, row in enumerate([*rows, []]):
        now = set(row)
        for key in [key for key in sounding if key not in now or not merge]:
            yield key[0], sounding.pop(key), i, key[1]
        for key in now:
            sounding.setdefault(key, i)


def _pitches(piece):
    if isinstance(piece, np.ndarray):
        return piece[piece >= 0].ravel()
    return np.array([pitch for step in piece for pitch in step], "int64")


def _voices(piece, voices):
    """Return a piece as (steps, voices) of its highest notes, or unchanged if `voices` is None."""
    if isinstance(piece, np.ndarray):
        if piece.ndim != 2 or piece.dtype.kind not in "iu":
            raise ValueError(
                f"A piece must be whole numbers (steps, voices). Received: {piece.dtype} of shape "
                f"{piece.shape}"
            )
        return piece.astype("int64") if voices is None else piece.astype("int64")[:, :voices]
    steps = [sorted({int(pitch) for pitch in step}) for step in piece]
    if voices is None:
        return steps
    made = np.full((len(steps), voices), -1)
    for row, step in zip(made, steps, strict=True):
        highest = step[::-1][:voices]
        row[: len(highest)] = highest
    return made


def _json_pieces(path):
    try:
        content = json.loads(path.read_bytes())
        parts = content if isinstance(content, dict) else {"all": content}
        raw = {}
        for key, pieces in parts.items():
            name = split_of(key) or key
            raw[name] = [[[int(p) for p in step] for step in piece] for piece in pieces]
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"'{path}' must hold pieces, each a list of steps, each a list of MIDI "
            f"pitches: {error}."
        ) from error
    return raw if "train" in raw else {"all": [p for pieces in raw.values() for p in pieces]}


def _array_pieces(path):
    arrays, raw = load_arrays(path), {}
    for name, words in SPLITS.items():
        for word in words:
            if word in arrays:
                lengths = arrays.get(f"{word}_length")
                raw[name] = _cut(arrays[word], lengths)
    if "train" in raw:
        return raw
    values = next((arrays[n] for n in ("x", "samples", "arr_0") if n in arrays), None)
    if values is None:
        raise ValueError(f"'{path}' must hold `train` or `x`. Received: {', '.join(arrays)}")
    lengths = arrays.get("lengths", arrays.get("x_length"))
    if values.ndim == 3:
        lengths = [len(piece) for piece in values] if lengths is None else lengths
        return {"all": [piece[:n] for piece, n in zip(values, lengths, strict=True)]}
    return {"all": _cut(values, lengths)}


def _cut(values, lengths):
    if lengths is None:
        return [values]
    if np.sum(lengths) != len(values):
        raise ValueError(
            f"The lengths of pieces must add up. Received: {np.sum(lengths)} of {len(values)} steps"
        )
    return np.split(values, np.cumsum(lengths)[:-1])


def _read_folder(folder, steps_per_quarter, voices, strict):
    raw, groups, skipped, files, said = {}, {}, [], [], Counter()

    def read(file):
        return read_midi(file, steps_per_quarter, voices, said)

    for name, path in data_folders(folder, MIDI_SUFFIXES).items():
        here = list_files(path, MIDI_SUFFIXES)
        found, wrong = read_files(here, read, folder)
        files, skipped, raw[name] = files + here, skipped + wrong, list(found.values())
        groups[name] = {"file": np.array([str(file.relative_to(folder)) for file in found])}
    if not files:
        raise ValueError(f"'{folder}' holds no MIDI files.")
    if not any(raw.values()):
        raise ValueError(f"None of the {len(files)} MIDI files can be read: {skipped[0]}")
    report_skipped(tuple(skipped), strict, "MIDI files")
    for what, count in said.items():
        if count:
            warn(f"{count} {what}.")
    digest = fingerprint_files(files, folder)
    made = music_reading(raw, digest, steps_per_quarter, tuple(skipped), groups)
    made.files = files
    return made


def _mido():
    try:
        import mido
    except ImportError as error:
        raise ValueError("MIDI files need mido: pip install 'genai_basics[music]'.") from error
    return mido
