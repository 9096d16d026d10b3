"""How often things occur in real and in generated examples, where features see too little."""

import keras
import numpy as np
from keras import ops

from .evaluation import divergence
from .gan import GAN

__all__ = ["Counted", "Counts"]

FAKES = 4  # generated examples in validation, per real one


class Counts(keras.metrics.Metric):
    """Histograms of integers of real and of generated examples, summed over batches.

    `result` is empty: the divergence is computed once, at the end, not for every batch.

    Args:
        bins: Number of bins of each histogram; larger integers share bins with smaller ones.
        measure: `measure(x)` returns for each histogram the integers of a batch x, (m,), and
            whether each counts, (m,).
    """

    def __init__(self, bins, measure, name="counts", **kwargs):
        super().__init__(name=name, **kwargs)
        self.bins, self.measure = bins, measure
        self.sides = [
            [self.add_variable((size,), "zeros", name=f"{side}_{i}") for i, size in enumerate(bins)]
            for side in ("real", "fake")
        ]

    def update_state(self, real, fake, sample_weight=None):
        """Add a batch of real examples and one of generated ones."""
        for counts, x in zip(self.sides, (real, fake), strict=True):
            for count, size, (values, counted) in zip(
                counts, self.bins, self.measure(x), strict=True
            ):
                counted = ops.cast(counted, "float32")
                count.assign_add(ops.segment_sum(counted, values % size, num_segments=size))

    def result(self):
        return {}

    def divergence(self):
        """Return the Jensen-Shannon divergence of both sides in nats, averaged over histograms."""
        pairs = zip(*self.sides, strict=True)
        return float(np.mean([divergence(*map(_shares, pair)) for pair in pairs]))


class Counted(GAN):
    """A GAN that keeps the weights whose samples have the most similar `counts` to real examples.

    The classes that inherit from it set `counts`.
    """

    monitor = "val_divergence"

    def test_step(self, data):
        """Losses, and counts of x and of new examples."""
        x, *_ = keras.utils.unpack_x_y_sample_weight(data)
        self.counts.update_state(x, self.fakes(ops.repeat(x, FAKES, axis=0)))
        return super().test_step(data)

    def evaluate(self, *args, return_dict=False, **kwargs):
        logs = super().evaluate(*args, return_dict=True, **kwargs)
        logs["divergence"] = self.counts.divergence()
        return logs if return_dict else list(logs.values())


def _shares(counts):
    counts = ops.convert_to_numpy(counts).astype("float64")
    return counts / max(counts.sum(), 1.0)
