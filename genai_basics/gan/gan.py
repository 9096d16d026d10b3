"""Generative adversarial network (Goodfellow et al., 2014, https://arxiv.org/abs/1406.2661).

The generator G maps noise z to an example, the discriminator D scores how real an example looks,
and each is trained against the other. With the default loss (`losses.py` has all losses)

    D minimizes  E softplus(-D(x)) + E softplus(D(G(z)))
    G minimizes  E softplus(-D(G(z)))

Conditional on a label, D scores the pair (Miyato & Koyama, 2018, projection discriminator):
D(x, y) = w . f(x) + v_y . f(x), and G has scales and shifts per class. D's fakes are then
G(z, y), and some real x with a wrong label y (Reed et al., 2016).
"""

import math

import keras
import numpy as np
from keras import layers, ops

from .. import feeding
from ..backend import gradient_step, stop_gradient_of
from ..checks import positive, whole
from ..chunks import alone
from ..layers import DifferentiableAugmentation, MovingAverage, great_circles
from ..losses import (
    adversarial_losses,
    averaged,
    gradient_penalty,
    r1_penalty,
    single,
)
from ..metrics.features import Judge, some_examples
from ..preprocessing import Numbers
from . import evaluation
from .players import TwoPlayers, Unmoved, check_choices

__all__ = ["GAN"]

CLASSIFIER_LIMIT = 20_000  # maximum examples that the small classifier trains on


@keras.saving.register_keras_serializable(package="genai_basics")
class GAN(TwoPlayers):
    """A GAN of any `generator: z -> x` with any `discriminator: x -> score (batch, 1)`.

    The networks get x in [-1, 1] and, with `num_classes`, a second input, the one-hot label.
    Samples come from `ema_generator`, a moving average of the generator's weights. `preprocessor`
    maps raw data to network space (`None`: for arrays); `judge` evaluates samples.
    """

    network_range = (-1.0, 1.0)
    batch_size = 64
    averaged = "generator"
    monitor = "val_frechet_distance"
    validation_limit = 2048
    tracked = (
        "d_loss",
        "real_accuracy",
        "fake_accuracy",
        "diversity",
        "generator_norm",
        "discriminator_norm",
    )
    membership_score = "discriminator's score"
    loss_keyword = "`loss` of build_gan"

    # For commands, run folders and the audit; see evaluation.py.
    report, answer, pictures = evaluation.report, evaluation.answer, evaluation.pictures
    examples, steps_needed = evaluation.examples_of_samples, evaluation.steps_needed
    symptoms, features_of = evaluation.symptoms, evaluation.features_of
    exported = evaluation.exported
    losses_by_example, errors_of = evaluation.losses_by_example, evaluation.errors_of

    def __init__(
        self,
        generator,
        discriminator,
        *,
        adversarial_loss="non_saturating",
        penalty="none",
        penalty_weight=10.0,
        discriminator_steps=1,
        augment=(),
        ema=0.995,
        num_classes=None,
        judge=None,
        preprocessor=None,
        **kwargs,
    ):
        super().__init__(generator, discriminator, **kwargs)
        check_choices(adversarial_loss, penalty, discriminator_steps, ema)
        self.adversarial_loss = adversarial_loss
        self.players_losses = adversarial_losses(adversarial_loss)
        self.penalty, self.penalty_weight = penalty or "none", penalty_weight
        self.discriminator_steps, self.ema, self.num_classes = discriminator_steps, ema, num_classes
        self.augment = tuple(augment)
        self.changes = DifferentiableAugmentation(self.augment, self.seed) if augment else None
        self.average = MovingAverage(generator, ema)
        self.truncation = self._scalar("truncation")
        shape = discriminator.inputs[0].shape[1:]
        self.preprocessor = preprocessor or Numbers(shape, self.value_range, self.network_range)
        classes = num_classes or len(self.class_names or ()) or None
        self.judge = judge or Judge(self.shape_seen(), classes)
        self.built = True

    @property
    def ema_generator(self):
        """The averaged generator, from which samples come."""
        return self.average.network

    @property
    def latent_dim(self):
        """Size of the noise z."""
        return self.generator.inputs[0].shape[-1]

    @property
    def xla(self):
        """Whether to use XLA, which makes convolutions of pictures 1.7 times as fast."""
        return any(isinstance(layer, layers.Conv2D) for layer in self.discriminator.layers)

    @property
    def can_augment(self):
        """Whether the builder supports `augment` for such examples (`build_gan`: pictures)."""
        return type(self) is GAN and len(self.preprocessor.shape) == 3

    @property
    def remedy(self):
        """Advice against overfitting, for `Doctor`."""
        vary = "add `augment` (--set augment=('translation','brightness')), or "
        return (vary if self.can_augment else "") + "use fewer epochs"

    # Data; labels are read by the networks, or by the judge of samples.

    reads_y = property(lambda self: bool(self.num_classes or self.judge.num_classes))

    def adapt(self, x, y=None):
        super().adapt(x)
        self.adapt_judge(x, y)

    def adapt_judge(self, x, y):
        """Train the judge of samples on raw data, if they have labels."""
        classes = self.judge.num_classes
        if classes and y is not None and len(x) >= 2 * classes:
            x, y = some_examples((x, self.labels.encode(y)), CLASSIFIER_LIMIT)
            self.judge.adapt(ops.convert_to_numpy(self.seen(self.preprocessor(x))), y)

    def seen(self, x):
        """Convert x from the network's range to the input of `judge`: pictures in [0, 1]."""
        return x if self.preprocessor.scaling is not None else 0.5 * (x + 1.0)

    def shape_seen(self):
        """Return the shape of one example as input of `judge`."""
        return self.discriminator.inputs[0].shape[1:]

    # The two losses.

    def one_hot(self, labels):
        return ops.one_hot(labels, self.num_classes) if self.num_classes else None

    def generate_batch(self, z, label=None, training=False, generator=None, noise=None):
        """Return examples (batch, ...) from noise (batch, latent_dim) and one-hot labels.

        `noise` is the seed generator for generators with random outputs.
        """
        generator = generator or self.generator
        return single(generator(z if label is None else [z, label], training=training))

    def fakes(self, x, y=None, training=False):
        """Return new fakes, as many as x has examples, with the same labels.

        They come from the averaged generator, except in training.
        """
        noise = self.noise_of(training)
        z = keras.random.normal((ops.shape(x)[0], self.latent_dim), seed=noise)
        generator = self.generator if training else self.ema_generator
        return self.generate_batch(z, self.one_hot(y), training, generator, noise)

    def score(self, x, label=None, training=False):
        """Return how real x looks to the discriminator: (batch, 1), higher is more real."""
        x = x if self.changes is None or not training else self.changes(x)
        return single(self.discriminator(x if label is None else [x, label], training=training))

    def loss_terms(self, x, y=None, training=False, *, fake=None, player=None):
        """Return the losses of both players, and the accuracies of one, per example (batch,).

            loss   = E g(D(x, y), D(G(z, y), y))                  of the generator
            d_loss = E d(D(x, y), D(G(z, y), y)) + w * penalty    of the discriminator

        with d and g of `losses.py`; the penalty counts in training only.

        Args:
            x, y: A preprocessed batch and its integer labels.
            training: Whether this is a training step.
            fake: Generated examples, see `fakes`; `None` draws new ones.
            player: `"generator"` returns only its loss, whose gradient reaches the fakes. In all
                other cases, fakes are constants.
        """
        n, label = ops.shape(x)[0], self.one_hot(y)
        fake = self.fakes(x, y, training) if fake is None else fake
        discriminator, generator, middle = self.players_losses
        if player == "generator":
            real_score = self.score(x, label, training) if middle is None else None
            fake_score = self.score(fake, label, training)
            return {"loss": _by_example(generator(real_score, fake_score), n)}
        fake = stop_gradient_of(fake)
        real_score, fake_scores = self._scores(x, fake, label, training)
        fake_score = fake_scores[:n]
        d_loss = _by_example(discriminator(real_score, fake_scores), n)
        if training and self.penalty != "none":
            d_loss = d_loss + self.penalty_weight * self.slope_penalty(x, fake, label)
        low, high = (
            ops.mean(score, axis=0) if middle is None else middle
            for score in (fake_score, real_score)
        )
        return {
            "loss": _by_example(generator(real_score, fake_score), n),
            "d_loss": d_loss,
            "real_accuracy": ops.mean(ops.cast(real_score > low, "float32"), axis=-1),
            "fake_accuracy": ops.mean(ops.cast(fake_score < high, "float32"), axis=-1),
        }

    def _scores(self, x, fake, label, training):
        """Return the scores of real examples, (n, 1), and of fakes, (n, 1) or more.

        In training of a conditional GAN, every fourth real example is repeated with a wrong label
        as an additional fake, so that the generator must obey labels (Reed et al., 2016,
        https://arxiv.org/abs/1605.05396, algorithm 1).
        """
        n, examples, labels = ops.shape(x)[0], [x, fake], None
        if label is not None:
            labels = [label, label]
            if training:
                examples.append(x[::4])
                labels.append(self.other_labels(label[::4]))
            labels = ops.concatenate(labels)
        scores = self.score(ops.concatenate(examples), labels, training)
        return scores[:n], scores[n:]

    def other_labels(self, label):
        """Return random one-hot labels, each different from the given one."""
        shift = keras.random.randint((ops.shape(label)[0],), 1, self.num_classes, seed=self.noise)
        return self.one_hot((ops.argmax(label, axis=-1) + shift) % self.num_classes)

    def slope_penalty(self, x, fake, label=None):
        """Return the unweighted gradient penalty, R1 or R1 + R2.

        It is estimated on every fourth example, which is unbiased at a quarter of the cost.
        """
        x, fake = x[::4], stop_gradient_of(fake[::4])
        label = None if label is None else label[::4]

        def score(examples):
            return self.score(examples, label, training=True)

        if self.penalty == "r1":
            return r1_penalty(score, x)
        if self.penalty == "r1_r2":
            return r1_penalty(score, x) + r1_penalty(score, fake)
        epsilon = keras.random.uniform((ops.shape(x)[0],), seed=self.noise)
        return gradient_penalty(score, x, fake, epsilon)

    def train_step(self, data):
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        (g_optimizer, g_variables), (d_optimizer, d_variables) = self.players()

        def generator_loss():
            fake = self.fakes(x, y, training=True)
            terms = self.loss_terms(x, y, training=True, fake=fake, player="generator")
            return averaged(terms, None, self.generator.losses)["loss"], fake

        def discriminator_loss(fake):
            terms = averaged(self.loss_terms(x, y, training=True, fake=fake))
            terms["d_loss"] += sum(self.discriminator.losses)
            return terms["d_loss"], terms

        for _ in range(self.discriminator_steps - 1):
            with Unmoved(self.generator):
                fake = self.fakes(x, y, training=True)
            gradient_step(lambda fake=fake: discriminator_loss(fake), d_variables, d_optimizer)
        # The generator's step comes first, so that one forward pass serves both players.
        with Unmoved(self.discriminator):
            (g_loss, fake), g_norm = gradient_step(
                generator_loss, g_variables, g_optimizer, norm=True
            )
        (_, terms), d_norm = gradient_step(
            lambda: discriminator_loss(fake), d_variables, d_optimizer, norm=True
        )
        self.average.move(self.generator, self.optimizer.iterations)
        logs = self._track(x, fake, {**terms, "loss": g_loss}, g_norm, d_norm)
        return {name: logs[name] for name in ("loss", *self.tracked)}

    def test_step(self, data):
        """Compute the losses of the averaged generator and the Fréchet distance of its samples."""
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        fake = self.fakes(x, y)
        terms = averaged(self.loss_terms(x, y, fake=fake))
        both = self.judge(self.seen(ops.concatenate([x, fake])))
        self.judge.statistics.update_state(*ops.split(both, 2))
        logs = self._track(x, fake, terms, 0.0, 0.0)
        return {name: value for name, value in logs.items() if not name.endswith("_norm")}

    def _track(self, x, fake, terms, *norms):
        # Variance between the examples of a batch, relative to that of real ones; 1 is ideal.
        spread = ops.sum(ops.var(fake, axis=0)) / ops.maximum(ops.sum(ops.var(x, axis=0)), 1e-6)
        norms = zip(("generator_norm", "discriminator_norm"), norms, strict=True)
        return self.track(ops.shape(x)[0], {**terms, "diversity": spread, **dict(norms)})

    def evaluate(self, x=None, y=None, *args, return_dict=False, **kwargs):
        logs = super().evaluate(x, y, *args, return_dict=True, **kwargs)
        logs["frechet_distance"] = self.judge.statistics.distance()
        return logs if return_dict else list(logs.values())

    def call(self, x, labels=None, training=False):
        """Return the discriminator's scores of x; higher is more real."""
        return self.score(x, self.one_hot(labels), training)

    def predict_step(self, data):
        x, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self(x, labels, training=False)

    def predict(self, x, y=None, batch_size=None, verbose="auto", **kwargs):
        """Return the discriminator's scores of x, (n, 1); higher is more real."""
        data, _ = feeding.read(self, x, y).batches(self, batch_size)
        return keras.Model.predict(self, data, verbose=verbose, **kwargs)

    def prepared_scores(self, x, labels=None):
        """Return the scores (n,) of prepared x."""
        return self(self.preprocessor(x), labels)[:, 0]

    def prepared_features(self, x):
        """Return the features (n, d) of prepared x."""
        return self.judge(self.seen(self.preprocessor(x)))

    # Sampling.

    def generate(self, n, labels=None):
        # Uniform numbers through the inverse of the normal distribution, truncated unless
        # `truncation` is 0.
        bound = ops.where(self.truncation > 0, ops.erf(self.truncation / math.sqrt(2.0)), 1.0)
        u = keras.random.uniform((n, self.latent_dim), -1.0, 1.0, seed=self.sampling_noise)
        z = math.sqrt(2.0) * ops.erfinv(ops.clip(bound * u, -0.9999999, 0.9999999))
        return self._examples(z, labels)

    def _examples(self, z, labels=None):
        return self.generate_batch(
            z, self.one_hot(labels), generator=self.ema_generator, noise=self.sampling_noise
        )

    @alone
    def sample(
        self, n=1, *, seed=None, batch_size=256, labels=None, truncation=None, interpolate=None
    ):
        """Draw n samples, in the data's range.

        Args:
            n, seed, batch_size, labels: As in `Model.sample`.
            truncation: Maximum absolute value in z: 0.5 to 2 give more typical and less diverse
                samples (Brock et al., 2018).
            interpolate: Draw only one in this many samples; the others interpolate between it and
                the next on great circles of z.
        """
        if truncation is not None:
            positive("truncation", truncation)
        self.truncation.assign(truncation or 0.0)
        if interpolate is None:
            return super().sample(n, seed=seed, batch_size=batch_size, labels=labels)
        whole("interpolate", interpolate, 2)
        whole("n", n, 1)
        rng = np.random.default_rng(seed)
        corners = rng.standard_normal((-(-n // interpolate) + 1, self.latent_dim))
        if truncation:
            corners = np.clip(corners, -truncation, truncation)
        if labels is None and self.num_classes:
            labels = np.arange(self.num_classes).repeat(interpolate)
        return self.decode(great_circles(corners, interpolate)[:n], labels)

    def decode(self, z, labels=None):
        """Return examples from noise z, (n, latent_dim), in the data's range."""
        z = np.asarray(z, "float32")
        if z.ndim != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(f"z must have shape (n, {self.latent_dim}). Received: shape {z.shape}")
        labels = self.labels.spread(len(z), labels)
        parts = (z,) if labels is None else (z, labels)
        return self.invert(self.map_batches(self._examples, *parts))


def _by_example(sides, n):
    """Combine losses `(of_real, of_fake)`, (n, scores) and (n or more, scores), to shape (n,).

    Its mean is the mean of the first plus that of the second; the effect of fakes beyond n on
    their mean is the same for all examples.
    """
    of_real, of_fake = sides
    loss = ops.mean(of_fake[:n], axis=-1) + (ops.mean(of_fake) - ops.mean(of_fake[:n]))
    return loss if of_real is None else loss + ops.mean(of_real, axis=-1)
