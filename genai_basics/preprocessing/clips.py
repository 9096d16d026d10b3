"""Sound clips of one length."""

import keras
import numpy as np

from .numbers import Numbers

__all__ = ["Clips"]


@keras.saving.register_keras_serializable(package="genai_basics")
class Clips(Numbers):
    """Sound clips of any length as (n, samples, 1), cut or padded with silence."""

    def as_array(self, x):
        if hasattr(x, "shape"):
            return x[..., None] if x.ndim == 2 else x
        array = np.zeros((len(x), *self.shape), "float32")
        for row, clip in zip(array, x, strict=True):
            clip = np.asarray(clip, "float32").reshape(-1)[: len(row)]
            row[: len(clip), 0] = clip
        return array
