"""
Finding things in pictures
==========================

A classifier says what a picture shows. How can a network also say *where* it is? This detector
looks at a picture once: for every fourth pixel, it predicts "is this the centre of an object, and
of which class?" and "how far does the object reach to each side?". There are no predefined boxes
and no second stage.

The claim at the end: trained from scratch for about a minute on pictures with scattered digits, it
finds most digits in pictures that it was not trained on.
"""

# %%
import os

import matplotlib.pyplot as plt
import numpy as np

import genai_basics as gb
from genai_basics.convolutional.boxes import gaussians
from genai_basics.plotting import draw_boxes

plt.style.use("genai_basics.plotting.genai_basics")
BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run

data = gb.load_data("scattered_digits")
names = data.spec.class_names
print(data)


def show(pictures, found, title):
    """Draw pictures with their boxes side by side."""
    figure, axes = plt.subplots(2, 2, figsize=(7.5, 5.4), layout="constrained")
    for axis, picture, one in zip(axes.flat, pictures, found):
        large = np.kron(picture[..., 0], np.ones((5, 5), "uint8"))  # room for thin lines
        labels = [name if isinstance(name, str) else names[name] for name in one["labels"]]
        axis.imshow(draw_boxes(large, 5 * np.asarray(one["boxes"]), labels, class_names=names))
        axis.set_axis_off()
    figure.suptitle(title)
    plt.show()


show(data.train.x[:4], data.train.y[:4], "Training pictures with the boxes that we know")

# %%
# The answer in ten lines
# -----------------------

model = gb.build_detector(
    data.spec.shape,
    class_names=names,
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
show(data.test.x[:4], model.detect(data.test.x[:4]), "Boxes that it found in new pictures")

# %%
# The first question: where are centres?
# --------------------------------------
# Its target is a heatmap for each class: 1 at the centre of each object, decreasing around it like
# a Gaussian whose width depends on the object, since a position near the centre is not entirely
# wrong (Zhou et al., 2019; Liu et al., 2019).

height, width = data.spec.shape[:2]
boxes = np.asarray(data.test.y[0]["boxes"], "float32")
bumps = np.asarray(gaussians(boxes[None], height // 4, width // 4, (height, width)))[0].max(axis=0)
numbers = model.preprocessor(model.preprocessor.prepare(data.test.x[:1]))
outputs = model.network(numbers)
outputs = list(outputs.values()) if isinstance(outputs, dict) else outputs
print("shapes of what the network returns:", [tuple(part.shape) for part in outputs])

figure, axes = plt.subplots(1, 3, figsize=(7, 2.6))
axes[0].imshow(data.test.x[0], cmap="gray")
axes[1].imshow(bumps, cmap="magma")
heat = np.asarray(outputs[0])[0].max(axis=-1)
axes[2].imshow(1 / (1 + np.exp(-heat)), cmap="magma")
for axis, title in zip(axes, ("a new picture", "target", "prediction")):
    axis.set_title(title)
    axis.set_axis_off()
plt.show()

# %%
# The second question: how far to each side?
# ------------------------------------------
# It is asked only where the heatmap is high. The fit of a box is measured by intersection over
# union: the area that two boxes share, divided by the area that they cover together.


def overlap(a, b):
    """Return the intersection over union of two boxes (x1, y1, x2, y2)."""
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = np.prod(np.maximum(sides, 0))
    return shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared)


(found,) = model.detect(data.test.x[:1])
for box, label, score in zip(found["boxes"], found["labels"], found["scores"]):
    best = max(overlap(np.asarray(box), truth) for truth in boxes)
    print(f"a {label} with score {score:.2f}, overlap with the truth {best:.2f}")

# %%
# Neighbouring positions find the same object, and so do classes that look alike. Two boxes that
# overlap by more than 0.55 count as one: only the one with the higher score is kept (non-maximum
# suppression).
#
# Both losses fall together, on new pictures, too:

figure, axes = plt.subplots(1, 2, figsize=(7, 2.3))
for axis, name, title in zip(axes, ("heat", "box"), ("loss of the heatmap", "loss of the boxes")):
    axis.plot(history.history[name], label="training")
    axis.plot(history.history[f"val_{name}"], label="validation")
    axis.set(title=title, xlabel="epoch")
axes[0].legend()
plt.show()

# %%
# The claim
# ---------
# Average precision sorts the detections by score, the highest first, and averages the precision
# over all levels of recall; for map_50, a box is correct if its overlap is at least 0.5.

metrics, _ = model.report(data.test.x, data.test.y)
print({name: round(value, 3) for name, value in metrics.items()})

if BUDGET >= 1:
    assert metrics["map_50"] > 0.8
