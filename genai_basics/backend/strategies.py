"""Distribution of training: one process, the devices of one machine, or several processes."""

import contextlib
import functools
import json
import os
import signal
import threading

import numpy as np
import tensorflow as tf

from ..checks import one_of
from .graphs import value_of

__all__ = [
    "OUT_OF_MEMORY",
    "WorkerLost",
    "agreed",
    "distribution",
    "join",
    "of_first",
    "own_rows",
    "train_as_one",
    "workers",
]

WorkerLost = tf.errors.UnavailableError  # raised in a worker after another one has ended
OUT_OF_MEMORY = (tf.errors.ResourceExhaustedError, MemoryError)  # from TensorFlow and NumPy


def distribution(strategy):
    """Return the context in which a model is built and trained.

    Args:
        strategy: `"one"` (this process, one device), `"mirrored"` (all devices of this machine)
            or `"multiworker"` (processes listed in the environment variable TF_CONFIG).
    """
    one_of("strategy", strategy, ("one", "mirrored", "multiworker"))
    if strategy == "one":
        return contextlib.nullcontext()
    if strategy == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices]).scope()
    return _workers().together()


class _Workers:
    """The processes listed in TF_CONFIG, which train one model together.

    Each has the whole model, takes its rows of every batch, and uses the mean of all gradients.
    TensorFlow's strategy is only used for communication: Keras 3 does not train under its scope
    (issue 20585), and no other code depends on it.
    """

    current = None  # the workers of the current context

    def __init__(self):
        self.rank, self.size = _place(os.environ.get("TF_CONFIG", ""))
        try:
            # One device per process; CUDA_VISIBLE_DEVICES distributes several devices of a machine.
            tf.config.set_visible_devices(tf.config.list_physical_devices("GPU")[:1], "GPU")
            with _ended_by_signals():  # waits for the others outside Python
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
        """Share batches, gradients and decisions within this context."""
        _Workers.current = self
        try:
            yield
        except WorkerLost as error:
            raise ConnectionError(
                "another worker has ended, and training with it; its own message says why"
            ) from error
        finally:
            _Workers.current = None


_workers = functools.cache(_Workers)  # a process joins only once


def _place(text):
    """Return the index of this process in TF_CONFIG, and the number of processes.

    TensorFlow's chief, if there is one, has index 0.
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
    """Let Ctrl-C end the process immediately while native code is waiting.

    Handlers are restored afterwards, since TensorFlow leaves one that would ignore SIGTERM.
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
    """Return the index of this process among those that train together, from 0.

    With `"multiworker"`, this waits for the others, and must be called before TensorFlow is used.
    """
    return _workers().rank if strategy == "multiworker" else 0


def workers():
    """Return the number of processes that train together in the current context."""
    return _Workers.current.size if _Workers.current else 1


def agreed(values):
    """Return the means of a list of numbers over all workers, so that all decide alike."""
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
    arrays = [np.asarray(value, "float64") for value in values]  # exact for all our values
    flat = np.concatenate([array.ravel() for array in arrays])
    flat = _Workers.current.total(flat if _Workers.current.rank == 0 else np.zeros_like(flat))
    parts = np.split(flat, np.cumsum([array.size for array in arrays])[:-1])
    return [part.reshape(array.shape) for part, array in zip(parts, arrays, strict=True)]


def train_as_one(variables, optimizers):
    """Copy the first worker's values to all, and make optimizers use the mean gradient."""
    if workers() == 1:
        return
    team = _Workers.current
    firsts = of_first([value_of(variable) for variable in variables])
    for variable, value in zip(variables, firsts, strict=True):
        if variable.name == "seed_generator_state":  # own noise, since each has its own rows
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


def own_rows():
    """Return this worker's slice of each training batch."""
    team = _Workers.current
    return slice(team.rank, None, team.size) if team else slice(None)
