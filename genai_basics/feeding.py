"""Converts the data given to Keras' methods to batches in network space.

`read` recognizes the data: `Examples` are a known number of arrays, lists, columns or files; a
`Stream` already consists of batches, like a `tf.data.Dataset`, a `keras.utils.PyDataset`, a
generator or a PyTorch `DataLoader`. x, y and weights are identified by position, so they cannot
be confused.
"""

import collections.abc
import copy
import dataclasses
import os

import keras
import numpy as np

from . import backend
from .arguments import check_counts, refuse_unread
from .checks import whole
from .preprocessing import Numbers

__all__ = [
    "Examples",
    "Stream",
    "checked",
    "fitting_size",
    "read",
    "steps_per_epoch",
]

KERAS_SIZE = 32  # Keras' default batch size, which suits its optimizers
FEW_STEPS = 16  # minimum steps per epoch; fewer learn too little
SEEN = 10_000  # examples of a stream that a model adapts to


def read(model, x, y=None, sample_weight=None, batch_size=None, purpose=None):
    """Return the raw data given to a method of the model, as `Examples` or a `Stream`.

    A Dataset of single examples is batched by `batch_size`, by default the model's. `purpose`
    is training, validation or evaluation, for which predictors need a y.

    Raises:
        ValueError: If there is no x, no y for a purpose that needs it, or if y or weights are
            given in addition to a stream.
    """
    if x is None:
        raise ValueError("there are no data: pass x. Received: x=None")
    named = isinstance(x, os.PathLike)
    named = named or (isinstance(x, str) and isinstance(model.preprocessor, Numbers))
    if named or type(x).__module__.startswith(f"{__package__}.data."):
        raise ValueError(
            "x must hold the examples, such as `data.train.x` of `data = gb.load_data(...)`. "
            f"Received: {repr(x) if named else f'a {type(x).__name__} of load_data'}"
        )
    torch = type(x).__module__.startswith("torch.utils.data")
    streams = (keras.utils.PyDataset, collections.abc.Iterator)
    if not (backend.is_dataset(x) or isinstance(x, streams) or torch):
        refuse_unread(model, y)
        if purpose and model.needs_y and y is None:
            raise ValueError(f"{purpose} needs labels or values: pass y. Received: x alone")
        return Examples(x, y, sample_weight)
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ValueError(
                f"the batches of a {type(x).__name__} hold x, y and weights: leave `{name}` out. "
                f"Received: {name} next to a {type(x).__name__}"
            )
    if backend.is_dataset(x):
        shape = model.preprocessor.shape
        rank = 1 if isinstance(shape, dict) else len(shape or ())
        x = backend.batched(x, rank, model.batch_size if batch_size is None else batch_size)
    return Stream(x)


@dataclasses.dataclass(frozen=True)
class Examples:
    """A known number of raw x, with y and weights if there are any."""

    x: object
    y: object = None
    sample_weight: object = None

    def __len__(self):
        return len(next(iter(self.x.values())) if isinstance(self.x, dict) else self.x)

    def __getitem__(self, rows):
        return Examples(*(_rows(part, rows) for part in self.parts))

    @property
    def parts(self):
        return self.x, self.y, self.sample_weight

    def first(self):
        """Return the examples that a model adapts to: all."""
        return self

    def some(self, most):
        """Return at most `most` examples, drawn with a fixed seed; `None`: all."""
        if most is None or len(self) <= most:
            return self
        return self[np.sort(np.random.default_rng(0).permutation(len(self))[:most])]

    def split(self, share):
        """Split off the last `share` of the examples, as Keras does; return both parts."""
        if not 0 < share < 1:
            raise ValueError(
                "`validation_split` must be above 0 and below 1. "
                f"Received: validation_split={share}"
            )
        cut = round(len(self) * (1 - share))
        if not 0 < cut < len(self):
            raise ValueError(
                f"`validation_split` leaves one side without examples. Received: "
                f"validation_split={share} of {len(self)} examples"
            )
        return self[:cut], self[cut:]

    def held_out(self, model, data):
        """Return the content of `validation_data`: x, `(x, y)` or `(x, y, weights)`.

        A list is unpacked only if these examples also have a y.
        """
        if isinstance(data, tuple) or (isinstance(data, list) and self.y is not None):
            return read(model, *data, purpose="validation")
        return read(model, data, purpose="validation")

    def parted(self, model, validation_data, validation_split):
        """Return what `fit` trains on and what it validates on, or `None`."""
        if validation_data is not None:
            data, held_out = self, self.held_out(model, validation_data)
        elif validation_split:
            data, held_out = self.split(validation_split)
        else:
            return self, None
        return data, held_out.some(model.validation_limit)

    def weighted(self, model, class_weight):
        """Return the examples with their weights multiplied by class weights."""
        if class_weight is None:
            return self
        if not isinstance(class_weight, dict):
            raise ValueError(
                "`class_weight` must be a dict from classes to weights, such as {0: 1.0, 1: 5.0}. "
                f"Received: class_weight={class_weight!r}"
            )
        if not model.num_classes or self.y is None or isinstance(next(iter(self.y)), dict):
            raise ValueError(
                "`class_weight` needs one label per example. Received: data without labels"
            )
        factors, names = np.ones(model.num_classes), model.class_names or ()
        for key, factor in class_weight.items():
            place = names.index(key) if key in names else key
            if place not in range(model.num_classes):
                known = ", ".join(names) or f"0 to {model.num_classes - 1}"
                raise ValueError(
                    f"`class_weight` must name classes among {known}. Received: {key!r}"
                )
            factors[place] = factor
        labels = np.asarray(model.prepare_targets(self.y))
        if labels.ndim != 1:
            raise ValueError("`class_weight` needs one label per example. Received: several")
        own = 1.0 if self.sample_weight is None else np.asarray(self.sample_weight).reshape(-1)
        return Examples(self.x, self.y, factors[labels] * own)

    def batches(self, model, batch_size=None, *, epoch=0, steps=None, **order):
        """Return batches in network space, and their number per epoch.

        Args:
            model: The model to feed.
            batch_size: Examples per batch. `None`: the model's, at most 32 with the user's own
                optimizer, and less for few training data (see `fitting_size`).
            epoch, steps: Training starts after `epoch` epochs of `steps` steps.
            **order: See `backend.batches`.
        """
        check_counts({"steps": steps})
        data, training = model.prepare(*self.parts), order.get("training", False)
        size = model.batch_size if batch_size is None else whole("batch_size", batch_size, 1)
        if training:
            if batch_size is None:
                own = model.compile_arguments.get("optimizer") is not None
                size = fitting_size(model, data, min(size, KERAS_SIZE) if own else size)
            steps = steps or steps_per_epoch(model, data, size)
            order["start"] = epoch * steps
        drawn = model.draws(data, size, training, order.get("poisson", False))
        if drawn is not None:
            arguments = {"batch_size": size, "seed": None, **order, **drawn}
            transform = lambda batch: model.transform(*batch)  # noqa: E731
            return backend.epochs(transform=transform, **arguments), steps
        parts = {i: part for i, part in enumerate(data) if part is not None}

        def transform(batch):
            return model.transform(*(batch.get(i) for i in range(len(data))))

        lengths = model.preprocessor.lengths(data[0])
        return backend.batches(parts, size, transform=transform, lengths=lengths, **order), steps

    def one_batch(self, model):
        """Return all examples as one batch in network space: x, or x, y and weights."""
        if model.cuts_windows:
            raise ValueError(
                f"the batches of a {model.name} are windows of whole series or texts: use `fit`, "
                "`evaluate` or `predict`. Received: one batch"
            )
        return next(iter(self.batches(model, max(len(self), 1))[0]))


def fitting_size(model, data, size):
    """Return `size`, or less for few prepared training data, to get 16 steps per epoch."""
    while size > 8 and steps_per_epoch(model, data, size) < FEW_STEPS:
        size //= 2
    return size


def steps_per_epoch(model, data, batch_size):
    """Return the number of steps of `batch_size` per epoch of prepared training data."""
    n = len(keras.tree.flatten(data[0])[0])
    return max(n // min(model.step_size(data, batch_size), n), 1)


class Stream:
    """A sequence of batches `x`, `(x, y)` or `(x, y, weights)` of raw data.

    Args:
        source: A `tf.data.Dataset` of batches, a `PyDataset`, a `DataLoader` or an iterator.
    """

    y = sample_weight = None  # contained in the batches

    def __init__(self, source):
        self.source, self.class_weight, self.pulled = source, None, []
        self.once = isinstance(source, collections.abc.Iterator)
        self.length = None if self.once else backend.length_of(source)
        if self.length == 0:
            raise ValueError(f"there is nothing in it. Received: an empty {type(source).__name__}")

    def __iter__(self):
        if self.once:  # first the batches that were read to adapt the model
            while self.pulled:
                yield self.pulled.pop(0)
            yield from map(_parts, self.source)
        elif isinstance(self.source, keras.utils.PyDataset):
            step = 0
            while self.length is None or step < self.length:
                yield _parts(self.source[step])
                step += 1
            self.source.on_epoch_end()
        else:
            yield from map(_parts, backend.arrays_of(self.source))

    def first(self):
        """Return the examples that a model adapts to: the first `SEEN`."""
        found, n = [], 0
        for batch in self:
            found.append(batch)
            n += len(Examples(*batch))
            if n >= SEEN:
                break
        if not found:
            raise ValueError(f"there is nothing in it. Received: {type(self.source).__name__}")
        self.pulled = found if self.once else []
        return Examples(*map(_joined, zip(*found, strict=True)))

    def some(self, most):
        return self

    def split(self, share):
        raise ValueError(
            "`validation_split` needs arrays: pass `validation_data`. "
            f"Received: validation_split={share} and a {type(self.source).__name__}"
        )

    held_out = Examples.held_out  # there is no y, so only tuples are unpacked
    parted = Examples.parted

    def weighted(self, model, class_weight):
        other = copy.copy(self)
        other.class_weight = class_weight
        return other

    def one_batch(self, model):
        raise ValueError(
            "`train_on_batch`, `test_on_batch` and `predict_on_batch` take the arrays of one "
            "batch: give several batches to `fit`, `evaluate` or `predict`. "
            f"Received: a {type(self.source).__name__}"
        )

    def batches(self, model, batch_size=None, *, epoch=0, steps=None, **order):
        """Return batches in network space, and their number per epoch."""
        check_counts({"steps": steps})
        if model.cuts_windows:
            raise ValueError(
                f"a {model.name} cuts its examples out of whole series or texts: pass these as x, "
                f"not batches. Received: a {type(self.source).__name__}"
            )
        if self.length is None and not steps and (self.once or backend.is_endless(self.source)):
            raise ValueError(
                "where an epoch ends must be said: pass `steps_per_epoch` (`steps` to evaluate or "
                f"predict). Received: an endless {type(self.source).__name__} or a generator"
            )

        def prepared(batch):
            return model.prepare(*Examples(*batch).weighted(model, self.class_weight).parts)

        first = next(iter(self))
        refuse_unread(model, first[1])
        if self.once:
            self.pulled.insert(0, first)
        make = lambda: map(prepared, self)  # noqa: E731
        batches = backend.streamed(make, prepared(first), model.transform, self.length)
        return batches, steps or self.length


def checked(model, x, y, sample_weight):
    """Return prepared x, y and raw weights as a tuple of non-empty parts of equal length."""
    parts = (x,) if y is None and sample_weight is None else (x, y)
    if sample_weight is not None:
        if not model.weighs_examples:
            raise ValueError(
                f"a {model.name} has no loss of single examples to weigh: leave `sample_weight` "
                "and `class_weight` out. Received: weights"
            )
        weights = np.asarray(sample_weight)
        numbers = weights.dtype.kind in "fiub"
        fits = numbers and weights.size == len(weights)
        if not fits or not (np.isfinite(weights) & (weights >= 0)).all():
            found = f"from {weights.min():g} to {weights.max():g}" if numbers else "not numbers"
            raise ValueError(
                "`sample_weight` must hold one finite number of at least 0 per example. "
                f"Received: shape {weights.shape}, {found}"
            )
        parts += (weights.reshape(-1).astype("float32"),)
    lengths = [len(part) for part in keras.tree.flatten(parts) if part is not None]
    if len(set(lengths)) > 1:
        raise ValueError(f"x and y must have the same length. Received: lengths {lengths}")
    if not lengths[0]:
        raise ValueError("x must hold at least one example. Received: an empty array")
    return parts


def _rows(part, rows):
    if isinstance(part, dict):
        return {name: values[rows] for name, values in part.items()}
    if isinstance(part, list) and not isinstance(rows, slice):
        return [part[row] for row in rows]
    return part if part is None else getattr(part, "iloc", part)[rows]


def _parts(batch):
    """Return a batch of a stream as NumPy arrays x, y and weights."""
    several = isinstance(batch, list) and not isinstance(batch[0], str)  # from a DataLoader
    parts = keras.utils.unpack_x_y_sample_weight(tuple(batch) if several else batch)
    return tuple(map(_as_numpy, parts))


def _as_numpy(part):
    if isinstance(part, dict):
        return {name: _as_numpy(values) for name, values in part.items()}
    return part if part is None or isinstance(part, list) else backend.as_array(part)


def _joined(parts):
    """Concatenate the parts of several batches."""
    if parts[0] is None:
        return None
    if isinstance(parts[0], dict):
        return {name: _joined([part[name] for part in parts]) for name in parts[0]}
    if isinstance(parts[0], np.ndarray) and len({part.shape[1:] for part in parts}) == 1:
        return np.concatenate(parts)
    return [one for part in parts for one in part]
