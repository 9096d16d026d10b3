"""What commands, run folders and the audit ask of GANs of pictures, vectors and texts."""

import math

import numpy as np

from .. import metrics
from ..data.writers import image_grid, to_pixels
from ..metrics.features import sample_report

__all__ = [
    "REPORT_LEAST",
    "REPORT_MOST",
    "answer",
    "answer_text",
    "errors_of",
    "features_of",
    "features_of_text",
    "losses_by_example",
    "no_pictures",
    "pictures",
    "report",
    "report_text",
    "symptoms",
]

REPORT_LEAST, REPORT_MOST = 2000, 5000  # samples of a report


def losses_by_example(model, x, y=None, batch_size=None):
    """Return how unreal each raw example looks to the discriminator, (n,).

    It was trained to score the training examples as real, so its score tells which examples
    they were (LOGAN, Hayes et al., 2019, https://arxiv.org/abs/1705.07663).
    """
    data = model.prepare(x, y)
    return -model.map_batches(model.prepared_scores, *data, batch_size=batch_size or 256)


def errors_of(model, x, y=None):
    """A GAN predicts nothing: a `ValueError`."""
    raise ValueError(f"a {model.name} makes no predictions that could be wrong")


def features_of(model, x, y=None):
    """Return features (n, d) of raw x, see `build_gan`."""
    return model.map_batches(model.prepared_features, np.asarray(x), batch_size=256)


def report(model, x, y=None):
    """Return metrics and intervals of as many samples as x has, 2,000 to 5,000."""
    n, labels = int(np.clip(len(x), REPORT_LEAST, REPORT_MOST)), None
    if model.num_classes:
        order = np.random.default_rng(0).permutation(len(x))
        labels = np.resize(model.labels.check(y)[order], n)
    real = model.features_of(x[:REPORT_MOST])
    fake = model.features_of(model.sample(n, seed=0, labels=labels))
    found, intervals = model.judge.report(real, fake, labels, model.class_names)
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    kept = {name: logs[name] for name in ("diversity", "real_accuracy", "fake_accuracy")}
    return {**found, **kept, "samples": n}, intervals


def answer(model, x):
    """Score x; the rows of a conditional GAN also hold the label that fits best."""
    x = np.asarray(x)
    if not model.num_classes:
        return [{"score": float(s)} for s in model.predict(x, verbose=0)[:, 0]], None
    scores = np.concatenate(
        [model.predict(x, np.full(len(x), k), verbose=0) for k in range(model.num_classes)],
        axis=1,
    )
    names = model.class_names or range(model.num_classes)
    rows = zip(scores.argmax(axis=1), scores.max(axis=1), strict=True)
    return [{"label": names[k], "score": float(score)} for k, score in rows], None


def pictures(model, x, y=None):
    """Return samples, a row for each class, and ways from sample to sample."""
    if len(model.input_shape_of_one()) != 3:
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


def symptoms(model, history):
    """Return `{name: sentence}` of what goes wrong between the players, for `Doctor`."""
    found, recent = {}, history[-3:]
    if len(history) < 5:
        return found
    spread = [logs.get("val_diversity", logs["diversity"]) for logs in recent]
    accuracy = [min(logs["real_accuracy"], logs["fake_accuracy"]) for logs in recent]
    norms = [max(logs["generator_norm"], logs["discriminator_norm"]) for logs in recent]
    smooth = {
        "r1": "take `penalty='r1_r2'`, or raise `penalty_weight`",
        "r1_r2": "raise `penalty_weight`",
    }.get(model.penalty, "add `penalty='r1'`")
    vary = "add `augment`, " if model.can_augment else ""
    if max(spread) < 0.3:
        found["mode_collapse"] = (
            f"mode collapse: the samples' variance is {spread[-1]:.0%} of the data's; "
            f"{smooth}, raise `discriminator_steps`, or use larger batches"
        )
    if min(accuracy) > 0.98:
        found["overpowering_discriminator"] = (
            f"the discriminator classifies {accuracy[-1]:.0%} of real and of generated examples "
            f"correctly, so the generator learns little: {smooth}, {vary}or lower the "
            "discriminator's learning rate (`d_optimizer` of compile)"
        )
    if min(norms) > 1e3:
        found["divergence"] = (
            f"the gradients' norm is {norms[-1]:.3g}, training diverges: lower "
            "`learning_rate` of compile (--learning-rate), or add `spectral_normalization=True`"
        )
    return found


# Texts.


def report_text(model, x, y=None):
    """Return n-gram divergences (nats) from x, next to those between x's halves, and more."""
    n = int(np.clip(len(x), REPORT_LEAST, 2 * REPORT_MOST))
    fake, x = model.sample(n, seed=0), list(x)[:n]
    order = np.random.default_rng(0).permutation(len(x))
    halves = [[x[i] for i in order[start::2]] for start in (0, 1)]
    found = {}
    for size in (2, 3, 4):
        for name, pair in {"": (x, fake), "_floor": halves}.items():
            bits = metrics.ngram_jsd(*pair, n=size, level=model.preprocessor.level)
            found[f"ngram_jsd_{size}{name}"] = bits * math.log(2)
    found["distinct"] = len(set(fake)) / n
    found["not_in_this_data"] = metrics.novelty(x, fake)
    close = sample_report(model.features_of(x), model.features_of(fake))
    return {**found, **close, "samples": n}, {}


def features_of_text(model, x, y=None):
    """Return features (n, d) of texts."""
    return model.map_batches(model.prepared_features, *model.prepare(x), batch_size=256)


def answer_text(model, x):
    """Score texts."""
    return [{"score": float(score)} for score in model.predict(x, verbose=0)[:, 0]], None


def no_pictures(model, x, y=None):
    """Return no pictures."""
    return {}
