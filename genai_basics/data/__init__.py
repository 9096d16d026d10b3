"""Data of every kind, as a `Dataset` of three parts and a spec.

`load_data` takes a name, a path or arrays. Nothing here imports Keras or TensorFlow before
it is needed.
"""

from .dataset import Dataset, Part
from .images import ImageFiles
from .loading import KINDS, list_data, load_data
from .predicting import read_inputs
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
from .writers import image_grid, write_samples

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
    "image_grid",
    "list_data",
    "load_data",
    "read_inputs",
    "spec_from_config",
    "write_samples",
]
