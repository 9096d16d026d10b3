"""`audit_run`: all checks of a trained model that its kind and its data allow."""

from dataclasses import dataclass, field

from ..data import Dataset
from ..jsonable import plain
from ..markup import bullets, page, picture, table
from .copying import find_duplicates
from .data_checks import check_data, drop_suspects, groups_on_both_sides
from .example_checks import check_duplicates, check_groups, check_membership
from .sample_checks import check_copies, check_secrets, check_verbatim

__all__ = ["Audit", "audit_run", "exceeded"]

SEQUENCES = ("text", "pairs", "music")
GATES = {  # gate: (metric, description)
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
        findings: Sentences about problems, worst first.
        unchecked: Sentences about what could not be checked, and why.
        pictures: `{name: uint8 picture}`.
    """

    metrics: dict = field(default_factory=dict)
    intervals: dict = field(default_factory=dict)
    tables: dict = field(default_factory=dict)
    findings: list = field(default_factory=list)
    unchecked: list = field(default_factory=list)
    pictures: dict = field(default_factory=dict, repr=False)

    def to_config(self):
        """Return everything except the pictures as a dict that is valid in JSON."""
        names = ("metrics", "intervals", "tables", "findings", "unchecked")
        return {name: plain(getattr(self, name)) for name in names}

    def _repr_html_(self):
        """Return the findings, numbers and pictures as HTML for notebooks."""
        rows = [(name, value, self.intervals.get(name, "")) for name, value in self.metrics.items()]
        return page(
            "Audit",
            bullets(self.findings or ["No problem was found."]),
            table(rows, ("", "value", "95% interval")) if rows else "",
            *(picture(pixels, name) for name, pixels in self.pictures.items()),
            bullets(self.unchecked),
        )


def audit_run(
    run,
    data=None,
    *,
    n: int = 1000,
    members: int = 2000,
    by=None,
    group=None,
    features=None,
    seed: int | None = 0,
    **data_options,
):
    """Audit the trained model of a run. `genai-basics audit` is this function.

    Args:
        run: A `Run`.
        data: The data that it was trained on: a `Dataset`, or a source for `load_data`. `None`
            loads them again as recorded in the run.
        n: Number of samples to draw.
        members: Maximum number of training and of held-out examples whose losses are compared.
        by: Column by which errors are compared between groups: a metadata column ("speaker"),
            "label", or "target" for a forecaster. `None`: the labels or targets of models that
            predict.
        group: Column whose values should not occur in several splits. `None`: every column
            whose values repeat.
        features: Callable that maps raw examples to vectors (n, d), such as a trained classifier's
            `features`: copies are then detected by pixels and by these. `None`: the model's own
            features, if it has any.
        seed: Seed of the samples and of random choices.
        **data_options: Keyword arguments for `load_data`.

    Returns:
        An `Audit`; `unchecked` says what could not be checked.

    Raises:
        ValueError: If `by` or `group` is not a column.

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
            "training data only."
        )
    if samples is not None:
        if run.spec.kind in SEQUENCES:
            check_verbatim(samples, data, held_out, found)
        else:
            check_copies(run, samples, data.train, held_out, features, found)
    check_duplicates(data, found)
    found.findings += groups_on_both_sides(data, group)
    if run.spec.kind == "text":
        check_secrets(run, data.train, held_out, seed, found)
    if len(held_out):
        check_membership(run, data.train, held_out, members, seed, found)
        check_groups(run, held_out, by, members, found)
    return found


def exceeded(found, limits):
    """Return a sentence for each limit that is exceeded or could not be checked.

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
            broken.append(f"The {words} could not be measured, so its limit counts as exceeded.")
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
            "The run's data are not available, so copying, leakage and balance are not checked: "
            f"{error}"
        )
        return None
    if data.fingerprint != run.config["data"]["fingerprint"]:
        _note_change(found)
    training = run.config["training"]
    if source is None and training.get("drop"):  # it was trained on the remaining examples
        return drop_suspects(data, check_data(data, seed=training["seed"]), training["drop"])
    return data


def _note_change(found):
    found.findings.append(
        "The data are not those of the training: their fingerprint has changed. The numbers below "
        "are for the data as they are now."
    )


def _draw(run, n, seed, found):
    """Return samples, or `None` for a model without samples; record how many are equal."""
    model = run.model
    if run.spec.kind == "text" and run.spec.corpus:
        n = min(n, 100)  # for a corpus, each sample is a page
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
            f"{repeated:.0%} of the samples are equal to another sample: the model has collapsed."
        )
    return samples
