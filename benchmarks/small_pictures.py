"""2,000 small colour pictures are enough to classify ten kinds of objects in most cases.

The first 2,000 training pictures of CIFAR-10 (as JPEG copies) and 1,000 of its test pictures; five
minutes for `train cnn --mirror`, and for the network of Keras' own mnist_convnet with pictures
shifted and mirrored by Keras' layers.
"""

import numpy as np
from keras import layers

import genai_basics as gb

from .predictors import mnist_convnet, ours, plain_keras

HEADERS = ("network", "minutes", "test accuracy")
MINUTES = 5.0


def measure(folder):
    """Return the rows of the table."""
    data = gb.load_data(folder / "cifar10" / "cifar10_mini_2k_1k.npz")
    accuracy = ours("cnn", data, 60 * MINUTES, mirror=True)
    pairs = [(part.x / np.float32(255), part.y) for part in (data.train, data.test)]
    vary = [layers.RandomFlip("horizontal"), layers.RandomTranslation(0.1, 0.1)]
    theirs = plain_keras(mnist_convnet(data.spec.shape, vary), *pairs, 60 * MINUTES)
    return [
        ("genai_basics", f"{MINUTES:g}", f"{accuracy:.1%}"),
        ("Keras' convnet, pictures augmented", f"{MINUTES:g}", f"{theirs:.1%}"),
    ]
