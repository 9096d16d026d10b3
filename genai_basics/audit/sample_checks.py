"""Checks of an audit on samples: copies, classes, passages, secrets."""

import numpy as np

from ..data.writers import image_grid, to_pixels
from ..recipes import get_recipe
from .balance import clusters, compare_shares, neighbours_label
from .canaries import exposure, exposure_among, repeated_sentences
from .copying import find_copies
from .neighbours import as_vectors
from .verbatim import copied_text

__all__ = ["check_copies", "check_secrets", "check_verbatim"]

COPIED = 0.05  # share of a text in long runs from the training data, beyond chance
EXPOSED = 6.0  # bits: one in 64 other secrets has as low a loss
MOST_CLASSES = 4  # maximum number listed as too rare or too frequent


def check_copies(run, samples, train, held_out, features, found):
    vectors, points = as_vectors(samples), as_vectors(train.x)
    unseen = as_vectors(held_out.x) if len(held_out) else None
    if len(points) < 12:
        found.unchecked.append(f"{len(points)} training examples are too few to judge copying.")
        return
    seen = _features(run.model, samples, train, held_out, features)
    copies = find_copies(vectors, points, unseen, features=seen)
    found.metrics |= {"copied": copies.share, "nearest_ratio": float(np.median(copies.ratios))}
    found.intervals["copied"] = copies.interval
    for name, (share, interval) in zip(("pixels", "features"), copies.views, strict=False):
        if seen is not None:  # otherwise both are equal
            found.metrics[f"copied_by_{name}"] = share
            found.intervals[f"copied_by_{name}"] = interval
    if copies.is_copier:
        text = (
            f"{copies.share:.1%} of the samples are closer to a training example than real "
            "data are: the model copies."
        )
        if copies.duplicated > 0.2:
            text += (
                f" {copies.duplicated:.0%} of the originals occur more than once in the training "
                "data: drop the duplicates."
            )
        found.findings.append(text)
        found.metrics["copied_of_duplicates"] = copies.duplicated
    if run.spec.kind == "images":
        found.pictures["copies"] = _pairs(copies, samples, train, run.spec)
    _check_balance(run, vectors, points, copies, train, found)


def _features(model, samples, train, held_out, features):
    """Return features of samples, training and held-out data; `None` if there are none."""
    parts = [(train.x, train.y), (held_out.x, held_out.y)]
    if features is not None:
        return [as_vectors(features(x)) for x in (samples, *(x for x, _ in parts))]
    labels = model.labels.spread(len(samples))
    seen = [model.features_of(x, y) if len(x) else None for x, y in [(samples, labels), *parts]]
    return (
        None if seen[0] is None else [None if part is None else as_vectors(part) for part in seen]
    )


def _pairs(copies, samples, train, spec):
    """Return the ten samples most similar to training pictures, each above its original."""
    worst = copies.worst(10)
    originals = train.take(copies.originals[worst]).x
    value_range = getattr(spec, "value_range", (0, 255))
    pictures = [to_pixels(part, value_range) for part in (samples[worst], np.asarray(originals))]
    return image_grid(np.concatenate(pictures), columns=len(worst))


def _check_balance(run, vectors, points, copies, train, found):
    """Compare the classes of samples, by their nearest neighbours, with those of the data."""
    labels = np.asarray(train.y) if train.y is not None else None
    named = getattr(run.spec, "class_names", None)
    if labels is not None and labels.ndim == 1 and labels.dtype.kind in "iu" and named:
        real, made = labels, neighbours_label(copies.neighbours, labels)
        names, what = named, "class"
    elif len(points) >= 100:
        real, made = clusters(points, vectors)
        names, what = [str(i + 1) for i in range(max(real.max(), made.max()) + 1)], "cluster"
    else:
        return
    asked = run.model.labels.spread(len(made)) if what == "class" else None
    rows = compare_shares(real if asked is None else asked, made, names)
    found.tables["balance"] = rows
    found.metrics["smallest_ratio"] = min(row["ratio"] for row in rows)
    whole = "the data" if asked is None else "the requested labels"
    wrong = [row for row in rows if row["differs"] and not 0.8 <= row["ratio"] <= 1.25]
    for row in sorted(wrong, key=lambda row: -abs(np.log(row["ratio"])))[:MOST_CLASSES]:
        found.findings.append(
            f"{what.capitalize()} {row['class']} makes up {row['samples']:.1%} of the samples "
            f"and {row['data']:.1%} of {whole}."
        )


def check_verbatim(samples, data, held_out, found):
    train, unseen = texts_of(data.train.x), texts_of(held_out.x) if len(held_out) else []
    metrics, passages = copied_text(samples, train, unseen)
    found.metrics |= metrics
    found.tables["passages"] = [
        {"length": length, "sample": i, "passage": _excerpt(samples[i][start : start + length])}
        for length, i, start in passages
    ]
    if metrics["copied"] > COPIED:
        found.findings.append(
            f"{metrics['copied']:.1%} more of the samples than of held-out data occurs in the "
            f"training data in runs of over {metrics['chance_run']} symbols."
        )
    seen, chance = metrics["samples_seen"], metrics.get("samples_seen_by_chance", 0.0)
    if seen > chance + 0.1:
        found.findings.append(f"{seen:.1%} of the samples occur completely in the training data.")


def check_secrets(run, train, held_out, seed, found):
    """Measure the exposure of planted secrets and of repeated sentences of the training texts."""
    planted = run.config.get("canaries") or []
    repeated = repeated_sentences(texts_of(train.x))[:5]
    secrets = [canary["secret"] for canary in planted]
    repeated = [(s, n) for s, n in repeated if not any(secret in s for secret in secrets)]
    if "streams" not in get_recipe(run.name).can or not (planted or repeated):
        return  # only language models have a likelihood of any text
    rows = []
    for canary in planted:
        bits = exposure(run.model, canary["secret"], seed)
        rows.append({"passage": canary["secret"], "repeats": canary["repeats"], "exposure": bits})
    if rows:
        found.metrics["exposure"] = max(row["exposure"] for row in rows)
    usual = (
        [s for s, _ in repeated_sentences(texts_of(held_out.x), least=1)] if len(held_out) else []
    )
    for sentence, times in repeated if len(usual) >= 10 else ():
        losses = run.model.losses_by_example([sentence, *usual])
        bits = exposure_among(losses[0], losses[1:])
        rows.append({"passage": _excerpt(sentence)[:80], "repeats": times, "exposure": bits})
    found.tables["secrets"] = rows
    for row in rows:
        if row["exposure"] > EXPOSED:
            found.findings.append(
                f"'{row['passage']}', {row['repeats']} times in the training text, is "
                f"memorized: its exposure is {row['exposure']:.1f} bits."
            )


def texts_of(x):
    return [x] if isinstance(x, str) else list(x)


def _excerpt(passage):
    return passage if isinstance(passage, str) else str(np.asarray(passage).tolist())[:200]
