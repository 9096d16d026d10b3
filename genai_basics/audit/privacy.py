"""What private training guarantees: epsilon, by the package dp-accounting (extra `privacy`)."""

from ..extras import require

__all__ = ["epsilon_spent", "usual_delta"]


def epsilon_spent(noise, rate, steps, delta):
    """Return epsilon of DP-SGD with Poisson sampling, adding or removing one example.

    Args:
        noise: Noise multiplier.
        rate: Chance of an example to be in a batch.
        steps: Number of steps.
        delta: Chance that the guarantee fails; well under 1 / n.

    Raises:
        ImportError: Without dp-accounting: `pip install 'genai_basics[privacy]'`.

    Example:

    >>> round(epsilon_spent(1.1, 256 / 60_000, 60 * 60_000 // 256, 1e-5), 1)
    2.4
    """
    accounting = require("dp_accounting", "privacy")
    accountant = require("dp_accounting.pld", "privacy").PLDAccountant()
    gaussian = accounting.GaussianDpEvent(noise)
    accountant.compose(accounting.PoissonSampledDpEvent(min(rate, 1.0), gaussian), steps)
    return float(accountant.get_epsilon(delta))


def usual_delta(n):
    """Return n^-1.1, at most 1e-5: how often the guarantee may fail."""
    return min(n**-1.1, 1e-5)
