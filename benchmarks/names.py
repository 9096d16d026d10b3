"""The text VAE uses its code, makes new names, and models names better than a bigram model.

29,494 different first names, 1,000 of them held out; five minutes. The bound is the negative ELBO
in nats per name; the bigram model is smoothed towards single letters with the strength that is best
for the held-out names. Unseen samples are those that are not training names, at the temperature in
the row: a model of the true distribution of names would also draw many training names, so the share
must be compared with the bigram model's. `sample(avoid=train)` redraws those names.
"""

import itertools
import random
from collections import Counter

import numpy as np

import genai_basics as gb
from genai_basics.metrics import novelty

from .gan_texts import bigram_samples

HEADERS = ("", "text VAE", "bigram model")
MINUTES, TEMPERATURES = 5.0, (1.0, 1.3, 1.6)


def bigram_nats(train, test):
    """Return the nats per text of a bigram model of units, with the best smoothing."""
    pairs = Counter(pair for text in train for pair in itertools.pairwise((None, *text, None)))
    firsts, letters = Counter(), Counter()
    for (first, second), count in pairs.items():
        firsts[first] += count
        letters[second] += count
    total = sum(letters.values())

    def nats(text, strength):
        marked = (None, *text, None)
        return -sum(
            np.log(
                (pairs[a, b] + strength * (letters[b] + 1) / (total + 99)) / (firsts[a] + strength)
            )
            for a, b in itertools.pairwise(marked)
        )

    return min(np.mean([nats(t, s) for t in test]) for s in (0.1, 1, 5, 20, 100, 500))


def measure(folder):
    names = sorted(set((folder / "names" / "names.txt").read_text().split()))
    order = np.random.default_rng(0).permutation(len(names))
    test, train = ([names[i] for i in part] for part in (order[:1000], order[1000:]))
    vae = gb.build_text_vae(seed=0)
    vae.compile()
    progress = gb.model.Progress(seconds=60 * MINUTES)
    vae.fit(train, epochs=10**6, callbacks=[progress], verbose=0)
    report, _ = vae.report(test)
    pairs = bigram_samples(train, 1000, random.Random(0))
    samples = {t: vae.sample(1000, seed=0, temperature=t) for t in TEMPERATURES}
    new = vae.sample(1000, seed=0, avoid=train)
    letters = set("".join(train))
    spelled = np.mean(
        [set(name) <= letters for drawn in (*samples.values(), new) for name in drawn]
    )
    return [
        ("nats per name", f"{report['negative_elbo']:.2f}", f"{bigram_nats(train, test):.2f}"),
        ("KL, nats", f"{report['kl']:.2f}", ""),
        ("active latents", f"{report['active_units']} of {vae.prior_dim()}", ""),
        ("names reconstructed exactly", f"{report['exact_reconstructions']:.0%}", ""),
        *(
            (
                f"unseen samples, temperature {t}",
                f"{novelty(train, drawn):.1%}",
                f"{novelty(train, pairs):.1%}" if t == 1 else "",
            )
            for t, drawn in samples.items()
        ),
        ("unseen samples, temperature 1.0, `avoid=train`", f"{novelty(train, new):.1%}", ""),
        ("spelled with the alphabet", f"{spelled:.1%}", ""),
    ]
