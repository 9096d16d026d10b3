"""Translation with an encoder and a decoder with attention (Luong et al., 2015,
https://arxiv.org/abs/1508.04025; Sutskever et al., 2014; Bahdanau et al., 2014).

The encoder reads the source in both directions. The decoder is a language model of the target. At
each step, it averages the encoder's outputs h_s with weights softmax(h_t . W h_s), and predicts
from this average and its own state h_t.
"""

from typing import Literal

import keras
import numpy as np
from keras import layers, ops

from .. import feeding
from ..backend import gradient_step
from ..checks import below_one, whole
from ..layers import Attention, NotPadding, Unmasked, recurrent_layer
from ..losses import averaged, single
from ..model import Model
from ..preprocessing import (
    BOUNDARY,
    PADDING,
    SPECIAL,
    UNKNOWN,
    Sentences,
    Tokenizer,
    padded,
    spaced,
)
from . import evaluation

__all__ = ["Translator", "build_translator"]


def build_translator(
    *,
    unit: Literal["character", "word", "subword", "byte"] = "subword",
    vocab_size: int = 2000,
    units: int = 256,
    embedding_dim: int = 128,
    cell: Literal["gru", "lstm"] = "gru",
    dropout: float = 0.2,
    label_smoothing: float = 0.1,
    max_length: int = 100,
    seed: int | None = None,
) -> "Translator":
    """Build a translator. Then `compile()`, `fit(sources, targets)` and `translate(texts)`.

    Args:
        unit: The units of texts: `"subword"`, `"character"` or `"word"`. Units missing in the
            target vocabulary are copied from the source.
        vocab_size: Maximum size of the vocabulary of each side.
        units: Size of the decoder's recurrent layer, and total size of the encoder's two.
        embedding_dim: Size of the embedding.
        cell: `"gru"` or `"lstm"`.
        dropout: Dropout rate of embeddings and outputs.
        label_smoothing: Label smoothing, from 0 to below 1.
        max_length: Maximum number of units of a text; longer texts are cut.
        seed: Seed of weights, noise and the order of data. `None` draws a new one.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> from genai_basics import build_translator
    >>> model = build_translator(units=16, embedding_dim=8, vocab_size=50, seed=0)
    >>> model.compile()
    >>> history = model.fit(["one", "two"] * 8, ["un", "deux"] * 8, epochs=1, verbose=0)
    >>> len(model.translate(["two"]))
    1
    """
    if units < 2 or units % 2:
        raise ValueError(f"`units` must be even and at least 2. Received: units={units}")
    below_one("label_smoothing", label_smoothing)
    below_one("dropout", dropout)
    seeds = keras.random.SeedGenerator(seed)
    sizes = {"cell": cell, "dropout": dropout, "seeds": seeds, "seed": seed}
    encoder = _encoder(vocab_size, embedding_dim, units, **sizes)
    decoder = _decoder(vocab_size, embedding_dim, units, **sizes)
    return Translator(
        encoder,
        decoder,
        Tokenizer(unit, vocab_size, name="source_tokenizer"),
        Tokenizer(unit, vocab_size, name="target_tokenizer"),
        label_smoothing=label_smoothing,
        max_length=max_length,
        seed=seed,
        name="translator",
    )


def _dense(units, seeds, **kwargs):
    return layers.Dense(units, kernel_initializer=keras.initializers.GlorotUniform(seeds), **kwargs)


def _embedded(tokens, size, embedding_dim, dropout, seeds, seed):
    init = keras.initializers.RandomNormal(0.0, 1.0, seed=seeds)
    x = layers.Embedding(size, embedding_dim, embeddings_initializer=init)(tokens)
    return layers.Dropout(dropout, seed=seed)(x)


def _encoder(size, embedding_dim, units, cell, dropout, seeds, seed):
    """Return the network source tokens -> [outputs (batch, time, units), *states]."""
    tokens = keras.Input((None,), dtype="int32", name="source")
    x = _embedded(tokens, size, embedding_dim, dropout, seeds, seed)
    there = NotPadding(name="not_padding")(tokens)
    layer = recurrent_layer(cell, units // 2, seeds, return_sequences=True, return_state=True)
    x, *states = layers.Bidirectional(layer)(x, mask=there)
    half = len(states) // 2
    joined = [layers.Concatenate()(pair) for pair in zip(states[:half], states[half:], strict=True)]
    states = [_dense(units, seeds, activation="tanh")(state) for state in joined]
    x = Unmasked(name="encoded")(layers.Dropout(dropout, seed=seed)(x))
    return keras.Model(tokens, [x, *states], name="encoder")


def _decoder(size, embedding_dim, units, cell, dropout, seeds, seed):
    """Return the network [target tokens, encoded, source tokens, *states] ->
    [logits, attention (batch, target time, source time), *states]."""
    tokens = keras.Input((None,), dtype="int32", name="target")
    encoded = keras.Input((None, units), name="encoded")
    source = keras.Input((None,), dtype="int32", name="source")
    before = [keras.Input((units,)) for _ in range(1 if cell == "gru" else 2)]
    x = _embedded(tokens, size, embedding_dim, dropout, seeds, seed)
    layer = recurrent_layer(cell, units, seeds, return_sequences=True, return_state=True)
    x, *states = layer(x, initial_state=before)
    keys = _dense(units, seeds, use_bias=False, name="keys")(encoded)
    seen, weights = Attention(name="attention")([x, keys, encoded, source])
    x = layers.Dropout(dropout, seed=seed)(layers.Concatenate()([x, seen]))
    # Fewer inputs of the logits, which would otherwise take most of the time.
    x = _dense(embedding_dim, seeds)(x)
    logits = _dense(size, seeds, name="logits")(x)
    return keras.Model(
        [tokens, encoded, source, *before], [logits, weights, *states], name="decoder"
    )


@keras.saving.register_keras_serializable(package="genai_basics")
class Translator(Model):
    """An `encoder` and a `decoder` (see `build_translator`) trained on pairs of texts.

    Args:
        encoder, decoder: Functional models.
        source_tokenizer, target_tokenizer: `Tokenizer`s.
        label_smoothing, max_length: As in `build_translator`.
    """

    # For commands, run folders and the audit; see evaluation.py.
    report, answer = evaluation.report_translations, evaluation.answer_translations
    pictures = evaluation.pictures_of_translations
    examples, exported = evaluation.examples_of_translations, evaluation.exported_translator

    can_sample = False
    reads_y = True
    batch_size = 128
    learning_rate = 2e-3
    tracked = ("accuracy",)
    loss_keyword = "`label_smoothing` of build_translator"

    def __init__(
        self,
        encoder,
        decoder,
        source_tokenizer,
        target_tokenizer,
        *,
        label_smoothing=0.1,
        max_length=100,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.encoder, self.decoder = encoder, decoder
        self.source_tokenizer, self.target_tokenizer = source_tokenizer, target_tokenizer
        self.label_smoothing, self.max_length = label_smoothing, max_length
        self.preprocessor = Sentences(source_tokenizer, max_length, "x")
        self.targets = Sentences(target_tokenizer, max_length, "y")
        self.built = True

    def default_optimizer(self, learning_rate):
        return keras.optimizers.Adam(learning_rate, global_clipnorm=1.0)

    # Data: texts as padded token numbers.

    def adapt(self, x, y=None):
        self.preprocessor.adapt(x)
        self.targets.adapt(y)

    def prepare(self, x, y=None, sample_weight=None):
        target = None if y is None else self.targets.prepare(y)
        return feeding.checked(self, self.preprocessor.prepare(x), target, sample_weight)

    def draws(self, data, batch_size, training=False, poisson=False):
        """Make batches of pairs of similar lengths, to reduce padding."""
        data, *weights = data[:2], *data[2:]
        lengths = [(part != PADDING).sum(axis=1) for part in data]
        n = len(lengths[0])

        def order(rng):
            rng, size = rng or np.random.default_rng(0), min(batch_size, n)
            rows = rng.permutation(n)
            rows = rows[np.argsort(sum(lengths)[rows], kind="stable")]
            first, steps = rng.integers(n % size + 1), n // size
            return rng.permutation(rows[first : first + steps * size].reshape(steps, size))

        def make(rows, rng):
            pairs = zip(data, lengths, strict=True)
            pairs = [part[rows][:, : own[rows].max(initial=1)] for part, own in pairs]
            return *pairs, *(part[rows] for part in weights)

        return {"n": n, "make": make, "order": order}

    # Training with teacher forcing: the decoder gets the true previous units.

    def call(self, inputs, training=False):
        """Return logits (batch, target time, vocabulary) of `(source, target)` tokens."""
        source, target = inputs
        encoded, *states = self.encoder(source, training=training)
        before = ops.pad(target[:, :-1], ((0, 0), (1, 0)), constant_values=BOUNDARY)
        return single(self.decoder([before, encoded, source, *states], training=training)[0])

    def loss_terms(self, x, y=None, training=False):
        """Return the mean cross-entropy of each target's units, in nats, and their accuracy.

        With label smoothing s in training: (1 - s) CE + s * the mean of -log p over all units.
        """
        logits = self((x, y), training=training)
        s, size = self.label_smoothing if training else 0.0, logits.shape[-1]
        wanted = (1 - s) * ops.one_hot(y, size) + s / size
        nats = ops.categorical_crossentropy(wanted, logits, from_logits=True)
        right = ops.cast(ops.argmax(logits, axis=-1), y.dtype) == y
        there, units = ops.cast(y != PADDING, "float32"), units_in(y)
        return {
            "loss": ops.sum(nats * there, axis=1) / units,
            "accuracy": ops.sum(ops.cast(right, "float32") * there, axis=1) / units,
        }

    def train_step(self, data):
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        share = share_of(y, weights)
        terms = gradient_step(
            lambda: averaged(self.loss_terms(x, y, training=True), share, self.losses),
            self.trainable_variables,
            self.optimizer,
        )
        return self.track(ops.sum(units_in(y)), terms)

    def test_step(self, data):
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        terms = averaged(self.loss_terms(x, y), share_of(y, weights), self.losses)
        return self.track(ops.sum(units_in(y)), terms)

    # Decoding.

    def search(self, source, beam, length):
        """Return the best targets by beam search, (batch, length), and their attention.

        A beam of 1 is greedy. The best target has the highest mean log p per unit. The attention
        is the source unit with the largest weight at each step, (batch, length).
        """
        batch = ops.shape(source)[0]
        encoded, *states = single(self.encoder(source))
        encoded, source, *states = (ops.repeat(p, beam, axis=0) for p in (encoded, source, *states))
        rows = ops.arange(batch) * beam
        scores = ops.tile([0.0] + [-1e9] * (beam - 1), (batch,))
        tokens = ops.zeros((batch * beam, length), "int32")
        looks = ops.zeros((batch * beam, length), "int32")
        last = ops.full((batch * beam,), BOUNDARY, "int32")
        done = ops.zeros((batch * beam,), "bool")

        def going(i, tokens, looks, last, done, *_):
            return ops.logical_and(i < length, ops.logical_not(ops.all(done)))

        def step(i, tokens, looks, last, done, scores, *states):
            outputs = self.decoder([last[:, None], encoded, source, *states])
            logits, weights, *after = single(outputs)
            log_p = ops.log_softmax(ops.cast(logits[:, 0], "float32"))
            size = log_p.shape[-1]
            only = ops.one_hot(PADDING, size)  # a finished target is padded at no cost
            log_p = log_p - 1e9 * ops.one_hot(PADDING, size)
            log_p = ops.where(done[:, None], (only - 1.0) * 1e9, log_p)
            total = ops.reshape(scores[:, None] + log_p, (batch, beam * size))
            scores, best = ops.top_k(total, beam)
            parent = ops.reshape(rows[:, None] + best // size, (-1,))
            unit = ops.cast(ops.reshape(best % size, (-1,)), "int32")
            look = ops.cast(ops.argmax(weights[:, 0], axis=-1), "int32")
            here = ops.arange(length)[None] == i
            tokens = ops.where(here, unit[:, None], ops.take(tokens, parent, axis=0))
            looks = ops.where(
                here, ops.take(look, parent)[:, None], ops.take(looks, parent, axis=0)
            )
            done = ops.logical_or(ops.take(done, parent), unit == BOUNDARY)
            after = [ops.take(state, parent, axis=0) for state in after]
            return i + 1, tokens, looks, unit, done, ops.reshape(scores, (-1,)), *after

        start = (0, tokens, looks, last, done, scores, *states)
        _, tokens, looks, _, _, scores, *_ = ops.while_loop(going, step, start)
        used = ops.sum(ops.cast(tokens != PADDING, "float32"), axis=1)
        mean = ops.reshape(scores / ops.maximum(used, 1.0), (batch, beam))
        best = rows + ops.cast(ops.argmax(mean, axis=1), rows.dtype)
        return ops.take(tokens, best, axis=0), ops.take(looks, best, axis=0)

    def translate(self, x, *, beam=4, length=None, batch_size=64):
        """Return the translations of a list of texts.

        Args:
            x: Texts.
            beam: Number of translations kept in the search; 1 is greedy.
            length: Maximum number of units of a translation. `None`: twice the source's plus ten.
            batch_size: Number of texts translated at a time.
        """
        whole("beam", beam, 1)
        texts = self.preprocessor.texts(x)
        numbers = self.preprocessor.numbers(texts)
        order = np.argsort([len(row) for row in numbers], kind="stable")
        found = [""] * len(texts)
        search = self.compile_once(self.search)
        for start in range(0, len(texts), batch_size):
            rows = order[start : start + batch_size]
            source = padded([numbers[i] for i in rows])
            # Few distinct lengths, since each is compiled once. The padding is masked.
            source = np.pad(source, ((0, 0), (0, -source.shape[1] % 8)))
            most = length or 2 * source.shape[1] + 10
            tokens, looks = map(ops.convert_to_numpy, search(source, beam, most))
            for i, target, look in zip(rows, tokens, looks, strict=True):
                found[i] = self._joined(target, look, texts[i])
        return found

    def _joined(self, target, looks, text):
        """Return the text of target units; unknown ones are copied from the source."""
        tokenizer = self.target_tokenizer
        if UNKNOWN not in target:
            return tokenizer.decode(target).strip()
        pieces = self.source_tokenizer.pieces(spaced(text))
        out = []
        for unit, look in zip(target, looks, strict=True):
            if unit == BOUNDARY:
                break
            copied = pieces[look] if unit == UNKNOWN and look < len(pieces) else ""
            out.append(tokenizer.unit_of(unit) if unit >= SPECIAL else copied)
        return "".join(out).strip()

    def predict(self, x, batch_size=None, verbose="auto", **kwargs):
        """Return the token numbers of greedy translations, (n, longest), 0 after their ends."""
        source = self.preprocessor.prepare(x)
        search, size = self.compile_once(self.search), batch_size or self.batch_size
        most = 2 * source.shape[1] + 10
        tokens = [search(source[i : i + size], 1, most)[0] for i in range(0, len(source), size)]
        return np.concatenate([ops.convert_to_numpy(part) for part in tokens])

    def attention(self, source, target=None):
        """Return `(weights, source units, target units)` of one pair; weights (target, source).

        By default, `target` is the model's translation.
        """
        target = self.translate([source])[0] if target is None else target
        sides = ((self.preprocessor, source), (self.targets, target or " "))
        tokens = [sentences.numbers([text])[0] for sentences, text in sides]
        read, written = (ops.convert_to_tensor(row[None]) for row in tokens)
        encoded, *states = self.encoder(read)
        before = ops.pad(written[:, :-1], ((0, 0), (1, 0)), constant_values=BOUNDARY)
        weights = single(self.decoder([before, encoded, read, *states])[1])
        tokenizers = (self.source_tokenizer, self.target_tokenizer)
        names = [
            [*map(tokenizer.unit_of, row[:-1]), "end"]
            for row, tokenizer in zip(tokens, tokenizers, strict=True)
        ]
        return ops.convert_to_numpy(weights)[0], *names


def units_in(y):
    """Return the number of units of each target, (batch,)."""
    return ops.sum(ops.cast(y != PADDING, "float32"), axis=1)


def share_of(y, weights=None):
    """Return what each target counts in the mean over a batch, (batch,): that over its units."""
    n = units_in(y)
    return n / ops.mean(n) * (1.0 if weights is None else ops.cast(weights, n.dtype))
