"""`Pace`: how many steps a budget of minutes holds, and whether they are enough."""

import time

import keras

from ..warning import warn

__all__ = ["Pace"]

COMPILED = 3  # steps after which everything is compiled
MEASURED = 5.0  # seconds


class Pace(keras.callbacks.Callback):
    """Warns once, seconds after the start, where a budget of minutes holds too few steps.

    A model's `steps_needed()` says how many it needs, where it has one; `None`: any number.

    Args:
        minutes: The budget.
        spent: Function that returns the seconds of it that are used.
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
            self.steps = -(10**12)  # once

    def say(self, speed):
        """Warn if at this speed, in steps per second, too few steps are left."""
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
    """Return a number as an integer of two digits and zeros."""
    return int(float(f"{number:.1e}"))
