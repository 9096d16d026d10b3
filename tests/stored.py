"""Small runs of all models, stored with the tests: `python -m tests.stored` makes them again.

They show that runs of earlier versions load, give the same losses and samples, and resume. So a
run is made again only where its model or the format of files changes on purpose.
"""

import json
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np

from genai_basics.arguments import wanted
from genai_basics.recipes import RECIPES
from genai_basics.runs import load_run, train

FOLDER = Path(__file__).parent / "runs"
KEPT = ("config.json", "history.csv", "model.keras", "checkpoints/last.npz", "checkpoints/best.npz")
DATA = {"letters": "digits"}  # data that depend on no other package's version


def train_stored(name, folder, **options):
    """Train a tiny model for one epoch."""
    recipe = RECIPES[name]
    return train(
        name,
        DATA.get(recipe.data, recipe.data),
        epochs=1,
        batch_size=32,
        out=folder,
        audit=False,
        data_options={"limit": 128},
        **recipe.tiny,
        **options,
    )


def resume_stored(name, folder):
    """Resume a stored run for a second epoch."""
    return train(name, resume=True, out=folder, epochs=2, audit=False)


def measure(run):
    """Return the loss of some test examples and samples, as JSON holds them."""
    data = run.data(limit=16)
    y = wanted(run.model, data.test.y)
    loss = run.model.evaluate(data.test.x, y, verbose=0, return_dict=True)["loss"]
    samples = run.model.sample(3, seed=7) if run.model.can_sample else []
    return {"loss": float(loss), "samples": np.asarray(samples).tolist()}


def store(name):
    """Train a run, and write it to an archive with what it measures now and after resuming."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / name
        train_stored(name, run)
        archive = FOLDER / f"{name}.tar.xz"
        with tarfile.open(archive, "w:xz") as tar:
            for path in filter(lambda path: (run / path).exists(), KEPT):
                tar.add(run / path, arcname=f"{name}/{path}")
            expected = measure(load_run(run))
            expected["history"] = resume_stored(name, run).history
            path = Path(folder) / "expected.json"
            path.write_text(json.dumps(expected))
            tar.add(path, arcname=path.name)
        print(name, archive.stat().st_size)


def extract(name, folder):
    """Extract a stored run into a folder; return its path and what it measured."""
    with tarfile.open(FOLDER / f"{name}.tar.xz") as tar:
        tar.extractall(folder, filter="data")
    return Path(folder) / name, json.loads((Path(folder) / "expected.json").read_text())


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or RECIPES:
        store(name)
