"""The common style of all figures, and writing them to files."""

import functools
from pathlib import Path

import numpy as np

from ..atomic import replacing

__all__ = [
    "COLOURS",
    "INK",
    "WRONG",
    "lighter",
    "new_figure",
    "pixels",
    "save",
    "set_ticks",
    "show",
    "styled",
    "written",
]

INK = "#222222"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito
WRONG = COLOURS[1]
STYLE = Path(__file__).with_name("genai_basics.mplstyle")
DPI = 200


def styled(draw):
    """Make a function draw in the library's style."""

    @functools.wraps(draw)
    def drawn(*args, **kwargs):
        from matplotlib import rc_context

        with rc_context(fname=STYLE):
            return draw(*args, **kwargs)

    return drawn


def new_figure(width, height, rows=1, columns=1):
    """Return a figure of the given size in inches, and the flat list of its axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False).ravel().tolist()


def written(figure, path):
    """Save a figure if there is a path, and return it."""
    if path is not None:
        save(figure, path)
    return figure


def save(figure, path):
    """Write a figure, a PIL image or a uint8 array to `path`, completely or not at all.

    Args:
        figure: The result of a function of this package.
        path: File name; its extension determines the format.
    """
    path = Path(path)
    kind = path.suffix.lower().removeprefix(".") or "png"
    if isinstance(figure, np.ndarray):
        from PIL import Image

        figure = Image.fromarray(pixels(figure))
    with replacing(path) as temporary:
        if hasattr(figure, "savefig"):
            figure.savefig(temporary, format=kind, dpi=DPI)
        else:
            figure.save(temporary, format={"jpg": "jpeg"}.get(kind, kind))
    return path


def pixels(picture):
    """Return a picture, uint8 or floats from 0 to 1, as uint8; grey ones without a channel axis."""
    picture = np.asarray(picture)
    if picture.ndim == 3 and picture.shape[-1] == 1:
        picture = picture[..., 0]
    if picture.dtype == np.uint8:
        return picture
    return (255 * np.clip(picture, 0, 1)).round().astype("uint8")


def lighter(colour, share):
    """Return a colour mixed with a share of white, as three numbers from 0 to 1."""
    from matplotlib.colors import to_rgb

    return 1 - (1 - share) * (1 - np.array(to_rgb(colour)))


def set_ticks(axis, names, rotate=False):
    """Label the positions 0, 1, ... of an axis with names."""
    axis.set_ticks(range(len(names)), [str(name) for name in names])
    axis.set_tick_params(length=0, labelrotation=90 if rotate else 0)
    axis.axes.grid(False)
    axis.axes.spines[:].set_visible(False)


def show(axis, picture, extent=None):
    """Draw a picture, uint8 or floats from 0 to 1, without axes."""
    facts = {"cmap": "gray", "vmin": 0, "vmax": 255, "interpolation": "nearest"}
    axis.grid(False)
    axis.imshow(pixels(picture), extent=extent, **facts)
    axis.set_axis_off()
