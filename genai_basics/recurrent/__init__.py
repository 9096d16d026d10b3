"""Recurrent networks: sequences labelled, forecast, written, translated and transcribed."""

from .forecaster import Forecaster, build_forecaster
from .language_model import LanguageModel, build_language_model
from ..tokenizer import Tokenizer

__all__ = [
    "Forecaster",
    "LanguageModel",
    "Tokenizer",
    "build_forecaster",
    "build_language_model",
]
