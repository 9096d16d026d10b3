"""Ways from one noise to another."""

import itertools

import numpy as np

__all__ = ["great_circles"]


def great_circles(corners, steps):
    """Return points (k * steps, d) on the way from each of k + 1 corners to the next.

    On a great circle where two corners have one length, so that no point comes near 0, where
    Gaussian noise never is.
    """
    rows = []
    for a, b in itertools.pairwise(corners):
        cosine = a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-12)
        angle = max(np.arccos(np.clip(cosine, -1.0, 1.0)), 1e-6)
        t = (np.arange(steps) / steps)[:, None]
        rows.append((np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle))
    return np.concatenate(rows)
