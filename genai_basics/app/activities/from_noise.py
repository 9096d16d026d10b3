"""The steps from noise to samples of a diffusion model."""

import numpy as np

from ..controls import Panel, add_label
from ..showing import Output, as_file
from ..widgets import Slider
from .generating import start

__all__ = ["add", "fits"]

FRAMES, SAMPLES = 9, 4


def fits(stage):
    return hasattr(stage.model, "steps_from_noise") and stage.spec.kind == "images"


def steps(stage, seed, label):
    """Return a picture with a row per sample, from noise on the left, and the samples."""
    labels = None if label is None else [label] * SAMPLES
    path = stage.model.steps_from_noise(SAMPLES, seed=seed, labels=labels)
    chosen = np.linspace(0, len(path) - 1, min(FRAMES, len(path))).round().astype(int)
    content, form = as_file(path[chosen].swapaxes(0, 1), stage.spec, ".png")
    return [(form, content)], path[-1]


def add(stage):
    words = "From left to right: noise becomes a picture, step by step."
    with Panel("Steps from noise", words) as panel:
        seed = Slider("Seed", 0, 100, 1, 0, lambda: change())
        label = add_label(stage, lambda: change())
        output = Output(stage, "pictures from noise to samples")

    async def compute(*args):
        return args[0], await stage.call(steps, stage, *args)

    def show(found):
        number, (parts, samples) = found
        output.show(parts, samples, seed=number)

    latest = panel.latest(compute, show)

    async def change():
        await latest(int(seed.value), label())

    start(change)
