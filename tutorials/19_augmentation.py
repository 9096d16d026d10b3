"""
Can generated data help?
========================

A classifier that is trained on few examples is poor. A generator that is trained on the same
examples can make any number of new ones, but it has seen nothing that the classifier has not seen.
Does it help?

Sometimes it helps a little, often it does not; and shifting and rotating the real examples is free
and hard to beat. So we measure it: several classifiers with and without the generated examples,
trained in the same way and tested on held-out pictures, and an interval of the difference.

The claim at the end is that the measurement is fair: the interval contains the mean, every
classifier was trained on the same real pictures, and samples that show another digit than their
label were discarded.
"""

# %%
import os

import numpy as np

import genai_basics as gb

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run

data = gb.load_data("digits")
rng = np.random.default_rng(0)
few = np.concatenate(
    [rng.choice(np.flatnonzero(data.train.y == digit), 10, replace=False) for digit in range(10)]
)
x, y = data.train.x[few], data.train.y[few]
held_out = (data.test.x, data.test.y)
print(f"{len(x)} digits for training, {len(held_out[0])} for testing")

# %%
# Generate more of them
# ---------------------
# `augment` trains a conditional GAN on the few pictures and on rotated and zoomed copies, since a
# GAN needs more of them. It also trains a classifier that checks the samples: a sample is discarded
# if the classifier does not confirm its label. Then it trains four kinds of classifiers.

more = gb.augment(
    x,
    y,
    held_out=held_out,
    n=200,
    epochs=max(2, round(600 * BUDGET)),
    seeds=3 if BUDGET >= 1 else 1,
    seed=0,
)
print(f"the classifier agreed with {more.agreement:.0%} of the generated digits")
for arm, accuracy in more.accuracy.items():
    print(f"{arm:10} {np.mean(accuracy):.1%}  {np.round(accuracy, 3)}")

# %%
# The verdict
# -----------

for arm, (mean, low, high) in more.gains.items():
    certain = "significant" if low > 0 or high < 0 else "not significant"
    print(f"{arm}, compared with real: {mean:+.1%} [{low:+.1%}, {high:+.1%}], {certain}")
print(more.verdict)

# %%
# The enlarged set is an ordinary data set: first the real examples, then the generated ones.

made = more.x[more.real :]
print(f"{more.real} real and {len(made)} generated")

# %%
assert np.array_equal(more.x[: more.real], x), "all real pictures are there, unchanged"
assert all(low <= mean <= high for mean, low, high in more.gains.values())
if BUDGET >= 1:
    assert more.agreement > 0.5, "most samples show the requested digit"
    assert min(map(len, more.accuracy.values())) == 3
