"""Reports, figures and predictions of predictors for commands, run folders and the audit."""

import math

import numpy as np
from keras import ops

from .. import metrics, plotting
from ..data.writers import to_pixels
from ..evaluation import Errors, listed
from ..exporting import Export, Graph, example_of, programs, vocabulary_of
from ..feeding import Examples
from ..metrics.simple import ridge_predictions
from ..preprocessing import Columns, Tokens, Waves, Words

__all__ = [
    "answer",
    "baseline",
    "errors_of",
    "examples",
    "exported",
    "features_of",
    "pictures",
    "report",
]

MOST_CLASSES = 50  # maximum size of a readable confusion matrix
MOST_SHOWN = 1000  # examples that are evaluated at the end of training
MOST_LEARNED, MOST_PREDICTED = 2000, 5000  # examples of the simple method
NUMBERS = 2**27  # in all of them
SHOWN, SHOWN_WRONG = 16, 8  # examples shown, and additional wrong ones


def report(model, x, y=None):
    """Return `(metrics, intervals)` of a classifier or a regressor on raw data."""
    if y is None:
        raise ValueError("measuring predictions needs labels or values: pass y. Received: y=None")
    predictions, y = model.predict(x, verbose=0), model.head.targets(y)
    if not model.num_classes:
        return metrics.regression_report(y, predictions)
    if model.head.multi_label:
        return metrics.multi_label_report(y, predictions)
    return metrics.classification_report(y, predictions, model.class_names)


def baseline(model, train, part):
    """Return `{"baseline": ...}`: what ridge regression reaches on the examples of `part`.

    It is the accuracy or the mean absolute error; empty for data that are no arrays of numbers.

    Args:
        train, part: Raw examples and targets, each with `x` and `y`.
    """
    if model.num_classes and model.head.multi_label:
        return {}
    sides, shape = [], model.preprocessor.shape
    room = (
        NUMBERS // math.prod(size or 1 for size in shape) if isinstance(shape, tuple) else NUMBERS
    )
    for side, most in ((train, min(MOST_LEARNED, room)), (part, min(MOST_PREDICTED, room))):
        x, y, _ = Examples(side.x, model.head.targets(side.y)).some(most).parts
        numbers = model.preprocessor(model.prepare(x)[0])
        if isinstance(numbers, (dict, list, tuple)) or not 2 <= len(numbers.shape) <= 4:
            return {}
        sides += [ops.convert_to_numpy(numbers), np.asarray(y)]
    x, y, others, truth = sides
    if x.dtype.kind != "f" or not np.isfinite(x).all() or len(np.unique(y)) < 2:
        return {}
    found = ridge_predictions(x, y, others, classes=bool(model.num_classes))
    if model.num_classes:
        return {"baseline": float((found == truth).mean())}
    return {"baseline": float(np.abs(found.reshape(truth.shape) - truth).mean())}


def answer(model, x, top=1):
    """Return a row per example, with the `top` labels and their probabilities, or the values."""
    predictions = model.predict(x, verbose=0)
    if not model.num_classes:
        columns = [f"value_{i}" for i in range(model.head.units)]
        columns = columns if len(columns) > 1 else ["value"]
        return [dict(zip(columns, row, strict=True)) for row in predictions.tolist()], None
    row_of = _likely_labels if model.head.multi_label else _best_labels
    return [row_of(model, row, top) for row in predictions], None


def _best_labels(model, probabilities, top):
    row = {}
    for place, i in enumerate(np.argsort(-probabilities)[:top], 1):
        suffix = f"_{place}" if place > 1 else ""
        row[f"label{suffix}"] = model.labels.name(i)
        row[f"probability{suffix}"] = round(float(probabilities[i]), 4)
    return row


def _likely_labels(model, probabilities, top):
    likely = np.flatnonzero(probabilities > 0.5)
    labels = {model.labels.name(i): round(float(probabilities[i]), 4) for i in likely}
    return {"labels": ", ".join(labels) or "(none)", "probabilities": labels}


def pictures(model, x, y=None):
    """Return a plot of the confusion matrix of a classifier."""
    classes = model.num_classes
    if y is None or not classes or model.head.multi_label or classes > MOST_CLASSES:
        return {}
    predictions = model.predict(x, verbose=0).argmax(axis=1)
    matrix = metrics.confusion_matrix(model.head.targets(y), predictions, classes)
    names = [model.labels.name(i) for i in range(classes)]
    return {"confusion": plotting.confusion_matrix(matrix, names)}


def examples(model, x, y=None):
    """Return `(lines, picture)`: true and predicted values of examples, wrong ones marked."""
    if not isinstance(x, dict):
        x, y = x[:MOST_SHOWN], y[:MOST_SHOWN]
    predictions, truth = model.predict(x, verbose=0), model.head.targets(y)
    if not model.num_classes:
        truth, predictions = truth[:, 0], predictions[:, 0]
        pairs = zip(truth[:SHOWN].tolist(), predictions.tolist(), strict=False)
        lines, _ = listed([{"truth": a, "predicted": b} for a, b in pairs])
        return lines, plotting.scatter(truth, predictions)
    if model.head.multi_label:
        wrong = ((predictions > 0.5) != truth).any(axis=1)
        truth, predictions = (
            [_likely_labels(model, row, 0)["labels"] for row in side]
            for side in (truth, predictions)
        )
    else:
        predictions = predictions.argmax(axis=1)
        wrong = predictions != truth
        truth, predictions = ([*map(model.labels.name, side)] for side in (truth, predictions))
    right = [f"{len(wrong) - wrong.sum():,} of {len(wrong):,} held-out examples are right"]
    # Spread over all, which may be sorted; then others, wrong ones first.
    chosen = np.unique(np.linspace(0, len(wrong) - 1, SHOWN).astype(int)).tolist()
    others = sorted(set(range(len(wrong))) - set(chosen), key=lambda i: (not wrong[i], i))
    chosen += others[:SHOWN_WRONG]
    wrong, names = wrong[chosen], [(truth[i], predictions[i]) for i in chosen]
    some = [x[i] for i in chosen] if not isinstance(x, dict) else None
    shape = np.shape(some[0]) if some else ()
    if len(shape) in (3, 4) and shape[-1] in (1, 3):
        images = [one if one.ndim == 3 else one[len(one) // 2] for one in some]
        pixels = [to_pixels(image, model.preprocessor.value_range or (0, 255)) for image in images]
        captions = [b if a == b else f"{b}, not {a}" for a, b in names]
        found = [f"{b} for {a}" for a, b in names if a != b][:5]
        right += [f"wrong, for example: {', '.join(found)}"] if found else []
        return right, plotting.pictures(pixels, captions, wrong)
    some = some or [{k: v[i] for k, v in x.items()} for i in chosen]
    rows = [
        {"input": one, "truth": a, "predicted": b} for one, (a, b) in zip(some, names, strict=True)
    ]
    lines, picture = listed(rows, wrong)
    return right + lines, picture


def errors_of(model, x, y):
    """Return the `Errors` of each example: 0 or 1, share of wrong labels, or absolute error."""
    outputs, y = model.predict(x, verbose=0), model.head.targets(y)
    if not model.num_classes:
        return Errors("absolute error", np.abs(outputs - y).mean(axis=1))
    if model.head.multi_label:
        return Errors("labels wrong", ((outputs > 0.5) != y).mean(axis=1))
    return Errors("error", (outputs.argmax(axis=1) != y).astype("float64"))


def features_of(model, x, y=None):
    """Return the features of raw x, (n, features)."""
    return model.features(x)


def exported(model):
    """Return the graph from raw x, or the numbers of its texts or columns, to the prediction."""
    prepares = model.preprocessor
    facts = {"class_names": model.class_names, "num_classes": model.num_classes}

    def of_numbers(x):
        return {"y": model(x, training=False)}

    def of_raw(x):
        return of_numbers(prepares(x))

    def of_sounds(samples, length):
        return of_numbers({"samples": samples, "length": length})

    def leaves(compute, inputs, program, example, **more):
        graphs = {"predictor": Graph(compute, inputs)}
        return Export(graphs, (program,), example, {**facts, **more}, {})

    numbers = {"x": ((None,), "int32")}
    if isinstance(prepares, Waves):
        inputs = {"samples": ((None,), "float32"), "length": ((), "int32")}
        clip = f"[np.sin(np.arange({prepares.sample_rate}) / 9)]"
        program = programs.predict_sounds
        return leaves(of_sounds, inputs, program, clip, sample_rate=prepares.sample_rate)
    if isinstance(prepares, Words):
        more = {"ngrams": prepares.ngrams, "characters": prepares.with_characters}
        more |= {"entries": list(prepares.numbers), "max_length": prepares.max_length}
        return leaves(of_numbers, numbers, programs.predict_words, '["a text"]', **more)
    if isinstance(prepares, Tokens):
        more = {"vocabulary": vocabulary_of(prepares.tokenizer), "max_length": prepares.max_length}
        return leaves(of_numbers, numbers, programs.predict_texts, '["a text"]', **more)
    inputs = {"x": (prepares.shape, "float32")}
    if isinstance(prepares, Columns):
        columns = dict.fromkeys(name for name, _ in prepares.columns)
        names = (prepares.columns[i][0] for i in prepares.categories)
        columns |= dict(zip(names, prepares.state, strict=True))
        example = repr({name: ["" if known else 0.0] for name, known in columns.items()})
        return leaves(of_raw, inputs, programs.predict_rows, example, columns=columns)
    return leaves(of_raw, inputs, programs.predict, example_of(prepares))
