"""
Writing text, one character at a time
=====================================

How does a machine write? A language model answers one question: what comes next? If each answer is
appended to the text and the question is repeated, the model writes. We train one on Python's own
help texts, measure it in bits per character, and let it write at several temperatures.

The claim at the end: it needs fewer bits per character than a table of which character follows
which, and far fewer than the frequencies of characters.
"""

# %%
import itertools
import os
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np

import genai_basics as gb

plt.style.use("genai_basics.plotting.genai_basics")
BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run

data = gb.load_data("python_topics")
train, test = data.train.x[0], data.test.x[0]
print(f"{len(train):,} characters; {len(data.spec.alphabet)} different ones")
print(train[1000:1200])

# %%
# The answer in ten lines
# -----------------------
# The model is trained on windows of fifty characters, but its state is carried from window to
# window.

model = gb.build_language_model(data.spec.alphabet, units=128, seed=0)
model.compile()
steps = max(10, round(600 * BUDGET))
model.fit([train], epochs=1, steps_per_epoch=steps, verbose=0)
print(model.sample(1, prompt="The ", length=300, seed=1, temperature=0.7)[0])

# %%
# What to beat
# ------------
# We measure -log2 of a character's probability, in bits: on average, the smallest size to which the
# text can be compressed. First with the frequencies of characters, then with a table of which
# character follows which.


def bits_of(counts, totals, pairs):
    size = len(data.spec.alphabet)
    return np.mean([-np.log2((counts[p] + 0.1) / (totals[p[:-1]] + 0.1 * size)) for p in pairs])


singles, pairs = Counter(train), Counter(itertools.pairwise(train))
bits = {
    "frequencies": bits_of(
        Counter({(c,): n for c, n in singles.items()}),
        Counter({(): len(train)}),
        [(c,) for c in test],
    ),
    "pairs": bits_of(
        pairs, Counter({(c,): n for c, n in singles.items()}), list(itertools.pairwise(test))
    ),
}
bits["recurrent"] = model.report([test])[0]["bits_per_character"]

plt.figure(figsize=(6, 1.8))
plt.barh(list(bits), list(bits.values()), color=["#777777", "#777777", "C0"])
for i, value in enumerate(bits.values()):
    plt.text(value, i, f" {value:.2f}", va="center")
plt.title("Bits per character on held-out text: fewer are better")
plt.show()

# %%
# The table of pairs
# ------------------
# A darker square is a more frequent follower. A recurrent network does not only see the last
# character, but everything before it.

common = [c for c, _ in singles.most_common(26) if c.isprintable()]
counts = np.array([[pairs[a, b] for b in common] for a in common], float)
shares = counts / counts.sum(axis=1, keepdims=True)
plt.figure(figsize=(5, 4.6))
plt.imshow(shares, cmap="Blues", vmax=0.5)
plt.xticks(range(len(common)), [repr(c)[1:-1] if c != " " else "␣" for c in common])
plt.yticks(range(len(common)), [repr(c)[1:-1] if c != " " else "␣" for c in common])
plt.grid(False)
plt.title("Which character (column) follows which (row)")
plt.show()

# %%
# Where it is uncertain
# ---------------------
# The bits of each character of a held-out sentence. The first letters of words cost many bits, the
# rest of a long word nearly none.

start = 200 + test[200:].index(". ") + 2
sentence = test[start : start + 60].replace("\n", " ")
befores = [test[start + i - 150 : start + i] for i in range(60)]
p = model.predict(befores)[np.arange(60), model.tokenizer.encode(sentence)]
plt.figure(figsize=(7.5, 1.9))
plt.bar(range(60), -np.log2(p))
plt.xticks(range(60), list(sentence), family="monospace")
plt.title("Bits of each character")
plt.show()

# %%
# Temperature
# -----------
# It divides the logits before the softmax. At 0, the most probable character is always chosen,
# which soon leads to repetition; at 1, characters are drawn with the model's probabilities; above
# 1, the text is more random::
#
#     p = softmax(logits / temperature)

logits = np.array([3.0, 2.0, 1.0, 0.5, 0.0])
figure, axes = plt.subplots(1, 4, figsize=(7.5, 1.6), sharey=True)
for axis, temperature in zip(axes, (0.2, 0.7, 1.0, 2.0)):
    p = np.exp(logits / temperature)
    axis.bar(list("etaoi"), p / p.sum())
    axis.set_title(f"temperature {temperature}")
plt.show()

for options in ({"temperature": 0}, {"temperature": 0.7}, {"temperature": 1.2}, {"top_p": 0.8}):
    text = model.sample(1, prompt="The ", length=120, seed=1, **options)[0]
    print(options, repr(text))

# %%
# `top_p` excludes improbable characters.
#
# The claim
# ---------

if BUDGET >= 1:
    assert bits["recurrent"] < bits["pairs"] < bits["frequencies"]
