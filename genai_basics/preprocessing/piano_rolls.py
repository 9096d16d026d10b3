"""Pieces of music as one-hot piano rolls of several voices."""

import keras
import numpy as np
from keras import ops

from .base import Preprocessor

__all__ = ["PianoRolls"]


@keras.saving.register_keras_serializable(package="genai_basics")
class PianoRolls(Preprocessor):
    """Windows of pieces, one-hot (steps, voices, pitches), with a note or silence per step.

    Column k is the MIDI pitch `low` + k, the last column is silence. Pieces are arrays
    (steps, voices) of pitches, with -1 for silence, or lists of chords, whose highest notes are
    used. Notes outside the range are moved by octaves.

    Args:
        voices: Number of voices, the highest first.
        low, high: The lowest and the highest MIDI pitch.
        steps: Steps per window.
        hop: Steps between windows.

    Example:

    >>> rolls = PianoRolls(2, 60, 72, steps=2, hop=1)
    >>> rolls.prepare([[[60, 72], [], [61]]]).tolist()
    [[[12, 0], [13, 13]], [[13, 13], [1, 13]]]
    >>> rolls.invert(rolls(rolls.prepare([[[60, 72], []]]))).tolist()
    [[[72, 60], [-1, -1]]]
    """

    def __init__(self, voices, low, high, steps, hop, **kwargs):
        super().__init__(**kwargs)
        self.voices, self.low, self.high, self.steps, self.hop = voices, low, high, steps, hop
        self.pitches = high - low + 2  # the last pitch is silence
        self.built = True

    def prepare(self, x):
        """Return windows of pieces as column numbers, (n, steps, voices)."""
        windows = []
        for piece in [x] if isinstance(x, np.ndarray) and x.ndim == 2 else x:
            columns = self.columns(piece)
            for start in range(0, len(columns) - self.steps + 1, self.hop):
                windows.append(columns[start : start + self.steps])
        if not windows:
            longest = max((len(piece) for piece in x), default=0)
            raise ValueError(
                f"no piece is as long as `steps`={self.steps}: build the GAN with fewer. "
                f"Received: {len(x)} pieces, the longest of {longest} steps"
            )
        return np.stack(windows)

    def columns(self, piece):
        """Return a piece, (steps, voices) or lists of pitches, as column numbers."""
        chords = np.full((len(piece), self.voices), -1)
        for row, chord in zip(chords, piece, strict=True):
            # Voices of arrays keep their order; notes of chords are sorted, highest first.
            notes = chord if isinstance(piece, np.ndarray) else sorted(chord, reverse=True)
            row[: len(notes)] = notes[: self.voices]
        over, under = np.maximum(chords - self.high, 0), np.maximum(self.low - chords, 0)
        moved = np.minimum(chords - 12 * -(-over // 12) + 12 * -(-under // 12), self.high)
        return np.where(chords < 0, self.pitches - 1, moved - self.low).astype("int32")

    def call(self, x):
        return ops.one_hot(x, self.pitches)

    def notes(self, columns):
        """Return column numbers as MIDI pitches, with -1 for silence."""
        return np.where(columns == self.pitches - 1, -1, columns + self.low)

    def invert(self, outputs):
        """Return the notes of rolls, integers (n, steps, voices), -1 for silence."""
        return self.notes(np.asarray(outputs).argmax(axis=-1))

    def get_config(self):
        names = ("voices", "low", "high", "steps", "hop")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
