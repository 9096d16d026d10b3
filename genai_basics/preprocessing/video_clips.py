"""Short video clips of one length."""

import keras
import numpy as np

from .numbers import Numbers

__all__ = ["VideoClips"]


@keras.saving.register_keras_serializable(package="genai_basics")
class VideoClips(Numbers):
    """Clips (frames, height, width, channels), as `Numbers`; frames beyond `shape` are cut off."""

    def as_array(self, x):
        if isinstance(x, (list, tuple)):
            shapes = sorted({np.shape(clip) for clip in x})
            if len(shapes) > 1:
                raise ValueError(
                    "clips must have one shape: cut them to one length and size. "
                    f"Received: shapes {', '.join(map(str, shapes[:4]))}"
                )
        x = super().as_array(x)
        if not len(x):
            raise ValueError("x must hold at least one example. Received: an empty array")
        return x[:, : self.shape[0]] if len(x.shape) == 5 and x.shape[1] > self.shape[0] else x
