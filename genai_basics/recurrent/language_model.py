"""Language models: a recurrent network predicts the next unit of a text (Graves, 2013,
https://arxiv.org/abs/1308.0850).

p(text) is the product of p(unit | all previous units); the loss is the mean negative logarithm
in nats. The units are characters, bytes, words or sub-words.
"""

from collections.abc import Sequence
from typing import Literal

import keras
import numpy as np
from keras import layers, ops

from .. import feeding
from ..checks import at_least, below_one, whole
from ..preprocessing import BOUNDARY, PADDING, SPECIAL, UNKNOWN, Tokenizer
from . import evaluation
from .music_model import build_music_model
from .sequences import SequenceModel, recurrent_stack, uniforms_of
from .streams import Streams

__all__ = ["LanguageModel", "build_language_model"]

VOCABULARY = {"character": 256, "byte": 259, "word": 4000, "subword": 2000}


def build_language_model(
    alphabet: Sequence[str] | str | None = None,
    *,
    unit: Literal["character", "word", "subword", "byte"] = "character",
    vocab_size: int | None = None,
    units: int = 256,
    num_layers: int = 1,
    cell: Literal["gru", "lstm"] = "gru",
    embedding_dim: int = 64,
    tied: bool = False,
    dropout: float = 0.1,
    window: int = 50,
    pitches=None,
    seed: int | None = None,
) -> "LanguageModel":
    """Build a recurrent language model. Then `compile()`, `fit(texts)` and `sample(n)`.

    Args:
        alphabet: The characters of the texts, if known; otherwise `fit` finds them.
        unit: The unit of prediction: `"character"`, `"byte"`, `"word"` or `"subword"`.
        vocab_size: Maximum size of the vocabulary. `None`: that of the alphabet, 256 characters,
            4,000 words or 2,000 sub-words; other units count as unknown.
        units: Size of each recurrent layer.
        num_layers: Number of recurrent layers.
        cell: `"gru"` or `"lstm"`.
        embedding_dim: Size of the embedding.
        tied: Whether the output layer shares the embedding's weights.
        dropout: Dropout rate of the recurrent layers' outputs.
        window: Number of units over which gradients are computed; the state is carried further.
        pitches: `(lowest, highest)` MIDI pitch, to learn polyphonic music instead of text.
        seed: Seed of weights, noise and the order of data. `None` draws a new one.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> from genai_basics import build_language_model
    >>> model = build_language_model("ab ", units=16, window=10, seed=0)
    >>> model.compile()
    >>> history = model.fit(["ab abab ba " * 20], epochs=1, verbose=0)
    >>> len(model.sample(2, length=30, seed=0))
    2
    """
    for name, value in (("units", units), ("num_layers", num_layers), ("window", window)):
        whole(name, value, 1)
    below_one("dropout", dropout)
    recurrent = {"units": units, "num_layers": num_layers, "cell": cell}
    recurrent |= {"dropout": dropout, "seed": seed}
    if pitches is not None:
        return build_music_model(pitches, window=window, **recurrent)
    vocabulary = None
    if alphabet is not None and unit == "character":
        vocabulary = sorted(set(alphabet))
        vocab_size = vocab_size or len(vocabulary) + SPECIAL
    tokenizer = Tokenizer(unit, vocab_size or VOCABULARY.get(unit, SPECIAL + 1), vocabulary)
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    embedding = layers.ReversibleEmbedding if tied else layers.Embedding
    # PyTorch's scale, since with Keras' default the input initially has little effect.
    spread = embedding_dim**-0.5 if tied else 1.0
    init = keras.initializers.RandomNormal(0.0, spread, keras.random.SeedGenerator(seed))
    embedding = embedding(tokenizer.size, embedding_dim, embeddings_initializer=init)
    x, states, after = recurrent_stack(embedding(tokens), **recurrent)
    if tied:
        x = embedding(
            layers.Dense(embedding_dim, kernel_initializer=_glorot(seed))(x), reverse=True
        )
    else:
        x = layers.Dense(tokenizer.size, kernel_initializer=_glorot(seed))(x)
    network = keras.Model([tokens, *states], [x, *after], name="network")
    return LanguageModel(network, tokenizer, window=window, seed=seed, name="language_model")


def _glorot(seed):
    return keras.initializers.GlorotUniform(keras.random.SeedGenerator(seed))


@keras.saving.register_keras_serializable(package="genai_basics")
class LanguageModel(SequenceModel):
    """A language model of any network `[tokens, *states] -> [logits, *states]`.

    `fit` takes a list of texts, each a separate document, or one long text.

    Args:
        network: See `SequenceModel`.
        tokenizer: A `Tokenizer`.
        opening: Text that samples without a prompt continue; `None`: the beginning of a text.
    """

    # For commands, run folders and the audit; see evaluation.py.
    report, answer = evaluation.report_text, evaluation.answer_text
    examples, exported = evaluation.examples_of_writing, evaluation.exported_language_model

    def __init__(self, network, tokenizer, *, opening=None, **kwargs):
        super().__init__(network, **kwargs)
        self.tokenizer, self.opening = tokenizer, opening
        self.preprocessor = tokenizer

    def save_own_variables(self, store):
        super().save_own_variables(store)
        store["opening"] = np.array([ord(letter) for letter in self.opening or ""], "int32")

    def load_own_variables(self, store):
        store = {name: store[name] for name in sorted(store.keys())}
        self.opening = "".join(map(chr, store.pop("opening", ()))) or None
        super().load_own_variables(store)

    def adapt(self, x, y=None):
        texts = self.texts(x)
        if self.tokenizer.vocabulary is None:
            self.tokenizer.adapt(texts)
        if len(texts) == 1 and "\n" in texts[0] and not self.tokenizer.unknown_in("\n"):
            self.opening = "\n"

    def texts(self, x):
        """Return raw x as a list of texts, at least one of which is not empty."""
        texts = [x] if isinstance(x, str) else [str(text) for text in x]
        if not any(texts):
            raise ValueError("there is no text to learn from. Received: x that is empty")
        return texts

    def documents(self, x):
        return self.preprocessor.prepare([text for text in self.texts(x) if text])

    def prepare(self, x, y=None, sample_weight=None):
        found = self.documents(x)
        if len(found) == 1 and len(found[0]) <= self.window:
            raise ValueError(
                f"a text to learn from must be longer than `window`={self.window}. "
                f"Received: a text of {len(found[0]) - 1} {self.tokenizer.unit}s"
            )
        return feeding.checked(self, Streams(found, self.window), None, sample_weight)

    def nats(self, outputs, targets):
        return ops.sparse_categorical_crossentropy(targets, outputs, from_logits=True)

    def sample(
        self,
        n=1,
        *,
        seed=None,
        prompt="",
        length=500,
        temperature=1.0,
        top_k=None,
        top_p=None,
        batch_size=256,
    ):
        """Return a list of n texts.

        Args:
            n: Number of texts.
            seed: The same seed gives the same texts, also in a new process. A smaller n gives the
                first of them. `None` draws new ones.
            prompt: The beginning of each text, which is included in the result.
            length: Maximum number of units after the prompt; a text may end earlier.
            temperature: Divides the logits: below 1 is safer, above 1 more random; 0 is greedy.
            top_k: Sample from the k most probable units only.
            top_p: Sample from the most probable units whose probabilities add up to this.
            batch_size: Number of texts that are generated at a time.
        """
        whole("n", n, 1)
        whole("length", length, 1)
        options, first = self._sampling(temperature, top_k, top_p), self._first(prompt)
        seed = int(np.random.default_rng().integers(2**31)) if seed is None else seed
        texts = []
        for start in range(0, n, batch_size):
            rows = range(start, min(start + batch_size, n))
            uniforms = uniforms_of(seed, rows, (length,))
            tokens, *_ = self._advance(self.begin(first, len(rows)), uniforms, options)
            texts += [prompt + text for text in self.preprocessor.invert(tokens.T)]
        return texts

    def stream(self, prompt="", *, seed=None, length=500, temperature=1.0, top_k=None, top_p=None):
        """Yield one sample in pieces while it is generated: `sample(1)` with these arguments."""
        options, first = self._sampling(temperature, top_k, top_p), self._first(prompt)
        uniforms = uniforms_of(seed, [0], (length,))
        after, written, shown = self.begin(first, 1), [], ""
        yield prompt
        for start in range(0, length, 16):
            tokens, *after = self._advance(after, uniforms[start : start + 16], options)
            written += tokens[:, 0].tolist()
            text = self.tokenizer.decode(written)
            whole = text.rstrip("\N{REPLACEMENT CHARACTER}")  # incomplete bytes of a character
            yield whole[len(shown) :]
            shown = whole
            if BOUNDARY in written:
                break

    def _sampling(self, temperature, top_k, top_p):
        at_least("temperature", temperature, 0)
        if top_k is not None:
            whole("top_k", top_k, 1)
        if top_p is not None and not 0 < top_p <= 1:
            raise ValueError(f"`top_p` must be above 0 and at most 1. Received: top_p={top_p}")
        size = self.tokenizer.size
        top_k = size if top_k is None else min(top_k, size)
        return np.float32(temperature), np.int32(top_k), np.float32(1.0 if top_p is None else top_p)

    def _first(self, prompt):
        unknown = self.tokenizer.unknown_in(prompt)
        if unknown:
            known = "".join(u for u in self.tokenizer.vocabulary if len(u) == 1).strip()
            raise ValueError(
                f"`prompt` contains {self.tokenizer.unit}s that the model has never seen: "
                f"{' '.join(map(repr, unknown[:5]))}; it knows {known[:200]}"
            )
        if not prompt and self.opening:
            prompt = self.opening
        return np.concatenate([[BOUNDARY], self.tokenizer.encode(prompt)]).astype("int32")

    def _advance(self, after, uniforms, options):
        outputs, *states = after
        _, top_k, top_p = options
        cut = top_k < self.tokenizer.size or top_p < 1.0
        advance = self.compile_once(self.advance_cut if cut else self.advance)
        tokens, *after = advance(outputs, states, uniforms, *options)
        return ops.convert_to_numpy(tokens), *after

    def advance_cut(self, outputs, states, uniforms, temperature, top_k, top_p):
        """Like `advance`, but sorts the units in every step, for `top_k` and `top_p`."""
        return self.advance(outputs, states, uniforms, temperature, top_k, top_p, True)

    def choose(self, outputs, uniforms, temperature, top_k=None, top_p=None, cut=False):
        special = np.zeros(outputs.shape[-1], "float32")
        special[[PADDING, UNKNOWN]] = -1e9  # never written
        logits = outputs + special
        greedy = ops.cast(ops.argmax(logits, axis=-1), "int32")
        logits = logits / ops.maximum(temperature, 1e-6)
        p = ops.softmax(logits)
        if cut:
            ranked = ops.flip(ops.sort(p, axis=-1), axis=-1)
            before = ops.cumsum(ranked, axis=-1) - ranked  # total of more probable units
            ranks = ops.arange(outputs.shape[-1], dtype="int32")
            kept = ops.logical_and(before < top_p, ranks < top_k)
            least = ops.min(ops.where(kept, ranked, 2.0), axis=-1, keepdims=True)
            p = ops.where(p >= least, p, 0.0)
        mass = ops.cumsum(p, axis=-1)
        drawn = ops.sum(ops.cast(mass <= uniforms[:, None] * mass[:, -1:], "int32"), axis=-1)
        drawn = ops.minimum(drawn, outputs.shape[-1] - 1)
        return ops.where(temperature > 0, drawn, greedy)

    # Methods on raw data.

    def predict(self, x, batch_size=None, verbose="auto", **kwargs):
        """Return the probabilities of the unit that follows each text, (n, vocabulary)."""
        read = self.compile_once(self.read)
        rows = [read(self._first(text)[None])[0] for text in ([x] if isinstance(x, str) else x)]
        return ops.convert_to_numpy(ops.softmax(ops.concatenate(rows, axis=0)))
