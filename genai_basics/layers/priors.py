"""Priors p(z): small layers that are passed to a VAE. A prior scores and draws codes."""

import math

import keras
import numpy as np
from keras import ops

from .likelihoods import chosen_layer

__all__ = [
    "FlowPrior",
    "MixturePrior",
    "Prior",
    "StandardNormal",
    "VampPrior",
    "get_prior",
    "normal_log_prob",
]


class Prior(keras.layers.Layer):
    """Base class of the priors p(z), small layers that are passed to a VAE.

    The argument `encode` of methods is the VAE's encoder: x -> (mean, log_var).
    """

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})

    def build(self, latent_dim, input_shape=None):
        """Create the weights, for codes of `latent_dim` numbers and examples of `input_shape`."""
        self.latent_dim = latent_dim
        self.built = True

    def start(self, x):
        """Initialize from training data, in network space, before training."""

    def log_prob(self, z, encode=None):
        """Return log p(z) of codes (batch, latent_dim): (batch,), in nats."""
        raise NotImplementedError(f"{type(self).__name__} has no density")

    def sample(self, n, seed, encode=None):
        """Draw n codes (n, latent_dim) with the `SeedGenerator` seed."""
        raise NotImplementedError(f"{type(self).__name__} draws no codes")

    def kl(self, mean, log_var, z, encode=None):
        """Return KL(N(mean, exp(log_var)) || p), (batch, parts), to be summed over the parts.

        By default, this is an estimate from the draw z: log q(z) - log p(z).
        """
        log_q = normal_log_prob(z, mean, log_var)
        return (log_q - self.log_prob(z, encode))[:, None]


def normal_log_prob(z, mean=0.0, log_var=0.0):
    """Return log N(z; mean, exp(log_var)), summed over the last axis."""
    nats = math.log(2.0 * math.pi) + log_var + ops.square(z - mean) * ops.exp(-log_var)
    return -0.5 * ops.sum(nats, axis=-1)


@keras.saving.register_keras_serializable(package="genai_basics")
class StandardNormal(Prior):
    """N(0, I), whose KL has a closed form (Kingma & Welling, 2013, appendix B).

    KL = sum over latents of (exp(log_var) + mean^2 - 1 - log_var) / 2.
    """

    def log_prob(self, z, encode=None):
        return normal_log_prob(z, ops.zeros_like(z), ops.zeros_like(z))

    def sample(self, n, seed, encode=None):
        return keras.random.normal((n, self.latent_dim), seed=seed)

    def kl(self, mean, log_var, z, encode=None):
        return 0.5 * (ops.exp(log_var) + ops.square(mean) - 1.0 - log_var)


class _Mixture(Prior):
    """A mixture of diagonal Gaussians."""

    def parts(self, encode):
        """Return log weights (k,), means and log variances (k, latent_dim)."""
        raise NotImplementedError(f"{type(self).__name__} must define `parts`")

    def log_prob(self, z, encode=None):
        log_weights, means, log_vars = self.parts(encode)
        precisions = ops.exp(-log_vars)
        # sum over latents of (z - m)^2 / v as three matrix products
        squares = ops.square(z) @ ops.transpose(precisions)
        squares -= 2.0 * z @ ops.transpose(means * precisions)
        constants = ops.square(means) * precisions + log_vars + math.log(2.0 * math.pi)
        log_p = -0.5 * (squares + ops.sum(constants, axis=-1))
        return ops.logsumexp(log_p + log_weights, axis=-1)

    def sample(self, n, seed, encode=None):
        log_weights, means, log_vars = self.parts(encode)
        chosen = keras.random.categorical(log_weights[None], n, seed=seed)[0]
        epsilon = keras.random.normal((n, self.latent_dim), seed=seed)
        mean = ops.take(means, chosen, axis=0)
        return mean + ops.exp(0.5 * ops.take(log_vars, chosen, axis=0)) * epsilon


@keras.saving.register_keras_serializable(package="genai_basics")
class MixturePrior(_Mixture):
    """A learned mixture of Gaussians.

    Args:
        components: Number of Gaussians.
    """

    def __init__(self, components=32, **kwargs):
        super().__init__(**kwargs)
        self.components = components

    def build(self, latent_dim, input_shape=None):
        shape = (self.components, latent_dim)
        spread = keras.initializers.RandomNormal(0.0, 0.5, seed=0)
        self.logits = self.add_weight(name="logits", shape=shape[:1], initializer="zeros")
        self.means = self.add_weight(name="means", shape=shape, initializer=spread)
        self.log_vars = self.add_weight(name="log_vars", shape=shape, initializer="zeros")
        super().build(latent_dim)

    def parts(self, encode):
        return ops.log_softmax(self.logits), self.means, ops.clip(self.log_vars, -8.0, 4.0)

    def get_config(self):
        return {**super().get_config(), "components": self.components}


@keras.saving.register_keras_serializable(package="genai_basics")
class VampPrior(_Mixture):
    """The average posterior of learned pseudo-inputs (Tomczak & Welling, 2018).

    p(z) = 1/K sum_k q(z | u_k), https://arxiv.org/abs/1705.07120. The u_k are initialized with
    training examples.

    Args:
        components: Number of pseudo-inputs.
    """

    def __init__(self, components=200, **kwargs):
        super().__init__(**kwargs)
        self.components = components

    def build(self, latent_dim, input_shape=None):
        self.inputs = self.add_weight(
            name="inputs",
            shape=(self.components, *input_shape),
            initializer=keras.initializers.RandomNormal(0.5, 0.1, seed=0),
        )
        super().build(latent_dim)

    def start(self, x):
        rng = np.random.default_rng(0)
        chosen = rng.choice(len(x), self.components, replace=len(x) < self.components)
        self.inputs.assign(ops.take(x, chosen, axis=0))

    def parts(self, encode):
        means, log_vars = encode(self.inputs)
        return ops.full((self.components,), -math.log(self.components)), means, log_vars

    def get_config(self):
        return {**super().get_config(), "components": self.components}


@keras.saving.register_keras_serializable(package="genai_basics")
class FlowPrior(Prior):
    """N(0, I) transformed by affine couplings (Dinh et al., 2017, arXiv:1605.08803).

    Each coupling scales and shifts one half of z by what a small network computes from the other
    half; log p(z) = log N(f(z); 0, I) + log |det df/dz|.

    Args:
        couplings: Number of couplings.
        units: Width of each network.
    """

    def __init__(self, couplings=6, units=128, **kwargs):
        super().__init__(**kwargs)
        self.couplings, self.units = couplings, units

    def build(self, latent_dim, input_shape=None):
        if latent_dim < 2:
            raise ValueError(
                f"a FlowPrior needs a `latent_dim` of at least 2. Received: latent_dim={latent_dim}"
            )
        self.networks = []
        for i in range(self.couplings):
            seen, changed = self._sizes(latent_dim, i)
            hidden = keras.layers.Dense(self.units, "relu", name=f"hidden{i}", dtype="float32")
            hidden.build((None, seen))
            zeros = {"kernel_initializer": "zeros", "dtype": "float32"}
            last = keras.layers.Dense(2 * changed, name=f"last{i}", **zeros)
            last.build((None, self.units))
            self.networks.append((hidden, last))
            setattr(self, f"hidden{i}", hidden)  # so that Keras finds the weights
            setattr(self, f"last{i}", last)
        super().build(latent_dim)

    @staticmethod
    def _sizes(latent_dim, i):
        half = latent_dim // 2
        return (half, latent_dim - half) if i % 2 else (latent_dim - half, half)

    def _coupled(self, i, seen):
        hidden, last = self.networks[i]
        log_scale, shift = ops.split(last(hidden(seen)), 2, axis=-1)
        return 2.0 * ops.tanh(0.5 * log_scale), shift

    def log_prob(self, z, encode=None):
        log_det = 0.0
        for i in range(self.couplings):
            seen, changed = self._parted(z, i)
            log_scale, shift = self._coupled(i, seen)
            z = self._joined(seen, changed * ops.exp(log_scale) + shift, i)
            log_det = log_det + ops.sum(log_scale, axis=-1)
        return normal_log_prob(z, ops.zeros_like(z), ops.zeros_like(z)) + log_det

    def sample(self, n, seed, encode=None):
        z = keras.random.normal((n, self.latent_dim), seed=seed)
        for i in reversed(range(self.couplings)):
            seen, changed = self._parted(z, i)
            log_scale, shift = self._coupled(i, seen)
            z = self._joined(seen, (changed - shift) * ops.exp(-log_scale), i)
        return z

    def _parted(self, z, i):
        """Return the halves of z that coupling i reads and changes (the second, if i is even)."""
        cut = self.latent_dim - self.latent_dim // 2
        first, second = z[:, :cut], z[:, cut:]
        return (second, first) if i % 2 else (first, second)

    def _joined(self, seen, changed, i):
        return ops.concatenate([changed, seen] if i % 2 else [seen, changed], axis=-1)

    def get_config(self):
        return {**super().get_config(), "couplings": self.couplings, "units": self.units}


PRIORS = {
    "normal": StandardNormal,
    "mixture": MixturePrior,
    "vamp": VampPrior,
    "flow": FlowPrior,
}


def get_prior(prior):
    """Return the prior with this name, or the given layer."""
    return chosen_layer(prior, PRIORS, "prior")
