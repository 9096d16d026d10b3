"""A GAN for short texts: names, titles, lines.

The generator writes one character after the other, each by what it has written so far. Text is
discrete, and a choice among characters passes no gradient: here Gumbel noise on the logits draws
the character, and the gradient is that of the softmax (straight-through Gumbel-softmax, Jang et
al., 2016), so that the discriminator sees one-hot texts on both sides. With
`relaxation="softmax"` it sees the probabilities instead.
"""

import collections
import functools
import math

import keras
import numpy as np
from keras import layers, ops

from .. import metrics
from ..backend import stop_gradient_of, straight_through
from ..metrics.features import sample_report
from ..model import draw_unlike
from .adversarial import GAN, REPORT_LEAST, REPORT_MOST, check_choices

__all__ = ["TextGAN", "build_text_gan"]

SEPARATORS = {"character": "", "word": " "}
UNROLLED = 32  # steps up to which a graph without a loop compiles fast enough, and runs faster


def build_text_gan(
    max_length=24,
    *,
    level="character",
    vocabulary_size=128,
    latent_dim=64,
    units=128,
    filters=64,
    blocks=2,
    relaxation="straight_through",
    loss="non_saturating",
    penalty="r1",
    penalty_weight=0.1,
    discriminator_steps=1,
    ema=0.995,
    seed=None,
):
    """Build a GAN for texts of at most `max_length` characters or words. Then `fit(texts)`.

    Args:
        max_length: Most characters (or words) of a text; what is longer is cut.
        level: `"character"` or `"word"`.
        vocabulary_size: Most different characters (or words), the end of a text among them;
            the most frequent ones of the training data are kept.
        latent_dim: Size of the noise z.
        units: Width of the generator's recurrent layer.
        filters: Channels of the discriminator's convolutions over the text.
        blocks: Its residual blocks of two convolutions.
        relaxation: `"straight_through"` or `"softmax"`.
        loss, penalty, penalty_weight, discriminator_steps, ema: As in `build_gan`.
        seed: Seed of weights, noise and the order of data. `None` draws a fresh one.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> from genai_basics import build_text_gan
    >>> gan = build_text_gan(8, units=16, seed=0)
    >>> gan.compile()
    >>> history = gan.fit(["emma", "olivia", "ava", "mia"] * 16, epochs=1, verbose=0)
    >>> len(gan.sample(3, seed=0))
    3
    """
    sizes = {"max_length": max_length, "latent_dim": latent_dim, "units": units}
    for name, value in {**sizes, "filters": filters, "blocks": blocks}.items():
        if value < 1:
            raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}")
    if vocabulary_size < 2:
        raise ValueError(
            f"`vocabulary_size` must be at least 2. Received: vocabulary_size={vocabulary_size}"
        )
    if level not in SEPARATORS:
        raise ValueError(f'`level` must be "character" or "word". Received: level={level!r}')
    if relaxation not in ("straight_through", "softmax"):
        raise ValueError(
            '`relaxation` must be "straight_through" or "softmax". '
            f"Received: relaxation={relaxation!r}"
        )
    check_choices(loss, penalty, discriminator_steps, ema)
    glorot = keras.initializers.GlorotUniform(keras.random.SeedGenerator(seed))
    init = keras.initializers.HeNormal(keras.random.SeedGenerator(seed))
    shape = (max_length, vocabulary_size)
    return TextGAN(
        _generator(shape, latent_dim, units, relaxation == "straight_through", glorot),
        _discriminator(shape, filters, blocks, init),
        level=level,
        adversarial_loss=loss,
        penalty=penalty,
        penalty_weight=penalty_weight,
        discriminator_steps=discriminator_steps,
        ema=ema,
        seed=seed,
        name="text_gan",
    )


def _residual(x, filters, init):
    """Return x + 0.3 * conv(relu(conv(relu(x))))."""
    y = x
    for _ in range(2):
        y = layers.Conv1D(filters, 3, padding="same", kernel_initializer=init)(layers.ReLU()(y))
    return layers.Add()([x, layers.Rescaling(0.3)(y)])


def _generator(shape, latent_dim, units, hard, init):
    """Return (z, chance) -> text (length, vocabulary): `chance` is added to the logits."""
    length, vocabulary = shape
    z = keras.Input((latent_dim,), name="z")
    chance = keras.Input(shape, name="chance")
    steps = layers.Concatenate()([chance, layers.RepeatVector(length)(z)])
    writer = layers.RNN(Writer(units, vocabulary, hard, init), True, unroll=length <= UNROLLED)
    return keras.Model([z, chance], writer(steps), name="generator")


@keras.saving.register_keras_serializable(package="genai_basics")
class Writer(keras.layers.Layer):
    """A cell that writes the next token, by what it wrote before and the noise z.

    Takes (batch, vocabulary + latent_dim): what is added to the logits, and z. Returns the token
    as a one-hot row, whose gradient is that of the softmax; after the end of a text (token 0) it
    writes ends alone. With `hard=False` it returns the softmax itself.
    """

    def __init__(self, units, vocabulary, hard=True, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.units, self.vocabulary, self.hard = units, vocabulary, hard
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.state_size, self.output_size = (units, vocabulary, 1), vocabulary
        self.cell = layers.GRUCell(
            units,
            kernel_initializer=self.kernel_initializer,
            recurrent_initializer=keras.initializers.Orthogonal(seed=self.kernel_initializer.seed),
        )
        self.head = layers.Dense(vocabulary, kernel_initializer=self.kernel_initializer)

    def build(self, input_shape):
        self.cell.build((None, input_shape[-1]))
        self.head.build((None, self.units))

    def call(self, inputs, states, training=False):
        memory, before, ended = states
        chance, z = ops.split(inputs, [self.vocabulary], axis=-1)
        read, (memory,) = self.cell(ops.concatenate([before, z], axis=-1), [memory])
        logits = self.head(read) + chance
        soft = ops.softmax(logits)
        token = ops.one_hot(ops.argmax(logits, axis=-1), self.vocabulary, dtype=soft.dtype)
        if not self.hard:
            return soft, [memory, soft, ended]
        end = ops.one_hot(0, self.vocabulary, dtype=soft.dtype)
        new = ended * end + (1.0 - ended) * straight_through(soft, token)
        return new, [memory, new, ops.maximum(ended, stop_gradient_of(token[:, :1]))]

    def get_config(self):
        config = {"units": self.units, "vocabulary": self.vocabulary, "hard": self.hard}
        init = keras.initializers.serialize(self.kernel_initializer)
        return {**super().get_config(), **config, "kernel_initializer": init}


def _discriminator(shape, filters, blocks, init):
    """Return one-hot (length, vocabulary) -> score (batch, 1)."""
    inputs = keras.Input(shape, name="x")
    x = layers.Dense(filters, kernel_initializer=init)(inputs)
    for _ in range(blocks):
        x = _residual(x, filters, init)
    x = layers.Flatten()(layers.LeakyReLU(0.2)(x))
    score = layers.Dense(1, kernel_initializer=init, name="score")(x)
    return keras.Model(inputs, score, name="discriminator")


@keras.saving.register_keras_serializable(package="genai_basics")
class TextGAN(GAN):
    """A GAN of `generator: (z, chance) -> one-hot text` and a discriminator of one-hot texts.

    `tokens` are the characters or words that the columns stand for, the end of a text (`""`)
    first; `fit` takes them from the data.
    """

    network_range = (0.0, 1.0)
    learning_rate, d_learning_rate = 5e-4, 1e-3
    remedy = "use fewer epochs, more texts or fewer `units`"

    def __init__(
        self,
        generator,
        discriminator,
        *,
        level="character",
        tokens=("",),
        **kwargs,
    ):
        kwargs.pop("value_range", None)
        super().__init__(generator, discriminator, **kwargs)
        self.level, self.tokens = level, tuple(tokens)
        self.temperature = self._scalar("temperature")
        self.temperature.assign(1.0)

    @property
    def max_length(self):
        """Most characters or words of a text."""
        return self.generator.output.shape[1]

    @property
    def vocabulary_size(self):
        """Most tokens, the end of a text among them."""
        return self.generator.output.shape[2]

    def _split(self, text):
        return str(text).split() if self.level == "word" else str(text)

    def adapt(self, x, y=None):
        counts = collections.Counter(token for text in x for token in self._split(text))
        # Ties by the token itself, so that the order of the data does not matter.
        ranked = sorted(counts, key=lambda token: (-counts[token], token))
        self.tokens = ("", *ranked[: self.vocabulary_size - 1])
        if len(self.tokens) < 2:
            raise ValueError("the texts hold no characters. Received: empty texts only")

    def prepare(self, x, y=None, sample_weight=None):
        """Return texts as token numbers (n, max_length), filled up with 0; other tokens go."""
        if isinstance(x, str):
            raise ValueError(f"x must be a list of texts. Received: one text, {x[:40]!r}")
        if hasattr(x, "dtype") and x.dtype.kind not in "USO":
            raise ValueError(f"x must be a list of texts. Received: numbers of dtype {x.dtype}")
        if not len(x):
            raise ValueError("x must hold at least one text. Received: none")
        numbers = {token: i for i, token in enumerate(self.tokens)}
        ids = np.zeros((len(x), self.max_length), "int32")
        for row, text in zip(ids, x, strict=True):
            known = [numbers[token] for token in self._split(text) if token in numbers]
            row[: len(known)] = known[: self.max_length]
        return (ids,)

    def preprocess(self, x):
        return ops.one_hot(x, self.vocabulary_size)

    def postprocess(self, outputs):
        """Return texts: of each place the likeliest token, up to the first end."""
        texts = []
        for row in np.asarray(outputs).argmax(axis=-1):
            stop = np.flatnonzero(row == 0)
            row = row[: stop[0]] if len(stop) else row
            known = [self.tokens[i] for i in row if i < len(self.tokens)]
            texts.append(SEPARATORS[self.level].join(known))
        return texts

    def seen(self, x):
        return x

    def generate_batch(self, z, label=None, training=False, generator=None, noise=None):
        """Return texts as one-hot rows (or probabilities, with softmax)."""
        generator = generator or self.generator
        shape = (ops.shape(z)[0], self.max_length, self.vocabulary_size)
        uniform = keras.random.uniform(shape, 1e-6, 1.0 - 1e-6, seed=noise)
        return generator([z, -self.temperature * ops.log(-ops.log(uniform))], training=training)

    def sample(self, n=1, *, seed=None, batch_size=256, truncation=None, temperature=1.0, avoid=()):
        """Return n texts.

        Args:
            n, seed, batch_size, truncation: As in `GAN.sample`.
            temperature: Of the choice among characters: 0 takes the likeliest, above 1 is wilder.
            avoid: Texts that must not come, as those of training: they are drawn again.

        Raises:
            ValueError: If the model writes hardly anything but texts to avoid.
        """
        if temperature < 0:
            raise ValueError(
                f"`temperature` must not be negative. Received: temperature={temperature}"
            )
        self.temperature.assign(temperature)
        draw = functools.partial(super().sample, n, batch_size=batch_size, truncation=truncation)
        join, length = SEPARATORS[self.level].join, self.max_length
        written = {join(self._split(text)[:length]) for text in avoid}
        try:
            return draw_unlike(written, draw, seed)
        finally:
            self.temperature.assign(1.0)

    def report(self, x, y=None):
        """Return n-gram divergences (nats) to x, beside those of x's halves, and distinct texts."""
        n = int(np.clip(len(x), REPORT_LEAST, 2 * REPORT_MOST))
        fake, x = self.sample(n, seed=0), list(x)[:n]
        order = np.random.default_rng(0).permutation(len(x))
        halves = [[x[i] for i in order[start::2]] for start in (0, 1)]
        report = {}
        for size in (2, 3, 4):
            for name, pair in {"": (x, fake), "_floor": halves}.items():
                bits = metrics.ngram_jsd(*pair, n=size, level=self.level)
                report[f"ngram_jsd_{size}{name}"] = bits * math.log(2)
        report["distinct"] = len(set(fake)) / n
        report["not_in_this_data"] = metrics.novelty(x, fake)
        near = sample_report(self.features_of(x), self.features_of(fake))
        return {**report, **near, "samples": n}, {}

    def features_of(self, x, y=None):
        return self.map_batches(self._features, *self.prepare(x), batch_size=256)

    def answer(self, x):
        return [{"score": float(score)} for score in self.predict(x, verbose=0)[:, 0]], None

    def pictures(self, x, y=None):
        return {}
