"""Variational autoencoders: of pictures and vectors, in one level or two, and of text."""

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
