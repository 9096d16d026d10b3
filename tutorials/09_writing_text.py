"""
Writing text, one character at a time
=====================================

A language model answers one question: what comes next? If each answer is appended to the text and
the question is repeated, the model writes. We train one on Python's own help texts, measure it in
bits per character, and let it write at several temperatures.

The claim at the end: it needs fewer bits per character than a table of which character follows
which, and far fewer than the frequencies of characters.
"""

# %%
import itertools
import os
from collections import Counter

import numpy as np

import genai_basics as gb

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))

data = gb.load_data("python_topics")
train, test = data.train.x[0], data.test.x[0]
print(f"{len(train):,} characters; {len(data.spec.alphabet)} different ones")
print(train[1000:1200])

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

# %%
# A recurrent language model
# --------------------------
# It is trained on windows of fifty characters, but its state is carried from window to window.

model = gb.build_language_model(data.spec.alphabet, units=128, seed=0)
model.compile()
steps = max(10, round(600 * BUDGET))
model.fit([train], epochs=1, steps_per_epoch=steps, verbose=0)
bits["recurrent"] = model.report([test])[0]["bits_per_character"]
print({name: round(float(value), 2) for name, value in bits.items()})

# %%
# Writing
# -------
# The temperature divides the logits before the softmax. At 0, the most probable character is always
# chosen, which soon leads to repetition; at 1, characters are drawn with the model's probabilities;
# above 1, the text is more random. `top_p` excludes improbable characters.

for options in ({"temperature": 0}, {"temperature": 0.7}, {"temperature": 1.2}, {"top_p": 0.8}):
    text = model.sample(1, prompt="The ", length=120, seed=1, **options)[0]
    print(options, repr(text))

# %%
# Claim
# -----

if BUDGET >= 1:
    assert bits["recurrent"] < bits["pairs"] < bits["frequencies"]
