"""Likelihoods p(x | z) of a decoder: what its numbers mean, and the loss that follows.

Each is a small layer. A decoder ends with the likelihood's parameters, of the shape of x;
`mean` turns them to values in [0, 1] and `negative_log_likelihood` scores x in nats.
"""

import math

import keras
from keras import ops

__all__ = ["Bernoulli", "DiscretizedLogistic", "Gaussian", "Likelihood", "get_likelihood"]


class Likelihood(keras.layers.Layer):
    """Base of the likelihoods; not one itself."""

    discrete = False  # whether exp(-nll) is a probability of 256 grey levels
    bounded = True  # whether values lie in [0, 1]

    def build(self, input_shape=None):
        self.built = True

    def mean(self, parameters):
        """Return E[x | z], of the shape of x."""
        return parameters

    def per_element(self, x, parameters):
        """Return -log p(x | z) of each number of x, in nats."""
        raise NotImplementedError(f"{type(self).__name__} has no density")

    def negative_log_likelihood(self, x, parameters):
        """Return -log p(x | z) of each example, (batch,), in nats: summed over its numbers."""
        nats = self.per_element(ops.cast(x, "float32"), ops.cast(parameters, "float32"))
        return ops.sum(nats, axis=tuple(range(1, len(x.shape))))


@keras.saving.register_keras_serializable(package="genai_basics")
class Bernoulli(Likelihood):
    """-x log p - (1 - x) log(1 - p) with p = sigmoid(parameters), for x in [0, 1].

    On grey values between 0 and 1 it is the cross-entropy that the field reports, not a density.
    """

    def mean(self, parameters):
        return ops.sigmoid(parameters)

    def per_element(self, x, parameters):
        return ops.softplus(parameters) - x * parameters


@keras.saving.register_keras_serializable(package="genai_basics")
class Gaussian(Likelihood):
    """N(x; parameters, sigma^2) with one learned sigma (Rybkin et al., 2021, sigma-VAE)."""

    bounded = False

    def build(self, input_shape=None):
        self.log_var = self.add_weight(
            name="log_var", shape=(), initializer=keras.initializers.Constant(-2.0)
        )
        self.built = True

    def per_element(self, x, parameters):
        log_var = ops.clip(self.log_var, -14.0, 14.0)
        squares = ops.square(x - parameters) * ops.exp(-log_var)
        return 0.5 * (math.log(2.0 * math.pi) + log_var + squares)


@keras.saving.register_keras_serializable(package="genai_basics")
class DiscretizedLogistic(Likelihood):
    """A logistic, integrated over each of 256 levels of [0, 1] (Kingma et al., 2016, appendix A).

    P(x) = s((x + 1/510 - m) / scale) - s((x - 1/510 - m) / scale) with the sigmoid s; the first
    and last level take their tails. m are the parameters, one learned scale serves all.
    """

    discrete = True

    def build(self, input_shape=None):
        self.log_scale = self.add_weight(
            name="log_scale", shape=(), initializer=keras.initializers.Constant(-2.5)
        )
        self.built = True

    def mean(self, parameters):
        return ops.clip(parameters, 0.0, 1.0)

    def per_element(self, x, parameters):
        inverse_scale = ops.exp(-ops.clip(self.log_scale, -7.0, 3.0))
        upper = (x + 1 / 510 - parameters) * inverse_scale
        lower = (x - 1 / 510 - parameters) * inverse_scale
        # log(s(upper) - s(lower)) without cancellation in the tails:
        # s(a) - s(b) = s(a) * s(-b) * (1 - exp(b - a))
        inside = -ops.softplus(-upper) - ops.softplus(lower)
        inside += ops.log(-ops.expm1(-inverse_scale / 255))
        first, last = x < 0.5 / 255, x > 1 - 0.5 / 255
        log_p = ops.where(first, -ops.softplus(-upper), inside)
        return -ops.where(last, -ops.softplus(lower), log_p)


LIKELIHOODS = {"bernoulli": Bernoulli, "gaussian": Gaussian, "logistic": DiscretizedLogistic}


def get_likelihood(likelihood):
    """Return the likelihood layer of that name, or the layer itself."""
    if isinstance(likelihood, keras.layers.Layer):
        return likelihood
    if likelihood not in LIKELIHOODS:
        names = ", ".join(f'"{name}"' for name in LIKELIHOODS)
        raise ValueError(
            f"`likelihood` must be {names} or a layer. Received: likelihood={likelihood!r}"
        )
    return LIKELIHOODS[likelihood](name="likelihood")
