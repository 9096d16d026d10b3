"""Recurrent networks: sequences labelled, forecast, written, translated and transcribed."""

from ..tokenizer import Tokenizer
from .forecaster import Forecaster, build_forecaster
from .language_model import LanguageModel, build_language_model
from .translator import Translator, build_translator

__all__ = [
    "Forecaster",
    "LanguageModel",
    "Tokenizer",
    "Translator",
    "build_forecaster",
    "build_language_model",
    "build_translator",
]
