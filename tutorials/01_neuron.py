"""
One neuron
==========

A neural network consists of many copies of one small thing, a neuron. This tutorial builds a
neuron in ten lines of NumPy, then in Keras, then with this library. It learns to distinguish the
digit 0 from the digit 1 in pictures of 8x8 pixels, and its 64 weights can be shown as a picture.

The claim at the end: the neuron written by hand and the one from the library agree on all but a
few test pictures, and both classify nearly all of them correctly.
"""

# %%
import os

import numpy as np

import genai_basics as gb

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

# %%
# By hand
# -------
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

for step in range(round(300 * BUDGET)):
    p = 1 / (1 + np.exp(-(flat @ weights + bias)))
    weights -= 0.5 * flat.T @ (p - y) / len(y)
    bias -= 0.5 * np.mean(p - y)
    if step % 60 == 0:
        loss = -np.mean(np.log(np.where(y == 1, p, 1 - p)))
        print(f"step {step:3d}: cross-entropy {loss:.3f} nats")

by_hand = (flat_test @ weights + bias) > 0

# %%
# We can see what it has learned. Where a weight is positive (#), ink is evidence for a 1; where it
# is negative (o), for a 0: the bar in the middle, and the ring around it.

for row in weights.reshape(8, 8):
    print("".join("#" if w > 0.3 else "o" if w < -0.3 else "." for w in row))

# %%
# In Keras
# --------
# The same neuron is `Dense(1, activation="sigmoid")`. Keras computes the gradients automatically,
# which makes it practical to stack neurons in layers. The library's feedforward network is such a
# stack; with one hidden neuron it is roughly what we have above.

model = gb.build_mlp(
    (8, 8, 1), num_classes=2, hidden_units=(1,), dropout=0.0, augment=False, seed=0
)
model.compile(learning_rate=0.03)
model.fit(x, y, epochs=max(1, round(40 * BUDGET)), batch_size=32, verbose=0)
model.network.summary()

# %%
# Raw pictures in, probabilities out: the model itself scales the pictures, and its preprocessing is
# saved with it.

probabilities = model.predict(x_test, verbose=0)
by_library = probabilities.argmax(axis=1) == 1

# %%
# The claim
# ---------

right = np.mean(by_hand == y_test), np.mean(by_library == y_test)
agree = np.mean(by_hand == by_library)
print(f"right: {right[0]:.1%} by hand, {right[1]:.1%} by the library; they agree on {agree:.1%}")

if BUDGET >= 1:
    assert min(right) > 0.95
    assert agree > 0.95
