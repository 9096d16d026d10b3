"""A GAN for music: a few bars of several voices, a small variant of MuseGAN.

As in Dong & Yang (2018, https://arxiv.org/abs/1804.09399), the generator's largest logit of each
voice and step is the note, and the gradient is that of the softmax (a straight-through
estimator), so the discriminator always gets one-hot piano rolls. In the same way, the generator
decides whether a voice holds its note or plays the note of the step: most steps of music hold
notes, and a sequence of equal notes is hard to learn note by note. The losses are those of
`gan.py`:

    D minimizes  E softplus(-D(x)) + E softplus(D(G(z))) + R1 and R2 penalties
    G minimizes  E softplus(-D(G(z)))
"""

import keras
import numpy as np
from keras import layers, ops

from ..backend import straight_through
from ..checks import whole
from ..preprocessing import PianoRolls
from . import evaluation
from .counts import Counted, Counts
from .players import check_choices, check_weight

__all__ = ["MusicGAN", "build_music_gan"]

SHARPNESS = 5.0  # scale of the initial logits of pitches


def build_music_gan(
    voices: int = 4,
    low: int = 36,
    high: int = 81,
    *,
    steps: int = 32,
    hop: int | None = None,
    latent_dim: int = 64,
    units: int = 128,
    loss="non_saturating",
    penalty="r1_r2",
    penalty_weight: float = 20.0,
    discriminator_steps: int = 1,
    ema: float | None = 0.995,
    seed: int | None = None,
) -> "MusicGAN":
    """Build a GAN for `steps` steps of music in `voices` voices. Then `fit(pieces)`.

    Args:
        voices: Number of voices, the highest first. For chords, the highest notes are used.
        low: Lowest MIDI pitch; lower notes move up by octaves.
        high: Highest MIDI pitch; higher notes move down by octaves.
        steps: Steps per sample, a multiple of 8; training cuts pieces into windows of this length.
        hop: Steps between windows. `None`: a quarter of `steps`.
        latent_dim: Size of the noise z.
        units: Channels of the convolutions over time, in both players.
        loss, penalty, penalty_weight, discriminator_steps, ema: As in `build_gan`.
        seed: Random seed. `None` draws one.

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
        whole(name, value, 1)
    if steps < 8 or steps % 8:
        raise ValueError(f"`steps` must be a multiple of 8. Received: steps={steps}")
    if not 0 <= low < high <= 127:
        raise ValueError(
            f"pitches must be 0 <= `low` < `high` <= 127. Received: low={low}, high={high}"
        )
    check_choices(loss, penalty, discriminator_steps, ema)
    check_weight(build_music_gan, locals())
    init = keras.initializers.HeNormal(keras.random.SeedGenerator(seed))
    shape = (steps, voices, high - low + 2)  # the last pitch is silence
    return MusicGAN(
        _generator(shape, latent_dim, units, init),
        _discriminator(shape, units, init),
        preprocessor=PianoRolls(voices, low, high, steps, hop or steps // 4),
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
    # With small logits, each training step would change the choice.
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
    """For each voice and step of one-hot rolls: 1 if the note equals that of the previous step."""

    def call(self, x):
        same = ops.sum(x[:, 1:] * x[:, :-1], axis=-1)
        return ops.pad(same, ((0, 0), (1, 0), (0, 0)))

    def compute_output_shape(self, input_shape):
        return input_shape[:-1]


@keras.saving.register_keras_serializable(package="genai_basics")
class MusicGAN(Counted):
    """A GAN of `generator: z -> notes, holds` and a discriminator of one-hot rolls.

    Notes are logits (steps, voices, pitches); holds are logits of holding the previous note. Data
    and samples are integers (steps, voices), MIDI pitches and -1 for silence: see `PianoRolls`.
    """

    network_range = (0.0, 1.0)
    cuts_windows = True
    learning_rate, d_learning_rate = 5e-4, 1e-3
    remedy = "use fewer epochs, more pieces or fewer `units`"

    # For commands, run folders and the audit; see evaluation.py.
    report, answer = evaluation.report_music, evaluation.answer_music
    features_of = evaluation.features_of_music
    pictures, exported = evaluation.pictures_of_music, evaluation.exported_music

    def __init__(self, generator, discriminator, **kwargs):
        super().__init__(generator, discriminator, **kwargs)
        self.steps, self.voices, self.pitches = generator.outputs[0].shape[1:]
        self.counts = Counts((12, 25, 12), self.intervals)

    def intervals(self, rolls):
        """Return pitch classes, moves of voices, and intervals between voices, for `Counts`."""
        notes = ops.argmax(rolls, axis=-1)
        sounds = notes < self.pitches - 1
        classes = (notes + self.preprocessor.low) % 12
        moves = ops.clip(notes[:, 1:] - notes[:, :-1], -12, 12) + 12
        above, below = np.triu_indices(self.voices, 1)
        upper, lower = ops.take(notes, above, axis=-1), ops.take(notes, below, axis=-1)
        both = ops.take(sounds, above, axis=-1) & ops.take(sounds, below, axis=-1)
        found = (
            (classes, sounds),
            (moves, sounds[:, 1:] & sounds[:, :-1]),
            (ops.abs(upper - lower), both),
        )
        return [tuple(ops.reshape(part, (-1,)) for part in pair) for pair in found]

    def seen(self, x):
        return ops.reshape(x, (-1, *self.shape_seen()))

    def shape_seen(self):
        steps, voices, pitches = self.discriminator.inputs[0].shape[1:]
        return (steps, voices * pitches)

    def generate_batch(self, z, label=None, training=False, generator=None, noise=None):
        """Return rolls of 0 and 1, with the gradients of softmax and sigmoid."""
        notes, holds = super().generate_batch(z, label, training, generator)
        soft = ops.softmax(notes)
        struck = straight_through(soft, ops.one_hot(ops.argmax(soft, axis=-1), self.pitches))
        soft = ops.sigmoid(holds)
        held = straight_through(soft, ops.round(soft))[..., None]
        roll = [struck[:, 0]]
        for step in range(1, self.steps):
            roll.append(held[:, step] * roll[-1] + (1.0 - held[:, step]) * struck[:, step])
        return ops.stack(roll, axis=1)
