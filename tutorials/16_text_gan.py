"""
A GAN that writes names
=======================

A GAN of pictures learns through their pixels: the discriminator's gradient at each pixel tells the
generator how to change it. Text has no such gradient, since a letter is either an A or a B.

The solution: the generator writes letter by letter and computes a number for each possible letter;
noise is added, and the largest number wins. In the forward pass the choice is hard, so the
discriminator sees letters. In the backward pass it is treated as soft (a softmax), which has a
gradient.

We compare it with a simple baseline: a model of letter pairs, which counts which letter follows
which. Maximum likelihood, which that model and the language model of another tutorial use, is the
better way to learn text; the GAN shows what can be learned without any probabilities.

The claim at the end: the pairs of letters in the GAN's names are close to those of real names, much
closer than before training and than letters drawn at random; and nearly all names are new.
"""

# %%
import collections
import os
import random

import numpy as np
from keras import ops

import genai_basics as gb
from genai_basics import metrics

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run

data = gb.load_data("place_names")
names = [name for name in data.train.x if len(name) <= 12]
print(f"{len(names)} names, such as {', '.join(names[::300])}")

# %%
# A choice with a gradient
# ------------------------
# There are three numbers, one for each of three letters. In the forward pass, the first letter
# wins. In the backward pass, the gradient of the softmax says how the first letter's share would
# change with each number.

logits = np.array([2.0, 1.0, 0.0])
soft = ops.convert_to_numpy(ops.softmax(logits))
hard = np.eye(3)[logits.argmax()]
slope = soft[0] * (np.eye(3)[0] - soft)
print(f"forward {hard}, softmax {np.round(soft, 2)}, gradient {np.round(slope, 2)}")

# %%
# With Gumbel noise added to the numbers, each letter wins with its probability in the softmax. The
# generator draws in this way, and passes the drawn letter to the next step, which can then write a
# u after a q.

rng = np.random.default_rng(0)
noise = -np.log(-np.log(rng.uniform(size=(10_000, 3))))
wins = np.bincount((logits + noise).argmax(axis=1), minlength=3) / 10_000
print(f"with noise, shares of wins {np.round(wins, 2)}")

# %%
# The GAN
# -------

gan = gb.build_text_gan(12, vocabulary_size=64, seed=0)
gan.compile()
gan.adapt(names)
untrained = gan.sample(1000, seed=0)
gan.fit(names, epochs=max(1, round(90 * BUDGET)), verbose=0)
made = gan.sample(1000, seed=0)
print("before:", ", ".join(untrained[:5]))
print("after: ", ", ".join(made[:12]))

# %%
# The temperature of the choice is the scale of that noise: at 0, the generator always takes the
# highest number; above 1, it makes choices that it was not trained for.

for temperature in (0.0, 1.0, 3.0):
    print(f"temperature {temperature}:", ", ".join(gan.sample(8, seed=1, temperature=temperature)))

# %%
# The baselines
# -------------
# One draws letters by their frequencies, the other draws each letter given the one before.


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


rng = random.Random(0)
half = len(names) // 2
candidates = {
    "real names": rng.sample(names, 1000),
    "letter pairs": pairs(1000, rng),
    "this GAN": made,
    "single letters": letters(1000, rng),
    "the untrained GAN": untrained,
}
distances = {}
for who, texts in candidates.items():
    distances[who] = metrics.ngram_jsd(names, texts, n=2, level="character")
    print(f"{who}: {distances[who]:.3f} bits from the letter pairs of real names; {texts[:3]}")
novel = metrics.novelty(names, made)
print(f"{novel:.0%} of the GAN's names are new")

# %%
if BUDGET >= 1:
    assert distances["this GAN"] < 0.5 * distances["the untrained GAN"]
    assert distances["this GAN"] < distances["single letters"]
    assert novel > 0.8
