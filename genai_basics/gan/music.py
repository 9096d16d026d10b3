"""A GAN for music: some bars of several voices, in the manner of MuseGAN at a small size.

Dong & Yang (2018, https://arxiv.org/abs/1804.09399) let the generator decide: its largest
number in each voice and step is the note that sounds, and the gradient is that of the softmax
(a straight-through estimator). So the discriminator sees piano rolls of notes on both sides, and
with them which notes are held. In the same way it decides whether a voice holds its note or
strikes that of the step: most steps of music hold, and equal notes one by one are hard to learn.
"""

import math

import keras
import numpy as np
from keras import layers, ops

from ..backend import straight_through
from ..data.writers import image_grid
from ..metrics.features import sample_report
from .adversarial import GAN, REPORT_LEAST, REPORT_MOST, check_choices

__all__ = ["MusicGAN", "build_music_gan"]

SHARPNESS = 5.0  # of the choice among pitches at the start

MAJOR = (0, 2, 4, 5, 7, 9, 11)


def build_music_gan(
    voices=4,
    low=36,
    high=81,
    *,
    steps=32,
    hop=None,
    latent_dim=64,
    units=128,
    loss="non_saturating",
    penalty="r1_r2",
    penalty_weight=20.0,
    discriminator_steps=1,
    ema=0.995,
    seed=None,
):
    """Build a GAN for `steps` steps of music in `voices` voices. Then `fit(pieces)`.

    Args:
        voices: Voices of a piece, the highest first. Pieces given as chords take the highest.
        low: Lowest MIDI pitch; lower ones move up by octaves.
        high: Highest MIDI pitch; higher ones move down by octaves.
        steps: Steps of a sample, a multiple of 8; training cuts pieces into windows of it.
        hop: Steps from one window to the next. `None`: a quarter of `steps`.
        latent_dim: Size of the noise z.
        units: Channels of the convolutions over time, in both players.
        loss, penalty, penalty_weight, discriminator_steps, ema: As in `build_gan`.
        seed: Seed of weights, noise and the order of data. `None` draws a fresh one.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> import numpy as np
    >>> from genai_basics import build_music_gan
    >>> gan = build_music_gan(2, low=60, high=72, steps=8, units=16, seed=0)
    >>> gan.compile()
    >>> pieces = [np.random.default_rng(0).integers(60, 72, (64, 2))]
    >>> history = gan.fit(pieces, epochs=1, verbose=0)
    >>> gan.sample(3, seed=0).shape
    (3, 8, 2)
    """
    sizes = {"voices": voices, "latent_dim": latent_dim, "units": units, "hop": hop or 1}
    for name, value in sizes.items():
        if value < 1:
            raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}")
    if steps < 8 or steps % 8:
        raise ValueError(f"`steps` must be a multiple of 8. Received: steps={steps}")
    if not 0 <= low < high <= 127:
        raise ValueError(
            f"pitches must be 0 <= `low` < `high` <= 127. Received: low={low}, high={high}"
        )
    check_choices(loss, penalty, discriminator_steps, ema)
    init = keras.initializers.HeNormal(keras.random.SeedGenerator(seed))
    shape = (steps, voices, high - low + 2)  # the last is silence
    return MusicGAN(
        _generator(shape, latent_dim, units, init),
        _discriminator(shape, units, init),
        low=low,
        hop=hop or steps // 4,
        adversarial_loss=loss,
        penalty=penalty,
        penalty_weight=penalty_weight,
        discriminator_steps=discriminator_steps,
        ema=ema,
        seed=seed,
        name="music_gan",
    )


def _generator(shape, latent_dim, units, init):
    """Return z -> logits of notes (steps, voices, pitches) and of holding (steps, voices)."""
    steps, voices, pitches = shape
    last = keras.initializers.GlorotUniform(init.seed)
    z = keras.Input((latent_dim,), name="z")
    x = layers.Dense(steps // 8 * units, use_bias=False, kernel_initializer=init)(z)
    x = layers.Reshape((steps // 8, units))(x)
    for width in (2 * units, 2 * units, 2 * units):
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        x = layers.Conv1D(width, 3, padding="same", use_bias=False, kernel_initializer=init)(x)
        x = layers.Reshape((2 * x.shape[1], width // 2))(x)  # twice the steps, half the channels
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.Conv1D(units, 3, padding="same", activation="relu", kernel_initializer=init)(x)
    notes = layers.Dense(voices * pitches, kernel_initializer=last)(x)
    # Small logits are a choice that each step of training overturns.
    notes = layers.Reshape(shape)(layers.Rescaling(SHARPNESS)(notes))
    holds = layers.Dense(voices, kernel_initializer=last, name="holds")(x)
    return keras.Model(z, [notes, holds], name="generator")


def _discriminator(shape, units, init):
    """Return one-hot (steps, voices, pitches) -> score (batch, 1)."""
    inputs = keras.Input(shape, name="x")
    x = layers.Reshape((shape[0], shape[1] * shape[2]))(inputs)
    x = layers.Concatenate()([x, HeldNotes()(inputs)])
    x = layers.Dense(units, kernel_initializer=init)(x)
    for strides in (1, 2, 2, 2):
        x = layers.LeakyReLU(0.2)(x)
        x = layers.Conv1D(units, 4, strides, padding="same", kernel_initializer=init)(x)
    x = layers.Flatten()(layers.LeakyReLU(0.2)(x))
    score = layers.Dense(1, kernel_initializer=init, name="score")(x)
    return keras.Model(inputs, score, name="discriminator")


@keras.saving.register_keras_serializable(package="genai_basics")
class HeldNotes(keras.layers.Layer):
    """For each voice and step of one-hot rolls: 1 where the note is that of the step before."""

    def call(self, x):
        same = ops.sum(x[:, 1:] * x[:, :-1], axis=-1)
        return ops.pad(same, ((0, 0), (1, 0), (0, 0)))

    def compute_output_shape(self, input_shape):
        return input_shape[:-1]


@keras.saving.register_keras_serializable(package="genai_basics")
class MusicGAN(GAN):
    """A GAN of `generator: z -> notes, holds` and a judge of one-hot rolls.

    Notes are logits (steps, voices, pitches), holds those of holding the note of the step before.
    Column k stands for MIDI pitch `low` + k, the last column for silence. Music goes in and
    comes out as integers (steps, voices), -1 for silence.
    """

    network_range = (0.0, 1.0)
    learning_rate, d_learning_rate = 5e-4, 1e-3
    remedy = "use fewer epochs, more pieces or fewer `units`"

    def __init__(self, generator, discriminator, *, low=36, hop=8, **kwargs):
        kwargs.pop("value_range", None)
        super().__init__(generator, discriminator, **kwargs)
        self.low, self.hop = low, hop
        self.steps, self.voices, self.pitches = generator.outputs[0].shape[1:]

    def adapt(self, x, y=None):
        """Nothing to fit."""

    def plan(self, x, y=None, batch_size=None):
        n = len(self.prepare(x)[0])
        return max(n // min(batch_size or self.batch_size, n), 1)

    def prepare(self, x, y=None, sample_weight=None):
        """Return windows of pieces as column numbers, (n, steps, voices)."""
        windows = []
        for piece in [x] if isinstance(x, np.ndarray) and x.ndim == 2 else x:
            columns = self.columns(piece)
            for start in range(0, len(columns) - self.steps + 1, self.hop):
                windows.append(columns[start : start + self.steps])
        if not windows:
            longest = max((len(piece) for piece in x), default=0)
            raise ValueError(
                f"no piece is as long as `steps`={self.steps}: build the GAN with fewer. "
                f"Received: {len(x)} pieces, the longest of {longest} steps"
            )
        return (np.stack(windows),)

    def columns(self, piece):
        """Return a piece, (steps, voices) or lists of pitches, as column numbers."""
        chords = np.full((len(piece), self.voices), -1)
        for row, chord in zip(chords, piece, strict=True):
            # Voices of arrays keep their order; of chords, the highest notes come first.
            notes = chord if isinstance(piece, np.ndarray) else sorted(chord, reverse=True)
            row[: len(notes)] = notes[: self.voices]
        top = self.low + self.pitches - 2
        over, under = np.maximum(chords - top, 0), np.maximum(self.low - chords, 0)
        moved = chords - 12 * -(-over // 12) + 12 * -(-under // 12)
        if (moved > top).any():
            moved = np.minimum(moved, top)
        return np.where(chords < 0, self.pitches - 1, moved - self.low).astype("int32")

    def preprocess(self, x):
        return ops.one_hot(x, self.pitches)

    def postprocess(self, outputs):
        """Return the notes that sound, integers (n, steps, voices), -1 for silence."""
        notes = np.asarray(outputs).argmax(axis=-1)
        return np.where(notes == self.pitches - 1, -1, notes + self.low)

    def seen(self, x):
        return ops.reshape(x, (-1, *self.shape_seen()))

    def shape_seen(self):
        steps, voices, pitches = self.input_shape_of_one()
        return (steps, voices * pitches)

    def generate_batch(self, z, label=None, training=False, generator=None, noise=None):
        """Return rolls of ones and zeros, with the gradients of softmax and sigmoid."""
        notes, holds = super().generate_batch(z, label, training, generator)
        soft = ops.softmax(notes)
        struck = straight_through(soft, ops.one_hot(ops.argmax(soft, axis=-1), self.pitches))
        soft = ops.sigmoid(holds)
        held = straight_through(soft, ops.round(soft))[..., None]
        roll = [struck[:, 0]]
        for step in range(1, self.steps):
            roll.append(held[:, step] * roll[-1] + (1.0 - held[:, step]) * struck[:, step])
        return ops.stack(roll, axis=1)

    def report(self, x, y=None):
        """Return divergences (nats) of pitch classes, intervals and held notes from x's."""
        real = self.postprocess(ops.one_hot(self.prepare(x)[0], self.pitches))
        n = int(np.clip(len(real), REPORT_LEAST, REPORT_MOST))
        fake = self.sample(n, seed=0)
        order = np.random.default_rng(0).permutation(len(real))
        halves = real[order[::2]], real[order[1::2]]
        report = {}
        for name, histogram in HISTOGRAMS.items():
            report[f"{name}_jsd"] = divergence(histogram(real), histogram(fake))
            report[f"{name}_jsd_floor"] = divergence(*map(histogram, halves))
        for name, share in SHARES.items():
            report[name], report[f"{name}_data"] = share(fake), share(real)
        near = sample_report(self.features_of(real), self.features_of(fake))
        return {**report, **near, "samples": n}, {}

    def features_of(self, x, y=None):
        return self.map_batches(self._features, *self.prepare(list(x)), batch_size=256)

    def answer(self, x):
        """Score each piece: the mean over its windows."""
        return [{"score": float(self.predict([piece], verbose=0).mean())} for piece in x], None

    def pictures(self, x, y=None):
        """Return piano rolls: time to the right, pitch upwards, a shade for each voice."""
        rolls = [self.postprocess(ops.one_hot(self.prepare(x)[0][:4], self.pitches))]
        rolls = np.concatenate([*rolls, self.sample(12, seed=0)])
        images = np.full((len(rolls), self.pitches, self.steps, 1), 255, "uint8")
        for voice in range(self.voices):
            which, when = np.nonzero(rolls[:, :, voice] >= 0)
            height = rolls[which, when, voice] - self.low
            images[which, self.pitches - 1 - height, when] = 200 * voice // self.voices
        return {"piano_rolls": image_grid(images, columns=4)}


def pitch_classes(rolls):
    """Return the shares of the 12 pitch classes, over all voices and steps."""
    notes = rolls[rolls >= 0]
    return np.bincount(notes % 12, minlength=12) / max(len(notes), 1)


def melodic_intervals(rolls):
    """Return the shares of steps from a note to the next of its voice, -12 to 12 semitones."""
    before, after = rolls[:, :-1], rolls[:, 1:]
    moves = (after - before)[(before >= 0) & (after >= 0)]
    return np.bincount(np.clip(moves, -12, 12) + 12, minlength=25) / max(len(moves), 1)


def harmonic_intervals(rolls):
    """Return the shares of the 12 intervals, octaves apart counted as one, that sound together."""
    found = np.zeros(12)
    for first in range(rolls.shape[2]):
        for second in range(first + 1, rolls.shape[2]):
            a, b = rolls[:, :, first], rolls[:, :, second]
            found += np.bincount(np.abs(a - b)[(a >= 0) & (b >= 0)] % 12, minlength=12)
    return found / max(found.sum(), 1)


def in_scale(rolls):
    """Return the share of notes within the major scale that fits each piece best."""
    counts = np.stack([np.bincount(roll[roll >= 0] % 12, minlength=12) for roll in rolls])
    scales = np.stack([np.roll(np.isin(np.arange(12), MAJOR), k) for k in range(12)])
    return float((counts @ scales.T).max(axis=1).sum() / max(counts.sum(), 1))


def held(rolls):
    """Return the share of steps at which a voice keeps its note."""
    return float((rolls[:, 1:] == rolls[:, :-1]).mean())


def divergence(p, q):
    """Return the Jensen-Shannon divergence of two histograms, in nats."""
    middle = 0.5 * (p + q)

    def toward(side):
        some = side > 0
        return float((side[some] * np.log(side[some] / middle[some])).sum())

    return min(0.5 * (toward(p) + toward(q)), math.log(2.0))


HISTOGRAMS = {
    "pitch_class": pitch_classes,
    "interval": melodic_intervals,
    "harmony": harmonic_intervals,
}
SHARES = {"in_scale": in_scale, "held_notes": held}
