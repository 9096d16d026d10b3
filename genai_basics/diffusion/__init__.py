"""Diffusion: models that transform noise into examples in small steps."""

from .flow_matching import Diffusion, build_diffusion

__all__ = ["Diffusion", "build_diffusion"]
