"""`Pace`: checks whether a budget of minutes has enough steps."""

import time

import keras

from ..warning import warn

__all__ = ["Pace"]

COMPILED = 3  # steps after which everything is compiled
MEASURED = 5.0  # seconds of measurement


class Pace(keras.callbacks.Callback):
    """Warns once, soon after the start, if a budget of minutes has too few steps.

    A model may have a method `steps_needed()`; `None` means that any number is enough.

    Args:
        minutes: The budget.
        spent: Function that returns the seconds used so far.
    """

    def __init__(self, minutes, spent):
        super().__init__()
        self.minutes, self.spent = minutes, spent
        self.steps = 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.steps == COMPILED:
            self.began = time.monotonic()
        elif self.steps > COMPILED and time.monotonic() - self.began > MEASURED:
            self.say((self.steps - COMPILED) / (time.monotonic() - self.began))
            self.steps = -(10**12)  # only once

    def say(self, speed):
        """Warn if too few steps are left at this speed, in steps per second."""
        left = self.steps + speed * max(60 * self.minutes - self.spent(), 0.0)
        needed = self.model.steps_needed() if hasattr(self.model, "steps_needed") else None
        if needed and left < needed / 2:
            height, width = self.model.preprocessor.shape[:2]
            smaller = f"a smaller --image-size ({min(height, width) // 2}), "
            warn(
                f"about {rounded(left):,} steps fit into {self.minutes:g} minutes here, and "
                f"pictures of {height}x{width} need about {rounded(needed):,}: try "
                f"{smaller if min(height, width) >= 32 else ''}more --minutes, or a GPU"
            )


def rounded(number):
    """Round a number to two significant digits."""
    return int(float(f"{number:.1e}"))
