"""Variational autoencoders for pictures and vectors, with one level or two, and for texts."""

from .bounds import ELBO, Binarization, ImportanceWeighted, Schedule
from .text_vae import TextVAE, build_text_vae
from .vae import VAE, HierarchicalVAE, build_vae

__all__ = [
    "ELBO",
    "VAE",
    "Binarization",
    "HierarchicalVAE",
    "ImportanceWeighted",
    "Schedule",
    "TextVAE",
    "build_text_vae",
    "build_vae",
]
