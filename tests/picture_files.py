"""Folders of small pictures for tests, and what is read from them."""

import warnings

import numpy as np
from PIL import Image

from genai_basics import data as gd


def load(path, **options):
    """Return the data and all warnings."""
    with warnings.catch_warnings(record=True, action="always") as caught:
        data = gd.load_data(path, **options)
    return data, " | ".join(str(w.message) for w in caught)


def count(data):
    return len(data.train) + len(data.validation) + len(data.test)


def picture(path, value=None, size=8, mode="L"):
    path.parent.mkdir(parents=True, exist_ok=True)
    value = len(str(path)) + sum(path.name.encode()) if value is None else value
    Image.fromarray(np.full((size, size), value % 256, "uint8")).convert(mode).save(path)
    return path


def classes(root, names=("cats", "dogs"), n=6):
    for name in names:
        for i in range(n):
            picture(root / name / f"{i}.png")
    return root


def labels(data):
    """Return {file: class name}."""
    found = {}
    for part in (data.train, data.validation, data.test):
        if part.y is not None:
            names = [data.spec.class_names[i] for i in part.y]
            found.update(zip(part.groups["file"], names, strict=True))
    return found
