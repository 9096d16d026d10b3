"""Data of every kind, as a `Dataset` of three parts and a spec.

`load_data` takes a name, a path or arrays. Nothing here imports Keras or TensorFlow before
it is needed.
"""

from .dataset import Dataset, Part
from .images import ImageFiles
from .loading import KINDS, list_data, load_data
from .spec import (
    AudioSpec,
    DetectionSpec,
    ForecastSpec,
    ImageSpec,
    MusicSpec,
    PairSpec,
    SeriesSpec,
    Spec,
    TableSpec,
    TextSpec,
    VectorSpec,
    VideoSpec,
    spec_from_config,
)

__all__ = [
    "KINDS",
    "AudioSpec",
    "Dataset",
    "DetectionSpec",
    "ForecastSpec",
    "ImageFiles",
    "ImageSpec",
    "MusicSpec",
    "PairSpec",
    "Part",
    "SeriesSpec",
    "Spec",
    "TableSpec",
    "TextSpec",
    "VectorSpec",
    "VideoSpec",
    "list_data",
    "load_data",
    "spec_from_config",
]
