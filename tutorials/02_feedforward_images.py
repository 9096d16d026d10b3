"""
A feedforward network that reads digits
=======================================

Layers of neurons, each fed by all of the one before: the oldest network there is, and on small
pictures still a good one. We train it, look at its mistakes, and see why one should not trust
how sure it is.

The claim at the end: such networks beat a single layer without hidden neurons (logistic
regression) on pictures that neither has learned from.
"""

# %%
import os

import numpy as np
from sklearn.linear_model import LogisticRegression

import genai_basics as gb

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))

data = gb.load_data("digits")
print(data)

# %%
# The network
# -----------
# Two hidden layers. Each computes relu(W x + b), where relu cuts negative sums to 0: without such
# a bend, layers on layers would be no more than one. The last layer has a neuron for each class,
# and a softmax turns their sums into probabilities that add up to 1.

model = gb.build_mlp(
    (8, 8, 1), num_classes=10, hidden_units=(256, 256), class_names=data.spec.class_names, seed=0
)
model.compile()
model.summary()

# %%
# `compile` without arguments is right: cross-entropy, Adam, a learning rate that falls to zero by
# the end. `fit` takes the pictures as they are.

history = model.fit(
    data.train.x,
    data.train.y,
    epochs=max(1, round(40 * BUDGET)),
    validation_data=(data.validation.x, data.validation.y),
    verbose=0,
)
for epoch in range(0, len(history.history["loss"]), 8):
    values = {name: round(column[epoch], 3) for name, column in history.history.items()}
    print(epoch + 1, values)

# %%
# The training accuracy passes the validation accuracy: the network begins to know its pictures by
# heart. Dropout (a fifth of the neurons are switched off at random in each step) holds that back.
# Try `dropout=0`, or `hidden_units=(16,)`, and compare.
#
# What it reaches
# ---------------
# `report` returns what the field reports, with intervals: 180 pictures are few, and the last
# digits of an accuracy measured on them mean nothing.

metrics, intervals = model.report(data.test.x, data.test.y)
for name, value in metrics.items():
    low, high = intervals[name]
    print(f"{name:18s} {value:.3f}  [{low:.3f}, {high:.3f}]")

# %%
# Its mistakes
# ------------

labels, probabilities = model.classify(data.test.x)
truth = [data.spec.class_names[label] for label in data.test.y]
for i in np.flatnonzero(np.array(labels) != np.array(truth))[:3]:
    print(f"a {truth[i]} taken for a {labels[i]} with probability {probabilities[i].max():.2f}")
    for row in data.test.x[i, :, :, 0]:
        print("".join(" .:*#"[value // 52] for value in row))

# %%
# And what has no right answer at all gets one too, often a sure one. A softmax has no word for
# "none of these".

noise = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1))
print("noise:", [(label, round(float(p.max()), 2)) for label, p in zip(*model.classify(noise))])

# %%
# The claim
# ---------
# Another seed is another network, with other mistakes: one accuracy on 180 pictures is partly
# luck. So we train three, and count on all 342 pictures that were not learned from.

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
