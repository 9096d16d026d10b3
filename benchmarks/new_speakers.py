"""Spoken digits of new speakers: each of six is left out in turn.

The same network on the same five speakers for the same minute: without augmentation, with the
default augmentation, and with larger shifts in pitch (`pitch=0.1`), since voices differ in it. The
mean over speakers is the result; that of one speaker varies a lot.
"""

import numpy as np

import genai_basics as gb
from genai_basics.model import Progress

HEADERS = ["speaker left out", "without augmentation", "default", "pitch=0.1"]
SECONDS = 60
VARIANTS = ({"augment": False}, {}, {"pitch": 0.1})


def accuracy(data, **arguments):
    """Train on all speakers but one; return the accuracy on that one."""
    model = gb.build_cnn(
        sample_rate=data.spec.sample_rate, num_classes=data.spec.num_classes, seed=0, **arguments
    )
    model.compile()
    budget = Progress(seconds=SECONDS)
    model.fit(
        *(data.train.x, data.train.y), batch_size=32, epochs=9999, callbacks=[budget], verbose=0
    )
    return np.mean(model.predict(data.test.x, verbose=0).argmax(axis=1) == data.test.y)


def measure(folder):
    """Return the rows of the table."""
    everyone = gb.load_data(folder / "fsdd", kind="audio")
    rows, found = [], []
    for speaker in sorted(set(everyone.train.groups["speaker"])):
        data = gb.load_data(folder / "fsdd", kind="audio", test=f"speaker={speaker}", validation=0)
        found.append([accuracy(data, **arguments) for arguments in VARIANTS])
        rows.append([speaker, *(f"{value:.1%}" for value in found[-1])])
    return [*rows, ["mean", *(f"{value:.1%}" for value in np.mean(found, axis=0))]]
