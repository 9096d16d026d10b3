"""Models as files that need neither this library nor, for ONNX and LiteRT, TensorFlow.

The `evaluation.py` of a family says which graphs a model exports, see `Export`; `write_bundle`
writes them in a format, together with a program that runs them.
"""

from . import programs
from .bundle import write_bundle
from .formats import FORMATS
from .served import (
    Export,
    Graph,
    codes_of,
    example_of,
    export,
    exported,
    label_of,
    largest,
    no_such_units,
    quantize,
    vocabulary_of,
)

__all__ = [
    "FORMATS",
    "Export",
    "Graph",
    "codes_of",
    "example_of",
    "export",
    "exported",
    "label_of",
    "largest",
    "no_such_units",
    "programs",
    "quantize",
    "vocabulary_of",
    "write_bundle",
]
