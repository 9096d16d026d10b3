"""Forecasting of one or many series: a recurrent network that predicts quantiles of all steps
(multi-horizon quantile recurrent forecaster, Wen et al., 2017, https://arxiv.org/abs/1711.11053).

The network reads a window, scaled by its mean and standard deviation, and returns quantiles of the
next `horizon` steps. Its loss is the pinball loss max(q (y - f), (q - 1) (y - f)). Held-out steps
then determine how much to widen the quantiles for the outer band to have its nominal coverage
(conformalized quantile regression, Romano et al., 2019, https://arxiv.org/abs/1905.03222).
"""

from collections.abc import Sequence
from typing import Literal

import keras
import numpy as np
from keras import layers, ops

from .. import feeding
from ..backend import gradient_step
from ..checks import below_one, whole
from ..layers.cells import recurrent_layer
from ..losses import averaged, single
from ..model import Model
from ..preprocessing import Windows
from . import evaluation

__all__ = ["Forecaster", "build_forecaster"]

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def build_forecaster(
    columns=("x0",),
    targets=None,
    *,
    horizon: int = 12,
    window: int | None = None,
    season: int = 1,
    calendar: Sequence[str] = (),
    known: Sequence[str] = (),
    quantiles=QUANTILES,
    units: int = 64,
    num_layers: int = 1,
    cell: Literal["gru", "lstm"] = "gru",
    dropout: float = 0.1,
    seed: int | None = None,
) -> "Forecaster":
    """Build a forecaster for series. Then `compile()`, `fit(series)` and `forecast(history)`.

    Args:
        columns: Names of the channels of a series.
        targets: Names of the channels to forecast. `None`: all.
        horizon: Number of steps to forecast.
        window: Number of past steps used. `None`: a season or two horizons, at least 24.
        season: Number of steps after which the series repeats; 1 if it does not.
        calendar: Names of the channels that give the position of a step in day, week or year.
        known: Names of the channels that are known ahead, such as holidays, prices or calendar
            channels. `forecast(history, future=...)` then requires them.
        quantiles: The quantiles to forecast; 0.5 must be among them.
        units: Size of each recurrent layer.
        num_layers: Number of recurrent layers.
        cell: `"gru"` or `"lstm"`.
        dropout: Dropout rate of the recurrent layers' outputs.
        seed: Seed of weights, noise and the order of data. `None` draws a new one.

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
    sizes = {"horizon": horizon, "season": season, "units": units, "num_layers": num_layers}
    for name, value in {**sizes, "window": 1 if window is None else window}.items():
        whole(name, value, 1)
    below_one("dropout", dropout)
    for name, value in (("targets", targets), ("calendar", calendar), ("known", known)):
        unknown = sorted(set(value) - set(columns))
        if unknown:
            raise ValueError(
                f"`{name}` must be among `columns`, {', '.join(columns)}. "
                f"Received: {', '.join(map(str, unknown))}"
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
    """Return the network [history, level(, future)] -> [median, gaps]."""
    seeds = keras.random.SeedGenerator(seed)

    def dense(units, **kwargs):
        init = keras.initializers.GlorotUniform(seeds)
        return layers.Dense(units, kernel_initializer=init, **kwargs)

    x = history = keras.Input((window, columns), name="history")
    level = keras.Input((2 * targets,), name="level")
    inputs = [history, level]
    for i in range(num_layers):
        x = recurrent_layer(cell, units, seeds, return_sequences=i < num_layers - 1)(x)
    parts = [layers.Dropout(dropout, seed=seed)(x), level]
    if known:
        inputs.append(keras.Input((horizon, known), name="future"))
        parts.append(layers.Flatten()(inputs[-1]))
    joined = layers.Concatenate()(parts)
    size = horizon * targets
    # A linear forecast from the window, plus a correction by the recurrent layers.
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
        network: A Functional model; see `build_forecaster`.
        columns, targets, season, calendar, known, quantiles: As in `build_forecaster`.
    """

    # For commands, run folders and the audit; see evaluation.py.
    report, answer = evaluation.report_forecasts, evaluation.answer_forecasts
    pictures, reads = evaluation.pictures_of_forecasts, evaluation.reads_forecasts
    examples, exported = evaluation.examples_of_forecasts, evaluation.exported_forecaster
    losses_by_example = evaluation.losses_of_forecasts
    errors_of, privacy_of = evaluation.errors_of_forecasts, evaluation.privacy_of_forecasts

    batch_size = 64
    reads_y = True
    learning_rate = 2e-3
    tracked = ("mae",)
    cuts_windows, weighs_examples = True, False
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
        self.middle = self.quantiles.index(0.5)
        window, channels = network.inputs[0].shape[1:]
        self.window, self.horizon = window, network.outputs[0].shape[1]
        self.preprocessor = Windows(
            self.columns, self.targets, self.known, self.window, self.horizon, name="windows"
        )

        def state(name, shape, initializer="zeros"):
            return self.add_weight(name=name, shape=shape, initializer=initializer, trainable=False)

        self.naive_error = state("naive_error", (len(targets),), "ones")  # the denominator of MASE
        self.anchor = state("anchor", (3,))  # weights of last value, last season, window mean
        self.coupling = state("coupling", ())  # correlation of errors of adjacent steps
        self.widening = state("widening", (len(targets),), "ones")  # of the band; set by `finalize`
        self.last_window = state("last_window", (window, channels))
        self.built = True

    def default_optimizer(self, learning_rate):
        return keras.optimizers.AdamW(learning_rate, weight_decay=1e-2, global_clipnorm=1.0)

    def adapt(self, x, y=None):
        """Fit the scales of the channels and the simple forecast that the network corrects."""
        self.preprocessor.adapt(x)
        windows, targets = self.prepare(x)
        series, places = self.preprocessor.series(x), self.preprocessor.target_places
        lag = min(self.season, min(map(len, series)) - 1)
        steps = [np.abs(s[lag:] - s[:-lag])[:, places] for s in series]
        error = np.concatenate(steps).mean(axis=0)
        self.naive_error.assign(np.where(error > 0, error, 1.0))
        self.last_window.assign(series[-1][-self.window :])
        some = slice(None, None, max(1, len(targets) // 2000))
        guesses = map(ops.convert_to_numpy, self.anchors(windows["history"][some]))
        errors = [targets[some] - guess for guess in guesses]
        best = int(np.argmin([np.abs(error).mean() for error in errors]))
        self.anchor.assign(np.eye(3)[best])
        if self.horizon > 1 and errors[best].std() > 0:
            pair = errors[best][:, :-1].ravel(), errors[best][:, 1:].ravel()
            self.coupling.assign(np.clip(np.corrcoef(*pair)[0, 1], 0.0, 0.99))

    def finalize(self, x, y=None, validation=None):
        """Scale the quantiles so that the outer band has its nominal coverage on held-out steps.

        The factor c is the (1 + 1/n) p quantile, for a band of probability p, of
        max((m - y) / (m - low), (y - m) / (high - m)) over the n held-out steps y with median m.
        The band from m - c (m - low) to m + c (high - m) then covers a new step with probability
        at least p if it is exchangeable with these (Romano et al., 2019, with relative errors).
        """
        self.widening.assign(np.ones(len(self.targets)))
        if validation is None:
            return
        targets, quantiles, _ = self.backtest(validation.x, validation.y)
        low, median, high = (quantiles[..., i] for i in (0, self.middle, -1))
        least = 1e-6 * ops.convert_to_numpy(self.preprocessor.spread)
        least = least[self.preprocessor.target_places]
        below = (median - targets) / np.maximum(median - low, least)
        above = (targets - median) / np.maximum(high - median, least)
        errors = np.maximum(below, above).reshape(-1, len(self.targets))
        p = (self.quantiles[-1] - self.quantiles[0]) * (1 + 1 / len(errors))
        if p <= 1:  # fewer steps are not enough
            self.widening.assign(np.quantile(errors, p, axis=0, method="higher"))

    def prepare(self, x, y=None, sample_weight=None):
        windows = self.preprocessor.prepare(x, y)
        return feeding.checked(self, windows, windows.pop("targets"), sample_weight)

    # The network, and conversion between the window's scale and the data's.

    def anchors(self, history):
        """Return three simple forecasts: the last value, the last season, the window's mean."""
        targets = ops.take(history, self.preprocessor.target_places, axis=2)
        season = self.season if self.season <= self.window else 1
        last = [self.window - season + h % season for h in range(self.horizon)]
        shape = (1, self.horizon, 1)
        return (
            ops.tile(targets[:, -1:], shape),
            ops.take(targets, np.array(last), axis=1),
            ops.tile(ops.mean(targets, axis=1, keepdims=True), shape),
        )

    def call(self, inputs, training=False):
        """Return quantiles (batch, horizon, targets, quantiles) of the steps after `history`."""
        names = ("window", "level", "future") if self.known else ("window", "level")
        outputs = self.network([inputs[name] for name in names], training=training)
        centre, gaps = single(outputs)
        anchors = zip(ops.unstack(self.anchor, 3), self.anchors(inputs["history"]), strict=True)
        scale = inputs["scale"]
        gaps = gaps * ops.expand_dims(scale, -1)
        if not training:
            gaps = gaps * self.widening[:, None]
        return self.spread_out(sum(w * guess for w, guess in anchors) + centre * scale, gaps)

    def spread_out(self, median, gaps):
        """Return quantiles from the median and the gaps between adjacent ones; they never cross."""
        below, above = gaps[..., : self.middle], gaps[..., self.middle :]
        below = ops.flip(ops.cumsum(ops.flip(below, axis=-1), axis=-1), axis=-1)
        median = ops.expand_dims(median, -1)
        return ops.concatenate([median - below, median, median + ops.cumsum(above, axis=-1)], -1)

    def loss_terms(self, x, y=None, training=False):
        """Return the pinball loss in standard deviations, and the median's absolute error.

        Both are averaged over steps and targets, for each example of the batch, (batch,).
        """
        error = ops.expand_dims(y, -1) - self(x, training=training)
        q = np.array(self.quantiles, "float32")
        spread = ops.take(self.preprocessor.spread, self.preprocessor.target_places)
        pinball = ops.maximum(q * error, (q - 1) * error) / ops.expand_dims(spread, -1)
        return {
            "loss": ops.mean(pinball, axis=(1, 2, 3)),
            "mae": ops.mean(ops.abs(error[..., self.middle]), axis=(1, 2)),
        }

    def train_step(self, data):
        x, y = data
        terms = gradient_step(
            lambda: averaged(self.loss_terms(x, y, training=True), None, self.losses),
            self.trainable_variables,
            self.optimizer,
        )
        return self.track(ops.shape(y)[0], terms)

    def test_step(self, data):
        x, y = data
        return self.track(ops.shape(y)[0], averaged(self.loss_terms(x, y), None, self.losses))

    # Methods on raw data.

    def forecast(self, history, horizon=None, *, future=None):
        """Return quantiles of the steps after a series: (horizon, quantiles), or with several
        targets (horizon, targets, quantiles).

        Args:
            history: Array (time,) or (time, channels); only its last window is used.
            horizon: Number of steps, at most the horizon of the model.
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
        """Return quantiles (n, horizon, targets, quantiles) of the steps after n histories."""
        series = self.preprocessor.series(x)
        short = min(map(len, series))
        if short < self.window:
            raise ValueError(
                f"a history must have at least {self.window} steps. Received: {short} steps"
            )
        history = np.stack([one[-self.window :] for one in series])
        future = self.preprocessor.future(future, len(series))
        return self.map_batches(self.forecasts_of, history, future)[0]

    def forecasts_of(self, history, future):
        """Return the quantiles and the repeated last season."""
        inputs = self.preprocessor({"history": history, "future": future})
        return self(inputs), self.anchors(inputs["history"])[1]

    def sample(self, n=1, *, seed=None, history=None, future=None, batch_size=None):
        """Return n possible continuations of a series: (n, horizon) or (n, horizon, targets).

        Each step is distributed as its quantiles. Errors of adjacent steps are correlated like
        those of a simple forecast in training (a Gaussian copula).

        Args:
            n: Number of paths.
            seed: The same seed gives the same paths. `None` draws new ones.
            history: The series to continue; by default, the end of the training series.
            future, batch_size: As in `forecast`; the latter has no effect here.
        """
        from scipy.special import ndtr

        whole("n", n, 1)
        if history is None:
            history = ops.convert_to_numpy(self.last_window)
        quantiles = self.predict([history], future=None if future is None else [future])[0]
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
        """Return the values at `levels`, interpolated linearly between quantiles."""
        q, values = np.array(self.quantiles), np.asarray(values, "float64")
        slope = np.diff(values) / np.diff(q)
        found = np.interp(levels, q, values)
        found = np.where(levels < q[0], values[0] + (levels - q[0]) * slope[0], found)
        return np.where(levels > q[-1], values[-1] + (levels - q[-1]) * slope[-1], found)

    def backtest(self, x, y=None):
        """Return `(targets, quantiles, naive)` of forecasts from all possible origins.

        The shapes are (origins, horizon, targets), the same with a quantile axis, and again
        (origins, horizon, targets) for the repeated last season.
        """
        windows, targets = self.prepare(x, y)
        parts = (windows["history"], windows["future"])
        return targets[:], *self.map_batches(self.forecasts_of, *parts, batch_size=512)
