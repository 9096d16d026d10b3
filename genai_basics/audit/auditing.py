"""`audit_run`: every check of a trained model that its kind and its data allow."""

import zlib
from dataclasses import dataclass, field

import numpy as np

from ..data import Dataset
from ..data.writers import image_grid, to_pixels
from ..recipes import get_recipe
from .balance import clusters, compare_shares, neighbours_label, worst_groups
from .canaries import exposure, exposure_among, repeated_sentences
from .checks import check_data, drop_suspects, groups_on_both_sides
from .copying import find_copies, find_duplicates
from .leakage import membership
from .neighbours import as_vectors
from .verbatim import copied_text

__all__ = ["Audit", "audit_run", "exceeded"]

SEQUENCES = ("text", "pairs", "music")
COPIED = 0.05  # share of a text in long runs from the training data, over that of chance
LEAKING = 0.55  # lower bound of the area under the curve from which members are told
EXPOSED = 6.0  # bits: one in 64 others would be as likely
MOST_CLASSES = 4  # named for being too rare or too frequent among the samples
PIECE = 300  # characters of a long text that count as one example
GATES = {  # gate: (metric, in words)
    "copied": ("copied", "share of copied samples"),
    "auc": ("membership_auc", "area under the curve of membership inference"),
    "exposure": ("exposure", "exposure of a planted secret, in bits"),
    "gap": ("worst_gap", "gap between the worst group and the rest"),
}


@dataclass
class Audit:
    """What an audit found.

    Attributes:
        metrics: Numbers by name: `copied`, `membership_auc`, ...
        intervals: 95% intervals of some of them.
        tables: Lists of rows by name: `balance`, `groups`, `passages`.
        findings: Sentences on what is wrong, worst first.
        unchecked: Sentences on what could not be checked, and why.
        pictures: `{name: uint8 picture}`.
    """

    metrics: dict = field(default_factory=dict)
    intervals: dict = field(default_factory=dict)
    tables: dict = field(default_factory=dict)
    findings: list = field(default_factory=list)
    unchecked: list = field(default_factory=list)
    pictures: dict = field(default_factory=dict, repr=False)

    def to_config(self):
        """Return all but the pictures as a dict that JSON can hold."""
        names = ("metrics", "intervals", "tables", "findings", "unchecked")
        return {name: _plain(getattr(self, name)) for name in names}


def audit_run(
    run,
    data=None,
    *,
    n=1000,
    members=2000,
    by=None,
    group=None,
    features=None,
    seed=0,
    **data_options,
):
    """Audit the trained model of a run. `genai-basics audit` is this function.

    Args:
        run: A `Run`.
        data: The data it was trained on: a `Dataset`, or what `load_data` takes. `None` loads
            them again as the run noted.
        n: Samples to draw.
        members: Most training and held-out examples whose losses are compared.
        by: Name of a column of facts about the examples ("speaker"), "label", or "target" of a
            forecaster: whom does the model serve worst? `None` looks at the labels or targets
            of models that predict.
        group: Name of a column whose values should not be on both sides of a split. `None`
            looks at each whose values repeat.
        features: Callable that turns raw examples into vectors (n, d), such as a trained
            classifier's `features`: copies are looked for by pixels and by these. `None`: the
            model's own, where it has any.
        seed: Seed of samples and choices.
        **data_options: Keyword arguments for `load_data`.

    Returns:
        An `Audit`. What cannot be checked is said in `unchecked`; the rest is done.

    Raises:
        ValueError: If `by` or `group` names no column.

    Example:

    >>> run = train("vae", epochs=2)  # doctest: +SKIP
    >>> audit_run(run).metrics["copied"]  # doctest: +SKIP
    0.0
    """
    found = Audit()
    if not isinstance(data, Dataset):
        data = _load(run, data, data_options, found)
    elif data.fingerprint != run.config["data"]["fingerprint"]:
        _note_change(found)
    samples = _draw(run, n, seed, found)
    if data is None:
        return found
    held_out = data.test if len(data.test) else data.validation
    if not len(held_out):
        found.unchecked.append(
            "There is no held-out part, so leakage is not checked, and copying is judged by the "
            "training data alone."
        )
    if samples is not None:
        if run.spec.kind in SEQUENCES:
            _check_verbatim(samples, data, held_out, found)
        else:
            _check_copies(run, samples, data.train, held_out, features, found)
    _check_duplicates(data, found)
    found.findings += groups_on_both_sides(data, group)
    if run.spec.kind == "text":
        _check_secrets(run, data.train, held_out, seed, found)
    if len(held_out):
        _check_membership(run, data.train, held_out, members, seed, found)
        _check_groups(run, held_out, by, members, found)
    return found


def exceeded(found, limits):
    """Return a sentence for each limit that an audit breaks, or that it could not check.

    Args:
        found: An `Audit`.
        limits: `{"copied": 0.01, "auc": 0.6, "exposure": 5.0, "gap": 0.1}` or some of them.

    Example:

    >>> exceeded(Audit(metrics={"copied": 0.2}), {"copied": 0.01})
    ['The share of copied samples is 0.2, over the limit of 0.01.']
    """
    broken = []
    for name, limit in limits.items():
        metric, words = GATES[name]
        if metric not in found.metrics:
            broken.append(f"The {words} could not be measured, so its limit is not kept.")
        elif found.metrics[metric] > limit:
            value = found.metrics[metric]
            broken.append(f"The {words} is {value:.3g}, over the limit of {limit:g}.")
    return broken


def _load(run, source, options, found):
    try:
        data = run.data(source, **options)
    except (ValueError, OSError) as error:
        if source is not None:
            raise
        found.unchecked.append(
            "The run's data are not at hand, so copying, leakage and balance are not checked: "
            f"{error}"
        )
        return None
    if data.fingerprint != run.config["data"]["fingerprint"]:
        _note_change(found)
    training = run.config["training"]
    if source is None and training.get("drop"):  # what was trained on is what was left
        return drop_suspects(data, check_data(data, seed=training["seed"]), training["drop"])
    return data


def _note_change(found):
    found.findings.append(
        "The data are not those of the training: their fingerprint has changed. The numbers "
        "below hold for the data as they are now."
    )


def _draw(run, n, seed, found):
    """Return samples, or `None` for a model that makes none; says how many are the same."""
    model = run.model
    if run.spec.kind == "text" and run.spec.corpus:
        n = min(n, 100)  # of a corpus, each sample is a page
    if not model.can_sample:
        found.unchecked.append(f"The {run.name} makes no samples, so copying is not checked.")
        return None
    if run.spec.kind == "forecast":
        found.unchecked.append("Paths of a forecast are not checked for copies.")
        return None
    samples = model.sample(n, seed=seed)
    groups = find_duplicates(samples)
    repeated = sum(len(places) for places in groups) / len(samples)
    found.metrics["samples"] = len(samples)
    found.metrics["repeated_samples"] = repeated
    if repeated > 0.05 and run.spec.kind not in ("text", "pairs"):
        found.findings.append(
            f"{repeated:.0%} of the samples are the same as another one: the model has collapsed."
        )
    return samples


# Copying and balance of pictures and vectors.


def _check_copies(run, samples, train, held_out, features, found):
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
        if seen is not None:  # else they are one
            found.metrics[f"copied_by_{name}"] = share
            found.intervals[f"copied_by_{name}"] = interval
    if copies.is_copier:
        text = (
            f"{copies.share:.1%} of the samples are nearer to a training example than real "
            "data ever are: the model copies."
        )
        if copies.duplicated > 0.2:
            text += (
                f" {copies.duplicated:.0%} of these originals are in the training data more than "
                "once: drop the duplicates."
            )
        found.findings.append(text)
        found.metrics["copied_of_duplicates"] = copies.duplicated
    if run.spec.kind == "images":
        found.pictures["copies"] = _pairs(copies, samples, train, run.spec)
    _check_balance(run, vectors, points, copies, train, found)


def _features(model, samples, train, held_out, features):
    """Return samples, training and held-out data as the model sees them; `None` if it does not."""
    parts = [(train.x, train.y), (held_out.x, held_out.y)]
    if features is not None:
        return [as_vectors(features(x)) for x in (samples, *(x for x, _ in parts))]
    labels = model.sampling_labels(len(samples))
    seen = [model.features_of(x, y) if len(x) else None for x, y in [(samples, labels), *parts]]
    return (
        None if seen[0] is None else [None if part is None else as_vectors(part) for part in seen]
    )


def _pairs(copies, samples, train, spec):
    """Return the ten samples nearest to copies, above the training pictures that they are near."""
    worst = copies.worst(10)
    originals = train.take(copies.originals[worst]).x
    value_range = getattr(spec, "value_range", (0, 255))
    pictures = [to_pixels(part, value_range) for part in (samples[worst], np.asarray(originals))]
    return image_grid(np.concatenate(pictures), columns=len(worst))


def _check_balance(run, vectors, points, copies, train, found):
    """Compare the classes of samples, told by their nearest neighbours, with those of the data."""
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
    asked = run.model.sampling_labels(len(made)) if what == "class" else None
    rows = compare_shares(real if asked is None else asked, made, names)
    found.tables["balance"] = rows
    found.metrics["smallest_ratio"] = min(row["ratio"] for row in rows)
    whole = "the data" if asked is None else "the labels asked for"
    wrong = [row for row in rows if row["differs"] and not 0.8 <= row["ratio"] <= 1.25]
    for row in sorted(wrong, key=lambda row: -abs(np.log(row["ratio"])))[:MOST_CLASSES]:
        found.findings.append(
            f"{what.capitalize()} {row['class']} makes up {row['samples']:.1%} of the samples "
            f"and {row['data']:.1%} of {whole}."
        )


def _check_verbatim(samples, data, held_out, found):
    train, unseen = _texts(data.train.x), _texts(held_out.x) if len(held_out) else []
    metrics, passages = copied_text(samples, train, unseen)
    found.metrics |= metrics
    found.tables["passages"] = [
        {"length": length, "sample": i, "passage": _excerpt(samples[i][start : start + length])}
        for length, i, start in passages
    ]
    if metrics["copied"] > COPIED:
        found.findings.append(
            f"{metrics['copied']:.1%} more of what the model wrote than of held-out data stands in "
            f"the training data in runs of over {metrics['chance_run']} symbols."
        )
    seen, chance = metrics["samples_seen"], metrics.get("samples_seen_by_chance", 0.0)
    if seen > chance + 0.1:
        found.findings.append(f"{seen:.1%} of the samples stand in the training data as a whole.")


def _check_secrets(run, train, held_out, seed, found):
    """Measure how exposed planted secrets are, and sentences that repeat in the training texts."""
    planted = run.config.get("canaries") or []
    repeated = repeated_sentences(_texts(train.x))[:5]
    secrets = [canary["secret"] for canary in planted]
    repeated = [(s, n) for s, n in repeated if not any(secret in s for secret in secrets)]
    if "streams" not in get_recipe(run.name).can or not (planted or repeated):
        return  # only a language model gives the likelihood of any text
    rows = []
    for canary in planted:
        bits = exposure(run.model, canary["secret"], seed)
        rows.append({"passage": canary["secret"], "repeats": canary["repeats"], "exposure": bits})
    if rows:
        found.metrics["exposure"] = max(row["exposure"] for row in rows)
    usual = [s for s, _ in repeated_sentences(_texts(held_out.x), least=1)] if len(held_out) else []
    for sentence, times in repeated if len(usual) >= 10 else ():
        losses = run.model.losses_by_example([sentence, *usual])
        bits = exposure_among(losses[0], losses[1:])
        rows.append({"passage": _excerpt(sentence)[:80], "repeats": times, "exposure": bits})
    found.tables["secrets"] = rows
    for row in rows:
        if row["exposure"] > EXPOSED:
            found.findings.append(
                f"'{row['passage']}', {row['repeats']} times in the training text, is known by "
                f"heart: its exposure is {row['exposure']:.1f} bits."
            )


def _texts(x):
    return [x] if isinstance(x, str) else list(x)


def _excerpt(passage):
    return passage if isinstance(passage, str) else str(np.asarray(passage).tolist())[:200]


# Duplicates, leakage, groups.


def _check_duplicates(data, found):
    parts = (data.train, data.validation, data.test)
    if isinstance(data.train.x, dict) or data.kind in ("forecast",):
        return
    groups = find_duplicates(*(part.x for part in parts))
    within = sum(len(places) - 1 for places in groups if {p for p, _ in places} == {0})
    across = sum(any(p == 0 for p, _ in g) * sum(p > 0 for p, _ in g) for g in groups)
    found.metrics |= {"duplicates_in_training": within, "held_out_in_training": across}
    held_out = len(data.validation) + len(data.test)
    if across:
        found.findings.append(
            f"{across} of {held_out} held-out examples are in the training data as well: held-out "
            "figures are too good."
        )


def _check_membership(run, train, held_out, members, seed, found):
    generator = np.random.default_rng(seed)
    if run.spec.kind == "text" and run.spec.corpus:
        members //= 4  # pieces of a text are many steps each
    sides = []
    for part in (train, held_out):
        x, y = _examples(part)
        if run.spec.kind != "forecast":  # a series stays whole
            chosen = np.sort(generator.permutation(len(x))[:members])
            x, y = _take(x, chosen), None if y is None else _take(y, chosen)
        sides.append((x, y))
    try:
        losses = [run.model.losses_by_example(x, y) for x, y in sides]
    except (ValueError, NotImplementedError) as error:
        found.unchecked.append(f"Leakage is not checked: {error}.")
        return
    facts = [_facts(x, y) for x, y in sides] if all(map(len, losses)) else (None, None)
    if facts[0] is not None and any(
        len(f) != len(values) for f, values in zip(facts, losses, strict=True)
    ):
        facts = (None, None)
    metrics, intervals = membership(*losses, *_reduced(facts, seed), seed=seed)
    found.metrics |= metrics
    found.intervals |= intervals
    if run.spec.kind == "forecast" or (run.spec.kind == "text" and run.spec.corpus):
        what = "series are a later" if run.spec.kind == "forecast" else "text is another"
        found.unchecked.append(
            f"The held-out {what} stretch of the same data, so the figures of membership "
            "inference also hold how much the two stretches differ."
        )
    elif intervals["membership_auc"][0] > LEAKING:
        low, high = intervals["membership_auc"]
        found.findings.append(
            f"Training examples are told from held-out ones by their {run.model.membership_score} "
            f"in {low:.0%} to {high:.0%} of pairs (chance: 50%): do not share the weights where "
            "it matters who is in the data."
        )


def _examples(part):
    """Return x and y of a part as examples: a long text in pieces, else as they are."""
    if isinstance(part.x, str) or (isinstance(part.x, list) and len(part.x) == 1):
        text = part.x if isinstance(part.x, str) else part.x[0]
        if isinstance(text, str):
            starts = range(0, max(len(text) - PIECE, 1), PIECE)
            return [text[i : i + PIECE] for i in starts], None
    return part.x, part.y


def _take(values, indices):
    if isinstance(values, dict):
        return {name: _take(column, indices) for name, column in values.items()}
    if isinstance(values, list):
        return [values[i] for i in indices]
    return values[indices]


def _facts(x, y):
    """Return numbers that say how hard an example is, whatever the model; `None` if unknown."""
    if isinstance(x, list) and isinstance(x[0], str):
        packed = [len(zlib.compress(text.encode())) for text in x]
        return np.array(
            [
                [len(text), size, size / max(len(text), 1)]
                for text, size in zip(x, packed, strict=True)
            ]
        )
    if isinstance(x, (list, dict)):
        return None
    columns = [as_vectors(x)]
    if y is not None and getattr(y, "ndim", 0) == 1 and np.asarray(y).dtype.kind in "iuf":
        columns.append(np.asarray(y, "float32")[:, None])
    return np.concatenate(columns, axis=1)


def _reduced(facts, seed):
    """Return both sides' facts, many numbers as their first 32 principal components."""
    from sklearn.decomposition import PCA

    if facts[0] is None or facts[0].shape[1] <= 40:
        return facts
    together = np.nan_to_num(np.concatenate(facts))
    parts = PCA(min(32, len(together)), svd_solver="randomized", random_state=seed)
    together = parts.fit_transform(together)
    return together[: len(facts[0])], together[len(facts[0]) :]


def _check_groups(run, held_out, by, members, found):
    """Say whom the model serves worst, by label or by a column."""
    columns = _columns(run, held_out)
    if by is not None and by not in columns:
        known = ", ".join(columns) or "none"
        raise ValueError(
            f"`by` must be one of the columns of the data: {known}. Received: by={by!r}"
        )
    if by is None and (run.spec.kind == "forecast" or not run.model.can_sample):
        by = next((name for name in ("label", "target") if name in columns), None)
    if by is None:
        return
    part = held_out
    if run.spec.kind != "forecast":
        part = held_out.take(np.arange(len(held_out))[:members])
    try:
        name, errors, examples, parts = run.model.errors_of(part.x, part.y)
    except (ValueError, NotImplementedError, ImportError) as error:
        found.unchecked.append(f"Groups are not compared: {error}.")
        return
    examples = np.arange(len(errors)) if examples is None else examples
    groups = parts if columns[by] is None else np.asarray(columns[by])[examples]
    table = worst_groups(errors, groups, examples)
    found.tables["groups"] = [{"by": by, "error_is": name, **row} for row in table]
    if len(table) < 2:
        return
    worst = table[0]
    found.metrics["worst_gap"] = worst["error"] - worst["rest"]
    if worst["differs"]:
        found.findings.append(
            f"The model serves {by} {worst['group']} worst: {name} {worst['error']:.3g} "
            f"({worst['low']:.3g} to {worst['high']:.3g}, n={worst['n']}) against "
            f"{worst['rest']:.3g} on the rest."
        )


def _columns(run, held_out):
    """Return the facts by which examples fall into groups; `None` where the model knows them."""
    spec, y = run.spec, held_out.y
    if spec.kind == "forecast":
        x = held_out.x if isinstance(held_out.x, np.ndarray) else np.zeros((0, 0))  # several series
        few = [i for i in range(x.shape[1]) if len(np.unique(x[:, i])) <= 20]
        columns = {spec.columns[i]: x[:, i] for i in few}
        return {**({"target": None} if len(spec.targets) > 1 else {}), **columns}
    columns = dict(held_out.groups)
    names = getattr(spec, "class_names", None)
    if spec.kind == "tables":
        columns |= {name: x for name, x in held_out.x.items() if len(np.unique(x)) <= 20}
    if spec.kind == "detection":
        columns["label"] = None
    elif names and y is not None and np.asarray(y, dtype=object).ndim == 1:
        columns["label"] = np.array([names[int(label)] for label in y])
    return columns


def _plain(value):
    """Return a value as JSON holds it."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
