"""`Doctor`: a callback that reports problems in training and which argument to change."""

import math
import time

import keras
import numpy as np

from ..backend import value_of
from ..checks import whole
from ..warning import warn

__all__ = ["Doctor"]


class Doctor(keras.callbacks.Callback):
    """Checks a model after every epoch; silent if all is well. On by default in `train`.

    Problems of all models are found here: a loss that is not finite or explodes, and overfitting.
    Problems specific to a family are in its models' `symptoms`. Each finding is reported once, as
    a warning.

    A loss that is not finite, or thousands of times the first one, is cured: the weights and the
    optimizer of the last good epoch are restored, the learning rate is halved for the rest of
    training, and training continues. After `cures` cures, it stops with the last good weights.

    Args:
        patience: Epochs without a better validation value before overfitting is reported.
        tolerance: Minimum relative decline of the validation value, beyond noise.
        cures: Maximum number of cures; 0 stops at once.

    Attributes:
        findings: `{name: sentence}` of all findings.
        cured: Number of cures so far.

    Example:

    >>> from genai_basics import Doctor, build_vae, load_data
    >>> data = load_data("digits")
    >>> vae = build_vae((8, 8, 1), latent_dim=2, hidden_units=(64,), seed=0)
    >>> vae.compile()
    >>> doctor = Doctor()
    >>> history = vae.fit(data.train.x, epochs=1, callbacks=[doctor], verbose=0)
    >>> doctor.findings
    {}
    """

    def __init__(self, patience=5, tolerance=0.05, cures=5):
        super().__init__()
        self.patience, self.tolerance = patience, tolerance
        self.cures, self.cured = whole("cures", cures, 0), 0
        self.findings = {}
        self.history = []
        self.good, self.good_epoch, self.kept = None, 0, 0.0
        self.scale, self.lowest = None, math.inf  # of the loss: initial, and minimum so far
        self.unmeasured = False  # whether no step has been taken since a cure

    def on_train_begin(self, logs=None):
        self.keep()

    def on_train_batch_end(self, batch, logs=None):
        loss = float((logs or {}).get("loss", 0.0))
        self.unmeasured = False
        if self.scale is None and math.isfinite(loss):
            self.scale = max(abs(loss), 10.0)
        if self.exploded(loss):
            self.cure()

    def on_epoch_end(self, epoch, logs=None):
        if "not_finite" in self.findings:
            return
        if self.unmeasured:  # the last step was bad, so the means are empty
            logs["loss"] = math.nan
            return
        logs = {name: float(value) for name, value in (logs or {}).items()}
        loss = logs.get("loss", 0.0)
        if self.exploded(loss):
            return self.cure()
        self.history.append(logs)
        self.lowest = min(self.lowest, loss)
        # Copying weights may take longer than a short epoch.
        if time.monotonic() - self.kept > 2.0 and not self.exploded(loss, by=10):
            self.keep()
        self.say(self.overfitting())
        self.ask()

    def exploded(self, loss, by=1000):
        """Return whether a loss is not finite, or exceeds the lowest by `by` times the first."""
        lowest = min(self.lowest, self.scale or math.inf)
        return not loss <= lowest + by * (self.scale or math.inf)

    def cure(self):
        """Restore the last good weights and halve the learning rate, or stop if that fails."""
        rates = [0.5 * float(value_of(optimizer.learning_rate)) for optimizer in self.optimizers()]
        if self.cured == self.cures or not self.restore(rates):
            return self.stop()
        self.cured, self.unmeasured = self.cured + 1, True
        self.model.reset_metrics()
        sentence = (
            f"the loss exploded: training goes on from the weights after epoch {self.good_epoch} "
            f"with half the learning rate, {rates[0]:.2g} now (cure {self.cured} of {self.cures})"
        )
        self.findings["cured"] = sentence
        warn(sentence)

    def ask(self):
        """Report the symptoms that the model finds."""
        if hasattr(self.model, "symptoms"):
            self.say(self.model.symptoms(self.history or [{}]))

    def say(self, sentences):
        """Warn of each finding of `{name: sentence}` that was not reported before."""
        for name, sentence in sentences.items():
            if name not in self.findings:
                self.findings[name] = sentence
                warn(sentence)

    def optimizers(self):
        """Return the optimizers of all players."""
        if not hasattr(self.model, "players"):
            return [self.model.optimizer]
        return [optimizer for optimizer, _ in self.model.players()]

    def variables(self):
        """Return everything that an epoch changes: weights, random states, optimizer states."""
        return self.model.variables + [v for o in self.optimizers() for v in o.variables]

    def keep(self):
        """Keep a copy of the weights if they are finite."""
        values = [keras.ops.convert_to_numpy(v).copy() for v in self.variables()]
        floats = (value for value in values if np.issubdtype(value.dtype, np.floating))
        if all(np.isfinite(value).all() for value in floats):
            self.good, self.good_epoch = values, len(self.history)
        self.kept = time.monotonic()

    def restore(self, rates=None):
        """Restore the last good weights and optimizer states, with other learning rates.

        Returns:
            Whether the rates could be set, which is not possible for a schedule.
        """
        for variable, value in zip(self.variables(), self.good or (), strict=False):
            variable.assign(value)
        if rates is None:
            return True
        try:
            for optimizer, rate in zip(self.optimizers(), rates, strict=True):
                optimizer.learning_rate = rate
        except TypeError:  # from Keras, for a schedule
            return False
        if getattr(self.model, "anneals", False):  # `Progress` then anneals from these
            self.model.annealed_rates = rates
            self.model.peak_rates = tuple(0.5 * rate for rate in self.model.peak_rates)
        return True

    def stop(self):
        """Stop training after a non-finite loss, and restore the last good weights."""
        if "not_finite" in self.findings:
            return
        self.restore()
        self.model.stop_training = True
        after = f" after {self.cured} cures" if self.cured else ""
        self.say(
            {
                "not_finite": f"the loss is not finite any more{after}: training stopped, and the "
                f"weights after epoch {self.good_epoch} are restored; lower `learning_rate` of "
                "compile (--learning-rate), or look for extreme values in the data"
            }
        )
        self.ask()  # may give the cause

    def overfitting(self):
        """Report validation that gets worse while training improves."""
        monitor = getattr(self.model, "monitor", "val_loss")
        name, sign = monitor.lstrip("-"), -1.0 if monitor.startswith("-") else 1.0
        values = [sign * logs[name] for logs in self.history if name in logs]
        if len(values) <= self.patience:
            return {}
        best = int(np.argmin(values))
        waited = len(values) - 1 - best
        worse = min(values[-self.patience :]) - values[best]
        # The standard deviation of the noise around a trend, from second differences: the best of
        # several noisy values is lucky, and later ones need not be worse.
        noise = np.median(np.abs(np.diff(values, 2))) / 1.65
        seen = [logs for logs in self.history if name in logs]
        if waited < self.patience or worse <= self.tolerance * abs(values[best]) + 3 * noise:
            return {}
        # The accuracy on few examples changes in steps, so the loss must agree with it.
        falls = seen[-1]["loss"] < seen[best]["loss"]
        rises = seen[-1].get("val_loss", math.inf) > seen[best].get("val_loss", -math.inf)
        if not falls or not rises:
            return {}
        remedy = getattr(self.model, "remedy", "use fewer epochs, more data or a smaller network")
        return {
            "overfitting": f"overfitting: {name} was best after epoch {best + 1} "
            f"({sign * values[best]:.4g}) and is {sign * values[-1]:.4g} now, while the loss on "
            f"the training data still falls; {remedy}"
        }
