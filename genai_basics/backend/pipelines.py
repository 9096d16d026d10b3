"""Input pipelines: batches of data in an order that depends only on the seed."""

import functools

import keras
import numpy as np
import tensorflow as tf

from .strategies import own_rows, workers

__all__ = [
    "arrays_of",
    "as_array",
    "batched",
    "batches",
    "epochs",
    "is_dataset",
    "is_endless",
    "length_of",
    "streamed",
]


def is_dataset(x):
    """Return whether `x` is a `tf.data.Dataset`."""
    return isinstance(x, tf.data.Dataset)


def length_of(source):
    """Return the number of elements of a Dataset or another source, `None` if unknown."""
    if is_dataset(source):
        length = int(source.cardinality())
        return length if length >= 0 else None
    if isinstance(source, keras.utils.PyDataset):
        return source.num_batches
    return len(source) if hasattr(source, "__len__") else None


def is_endless(source):
    """Return whether a source is known to be infinite."""
    if is_dataset(source):
        return int(source.cardinality()) == tf.data.INFINITE_CARDINALITY
    return isinstance(source, keras.utils.PyDataset) and source.num_batches is None


def batched(dataset, rank, batch_size):
    """Return a Dataset of batches: itself, unless its x has the `rank` of a single example."""
    spec = dataset.element_spec
    first = keras.tree.flatten(spec[0] if isinstance(spec, tuple) else spec)[0]
    columns = isinstance(spec[0] if isinstance(spec, tuple) else spec, dict)
    one = 0 if columns or first.dtype == tf.string else rank
    return dataset.batch(batch_size) if first.shape.rank == one else dataset


def arrays_of(source):
    """Yield the elements of a Dataset as NumPy arrays, or those of another source unchanged."""
    yield from source.as_numpy_iterator() if is_dataset(source) else source


def as_array(part):
    """Return a tensor or array as NumPy; texts (bytes in Datasets) become a list of `str`."""
    part = np.asarray(part.detach().cpu() if hasattr(part, "detach") else part)
    if part.dtype == object and part.size and isinstance(part.flat[0], bytes):
        return [text.decode() for text in part.ravel().tolist()]
    return part


def streamed(make, first, transform, length=None):
    """Return a `tf.data.Dataset` of the batches of `make()`, which is called once per epoch.

    Args:
        make: Callable that returns an iterator of pytrees of arrays; `None` marks absent parts.
        first: A batch with the structure, ranks and dtypes of all batches.
        transform: Applied to the parts of each batch, in the graph.
        length: Number of batches, if known.
    """
    flat = [np.asarray(part) for part in keras.tree.flatten(first) if part is not None]
    signature = [tf.TensorSpec([None] * part.ndim, part.dtype) for part in flat]

    def arrays():
        for batch in make():
            parts = [part for part in keras.tree.flatten(batch) if part is not None]
            yield tuple(np.asarray(part) for part in parts)

    def packed(*parts):
        parts = iter(parts)
        flat = [part if part is None else next(parts) for part in keras.tree.flatten(first)]
        return transform(*keras.tree.pack_sequence_as(first, flat))

    pipeline = tf.data.Dataset.from_generator(arrays, output_signature=tuple(signature))
    if length is not None:
        pipeline = pipeline.apply(tf.data.experimental.assert_cardinality(length))
    return _read_ahead(pipeline.map(packed), tf.data.experimental.AutoShardPolicy.OFF)


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
        data: A pytree of arrays, or of sequences that read from disk (`ImageFiles`), all of the
            same length.
        batch_size: Examples per batch.
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


def epochs(
    n,
    batch_size,
    seed,
    make,
    *,
    order=None,
    transform=None,
    start=0,
    training=False,
    poisson=False,
):
    """Return a `tf.data.Dataset` of batches of examples that are generated on the fly.

    For joined clips or windows of a text. The order and all random numbers of `make` depend only
    on the seed and the step, so `start` continues training bit for bit.

    Args:
        n: Number of examples per epoch.
        batch_size: Examples per batch.
        seed: Seed of the order and of `rng`. `None` keeps the order.
        make: Callable `make(rows, rng)` that returns a pytree of arrays for the examples `rows`
            (batch,); `rng` is a NumPy generator for this batch. Ranks and dtypes are those of
            the first batch; all dimensions may differ.
        order: Callable `order(rng)` that returns the rows of all training batches of an epoch,
            (steps, batch, ...). `None` shuffles; without a seed, `rng` is `None`.
        transform: Applied to each batch, in the graph.
        start, training, poisson: As in `batches`.
    """
    size = min(batch_size, n)
    steps = n // size

    def shuffled(rng):
        rows = np.arange(n) if rng is None else rng.permutation(n)
        return rows[: steps * size].reshape(steps, size)

    @functools.lru_cache(maxsize=1)
    def rows_of(epoch):
        return (order or shuffled)(None if seed is None else np.random.default_rng([seed, epoch]))

    mine = own_rows() if training else slice(None)

    def draw(step):
        epoch, row = divmod(step, steps)
        rng = np.random.default_rng([seed or 0, epoch, row])
        if not training:
            rows = np.arange(step * size, min(n, (step + 1) * size))
        elif poisson:
            rows = np.flatnonzero(rng.random(n) < size / n)
        else:
            rows = rows_of(epoch)[row]
        return make(rows[mine], rng)

    first = draw(start)
    flat = [np.asarray(part) for part in keras.tree.flatten(first)]

    def fetch(step):
        parts = tf.numpy_function(
            lambda step: [np.asarray(part) for part in keras.tree.flatten(draw(int(step)))],
            [step],
            [tf.as_dtype(part.dtype) for part in flat],
        )
        for part, like in zip(parts, flat, strict=True):
            part.set_shape([None] * like.ndim)
        batch = keras.tree.pack_sequence_as(first, parts)
        return batch if transform is None else transform(batch)

    stop = np.iinfo(np.int64).max if training else -(-n // size)
    pipeline = tf.data.Dataset.range(start, stop).map(fetch)
    return _read_ahead(pipeline, tf.data.experimental.AutoShardPolicy.OFF)


def orders(n, batch_size, *, seed=None, start=0, training=False, poisson=False, lengths=None):
    """Return a `tf.data.Dataset` of the indices of the examples in each batch, (batch,).

    With several workers, each batch is split over them; `batch_size` is the total.

    Args:
        n: Number of examples.
        batch_size: Examples per batch, at most n.
        seed: Seed of the shuffling, which differs between epochs: the order depends only on seed
            and epoch. `None` keeps the order.
        start: Number of training batches to skip, to resume training.
        training: Whether to repeat indefinitely, in batches of one size (remaining examples come
            in another epoch). Otherwise pass once over all data; the last batch may be smaller.
        poisson: Whether each example is in each training batch independently, with probability
            batch_size / n, as the accounting of private training assumes.
        lengths: Length of each example, (n,). With a seed, the examples of a batch then have
            similar lengths, to reduce padding; the order of the batches stays random.
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


def _read_ahead(pipeline, policy):
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = policy
    # The autotuning thread lets an iterator end only when it wakes, up to a second after each
    # evaluation and prediction.
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
