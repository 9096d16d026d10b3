"""Shared by all networks that predict classes or values."""

from .head import Crossentropy, Head
from .predictor import Predictor

__all__ = ["Crossentropy", "Head", "Predictor"]
