"""Arrays of numbers: pictures, vectors, series, clips."""

import keras
import numpy as np
from keras import ops

from .base import Preprocessor, fit_scaling

__all__ = ["Numbers"]

ADAPT_ON = 10_000  # examples: more do not move a mean


@keras.saving.register_keras_serializable(package="genai_basics")
class Numbers(Preprocessor):
    """Arrays: pictures, vectors, series, clips. Each channel is standardized.

    Args:
        shape: Shape of one example, `None` for a time that differs: shorter series are filled
            up with NaN, which becomes the mean.
    """

    def __init__(self, shape, **kwargs):
        super().__init__(**kwargs)
        self.shape = tuple(shape)
        self.checked = None not in self.shape  # what was filled up is NaN
        self.scaling = keras.layers.Normalization(axis=-1)
        self.scaling.build((None, *self.shape))
        self.built = True

    def shape_of_one(self):
        return self.shape

    def adapt(self, x):
        x = x[:: max(1, len(x) // ADAPT_ON)]
        fit_scaling(self.scaling, self.prepare(x))

    def prepare(self, x):
        if isinstance(x, (list, tuple)):
            x = self._stacked([np.asarray(one) for one in x])
        elif not hasattr(x, "shape"):
            x = np.asarray(x)
        if len(x.shape) == len(self.shape) and self.shape[-1] == 1 and len(self.shape) > 1:
            x = np.asarray(x)[..., None]  # grey pictures, series of one channel
        return x

    def _stacked(self, items):
        shapes = {one.shape for one in items}
        if len(shapes) == 1 or not items:
            return np.stack(items) if items else np.zeros((0, *(s or 1 for s in self.shape)))
        if self.shape[0] is not None or len({shape[1:] for shape in shapes}) > 1:
            raise ValueError(
                f"x must hold arrays of one shape, {self.shape}. Received: {sorted(shapes)[:3]}"
            )
        length = max(len(one) for one in items)
        rest = [(0, 0)] * (items[0].ndim - 1)
        filled = [
            np.pad(one.astype("float32"), [(0, length - len(one)), *rest], constant_values=np.nan)
            for one in items
        ]
        return np.stack(filled)

    def call(self, x):
        x = self.scaling(ops.cast(x, "float32"))
        if self.shape[0] is None:
            x = ops.where(ops.isnan(x), 0.0, x)
        return x

    def get_config(self):
        return {**super().get_config(), "shape": self.shape}
