"""Two networks that train against each other, with an optimizer each."""

import math

import keras
from keras import ops

from ..model import Model

__all__ = ["TwoPlayers", "Unmoved"]


class TwoPlayers(Model):
    """Base of GANs: the generator and the discriminator, and their optimizers."""

    learning_rate = 1e-3  # of the generator
    d_learning_rate = 2e-3  # of the discriminator (Heusel et al., 2017: it should be faster)

    def __init__(self, generator, discriminator, **kwargs):
        super().__init__(**kwargs)
        self.generator, self.discriminator = generator, discriminator

    def compile(self, g_optimizer=None, d_optimizer=None, *, optimizer=None, **kwargs):
        """Configure training. Without arguments, with defaults that suit the model.

        Args:
            g_optimizer: Optimizer of the generator, `model.optimizer`.
            d_optimizer: Optimizer of the discriminator.
            optimizer: Another name of `g_optimizer`.
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
        self.build_optimizers()  # each for its own player, before Keras builds one for both

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
        """Return the factor on the learning rates: 1 for the first half, then a cosine."""
        fall = max(progress - 0.5, 0.0) / 0.5
        return max(0.5 * (1.0 + math.cos(math.pi * fall)), 0.01)


class Unmoved:
    """Context that restores a network's batch statistics at its end."""

    def __init__(self, network):
        self.variables = network.non_trainable_weights

    def __enter__(self):
        self.values = [ops.copy(variable) for variable in self.variables]

    def __exit__(self, *error):
        for variable, value in zip(self.variables, self.values, strict=True):
            variable.assign(value)
