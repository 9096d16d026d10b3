"""
Finding things in pictures
==========================

A classifier says what a picture shows; a detector says what is where. This one looks once: for
every fourth pixel it asks "is this the middle of a thing, and of which kind?" and "how far does it
reach to each side?". There are no boxes to begin with, and no second look.

The claim at the end: trained from nothing for a minute or so on pictures with digits strewn over
them, it finds most of them in pictures that it has not seen.
"""

# %%
import os

import numpy as np

import genai_basics as gb
from genai_basics.convolutional.boxes import gaussians

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))

data = gb.load_data("scattered_digits")
print(data)
print(data.train.y[0])

# %%
# What it is asked to say
# -----------------------
# The target of the first question is a heatmap for each class: 1 at the middle of each thing,
# falling off around it like a Gaussian as wide as the thing is, since a place beside the middle is
# not quite wrong (Zhou et al., 2019; Liu et al., 2019).

height, width = data.spec.shape[:2]
boxes = np.asarray(data.train.y[0]["boxes"], "float32")
bumps = np.asarray(gaussians(boxes[None], height // 4, width // 4, (height, width)))[0].max(axis=0)
for row in bumps:
    print("".join(" .:*#"[int(4 * value)] for value in row))

# %%
# The second question is asked of the bright places only: the distances to the four sides. How
# well a box fits is measured as the field does, by the area that two boxes share over the area
# that they cover together.
#
# Training
# --------

model = gb.build_detector(
    data.spec.shape,
    class_names=data.spec.class_names,
    num_classes=data.spec.num_classes,
    filters=(16, 32, 64, 96),
    seed=0,
)
model.compile(learning_rate=3e-3)
history = model.fit(
    data.train.x,
    data.train.y,
    epochs=max(1, round(20 * BUDGET)),
    validation_data=(data.validation.x, data.validation.y),
    verbose=0,
)
for name in ("heat", "box", "val_heat", "val_box"):
    print(f"{name:9s}", np.round(history.history[name][:: max(1, len(history.epoch) // 6)], 2))

# %%
# Looking
# -------
# `detect` takes pictures of any size and answers in their pixels. Two boxes of one class that
# overlap by more than half are one thing: only the surer one stays (non-maximum suppression).

(found,) = model.detect(data.test.x[:1])
for box, label, score in zip(found["boxes"], found["labels"], found["scores"]):
    print(label, np.round(box).astype(int), f"{score:.2f}")
print("truth:", [data.spec.class_names[label] for label in data.test.y[0]["labels"]])

# %%
# The claim
# ---------
# Average precision: go through what was found, the surest first, and average how many of it is
# right, over how much of all there is has been found by then; map_50 calls a box right from an
# overlap of a half on.

metrics, _ = model.report(data.test.x, data.test.y)
print({name: round(value, 3) for name, value in metrics.items()})

if BUDGET >= 1:
    assert metrics["map_50"] > 0.8
