"""Secrets in texts: planted secrets, whose exposure is measured, and repeated sentences.

A secret of random letters is planted in the training text. After training, its loss is compared
with those of other secrets that were not planted (Carlini et al., 2019, "The Secret Sharer",
https://arxiv.org/abs/1802.08232).
"""

import dataclasses
import itertools
import re
from collections import Counter

import numpy as np
from scipy import stats

__all__ = ["exposure", "exposure_among", "plant", "repeated_sentences"]

LETTERS = "abcdefghijklmnopqrstuvwxyz"
LENGTH = 8  # random letters of a secret
FORM = "the secret of the canary is {}"
OTHERS = 1000  # secrets that were not planted, to compare with
SENTENCE = re.compile(r"[^.!?\n]{30,400}[.!?]?")
LEAST_REPEATS = 10
MOST = 500  # sentences


def plant(data, repeats, seed=0):
    """Return text data with secrets in the training part, and the secrets.

    Args:
        data: A `Dataset` of texts.
        repeats: How often each secret is planted: `(1, 10)` plants two.
        seed: Seed of the secrets and their positions.

    Returns:
        The `Dataset`, and a list of `{"secret", "repeats"}`.

    Raises:
        ValueError: If the data are not texts.
    """
    if data.kind != "text":
        raise ValueError(f"`canaries` are planted in texts. Received: data of kind {data.kind!r}")
    generator = np.random.default_rng([seed, 2018])
    planted = [{"secret": _secret(generator), "repeats": int(times)} for times in repeats]
    lines = [FORM.format(p["secret"]) for p in planted for _ in range(p["repeats"])]
    lines = [lines[i] for i in generator.permutation(len(lines))]
    train = data.train
    if len(train) == 1:  # one long text: the secrets become lines
        rows = train.x[0].split("\n")
        for line in lines:
            rows.insert(int(generator.integers(len(rows) + 1)), line)
        train = dataclasses.replace(train, x=["\n".join(rows)])
    else:
        texts = [str(text) for text in train.x]
        chosen = generator.integers(len(texts), size=len(lines))
        for i, line in zip(chosen, lines, strict=True):
            texts[i] = f"{texts[i]} {line}"
        train = dataclasses.replace(train, x=texts)
    return dataclasses.replace(data, train=train), planted


def _secret(generator):
    return "".join(generator.choice(list(LETTERS), LENGTH))


def exposure(model, secret, seed=0):
    """Return the exposure of a planted secret in bits: log2 |R| - log2 of its rank in R.

    R is the set of all secrets of this form. The rank is estimated from the losses of a thousand
    of them; if the secret's loss is below all of these, with a skew-normal distribution that is
    fitted to them (section 4.3). 0 to 2 bits: like any other secret; log2 |R|, 37.6 bits: the
    first that an attacker would try.

    Args:
        model: A language model: `losses_by_example(texts)`.
        secret: A secret planted by `plant`.
        seed: Seed of the secrets that it is compared with.
    """
    generator = np.random.default_rng([seed, 802])
    others = [FORM.format(_secret(generator)) for _ in range(OTHERS)]
    losses = np.asarray(model.losses_by_example([FORM.format(secret), *others]))
    return exposure_among(losses[0], losses[1:], LENGTH * np.log2(len(LETTERS)))


def exposure_among(loss, others, most=np.inf):
    """Return -log2 of the probability that another loss is as low, at most `most` bits.

    Example:

    >>> round(exposure_among(0.0, np.random.default_rng(0).normal(size=1000)))
    1
    """
    others = np.asarray(others, "float64")
    below = int((others <= loss).sum())
    if below >= 5:
        return float(min(np.log2(len(others) / below), most))
    bits = -stats.skewnorm.logcdf(loss, *_skew_normal(others)) / np.log(2)
    return float(np.clip(bits, np.log2(len(others) / (below + 1)), most))


def _skew_normal(values):
    """Return shape, location and scale of the skew-normal with the same first three moments."""
    skewness = np.clip(stats.skew(values), -0.99, 0.99)
    part = np.abs(skewness) ** (2 / 3)
    delta = np.sign(skewness) * np.sqrt(np.pi / 2 * part / (part + (2 - np.pi / 2) ** (2 / 3)))
    scale = values.std() / np.sqrt(1 - 2 * delta**2 / np.pi)
    location = values.mean() - scale * delta * np.sqrt(2 / np.pi)
    return delta / np.sqrt(1 - delta**2), location, max(scale, 1e-9)


def repeated_sentences(texts, least=LEAST_REPEATS):
    """Return `(sentence, times)` that occur at least `least` times, most frequent first."""
    counts = Counter()
    for text in texts:
        counts.update(match.group().strip() for match in SENTENCE.finditer(text))
    often = ((s, n) for s, n in counts.most_common() if n >= least and len(s) >= 30)
    found = ((s, n) for s, n in often if sum(map(str.isalpha, s)) > len(s) / 2)  # excludes rulers
    return list(itertools.islice(found, MOST))
