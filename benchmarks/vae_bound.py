"""The VAE reaches a lower bound than Keras' example in the same time.

MNIST, three minutes each, including compilation; ours is trained by `train vae --minutes 3`. The
peer is the convolutional VAE of Keras' examples as its description gives it (two strided
convolutions of 32 and 64, a dense layer of 16, mirrored by transposed convolutions, Adam 1e-3,
batch 128) with 16 latent dimensions. The result is the negative ELBO of the test pictures in nats:
cross-entropy on grey values, one sample of z.
"""

import tempfile
import time

import keras
import numpy as np
from keras import layers, ops

import genai_basics as gb

HEADERS = ["VAE on MNIST, 3 minutes", "pictures per second", "test negative ELBO, nats"]
MINUTES = 3.0


class Peer(keras.Model):
    """The VAE of Keras' examples, from its public description."""

    def __init__(self, latent_dim=16):
        super().__init__()
        x = inputs = keras.Input((28, 28, 1))
        x = layers.Conv2D(32, 3, 2, "same", activation="relu")(x)
        x = layers.Conv2D(64, 3, 2, "same", activation="relu")(x)
        x = layers.Dense(16, "relu")(layers.Flatten()(x))
        heads = [layers.Dense(latent_dim)(x), layers.Dense(latent_dim)(x)]
        self.encoder = keras.Model(inputs, heads)
        x = latents = keras.Input((latent_dim,))
        x = layers.Reshape((7, 7, 64))(layers.Dense(7 * 7 * 64, "relu")(x))
        x = layers.Conv2DTranspose(64, 3, 2, "same", activation="relu")(x)
        x = layers.Conv2DTranspose(32, 3, 2, "same", activation="relu")(x)
        x = layers.Conv2DTranspose(1, 3, padding="same", activation="sigmoid")(x)
        self.decoder = keras.Model(latents, x)
        self.random = keras.random.SeedGenerator(1337)
        self.built = True

    def call(self, x):
        mean, log_var = self.encoder(x)
        z = mean + ops.exp(0.5 * log_var) * keras.random.normal(ops.shape(mean), seed=self.random)
        errors = keras.losses.binary_crossentropy(x, self.decoder(z))
        kl = 0.5 * (ops.exp(log_var) + ops.square(mean) - 1 - log_var)
        return ops.mean(ops.sum(errors, axis=(1, 2))) + ops.mean(ops.sum(kl, axis=1))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return y_pred


class Clock(keras.callbacks.Callback):
    """Stops `fit` after `seconds` and counts batches."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds, self.batches, self.began = seconds, 0, time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1
        if time.monotonic() - self.began > self.seconds:
            self.model.stop_training = True


def measure(folder):
    """Return the rows of the table."""
    path = folder / "mnist" / "mnist.npz"
    with tempfile.TemporaryDirectory() as out:
        run = gb.train("vae", str(path), minutes=MINUTES, out=f"{out}/run")
        test = gb.load_data(path).test.x
        ours = run.model.report(test)[0]["negative_elbo"]
        speed = run.config["steps"] * run.config["training"]["batch_size"] / run.config["seconds"]
    with np.load(path) as arrays:
        x_train = arrays["x_train"][..., None].astype("float32") / 255
        x_test = arrays["x_test"][..., None].astype("float32") / 255
    keras.utils.set_random_seed(0)
    peer, clock = Peer(), Clock(60 * MINUTES)
    peer.compile(keras.optimizers.Adam(1e-3))
    peer.fit(x_train, batch_size=128, epochs=10**6, verbose=0, callbacks=[clock])
    theirs = np.mean([float(peer(x_test[i : i + 1000])) for i in range(0, 10000, 1000)])
    return [
        ["genai_basics", f"{speed:,.0f}", f"{ours:.2f}"],
        ["Keras' example", f"{clock.batches * 128 / 60 / MINUTES:,.0f}", f"{theirs:.2f}"],
    ]
