"""The parts of a VAE's loss: a bound, the schedule of the KL term, binarization.

They are small objects that are passed to a `VAE`, like priors and likelihoods, and saved with it.
"""

import dataclasses
import math
from typing import Any, NamedTuple

import keras
from keras import ops

from ..checks import at_least, between, idle, whole

__all__ = [
    "ELBO",
    "Binarization",
    "Draw",
    "ImportanceWeighted",
    "Schedule",
    "get_bound",
    "mean_of_draws",
    "repeated",
]


LEAST = 0.02  # start of a single rise; measured: as good as 0 for many examples, and stable for few


class Draw(NamedTuple):
    """Codes drawn from the posterior q(z | x), k per example, and their KL.

    Attributes:
        z: Codes (batch * k, latent_dim); the k draws of an example are adjacent.
        kl: KL(q(z | x) || p(z)) in nats, (batch, parts), to be summed over the parts: one part
            per latent if there is a closed form.
        log_ratio: log q(z | x) - log p(z) of each draw, (batch * k,).
    """

    z: Any
    kl: Any
    log_ratio: Any = None


def repeated(x, times):
    """Return x with each row repeated, with adjacent copies; `None` stays `None`."""
    return x if x is None or times == 1 else ops.repeat(x, times, axis=0)


def mean_of_draws(values, samples):
    """Average rows (n * samples, d) over the draws of each example, to (n, d)."""
    if samples == 1:
        return values
    return ops.mean(ops.reshape(values, (-1, samples, values.shape[-1])), axis=1)


class _Settings:
    """Serialization of dataclasses for Keras."""

    def get_config(self):
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable(package="genai_basics")
@dataclasses.dataclass(frozen=True)
class Schedule(_Settings):
    """Increases from 0 to 1 at the start of training, or at the start of each cycle.

    Args:
        warm_up: Fraction of each cycle in which it increases (Sonderby et al., 2016).
        cycles: Number of cycles (Fu et al., 2019).
    """

    warm_up: float = 0.0
    cycles: int = 1

    def __post_init__(self):
        between("warm_up", self.warm_up, 0, 1)
        whole("cycles", self.cycles, 1)
        if not self.warm_up:
            idle(Schedule, vars(self), "cycles", because="without `warm_up`")

    def __call__(self, progress, risen=None, before=0.0):
        """Return the value, 0 to 1.

        Args:
            progress: Completed fraction of training, which cycles divide.
            risen: The same for a single rise; see `callbacks.Progress`. `None`: `progress`.
            before: Previous value, below which a single rise does not fall.

        A single rise starts at `LEAST`, since codes without any penalty grow without bound.
        """
        if not self.warm_up:
            return 1.0
        if self.cycles == 1:
            risen = progress if risen is None else risen
            return max(before, LEAST, min(risen / self.warm_up, 1.0))
        turn = min(progress, 0.999999) * self.cycles
        return min(turn % 1.0 / self.warm_up, 1.0)


@keras.saving.register_keras_serializable(package="genai_basics")
@dataclasses.dataclass(frozen=True)
class ELBO(_Settings):
    """The negative evidence lower bound, -log p(x | z) + beta * KL(q(z | x) || p(z)).

    Args:
        free_bits: KL per latent, in nats, that is not penalized: a latent whose KL, averaged
            over the batch, is below this costs this much (Kingma et al., 2016).
        capacity: Target KL in nats: the distance of the batch's mean KL from it is
            penalized, and the schedule changes the target, not beta (Burgess et al., 2018).
            `None` minimizes the KL.
    """

    free_bits: float = 0.0
    capacity: float | None = None
    samples = 1  # draws per example

    def __post_init__(self):
        at_least("free_bits", self.free_bits, 0)
        at_least("capacity", 0 if self.capacity is None else self.capacity, 0)
        if self.free_bits and self.capacity is not None:
            raise ValueError(
                "give `free_bits` or `capacity`, not both. "
                f"Received: free_bits={self.free_bits}, capacity={self.capacity}"
            )

    @property
    def tracked(self):
        """Names of the terms that this bound reports in addition to reconstruction and KL."""
        return ("charged_kl",) if self.free_bits or self.capacity is not None else ()

    def __call__(self, distortion, draw, beta, ramp):
        """Return the terms of each example, a dict of arrays (batch,) in nats.

        Args:
            distortion: -log p(x | z), (batch * samples,), summed over the elements of x.
            draw: `Draw` of z.
            beta: Weight of the KL term.
            ramp: Value of the schedule, 0 to 1.
        """
        beta = beta if self.capacity is not None else beta * ramp
        charged = self.charged(draw, ramp)
        return {
            "loss": distortion + beta * charged,
            "reconstruction": distortion,
            "kl": ops.sum(draw.kl, axis=-1),
            "beta": beta + ops.zeros_like(distortion),
            "charged_kl": charged,
        }

    def charged(self, draw, ramp=1.0):
        """Return the penalized KL of each example.

        Both rules apply to the mean over the batch; its gradient is distributed to the examples
        so that the mean of the result is the penalty.
        """
        if self.free_bits:
            parts = draw.kl.shape[-1]
            floor = self.free_bits * draw.z.shape[-1] / parts
            spent = ops.mean(draw.kl, axis=0) >= floor
            return ops.sum(ops.where(spent, draw.kl, floor), axis=-1)
        kl = ops.sum(draw.kl, axis=-1)
        if self.capacity is None:
            return kl
        excess = kl - self.capacity * ramp
        return ops.sign(ops.mean(excess)) * excess


@keras.saving.register_keras_serializable(package="genai_basics")
@dataclasses.dataclass(frozen=True)
class ImportanceWeighted(_Settings):
    """The bound of k draws, -log 1/k sum_i p(x | z_i) (p(z_i) / q(z_i | x))^beta.

    It is tighter than the ELBO, by the term `gain` (Burda et al., 2015,
    https://arxiv.org/abs/1509.00519).

    Args:
        samples: k, the number of draws per example.
    """

    samples: int = 5
    tracked = ("gain",)

    def __post_init__(self):
        whole("samples", self.samples, 1)

    def __call__(self, distortion, draw, beta, ramp):
        """Return the terms of each example; see `ELBO`."""
        beta = beta * ramp
        distortion = ops.reshape(distortion, (-1, self.samples))
        log_ratio = ops.reshape(draw.log_ratio, (-1, self.samples))
        loss = math.log(self.samples) - ops.logsumexp(-distortion - beta * log_ratio, axis=1)
        reconstruction, kl = ops.mean(distortion, axis=1), ops.mean(log_ratio, axis=1)
        return {
            "loss": loss,
            "reconstruction": reconstruction,
            "kl": kl,
            "beta": beta + ops.zeros_like(loss),
            "gain": reconstruction + beta * kl - loss,
        }


def get_bound(free_bits=0.0, capacity=None, importance_samples=1):
    """Return the bound for the arguments of `build_vae`."""
    elbo = ELBO(free_bits, capacity)
    if whole("importance_samples", importance_samples, 1) == 1:
        return elbo
    if elbo.tracked:
        raise ValueError(
            "`importance_samples` above 1 cannot be combined with `free_bits` or `capacity`. "
            f"Received: importance_samples={importance_samples}"
        )
    return ImportanceWeighted(importance_samples)


@keras.saving.register_keras_serializable(package="genai_basics")
@dataclasses.dataclass(frozen=True)
class Binarization(_Settings):
    """Makes pixels black or white.

    Args:
        threshold: Brighter pixels become white. `"dynamic"` draws each pixel at every use, with
            its grey value as the probability of white.
    """

    threshold: float | str

    def __post_init__(self):
        fraction = isinstance(self.threshold, float) and 0 < self.threshold < 1
        if self.threshold != "dynamic" and not fraction:
            raise ValueError(
                '`binarize` must be "dynamic", a threshold between 0 and 1 or None. '
                f"Received: binarize={self.threshold!r}"
            )

    def __call__(self, x, seed):
        """Return x, in [0, 1], as 0 or 1, drawn with the `SeedGenerator` seed."""
        threshold = self.threshold
        if threshold == "dynamic":
            threshold = keras.random.uniform(ops.shape(x), seed=seed)
        return ops.cast(x > threshold, "float32")
