"""Reads and writes sound files with soundfile (libsndfile)."""

import io
import math
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import limits
from ..warning import warn

__all__ = ["SOUND_SUFFIXES", "Sound", "read_sound", "resample", "write_wav"]

SOUND_SUFFIXES = (
    *(".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au"),
    *(".caf", ".w64", ".rf64"),
)
RATES = (100, 2**20)  # samples per second
BLOCK = 2**20  # frames read at a time, since headers may declare more than there are
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
    limits.regular(path)
    try:
        with soundfile.SoundFile(_mended(path)) as file:
            if not RATES[0] <= file.samplerate <= RATES[1]:
                raise ValueError(f"its rate is {file.samplerate:,} samples per second")
            rate, floats = file.samplerate, file.subtype in ("FLOAT", "DOUBLE")
            limits.check("samples", file.frames * file.channels, path)
            blocks, count = [], 0  # decoders of OGG and MP3 overshoot
            while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):
                count += block.size
                limits.check("samples", count, path)
                blocks.append((block if floats else block.clip(-1, 1)).mean(axis=1))
                if not np.isfinite(block).all():
                    raise ValueError("it holds NaN or infinite samples")
    except (soundfile.SoundFileError, RuntimeError, ValueError, TypeError, OSError) as error:
        why = str(getattr(error, "error_string", None) or error).removeprefix(f"'{path}' ")
        why = " ".join(why.split())[:200].rstrip(".")
        raise ValueError(f"'{path}' cannot be read as sound: {why}.") from error
    if not blocks:
        raise ValueError(f"'{path}' holds no samples")
    samples = np.concatenate(blocks)
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
                warn(f"'{path}' is truncated; the part that exists was read.")
            return path
        file.seek(0)
        content = bytearray(file.read(4 * limits.get("samples")))
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
