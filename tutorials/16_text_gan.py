"""
A GAN that writes names
=======================

A GAN learns through the pictures it makes: the discriminator's slope at each pixel tells the
generator how to change it. Text has no slope. A letter is an A or a B, and nothing between.

The way round: the generator writes letter by letter, and gives each a number; chance is added,
and the largest wins. Forward, the choice is hard, so that the discriminator sees letters.
Backward, we pretend that it was soft (a softmax), and that has a slope.

The honest yardstick stands beside it: a model of letter pairs, which counts which letter follows
which and takes no training at all. Maximum likelihood, as that model and as the recurrent
network of another tutorial have it, is the better way to learn text; a GAN is a lesson in what
adversaries can do without ever being told a probability.

The claim at the end: the names it makes are near the real ones in their pairs of letters, much
nearer than before training and than letters drawn at random; and nearly all are new.
"""

# %%
import collections
import os
import random

import numpy as np
from keras import ops

import genai_basics as gb
from genai_basics import metrics

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less is a quicker, worse run

data = gb.load_data("place_names")
names = [name for name in data.train.x if len(name) <= 12]
print(f"{len(names)} names, such as {', '.join(names[::300])}")

# %%
# A choice with a slope
# ---------------------
# Three numbers, one for each of three letters. Forward the first wins. Backward, the slope of the
# softmax says how the first letter's share would change with each number.

logits = np.array([2.0, 1.0, 0.0])
soft = ops.convert_to_numpy(ops.softmax(logits))
hard = np.eye(3)[logits.argmax()]
slope = soft[0] * (np.eye(3)[0] - soft)
print(f"forward {hard}, softmax {np.round(soft, 2)}, slope {np.round(slope, 2)}")

# %%
# Gumbel's noise on the numbers makes each letter win as often as the softmax says: so the generator
# draws, and hands what it drew to the next step, which can follow a q with a u.

rng = np.random.default_rng(0)
noise = -np.log(-np.log(rng.uniform(size=(10_000, 3))))
wins = np.bincount((logits + noise).argmax(axis=1), minlength=3) / 10_000
print(f"with noise, won {np.round(wins, 2)}")

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
# The temperature of the choice is the size of that noise: cold, the generator takes the letter it
# likes best; hot, it takes chances that it was not trained to take.

for temperature in (0.0, 1.0, 3.0):
    print(f"temperature {temperature}:", ", ".join(gan.sample(8, seed=1, temperature=temperature)))

# %%
# The yardsticks
# --------------
# Letters drawn one by one as often as they are, and letters drawn after the letter before them.


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
    print(f"{who}: {distances[who]:.3f} bits from the real pairs of letters; {texts[:3]}")
novel = metrics.novelty(names, made)
print(f"{novel:.0%} of the GAN's names are new")

# %%
if BUDGET >= 1:
    assert distances["this GAN"] < 0.5 * distances["the untrained GAN"]
    assert distances["this GAN"] < distances["single letters"]
    assert novel > 0.8
