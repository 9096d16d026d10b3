"""Keras callbacks: the training budget, and diagnosis of problems."""

from .doctor import Doctor
from .progress import Progress, cosine, late_cosine, slow_cosine

__all__ = ["Doctor", "Progress", "cosine", "late_cosine", "slow_cosine"]
