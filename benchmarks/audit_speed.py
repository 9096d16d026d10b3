"""An audit takes under a minute, including start-up.

`genai-basics audit` in its own process, for a VAE and a GAN trained on MNIST (1,000 samples against
60,000 training pictures) and a language model trained on one megabyte of Shakespeare. The models
are trained beforehand for at most a minute; training time does not count.
"""

import subprocess
import sys
import tempfile
import time

import genai_basics as gb

HEADERS = ["audit of", "seconds"]
RUNS = (
    ("VAE, 60,000 pictures", "vae", "mnist/mnist.npz", 1.0),
    ("GAN, 60,000 pictures", "gan", "mnist/mnist.npz", 0.5),
    ("language model, 1.1 MB", "language-model", "tinyshakespeare/input.txt", 0.5),
)


def measure(folder):
    """Return the rows of the table."""
    rows = []
    for name, model, data, minutes in RUNS:
        with tempfile.TemporaryDirectory() as out:
            run = gb.train(
                model, str(folder / data), minutes=minutes, out=f"{out}/run", audit=False
            )
            command = [sys.executable, "-m", "genai_basics", "audit", str(run.folder), "--json"]
            began = time.monotonic()
            subprocess.run(command, check=True, capture_output=True)
            rows.append([name, f"{time.monotonic() - began:.0f}"])
    return rows
