"""Autoencoders: undercomplete, sparse, contractive, denoising, and as a codec of real bytes."""

from .build import build_autoencoder
from .compression import EntropyModel
from .density import CodeDensity
from .model import Autoencoder
from .noise import Corruption

__all__ = ["Autoencoder", "CodeDensity", "Corruption", "EntropyModel", "build_autoencoder"]
