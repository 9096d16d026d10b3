"""Examples side by side: pictures, texts, sounds."""

import numpy as np

from .style import COLOURS, INK, WRONG, new_figure, show, styled, written

__all__ = [
    "latent_plane",
    "piano_rolls",
    "pictures",
    "reconstructions",
    "side_by_side",
    "spectrograms",
    "table",
]


@styled
def pictures(images, captions=None, wrong=(), path=None, columns=8, width=1.1):
    """Draw pictures with captions below them; the captions of wrong ones are marked.

    Args:
        images: Pictures (height, width[, channels]) of any sizes, uint8, or floats from 0 to 1.
        captions: One text per picture.
        wrong: Whether each picture is wrong.
        path: File to write the picture to, if any.
        columns: Pictures per row.
        width: Width of a picture in inches.
    """
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    height = width * max(np.shape(image)[0] / np.shape(image)[1] for image in images)
    figure, axes = new_figure(width * columns, (height + 0.25) * rows, rows, columns)
    for axis in axes:
        axis.set_axis_off()
    for i, (axis, image) in enumerate(zip(axes, images, strict=False)):
        show(axis, image)
        if captions is not None:
            marked = i < len(wrong) and wrong[i]
            style = {"color": WRONG, "weight": "bold"} if marked else {"color": INK}
            axis.set_title(captions[i], loc="center", y=-0.2 / height, va="top", **style)
    return written(figure, path)


@styled
def spectrograms(bands, captions, wrong=(), path=None, seconds=None):
    """Draw spectrograms below each other, time to the right, with captions above them.

    Args:
        bands: Arrays (frames, bands), in order of increasing frequency.
        captions: One text per spectrogram.
        wrong: Whether each spectrogram is wrong.
        path: File to write the picture to, if any.
        seconds: Seconds per frame, for the axis.
    """
    figure, axes = new_figure(8, 1.4 * len(bands), len(bands), 1)
    for i, (axis, one) in enumerate(zip(axes, bands, strict=True)):
        one = np.asarray(one)
        extent = (0, len(one) * (seconds or 1), 0, one.shape[1])
        axis.imshow(one.T, origin="lower", aspect="auto", cmap="magma", extent=extent)
        axis.set(yticks=())
        axis.grid(False)
        axis.set_title(captions[i], color=WRONG if i < len(wrong) and wrong[i] else INK)
    axes[-1].set_xlabel("seconds" if seconds else "frames")
    return written(figure, path)


@styled
def piano_rolls(pieces, captions, path=None, columns=4):
    """Draw pieces of music: time to the right, pitch upwards, a colour for each voice.

    Args:
        pieces: MIDI pitches (n, steps, voices), -1 for silence.
        captions: A text for each piece.
        path: File to write the picture to, if any.
        columns: Pieces per row.
    """
    pieces = np.asarray(pieces)
    columns = min(columns, len(pieces))
    rows = -(-len(pieces) // columns)
    notes = pieces[pieces >= 0]
    low, high = (notes.min(), notes.max()) if len(notes) else (60, 72)
    figure, axes = new_figure(2.2 * columns, 1.7 * rows, rows, columns)
    for axis in axes[len(pieces) :]:
        axis.remove()
    for axis, piece, caption in zip(axes, pieces, captions, strict=False):
        for voice, column in enumerate(piece.T):
            there = np.flatnonzero(column >= 0)
            colour = COLOURS[voice % len(COLOURS)]
            axis.hlines(column[there], there, there + 1, color=colour, linewidth=2)
        octaves = range(low + -low % 12, high + 1, 12)
        axis.set_yticks(octaves, [f"C{pitch // 12 - 1}" for pitch in octaves])
        axis.set(xlim=(0, len(piece)), ylim=(low - 1, high + 1), xlabel="step")
        axis.set_title(caption)
    return written(figure, path)


@styled
def table(rows, headers, wrong=(), path=None):
    """Draw rows of texts in columns; wrong ones are marked.

    Args:
        rows: Lists of texts.
        headers: Names of the columns.
        wrong: Whether each row is wrong.
        path: File to write the picture to, if any.
    """
    rows = [[_short(cell) for cell in row] for row in rows]
    columns = list(zip(headers, *rows, strict=True))
    widths = [max(6, *(len(cell) for cell in column)) for column in columns]
    figure, (axis,) = new_figure(0.085 * sum(widths) + 0.6, 0.24 * (len(rows) + 2))
    axis.set(xlim=(0, sum(widths)), ylim=(len(rows) + 1, 0))
    axis.set_axis_off()
    for column, left in zip(columns, np.cumsum([0, *widths[:-1]]), strict=True):
        for i, cell in enumerate(column):
            colour = WRONG if 0 < i <= len(wrong) and wrong[i - 1] else INK
            weight = "normal" if i else "bold"
            axis.text(
                left, i + 0.5, cell, color=colour, weight=weight, va="center", parse_math=False
            )
    return written(figure, path)


def _short(cell, most=100):
    cell = f"{cell:.4g}" if isinstance(cell, float) else " ".join(str(cell).split())
    return cell if len(cell) <= most else cell[: most - 1] + "…"


@styled
def side_by_side(parts, path=None, columns=10):
    """Draw several versions of the same pictures, one row each, with its name on the left.

    Args:
        parts: `{name: pictures}` with pictures (n, height, width[, channels]), uint8, or floats
            from 0 to 1, in the same order.
        path: File to write the picture to, if any.
        columns: Maximum number of pictures.
    """
    n = min(columns, *map(len, parts.values()))
    figure, axes = new_figure(0.9 * n + 1, 0.95 * len(parts), len(parts), n)
    for row, (name, images) in enumerate(parts.items()):
        for axis, picture in zip(axes[row * n : (row + 1) * n], images, strict=False):
            show(axis, picture)
        first = axes[row * n]
        place = {"ha": "right", "va": "center", "transform": first.transAxes}
        first.text(-0.1, 0.5, name, **place)
    return written(figure, path)


@styled
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
    parts = {"original": originals, "output": outputs}
    return side_by_side(parts, path, columns=len(originals))


@styled
def latent_plane(images, path=None, extent=None):
    """Draw a grid of pictures decoded from points of a plane in latent space.

    Args:
        images: Array (rows, columns, height, width[, channels]), with the first row at the top.
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
    figure, (axis,) = new_figure(6, 6 * sheet.shape[0] / sheet.shape[1])
    show(axis, sheet, extent=extent)
    if extent is not None:
        axis.set_axis_on()
        axis.set_xlabel("$z_1$")
        axis.set_ylabel("$z_2$")
    return written(figure, path)
