"""An hour of training, sampling, predicting, saving and loading in one process.

python -m benchmarks.reliability.soak --minutes 60

Memory must not grow, files must not stay open, calls must not become slower, and two threads that
sample from one model must get what each would get alone.
"""

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from .pages import measured

WARM = 0.25  # share of the time that does not count, in which graphs and caches are made


def resident(process="self"):
    """Return the resident memory of this or another process in MiB (Linux)."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def warm(rows, minutes):
    """Return the rows (hours, memory, ...) of the time that counts."""
    return [row for row in rows if row[0] >= WARM * minutes / 60]


def growth(rows):
    """Return how many MiB the memory grew an hour in rows (hours, memory, ...)."""
    hours, memory, *_ = zip(*rows, strict=True)
    return float(np.polyfit(hours, memory, 1)[0])


def build():
    """Return {name: (model, x, y)} of small models of different kinds."""
    import genai_basics as gb

    digits, names = gb.load_data("digits").train, gb.load_data("place_names").train
    models = {
        "vae": (gb.build_vae((8, 8, 1), hidden_units=(32,), seed=0), digits.x, None),
        "gan": (gb.build_gan((8, 8, 1), hidden_units=(32,), seed=0), digits.x, None),
        "cnn": (gb.build_cnn((8, 8, 1), num_classes=10, seed=0), digits.x, digits.y),
        "rnn": (gb.build_rnn(num_classes=8, units=16, seed=0), names.x, names.y),
    }
    for model, _, _ in models.values():
        model.compile()
    return {
        name: (model, x[:256], None if y is None else y[:256])
        for name, (model, x, y) in models.items()
    }


def calls(models, folder):
    """Return {name: function} of what is repeated."""
    import keras

    def train():
        for model, x, y in models.values():
            model.fit(x, y, epochs=1, verbose=0)

    def sample():
        for name in ("vae", "gan"):
            models[name][0].sample(64, seed=0)

    def predict():
        for name in ("vae", "cnn", "rnn"):
            model, x, _ = models[name]
            model.predict(x, verbose=0)

    def save_and_load():
        for name in ("vae", "rnn"):
            models[name][0].save(folder / f"{name}.keras")
            keras.models.load_model(folder / f"{name}.keras")

    def threads():
        model = models["gan"][0]
        alone = [model.sample(64, seed=seed) for seed in range(2)]
        with ThreadPoolExecutor(2) as pool:
            together = list(pool.map(lambda seed: model.sample(64, seed=seed), range(2)))
        assert all(map(np.array_equal, alone, together)), "threads got other samples"

    return {f.__name__: f for f in (train, sample, predict, save_and_load, threads)}


def soak(minutes):
    """Repeat all calls for some minutes; return `{call: {...}}` with slopes and times."""
    with tempfile.TemporaryDirectory() as folder:
        work = calls(build(), Path(folder))
        began, rows = time.monotonic(), []
        while time.monotonic() - began < 60 * minutes:
            seconds = {}
            for name, call in work.items():
                start = time.perf_counter()
                call()
                seconds[name] = time.perf_counter() - start
            hours = (time.monotonic() - began) / 3600
            rows.append((hours, resident(), len(os.listdir("/proc/self/fd")), seconds))
    rows = warm(rows, minutes)
    _, memory, handles, seconds = zip(*rows, strict=True)
    half = len(rows) // 2
    medians = {
        name: [
            float(np.median([s[name] for s in part])) for part in (seconds[:half], seconds[half:])
        ]
        for name in work
    }
    return {
        "minutes": minutes,
        "rounds": len(rows),
        "memory": memory[-1],
        "slope": growth(rows),
        "handles": [min(handles), max(handles)],
        "seconds": medians,
    }


if __name__ == "__main__":
    measured(soak)
