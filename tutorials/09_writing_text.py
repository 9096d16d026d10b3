"""
Writing text, one character after the other
===========================================

A language model answers one question: what comes next? Asked again and again, with its own answers
put behind the text, it writes. We train one on what Python's help says about Python, measure it in
bits a character, and let it write cautiously and wildly.

The claim at the end: it needs fewer bits a character than a table of which character follows which,
and far fewer than counting characters alone.
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
# The surprise of a character, -log2 of its probability, in bits: on average the least space that
# it can be packed into. First when we know only how frequent characters are, then with a table of
# which follows which.


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
# It reads in windows of fifty characters, but its state goes on from window to window.

model = gb.build_language_model(data.spec.alphabet, units=128, seed=0)
model.compile()
steps = max(10, round(600 * BUDGET))
model.fit([train], epochs=1, steps_per_epoch=steps, verbose=0)
bits["recurrent"] = model.report([test])[0]["bits_per_character"]
print({name: round(float(value), 2) for name, value in bits.items()})

# %%
# Writing
# -------
# The temperature divides the logits before the softmax: at 0 always the likeliest character, which
# soon goes round in circles; at 1 as the model believes; above, wilder. `top_p` cuts off the tail.

for options in ({"temperature": 0}, {"temperature": 0.7}, {"temperature": 1.2}, {"top_p": 0.8}):
    text = model.sample(1, prompt="The ", length=120, seed=1, **options)[0]
    print(options, repr(text))

# %%
# Claim
# -----

if BUDGET >= 1:
    assert bits["recurrent"] < bits["pairs"] < bits["frequencies"]
