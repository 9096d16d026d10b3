"""What commands, run folders and the audit ask of a diffusion model."""

import numpy as np

from ..evaluation import sample_pictures as pictures

__all__ = ["answer", "features_of", "losses_by_example", "pictures", "report"]

DRAWS = 8  # of noise and time for the loss of an example
REPORT_LEAST, REPORT_MOST = 2000, 5000  # samples of a report


def losses_by_example(model, x, y=None, batch_size=None):
    """Return the loss of each raw example, (n,), averaged over `DRAWS` fixed draws of noise."""
    model.reset_evaluation_noise()
    data = model.prepare(x, y)
    size = batch_size or 256
    draws = [model.map_batches(model.prepared_loss, *data, batch_size=size) for _ in range(DRAWS)]
    return np.mean(draws, axis=0)


def features_of(model, x, y=None):
    """Return features (n, d) of raw x, see `build_diffusion`."""
    return model.map_batches(model.prepared_features, np.asarray(x), batch_size=256)


def report(model, x, y=None):
    """Return metrics and intervals of as many samples as x has, 2,000 to 5,000."""
    n, labels = int(np.clip(len(x), REPORT_LEAST, REPORT_MOST)), None
    if model.num_classes:
        order = np.random.default_rng(0).permutation(len(x))
        labels = np.resize(model.labels.check(y)[order], n)
    real = model.features_of(x[:REPORT_MOST])
    fake = model.features_of(model.sample(n, seed=0, labels=labels))
    metrics, intervals = model.judge.report(real, fake, labels, model.class_names)
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    return {**metrics, "loss": logs["loss"], "samples": n}, intervals


def answer(model, x):
    """Rate x by its loss; the rows of a conditional model hold the label that fits best, too.

    (Li et al., 2023, https://arxiv.org/abs/2303.16203: the label under which the noise in x is
    predicted best.)
    """
    x = np.asarray(x)
    if not model.num_classes:
        return [{"loss": float(loss)} for loss in model.losses_by_example(x)], None
    losses = np.stack(
        [model.losses_by_example(x, np.full(len(x), k)) for k in range(model.num_classes)]
    )
    names = model.class_names or range(model.num_classes)
    pairs = zip(losses.argmin(axis=0), losses.min(axis=0), strict=True)
    return [{"label": names[k], "loss": float(loss)} for k, loss in pairs], None
