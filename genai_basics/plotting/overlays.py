"""Draws boxes and heat maps on pictures."""

import numpy as np

from .style import COLOURS, pixels

__all__ = ["draw_boxes", "heatmap_over"]

HOT = (213, 94, 0)


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
    boxes = np.hstack(
        [np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])]
    )
    width = max(1, round(min(picture.size) / 200))
    font = ImageFont.load_default(max(10, min(picture.size) / 32))
    names = [""] * len(boxes) if labels is None else list(map(str, labels))
    kinds = sorted({*names, *map(str, class_names or ())})
    colours = [COLOURS[kinds.index(name) % len(COLOURS)] for name in names]
    for box, colour in zip(boxes.tolist(), colours, strict=True):
        draw.rectangle(box, outline=colour, width=width)
    taken = []
    for i, (box, name, colour) in enumerate(zip(boxes, names, colours, strict=True)):
        text = name if scores is None else f"{name} {float(scores[i]):.0%}".strip()
        if text:
            *_, right, bottom = draw.textbbox((0, 0), text, font=font)
            place = _free_place((right + 4, bottom + 4), box, picture.size, taken)
            taken.append(place)
            draw.rectangle(place, fill=colour)
            ink = "white" if colour in COLOURS[:3] else "black"
            draw.text((place[0] + 2, place[1] + 1), text, fill=ink, font=font)
    return picture


def _free_place(size, box, picture, taken):
    """Return a place (x1, y1, x2, y2) for a label near its box, if possible not on other labels.

    It is above, below or within the box, or otherwise at the nearest free place.
    """
    width, height = size
    left, top, right, bottom = box
    places = [
        (x, y)
        for x in (left, right - width)
        for y in (top - height, bottom + 1, top, bottom - height)
    ]
    rows = np.arange(0, picture[1] - height, height)
    places += [
        (x, y) for y in rows[np.argsort(abs(rows - top))] for x in (left, right, left - width)
    ]
    ends = np.maximum(np.subtract(picture, size), 0)
    corners = np.clip(places, 0, ends)  # also complete at the edge
    found = np.hstack([corners, corners + size])
    overlap = np.zeros(len(found))
    for other in taken:
        shared = np.minimum(found[:, 2:], other[2:]) - np.maximum(found[:, :2], other[:2])
        overlap += np.prod(np.maximum(shared, 0), axis=1)
    return found[overlap.argmin()].tolist()


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


def _picture(image):
    """Return a picture as a new PIL image in RGB."""
    from PIL import Image

    if not isinstance(image, Image.Image):
        image = Image.fromarray(pixels(image))
    return image.convert("RGB").copy()
