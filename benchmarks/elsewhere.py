"""Defaults on data that nobody tuned on: each model once, two minutes, whatever comes out.

`train MODEL --minutes 2` with its defaults on sets that no other claim uses: handwritten characters
of 136 classes (omniglot), frames of a film (faces), emoji by group, photographs of ants and bees,
folk tunes (nottingham) and short series of different lengths (JapaneseVowels, UnitTest). Measures
are those of `evaluate` on the test part (of the film: its last fifth); lower is better where the
name says a distance, an error or nats. The baseline is that of `evaluate`: ridge regression on the
same data.
"""

import tempfile
from pathlib import Path

import numpy as np

import genai_basics as gb

HEADERS = ("model", "data", "training examples", "steps", "measures on the test part")
MINUTES = 2
SETS = {
    "omniglot": "omniglot/omniglot_small1.npz",
    "faces": "faces/frey.npz",
    "emoji": "emoji/emoji64.npz",
    "ants_bees": "ants_bees",
    "nottingham": "nottingham",
    "JapaneseVowels": "ucr/JapaneseVowels_TRAIN.ts",
    "UnitTest": "ucr/UnitTest_TRAIN.ts",
}
ACCURACY = ("accuracy", "baseline")
SAMPLES = ("frechet_distance", "frechet_floor", "precision", "recall")
ERRORS = ("mean_squared_error", "psnr")
NOTES = ("nats_per_step", "nats_per_note", "frechet_distance", "pitch_divergence")
RUNS = (
    ("mlp", "omniglot", ACCURACY),
    ("mlp", "emoji", ACCURACY),
    ("cnn", "ants_bees", ACCURACY),
    ("cnn", "emoji", ACCURACY),
    ("rnn", "JapaneseVowels", ACCURACY),
    ("rnn", "UnitTest", ACCURACY),
    ("autoencoder", "faces", ERRORS),
    ("autoencoder", "emoji", ERRORS),
    ("vae", "omniglot", ("negative_elbo", *SAMPLES)),
    ("vae", "faces", ("negative_elbo", *SAMPLES)),
    ("gan", "faces", SAMPLES),
    ("gan", "emoji", SAMPLES),
    ("diffusion", "omniglot", SAMPLES),
    ("diffusion", "faces", SAMPLES),
    ("language-model", "nottingham", NOTES),
    ("music-gan", "nottingham", NOTES),
)


def measure(folder):
    """Return the rows of the table."""
    return [row(name, where, shown, folder) for name, where, shown in RUNS]


def row(name, where, shown, folder):
    with tempfile.TemporaryDirectory() as out:
        source = folder / SETS[where]
        if where == "faces":
            source = split_by_time(source, Path(out) / "faces.npz")
        run = gb.train(
            name,
            str(source),
            minutes=MINUTES,
            seed=0,
            audit=False,
            out=f"{out}/run",
        )
        data = run.data()
        found, _ = run.model.report(data.test.x, data.test.y)
        if "baseline" in shown:
            found.update(run.model.baseline(data.train, data.test))
        numbers = ", ".join(f"{key} {found[key]:.3g}" for key in shown if key in found)
        return (name, where, len(data.train), run.config["steps"], numbers)


def split_by_time(source, file):
    """Write the frames of a film as training and test parts, since neighbours are alike."""
    with np.load(source) as arrays:
        x = arrays["x"]
    cut = len(x) * 4 // 5
    np.savez(file, x_train=x[:cut], x_test=x[cut:])
    return file
