"""Two networks that train against each other, each with its own optimizer."""

import keras
from keras import ops

from ..callbacks import late_cosine
from ..checks import below_one, channels_last, idle, one_of, whole
from ..compiling import is_schedule, scaling_losses
from ..losses import PENALTIES, adversarial_losses
from ..model import Model

__all__ = ["TwoPlayers", "Unmoved", "check_choices", "check_weight"]


def check_choices(loss, penalty, discriminator_steps, ema):
    """Raise a `ValueError` for invalid arguments among those that all GANs share."""
    channels_last()
    adversarial_losses(loss)
    one_of("penalty", penalty or "none", PENALTIES)
    whole("discriminator_steps", discriminator_steps, 1)
    below_one("ema", ema)


def check_weight(builder, given):
    """Refuse the weight of a penalty that `given`, the arguments of a builder, does not have."""
    if given["penalty"] in (None, "none"):
        idle(builder, given, "penalty_weight", because="without `penalty`")


class TwoPlayers(Model):
    """Base class of GANs: generator and discriminator, and their optimizers."""

    learning_rate = 1e-3  # of the generator
    d_learning_rate = 2e-3  # of the discriminator (Heusel et al., 2017: it should be faster)

    def __init__(self, generator, discriminator, **kwargs):
        super().__init__(**kwargs)
        self.generator, self.discriminator = generator, discriminator

    def compile(self, g_optimizer=None, d_optimizer=None, *, optimizer=None, **kwargs):
        """Configure training. Without arguments, suitable defaults are used.

        Args:
            g_optimizer: Optimizer of the generator, `model.optimizer`.
            d_optimizer: Optimizer of the discriminator.
            optimizer: Another name of `g_optimizer`.
            **kwargs: As in `Model.compile`. `learning_rate` is the generator's; the
                discriminator's default optimizer starts at twice that; a schedule applies to both.
        """
        if g_optimizer is not None and optimizer is not None:
            raise ValueError("give `g_optimizer` or `optimizer`, which are one. Received: both")
        super().compile(g_optimizer if optimizer is None else optimizer, **kwargs)
        ratio = self.d_learning_rate / self.learning_rate
        (rate,) = self.peak_rates
        self.peak_rates = (rate, rate if is_schedule(rate) else ratio * rate)
        self.annealed_rates = self.peak_rates
        if d_optimizer is not None:
            self.compile_arguments["d_optimizer"] = d_optimizer
            self.anneals = False
        d_optimizer = keras.optimizers.get(
            d_optimizer or self.default_optimizer(self.peak_rates[1])
        )
        for player in (self.optimizer, d_optimizer):
            if getattr(player, "use_ema", False):
                raise ValueError(
                    "a GAN averages its generator's weights itself, by `ema` of its builder: "
                    "leave `use_ema` out. Received: an optimizer with use_ema=True"
                )
        self.d_optimizer = scaling_losses(self, d_optimizer, kwargs.get("auto_scale_loss", True))
        self.build_optimizers()  # one per player, before Keras builds one for both

    def default_optimizer(self, learning_rate):
        return keras.optimizers.Adam(learning_rate, beta_1=0.5, beta_2=0.99)

    def players(self):
        return [
            (self.optimizer, self.generator.trainable_variables),
            (self.d_optimizer, self.discriminator.trainable_variables),
        ]

    weighs_examples = False  # the players' losses are per batch
    anneal = staticmethod(late_cosine)


class Unmoved:
    """Context that restores a network's batch statistics on exit."""

    def __init__(self, network):
        self.variables = network.non_trainable_weights

    def __enter__(self):
        self.values = [ops.copy(variable) for variable in self.variables]

    def __exit__(self, *error):
        for variable, value in zip(self.variables, self.values, strict=True):
            variable.assign(value)
