"""Plots of training and results, in one plain style and without a display.

Each function returns a `matplotlib.figure.Figure`, or the new picture (`draw_boxes`,
`heatmap_over`); `save` writes either to a file. Figures are created as objects, never through
`pyplot`, so the user's own plots are not affected.
"""

from pathlib import Path

import numpy as np

from .atomic import replacing

__all__ = [
    "attention",
    "confusion_matrix",
    "curves",
    "draw_boxes",
    "forecast",
    "heatmap_over",
    "latent_plane",
    "rate_distortion",
    "reconstructions",
    "save",
]

INK, GREY, GRID = "#222222", "#777777", "#e6e6e6"
COLOURS = ("#2f6db3", "#d1762c", "#3c8f5a", "#b3406f", "#7a5bb0", "#8a7a2b")
LEGEND = {"frameon": False, "fontsize": 8}
HOT = (224, 36, 36)
COUNTERS = {"step", "epoch", "round", "seconds", "progress", "learning_rate"}


def curves(history, path=None):
    """Draw losses and metrics over training, one panel each, with training and validation curves.

    Args:
        history: Rows of a training history: dicts from names to values, with `step` or
            `epoch`; `val_name` is drawn into the panel of `name`. Values may be missing.
        path: File to write the picture to, if any.
    """
    names = dict.fromkeys(key.removeprefix("val_") for row in history for key in row)
    names = [name for name in names if name not in COUNTERS and _series(history, name)]
    if not names:
        raise ValueError("`history` must hold a loss or metric. Received: none")
    unit = next((key for key in ("step", "epoch") if key in history[0]), "row")
    columns = min(len(names), 3)
    rows = -(-len(names) // columns)
    figure, axes = _figure(3.4 * columns, 2.5 * rows, rows, columns)
    for axis, name in zip(axes, names, strict=False):
        for colour, key, label in ((0, name, "training"), (1, f"val_{name}", "validation")):
            points = _series(history, key)
            if points:
                axis.plot(*zip(*points, strict=True), **_line(colour, len(points)), label=label)
        axis.set_title(name.replace("_", " "), loc="left")
        axis.margins(x=0.02)
    for axis in axes[len(names) :]:
        axis.remove()
    for axis in axes[max(len(names) - columns, 0) : len(names)]:
        axis.set_xlabel(unit)
    axes[0].legend(**LEGEND)
    return _write(figure, path)


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
    figure, (axis,) = _figure(side, side)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(names) <= 30:
        for (row, column), count in np.ndenumerate(matrix):
            if count:
                colour = "white" if shares[row, column] > 0.55 else INK
                middle = {"ha": "center", "va": "center", "fontsize": 8}
                axis.text(column, row, f"{count:g}", color=colour, **middle)
    _ticks(axis.xaxis, names, rotate=max(map(len, map(str, names))) > 3)
    _ticks(axis.yaxis, names)
    axis.set_xlabel("predicted")
    axis.set_ylabel("true")
    return _write(figure, path)


def reconstructions(originals, outputs, path=None):
    """Draw originals in one row and the outputs for them in the row below.

    Args:
        originals: Pictures (n, height, width[, channels]), uint8, or floats from 0 to 1.
        outputs: As many pictures.
        path: File to write the picture to, if any.
    """
    if len(originals) != len(outputs) or not len(originals):
        raise ValueError(
            "there must be one output for each original, and at least one. "
            f"Received: {len(outputs)} for {len(originals)}"
        )
    figure, axes = _figure(0.9 * len(originals), 1.8, 2, len(originals))
    for axis, picture in zip(axes, [*originals, *outputs], strict=True):
        _show(axis, picture)
    return _write(figure, path)


def latent_plane(images, path=None, extent=None):
    """Draw a grid of pictures that are decoded from points of a plane in latent space.

    Args:
        images: Array (rows, columns, height, width[, channels]), the first row at the top.
        path: File to write the picture to, if any.
        extent: Latent coordinates (left, right, bottom, top) to label the edges with.
    """
    images = np.asarray(images)
    if images.ndim not in (4, 5):
        raise ValueError(
            "`images` must be (rows, columns, height, width[, channels]). "
            f"Received: images.shape={images.shape}"
        )
    sheet = np.concatenate([np.concatenate(list(row), axis=1) for row in images], axis=0)
    figure, (axis,) = _figure(6, 6 * sheet.shape[0] / sheet.shape[1])
    _show(axis, sheet, extent=extent)
    if extent is not None:
        axis.set_axis_on()
        axis.set_xlabel("$z_1$")
        axis.set_ylabel("$z_2$")
    return _write(figure, path)


def forecast(history, future, quantiles=None, *, levels=None, truth=None, times=None, path=None):
    """Draw a series, its forecast, and the bands between pairs of quantiles.

    Args:
        history: Array (time,), the past.
        future: Array (horizon,), the median of the forecast.
        quantiles: Array (horizon, q), ascending; the first and the last give the widest band.
        levels: The q probabilities, for the legend.
        truth: Array (horizon,), the true values, if known.
        times: The times, or numbers, of history and horizon, for the axis.
        path: File to write the picture to, if any.
    """
    history, future = np.ravel(history), np.ravel(future)
    count = len(history) + len(future)
    times = np.arange(count) if times is None else np.asarray(times)[:count]
    steps = times[len(history) :]
    figure, (axis,) = _figure(7, 2.8)
    axis.plot(times[: len(history)], history, color=INK, linewidth=1)
    if quantiles is not None:
        quantiles = np.asarray(quantiles)
        for i in range(quantiles.shape[1] // 2):
            label = None if levels is None else f"{levels[-1 - i] - levels[i]:.0%}"
            band = quantiles[:, i], quantiles[:, -1 - i]
            axis.fill_between(steps, *band, color=COLOURS[0], alpha=0.18, lw=0, label=label)
    axis.plot(steps, future, color=COLOURS[0], linewidth=1.6, label="forecast")
    if truth is not None:
        axis.plot(steps, np.ravel(truth), color=COLOURS[1], linewidth=1, label="truth")
    axis.margins(x=0.01)
    axis.legend(**LEGEND, loc="upper left", bbox_to_anchor=(1, 1))
    return _write(figure, path)


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
    figure, (axis,) = _figure(0.4 * len(source) + 1.5, 0.4 * len(target) + 1.2)
    axis.imshow(matrix, cmap="Blues", vmin=0, vmax=1)
    _ticks(axis.xaxis, source, rotate=True)
    _ticks(axis.yaxis, target)
    axis.xaxis.tick_top()
    return _write(figure, path)


def rate_distortion(curves, path=None, *, rate="bits per pixel", quality="PSNR (dB)"):
    """Draw quality over rate, one line for each method.

    Args:
        curves: A dict from a method's name to its points (rate, quality).
        path: File to write the picture to, if any.
        rate: Label of the horizontal axis.
        quality: Label of the vertical axis.
    """
    figure, (axis,) = _figure(4.6, 3.4)
    for number, (name, points) in enumerate(curves.items()):
        points = sorted(map(tuple, points))
        style = _line(number, 1)  # with markers at the measured points
        axis.plot(*zip(*points, strict=True), **style, label=name)
    axis.set_xlabel(rate)
    axis.set_ylabel(quality)
    axis.legend(**LEGEND)
    return _write(figure, path)


def draw_boxes(image, boxes, labels=None, scores=None, class_names=None):
    """Return a copy of a picture with boxes drawn on it, a `PIL.Image.Image`.

    Args:
        image: A PIL image, or an array (height, width[, channels]) of uint8 or of 0 to 1.
        boxes: Corners (k, 4): x1, y1, x2, y2 in pixels.
        labels: A name or number for each box; equal labels have the same colour.
        scores: A number from 0 to 1 for each box, written next to its label.
        class_names: All possible labels, so that each has the same colour in every picture.
            `None`: those of this picture.
    """
    from PIL import ImageDraw, ImageFont

    picture = _picture(image)
    draw = ImageDraw.Draw(picture)
    boxes = np.asarray(boxes, "float64").reshape(-1, 4)
    width = max(1, round(min(picture.size) / 200))
    font = ImageFont.load_default(max(9, min(picture.size) / 32))
    kinds = sorted({*map(str, () if labels is None else labels), *map(str, class_names or ())})
    for i, box in enumerate(boxes.tolist()):
        box = [*np.minimum(box[:2], box[2:]), *np.maximum(box[:2], box[2:])]
        label = "" if labels is None else str(labels[i])
        colour = COLOURS[kinds.index(label) % len(COLOURS) if kinds else 0]
        draw.rectangle(box, outline=colour, width=width)
        text = label if scores is None else f"{label} {float(scores[i]):.0%}".strip()
        if text:
            *_, right, bottom = draw.textbbox((0, 0), text, font=font)
            left = max(min(box[0], picture.width - right), 0)  # also complete at the edge
            place = (left, max(box[1] - bottom - 2, 0))
            draw.rectangle(draw.textbbox(place, text, font=font), fill=colour)
            draw.text(place, text, fill="white", font=font)
    return picture


def heatmap_over(image, heat, strength=0.6):
    """Return a picture overlaid with a heat map, red where the values are high.

    Args:
        image: A PIL image, or an array (height, width[, channels]) of uint8 or of 0 to 1.
        heat: Array (rows, columns) of any size, resized to the picture; where it has its minimum,
            the picture is unchanged.
        strength: Opacity of the maximum, from 0 to 1.
    """
    from PIL import Image

    picture = _picture(image)
    heat = np.asarray(heat, "float32")
    heat = (heat - heat.min()) / max(np.ptp(heat), 1e-12)
    heat = np.asarray(Image.fromarray(heat).resize(picture.size, Image.Resampling.BILINEAR))
    share = strength * np.clip(heat, 0, 1)[..., None]
    mixed = (1 - share) * np.asarray(picture, "float32") + share * np.array(HOT)
    return Image.fromarray(mixed.round().astype("uint8"))


def save(figure, path):
    """Write a figure, a PIL image or a uint8 array to `path`, completely or not at all.

    Args:
        figure: The result of a function of this module.
        path: File name; its extension determines the format.
    """
    path = Path(path)
    kind = path.suffix.lower().removeprefix(".") or "png"
    if isinstance(figure, np.ndarray):
        from PIL import Image

        figure = Image.fromarray(figure[..., 0] if figure.shape[-1] == 1 else figure)
    with replacing(path) as temporary:
        if hasattr(figure, "savefig"):
            figure.savefig(temporary, format=kind, dpi=150)
        else:
            figure.save(temporary, format={"jpg": "jpeg"}.get(kind, kind))
    return path


def _write(figure, path):
    if path is not None:
        save(figure, path)
    return figure


def _figure(width, height, rows=1, columns=1):
    """Return a figure and the flat list of its axes, in the plain style."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style = {
        "font.family": "sans-serif",
        "font.size": 9,
        "text.color": INK,
        "axes.labelcolor": GREY,
        "axes.edgecolor": GREY,
        "axes.titlesize": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": False,
        "xtick.color": GREY,
        "ytick.color": GREY,
    }
    with rc_context(style):
        figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
        FigureCanvasAgg(figure)
        axes = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axis in axes:
        axis.grid(axis="y", color=GRID, linewidth=0.7)
        axis.set_axisbelow(True)
    return figure, axes


def _series(history, key):
    """Return the points (step, value) at which `key` has a finite value."""
    points = []
    for number, row in enumerate(history, 1):
        value = row.get(key)
        if isinstance(value, (int, float, np.number)) and np.isfinite(value):
            points.append((row.get("step", row.get("epoch", number)), float(value)))
    return points


def _line(number, points):
    """Return the style of a line; a few points are marked, so that a single one is visible."""
    marks = {"marker": "o", "markersize": 3} if points <= 12 else {}
    return {"color": COLOURS[number % len(COLOURS)], "linewidth": 1.5, **marks}


def _ticks(axis, names, rotate=False):
    axis.set_ticks(range(len(names)), [str(name) for name in names])
    axis.set_tick_params(length=0, labelrotation=90 if rotate else 0)
    axis.axes.grid(False)
    axis.axes.spines[:].set_visible(False)


def _show(axis, picture, extent=None):
    picture = np.asarray(picture)
    if picture.ndim == 3 and picture.shape[-1] == 1:
        picture = picture[..., 0]
    limits = {"vmin": 0, "vmax": 255 if picture.dtype == np.uint8 else 1}
    if picture.dtype != np.uint8:
        picture = np.clip(picture, 0, 1)
    axis.grid(False)
    axis.imshow(picture, cmap="gray", interpolation="nearest", extent=extent, **limits)
    axis.set_axis_off()


def _picture(image):
    """Return a picture as a new PIL image in RGB."""
    from PIL import Image

    if not isinstance(image, Image.Image):
        image = np.asarray(image)
        if image.ndim == 3 and image.shape[-1] == 1:
            image = image[..., 0]
        if image.dtype != np.uint8:
            image = (255 * np.clip(image, 0, 1)).round().astype("uint8")
        image = Image.fromarray(image)
    return image.convert("RGB").copy()
