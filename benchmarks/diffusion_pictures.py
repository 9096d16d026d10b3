"""Diffusion's digits are closer to real ones than those of Keras' example after the same time.

MNIST, ten minutes each, one after the other. Ours are trained by `train diffusion --minutes 10`,
with and without labels, and our GAN by `train gan --minutes 10`, with labels. The peer is Keras'
example "Denoising Diffusion Implicit Models" as its description gives it (U-Net of 32, 64, 96 and
128 channels with two residual blocks per level, noise predicted under an absolute error, AdamW
1e-3, batch 64, averaged weights), on pictures padded to 32x32; it takes no labels. Distances,
precision and recall compare 5,000 samples with test pictures in the features of a small classifier,
which also measures how often a sample shows the requested digit. Seconds are for the 5,000 samples;
evaluations are network calls per sample.
"""

import math
import tempfile
import time

import keras
import numpy as np
from keras import layers, ops

import genai_basics as gb
from genai_basics.backend import gradient_step
from genai_basics.metrics import frechet_report, precision_recall

from .gan_pictures import read_judge
from .vae_bound import Clock

HEADERS = (
    "10 minutes of MNIST",
    "pictures per second",
    "evaluations",
    "seconds for 5,000",
    "Fréchet distance",
    "floor",
    "precision",
    "recall",
    "label obedience",
    "Fréchet distance, other judge",
)
MINUTES, N, PEER_STEPS = 10, 5000, 20


class Peer(keras.Model):
    """The diffusion model of Keras' examples, from its public description."""

    widths, depth, embedding = (32, 64, 96, 128), 2, 32

    def __init__(self, side=28, channels=1):
        super().__init__()
        self.side, self.channels = side, channels
        self.padded = -(-side // 8) * 8
        self.normalizer = layers.Normalization()
        self.network, self.average = self.unet(), self.unet()
        self.average.set_weights(self.network.get_weights())
        self.noise = keras.random.SeedGenerator(1337)
        self.built = True

    def unet(self):
        def block(x, width):
            residual = x if x.shape[-1] == width else layers.Conv2D(width, 1)(x)
            x = layers.BatchNormalization(center=False, scale=False)(x)
            x = layers.Conv2D(width, 3, padding="same", activation="swish")(x)
            return layers.Conv2D(width, 3, padding="same")(x) + residual

        noisy = keras.Input((self.padded, self.padded, self.channels))
        variance = keras.Input((1, 1, 1))
        waves = 2 * math.pi * np.exp(np.linspace(0, math.log(1000), self.embedding // 2))
        angles = variance * waves.astype("float32")
        embedded = layers.Concatenate()([ops.sin(angles), ops.cos(angles)])
        embedded = layers.UpSampling2D(self.padded)(embedded)
        x = layers.Concatenate()([layers.Conv2D(self.widths[0], 1)(noisy), embedded])
        skips = []
        for width in self.widths[:-1]:
            for _ in range(self.depth):
                x = block(x, width)
                skips.append(x)
            x = layers.AveragePooling2D(2)(x)
        for _ in range(self.depth):
            x = block(x, self.widths[-1])
        for width in self.widths[-2::-1]:
            x = layers.UpSampling2D(2, interpolation="bilinear")(x)
            for _ in range(self.depth):
                x = block(layers.Concatenate()([x, skips.pop()]), width)
        outputs = layers.Conv2D(self.channels, 1, kernel_initializer="zeros")(x)
        return keras.Model([noisy, variance], outputs)

    def rates(self, time):
        """Return the shares of noise and signal, from an angle that grows with time."""
        start, end = math.acos(0.95), math.acos(0.02)
        angle = start + time * (end - start)
        return ops.sin(angle), ops.cos(angle)

    def train_step(self, x):
        n = ops.shape(x)[0]
        x = self.normalizer(x)
        noise = keras.random.normal(ops.shape(x), seed=self.noise)
        n_rate, s_rate = self.rates(keras.random.uniform((n, 1, 1, 1), seed=self.noise))
        noisy = s_rate * x + n_rate * noise

        def loss():
            predicted = self.network([noisy, n_rate**2], training=True)
            return ops.mean(ops.abs(noise - predicted))

        loss = gradient_step(loss, self.network.trainable_variables, self.optimizer)
        for average, weight in zip(self.average.weights, self.network.weights, strict=True):
            average.assign(0.999 * average + 0.001 * weight)
        return {"loss": loss}

    def sample(self, n, steps=PEER_STEPS):
        """Draw pictures in [0, 255] with the deterministic sampler."""
        return np.concatenate([self.draw(min(500, n - i), steps) for i in range(0, n, 500)])

    def draw(self, n, steps):
        x = keras.random.normal((n, self.padded, self.padded, self.channels), seed=self.noise)
        for step in range(steps):
            time = 1 - step / steps
            n_rate, s_rate = self.rates(ops.full((n, 1, 1, 1), time))
            noise = self.average.predict_on_batch([x, n_rate**2])
            picture = (x - n_rate * noise) / s_rate
            n_rate, s_rate = self.rates(time - 1 / steps)
            x = s_rate * picture + n_rate * noise
        pixels = self.normalizer.mean + picture * ops.sqrt(self.normalizer.variance)
        edge = (self.padded - self.side) // 2
        inner = slice(edge, edge + self.side)
        pixels = ops.convert_to_numpy(pixels)[:, inner, inner]
        return np.rint(255 * np.clip(pixels, 0, 1)).astype("uint8")


def ours(model, path, **options):
    """Return pictures per second and the model of `genai-basics train MODEL`."""
    with tempfile.TemporaryDirectory() as out:
        run = gb.train(
            model, str(path), minutes=MINUTES, seed=0, out=f"{out}/run", audit=False, **options
        )
    config = run.config
    return config["steps"] * config["training"]["batch_size"] / config["seconds"], run.model


def theirs(x):
    """Return pictures per second and the model of Keras' example."""
    keras.utils.set_random_seed(0)
    peer, clock = Peer(), Clock(60 * MINUTES)
    edge = (peer.padded - peer.side) // 2
    pixels = np.pad(x.astype("float32") / 255, ((0, 0), (edge, edge), (edge, edge), (0, 0)))
    peer.normalizer.adapt(pixels)
    peer.compile(keras.optimizers.AdamW(1e-3, weight_decay=1e-4))
    peer.fit(pixels, batch_size=64, epochs=10**6, verbose=0, callbacks=[clock])
    return clock.batches * 64 / clock.seconds, peer


def measure(folder):
    """Return the rows of the table."""
    path = folder / "mnist" / "mnist.npz"
    data = gb.load_data(path)
    x, y = data.train.x, data.train.y
    judge = gb.train_feature_extractor(x, y)
    real, other = judge.features(data.test.x[:N]), judge.features(x[:N])
    labels = np.arange(N) % 10
    other_judge = read_judge(folder.parent / "judge" / "mnist_judge.keras")

    def row(name, speed, evaluations, draw, conditional=True):
        began = time.monotonic()
        samples = draw()
        seconds = time.monotonic() - began
        fake = judge.features(samples)
        near = frechet_report(real, fake, other)
        shape = precision_recall(real[:3000], fake[:3000])
        obeyed = (judge.predict(samples, verbose=0).argmax(axis=1) == labels).mean()
        return (
            name,
            f"{speed:,.0f}",
            evaluations,
            f"{seconds:.1f}",
            f"{near['frechet_distance']:.2f}",
            f"{near['frechet_floor']:.2f}",
            f"{shape['precision']:.2f}",
            f"{shape['recall']:.2f}",
            f"{obeyed:.1%}" if conditional else "",
            other_judge(samples, data.test.x) if other_judge else "",
        )

    speed, model = ours("diffusion", path, num_classes=10)
    draw = {"seed": 1, "labels": labels}
    rows = [
        row("diffusion", speed, 2 * model.steps, lambda: model.sample(N, **draw)),
        row(
            "diffusion, guidance 1.5",
            speed,
            4 * model.steps,
            lambda: model.sample(N, guidance=1.5, **draw),
        ),
    ]
    speed, model = ours("diffusion", path)
    rows.append(
        row(
            "diffusion, no labels",
            speed,
            2 * model.steps,
            lambda: model.sample(N, seed=1),
            conditional=False,
        )
    )
    speed, model = ours("gan", path, num_classes=10)
    rows.append(row("GAN", speed, 1, lambda: model.sample(N, **draw)))
    speed, peer = theirs(x)
    rows.append(row("Keras' example", speed, PEER_STEPS, lambda: peer.sample(N), conditional=False))
    return rows
