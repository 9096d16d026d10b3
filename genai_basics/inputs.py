"""From raw x of each kind to the numbers of a network: scaling, categories, words, sounds.

Each is a Keras layer with fitted state that is saved with the model. `adapt` looks at raw
training data, `prepare` turns raw x into arrays once (in NumPy, so it is where data are
checked), and calling the layer turns a batch of those into numbers, in the input pipeline.
"""

import json
import re
from collections import Counter
from pathlib import Path

import keras
import numpy as np
from keras import ops

__all__ = ["Columns", "Inputs", "Numbers", "Waves", "Words"]

ADAPT_ON = 10_000  # examples: more do not move a mean


class Inputs(keras.layers.Layer):
    """Base of the inputs below."""

    checked = False  # whether `Model.check_input` applies to prepared x

    def adapt(self, x):
        """Fit to raw training data."""

    def prepare(self, x):
        """Return raw x as an array, or a dict of arrays, of one length."""
        raise NotImplementedError(f"{type(self).__name__} must say how to prepare x")

    def shape_of_one(self):
        """Return the shape of one prepared example, `None` where it is free."""
        raise NotImplementedError(f"{type(self).__name__} must say its shape")


@keras.saving.register_keras_serializable(package="genai_basics")
class Numbers(Inputs):
    """Arrays: pictures, vectors, series, clips. Each channel is standardized.

    Args:
        shape: Shape of one example, `None` for a time that differs: shorter series are filled
            up with NaN, which becomes the mean.
    """

    def __init__(self, shape, **kwargs):
        super().__init__(**kwargs)
        self.shape = tuple(shape)
        self.checked = None not in self.shape  # what was filled up is NaN
        self.scaling = keras.layers.Normalization(axis=-1)
        self.scaling.build((None, *self.shape))
        self.built = True

    def shape_of_one(self):
        return self.shape

    def adapt(self, x):
        x = x[:: max(1, len(x) // ADAPT_ON)]
        fit_scaling(self.scaling, self.prepare(x))

    def prepare(self, x):
        if isinstance(x, (list, tuple)):
            x = self._stacked([np.asarray(one) for one in x])
        elif not hasattr(x, "shape"):
            x = np.asarray(x)
        if len(x.shape) == len(self.shape) and self.shape[-1] == 1 and len(self.shape) > 1:
            x = np.asarray(x)[..., None]  # grey pictures, series of one channel
        return x

    def _stacked(self, items):
        shapes = {one.shape for one in items}
        if len(shapes) == 1 or not items:
            return np.stack(items) if items else np.zeros((0, *(s or 1 for s in self.shape)))
        if self.shape[0] is not None or len({shape[1:] for shape in shapes}) > 1:
            raise ValueError(
                f"x must hold arrays of one shape, {self.shape}. Received: {sorted(shapes)[:3]}"
            )
        length = max(len(one) for one in items)
        rest = [(0, 0)] * (items[0].ndim - 1)
        filled = [
            np.pad(one.astype("float32"), [(0, length - len(one)), *rest], constant_values=np.nan)
            for one in items
        ]
        return np.stack(filled)

    def call(self, x):
        x = self.scaling(ops.cast(x, "float32"))
        if self.shape[0] is None:
            x = ops.where(ops.isnan(x), 0.0, x)
        return x

    def get_config(self):
        return {**super().get_config(), "shape": self.shape}


@keras.saving.register_keras_serializable(package="genai_basics")
class Columns(Inputs):
    """Tables: a dict of columns. The order of the columns does not matter, further ones are left.

    A number is standardized and followed by whether it was missing; a category becomes one-hot,
    with a place for what is missing and one for what was not seen in training.

    Args:
        columns: `(name, "number" | "category")` pairs.
        max_categories: Most values of a category that are told apart: the most frequent.
    """

    def __init__(self, columns, max_categories=50, **kwargs):
        super().__init__(**kwargs)
        self.columns = tuple((str(name), str(kind)) for name, kind in columns)
        self.max_categories = max_categories
        for name, kind in self.columns:
            if kind not in ("number", "category"):
                raise ValueError(
                    '`columns` must be pairs of a name and "number" or "category". '
                    f"Received: ({name!r}, {kind!r})"
                )
        self.numbers = [i for i, (_, kind) in enumerate(self.columns) if kind == "number"]
        self.categories = [i for i, (_, kind) in enumerate(self.columns) if kind == "category"]
        self.scaling = keras.layers.Normalization(axis=-1)
        self.scaling.build((None, max(len(self.numbers), 1)))
        self.lookups = [
            keras.layers.StringLookup(max_tokens=max_categories + 2, mask_token="")
            for _ in self.categories
        ]
        self.built = True

    @property
    def width(self):
        """How many numbers a row becomes."""
        return 2 * len(self.numbers) + (self.max_categories + 2) * len(self.categories)

    def shape_of_one(self):
        return (len(self.columns),)

    def adapt(self, x):
        for lookup, i in zip(self.lookups, self.categories, strict=True):
            lookup.adapt(self._column(x, i))
        if self.numbers:
            numbers = np.stack([self._column(x, i) for i in self.numbers], axis=-1)
            fit_scaling(self.scaling, numbers)

    def prepare(self, x):
        if not hasattr(x, "keys"):
            raise ValueError(
                "x must be a dict (or data frame) of columns. "
                f"Received: x of type {type(x).__name__}"
            )
        absent = [name for name, _ in self.columns if name not in x]
        if absent:
            raise ValueError(
                f"x must hold the column {absent[0]!r}. Received: {', '.join(x.keys())}"
            )
        values = [self._column(x, i) for i in range(len(self.columns))]
        lengths = {len(column) for column in values}
        if len(lengths) > 1:
            raise ValueError(f"columns must have one length. Received: lengths {sorted(lengths)}")
        for lookup, i in zip(self.lookups, self.categories, strict=True):
            values[i] = ops.convert_to_numpy(lookup(values[i])) if len(values[i]) else values[i]
        return np.stack([np.asarray(column, "float32") for column in values], axis=-1)

    def _column(self, x, i):
        name, kind = self.columns[i]
        values = np.asarray(x[name])
        if kind == "number":
            try:
                return values.astype("float32")
            except ValueError as error:
                raise ValueError(
                    f"the column {name!r} must hold numbers. Received: {error}"
                ) from None
        missing = np.array([v is None or v != v for v in values.tolist()], bool)
        return np.where(missing, "", values.astype(str))

    def call(self, x):
        parts = []
        if self.numbers:
            numbers = ops.take(x, np.array(self.numbers), axis=-1)
            missing = ops.isnan(numbers)
            scaled = self.scaling(ops.where(missing, 0.0, numbers))
            parts += [ops.where(missing, 0.0, scaled), ops.cast(missing, "float32")]
        for i in self.categories:
            parts.append(ops.one_hot(ops.cast(x[:, i], "int32"), self.max_categories + 2))
        return ops.concatenate(parts, axis=-1)

    def get_config(self):
        config = {"columns": self.columns, "max_categories": self.max_categories}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable(package="genai_basics")
class Words(Inputs):
    """Texts as the numbers of their words and n-grams, padded with 0.

    The vocabulary holds what occurs in at least two training texts (in one, where they are
    few), the most frequent first. What was not seen is left out. `adapt` leaves
    `inverse_frequencies`, 1 + log((1 + n) / (1 + df)) of each number, as scikit-learn has them.

    Args:
        max_words: Most entries of the vocabulary.
        ngrams: Longest run of words that counts as an entry.
        characters: Whether runs of 2 to 4 letters within words are entries too. `None`: where
            training texts have three words or fewer, as names do.
        max_length: Most entries of one text; the rest is left out.
    """

    token = re.compile(r"\w+|[^\w\s]")

    def __init__(self, max_words=30_000, ngrams=2, characters=None, max_length=2000, **kwargs):
        super().__init__(**kwargs)
        self.max_words, self.ngrams = max_words, ngrams
        self.characters, self.max_length = characters, max_length
        self.numbers, self.with_characters = {}, bool(characters)
        self.inverse_frequencies = np.zeros(max_words + 1, "float32")
        self.built = True

    def shape_of_one(self):
        return (None,)

    def entries(self, text):
        """Return the words and n-grams of a text, as strings."""
        words = self.token.findall(text.lower())
        found = list(words)
        for n in range(2, self.ngrams + 1):
            found += [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]
        if self.with_characters:
            for word in words:
                word = f"<{word}>"
                for n in (2, 3, 4):
                    found += [f"#{word[i : i + n]}" for i in range(len(word) - n + 1)]
        return found

    def adapt(self, x):
        texts = self._texts(x)
        if self.characters is None:
            words = [len(self.token.findall(text)) for text in texts[:1000]]
            self.with_characters = bool(np.mean(words) <= 3)
        counts = Counter()
        for text in texts:
            counts.update(set(self.entries(text)))
        least = 2 if len(texts) >= 200 else 1
        # Equal counts in the order of the alphabet: a `Counter`'s own order follows the hash seed.
        kept = sorted((-count, entry) for entry, count in counts.items() if count >= least)
        kept = kept[: self.max_words]
        if not kept:
            raise ValueError("the training texts hold no word. Received: texts without letters")
        self.numbers = {entry: i + 1 for i, (_, entry) in enumerate(kept)}
        df = np.array([-count for count, _ in kept])
        weights = np.zeros(self.max_words + 1, "float32")
        weights[1 : len(kept) + 1] = 1 + np.log((1 + len(texts)) / (1 + df))
        self.inverse_frequencies = weights

    def prepare(self, x):
        rows = []
        for text in self._texts(x):
            known = (self.numbers.get(entry, 0) for entry in self.entries(text))
            rows.append([number for number in known if number][: self.max_length])
        width = max([1, *map(len, rows)])
        numbers = np.zeros((len(rows), width), "int32")
        for i, row in enumerate(rows):
            numbers[i, : len(row)] = row
        return numbers

    def _texts(self, x):
        if isinstance(x, str):
            raise ValueError(f"x must be a list of texts. Received: the text {x[:40]!r}")
        texts = list(x)
        for text in texts:
            if not isinstance(text, str):
                raise ValueError(f"x must hold texts. Received: {text!r:.60}")
        return texts

    def call(self, x):
        return x

    def save_assets(self, folder):
        state = {"characters": self.with_characters, "entries": list(self.numbers)}
        Path(folder, "words.json").write_text(json.dumps(state), encoding="utf-8")

    def load_assets(self, folder):
        state = json.loads(Path(folder, "words.json").read_text(encoding="utf-8"))
        self.with_characters = state["characters"]
        self.numbers = {entry: i + 1 for i, entry in enumerate(state["entries"])}

    def get_config(self):
        names = ("max_words", "ngrams", "characters", "max_length")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="genai_basics")
class Waves(Inputs):
    """Sounds of any length: a list of float arrays of -1 to 1, or an array (n, samples).

    A batch becomes a dict: `samples` (batch, time), cut to the longest clip of the batch, and
    `length` (batch,), in samples. Integers are read as 16-bit samples, (time, 2) is mixed.

    Args:
        sample_rate: Samples a second.
        max_seconds: What is longer is cut.
    """

    def __init__(self, sample_rate, max_seconds=30.0, **kwargs):
        super().__init__(**kwargs)
        self.sample_rate, self.max_seconds = sample_rate, max_seconds
        self.built = True

    def shape_of_one(self):
        return {"samples": (None,), "length": ()}

    def prepare(self, x):
        if hasattr(x, "keys"):
            return {name: np.asarray(x[name]) for name in ("samples", "length")}
        clips = [self._clip(clip) for clip in x]
        length = np.array([len(clip) for clip in clips], "int32")
        samples = np.zeros((len(clips), int(length.max(initial=1))), "float32")
        for row, clip in zip(samples, clips, strict=True):
            row[: len(clip)] = clip
        return {"samples": samples, "length": length}

    def _clip(self, clip):
        clip = np.asarray(clip)
        if clip.dtype.kind in "iu":
            clip = clip.astype("float32") / 2 ** (8 * clip.dtype.itemsize - 1)
        if clip.ndim == 2:
            clip = clip.mean(axis=int(clip.shape[1] <= clip.shape[0]))
        if clip.ndim != 1 or not len(clip):
            raise ValueError(f"a clip must be an array (samples,). Received: shape {clip.shape}")
        if not np.isfinite(clip).all():
            raise ValueError("a clip must be finite. Received: a clip with NaN or infinity")
        return clip[: round(self.max_seconds * self.sample_rate)].astype("float32")

    def call(self, x):
        samples = ops.cast(x["samples"], "float32")
        return {"samples": samples[:, : ops.max(x["length"])], "length": x["length"]}

    def get_config(self):
        config = {"sample_rate": self.sample_rate, "max_seconds": self.max_seconds}
        return {**super().get_config(), **config}


def fit_scaling(scaling, x):
    """Fit a `Normalization` to x: missing numbers do not count, constant ones stay small."""
    flat = np.asarray(x, "float64").reshape(-1, np.shape(x)[-1])
    known = np.isfinite(flat).any(axis=0)
    flat = np.where(known, flat, 0.0)
    mean, variance = np.nanmean(flat, axis=0), np.nanvar(flat, axis=0)
    variance[variance == 0] = 1.0  # a constant: a new value must not become huge
    scaling.adapt_mean.assign(mean.reshape(scaling.adapt_mean.shape))
    scaling.adapt_variance.assign(variance.reshape(scaling.adapt_variance.shape))
    scaling.finalize_state()
