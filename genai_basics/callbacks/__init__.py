"""Keras callbacks: the budget of a training, and a look at what goes wrong in it."""

from .doctor import Doctor
from .progress import Progress

__all__ = ["Doctor", "Progress"]
