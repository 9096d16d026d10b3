"""A moving average of a network's weights: samples from it are better and steadier."""

import keras
from keras import ops

__all__ = ["averaged_copy", "move_average"]


def averaged_copy(network):
    """Return a copy of a Functional network, with its weights, that no optimizer trains."""
    average = keras.models.clone_model(network)
    average.set_weights(network.get_weights())
    average.trainable = False
    return average


def move_average(average, network, step, decay):
    """Move the weights of `average` towards those of `network`, after each training step.

    w' <- d w' + (1 - d) w with d = min(decay, (1 + step) / (10 + step)): early steps count
    more, so that the initial weights are soon forgotten. Batch statistics are averaged, too.

    Args:
        average: What `averaged_copy` returned.
        network: The network that is trained.
        step: Number of training steps so far, a tensor.
        decay: Largest d, as 0.995.
    """
    step = ops.cast(step, "float32")
    rate = 1.0 - ops.minimum(decay, (1.0 + step) / (10.0 + step))
    for old, new in zip(average.weights, network.weights, strict=True):
        old.assign(old + ops.cast(rate, old.dtype) * (new - old))
