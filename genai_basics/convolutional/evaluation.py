"""What convolutional models report, draw and answer; see `genai_basics.predictor.evaluation`."""

import numpy as np

from .. import plotting
from ..data.writers import image_grid, to_pixels
from ..predictor import evaluation

__all__ = ["answer_cnn", "draw_explained", "pictures_cnn"]


def answer_cnn(model, x, top=1, explain=False):
    """Return a row per example, and with `explain` copies of pictures that show the evidence."""
    rows, outputs = evaluation.answer(model, x, top)
    if explain:
        if not model.is_of_pictures:
            raise ValueError("only pictures are drawn. Received: explain=True")
        outputs = draw_explained(model, x)
    return rows, outputs


def pictures_cnn(model, x, y=None):
    """Return the confusion matrix, and pictures with the evidence for their class."""
    found = evaluation.pictures(model, x, y)
    if model.is_of_pictures:
        found["explained"] = image_grid(draw_explained(model, np.asarray(x[:16])), columns=4)
    return found


def draw_explained(model, x):
    """Return copies of pictures x, uint8 RGB, with the map of their likeliest class in red."""
    heat = np.maximum(model.explain(x), 0.0)
    pixels = to_pixels(np.asarray(x), model.value_range or (0, 255))
    return np.stack(
        [np.asarray(plotting.heatmap_over(*pair)) for pair in zip(pixels, heat, strict=True)]
    )
