"""
A feedforward network that reads digits
=======================================

Layers of neurons, each connected to all neurons of the layer before: this is the oldest kind of
network, and it is still a good one for small pictures. We train it, look at its mistakes, and see
why its confidence should not be trusted.

The claim at the end: such networks beat a single layer without hidden neurons (logistic
regression) on pictures that neither was trained on.
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
# There are two hidden layers. Each computes relu(W x + b), where relu sets negative sums to 0:
# without such a nonlinearity, several layers could compute no more than one. The last layer has a
# neuron for each class, and a softmax turns their sums into probabilities that add up to 1.

model = gb.build_mlp(
    (8, 8, 1), num_classes=10, hidden_units=(256, 256), class_names=data.spec.class_names, seed=0
)
model.compile()
model.summary()

# %%
# `compile` without arguments chooses good defaults: cross-entropy, Adam, and a learning rate that
# is annealed to zero. `fit` takes the pictures as they are.

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
# The training accuracy exceeds the validation accuracy: the network begins to overfit. Dropout,
# which switches off a fifth of the neurons at random in each step, reduces this. Try `dropout=0`,
# or `hidden_units=(16,)`, and compare.
#
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

labels, probabilities = model.classify(data.test.x)
truth = [data.spec.class_names[label] for label in data.test.y]
for i in np.flatnonzero(np.array(labels) != np.array(truth))[:3]:
    print(f"a {truth[i]} classified as a {labels[i]} with probability {probabilities[i].max():.2f}")
    for row in data.test.x[i, :, :, 0]:
        print("".join(" .:*#"[value // 52] for value in row))

# %%
# Even a picture without a correct answer gets a label, often with high confidence: a softmax has no
# way to say "none of these".

noise = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1))
print("noise:", [(label, round(float(p.max()), 2)) for label, p in zip(*model.classify(noise))])

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
