"""What a GAN's digits add to 20 real pictures per class, compared with ordinary augmentation.

MNIST, 200 training pictures, evaluated on the test pictures; five seeds of each classifier; means
and 95% intervals of the paired gains.
"""

import numpy as np

import genai_basics as gb

HEADERS = ("classifier trained on", "accuracy", "gain over real alone", "95% interval")
ARMS = {
    "real": "real pictures",
    "generated": "real and generated pictures",
    "varied": "real pictures, augmented",
    "both": "both",
}


def measure(folder):
    """Return the rows of the table."""
    data = gb.load_data(folder / "mnist" / "mnist.npz")
    x, y = data.train.x, data.train.y
    few = np.concatenate([np.flatnonzero(y == digit)[:20] for digit in range(10)])
    done = gb.augment(x[few], y[few], held_out=(data.test.x, data.test.y), n=1000)
    rows = []
    for arm, name in ARMS.items():
        mean, low, high = done.gains.get(arm, (0.0, 0.0, 0.0))
        accuracy = f"{np.mean(done.accuracy[arm]):.2%}"
        rows.append((name, accuracy, f"{mean:+.2%}", f"[{low:+.2%}, {high:+.2%}]"))
    return rows
