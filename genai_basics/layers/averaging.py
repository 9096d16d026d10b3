"""A moving average of a network's weights, which gives better and more stable samples."""

import keras
from keras import ops

from ..backend import fingerprint, value_of

__all__ = ["MovingAverage"]


class MovingAverage(keras.layers.Layer):
    """A copy of a Functional network whose weights follow those of the network in training.

    Args:
        original: The network.
        decay: Share of the old average that a step keeps, such as 0.995.

    Attributes:
        network: The copy, which no optimizer trains.
    """

    def __init__(self, original, decay):
        super().__init__(trainable=False, dtype="float32", name="average")
        self.network, self.decay = keras.models.clone_model(original), decay
        self.network.set_weights(original.get_weights())
        self.network.trainable = False
        # Fingerprint of the weights last averaged; if it differs, weights were assigned elsewhere.
        self.seen = self.add_weight(
            name="seen",
            shape=(),
            dtype="int64",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
        )
        self.note(original)
        self.built = True

    def move(self, original, step):
        """Move the average towards the weights of the network, after each training step.

        w' <- d w' + (1 - d) w with d = min(decay, (1 + step) / (10 + step)): early steps count
        more, so the initial weights are soon forgotten. Batch statistics are also averaged.

        Args:
            original: The network being trained.
            step: Number of training steps so far, a tensor.
        """
        step = ops.cast(step, "float32")
        rate = 1.0 - ops.minimum(self.decay, (1.0 + step) / (10.0 + step))
        for old, new in zip(self.network.weights, original.weights, strict=True):
            old.assign(old + ops.cast(rate, old.dtype) * (new - old))
        self.note(original)

    def note(self, original):
        """Note the weights of the network as those that were averaged last."""
        self.seen.assign(fingerprint(original.weights))

    def settle(self, original):
        """Adopt weights that were assigned to the network outside training."""
        if value_of(fingerprint(original.weights)) != value_of(self.seen):
            self.network.set_weights(original.get_weights())
            self.note(original)
