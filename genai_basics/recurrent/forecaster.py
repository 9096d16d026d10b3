"""Forecasting one or many series: a recurrent network that gives quantiles of all steps at once
(multi-horizon quantile recurrent forecaster, Wen et al., 2017, https://arxiv.org/abs/1711.11053).

A window of the past goes in, scaled by its own mean and spread; out come, for each of the next
`horizon` steps, quantiles of what will be, learned by the pinball loss
max(q (y - f), (q - 1) (y - f)). At the end of training, steps held out for validation say how
much wider or narrower the quantiles must lie for the outer band to cover what it says
(conformalized quantile regression, Romano et al., 2019, https://arxiv.org/abs/1905.03222).
"""

import dataclasses

import keras
import numpy as np
from keras import layers, ops

from .. import metrics, plotting
from ..backend import drawn, gradient_step
from ..evaluation import Errors
from ..layers.cells import recurrent_layer
from ..model import Model

__all__ = ["Forecaster", "build_forecaster"]

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
LEAST_SPREAD = 0.05  # of the whole series', for a window that is flat


def build_forecaster(
    columns=("x0",),
    targets=None,
    *,
    horizon=12,
    window=None,
    season=1,
    calendar=(),
    known=(),
    quantiles=QUANTILES,
    units=64,
    num_layers=1,
    cell="gru",
    dropout=0.1,
    seed=None,
):
    """Build a forecaster of series. Then `compile()`, `fit(series)` and `forecast(history)`.

    Args:
        columns: Names of the channels of a series.
        targets: Names of those to forecast. `None`: all.
        horizon: Steps to forecast.
        window: Steps of the past that the network sees. `None`: a season or two horizons,
            the longer, at least 24.
        season: Steps after which the series resembles itself; 1 where it does not.
        calendar: Names of the channels that say where in day, week or year a step lies.
        known: Names of the channels that are known ahead, as holidays, prices or those of the
            calendar are: `forecast(history, future=...)` is then told them.
        quantiles: Which quantiles to forecast, 0.5 among them.
        units: Size of each recurrent layer.
        num_layers: Recurrent layers.
        cell: `"gru"` or `"lstm"`.
        dropout: Share of the recurrent layers' outputs that training leaves out.
        seed: Seed of weights, noise and the order of data. `None` draws a fresh one.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> import numpy as np
    >>> from genai_basics import build_forecaster
    >>> series = np.sin(np.arange(200) / 4)
    >>> model = build_forecaster(horizon=6, units=8, seed=0)
    >>> model.compile()
    >>> history = model.fit(series, epochs=1, verbose=0)
    >>> model.forecast(series).shape
    (6, 5)
    """
    columns, quantiles = tuple(columns), tuple(sorted(quantiles))
    targets = columns if targets is None else tuple(targets)
    for name, value in (("horizon", horizon), ("season", season), ("units", units)):
        if value < 1:
            raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}")
    for name, value in (("targets", targets), ("calendar", calendar), ("known", known)):
        unknown = sorted(set(value) - set(columns))
        if unknown:
            raise ValueError(
                f"`{name}` must be among `columns`, {', '.join(columns)}. "
                f"Received: {', '.join(unknown)}"
            )
    if 0.5 not in quantiles or len(quantiles) < 2 or not all(0 < q < 1 for q in quantiles):
        raise ValueError(
            "`quantiles` must lie between 0 and 1 and hold 0.5 and one other at least. "
            f"Received: quantiles={quantiles}"
        )
    window = window or max(season, 2 * horizon, 24)
    network = _network(
        window, len(columns), horizon, len(targets), len(known), len(quantiles),
        units, num_layers, cell, dropout, seed,
    )  # fmt: skip
    return Forecaster(
        network,
        columns,
        targets,
        season=season,
        calendar=calendar,
        known=known,
        quantiles=quantiles,
        seed=seed,
        name="forecaster",
    )


def _network(
    window, columns, horizon, targets, known, quantiles, units, num_layers, cell, dropout, seed
):
    """Return the network of numbers: [history, level(, future)] -> [median, gaps]."""
    seeds = keras.random.SeedGenerator(seed)

    def dense(units, **kwargs):
        return layers.Dense(
            units, kernel_initializer=keras.initializers.GlorotUniform(seeds), **kwargs
        )

    history = keras.Input((window, columns), name="history")
    level = keras.Input((2 * targets,), name="level")
    inputs = [history, level]
    x = history
    for i in range(num_layers):
        x = recurrent_layer(cell, units, seeds, return_sequences=i < num_layers - 1)(x)
    parts = [layers.Dropout(dropout, seed=seed)(x), level]
    if known:
        inputs.append(keras.Input((horizon, known), name="future"))
        parts.append(layers.Flatten()(inputs[-1]))
    joined = layers.Concatenate()(parts)
    size = horizon * targets
    # What is linear in the window comes by itself, what is not through the recurrent layers.
    linear = layers.Dense(size, kernel_initializer="zeros", name="linear")(
        layers.Flatten()(history)
    )
    centre = layers.Add()([linear, dense(size)(dense(units, activation="relu")(joined))])
    gaps = dense(size * (quantiles - 1), activation="softplus", bias_initializer="zeros")(joined)
    return keras.Model(
        inputs,
        [
            layers.Reshape((horizon, targets))(centre),
            layers.Reshape((horizon, targets, quantiles - 1))(gaps),
        ],
        name="network",
    )


@keras.saving.register_keras_serializable(package="genai_basics")
class Forecaster(Model):
    """A network `[history, level(, future)] -> [median, gaps between quantiles]` on raw series.

    Args:
        network: A Functional model, see `build_forecaster`.
        columns, targets, season, calendar, known, quantiles: As in `build_forecaster`.
    """

    batch_size = 64
    learning_rate = 2e-3
    tracked = ("mae",)
    loss_keyword = "`quantiles` of build_forecaster"

    def __init__(
        self,
        network,
        columns,
        targets,
        *,
        season=1,
        calendar=(),
        known=(),
        quantiles=QUANTILES,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.network = network
        self.columns, self.targets = tuple(columns), tuple(targets)
        self.season, self.calendar, self.known = season, tuple(calendar), tuple(known)
        self.quantiles = tuple(quantiles)
        self.target_places = [self.columns.index(name) for name in self.targets]
        self.known_places = [self.columns.index(name) for name in self.known]
        window, channels = network.inputs[0].shape[1:]
        self.window, self.horizon = window, network.outputs[0].shape[1]

        def state(name, shape, initializer="zeros"):
            return self.add_weight(name=name, shape=shape, initializer=initializer, trainable=False)

        self.mean, self.spread = state("mean", (channels,)), state("spread", (channels,), "ones")
        self.naive_error = state("naive_error", (len(targets),), "ones")  # the denominator of MASE
        self.anchor = state("anchor", (3,))  # weights of the last value, last season, window's mean
        self.coupling = state("coupling", ())  # of the errors of one step and the next
        self.widening = state("widening", (len(targets),), "ones")  # of the band, by `finalize`
        self.last_window = state("last_window", (window, channels))
        self.built = True

    def default_optimizer(self):
        return keras.optimizers.AdamW(
            self.peak_learning_rate, weight_decay=1e-2, global_clipnorm=1.0
        )

    # Data: series (time, channels), and for each step whether it counts.

    def series(self, x):
        """Return raw x as a list of float32 arrays (time, channels), checked."""
        many = isinstance(x, (list, tuple)) and len(x) and np.ndim(x[0]) > 0
        many = many or (hasattr(x, "ndim") and x.ndim == 3)
        found = []
        for one in x if many else [x]:
            one = np.asarray(one)
            one = one[:, None] if one.ndim == 1 else one
            if one.ndim != 2 or one.shape[1] != len(self.columns):
                raise ValueError(
                    f"a series must have the channels {', '.join(self.columns)}: shape (time, "
                    f"{len(self.columns)}). Received: shape {one.shape}"
                )
            if (
                not np.issubdtype(one.dtype, np.number)
                or not np.isfinite(one.astype("float64")).all()
            ):
                raise ValueError(
                    "a series must hold finite numbers: fill gaps first. "
                    f"Received: {one.dtype} with gaps or words"
                )
            found.append(one.astype("float32"))
        return found

    def origins(self, x, y=None):
        """Return `(series, number of the series, step)` of all places to forecast from."""
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
            longest = max(map(len, series))
            raise ValueError(
                f"a series must have at least window + horizon = {self.window} + {self.horizon} "
                f"steps: build with a smaller `window` or `horizon`. Received: {longest} steps"
            )
        return series, places

    def _counted(self, series, y):
        y = list(y) if isinstance(y, (list, tuple)) and np.ndim(y[0]) else [y]
        y = [np.asarray(one).astype(bool).ravel() for one in y]
        if [len(one) for one in y] != [len(one) for one in series]:
            raise ValueError(
                "y must say of each step whether it is to be forecast. "
                f"Received: {len(y[0])} for {len(series[0])} steps"
            )
        return y

    def take(self, series, places):
        """Return a batch: `history`, `targets` and `future` of so many places."""
        past = [series[i][t - self.window : t] for i, t in places]
        ahead = np.stack([series[i][t : t + self.horizon] for i, t in places])
        return {
            "history": np.stack(past),
            "targets": ahead[:, :, self.target_places],
            "future": ahead[:, :, self.known_places],
        }

    def adapt(self, x, y=None):
        series, places = self.origins(x)
        values = np.concatenate(series)
        spread = values.std(axis=0)
        self.mean.assign(values.mean(axis=0))
        self.spread.assign(np.where(spread > 0, spread, 1.0))
        lag = min(self.season, min(map(len, series)) - 1)
        steps = [np.abs(s[lag:] - s[:-lag])[:, self.target_places] for s in series]
        error = np.concatenate(steps).mean(axis=0)
        self.naive_error.assign(np.where(error > 0, error, 1.0))
        self.last_window.assign(series[-1][-self.window :])
        batch = self.take(series, places[:: max(1, len(places) // 2000)])
        guesses = [ops.convert_to_numpy(guess) for guess in self.anchors(batch["history"])]
        errors = [np.abs(batch["targets"] - guess).mean() for guess in guesses]
        best = int(np.argmin(errors))
        self.anchor.assign(np.eye(3)[best])
        error = batch["targets"] - guesses[best]
        if self.horizon > 1 and error.std() > 0:
            pair = error[:, :-1].ravel(), error[:, 1:].ravel()
            self.coupling.assign(np.clip(np.corrcoef(*pair)[0, 1], 0.0, 0.99))

    def finalize(self, x, y=None, validation=None):
        """Widen the quantiles until the outer band covers held-out steps as often as it says.

        The factor c is the (1 + 1/n) p quantile, for a band of probability p, of
        max((m - y) / (m - low), (y - m) / (high - m)) over the n held-out steps y with median m;
        the band from m - c (m - low) to m + c (high - m) then covers a new step with probability
        p at least, as far as it is like those (Romano et al., 2019, with errors in widths).
        """
        self.widening.assign(np.ones(len(self.targets)))
        if validation is None:
            return
        parts = validation if isinstance(validation, tuple) else (validation,)
        targets, quantiles, _ = self.backtest(*parts[:2])
        low, median = quantiles[..., 0], quantiles[..., self.quantiles.index(0.5)]
        high = quantiles[..., -1]
        least = 1e-6 * ops.convert_to_numpy(self.spread)[self.target_places]
        below = (median - targets) / np.maximum(median - low, least)
        above = (targets - median) / np.maximum(high - median, least)
        errors = np.maximum(below, above).reshape(-1, len(self.targets))
        p = (self.quantiles[-1] - self.quantiles[0]) * (1 + 1 / len(errors))
        if p <= 1:  # fewer steps cannot tell
            self.widening.assign(np.quantile(errors, p, axis=0, method="higher"))

    def plan(self, x, y=None, batch_size=None):
        n = len(self.origins(x, y)[1])
        return max(n // min(batch_size or self.batch_size, n), 1)

    def pipeline(
        self, x, y=None, sample_weight=None, *, batch_size=None, seed=None, start=0, training=False
    ):
        series, places = self.origins(x, y)
        n = len(places)
        size = min(batch_size or self.batch_size, n)
        steps = n // size

        def draw(step):
            epoch, row = divmod(step, steps)
            order = np.arange(n)
            if seed is not None:
                order = np.random.default_rng([seed, epoch]).permutation(n)
            return self.take(series, places[order[row * size : (row + 1) * size]])

        def in_order(step):
            return self.take(series, places[step * size : (step + 1) * size])

        return drawn(draw, start=start) if training else drawn(in_order, steps=-(-n // size))

    # The network, between the window's scale and the data's.

    def anchors(self, history):
        """Return three simple forecasts: the last value, the last season, the window's mean."""
        targets = ops.take(history, np.array(self.target_places), axis=2)
        season = self.season if self.season <= self.window else 1
        last = [self.window - season + h % season for h in range(self.horizon)]
        shape = (1, self.horizon, 1)
        return (
            ops.tile(targets[:, -1:], shape),
            ops.take(targets, np.array(last), axis=1),
            ops.tile(ops.mean(targets, axis=1, keepdims=True), shape),
        )

    def call(self, inputs, training=False):
        """Return quantiles (batch, horizon, targets, quantiles) of what follows `history`."""
        history = ops.cast(inputs["history"], "float32")
        places = np.array(self.target_places)
        targets = ops.take(history, places, axis=2)
        mean, spread = ops.take(self.mean, places), ops.take(self.spread, places)
        level = ops.mean(targets, axis=1, keepdims=True)
        scale = ops.sqrt(ops.var(targets, axis=1, keepdims=True) + (LEAST_SPREAD * spread) ** 2)
        # Targets in the window's own units; other channels in those of the whole series.
        own = np.isin(np.arange(len(self.columns)), self.target_places)
        columns = []
        for i in range(len(self.columns)):
            if own[i]:
                j = self.target_places.index(i)
                columns.append((history[:, :, i] - level[:, :, j]) / scale[:, :, j])
            else:
                columns.append((history[:, :, i] - self.mean[i]) / self.spread[i])
        where = [(level[:, 0] - mean) / spread, ops.log(scale[:, 0] / spread)]
        parts = [ops.stack(columns, axis=2), ops.concatenate(where, axis=1)]
        if self.known:
            places = np.array(self.known_places)
            future = ops.cast(inputs["future"], "float32")
            parts.append((future - ops.take(self.mean, places)) / ops.take(self.spread, places))
        centre, gaps = self.network(parts, training=training)
        anchor = sum(
            w * a for w, a in zip(ops.unstack(self.anchor, 3), self.anchors(history), strict=True)
        )
        centre = anchor + centre * scale
        gaps = gaps * scale[..., None]
        if not training:
            gaps = gaps * self.widening[:, None]
        return self.spread_out(centre, gaps)

    def spread_out(self, median, gaps):
        """Return quantiles from the median and the gaps between neighbours: they never cross."""
        middle = self.quantiles.index(0.5)
        below = ops.flip(ops.cumsum(ops.flip(gaps[..., :middle], axis=-1), axis=-1), axis=-1)
        above = ops.cumsum(gaps[..., middle:], axis=-1)
        median = ops.expand_dims(median, -1)
        return ops.concatenate([median - below, median, median + above], axis=-1)

    def losses(self, data, training=False):
        """Return the pinball loss in spreads of the series, and the median's absolute error."""
        quantiles = self(data, training=training)
        targets = ops.cast(data["targets"], "float32")
        error = ops.expand_dims(targets, -1) - quantiles
        q = np.array(self.quantiles, "float32")
        spread = ops.take(self.spread, np.array(self.target_places))
        pinball = ops.maximum(q * error, (q - 1) * error) / ops.expand_dims(spread, -1)
        median = error[..., self.quantiles.index(0.5)]
        # Means over the batch, steps, targets and quantiles alike.
        return ops.mean(pinball), ops.mean(ops.abs(median))

    def train_step(self, data):
        losses = gradient_step(
            lambda: self.losses(data, training=True), self.trainable_variables, self.optimizer
        )
        return self.track(ops.shape(data["targets"])[0], *losses)

    def test_step(self, data):
        return self.track(ops.shape(data["targets"])[0], *self.losses(data))

    # Verbs on raw data.

    def forecast(self, history, horizon=None, *, future=None):
        """Return quantiles of what follows a series: (horizon, quantiles), or with several targets
        (horizon, targets, quantiles).

        Args:
            history: Array (time,) or (time, channels); its end counts.
            horizon: How many steps, at most those that the model was built for.
            future: Array (horizon, known channels) for a model with `known`.
        """
        horizon = self.horizon if horizon is None else horizon
        if not 1 <= horizon <= self.horizon:
            raise ValueError(
                f"`horizon` must be from 1 to {self.horizon}, for which this model was built. "
                f"Received: horizon={horizon}"
            )
        future = None if future is None else [future]
        quantiles = self.predict([history], future=future)[0, :horizon]
        return quantiles[:, 0] if len(self.targets) == 1 else quantiles

    def predict(self, x, batch_size=None, verbose="auto", *, future=None, **kwargs):
        """Return quantiles (n, horizon, targets, quantiles) of what follows n histories."""
        series = self.series(x)
        short = min(map(len, series))
        if short < self.window:
            raise ValueError(
                f"a history must have at least {self.window} steps. Received: {short} steps"
            )
        batch = {"history": np.stack([one[-self.window :] for one in series])}
        batch["future"] = self._future(future, len(series))
        parts = self.map_batches(self._quantiles, batch["history"], batch["future"])
        return parts

    def _quantiles(self, history, future):
        return self({"history": history, "future": future})

    def _future(self, future, n):
        shape = (n, self.horizon, len(self.known))
        if future is None and not self.known:
            return np.zeros(shape, "float32")
        if future is None or np.shape(future) != shape:
            got = None if future is None else np.shape(future)[1:]
            raise ValueError(
                f"`future` must hold {', '.join(self.known) or 'nothing'} of the next "
                f"{self.horizon} steps: shape {shape[1:]}. Received: {got}"
            )
        future = np.asarray(future, "float32")
        if not np.isfinite(future).all():
            raise ValueError(
                f"`future` must hold finite numbers. Received: {', '.join(self.known)} with gaps"
            )
        return future

    def sample(self, n=1, *, seed=None, history=None, future=None, batch_size=None):
        """Return n paths of what may follow a series: (n, horizon) or (n, horizon, targets).

        Each step follows its quantiles; neighbouring steps err together as much as those of a
        simple forecast did in training (a Gaussian copula).

        Args:
            n: How many.
            seed: The same seed gives the same paths. `None` draws fresh ones.
            history: What they follow; the end of the training series where it is left out.
            future: As in `forecast`.
            batch_size: Has no effect.
        """
        from scipy.special import ndtr

        if n < 1:
            raise ValueError(f"`n` must be at least 1. Received: n={n}")
        if history is None:
            history = ops.convert_to_numpy(self.last_window)
        future = None if future is None else [future]
        quantiles = self.predict([history], future=future)[0]
        rng, rho = np.random.default_rng(seed), float(self.coupling)
        noise = rng.standard_normal((n, self.horizon, len(self.targets)))
        for h in range(1, self.horizon):
            noise[:, h] = rho * noise[:, h - 1] + np.sqrt(1 - rho**2) * noise[:, h]
        levels = ndtr(noise)
        paths = np.empty(levels.shape, "float32")
        for h in range(self.horizon):
            for j in range(len(self.targets)):
                paths[:, h, j] = self._between(levels[:, h, j], quantiles[h, j])
        return paths[:, :, 0] if len(self.targets) == 1 else paths

    def _between(self, levels, values):
        """Return the values at `levels`: on lines through neighbouring quantiles."""
        q, values = np.array(self.quantiles), np.asarray(values, "float64")
        found = np.interp(levels, q, values)
        if len(q) > 1:
            low, high = levels < q[0], levels > q[-1]
            slope = np.diff(values) / np.diff(q)
            found = np.where(low, values[0] + (levels - q[0]) * slope[0], found)
            found = np.where(high, values[-1] + (levels - q[-1]) * slope[-1], found)
        return found

    def backtest(self, x, y=None):
        """Return `(targets, quantiles, naive)` from rolling origins: every step that can be one.

        Shapes (origins, horizon, targets), the same with quantiles, and the last season repeated.
        """
        return self._forecasts(*self.origins(x, y))

    def _forecasts(self, series, places):
        quantiles, naive, targets = [], [], []
        compute = self.compile_once(self._backtest)
        for start in range(0, len(places), 512):
            batch = self.take(series, places[start : start + 512])
            q, guess = compute(batch["history"], batch["future"])
            quantiles.append(ops.convert_to_numpy(q))
            naive.append(ops.convert_to_numpy(guess))
            targets.append(batch["targets"])
        return tuple(np.concatenate(part) for part in (targets, quantiles, naive))

    def _backtest(self, history, future):
        return self({"history": history, "future": future}), self.anchors(history)[1]

    def _apart(self, x, y=None):
        """Return `(steps, targets, quantiles)` of forecasts that do not overlap."""
        series, places = self.origins(x, y)
        _, first, which = np.unique(places[:, 0], return_index=True, return_inverse=True)
        places = places[(places[:, 1] - places[first[which], 1]) % self.horizon == 0]
        targets, quantiles, _ = self._forecasts(series, places)
        return places[:, 1], targets, quantiles

    def losses_by_example(self, x, y=None, batch_size=None):
        """Return the pinball loss of each forecast of a horizon, (n,), one after the other.

        Mean over steps, targets and quantiles, in spreads of the series. Forecasts do not
        overlap, so that their losses count as examples of their own.
        """
        _, targets, quantiles = self._apart(x, y)
        spread = ops.convert_to_numpy(self.spread)[self.target_places]
        error, q = targets[..., None] - quantiles, np.array(self.quantiles)
        pinball = np.maximum(q * error, (q - 1) * error) / spread[:, None]
        return pinball.mean(axis=(1, 2, 3))

    def errors_of(self, x, y=None):
        """Return the median's error in each forecast, by target, over that of the season before."""
        steps, targets, quantiles = self._apart(x, y)
        error = np.abs(targets - quantiles[..., self.quantiles.index(0.5)]).mean(axis=1)
        error = error / ops.convert_to_numpy(self.naive_error)
        n, parts = error.shape[0], np.array(self.targets)
        return Errors(
            "absolute scaled error", error.ravel(), steps.repeat(len(parts)), np.tile(parts, n)
        )

    def report(self, x, y=None):
        targets, quantiles, naive = self.backtest(x, y)
        median = quantiles[..., self.quantiles.index(0.5)]
        error, scale = np.abs(targets - median), ops.convert_to_numpy(self.naive_error)
        low, high = quantiles[..., 0], quantiles[..., -1]
        band = round(100 * (self.quantiles[-1] - self.quantiles[0]))
        found = {
            "mae": error.mean(),
            "mase": (error / scale).mean(),
            "mase_seasonal_naive": (np.abs(targets - naive) / scale).mean(),
            f"coverage_{band}": metrics.coverage(targets, low, high),
            "pinball": metrics.pinball(targets, quantiles, self.quantiles),
        }
        found = {name: float(value) for name, value in found.items()}
        return found, {"mae": metrics.bootstrap_interval(error.mean(axis=(1, 2)))}

    def reads(self, spec):
        return dataclasses.replace(spec, known=self.known, ahead=self.horizon if self.known else 0)

    def answer(self, x):
        """Forecast each series; with `known`, its last `horizon` steps are those to forecast."""
        future, times = None, None
        if hasattr(x, "following"):
            times = x.following(self.horizon)
        if self.known:
            future = np.stack([one[-self.horizon :][:, self.known_places] for one in x])
            x = [one[: -self.horizon] for one in x]
        quantiles = self.predict(x, future=future)
        rows = []
        for i, one in enumerate(quantiles):
            at = times[i] if times else None
            dated = [
                {"step": h + 1, **({"time": at[h]} if at else {})} for h in range(self.horizon)
            ]
            rows.append([{**row, **self._row(one[h])} for h, row in enumerate(dated)])
        return rows, quantiles[..., self.quantiles.index(0.5)].reshape(-1, len(self.targets))

    def _row(self, quantiles):
        """Return the quantiles (targets, quantiles) of a step under their names."""
        return {
            f"{name}_{q:g}": float(quantiles[j, k])
            for j, name in enumerate(self.targets)
            for k, q in enumerate(self.quantiles)
        }

    def pictures(self, x, y=None):
        """Return the last forecast of each target: history, what came, median and bands."""
        series, places = self.origins(x, y)
        batch = self.take(series, places[-1:])
        quantiles = ops.convert_to_numpy(self(batch))[0]
        i, t = places[-1]
        pictures = {}
        for j, name in enumerate(self.targets):
            pictures["forecast" if len(self.targets) == 1 else f"forecast-{name}"] = (
                plotting.forecast(
                    series[i][max(0, t - 3 * self.window) : t, self.target_places[j]],
                    quantiles[:, j, self.quantiles.index(0.5)],
                    quantiles[:, j],
                    levels=self.quantiles,
                    truth=batch["targets"][0, :, j],
                )
            )
        return pictures
