"""A VAE of two levels of latents (Sonderby et al., 2016, https://arxiv.org/abs/1602.02282).

p(x, z1, z2) = p(x | z1, z2) p(z1 | z2) p(z2) and q(z1, z2 | x) = q(z2 | x) q(z1 | x, z2), so that
KL = KL(q(z2 | x) || p(z2)) + E KL(q(z1 | x, z2) || p(z1 | z2)).
"""

import keras
from keras import ops

from ..layers import normal_log_prob
from .model import VAE, _mean_of_groups

__all__ = ["HierarchicalVAE"]


@keras.saving.register_keras_serializable(package="genai_basics")
class HierarchicalVAE(VAE):
    """A VAE with a code z = (z1, z2) of two levels; `prior` is that of z2.

    Args:
        encoder: x -> (mean, log_var) of q(z2 | x), and features of x.
        decoder: (z1, z2), joined -> parameters of p(x | z1, z2).
        refiner: features, z2 -> (mean, log_var) of q(z1 | x, z2).
        inner_prior: z2 -> (mean, log_var) of p(z1 | z2).
        **kwargs: As `VAE`.
    """

    def __init__(self, encoder, decoder, refiner, inner_prior, **kwargs):
        self_networks = (refiner, inner_prior)
        super().__init__(encoder, decoder, **kwargs)
        self.refiner, self.inner_prior = self_networks

    def prior_dim(self):
        return self.encoder.outputs[0].shape[-1]

    def _top(self, x, labels=None):
        return self.encode_batch(x, labels)[:2]

    def code_of(self, x, labels=None, training=False):
        top, _, features = self.encode_batch(x, labels, training)
        return ops.concatenate([self.refiner([features, top])[0], top], axis=-1)

    def infer(self, x, labels=None, training=False, samples=1):
        seen = self.encode_batch(x, labels, training)
        mean2, log_var2, features = (ops.repeat(part, samples, axis=0) for part in seen)
        noise = self.noise_of(training)
        z2 = self.sampling([mean2, log_var2], noise=noise)
        mean1, log_var1 = self.refiner([features, z2], training=training)
        z1 = self.sampling([mean1, log_var1], noise=noise)
        mean, log_var = self.inner_prior(z2, training=training)
        # KL of two Gaussians, in parts; the difference of logarithms for importance weights
        spread = log_var1 - log_var
        kl1 = 0.5 * (ops.exp(spread) + ops.square(mean1 - mean) * ops.exp(-log_var) - 1.0 - spread)
        kl2 = self.prior.kl(mean2, log_var2, z2, self._top)
        ratio1 = normal_log_prob(z1, mean1, log_var1) - normal_log_prob(z1, mean, log_var)
        ratio2 = normal_log_prob(z2, mean2, log_var2) - self.prior.log_prob(z2, self._top)
        kl = _mean_of_groups(ops.concatenate([kl1, kl2], axis=-1), samples)
        return ops.concatenate([z1, z2], axis=-1), kl, ratio1 + ratio2

    def generate(self, n, labels=None):
        z2 = self.prior.sample(n, self.sampling_noise, self._top)
        z1 = self.sampling(self.inner_prior(z2), noise=self.sampling_noise)
        return self.decoded_mean(ops.concatenate([z1, z2], axis=-1), labels)
