"""Two thousand small colour pictures are enough to tell ten things apart in most cases.

The first 2,000 training pictures of CIFAR-10 (as JPEG copies) and 1,000 of its test pictures; five
minutes for `train cnn --mirror`, and for the network of Keras' own mnist_convnet, which
sees them shifted and mirrored by Keras' layers.
"""

import tempfile

import keras
import numpy as np
from keras import layers

import genai_basics as gb

from .predictors import plain_keras

HEADERS = ("network", "minutes", "test accuracy")
MINUTES = 5.0


def convnet(shape, classes):
    """Two convolutions, pooled, as in https://keras.io/examples/vision/mnist_convnet/."""
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.RandomFlip("horizontal"),
            layers.RandomTranslation(0.1, 0.1),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(classes, activation="softmax"),
        ]
    )


def measure(folder):
    """Return the rows of the table."""
    data = gb.load_data(folder / "cifar10" / "cifar10_mini_2k_1k.npz")
    with tempfile.TemporaryDirectory() as out:
        run = gb.train("cnn", data, minutes=MINUTES, out=f"{out}/run", audit=False, mirror=True)
    ours = np.mean(run.model.predict(data.test.x, verbose=0).argmax(axis=1) == data.test.y)
    pairs = [(part.x / np.float32(255), part.y) for part in (data.train, data.test)]
    theirs = plain_keras(convnet(data.spec.shape, data.spec.num_classes), *pairs, 60 * MINUTES)
    return [
        ("genai_basics", f"{MINUTES:g}", f"{ours:.1%}"),
        ("Keras' convnet, pictures varied", f"{MINUTES:g}", f"{theirs:.1%}"),
    ]
