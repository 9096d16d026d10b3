"""Membership inference: do a model's losses reveal its training data?"""

import numpy as np

from ..metrics.intervals import area_under_curve, share_interval
from .neighbours import nearest

__all__ = ["difficulty", "membership"]

LOOK_ALIKES = 15


def membership(members, others, member_facts=None, other_facts=None, seed=0):
    """Return `(metrics, intervals)` of the attack that takes low-loss examples for training ones.

    `membership_auc` is the probability that a training example has a lower loss than a held-out
    one (0.5 is chance; Yeom et al., 2018, https://arxiv.org/abs/1709.01604). `calibrated_auc` is
    the same after each loss is compared with that of similar examples (Watson et al., 2022,
    https://arxiv.org/abs/2111.08440). `true_positives_at_1` and `true_positives_at_0.1` are the
    shares of training examples that the better of the two attacks finds at a false-positive rate
    of 1% and 0.1% (Carlini et al., 2022, https://arxiv.org/abs/2112.03570); they need at least 100
    and 1,000 held-out examples.

    Args:
        members: Losses (n,) of training examples.
        others: Losses (m,) of held-out examples.
        member_facts, other_facts: Numbers (n, d) and (m, d) about the difficulty of the
            examples, independent of the model. `None` omits the calibration.
        seed: Seed of the split into halves.

    Example:

    >>> membership(np.zeros(200), np.ones(200))[0]["membership_auc"]
    1.0
    """
    members, others = np.asarray(members, "float64"), np.asarray(others, "float64")
    scores = {"membership_auc": (-members, -others)}
    if member_facts is not None and min(len(members), len(others)) >= 50:
        usual = difficulty(others, member_facts, other_facts, seed)
        scores["calibrated_auc"] = (usual[0] - members, usual[1] - others)
    metrics, intervals = {}, {}
    for name, (inside, outside) in scores.items():
        metrics[name], intervals[name] = area_under_curve(inside, outside)
    inside, outside = scores[max(scores, key=lambda name: metrics[name])]
    for percent in (1, 0.1):
        if len(outside) * percent >= 100:
            allowed = int(len(outside) * percent / 100)
            threshold = np.sort(outside)[-allowed - 1]
            found = int((inside > threshold).sum())
            metrics[f"true_positives_at_{percent:g}"] = found / len(inside)
            intervals[f"true_positives_at_{percent:g}"] = share_interval(found, len(inside))
    return metrics, intervals


def difficulty(losses, member_facts, other_facts, seed=0):
    """Return the usual loss of each member and of each held-out example, from their facts.

    This is the mean loss of the most similar held-out examples. Held-out examples are compared
    with those of the other half, and members with those of a random half, so that both sides are
    treated in the same way if the model does not leak.
    """
    generator = np.random.default_rng(seed)
    member_facts, other_facts = (
        np.asarray(facts, "float64") for facts in (member_facts, other_facts)
    )
    middle, scale = other_facts.mean(axis=0), other_facts.std(axis=0)
    sides = [
        (facts - middle) / np.where(scale > 0, scale, 1.0) for facts in (member_facts, other_facts)
    ]
    halves = [generator.permutation(np.arange(len(side)) % 2) for side in sides]
    usual = [np.empty(len(side)) for side in sides]
    for half in (0, 1):
        known, known_losses = sides[1][halves[1] == half], losses[halves[1] == half]
        for side, facts in enumerate(sides):
            rows = halves[side] != half
            alike = nearest(facts[rows], known, LOOK_ALIKES)[0]
            usual[side][rows] = known_losses[alike].mean(axis=1)
    return usual
