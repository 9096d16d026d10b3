"""Trains every model in one process and in two that share each batch, and compares the weights.

python -m benchmarks.reliability.workers

Models that draw noise or normalize batches take other draws and statistics in two processes, so
their weights agree between the processes, but not with those of one.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from .pages import record

COMMAND = """
import sys
import keras
import numpy as np
from genai_basics import train
from genai_basics.recipes import RECIPES

name, strategy, out, rank = sys.argv[1:]

class Keep(keras.callbacks.Callback):
    def on_train_end(self, logs=None):
        weights = [keras.ops.convert_to_numpy(v) for v in self.model.trainable_variables]
        np.savez(f"{out}-{strategy}-{rank}", *weights)

train(name, epochs=2, batch_size=16, audit=False, deterministic=True, strategy=strategy, seed=0,
      callbacks=[Keep()], data_options={"limit": 128}, out=f"{out}/{strategy}{rank}",
      **RECIPES[name].tiny)
"""


def addresses(n):
    """Return n free addresses of this machine."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    found = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    return found


def start(name, strategy, out, rank=0, places=None):
    environment = dict(os.environ, CUDA_VISIBLE_DEVICES="-1")
    if places:
        task = {"type": "worker", "index": rank}
        environment["TF_CONFIG"] = json.dumps({"cluster": {"worker": places}, "task": task})
    command = [sys.executable, "-c", COMMAND, name, strategy, str(out), str(rank)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def difference(a, b):
    """Return the greatest difference between two files of weights."""
    with np.load(a) as a, np.load(b) as b:
        return max(float(np.abs(a[key] - b[key]).max()) for key in a.files)


def compare(name, folder):
    """Return the greatest differences between two workers, and between them and one process."""
    out, places = folder / name, addresses(2)
    seconds = {}
    for strategy, processes in (
        ("one", lambda: [start(name, "one", out)]),
        ("mirrored", lambda: [start(name, "mirrored", out)]),
        ("multiworker", lambda: [start(name, "multiworker", out, r, places) for r in range(2)]),
    ):
        began = time.monotonic()
        running = processes()
        for process in running:
            _, errors = process.communicate(timeout=600)
            assert process.returncode == 0, errors
        seconds[strategy] = time.monotonic() - began
    one = f"{out}-one-0.npz"
    return {
        "workers": difference(f"{out}-multiworker-0.npz", f"{out}-multiworker-1.npz"),
        "multiworker": difference(one, f"{out}-multiworker-0.npz"),
        "mirrored": difference(one, f"{out}-mirrored-0.npz"),
        "seconds": seconds,
    }


def main():
    from genai_basics.recipes import RECIPES

    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[1:] or RECIPES:
            found = compare(name, Path(folder))
            record("workers", {name: found})
            print(name, found, flush=True)


if __name__ == "__main__":
    main()
