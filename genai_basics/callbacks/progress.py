"""`Progress`: the budget of a training, and the learning rate that follows it."""

import math
import time

import keras
import numpy as np

from .. import backend

__all__ = ["Progress", "cosine", "late_cosine"]


def cosine(progress):
    """Return the factor on a learning rate: a short rise, then a cosine to nearly zero."""
    rise = min(1.0, 0.1 + progress / 0.01)
    return rise * max(0.5 * (1.0 + math.cos(math.pi * progress)), 1e-3)


def late_cosine(progress):
    """Return the factor on a learning rate: 1 for the first half, then a cosine."""
    fall = max(progress - 0.5, 0.0) / 0.5
    return max(0.5 * (1.0 + math.cos(math.pi * fall)), 0.01)


class Progress(keras.callbacks.Callback):
    """Move `model.progress` from 0 to 1 over a budget, and with it the learning rate.

    The learning rate is annealed where it is that of the default optimizer (`model.anneals`), and
    only until somebody else sets it, by a callback or by hand: from then on theirs counts. Where
    two players have an optimizer each, a change of one is made to the other in proportion.

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
        self.annealing = self.model.anneals
        if self.annealing:
            # As compiled, or as an earlier training left it; otherwise it was set by hand.
            stage = float(backend.value_of(self.model.progress))
            self.last = self.usual(stage) if stage else self.model.peak_rates

    def usual(self, progress):
        """Return the annealed learning rate of each player at this stage of training."""
        return [peak * self.model.anneal(progress) for peak in self.model.peak_rates]

    def rates(self):
        """Return the present learning rate of each player."""
        players = self.model.players()
        return [float(backend.value_of(optimizer.learning_rate)) for optimizer, _ in players]

    def follow(self, last):
        """Stop annealing; where one player's rate left `last`, move the others in proportion."""
        self.annealing, now = False, self.rates()
        factors = [rate / was for rate, was in zip(now, last, strict=True)]
        factor = next(f for f in factors if not _same(f, 1.0))
        for (optimizer, _), rate, own in zip(self.model.players(), now, factors, strict=True):
            if _same(own, 1.0):
                optimizer.learning_rate = rate * factor

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
            steps = self.params["steps"]  # `None` in the first pass over what has no known length
            part = min(batches / steps, 1.0) if steps else float(batches is None)
            progress = (self.epoch + part) / self.epochs
        progress, *values = backend.agreed([progress, *logs.values()])
        logs.update(zip(logs, values, strict=True))
        if self.seconds and progress >= 1.0:
            self.model.stop_training = True
        level = int(min(progress, 1.0) * self.resolution)
        if level != self.level:
            self.level = level
            self.model.progress.assign(level / self.resolution)
            self.anneal(level / self.resolution)

    def anneal(self, progress):
        """Set the learning rates for this stage of training, unless somebody else did."""
        if not self.annealing:
            return
        if not _same(self.rates(), self.last):
            return self.follow(self.last)
        self.last = self.usual(progress)
        for (optimizer, _), rate in zip(self.model.players(), self.last, strict=True):
            optimizer.learning_rate = rate


def _same(rates, others):
    """Return whether learning rates agree to the precision in which optimizers keep them."""
    return np.allclose(rates, others, rtol=1e-4, atol=0.0)
