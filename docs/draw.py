"""Draw the README's picture: `python docs/draw.py` writes docs/digits.png.

Each row shows one way of generating digits, all trained on 1,455 pictures of 8x8 pixels that
come with scikit-learn: a variational autoencoder, a generative adversarial network with one
label per column, and an interpolation between the codes of two real test digits.
"""

import tempfile
from pathlib import Path

import numpy as np

import genai_basics as gb
from genai_basics import plotting
from genai_basics.data.writers import image_grid

COLUMNS = 12


def main():
    data = gb.load_data("digits")
    with tempfile.TemporaryDirectory() as folder:
        vae = gb.train("vae", data, out=f"{folder}/vae", audit=False).model
        gan = gb.train("gan", data, out=f"{folder}/gan", audit=False).model
    walk = vae.interpolate(data.test.x[0], data.test.x[1], steps=COLUMNS)
    by_label = gan.sample(2 * COLUMNS, labels=np.arange(COLUMNS) % 10, seed=3)
    rows = np.concatenate([vae.sample(2 * COLUMNS, seed=3), by_label, walk])
    plotting.save(image_grid(rows, columns=COLUMNS), Path(__file__).parent / "digits.png")


if __name__ == "__main__":
    main()
