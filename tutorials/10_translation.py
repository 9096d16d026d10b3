"""
Translation with attention
==========================

How can a network read one sequence and write another of a different length? One network reads the
source in both directions; another writes the target, and at each step looks at those parts of the
source that matter at the moment. This is called attention, and it can be displayed.

Our language pair is small: dates in five languages, and the same dates in ISO 8601. The claim at
the end: most test dates are translated without an error. The picture of attention shows that the
network looks at the month while it writes the month.
"""

# %%
import os

import keras
import matplotlib.pyplot as plt
import numpy as np

import genai_basics as gb

plt.style.use("genai_basics.plotting.genai_basics")
BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run

data = gb.load_data("dates")
for source, target in list(zip(data.train.x, data.train.y))[:5]:
    print(f"{source:35} {target}")

# %%
# The answer in ten lines
# -----------------------

model = gb.build_translator(vocab_size=500, units=128, embedding_dim=64, dropout=0.1, seed=0)
model.compile(learning_rate=4e-3)
history = model.fit(
    data.train.x, data.train.y, batch_size=64, epochs=max(1, round(6 * BUDGET)), verbose=0
)
for source, found, target in zip(data.test.x[:5], model.translate(data.test.x[:5]), data.test.y):
    print(f"{source:35} {found:12} {'right' if found == target else 'wrong: ' + target}")

# %%
# Sub-words
# ---------
# The network reads units, not letters. The most frequent pair of neighbouring units becomes a new
# unit, again and again, until the vocabulary is full: the names of months become single units,
# digits stay separate.

for text in data.test.x[:4]:
    numbers = model.source_tokenizer.encode(" " + text)
    print("|".join(model.source_tokenizer.unit_of(number) for number in numbers))

# %%
# Where it looks
# --------------
# Each row is a unit of the target, each column a unit of the source. Shades are the weights of
# attention, which add up to 1 in each row: follow the dark squares to see the year, the month and
# the day move to their places.

figure, axes = plt.subplots(1, 2, figsize=(7.5, 4))
for axis, sentence in zip(axes, ("15 août 1987", "March 3, 2001")):
    weights, source, target = model.attention(sentence)
    axis.imshow(weights, cmap="Blues", vmin=0, vmax=1)
    axis.set_xticks(range(len(source)), source, rotation=90)
    axis.set_yticks(range(len(target)), target)
    axis.set_title(f"attention: {sentence}")
    axis.grid(False)
plt.show()

# %%
# Attention by hand
# -----------------
# The writer asks with a query q, each source position answers with a key k, and the answers become
# weights by a softmax. What the writer gets is the weighted mean of the values v::
#
#     weights = softmax(q @ k.T)      looked_up = weights @ v
#
# Three lines of NumPy, and Keras' layer computes the same.

rng = np.random.default_rng(0)
query, keys, values = (rng.normal(size=(n, 4)).astype("float32") for n in (2, 5, 5))
scores = np.exp(query @ keys.T)
weights = scores / scores.sum(axis=1, keepdims=True)
looked_up = weights @ values
by_keras = keras.layers.Attention()([query[None], values[None], keys[None]])
assert np.allclose(looked_up, by_keras[0], atol=1e-5)
print(np.round(weights, 2))

# %%
# The weights have a gradient, so nobody needs to say which words belong together.
#
# Beam search
# -----------
# A unit that is best now may lead to a bad date. Beam search keeps the four best partial
# translations at each step instead of only the best one.
#
# The loss shows how fast dates are learned:

plt.figure(figsize=(4.5, 2.3))
plt.plot(range(1, len(history.epoch) + 1), history.history["loss"], marker="o")
plt.title("Loss in training")
plt.xlabel("epoch")
plt.show()

# %%
# The claim
# ---------

metrics, _ = model.report(data.test.x[:400], data.test.y[:400])
print(f"{metrics['exact']:.1%} of the test dates without an error")

if BUDGET >= 1:
    assert metrics["exact"] > 0.8
