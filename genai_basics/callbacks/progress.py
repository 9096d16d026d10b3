"""`Progress`: the budget of a training, and the learning rate that follows it."""

import time

import keras

from .. import backend

__all__ = ["Progress"]


class Progress(keras.callbacks.Callback):
    """Move `model.progress` from 0 to 1 over a budget, and with it the learning rate.

    Where several workers train together, they agree on progress and logs, so that callbacks
    after this one, and the end of a budget of seconds, come out alike in all of them.

    Args:
        epochs: Budget in epochs of `fit`: progress is a function of the step alone.
        seconds: Budget in seconds instead; `fit` ends when it is spent, the last validation
            included.
        spent: Seconds that an earlier, interrupted training has used of it.
    """

    resolution = 1000  # moves of the learning rate: cheap, and as good as one for each step

    def __init__(self, *, epochs=None, seconds=None, spent=0.0):
        super().__init__()
        self.epochs, self.seconds, self.spent = epochs, seconds, spent
        self.validating = 0.0

    def on_train_begin(self, logs=None):
        self.clock = time.monotonic
        self.begin = self.clock()
        self.level = -1

    @property
    def elapsed(self):
        """Seconds of the budget used so far."""
        return self.spent + self.clock() - self.begin

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        self.move(0)

    def on_train_batch_end(self, batch, logs=None):
        self.move(batch + 1, logs)

    def on_test_begin(self, logs=None):
        self.test_began = self.clock()

    def on_test_end(self, logs=None):
        self.validating = self.clock() - self.test_began

    def on_epoch_end(self, epoch, logs=None):
        self.move(self.batches, logs)

    def move(self, batches, logs=None):
        self.batches, logs = batches, {} if logs is None else logs
        if self.seconds:
            progress = self.elapsed / max(self.seconds - self.validating, 1e-6)
        else:
            steps = self.params["steps"] or 1
            progress = (self.epoch + min(batches / steps, 1.0)) / self.epochs
        progress, *values = backend.agreed([progress, *logs.values()])
        logs.update(zip(logs, values, strict=True))
        if self.seconds and progress >= 1.0:
            self.model.stop_training = True
        level = int(min(progress, 1.0) * self.resolution)
        if level != self.level:
            self.level = level
            self.model.set_progress(level / self.resolution)
