"""Variational autoencoder (Kingma & Welling, 2013, https://arxiv.org/abs/1312.6114).

The encoder maps x to a Gaussian q(z | x), the decoder maps z to p(x | z), and the loss is the
negative ELBO: -log p(x | z) + beta * KL(q(z | x) || p(z)), in nats.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Literal

import keras
import numpy as np
from keras import ops

from .. import feeding
from ..backend import gradient_step, value_of
from ..checks import at_least, one_of, whole
from ..layers import Sampling, Shift, VampPrior, get_likelihood, get_prior, normal_log_prob
from ..layers.blocks import check_shape, check_widths
from ..losses import averaged, single
from ..metrics.features import some_examples
from ..model import Model
from ..preprocessing import Numbers
from . import bounds, evaluation
from .vae_networks import networks, posterior

__all__ = ["VAE", "HierarchicalVAE", "build_vae"]

DENSE_UP_TO = 4096  # elements per example; measured: convolutions are better for more


def build_vae(
    input_shape: Sequence[int | None] = (28, 28, 1),
    latent_dim: int = 20,
    *,
    network: Literal["dense", "conv"] | None = None,
    hidden_units: Sequence[int] = (512, 512),
    filters: Sequence[int] = (32, 64, 128),
    beta: float = 1.0,
    warm_up: float = 0.2,
    cycles=1,
    free_bits: float = 0.0,
    capacity=None,
    likelihood=None,
    prior="normal",
    importance_samples: int = 1,
    levels: int = 1,
    binarize=None,
    num_classes: int | None = None,
    class_names: Iterable[str] | None = None,
    value_range: tuple[float, float] | None = (0, 255),
    seed: int | None = None,
) -> "VAE":
    """Build a variational autoencoder for images or vectors. Then `compile()` and `fit(x)`.

    Args:
        input_shape: Shape of one example: (height, width, channels), sides 8 to 128, or (numbers,).
        latent_dim: Size of the latent code z.
        network: `"dense"` or `"conv"`. `None`: dense for up to 4,096 numbers per example, where
            it reaches a better bound in the same time on a CPU, conv for more.
        hidden_units: Widths of the dense encoder's layers; the decoder mirrors them.
        filters: Channels of the convolutional encoder's stages, each at half the resolution of
            the previous one; stages of less than 4 pixels are left out.
        beta: Weight of the KL term. 1.0 is the ELBO; more gives a beta-VAE (Higgins et al., 2017).
        warm_up: Fraction of the first `fit` (of its first 100 epochs) in which beta increases from
            0, so that latents are not disabled before they become useful (Sonderby et al., 2016).
        cycles: Number of times that this warm-up is repeated in training (Fu et al., 2019).
        free_bits: KL per latent, in nats, that is not penalized (Kingma et al., 2016).
        capacity: Target KL in nats: its distance from the KL is penalized, and the target
            increases from 0 with `warm_up` (Burgess et al., 2018). `None` minimizes the KL term.
        likelihood: `"bernoulli"`, `"gaussian"` (learned variance), `"logistic"` (discretized to
            256 levels), `"logistic_mixture"` (several of these per element) or a layer. `None`:
            bernoulli for grey images, gaussian for colour images and vectors.
        prior: `"normal"`, a learned one (`"mixture"`, `"vamp"`, `"flow"`), or a layer such as
            `VampPrior(500)`.
        importance_samples: Codes per example in training. More than one tightens the bound
            (Burda et al., 2015, the IWAE).
        levels: 2 adds a second level of latents, half as many, above the first.
        binarize: `"dynamic"` draws each pixel black or white at each use, with its grey value as
            the probability of white; a number between 0 and 1 is a threshold. `None` keeps the
            grey values.
        num_classes: Number of labels of a conditional VAE: `fit(x, labels)`.
        class_names: Names of the labels.
        value_range: Range of the data. Vectors: `None` standardizes each number instead.
        seed: Seed of weights, noise and the order of the data. `None` draws a random seed.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> from genai_basics import build_vae, load_data
    >>> data = load_data("digits")
    >>> vae = build_vae((8, 8, 1), latent_dim=4, hidden_units=(64,), seed=0)
    >>> vae.compile()
    >>> history = vae.fit(data.train.x, epochs=1, verbose=0)
    >>> vae.sample(16, seed=0).shape
    (16, 8, 8, 1)
    """
    input_shape = tuple(input_shape)
    is_image = len(input_shape) == 3
    if network is None:
        network = "conv" if is_image and math.prod(input_shape) > DENSE_UP_TO else "dense"
    check_shape(input_shape, latent_dim, network, num_classes)
    check_widths(build_vae, locals())
    one_of("levels", levels, (1, 2))
    if not is_image and value_range == (0, 255):
        value_range = None
    usual = "bernoulli" if is_image and input_shape[-1] == 1 else "gaussian"
    likelihood = get_likelihood(likelihood or usual)
    return (VAE if levels == 1 else HierarchicalVAE)(
        *networks(
            input_shape,
            (latent_dim, latent_dim // 2 or 1)[:levels],
            (network, hidden_units if network == "dense" else filters),
            num_classes,
            likelihood.multiplicity,
            keras.initializers.GlorotUniform(keras.random.SeedGenerator(seed)),
        ),
        likelihood=likelihood,
        prior=prior,
        beta=beta,
        schedule=bounds.Schedule(warm_up, cycles),
        bound=bounds.get_bound(free_bits, capacity, importance_samples),
        binarize=None if binarize is None else bounds.Binarization(binarize),
        num_classes=num_classes,
        class_names=class_names,
        value_range=value_range,
        seed=seed,
        name="vae",
    )


@keras.saving.register_keras_serializable(package="genai_basics")
class VAE(Model):
    """A VAE of any `encoder: x -> (mean, log_var)` with any `decoder: z -> parameters of p(x | z)`.

    The networks get x in [0, 1] and, with `num_classes`, a second input, the one-hot label.

    Args:
        encoder, decoder: The networks.
        likelihood: The meaning of the decoder's output, such as logits for `"bernoulli"`.
        prior: p(z), by name or as a layer.
        beta: Weight of the KL term.
        schedule: `Schedule` of this weight over training. `None`: it is constant.
        bound: `ELBO` (the default) or `ImportanceWeighted`.
        binarize: A `Binarization` of x, or `None`.
        num_classes: Number of labels of a conditional VAE.
        preprocessor: From raw x to network space. `None`: `Numbers`.
        **kwargs: As for `Model`.
    """

    tracked = ("reconstruction", "kl")
    loss_keyword = "`likelihood` and `beta` of build_vae"
    learning_rate = 3e-3
    remedy = "use fewer epochs, more data, fewer `hidden_units` or more `beta`"

    # For commands, run folders and the audit; see evaluation.py.
    report, answer, pictures = evaluation.report, evaluation.answer, evaluation.pictures
    examples, exported = evaluation.examples, evaluation.exported
    symptoms, features_of = evaluation.symptoms, evaluation.features_of
    losses_by_example, log_likelihood = evaluation.losses_by_example, evaluation.log_likelihood

    def __init__(
        self,
        encoder,
        decoder,
        *,
        likelihood="bernoulli",
        prior="normal",
        beta=1.0,
        schedule=None,
        bound=None,
        binarize=None,
        num_classes=None,
        preprocessor=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.encoder, self.decoder, shape = encoder, decoder, encoder.inputs[0].shape[1:]
        self.likelihood, self.prior = get_likelihood(likelihood), get_prior(prior)
        self.preprocessor = preprocessor or Numbers(shape, self.value_range, self.network_range)
        self.beta = at_least("beta", beta, 0)
        self.schedule, self.bound = schedule or bounds.Schedule(), bound or bounds.ELBO()
        self.binarize, self.num_classes = binarize, num_classes
        self.restores = None if num_classes else True  # conditional ones also need labels
        if binarize is not None and self.value_range is None:
            raise ValueError("`binarize` needs a `value_range`. Received: value_range=None")
        if num_classes and isinstance(self.prior, VampPrior):
            raise ValueError(
                "a VampPrior encodes pictures without labels, so it does not support conditional "
                f"VAEs. Received: num_classes={num_classes}"
            )
        self.sampling = Sampling(name="sampling", dtype="float32")
        if not self.likelihood.built:
            self.likelihood.build()
        if not self.prior.built:
            self.prior.build(encoder.outputs[0].shape[-1], shape)
        self.ramp = self.add_weight(name="ramp", shape=(), initializer="ones", trainable=False)
        extra = (*(("beta",) if self.schedule.warm_up else ()), *self.bound.tracked)
        self.tracked = (*self.tracked, *extra)
        self.trackers += [keras.metrics.Mean(name) for name in extra]
        self.built = True

    @property
    def latent_dim(self):
        """Size of the code z."""
        return self.encoder.outputs[0].shape[-1]

    def adapt(self, x, y=None):
        super().adapt(x)
        some = self.preprocessor(some_examples((x,), 1000)[0])
        if self.prior.trainable:
            self.prior.start(some)
        for layer in self.encoder.layers:
            if isinstance(layer, Shift):
                layer.start(ops.convert_to_numpy(some))

    def stand_at(self, progress, risen):
        """Increase beta in the first epochs of the first `fit`; then it is constant."""
        super().stand_at(progress, risen)
        first = not value_of(self.optimizer.iterations)
        self.ramp.assign(self.schedule(progress, risen, 0.0 if first else value_of(self.ramp)))

    def default_optimizer(self, learning_rate):  # losses are in nats, summed over x
        return keras.optimizers.Adam(learning_rate, global_clipnorm=1000.0)

    # The networks, with the label if there is one.

    def encode_batch(self, x, labels=None, training=False):
        """Return mean and log variance of q(z | x), each (batch, latent_dim)."""
        return posterior(self.encoder(self._joined(x, labels), training=training))

    def decode_batch(self, z, labels=None, training=False):
        """Return the parameters of p(x | z), with the shape of x."""
        return single(self.decoder(self._joined(z, labels), training=training))

    def _joined(self, x, labels):
        return [x, ops.one_hot(labels, self.num_classes)] if self.num_classes else x

    def code_of(self, x, labels=None, training=False):
        """Return the code of x without noise: the mean of q(z | x), (batch, latent_dim)."""
        return self.encode_batch(x, labels, training)[0]

    def decoded_mean(self, z, labels=None, training=False):
        """Return E[x | z] in network space."""
        return self.likelihood.mean(self.decode_batch(z, labels, training))

    def call(self, x, labels=None, training=False):
        """Reconstruct x from the mean of q(z | x), without noise."""
        return self.decoded_mean(self.code_of(x, labels, training), labels, training)

    # The mathematics.

    def loss_terms(self, x, labels=None, training=False):
        """Return `{"loss", "reconstruction", "kl", ...}` of each example, (batch,), in nats.

        reconstruction = -log p(x | z), z ~ q(z | x); kl = KL(q(z | x) || p(z)). Both are summed
        over pixels and latents: a mean would silently change beta. `bound` combines them.
        """
        x, k = self.binarized(x, training), self.bound.samples
        draw = self.infer(x, labels, training, k)
        x, labels = (bounds.repeated(part, k) for part in (x, labels))
        distortion = self.distortion(x, draw.z, labels, training)
        return self.bound(distortion, draw, self.beta, self.ramp if training else 1.0)

    def binarized(self, x, training=False):
        """Return x in black and white if the model was built for that."""
        return x if self.binarize is None else self.binarize(x, self.noise_of(training))

    def infer(self, x, labels=None, training=False, samples=1):
        """Return a `Draw` of `samples` codes z from q(z | x) per example."""
        outputs = self.encode_batch(x, labels, training)
        mean, log_var = (bounds.repeated(part, samples) for part in outputs)
        z = self.sampling([mean, log_var], noise=self.noise_of(training))
        kl = self.prior.kl(mean, log_var, z, self.encode_batch)
        log_ratio = normal_log_prob(z, mean, log_var) - self.prior.log_prob(z, self.encode_batch)
        return bounds.Draw(z, bounds.mean_of_draws(kl, samples), log_ratio)

    def distortion(self, x, z, labels=None, training=False):
        """Return -log p(x | z) of each example, (batch,), in nats."""
        return self.likelihood.negative_log_likelihood(x, self.decode_batch(z, labels, training))

    def train_step(self, data):
        x, labels, weights = keras.utils.unpack_x_y_sample_weight(data)
        terms = gradient_step(
            lambda: averaged(self.loss_terms(x, labels, training=True), weights, self.losses),
            self.trainable_variables,
            self.optimizer,
        )
        return self.track(ops.shape(x)[0], terms)

    def test_step(self, data):
        x, labels, weights = keras.utils.unpack_x_y_sample_weight(data)
        terms = averaged(self.loss_terms(x, labels), weights, self.losses)
        return self.track(ops.shape(x)[0], terms)

    def predict_step(self, data):
        x, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self(x, labels, training=False)

    def draw_codes(self, n):
        """Return n codes from the prior, drawn with `self.sampling_noise`."""
        return self.prior.sample(n, self.sampling_noise, self.encode_batch)

    def generate(self, n, labels=None):
        return self.decoded_mean(self.draw_codes(n), labels)

    # Methods on raw data.

    def predict(self, x, y=None, batch_size=None, verbose="auto", **kwargs):
        """Return reconstructions of x: `reconstruct` with Keras' arguments."""
        data, _ = feeding.read(self, x, y).batches(self, batch_size)
        return self.preprocessor.invert(keras.Model.predict(self, data, verbose=verbose, **kwargs))

    def encode(self, x, labels=None):
        """Return the codes of x: the means of q(z | x), (n, latent_dim)."""
        return self.map_batches(self._encode_prepared, *self.prepare(x, labels))

    def _encode_prepared(self, x, labels=None):
        return self.code_of(self.preprocessor(x), labels)

    def decode(self, z, labels=None):
        """Return examples decoded from codes z, (n, latent_dim), in the data's range."""
        z = np.asarray(z, "float32")
        if z.ndim != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(f"z must have shape (n, {self.latent_dim}). Received: shape {z.shape}")
        labels = self.labels.spread(len(z), labels)
        parts = (z,) if labels is None else (z, labels)
        return self.preprocessor.invert(self.map_batches(self.decoded_mean, *parts))

    def reconstruct(self, x, labels=None):
        """Return reconstructions of x, decoded from the means of q(z | x)."""
        return self.predict(x, labels, verbose=0)

    def interpolate(self, a, b, steps=8, *, labels=None):
        """Return `steps` examples on the straight line between the codes of a and b.

        `labels`: for a conditional VAE, the label of both, or those of a and b.
        """
        whole("steps", steps, 2)
        labels = self.labels.spread(2, labels)
        codes = self.encode(np.stack([np.asarray(a), np.asarray(b)]), labels)
        weights = np.linspace(0.0, 1.0, steps)[:, None]
        along = None if labels is None else np.where(weights[:, 0] < 0.5, *labels)
        return self.decode(codes[:1] * (1 - weights) + codes[1:] * weights, along)


@keras.saving.register_keras_serializable(package="genai_basics")
class HierarchicalVAE(VAE):
    """A VAE with a code z = (z1, z2) of two levels; `prior` is the prior of z2.

    p(x, z1, z2) = p(x | z1, z2) p(z1 | z2) p(z2) and q(z1, z2 | x) = q(z2 | x) q(z1 | x, z2), so
    KL = KL(q(z2 | x) || p(z2)) + E KL(q(z1 | x, z2) || p(z1 | z2)) (Sonderby et al., 2016,
    https://arxiv.org/abs/1602.02282).

    Args:
        encoder: x -> (mean, log_var) of q(z2 | x), and features of x.
        decoder: (z1, z2), concatenated -> parameters of p(x | z1, z2).
        refiner: features, z2 -> (mean, log_var) of q(z1 | x, z2).
        inner_prior: z2 -> (mean, log_var) of p(z1 | z2).
        **kwargs: As for `VAE`.
    """

    def __init__(self, encoder, decoder, refiner, inner_prior, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        self.refiner, self.inner_prior = refiner, inner_prior

    @property
    def latent_dim(self):
        return self.decoder.inputs[0].shape[-1]

    def _top(self, x, labels=None):
        return self.encode_batch(x, labels)[:2]

    def code_of(self, x, labels=None, training=False):
        top, _, features = self.encode_batch(x, labels, training)
        return ops.concatenate([self.refiner([features, top])[0], top], axis=-1)

    def infer(self, x, labels=None, training=False, samples=1):
        outputs = self.encode_batch(x, labels, training)
        mean2, log_var2, features = (bounds.repeated(part, samples) for part in outputs)
        noise = self.noise_of(training)
        z2 = self.sampling([mean2, log_var2], noise=noise)
        mean1, log_var1 = posterior(self.refiner([features, z2], training=training))
        z1 = self.sampling([mean1, log_var1], noise=noise)
        mean, log_var = posterior(self.inner_prior(z2, training=training))
        # KL of two Gaussians, by parts; the difference of logarithms for importance weights
        spread = log_var1 - log_var
        kl1 = 0.5 * (ops.exp(spread) + ops.square(mean1 - mean) * ops.exp(-log_var) - 1.0 - spread)
        kl2 = self.prior.kl(mean2, log_var2, z2, self._top)
        ratio1 = normal_log_prob(z1, mean1, log_var1) - normal_log_prob(z1, mean, log_var)
        ratio2 = normal_log_prob(z2, mean2, log_var2) - self.prior.log_prob(z2, self._top)
        kl = bounds.mean_of_draws(ops.concatenate([kl1, kl2], axis=-1), samples)
        return bounds.Draw(ops.concatenate([z1, z2], axis=-1), kl, ratio1 + ratio2)

    def draw_codes(self, n):
        z2 = self.prior.sample(n, self.sampling_noise, self._top)
        z1 = self.sampling(posterior(self.inner_prior(z2)), noise=self.sampling_noise)
        return ops.concatenate([z1, z2], axis=-1)
