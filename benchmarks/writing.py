"""Writing Shakespeare: validation loss after three and after ten minutes.

Characters of tinyshakespeare: the first nine tenths are the training data and the last tenth the
validation data, as in nanoGPT. Ours is `build_language_model` with its defaults. The peer is the
CPU configuration of nanoGPT (4 layers, 4 heads, width 128, context 64, batch 12), written in
PyTorch, for the same time; both learning rates are annealed to the end of the budget. The peer is
omitted without PyTorch.
"""

import importlib.util
import subprocess
import sys
import time

import genai_basics as gb
from genai_basics.model import Progress

HEADERS = ["model", "minutes", "validation nats per character", "characters per second in training"]
MINUTES = (3, 10)


def measure(folder, budgets=MINUTES):
    """Return the rows of the table, for budgets in minutes."""
    path = folder / "tinyshakespeare" / "input.txt"
    text = path.read_text()
    cut = int(0.9 * len(text))
    rows, has_torch = [], importlib.util.find_spec("torch") is not None
    for minutes in budgets:
        rows.append(["genai_basics", minutes, *ours(text[:cut], text[cut:], minutes)])
        peer = nano_gpt(path, minutes) if has_torch else ["PyTorch is not installed", ""]
        rows.append(["nanoGPT, PyTorch", minutes, *peer])
    return rows


def ours(train, validation, minutes):
    model = gb.build_language_model(tuple(sorted(set(train + validation))), seed=0)
    model.compile()
    began = time.perf_counter()
    model.fit(
        [train],
        epochs=10**6,
        steps_per_epoch=500,
        verbose=0,
        callbacks=[Progress(seconds=60 * minutes)],
    )
    seconds = time.perf_counter() - began
    seen = int(model.optimizer.iterations) * model.streams * model.window
    nats = model.report([validation])[0]["nats_per_character"]
    return f"{nats:.3f}", f"{seen / seconds:,.0f}"


def nano_gpt(path, minutes):
    """Train nanoGPT in its own process: PyTorch's compiler and TensorFlow cannot share one."""
    command = [sys.executable, "-m", "benchmarks._nano_gpt", str(path), str(minutes)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
