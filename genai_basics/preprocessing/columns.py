"""Columns of a table: numbers and categories."""

import keras
import numpy as np
from keras import ops

from ..checks import whole
from .base import Preprocessor, Scaling

__all__ = ["Columns"]


@keras.saving.register_keras_serializable(package="genai_basics")
class Columns(Preprocessor):
    """Tables: a dict of columns, in any order; further columns are ignored.

    A number is standardized and followed by a flag for missing values; a category becomes one-hot,
    with an index for missing values and one for values outside the training data.

    Args:
        columns: `(name, "number" | "category")` pairs.
        max_categories: Maximum number of categories per column; the most frequent are kept.
    """

    def __init__(self, columns, max_categories=50, **kwargs):
        super().__init__(**kwargs)
        pairs = list(columns) if isinstance(columns, (list, tuple)) else [columns]
        for pair in pairs:
            if (
                isinstance(pair, str)
                or np.shape(pair) != (2,)
                or pair[1] not in ("number", "category")
            ):
                raise ValueError(
                    '`columns` must be pairs of a name and "number" or "category". '
                    f"Received: {pair!r}"
                )
        self.columns = tuple((str(name), str(kind)) for name, kind in pairs)
        self.max_categories = whole("max_categories", max_categories, 1)
        self.numbers = [i for i, (_, kind) in enumerate(self.columns) if kind == "number"]
        self.categories = [i for i, (_, kind) in enumerate(self.columns) if kind == "category"]
        self.scaling = Scaling(max(len(self.numbers), 1))
        self.lookups = [
            keras.layers.StringLookup(max_tokens=max_categories + 2, mask_token="")
            for _ in self.categories
        ]
        self.built = True

    @property
    def width(self):
        """Number of the network's inputs per row."""
        return 2 * len(self.numbers) + (self.max_categories + 2) * len(self.categories)

    @property
    def shape(self):
        """Shape of one prepared example, with `None` for axes of any length."""
        return (len(self.columns),)

    @property
    def state(self):
        return [lookup.get_vocabulary(include_special_tokens=False) for lookup in self.lookups]

    @state.setter
    def state(self, value):
        for lookup, vocabulary in zip(self.lookups, value, strict=True):
            if vocabulary:
                lookup.set_vocabulary(vocabulary)

    def adapt(self, x, y=None):
        for lookup, i in zip(self.lookups, self.categories, strict=True):
            lookup.adapt(self._column(x, i))
        if self.numbers:
            numbers = np.stack([self._column(x, i) for i in self.numbers], axis=-1)
            self.scaling.adapt(numbers)

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
