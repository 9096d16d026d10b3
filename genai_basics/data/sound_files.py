"""Reads and writes sound files with soundfile (libsndfile)."""

import io
import math
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

__all__ = ["SOUND_SUFFIXES", "Sound", "read_sound", "resample", "write_wav"]

SOUND_SUFFIXES = (
    *(".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au"),
    *(".caf", ".w64", ".rf64"),
)
MOST = 2**28  # samples per file, 1 GiB: the header is checked before memory is allocated
UNKNOWN = 0x7FFFF000  # larger sizes are placeholders that programs write into a pipe


@dataclass
class Sound:
    """The samples of a file, float32 mono.

    Attributes:
        samples: As stored in the file: in [-1, 1], or beyond it in files of floats.
        rate: Samples per second.
        floats: Whether the file holds floats.
        peak: The largest absolute sample.
    """

    samples: np.ndarray
    rate: int
    floats: bool
    peak: float

    def at(self, rate, full_scale=None):
        """Return the samples at another rate; floats are divided by `full_scale`."""
        full_scale = full_scale or full_scale_of(self.peak)
        samples = self.samples / np.float32(full_scale) if self.floats else self.samples
        return resample(samples, self.rate, rate)


def full_scale_of(peak):
    """Return the smallest power of two that is at least `peak` and at least 1."""
    return 2.0 ** max(0, math.ceil(math.log2(peak))) if peak > 0 else 1.0


def read_sound(path):
    """Return the `Sound` in a file; channels are averaged.

    It reads what libsndfile supports: WAV of all types (also those written into pipes), FLAC,
    OGG, MP3, AIFF, AU.

    Raises:
        ValueError: The file is broken, holds no sound, or does not fit into memory.
    """
    import soundfile

    path = Path(path)
    if not path.is_file():
        raise ValueError(f"'{path}' is not a file.")
    try:
        with soundfile.SoundFile(_mended(path)) as file:
            if file.frames * file.channels > MOST:
                raise ValueError(f"its header claims {file.frames:,} samples, which is too many")
            samples = file.read(file.frames, dtype="float32", always_2d=True)
            rate, floats = file.samplerate, file.subtype in ("FLOAT", "DOUBLE")
    except (soundfile.SoundFileError, RuntimeError, ValueError, TypeError, OSError) as error:
        why = getattr(error, "error_string", None) or str(error)
        raise ValueError(f"'{path}' cannot be read as sound: {why.rstrip('.')}.") from error
    if not len(samples):
        raise ValueError(f"'{path}' holds no samples")
    if not np.isfinite(samples).all():
        raise ValueError(f"'{path}' holds NaN or infinite samples")
    samples = samples if floats else samples.clip(-1, 1)  # decoders of OGG and MP3 overshoot
    samples = samples.mean(axis=1)
    return Sound(samples, rate, floats, float(np.abs(samples).max()))


def _mended(path):
    """Return the path, or for a WAV written into a pipe its content with the size corrected."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(4) != b"RIFF" or size < 12:
            return path
        file.seek(12)
        while len(head := file.read(8)) == 8:
            name, length = head[:4], struct.unpack("<I", head[4:])[0]
            start = file.tell()
            if name == b"data":
                break
            file.seek(start + length + length % 2)
        else:
            return path
        rest = size - start
        if length == 0 and rest and file.read(4) not in (b"LIST", b"id3 ", b"bext", b"fact"):
            length = UNKNOWN
        if length < UNKNOWN or rest >= length:
            if length > rest:
                warnings.warn(
                    f"'{path}' is truncated; the part that exists was read.", stacklevel=4
                )
            return path
        file.seek(0)
        content = bytearray(file.read(MOST * 4))
    content[4:8] = struct.pack("<I", min(size - 8, 2**32 - 1))
    content[start - 4 : start] = struct.pack("<I", min(rest, 2**32 - 1))
    return io.BytesIO(content)


def resample(samples, rate, wanted):
    """Resample `samples` to another rate with a polyphase filter."""
    if rate == wanted:
        return samples
    from scipy.signal import resample_poly

    common = math.gcd(int(rate), int(wanted))
    return resample_poly(samples, wanted // common, rate // common).astype("float32")


def write_wav(path, samples, sample_rate):
    """Write mono samples in [-1, 1] as 16-bit PCM; values outside are clipped."""
    import soundfile

    pcm = (np.clip(samples, -1, 1) * 32767).round().astype("int16")
    soundfile.write(path, pcm, int(sample_rate), format="WAV", subtype="PCM_16")
