"""The only module that imports TensorFlow.

Everything else is written against `keras` and `keras.ops`, so moving to another
backend of Keras means rewriting this file and nothing else.
"""

import contextlib
import functools
import json
import os
import signal
import threading

import keras
import numpy as np
import tensorflow as tf

__all__ = [
    "WorkerLost",
    "agreed",
    "batches",
    "compiled",
    "deterministic",
    "distribution",
    "drawn",
    "gradient_step",
    "gradients",
    "is_pipeline",
    "join",
    "of_first",
    "on_gpu",
    "private_gradient_step",
    "scan",
    "stop_gradient_of",
    "straight_through",
    "train_as_one",
    "value_of",
    "workers",
]

WorkerLost = tf.errors.UnavailableError  # what a worker meets when another one has ended

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


def straight_through(soft, hard):
    """Return `hard` with the gradient of `soft` (Bengio et al., 2013)."""
    return soft + tf.stop_gradient(hard - soft)


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
    if strategy == "multiworker":
        return _workers().together()
    raise ValueError(
        f'`strategy` must be "one", "mirrored" or "multiworker". Received: strategy={strategy!r}'
    )


class _Workers:
    """The processes that TF_CONFIG names, which train one model together.

    Each holds the whole model, takes its rows of every batch, and steps by the mean of all
    gradients. TensorFlow's strategy only carries numbers from process to process: Keras 3 does
    not train under its scope (issue 20585), and here nothing else has to know of it.
    """

    current = None  # those of the context that training runs in

    def __init__(self):
        self.rank, self.size = _place(os.environ.get("TF_CONFIG", ""))
        try:
            # One device a process: where a machine has more, CUDA_VISIBLE_DEVICES deals them out.
            tf.config.set_visible_devices(tf.config.list_physical_devices("GPU")[:1], "GPU")
            with _ended_by_signals():  # the others are waited for outside of Python
                self.strategy = tf.distribute.MultiWorkerMirroredStrategy()
        except (RuntimeError, tf.errors.OpError) as error:
            raise ConnectionError(
                f"worker {self.rank} of {self.size} cannot join the others ({error}); start it "
                "in a process of its own, at an address of TF_CONFIG that is free"
            ) from error
        self.graph = tf.function(self.sums, input_signature=[[tf.TensorSpec([None], "float64")]])

    def sums(self, tensors):
        """Return the sum over all workers of each tensor of a list."""

        def reduce():
            here = [tf.identity(tensor) for tensor in tensors]
            return tf.distribute.get_replica_context().all_reduce("SUM", here)

        return self.strategy.run(reduce)

    def total(self, values):
        """Return the sum over all workers of an array (n,)."""
        return self.graph([tf.constant(values, "float64")])[0].numpy()

    @contextlib.contextmanager
    def together(self):
        """Share batches, gradients and decisions in this context."""
        _Workers.current = self
        try:
            yield
        except WorkerLost as error:
            raise ConnectionError(
                "another worker has ended, and training with it; its own message says why"
            ) from error
        finally:
            _Workers.current = None


_workers = functools.cache(_Workers)  # a process joins once


def _place(text):
    """Return the number of this process among those that TF_CONFIG names, and how many there are.

    TensorFlow's chief, where there is one, is number 0.
    """
    try:
        config = json.loads(text)
        jobs, task = config["cluster"], config["task"]
        places = [(job, i) for job in ("chief", "worker") for i in range(len(jobs.get(job, ())))]
        return places.index((task["type"], int(task["index"]))), len(places)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ValueError(
            'strategy "multiworker" is started once in each process, with the environment variable '
            'TF_CONFIG such as {"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": '
            f'{{"type": "worker", "index": 0}}}}. Received: TF_CONFIG={text!r}'
        ) from None


@contextlib.contextmanager
def _ended_by_signals():
    """Let Ctrl-C end the process at once while code that is not Python waits.

    What is set here comes back: TensorFlow leaves a handler that would ignore SIGTERM.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {n: signal.signal(n, signal.SIG_DFL) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def join(strategy):
    """Return the number of this process among those that train together; 0 is the first.

    With `"multiworker"` this waits for the others, and must come before TensorFlow computes.
    """
    return _workers().rank if strategy == "multiworker" else 0


def workers():
    """Return how many processes train together in the present context."""
    return _Workers.current.size if _Workers.current else 1


def agreed(values):
    """Return the means over all workers of a list of numbers: where all must decide alike."""
    return values if workers() == 1 else (_Workers.current.total(values) / workers()).tolist()


def of_first(values):
    """Return the first worker's values of a list of numbers or arrays, or its text."""
    if workers() == 1:
        return values
    if isinstance(values, str):
        codes = np.frombuffer(values.encode(), "uint8")
        (length,) = of_first([len(codes)])
        (codes,) = of_first([np.resize(codes, int(length))])
        return codes.astype("uint8").tobytes().decode()
    arrays = [np.asarray(value, "float64") for value in values]  # it holds what we have, exactly
    flat = np.concatenate([array.ravel() for array in arrays])
    flat = _Workers.current.total(flat if _Workers.current.rank == 0 else np.zeros_like(flat))
    parts = np.split(flat, np.cumsum([array.size for array in arrays])[:-1])
    return [part.reshape(array.shape) for part, array in zip(parts, arrays, strict=True)]


def train_as_one(variables, optimizers):
    """Give all workers the first's values, and let their optimizers step by the mean gradient."""
    if workers() == 1:
        return
    team = _Workers.current
    firsts = of_first([value_of(variable) for variable in variables])
    for variable, value in zip(variables, firsts, strict=True):
        if variable.name == "seed_generator_state":  # noise of its own, as each has its own rows
            value = value + np.array([1_000_003 * team.rank, 0])
        variable.assign(tf.cast(value, variable.dtype))

    def averaging(apply):
        def apply_mean(gradients, trainable_variables=None):
            there = [tf.convert_to_tensor(g) for g in gradients if g is not None]
            sums = iter(team.sums(there))
            gradients = [g if g is None else next(sums) / team.size for g in gradients]
            return apply(gradients, trainable_variables)

        return apply_mean

    for optimizer in optimizers:
        optimizer.apply = averaging(optimizer.apply)


def _share():
    """Return the slice of each batch of training that is this worker's."""
    team = _Workers.current
    return slice(team.rank, None, team.size) if team else slice(None)


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

    In training with other workers, each batch is split over them: `batch_size` is that of all.

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
        lengths: How long each example is, (n,). With a seed, those of a batch are then of like
            lengths, so that little of it is padding; the order of the batches stays random.
    """
    n = len(keras.tree.flatten(data)[0])
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
            share = _share()
            indices = indices.map(lambda index: index[share])
    else:
        indices = tf.data.Dataset.range(n).batch(batch_size)

    fetchers = keras.tree.map_structure(_fetcher, data)

    def fetch(index):
        batch = keras.tree.map_structure(lambda get: get(index), fetchers)
        return batch if transform is None else transform(batch)

    pipeline = indices.map(fetch, num_parallel_calls=2, deterministic=True)
    return _read_ahead(pipeline, tf.data.experimental.AutoShardPolicy.DATA)


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
    share = _share() if steps is None else slice(None)

    def call(step):
        return [np.asarray(part)[share] for part in keras.tree.flatten(draw(int(step)))]

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
