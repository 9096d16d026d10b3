"""The text GAN, compared with a model of letter pairs, the simplest form of maximum likelihood.

First names without duplicates, 10,000 of them held out; ten minutes for the GAN. Jensen-Shannon
divergences, in nats, between the n-grams of 10,000 samples and of the held-out names; the floor is
that of 10,000 training names.
"""

import math
import random
from collections import defaultdict

import numpy as np

import genai_basics as gb
from genai_basics.metrics import ngram_jsd, novelty

HEADERS = ("names of", "2-grams", "3-grams", "4-grams", "new")
MINUTES, N = 10.0, 10_000


def bigram_samples(names, n, rng):
    """Return n names from a model of letter pairs."""
    following = defaultdict(list)
    for name in names:
        for a, b in zip("\n" + name, name + "\n", strict=True):
            following[a].append(b)
    made = []
    for _ in range(n):
        name = "\n"
        while len(name) == 1 or name[-1] != "\n":
            name += rng.choice(following[name[-1]])
        made.append(name.strip("\n"))
    return made


def measure(folder):
    """Return the rows of the table."""
    lines = (folder / "names" / "names.txt").read_text().split()
    names = sorted(set(lines))
    order = np.random.default_rng(0).permutation(len(names))
    test, train = ([names[i] for i in part] for part in (order[:N], order[N:]))
    gan = gb.build_text_gan(16, vocabulary_size=28, seed=0)
    gan.compile()
    progress = gb.model.Progress(seconds=60 * MINUTES)
    gan.fit(train, epochs=10**6, callbacks=[progress], verbose=0)
    candidates = {
        "real data": train[:N],
        "text GAN": gan.sample(N, seed=0),
        "letter pairs": bigram_samples(train, N, random.Random(0)),
    }
    rows = []
    for name, texts in candidates.items():
        jsd = (ngram_jsd(test, texts, n=n, level="character") * math.log(2) for n in (2, 3, 4))
        new = "" if name == "real data" else f"{novelty(train, texts):.1%}"
        rows.append((name, *(f"{value:.4f}" for value in jsd), new))
    return rows
