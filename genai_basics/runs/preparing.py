"""What a training starts from: its data, checked; the facts of them; versions of libraries."""

import platform
from importlib import metadata

from ..data.loading import load_for

__all__ = ["checked", "describe", "facts_of", "load", "plain", "planted", "versions"]


def load(recipe, data, options, like):
    """Return the data set of a training, of a kind that the recipe takes."""
    options = {**recipe.data_options, **options, **({"like": like} if like else {})}
    source = recipe.data if data is None else data
    return load_for(recipe.name, source, recipe.kinds, recipe.labelled, **options)


def checked(data, drop, wanted, seed):
    """Return the data without what is to be dropped, and what the checks found."""
    if not wanted and not drop:
        return data, None
    from ..audit import check_data, drop_suspects

    found = check_data(data, seed=seed)
    return drop_suspects(data, found, drop), found.to_config()


def planted(data, repeats, seed):
    """Return the data with secrets planted in the training text, and the secrets."""
    if not repeats:
        return data, None
    from ..audit import plant

    return plant(data, repeats, seed)


def facts_of(data, usual, asked):
    """Return facts of the data as builder arguments; requested facts must exist."""
    known = data.spec.facts()
    for name in asked:
        if known.get(name) is None:
            what = name.removeprefix("num_").replace("_", " ")
            raise ValueError(f"'{data.name}' has no {what}: it holds no labels")
    return {name: known[name] for name in (*usual, *asked) if known.get(name) is not None}


def describe(data):
    parts = (data.train, data.validation, data.test)
    return {
        "name": data.name,
        "kind": data.kind,
        "source": data.source,
        "fingerprint": data.fingerprint,
        "sizes": [len(part) for part in parts],
        "spec": data.spec.to_config(),
        "skipped": list(data.skipped),
    }


def versions():
    names = ("genai_basics", "keras", "tensorflow", "numpy")
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found


def plain(value):
    """Return arguments as JSON holds them; objects by their class name."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else type(value).__name__
