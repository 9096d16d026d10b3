"""How much code runs before the first step: our functions up to the end of `VAE.train_step`.

From `build_vae` through `compile` and `fit` to the end of the first `train_step`, with all modules
already imported. Each function counts once, however often it is called; class bodies,
comprehensions and lambdas do not count. `python -m benchmarks.first_step` lists them.
"""

import inspect
import sys
from collections import Counter
from pathlib import Path

import numpy as np

import genai_basics
from genai_basics import build_vae

HEADERS = ["files", "functions", "functions in each file"]
PACKAGE = Path(genai_basics.__file__).parent


def functions_run():
    """Return `{(file, function)}` of all that run up to the end of the first `VAE.train_step`."""
    found = set()

    def see(frame, event, _):
        code = frame.f_code
        file = Path(code.co_filename)
        if not file.is_relative_to(PACKAGE):
            return
        if event == "return" and code.co_qualname == "VAE.train_step":
            sys.setprofile(None)
            return
        proper = code.co_flags & inspect.CO_NEWLOCALS and not code.co_name.startswith("<")
        if event == "call" and proper:
            found.add((str(file.relative_to(PACKAGE)), code.co_qualname))

    x = np.random.default_rng(0).integers(0, 256, (64, 8, 8, 1)).astype("uint8")
    sys.setprofile(see)
    vae = build_vae((8, 8, 1), latent_dim=2, hidden_units=(16,), seed=0)
    vae.compile()
    vae.fit(x, batch_size=32, epochs=1, verbose=0)
    return found


def measure(folder):
    """Return the rows of the table."""
    found = functions_run()
    counts = Counter(file for file, _ in found)
    each = ", ".join(f"{file} {n}" for file, n in sorted(counts.items()))
    return [[str(len(counts)), str(len(found)), each]]


if __name__ == "__main__":
    found = functions_run()
    for file, function in sorted(found):
        print(f"{file}: {function}")
    print(f"{len(found)} functions in {len({file for file, _ in found})} files")
