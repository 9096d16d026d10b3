"""Prediction compared with Keras' own examples and scikit-learn: accuracy after the same time.

MNIST pictures, sentences of film reviews and spoken digits, each learned from the same examples for
the same time by `gb.train` with our defaults, and by the peer as its authors configure it:
`MLPClassifier` with our widths, Keras' mnist_convnet, tf-idf of words and word pairs with logistic
regression (which stops by itself), and the network of Keras' speaker recognition on spoken digits.
Measured once, on examples that neither was trained on.
"""

import tempfile
import time

import keras
import numpy as np
from keras import layers

import genai_basics as gb

HEADERS = ["work", "who", "test accuracy", "seconds of training"]
SECONDS = {"pictures, dense": 60, "pictures, convolutional": 120, "sentences": 30, "sounds": 120}


class Until(keras.callbacks.Callback):
    """Stops the training of a plain Keras model after a number of seconds."""

    def __init__(self, seconds):
        super().__init__()
        self.end = time.monotonic() + seconds

    def on_train_batch_end(self, batch, logs=None):
        self.model.stop_training |= time.monotonic() > self.end


def ours(name, data, seconds, **options):
    """Return the test accuracy of one of our models."""
    with tempfile.TemporaryDirectory() as out:
        run = gb.train(name, data, minutes=seconds / 60, out=f"{out}/run", audit=False, **options)
    return np.mean(run.model.predict(data.test.x, verbose=0).argmax(axis=1) == data.test.y)


def plain_keras(model, train, test, seconds):
    """Return the test accuracy of a plain Keras model on pairs of arrays."""
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(*train, batch_size=128, epochs=9999, callbacks=[Until(seconds)], verbose=0)
    return np.mean(model.predict(test[0], verbose=0).argmax(axis=1) == test[1])


def mlp_classifier(train, test, seconds):
    """scikit-learn's `MLPClassifier`, one epoch at a time."""
    from sklearn.neural_network import MLPClassifier

    peer, end = (
        MLPClassifier((512, 512), batch_size=128, random_state=0),
        time.monotonic() + seconds,
    )
    while time.monotonic() < end:
        peer.partial_fit(*train, classes=np.unique(train[1]))
    return peer.score(*test)


def mnist_convnet(shape=(28, 28, 1), vary=()):
    """The network of https://keras.io/examples/vision/mnist_convnet/, after augmentation layers."""
    return keras.Sequential(
        [
            keras.Input(shape),
            *vary,
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )


def tf_idf(train, test):
    """Words and word pairs weighted by tf-idf, and logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    peer = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(max_iter=1000))
    return peer.fit(train.x, train.y).score(test.x, test.y)


def speaker_network(samples, classes):
    """The network of https://keras.io/examples/audio/speaker_recognition_using_cnn/."""

    def residual(x, filters, count):
        shortcut = layers.Conv1D(filters, 1, padding="same")(x)
        for _ in range(count - 1):
            x = layers.Activation("relu")(layers.Conv1D(filters, 3, padding="same")(x))
        x = layers.Add()([layers.Conv1D(filters, 3, padding="same")(x), shortcut])
        return layers.MaxPool1D(2, 2)(layers.Activation("relu")(x))

    inputs = x = keras.Input((samples // 2, 1))
    for filters, count in ((16, 2), (32, 2), (64, 3), (128, 3), (128, 3)):
        x = residual(x, filters, count)
    x = layers.Flatten()(layers.AveragePooling1D(3, 3)(x))
    x = layers.Dense(128, activation="relu")(layers.Dense(256, activation="relu")(x))
    return keras.Model(inputs, layers.Dense(classes, activation="softmax")(x))


def spectra(clips, samples):
    """Return the magnitude spectra of clips cut or padded to one length, as in that example."""
    padded = [np.pad(clip[:samples], (0, max(0, samples - len(clip)))) for clip in clips]
    return np.abs(np.fft.fft(padded))[:, : samples // 2, None].astype("float32")


def measure(folder):
    """Return the rows of the table."""
    keras.utils.set_random_seed(0)
    rows = []

    def row(work, who, run, seconds):
        began = time.perf_counter()
        accuracy = run()
        spent = min(time.perf_counter() - began, seconds)
        rows.append([work, who, f"{accuracy:.2%}", f"{spent:.0f}"])

    data = gb.load_data(folder / "mnist" / "mnist.npz")
    scaled = [(part.x / np.float32(255), part.y) for part in (data.train, data.test)]
    flat = [(x.reshape(len(x), -1), y) for x, y in scaled]
    work = "pictures, dense"
    seconds = SECONDS[work]
    row(work, "genai_basics", lambda: ours("mlp", data, seconds), seconds)
    row(work, "MLPClassifier", lambda: mlp_classifier(*flat, seconds), seconds)

    work = "pictures, convolutional"
    seconds = SECONDS[work]
    row(work, "genai_basics", lambda: ours("cnn", data, seconds), seconds)
    convnet = mnist_convnet()
    row(work, "mnist_convnet", lambda: plain_keras(convnet, *scaled, seconds), seconds)

    work = "sentences"
    seconds = SECONDS[work]
    data = gb.load_data(folder / "rt_polarity")
    row(work, "genai_basics", lambda: ours("mlp", data, seconds), seconds)
    row(work, "tf-idf, logistic regression", lambda: tf_idf(data.train, data.test), seconds)

    work = "sounds"
    seconds = SECONDS[work]
    data = gb.load_data(folder / "fsdd", kind="audio", test="index=0,1,2,3,4")
    rate = data.spec.sample_rate
    row(work, "genai_basics", lambda: ours("cnn", data, seconds), seconds)
    pairs = [(spectra(part.x, rate), part.y) for part in (data.train, data.test)]
    network = speaker_network(rate, 10)
    row(work, "speaker_recognition", lambda: plain_keras(network, *pairs, seconds), seconds)
    return rows
