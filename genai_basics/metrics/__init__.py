"""The usual metrics for predictions, generated samples, pictures and text.

They are pure functions of NumPy arrays and strings, without models or Keras. A package that
only one of them needs is imported when it is called.
"""

from .pictures import detection_report, psnr, ssim
from .predictions import (
    bootstrap_interval,
    calibration_error,
    classification_report,
    confusion_matrix,
    coverage,
    mase,
    multi_label_report,
    pinball,
    regression_report,
)
from .samples import (
    active_units,
    density_coverage,
    frechet_distance,
    frechet_report,
    ngram_jsd,
    novelty,
    precision_recall,
)
from .text_scores import bleu, character_error_rate, chrf, word_error_rate

__all__ = [
    "active_units",
    "bleu",
    "bootstrap_interval",
    "calibration_error",
    "character_error_rate",
    "chrf",
    "classification_report",
    "confusion_matrix",
    "coverage",
    "density_coverage",
    "detection_report",
    "frechet_distance",
    "frechet_report",
    "mase",
    "multi_label_report",
    "ngram_jsd",
    "novelty",
    "pinball",
    "precision_recall",
    "psnr",
    "regression_report",
    "ssim",
    "word_error_rate",
]
