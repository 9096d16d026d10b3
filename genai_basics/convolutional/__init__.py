"""Convolutional networks: classify or regress pictures, sounds, series, clips; detect objects."""

from .cnn import CNN, build_cnn, train_feature_extractor
from .detector import Detector, build_detector

__all__ = ["CNN", "Detector", "build_cnn", "build_detector", "train_feature_extractor"]
