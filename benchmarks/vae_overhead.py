"""What the wrapper costs: pictures per second of our `fit` and of `keras.Model.fit`.

The same network, step, optimizer and in-memory MNIST pictures; the peer is plain Keras code without
this library. Ours reads the raw bytes, rescales them in its pipeline and schedules learning rate
and beta, which move up to 1,000 times per `fit`: in an epoch of 468 steps, at every step.
"""

import statistics
import time

import keras
import numpy as np
from keras import layers, ops

import genai_basics as gb

HEADERS = ["dense VAE on MNIST, one epoch", "pictures per second, median", "ratio, median [spread]"]
TURNS = 7


class Peer(keras.Model):
    """The same networks and loss as `build_vae((28, 28, 1))`, in plain Keras."""

    def __init__(self):
        super().__init__()
        x = inputs = keras.Input((28, 28, 1))
        x = layers.Flatten()(x)
        for _ in range(2):
            x = layers.Dense(512, "relu")(x)
        self.encoder = keras.Model(inputs, [layers.Dense(20)(x), layers.Dense(20)(x)])
        x = latents = keras.Input((20,))
        for _ in range(2):
            x = layers.Dense(512, "relu")(x)
        self.decoder = keras.Model(latents, layers.Reshape((28, 28, 1))(layers.Dense(784)(x)))
        self.random = keras.random.SeedGenerator(0)
        self.means = [keras.metrics.Mean("reconstruction"), keras.metrics.Mean("kl")]
        self.built = True

    def call(self, x):
        mean, log_var = self.encoder(x)
        z = mean + ops.exp(0.5 * log_var) * keras.random.normal(ops.shape(mean), seed=self.random)
        logits = self.decoder(z)
        nats = ops.mean(ops.sum(ops.softplus(logits) - x * logits, axis=(1, 2, 3)))
        kl = ops.mean(ops.sum(0.5 * (ops.exp(log_var) + ops.square(mean) - 1 - log_var), axis=1))
        for tracker, value in zip(self.means, (nats, kl), strict=True):
            tracker.update_state(value)
        return nats + kl

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return y_pred


def measure(folder):
    """Return the rows of the table."""
    with np.load(folder / "mnist" / "mnist.npz") as arrays:
        raw = arrays["x_train"][..., None]
    scaled = raw.astype("float32") / 255
    ours, peer = gb.build_vae((28, 28, 1), seed=0), Peer()
    ours.compile()
    peer.compile(keras.optimizers.Adam(2e-3, global_clipnorm=1000.0))
    turns = {"genai_basics": (ours, raw), "keras.Model.fit": (peer, scaled)}
    speeds = {name: [] for name in turns}
    for turn in range(TURNS + 1):
        for name, (model, x) in turns.items():
            began = time.perf_counter()
            model.fit(x, batch_size=128, epochs=1, verbose=0)
            if turn:  # the first turn compiles
                speeds[name].append(len(x) / (time.perf_counter() - began))
    ratios = [a / b for a, b in zip(*speeds.values(), strict=True)]
    spread = f"{statistics.median(ratios):.3f} [{min(ratios):.3f}, {max(ratios):.3f}]"
    return [
        ["genai_basics", f"{statistics.median(speeds['genai_basics']):,.0f}", spread],
        ["keras.Model.fit", f"{statistics.median(speeds['keras.Model.fit']):,.0f}", "1"],
    ]
