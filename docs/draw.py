"""Draw the README's pictures: `python docs/draw.py [NAME ...]` trains the models that they show.

Data sets are read from the folder that the environment variable GENAI_BASICS_DATA names. Runs in
`--folder` that are finished are not trained again.
"""

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
from keras import ops
from PIL import Image

import genai_basics as gb
from genai_basics import plotting
from genai_basics.data.writers import image_grid
from genai_basics.layers import great_circles
from genai_basics.runs.run import inputs_of

DOCS = Path(__file__).parent
WORD = "GENERATIVE"


def letters(run):
    """Return pictures of a word whose letters share one code, which moves from style to style."""
    corners = np.random.default_rng(0).standard_normal((4, run.model.latent_dim))
    codes = great_circles([*corners, corners[0]], steps=9)
    words = [run.model.decode(np.tile(z, (len(WORD), 1)), list(WORD)) for z in codes]
    return [image_grid(word, columns=len(WORD)) for word in words]


def passengers(run):
    """Return the forecast of the last year."""
    data = run.data()
    return run.model.pictures(*inputs_of(data, data.test))["forecast"]


def digits(run):
    """Return 20 new digits for each label, one row per label."""
    labels = np.repeat(np.arange(10), 20)
    return image_grid(run.model.sample(len(labels), seed=0, labels=labels), columns=20)


def cells(run):
    """Return two test pictures with the cells that were found."""
    x = run.data().test.x[:2]
    found = run.model.detect(x)
    drawn = [plotting.draw_boxes(a, b["boxes"], b["labels"]) for a, b in zip(x, found, strict=True)]
    return np.hstack(
        [np.asarray(one.resize((480, 360), Image.Resampling.LANCZOS)) for one in drawn]
    )


def spoken(run):
    """Return the spectrogram of several test digits in a row, with what was heard."""
    model, test = run.model, run.data().test
    clips, said = model.join(list(test.x), test.y, 6, least=6, seed=0)
    (heard,) = model.transcribe(clips[:1])
    bands = ops.convert_to_numpy(model.log_mel(model.waves(clips[:1])["samples"]))
    caption = f"said: {said[0]}      transcribed: {heard}"
    seconds = len(clips[0]) / model.log_mel.sample_rate / len(bands[0])
    return plotting.spectrograms(bands, [caption], [heard != said[0]], seconds=seconds)


def save_gif(frames, path):
    """Write grey frames as a GIF of 8 shades, ten per second."""
    pictures = [Image.fromarray(frame[..., 0]).quantize(8) for frame in frames]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100, loop=0)


PICTURES = {  # file: (arguments of `genai-basics train`, what is drawn)
    "letters.gif": ("vae", letters),
    "passengers.png": (
        "forecaster --data time_series/airline-passengers.csv --kind forecast --horizon 12 "
        "--epochs 25",
        passengers,
    ),
    "digits.png": ("gan --data mnist/mnist.npz --minutes 2.5", digits),
    "cells.jpg": ("detector --data bccd/BCCD --minutes 10", cells),
    "spoken.png": (
        "speech-recognizer --data fsdd/recordings --concatenate 6 --minutes 3",
        spoken,
    ),
}


def main(names, folder):
    """Train what is missing, and draw the pictures of these names."""
    data = os.environ.get("GENAI_BASICS_DATA", ".")
    for name in names:
        arguments, draw = PICTURES[name]
        place = Path(folder, Path(name).stem).resolve()
        if not (place / "config.json").exists():
            command = [sys.executable, "-m", "genai_basics", "train", *shlex.split(arguments)]
            subprocess.run([*command, "--out", str(place)], cwd=data, check=True)
        run = gb.load_run(place)
        made = draw(run)
        if name.endswith(".gif"):
            save_gif(made, DOCS / name)
        else:
            plotting.save(made, DOCS / name)
        print(DOCS / name, f"{run.config['seconds']:.0f} seconds of training")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(PICTURES)}; or all")
    parser.add_argument("--folder", default="runs/readme", help="where the runs are")
    arguments = parser.parse_args()
    main(arguments.names or PICTURES, arguments.folder)
