"""`Progress`: the training budget, and the learning rate that depends on it."""

import math
import time

import keras

from .. import backend
from ..warning import warn

__all__ = ["Progress", "cosine", "late_cosine", "slow_cosine"]


LONGEST = 100  # maximum epochs counted for warm-ups, since `epochs` may be a mere limit
HARDLY_ANNEALED = 0.3  # progress up to which a cosine has hardly decreased


def cosine(progress, risen):
    """Return the factor of a learning rate: a short warm-up, then a cosine to nearly zero.

    Args:
        progress: Completed fraction of training.
        risen: The same for warm-ups; see `Progress`.
    """
    rise = min(1.0, 0.1 + risen / 0.01)
    return rise * max(0.5 * (1.0 + math.cos(math.pi * progress)), 1e-3)


def late_cosine(progress, risen=None):
    """Return the factor of a learning rate: 1 for the first half, then a cosine."""
    fall = max(progress - 0.5, 0.0) / 0.5
    return max(0.5 * (1.0 + math.cos(math.pi * fall)), 0.01)


def slow_cosine(progress, risen):
    """Return `cosine` with a warm-up of a tenth of training."""
    return cosine(progress, risen) * min(1.0, 0.02 + risen / 0.1)


class Progress(keras.callbacks.Callback):
    """Moves `model.progress` from 0 to 1 over a budget, and anneals the learning rate with it.

    `fit` adds one over its own epochs. Pass one to set another budget: with
    `fit(epochs=1000, callbacks=[Progress(epochs=60), EarlyStopping(patience=9)])`, the learning
    rate decreases over 60 epochs and then stays low.

    Only the learning rate of the default optimizer is annealed (`model.anneals`), and only until
    it is set otherwise, by a callback or by hand. If two players have an optimizer each, a change
    of one is applied to the other in proportion.

    Several workers that train together agree on progress and logs, so callbacks after this one,
    and the end of a budget in seconds, are the same in all of them.

    Args:
        epochs: Budget in epochs of `fit`: progress depends only on the step.
        seconds: Budget in seconds instead; `fit` ends when it is spent, including the last
            validation.
        spent: Seconds of it that an earlier, interrupted training run has used.
        first: Number of the budget's first epoch.
        longest: Maximum number of epochs that warm-ups regard as all of training. `None`: the
            budget.
    """

    # Changes of the learning rate cost about a millisecond, a tenth of a small network's step:
    # one per thousandth of training and, in epochs of many steps, one in four steps are enough.
    resolution, many, pause = 1000, 100, 4

    def __init__(self, *, epochs=None, seconds=None, spent=0.0, first=0, longest=None):
        super().__init__()
        self.epochs, self.seconds, self.spent = epochs, seconds, spent
        self.first, self.longest = first, longest
        self.validating = 0.0

    @classmethod
    def of_fit(cls, model, epochs, initial_epoch):
        """Return the default of a `fit`: an interrupted budget continues, a spent one ends.

        Each call in a loop over `fit` then has its own budget, also with `initial_epoch`.
        """
        spent = float(backend.value_of(model.progress)) >= 1.0
        return cls(epochs=epochs, first=initial_epoch if spent else 0, longest=LONGEST)

    def on_train_begin(self, logs=None):
        self.clock = time.monotonic
        self.begin = self.clock()
        self.level = None
        self.annealing = self.model.anneals
        if self.annealing:
            # As compiled, or as left by an earlier `fit`; otherwise it was set by hand.
            stage = float(backend.value_of(self.model.progress))
            known = [self.model.annealed_rates, self.usual(stage, stage)]
            found = next((k for k in known if _same(self.rates(), k)), known[0])
            self.model.annealed_rates = found

    def on_train_end(self, logs=None):
        loss = float((logs or {}).get("loss", 0.0))
        stopped = self.model.stop_training and self.longest and math.isfinite(loss)
        if stopped and self.annealing and self.progress < HARDLY_ANNEALED:
            warn(
                f"training was stopped after epoch {self.epoch + 1} of {self.epochs}, before the "
                "learning rate had fallen, which costs quality: pass as `epochs` about what "
                "training takes, or `keras.callbacks.ReduceLROnPlateau`"
            )

    def usual(self, progress, risen):
        """Return the annealed learning rate of each player at this progress."""
        return [peak * self.model.anneal(progress, risen) for peak in self.model.peak_rates]

    def rates(self):
        """Return the current learning rate of each player."""
        players = self.model.players()
        return [float(backend.value_of(optimizer.learning_rate)) for optimizer, _ in players]

    def follow(self, last):
        """Stop annealing; if one player's rate differs from `last`, change others in proportion."""
        self.annealing = self.model.anneals = False
        now = self.rates()
        factors = [rate / max(was, 1e-30) for rate, was in zip(now, last, strict=True)]
        factor = next(f for f in factors if not _same([f], [1.0]))
        for (optimizer, _), rate, own in zip(self.model.players(), now, factors, strict=True):
            if _same([own], [1.0]):
                optimizer.learning_rate = rate * factor

    @property
    def elapsed(self):
        """Seconds of the budget used so far."""
        return self.spent + self.clock() - self.begin

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        self.move(0)

    def on_train_batch_end(self, batch, logs=None):
        many = (self.params["steps"] or 0) >= self.many
        self.move(batch + 1, logs, due=not many or (batch + 1) % self.pause == 0)

    def on_test_begin(self, logs=None):
        self.test_began = self.clock()

    def on_test_end(self, logs=None):
        self.validating = self.clock() - self.test_began

    def on_epoch_end(self, epoch, logs=None):
        self.move(self.batches, logs)

    def move(self, batches, logs=None, due=True):
        self.batches, logs = batches, {} if logs is None else logs
        steps = self.params["steps"]  # `None` in the first epoch of data of unknown length
        part = min(batches / steps, 1.0) if steps else float(batches is None)
        done = self.epoch - self.first + part
        if self.seconds:
            progress = self.elapsed / max(self.seconds - self.validating, 1e-6)
        else:
            progress = done / (self.epochs - self.first)
        progress, *values = backend.agreed([progress, *logs.values()])
        logs.update(zip(logs, values, strict=True))
        if self.seconds and progress >= 1.0:
            self.model.stop_training = True
        self.progress = min(progress, 1.0)
        risen = max(self.progress, done / self.longest) if self.longest else self.progress
        level = tuple(int(min(x, 1.0) * self.resolution) for x in (self.progress, risen))
        if due and level != self.level:
            self.level = level
            level = [x / self.resolution for x in level]
            self.model.stand_at(*level)
            self.anneal(*level)

    def anneal(self, progress, risen):
        """Set the learning rates for this progress, unless they were set otherwise."""
        if not self.annealing:
            return
        last = self.model.annealed_rates  # `Doctor` may have halved them
        if not _same(self.rates(), last):
            return self.follow(last)
        last = self.model.annealed_rates = self.usual(progress, risen)
        for (optimizer, _), rate in zip(self.model.players(), last, strict=True):
            optimizer.learning_rate = rate


def _same(rates, others):
    """Return whether learning rates agree to the precision in which optimizers store them."""
    return all(math.isclose(a, b, rel_tol=1e-4) for a, b in zip(rates, others, strict=True))
