"""Shared by generators of sequences: training and evaluation that carry the state.

A long sequence is cut into windows. In training, a batch holds several streams; each continues in
the next batch with its state, and gradients stop at the window's start (truncated back-propagation
through time). At the start of a document, the state is zero.
"""

import functools

import keras
import numpy as np
from keras import layers, ops

from .. import feeding
from ..backend import gradient_step, scan
from ..layers import recurrent_layer
from ..losses import averaged, single
from ..model import Model
from . import evaluation
from .streams import Streams

__all__ = ["SequenceModel", "recurrent_stack", "uniforms_of"]


def recurrent_stack(x, *, units, num_layers, cell, dropout, seed):
    """Return the outputs of recurrent layers over x, their initial states and final states."""
    seeds = keras.random.SeedGenerator(seed)
    states, after = [], []
    for _ in range(num_layers):
        before = [keras.Input((units,)) for _ in range(1 if cell == "gru" else 2)]
        layer = recurrent_layer(cell, units, seeds, return_sequences=True, return_state=True)
        x, *new = layer(x, initial_state=before)
        if dropout:
            x = layers.Dropout(dropout, seed=seed)(x)
        states, after = [*states, *before], [*after, *new]
    return x, states, after


@keras.saving.register_keras_serializable(package="genai_basics")
class SequenceModel(Model):
    """A network `[inputs, *states] -> [outputs, *states]` that predicts the next step.

    Args:
        network: Functional model. Inputs (batch, time, ...) and a state (batch, units) for each
            recurrent layer (two for an LSTM); outputs for each step, and the final states.
        window: Number of steps over which gradients are computed.
        streams: Sequences in a training batch; their states are kept between batches.
    """

    losses_by_example = evaluation.losses_of_sequences
    privacy_of = evaluation.privacy_of_sequences

    learning_rate = 4e-3
    batch_size = 32
    cuts_windows, weighs_examples = True, False
    step_dtype = "int32"

    def __init__(self, network, *, window=100, streams=0, **kwargs):
        super().__init__(**kwargs)
        self.network = network
        self.window, self.streams = window, 0
        self.states = []
        self.open_streams(streams)
        self.built = True

    def open_streams(self, streams):
        """Create the states that sequences keep between training batches.

        The first call fixes their number; later batches may be smaller but not larger.
        """
        if self.streams or not streams:
            return
        self.streams = streams
        shapes = [(streams, *state.shape[1:]) for state in self.network.inputs[1:]]
        self.states = [
            self.add_weight(name=f"state{i}", shape=shape, initializer="zeros", trainable=False)
            for i, shape in enumerate(shapes)
        ]

    def streams_of(self, streams, batch_size=None):
        """Return the number of sequences in a training batch."""
        most = min(batch_size or self.batch_size, len(streams))
        return min(most, self.streams or most)

    def default_optimizer(self, learning_rate):
        return keras.optimizers.Adam(learning_rate, global_clipnorm=1.0)

    # Defined by subclasses.

    def documents(self, x):
        """Return raw x as a list of arrays (steps + 1, ...); the first step is a boundary."""
        return self.preprocessor.prepare(x)

    def nats(self, outputs, targets):
        """Return -log p of each target, (batch, time)."""
        raise NotImplementedError

    # Training.

    def prepare(self, x, y=None, sample_weight=None):
        return feeding.checked(self, Streams(self.documents(x), self.window), None, sample_weight)

    def step_size(self, data, batch_size):
        return self.streams_of(data[0], batch_size)

    def draws(self, data, batch_size, training=False, poisson=False):
        """Make batches of streams in training, and of windows with context in evaluation.

        Private training (`poisson`) uses each window independently, from a zero state.
        """
        (windows,) = data
        width = windows.window
        if training and not poisson:
            streams = self.streams_of(windows, batch_size)
            self.open_streams(streams)
            return {
                "n": len(windows),
                "batch_size": streams,
                "order": functools.partial(windows.order, streams),
                "make": lambda rows, rng: windows.take(rows, width),
            }
        if training:
            table = windows.table()
            return {"n": len(table), "make": lambda rows, rng: windows.take(table[rows], width)}
        size = max(batch_size, 64)
        table = windows.evaluation(size)
        return {
            "n": len(table),
            "batch_size": size,
            "make": lambda rows, rng: windows.take_after_context(table[rows]),
        }

    def zero_states(self, n):
        return [ops.zeros((n, *state.shape[1:])) for state in self.network.inputs[1:]]

    def call(self, inputs, training=False):
        """Return the outputs of each step, from a zero state."""
        states = self.zero_states(ops.shape(inputs)[0])
        return single(self.network([inputs, *states], training=training)[0])

    def loss_terms(self, x, y=None, training=False, outputs=None):
        """Return the mean of -log p over the counted steps of each window, (batch,).

        `outputs` are the network's outputs, if the window does not start with zero states.
        """
        if outputs is None:
            outputs = self(x["inputs"], training=training)
        nats = ops.sum(self.nats(outputs, y) * x["weights"], axis=1)
        return {"loss": nats / steps_in(x)}

    def train_step(self, data):
        x, y = data
        n = ops.shape(x["keep"])[0]
        states = [state[:n] * ops.expand_dims(x["keep"], -1) for state in self.states]
        steps = steps_in(x)  # so that the mean over a batch is the mean over its steps

        def loss():
            outputs, *after = single(self.network([x["inputs"], *states], training=True))
            terms = self.loss_terms(x, y, training=True, outputs=outputs)
            return averaged(terms, steps / ops.mean(steps), self.losses)["loss"], *after

        loss, *states = gradient_step(loss, self.trainable_variables, self.optimizer)
        for state, value in zip(self.states, states, strict=True):
            state.assign(ops.concatenate([ops.cast(value, state.dtype), state[n:]], axis=0))
        return self.track(ops.sum(steps), {"loss": loss})

    def test_step(self, data):
        x, y = data
        steps = steps_in(x)
        terms = averaged(self.loss_terms(x, y), steps / ops.mean(steps), self.losses)
        return self.track(ops.sum(steps), terms)

    # Sampling: `advance` is a compiled loop that carries the state.

    def choose(self, outputs, uniforms, *options):
        """Return the next step, drawn from `outputs` (n, ...) with uniform numbers in [0, 1)."""
        raise NotImplementedError

    def advance(self, outputs, states, uniforms, *options):
        """Draw consecutive steps with `uniforms` (steps, n, ...).

        Returns the steps, (steps, n, ...), and outputs and states after the last.
        """

        def step(carry, uniform):
            outputs, *states = carry
            chosen = self.choose(outputs, uniform, *options)
            outputs, *states = single(self.network([ops.expand_dims(chosen, 1), *states]))
            return (outputs[:, 0], *states), chosen

        like = keras.KerasTensor((None, *self.network.inputs[0].shape[2:]), self.step_dtype)
        (outputs, *states), chosen = scan(step, (outputs, *states), uniforms, like)
        return chosen, outputs, *states

    def read(self, inputs):
        """Return the outputs after the last of `inputs` (n, time, ...), and the states."""
        states = self.zero_states(ops.shape(inputs)[0])
        outputs, *states = single(self.network([inputs, *states]))
        return outputs[:, -1], *states

    def begin(self, first, n):
        """Return n copies of outputs and states after the steps `first` (time, ...)."""
        outputs = self.compile_once(self.read)(first[None])
        return [ops.repeat(ops.convert_to_tensor(part), n, axis=0) for part in outputs]


def uniforms_of(seed, rows, shape):
    """Return uniform numbers (steps, rows, ...), a stream per row by seed and row number."""
    seed = int(np.random.default_rng().integers(2**31)) if seed is None else seed
    streams = [np.random.default_rng([seed, row]).random(shape, "float32") for row in rows]
    return np.stack(streams, axis=1)


def steps_in(x):
    """Return the number of counted steps of each window, at least 1, (batch,)."""
    return ops.maximum(ops.sum(x["weights"], axis=1), 1.0)
