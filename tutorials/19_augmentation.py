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

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats

import genai_basics as gb

plt.style.use("genai_basics.plotting.genai_basics")
BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run

data = gb.load_data("digits")
rng = np.random.default_rng(0)
few = np.concatenate(
    [rng.choice(np.flatnonzero(data.train.y == digit), 10, replace=False) for digit in range(10)]
)
x, y = data.train.x[few], data.train.y[few]
held_out = (data.test.x, data.test.y)
print(f"{len(x)} digits for training, {len(held_out[0])} for testing")


def table(pictures, labels, title):
    """Draw ten pictures of each digit, a column for each digit."""
    framed = np.pad(pictures[..., 0], ((0, 0), (1, 1), (1, 1)))
    columns = [framed[labels == digit][:10].reshape(-1, 10) for digit in range(10)]
    height = max(map(len, columns))
    columns = [np.pad(column, ((0, height - len(column)), (0, 0))) for column in columns]
    plt.figure(figsize=(4, 0.4 + 4 * height / 100))
    plt.imshow(np.hstack(columns), cmap="gray", interpolation="bicubic")
    plt.axis("off")
    plt.title(title)
    plt.show()


table(x, y, "All that we have: ten pictures of each digit")

# %%
# The answer in ten lines
# -----------------------
# `augment` trains a conditional GAN on the few pictures and on rotated and zoomed copies, since a
# GAN needs more of them. Then it trains four kinds of classifiers. What helps one may not
# help another, so we hand in ours, a small network that is quick to train.


def classifier(seed, varied):
    model = gb.build_mlp((8, 8, 1), 10, hidden_units=(128,), augment=varied, seed=seed)
    model.compile()
    return model


more = gb.augment(
    x,
    y,
    held_out=held_out,
    n=200,
    epochs=max(2, round(600 * BUDGET)),
    classifier=classifier,
    seeds=3 if BUDGET >= 1 else 1,
    seed=0,
)
print(more.verdict)

# %%
# What was generated
# ------------------
# The enlarged set is an ordinary data set: first the real examples, then the generated ones. One
# more classifier checks the samples: a sample is discarded if it does not confirm the label.

made, names = more.x[more.real :], more.y[more.real :]
print(f"the classifier agreed with {more.agreement:.0%} of the generated digits")
print(f"{more.real} real and {len(made)} generated")
table(made, names, "Generated, and confirmed by a classifier")

# %%
# They look right. But each was drawn from what a hundred pictures say, so it may hold nothing new.
#
# Four kinds of classifiers
# -------------------------
# Real pictures alone, with generated ones, with rotation and zoom ("varied"), and with both. Each
# dot is one classifier on the test pictures.

plt.figure(figsize=(6, 2.6))
for i, (arm, accuracy) in enumerate(more.accuracy.items()):
    plt.plot(accuracy, [i] * len(accuracy), "o", markersize=6, alpha=0.7)
    plt.plot(np.mean(accuracy), i, "|", color="#222222", markersize=20)
    print(f"{arm:10} {np.mean(accuracy):.1%}  {np.round(accuracy, 3)}")
plt.yticks(range(len(more.accuracy)), list(more.accuracy))
plt.margins(y=0.2)
plt.gca().invert_yaxis()
plt.title("Accuracy of each classifier, and the mean of its kind")
plt.show()

# %%
# Luck or gain?
# -------------
# A few classifiers differ by luck. We compare in pairs, with the same seed and the same real
# pictures, and Student's t says how far the mean of n differences may be off::
#
#     mean +- t(n - 1) * deviation / sqrt(n)

for arm, (mean, low, high) in more.gains.items():
    certain = "significant" if low > 0 or high < 0 else "not significant"
    print(f"{arm}, compared with real: {mean:+.1%} [{low:+.1%}, {high:+.1%}], {certain}")
    differences = np.subtract(more.accuracy[arm], more.accuracy["real"])
    if len(differences) > 1:
        reach = stats.t.ppf(0.975, len(differences) - 1) * stats.sem(differences)
        assert np.allclose((low, high), (mean - reach, mean + reach), rtol=0.01, atol=1e-4)

plt.figure(figsize=(6, 2))
for i, (mean, low, high) in enumerate(more.gains.values()):
    plt.errorbar(100 * mean, i, xerr=[[100 * (mean - low)], [100 * (high - mean)]], fmt="o")
plt.axvline(0, color="#777777", linestyle=":")
plt.yticks(range(len(more.gains)), list(more.gains))
plt.margins(y=0.2)
plt.gca().invert_yaxis()
plt.title("Gain over real pictures alone, in points, with 95% intervals")
plt.show()

# %%
# The claim
# ---------

assert np.array_equal(more.x[: more.real], x), "all real pictures are there, unchanged"
assert all(low <= mean <= high for mean, low, high in more.gains.values())
if BUDGET >= 1:
    assert more.agreement > 0.5, "most samples show the requested digit"
    assert min(map(len, more.accuracy.values())) == 3
