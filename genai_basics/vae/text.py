"""A VAE of short texts (Bowman et al., 2016, https://arxiv.org/abs/1511.06349).

A recurrent decoder can guess the next letter from those before it and leave the code alone: the
posterior then collapses onto the prior. Three things keep it from that here: the letters it
sees are dropped out in training (word dropout), the KL's weight rises from nothing, and a
number of nats a latent are free (Kingma et al., 2016).
"""

import functools
import warnings

import keras
import numpy as np
from keras import layers, ops

from .. import metrics
from ..layers.cells import recurrent_layer
from ..model import draw_unlike
from ..preprocessing import BOUNDARY, PADDING, UNKNOWN, Tokenizer
from .build import gaussian
from .model import VAE

__all__ = ["TextVAE", "build_text_vae"]

LONGEST = 1000  # units of a text


def build_text_vae(
    latent_dim=32,
    *,
    unit="character",
    vocab_size=None,
    units=256,
    embedding_dim=64,
    max_length=None,
    word_dropout=0.25,
    dropout=None,
    beta=1.0,
    warm_up=0.3,
    cycles=1,
    free_bits=0.25,
    num_classes=None,
    class_names=None,
    seed=None,
):
    """Build a VAE of short texts: names, sentences. Then `compile()` and `fit(texts)`.

    Args:
        latent_dim: Size of the latent code z.
        unit: What a text is made of: `"character"`, `"word"`, `"subword"` or `"byte"`.
        vocab_size: Units that have a number of their own, with three for signs. `None`: 256
            characters, 262 bytes, 5,000 of the others.
        units: Width of the recurrent layers.
        embedding_dim: Numbers that stand for a unit, read or, of a large vocabulary, written.
        max_length: Units of the longest text; longer ones are cut. `None`: of the training
            texts.
        word_dropout: Share of the units before the next one that the decoder does not see in
            training.
        dropout: Share of the numbers dropped before and after the recurrent layers, in training.
            `None`: 0.3 for words and sub-words, of which there are never enough, else 0.
        beta, warm_up, cycles: Weight of the KL term and its rise, as in `build_vae`.
        free_bits: Nats of KL a latent that cost nothing: what keeps the code in use.
        num_classes: Number of labels of a conditional VAE: `fit(texts, labels)`.
        class_names: Names of the labels.
        seed: Seed of weights, noise and the order of data. `None` draws a fresh one.

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
    _check(latent_dim, units, embedding_dim, max_length, word_dropout)
    if dropout is None:
        dropout = 0.3 if unit in ("word", "subword") else 0.0
    vocab_size = vocab_size or {"character": 256, "byte": 262}.get(unit, 5000)
    tokenizer = Tokenizer(unit, vocab_size, name="tokenizer")
    init = keras.initializers.GlorotUniform(keras.random.SeedGenerator(seed))
    sizes = (vocab_size, embedding_dim, units, latent_dim)
    return TextVAE(
        *_networks(*sizes, num_classes, dropout, init, seed),
        tokenizer,
        max_length=max_length,
        word_dropout=word_dropout,
        beta=beta,
        warm_up=warm_up,
        cycles=cycles,
        free_bits=free_bits,
        num_classes=num_classes,
        class_names=class_names,
        seed=seed,
        name="text_vae",
    )


def _check(latent_dim, units, embedding_dim, max_length, word_dropout):
    counts = {"latent_dim": latent_dim, "units": units, "embedding_dim": embedding_dim}
    for name, value in {**counts, "max_length": max_length}.items():
        if value is not None and value < 1:
            raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}")
    if not 0 <= word_dropout < 1:
        raise ValueError(
            f"`word_dropout` must lie from 0 up to 1. Received: word_dropout={word_dropout}"
        )


def _networks(vocab_size, embedding_dim, units, latent_dim, num_classes, dropout, init, seed):
    """Return the encoder, the decoder and its starter.

    encoder: tokens (batch, time) -> (mean, log_var); decoder: z, tokens, state -> logits, state;
    starter: z -> state. With `num_classes` the encoder has a second input, the one-hot label,
    and z stands for z and label joined.
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
    # Of thousands of words, the vectors that are read are also those that are written (Press &
    # Wolf, 2017): most of them are rare, and their logits are most of the work.
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
    """Repeat z (batch, d) beside each step of x (batch, time, e): (batch, time, d)."""

    def call(self, inputs):
        z, x = inputs
        return ops.broadcast_to(z[:, None], (ops.shape(x)[0], ops.shape(x)[1], z.shape[-1]))

    def compute_output_shape(self, input_shape):
        (batch, size), x = input_shape
        return (batch, x[1], size)


@keras.saving.register_keras_serializable(package="genai_basics")
class TextVAE(VAE):
    """A VAE of texts; its networks as `_networks` of `build_text_vae` says.

    Texts are lists or arrays of str throughout: `fit`, `encode`, `reconstruct`, `sample`.
    """

    loss_keyword = "`beta` and `free_bits` of build_text_vae"
    learning_rate = 3e-3
    batch_size = 64
    remedy = "use fewer epochs, more texts, fewer `units` or more `word_dropout`"

    def __init__(
        self, encoder, decoder, starter, tokenizer, *, max_length=None, word_dropout=0.25, **kwargs
    ):
        super().__init__(encoder, decoder, **kwargs)
        self.starter, self.tokenizer = starter, tokenizer
        self.max_length, self.word_dropout = max_length, word_dropout
        self.temperature = self.add_weight(
            name="temperature", shape=(), initializer="ones", trainable=False
        )

    def get_config(self):
        config = super().get_config()
        for name in ("binarize", "capacity", "likelihood", "prior", "importance_samples"):
            config.pop(name)
        return config

    def prior_dim(self):
        return self.encoder.outputs[0].shape[-1]

    def standardize(self):
        pass  # tokens are no measurements

    # Data.

    def adapt(self, x, y=None):
        texts = self._texts(x)
        if self.tokenizer.vocabulary is None:
            self.tokenizer.adapt(texts)
        if self.max_length is None:
            self.max_length = max(len(self.tokenizer.encode(text)) for text in texts)
        if self.max_length > LONGEST:
            raise ValueError(
                f"texts of {self.max_length} units are too long for one code: split them into "
                f"lines, or cut them by `max_length`. Received: max_length={self.max_length}"
            )

    def _texts(self, x):
        texts = [x] if isinstance(x, str) else list(x)
        for text in texts:
            if not isinstance(text, str):
                raise ValueError(f"x must hold texts. Received: {type(text).__name__}")
            if not text.strip():
                raise ValueError("texts must not be empty. Received: an empty text")
        return texts

    def prepare(self, x, y=None, sample_weight=None):
        if getattr(x, "dtype", None) == np.int32:  # tokens already
            return super().prepare(x, y, sample_weight)
        texts = [self.tokenizer.encode(text) for text in self._texts(x)]
        longest = self.max_length or max(map(len, texts))
        long = sum(len(text) > longest for text in texts)
        if long:
            warnings.warn(
                f"{long} of {len(texts)} texts are longer than max_length={longest} units and "
                "are cut",
                stacklevel=2,
            )
        tokens = np.full((len(texts), longest + 1), PADDING, "int32")
        for row, text in zip(tokens, texts, strict=True):
            text = text[:longest]
            row[: len(text)] = text
            row[len(text)] = BOUNDARY
        return super().prepare(tokens, y, sample_weight)

    def check_input(self, x):
        pass  # `prepare` did

    def lengths(self, data):
        return (data[0] != PADDING).sum(axis=1)

    def preprocess(self, x):
        return x

    def postprocess(self, outputs):
        return [self.tokenizer.decode(row) for row in outputs]

    # The mathematics.

    def negative_elbo(self, x, labels=None, training=False):
        return super().negative_elbo(without_padding(x), labels, training)

    def distortion(self, x, z, labels=None, training=False):
        """Return -log p(x | z), (batch,): the nats of each unit and of the end, summed."""
        before = ops.pad(x[:, :-1], ((0, 0), (1, 0)), constant_values=BOUNDARY)
        if training and self.word_dropout:
            draw = keras.random.uniform(ops.shape(before), seed=self.noise)
            dropped = ops.logical_and(draw < self.word_dropout, before > BOUNDARY)
            before = ops.where(dropped, UNKNOWN, before)
        z = self._with_labels(z, labels)
        hidden = self._hidden([z, before, self.starter(z)], training=training)
        # Of a batch of sentences, two thirds are padding: their logits would cost the most.
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
        """Return the likeliest units one after the other, (batch, time)."""
        return self.unroll(self._with_labels(z, labels), lambda logits: ops.argmax(logits, axis=-1))

    def generate(self, n, labels=None):
        z = self.prior.sample(n, self.sampling_noise)

        def draw(logits):
            scaled = logits / self.temperature
            return keras.random.categorical(scaled, 1, seed=self.sampling_noise)[:, 0]

        return self.unroll(self._with_labels(z, labels), draw)

    def unroll(self, z, choose):
        """Return tokens (batch, time), each chosen from its logits, padded after the border."""
        steps = self.max_length or LONGEST
        signs = [-1e9 if i in (PADDING, UNKNOWN) else 0.0 for i in range(self.tokenizer.size)]
        known = len(self.tokenizer.vocabulary or ()) + BOUNDARY + 1
        if self.tokenizer.unit != "byte":  # numbers that no unit has
            signs[known:] = [-1e9] * (self.tokenizer.size - known)
        signs = np.array(signs, "float32")

        def step(i, carry):
            tokens, last, state = carry
            logits, state = self.decoder([z, last[:, None], state])
            chosen = ops.cast(choose(logits[:, 0] + signs), "int32")
            ended = ops.logical_and(i > 0, ops.logical_or(last == BOUNDARY, last == PADDING))
            chosen = ops.where(ended, PADDING, chosen)
            here = ops.cast(ops.arange(steps) == i, "int32")
            return tokens + chosen[:, None] * here, chosen, state

        first = ops.cast(ops.zeros_like(z[:, 0]), "int32")
        start = (first[:, None] * ops.zeros((1, steps), "int32"), first + BOUNDARY, self.starter(z))
        return ops.fori_loop(0, steps, step, start)[0]

    # Verbs on raw data.

    def sample(self, n=1, *, seed=None, batch_size=256, labels=None, temperature=1.0, avoid=()):
        """Draw n texts.

        Args:
            n, seed, batch_size, labels: As in `Model.sample`.
            temperature: Of the choice among units: below 1 is safer, above wilder.
            avoid: Texts that must not come, as those of training: they are drawn again.

        Raises:
            ValueError: If the model writes hardly anything but texts to avoid.
        """
        if temperature <= 0:
            raise ValueError(f"`temperature` must be above 0. Received: temperature={temperature}")
        self.temperature.assign(temperature)
        draw = functools.partial(super().sample, n, batch_size=batch_size, labels=labels)
        written = {
            self.tokenizer.decode(self.tokenizer.encode(text)[: self.max_length]) for text in avoid
        }
        return draw_unlike(written, draw, seed)

    def decode(self, z, labels=None):
        """Return texts decoded from codes z, (n, latent_dim)."""
        z = np.asarray(z, "float32")
        if z.ndim != 2 or z.shape[1] != self.prior_dim():
            raise ValueError(
                f"z must have shape (n, {self.prior_dim()}). Received: shape {z.shape}"
            )
        labels = self.sampling_labels(len(z), labels)
        parts = (z,) if labels is None else (z, labels)
        return self.postprocess(self.map_batches(self._decode_codes, *parts))

    def report(self, x, y=None):
        """Return the bound, the KL, and how well texts come back through their code."""
        logs = self.evaluate(x, y, verbose=0, return_dict=True)
        texts, labels = self._texts(x), y if self.num_classes else None
        outputs = self.reconstruct(texts, labels)
        negative_elbo = logs["reconstruction"] + logs["kl"]
        lengths = [len(self.tokenizer.encode(text)) + 1 for text in texts]
        pairs = list(zip(texts, outputs, strict=True))
        words = {}
        if self.tokenizer.unit in ("word", "subword"):
            words["bleu"] = metrics.bleu(outputs, texts)
        return {
            "negative_elbo": negative_elbo,
            "reconstruction": logs["reconstruction"],
            "kl": logs["kl"],
            f"nats_per_{self.tokenizer.unit}": negative_elbo / np.mean(lengths),
            "active_units": metrics.active_units(self.encode(texts, labels)),
            "exact_reconstructions": np.mean([a == b for a, b in pairs]),
            "character_error_rate": metrics.character_error_rate(texts, outputs),
            **words,
        }, {}

    def answer(self, x):
        """Return texts after a way through the code."""
        texts = self._texts(x)
        outputs = self.reconstruct(texts, self.sampling_labels(len(texts)))
        return [{"reconstruction": output} for output in outputs], outputs

    def pictures(self, x, y=None):
        return {}

    def symptoms(self, history):
        """Say where the decoder ignores the code."""
        size = self.prior_dim()
        kl = history[-1].get("val_kl", history[-1].get("kl", size))
        if self.stage < max(0.3, self.warm_up) or kl > 0.05 * size:
            return {}
        return {
            "posterior_collapse": f"posterior collapse: the KL is {kl:.2g} nats for {size} "
            "latents, so the decoder ignores the code; raise `free_bits`, `warm_up` or "
            "`word_dropout`"
        }


def without_padding(tokens):
    """Return tokens (batch, time) up to the end of the longest text."""
    return tokens[:, : ops.max(ops.count_nonzero(tokens != PADDING, axis=1))]
