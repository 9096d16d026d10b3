"""Speech to text by connectionist temporal classification (Graves et al., 2006,
https://www.cs.toronto.edu/~graves/icml_2006.pdf; Amodei et al., 2015).

A log-mel spectrogram of the samples passes through strided convolutions and bidirectional recurrent
layers, which predict for each frame a symbol or none (the blank). The loss is -log of the total
probability of all alignments of a transcription with the frames.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

import keras
import numpy as np
from keras import layers, ops

from .. import feeding
from ..backend import gradient_step
from ..checks import at_least, below_one, channels_last, whole, widths
from ..layers import LogMel, StridedConv, Within, recurrent_layer
from ..losses import averaged, single
from ..model import Model
from ..preprocessing import Waves, padded
from ..warning import warn
from . import evaluation
from .connected_speech import ConnectedSpeech
from .ctc import Scorer, beam_search, collapse, least_frames, share_of, symbols_in

__all__ = ["SpeechRecognizer", "build_speech_recognizer"]

LETTERS = " 'abcdefghijklmnopqrstuvwxyz"
QUIET = 1e-9  # a clip whose loudest sample is below this is silent


def build_speech_recognizer(
    sample_rate: int = 16000,
    alphabet: Sequence[str] | str | None = None,
    *,
    class_names: Iterable[str] | None = None,
    units: int = 96,
    num_layers: int = 1,
    filters: Sequence[int] = (96, 128),
    bands: int = 40,
    cell: Literal["gru", "lstm"] = "gru",
    dropout: float = 0.0,
    concatenate: int = 1,
    noise: float = 0.02,
    speed: float = 0.15,
    stretch: float = 0.0,
    max_seconds: float = 20.0,
    seed: int | None = None,
) -> "SpeechRecognizer":
    """Build a speech recognizer. Then `compile()`, `fit(clips, texts)`, `transcribe(clips)`.

    Args:
        sample_rate: Samples per second.
        alphabet: Characters of the transcriptions. `None`: the space, ' and a to z.
        class_names: Words, if each clip is labelled with one word: words are then the symbols.
        units: Size of each recurrent layer, in each direction.
        num_layers: Number of recurrent layers.
        filters: Channels of the convolutions; each halves the number of frames.
        bands: Number of mel bands of the spectrogram.
        cell: `"gru"` or `"lstm"`.
        dropout: Dropout rate of the layers' outputs.
        concatenate: Maximum number of clips that are joined in training, to learn connected
            speech from recordings of single words.
        noise: Maximum standard deviation of the noise added in training, for a loudest sample of 1.
        speed: Maximum relative change of speed in training.
        stretch: Maximum relative change of the speaker's vocal tract length in training. 0.15
            helps with new speakers; 0 learns the speakers of the training data faster.
        max_seconds: Longer clips are cut.
        seed: Seed of weights, noise and the order of data. `None` draws a new one.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> import numpy as np
    >>> from genai_basics import build_speech_recognizer
    >>> model = build_speech_recognizer(8000, "ab", units=8, filters=(8,), seed=0)
    >>> model.compile()
    >>> clips = [np.sin(np.arange(2000) / 5), np.sin(np.arange(2000) / 9)] * 4
    >>> history = model.fit(clips, ["a", "b"] * 4, epochs=1, verbose=0)
    >>> len(model.transcribe(clips[:2]))
    2
    """
    channels_last()
    for name, value in (("units", units), ("num_layers", num_layers), ("concatenate", concatenate)):
        whole(name, value, 1)
    widths("filters", filters)
    below_one("dropout", dropout)
    below_one("speed", speed)
    below_one("stretch", stretch)
    at_least("noise", noise, 0)
    symbols = tuple(class_names) if class_names else tuple(dict.fromkeys(alphabet or LETTERS))
    if concatenate > 1 and not class_names and any(len(s) > 0 for s in symbols):
        symbols = symbols if " " in symbols else (*symbols, " ")
    seeds = keras.random.SeedGenerator(seed)
    init = {"kernel_initializer": keras.initializers.GlorotUniform(seeds)}
    mel = keras.Input((None, bands), name="log_mel")
    frames = keras.Input((), dtype="int32", name="frames")
    x, n = mel, frames
    for width in filters:
        x, n = StridedConv(width, 5, 2, **init)([x, n])
        x = layers.Dropout(dropout, seed=seed)(layers.LayerNormalization()(x))
    there = Within(name="within")([x, n])
    for _ in range(num_layers):
        layer = recurrent_layer(cell, units, seeds, return_sequences=True)
        x = layers.Bidirectional(layer)(x, mask=there)
        x = layers.Dropout(dropout, seed=seed)(x)
    logits = layers.Dense(len(symbols) + 1, **init)(x)  # 0 is the blank
    network = keras.Model([mel, frames], [logits, n], name="network")
    return SpeechRecognizer(
        network,
        LogMel(sample_rate, bands, floor=1e-9, name="log_mel"),
        symbols,
        whole_words=bool(class_names),
        concatenate=concatenate,
        noise_level=noise,
        speed=speed,
        stretch=stretch,
        max_seconds=max_seconds,
        seed=seed,
        name="speech_recognizer",
    )


@keras.saving.register_keras_serializable(package="genai_basics")
class SpeechRecognizer(Model):
    """A network `[log-mel, frames] -> [logits of blank and symbols, frames]` on raw clips.

    Args:
        network: Functional model; see `build_speech_recognizer`.
        log_mel: The layer that computes the spectrogram.
        symbols: The recognized characters or words.
        whole_words: Whether the symbols are words.
        concatenate, noise_level, speed, stretch, max_seconds: Variation of clips in training.
    """

    # For commands, run folders and the audit; see evaluation.py.
    report, answer = evaluation.report_speech, evaluation.answer_speech
    examples, exported = evaluation.examples_of_speech, evaluation.exported_recognizer
    losses_by_example, errors_of = evaluation.losses_of_speech, evaluation.errors_of_speech

    can_sample = False
    sums = "float64"  # their rounding then does not depend on the padding
    reads_y = True
    batch_size = 32
    learning_rate = 2e-3
    loss_keyword = "no keyword: it is the CTC loss"

    def __init__(
        self,
        network,
        log_mel,
        symbols,
        *,
        whole_words=False,
        concatenate=1,
        noise_level=0.02,
        speed=0.15,
        stretch=0.0,
        max_seconds=20.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.network, self.log_mel = network, log_mel
        self.symbols, self.whole_words = tuple(symbols), whole_words
        self.concatenate, self.noise_level, self.speed = concatenate, noise_level, speed
        self.stretch, self.max_seconds = stretch, max_seconds
        self.preprocessor = Waves(log_mel.sample_rate, max_seconds, name="waves")
        self.weighs_examples = concatenate == 1  # clips that training joins have one loss
        self.number_of = {symbol: i + 1 for i, symbol in enumerate(self.symbols)}
        self.built = True

    def default_optimizer(self, learning_rate):
        return keras.optimizers.Adam(learning_rate, global_clipnorm=1.0)

    # Data: clips and symbol numbers.

    def numbers(self, y):
        """Return transcriptions (or labels of single words) as lists of symbol numbers from 1."""
        found = []
        for text in y:
            if not isinstance(text, str):
                units = [self.symbols[int(text)]] if self.whole_words else list(str(text))
            else:
                units = text.split() if self.whole_words else list(text)
            unknown = [unit for unit in units if unit not in self.number_of]
            if unknown:
                raise ValueError(
                    f"transcriptions must be made of {''.join(self.symbols)!r:.80}. "
                    f"Received: {unknown[0]!r} in {str(text)[:60]!r}"
                )
            found.append([self.number_of[unit] for unit in units])
        return found

    def text(self, numbers):
        """Return the text of symbol numbers."""
        joint = " " if self.whole_words else ""
        return joint.join(self.symbols[number - 1] for number in numbers).strip()

    def waves(self, x):
        """Return raw clips as arrays: `samples` (n, longest) and `length` (n,)."""
        if hasattr(x, "shape") and len(x.shape) == 1 and x.dtype != object:
            raise ValueError("x must be a list of clips. Received: one clip")
        return self.preprocessor.prepare(x)

    def frames_of(self, samples):
        """Return the number of frames of the network's outputs for a number of samples."""
        frames = self.log_mel.num_frames(samples)
        for layer in self.network.layers:
            if isinstance(layer, StridedConv):
                frames = -(-frames // layer.strides)
        return frames

    def pairs(self, x, y):
        """Return clips and numbers, without clips that are too short, and which were kept."""
        if y is None:
            raise ValueError("transcriptions are needed: pass y. Received: y=None")
        waves, numbers = self.waves(x), self.numbers(y)
        clips = [row[:n] for row, n in zip(waves["samples"], waves["length"], strict=True)]
        if len(clips) != len(numbers) or not clips:
            raise ValueError(
                "x and y must have the same length, 1 at least. "
                f"Received: lengths {[len(clips), len(numbers)]}"
            )
        fits = [
            self.frames_of(len(c)) >= least_frames(n) for c, n in zip(clips, numbers, strict=True)
        ]
        if not all(fits):
            i = fits.index(False)
            said = f"clip {i} ({len(clips[i]) / self.log_mel.sample_rate:.2f} s for {y[i]!r})"
            if not any(fits):
                raise ValueError(f"every clip is too short for its transcription, as {said}")
            warn(
                f"{len(fits) - sum(fits)} of {len(fits)} clips are too short for their "
                f"transcriptions, as {said}, and are left out"
            )
        keep = [i for i, fit in enumerate(fits) if fit]
        return [clips[i] for i in keep], [numbers[i] for i in keep], keep

    def prepare(self, x, y=None, sample_weight=None):
        clips, numbers, keep = self.pairs(x, y)
        if sample_weight is not None and len(sample_weight) == len(x):
            sample_weight = np.asarray(sample_weight)[keep]
        return feeding.checked(self, *self.batch_of(clips, numbers), sample_weight)

    def batch_of(self, clips, numbers):
        """Return clips and symbol numbers as arrays, padded with 0."""
        count = np.array([len(row) for row in numbers], "int32")
        return self.preprocessor.prepare(clips), {"symbols": padded(numbers), "count": count}

    def draws(self, data, batch_size, training=False, poisson=False):
        """Join and vary clips in training."""
        if not training:
            return None
        waves, y, *weights = data
        clips = [row[:n] for row, n in zip(waves["samples"], waves["length"], strict=True)]
        numbers = [row[:n].tolist() for row, n in zip(y["symbols"], y["count"], strict=True)]
        return {"n": len(clips), "make": ConnectedSpeech(self, clips, numbers, *weights).make}

    def fit(self, x=None, y=None, *args, validation_data=None, **kwargs):
        """Train on raw clips: `keras.Model.fit`. See `Model.fit`.

        If training joins clips, those of `validation_data` are joined, too, always alike.
        """
        if validation_data is not None and self.concatenate > 1:
            validation_data = self.join(*validation_data[:2], self.concatenate)
        return super().fit(x, y, *args, validation_data=validation_data, **kwargs)

    def join(self, x, y, most, *, least=1, seed=0):
        """Return as many new clips as x has, each of `least` to `most` ones, and their texts."""
        clips, numbers, _ = self.pairs(x, y)
        rng = np.random.default_rng(seed)
        speech = ConnectedSpeech(self, clips, numbers)
        found = []
        for _ in clips:
            rows = rng.integers(len(clips), size=rng.integers(least, most + 1))
            found.append(speech.joined(rows, rng, vary=False))
        return [clip for clip, _ in found], [self.text(symbols) for _, symbols in found]

    # The network on samples.

    def call(self, inputs, training=False):
        """Return logits (batch, frames, 1 + symbols) of `samples` (batch, time) with `length`."""
        return self.outputs_of(inputs, training)[0]

    def outputs_of(self, inputs, training=False):
        """Return logits, and the number of frames of each clip."""
        samples, length = inputs["samples"], inputs["length"]
        # Clips are scaled to full scale, so that loudness has no effect.
        loudest = ops.max(ops.abs(samples), axis=1, keepdims=True)
        x = self.log_mel(samples / ops.maximum(loudest, QUIET))
        frames = self.log_mel.num_frames(length)
        there = ops.arange(ops.shape(x)[1])[None] < frames[:, None]
        there = ops.expand_dims(ops.cast(there, x.dtype), -1)
        # One mean for all bands, since the mean of a band of a short word is its vowel.
        total = ops.reshape(ops.cast(frames, self.sums), (-1, 1, 1)) * x.shape[-1]
        mean = ops.sum(ops.cast(x * there, self.sums), axis=(1, 2), keepdims=True) / total
        x = (x - ops.cast(mean, x.dtype)) * there
        power = ops.sum(ops.cast(x * x, self.sums), axis=(1, 2), keepdims=True)
        spread = ops.cast(ops.sqrt(power / total), x.dtype)
        x = x / (spread + 1e-3)
        if training:
            x = self.mask_bands(self.stretch_bands(x) if self.stretch else x)
        logits, frames = self.network([x, frames], training=training)
        return single(logits), frames

    def stretch_bands(self, x):
        """Stretch and shift the bands of each clip, like another vocal tract.

        Vocal tract length perturbation (Jaitly & Hinton, 2013), on the mel scale: band i takes
        the values at band scale * i + shift. This helps to generalize from few speakers.
        """
        batch, bands = ops.shape(x)[0], x.shape[-1]
        place = ops.arange(bands, dtype="float32")
        scale = 1.0 + keras.random.uniform((batch, 1), -1, 1, seed=self.noise) * self.stretch
        shift = keras.random.uniform((batch, 1), -1, 1, seed=self.noise) * self.stretch * bands / 3
        source = ops.clip(place * scale + shift, 0.0, bands - 1.0)
        near = ops.relu(1.0 - ops.abs(source[:, None, :] - place[None, :, None]))
        return ops.matmul(x, ops.cast(near, x.dtype))  # linear interpolation between two bands

    def mask_bands(self, x):
        """Set some adjacent bands of each clip to zero (Park et al., 2019, SpecAugment)."""
        bands = x.shape[-1]
        batch = ops.shape(x)[0]
        width = keras.random.uniform((batch, 1), 0, bands / 5, seed=self.noise)
        first = keras.random.uniform((batch, 1), 0, bands, seed=self.noise)
        place = ops.arange(bands, dtype="float32")[None]
        kept = ops.logical_or(place < first, place > first + width)
        return x * ops.cast(kept, x.dtype)[:, None]

    def loss_terms(self, x, y=None, training=False):
        """Return the CTC loss of each clip in nats per symbol, (batch,)."""
        logits, frames = self.outputs_of(x, training)
        nats = ops.ctc_loss(y["symbols"], logits, y["count"], frames, mask_index=0)
        return {"loss": nats / symbols_in(y)}

    def train_step(self, data):
        x, y, share = share_of(*data)
        terms = gradient_step(
            lambda: averaged(self.loss_terms(x, y, training=True), share, self.losses),
            self.trainable_variables,
            self.optimizer,
        )
        return self.track(ops.sum(symbols_in(y)), terms)

    def test_step(self, data):
        x, y, share = share_of(*data)
        terms = averaged(self.loss_terms(x, y), share, self.losses)
        return self.track(ops.sum(symbols_in(y)), terms)

    # Methods on raw data.

    def log_probabilities(self, x, batch_size=None):
        """Return log p of blank and symbols for the frames of each clip, as a list of arrays."""
        waves, size = self.waves(x), batch_size or self.batch_size
        order = np.argsort(waves["length"], kind="stable")
        compute = self.compile_once(self._log_probabilities)
        found = [None] * len(order)
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            batch = self.preprocessor({name: part[rows] for name, part in waves.items()})
            log_p, frames = map(ops.convert_to_numpy, compute(batch))
            for i, part, n in zip(rows, log_p, frames, strict=True):
                found[i] = part[:n]
        return found

    def _log_probabilities(self, inputs):
        logits, frames = self.outputs_of(inputs)
        return ops.log_softmax(ops.cast(logits, "float32")), frames

    def transcribe(self, x, *, beam=None, language_model=None, weight=0.5, batch_size=None):
        """Return the text of each clip, as a list of texts.

        Args:
            x: Clips.
            beam: 1 takes the most probable symbol of each frame. Larger values keep this many texts
                in a search that sums over alignments. `None`: 1, or 8 with a language model.
            language_model: A trained character `LanguageModel` that scores texts in the search of
                a character recognizer.
            weight: Weight of the language model: texts are ranked by log p(text | clip) + weight *
                log p(text).
            batch_size: Number of clips per batch.
        """
        if beam is None:
            beam = 1 if language_model is None else 8
        whole("beam", beam, 1)
        score = None if language_model is None else Scorer(language_model, self.symbols, weight)
        rows = self.log_probabilities(x, batch_size)
        if beam == 1 and score is None:
            return [self.text(collapse(row.argmax(axis=1))) for row in rows]
        return [self.text(beam_search(row, beam, score)) for row in rows]

    def predict(self, x, batch_size=None, verbose="auto", **kwargs):
        """Return probabilities (n, frames, 1 + symbols), 0 after the end of a clip."""
        rows = self.log_probabilities(x, batch_size)
        longest = max(map(len, rows))
        return np.stack([np.pad(np.exp(row), ((0, longest - len(row)), (0, 0))) for row in rows])
