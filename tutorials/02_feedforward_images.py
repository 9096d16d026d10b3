"""
A feedforward network that reads digits
=======================================

How do neurons read? Layers of neurons, each connected to all neurons of the layer before: this is
the oldest kind of network, and it is still a good one for small pictures. We train it, look at its
mistakes, and see why its confidence should not be trusted.

The claim at the end: such networks beat a single layer without hidden neurons (logistic
regression) on pictures that neither was trained on.
"""

# %%
import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression

import genai_basics as gb

plt.style.use("genai_basics.plotting.genai_basics")
BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run

data = gb.load_data("digits")
print(data)


def row(pictures, titles, suptitle):
    """Draw pictures side by side with a title each."""
    figure, axes = plt.subplots(1, len(pictures), figsize=(7.5, 1.5))
    for axis, picture, title in zip(axes, pictures, titles):
        axis.imshow(picture, cmap="gray")
        axis.set_title(title, loc="center", fontsize=8)
        axis.set_axis_off()
    figure.suptitle(suptitle)
    plt.show()


row(data.train.x[:10], data.train.y[:10], "Training pictures and their labels")

# %%
# The answer in ten lines
# -----------------------
# `compile` without arguments chooses good defaults: cross-entropy, Adam, and a learning rate that
# is annealed to zero. `fit` takes the pictures as they are.

model = gb.build_mlp(
    (8, 8, 1), num_classes=10, hidden_units=(256, 256), class_names=data.spec.class_names, seed=0
)
model.compile()
history = model.fit(
    data.train.x,
    data.train.y,
    epochs=max(1, round(40 * BUDGET)),
    validation_data=(data.validation.x, data.validation.y),
    verbose=0,
)

# %%
# The training accuracy exceeds the validation accuracy: the network begins to overfit. Dropout,
# which switches off a fifth of the neurons at random in each step, reduces this. Try `dropout=0`,
# or `hidden_units=(16,)`, and compare.

plt.figure(figsize=(6, 2.5))
plt.plot(history.history["accuracy"], label="training")
plt.plot(history.history["val_accuracy"], label="validation")
plt.ylim(0.8, 1.005)
plt.title("Accuracy in training")
plt.xlabel("epoch")
plt.legend()
plt.show()

# %%
# What it computes, by hand
# -------------------------
# There are two hidden layers. Each computes relu(W x + b), where relu sets negative sums to 0:
# without such a nonlinearity, several layers could compute no more than one. The last layer has a
# neuron for each class, and a softmax turns their sums into probabilities that add up to 1::
#
#     p = exp(s) / (exp(s[0]) + ... + exp(s[9]))

model.summary()
logits = np.array([2.0, 1.0, -1.0])
print("softmax of", logits, "is", np.round(np.exp(logits) / np.exp(logits).sum(), 3))

# %%
# How good it is
# --------------
# `report` returns the usual metrics, with intervals: 180 pictures are few, so the last digits of
# an accuracy that is measured on them mean nothing.

metrics, intervals = model.report(data.test.x, data.test.y)
for name, value in metrics.items():
    low, high = intervals[name]
    print(f"{name:18s} {value:.3f}  [{low:.3f}, {high:.3f}]")

# %%
# Its mistakes
# ------------
# The test digits with the highest loss: mistakes first, then those that were nearly wrong.

labels, probabilities = model.classify(data.test.x)
truth = [data.spec.class_names[label] for label in data.test.y]
of_truth = np.asarray(probabilities)[np.arange(len(truth)), data.test.y]
hardest = np.argsort(of_truth)[:8]
said = [f"a {truth[i]}, read as {labels[i]}\nwith {max(probabilities[i]):.0%}" for i in hardest]
row(data.test.x[hardest], said, "The hardest test digits")

# %%
# None of these
# -------------
# Even a picture without a correct answer gets a label, often with high confidence: a softmax has no
# way to say "none of these".

noise = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 1))
said = [f"a {label}\nwith {max(p):.0%}" for label, p in zip(*model.classify(noise))]
row(noise, said, "Noise, and what the network reads in it")

# %%
# What a hidden neuron looks for
# ------------------------------
# The weights of a neuron of the first layer have a number for each pixel, so they can be drawn:
# ink on red pixels makes it answer, ink on blue ones keeps it silent.

kernel = next(layer for layer in model.network.layers if layer.get_weights()).get_weights()[0]
strongest = np.argsort(-np.abs(kernel).sum(axis=0))[:16]
figure, axes = plt.subplots(2, 8, figsize=(7.5, 2.2))
for axis, neuron in zip(axes.flat, strongest):
    axis.imshow(kernel[:, neuron].reshape(8, 8), cmap="RdBu_r", vmin=-0.4, vmax=0.4)
    axis.set_axis_off()
figure.suptitle("Weights of sixteen hidden neurons")
plt.show()

# %%
# The claim
# ---------
# Another seed gives another network with other mistakes, so one accuracy on 180 pictures is partly
# luck. We therefore train three networks and test them on all 342 pictures that were held out.

x = np.concatenate([data.validation.x, data.test.x])
y = np.concatenate([data.validation.y, data.test.y])
networks = [model]
for seed in (1, 2):
    other = gb.build_mlp((8, 8, 1), num_classes=10, hidden_units=(256, 256), seed=seed)
    other.compile()
    other.fit(data.train.x, data.train.y, epochs=max(1, round(40 * BUDGET)), verbose=0)
    networks.append(other)
accuracies = [np.mean(network.predict(x, verbose=0).argmax(axis=1) == y) for network in networks]

linear = LogisticRegression(max_iter=2000)
linear.fit(data.train.x.reshape(len(data.train.x), -1) / 255, data.train.y)
baseline = linear.score(x.reshape(len(x), -1) / 255, y)
print(f"networks {np.round(accuracies, 3)}, logistic regression {baseline:.3f}")

if BUDGET >= 1:
    assert np.mean(accuracies) > baseline
