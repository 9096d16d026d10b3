"""Plots of training and of results, in one plain style and without a display.

Each function returns a `matplotlib.figure.Figure`, or the new picture (`draw_boxes`,
`heatmap_over`); `save` writes either to a file. Figures are created as objects, never through
`pyplot`, so the user's own plots are not affected.
"""

from .charts import attention, confusion_matrix, curves, forecast, rate_distortion, scatter
from .examples import (
    latent_plane,
    piano_rolls,
    pictures,
    reconstructions,
    side_by_side,
    spectrograms,
    table,
)
from .overlays import draw_boxes, heatmap_over
from .style import save

__all__ = [
    "attention",
    "confusion_matrix",
    "curves",
    "draw_boxes",
    "forecast",
    "heatmap_over",
    "latent_plane",
    "piano_rolls",
    "pictures",
    "rate_distortion",
    "reconstructions",
    "save",
    "scatter",
    "side_by_side",
    "spectrograms",
    "table",
]
