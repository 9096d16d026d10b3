"""Gradients: optimizer steps, private steps, straight-through and stopped gradients."""

import keras
import tensorflow as tf

__all__ = [
    "gradient_step",
    "gradients",
    "private_gradient_step",
    "stop_gradient_of",
    "straight_through",
]


def gradient_step(loss_fn, variables, optimizer, *, norm=False):
    """Take one optimizer step on `variables`; return the result of `loss_fn`.

    Args:
        loss_fn: Callable without arguments. Returns the scalar loss to minimize, or a dict with
            the key "loss", or a tuple that begins with the loss; the rest is passed through.
        variables: List of `keras.Variable`. Other variables are not changed, which separates
            the two players of a GAN.
        optimizer: A built `keras.optimizers.Optimizer`.
        norm: Whether to return `(result of loss_fn, global norm of the gradients)` instead.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([variable.value for variable in variables])
        losses = loss_fn()
        loss = losses["loss"] if isinstance(losses, dict) else losses
        loss = loss[0] if isinstance(loss, tuple) else loss
        scaled = optimizer.scale_loss(loss)
    gradients = tape.gradient(scaled, [v.value for v in variables])
    optimizer.apply(gradients, variables)
    return (losses, tf.linalg.global_norm(gradients)) if norm else losses


def private_gradient_step(
    example_losses, batch, variables, optimizer, *, clip, noise, expected, seed, vectorized=True
):
    """Take one step of DP-SGD and return the loss of each example (Abadi et al., 2016).

    g = (sum_i g_i min(1, clip / |g_i|) + N(0, (noise clip)^2)) / expected, where g_i is the
    gradient of one example's loss with respect to all variables
    (https://arxiv.org/abs/1607.00133, algorithm 1).

    Args:
        example_losses: Callable from a batch to the losses of its examples.
        batch: Pytree of tensors, drawn by Poisson sampling: any number of examples.
        variables: List of `keras.Variable` to train.
        optimizer: A built Keras optimizer.
        clip: Maximum norm of an example's gradient.
        noise: Noise multiplier.
        expected: Expected number of examples per batch.
        seed: A `keras.random.SeedGenerator` for the noise.
        vectorized: Whether the gradients of all examples are computed at once, which needs
            memory for that many copies of the variables; otherwise one at a time.
    """
    values = [variable.value for variable in variables]

    def clipped(example):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            loss = example_losses(keras.tree.map_structure(lambda part: part[None], example))[0]
        found = tape.gradient(loss, values, unconnected_gradients="zero")
        found = [tf.convert_to_tensor(g) for g in found]
        scale = tf.minimum(1.0, clip / tf.maximum(tf.linalg.global_norm(found), 1e-12))
        return loss, [g * scale for g in found]

    if vectorized:
        losses, found = tf.vectorized_map(clipped, batch)
        total = [tf.reduce_sum(g, axis=0) for g in found]
    else:
        n = tf.shape(tf.nest.flatten(batch)[0])[0]

        def add(i, losses, total):  # a running sum needs memory for one example only
            loss, found = clipped(keras.tree.map_structure(lambda part: part[i], batch))
            return i + 1, losses.write(i, loss), [t + g for t, g in zip(total, found, strict=True)]

        start = (0, tf.TensorArray(tf.float32, n), [tf.zeros_like(value) for value in values])
        _, losses, total = tf.while_loop(lambda i, *_: i < n, add, start, parallel_iterations=1)
        losses = losses.stack()
    noisy = [
        (t + noise * clip * keras.random.normal(t.shape, seed=seed, dtype=t.dtype)) / expected
        for t in total
    ]
    optimizer.apply(noisy, variables)
    return losses


def gradients(fn, x):
    """Return `(fn(x), d sum(fn(x)) / dx)`, the gradients with respect to an input."""
    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = fn(x)
    return outputs, tape.gradient(outputs, x)


def stop_gradient_of(x):
    """Return `x` as a constant, without a gradient."""
    return tf.stop_gradient(x)


def straight_through(soft, hard):
    """Return `hard` with the gradient of `soft` (Bengio et al., 2013)."""
    return soft + tf.stop_gradient(hard - soft)
