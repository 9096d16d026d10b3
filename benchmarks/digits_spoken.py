"""Spoken digits: single, joined in noise, and of a speaker who was never heard.

The Free Spoken Digit Dataset, takes 0 to 4 to test on. Trained on single digits alone, joined up to
six while training, for eight minutes; measured on the single test takes, on 300 strings of three to
six of them with noise of up to 0.02 of full scale, and, trained anew without one of the six
speakers, on strings of that speaker's.
"""

import re

import numpy as np

import genai_basics as gb
from genai_basics.data.audio import read_wav
from genai_basics.metrics import word_error_rate
from genai_basics.model import Progress

HEADERS = ["tested on", "minutes", "single digits right", "joined digits, word error rate"]
MINUTES = 8


def measure(folder):
    """Return the rows of the table."""
    paths = sorted((folder / "fsdd" / "recordings").glob("*.wav"))
    facts = [re.match(r"(\d)_(\w+)_(\d+)", path.stem).groups() for path in paths]
    digits = np.array([int(digit) for digit, _, _ in facts])
    speakers = np.array([speaker for _, speaker, _ in facts])
    test = np.array([int(take) < 5 for _, _, take in facts])
    clips = [read_wav(path, 8000)[0] for path in paths]
    rows = [["other takes", MINUTES, *scores(clips, digits, ~test, test)]]
    for speaker in np.unique(speakers):
        own = speakers == speaker
        found = scores(clips, digits, ~test & ~own, test & own)
        rows.append([f"{speaker}, never heard", MINUTES, *found])
    errors = [float(row[3].rstrip("%")) for row in rows[1:]]
    return [*rows, ["mean of the speakers", MINUTES, "", f"{np.mean(errors):.2f}%"]]


def scores(clips, digits, train, test):
    """Train on some clips; return how many single digits are right, and the WER of strings."""
    model = gb.build_speech_recognizer(8000, class_names=tuple("0123456789"), concatenate=6, seed=0)
    model.compile()
    model.fit(
        [clips[i] for i in np.flatnonzero(train)],
        digits[train],
        epochs=10**6,
        steps_per_epoch=200,
        verbose=0,
        callbacks=[Progress(seconds=60 * MINUTES)],
    )
    x, y = [clips[i] for i in np.flatnonzero(test)], digits[test]
    right = np.mean(
        [text == str(digit) for text, digit in zip(model.transcribe(x), y, strict=True)]
    )
    rounds = -(-300 // len(x))
    strings, said = model.join(x * rounds, np.tile(y, rounds), 6, least=3, seed=1)
    rng = np.random.default_rng(5)
    noisy = [s + rng.normal(size=len(s)) * rng.uniform(0, 0.02) for s in strings]
    return f"{right:.1%}", f"{100 * word_error_rate(said, model.transcribe(noisy)):.2f}%"
