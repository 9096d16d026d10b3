"""Variational autoencoder (Kingma & Welling, 2013, https://arxiv.org/abs/1312.6114).

The encoder maps x to a Gaussian q(z | x), the decoder maps z to p(x | z), and the loss is the
negative ELBO: -log p(x | z) + beta * KL(q(z | x) || p(z)), in nats.
"""

import math

import keras
import numpy as np
from keras import ops
from scipy.special import logsumexp

from .. import metrics
from ..backend import gradient_step
from ..data.writers import image_grid, to_pixels
from ..layers import Sampling, Shift, VampPrior, get_likelihood, get_prior, normal_log_prob
from ..model import EVALUATION_SEED, Model, some_of

__all__ = ["VAE"]

CHUNK = 50  # importance samples of a picture at a time
IWAE_EXAMPLES = 1000  # of which `report` estimates the likelihood, at most


@keras.saving.register_keras_serializable(package="genai_basics")
class VAE(Model):
    """A VAE of any `encoder: x -> (mean, log_var)` with any `decoder: z -> parameters of p(x | z)`.

    The networks see x in [0, 1] and, where `num_classes` is given, a second input: the one-hot
    label. `likelihood` says what the decoder's output means: logits for `"bernoulli"`.
    """

    tracked = ("reconstruction", "kl")
    loss_keyword = "`likelihood` and `beta` of build_vae"
    learning_rate = 3e-3
    remedy = "use fewer epochs, more data, fewer `hidden_units` or more `beta`"

    def __init__(
        self,
        encoder,
        decoder,
        *,
        beta=1.0,
        warm_up=0.0,
        cycles=1,
        free_bits=0.0,
        capacity=None,
        likelihood="bernoulli",
        prior="normal",
        importance_samples=1,
        binarize=None,
        num_classes=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.encoder, self.decoder = encoder, decoder
        self.beta, self.warm_up, self.cycles = beta, warm_up, cycles
        self.free_bits, self.capacity = free_bits, capacity
        self.importance_samples, self.num_classes = importance_samples, num_classes
        self.likelihood, self.prior = get_likelihood(likelihood), get_prior(prior)
        self.binarize = binarize
        self._check_binarize()
        if not self.likelihood.built:
            self.likelihood.build()
        self.sampling = Sampling(name="sampling", dtype="float32")
        self.standardize()
        if not self.prior.built:
            self.prior.build(self.prior_dim(), self.input_shape_of_one())
        for name in self.extra_terms():
            self.trackers.append(keras.metrics.Mean(name))
        self.built = True

    def _check_binarize(self):
        threshold = isinstance(self.binarize, float) and 0 < self.binarize < 1
        if self.binarize not in (None, "dynamic") and not threshold:
            raise ValueError(
                '`binarize` must be "dynamic", a threshold between 0 and 1 or None. '
                f"Received: binarize={self.binarize!r}"
            )
        if self.binarize and self.likelihood.name != "likelihood" and self.value_range is None:
            raise ValueError("`binarize` needs a `value_range`. Received: value_range=None")
        if self.num_classes and isinstance(self.prior, VampPrior):
            raise ValueError(
                "a VampPrior shows the encoder pictures without labels, so it goes with no "
                f"conditional VAE. Received: num_classes={self.num_classes}"
            )

    def prior_dim(self):
        """Return the number of latents that the prior covers."""
        return self.decoder.inputs[0].shape[-1]

    def extra_terms(self):
        """Return names of the terms that the loss has beside reconstruction and KL."""
        names = {
            "beta": self.warm_up or self.cycles > 1,
            "charged_kl": self.free_bits or self.capacity is not None,
            "gain": self.importance_samples > 1,
        }
        return tuple(name for name, there in names.items() if there)

    def input_shape_of_one(self):
        return self.encoder.inputs[0].shape[1:]

    def adapt(self, x, y=None):
        super().adapt(x)
        some = self.preprocess(some_of(x, 1000))
        self.prior.start(some)
        for layer in self.encoder.layers:
            if isinstance(layer, Shift):
                layer.start(ops.convert_to_numpy(some))

    def prepare(self, x, y=None, sample_weight=None):
        if self.num_classes and y is None:
            raise ValueError(f"a conditional VAE needs labels: pass y. Received: y={y}")
        parts = super().prepare(x, y if self.num_classes else None, sample_weight)
        return (parts[0], self.check_labels(parts[1]), *parts[2:]) if self.num_classes else parts

    def encode_batch(self, x, labels=None, training=False):
        """Return mean and log variance of q(z | x), each (batch, latent_dim)."""
        return self.encoder(self._joined(x, labels), training=training)

    def decode_batch(self, z, labels=None, training=False):
        """Return the parameters of p(x | z), of the shape of x."""
        return self.decoder(self._joined(z, labels), training=training)

    def _joined(self, x, labels):
        return [x, ops.one_hot(labels, self.num_classes)] if self.num_classes else x

    def code_of(self, x, labels=None, training=False):
        """Return the code of x without noise: the mean of q(z | x), (batch, latent_dim)."""
        return self.encode_batch(x, labels, training)[0]

    def call(self, x, labels=None, training=False):
        """Reconstruct x from the mean of q(z | x), without noise."""
        return self.decoded_mean(self.code_of(x, labels, training), labels, training)

    def decoded_mean(self, z, labels=None, training=False):
        """Return E[x | z] in the network's numbers."""
        return self.likelihood.mean(self.decode_batch(z, labels, training))

    def infer(self, x, labels=None, training=False, samples=1):
        """Draw z from q(z | x), `samples` times for each x.

        Returns:
            z: (batch * samples, latent_dim), the draws for one x side by side.
            kl: (batch, parts), KL(q(z | x) || p(z)) as well as it is known, in parts.
            log_ratio: (batch * samples,), log q(z | x) - log p(z) of each draw.
        """
        mean, log_var = self.encode_batch(x, labels, training)
        mean, log_var = (ops.repeat(part, samples, axis=0) for part in (mean, log_var))
        z = self.sampling([mean, log_var], noise=self.noise_of(training))
        encode = self.encode_batch
        kl = self.prior.kl(mean, log_var, z, encode)
        log_ratio = normal_log_prob(z, mean, log_var) - self.prior.log_prob(z, encode)
        return z, _mean_of_groups(kl, samples), log_ratio

    def distortion(self, x, z, labels=None, training=False):
        """Return -log p(x | z) of each example, (batch,), in nats."""
        return self.likelihood.negative_log_likelihood(x, self.decode_batch(z, labels, training))

    def binarized(self, x, training=False):
        """Return x black or white where the model was built for that."""
        if self.binarize is None:
            return x
        draw = self.binarize
        if draw == "dynamic":
            draw = keras.random.uniform(ops.shape(x), seed=self.noise_of(training))
        return ops.cast(x > draw, "float32")

    def negative_elbo(self, x, labels=None, training=False):
        """Return `(loss, reconstruction, kl, *extra_terms)` in nats, averaged over the batch.

        reconstruction = -log p(x | z), z ~ q(z | x); kl = KL(q(z | x) || p(z)), summed over
        pixels and latents. loss = reconstruction + beta * kl; with `free_bits` or `capacity`
        the charged KL takes the KL's place, and with k importance samples the loss is less by
        the gain of the tighter bound -log mean_k p(x | z_k) (p(z_k) / q(z_k | x))^beta.
        """
        x = self.binarized(x, training)
        beta, extra = self.current_beta(training), {}
        if self.importance_samples > 1:
            reconstruction, kl, loss = self._importance_weighted(x, labels, training, beta)
            extra["gain"] = reconstruction + beta * kl - loss
        else:
            z, parts, _ = self.infer(x, labels, training)
            # Sum within an example, average over the batch: a mean over pixels or latents as
            # well would silently change beta.
            reconstruction = ops.mean(self.distortion(x, z, labels, training))
            kl = ops.mean(ops.sum(parts, axis=-1))
            extra["charged_kl"] = self.charged(parts, training)
            loss = reconstruction + beta * extra["charged_kl"]
        extra["beta"] = ops.convert_to_tensor(beta, "float32")
        return loss, reconstruction, kl, *(extra[name] for name in self.extra_terms())

    def _importance_weighted(self, x, labels, training, beta):
        """Return the bound of Burda et al. (2015) with its reconstruction and KL."""
        k = self.importance_samples
        z, _, log_ratio = self.infer(x, labels, training, samples=k)
        x, labels = _repeated(x, k), _repeated(labels, k)
        nats = self.distortion(x, z, labels, training)
        log_weights = ops.reshape(-nats - beta * log_ratio, (-1, k))
        bound = math.log(k) - ops.logsumexp(log_weights, axis=1)
        return ops.mean(nats), ops.mean(log_ratio), ops.mean(bound)

    def charged(self, parts, training=False):
        """Return the KL that the loss charges, of the parts (batch, parts) of the KL."""
        means = ops.mean(parts, axis=0)
        if self.free_bits:
            floor = self.free_bits * self.decoder.inputs[0].shape[-1] / means.shape[-1]
            means = ops.maximum(means, floor)
        kl = ops.sum(means)
        if self.capacity is None:
            return kl
        return ops.abs(kl - self.capacity * self.ramp(training))

    def ramp(self, training=True):
        """Return how far the schedule has risen: 0 to 1 over the first `warm_up` of each cycle."""
        if not training or not self.warm_up:
            return 1.0
        turns = ops.minimum(self.progress, 0.999999) * self.cycles
        return ops.minimum((turns - ops.floor(turns)) / self.warm_up, 1.0)

    def current_beta(self, training=True):
        """Return the weight of the KL term: with `warm_up` it rises, unless `capacity` does."""
        return self.beta if self.capacity is not None else self.beta * self.ramp(training)

    def example_terms(self, x, labels=None, training=False):
        """Return `(reconstruction, kl)` of each example, two (batch,), in nats."""
        x = self.binarized(x, training)
        z, parts, _ = self.infer(x, labels, training)
        return self.distortion(x, z, labels, training), ops.sum(parts, axis=-1)

    def example_losses(self, x, y=None, sample_weight=None, training=False):
        reconstruction, kl = self.example_terms(x, y, training)
        return reconstruction + self.beta * kl

    def train_step(self, data):
        x, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        losses = gradient_step(
            lambda: self.negative_elbo(x, labels, training=True),
            self.trainable_variables,
            self.optimizer,
        )
        return self.track(ops.shape(x)[0], *losses)

    def test_step(self, data):
        x, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self.track(ops.shape(x)[0], *self.negative_elbo(x, labels))

    def predict_step(self, data):
        x, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self(x, labels, training=False)

    def generate(self, n, labels=None):
        z = self.prior.sample(n, self.sampling_noise, self.encode_batch)
        return self.decoded_mean(z, labels)

    # Verbs on raw data.

    def predict(self, x, y=None, batch_size=None, verbose="auto", **kwargs):
        """Return reconstructions of x: `reconstruct`, with Keras' arguments."""
        data = self.pipeline(x, y, batch_size=batch_size)
        return self.postprocess(keras.Model.predict(self, data, verbose=verbose, **kwargs))

    def encode(self, x, labels=None):
        """Return the codes of x: the means of q(z | x), (n, latent_dim)."""
        return self.map_batches(self._encode_prepared, *self.prepare(x, labels))

    def _encode_prepared(self, x, labels=None):
        return self.code_of(self.preprocess(x), labels)

    def features_of(self, x, y=None):
        return self.encode(x, y if self.num_classes else None)

    def decode(self, z, labels=None):
        """Return examples decoded from codes z, (n, latent_dim), in the data's range."""
        z = np.asarray(z, "float32")
        latent_dim = self.decoder.inputs[0].shape[-1]
        if z.ndim != 2 or z.shape[1] != latent_dim:
            raise ValueError(f"z must have shape (n, {latent_dim}). Received: shape {z.shape}")
        labels = self.sampling_labels(len(z), labels)
        parts = (z,) if labels is None else (z, labels)
        return self.postprocess(self.map_batches(self._decode_codes, *parts))

    def _decode_codes(self, z, labels=None):
        return self.decoded_mean(z, labels)

    def reconstruct(self, x, labels=None):
        """Return x after a way through the code: decoded from the means of q(z | x)."""
        return self.predict(x, labels, verbose=0)

    def interpolate(self, a, b, steps=8, *, labels=None):
        """Return `steps` examples on the straight line between the codes of two: a first, b last.

        `labels`: the label of both, or of a and of b, for a conditional VAE.
        """
        if steps < 2:
            raise ValueError(f"`steps` must be at least 2. Received: steps={steps}")
        labels = self.sampling_labels(2, labels)
        codes = self.encode(np.stack([np.asarray(a), np.asarray(b)]), labels)
        weights = np.linspace(0.0, 1.0, steps)[:, None]
        line = codes[:1] * (1 - weights) + codes[1:] * weights
        along = None if labels is None else np.where(weights[:, 0] < 0.5, *labels)
        return self.decode(line, along)

    def log_likelihood(self, x, labels=None, k=500):
        """Return estimates of log p(x), (n,), in nats, by k importance samples for each x.

        log 1/k sum_i p(x | z_i) p(z_i) / q(z_i | x), z_i ~ q(z | x): a lower bound in the mean,
        which rises to log p(x) with k (Burda et al., 2015, https://arxiv.org/abs/1509.00519).
        """
        if k < 1:
            raise ValueError(f"`k` must be at least 1. Received: k={k}")
        self.evaluation_noise.state.assign([EVALUATION_SEED, 0])
        data = self.prepare(x, labels)
        numbers = self.map_batches(self._numbers_prepared, data[0])
        chunks, left = [], k
        while left:
            chunk = min(left, CHUNK)
            weights = self.map_batches(self._log_weights, numbers, *data[1:], batch_size=100)
            chunks.append(weights[:, :chunk])
            left -= chunk
        weights = np.concatenate(chunks, axis=1).astype("float64")
        return logsumexp(weights, axis=1) - math.log(k)

    def _numbers_prepared(self, x):
        return self.binarized(self.preprocess(x))

    def _log_weights(self, x, labels=None):
        z, _, log_ratio = self.infer(x, labels, samples=CHUNK)
        x, labels = (
            None if part is None else ops.repeat(part, CHUNK, axis=0) for part in (x, labels)
        )
        return ops.reshape(-self.distortion(x, z, labels) - log_ratio, (-1, CHUNK))

    def report(self, x, y=None):
        logs = self.evaluate(x, y, verbose=0, return_dict=True)
        labels = y if self.num_classes else None
        few = [None if part is None else part[:IWAE_EXAMPLES] for part in (x, labels)]
        likelihoods = self.log_likelihood(*few)
        found = {
            "negative_elbo": logs["reconstruction"] + logs["kl"],
            "reconstruction": logs["reconstruction"],
            "kl": logs["kl"],
            "iwae_500": -float(likelihoods.mean()),
            "iwae_500_n": len(likelihoods),
            "active_units": metrics.active_units(self.encode(x, labels)),
        }
        if self.likelihood.discrete:
            numbers = math.prod(self.input_shape_of_one()) * math.log(2.0)
            found["bits_per_dimension"] = found["negative_elbo"] / numbers
        spread = 1.96 * likelihoods.std() / math.sqrt(len(likelihoods))
        return found, {"iwae_500": (found["iwae_500"] - spread, found["iwae_500"] + spread)}

    def answer(self, x):
        """Reconstruct x; each row holds the mean absolute error, in the data's units."""
        x = np.asarray(x)
        labels = self.sampling_labels(len(x))
        outputs = self.reconstruct(x, labels)
        errors = np.abs(outputs.astype("float32") - x).reshape(len(x), -1).mean(axis=1)
        return [{"mean_absolute_error": float(error)} for error in errors], outputs

    def pictures(self, x, y=None):
        """Return reconstructions beside originals, and what the latents change.

        Two latents: the plane of all codes. More: a row for each of the ten that matter most,
        moved from -3 to 3 while the others stay.
        """
        if len(self.input_shape_of_one()) != 3:
            return {}
        labels = y if self.num_classes else None
        codes = self.encode(x[:256], None if labels is None else labels[:256])
        latents = self.traverses(codes) if codes.shape[1] != 2 else self.plane()
        x = np.asarray(x[:30])
        outputs = self.reconstruct(x, None if labels is None else labels[:30])
        rows = [part[i : i + 10] for i in range(0, len(x) // 10 * 10, 10) for part in (x, outputs)]
        grid = image_grid(
            _pixels(np.concatenate(rows or [x, outputs]), self.value_range), columns=10
        )
        return {"reconstructions": grid, "latents": latents}

    def plane(self, steps=15):
        """Return a picture of what two latents decode to, each from -2.5 to 2.5."""
        ticks = np.linspace(-2.5, 2.5, steps)
        codes = np.stack(np.meshgrid(ticks, ticks[::-1]), axis=-1).reshape(-1, 2)
        images = _pixels(self.decode(codes, self._first_label(len(codes))), self.value_range)
        return image_grid(images, columns=steps)

    def traverses(self, codes, steps=11, rows=10):
        """Return a picture with a row for each latent that varies most in `codes`."""
        chosen = np.argsort(-codes.var(axis=0))[:rows]
        line = np.zeros((len(chosen), steps, codes.shape[1]), "float32")
        for row, latent in enumerate(chosen):
            line[row, :, latent] = np.linspace(-3.0, 3.0, steps)
        line = line.reshape(-1, codes.shape[1])
        images = _pixels(self.decode(line, self._first_label(len(line))), self.value_range)
        return image_grid(images, columns=steps)

    def _first_label(self, n):
        return np.zeros(n, "int64") if self.num_classes else None

    def symptoms(self, history):
        """Say where the posterior has collapsed, or the data do not fit the likelihood."""
        x, y = self.__dict__.get("probe", (None, None))
        if x is None:
            return {}
        found, low, high = {}, *self._range_of(x)
        if self.likelihood.bounded and (low < -0.05 or high > 1.05):
            found["data_range"] = (
                f"the data span [{low:.3g}, {high:.3g}] of the network's numbers, and this "
                'likelihood fits [0, 1] only: give their `value_range`, or likelihood="gaussian"'
            )
        size = self.decoder.inputs[0].shape[-1]
        kl = history[-1].get("val_kl", history[-1].get("kl", size))
        risen = self.stage >= max(0.3, self.warm_up)
        if risen and kl < 0.05 * size and len(x) >= 64:
            units = metrics.active_units(self.encode(x, y if self.num_classes else None))
            if units <= size // 10:
                found["posterior_collapse"] = (
                    f"posterior collapse: {units} of {size} latents are active and the KL is "
                    f"{kl:.2g} nats, so the decoder ignores the code; raise `free_bits` or "
                    "`warm_up`, or lower `beta`"
                )
        return found

    def _range_of(self, x):
        numbers = ops.convert_to_numpy(self.preprocess(np.asarray(x)))
        return float(numbers.min()), float(numbers.max())


def _repeated(x, times):
    return None if x is None else ops.repeat(x, times, axis=0)


def _mean_of_groups(values, size):
    """Average rows (n * size, d) over each `size` of them that stand together."""
    if size == 1:
        return values
    return ops.mean(ops.reshape(values, (-1, size, values.shape[-1])), axis=1)


def _pixels(images, value_range):
    return images if images.dtype == np.uint8 else to_pixels(images, value_range or (0, 1))
