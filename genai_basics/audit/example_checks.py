"""Checks of an audit on real examples: duplicates, membership inference, errors by group."""

import zlib

import numpy as np

from ..data import Part
from .balance import worst_groups
from .copying import find_duplicates
from .leakage import membership
from .neighbours import as_vectors

__all__ = ["check_duplicates", "check_groups", "check_membership"]

LEAKING = 0.55  # membership leaks if the lower bound of the area under the curve exceeds this
PIECE = 300  # characters of a long text that count as one example


def check_duplicates(data, found):
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
            f"{across} of {held_out} held-out examples are also in the training data: held-out "
            "figures are too optimistic."
        )


def check_membership(run, train, held_out, members, seed, found):
    generator = np.random.default_rng(seed)
    if run.spec.kind == "text" and run.spec.corpus:
        members //= 4  # each piece of a text has many steps
    sides = []
    for part in (train, held_out):
        part = _examples(part)
        if run.spec.kind != "forecast":  # a series stays whole
            part = part.take(np.sort(generator.permutation(len(part))[:members]))
        sides.append((part.x, part.y))
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
            "inference also contain the difference between the two stretches."
        )
    elif intervals["membership_auc"][0] > LEAKING:
        low, high = intervals["membership_auc"]
        found.findings.append(
            "The model gives away what it was trained on: of a training example and another one, "
            f"its {run.model.membership_score} picks the right one in {low:.0%} to {high:.0%} of "
            "pairs (chance: 50%). Keep the weights private if the data are; fewer epochs or more "
            "data make it harder."
        )


def _examples(part):
    """Return a part, or the pieces of one long text."""
    if isinstance(part.x, str) or (isinstance(part.x, list) and len(part.x) == 1):
        text = part.x if isinstance(part.x, str) else part.x[0]
        if isinstance(text, str):
            starts = range(0, max(len(text) - PIECE, 1), PIECE)
            return Part([text[i : i + PIECE] for i in starts])
    return part


def _facts(x, y):
    """Return model-independent numbers on the difficulty of each example; `None` if unknown."""
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
    """Return the facts of both sides, reduced to 32 principal components if there are many."""
    from sklearn.decomposition import PCA

    if facts[0] is None or facts[0].shape[1] <= 40:
        return facts
    together = np.nan_to_num(np.concatenate(facts))
    parts = PCA(min(32, len(together)), svd_solver="randomized", random_state=seed)
    together = parts.fit_transform(together)
    return together[: len(facts[0])], together[len(facts[0]) :]


def check_groups(run, held_out, by, members, found):
    """Find the group with the largest error, by label or by a column."""
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
    """Return the columns to group by; `None` for the groups that the model itself returns."""
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
