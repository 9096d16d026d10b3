"""
Recurrence: a network that remembers
====================================

How can a network remember? The networks so far see all of an example at once. A recurrent network
reads it step by step and keeps a state, so its response to a step depends on the steps before. We
give it a task that needs only memory: the first value decides, and noise follows.

The claims at the end: the recurrent network knows the first value after twenty steps of noise,
and a network that sees the last five steps does not; a recurrence written in NumPy returns what
Keras returns.
"""

# %%
import os

import keras
import matplotlib.pyplot as plt
import numpy as np

import genai_basics as gb
from genai_basics.backend import gradients

plt.style.use("genai_basics.plotting.genai_basics")
BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run

# %%
# A memory task
# -------------
# Each series begins with +1 or -1 and continues with twenty steps of noise. The label is the sign
# of the first step.

rng = np.random.default_rng(0)


def remembered(n, steps=20):
    y = rng.integers(0, 2, n)
    noise = 0.5 * rng.normal(size=(n, steps))
    return np.concatenate([2.0 * y[:, None] - 1, noise], axis=1)[..., None].astype("float32"), y


x, y = remembered(2000)
x_test, y_test = remembered(500)

plt.figure(figsize=(7, 2.2))
for series, label in zip(x[:6], y[:6]):
    plt.plot(series[:, 0], color=f"C{label}", marker="o", markersize=2, linewidth=0.8)
plt.title("Six series: only the first step says which class")
plt.xlabel("step")
plt.show()

# %%
# The answer in ten lines
# -----------------------
# A recurrent network, and next to it a network without memory, which sees the last five steps, all
# at once.

rnn = gb.build_rnn((21, 1), 2, units=16, bidirectional=False, dropout=0.0, seed=0)
rnn.compile(learning_rate=1e-2)
rnn.fit(x, y, epochs=max(1, round(12 * BUDGET)), verbose=0)

mlp = gb.build_mlp((5,), 2, hidden_units=(64,), seed=0)
mlp.compile()
mlp.fit(x[:, -5:, 0], y, epochs=max(1, round(12 * BUDGET)), verbose=0)

right = {
    "recurrent": rnn.evaluate(x_test, y_test, verbose=0, return_dict=True)["accuracy"],
    "last five steps": mlp.evaluate(x_test[:, -5:, 0], y_test, verbose=0, return_dict=True)[
        "accuracy"
    ],
}
print({name: round(value, 3) for name, value in right.items()})

# %%
# What it remembers, step by step
# -------------------------------
# The same network on ever longer prefixes of series: the answer does not change after the first
# step, whatever noise comes.

plt.figure(figsize=(7, 2.4))
lengths = (1, 2, 3, 5, 8, 13, 21)
certain = np.array([rnn.classify(x_test[:6, :steps])[1] for steps in lengths])[..., 1]
for line, label in zip(certain.T, y_test):
    plt.plot(lengths, line, color=f"C{label}", marker="o")
plt.ylim(-0.05, 1.05)
plt.title("Probability of class 1 after each step, for six test series")
plt.xlabel("steps read")
plt.show()

# %%
# A gated recurrent unit, by hand
# -------------------------------
# Its new state is a mixture of the old state h and a candidate. Where the gate z is near 1, the
# state stays the same: this is how the unit remembers::
#
#     z = sigmoid(x W_z + h U_z + b_z)                    the gate
#     r = sigmoid(x W_r + h U_r + b_r)                    what of h the candidate sees
#     c = tanh(x W_c + r * (h U_c + b_u) + b_c)           the candidate
#     h = z * h + (1 - z) * c

layer = keras.layers.GRU(3, return_sequences=True, seed=0)
by_keras = np.asarray(layer(x_test[:1]))[0]
inputs, states, biases = layer.get_weights()  # the three gates stand side by side


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


h, by_hand = np.zeros(3), []
for value in x_test[0]:
    from_x = np.split(value @ inputs + biases[0], 3)
    from_h = np.split(h @ states + biases[1], 3)
    z, r = (sigmoid(a + b) for a, b in zip(from_x[:2], from_h[:2]))
    h = z * h + (1 - z) * np.tanh(from_x[2] + r * from_h[2])
    by_hand.append(h)
assert np.allclose(by_hand, by_keras, atol=1e-5)
print("largest difference from Keras:", np.abs(np.array(by_hand) - by_keras).max())

# %%
# Back-propagation through time
# -----------------------------
# To learn from the first step, the gradient must travel back from the last. At each step it is
# multiplied by the derivative of the recurrence. Without gates it shrinks by a factor per step and
# vanishes; through a gate near 1 it passes unchanged.


def reach(layer):
    """Return how much the last state depends on each input."""
    series = keras.ops.convert_to_tensor(x_test[:1])
    _, slope = gradients(lambda x: keras.ops.sum(layer(x) ** 2), series)
    return np.abs(np.asarray(slope)[0, :, 0])


plain = keras.layers.SimpleRNN(16, recurrent_initializer=keras.initializers.RandomNormal(0, 0.1))
gated = keras.layers.GRU(16, bias_initializer=keras.initializers.Constant(2.0))
plt.figure(figsize=(7, 2.5))
plt.semilogy(reach(plain), marker="o", label="simple recurrence")
plt.semilogy(reach(gated), marker="o", label="gates nearly open")
plt.title("Gradient of the last state with respect to each step")
plt.xlabel("step")
plt.legend(loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %%
# The claim
# ---------

if BUDGET >= 1:
    assert right["recurrent"] > 0.95
    assert right["last five steps"] < 0.65
