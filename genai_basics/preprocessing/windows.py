"""Series as windows: the past steps for the network and the following steps to forecast."""

import keras
import numpy as np
from keras import ops

from .base import Preprocessor

__all__ = ["Slices", "Windows"]

LEAST_SPREAD = 0.05  # minimum spread of a window, relative to that of the series


class Slices:
    """Windows of one width over an array of steps, indexed like an array (n, width, ...).

    Only the indexed windows are copied: `slices[rows]`.

    Args:
        flat: Array (steps, ...).
        starts: The first step of each window, (n,).
        width: Steps per window.

    Example:

    >>> Slices(np.arange(6), np.array([0, 2]), 3)[np.array([1])]
    array([[2, 3, 4]])
    """

    def __init__(self, flat, starts, width):
        self.flat, self.starts, self.width = flat, starts, width
        self.shape, self.dtype = (len(starts), width, *flat.shape[1:]), flat.dtype

    def __len__(self):
        return len(self.starts)

    def __getitem__(self, rows):
        return self.flat[self.starts[rows][..., None] + np.arange(self.width)]


@keras.saving.register_keras_serializable(package="genai_basics")
class Windows(Preprocessor):
    """Series (time, channels) as windows of the past and the steps to forecast.

    Prepared data are `{"history": (n, window, channels), "targets": (n, horizon, targets),
    "future": (n, horizon, known)}`, one example for each step that can be forecast from.

    Args:
        columns: Names of the channels.
        targets: Names of the channels to forecast.
        known: Names of the channels that are known ahead.
        window: Number of past steps.
        horizon: Number of steps to forecast.
    """

    def __init__(self, columns, targets, known, window, horizon, **kwargs):
        super().__init__(**kwargs)
        self.columns, self.targets, self.known = tuple(columns), tuple(targets), tuple(known)
        self.window, self.horizon = window, horizon
        self.target_places = np.array([self.columns.index(name) for name in self.targets])
        self.known_places = np.array([self.columns.index(name) for name in self.known], int)
        self.target_of = [self.targets.index(c) if c in self.targets else -1 for c in self.columns]
        shape, fixed = (len(self.columns),), {"trainable": False}
        self.mean = self.add_weight(name="mean", shape=shape, initializer="zeros", **fixed)
        self.spread = self.add_weight(name="spread", shape=shape, initializer="ones", **fixed)
        self.built = True

    def get_config(self):
        names = ("columns", "targets", "known", "window", "horizon")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def adapt(self, x, y=None):
        """Set mean and standard deviation of each channel."""
        values = np.concatenate(self.series(x))
        spread = values.std(axis=0)
        self.mean.assign(values.mean(axis=0))
        self.spread.assign(np.where(spread > 0, spread, 1.0))

    def prepare(self, x, y=None):
        """Return the windows of one or several series; y says whether each step counts."""
        series, places = self.places(x, y)
        begins = np.cumsum([0, *map(len, series[:-1])])
        flat, starts = np.concatenate(series), begins[places[:, 0]] + places[:, 1]
        return {
            "history": Slices(flat, starts - self.window, self.window),
            "targets": Slices(flat[:, self.target_places], starts, self.horizon),
            "future": Slices(flat[:, self.known_places], starts, self.horizon),
        }

    def call(self, x):
        """Return `window`, `level` and `future` for the network, next to `history` and `scale`.

        Targets are standardized by the window's mean and standard deviation, which are given in
        `level`, standardized by the series; other channels are standardized by the series.
        """
        history = ops.cast(x["history"], "float32")
        targets = ops.take(history, self.target_places, axis=2)
        mean, spread = (ops.take(v, self.target_places) for v in (self.mean, self.spread))
        level = ops.mean(targets, axis=1, keepdims=True)
        scale = ops.sqrt(ops.var(targets, axis=1, keepdims=True) + (LEAST_SPREAD * spread) ** 2)
        own = np.array(self.target_of) >= 0
        shift, unit = (
            ops.where(own, ops.take(of_window, np.maximum(self.target_of, 0), axis=2), of_series)
            for of_window, of_series in ((level, self.mean), (scale, self.spread))
        )
        where = [(level[:, 0] - mean) / spread, ops.log(scale[:, 0] / spread)]
        mean, spread = (ops.take(v, self.known_places) for v in (self.mean, self.spread))
        return {
            "window": (history - shift) / unit,
            "level": ops.concatenate(where, axis=1),
            "future": (ops.cast(x["future"], "float32") - mean) / spread,
            "history": history,
            "scale": scale,
        }

    def future(self, x, n):
        """Check and return the known channels of the next `horizon` steps of n series."""
        shape = (n, self.horizon, len(self.known))
        if x is None and not self.known:
            return np.zeros(shape, "float32")
        if x is None or np.shape(x) != shape:
            got = None if x is None else np.shape(x)[1:]
            raise ValueError(
                f"`future` must hold {', '.join(self.known) or 'nothing'} of the next "
                f"{self.horizon} steps: shape {shape[1:]}. Received: {got}"
            )
        x = np.asarray(x, "float32")
        if not np.isfinite(x).all():
            raise ValueError(
                f"`future` must hold finite numbers. Received: {', '.join(self.known)} with gaps"
            )
        return x

    def series(self, x):
        """Check raw x and return it as a list of float32 arrays (time, channels)."""
        many = isinstance(x, (list, tuple)) and len(x) and np.ndim(x[0]) > 0
        many = many or (hasattr(x, "ndim") and x.ndim == 3)
        return [self._checked(np.asarray(one)) for one in (x if many else [x])]

    def _checked(self, one):
        one = one[:, None] if one.ndim == 1 else one
        if one.ndim != 2 or one.shape[1] != len(self.columns):
            raise ValueError(
                f"a series must have the channels {', '.join(self.columns)}: shape (time, "
                f"{len(self.columns)}). Received: shape {one.shape}"
            )
        if not np.issubdtype(one.dtype, np.number) or not np.isfinite(one.astype("float64")).all():
            raise ValueError(
                "a series must hold finite numbers: fill gaps first. "
                f"Received: {one.dtype} with gaps or words"
            )
        return one.astype("float32")

    def places(self, x, y=None):
        """Return `(series, places)`: `[index of the series, step]` of each first step to forecast.

        All `horizon` steps from there on are in the series and count.
        """
        series = self.series(x)
        counts = [np.ones(len(s), bool) for s in series] if y is None else self._counted(series, y)
        places = []
        for i, (one, counted) in enumerate(zip(series, counts, strict=True)):
            steps = np.arange(self.window, len(one) - self.horizon + 1)
            before = np.concatenate([[0], np.cumsum(~counted)])
            steps = steps[before[steps + self.horizon] == before[steps]]
            places.append(np.stack([np.full(len(steps), i), steps], axis=1))
        places = np.concatenate(places)
        if not len(places):
            raise ValueError(
                f"a series must have at least window + horizon = {self.window} + {self.horizon} "
                "steps: build with a smaller `window` or `horizon`. "
                f"Received: {max(map(len, series))} steps"
            )
        return series, places

    def _counted(self, series, y):
        y = list(y) if isinstance(y, (list, tuple)) and np.ndim(y[0]) else [y]
        y = [np.asarray(one).astype(bool).ravel() for one in y]
        if [len(one) for one in y] != [len(one) for one in series]:
            raise ValueError(
                "y must say of each step whether to forecast it. "
                f"Received: {len(y[0])} for {len(series[0])} steps"
            )
        return y
