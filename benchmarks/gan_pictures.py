"""The GAN's digits are closer to real ones, sooner, than those of Keras' example.

MNIST, both conditional on the label, in turn. Ours is trained by `train gan --minutes 2.5` with
seeds 0, 1 and 2, and once for ten minutes. The peer is the conditional GAN of Keras' examples as
its description gives it (transposed convolutions of 128, Adam 3e-4, batch 64), for twice as long.
Distances, precision and recall compare 5,000 samples with test pictures in the features of a small
classifier, which also measures how often a sample shows the requested digit; the floor is the
distance of training pictures.
"""

import tempfile

import keras
import numpy as np
from keras import layers, ops

import genai_basics as gb
from genai_basics.backend import gradient_step
from genai_basics.metrics import frechet_distance, frechet_report, precision_recall

from .vae_bound import Clock

HEADERS = (
    "GAN on MNIST",
    "minutes",
    "pictures per second",
    "Fréchet distance",
    "floor",
    "precision",
    "recall",
    "label obedience",
    "Fréchet distance, other judge",
)
MINUTES, N = 2.5, 5000


class Peer(keras.Model):
    """The conditional GAN of Keras' examples, from its public description."""

    def __init__(self, side=28, channels=1, latent_dim=128):
        super().__init__()
        self.side, self.latent_dim = side, latent_dim
        leaky, corner = layers.LeakyReLU, side // 4
        self.generator = keras.Sequential(
            [
                keras.Input((latent_dim + 10,)),
                layers.Dense(corner * corner * (latent_dim + 10)),
                leaky(0.2),
                layers.Reshape((corner, corner, latent_dim + 10)),
                layers.Conv2DTranspose(128, 4, 2, "same"),
                leaky(0.2),
                layers.Conv2DTranspose(128, 4, 2, "same"),
                leaky(0.2),
                layers.Conv2D(channels, 7, padding="same", activation="sigmoid"),
            ]
        )
        self.discriminator = keras.Sequential(
            [
                keras.Input((side, side, channels + 10)),
                layers.Conv2D(64, 3, 2, "same"),
                leaky(0.2),
                layers.Conv2D(128, 3, 2, "same"),
                leaky(0.2),
                layers.GlobalMaxPooling2D(),
                layers.Dense(1),
            ]
        )
        self.noise = keras.random.SeedGenerator(1337)
        self.g_optimizer = keras.optimizers.Adam(3e-4)
        self.d_optimizer = keras.optimizers.Adam(3e-4)
        self.g_optimizer.build(self.generator.trainable_variables)
        self.d_optimizer.build(self.discriminator.trainable_variables)
        self.built = True

    def fakes(self, labels):
        z = keras.random.normal((ops.shape(labels)[0], self.latent_dim), seed=self.noise)
        return self.generator(ops.concatenate([z, ops.one_hot(labels, 10)], axis=1))

    def score(self, x, labels):
        planes = ops.one_hot(labels, 10)[:, None, None] * ops.ones((1, self.side, self.side, 1))
        return self.discriminator(ops.concatenate([x, planes], axis=-1))

    def train_step(self, data):
        x, labels = data

        def d_loss():
            real, fake = self.score(x, labels), self.score(self.fakes(labels), labels)
            return 0.5 * ops.mean(ops.softplus(-real)) + 0.5 * ops.mean(ops.softplus(fake))

        def g_loss():
            return ops.mean(ops.softplus(-self.score(self.fakes(labels), labels)))

        loss = gradient_step(d_loss, self.discriminator.trainable_variables, self.d_optimizer)
        gradient_step(g_loss, self.generator.trainable_variables, self.g_optimizer)
        return {"loss": loss}

    def sample(self, labels):
        parts = [self.fakes(labels[i : i + 500]) for i in range(0, len(labels), 500)]
        return np.rint(255 * np.concatenate([ops.convert_to_numpy(part) for part in parts]))


def read_judge(path):
    """Return `distance(samples, real)` in the features of a saved classifier, if it exists."""
    if not path.exists():
        return None
    model = keras.models.load_model(path)
    network = keras.Model(model.inputs, model.get_layer("features").output)

    def distance(samples, real):
        both = (network.predict(x / np.float32(255), verbose=0) for x in (real, samples))
        return f"{frechet_distance(*both):.1f}"

    return distance


def measure(folder):
    """Return the rows of the table."""
    path = folder / "mnist" / "mnist.npz"
    data = gb.load_data(path)
    x, y = data.train.x, data.train.y
    judge = gb.train_feature_extractor(x, y)
    real, other = judge.features(data.test.x[:N]), judge.features(x[:N])
    labels = np.arange(N) % 10

    other_judge = read_judge(folder.parent / "judge" / "mnist_judge.keras")

    def row(name, minutes, speed, samples):
        fake = judge.features(samples)
        near = frechet_report(real, fake, other)
        shape = precision_recall(real[:3000], fake[:3000])
        obeyed = (judge.predict(samples, verbose=0).argmax(axis=1) == labels).mean()
        return (
            name,
            f"{minutes:g}",
            f"{speed:,.0f}",
            f"{near['frechet_distance']:.1f}",
            f"{near['frechet_floor']:.1f}",
            f"{shape['precision']:.2f}",
            f"{shape['recall']:.2f}",
            f"{obeyed:.1%}",
            other_judge(samples, data.test.x) if other_judge else "",
        )

    rows = []
    for seed, minutes in ((0, MINUTES), (1, MINUTES), (2, MINUTES), (0, 10)):
        with tempfile.TemporaryDirectory() as out:
            run = gb.train("gan", str(path), minutes=minutes, seed=seed, out=f"{out}/run")
        steps, seconds = run.config["steps"], run.config["seconds"]
        speed = steps * run.config["training"]["batch_size"] / seconds
        samples = run.model.sample(N, seed=1, labels=labels)
        rows.append(row(f"genai_basics, seed {seed}", minutes, speed, samples))
    keras.utils.set_random_seed(0)
    peer, clock = Peer(), Clock(2 * 60 * MINUTES)
    peer.compile()
    pixels = x.astype("float32") / 255
    peer.fit(pixels, y, batch_size=64, epochs=10**6, verbose=0, callbacks=[clock])
    speed = clock.batches * 64 / clock.seconds
    rows.append(row("Keras' example", 2 * MINUTES, speed, peer.sample(labels)))
    return rows
