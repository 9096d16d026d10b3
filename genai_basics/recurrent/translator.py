"""Translation by an encoder and a decoder with attention (Luong et al., 2015,
https://arxiv.org/abs/1508.04025; Sutskever et al., 2014; Bahdanau et al., 2014).

The encoder reads the source both ways. The decoder is a language model of the target that, at
each step, looks at the encoder's outputs h_s with weights softmax(h_t . W h_s), and predicts from
its own state and what it saw.
"""

import contextlib

import keras
import numpy as np
from keras import layers, ops

from .. import metrics, plotting
from ..backend import drawn, gradient_step
from ..layers.cells import recurrent_layer
from ..model import Model
from ..preprocessing import BOUNDARY, PADDING, SPECIAL, UNKNOWN, Tokenizer

__all__ = ["Translator", "build_translator"]


def build_translator(
    *,
    unit="subword",
    vocab_size=2000,
    units=256,
    embedding_dim=128,
    cell="gru",
    dropout=0.2,
    label_smoothing=0.1,
    max_length=100,
    seed=None,
):
    """Build a translator. Then `compile()`, `fit(sources, targets)` and `translate(texts)`.

    Args:
        unit: What texts are made of: `"subword"`, `"character"` or `"word"`. What the vocabulary
            lacks is copied from the source.
        vocab_size: Most different units of each side.
        units: Size of the decoder's recurrent layer; the encoder's two have half of it each.
        embedding_dim: Size of a unit's vector.
        cell: `"gru"` or `"lstm"`.
        dropout: Share of the vectors and outputs that training leaves out.
        label_smoothing: Probability that is spread over all units in training, from 0 to 1.
        max_length: Most units of a text; longer pairs are not trained on.
        seed: Seed of weights, noise and the order of data. `None` draws a fresh one.

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
    if not 0 <= label_smoothing < 1:
        raise ValueError(
            "`label_smoothing` must be from 0 to below 1. "
            f"Received: label_smoothing={label_smoothing}"
        )
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
    # The logits of thousands of units would be most of the work if they were made of 2 * units.
    x = _dense(embedding_dim, seeds)(x)
    logits = _dense(size, seeds, name="logits")(x)
    return keras.Model(
        [tokens, encoded, source, *before], [logits, weights, *states], name="decoder"
    )


@keras.saving.register_keras_serializable(package="genai_basics")
class NotPadding(layers.Layer):
    """Tokens (batch, time) -> which of them are no padding."""

    def call(self, tokens):
        return tokens != PADDING

    def compute_output_spec(self, tokens):
        return keras.KerasTensor(tokens.shape, "bool")


@keras.saving.register_keras_serializable(package="genai_basics")
class Unmasked(layers.Layer):
    """x without the mask that Keras' layers attach to it: attention reads padding from tokens."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, x):
        return ops.copy(x)

    def compute_mask(self, inputs, previous_mask):
        return None

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable(package="genai_basics")
class Attention(layers.Layer):
    """`[queries, keys, values, source tokens]` -> what each query saw, and its weights.

    weights = softmax(queries . keys) over the source, padding left out.
    """

    def call(self, inputs):
        queries, keys, values, source = inputs
        scores = ops.matmul(queries, ops.transpose(keys, (0, 2, 1)))
        there = ops.cast(ops.expand_dims(source, 1) != PADDING, scores.dtype)
        weights = ops.softmax(scores - 1e9 * (1 - there), axis=-1)
        return ops.matmul(weights, values), weights

    def compute_output_shape(self, shapes):
        queries, keys, values, _ = shapes
        return (*queries[:2], values[2]), (*queries[:2], keys[1])


@keras.saving.register_keras_serializable(package="genai_basics")
class Translator(Model):
    """An `encoder` and a `decoder`, see `build_translator`, trained on pairs of texts.

    Args:
        encoder, decoder: Functional models.
        source_tokenizer, target_tokenizer: `Tokenizer`s.
        label_smoothing: Probability that is spread over all units in training.
        max_length: Most units of a text.
    """

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
        self.built = True

    def default_optimizer(self):
        return keras.optimizers.Adam(self.peak_learning_rate, global_clipnorm=1.0)

    # Data: texts to padded numbers.

    def texts(self, x, name="x"):
        if isinstance(x, str):
            raise ValueError(f"{name} must be a list of texts. Received: the text {x[:40]!r}")
        texts = [str(text) for text in x]
        empty = [i for i, text in enumerate(texts) if not text.strip()]
        if empty or not texts:
            place = f"text {empty[0]} of {name}" if texts else name
            raise ValueError(f"every text must hold something. Received: {place} empty")
        return texts

    def adapt(self, x, y=None):
        sides = ((self.source_tokenizer, x, "x"), (self.target_tokenizer, y, "y"))
        for tokenizer, texts, name in sides:
            if tokenizer.vocabulary is None:
                tokenizer.adapt([spaced(text) for text in self.texts(texts, name)])

    def numbers(self, texts, tokenizer):
        """Return the numbers of texts, each with a border after it, as a list of arrays."""
        rows = [tokenizer.encode(spaced(text))[: self.max_length] for text in texts]
        return [np.append(row, BOUNDARY).astype("int32") for row in rows]

    def prepare(self, x, y=None, sample_weight=None):
        sources = self.texts(x)
        parts = (padded(self.numbers(sources, self.source_tokenizer)),)
        if y is not None:
            targets = self.texts(y, "y")
            if len(targets) != len(sources):
                raise ValueError(
                    "x and y must have the same length. "
                    f"Received: lengths {[len(sources), len(targets)]}"
                )
            parts += (padded(self.numbers(targets, self.target_tokenizer)),)
        return parts

    def pipeline(
        self, x, y=None, sample_weight=None, *, batch_size=None, seed=None, start=0, training=False
    ):
        """Batches of pairs of like lengths, so that little is padding."""
        parts = self.prepare(x, y)
        lengths = [(part != PADDING).sum(axis=1) for part in parts]
        n = len(parts[0])
        size = min(batch_size or self.batch_size, n)
        steps = n // size if training else -(-n // size)
        orders = {}

        def order_of(epoch):
            if epoch not in orders:
                orders.clear()
                rng = np.random.default_rng([seed or 0, epoch])
                order = rng.permutation(n)
                if training:  # sorted within pools, then the batches shuffled
                    key = sum(part[order] for part in lengths) + order // n
                    order = order[np.argsort(key + rng.random(n), kind="stable")]
                    drop = rng.integers(n - steps * size + 1)
                    order = order[drop : drop + steps * size].reshape(steps, size)
                    order = rng.permutation(order).ravel()
                orders[epoch] = order
            return orders[epoch]

        def draw(step):
            epoch, row = divmod(step, steps)
            rows = order_of(epoch) if training else np.arange(n)
            rows = rows[row * size : (row + 1) * size]
            return tuple(
                part[rows][:, : own[rows].max()] for part, own in zip(parts, lengths, strict=True)
            )

        return drawn(draw, start=start, steps=None if training else steps)

    # Training, by teacher forcing: the decoder is told what stood before each unit.

    def call(self, inputs, training=False):
        """Return logits (batch, target time, vocabulary) of `(source, target)` tokens."""
        source, target = inputs
        encoded, *states = self.encoder(source, training=training)
        before = ops.pad(target[:, :-1], ((0, 0), (1, 0)), constant_values=BOUNDARY)
        return self.decoder([before, encoded, source, *states], training=training)[0]

    def losses(self, source, target, training=False):
        """Return the mean cross-entropy of the target's units in nats, and their accuracy.

        Training smooths: (1 - s) CE + s * the mean of -log p over all units.
        """
        logits = ops.cast(self((source, target), training=training), "float32")
        there = ops.cast(target != PADDING, "float32")
        s = self.label_smoothing if training else 0.0
        size = logits.shape[-1]
        wanted = (1 - s) * ops.one_hot(target, size) + s / size
        nats = ops.categorical_crossentropy(wanted, logits, from_logits=True)
        right = ops.cast(ops.cast(ops.argmax(logits, axis=-1), target.dtype) == target, "float32")
        total = ops.sum(there)
        return ops.sum(nats * there) / total, ops.sum(right * there) / total

    def example_losses(self, x, y=None, sample_weight=None, training=False):
        log_p = ops.log_softmax(ops.cast(self((x, y), training=training), "float32"))
        nats = -ops.take_along_axis(log_p, ops.expand_dims(y, -1), axis=-1)[..., 0]
        there = ops.cast(y != PADDING, "float32")
        return ops.sum(nats * there, axis=1) / ops.sum(there, axis=1)

    def transform(self, *batch):
        return batch  # numbers already

    def train_step(self, data):
        source, target = data
        losses = gradient_step(
            lambda: self.losses(source, target, training=True),
            self.trainable_variables,
            self.optimizer,
        )
        return self.track(ops.sum(ops.cast(target != PADDING, "float32")), *losses)

    def test_step(self, data):
        source, target = data
        return self.track(
            ops.sum(ops.cast(target != PADDING, "float32")), *self.losses(source, target)
        )

    # Decoding.

    def search(self, source, beam, length):
        """Return the best targets by beam search, (batch, length), and where each unit looked.

        A beam of 1 is greedy. Scores are sums of log p; a finished target keeps its own, divided
        by its length when the best is chosen.
        """
        batch = ops.shape(source)[0]
        encoded, *states = self.encoder(source)
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
            logits, weights, *after = self.decoder([last[:, None], encoded, source, *states])
            log_p = ops.log_softmax(ops.cast(logits[:, 0], "float32"))
            size = log_p.shape[-1]
            only = ops.one_hot(PADDING, size)  # a finished target goes on with padding, at no cost
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
            beam: How many translations are kept open at once; 1 takes the likeliest unit always.
            length: Most units of a translation. `None`: twice the source's and ten.
            batch_size: How many are translated at a time.
        """
        if beam < 1:
            raise ValueError(f"`beam` must be at least 1. Received: beam={beam}")
        texts = self.texts(x)
        numbers = self.numbers(texts, self.source_tokenizer)
        order = np.argsort([len(row) for row in numbers], kind="stable")
        found = [""] * len(texts)
        search = self.compile_once(self.search)
        for start in range(0, len(texts), batch_size):
            rows = order[start : start + batch_size]
            source = padded([numbers[i] for i in rows])
            # To few lengths, or every batch would be compiled anew; the mask leaves it out.
            source = np.pad(source, ((0, 0), (0, -source.shape[1] % 8)))
            most = length or 2 * source.shape[1] + 10
            tokens, looks = map(ops.convert_to_numpy, search(source, beam, most))
            for i, target, look in zip(rows, tokens, looks, strict=True):
                found[i] = self._joined(target, look, texts[i])
        return found

    def _joined(self, target, looks, text):
        """Return the text of target units; unknown ones are copied from where they looked."""
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
        """Return the numbers of greedy translations, (n, longest), 0 after their ends."""
        rows = self.numbers(self.texts(x), self.source_tokenizer)
        most = 2 * max(map(len, rows)) + 10
        search = self.compile_once(self.search)
        size = batch_size or self.batch_size
        source = padded(rows)
        tokens = [search(source[i : i + size], 1, most)[0] for i in range(0, len(rows), size)]
        return np.concatenate([ops.convert_to_numpy(part) for part in tokens])

    def attention(self, source, target=None):
        """Return `(weights, source units, target units)` of one pair; weights (target, source).

        `target` is the model's own translation where it is left out.
        """
        target = self.translate([source])[0] if target is None else target
        tokens = [
            self.numbers([text], tokenizer)[0]
            for text, tokenizer in (
                (source, self.source_tokenizer),
                (target or " ", self.target_tokenizer),
            )
        ]
        read, written = (ops.convert_to_tensor(row[None]) for row in tokens)
        encoded, *states = self.encoder(read)
        before = ops.pad(written[:, :-1], ((0, 0), (1, 0)), constant_values=BOUNDARY)
        weights = self.decoder([before, encoded, read, *states])[1]
        names = [
            [*(tokenizer.unit_of(n) for n in row[:-1]), "end"]
            for row, tokenizer in zip(
                tokens, (self.source_tokenizer, self.target_tokenizer), strict=True
            )
        ]
        return ops.convert_to_numpy(weights)[0], *names

    def report(self, x, y=None, *, beam=4):
        """Return exact share, BLEU and chrF; `beam` as in `translate`."""
        x, y = self.texts(x), self.texts(y, "y")
        references = {}
        for source, target in zip(x, y, strict=True):
            references.setdefault(source, []).append(target)
        sources = list(references)  # a source with several translations has several references
        found = self.translate(sources, beam=beam)
        lists = [references[source] for source in sources]
        logs = self.evaluate(x, y, verbose=0, return_dict=True)
        exact = np.mean([text in right for text, right in zip(found, lists, strict=True)])
        scores = {"exact": float(exact), "nats_per_unit": logs["loss"]}
        with contextlib.suppress(ImportError):  # without the extra, what is left says something
            scores |= {"bleu": metrics.bleu(found, lists), "chrf": metrics.chrf(found, lists)}
        return scores, {}

    def answer(self, x, *, beam=4):
        found = self.translate(x, beam=beam)
        return [{"translation": text} for text in found], found

    def pictures(self, x, y=None):
        """Return where each unit of a translation looked in the first source of middling length."""
        lengths = [len(text) for text in x]
        chosen = x[int(np.argsort(lengths)[len(lengths) // 2])]
        return {"attention": plotting.attention(*self.attention(chosen))}


def spaced(text):
    """Return a text with one space before each word, the first included."""
    return " " + " ".join(text.split())


def padded(rows):
    """Return rows of numbers as one int32 array, filled up with 0."""
    out = np.zeros((len(rows), max(map(len, rows))), "int32")
    for row, numbers in zip(out, rows, strict=True):
        row[: len(numbers)] = numbers
    return out
