"""Sequences cut into windows such that the state can be carried to the next window."""

import numpy as np

__all__ = ["Streams"]

CONTEXT = 4  # training windows of context before each window in evaluation
LONG = 8  # documents of this many windows are cut at different places in every epoch


class Streams:
    """Concatenated documents, cut into windows.

    In training, a batch holds several streams, each of which continues in the next batch.

    Args:
        documents: List of arrays (steps + 1, ...); each step is predicted from the previous ones.
        window: Number of steps over which gradients are computed.
    """

    def __init__(self, documents, window):
        self.flat = np.concatenate(documents)
        self.steps = np.array([len(document) - 1 for document in documents])
        self.starts = np.cumsum([0, *(self.steps[:-1] + 1)])
        self.window = int(min(window, self.steps.max()))
        long = self.steps >= LONG * self.window
        self.room = np.where(long, self.window, 0)  # maximum shift of a cut
        self.counts = -(-(self.steps - self.room) // self.window)

    def __len__(self):
        return int(self.counts.sum())

    def table(self, rng=None):
        """Return start, length and whether the state is carried on for each window, (n, 3).

        With `rng`, documents are in random order and long ones are cut at random places.
        """
        counts, offset = -(-self.steps // self.window), np.zeros_like(self.steps)
        order = np.arange(len(self.steps))
        if rng is not None:
            order, offset = rng.permutation(order), rng.integers(np.maximum(self.room, 1))
            counts = self.counts
        document, number = _numbered(order, counts[order])
        within = offset[document] + number * self.window
        lengths = np.minimum(self.window, self.steps[document] - within)
        return np.stack([self.starts[document] + within, lengths, number > 0], axis=1)

    def order(self, streams, rng=None):
        """Return the windows of a training epoch, (steps, streams, 3), as in `table`."""
        steps = len(self) // streams
        rows = self.table(rng)[: streams * steps].reshape(streams, steps, 3)
        rows[:, 0, 2] = 0  # states are zero at the start of an epoch
        return rows.swapaxes(0, 1)

    def evaluation(self, batch_size):
        """Return windows with each step once, after some context: start, length, context.

        They are longer than in training. Their first steps, up to `CONTEXT` training windows, only
        serve to initialize the state and do not count in the loss.
        """
        window = int(np.clip(self.steps.sum() // batch_size, self.window, 16 * self.window))
        document, number = _numbered(np.arange(len(self.steps)), -(-self.steps // window))
        context = np.minimum(number * window, CONTEXT * self.window)
        starts = self.starts[document] + number * window - context
        lengths = np.minimum(window, self.steps[document] - number * window) + context
        return np.stack([starts, lengths, context], axis=1)

    def take(self, rows, width=None):
        """Return a batch `(x, y)` for rows of `table`: inputs, their weights, and targets.

        Args:
            rows: Array (batch, 3).
            width: Steps of the batch; `None`: those of its longest window.
        """
        starts, lengths, goes_on = rows.T
        steps = np.arange(width or lengths.max())
        place = np.minimum(starts[:, None] + steps, len(self.flat) - 2)
        weights = (steps < lengths[:, None]).astype("float32")
        x = {"inputs": self.flat[place], "weights": weights, "keep": goes_on.astype("float32")}
        return x, self.flat[place + 1]

    def take_after_context(self, rows):
        """Return a batch `(x, y)` for rows of `evaluation`; the context has zero weight."""
        context = rows[:, 2]
        x, y = self.take(rows * [1, 1, 0])
        x["weights"] *= np.arange(x["weights"].shape[1]) >= context[:, None]
        return x, y


def _numbered(order, counts):
    """Return the document and the index in it of each window, given the `counts` of windows."""
    document = np.repeat(order, counts)
    return document, np.arange(len(document)) - np.repeat(np.cumsum(counts) - counts, counts)
