"""Object detection: boxes, names and scores, learned from nothing on a few hundred pictures."""

from .boxes import detection_losses
from .build import build_detector
from .model import Detector

__all__ = ["Detector", "build_detector", "detection_losses"]
