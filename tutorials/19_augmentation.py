"""
Can made-up data help?
======================

With few examples a classifier is poor. A generator trained on those few examples can make more
of them, as many as one likes. But it has seen nothing that the classifier could not see. Does it
help?

Sometimes, a little; often not; and shifting and turning the real examples is free and hard to
beat. So we do not trust the idea, we measure it: classifiers with and without the made-up
examples, trained alike, several of each, on pictures that none of them has seen, and an interval
around the difference.

The claim at the end is that the measurement is honest: the interval holds the mean, every arm
was trained on the same real pictures, and what the generator drew wrongly was left out.
"""

# %%
import os

import numpy as np

import genai_basics as gb

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less is a quicker, worse run

data = gb.load_data("digits")
rng = np.random.default_rng(0)
few = np.concatenate(
    [rng.choice(np.flatnonzero(data.train.y == digit), 10, replace=False) for digit in range(10)]
)
x, y = data.train.x[few], data.train.y[few]
held_out = (data.test.x, data.test.y)
print(f"{len(x)} digits to learn from, {len(held_out[0])} to be judged on")

# %%
# Make more of them
# -----------------
# `augment` trains a conditional GAN on the few, turned and zoomed a little, as a GAN needs more
# than that; and a classifier that checks its samples: what it takes for another digit than was
# asked for goes. Then it trains four kinds of classifiers.

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
    certain = "certain" if low > 0 or high < 0 else "not certain"
    print(f"{arm} against real alone: {mean:+.1%} [{low:+.1%}, {high:+.1%}], {certain}")
print(more.verdict)

# %%
# The enlarged set is an ordinary data set: the real examples first, then the made-up ones.

made = more.x[more.real :]
print(f"{more.real} real and {len(made)} generated")

# %%
assert np.array_equal(more.x[: more.real], x), "the real pictures are all there, unchanged"
assert all(low <= mean <= high for mean, low, high in more.gains.values())
if BUDGET >= 1:
    assert more.agreement > 0.5, "the generator draws what it is asked for more often than not"
    assert min(map(len, more.accuracy.values())) == 3
