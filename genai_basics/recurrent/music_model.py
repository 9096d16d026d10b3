"""Polyphonic music step by step (Boulanger-Lewandowski et al., 2012,
https://arxiv.org/abs/1206.6392).

Each step is the set of sounding pitches; each pitch has a Bernoulli probability, given all previous
steps and the lower pitches of the same step: -log p(step) = sum over pitches of the binary
cross-entropy. A recurrent network reads the previous steps; within a chord, the higher notes depend
on the lower ones by logistic regression (Frey et al., 1995, fully visible sigmoid belief network).
"""

import keras
import numpy as np
from keras import layers, ops

from ..checks import at_least, whole
from ..preprocessing import Rolls
from . import evaluation
from .sequences import SequenceModel, recurrent_stack, uniforms_of

__all__ = ["MusicModel", "build_music_model"]


def build_music_model(pitches, *, window, units, num_layers, cell, dropout, seed, transpose=5):
    """Build a model of polyphonic music, for `build_language_model(pitches=...)`."""
    low, high = (int(pitch) for pitch in pitches)
    if not 0 <= low < high <= 127:
        raise ValueError(
            f"`pitches` must be two MIDI pitches, the lower first. Received: pitches={pitches}"
        )
    low, high = max(0, low - transpose), min(127, high + transpose)
    notes = keras.Input((None, high - low + 1), name="notes")
    glorot = keras.initializers.GlorotUniform(keras.random.SeedGenerator(seed))
    # No dropout here, since a chord without one of its voices is another chord.
    x = layers.Dense(units, "relu", kernel_initializer=glorot)(notes)
    x, states, after = recurrent_stack(
        x, units=units, num_layers=num_layers, cell=cell, dropout=dropout, seed=seed
    )
    bias = keras.initializers.Constant(-3.0)  # most pitches are silent
    x = layers.Dense(high - low + 1, kernel_initializer=glorot, bias_initializer=bias)(x)
    network = keras.Model([notes, *states], [x, *after], name="network")
    return MusicModel(
        network, low, high, transpose=transpose, window=window, seed=seed, name="music_model"
    )


@keras.saving.register_keras_serializable(package="genai_basics")
class MusicModel(SequenceModel):
    """A network `[notes, *states] -> [logits of the notes of the next step, *states]`.

    `fit` takes a list of pieces: lists of steps, each a list of MIDI pitches, or integer arrays
    (steps, voices) with -1 where a voice is silent. Training transposes pieces at random, by at
    most `transpose` semitones.

    Args:
        network: See `SequenceModel`.
        low, high: The lowest and the highest pitch.
        transpose: Maximum transposition in training, in semitones up and down.
    """

    # For commands, run folders and the audit; see evaluation.py.
    report, answer = evaluation.report_music, evaluation.answer_music
    examples, exported = evaluation.examples_of_writing, evaluation.exported_music_model

    step_dtype = "float32"
    batch_size = 8  # many small steps, since there are few pieces
    learning_rate = 2e-3

    def __init__(self, network, low, high, *, transpose=0, **kwargs):
        super().__init__(network, **kwargs)
        self.low, self.high, self.transpose = low, high, transpose
        self.preprocessor = Rolls(low, high, name="rolls")
        size = high - low + 1
        self.chord = self.add_weight(name="chord", shape=(size, size), initializer="zeros")

    def train_step(self, data):
        """Train on transposed pieces, each by a random interval that is kept until its end."""
        return super().train_step(self.transposed(*data) if self.transpose else data)

    def transposed(self, x, y):
        """Transpose a batch by intervals that stay within the pitch range."""
        shape, size = ops.shape(y), self.high - self.low + 1
        fresh = keras.random.randint(
            (shape[0],), -self.transpose, self.transpose + 1, dtype="int32", seed=self.noise
        )
        keep = ops.cast(x["keep"], "int32")
        steps = keep * self.intervals[: shape[0]] + (1 - keep) * fresh
        sounding = ops.max(ops.maximum(x["inputs"], y), axis=1)
        lowest = ops.cast(ops.argmax(sounding, axis=1), "int32")
        highest = size - 1 - ops.cast(ops.argmax(ops.flip(sounding, axis=1), axis=1), "int32")
        steps = ops.clip(steps, -lowest, ops.maximum(size - 1 - highest, -lowest))
        self.intervals.assign(ops.concatenate([steps, self.intervals[shape[0] :]], axis=0))
        place = (ops.arange(size)[None] - steps[:, None]) % size
        place = ops.broadcast_to(place[:, None], shape)
        inputs, y = (ops.take_along_axis(notes, place, axis=2) for notes in (x["inputs"], y))
        return {**x, "inputs": inputs}, y

    def open_streams(self, streams):
        before = self.streams
        super().open_streams(streams)
        if self.streams != before:  # a later, smaller batch changes nothing
            self.intervals = self.add_weight(
                name="intervals",
                shape=(streams,),
                initializer="zeros",
                dtype="int32",
                trainable=False,
            )

    def logits(self, outputs, notes):
        """Return the logit of each note of a step, given the lower ones of `notes`."""
        return outputs + ops.matmul(notes, ops.triu(self.chord, 1))

    def nats(self, outputs, targets):
        # Summed over pitches, since a step is one observation.
        logits = self.logits(outputs, targets)
        return ops.sum(ops.softplus(logits) - targets * logits, axis=-1)

    def choose(self, outputs, uniforms, temperature=1.0):
        """Draw the notes of a step (n, pitches), lowest first."""

        def draw(i, notes):
            p = ops.sigmoid(self.logits(outputs, notes) / ops.maximum(temperature, 1e-6))
            return notes + ops.one_hot(i, size) * ops.cast(uniforms < p, "float32")

        size = outputs.shape[-1]
        return ops.fori_loop(0, size, draw, ops.zeros_like(outputs))

    def sample(self, n=1, *, seed=None, prompt=None, length=64, temperature=1.0, batch_size=256):
        """Return n pieces, each a list of `length` steps, each a list of MIDI pitches.

        Args:
            n: Number of pieces.
            seed: The same seed gives the same pieces. `None` draws new ones.
            prompt: A piece that each sample continues; it is not included in the result.
            length: Number of steps.
            temperature: Divides the logits: below 1 is safer, above 1 more random.
            batch_size: Number of pieces that are generated at a time.
        """
        whole("n", n, 1)
        whole("length", length, 1)
        at_least("temperature", temperature, 0)
        first = np.zeros((1, self.high - self.low + 1), "float32")
        if prompt:
            first = self.preprocessor.roll(prompt)
        seed = int(np.random.default_rng().integers(2**31)) if seed is None else seed
        advance, pieces = self.compile_once(self.advance), []
        for start in range(0, n, batch_size):
            rows = range(start, min(start + batch_size, n))
            uniforms = uniforms_of(seed, rows, (length, first.shape[1]))
            outputs, *states = self.begin(first, len(rows))
            notes = advance(outputs, states, uniforms, np.float32(temperature))[0]
            pieces += self.preprocessor.invert(ops.convert_to_numpy(notes).transpose(1, 0, 2))
        return pieces

    def predict(self, x, batch_size=None, verbose="auto", **kwargs):
        """Return the probability of each pitch in the step after each piece, (n, pitches).

        They are estimated from 1,000 sampled steps.
        """
        uniforms = uniforms_of(0, range(1000), (self.high - self.low + 1,)).T
        choose, rows = self.compile_once(self.choose), []
        for piece in x:
            outputs, *_ = self.begin(self.preprocessor.roll(piece), len(uniforms))
            rows.append(ops.convert_to_numpy(choose(outputs, uniforms)).mean(axis=0))
        return np.stack(rows)
