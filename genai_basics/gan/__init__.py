"""Generative adversarial networks for images, vectors, text, video and music."""

from .adversarial import GAN
from .image import build_gan

__all__ = ["GAN", "build_gan"]
