"""Arrays of numbers: pictures, vectors, series, clips."""

import keras
import numpy as np
from keras import ops

from ..warning import warn
from .base import Preprocessor, Scaling

__all__ = ["Numbers"]

ADAPT_ON = 10_000  # examples: more hardly change a mean


@keras.saving.register_keras_serializable(package="genai_basics")
class Numbers(Preprocessor):
    """Arrays of one shape, mapped to a range or standardized per channel.

    Args:
        shape: Shape of one example, with `None` for a time axis of varying length: shorter
            series are padded with NaN, which becomes the mean.
        value_range: `(low, high)` of raw data; a warning is issued if they exceed it.
        network_range: The range to which `value_range` is mapped. `None` standardizes each
            channel to mean 0 and variance 1, after `adapt`.
        reach: How far raw data may exceed `value_range` without a warning, as a fraction of it.
    """

    def __init__(self, shape, value_range=None, network_range=None, reach=0.0, **kwargs):
        super().__init__(**kwargs)
        self.shape = tuple(shape)
        self.value_range = None if value_range is None else tuple(value_range)
        self.network_range = None if network_range is None else tuple(network_range)
        self.reach = reach
        self.scaling = None
        if self.value_range is None or self.network_range is None:
            self.scaling = Scaling(self.shape[-1])
        self.built = True

    def raw(self, x):
        if None in self.shape:  # `adapt` takes series before they are filled up
            return x
        x = self.as_array(x)
        self._check_shape(x)
        return x

    def adapt(self, x, y=None):
        if self.scaling is not None:
            self.scaling.adapt(self.as_array(x[:: max(1, len(x) // ADAPT_ON)]))

    def prepare(self, x):
        x = self.as_array(x)
        self._check(x)
        return x

    def call(self, x):
        x = ops.cast(x, "float32")
        if self.scaling is not None:
            x = self.scaling(x)
            return ops.where(ops.isnan(x), 0.0, x) if None in self.shape else x
        (low, high), (start, stop) = self.value_range, self.network_range
        return (x - low) * ((stop - start) / (high - low)) + start

    def invert(self, outputs):
        return ops.convert_to_numpy(self.restored(outputs))

    def restored(self, outputs):
        """Convert outputs of a network to tensors in the units of raw data."""
        outputs = ops.cast(outputs, "float32")
        if self.scaling is not None:
            return self.scaling.inverse(outputs)
        (low, high), (start, stop) = self.value_range, self.network_range
        outputs = ops.clip((outputs - start) / (stop - start), 0.0, 1.0) * (high - low) + low
        return ops.cast(ops.round(outputs), "uint8") if (low, high) == (0, 255) else outputs

    @property
    def deviation(self):
        """Standard deviation of each channel of raw data."""
        return ops.convert_to_numpy(self.scaling.deviation)

    def as_array(self, x):
        if isinstance(x, (list, tuple)):
            x = self._stacked([np.asarray(one) for one in x])
        elif not hasattr(x, "shape"):
            x = np.asarray(x)
        if len(x.shape) == len(self.shape) and self.shape[-1] == 1 and len(self.shape) > 1:
            x = np.asarray(x)[..., None]  # grey pictures or series of one channel
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

    def _check_shape(self, x):
        if len(x.shape) != len(self.shape) + 1 or any(
            want not in (None, got) for want, got in zip(self.shape, x.shape[1:], strict=True)
        ):
            raise ValueError(
                f"x must have shape (n, {', '.join(map(str, self.shape))}). "
                f"Received: x of shape ({', '.join(map(str, x.shape))})"
            )

    def _check(self, x):
        self._check_shape(x)
        if np.dtype(x.dtype).kind not in "fiub":
            raise ValueError(f"x must hold real numbers. Received: x of dtype {x.dtype}")
        if not isinstance(x, np.ndarray) or None in self.shape or not x.size:
            return  # files are checked when read; padding is NaN
        if np.issubdtype(x.dtype, np.floating) and not np.isfinite(x).all():
            raise ValueError(
                "x must be finite: replace NaN and infinity first. "
                f"Received: x with {int((~np.isfinite(x)).sum())} such numbers"
            )
        if self.value_range is not None:
            self._check_range(float(x.min()), float(x.max()))

    def _check_range(self, low, high):
        start, stop = self.value_range
        width = stop - start
        beyond = self.reach * width
        low, high = max(low, min(start, low + beyond)), min(high, max(stop, high - beyond))
        outside = low < start - 0.01 * width or high > stop + 0.01 * width
        if outside or (high - start <= width / 200 and high > low):
            warn(
                f"x lies in [{low:g}, {high:g}], which does not fit value_range=({start:g}, "
                f"{stop:g}): pass the range of your data as `value_range`"
            )

    def get_config(self):
        names = ("shape", "value_range", "network_range", "reach")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
