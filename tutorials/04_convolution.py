"""
Convolution: the same filters everywhere
========================================

A feedforward network has to learn what a stroke looks like at each position separately. A
convolutional network applies small filters with the same weights at every position, so it
recognizes everywhere what it has learned at one position. We train both, shift the digits by a
pixel, and see which network fails. Then we look at the filters, and at the positions that were
evidence for the answer.

The claim at the end: on digits shifted by one pixel, the convolutional network loses much less
accuracy than the feedforward network that was trained on the same pictures.
"""

# %%
import os

import numpy as np

import genai_basics as gb

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))

data = gb.load_data("digits")
names = data.spec.class_names

# %%
# A convolution by hand
# ---------------------
# A filter is a small picture of weights. At each position of a picture, it returns the sum of the
# products, which is high where the picture looks like the filter.

edge = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])  # bright on the right, dark on the left
picture = data.train.x[0, :, :, 0].astype(float)
answer = np.array(
    [[np.sum(picture[i : i + 3, j : j + 3] * edge) for j in range(6)] for i in range(6)]
)
for before, after in zip(picture[1:7], answer):
    left = "".join(" .:*#"[int(value) // 52] for value in before)
    right = "".join("+" if value > 200 else "-" if value < -200 else "." for value in after)
    print(left, " ", right)

# %%
# Two networks
# ------------
# The convolutional network has stages of such filters, which are learned, each at half the
# resolution of the stage before; the last step averages over all positions. Neither network sees
# shifted digits in training.

cnn = gb.build_cnn((8, 8, 1), 10, filters=(16, 32), augment=False, class_names=names, seed=0)
mlp = gb.build_mlp((8, 8, 1), 10, hidden_units=(256, 256), class_names=names, seed=0)
for model in (cnn, mlp):
    model.compile()
    model.fit(data.train.x, data.train.y, epochs=max(1, round(15 * BUDGET)), verbose=0)
    print(model.name, f"{model.count_params():,} weights")

# %%
# Shifted by one pixel
# --------------------


def moved(x, pixels):
    return np.roll(x, pixels, axis=2)  # digits have a black margin


accuracy = {}
for model in (cnn, mlp):
    for pixels in (-1, 0, 1):
        logs = model.evaluate(moved(data.test.x, pixels), data.test.y, verbose=0, return_dict=True)
        accuracy[model.name, pixels] = logs["accuracy"]
    print(model.name, {p: round(accuracy[model.name, p], 3) for p in (-1, 0, 1)})

# %%
# With `augment=True`, the default, the network's pictures are shifted, rotated and zoomed a little,
# in training only. That helps both networks, but the convolutional one starts with an advantage.
#
# What the filters look like
# --------------------------
# One of the first stage's filters, as numbers:

first = next(layer for layer in cnn.network.layers if "conv" in layer.name)
kernels = np.asarray(first.kernel)[:, :, 0]  # (3, 3, filters)
print(np.round(kernels[:, :, 0], 2))

# %%
# Which positions matter
# ----------------------
# The last step is an average over positions, so the score of an answer is a sum of what each
# position adds to it. `explain` returns these as a class activation map (Zhou et al., 2015).

x = data.test.x[:1]
(label,), _ = cnn.classify(x)
(heat,) = cnn.explain(x)
print("a", label)
for row, warm in zip(x[0, :, :, 0], heat):
    ink = "".join(" .:*#"[value // 52] for value in row)
    print(ink, " ", "".join("+" if value > heat.mean() else "." for value in warm))

# %%
# The claim
# ---------

drop = {
    model.name: accuracy[model.name, 0] - np.mean([accuracy[model.name, p] for p in (-1, 1)])
    for model in (cnn, mlp)
}
print({name: f"-{value:.1%}" for name, value in drop.items()})

if BUDGET >= 1:
    assert accuracy["cnn", 0] > 0.95
    assert drop["cnn"] < drop["mlp"] / 2
