"""
Convolution: the same filters everywhere
========================================

Why do networks that see use convolution? A feedforward network has to learn what a stroke looks
like at each position separately. A convolutional network applies small filters with the same
weights at every position, so it recognizes everywhere what it has learned at one position.

The claim at the end: on digits shifted by one pixel, the convolutional network loses much less
accuracy than the feedforward network that was trained on the same pictures.
"""

# %%
import os

import keras
import matplotlib.pyplot as plt
import numpy as np

import genai_basics as gb
from genai_basics.plotting import heatmap_over

plt.style.use("genai_basics.plotting.genai_basics")
BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run

data = gb.load_data("digits")
names = data.spec.class_names

# %%
# The answer in ten lines
# -----------------------
# Train both networks on digits, then shift the test digits sideways. Neither sees shifted digits in
# training.

cnn = gb.build_cnn((8, 8, 1), 10, filters=(16, 32), augment=False, class_names=names, seed=0)
mlp = gb.build_mlp((8, 8, 1), 10, hidden_units=(256, 256), class_names=names, seed=0)
for model in (cnn, mlp):
    model.compile()
    model.fit(data.train.x, data.train.y, epochs=max(1, round(15 * BUDGET)), verbose=0)
    print(model.name, f"{model.count_params():,} weights")

shifts, accuracy = (-2, -1, 0, 1, 2), {}
for model in (cnn, mlp):
    for pixels in shifts:
        moved = np.roll(data.test.x, pixels, axis=2)  # digits have a black margin
        logs = model.evaluate(moved, data.test.y, verbose=0, return_dict=True)
        accuracy[model.name, pixels] = logs["accuracy"]

# %%
# Both read the digits where they were. One pixel to the side, the feedforward network fails:

plt.figure(figsize=(6, 3))
for model, colour, side in ((cnn, "C0", -0.2), (mlp, "C1", 0.2)):
    heights = [accuracy[model.name, pixels] for pixels in shifts]
    plt.bar(np.add(shifts, side), heights, 0.4, color=colour, label=model.name)
plt.title("Accuracy on shifted digits")
plt.xlabel("shift in pixels")
plt.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %%
# A convolution by hand
# ---------------------
# A filter is a small picture of weights. At each position of a picture, it returns the sum of the
# products, which is high where the picture looks like the filter::
#
#     answer[i, j] = sum over a and b of picture[i + a, j + b] * filter[a, b]
#
# Two loops are enough, and Keras computes the same numbers.

edge = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])  # bright on the right, dark on the left
picture = data.train.x[0, :, :, 0].astype("float32")
answer = np.zeros((6, 6), "float32")
for i in range(6):
    for j in range(6):
        answer[i, j] = np.sum(picture[i : i + 3, j : j + 3] * edge)

by_keras = keras.ops.conv(picture[None, :, :, None], edge[:, :, None, None].astype("float32"))
assert np.allclose(answer, by_keras[0, :, :, 0])

# %%
# The answer is positive (red) at the left edge of a stroke and negative (blue) at its right edge.

figure, axes = plt.subplots(1, 3, figsize=(7, 2.5))
axes[0].imshow(picture, cmap="gray")
axes[1].imshow(edge, cmap="RdBu_r", vmin=-3, vmax=3)
axes[2].imshow(answer, cmap="RdBu_r", vmin=-800, vmax=800)
for axis, title in zip(axes, ("a digit", "a filter for edges", "where it answers")):
    axis.set_title(title)
    axis.set_axis_off()
plt.show()

# %%
# The filters that it learned
# ---------------------------
# Nobody wrote the filters of the trained network. These are the sixteen of its first stage: some
# look for edges of one direction, some for spots.

first = next(layer for layer in cnn.network.layers if "conv" in layer.name)
kernels = np.asarray(first.kernel)[:, :, 0]  # (3, 3, filters)
figure, axes = plt.subplots(2, 8, figsize=(7, 2.1))
for axis, number in zip(axes.flat, range(16)):
    axis.imshow(kernels[:, :, number], cmap="RdBu_r", vmin=-0.6, vmax=0.6)
    axis.set_axis_off()
figure.suptitle("Filters of the first stage: red is positive, blue is negative")
plt.show()

# %%
# What they see
# -------------
# `cnn.network` is a plain Keras model, so a part of it is one, too. This part ends at the first
# convolution: it turns one picture into sixteen.

see = keras.Model(cnn.network.inputs, first.output)
digit = data.test.x[:1]
maps = np.asarray(see(cnn.preprocessor(cnn.preprocessor.prepare(digit))))[0]
figure, axes = plt.subplots(2, 8, figsize=(7, 2.1))
for axis, number in zip(axes.flat, range(16)):
    axis.imshow(maps[..., number], cmap="magma")
    axis.set_axis_off()
figure.suptitle("The same digit, as each filter sees it")
plt.show()

# %%
# Which positions matter
# ----------------------
# The last step of the network is an average over positions, so the score of an answer is a sum of
# what each position adds to it. `explain` returns these as a class activation map (Zhou et al.,
# 2015).

x = data.test.x[:8]
labels, _ = cnn.classify(x)
figure, axes = plt.subplots(2, 8, figsize=(7, 2.3))
for i, heat in enumerate(cnn.explain(x)):
    axes[0, i].imshow(x[i], cmap="gray")
    axes[0, i].set_title(f"a {labels[i]}", loc="center")
    axes[1, i].imshow(heatmap_over(x[i], heat))
for axis in axes.flat:
    axis.set_axis_off()
figure.suptitle("Digits, and the places that were evidence for the answer")
plt.show()

# %%
# With `augment=True`, the default, the network's pictures are shifted, rotated and zoomed a little,
# in training only. That helps both networks, but the convolutional one starts with an advantage.
#
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
