"""What commands, run folders and the audit need from a model, as functions that classes bind.

A family defines these in `evaluation.py` next to its models, and its classes bind them:

- `report(model, x, y)`: the usual metrics of the field, with intervals;
- `baseline(model, train, part)`: what a simple method reaches;
- `answer(model, x)`: rows to print and outputs to write, for the command `predict`;
- `pictures(model, x, y)`: pictures that show what the model does;
- `examples(model, x, y)`: lines and one picture of a few examples, for the end of training;
- `symptoms(model, history)`: problems after an epoch, for `Doctor`;
- `losses_by_example`, `errors_of`, `features_of`: what the audit compares;
- `privacy_of(model, x)`: the units that private training draws and protects;
- `reads(model, spec)`: how `predict` reads its inputs;
- `exported(model)`: the graphs that `export` writes, see `exporting`.

This module has the defaults, which `Model` binds.
"""

from typing import NamedTuple

import numpy as np

from . import plotting
from .chunks import alone
from .data.writers import image_grid, to_pixels

__all__ = [
    "Errors",
    "answer",
    "baseline",
    "errors_of",
    "examples",
    "examples_of_samples",
    "features_of",
    "listed",
    "losses_by_example",
    "pictures",
    "privacy_of",
    "rated_by_label",
    "reads",
    "report",
    "report_samples",
    "sample_pictures",
    "symptoms",
]


REPORT_LEAST, REPORT_MOST = 2000, 5000  # number of samples in a report
SHOWN = 16  # number of examples at the end of training


class Errors(NamedTuple):
    """The errors of a model, one per example or per part of an example.

    Attributes:
        name: Name of the error.
        values: Numbers (n,), higher is worse.
        examples: Index of the example of each number (n,). `None`: one each, in order.
        parts: The part of the example of each number (n,): an object's class, a series.
    """

    name: str
    values: np.ndarray
    examples: np.ndarray | None = None
    parts: np.ndarray | None = None


@alone
def losses_by_example(model, x, y=None, batch_size=None):
    """Return the loss of each raw example, (n,), for membership inference.

    Noise is drawn from a fixed seed, so repeated calls agree.
    """
    model.reset_evaluation_noise()
    data = model.prepare(x, y)

    def losses_of_batch(*batch):
        return model.loss_terms(*model.transform(*batch))["loss"]

    return model.map_batches(losses_of_batch, *data, batch_size=batch_size)


def errors_of(model, x, y=None):
    """Return the error of a model on each raw example; by default, its loss."""
    return Errors("loss", model.losses_by_example(x, y))


def features_of(model, x, y=None):
    """Return features of raw x as vectors (n, d), or `None` if the model has none."""
    return None


def privacy_of(model, x):
    """Return the number of units that private training draws from, and what a unit is."""
    return len(next(iter(x.values())) if isinstance(x, dict) else x), "one example"


def reads(model, spec):
    """Return the spec with which `predict` reads its inputs: that of the training data."""
    return spec


def report(model, x, y=None):
    """Return `(metrics, intervals)`: Keras' metrics, evaluated on raw data."""
    return model.evaluate(x, y, verbose=0, return_dict=True), {}


def baseline(model, train, part):
    """Return `{"baseline": figure}` of a simple method for a part of the data, or `{}`."""
    return {}


def answer(model, x):
    """Return `(rows, outputs)` for the command `predict`: a dict to print for each input.

    `outputs` is what `--out` writes (images, texts, sounds, ...), or `None`.
    """
    return [{"output": row} for row in model.predict(x, verbose=0).tolist()], None


def pictures(model, x, y=None):
    """Return `{name: uint8 image or Matplotlib figure}` that shows what the model does."""
    return {}


def examples(model, x, y=None):
    """Return `(lines, picture)`: the model's outputs for the first examples.

    `lines` are texts for a terminal; `picture` is a uint8 image, a Matplotlib figure, or `None`.
    """
    rows, _ = model.answer(x[:SHOWN])
    rows = [{k: v for k, v in row.items() if not isinstance(v, (list, dict))} for row in rows]
    return listed([{"input": _brief(one), **row} for one, row in zip(x, rows, strict=False)])


def listed(rows, wrong=(), most=5):
    """Return `(lines, picture)` of rows, dicts with the same keys; wrong ones are marked.

    The lines are the first rows, at most half of them wrong if there are enough others.
    """
    wrong = [*map(bool, wrong), *[False] * (len(rows) - len(wrong))]
    cells = [[_brief(cell) for cell in row.values()] for row in rows]
    headers = [str(name).replace("_", " ") for name in rows[0]]
    bad, good = ([i for i in range(len(rows)) if wrong[i] is said] for said in (True, False))
    few = min(len(bad), max(most // 2, most - len(good)))
    first = sorted(bad[:few] + good[: most - few])
    shown = [headers, *(cells[i] for i in first)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in shown]
    lines = [line + "  (wrong)" * (i > 0 and wrong[first[i - 1]]) for i, line in enumerate(lines)]
    return lines, plotting.table(cells, headers, wrong)


def _brief(value, most=60):
    """Return a value as one line of text."""
    if isinstance(value, dict):
        value = ", ".join(f"{name}={_brief(part)}" for name, part in value.items())
    if isinstance(value, np.ndarray) and value.ndim:
        value = f"{' x '.join(map(str, value.shape))} numbers"
    value = f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)
    value = " ".join(value.split())
    return value if len(value) <= most else value[: most - 3] + "..."


def examples_of_samples(model, x, y=None):
    """Return `(lines, picture)` of new samples."""
    if isinstance(x[0], str):
        real = [x[i] for i in np.random.default_rng(0).choice(len(x), min(len(x), 24), False)]
        made = model.sample(24, seed=0)
        pairs = zip(made, real, strict=False)
        _, picture = listed([{"written by the model": a, "in the data": b} for a, b in pairs])
        return [", ".join(_brief(text, 30) for text in made)], picture
    if len(model.preprocessor.shape or ()) < 3 or not model.num_classes:
        return [], next(iter(model.pictures(x, y).values()), None)
    labels = model.labels.spread(64)
    samples = model.sample(len(labels), seed=0, labels=labels)
    read = model.judge.classify(model.features_of(samples))
    wrong = read != labels
    names = [model.labels.name(label) for label in labels]
    lines = [f"{len(labels) - wrong.sum()} of {len(labels)} samples are read as their label"]
    if samples.ndim > 4:  # clips
        return lines, next(iter(model.pictures(x, y).values()))
    return lines, plotting.pictures(to_pixels(samples, model.value_range), names, wrong, columns=13)


def symptoms(model, history):
    """Return `{name: sentence}` about problems after an epoch, for `Doctor`."""
    return {}


def sample_pictures(model, x, y=None):
    """Return pictures of samples, one row per class, and of interpolations between samples."""
    if len(model.preprocessor.shape or ()) != 3:
        return {}
    rows = min(model.num_classes or 8, 20)
    labels = np.repeat(np.arange(rows), 10) if model.num_classes else None
    samples = model.sample(10 * rows, seed=0, labels=labels)
    walk = model.sample(10 * rows, seed=0, labels=labels, interpolate=10)
    grids = {"samples_by_class" if model.num_classes else "samples_grid": samples, "walk": walk}
    return {
        name: image_grid(to_pixels(images, model.value_range), columns=10)
        for name, images in grids.items()
    }


def report_samples(model, x, y=None):
    """Return metrics and intervals of as many samples as x has, but 2,000 to 5,000."""
    n, labels = int(np.clip(len(x), REPORT_LEAST, REPORT_MOST)), None
    if model.num_classes:
        order = np.random.default_rng(0).permutation(len(x))
        labels = np.resize(model.labels.check(y)[order], n)
    real = model.features_of(x[:REPORT_MOST])
    fake = model.features_of(model.sample(n, seed=0, labels=labels))
    found, intervals = model.judge.report(real, fake, labels, model.class_names)
    return {**found, "samples": n}, intervals


def rated_by_label(model, x, name, rate, best=np.argmax):
    """Return `(rows, None)` with a rating of raw x, and the best label if there are labels.

    Args:
        name: Name of the rating.
        rate: `rate(x, labels)` returns ratings (n,); `labels` is `None` if there are none.
        best: `np.argmax` if a higher rating is better, otherwise `np.argmin`.
    """
    x = np.asarray(x)
    if not model.num_classes:
        return [{name: float(rating)} for rating in rate(x, None)], None
    ratings = np.stack([rate(x, np.full(len(x), k)) for k in range(model.num_classes)], axis=1)
    names = model.class_names or range(model.num_classes)
    rows = zip(best(ratings, axis=1), ratings, strict=True)
    return [{"label": names[k], name: float(row[k])} for k, row in rows], None
