"""Recurrent networks that classify, forecast, write, translate and transcribe sequences."""

from ..preprocessing import Tokenizer
from .forecaster import Forecaster, build_forecaster
from .language_model import LanguageModel, build_language_model
from .music_model import MusicModel
from .rnn import RNN, build_rnn
from .speech import SpeechRecognizer, build_speech_recognizer
from .translator import Translator, build_translator

__all__ = [
    "RNN",
    "Forecaster",
    "LanguageModel",
    "MusicModel",
    "SpeechRecognizer",
    "Tokenizer",
    "Translator",
    "build_forecaster",
    "build_language_model",
    "build_rnn",
    "build_speech_recognizer",
    "build_translator",
]
