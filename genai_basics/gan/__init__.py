"""Generative adversarial networks for images, vectors, text, video and music."""

from .adversarial import GAN
from .image import build_gan
from .text import TextGAN, build_text_gan

__all__ = ["GAN", "TextGAN", "build_gan", "build_text_gan"]
