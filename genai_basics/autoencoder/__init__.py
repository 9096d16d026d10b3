"""Autoencoders: undercomplete, sparse, contractive, denoising, and as codecs that write files."""

from .autoencoder import Autoencoder, build_autoencoder
from .density import CodeDensity
from .entropy import EntropyModel
from .noise import Corruption

__all__ = ["Autoencoder", "CodeDensity", "Corruption", "EntropyModel", "build_autoencoder"]
