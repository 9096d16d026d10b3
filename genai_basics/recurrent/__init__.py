"""Recurrent networks: sequences labelled, forecast, written, translated and transcribed."""

from .language_model import LanguageModel, build_language_model
from .tokenizer import Tokenizer

__all__ = ["LanguageModel", "Tokenizer", "build_language_model"]
