"""Generative adversarial networks for images, vectors, text, video and music."""

from .gan import GAN
from .image_gan import build_gan
from .music_gan import MusicGAN, build_music_gan
from .text_gan import TextGAN, build_text_gan
from .video_gan import VideoGAN, build_video_gan

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
