"""Nearest neighbours by squared distances in blocks: exact, and fast enough for an audit."""

import numpy as np

__all__ = ["as_vectors", "nearest"]

BLOCK = 8192  # points at a time
MOST_NUMBERS = 4096  # per example; larger pictures are averaged to fewer


def as_vectors(x):
    """Return examples as float32 vectors (n, d); large pictures are averaged over small squares.

    Args:
        x: Array (n, ...), or a sequence that reads pictures from disk.
    """
    x = x if isinstance(x, np.ndarray) else np.asarray(x)
    while x.ndim >= 4 and np.prod(x.shape[1:]) > MOST_NUMBERS and min(x.shape[-3:-1]) >= 2:
        height, width = (side // 2 * 2 for side in x.shape[-3:-1])
        x = x[..., :height, :width, :].astype("float32")
        rows = x[..., 0::2, :, :] + x[..., 1::2, :, :]
        x = (rows[..., 0::2, :] + rows[..., 1::2, :]) / 4
    return np.ascontiguousarray(x.reshape(len(x), -1), "float32")


def nearest(queries, points, k=1, itself=False):
    """Return `(indices, distances)` (n, k) of the k nearest points of each query, nearest first.

    Args:
        queries: Vectors (n, d).
        points: Vectors (m, d), m > k.
        k: Number of neighbours.
        itself: Whether query i is point i, which is then excluded.

    Example:

    >>> nearest(np.array([[0.0], [5.0]]), np.array([[1.0], [7.0], [9.0]]))[1].ravel().tolist()
    [1.0, 2.0]
    """
    queries, points = np.asarray(queries, "float32"), np.asarray(points, "float32")
    best = _candidates(queries, points, min(k, len(points) - itself), itself)
    exact = np.empty(best.shape, "float32")
    for column in range(best.shape[1]):  # |a|^2 - 2ab + |b|^2 is inaccurate near zero
        exact[:, column] = np.linalg.norm(queries - points[best[:, column]], axis=1)
    order = np.argsort(exact, axis=1, kind="stable")
    return np.take_along_axis(best, order, 1), np.take_along_axis(exact, order, 1)


def _candidates(queries, points, k, itself):
    """Return the indices (n, k) of the nearest points, up to rounding."""
    middle = points[:BLOCK].mean(axis=0)  # centring reduces cancellation below
    queries = queries - middle
    best = np.zeros((len(queries), 0), "int64")
    found = np.zeros((len(queries), 0), "float32")
    for start in range(0, len(points), BLOCK):
        block = points[start : start + BLOCK] - middle
        squares = np.einsum("ij,ij->i", block, block) - 2 * (queries @ block.T)
        if itself:
            rows = np.arange(start, min(start + len(block), len(queries)))
            squares[rows, rows - start] = np.inf
        kept = min(k, squares.shape[1])
        columns = np.argpartition(squares, kept - 1, axis=1)[:, :kept]
        best = np.concatenate([best, columns + start], axis=1)
        found = np.concatenate([found, np.take_along_axis(squares, columns, 1)], axis=1)
        order = np.argsort(found, axis=1, kind="stable")[:, :k]
        best, found = np.take_along_axis(best, order, 1), np.take_along_axis(found, order, 1)
    return best
