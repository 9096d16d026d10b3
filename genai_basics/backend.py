"""The only module that imports TensorFlow.

Everything else is written against `keras` and `keras.ops`, so moving to another
backend of Keras means rewriting this file and nothing else.
"""

import contextlib

import keras
import numpy as np
import tensorflow as tf

__all__ = [
    "batches",
    "compiled",
    "deterministic",
    "distribution",
    "drawn",
    "gradient_step",
    "gradients",
    "is_pipeline",
    "on_gpu",
    "private_gradient_step",
    "scan",
    "stop_gradient_of",
    "value_of",
]

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        "genai_basics needs the TensorFlow backend of Keras: set KERAS_BACKEND=tensorflow before "
        f"importing it. Received: KERAS_BACKEND={keras.backend.backend()}"
    )


def gradient_step(loss_fn, variables, optimizer, *, norm=False):
    """Take one optimizer step on `variables` and return what `loss_fn` returned.

    Args:
        loss_fn: Callable without arguments. Returns the scalar loss to minimize, or a tuple
            whose first item is that loss; the other items are passed through.
        variables: List of `keras.Variable`. Variables not in the list are left alone, which
            is how the two players of a GAN are kept apart.
        optimizer: A built `keras.optimizers.Optimizer`.
        norm: Return `(what loss_fn returned, global norm of the gradients)` instead.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([variable.value for variable in variables])
        losses = loss_fn()
        loss = losses[0] if isinstance(losses, tuple) else losses
        scaled = optimizer.scale_loss(loss)
    gradients = tape.gradient(scaled, [v.value for v in variables])
    optimizer.apply(gradients, variables)
    return (losses, tf.linalg.global_norm(gradients)) if norm else losses


def private_gradient_step(
    example_losses, batch, variables, optimizer, *, clip, noise, expected, seed, vectorized=True
):
    """Take one step of DP-SGD and return the loss of each example (Abadi et al., 2016).

    g = (sum_i g_i min(1, clip / |g_i|) + N(0, (noise clip)^2)) / expected, where g_i is the
    gradient of one example's loss, over all variables together
    (https://arxiv.org/abs/1607.00133, algorithm 1).

    Args:
        example_losses: Callable that takes a batch and returns the losses of its examples.
        batch: Pytree of tensors, drawn by Poisson sampling: any number of examples.
        variables: List of `keras.Variable` to train.
        optimizer: A built Keras optimizer.
        clip: Largest norm of an example's gradient.
        noise: Noise multiplier.
        expected: Examples that a batch has on average.
        seed: A `keras.random.SeedGenerator` of the noise.
        vectorized: Whether the gradients of all examples are computed at once, which takes
            memory for as many copies of the variables; else one after the other.
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

        def add(i, losses, total):  # a sum needs the memory of one example only
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
    """Return `(fn(x), d sum(fn(x)) / dx)`: gradients with respect to an input, not a weight."""
    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = fn(x)
    return outputs, tape.gradient(outputs, x)


def stop_gradient_of(x):
    """Return `x` as a constant: no gradient flows through it."""
    return tf.stop_gradient(x)


def compiled(fn, *, jit_compile=False):
    """Return `fn` as one compiled graph. Arrays in, tensors out; retraced for new shapes."""
    return tf.function(fn, jit_compile=jit_compile, reduce_retracing=True, autograph=False)


def deterministic():
    """Make TensorFlow's operations repeat themselves bit for bit; for the whole process."""
    tf.config.experimental.enable_op_determinism()


def distribution(strategy):
    """Return the context in which a model is built and trained.

    Args:
        strategy: `"one"` (this process, one device), `"mirrored"` (all devices of this machine)
            or `"multiworker"` (processes named by the environment variable TF_CONFIG).
    """
    if strategy == "one":
        return contextlib.nullcontext()
    if strategy == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices]).scope()
    raise ValueError(f'`strategy` must be "one" or "mirrored". Received: strategy={strategy!r}')


def on_gpu():
    """Say whether there is a GPU to compute on."""
    return bool(tf.config.list_logical_devices("GPU"))


def scan(fn, carry, xs, like, *, reverse=False):
    """Run `fn(carry, x) -> (carry, y)` over the first axis of `xs`; return `(carry, ys)`.

    As `keras.ops.scan`, whose ys must look like the carry on this backend.

    Args:
        fn: Callable on pytrees of tensors.
        carry: Pytree of tensors, whose shapes stay.
        xs: Pytree of tensors (steps, ...).
        like: Pytree of `keras.KerasTensor`: shape and type of y.
        reverse: Go from the last step to the first; ys keep the order of xs.
    """
    carry = keras.tree.map_structure(tf.convert_to_tensor, carry)
    flat = [tf.convert_to_tensor(x) for x in keras.tree.flatten(xs)]
    n = tf.shape(flat[0])[0]
    inputs = [tf.TensorArray(x.dtype, n, element_shape=x.shape[1:]).unstack(x) for x in flat]
    outputs = [tf.TensorArray(y.dtype, n, element_shape=y.shape) for y in keras.tree.flatten(like)]

    def body(i, carry, outputs):
        row = n - 1 - i if reverse else i
        x = keras.tree.pack_sequence_as(xs, [array.read(row) for array in inputs])
        carry, y = fn(carry, x)
        flat = keras.tree.flatten(y)
        return i + 1, carry, [a.write(row, t) for a, t in zip(outputs, flat, strict=True)]

    _, carry, outputs = tf.while_loop(lambda i, *_: i < n, body, (0, carry, outputs))
    return carry, keras.tree.pack_sequence_as(like, [array.stack() for array in outputs])


def value_of(variable):
    """Return a variable, or an array, as NumPy; of one that is mirrored over devices, the first."""
    value = getattr(variable, "value", variable)
    if isinstance(value, tf.distribute.DistributedValues):
        value = value.values[0]
    return np.asarray(keras.ops.convert_to_numpy(value))


def is_pipeline(x):
    """Say whether `x` already yields batches (a `tf.data.Dataset`)."""
    return isinstance(x, tf.data.Dataset)


def batches(data, batch_size, *, transform=None, seed=None, start=0, training=False, poisson=False):
    """Return a `tf.data.Dataset` of batches of `data`.

    Args:
        data: A pytree of arrays, or of sequences that read from disk (`ImageFiles`), which all
            have the same length n.
        batch_size: Examples in a batch; n at most.
        transform: Applied to each batch, in the graph (`Model.preprocess`).
        seed: Shuffle anew in every epoch. The order is a function of seed and epoch alone.
            `None` keeps the order of `data`.
        start: Number of training batches to leave out, for training that goes on.
        training: Repeat for ever, in batches of one size (what is left over comes in another
            epoch). Otherwise pass once over everything; the last batch may be smaller.
        poisson: In training, each example is in each batch by a chance of its own, batch_size
            in n: what the accounting of private training assumes.
    """
    n = len(keras.tree.flatten(data)[0])
    batch_size = min(batch_size, n)
    steps = n // batch_size

    def epoch_order(epoch):
        order = tf.range(n)
        if seed is not None:
            order = tf.random.experimental.stateless_shuffle(order, seed=tf.stack([seed, epoch]))
        order = tf.reshape(order[: steps * batch_size], (steps, batch_size))
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
    else:
        indices = tf.data.Dataset.range(n).batch(batch_size)

    fetchers = keras.tree.map_structure(_fetcher, data)

    def fetch(index):
        batch = keras.tree.map_structure(lambda get: get(index), fetchers)
        return batch if transform is None else transform(batch)

    pipeline = indices.map(fetch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return pipeline.with_options(options).prefetch(tf.data.AUTOTUNE)


def drawn(draw, *, steps=None, start=0):
    """Return a `tf.data.Dataset` of the batches that `draw(step)` makes, one after the other.

    For examples that are made on the way: windows of a text, clips joined to sentences.

    Args:
        draw: Callable that takes the number of a batch and returns a pytree of arrays. Ranks
            and types are those of the first; every other dimension than the rank may differ.
        steps: How many batches; `None` for ever.
        start: Number of the first.
    """
    first = draw(start)
    flat = [np.asarray(part) for part in keras.tree.flatten(first)]
    stop = np.iinfo(np.int64).max if steps is None else start + steps

    def call(step):
        return [np.asarray(part) for part in keras.tree.flatten(draw(int(step)))]

    def fetch(step):
        parts = tf.numpy_function(call, [step], [tf.as_dtype(part.dtype) for part in flat])
        for part, like in zip(parts, flat, strict=True):
            part.set_shape([None] * like.ndim)
        return keras.tree.pack_sequence_as(first, parts)

    pipeline = tf.data.Dataset.range(start, stop).map(fetch, num_parallel_calls=1)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
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
