"""Series told apart better than by their nearest neighbour under dynamic time warping.

Three sets of the UCR and UEA archives with their official splits, a minute each for `train cnn`
with its defaults. The peer, as the archive's table reports it, is the label of the training series
that is nearest when time may stretch (1-NN with DTW), which is hard to beat on so few examples.
"""

import tempfile

import numpy as np

import genai_basics as gb

HEADERS = ("set", "training series", "genai_basics, test accuracy", "1-NN with DTW")
MINUTES = 1.0
PUBLISHED = {"ArrowHead": 0.703, "OSULeaf": 0.591, "BasicMotions": 0.975}


def measure(folder):
    """Return the rows of the table."""
    rows = []
    for name, published in PUBLISHED.items():
        data = gb.load_data(folder / "ucr" / f"{name}.npz", kind="series")
        with tempfile.TemporaryDirectory() as out:
            run = gb.train("cnn", data, minutes=MINUTES, out=f"{out}/run", audit=False)
        found = run.model.predict(data.test.x, verbose=0).argmax(axis=1)
        accuracy = np.mean(found == data.test.y)
        rows.append((name, len(data.train), f"{accuracy:.1%}", f"{published:.1%}"))
    return rows
