"""A VAE for short texts (Bowman et al., 2016, https://arxiv.org/abs/1511.06349).

A recurrent decoder can predict the next letter from the previous ones and ignore the code: the
posterior then collapses to the prior. Three methods prevent this: in training, some of the
decoder's input letters are dropped (word dropout), the weight of the KL term increases from 0,
and some nats of KL per latent are not penalized (Kingma et al., 2016).
"""

import functools
from collections.abc import Iterable
from typing import Literal

import keras
import numpy as np
from keras import layers, ops

from ..checks import below_one, positive, whole
from ..chunks import alone, draw_unlike
from ..layers.cells import recurrent_layer
from ..losses import single
from ..preprocessing import BOUNDARY, PADDING, UNKNOWN, Lines, Tokenizer
from . import bounds, evaluation
from .vae import VAE
from .vae_networks import gaussian

__all__ = ["TextVAE", "build_text_vae"]

UNTRAINED_LENGTH = 1000  # maximum units of a sample before `fit`


def build_text_vae(
    latent_dim: int = 32,
    *,
    unit: Literal["character", "word", "subword", "byte"] = "character",
    vocab_size: int | None = None,
    units: int = 256,
    embedding_dim: int = 64,
    max_length: int | None = None,
    word_dropout: float = 0.25,
    dropout: float | None = None,
    beta: float = 1.0,
    warm_up: float = 0.3,
    cycles=1,
    free_bits: float = 0.25,
    num_classes: int | None = None,
    class_names: Iterable[str] | None = None,
    seed: int | None = None,
) -> "TextVAE":
    """Build a VAE for short texts: names, sentences. Then `compile()` and `fit(texts)`.

    Args:
        latent_dim: Size of the latent code z.
        unit: What a text is split into: `"character"`, `"word"`, `"subword"` or `"byte"`.
        vocab_size: Size of the vocabulary, including three special tokens. `None`: 256 for
            characters, 262 for bytes, 5,000 for words and sub-words.
        units: Width of the recurrent layers.
        embedding_dim: Size of a unit's embedding. A vocabulary larger than `units` shares it
            between input and output.
        max_length: Maximum length of a text in units; longer texts are cut. `None`: the longest
            training text.
        word_dropout: Fraction of the previous units that the decoder does not see in training.
        dropout: Dropout rate before and after the recurrent layers. `None`: 0.3 for words and
            sub-words, otherwise 0.
        beta, warm_up, cycles: Weight of the KL term and its warm-up, as in `build_vae`.
        free_bits: KL per latent, in nats, that is not penalized: it keeps the code in use.
        num_classes: Number of labels of a conditional VAE: `fit(texts, labels)`.
        class_names: Names of the labels.
        seed: Seed of weights, noise and the order of the data. `None` draws a random seed.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> from genai_basics import build_text_vae
    >>> vae = build_text_vae(latent_dim=4, units=16, seed=0)
    >>> vae.compile()
    >>> history = vae.fit(["anna", "hanna", "johanna"] * 10, epochs=1, verbose=0)
    >>> len(vae.sample(5, seed=0))
    5
    """
    counts = {"latent_dim": latent_dim, "units": units, "embedding_dim": embedding_dim}
    for name, value in counts.items():
        whole(name, value, 1)
    if max_length is not None:
        whole("max_length", max_length, 1)
    below_one("word_dropout", word_dropout)
    if dropout is None:
        dropout = 0.3 if unit in ("word", "subword") else 0.0
    below_one("dropout", dropout)
    if num_classes is not None:
        whole("num_classes", num_classes, 2)
    vocab_size = vocab_size or {"character": 256, "byte": 262}.get(unit, 5000)
    tokenizer = Tokenizer(unit, vocab_size, name="tokenizer")
    init = keras.initializers.GlorotUniform(keras.random.SeedGenerator(seed))
    sizes = (vocab_size, embedding_dim, units, latent_dim)
    return TextVAE(
        *_networks(*sizes, num_classes, dropout, init, seed),
        Lines(tokenizer, max_length, name="preprocessor"),
        word_dropout=word_dropout,
        beta=beta,
        schedule=bounds.Schedule(warm_up, cycles),
        bound=bounds.ELBO(free_bits),
        num_classes=num_classes,
        class_names=class_names,
        seed=seed,
        name="text_vae",
    )


def _networks(vocab_size, embedding_dim, units, latent_dim, num_classes, dropout, init, seed):
    """Return the encoder, the decoder and its starter.

    encoder: tokens (batch, time) -> (mean, log_var); decoder: z, tokens, state -> logits, state;
    starter: z -> state. With `num_classes`, the encoder has a second input, the one-hot label,
    and z is the code concatenated with it.
    """
    tokens = keras.Input((None,), dtype="int32", name="x")
    uniform = keras.initializers.RandomUniform(seed=init.seed)
    x = layers.Embedding(vocab_size, embedding_dim, uniform, mask_zero=True)(tokens)
    x = layers.Dropout(dropout, seed=seed)(x)
    x = layers.Bidirectional(recurrent_layer("gru", units // 2 or 1, init.seed))(x)
    x, inputs = layers.Dropout(dropout, seed=seed)(x), tokens
    if num_classes:
        label = keras.Input((num_classes,), name="label")
        inputs, x = [tokens, label], layers.Concatenate()([x, label])
    encoder = keras.Model(inputs, gaussian(x, latent_dim, init), name="encoder")

    z = keras.Input((latent_dim + (num_classes or 0),), name="z")
    state = keras.Input((units,), name="state")
    # A large vocabulary shares its embedding between input and output (Press & Wolf, 2017), since
    # most words are rare, and computing logits takes most of the time.
    tied = vocab_size > units
    spread = keras.initializers.RandomNormal(0.0, embedding_dim**-0.5, seed)
    embedding = (layers.ReversibleEmbedding if tied else layers.Embedding)(
        vocab_size, embedding_dim, embeddings_initializer=spread
    )
    x = layers.Dropout(dropout, seed=seed)(embedding(tokens))
    x = layers.Concatenate()([x, Alongside()([z, x])])
    gru = recurrent_layer("gru", units, init.seed, return_sequences=True, return_state=True)
    x, last = gru(x, initial_state=state)
    x = layers.Dropout(dropout, seed=seed)(x)
    if tied:
        x = layers.Dense(embedding_dim, kernel_initializer=init)(x)
    hidden = layers.Identity(name="hidden")(x)
    if tied:
        logits = embedding(hidden, reverse=True)
    else:
        logits = layers.Dense(vocab_size, kernel_initializer=init)(hidden)
    decoder = keras.Model([z, tokens, state], [logits, last], name="decoder")
    start = layers.Dense(units, "tanh", kernel_initializer=init)(z)
    return encoder, decoder, keras.Model(z, start, name="starter")


@keras.saving.register_keras_serializable(package="genai_basics")
class Alongside(layers.Layer):
    """Repeats z (batch, d) for each step of x (batch, time, e), to (batch, time, d)."""

    def call(self, inputs):
        z, x = inputs
        return ops.expand_dims(z, 1) + ops.cast(ops.zeros_like(x[..., :1]), z.dtype)

    def compute_output_shape(self, input_shape):
        (batch, size), x = input_shape
        return (batch, x[1], size)


@keras.saving.register_keras_serializable(package="genai_basics")
class TextVAE(VAE):
    """A VAE for texts; `_networks` describes its networks.

    All methods (`fit`, `encode`, `reconstruct`, `sample`) use lists or arrays of str.
    """

    loss_keyword = "`beta` and `free_bits` of build_text_vae"
    learning_rate = 3e-3
    batch_size = 64
    remedy = "use fewer epochs, more texts, fewer `units` or more `word_dropout`"

    report, answer = evaluation.report_text, evaluation.answer_text
    examples, exported = evaluation.examples_of_texts, evaluation.exported_texts
    symptoms = evaluation.symptoms_text

    def __init__(self, encoder, decoder, starter, preprocessor, *, word_dropout=0.25, **kwargs):
        super().__init__(encoder, decoder, preprocessor=preprocessor, **kwargs)
        self.starter, self.word_dropout = starter, word_dropout
        self.temperature = self.add_weight(
            name="temperature", shape=(), initializer="ones", trainable=False
        )

    @property
    def tokenizer(self):
        """The tokenizer, which splits texts into numbered units."""
        return self.preprocessor.tokenizer

    @property
    def max_length(self):
        """Maximum length of a text in units; `None` before `fit`."""
        return self.preprocessor.max_length

    # Data.

    def adapt(self, x, y=None):
        self.preprocessor.adapt(x, y)

    # The mathematics.

    def loss_terms(self, x, labels=None, training=False):
        return super().loss_terms(without_padding(x), labels, training)

    def distortion(self, x, z, labels=None, training=False):
        """Return -log p(x | z), (batch,), in nats, summed over all units and the end."""
        before = ops.pad(x[:, :-1], ((0, 0), (1, 0)), constant_values=BOUNDARY)
        if training and self.word_dropout:
            draw = keras.random.uniform(ops.shape(before), seed=self.noise)
            dropped = ops.logical_and(draw < self.word_dropout, before > BOUNDARY)
            before = ops.where(dropped, UNKNOWN, before)
        z = self._with_labels(z, labels)
        hidden = self._hidden([z, before, self.starter(z)], training=training)
        # Two thirds of a batch of sentences are padding; skipping its logits saves most time.
        row, place = ops.nonzero(x != PADDING)
        index = row * ops.shape(x)[1] + place
        hidden = ops.take(ops.reshape(hidden, (-1, hidden.shape[-1])), index, axis=0)
        logits = ops.cast(self._logits(hidden[None])[0], "float32")
        unit = ops.take(ops.reshape(x, (-1,)), index)
        nats = ops.sparse_categorical_crossentropy(unit, logits, from_logits=True)
        return ops.segment_sum(nats, row, num_segments=ops.shape(x)[0])

    @functools.cached_property
    def _hidden(self):
        """Return the decoder without its last layer."""
        return keras.Model(self.decoder.inputs, self.decoder.get_layer("hidden").output)

    @functools.cached_property
    def _logits(self):
        """Return the decoder's last layer."""
        return keras.Model(self.decoder.get_layer("hidden").output, self.decoder.outputs[0])

    def _with_labels(self, z, labels):
        if not self.num_classes:
            return z
        return ops.concatenate([z, ops.one_hot(labels, self.num_classes)], axis=-1)

    def decoded_mean(self, z, labels=None, training=False):
        """Return texts decoded greedily from codes z, as tokens (batch, time)."""
        return self.unroll(self._with_labels(z, labels), lambda logits: ops.argmax(logits, axis=-1))

    def generate(self, n, labels=None):
        z = self.draw_codes(n)

        def draw(logits):
            scaled = logits / self.temperature
            return keras.random.categorical(scaled, 1, seed=self.sampling_noise)[:, 0]

        return self.unroll(self._with_labels(z, labels), draw)

    def unroll(self, z, choose):
        """Return tokens (batch, time), each chosen from its logits, padded after the end."""
        steps = self.max_length or UNTRAINED_LENGTH
        forbidden = np.zeros(self.tokenizer.size, "float32")
        forbidden[[PADDING, UNKNOWN]] = -1e9
        if self.tokenizer.unit != "byte":  # tokens without a unit
            forbidden[len(self.tokenizer.vocabulary or ()) + BOUNDARY + 1 :] = -1e9

        def step(i, carry):
            tokens, last, state = carry
            logits, state = single(self.decoder([z, last[:, None], state]))
            chosen = ops.cast(choose(logits[:, 0] + forbidden), "int32")
            ended = ops.logical_and(i > 0, ops.logical_or(last == BOUNDARY, last == PADDING))
            chosen = ops.where(ended, PADDING, chosen)
            here = ops.cast(ops.arange(steps) == i, "int32")
            return tokens + chosen[:, None] * here, chosen, state

        first = ops.cast(ops.zeros_like(z[:, 0]), "int32")
        tokens, state = first[:, None] * ops.zeros((1, steps), "int32"), single(self.starter(z))
        return ops.fori_loop(0, steps, step, (tokens, first + BOUNDARY, state))[0]

    # Methods on raw data.

    @alone
    def sample(self, n=1, *, seed=None, batch_size=256, labels=None, temperature=1.0, avoid=()):
        """Draw n texts.

        Args:
            n, seed, batch_size, labels: As in `Model.sample`.
            temperature: Divides the logits: below 1 gives safer texts, above 1 more diverse ones.
            avoid: Texts to exclude, such as the training texts; they are redrawn.

        Raises:
            ValueError: If nearly all texts of the model are in `avoid`.
        """
        positive("temperature", temperature)
        self.temperature.assign(temperature)
        draw = functools.partial(super().sample, n, batch_size=batch_size, labels=labels)
        written = {
            self.tokenizer.decode(self.tokenizer.encode(text)[: self.max_length]) for text in avoid
        }
        return draw_unlike(written, draw, seed)


def without_padding(tokens):
    """Return tokens (batch, time) up to the end of the longest text."""
    return tokens[:, : ops.max(ops.count_nonzero(tokens != PADDING, axis=1))]
