"""Diffusion's digits are closer to real ones than those of Keras' example after the same minutes.

MNIST without labels; both train side by side for ten minutes, each on its own core. Ours is
trained by `train diffusion --minutes 10`. The peer is Keras' example "Denoising Diffusion Implicit
Models" as its description gives it (U-Net of 32, 64, 96 and 128 channels with two residual blocks
per level, noise predicted under an absolute error, AdamW 1e-3, batch 64, averaged weights), on
pictures padded to 32x32. Distances, precision and recall are those of 5,000 samples to test
pictures in the features of a small classifier. Seconds are for drawing the 5,000 samples;
evaluations are calls of the network per sample. Our GAN draws a sample with one evaluation, and
`gan_pictures` has its distances by the other judge.
"""

import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

import genai_basics as gb
from genai_basics.backend import gradient_step
from genai_basics.metrics import frechet_report, precision_recall

from .gan_pictures import read_judge
from .vae_bound import Clock

HEADERS = (
    "10 minutes of MNIST on one core",
    "pictures per second",
    "evaluations",
    "seconds for 5,000",
    "Fréchet distance",
    "floor",
    "precision",
    "recall",
    "Fréchet distance, other judge",
)
MINUTES, N, PEER_STEPS = 10, 5000, 20
NAMES = {"ours": "diffusion", "peer": "Keras' example"}


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


def ours(path):
    """Return pictures per second, evaluations per sample and the model of `train diffusion`."""
    with tempfile.TemporaryDirectory() as out:
        run = gb.train(
            "diffusion", str(path), minutes=MINUTES, seed=0, out=f"{out}/run", audit=False
        )
    config = run.config
    speed = config["steps"] * config["training"]["batch_size"] / config["seconds"]
    return speed, 2 * run.model.steps, lambda: run.model.sample(N, seed=1)


def theirs(path):
    """Return pictures per second, evaluations per sample and the model of Keras' example."""
    keras.utils.set_random_seed(0)
    peer, clock = Peer(), Clock(60 * MINUTES)
    edge = (peer.padded - peer.side) // 2
    x = gb.load_data(path).train.x.astype("float32") / 255
    pixels = np.pad(x, ((0, 0), (edge, edge), (edge, edge), (0, 0)))
    peer.normalizer.adapt(pixels)
    peer.compile(keras.optimizers.AdamW(1e-3, weight_decay=1e-4))
    peer.fit(pixels, batch_size=64, epochs=10**6, verbose=0, callbacks=[clock])
    return clock.batches * 64 / clock.seconds, PEER_STEPS, lambda: peer.sample(N)


def train_and_sample(name, path, out):
    """Train one of the two in this process, and write its samples and how fast it is."""
    speed, evaluations, draw = {"ours": ours, "peer": theirs}[name](path)
    began = time.monotonic()
    samples = draw()
    seconds = time.monotonic() - began
    np.savez(out, samples=samples, facts=[speed, evaluations, seconds])


def side_by_side(path, folder):
    """Run both at once, each on a core of its own; return {name: arrays}."""
    cores = sorted(os.sched_getaffinity(0))
    command = [sys.executable, "-m", "benchmarks.diffusion_pictures"]
    running = [
        subprocess.Popen(
            [*command, name, str(path), f"{folder}/{name}.npz"],
            preexec_fn=lambda core=core: os.sched_setaffinity(0, {core}),
        )
        for name, core in zip(NAMES, cores, strict=False)
    ]
    statuses = [process.wait() for process in running]
    if any(statuses):
        raise RuntimeError("a training failed; see above")
    return {name: np.load(f"{folder}/{name}.npz") for name in NAMES}


def measure(folder):
    """Return the rows of the table."""
    path = folder / "mnist" / "mnist.npz"
    with tempfile.TemporaryDirectory() as out:
        found = side_by_side(path, out)
        found = {name: dict(arrays) for name, arrays in found.items()}
    data = gb.load_data(path)
    judge = gb.train_feature_extractor(data.train.x, data.train.y)
    real, other = judge.features(data.test.x[:N]), judge.features(data.train.x[:N])
    other_judge = read_judge(folder.parent / "judge" / "mnist_judge.keras")
    rows = []
    for name, arrays in found.items():
        samples, (speed, evaluations, seconds) = arrays["samples"], arrays["facts"]
        fake = judge.features(samples)
        near = frechet_report(real, fake, other)
        shape = precision_recall(real[:3000], fake[:3000])
        rows.append(
            (
                NAMES[name],
                f"{speed:,.0f}",
                int(evaluations),
                f"{seconds:.1f}",
                f"{near['frechet_distance']:.2f}",
                f"{near['frechet_floor']:.2f}",
                f"{shape['precision']:.2f}",
                f"{shape['recall']:.2f}",
                other_judge(samples, data.test.x) if other_judge else "",
            )
        )
    return rows


if __name__ == "__main__":
    train_and_sample(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
