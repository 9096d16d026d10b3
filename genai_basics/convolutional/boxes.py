"""Boxes and what is learned about them: TTFNet (Liu et al., 2019, https://arxiv.org/abs/1909.00700).

At a quarter of the picture's resolution, a heatmap for each class is high at the centres of its
objects, and each place foretells how far the object about it reaches to the left, top, right and
bottom. A Gaussian about each object's centre (equation 2) is the target of the heatmaps, through
the focal loss of CenterNet (equation 3, from https://arxiv.org/abs/1904.07850), and weighs the
places whose boxes are compared with the object's by generalized IoU (equations 6 to 8).
"""

import numpy as np
from keras import ops

__all__ = [
    "area_of",
    "boxes_of",
    "detection_losses",
    "gaussians",
    "losses_by_picture",
    "matched_objects",
    "overlaps",
]


def boxes_of(reach, size):
    """Return boxes (batch, rows, columns, 4) in pixels from log distances to their sides.

    A place in row i and column j lies at ((j + 1/2), (i + 1/2)) * 4 pixels; the distances are
    exp(reach) * 16 pixels.
    """
    rows, columns = reach.shape[1:3]
    y = (ops.arange(rows, dtype="float32") + 0.5) * (size[0] / rows)
    x = (ops.arange(columns, dtype="float32") + 0.5) * (size[1] / columns)
    x, y = x[None, None, :], y[None, :, None]
    left, top, right, bottom = ops.unstack(ops.exp(ops.clip(reach, -5.0, 4.0)) * 16.0, 4, axis=-1)
    return ops.stack([x - left, y - top, x + right, y + bottom], axis=-1)


def area_of(boxes):
    """Return areas of boxes (..., 4): 0 where a side is none."""
    width = ops.maximum(boxes[..., 2] - boxes[..., 0], 0.0)
    return width * ops.maximum(boxes[..., 3] - boxes[..., 1], 0.0)


def overlaps(a, b):
    """Return IoU and generalized IoU of boxes (..., 4) (Rezatofighi et al., 2019).

    IoU = |A and B| / |A or B|; GIoU = IoU - |C less (A or B)| / |C|, C the least box about both.
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
    """Return which objects (rows) are found: each box (column), best first, finds one of them."""
    matched = np.zeros(len(iou), bool)
    for column in iou.T if len(iou) else ():
        column = np.where(matched, 0.0, column)
        matched[column.argmax()] |= column.max() >= 0.5
    return matched


def gaussians(boxes, rows, columns, size, alpha=0.54):
    """Return a Gaussian about each centre, (batch, boxes, rows, columns), 1 at its own place.

    Its standard deviations are alpha / 6 of the box's width and height (equation 2), half a
    place at least.
    """
    scale = ops.array([columns / size[1], rows / size[0]] * 2, "float32")
    boxes = boxes * scale  # in places
    centre = (boxes[..., :2] + boxes[..., 2:]) / 2
    limit = ops.array([columns - 1, rows - 1], "float32")
    centre = ops.clip(ops.floor(centre), 0.0, limit)
    sigma = ops.maximum((boxes[..., 2:] - boxes[..., :2]) * (alpha / 6), 0.5)
    x = ops.arange(columns, dtype="float32") - centre[..., :1]
    y = ops.arange(rows, dtype="float32") - centre[..., 1:]
    x = ops.exp(-0.5 * ops.square(x / sigma[..., :1]))
    y = ops.exp(-0.5 * ops.square(y / sigma[..., 1:]))
    return y[..., :, None] * x[..., None, :]


def losses_by_picture(heat, reach, boxes, labels, size):
    """Return `(heat_loss, box_loss, count)` of each picture, (batch,), summed over its objects.

    heat_loss: with p = sigmoid(heat) and the Gaussians' maximum t for each class,
    -(1 - p)^2 log p where t = 1, -(1 - t)^4 p^2 log(1 - p) elsewhere, summed over places and
    classes (equation 3). box_loss: 1 - GIoU, averaged over the places about a centre by the
    weight of its Gaussian there, so that each object counts the same.

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

    # Each place is compared with the object whose Gaussian is highest there, from 0.1 on.
    owner, weight = ops.argmax(bumps, axis=1), ops.max(bumps, axis=1)  # (batch, rows, columns)
    weight = ops.where(weight > 0.1, weight, 0.0)
    number = ops.arange(ops.shape(bumps)[1], dtype=owner.dtype)[None, :, None, None]
    mass = ops.sum(ops.where(owner[:, None] == number, weight[:, None], 0.0), axis=(2, 3))
    flat = ops.reshape(owner, (-1, rows * columns))
    mass = ops.reshape(ops.take_along_axis(mass, flat, axis=1), (-1, rows, columns))
    true = ops.take_along_axis(boxes, flat[..., None], axis=1)
    _, giou = overlaps(boxes_of(reach, size), ops.reshape(true, (-1, rows, columns, 4)))
    box_loss = ops.sum(weight / ops.maximum(mass, 1e-6) * (1.0 - giou), axis=(1, 2))
    return heat_loss, box_loss, ops.sum(there, axis=1)


def detection_losses(heat, reach, boxes, labels, size):
    """Return `(heat_loss, box_loss)` of a batch, averaged over its objects.

    Takes what `losses_by_picture` takes.
    """
    heat_loss, box_loss, count = losses_by_picture(heat, reach, boxes, labels, size)
    objects = ops.maximum(ops.sum(count), 1.0)
    return ops.sum(heat_loss) / objects, ops.sum(box_loss) / objects
