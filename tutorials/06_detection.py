"""
Finding things in pictures
==========================

A classifier says what a picture shows; a detector also says where it is. This detector looks at a
picture once: for every fourth pixel, it predicts "is this the centre of an object, and of which
class?" and "how far does the object reach to each side?". There are no predefined boxes and no
second stage.

The claim at the end: trained from scratch for about a minute on pictures with scattered digits, it
finds most digits in pictures that it was not trained on.
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
# What it predicts
# ----------------
# The target of the first question is a heatmap for each class: 1 at the centre of each object,
# decreasing around it like a Gaussian whose width depends on the object, since a position near the
# centre is not entirely wrong (Zhou et al., 2019; Liu et al., 2019).

height, width = data.spec.shape[:2]
boxes = np.asarray(data.train.y[0]["boxes"], "float32")
bumps = np.asarray(gaussians(boxes[None], height // 4, width // 4, (height, width)))[0].max(axis=0)
for row in bumps:
    print("".join(" .:*#"[int(4 * value)] for value in row))

# %%
# The second question, the distances to the four sides, is asked only where the heatmap is high. The
# fit of a box is measured by intersection over union: the area that two boxes share, divided by the
# area that they cover together.
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
# Detection
# ---------
# `detect` takes pictures of any size and returns boxes in their pixels. Two boxes of one class that
# overlap by more than half count as one object: only the box with the higher score is kept
# (non-maximum suppression).

(found,) = model.detect(data.test.x[:1])
for box, label, score in zip(found["boxes"], found["labels"], found["scores"]):
    print(label, np.round(box).astype(int), f"{score:.2f}")
print("truth:", [data.spec.class_names[label] for label in data.test.y[0]["labels"]])

# %%
# The claim
# ---------
# Average precision sorts the detections by score, the highest first, and averages the precision
# over all levels of recall; for map_50, a box is correct if its overlap is at least 0.5.

metrics, _ = model.report(data.test.x, data.test.y)
print({name: round(value, 3) for name, value in metrics.items()})

if BUDGET >= 1:
    assert metrics["map_50"] > 0.8
