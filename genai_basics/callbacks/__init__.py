"""Keras callbacks: the budget of a training, and a look at what goes wrong in it."""

from .doctor import Doctor
from .progress import Progress, cosine, late_cosine

__all__ = ["Doctor", "Progress", "cosine", "late_cosine"]
