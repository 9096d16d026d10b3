"""Maps raw x of each kind to network space and back, with one class per kind."""

from .base import Preprocessor
from .clips import Clips
from .columns import Columns
from .labels import Labels
from .lines import Lines
from .numbers import Numbers
from .one_hot_texts import OneHotTexts
from .piano_rolls import PianoRolls
from .ragged import Steps, Tokens
from .rolls import Rolls
from .tokens import BOUNDARY, PADDING, SPECIAL, UNKNOWN, Sentences, Tokenizer, padded, spaced
from .video_clips import VideoClips
from .waves import Waves
from .windows import Windows
from .words import Words

__all__ = [
    "BOUNDARY",
    "PADDING",
    "SPECIAL",
    "UNKNOWN",
    "Clips",
    "Columns",
    "Labels",
    "Lines",
    "Numbers",
    "OneHotTexts",
    "PianoRolls",
    "Preprocessor",
    "Rolls",
    "Sentences",
    "Steps",
    "Tokenizer",
    "Tokens",
    "VideoClips",
    "Waves",
    "Windows",
    "Words",
    "padded",
    "spaced",
]
