"""
A feedforward network that reads names
======================================

How can a network read a text, if it takes only numbers? The simplest way to turn a text into
numbers ignores the order and records which words, and which short sequences of letters, occur in
it. Each of them has a learned vector, and a text is the weighted sum of its vectors. This works
surprisingly well.

The claim at the end: the network identifies the language of a place name from its letters, far
better than by always choosing the most frequent language, on names that it was not trained on.
"""

# %%
import os

import matplotlib.pyplot as plt
import numpy as np

import genai_basics as gb

plt.style.use("genai_basics.plotting.genai_basics")
BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run

data = gb.load_data("place_names")
languages = data.spec.class_names
for name, label in list(zip(data.train.x, data.train.y))[:5]:
    print(f"{languages[label]:12s} {name}")

# %%
# The answer in ten lines
# -----------------------
# Strings in, labels out; the vocabulary is saved with the model.

model = gb.build_mlp(num_classes=len(languages), class_names=languages, seed=0)
model.compile()
history = model.fit(
    data.train.x,
    data.train.y,
    epochs=max(1, round(12 * BUDGET)),
    validation_data=(data.validation.x, data.validation.y),
    verbose=0,
)
texts = ("Deutschland", "Mexico City", "Bruxelles")
labels, probabilities = model.classify(list(texts))
figure, axes = plt.subplots(1, 3, figsize=(7.5, 2.2), sharex=True)
for axis, text, p in zip(axes, texts, np.asarray(probabilities)):
    best = np.argsort(p)[-4:]
    axis.barh([languages[i] for i in best], p[best])
    axis.set_title(text)
plt.show()

# %%
# From text to numbers
# --------------------
# Names are short, so `fit` decides that words are not enough, and also uses sequences of two to
# four letters; `<` and `>` mark the beginning and the end of a word. By hand, these are the pieces
# of one name:

name = data.test.x[0]
marked = f"<{name.split()[0].lower()}>"
print(name, [marked[i : i + n] for n in (2, 3, 4) for i in range(len(marked) - n + 1)][:12])

# %%
# Pieces that occur in nearly every text carry little information: each is weighted by its inverse
# document frequency, where n is the number of texts and df the number of those with the piece::
#
#     weight = 1 + log((1 + n) / (1 + df))

numbers = model.prepare([name])[0][0]
entries = {number: entry for entry, number in model.preprocessor.numbers.items()}
weights = model.preprocessor.inverse_frequencies
pieces = {entries[i]: float(weights[i]) for i in numbers if i}
plt.figure(figsize=(7.5, 2.2))
plt.bar(list(pieces), list(pieces.values()))
plt.xticks(rotation=90)
plt.title(f"What the network sees of {name}, with the weight of each piece")
plt.show()

# %%
# Which pieces are evidence for which language?
# ---------------------------------------------
# With one hidden layer, the product of a piece's vector and the last layer's weights is roughly
# what the piece adds to each class.

bag = model.network.get_layer("bag_of_words")
head = model.network.get_layer("head")
scores = np.maximum(np.asarray(bag.vectors), 0) @ np.asarray(head.kernel)
figure, axes = plt.subplots(1, 5, figsize=(7.5, 2.4))
for label, axis in enumerate(axes):
    strongest = [i for i in np.argsort(-scores[:, label]) if i in entries][:8][::-1]
    axis.barh([entries[i] for i in strongest], scores[strongest, label])
    axis.set(title=languages[label], xticks=())
plt.show()

# %%
# What it confuses
# ----------------
# Rows are true languages. Languages that share words and endings are confused with each other.

predicted = model.predict(data.test.x, verbose=0).argmax(axis=1)
matrix = np.zeros((len(languages), len(languages)))
np.add.at(matrix, (data.test.y, predicted), 1)
plt.figure(figsize=(4.6, 4.2))
plt.imshow(matrix / matrix.sum(axis=1, keepdims=True), cmap="Blues")
plt.xticks(range(len(languages)), languages, rotation=90)
plt.yticks(range(len(languages)), languages)
plt.grid(False)
plt.title("True (row) and predicted (column) language")
plt.show()

# %%
# The claim
# ---------

metrics, intervals = model.report(data.test.x, data.test.y)
commonest = np.mean(data.test.y == np.bincount(data.train.y).argmax())
low, high = intervals["accuracy"]
print("validation:", np.round(history.history["val_accuracy"], 3))
print(f"accuracy {metrics['accuracy']:.3f} [{low:.3f}, {high:.3f}]")
print(f"always the most frequent language: {commonest:.3f}")

if BUDGET >= 1:
    assert low > 2 * commonest
