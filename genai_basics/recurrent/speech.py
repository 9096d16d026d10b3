"""Speech to text by connectionist temporal classification (Graves et al., 2006,
https://www.cs.toronto.edu/~graves/icml_2006.pdf; Amodei et al., 2015).

Samples become a log-mel spectrogram, strided convolutions thin it out, recurrent layers read it
both ways, and each frame names a symbol or none (the blank). The loss is -log of the summed
probability of all ways to spread a transcription over the frames.
"""

import warnings

import keras
import numpy as np
from keras import layers, ops

from .. import metrics
from ..backend import drawn, gradient_step
from ..evaluation import Errors
from ..layers.cells import recurrent_layer
from ..layers.spectral import LogMel
from ..model import Model
from ..preprocessing import UNKNOWN, Waves
from .ctc import beam_search, collapse, least_frames
from .frames import StridedConv, Within

__all__ = ["SpeechRecognizer", "build_speech_recognizer"]

LETTERS = " 'abcdefghijklmnopqrstuvwxyz"
QUIET = 1e-9  # a clip whose loudest sample is below is silence


def build_speech_recognizer(
    sample_rate=16000,
    alphabet=None,
    *,
    class_names=None,
    units=96,
    num_layers=1,
    filters=(96, 128),
    bands=40,
    cell="gru",
    dropout=0.0,
    concatenate=1,
    noise=0.02,
    speed=0.15,
    stretch=0.0,
    max_seconds=20.0,
    seed=None,
):
    """Build a recognizer of speech. Then `compile()`, `fit(clips, texts)`, `transcribe(clips)`.

    Args:
        sample_rate: Samples a second.
        alphabet: Characters of the transcriptions. `None`: the space, ' and a to z.
        class_names: Words, where each clip is labelled with one: they are recognized whole.
        units: Size of each recurrent layer, in each direction.
        num_layers: Recurrent layers.
        filters: Channels of the convolutions, each of which halves the number of frames.
        bands: Mel bands of the spectrogram.
        cell: `"gru"` or `"lstm"`.
        dropout: Share of the outputs that training leaves out.
        concatenate: Most clips that training joins to one: single words then teach connected
            speech.
        noise: Most noise that training adds, as a standard deviation of clips at full scale, their
            loudest sample at 1.
        speed: How much faster or slower training plays a clip, at most.
        stretch: How much longer or shorter training makes the speaker's vocal tract, at most.
            0.15 for speakers who were never heard; those of training are understood sooner by 0.
        max_seconds: What is longer is cut.
        seed: Seed of weights, noise and the order of data. `None` draws a fresh one.

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
    for name, value in (("units", units), ("num_layers", num_layers), ("concatenate", concatenate)):
        if value < 1:
            raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}")
    if not 0 <= speed < 1 or not 0 <= stretch < 1 or noise < 0:
        raise ValueError(
            "`speed` and `stretch` must be from 0 to below 1, `noise` not negative. "
            f"Received: speed={speed}, stretch={stretch}, noise={noise}"
        )
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
        network: Functional model, see `build_speech_recognizer`.
        log_mel: The layer that makes the spectrogram.
        symbols: What is recognized: characters, or words.
        whole_words: Whether the symbols are words.
        concatenate, noise_level, speed, stretch, max_seconds: How training varies clips.
    """

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
        self.waves = Waves(log_mel.sample_rate, max_seconds, name="waves")
        self.number_of = {symbol: i + 1 for i, symbol in enumerate(self.symbols)}
        self.built = True

    def default_optimizer(self):
        return keras.optimizers.Adam(self.peak_learning_rate, global_clipnorm=1.0)

    # Data: clips and the numbers of their symbols.

    def numbers(self, y):
        """Return transcriptions (or labels of single words) as lists of numbers from 1."""
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
        """Return the text of numbers of symbols."""
        joint = " " if self.whole_words else ""
        return joint.join(self.symbols[number - 1] for number in numbers).strip()

    def clips(self, x):
        """Return raw clips as a list of float32 arrays."""
        if hasattr(x, "shape") and len(x.shape) == 1 and x.dtype != object:
            raise ValueError("x must be a list of clips. Received: one clip")
        batch = self.waves.prepare(x)
        return [row[:n] for row, n in zip(batch["samples"], batch["length"], strict=True)]

    def frames_of(self, samples):
        """Return how many frames the network names for so many samples."""
        frames = self.log_mel.num_frames(samples)
        for layer in self.network.layers:
            if isinstance(layer, StridedConv):
                frames = -(-frames // layer.strides)
        return frames

    def pairs(self, x, y):
        """Return clips and numbers, without clips that are too short for what they should say."""
        clips, numbers = self.clips(x), self.numbers(y)
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
            warnings.warn(
                f"{len(fits) - sum(fits)} of {len(fits)} clips are too short for their "
                f"transcriptions, as {said}, and are left out",
                stacklevel=4,
            )
        keep = [i for i, fit in enumerate(fits) if fit]
        return [clips[i] for i in keep], [numbers[i] for i in keep]

    def joined(self, clips, numbers, rows, rng, vary=True):
        """Return one clip of several, with gaps between, and its numbers.

        With `vary`, each is played faster or slower and louder or softer, silence may come before
        and after, and noise is added: to clips brought to full scale, as it would bury those that
        were recorded softly.
        """
        rate = self.log_mel.sample_rate
        pieces, symbols = [], []
        edges = vary and self.concatenate > 1

        def silence(least):  # seconds; below 0: sometimes none
            return np.zeros(int(max(0.0, rng.uniform(least, 0.25)) * rate))

        for k, row in enumerate(rows):
            clip = clips[row]
            if vary and self.speed:
                factor = 1 + rng.uniform(-self.speed, self.speed)
                places = np.arange(0, len(clip) - 1, factor)
                slow = least_frames(numbers[row]) > self.frames_of(len(places))
                clip = clip if slow else np.interp(places, np.arange(len(clip)), clip)
            if vary:
                clip = clip * (np.exp(rng.uniform(-2.5, 0.0)) / max(np.abs(clip).max(), QUIET))
            if k:
                pieces.append(silence(0.02))
            elif edges:
                pieces.append(silence(-0.25))
            pieces.append(clip)
            if k and not self.whole_words:
                symbols.append(self.number_of[" "])
            symbols += numbers[row]
        if edges:
            pieces.append(silence(-0.25))
        clip = np.concatenate(pieces)[: round(self.max_seconds * rate)]
        if vary and self.noise_level:
            clip = clip + rng.normal(size=len(clip)) * rng.uniform(0, self.noise_level)
        return clip.astype("float32"), symbols

    def plan(self, x, y=None, batch_size=None):
        n = len(self.pairs(x, y)[0])
        return max(n // min(batch_size or self.batch_size, n), 1)

    def pipeline(
        self, x, y=None, sample_weight=None, *, batch_size=None, seed=None, start=0, training=False
    ):
        if y is None:
            raise ValueError("transcriptions are needed: pass y. Received: y=None")
        clips, numbers = self.pairs(x, y)
        n = len(clips)
        size = min(batch_size or self.batch_size, n)
        steps = n // size
        lengths = np.array([len(clip) for clip in clips])

        def draw(step):
            epoch, row = divmod(step, steps)
            order = np.random.default_rng([seed or 0, epoch]).permutation(n)
            rng = np.random.default_rng([seed or 0, epoch, row])
            items = []
            for first in order[row * size : (row + 1) * size]:
                most = max(1, int(self.max_seconds * self.log_mel.sample_rate / lengths.mean()))
                others = rng.integers(n, size=min(rng.integers(1, self.concatenate + 1), most) - 1)
                items.append(self.joined(clips, numbers, [first, *others], rng))
            return batch_of(items)

        def in_order(step):
            rows = range(step * size, min(n, (step + 1) * size))
            return batch_of([(clips[i], numbers[i]) for i in rows])

        return drawn(draw, start=start) if training else drawn(in_order, steps=-(-n // size))

    def fit(self, x=None, y=None, *args, validation_data=None, **kwargs):
        """Train on raw clips: `keras.Model.fit`. See `Model.fit`.

        Where training joins clips, those of `validation_data` are joined too, always the same.
        """
        if validation_data is not None and self.concatenate > 1:
            validation_data = self.join(*validation_data[:2], self.concatenate)
        return super().fit(x, y, *args, validation_data=validation_data, **kwargs)

    def join(self, x, y, most, *, least=1, seed=0):
        """Return as many clips again, each `least` to `most` of x joined, and what they say."""
        clips, numbers = self.pairs(x, y)
        rng = np.random.default_rng(seed)
        found = []
        for _ in clips:
            rows = rng.integers(len(clips), size=rng.integers(least, most + 1))
            found.append(self.joined(clips, numbers, rows, rng, vary=False))
        return [clip for clip, _ in found], [self.text(symbols) for _, symbols in found]

    # The network on samples.

    def call(self, inputs, training=False):
        """Return logits (batch, frames, 1 + symbols) of `samples` (batch, time) with `length`."""
        return self.outputs_of(inputs, training)[0]

    def outputs_of(self, inputs, training=False):
        """Return logits and the number of frames of each clip."""
        samples, length = inputs["samples"], inputs["length"]
        # Every clip at full scale: its loudness does not count.
        loudest = ops.max(ops.abs(samples), axis=1, keepdims=True)
        x = self.log_mel(samples / ops.maximum(loudest, QUIET))
        frames = self.log_mel.num_frames(length)
        there = ops.cast(ops.arange(ops.shape(x)[1])[None] < frames[:, None], x.dtype)[..., None]
        # One mean for all bands, as that of a band of a short word is its vowel. Sums of float64,
        # whose rounding does not hear how long the padding is.
        total = ops.cast(frames, "float64")[:, None, None] * x.shape[-1]
        mean = ops.sum(ops.cast(x * there, "float64"), axis=(1, 2), keepdims=True) / total
        x = (x - ops.cast(mean, x.dtype)) * there
        power = ops.sum(ops.cast(x * x, "float64"), axis=(1, 2), keepdims=True)
        spread = ops.cast(ops.sqrt(power / total), x.dtype)
        x = x / (spread + 1e-3)
        if training:
            x = self.mask_bands(self.stretch_bands(x) if self.stretch else x)
        return self.network([x, frames], training=training)

    def stretch_bands(self, x):
        """Stretch and shift the bands of each clip, as another vocal tract would.

        Vocal tract length perturbation (Jaitly & Hinton, 2013), on the mel scale: band i takes
        what lay at band scale * i + shift. So a few speakers teach what many voices have alike.
        """
        batch, bands = ops.shape(x)[0], x.shape[-1]
        place = ops.arange(bands, dtype="float32")
        scale = 1.0 + keras.random.uniform((batch, 1), -1, 1, seed=self.noise) * self.stretch
        shift = keras.random.uniform((batch, 1), -1, 1, seed=self.noise) * self.stretch * bands / 3
        source = ops.clip(place * scale + shift, 0.0, bands - 1.0)
        near = ops.relu(1.0 - ops.abs(source[:, None, :] - place[None, :, None]))
        return ops.matmul(x, ops.cast(near, x.dtype))  # between two bands by a straight line

    def mask_bands(self, x):
        """Set some neighbouring bands of each clip to zero (Park et al., 2019, SpecAugment)."""
        bands = x.shape[-1]
        batch = ops.shape(x)[0]
        width = keras.random.uniform((batch, 1), 0, bands / 5, seed=self.noise)
        first = keras.random.uniform((batch, 1), 0, bands, seed=self.noise)
        place = ops.arange(bands, dtype="float32")[None]
        kept = ops.logical_or(place < first, place > first + width)
        return x * ops.cast(kept, x.dtype)[:, None]

    def ctc(self, data, training=False):
        """Return the CTC loss in nats a symbol: summed over a clip, by its number of symbols."""
        logits, frames = self.outputs_of(data, training)
        nats = ops.ctc_loss(data["symbols"], logits, data["count"], frames, mask_index=0)
        counts = ops.cast(ops.maximum(data["count"], 1), "float32")
        return ops.sum(nats) / ops.sum(counts)

    def losses_by_example(self, x, y=None, batch_size=None):
        """Return the CTC loss of each clip in nats a symbol, (n,)."""
        clips, numbers = self.pairs(x, y)
        compute, size = self.compile_once(self._nats), batch_size or self.batch_size
        found = []
        for start in range(0, len(clips), size):
            rows = range(start, min(start + size, len(clips)))
            found.append(compute(batch_of([(clips[i], numbers[i]) for i in rows])))
        return np.concatenate([ops.convert_to_numpy(part) for part in found])

    def _nats(self, data):
        logits, frames = self.outputs_of(data)
        nats = ops.ctc_loss(data["symbols"], logits, data["count"], frames, mask_index=0)
        return nats / ops.cast(ops.maximum(data["count"], 1), "float32")

    def train_step(self, data):
        loss = gradient_step(
            lambda: self.ctc(data, training=True), self.trainable_variables, self.optimizer
        )
        return self.track(ops.sum(ops.cast(data["count"], "float32")), loss)

    def test_step(self, data):
        return self.track(ops.sum(ops.cast(data["count"], "float32")), self.ctc(data))

    # Verbs on raw data.

    def log_probabilities(self, x, batch_size=None):
        """Return log p of blank and symbols for the frames of each clip, a list of arrays."""
        clips = self.clips(x)
        order = np.argsort([len(clip) for clip in clips], kind="stable")
        compute = self.compile_once(self._log_probabilities)
        found = [None] * len(clips)
        size = batch_size or self.batch_size
        for start in range(0, len(clips), size):
            rows = order[start : start + size]
            batch = batch_of([(clips[i], [1]) for i in rows])
            log_p, frames = compute({name: batch[name] for name in ("samples", "length")})
            parts = zip(
                rows, ops.convert_to_numpy(log_p), ops.convert_to_numpy(frames), strict=True
            )
            for i, part, n in parts:
                found[i] = part[:n]
        return found

    def _log_probabilities(self, inputs):
        logits, frames = self.outputs_of(inputs)
        return ops.log_softmax(ops.cast(logits, "float32")), frames

    def transcribe(self, x, *, beam=None, language_model=None, weight=0.5, batch_size=None):
        """Return what is said in each clip, a list of texts.

        Args:
            x: Clips.
            beam: 1, as usual, takes the likeliest symbol of each frame; more sums over all ways
                to spread a text over the frames, for so many texts at once.
            language_model: A trained `LanguageModel` of characters that has a say in a search
                with a beam of 8, or the one given; for recognizers that tell characters.
            weight: Its say: texts are ranked by log p(text | clip) + weight * log p(text).
            batch_size: How many clips the network hears at a time.
        """
        if beam is None:
            beam = 1 if language_model is None else 8
        if beam < 1:
            raise ValueError(f"`beam` must be at least 1. Received: beam={beam}")
        score = None if language_model is None else Scorer(language_model, self.symbols, weight)
        rows = self.log_probabilities(x, batch_size)
        if beam == 1 and score is None:
            return [self.text(collapse(row.argmax(axis=1))) for row in rows]
        return [self.text(beam_search(row, beam, score)) for row in rows]

    def predict(self, x, batch_size=None, verbose="auto", **kwargs):
        """Return probabilities (n, frames, 1 + symbols), 0 behind the end of a clip."""
        rows = self.log_probabilities(x, batch_size)
        longest = max(map(len, rows))
        return np.stack([np.pad(np.exp(row), ((0, longest - len(row)), (0, 0))) for row in rows])

    def report(self, x, y=None, *, beam=None, language_model=None, weight=0.5):
        """Return exact share, word and character error rate; options as in `transcribe`."""
        if y is None:
            raise ValueError("transcriptions are needed to measure. Received: data without")
        found = self.transcribe(x, beam=beam, language_model=language_model, weight=weight)
        said = [self.text(numbers) for numbers in self.numbers(y)]
        right = np.array([a == b for a, b in zip(said, found, strict=True)])
        scores = {
            "exact": float(right.mean()),
            "word_error_rate": metrics.word_error_rate(said, found),
            "character_error_rate": metrics.character_error_rate(said, found),
        }
        return scores, {"exact": metrics.bootstrap_interval(right.astype("float32"))}

    def errors_of(self, x, y=None):
        said = [self.text(numbers) for numbers in self.numbers(y)]
        pairs = zip(said, self.transcribe(x), strict=True)
        rates = [
            metrics.word_error_rate([a], [b]) if a.split() else float(b != "") for a, b in pairs
        ]
        return Errors("word error rate of a clip", np.array(rates))

    def answer(self, x, *, beam=None, language_model=None, weight=0.5):
        found = self.transcribe(x, beam=beam, language_model=language_model, weight=weight)
        return [{"transcription": text} for text in found], None


class Scorer:
    """Asks a language model for log p of a next symbol, and remembers the answers.

    Args:
        language_model: A `LanguageModel`.
        symbols: What is recognized: characters, each a unit of the language model.
        weight: Factor of log p.
    """

    def __init__(self, language_model, symbols, weight):
        if any(len(symbol) > 1 for symbol in symbols):
            raise ValueError(
                "`language_model` takes a recognizer of characters. "
                f"Received: one of whole words, such as {symbols[0]!r}"
            )
        tokens = [language_model.tokenizer.encode(symbol) for symbol in symbols]
        if any(len(row) != 1 for row in tokens) or all(row[0] == UNKNOWN for row in tokens):
            raise ValueError(
                f"`language_model` must write {''.join(symbols)!r:.80} character by character. "
                f"Received: one of {language_model.tokenizer.unit}s"
            )
        self.model, self.weight = language_model, weight
        self.symbols, self.places = symbols, [row[0] for row in tokens]
        self.known = {}

    def __call__(self, prefix, number):
        """Return weight * log p(symbol | the symbols before); numbers count from 1."""
        if prefix not in self.known:
            text = "".join(self.symbols[number - 1] for number in prefix)
            p = self.model.predict([text])[0]
            self.known[prefix] = self.weight * np.log(np.maximum(p[self.places], 1e-8))
        return self.known[prefix][number - 1]


def batch_of(items):
    """Return clips and their numbers as padded arrays with lengths."""
    length = np.array([len(clip) for clip, _ in items], "int32")
    count = np.array([len(symbols) for _, symbols in items], "int32")
    samples = np.zeros((len(items), length.max()), "float32")
    symbols = np.zeros((len(items), max(count.max(), 1)), "int32")
    for i, (clip, numbers) in enumerate(items):
        samples[i, : len(clip)] = clip
        symbols[i, : len(numbers)] = numbers
    return {"samples": samples, "length": length, "symbols": symbols, "count": count}
