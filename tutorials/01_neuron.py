"""
One neuron
==========

What does a neuron learn, and how? A neural network consists of many copies of one small thing. This
tutorial builds it in ten lines of NumPy, then in Keras, then with this library. It learns to
distinguish the digit 0 from the digit 1 in pictures of 8x8 pixels, and its 64 weights can be shown
as a picture.

The claims at the end: gradient descent by hand and Keras' agree to six digits; the neuron written
by hand and the one from the library agree on all but a few test pictures, and both classify nearly
all of them correctly.
"""

# %%
import os

import keras
import matplotlib.pyplot as plt
import numpy as np

import genai_basics as gb

plt.style.use("genai_basics.plotting.genai_basics")
BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run

# %%
# The data
# --------
# `load_data` returns three parts, split by a fixed seed: one for training, one for validation and
# one for the final test. Pixels are integers from 0 to 255.

data = gb.load_data("digits")


def zeros_and_ones(part):
    keep = part.y < 2
    return part.x[keep], part.y[keep]


x, y = zeros_and_ones(data.train)
x_test, y_test = zeros_and_ones(data.test)
print(f"{len(x)} pictures of {x.shape[1:]} for training, {len(x_test)} for testing")

plt.figure(figsize=(7.5, 1.2))
plt.imshow(np.hstack(x[:12, :, :, 0]), cmap="gray")
plt.axis("off")
plt.title("Zeros and ones")
plt.show()

# %%
# The answer in ten lines
# -----------------------
# A neuron multiplies each of its inputs by a weight, adds the products and a bias, and maps the sum
# to a number between 0 and 1::
#
#     p = 1 / (1 + exp(-(w . x + b)))
#
# We interpret p as the probability that the picture is a 1. The loss is the cross-entropy: -log p
# for a 1 and -log(1 - p) for a 0. For this pair of function and loss, the gradient with respect to
# w is simply (p - y) x, so learning means taking a step against it.

flat, flat_test = (pictures.reshape(len(pictures), -1) / 255 for pictures in (x, x_test))
weights, bias = np.zeros(64), 0.0
losses, seen = [], []

for _ in range(round(300 * BUDGET)):
    p = 1 / (1 + np.exp(-(flat @ weights + bias)))
    weights -= 0.5 * flat.T @ (p - y) / len(y)
    bias -= 0.5 * np.mean(p - y)
    losses.append(-np.mean(np.log(np.where(y == 1, p, 1 - p))))
    seen.append(weights.copy())

by_hand = (flat_test @ weights + bias) > 0
print(f"cross-entropy {losses[0]:.3f} nats at first, {losses[-1]:.3f} after {len(losses)} steps")

# %%
# What it has learned
# -------------------
# Where a weight is red, ink is evidence for a 1; where it is blue, for a 0: the bar in the middle,
# and the ring around it. The weights are zero at first, and the picture grows step by step.

figure, axes = plt.subplots(1, 5, figsize=(7.5, 1.8))
for axis, step in zip(axes, np.linspace(0, len(seen) - 1, 5).astype(int)):
    axis.imshow(seen[step].reshape(8, 8), cmap="RdBu_r", vmin=-1.5, vmax=1.5)
    axis.set_title(f"step {step + 1}", loc="center")
    axis.set_axis_off()
figure.suptitle("The weights of the neuron, as a picture")
plt.show()

# %%
# The loss falls fast at first, and ever more slowly: the gradient (p - y) x gets small when most
# pictures are right.

plt.figure(figsize=(5, 2.3))
plt.plot(losses)
plt.title("Cross-entropy in nats")
plt.xlabel("step")
plt.show()

# %%
# The same in Keras
# -----------------
# This neuron is `Dense(1, activation="sigmoid")`. Keras computes the gradients automatically, which
# makes it practical to stack neurons in layers. From the same start, with the same steps, it ends
# at the same weights.

neuron = keras.Sequential(
    [keras.Input((64,)), keras.layers.Dense(1, "sigmoid", kernel_initializer="zeros")]
)
neuron.compile(keras.optimizers.SGD(0.5), "binary_crossentropy")
neuron.fit(flat, y, epochs=len(losses), batch_size=len(y), shuffle=False, verbose=0)
kernel, offset = neuron.get_weights()
print("largest difference of a weight:", np.abs(kernel[:, 0] - weights).max())
assert np.allclose(kernel[:, 0], weights, atol=1e-5)
assert np.allclose(offset[0], bias, atol=1e-5)

# %%
# The same with this library
# --------------------------
# Its feedforward network is a stack of neurons; with one hidden neuron it is roughly what we have
# above. Raw pictures go in and probabilities come out: the model scales the pictures, and its
# preprocessing is saved with it.

model = gb.build_mlp(
    (8, 8, 1), num_classes=2, hidden_units=(1,), dropout=0.0, augment=False, seed=0
)
model.compile(learning_rate=0.03)
model.fit(x, y, epochs=max(1, round(40 * BUDGET)), batch_size=32, verbose=0)
probabilities = model.predict(x_test, verbose=0)
by_library = probabilities.argmax(axis=1) == 1

# %%
# How sure are they?
# ------------------
# Each dot is a test picture. Where both are sure, the picture is far from the boundary.

p_test = 1 / (1 + np.exp(-(flat_test @ weights + bias)))
plt.figure(figsize=(4, 3.4))
for digit in (0, 1):
    these = y_test == digit
    plt.plot(p_test[these], probabilities[these, 1], "o", alpha=0.6, label=f"a {digit}")
plt.title("Probability of a 1")
plt.xlabel("neuron by hand")
plt.ylabel("library")
plt.legend()
plt.show()

# %%
# The claim
# ---------

right = np.mean(by_hand == y_test), np.mean(by_library == y_test)
agree = np.mean(by_hand == by_library)
print(f"right: {right[0]:.1%} by hand, {right[1]:.1%} by the library; they agree on {agree:.1%}")

if BUDGET >= 1:
    assert min(right) > 0.95
    assert agree > 0.95
