"""`GAN`: a generator and a discriminator, and the step in which they train each other."""

import math

import keras
import numpy as np
from keras import layers, ops

from .. import backend
from ..backend import gradient_step, stop_gradient_of
from ..data.writers import image_grid, to_pixels
from ..layers import DifferentiableAugmentation, averaged_copy, move_average
from ..losses import adversarial_losses, gradient_penalty, r1_penalty
from ..metrics.features import (
    FeatureStatistics,
    build_features,
    sample_report,
    some_examples,
    train_classifier,
)
from ..metrics.intervals import share_interval
from ..model import Model
from .walks import great_circles

__all__ = ["GAN", "check_choices"]

PENALTIES = ("none", "gradient", "r1", "r1_r2")
VALIDATION_LIMIT = 2048  # examples of a validation while training; `evaluate` takes all
CLASSIFIER_LIMIT = 20_000  # examples that the small classifier trains on
REPORT_LEAST, REPORT_MOST = 2000, 5000  # samples of a report


def check_choices(loss, penalty, discriminator_steps, ema):
    """Refuse choices that no GAN has, with a `ValueError`."""
    adversarial_losses(loss)
    if penalty not in (None, *PENALTIES):
        known = ", ".join(f'"{name}"' for name in PENALTIES)
        raise ValueError(f"`penalty` must be one of {known}. Received: penalty={penalty!r}")
    if discriminator_steps < 1:
        raise ValueError(
            "`discriminator_steps` must be at least 1. "
            f"Received: discriminator_steps={discriminator_steps}"
        )
    if not 0 <= ema < 1:
        raise ValueError(f"`ema` must be at least 0 and less than 1. Received: ema={ema}")


@keras.saving.register_keras_serializable(package="genai_basics")
class GAN(Model):
    """A GAN of any `generator: z -> x` with any `discriminator: x -> score (batch, 1)`.

    The networks see x in [-1, 1] and, where `num_classes` is given, a second input: the one-hot
    label. Samples come from `ema_generator`, a moving average of the generator's weights.
    """

    network_range = (-1.0, 1.0)
    batch_size = 64
    learning_rate = 1e-3  # of the generator
    d_learning_rate = 2e-3  # of the discriminator (Heusel et al., 2017: it should be faster)
    monitor = "val_frechet_distance"
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
        features=None,
        classifier=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_choices(adversarial_loss, penalty, discriminator_steps, ema)
        self.generator, self.discriminator = generator, discriminator
        self.adversarial_loss = adversarial_loss
        self.penalty, self.penalty_weight = penalty, penalty_weight
        self.discriminator_steps, self.ema, self.num_classes = discriminator_steps, ema, num_classes
        self.augment = tuple(augment)
        self.d_loss_of, self.g_loss_of = adversarial_losses(adversarial_loss)
        self.changes = DifferentiableAugmentation(self.augment, self.seed) if augment else None
        self.ema_generator = averaged_copy(generator)
        self.truncation = self._scalar("truncation")
        self.standardize()
        self._add_judge(features, classifier)
        self.built = True

    def _add_judge(self, features, classifier):
        """Take or make the network whose features the Fréchet distance is measured in."""
        self.trains_features = features is None
        self.features = features or build_features(self.shape_seen())
        classes = self.num_classes or (self.class_names and len(self.class_names))
        if classifier is None and classes:
            init = keras.initializers.GlorotUniform(0)
            inputs = keras.Input(self.features.outputs[0].shape[1:])
            outputs = layers.Dense(classes, kernel_initializer=init)(inputs)
            classifier = keras.Model(inputs, outputs, name="classifier")
        self.classifier = classifier
        for network in (self.features, self.classifier):
            if network is not None:
                network.trainable = False
        self.statistics = FeatureStatistics(self.features.outputs[0].shape[-1])

    def input_shape_of_one(self):
        return self.discriminator.inputs[0].shape[1:]

    @property
    def xla(self):
        """Whether XLA pays: convolutions of pictures run at 1.7 times the speed with it."""
        return any(isinstance(layer, layers.Conv2D) for layer in self.discriminator.layers)

    @property
    def can_augment(self):
        """Whether the builder takes `augment` for such examples: `build_gan` does for pictures."""
        return type(self) is GAN and len(self.input_shape_of_one()) == 3

    @property
    def remedy(self):
        """What to do against overfitting, for `Doctor`."""
        vary = "add `augment` (--set augment=('translation','brightness')), or "
        return (vary if self.can_augment else "") + "use fewer epochs"

    @property
    def latent_dim(self):
        """Size of the noise z."""
        return self.generator.inputs[0].shape[-1]

    # Two players, an optimizer each.

    def compile(self, g_optimizer=None, d_optimizer=None, *, optimizer=None, **kwargs):
        """Configure training. Without arguments, with defaults that suit the model.

        Args:
            g_optimizer: The generator's, `model.optimizer`. `optimizer` is another name of it.
            d_optimizer: The discriminator's.
            optimizer: See `g_optimizer`.
            **kwargs: As in `Model.compile`. `learning_rate` is the generator's; the
                discriminator's default optimizer starts at twice that.
        """
        if g_optimizer is not None and optimizer is not None:
            raise ValueError("give `g_optimizer` or `optimizer`, which are one. Received: both")
        super().compile(g_optimizer if optimizer is None else optimizer, **kwargs)
        ratio = self.d_learning_rate / self.learning_rate
        self.d_peak_learning_rate = ratio * self.peak_learning_rate
        if d_optimizer is not None:
            self.compile_arguments["d_optimizer"] = d_optimizer
            self.anneals = False
        self.d_optimizer = (
            keras.optimizers.get(d_optimizer)
            if d_optimizer is not None
            else keras.optimizers.Adam(self.d_peak_learning_rate, beta_1=0.5, beta_2=0.99)
        )
        self.build_optimizers()  # each on its own player, before Keras builds one on both

    def default_optimizer(self):
        return keras.optimizers.Adam(self.peak_learning_rate, beta_1=0.5, beta_2=0.99)

    def players(self):
        return [
            (self.optimizer, self.generator.trainable_variables),
            (self.d_optimizer, self.discriminator.trainable_variables),
        ]

    def peaks(self):
        return [self.peak_learning_rate, self.d_peak_learning_rate]

    def anneal(self, progress):
        """Return the factor on the learning rates: full for half the way, then a cosine down."""
        fall = max(progress - 0.5, 0.0) / 0.5
        return max(0.5 * (1.0 + math.cos(math.pi * fall)), 0.01)

    # Data.

    def adapt(self, x, y=None):
        super().adapt(x)
        classes = None if self.classifier is None else self.classifier.output.shape[-1]
        if classes is None or y is None or len(x) < 2 * classes:
            return
        x, y = some_examples((x, self.encode_labels(y)), CLASSIFIER_LIMIT)
        x = ops.convert_to_numpy(self.seen(self.preprocess(x)))
        self.features.trainable = self.trains_features
        self.classifier.trainable = True
        train_classifier(self.features, self.classifier, x, y)

    def prepare(self, x, y=None, sample_weight=None):
        if self.num_classes and y is None:
            raise ValueError(f"a conditional GAN needs labels: pass y. Received: y={y}")
        parts = super().prepare(x, y if self.num_classes else None)
        return (parts[0], self.check_labels(parts[1])) if self.num_classes else parts

    def seen(self, x):
        """Return x of the network's range as `features` takes it: pictures in [0, 1]."""
        return x if self.scaling is not None else 0.5 * (x + 1.0)

    def shape_seen(self):
        """Return the shape of one example as `features` takes it."""
        return self.input_shape_of_one()

    def fit(self, x=None, y=None, *args, validation_data=None, **kwargs):
        if validation_data is not None and not backend.is_pipeline(validation_data):
            parts = validation_data if isinstance(validation_data, tuple) else (validation_data,)
            validation_data = some_examples(parts, VALIDATION_LIMIT)
        return super().fit(x, y, *args, validation_data=validation_data, **kwargs)

    # The two losses.

    def one_hot(self, labels):
        return ops.one_hot(labels, self.num_classes) if self.num_classes else None

    def generate_batch(self, z, label=None, training=False, generator=None, noise=None):
        """Return examples (batch, ...) of noise (batch, latent_dim) and one-hot labels.

        `noise` is where a generator that draws its output at random draws it from.
        """
        generator = generator or self.generator
        return generator(z if label is None else [z, label], training=training)

    def score(self, x, label=None, training=False):
        """Return how real the discriminator takes x to be: (batch, 1), higher is more real."""
        x = x if self.changes is None or not training else self.changes(x)
        return self.discriminator(x if label is None else [x, label], training=training)

    def discriminator_loss(self, x, fake, label=None, training=False):
        """Return `(loss, real scores, fake scores)`; fakes are constants here.

        While a conditional GAN trains, every fourth real example comes once more under a label
        that is not its own, as one more fake, so that the generator has to obey labels (Reed et
        al., 2016, https://arxiv.org/abs/1605.05396, algorithm 1).
        """
        n, examples, labels = ops.shape(x)[0], [x, stop_gradient_of(fake)], None
        if label is not None:
            labels = [label, label]
            if training:
                examples.append(x[::4])
                labels.append(self.other_labels(label[::4]))
            labels = ops.concatenate(labels)
        scores = self.score(ops.concatenate(examples), labels, training)
        loss = self.d_loss_of(scores[:n], scores[n:])
        if training and self.penalty != "none":
            loss = loss + self.penalty_weight * self.slope_penalty(x, fake, label)
        return loss, scores[:n], scores[n : 2 * n]

    def other_labels(self, label):
        """Return one-hot labels that differ from these everywhere, at random."""
        shift = keras.random.randint((ops.shape(label)[0],), 1, self.num_classes, seed=self.noise)
        return self.one_hot((ops.argmax(label, axis=-1) + shift) % self.num_classes)

    def slope_penalty(self, x, fake, label=None):
        """Return the gradient penalty, R1 or R1 + R2, not yet weighted.

        Estimated on every fourth example: the same on average, at a quarter of the cost.
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

    def generator_loss(self, z, label=None, training=False):
        """Return `(loss, fakes)`."""
        fake = self.generate_batch(z, label, training, noise=self.noise)
        return self.g_loss_of(self.score(fake, label, training)), fake

    def draw(self, n, noise):
        """Return noise z for n examples."""
        return keras.random.normal((n, self.latent_dim), seed=noise)

    def train_step(self, data):
        x, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        n, label = ops.shape(x)[0], self.one_hot(labels)
        (g_optimizer, g_variables), (d_optimizer, d_variables) = self.players()
        for _ in range(self.discriminator_steps - 1):
            with Unmoved(self.generator):
                z = self.draw(n, self.noise)
                fake = self.generate_batch(z, label, training=True, noise=self.noise)
            gradient_step(
                lambda fake=fake: self.discriminator_loss(x, fake, label, training=True),
                d_variables,
                d_optimizer,
            )
        # The generator steps first, so that its one forward pass serves both players.
        with Unmoved(self.discriminator):
            (g_loss, fake), g_norm = gradient_step(
                lambda: self.generator_loss(self.draw(n, self.noise), label, training=True),
                g_variables,
                g_optimizer,
                norm=True,
            )
        (d_loss, real_score, fake_score), d_norm = gradient_step(
            lambda: self.discriminator_loss(x, fake, label, training=True),
            d_variables,
            d_optimizer,
            norm=True,
        )
        move_average(self.ema_generator, self.generator, self.optimizer.iterations, self.ema)
        parts = self.parts(d_loss, real_score, fake_score, x, fake)
        logs = self.track(n, g_loss, *parts, g_norm, d_norm)
        return {name: logs[name] for name in ("loss", *self.tracked)}

    def parts(self, d_loss, real_score, fake_score, x, fake):
        """Return what a step tracks beside its losses: accuracies, and the fakes' spread."""
        middle = 0.5 if self.adversarial_loss == "least_squares" else 0.0
        accuracies = (
            ops.mean(ops.cast(real_score > middle, "float32")),
            ops.mean(ops.cast(fake_score < middle, "float32")),
        )
        # Variance between the examples of a batch, over the real ones': 1 is as it should be.
        spread = ops.sum(ops.var(fake, axis=0)) / ops.maximum(ops.sum(ops.var(x, axis=0)), 1e-6)
        return d_loss, *accuracies, spread

    def test_step(self, data):
        """Losses of the averaged generator, and the Fréchet distance of its samples."""
        x, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        n, label = ops.shape(x)[0], self.one_hot(labels)
        z = self.draw(n, self.evaluation_noise)
        fake = self.generate_batch(
            z, label, generator=self.ema_generator, noise=self.evaluation_noise
        )
        d_loss, real_score, fake_score = self.discriminator_loss(x, fake, label)
        real_features, fake_features = ops.split(
            self.features(self.seen(ops.concatenate([x, fake]))), 2
        )
        self.statistics.update_state(real_features, fake_features)
        parts = self.parts(d_loss, real_score, fake_score, x, fake)
        logs = self.track(n, self.g_loss_of(fake_score), *parts, 0.0, 0.0)
        return {name: value for name, value in logs.items() if not name.endswith("_norm")}

    def evaluate(self, x=None, y=None, *args, return_dict=False, **kwargs):
        logs = super().evaluate(x, y, *args, return_dict=True, **kwargs)
        logs["frechet_distance"] = self.statistics.distance()
        return logs if return_dict else list(logs.values())

    def call(self, x, labels=None, training=False):
        """Score x: higher is more real to the discriminator."""
        return self.score(x, self.one_hot(labels), training)

    def predict_step(self, data):
        x, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self(x, labels, training=False)

    def predict(self, x, y=None, batch_size=None, verbose="auto", **kwargs):
        """Return the discriminator's scores of x, (n, 1): higher is more real."""
        data = self.pipeline(x, y, batch_size=batch_size)
        return keras.Model.predict(self, data, verbose=verbose, **kwargs)

    # Sampling.

    def generate(self, n, labels=None):
        # Uniform numbers through the normal's inverse, cut at the truncation (0: nowhere).
        bound = ops.where(self.truncation > 0, ops.erf(self.truncation / math.sqrt(2.0)), 1.0)
        u = keras.random.uniform((n, self.latent_dim), -1.0, 1.0, seed=self.sampling_noise)
        z = math.sqrt(2.0) * ops.erfinv(ops.clip(bound * u, -0.9999999, 0.9999999))
        return self._examples(z, labels)

    def _examples(self, z, labels=None):
        return self.generate_batch(
            z, self.one_hot(labels), generator=self.ema_generator, noise=self.sampling_noise
        )

    def sample(
        self, n=1, *, seed=None, batch_size=256, labels=None, truncation=None, interpolate=None
    ):
        """Draw n samples, in the data's range.

        Args:
            n, seed, batch_size, labels: As in `Model.sample`.
            truncation: Largest size of a number of z: 0.5 to 2 give more usual samples, and
                fewer kinds of them (Brock et al., 2018).
            interpolate: Draw every so many samples only, and fill in the way from each to the
                next, on great circles.
        """
        if truncation is not None and truncation <= 0:
            raise ValueError(f"`truncation` must be more than 0. Received: truncation={truncation}")
        self.truncation.assign(truncation or 0.0)
        if interpolate is None:
            return super().sample(n, seed=seed, batch_size=batch_size, labels=labels)
        if interpolate < 2 or n < 1:
            raise ValueError(
                "`interpolate` must be at least 2, and `n` 1. "
                f"Received: interpolate={interpolate}, n={n}"
            )
        rng = np.random.default_rng(seed)
        corners = rng.standard_normal((-(-n // interpolate) + 1, self.latent_dim))
        if truncation:
            corners = np.clip(corners, -truncation, truncation)
        if labels is None and self.num_classes:
            labels = np.arange(self.num_classes).repeat(interpolate)
        return self.decode(great_circles(corners, interpolate)[:n], labels)

    def decode(self, z, labels=None):
        """Return examples of noise z, (n, latent_dim), in the data's range."""
        z = np.asarray(z, "float32")
        if z.ndim != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(f"z must have shape (n, {self.latent_dim}). Received: shape {z.shape}")
        labels = self.sampling_labels(len(z), labels)
        parts = (z,) if labels is None else (z, labels)
        return self.postprocess(self.map_batches(self._examples, *parts))

    # What the commands print and draw.

    def losses_by_example(self, x, y=None, batch_size=None):
        """Return how unreal the discriminator takes each raw example to be, (n,).

        It was trained to take the training examples for real, so that its score tells who was
        among them (LOGAN, Hayes et al., 2019, https://arxiv.org/abs/1705.07663).
        """
        data = self.prepare(x, y)
        return self.map_batches(self._losses_prepared, *data, batch_size=batch_size or 256)

    def _losses_prepared(self, x, labels=None):
        return -self.score(self.preprocess(x), self.one_hot(labels))[:, 0]

    def errors_of(self, x, y=None):
        raise ValueError(f"a {self.name} makes no predictions that could be wrong")

    def features_of(self, x, y=None):
        """Return features (n, d) of raw x, see `build_gan`."""
        return self.map_batches(self._features, np.asarray(x), batch_size=256)

    def _features(self, x):
        return self.features(self.seen(self.preprocess(x)))

    def report(self, x, y=None):
        """Return metrics and intervals of as many samples as x has, 2,000 to 5,000."""
        n = int(np.clip(len(x), REPORT_LEAST, REPORT_MOST))
        labels = None
        if self.num_classes:
            order = np.random.default_rng(0).permutation(len(x))
            labels = np.resize(self.check_labels(self.encode_labels(y))[order], n)
        fake = self.sample(n, seed=0, labels=labels)
        real_features, fake_features = self.features_of(x[:REPORT_MOST]), self.features_of(fake)
        report, intervals = sample_report(real_features, fake_features), {}
        if self.classifier is not None:
            classes = ops.convert_to_numpy(self.classifier(fake_features)).argmax(axis=1)
            if labels is not None:
                obeyed = classes == labels
                report["label_obedience"] = obeyed.mean()
                intervals["label_obedience"] = list(share_interval(obeyed.sum(), len(obeyed)))
            names = self.class_names or range(self.classifier.output.shape[-1])
            shares = np.bincount(classes, minlength=len(names)) / n
            report |= {f"share_{name}": share for name, share in zip(names, shares, strict=True)}
        logs = self.evaluate(x, y, verbose=0, return_dict=True)
        names = ("diversity", "real_accuracy", "fake_accuracy")
        return {**report, **{name: logs[name] for name in names}, "samples": n}, intervals

    def answer(self, x):
        """Score x; a conditional GAN's rows also hold the label that fits best."""
        x = np.asarray(x)
        if not self.num_classes:
            return [{"score": float(s)} for s in self.predict(x, verbose=0)[:, 0]], None
        scores = np.concatenate(
            [self.predict(x, np.full(len(x), k), verbose=0) for k in range(self.num_classes)],
            axis=1,
        )
        names = self.class_names or range(self.num_classes)
        best = scores.argmax(axis=1)
        rows = zip(best, scores.max(axis=1), strict=True)
        return [{"label": names[k], "score": float(score)} for k, score in rows], None

    def pictures(self, x, y=None):
        """Return samples, a row for each class, and a walk from sample to sample."""
        if len(self.input_shape_of_one()) != 3:
            return {}
        rows = min(self.num_classes or 8, 20)
        labels = np.repeat(np.arange(rows), 10) if self.num_classes else None
        low, high = self.value_range
        samples = self.sample(10 * rows, seed=0, labels=labels)
        walk = self.sample(10 * rows, seed=0, labels=labels, interpolate=10)
        grid = {"samples_by_class" if self.num_classes else "samples_grid": samples, "walk": walk}
        return {
            name: image_grid(to_pixels(images, (low, high)), columns=10)
            for name, images in grid.items()
        }

    def symptoms(self, history):
        """Return `{name: sentence}` of what goes wrong between the players, for the doctor."""
        found, recent = {}, history[-3:]
        if len(history) < 5:
            return found
        spread = [logs.get("val_diversity", logs["diversity"]) for logs in recent]
        accuracy = [min(logs["real_accuracy"], logs["fake_accuracy"]) for logs in recent]
        norms = [max(logs["generator_norm"], logs["discriminator_norm"]) for logs in recent]
        smooth = {
            "r1": "take `penalty='r1_r2'`, or raise `penalty_weight`",
            "r1_r2": "raise `penalty_weight`",
        }.get(self.penalty, "add `penalty='r1'`")
        vary = "add `augment`, " if self.can_augment else ""
        if max(spread) < 0.3:
            found["mode_collapse"] = (
                f"mode collapse: the samples' variance is {spread[-1]:.0%} of the data's; "
                f"{smooth}, raise `discriminator_steps`, or use larger batches"
            )
        if min(accuracy) > 0.98:
            found["overpowering_discriminator"] = (
                f"the discriminator tells {accuracy[-1]:.0%} of both kinds apart, so the generator "
                f"learns little: {smooth}, {vary}or lower the discriminator's learning "
                "rate (`d_optimizer` of compile)"
            )
        if min(norms) > 1e3:
            found["divergence"] = (
                f"the gradients' norm is {norms[-1]:.3g}, the players drive each other away: lower "
                "`learning_rate` of compile (--learning-rate), or add `spectral_normalization=True`"
            )
        return found


class Unmoved:
    """Context: a network's batch statistics are put back as they were, whatever calls it."""

    def __init__(self, network):
        self.variables = network.non_trainable_weights

    def __enter__(self):
        self.values = [ops.copy(variable) for variable in self.variables]

    def __exit__(self, *error):
        for variable, value in zip(self.variables, self.values, strict=True):
            variable.assign(value)
