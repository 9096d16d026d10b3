"""Metrics of restored pictures against originals, and of detected boxes against true objects."""

import contextlib
import io

import numpy as np

from ..extras import require

__all__ = ["detection_report", "psnr", "ssim"]


def psnr(originals, restored, data_range=255):
    """Return the peak signal-to-noise ratio in decibels, averaged over pictures.

    10 log10(data_range^2 / MSE) for each picture; infinite for equal ones.

    Args:
        originals: Pictures (n, height, width[, channels]).
        restored: Pictures of the same shape.
        data_range: The difference between white and black.

    Example:

    >>> round(psnr(np.zeros((1, 2, 2)), np.full((1, 2, 2), 25.5)), 6)
    20.0
    """
    originals, restored = _pictures(originals, restored)
    errors = np.square(originals - restored).reshape(len(originals), -1).mean(1)
    with np.errstate(divide="ignore"):
        return float((10 * np.log10(data_range**2 / errors)).mean())


def ssim(originals, restored, data_range=255):
    """Return the structural similarity, averaged over pictures; 1 for equal ones.

    Computed by scikit-image with the weights of Wang et al. (2004,
    https://doi.org/10.1109/TIP.2003.819861): a Gaussian window of 11 pixels, or fewer for
    smaller pictures. Needs the extra `denoise`.

    Args:
        originals: Pictures (n, height, width[, channels]), at least 3 pixels wide and high.
        restored: Pictures of the same shape.
        data_range: The difference between white and black.

    Example:

    >>> picture = np.arange(64.0).reshape(1, 8, 8)
    >>> ssim(picture, picture)
    1.0
    """
    compare = require("skimage.metrics", "denoise").structural_similarity
    originals, restored = _pictures(originals, restored)
    side = min(originals.shape[1:3])
    if side < 3:
        raise ValueError(
            f"pictures must be at least 3 pixels wide and high. Received: {originals.shape[1:3]}"
        )
    options = {
        "data_range": data_range,
        "channel_axis": -1 if originals.ndim == 4 else None,
        "gaussian_weights": True,
        "sigma": 1.5,
        "use_sample_covariance": False,
        "win_size": min(11, side - 1 + side % 2),
    }
    pairs = zip(originals, restored, strict=True)
    return float(np.mean([compare(a, b, **options) for a, b in pairs]))


def detection_report(targets, predictions, class_names):
    """Return the mean average precision of detected boxes, computed by pycocotools.

    `map_50` counts a box as correct if its intersection over union with a true box is at least
    one half; `map_50_95` averages over ten such thresholds up to 0.95 (Lin et al., 2014,
    https://arxiv.org/abs/1405.0312). Needs the extra `detect`.

    Args:
        targets: For each picture, a dict of `boxes` (k, 4), corners x1, y1, x2, y2 in pixels,
            and `labels` (k,), integers or names. `crowd` (k,) marks boxes around many objects.
        predictions: For each picture, such a dict with `scores` (k,) instead of `crowd`.
        class_names: Names of the classes, in the order of integer labels.

    Returns:
        A flat dict of `map_50`, `map_50_95`, and `ap_50_NAME` for each class that occurs.

    Example:

    >>> cell = {"boxes": [[0, 0, 10, 10]], "labels": ["cell"]}
    >>> round(detection_report([cell], [{**cell, "scores": [0.9]}], ["cell"])["map_50"], 6)
    1.0
    """
    if len(targets) != len(predictions):
        raise ValueError(
            "there must be as many predictions as targets. "
            f"Received: {len(predictions)} for {len(targets)}"
        )
    coco = require("pycocotools.coco", "detect")
    cocoeval = require("pycocotools.cocoeval", "detect")
    numbers = {name: number for number, name in enumerate(class_names)}
    truth = coco.COCO()
    truth.dataset = {
        "images": [{"id": i} for i in range(len(targets))],
        "categories": [{"id": number, "name": name} for name, number in numbers.items()],
        "annotations": _annotations(targets, numbers),
    }
    found = _annotations(predictions, numbers)
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
        truth.createIndex()
        result = coco.COCO()
        result.dataset = {**truth.dataset, "annotations": found}
        result.createIndex()
        evaluation = cocoeval.COCOeval(truth, result, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    # axes: IoU threshold, recall, class, size of object (0: any), maximum of boxes (-1: 100)
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    half, every = (_mean(p) for p in (precision[0], precision))
    by_class = {
        f"ap_50_{name}": _mean(precision[0, :, number])
        for name, number in numbers.items()
        if (precision[0, :, number] > -1).any()
    }
    return {"map_50": half, "map_50_95": every, **by_class}


def _annotations(pictures, numbers):
    """Convert dicts of boxes to a list of COCO annotations, whose ids start at 1."""
    rows = []
    for image, picture in enumerate(pictures):
        boxes = np.asarray(picture["boxes"], "float64").reshape(-1, 4)
        for i, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
            label = picture["labels"][i]
            row = {
                "id": len(rows) + 1,
                "image_id": image,
                "category_id": numbers[label] if isinstance(label, str) else int(label),
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": (x2 - x1) * (y2 - y1),
                "iscrowd": int(picture["crowd"][i]) if "crowd" in picture else 0,
            }
            if "scores" in picture:
                row["score"] = float(picture["scores"][i])
            rows.append(row)
    return rows


def _mean(precision):
    """Average over existing classes; pycocotools marks classes without objects by -1."""
    seen = precision[precision > -1]
    return float(seen.mean()) if seen.size else 0.0


def _pictures(originals, restored):
    originals, restored = (np.asarray(a, "float64") for a in (originals, restored))
    if originals.shape != restored.shape or originals.ndim < 3:
        raise ValueError(
            "`restored` must have the shape of `originals`, (n, height, width[, channels]). "
            f"Received: {restored.shape} for {originals.shape}"
        )
    return originals, restored
