"""Generative adversarial networks for images, vectors, text, video and music."""

from .adversarial import GAN
from .image import build_gan
from .music import MusicGAN, build_music_gan
from .text import TextGAN, build_text_gan
from .video import VideoGAN, build_video_gan

__all__ = [
    "GAN",
    "MusicGAN",
    "TextGAN",
    "VideoGAN",
    "build_gan",
    "build_music_gan",
    "build_text_gan",
    "build_video_gan",
]
