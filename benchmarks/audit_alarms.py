"""The audit catches every copier and accuses no honest model.

Twenty VAEs of each kind, with different seeds, on scikit-learn's digits: honest ones, trained as
`train vae` does, and copiers, trained on 50 pictures for 1,500 steps. A model counts as a copier if
the audit reports it as one, by pixels or by its own features, at the default threshold, with 1,000
samples. Membership inference is the other alarm: it counts if the lower bound of its area under the
curve is above 0.55.
"""

import numpy as np

import genai_basics as gb
from genai_basics.audit import find_copies, membership
from genai_basics.audit.neighbours import as_vectors

HEADERS = ["VAEs", "called copiers", "copied samples, median", "called leaking", "AUC, median"]
SEEDS = 20
LEAKING = 0.55


def measure(folder):
    """Return the rows of the table."""
    data = gb.load_data("digits")
    few = data.train.x[:50]
    return [
        _row("honest, 1,455 pictures", data.train.x, data, epochs=60),
        _row("overfitted on 50 pictures", few, data, epochs=1500),
    ]


def _row(name, train, data, epochs):
    held_out = data.test.x
    called, leaks, shares, areas = 0, 0, [], []
    for seed in range(SEEDS):
        vae = gb.build_vae(data.spec.shape, seed=seed)
        vae.compile()
        vae.fit(train, epochs=epochs, batch_size=min(128, len(train)), verbose=0)
        parts = (vae.sample(1000, seed=0), train, held_out)
        features = [vae.features_of(part) for part in parts]
        found = find_copies(*map(as_vectors, parts), features=features)
        losses = [vae.losses_by_example(part) for part in (train[:1000], held_out)]
        metrics, intervals = membership(*losses)
        called += found.is_copier
        leaks += intervals["membership_auc"][0] > LEAKING
        shares.append(found.share)
        areas.append(metrics["membership_auc"])
    share, area = np.median(shares), np.median(areas)
    return [name, f"{called} of {SEEDS}", f"{share:.3f}", f"{leaks} of {SEEDS}", f"{area:.3f}"]
