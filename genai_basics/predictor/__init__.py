"""What all networks that predict classes or values share."""

from .head import Crossentropy, Head
from .predictor import Predictor

__all__ = ["Crossentropy", "Head", "Predictor"]
