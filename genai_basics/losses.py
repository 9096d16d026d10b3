"""Losses of the two players of a GAN, with the signs and scales of their papers.

D is the discriminator's output before any sigmoid: a logit, or a score for hinge, least squares
and Wasserstein. Both players minimize. E is the mean over the batch, r = D(x), f = D(G(z)).

- `non_saturating` (Goodfellow et al., 2014): D: E softplus(-r) + E softplus(f),
  G: E softplus(-f)
- `hinge` (Lim & Ye, 2017): D: E max(0, 1 - r) + E max(0, 1 + f), G: -E f
- `least_squares` (Mao et al., 2017): D: E (r - 1)^2 / 2 + E f^2 / 2, G: E (f - 1)^2 / 2
- `wasserstein` (Arjovsky et al., 2017): D: E f - E r, G: -E f
- `relativistic` (RaSGAN of Jolicoeur-Martineau, 2018, https://arxiv.org/abs/1807.00734):
  D: E softplus(-(r - E f)) + E softplus(f - E r), G: E softplus(-(f - E r)) + E softplus(r - E f)
"""

from typing import NamedTuple

import keras
from keras import ops

from .backend import gradients
from .checks import one_of

__all__ = [
    "ADVERSARIAL_LOSSES",
    "AdversarialLosses",
    "adversarial_losses",
    "averaged",
    "gradient_penalty",
    "r1_penalty",
    "single",
]

PENALTIES = ("none", "gradient", "r1", "r1_r2")  # for `build_gan`


class AdversarialLosses(NamedTuple):
    """The losses of the two players of a GAN, as functions of the scores of both sides.

    A function takes `(real, fake)`, scores (n, 1) of real and (m, 1) of generated examples, and
    returns a loss for each, `(of_real, of_fake)`, of the same shapes. The player minimizes the
    mean of the first plus the mean of the second; `None` stands for zeros.

    Attributes:
        discriminator: The function of the discriminator.
        generator: The function of the generator.
        middle: Score that separates real from generated. `None`: scores are relative to the other
            side, so the generator's function also gets real scores; with a `middle`, it gets
            `None` instead, which saves a pass through the discriminator.
    """

    discriminator: callable
    generator: callable
    middle: float | None = None


def _swapped(loss):
    """Return the losses of a game in which the generator's loss is `loss` with swapped sides."""

    def generator(real, fake):
        of_fake, of_real = loss(fake, real)
        return of_real, of_fake

    return AdversarialLosses(loss, generator)


def _above(scores, others):
    """Return how far scores are above the mean score of the other side."""
    return scores - ops.mean(others, axis=0)


ADVERSARIAL_LOSSES = {
    "non_saturating": AdversarialLosses(
        lambda real, fake: (ops.softplus(-real), ops.softplus(fake)),
        lambda real, fake: (None, ops.softplus(-fake)),
        middle=0.0,
    ),
    "hinge": AdversarialLosses(
        lambda real, fake: (ops.relu(1.0 - real), ops.relu(1.0 + fake)),
        lambda real, fake: (None, -fake),
        middle=0.0,
    ),
    "least_squares": AdversarialLosses(
        lambda real, fake: (0.5 * ops.square(real - 1.0), 0.5 * ops.square(fake)),
        lambda real, fake: (None, 0.5 * ops.square(fake - 1.0)),
        middle=0.5,
    ),
    "wasserstein": AdversarialLosses(
        lambda real, fake: (-real, fake),
        lambda real, fake: (None, -fake),
        middle=0.0,
    ),
    "relativistic": _swapped(
        lambda real, fake: (ops.softplus(-_above(real, fake)), ops.softplus(_above(fake, real)))
    ),
}


def adversarial_losses(loss):
    """Return the `AdversarialLosses` for `loss`.

    Args:
        loss: One of the names in `ADVERSARIAL_LOSSES`; a pair of functions, see
            `AdversarialLosses`; or one function, the discriminator's: the generator then
            minimizes the same with real and generated examples swapped.

    Raises:
        ValueError: If the loss does not exist.

    Example:

    >>> losses = adversarial_losses("hinge")
    >>> of_real, of_fake = losses.discriminator(ops.array([[0.5]]), ops.array([[-2.0]]))
    >>> float(ops.mean(of_real) + ops.mean(of_fake))
    0.5
    """
    if callable(loss):
        return _swapped(loss)
    if isinstance(loss, (tuple, list)):
        if len(loss) not in (2, 3) or not all(map(callable, loss[:2])):
            raise ValueError(
                "`loss` must be a name, a function or a pair of functions (discriminator's, "
                f"generator's). Received: loss={loss!r}"
            )
        return AdversarialLosses(*loss)
    return ADVERSARIAL_LOSSES[one_of("loss", loss, ADVERSARIAL_LOSSES)]


def gradient_penalty(score, real, fake, epsilon):
    """Return E (|grad D(x')| - 1)^2, two-sided (Gulrajani et al., 2017, equation 3).

    x' = epsilon * real + (1 - epsilon) * fake; the norm is over all numbers of an example.

    Args:
        score: Callable from x' to scores (batch, 1).
        real, fake: Batches of one shape.
        epsilon: (batch,), drawn from the uniform distribution on [0, 1], one per example.
    """
    epsilon = ops.reshape(epsilon, (-1,) + (1,) * (len(real.shape) - 1))
    _, slope = gradients(score, epsilon * real + (1.0 - epsilon) * fake)
    norm = ops.sqrt(ops.sum(ops.square(slope), axis=_inner(slope)) + 1e-12)
    return ops.mean(ops.square(norm - 1.0))


def r1_penalty(score, x):
    """Return E |grad D(x)|^2 / 2 over real x (Mescheder et al., 2018, equation 9, gamma = 1).

    For generated x, this is R2 (their equation 10). R1 and R2 together prevent the generator
    from collapsing (Huang et al., 2024, https://arxiv.org/abs/2501.05441).
    """
    _, slope = gradients(score, x)
    return 0.5 * ops.mean(ops.sum(ops.square(slope), axis=_inner(slope)))


def _inner(x):
    return tuple(range(1, len(x.shape)))


def averaged(terms, weights=None, layer_losses=()):
    """Return the means over the batch of per-example loss terms, `{name: scalar}`.

    Args:
        terms: `{name: (batch,)}`, as `Model.loss_terms` returns them.
        weights: Weights of the examples (batch,), like Keras' `sample_weight`: each term is
            multiplied by them before averaging.
        layer_losses: Scalars added to "loss", such as regularizers of layers.
    """
    if weights is not None:
        weights = ops.cast(ops.reshape(weights, (-1,)), "float32")
        terms = {name: ops.cast(term, "float32") * weights for name, term in terms.items()}
    terms = {name: ops.mean(term) for name, term in terms.items()}
    return {**terms, "loss": sum(layer_losses, terms["loss"])}


def single(outputs):
    """Cast outputs of a network to single precision, in which losses are computed.

    A network may compute in lower (`mixed_bfloat16`, `mixed_float16`) or higher precision
    (`float64`).
    """
    return keras.tree.map_structure(lambda x: ops.cast(x, "float32"), outputs)
