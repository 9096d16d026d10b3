"""A recurrent network tells speakers apart by series of different lengths.

JapaneseVowels of the UEA archive with its official split: 270 series of 12 channels and 7 to 29
steps, of nine speakers; one minute for `train rnn` with its defaults. The peer, whose result the
archive reports, predicts the label of the nearest training series under dynamic time warping.
"""

import genai_basics as gb

from .predictors import ours

HEADERS = ("set", "minutes", "training series", "genai_basics, test accuracy", "1-NN with DTW")
MINUTES, PUBLISHED = 1, 0.949


def measure(folder):
    """Return the rows of the table."""
    data = gb.load_data(folder / "ucr" / "JapaneseVowels_TRAIN.ts")
    accuracy = ours("rnn", data, 60 * MINUTES)
    return [("JapaneseVowels", MINUTES, len(data.train), f"{accuracy:.1%}", f"{PUBLISHED:.1%}")]
