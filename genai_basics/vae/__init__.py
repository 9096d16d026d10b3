"""Variational autoencoders: of pictures and vectors, in one level or two, and of text."""

from .build import build_vae
from .hierarchical import HierarchicalVAE
from .model import VAE
from .text import TextVAE, build_text_vae

__all__ = ["VAE", "HierarchicalVAE", "TextVAE", "build_text_vae", "build_vae"]
