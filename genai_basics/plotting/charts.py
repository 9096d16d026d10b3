"""Charts of training and results."""

import numpy as np

from .style import COLOURS, INK, lighter, new_figure, set_ticks, styled, written

__all__ = ["attention", "confusion_matrix", "curves", "forecast", "rate_distortion", "scatter"]

GREY = "#777777"
COUNTERS = {"step", "epoch", "round", "seconds", "progress", "learning_rate"}


@styled
def curves(history, path=None, best=None):
    """Draw losses and metrics over training, one panel each, with training and validation curves.

    Args:
        history: Rows of a training history: dicts from names to values, with `step` or
            `epoch`; `val_name` is drawn into the panel of `name`. Values may be missing.
        path: File to write the picture to, if any.
        best: The step whose weights were kept, marked in each panel.
    """
    names = dict.fromkeys(key.removeprefix("val_") for row in history for key in row)
    names = [
        name
        for name in names
        if name not in COUNTERS and (_series(history, name) or _series(history, f"val_{name}"))
    ]
    if not names:
        raise ValueError("`history` must hold a loss or metric. Received: none")
    unit = next((key for key in ("step", "epoch") if key in history[0]), "row")
    columns = min(len(names), 3)
    rows = -(-len(names) // columns)
    figure, axes = new_figure(3.4 * columns, 2.5 * rows, rows, columns)
    for axis, name in zip(axes, names, strict=False):
        for colour, key, label in ((0, name, "training"), (1, f"val_{name}", "validation")):
            points = _series(history, key)
            if points:
                axis.plot(*zip(*points, strict=True), **_line(colour, len(points)), label=label)
        if best:
            axis.axvline(best, color=INK, linewidth=0.8, linestyle=":", label="weights kept")
        axis.set_title(name.replace("_", " "))
    for axis in axes[len(names) :]:
        axis.remove()
    for axis in axes[max(len(names) - columns, 0) : len(names)]:
        axis.set_xlabel(unit)
    axes[0].legend()
    return written(figure, path)


@styled
def confusion_matrix(matrix, names, path=None):
    """Draw a confusion matrix, rows true and columns predicted, shaded by the shares of each row.

    Args:
        matrix: Counts (classes, classes); rows are true classes.
        names: Names of the classes.
        path: File to write the picture to, if any.
    """
    matrix = np.asarray(matrix)
    if matrix.shape != (len(names), len(names)):
        raise ValueError(
            f"`matrix` must have a row and a column for each of {len(names)} names. "
            f"Received: matrix.shape={matrix.shape}"
        )
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    side = min(max(3.2, 0.42 * len(names) + 1.6), 16)
    rotate = max(map(len, map(str, names))) > 3
    figure, axis = _shaded(shares, names, names, (side, side), rotate)
    if len(names) <= 30:
        for (row, column), count in np.ndenumerate(matrix):
            if count:
                colour = "white" if shares[row, column] > 0.55 else INK
                middle = {"ha": "center", "va": "center", "fontsize": 8}
                axis.text(column, row, f"{count:g}", color=colour, **middle)
    right = matrix.trace() / max(matrix.sum(), 1)
    axis.set_title(f"{right:.1%} of {matrix.sum():,.0f} are right")
    axis.set_xlabel("predicted class")
    axis.set_ylabel("true class")
    return written(figure, path)


@styled
def forecast(
    history, future, quantiles=None, *, levels=None, truth=None, times=None, name=None, path=None
):
    """Draw a series, its forecast, and the bands between pairs of quantiles.

    Args:
        history: Array (time,), the past.
        future: Array (horizon,), the median of the forecast.
        quantiles: Array (horizon, q), ascending; the first and the last give the widest band.
        levels: The q probabilities, for the legend.
        truth: Array (horizon,), the true values, if known.
        times: The times or step numbers of history and horizon, for the axis.
        name: Name of the series, used as the title.
        path: File to write the picture to, if any.
    """
    history, future = np.ravel(history), np.ravel(future)
    count = len(history) + len(future)
    times = np.arange(count) if times is None else np.asarray(times)[:count]
    steps = times[len(history) :]
    figure, (axis,) = new_figure(8, 3)
    axis.plot(times[: len(history)], history, color=INK, linewidth=1, label="past")
    if quantiles is not None:
        quantiles = np.asarray(quantiles)
        for i in range(quantiles.shape[1] // 2):
            label = None if levels is None else f"{levels[-1 - i] - levels[i]:.0%} band"
            band = quantiles[:, i], quantiles[:, -1 - i]
            tint = lighter(COLOURS[0], 0.82 ** (i + 1))  # opaque, as the legend shows it
            axis.fill_between(steps, *band, color=tint, lw=0, label=label)
    axis.plot(steps, future, color=COLOURS[0], linewidth=1.6, label="forecast")
    if truth is not None:
        axis.plot(steps, np.ravel(truth), color=COLOURS[1], linewidth=1, label="truth")
    axis.set_title(name or "")
    if times.dtype.kind != "M":
        axis.set_xlabel("step")
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return written(figure, path)


@styled
def scatter(truth, predictions, path=None, name="value"):
    """Plot predicted against true values, with the line on which they are equal.

    Args:
        truth: True values (n,).
        predictions: Predicted values (n,).
        path: File to write the picture to, if any.
        name: Name of the values.
    """
    truth, predictions = np.ravel(truth), np.ravel(predictions)
    figure, (axis,) = new_figure(4, 4)
    ends = [min(truth.min(), predictions.min()), max(truth.max(), predictions.max())]
    axis.plot(ends, ends, color=GREY, linewidth=1)
    axis.scatter(truth, predictions, s=8, alpha=0.5, linewidths=0)
    axis.set(xlabel=f"true {name}", ylabel=f"predicted {name}")
    return written(figure, path)


@styled
def attention(matrix, source, target, path=None):
    """Draw the weights of attention from each target token to the source tokens.

    Args:
        matrix: Weights (target tokens, source tokens), from 0 to 1.
        source: Tokens, the columns.
        target: Tokens, the rows.
        path: File to write the picture to, if any.
    """
    matrix = np.asarray(matrix)
    if matrix.shape != (len(target), len(source)):
        raise ValueError(
            f"`matrix` must be ({len(target)}, {len(source)}), targets by sources. "
            f"Received: matrix.shape={matrix.shape}"
        )
    size = 0.4 * len(source) + 1.5, 0.4 * len(target) + 1.2
    figure, axis = _shaded(matrix, target, source, size, rotate=True)
    axis.xaxis.tick_top()
    return written(figure, path)


@styled
def rate_distortion(curves, path=None, *, rate="bits per pixel", quality="PSNR (dB)"):
    """Plot quality against rate, one line per method.

    Args:
        curves: A dict from a method's name to its points (rate, quality).
        path: File to write the picture to, if any.
        rate: Label of the horizontal axis.
        quality: Label of the vertical axis.
    """
    figure, (axis,) = new_figure(4.6, 3.4)
    for number, (name, points) in enumerate(curves.items()):
        points = sorted(map(tuple, points))
        style = _line(number, 1)  # with markers at the measured points
        axis.plot(*zip(*points, strict=True), **style, label=name)
    axis.set_xlabel(rate)
    axis.set_ylabel(quality)
    axis.legend()
    return written(figure, path)


def _shaded(shares, rows, columns, size, rotate):
    """Return a figure of numbers from 0 to 1 as shades with named rows and columns, and its axis.

    `rotate` is whether the names of the columns are vertical.
    """
    figure, (axis,) = new_figure(*size)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    set_ticks(axis.xaxis, columns, rotate)
    set_ticks(axis.yaxis, rows)
    return figure, axis


def _series(history, key):
    """Return the points (step, value) at which `key` has a finite value."""
    points = []
    for number, row in enumerate(history, 1):
        value = row.get(key)
        if isinstance(value, (int, float, np.number)) and np.isfinite(value):
            points.append((row.get("step", row.get("epoch", number)), float(value)))
    return points


def _line(number, points):
    """Return the style of a line; a few points get markers, so that a single one is visible."""
    marks = {"marker": "o", "markersize": 3} if points <= 12 else {}
    return {"color": COLOURS[number % len(COLOURS)], "linewidth": 1.5, **marks}
