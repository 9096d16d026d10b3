"""A GAN for short texts: names, titles, lines.

The generator writes one character at a time, given the previous ones. Text is discrete, and a
choice of a character has no gradient. So characters are drawn with Gumbel noise on the logits, and
the gradient is that of the softmax (straight-through Gumbel-softmax, Jang et al., 2016,
https://arxiv.org/abs/1611.01144): the discriminator always gets one-hot texts. With
`relaxation="softmax"`, it gets the probabilities instead. The losses are those of `gan.py`:

    D minimizes  E softplus(-D(x)) + E softplus(D(G(z))) + R1 penalty
    G minimizes  E softplus(-D(G(z)))
"""

import functools
from typing import Literal

import keras
from keras import layers, ops

from ..backend import stop_gradient_of, straight_through
from ..checks import at_least, one_of, whole
from ..chunks import alone, draw_unlike
from ..losses import single
from ..preprocessing import OneHotTexts
from . import evaluation
from .counts import Counted, Counts
from .players import check_choices, check_weight

__all__ = ["TextGAN", "build_text_gan"]

BINS = 2**14  # of pairs of tokens; beyond, several pairs share a bin
UNROLLED = 32  # maximum steps of an unrolled loop, which runs faster but compiles more slowly


def build_text_gan(
    max_length: int = 24,
    *,
    level: Literal["character", "word"] = "character",
    vocabulary_size: int = 128,
    latent_dim: int = 64,
    units: int = 128,
    filters: int = 64,
    blocks: int = 2,
    relaxation="straight_through",
    loss="non_saturating",
    penalty="r1",
    penalty_weight: float = 0.1,
    discriminator_steps: int = 1,
    ema: float | None = 0.995,
    seed: int | None = None,
) -> "TextGAN":
    """Build a GAN for texts of at most `max_length` characters or words. Then `fit(texts)`.

    Args:
        max_length: Maximum number of characters (or words) of a text; the rest is cut off.
        level: `"character"` or `"word"`.
        vocabulary_size: Maximum number of different characters (or words), including the end of
            a text; the most frequent ones of the training data are kept.
        latent_dim: Size of the noise z.
        units: Width of the generator's recurrent layer.
        filters: Channels of the discriminator's convolutions over the text.
        blocks: Number of the discriminator's residual blocks, each of two convolutions.
        relaxation: `"straight_through"` or `"softmax"`.
        loss, penalty, penalty_weight, discriminator_steps, ema: As in `build_gan`.
        seed: Random seed. `None` draws one.

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
        whole(name, value, 1)
    whole("vocabulary_size", vocabulary_size, 2)
    one_of("level", level, ("character", "word"))
    one_of("relaxation", relaxation, ("straight_through", "softmax"))
    check_choices(loss, penalty, discriminator_steps, ema)
    check_weight(build_text_gan, locals())
    glorot = keras.initializers.GlorotUniform(keras.random.SeedGenerator(seed))
    init = keras.initializers.HeNormal(keras.random.SeedGenerator(seed))
    shape = (max_length, vocabulary_size)
    return TextGAN(
        _generator(shape, latent_dim, units, relaxation == "straight_through", glorot),
        _discriminator(shape, filters, blocks, init),
        preprocessor=OneHotTexts(max_length, vocabulary_size, level),
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
    """A cell that writes the next token, given the previous ones and the noise z.

    Its input (batch, vocabulary + latent_dim) is the noise added to the logits, and z. It returns
    the token as a one-hot row, whose gradient is that of the softmax; after the end of a text
    (token 0), it only writes ends. With `hard=False`, it returns the softmax itself.
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
            dtype=self.dtype_policy,
        )
        self.head = layers.Dense(
            vocabulary, kernel_initializer=self.kernel_initializer, dtype=self.dtype_policy
        )

    def build(self, input_shape):
        self.cell.build((None, input_shape[-1]))
        self.head.build((None, self.units))

    def call(self, inputs, states, training=False):
        memory, before, ended = states
        chance, z = ops.split(inputs, [self.vocabulary], axis=-1)
        read, (memory,) = self.cell(ops.concatenate([before, z], axis=-1), [memory])
        logits = self.head(read) + chance
        soft = ops.softmax(logits)
        chosen = ops.top_k(logits, 1)[1][:, 0]  # unlike `argmax`, in all formats of `export`
        token = ops.one_hot(chosen, self.vocabulary, dtype=soft.dtype)
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


def token_pairs(texts):
    """Return pairs of neighbouring tokens of one-hot texts as numbers, for `Counts`."""
    first, second = (ops.argmax(part, axis=-1) for part in (texts[:, :-1], texts[:, 1:]))
    pairs = ops.reshape(first * texts.shape[-1] + second, (-1,))
    return [(pairs, pairs > 0)]  # 0 is an end after an end


@keras.saving.register_keras_serializable(package="genai_basics")
class TextGAN(Counted):
    """A GAN of `generator: (z, chance) -> one-hot text` and a discriminator of one-hot texts.

    The first `fit` takes the vocabulary of characters or words from the data.
    """

    network_range = (0.0, 1.0)
    learning_rate, d_learning_rate = 5e-4, 1e-3
    remedy = "use fewer epochs, more texts or fewer `units`"

    # For commands, run folders and the audit; see evaluation.py.
    report, answer = evaluation.report_text, evaluation.answer_text
    features_of, pictures = evaluation.features_of_text, evaluation.no_pictures
    exported = evaluation.exported_text

    def __init__(self, generator, discriminator, **kwargs):
        super().__init__(generator, discriminator, **kwargs)
        self.counts = Counts((BINS,), token_pairs)
        self.temperature = self._scalar("temperature")
        self.temperature.assign(1.0)

    @property
    def tokens(self):
        """The characters or words of the vocabulary, with the end of a text (`""`) first."""
        return self.preprocessor.tokens

    @property
    def max_length(self):
        """Maximum number of characters or words of a text."""
        return self.generator.output.shape[1]

    @property
    def vocabulary_size(self):
        """Size of the vocabulary, including the end of a text."""
        return self.generator.output.shape[2]

    def seen(self, x):
        return x

    def generate_batch(self, z, label=None, training=False, generator=None, noise=None):
        """Return texts as one-hot rows (or probabilities, with softmax)."""
        generator = generator or self.generator
        shape = (ops.shape(z)[0], self.max_length, self.vocabulary_size)
        uniform = keras.random.uniform(shape, 1e-6, 1.0 - 1e-6, seed=noise)
        gumbel = -self.temperature * ops.log(-ops.log(uniform))
        return single(generator([z, gumbel], training=training))

    @alone
    def sample(self, n=1, *, seed=None, batch_size=256, truncation=None, temperature=1.0, avoid=()):
        """Return n texts.

        Args:
            n, seed, batch_size, truncation: As in `GAN.sample`.
            temperature: Temperature of the choice of characters: 0 takes the most probable one,
                above 1 is more random.
            avoid: Texts to exclude, such as the training texts; they are redrawn.

        Raises:
            ValueError: If nearly all texts of the model are in `avoid`.
        """
        at_least("temperature", temperature, 0)
        self.temperature.assign(temperature)
        draw = functools.partial(super().sample, n, batch_size=batch_size, truncation=truncation)
        written = set(map(self.preprocessor.cut, avoid))
        try:
            return draw_unlike(written, draw, seed)
        finally:
            self.temperature.assign(1.0)
