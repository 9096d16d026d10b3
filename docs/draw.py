"""Draw the README's picture: `python docs/draw.py [FOLDER]` writes docs/letters.png.

Two rows each by a conditional variational autoencoder and a GAN, both trained as `genai-basics
train NAME` does; the last row interpolates between the codes of two test letters.

FOLDER may hold such runs by their names, which are then not trained again.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

import genai_basics as gb
from genai_basics import plotting
from genai_basics.data.writers import image_grid

WORD = "GENERATIVE"


def main(folder):
    rows = []
    for name in ("vae", "gan"):
        known = Path(folder, name, "config.json").exists()
        run = gb.load_run(Path(folder, name)) if known else gb.train(name, out=f"{folder}/{name}")
        rows.append(run.model.sample(2 * len(WORD), labels=list(WORD), seed=1))
    data, vae = gb.load_data("letters"), gb.load_run(Path(folder, "vae")).model
    ends = data.test.x[data.test.y == 17][:2]  # R
    rows.append(vae.interpolate(*ends, steps=len(WORD), labels=["R"]))
    picture = image_grid(np.concatenate(rows), columns=len(WORD))
    plotting.save(picture, Path(__file__).parent / "letters.png")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(sys.argv[1] if len(sys.argv) > 1 else temporary)
