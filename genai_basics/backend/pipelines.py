"""Input pipelines: batches of data in an order that the seed alone decides."""

import keras
import numpy as np
import tensorflow as tf

from .strategies import own_rows, workers

__all__ = [
    "batches",
    "drawn",
    "epochs",
    "is_pipeline",
]


def is_pipeline(x):
    """Say whether `x` already yields batches (a `tf.data.Dataset`)."""
    return isinstance(x, tf.data.Dataset)


def batches(
    data,
    batch_size,
    *,
    transform=None,
    seed=None,
    start=0,
    training=False,
    poisson=False,
    lengths=None,
):
    """Return a `tf.data.Dataset` of batches of `data`.

    Args:
        data: A pytree of arrays, or of sequences that read from disk (`ImageFiles`), which all
            have the same length.
        batch_size: Examples in a batch.
        transform: Applied to each batch, in the graph.
        **kwargs: See `orders`.
    """
    n = len(keras.tree.flatten(data)[0])
    rows = orders(
        n,
        batch_size,
        seed=seed,
        start=start,
        training=training,
        poisson=poisson,
        lengths=lengths,
    )
    fetchers = keras.tree.map_structure(_fetcher, data)

    def fetch(index):
        batch = keras.tree.map_structure(lambda get: get(index), fetchers)
        return batch if transform is None else transform(batch)

    pipeline = rows.map(fetch, num_parallel_calls=2, deterministic=True)
    return _read_ahead(pipeline, tf.data.experimental.AutoShardPolicy.DATA)


def epochs(n, batch_size, seed, make, *, transform=None, start=0, training=True, poisson=False):
    """Return a `tf.data.Dataset` of batches that are made on the way, as windows of a series.

    Args:
        n: Number of examples in an epoch.
        batch_size: Examples in a batch.
        seed: Seed of their order and of `rng`; `None` keeps the order.
        make: Callable `make(rows, rng)` that returns a pytree of arrays for the examples of those
            numbers (batch,); `rng` is a NumPy generator of its own for each step. Ranks and types
            are those of the first batch; every dimension may differ.
        transform: Applied to each batch, in the graph.
        start, training, poisson: See `orders`.
    """
    batch_size = min(batch_size, n)
    first = make(np.arange(batch_size), np.random.default_rng(0))
    flat = [np.asarray(part) for part in keras.tree.flatten(first)]

    def call(rows, step):
        parts = make(rows, np.random.default_rng([seed or 0, int(step)]))
        return [np.asarray(part) for part in keras.tree.flatten(parts)]

    def fetch(rows, step):
        parts = tf.numpy_function(call, [rows, step], [tf.as_dtype(part.dtype) for part in flat])
        for part, like in zip(parts, flat, strict=True):
            part.set_shape([None] * like.ndim)
        batch = keras.tree.pack_sequence_as(first, parts)
        return batch if transform is None else transform(batch)

    rows = orders(n, batch_size, seed=seed, start=start, training=training, poisson=poisson)
    steps = tf.data.Dataset.range(start, np.iinfo(np.int64).max)
    pipeline = tf.data.Dataset.zip(rows, steps).map(fetch)
    return _read_ahead(pipeline, tf.data.experimental.AutoShardPolicy.OFF)


def orders(n, batch_size, *, seed=None, start=0, training=False, poisson=False, lengths=None):
    """Return a `tf.data.Dataset` of the numbers of the examples in each batch, (batch,).

    In training with other workers, each batch is split over them: `batch_size` is that of all.

    Args:
        n: Number of examples.
        batch_size: Examples in a batch; n at most.
        seed: Seed of the shuffling, which differs in every epoch: the order is a function of
            seed and epoch alone. `None` keeps the order.
        start: Number of training batches to leave out, for training that goes on.
        training: Repeat indefinitely, in batches of one size (what is left over comes in another
            epoch). Otherwise pass once over everything; the last batch may be smaller.
        poisson: In training, each example is in each batch by a chance of its own, batch_size
            in n: what the accounting of private training assumes.
        lengths: How long each example is, (n,). With a seed, those of a batch then have similar
            lengths, so that little of it is padding; the order of the batches stays random.
    """
    batch_size = min(batch_size, n)
    steps = n // batch_size
    shuffled = tf.random.experimental.stateless_shuffle

    def epoch_order(epoch):
        order = tf.range(n)
        if seed is not None:
            order = shuffled(order, seed=tf.stack([seed, epoch]))
        if seed is None or lengths is None:
            order = tf.reshape(order[: steps * batch_size], (steps, batch_size))
        else:
            order = tf.gather(order, tf.argsort(tf.gather(lengths, order), stable=True))
            left_over = shuffled(tf.range(n - steps * batch_size + 1), seed=[seed, epoch])[0]
            order = order[left_over : left_over + steps * batch_size]
            order = shuffled(tf.reshape(order, (steps, batch_size)), seed=[epoch, seed])
        return tf.data.Dataset.from_tensor_slices(order)

    def drawn_by_chance(step):
        pair = tf.stack([seed or 0, tf.cast(step, tf.int32)])
        chances = tf.random.stateless_uniform((n,), pair)
        return tf.cast(tf.where(chances < batch_size / n)[:, 0], tf.int32)

    if training and poisson:
        indices = tf.data.Dataset.range(start, np.iinfo(np.int64).max).map(drawn_by_chance)
    elif training:
        epochs = tf.data.Dataset.range(start // steps, np.iinfo(np.int64).max)
        epochs = epochs.map(lambda epoch: tf.cast(epoch, tf.int32))
        indices = epochs.flat_map(epoch_order).skip(start % steps)
        if workers() > 1:
            mine = own_rows()
            indices = indices.map(lambda index: index[mine])
    else:
        indices = tf.data.Dataset.range(n).batch(batch_size)
    return indices


def drawn(draw, *, steps=None, start=0):
    """Return a `tf.data.Dataset` of the batches that `draw(step)` makes, one after the other.

    For examples that are made on the way: windows of a text, clips joined to sentences. Those
    without an end are for training, where each worker takes its rows of them.

    Args:
        draw: Callable that takes the number of a batch and returns a pytree of arrays. Ranks
            and types are those of the first; every other dimension than the rank may differ.
        steps: How many batches; `None` for ever.
        start: Number of the first.
    """
    first = draw(start)
    flat = [np.asarray(part) for part in keras.tree.flatten(first)]
    stop = np.iinfo(np.int64).max if steps is None else start + steps
    mine = own_rows() if steps is None else slice(None)

    def call(step):
        return [np.asarray(part)[mine] for part in keras.tree.flatten(draw(int(step)))]

    def fetch(step):
        parts = tf.numpy_function(call, [step], [tf.as_dtype(part.dtype) for part in flat])
        for part, like in zip(parts, flat, strict=True):
            part.set_shape([None] * like.ndim)
        return keras.tree.pack_sequence_as(first, parts)

    pipeline = tf.data.Dataset.range(start, stop).map(fetch)
    return _read_ahead(pipeline, tf.data.experimental.AutoShardPolicy.OFF)


def _read_ahead(pipeline, policy):
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = policy
    # The thread that would tune the numbers here lets an iterator end only when it wakes: up to
    # a second after each evaluation and prediction.
    options.autotune.enabled = False
    return pipeline.with_options(options).prefetch(2)


def _fetcher(source):
    """Return a function from a vector of indices to a batch of `source`, usable in a graph."""
    if isinstance(source, np.ndarray) or not hasattr(source, "shape"):
        values = tf.convert_to_tensor(source)
        return lambda index: tf.gather(values, index)

    def read(index):
        return np.ascontiguousarray(source[index])

    def fetch(index):
        batch = tf.numpy_function(read, [index], tf.as_dtype(source.dtype))
        batch.set_shape((None, *source.shape[1:]))
        return batch

    return fetch
