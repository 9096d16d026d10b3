"""Likelihoods p(x | z): small layers that are passed to a VAE.

The decoder's outputs are the likelihood's parameters, with the shape of x (and more channels if
there are several per element); `mean` maps them to values of x, and `negative_log_likelihood`
scores x in nats.
"""

import math

import keras
from keras import ops

from .sampling import bounded

__all__ = [
    "Bernoulli",
    "DiscretizedLogistic",
    "Gaussian",
    "Likelihood",
    "LogisticMixture",
    "get_likelihood",
]


class Likelihood(keras.layers.Layer):
    """Base class of the likelihoods."""

    discrete = False  # whether exp(-nll) is a probability of 256 grey levels
    bounded = True  # whether values are in [0, 1]
    multiplicity = 1  # parameters per element of x

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})  # nats need single precision

    def build(self, input_shape=None):
        self.built = True

    def mean(self, parameters):
        """Return E[x | z], with the shape of x."""
        return parameters

    def per_element(self, x, parameters):
        """Return -log p(x | z) of each element of x, in nats."""
        raise NotImplementedError(f"{type(self).__name__} has no density")

    def negative_log_likelihood(self, x, parameters):
        """Return -log p(x | z) of each example, (batch,), in nats, summed over its elements."""
        nats = self.per_element(ops.cast(x, "float32"), ops.cast(parameters, "float32"))
        return ops.sum(nats, axis=tuple(range(1, len(x.shape))))


@keras.saving.register_keras_serializable(package="genai_basics")
class Bernoulli(Likelihood):
    """-x log p - (1 - x) log(1 - p) with p = sigmoid(parameters), for x in [0, 1].

    For grey values between 0 and 1, this is the usual cross-entropy, not a density.
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
        log_var = bounded(self.log_var)
        squares = ops.square(x - parameters) * ops.exp(-log_var)
        return 0.5 * (math.log(2.0 * math.pi) + log_var + squares)


@keras.saving.register_keras_serializable(package="genai_basics")
class DiscretizedLogistic(Likelihood):
    """A logistic, integrated over each of 256 levels of [0, 1] (Kingma et al., 2016, appendix A).

    P(x) = s((x + 1/510 - m) / scale) - s((x - 1/510 - m) / scale) with the sigmoid s; the first
    and the last level include their tails. m are the parameters; one learned scale is shared.
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
        return -self.log_levels(x, parameters, inverse_scale)

    @staticmethod
    def log_levels(x, mean, inverse_scale):
        """Return log P(x) of levels x in [0, 1] under logistics."""
        upper = (x + 1 / 510 - mean) * inverse_scale
        lower = (x - 1 / 510 - mean) * inverse_scale
        # log(s(upper) - s(lower)) without cancellation in the tails:
        # s(a) - s(b) = s(a) * s(-b) * (1 - exp(b - a))
        inside = -ops.softplus(-upper) - ops.softplus(lower)
        inside += ops.log(-ops.expm1(-inverse_scale / 255))
        first, last = x < 0.5 / 255, x > 1 - 0.5 / 255
        log_p = ops.where(first, -ops.softplus(-upper), inside)
        return ops.where(last, -ops.softplus(lower), log_p)


@keras.saving.register_keras_serializable(package="genai_basics")
class LogisticMixture(DiscretizedLogistic):
    """A mixture of discretized logistics per element (Salimans et al., 2017, PixelCNN++).

    The decoder returns 3 * components parameters per element: logits, means, log scales.

    Args:
        components: Number of logistics per mixture.
    """

    def __init__(self, components=5, **kwargs):
        super().__init__(**kwargs)
        self.components = components
        self.multiplicity = 3 * components

    def build(self, input_shape=None):
        self.built = True

    def split(self, parameters):
        """Return logits, means and log scales, with the shape of x and an axis of components."""
        channels = parameters.shape[-1] // self.multiplicity
        shape = (-1, *parameters.shape[1:-1], channels, 3, self.components)
        parts = ops.reshape(parameters, shape)
        spread = ops.linspace(0.0, 1.0, self.components)  # initially different
        return parts[..., 0, :], spread + 0.1 * parts[..., 1, :], parts[..., 2, :] - 2.0

    def mean(self, parameters):
        logits, means, _ = self.split(parameters)
        return ops.clip(ops.sum(ops.softmax(logits, axis=-1) * means, axis=-1), 0.0, 1.0)

    def per_element(self, x, parameters):
        logits, means, log_scales = self.split(parameters)
        log_p = self.log_levels(x[..., None], means, ops.exp(-ops.clip(log_scales, -6.0, 3.0)))
        return -ops.logsumexp(log_p + ops.log_softmax(logits, axis=-1), axis=-1)

    def get_config(self):
        return {**super().get_config(), "components": self.components}


LIKELIHOODS = {
    "bernoulli": Bernoulli,
    "gaussian": Gaussian,
    "logistic": DiscretizedLogistic,
    "logistic_mixture": LogisticMixture,
}


def get_likelihood(likelihood):
    """Return the likelihood with this name, or the given layer."""
    return chosen_layer(likelihood, LIKELIHOODS, "likelihood")


def chosen_layer(value, table, keyword):
    """Return the layer with this name in `table`, or the given layer."""
    if isinstance(value, keras.layers.Layer):
        return value
    if value not in table:
        names = ", ".join(f'"{name}"' for name in table)
        raise ValueError(f"`{keyword}` must be {names} or a layer. Received: {keyword}={value!r}")
    return table[value](name=keyword)
