"""Forecasts compared with the methods that a forecaster must beat.

Daily minimum temperatures of Melbourne, one day ahead on the last 365 days: mean absolute error in
degrees, compared with persistence, simple exponential smoothing, and least squares on seven lags
and two yearly harmonics. Airline passengers, 12 months ahead from each month of the last two years
that has 12 months left, and air pollution in Beijing, 24 hours ahead on the last tenth: MASE,
compared with the last season and with additive Holt-Winters (ETS). The last column is the share of
values in the 80% band, whose width is calibrated on the validation steps before the test (three
years of airline passengers).
"""

import numpy as np
from scipy.optimize import minimize

import genai_basics as gb

HEADERS = ["series", "measure", "genai_basics", "peers", "coverage of the 80% band"]


def measure(folder):
    """Return the rows of the table."""
    folder = folder / "time_series"
    return [temperatures(folder), airline(folder), pollution(folder)]


def trained(data, horizon, epochs, **options):
    facts = {**data.spec.facts(), **options}
    model = gb.build_forecaster(**facts, horizon=horizon, seed=0)
    model.compile()
    held_out = (data.validation.x, data.validation.y)
    model.fit(data.train.x, data.train.y, epochs=epochs, validation_data=held_out, verbose=0)
    return model


def temperatures(folder):
    path = folder / "daily-min-temperatures.csv"
    data = gb.load_data(path, kind="forecast", validation=365, test=365)
    metrics, _ = trained(data, 1, 15).report(data.test.x, data.test.y)
    y = data.test.x[:, 0].astype("float64")
    n, test = len(y), np.arange(len(y) - 365, len(y))
    lags = [y[7 - lag : n - lag] for lag in range(1, 8)]
    waves = [f(2 * np.pi * k * np.arange(7, n) / 365.25) for k in (1, 2) for f in (np.sin, np.cos)]
    design = np.stack([*lags, *waves, np.ones(n - 7)], axis=1)
    weights = np.linalg.lstsq(design[: n - 365 - 7], y[7 : n - 365], rcond=None)[0]
    peers = {
        "least squares": np.abs(y[test] - design[test - 7] @ weights).mean(),
        "persistence": np.abs(y[test] - y[test - 1]).mean(),
        "exponential smoothing": smoothing(y, test),
    }
    coverage = f"{metrics['coverage_80']:.0%}"
    return ["temperatures, one day", "MAE", f"{metrics['mae']:.3f}", written(peers), coverage]


def smoothing(y, test):
    """Return the error of simple exponential smoothing, its rate fitted before the test days."""

    def forecasts(rate):
        level, out = y[0], np.empty(len(y))
        for i, value in enumerate(y):
            out[i] = level
            level += rate * (value - level)
        return out

    rates = np.linspace(0.05, 0.95, 19)
    best = min(rates, key=lambda rate: np.square(y - forecasts(rate))[: test[0]].sum())
    return np.abs(y - forecasts(best))[test].mean()


def airline(folder):
    path = folder / "airline-passengers.csv"
    data = gb.load_data(path, kind="forecast", validation=36, test=24)
    metrics, _ = trained(data, 12, 60).report(data.test.x, data.test.y)
    y = data.test.x[:, 0].astype("float64")
    scale = np.abs(y[12 : len(data.train)] - y[: len(data.train) - 12]).mean()
    starts = range(len(y) - 24, len(y) - 11)
    errors = [np.abs(y[t : t + 12] - holt_winters(y[:t], 12, 12)).mean() for t in starts]
    peers = {"last season": metrics["mase_seasonal_naive"], "ETS": np.mean(errors) / scale}
    coverage = f"{metrics['coverage_80']:.0%}"
    return ["airline, 12 months", "MASE", f"{metrics['mase']:.3f}", written(peers), coverage]


def pollution(folder):
    data = gb.load_data(folder / "pollution.csv", kind="forecast", target="pm2.5")
    metrics, _ = trained(data, 24, 3, units=48).report(data.test.x, data.test.y)
    y = data.test.x[:, data.spec.columns.index("pm2.5")].astype("float64")
    scale = np.abs(y[24 : len(data.train)] - y[: len(data.train) - 24]).mean()
    starts = range(len(y) - len(data.test), len(y) - 24, 97)
    smooth = holt_winters(y[: starts[0]], 24, 24, keep=True)
    errors = [np.abs(y[t : t + 24] - smooth(y[t - 24 * 28 : t])).mean() for t in starts]
    peers = {"last season": metrics["mase_seasonal_naive"], "ETS": np.mean(errors) / scale}
    coverage = f"{metrics['coverage_80']:.0%}"
    return ["pollution, 24 hours", "MASE", f"{metrics['mase']:.3f}", written(peers), coverage]


def holt_winters(y, season, horizon, keep=False):
    """Return additive Holt-Winters forecasts, or a function of the history with `keep`."""

    def run(rates, y):
        alpha, beta, gamma, damping = 1 / (1 + np.exp(-np.asarray(rates)))
        level, trend = y[:season].mean(), (y[season : 2 * season] - y[:season]).mean() / season
        seasonal = list(y[:season] - level)
        error = 0.0
        for t, value in enumerate(y):
            before, wave = level + damping * trend, seasonal[t]
            error += (value - before - wave) ** 2
            new = alpha * (value - wave) + (1 - alpha) * before
            trend = beta * (new - level) + (1 - beta) * damping * trend
            level = new
            seasonal.append(gamma * (value - level) + (1 - gamma) * wave)
        steps = np.cumsum(damping ** np.arange(1, horizon + 1))
        ahead = [seasonal[len(y) + h % season] for h in range(horizon)]
        return error, level + steps * trend + ahead

    fitted = y[-24 * 60 :]
    start = np.array([-1.0, -3.0, -1.0, 3.0])
    best = minimize(lambda rates: run(rates, fitted)[0], start, method="Nelder-Mead").x
    return (lambda history: run(best, history)[1]) if keep else run(best, y)[1]


def written(peers):
    return ", ".join(f"{name} {value:.3f}" for name, value in peers.items())
