"""The weights are kept by a measure that agrees with the report and with the samples.

Each model trains once with its defaults. Ten of its states, at equal distances, are compared: the
`monitor`, computed on the validation data, by which `train` keeps the best weights; the model's
own report on the test data; and 1,000 samples, judged without the model. Letters are judged by the
Fréchet distance to test pictures in the features of another classifier, place names by the
divergence of 3-grams. The figures are Spearman's rank correlations with the monitor, and the
measure of the state that the monitor chooses, divided by that of the best of the ten.
"""

import tempfile

import keras
import numpy as np
from scipy.stats import spearmanr

import genai_basics as gb
from genai_basics.arguments import wanted
from genai_basics.backend import value_of
from genai_basics.metrics import frechet_distance, ngram_jsd

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
REPORTED = {
    "gan": "frechet_distance",
    "diffusion": "frechet_distance",
    "vae": "negative_elbo",
    "text-vae": "negative_elbo",
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
    states = States()
    with tempfile.TemporaryDirectory() as out:
        run = gb.train(name, audit=False, callbacks=[states], out=f"{out}/run")
        model, data = run.model, run.data()
    judged = of_texts(data.test.x) if name == "text-vae" else of_letters(data)
    monitor = model.monitor.removeprefix("val_")
    found = []
    for values in states.kept:
        for variable, value in zip(model.variables, values, strict=True):
            variable.assign(value)
        held_out = data.validation
        y = wanted(model, held_out.y)
        logs = model.evaluate(held_out.x, y, verbose=0, return_dict=True)
        report, _ = model.report(data.test.x, data.test.y)
        found.append((logs[monitor], report[reported], judged(model)))
    watched, *others = np.array(found).T
    cells = []
    titles = reported, "ngram_jsd_3" if name == "text-vae" else "frechet_distance"
    for title, values in zip(titles, others, strict=True):
        correlation = spearmanr(watched, values).statistic
        cells += [title, f"{correlation:.2f}", f"{values[watched.argmin()] / values.min():.2f}"]
    return [name, model.monitor, *cells]


def of_letters(data):
    """Return a function from a model to the distance of its samples to test pictures."""
    judge = gb.train_feature_extractor(data.train.x, data.train.y, seed=1)
    real, labels = judge.features(data.test.x[:N]), data.test.y[:N]

    def distance(model):
        samples = model.sample(N, seed=0, labels=labels)
        return frechet_distance(real, judge.features(samples))

    return distance


def of_texts(texts):
    """Return a function from a model to the divergence of its samples from texts."""
    return lambda model: ngram_jsd(texts, model.sample(len(texts), seed=0), n=3)
