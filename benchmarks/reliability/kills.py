"""Kills training at every write, in one process, and by SIGKILL at random moments.

python -m benchmarks.reliability.kills
python -m benchmarks.reliability.kills --random 30 --models vae gan
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from unittest import mock

import numpy as np

from .pages import record

CHANGES = ((os, "replace"), (Path, "unlink"), (Path, "touch"), (Path, "mkdir"))
COMMAND = """
import sys, warnings
warnings.simplefilter("ignore")
from genai_basics import train
from genai_basics.recipes import RECIPES
from genai_basics.runs.recorder import Recorder
Recorder.spacing = 0.0
name, out, resume = sys.argv[1:4]
print("begun", flush=True)
if resume == "resume":
    train(name, out=out, resume=True)
else:
    train(name, out=out, epochs=6, audit=False, deterministic=True, data_options={"limit": 128},
          **RECIPES[name].tiny)
"""


class Moments:
    """Copies a folder before and after every change, as a kill at that moment would leave it.

    Args:
        folder: The run folder being written.
        copies: Folder for the copies.
    """

    def __init__(self, folder, copies):
        self.folder, self.copies, self.taken, self.state = folder, copies, [], None

    def __enter__(self):
        self.patches = [
            mock.patch.object(module, name, self.around(getattr(module, name)))
            for module, name in CHANGES
        ]
        for patch in self.patches:
            patch.start()
        return self

    def __exit__(self, *error):
        for patch in self.patches:
            patch.stop()

    def around(self, change):
        def changing(path, *args, **kwargs):
            self.take()
            try:
                return change(path, *args, **kwargs)
            finally:
                self.take()

        return changing

    def take(self):
        if not self.folder.is_dir():
            return
        state = {
            str(p.relative_to(self.folder)): p.read_bytes() if p.is_file() else b""
            for p in sorted(self.folder.rglob("*"))
        }
        if state != self.state:
            self.state = state
            self.taken.append(self.copies / f"{len(self.taken):03d}")
            with mock.patch.object(self, "take"):  # copying also changes folders
                shutil.copytree(self.folder, self.taken[-1])


def weights(folder):
    """Return the content of a run's checkpoint, except times."""
    with np.load(folder / "checkpoints" / "last.npz") as arrays:
        return {name: arrays[name] for name in arrays.files if not name.endswith(".json")}


def same(folder, other):
    """Return whether two runs ended with the same state, bit for bit."""
    a, b = weights(folder), weights(other)
    return set(a) == set(b) and all(np.array_equal(a[name], b[name]) for name in a)


def survey(name, root, resumes=3):
    """Kill the training of a model at every write; return counts of the outcomes."""
    from genai_basics import load_run, train
    from genai_basics.recipes import RECIPES
    from genai_basics.runs import NotARunError
    from genai_basics.runs.recorder import Recorder

    folder = root / "run"
    options = {"audit": False, "deterministic": True, "data_options": {"limit": 128}}
    options.update(RECIPES[name].tiny)
    found = dict.fromkeys(("moments", "absent", "runs", "earlier", "resumed", "identical"), 0)
    with warnings.catch_warnings(), mock.patch.object(Recorder, "spacing", 0.0):
        warnings.simplefilter("ignore")
        with Moments(folder, root / "new") as new:
            train(name, out=folder, epochs=2, seed=1, **options)
        shutil.copytree(folder, root / "end")
        with Moments(folder, root / "force") as force:
            train(name, out=folder, epochs=1, seed=2, force=True, **options)
        found["moments"] = len(new.taken) + len(force.taken)
        resumable = []
        for copy in (*new.taken, *force.taken):
            try:
                seed = load_run(copy).config["training"]["seed"]
            except NotARunError:
                found["absent"] += 1
                assert copy in new.taken, "a kill of --force lost both runs"
                continue
            found["runs"] += 1
            found["earlier"] += copy in force.taken and seed == 1
            if copy in new.taken:
                resumable.append(copy)
        for copy in random.Random(0).sample(resumable, min(resumes, len(resumable))):
            run = train(name, out=copy, resume=True)
            found["resumed"] += run.config["status"] == "finished"
            found["identical"] += same(copy, root / "end")
    return found


def at_random(name, root, kills, seed=0):
    """Kill training processes by SIGKILL at random moments, and resume each."""
    rng = random.Random(f"{seed} {name}")

    def start(folder, resume="no"):
        command = [sys.executable, "-c", COMMAND, name, str(folder), resume]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, **pipes)
        process.stdout.readline()
        return process, time.monotonic()

    process, began = start(root / "whole")
    assert process.wait() == 0
    seconds = time.monotonic() - began
    found = {"kills": kills, "nothing": 0, "resumed": 0, "identical": 0, "seconds": seconds}
    for i in range(kills):
        folder = root / str(i)
        process, _ = start(folder)
        time.sleep(rng.uniform(0, seconds))
        process.kill()
        process.wait()
        if not (folder / "config.json").exists():
            found["nothing"] += 1
            process, _ = start(folder)  # the same command again
        else:
            process, _ = start(folder, "resume")
        found["resumed"] += process.wait() == 0
        found["identical"] += same(folder, root / "whole")
    return found


def main():
    from genai_basics.recipes import RECIPES

    parser = argparse.ArgumentParser()
    parser.add_argument("--models", nargs="*", default=list(RECIPES))
    parser.add_argument("--random", type=int, default=0)
    arguments = parser.parse_args()
    for name in arguments.models:
        with tempfile.TemporaryDirectory() as root:
            if arguments.random:
                found = at_random(name, Path(root), arguments.random)
            else:
                found = survey(name, Path(root))
        print(name, found, flush=True)
        record("random_kills" if arguments.random else "kills", {name: found})


if __name__ == "__main__":
    main()
