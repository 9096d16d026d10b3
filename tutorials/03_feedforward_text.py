"""
A feedforward network that reads names
======================================

A network takes numbers, not text. The simplest way to turn a text into numbers ignores the order
and records which words, and which short sequences of letters, occur in it. Each of them has a
learned vector, and a text is the weighted sum of its vectors. This works surprisingly well.

The claim at the end: the network identifies the language of a place name from its letters, far
better than by always choosing the most frequent language, on names that it was not trained on.
"""

# %%
import os

import numpy as np

import genai_basics as gb

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))

data = gb.load_data("place_names")
languages = data.spec.class_names
for name, label in list(zip(data.train.x, data.train.y))[:5]:
    print(f"{languages[label]:12s} {name}")

# %%
# From text to numbers
# --------------------
# Names are short, so `fit` decides that words are not enough, and also uses sequences of two to
# four letters; `<` and `>` mark the beginning and the end of a word. Words that occur in nearly
# every text carry little information: each is weighted by its inverse document frequency,
# 1 + log((1 + n) / (1 + df)).

model = gb.build_mlp(num_classes=len(languages), class_names=languages, seed=0)
model.compile()
history = model.fit(
    data.train.x,
    data.train.y,
    epochs=max(1, round(12 * BUDGET)),
    validation_data=(data.validation.x, data.validation.y),
    verbose=0,
)
print("validation:", np.round(history.history["val_accuracy"], 3))

# %%
# What the network sees of one name, and the weight of each piece:

name = data.test.x[0]
numbers = model.prepare([name])[0][0]
entries = {number: entry for entry, number in model.preprocessor.numbers.items()}
weights = model.preprocessor.inverse_frequencies
print(name, {entries[i]: round(float(weights[i]), 1) for i in numbers if i})

# %%
# Strings in, labels out; the vocabulary is saved with the model.

for text in ("Deutschland", "Mexico City", "Bruxelles"):
    (label,), (probabilities,) = model.classify([text])
    print(f"{text:14s} {label} ({probabilities.max():.2f})")

# %%
# Which pieces are evidence for which language? With one hidden layer, the product of a piece's
# vector and the last layer's weights is roughly what the piece adds to each class.

bag = model.network.get_layer("bag_of_words")
head = model.network.get_layer("head")
scores = np.maximum(np.asarray(bag.vectors), 0) @ np.asarray(head.kernel)
for label, language in enumerate(languages[:5]):
    best = [i for i in np.argsort(-scores[:, label]) if i in entries][:6]
    print(f"{language:12s}", " ".join(entries[i] for i in best))

# %%
# The claim
# ---------

metrics, intervals = model.report(data.test.x, data.test.y)
commonest = np.mean(data.test.y == np.bincount(data.train.y).argmax())
low, high = intervals["accuracy"]
print(f"accuracy {metrics['accuracy']:.3f} [{low:.3f}, {high:.3f}]")
print(f"always the most frequent language: {commonest:.3f}")

if BUDGET >= 1:
    assert low > 2 * commonest
