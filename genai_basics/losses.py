"""Losses of the two players of a GAN, with the signs and scales of their papers.

D is the discriminator's output before any sigmoid: a logit, or a score for hinge, least squares
and Wasserstein. Both players minimize; means run over the batch.

- `non_saturating` (Goodfellow et al., 2014): D: E softplus(-D(x)) + E softplus(D(G(z))),
  G: E softplus(-D(G(z)))
- `hinge` (Lim & Ye, 2017): D: E max(0, 1 - D(x)) + E max(0, 1 + D(G(z))), G: -E D(G(z))
- `least_squares` (Mao et al., 2017): D: E (D(x) - 1)^2 / 2 + E D(G(z))^2 / 2,
  G: E (D(G(z)) - 1)^2 / 2
- `wasserstein` (Arjovsky et al., 2017): D: E D(G(z)) - E D(x), G: -E D(G(z))
"""

from keras import ops

from .backend import gradients

__all__ = ["ADVERSARIAL_LOSSES", "adversarial_losses", "gradient_penalty", "r1_penalty"]

ADVERSARIAL_LOSSES = {  # name: (discriminator's, of scores of real and fake; generator's, of fake)
    "non_saturating": (
        lambda real, fake: ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake)),
        lambda fake: ops.mean(ops.softplus(-fake)),
    ),
    "hinge": (
        lambda real, fake: ops.mean(ops.relu(1.0 - real)) + ops.mean(ops.relu(1.0 + fake)),
        lambda fake: -ops.mean(fake),
    ),
    "least_squares": (
        lambda real, fake: 0.5 * (ops.mean(ops.square(real - 1.0)) + ops.mean(ops.square(fake))),
        lambda fake: 0.5 * ops.mean(ops.square(fake - 1.0)),
    ),
    "wasserstein": (
        lambda real, fake: ops.mean(fake) - ops.mean(real),
        lambda fake: -ops.mean(fake),
    ),
}


def adversarial_losses(name):
    """Return `(discriminator_loss(real, fake), generator_loss(fake))` of that name.

    Args:
        name: One of `ADVERSARIAL_LOSSES`. The functions take scores (batch, 1), any range.

    Raises:
        ValueError: If there is no such loss.

    Example:

    >>> discriminator_loss, generator_loss = adversarial_losses("hinge")
    >>> float(discriminator_loss(ops.array([[0.5]]), ops.array([[-2.0]])))
    0.5
    """
    if name not in ADVERSARIAL_LOSSES:
        known = ", ".join(f'"{known}"' for known in ADVERSARIAL_LOSSES)
        raise ValueError(f"`loss` must be one of {known}. Received: loss={name!r}")
    return ADVERSARIAL_LOSSES[name]


def gradient_penalty(score, real, fake, epsilon):
    """Return E (|grad D(x')| - 1)^2, two-sided (Gulrajani et al., 2017, equation 3).

    x' = epsilon * real + (1 - epsilon) * fake; the norm is over all numbers of an example.

    Args:
        score: Callable from x' to scores (batch, 1).
        real, fake: Batches of one shape.
        epsilon: (batch,), drawn from the uniform distribution on [0, 1], one an example.
    """
    epsilon = ops.reshape(epsilon, (-1,) + (1,) * (len(real.shape) - 1))
    _, slope = gradients(score, epsilon * real + (1.0 - epsilon) * fake)
    norm = ops.sqrt(ops.sum(ops.square(slope), axis=_inner(slope)) + 1e-12)
    return ops.mean(ops.square(norm - 1.0))


def r1_penalty(score, x):
    """Return E |grad D(x)|^2 / 2 over real x (Mescheder et al., 2018, equation 9, gamma = 1).

    Over x of the generator it is R2 (their equation 10). The two together keep the generator
    from collapse (Huang et al., 2024, https://arxiv.org/abs/2501.05441).
    """
    _, slope = gradients(score, x)
    return 0.5 * ops.mean(ops.sum(ops.square(slope), axis=_inner(slope)))


def _inner(x):
    return tuple(range(1, len(x.shape)))
