"""Sounds as waves of any length."""

import keras
import numpy as np
from keras import ops

from .base import Preprocessor

__all__ = ["Waves"]


@keras.saving.register_keras_serializable(package="genai_basics")
class Waves(Preprocessor):
    """Sounds of any length: a list of float arrays in [-1, 1], or an array (n, samples).

    A batch becomes a dict: `samples` (batch, time), cut to the longest clip of the batch, and
    `length` (batch,), in samples. Integers are read as 16-bit samples; (time, 2) is averaged.

    Args:
        sample_rate: Samples per second.
        max_seconds: Longer clips are cut.
    """

    def __init__(self, sample_rate, max_seconds=30.0, **kwargs):
        super().__init__(**kwargs)
        self.sample_rate, self.max_seconds = sample_rate, max_seconds
        self.built = True

    @property
    def shape(self):
        """Shape of one prepared example, with `None` for axes of any length."""
        return {"samples": (None,), "length": ()}

    def prepare(self, x):
        if hasattr(x, "keys"):
            return {name: np.asarray(x[name]) for name in ("samples", "length")}
        clips = [self._clip(clip) for clip in x]
        length = np.array([len(clip) for clip in clips], "int32")
        samples = np.zeros((len(clips), int(length.max(initial=1))), "float32")
        for row, clip in zip(samples, clips, strict=True):
            row[: len(clip)] = clip
        return {"samples": samples, "length": length}

    def _clip(self, clip):
        clip = np.asarray(clip)
        if clip.dtype.kind in "iu":
            clip = clip.astype("float32") / 2 ** (8 * clip.dtype.itemsize - 1)
        if clip.ndim == 2:
            clip = clip.mean(axis=int(clip.shape[1] <= clip.shape[0]))
        if clip.ndim != 1 or not len(clip):
            raise ValueError(f"a clip must be an array (samples,). Received: shape {clip.shape}")
        if not np.isfinite(clip).all():
            raise ValueError("a clip must be finite. Received: a clip with NaN or infinity")
        return clip[: round(self.max_seconds * self.sample_rate)].astype("float32")

    def call(self, x):
        samples = ops.cast(x["samples"], "float32")
        return {"samples": samples[:, : ops.max(x["length"])], "length": x["length"]}

    def get_config(self):
        config = {"sample_rate": self.sample_rate, "max_seconds": self.max_seconds}
        return {**super().get_config(), **config}
