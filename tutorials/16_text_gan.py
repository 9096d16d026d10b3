"""
A GAN that writes names
=======================

Can a critic teach a network to write? A GAN of pictures learns through their pixels: the
discriminator's gradient at each pixel tells the generator how to change it. Text has no such
gradient, since a letter is either an A or a B.

The solution: the generator writes letter by letter and computes a number for each possible letter;
noise is added, and the largest number wins. In the forward pass the choice is hard, so the
discriminator sees letters. In the backward pass it is treated as soft (a softmax), which has a
gradient.

The claim at the end: the pairs of letters in the GAN's names are close to those of real names, much
closer than before training and than letters drawn at random; and nearly all names are new.
"""

# %%
import collections
import os
import random

import matplotlib.pyplot as plt
import numpy as np
from keras import ops

import genai_basics as gb
from genai_basics import metrics

plt.style.use("genai_basics.plotting.genai_basics")
BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run

data = gb.load_data("place_names")
names = [name for name in data.train.x if len(name) <= 12]
print(f"{len(names)} names, such as {', '.join(names[::300])}")

# %%
# The answer in ten lines
# -----------------------

gan = gb.build_text_gan(12, vocabulary_size=64, seed=0)
gan.compile()
gan.adapt(names)
untrained = gan.sample(1000, seed=0)
gan.fit(names, epochs=max(1, round(90 * BUDGET)), verbose=0)
made = gan.sample(1000, seed=0)
print("before:", ", ".join(untrained[:5]))
print("after: ", ", ".join(made[:12]))

# %%
# A choice with a gradient
# ------------------------
# There are three numbers, one for each of three letters. In the forward pass, the first letter
# wins. In the backward pass, the gradient of the softmax says how the first letter's share would
# change with each number::
#
#     share = softmax(numbers)      gradient of share[0] = share[0] * ([1, 0, 0] - share)

logits = np.array([2.0, 1.0, 0.0])
soft = ops.convert_to_numpy(ops.softmax(logits))
hard = np.eye(3)[logits.argmax()]
slope = soft[0] * (np.eye(3)[0] - soft)

figure, axes = plt.subplots(1, 3, figsize=(7, 1.9))
for axis, title, values in zip(
    axes, ("forward: a letter", "softmax", "gradient"), (hard, soft, slope)
):
    axis.bar(list("ABC"), values)
    axis.set_title(title)
plt.show()

# %%
# With Gumbel noise added to the numbers, each letter wins with its probability in the softmax. The
# generator draws in this way, and passes the drawn letter to the next step, which can then write a
# u after a q.

rng = np.random.default_rng(0)
noise = -np.log(-np.log(rng.uniform(size=(10_000, 3))))
wins = np.bincount((logits + noise).argmax(axis=1), minlength=3) / 10_000
print(f"shares of wins with noise {np.round(wins, 2)}, softmax {np.round(soft, 2)}")
assert np.allclose(wins, soft, atol=0.02)

# %%
# The temperature of the choice is the scale of that noise: at 0, the generator always takes the
# highest number; above 1, it makes choices that it was not trained for.

for temperature in (0.0, 1.0, 3.0):
    print(f"temperature {temperature}:", ", ".join(gan.sample(8, seed=1, temperature=temperature)))

# %%
# Which letter follows which
# --------------------------
# A darker square is a more frequent pair. The pattern of real names has to appear in generated
# ones; nobody has shown it to the generator.

LETTERS = "aeiounrstlmdgkhbc"


def table(texts):
    """Return how often each of the common letters follows each other one."""
    counts = np.zeros((len(LETTERS), len(LETTERS)))
    for text in map(str.lower, texts):
        for a, b in zip(text, text[1:]):  # noqa: RUF007
            if a in LETTERS and b in LETTERS:
                counts[LETTERS.index(a), LETTERS.index(b)] += 1
    return counts / counts.sum()


figure, axes = plt.subplots(1, 3, figsize=(7.5, 2.9))
for axis, title, texts in zip(
    axes, ("real names", "untrained", "trained"), (names, untrained, made)
):
    axis.imshow(table(texts), cmap="Blues", vmax=0.02)
    axis.set_xticks(range(len(LETTERS)), LETTERS, fontsize=7)
    axis.set_yticks(range(len(LETTERS)), LETTERS, fontsize=7)
    axis.grid(False)
    axis.set_title(title)
plt.show()

# %%
# The baselines
# -------------
# We compare with two simple ones: one draws letters by their frequencies, the other draws each
# letter given the one before. Maximum likelihood, which that model of pairs and the language model
# of another tutorial use, is the better way to learn text; the GAN shows what can be learned
# without any probabilities.


def letters(count, rng):
    text = "".join(names)
    lengths = [len(name) for name in names]
    return ["".join(rng.choices(text, k=rng.choice(lengths))) for _ in range(count)]


def pairs(count, rng):
    following = collections.defaultdict(list)
    for name in names:
        for a, b in zip("\n" + name, name + "\n", strict=True):
            following[a].append(b)
    made = []
    for _ in range(count):
        name = "\n"
        while len(name) == 1 or name[-1] != "\n":
            name += rng.choice(following[name[-1]])
        made.append(name.strip("\n"))
    return made


dice = random.Random(0)
candidates = {
    "real names": dice.sample(names, 1000),
    "letter pairs": pairs(1000, dice),
    "this GAN": made,
    "single letters": letters(1000, dice),
    "the untrained GAN": untrained,
}
distances = {}
for who, texts in candidates.items():
    distances[who] = metrics.ngram_jsd(names, texts, n=2, level="character")
    print(f"{who:18}", ", ".join(texts[:5]))

plt.figure(figsize=(6.5, 2.2))
plt.barh(list(distances), list(distances.values()))
plt.gca().invert_yaxis()
plt.title("Bits from the letter pairs of real names")
plt.show()

# %%
# The claim
# ---------

novel = metrics.novelty(names, made)
print(f"{novel:.0%} of the GAN's names are new")

if BUDGET >= 1:
    assert distances["this GAN"] < 0.5 * distances["the untrained GAN"]
    assert distances["this GAN"] < distances["single letters"]
    assert novel > 0.8
