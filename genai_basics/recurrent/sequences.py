"""What generators of sequences share: training that carries the state, evaluation that does too.

A long sequence is cut into windows. In training, a batch holds as many streams, each of which
goes on in the next batch where it stopped, with the state it had; gradients end at the window
(truncated back-propagation through time). Where a document begins, the state begins at zero.
"""

import keras
import numpy as np
from keras import ops

from ..backend import drawn, gradient_step, scan
from ..model import Model

__all__ = ["SequenceModel", "Windows", "uniforms_of"]

CONTEXT = 4  # windows of training that move the state from zero, in evaluation
LONG = 8  # a document of so many windows is cut from another place in every epoch


class Windows:
    """Documents laid end to end and cut into windows.

    Args:
        documents: List of arrays (steps + 1, ...): each step is predicted from those before.
        window: Steps that gradients see.
    """

    def __init__(self, documents, window):
        self.flat = np.concatenate(documents)
        self.steps = np.array([len(document) - 1 for document in documents])
        self.starts = np.cumsum([0, *(self.steps[:-1] + 1)])
        self.window = int(min(window, self.steps.max()))
        long = self.steps >= LONG * self.window
        self.room = np.where(long, self.window, 0)  # how far a cut may move
        self.counts = -(-(self.steps - self.room) // self.window)

    def __len__(self):
        return int(self.counts.sum())

    def cut(self, rng=None):
        """Return start, length and whether a state goes on, of all windows in order."""
        order = np.arange(len(self.steps)) if rng is None else rng.permutation(len(self.steps))
        offset = rng.integers(np.maximum(self.room, 1)) if rng is not None else 0 * self.room
        counts = self.counts[order] if rng is not None else -(-self.steps // self.window)[order]
        document = np.repeat(order, counts)
        number = np.arange(len(document)) - np.repeat(np.cumsum(counts) - counts, counts)
        within = offset[document] + number * self.window
        lengths = np.minimum(self.window, self.steps[document] - within)
        return self.starts[document] + within, lengths, number > 0

    def take(self, starts, lengths, width):
        """Return a batch: inputs and targets (windows, width, ...), and the targets' weights."""
        steps = np.arange(width)
        place = np.minimum(starts[:, None] + steps, len(self.flat) - 2)
        weights = (steps < lengths[:, None]).astype("float32")
        return {"inputs": self.flat[place], "targets": self.flat[place + 1], "weights": weights}

    def training(self, batch_size, seed):
        """Return `(draw, steps)`: `draw(step)` makes a batch of streams, ordered by the seed."""
        streams = min(batch_size, len(self))
        steps, laid_out = len(self) // streams, {}

        def draw(step):
            epoch, row = divmod(step, steps)
            if epoch not in laid_out:
                laid_out.clear()
                rng = None if seed is None else np.random.default_rng([seed, epoch])
                parts = self.cut(rng)
                laid_out[epoch] = [p[: streams * steps].reshape(streams, steps) for p in parts]
            starts, lengths, goes_on = (part[:, row] for part in laid_out[epoch])
            keep = (goes_on & (row > 0)).astype("float32")
            return {**self.take(starts, lengths, self.window), "keep": keep}

        return draw, steps

    def evaluation(self, batch_size):
        """Return `(draw, steps)` of windows that hold each step once, after some context.

        They are longer than those of training, and begin with steps that only move the state
        from zero to where it would be: `CONTEXT` windows of them, where there are so many.
        """
        window = int(np.clip(self.steps.sum() // batch_size, self.window, 16 * self.window))
        counts = -(-self.steps // window)
        document = np.repeat(np.arange(len(counts)), counts)
        number = np.arange(len(document)) - np.repeat(np.cumsum(counts) - counts, counts)
        context = np.minimum(number * window, CONTEXT * self.window)
        starts = self.starts[document] + number * window - context
        lengths = np.minimum(window, self.steps[document] - number * window) + context
        steps = -(-len(starts) // batch_size)

        def draw(step):
            rows = slice(step * batch_size, (step + 1) * batch_size)
            batch = self.take(starts[rows], lengths[rows], lengths[rows].max())
            batch["weights"] *= np.arange(lengths[rows].max()) >= context[rows, None]
            return {**batch, "keep": np.zeros(len(batch["weights"]), "float32")}

        return draw, steps


@keras.saving.register_keras_serializable(package="genai_basics")
class SequenceModel(Model):
    """A network `[inputs, *states] -> [outputs, *states]` that predicts the next step.

    Args:
        network: Functional model. Inputs (batch, time, ...) and a state (batch, units) for each
            recurrent layer (two for an LSTM); outputs for each step, and the states after.
        window: Steps that gradients see.
        streams: Sequences in a batch of training; their states are kept from batch to batch.
    """

    learning_rate = 4e-3
    batch_size = 32
    step_dtype = "int32"

    def __init__(self, network, *, window=100, streams=0, **kwargs):
        super().__init__(**kwargs)
        self.network = network
        self.window, self.streams = window, 0
        self.states = []
        self.open_streams(streams)
        self.built = True

    def open_streams(self, streams):
        """Keep the states of so many sequences from one batch of training to the next.

        Their number stays what it was first: later batches may be smaller, not larger.
        """
        if self.streams or not streams:
            return
        self.streams = streams
        shapes = [(streams, *state.shape[1:]) for state in self.network.inputs[1:]]
        self.states = [
            self.add_weight(name=f"state{i}", shape=shape, initializer="zeros", trainable=False)
            for i, shape in enumerate(shapes)
        ]

    def streams_of(self, windows, batch_size=None):
        """Return how many sequences a batch of training holds."""
        most = min(batch_size or self.batch_size, len(windows))
        return min(most, self.streams or most)

    def default_optimizer(self):
        return keras.optimizers.Adam(self.peak_learning_rate, global_clipnorm=1.0)

    # What a subclass says of its steps.

    def documents(self, x):
        """Return raw x as a list of arrays (steps + 1, ...), the first step a border."""
        raise NotImplementedError

    def nats(self, outputs, targets):
        """Return -log p of each target, (batch, time)."""
        raise NotImplementedError

    # Training.

    def windows(self, x):
        return Windows(self.documents(x), self.window)

    def plan(self, x, y=None, batch_size=None):
        windows = self.windows(x)
        streams = self.streams_of(windows, batch_size)
        self.open_streams(streams)
        return windows.training(streams, None)[1]

    def pipeline(
        self,
        x,
        y=None,
        sample_weight=None,
        *,
        batch_size=None,
        seed=None,
        start=0,
        training=False,
        poisson=False,
    ):
        windows = self.windows(x)
        batch_size = batch_size or self.batch_size
        if poisson:
            return drawn(self._private_draw(windows, batch_size))
        if training:
            streams = self.streams_of(windows, batch_size)
            return drawn(windows.training(streams, seed)[0], start=start)
        draw, steps = windows.evaluation(max(batch_size, 64))
        return drawn(draw, steps=steps)

    def _private_draw(self, windows, batch_size):
        """Return a function that draws each window by a chance of its own, for DP-SGD."""
        starts, lengths, _ = windows.cut()
        rng = np.random.default_rng()  # of no seed that anyone knows

        def draw(step):
            rows = np.flatnonzero(rng.random(len(starts)) < batch_size / len(starts))
            return windows.take(starts[rows], lengths[rows], windows.window)

        return draw

    def privacy_of(self, x):
        """Return how many examples there are for private training, and what one is."""
        windows = self.windows(x)
        return len(windows.cut()[0]), f"a window of {windows.window} steps, not a whole text"

    def example_losses(self, data, training=False):
        """Return the mean nats of each window, read from a state of zero, (batch,)."""
        nats = self.nats(self(data["inputs"], training=training), data["targets"])
        weights = data["weights"]
        return ops.sum(nats * weights, axis=1) / ops.maximum(ops.sum(weights, axis=1), 1.0)

    def zero_states(self, n):
        return [ops.zeros((n, *state.shape[1:])) for state in self.network.inputs[1:]]

    def call(self, inputs, training=False):
        """Return the outputs of each step, from a state of zero."""
        states = self.zero_states(ops.shape(inputs)[0])
        return self.network([inputs, *states], training=training)[0]

    def mean_nats(self, data, states, training=False):
        """Return the mean of -log p over the steps that count, and the states after them."""
        outputs, *states = self.network([data["inputs"], *states], training=training)
        nats = self.nats(outputs, data["targets"]) * data["weights"]
        return ops.sum(nats) / ops.maximum(ops.sum(data["weights"]), 1.0), *states

    def train_step(self, data):
        n = ops.shape(data["keep"])[0]
        states = [state[:n] * ops.expand_dims(data["keep"], -1) for state in self.states]
        loss, *states = gradient_step(
            lambda: self.mean_nats(data, states, training=True),
            self.trainable_variables,
            self.optimizer,
        )
        for state, value in zip(self.states, states, strict=True):
            state.assign(ops.concatenate([ops.cast(value, state.dtype), state[n:]], axis=0))
        return self.track(ops.sum(data["weights"]), loss)

    def test_step(self, data):
        states = self.zero_states(ops.shape(data["weights"])[0])
        loss, *_ = self.mean_nats(data, states)
        return self.track(ops.sum(data["weights"]), loss)

    def losses_by_example(self, x, y=None, batch_size=None):
        """Return the mean of -log p over the steps of each document of raw x, (n,), in nats."""
        documents = [document for one in x for document in self.documents([one])]
        steps = max(len(document) - 1 for document in documents)
        windows = Windows(documents, steps)
        starts, lengths, _ = windows.cut()
        size, compute = batch_size or 64, self.compile_once(self._document_nats)
        found = []
        for row in range(0, len(starts), size):
            some = slice(row, row + size)
            batch = windows.take(starts[some], lengths[some], lengths[some].max())
            found.append(ops.convert_to_numpy(compute(batch)))
        return np.concatenate(found)

    def _document_nats(self, data):
        nats = self.nats(self(data["inputs"]), data["targets"]) * data["weights"]
        return ops.sum(nats, axis=1) / ops.sum(data["weights"], axis=1)

    # Sampling: `advance` is one compiled loop that carries the state from step to step.

    def choose(self, outputs, uniforms, *options):
        """Return the next step, drawn from `outputs` (n, ...) by uniform numbers in [0, 1)."""
        raise NotImplementedError

    def advance(self, outputs, states, uniforms, *options):
        """Draw steps one after the other: `uniforms` is (steps, n, ...).

        Returns the steps drawn, (steps, n, ...), and outputs and states after the last.
        """

        def step(carry, uniform):
            outputs, *states = carry
            chosen = self.choose(outputs, uniform, *options)
            outputs, *states = self.network([ops.expand_dims(chosen, 1), *states])
            return (outputs[:, 0], *states), chosen

        like = keras.KerasTensor((None, *self.network.inputs[0].shape[2:]), self.step_dtype)
        (outputs, *states), chosen = scan(step, (outputs, *states), uniforms, like)
        return chosen, outputs, *states

    def read(self, inputs):
        """Return the outputs after the last of `inputs` (n, time, ...), and the states."""
        states = self.zero_states(ops.shape(inputs)[0])
        outputs, *states = self.network([inputs, *states])
        return outputs[:, -1], *states

    def begin(self, first, n):
        """Return n copies of outputs and states after the steps `first` (time, ...)."""
        outputs = self.compile_once(self.read)(first[None])
        return [ops.repeat(ops.convert_to_tensor(part), n, axis=0) for part in outputs]


def uniforms_of(seed, rows, shape):
    """Return uniform numbers (steps, rows, ...): a stream for each row, by seed and number."""
    seed = int(np.random.default_rng().integers(2**31)) if seed is None else seed
    streams = [np.random.default_rng([seed, row]).random(shape, "float32") for row in rows]
    return np.stack(streams, axis=1)
