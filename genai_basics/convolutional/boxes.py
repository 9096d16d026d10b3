"""Boxes: overlaps, augmentation, and the losses of TTFNet (https://arxiv.org/abs/1909.00700).

A Gaussian around the centre of each object (equation 2) is the target of the heatmaps, with the
focal loss of CenterNet (equation 3, from https://arxiv.org/abs/1904.07850). It also weights the
positions whose boxes are compared with that of the object by generalized IoU (equations 6 to 8).
"""

import keras
import numpy as np
from keras import ops

__all__ = [
    "area_of",
    "boxes_of",
    "detection_losses",
    "distinct",
    "gaussians",
    "matched_objects",
    "overlaps",
    "varied",
]


def boxes_of(reach, size):
    """Return boxes (batch, rows, columns, 4) in pixels from log distances to their sides.

    The position in row i and column j is at ((j + 1/2), (i + 1/2)) * 4 pixels; the distances
    are exp(reach) * 16 pixels.
    """
    rows, columns = reach.shape[1:3]
    y = (ops.arange(rows, dtype="float32") + 0.5) * (size[0] / rows)
    x = (ops.arange(columns, dtype="float32") + 0.5) * (size[1] / columns)
    x, y = x[None, None, :], y[None, :, None]
    left, top, right, bottom = ops.unstack(ops.exp(ops.clip(reach, -5.0, 4.0)) * 16.0, 4, axis=-1)
    return ops.stack([x - left, y - top, x + right, y + bottom], axis=-1)


def area_of(boxes):
    """Return the areas of boxes (..., 4), 0 for inverted ones."""
    width = ops.maximum(boxes[..., 2] - boxes[..., 0], 0.0)
    return width * ops.maximum(boxes[..., 3] - boxes[..., 1], 0.0)


def overlaps(a, b):
    """Return IoU and generalized IoU of boxes (..., 4) (Rezatofighi et al., 2019).

    IoU = |A and B| / |A or B|; GIoU = IoU - |C - (A or B)| / |C|, C the smallest box around both.
    """
    inner = ops.concatenate(
        [ops.maximum(a[..., :2], b[..., :2]), ops.minimum(a[..., 2:], b[..., 2:])], axis=-1
    )
    outer = ops.concatenate(
        [ops.minimum(a[..., :2], b[..., :2]), ops.maximum(a[..., 2:], b[..., 2:])], axis=-1
    )
    both = area_of(inner)
    either = area_of(a) + area_of(b) - both
    iou = both / ops.maximum(either, 1e-6)
    hull = ops.maximum(area_of(outer), 1e-6)
    return iou, iou - (hull - either) / hull


def matched_objects(iou):
    """Return which objects (rows) are detected; boxes (columns), best first, detect one at most."""
    matched = np.zeros(len(iou), bool)
    for column in iou.T if len(iou) else ():
        column = np.where(matched, 0.0, column)
        matched[column.argmax()] |= column.max() >= 0.5
    return matched


def gaussians(boxes, rows, columns, size, alpha=0.54):
    """Return a Gaussian around each centre, (batch, boxes, rows, columns), 1 at the centre.

    Its standard deviations are alpha / 6 of the box's width and height (equation 2), at least
    half a position.
    """
    scale = ops.array([columns / size[1], rows / size[0]] * 2, "float32")
    boxes = boxes * scale  # in positions
    centre = (boxes[..., :2] + boxes[..., 2:]) / 2
    limit = ops.array([columns - 1, rows - 1], "float32")
    centre = ops.clip(ops.floor(centre), 0.0, limit)
    sigma = ops.maximum((boxes[..., 2:] - boxes[..., :2]) * (alpha / 6), 0.5)
    x = ops.arange(columns, dtype="float32") - centre[..., :1]
    y = ops.arange(rows, dtype="float32") - centre[..., 1:]
    x = ops.exp(-0.5 * ops.square(x / sigma[..., :1]))
    y = ops.exp(-0.5 * ops.square(y / sigma[..., 1:]))
    return y[..., :, None] * x[..., None, :]


def distinct(boxes, labels, max_overlap):
    """Return which boxes (batch, k, 4) to keep: non-maximum suppression, best first.

    A box is removed if a better box of its class that is kept overlaps it by more than
    `max_overlap`.
    """
    k = boxes.shape[1]
    iou, _ = overlaps(boxes[:, :, None], boxes[:, None])
    same = labels[:, :, None] == labels[:, None]
    hides = ops.logical_and(iou > max_overlap, same)
    order = ops.arange(k)

    def step(i, keep):
        better = ops.logical_and(keep, (order < i)[None])
        hidden = ops.any(ops.logical_and(hides[:, i], better), axis=1)
        return ops.logical_and(
            keep, ops.logical_not(ops.logical_and(hidden[:, None], (order == i)[None]))
        )

    return ops.fori_loop(0, k, step, ops.ones_like(labels, dtype="bool"))


def detection_losses(heat, reach, boxes, labels, size):
    """Return `(heat_loss, box_loss, objects)` of each picture, (batch,), averaged over its objects.

    heat_loss: with p = sigmoid(heat) and t the maximum of the Gaussians of each class,
    -(1 - p)^2 log p where t = 1 and -(1 - t)^4 p^2 log(1 - p) elsewhere, summed over positions
    and classes (equation 3). box_loss: 1 - GIoU, averaged over the positions around a centre
    with the Gaussian as weight, so that all objects count equally. objects: their number, at
    least 1, by which both sums are divided.

    Args:
        heat: Logits (batch, rows, columns, classes).
        reach: Log distances (batch, rows, columns, 4), see `boxes_of`.
        boxes: Corners (batch, most, 4) in pixels.
        labels: Classes (batch, most), -1 where there is no box.
        size: (height, width) of the picture in pixels.
    """
    rows, columns, classes = heat.shape[1:]
    there = ops.cast(labels >= 0, "float32")
    bumps = gaussians(boxes, rows, columns, size) * there[..., None, None]
    of_class = [ops.cast(labels == c, "float32")[..., None, None] for c in range(classes)]
    target = ops.stack([ops.max(bumps * mine, axis=1) for mine in of_class], axis=-1)
    log_p, log_not_p, p = -ops.softplus(-heat), -ops.softplus(heat), ops.sigmoid(heat)
    hit = -ops.square(1.0 - p) * log_p
    miss = -((1.0 - target) ** 4) * ops.square(p) * log_not_p
    heat_loss = ops.sum(ops.where(target > 0.999, hit, miss), axis=(1, 2, 3))

    # Each position belongs to the object whose Gaussian is highest there, if that is above 0.1.
    owner, weight = ops.argmax(bumps, axis=1), ops.max(bumps, axis=1)  # (batch, rows, columns)
    weight = ops.where(weight > 0.1, weight, 0.0)
    number = ops.arange(ops.shape(bumps)[1], dtype=owner.dtype)[None, :, None, None]
    mass = ops.sum(ops.where(owner[:, None] == number, weight[:, None], 0.0), axis=(2, 3))
    flat = ops.reshape(owner, (-1, rows * columns))
    mass = ops.reshape(ops.take_along_axis(mass, flat, axis=1), (-1, rows, columns))
    true = ops.take_along_axis(boxes, flat[..., None], axis=1)
    _, giou = overlaps(boxes_of(reach, size), ops.reshape(true, (-1, rows, columns, 4)))
    box_loss = ops.sum(weight / ops.maximum(mass, 1e-6) * (1.0 - giou), axis=(1, 2))
    objects = ops.maximum(ops.sum(there, axis=1), 1.0)
    return heat_loss / objects, box_loss / objects, objects


def varied(x, boxes, mirror, seed):
    """Randomly shift, zoom, flip and relight pictures and boxes; return `(x, boxes, seen)`.

    `seen` (batch, most) says which boxes are still in the picture. `seed` is a `SeedGenerator`.
    """
    n, (height, width) = ops.shape(x)[0], x.shape[1:3]
    draw = lambda low, high: keras.random.uniform((n,), low, high, seed=seed)  # noqa: E731
    zoom = ops.exp(draw(-0.2, 0.2))
    stretch = ops.exp(draw(-0.06, 0.06))
    flip_x = ops.sign(draw(-1, 1)) if mirror else ops.ones((n,))
    flip_y = ops.sign(draw(-1, 1)) if mirror else ops.ones((n,))
    scale_x, scale_y = zoom * stretch * flip_x, zoom / stretch * flip_y
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    # Pixel (u, v) of the output is (scale_x u + x0, scale_y v + y0) of the input.
    x0 = middle_x - scale_x * middle_x + draw(-0.12, 0.12) * width
    y0 = middle_y - scale_y * middle_y + draw(-0.12, 0.12) * height
    zero = ops.zeros((n,))
    transform = ops.stack([scale_x, zero, x0, zero, scale_y, y0, zero, zero], axis=1)
    x = ops.image.affine_transform(x, transform, "bilinear", "constant", 0.5)
    # Pixel u covers u to u + 1 in box coordinates, hence the halves.
    scale = ops.stack([scale_x, scale_y] * 2, axis=1)[:, None]
    start = ops.stack([x0, y0] * 2, axis=1)[:, None]
    boxes = (boxes - 0.5 - start) / scale + 0.5
    low = ops.minimum(boxes[..., :2], boxes[..., 2:])
    high = ops.maximum(boxes[..., :2], boxes[..., 2:])
    whole = area_of(ops.concatenate([low, high], axis=-1))
    limit = ops.array([width, height], "float32")
    boxes = ops.concatenate([ops.clip(low, 0.0, limit), ops.clip(high, 0.0, limit)], axis=-1)
    seen = area_of(boxes) > 0.3 * whole  # objects with less visible area are ignored
    light = draw(-0.1, 0.1)[:, None, None, None]
    contrast = ops.exp(draw(-0.2, 0.2))[:, None, None, None]
    mean = ops.mean(x, axis=(1, 2, 3), keepdims=True)
    return (x - mean) * contrast + mean + light, boxes, seen
