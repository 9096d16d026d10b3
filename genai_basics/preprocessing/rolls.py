"""Pieces of music as piano rolls."""

import keras
import numpy as np

from .base import Preprocessor

__all__ = ["Rolls"]


@keras.saving.register_keras_serializable(package="genai_basics")
class Rolls(Preprocessor):
    """Pieces, lists of steps with sounding MIDI pitches, as rolls of 0 and 1.

    A roll is float32 (1 + steps, pitches); its first step is silence.

    Args:
        low, high: The lowest and the highest pitch.

    Example:

    >>> rolls = Rolls(60, 63)
    >>> rolls.invert(rolls.prepare([[[60, 63], [61]]]))
    [[[], [60, 63], [61]]]
    """

    def __init__(self, low, high, **kwargs):
        super().__init__(**kwargs)
        self.low, self.high = low, high
        self.built = True

    def prepare(self, x):
        """Return a list of rolls; -1 in a step counts as silence."""
        return [self.roll(piece) for piece in x]

    def roll(self, piece):
        """Return the roll of one piece."""
        if not len(piece):
            raise ValueError("a piece must have steps. Received: an empty piece")
        roll = np.zeros((len(piece) + 1, self.high - self.low + 1), "float32")
        for t, step in enumerate(piece):
            for pitch in np.atleast_1d(step):
                if pitch < 0:
                    continue
                if not self.low <= pitch <= self.high:
                    raise ValueError(
                        f"pitches must lie between {self.low} and {self.high}, for which this "
                        f"model was built. Received: pitch {int(pitch)}"
                    )
                roll[t + 1, int(pitch) - self.low] = 1.0
        return roll

    def invert(self, outputs):
        """Return rolls as pieces."""
        return [[(np.flatnonzero(step) + self.low).tolist() for step in roll] for roll in outputs]

    def get_config(self):
        return {**super().get_config(), "low": self.low, "high": self.high}
