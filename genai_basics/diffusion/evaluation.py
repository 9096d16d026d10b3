"""Reports and ratings of diffusion models for commands, run folders and the audit."""

import numpy as np

from ..arguments import wanted
from ..chunks import alone
from ..evaluation import examples_of_samples, rated_by_label, report_samples
from ..evaluation import sample_pictures as pictures
from ..exporting import Export, Graph, label_of, programs

__all__ = [
    "answer",
    "examples_of_samples",
    "exported",
    "features_of",
    "losses_by_example",
    "pictures",
    "report",
    "steps_from_noise",
]

DRAWS = 8  # draws of noise and time for the loss of an example


def losses_by_example(model, x, y=None, batch_size=None):
    """Return the loss of each raw example, (n,), averaged over `DRAWS` fixed draws of noise."""
    model.reset_evaluation_noise()
    data = model.prepare(x, y)
    size = batch_size or 256
    draws = [model.map_batches(model.prepared_loss, *data, batch_size=size) for _ in range(DRAWS)]
    return np.mean(draws, axis=0)


def features_of(model, x, y=None):
    """Return features (n, d) of raw x; see `build_diffusion`."""
    return model.map_batches(model.prepared_features, np.asarray(x), batch_size=256)


def report(model, x, y=None):
    """Return the metrics of samples, and the loss."""
    found, intervals = report_samples(model, x, y)
    logs = model.evaluate(x, wanted(model, y), verbose=0, return_dict=True)
    return {**found, "loss": logs["loss"]}, intervals


def answer(model, x):
    """Rate x by its loss; for a conditional model, each row also has the label that fits best.

    This is the label with which the noise in x is predicted best (Li et al., 2023,
    https://arxiv.org/abs/2303.16203).
    """
    return rated_by_label(model, x, "loss", model.losses_by_example, np.argmin)


@alone
def steps_from_noise(model, n=4, *, seed=None, labels=None):
    """Return the points on the ways from noise to n samples, (steps + 1, n, ...), as raw data.

    The first are noise and the last are samples; `labels` as for `sample`.
    """
    model.set_sampler()
    labels = model.labels.spread(n, labels)
    more = () if labels is None else (labels,)
    shape = (n, *model.preprocessor.shape)
    points = [np.random.default_rng(seed).standard_normal(shape, "float32")]
    for i in range(model.steps):
        t = np.full((n, 1), i / model.steps, "float32")
        points.append(model.map_batches(model.next_points, points[-1], t, *more))
    return np.stack([model.invert(x) for x in points])


def exported(model):
    """Return the graph from noise and label to samples, with the model's own steps and guidance."""
    shape = model.preprocessor.shape
    model.set_sampler()
    velocity = model.velocity if model.guidance == 1 else model.extrapolated

    def generator(z, label=None):
        return {"x": model.preprocessor.restored(model.follow(z, label, velocity=velocity))}

    facts = {"num_classes": model.num_classes, "class_names": model.class_names, "codes": None}
    facts |= {"code_shape": shape, "decoder": "generator"}
    graphs = {"generator": Graph(generator, {"z": (shape, "float32"), **label_of(model)})}
    return Export(graphs, (programs.generate, programs.decode), "", facts, {})
