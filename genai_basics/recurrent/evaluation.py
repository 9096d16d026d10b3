"""Reports, figures and predictions of the recurrent models, one section per model.

The classes bind these functions, so `model` is `self`; x and y are raw data.
"""

import contextlib
import dataclasses
import textwrap

import keras
import numpy as np
from keras import ops

from .. import metrics, plotting
from ..evaluation import Errors, listed
from .recurrent_exports import (
    exported_forecaster,
    exported_language_model,
    exported_music_model,
    exported_recognizer,
    exported_translator,
)
from .streams import Streams

__all__ = [
    "answer_forecasts",
    "answer_music",
    "answer_speech",
    "answer_text",
    "answer_translations",
    "errors_of_forecasts",
    "errors_of_speech",
    "examples_of_forecasts",
    "examples_of_speech",
    "examples_of_translations",
    "examples_of_writing",
    "exported_forecaster",
    "exported_language_model",
    "exported_music_model",
    "exported_recognizer",
    "exported_translator",
    "history_shown",
    "losses_of_forecasts",
    "losses_of_sequences",
    "losses_of_speech",
    "pictures_of_forecasts",
    "pictures_of_translations",
    "privacy_of_forecasts",
    "privacy_of_sequences",
    "reads_forecasts",
    "report_forecasts",
    "report_music",
    "report_speech",
    "report_text",
    "report_translations",
]

# Forecasters.


def report_forecasts(model, x, y=None):
    """Return the errors of all forecasts, and those of repeating the last season."""
    targets, quantiles, naive = model.backtest(x, y)
    error = np.abs(targets - quantiles[..., model.middle])
    scale = ops.convert_to_numpy(model.naive_error)
    band = round(100 * (model.quantiles[-1] - model.quantiles[0]))
    found = {
        "mae": error.mean(),
        "mase": (error / scale).mean(),
        "mase_seasonal_naive": (np.abs(targets - naive) / scale).mean(),
        f"coverage_{band}": metrics.coverage(targets, quantiles[..., 0], quantiles[..., -1]),
        "pinball": metrics.pinball(targets, quantiles, model.quantiles),
    }
    found = {name: float(value) for name, value in found.items()}
    return found, {"mae": metrics.bootstrap_interval(error.mean(axis=(1, 2)))}


def reads_forecasts(model, spec):
    """Return the spec with which `predict` reads inputs; with `known`, it includes steps ahead."""
    return dataclasses.replace(spec, known=model.known, ahead=model.horizon if model.known else 0)


def privacy_of_forecasts(model, x):
    """Return the number of units that private training protects, and what a unit is."""
    steps = model.window + model.horizon
    return len(model.prepare(x)[1]), f"a window of {steps} steps, not a whole series"


def answer_forecasts(model, x):
    """Forecast each series; with `known`, its last `horizon` steps are forecast."""
    times = x.following(model.horizon) if hasattr(x, "following") else None
    future = None
    if model.known:
        places = model.preprocessor.known_places
        future = np.stack([one[-model.horizon :][:, places] for one in x])
        x = [one[: -model.horizon] for one in x]
    quantiles = model.predict(x, future=future)
    names = [f"{name}_{q:g}" for name in model.targets for q in model.quantiles]
    rows = []
    for i, one in enumerate(quantiles.reshape(*quantiles.shape[:2], -1).tolist()):
        steps = [{"step": h + 1} for h in range(model.horizon)]
        if times and times[i]:
            steps = [{**step, "time": at} for step, at in zip(steps, times[i], strict=True)]
        named = (dict(zip(names, values, strict=True)) for values in one)
        rows.append([{**step, **found} for step, found in zip(steps, named, strict=True)])
    return rows, quantiles[..., model.middle].reshape(-1, len(model.targets))


def history_shown(model):
    """Return how many past steps a picture shows, so that the forecast is large enough in it."""
    return min(3 * model.window, max(8 * model.horizon, 60))


def pictures_of_forecasts(model, x, y=None):
    """Return the last forecast of each target: history, truth, median and bands."""
    series, places = model.preprocessor.places(x, y)
    i, t = places[-1]
    times = x.times[i] if hasattr(x, "following") else None
    windows, targets = model.prepare(x, y)
    quantiles = model.predict([series[i][:t]], future=windows["future"][-1:])[0]
    found = {}
    start = max(0, t - history_shown(model))
    for j, name in enumerate(model.targets):
        past = series[i][start:t, model.preprocessor.target_places[j]]
        found["forecast" if len(model.targets) == 1 else f"forecast-{name}"] = plotting.forecast(
            past,
            quantiles[:, j, model.middle],
            quantiles[:, j],
            levels=model.quantiles,
            name=str(name),
            truth=targets[-1][:, j],
            times=None if times is None else times[start:],
        )
    return found


def examples_of_forecasts(model, x, y=None):
    """Return `(lines, picture)`: the last forecast of the first target, and the true values."""
    series, places = model.preprocessor.places(x, y)
    i, t = places[-1]
    windows, targets = model.prepare(x, y)
    quantiles = model.predict([series[i][:t]], future=windows["future"][-1:])[0, :, 0]
    times = x.times[i][t:] if hasattr(x, "following") else range(1, model.horizon + 1)
    low, high = (f"{100 * model.quantiles[k]:g}%" for k in (0, -1))
    rows = [
        {
            "time": str(at).removesuffix("T00:00:00"),
            "truth": float(true),
            "forecast": float(row[model.middle]),
            f"{low} to {high}": f"{row[0]:.4g} to {row[-1]:.4g}",
        }
        for at, true, row in zip(times, targets[-1][:, 0], quantiles, strict=False)
    ]
    return listed(rows)[0], next(iter(model.pictures(x, y).values()))


def losses_of_forecasts(model, x, y=None, batch_size=None):
    """Return the pinball loss of each of n consecutive forecasts, (n,).

    The forecasts do not overlap, so each loss counts as a separate example.
    """
    windows, targets = model.prepare(x, y)
    rows, _ = _apart(model, x, y)
    inputs = model.preprocessor({name: part[rows] for name, part in windows.items()})
    inputs = keras.tree.map_structure(ops.convert_to_numpy, inputs)
    terms = model.map_batches(model.loss_terms, inputs, targets[rows], batch_size=batch_size)
    return terms["loss"]


def errors_of_forecasts(model, x, y=None):
    """Return the median's error in each forecast, by target, relative to the last season's."""
    windows, targets = model.prepare(x, y)
    rows, steps = _apart(model, x, y)
    parts = (windows["history"][rows], windows["future"][rows])
    quantiles, _ = model.map_batches(model.forecasts_of, *parts)
    error = np.abs(targets[rows] - quantiles[..., model.middle]).mean(axis=1)
    error = error / ops.convert_to_numpy(model.naive_error)
    parts = np.tile(model.targets, len(error))
    return Errors("absolute scaled error", error.ravel(), steps.repeat(len(model.targets)), parts)


def _apart(model, x, y=None):
    """Return the rows of non-overlapping forecasts, and their first steps."""
    _, places = model.preprocessor.places(x, y)
    _, first, which = np.unique(places[:, 0], return_index=True, return_inverse=True)
    rows = np.flatnonzero((places[:, 1] - places[first[which], 1]) % model.horizon == 0)
    return rows, places[rows, 1]


# Speech recognizers.


def report_speech(model, x, y=None, *, beam=None, language_model=None, weight=0.5):
    """Return share of exact texts, word and character error rate; options as for `transcribe`."""
    if y is None:
        raise ValueError("transcriptions are needed to measure. Received: data without")
    found = model.transcribe(x, beam=beam, language_model=language_model, weight=weight)
    said = [model.text(numbers) for numbers in model.numbers(y)]
    right = np.array([a == b for a, b in zip(said, found, strict=True)])
    scores = {
        "exact": float(right.mean()),
        "word_error_rate": metrics.word_error_rate(said, found),
        "character_error_rate": metrics.character_error_rate(said, found),
    }
    return scores, {"exact": metrics.bootstrap_interval(right.astype("float32"))}


def answer_speech(model, x, *, beam=None, language_model=None, weight=0.5):
    """Transcribe each clip; options as for `transcribe`."""
    found = model.transcribe(x, beam=beam, language_model=language_model, weight=weight)
    return [{"transcription": text} for text in found], None


def examples_of_speech(model, x, y=None):
    """Return `(lines, picture)`: true and recognized texts, with spectrograms."""
    x, y = list(x[:16]), list(y[:16])
    said, heard = [model.text(numbers) for numbers in model.numbers(y)], model.transcribe(x)
    wrong = [a != b for a, b in zip(said, heard, strict=True)]
    names = [
        a if a == b else f"{b or '(nothing)'}, not {a}" for a, b in zip(said, heard, strict=True)
    ]
    waves = model.waves(x[:4])
    frames = ops.convert_to_numpy(model.log_mel.num_frames(waves["length"]))
    bands = ops.convert_to_numpy(model.log_mel(waves["samples"]))
    bands = [one[:n] for one, n in zip(bands, frames, strict=True)]
    lines = [f"{len(x) - sum(wrong)} of {len(x)} held-out clips are transcribed without an error"]
    rows = [{"said": a, "heard": b} for a, b in zip(said, heard, strict=True)]
    seconds = waves["length"][0] / model.log_mel.sample_rate / frames[0]
    picture = plotting.spectrograms(bands, names[:4], wrong[:4], seconds=seconds)
    return lines + listed(rows, wrong)[0], picture


def errors_of_speech(model, x, y=None):
    """Return the word error rate of each clip."""
    said = [model.text(numbers) for numbers in model.numbers(y)]
    pairs = zip(said, model.transcribe(x), strict=True)
    rates = [metrics.word_error_rate([a], [b]) if a.split() else float(b != "") for a, b in pairs]
    return Errors("word error rate of a clip", np.array(rates))


def losses_of_speech(model, x, y=None, batch_size=None):
    """Return the CTC loss of each clip in nats per symbol, (n,)."""
    terms = model.map_batches(model.loss_terms, *model.prepare(x, y), batch_size=batch_size)
    return terms["loss"]


# Translators.


def report_translations(model, x, y=None, *, beam=4):
    """Return share of exact texts, BLEU and chrF; `beam` as for `translate`."""
    x, y = model.preprocessor.texts(x), model.targets.texts(y)
    references = {}
    for source, target in zip(x, y, strict=True):
        references.setdefault(source, []).append(target)
    sources = list(references)  # several translations of a source are several references
    found = model.translate(sources, beam=beam)
    lists = [references[source] for source in sources]
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    exact = np.mean([text in right for text, right in zip(found, lists, strict=True)])
    scores = {"exact": float(exact), "nats_per_unit": logs["loss"]}
    with contextlib.suppress(ImportError):  # BLEU and chrF need an optional package
        scores |= {"bleu": metrics.bleu(found, lists), "chrf": metrics.chrf(found, lists)}
    return scores, {}


def answer_translations(model, x, *, beam=4):
    """Translate each text; `beam` as for `translate`."""
    found = model.translate(x, beam=beam)
    return [{"translation": text} for text in found], found


def pictures_of_translations(model, x, y=None):
    """Return a plot of the attention of a translation, for the source of median length."""
    lengths = [len(text) for text in x]
    chosen = x[int(np.argsort(lengths)[len(lengths) // 2])]
    return {"attention": plotting.attention(*model.attention(chosen))}


def examples_of_translations(model, x, y=None):
    """Return `(lines, picture)`: sources, true and predicted translations, wrong ones marked."""
    x, y = model.preprocessor.texts(x[:16]), model.targets.texts(y[:16])
    found = model.translate(x)
    names = "source", "truth", "translation"
    rows = [dict(zip(names, row, strict=True)) for row in zip(x, y, found, strict=True)]
    return listed(rows, [a != b for a, b in zip(y, found, strict=True)])


# Models of sequences: language models and models of music.


def report_text(model, x, y=None):
    """Return nats and bits per character, and perplexity per unit."""
    loss = model.evaluate(x, verbose=0)
    texts = model.texts(x)
    tokens = sum(len(document) - 1 for document in model.documents(x))
    nats = loss * tokens / sum(map(len, texts))
    found = {"nats_per_character": nats, "bits_per_character": nats / np.log(2)}
    return {**found, "perplexity": float(np.exp(loss)), "nats_per_unit": loss}, {}


def answer_text(model, x):
    """Continue each text and return its loss."""
    texts = model.texts(x)
    nats = model.losses_by_example(texts).tolist()
    found = [model.sample(1, prompt=text, length=100, seed=0)[0] for text in texts]
    pairs = zip(nats, found, strict=True)
    return [{"nats_per_unit": loss, "continued": text} for loss, text in pairs], found


def examples_of_writing(model, x, y=None):
    """Return `(lines, picture)`: pieces generated by the model."""
    made = model.sample(6, length=200, seed=0)
    if not isinstance(made[0], str):
        return [], None
    return made[0].splitlines(), plotting.table(
        [[line] for text in made for line in [*textwrap.wrap(text, 100), ""]],
        ["written by the model"],
    )


def report_music(model, x, y=None):
    """Return nats per step."""
    return {"nats_per_step": model.evaluate(x, verbose=0)}, {}


def answer_music(model, x):
    """Continue each piece and return its loss."""
    rows = [{"nats_per_step": model.evaluate([piece], verbose=0)} for piece in x]
    return rows, [model.sample(1, prompt=piece, seed=0)[0] for piece in x]


def privacy_of_sequences(model, x):
    """Return the number of units that private training protects, and what a unit is."""
    (streams,) = model.prepare(x)
    return len(streams.table()), f"a window of {streams.window} steps, not a whole text"


def losses_of_sequences(model, x, y=None, batch_size=None):
    """Return the mean of -log p over the steps of each document of raw x, (n,), in nats."""
    documents = [document for one in x for document in model.documents([one])]
    streams = Streams(documents, max(len(document) - 1 for document in documents))
    rows, size = streams.table(), batch_size or 64
    compute, found = model.compile_once(model.loss_terms), []
    for start in range(0, len(rows), size):
        terms = compute(*streams.take(rows[start : start + size]))
        found.append(ops.convert_to_numpy(terms["loss"]))
    return np.concatenate(found)
