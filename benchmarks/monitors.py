"""The weights are kept by a measure that agrees with the report and with the samples.

Each model trains once with its defaults, for half of its epochs. Ten of its states, at equal
distances, are compared: the `monitor`, computed on the validation data, by which `train` keeps the
best weights; the model's own report on the test data; and, for letters and place names, 1,000
samples, judged without the model: letters by the Fréchet distance to test pictures in the features
of another classifier, place names by the divergence of 3-grams. The figures are Spearman's rank
correlations with the monitor, and the measure of the state that the monitor chooses, divided by
that of the best of the ten.
"""

import tempfile

import keras
import numpy as np
from scipy.stats import spearmanr

import genai_basics as gb
from genai_basics.arguments import wanted
from genai_basics.backend import value_of
from genai_basics.metrics import frechet_distance, ngram_jsd
from genai_basics.recipes import RECIPES

HEADERS = (
    "model",
    "monitor",
    "report",
    "rank correlation",
    "chosen / best",
    "samples",
    "rank correlation",
    "chosen / best",
)
REPORTED = {  # a measure of the model's report; lower is better
    "autoencoder": "mean_squared_error",
    "vae": "negative_elbo",
    "text-vae": "negative_elbo",
    "gan": "frechet_distance",
    "diffusion": "frechet_distance",
    "text-gan": "ngram_jsd_3",
    "video-gan": "frechet_distance",
    "music-gan": "interval_jsd",
    "forecaster": "mase",
    "language-model": "nats_per_character",
}
JUDGED = {  # a measure of the samples, without the model
    **dict.fromkeys(("vae", "gan", "diffusion"), "frechet_distance"),
    **dict.fromkeys(("text-vae", "text-gan"), "ngram_jsd_3"),
}
STATES, N = 10, 1000


class States(keras.callbacks.Callback):
    """Copies the model's variables at equal distances of training."""

    def on_train_begin(self, logs=None):
        self.kept = []

    def on_train_batch_end(self, batch, logs=None):
        if float(value_of(self.model.progress)) * STATES >= len(self.kept) + 0.5:
            self.kept.append([value_of(v).copy() for v in self.model.variables])


def measure(folder=None):
    """Return the rows of the table."""
    return [row(*pair) for pair in REPORTED.items()]


def row(name, reported):
    """Train a model and compare its states."""
    states, recipe = States(), RECIPES[name]
    epochs = -(-recipe.demo.get("epochs", recipe.epochs) // 2)
    with tempfile.TemporaryDirectory() as out:
        run = gb.train(name, epochs=epochs, audit=False, callbacks=[states], out=f"{out}/run")
        model, data = run.model, run.data()
    measures = [lambda: model.report(data.test.x, data.test.y)[0][reported]]
    if name in JUDGED:
        judged = (of_texts if data.kind == "text" else of_letters)(data)
        measures.append(lambda: judged(model))
    monitor = model.monitor.removeprefix("val_")
    found = []
    for values in states.kept:
        for variable, value in zip(model.variables, values, strict=True):
            variable.assign(value)
        held_out = data.validation
        y = wanted(model, held_out.y)
        logs = model.evaluate(held_out.x, y, verbose=0, return_dict=True)
        found.append((logs[monitor], *(measure() for measure in measures)))
    watched, *others = np.array(found).T
    cells = []
    for title, values in zip((reported, JUDGED.get(name)), others, strict=False):
        correlation = spearmanr(watched, values).statistic
        cells += [title, f"{correlation:.2f}", f"{values[watched.argmin()] / values.min():.2f}"]
    return [name, model.monitor, *cells, *[""] * (len(HEADERS) - 2 - len(cells))]


def of_letters(data):
    """Return a function from a model to the distance of its samples to test pictures."""
    judge = gb.train_feature_extractor(data.train.x, data.train.y, seed=1)
    real, labels = judge.features(data.test.x[:N]), data.test.y[:N]

    def distance(model):
        samples = model.sample(N, seed=0, labels=labels)
        return frechet_distance(real, judge.features(samples))

    return distance


def of_texts(data):
    """Return a function from a model to the divergence of its samples from test texts."""
    texts = data.test.x[:N]
    return lambda model: ngram_jsd(texts, model.sample(len(texts), seed=0), n=3)
