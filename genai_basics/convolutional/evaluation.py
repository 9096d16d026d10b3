"""Reports, figures and predictions of CNN and detector; see `genai_basics.predictor.evaluation`."""

import numpy as np
from keras import ops

from .. import metrics, plotting
from ..data.writers import image_grid, to_pixels
from ..evaluation import Errors
from ..exporting import Export, Graph, example_of, programs
from ..predictor import evaluation
from .boxes import matched_objects, overlaps

__all__ = [
    "answer_cnn",
    "answer_detector",
    "draw_explained",
    "draw_found",
    "errors_of_detector",
    "examples_of_detector",
    "exported_detector",
    "pictures_cnn",
    "pictures_detector",
    "report_detector",
]

LEGIBLE = 480  # minimum pixels of a picture with labels


def answer_cnn(model, x, top=1, explain=False):
    """Return a row per example and, with `explain`, copies of pictures that show the evidence."""
    rows, outputs = evaluation.answer(model, x, top)
    if explain:
        if not model.is_of_pictures:
            raise ValueError("`explain` draws pictures only. Received: explain=True")
        outputs = draw_explained(model, x)
    return rows, outputs


def pictures_cnn(model, x, y=None):
    """Return the confusion matrix and pictures with the evidence for their class."""
    found = evaluation.pictures(model, x, y)
    if model.is_of_pictures:
        found["explained"] = image_grid(draw_explained(model, np.asarray(x[:16])), columns=4)
    return found


def draw_explained(model, x):
    """Return copies of pictures x, uint8 RGB, with the map of their most likely class in red."""
    heat = np.maximum(model.explain(x), 0.0)
    pixels = to_pixels(np.asarray(x), model.preprocessor.value_range or (0, 255))
    return np.stack(
        [np.asarray(plotting.heatmap_over(*pair)) for pair in zip(pixels, heat, strict=True)]
    )


def report_detector(model, x, y=None):
    """Return the mean average precision on pictures x, without intervals."""
    true = [{**one, "labels": names} for one, names in zip(y, _true_names(model, y), strict=True)]
    found = model.detect(x, threshold=1e-3, several=True)
    found = [{**one, "labels": [str(label) for label in one["labels"]]} for one in found]
    names = model.class_names or tuple(map(str, range(model.num_classes)))
    return metrics.detection_report(true, found, names), {}


def _true_names(model, y):
    """Return the names of the true labels of each picture."""
    if y is None:
        raise ValueError("measuring a detector needs true boxes: pass y. Received: y=None")
    labels = model.labels
    return [[labels.name(label) for label in labels.encode(one["labels"])] for one in y]


def errors_of_detector(model, x, y=None):
    """Return which true objects are missed: no box of their class has an IoU of one half."""
    missed, examples, parts = [], [], []
    true_names = _true_names(model, y)
    for i, (found, true) in enumerate(zip(model.detect(x), y, strict=True)):
        names = np.array(true_names[i])
        boxes = np.asarray(true["boxes"], "float32").reshape(-1, 4)
        counted = ~np.asarray(true.get("crowd", np.zeros(len(names))), bool)
        iou = ops.convert_to_numpy(overlaps(boxes[:, None], found["boxes"][None])[0])
        same = names[:, None] == found["labels"].astype(str)[None]
        missed += (~matched_objects(np.where(same, iou, 0.0)))[counted].tolist()
        parts += names[counted].tolist()
        examples += [i] * int(counted.sum())
    if not missed:
        raise ValueError("the pictures hold no objects that could be missed")
    return Errors(
        "objects missed", np.array(missed, "float64"), np.array(examples), np.array(parts)
    )


def answer_detector(model, x, threshold=None):
    """Return a row per picture with its detected objects, and copies with boxes drawn."""
    found = model.detect(x, threshold)
    rows = []
    for one in found:
        labels = [str(label) for label in one["labels"]]
        counts = {name: labels.count(name) for name in dict.fromkeys(labels)}
        rows.append(
            {
                "objects": len(labels),
                "found": ", ".join(f"{n} {name}" for name, n in counts.items()) or "(nothing)",
                "boxes": np.round(one["boxes"], 1).tolist(),
                "labels": labels,
                "scores": np.round(one["scores"], 4).tolist(),
            }
        )
    return rows, [draw_found(model, picture, one) for picture, one in zip(x, found, strict=True)]


def pictures_detector(model, x, y=None):
    """Return the first pictures with their detected objects."""
    some = [np.asarray(picture) for picture in x[:9]]
    found = model.detect(some)
    drawn = [
        draw_found(model, picture, one, LEGIBLE) for picture, one in zip(some, found, strict=True)
    ]
    if len({picture.shape for picture in drawn}) > 1:
        return {f"detected-{i}": picture for i, picture in enumerate(drawn)}
    return {"detected": image_grid(np.stack(drawn), columns=3)}


def examples_of_detector(model, x, y=None):
    """Return `(lines, picture)`: pictures with detected and missed objects."""
    x, y = list(x[:9]), y[:9]
    errors = errors_of_detector(model, x, y)
    found = model.detect(x)
    drawn = [
        draw_found(model, picture, one, LEGIBLE) for picture, one in zip(x, found, strict=True)
    ]
    captions, wrong = [], []
    for i, one in enumerate(found):
        missed = errors.values[errors.examples == i]
        more = len(one["labels"]) - int((1 - missed).sum())
        captions.append(f"{len(missed) - missed.sum():.0f} of {len(missed)} found")
        captions[-1] += f", {more} too many" * (more > 0)
        wrong.append(bool(missed.any() or more > 0))
    right = len(errors.values) - int(errors.values.sum())
    lines = [f"{right} of {len(errors.values)} objects in {len(x)} held-out pictures are found"]
    return lines, plotting.pictures(drawn, captions, wrong, columns=3, width=2.8)


def draw_found(model, picture, found, least=0):
    """Return a copy of a picture, uint8 RGB, with boxes, labels and scores drawn on it.

    A picture smaller than `least` is enlarged so that the labels are readable.
    """
    picture = to_pixels(picture, model.preprocessor.value_range)
    scale = max(1, least // max(picture.shape[:2]))
    picture = picture.repeat(scale, axis=0).repeat(scale, axis=1)
    boxes = np.asarray(found["boxes"]) * scale
    parts = boxes, found["labels"], found.get("scores")
    return np.asarray(plotting.draw_boxes(picture, *parts, class_names=model.class_names))


def exported_detector(model):
    """Return the graph from pictures of the network's size to boxes, labels and scores."""

    def detector(x):
        return model.decode(*model.maps(model.preprocessor(x)))

    facts = {"num_classes": model.num_classes, "class_names": model.class_names}
    facts |= {"size": model.size, "threshold": model.threshold}
    graphs = {"detector": Graph(detector, {"x": (model.preprocessor.shape, "float32")})}
    picture = f"{example_of(model.preprocessor, 1)}[0]"
    return Export(graphs, (programs.detect,), picture, facts, {})
