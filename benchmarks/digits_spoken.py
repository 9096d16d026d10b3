"""Spoken digits, single and joined in noise, on recordings that were not used in training.

The Free Spoken Digit Dataset; takes 0 to 4 are the test data. The model is trained for eight
minutes on single digits only, up to six of which are joined in training. It is tested on the single
test takes, and on 300 strings of three to six of them with noise of up to 0.02 of full scale. Two
of the six speakers are recorded at 3% and 7% of full scale, some of it below the noise, so the
strings are made in two ways: of digits scaled to full scale, and of digits as they were recorded,
with quiet voices next to loud ones.
"""

import re

import numpy as np

import genai_basics as gb
from genai_basics.data.sound_files import read_sound
from genai_basics.metrics import word_error_rate
from genai_basics.model import Progress

HEADERS = [
    "tested on",
    "minutes",
    "single digits, accuracy",
    "joined at full scale, word error rate",
    "joined as recorded, word error rate",
]
MINUTES = 8


def measure(folder):
    """Return the rows of the table."""
    clips, digits, _, test = read(folder)
    return [row("other takes", scores(clips, digits, ~test, test))]


def row(tested_on, found):
    """Return a row of the table for a result of `scores`."""
    right, *errors = found
    return [tested_on, MINUTES, f"{right:.1%}", *(f"{error:.2%}" for error in errors)]


def read(folder):
    """Return clips, their digits, their speakers, and which are test clips."""
    paths = sorted((folder / "fsdd" / "recordings").glob("*.wav"))
    facts = [re.match(r"(\d)_(\w+)_(\d+)", path.stem).groups() for path in paths]
    digits = np.array([int(digit) for digit, _, _ in facts])
    speakers = np.array([speaker for _, speaker, _ in facts])
    test = np.array([int(take) < 5 for _, _, take in facts])
    return [read_sound(path).at(8000) for path in paths], digits, speakers, test


def scores(clips, digits, train, test, **options):
    """Train on some clips; return the accuracy on single digits and two error rates.

    The error rates are for strings of digits at full scale and of digits as recorded.
    `options` are passed to the builder.
    """
    words = tuple("0123456789")
    model = gb.build_speech_recognizer(8000, class_names=words, concatenate=6, seed=0, **options)
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
    full = [clip / np.abs(clip).max() for clip in x]
    return right, joined_errors(model, full, y), joined_errors(model, x, y)


def joined_errors(model, x, y):
    """Return the word error rate on 300 strings in noise."""
    rounds = -(-300 // len(x))
    strings, said = model.join(x * rounds, np.tile(y, rounds), 6, least=3, seed=1)
    rng = np.random.default_rng(5)
    noisy = [s + rng.normal(size=len(s)) * rng.uniform(0, 0.02) for s in strings]
    return word_error_rate(said, model.transcribe(noisy))
