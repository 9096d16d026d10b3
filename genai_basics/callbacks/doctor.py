"""`Doctor`: a callback that reports problems in training and which argument to change."""

import math
import time
import warnings

import keras
import numpy as np

__all__ = ["Doctor"]


class Doctor(keras.callbacks.Callback):
    """Checks a model after every epoch; silent if all is well. On by default in `train`.

    Problems of all models are found here: a non-finite loss (training stops, and the weights of
    the last good epoch are restored) and overfitting. Problems specific to a family are in its
    models' `symptoms`. Each finding is reported once, as a warning.

    Args:
        patience: Epochs without a better validation value before overfitting is reported.
        tolerance: Minimum relative decline of the validation value, beyond noise.

    Attributes:
        findings: `{name: sentence}` of all findings.

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

    def __init__(self, patience=5, tolerance=0.05):
        super().__init__()
        self.patience, self.tolerance = patience, tolerance
        self.findings = {}
        self.history = []
        self.good, self.good_epoch, self.kept = None, 0, 0.0

    def on_train_begin(self, logs=None):
        self.keep()

    def on_train_batch_end(self, batch, logs=None):
        if not math.isfinite(float((logs or {}).get("loss", 0.0))):
            self.stop()

    def on_epoch_end(self, epoch, logs=None):
        logs = {name: float(value) for name, value in (logs or {}).items()}
        if "not_finite" in self.findings:
            return
        if not math.isfinite(logs.get("loss", 0.0)):
            return self.stop()
        self.history.append(logs)
        if time.monotonic() - self.kept > 2.0:  # copying weights may take longer than a short epoch
            self.keep()
        self.say(self.overfitting())
        self.ask()

    def ask(self):
        """Report the symptoms that the model finds."""
        if hasattr(self.model, "symptoms"):
            self.say(self.model.symptoms(self.history or [{}]))

    def say(self, sentences):
        """Warn of each finding of `{name: sentence}` that was not reported before."""
        for name, sentence in sentences.items():
            if name not in self.findings:
                self.findings[name] = sentence
                warnings.warn(sentence, stacklevel=2)

    def variables(self):
        """Return everything that an epoch changes: weights, random states, optimizer states."""
        players = self.model.players() if hasattr(self.model, "players") else []
        return self.model.variables + [v for optimizer, _ in players for v in optimizer.variables]

    def keep(self):
        """Keep a copy of the weights if they are finite."""
        values = [keras.ops.convert_to_numpy(v).copy() for v in self.variables()]
        floats = (value for value in values if np.issubdtype(value.dtype, np.floating))
        if all(np.isfinite(value).all() for value in floats):
            self.good, self.good_epoch = values, len(self.history)
        self.kept = time.monotonic()

    def stop(self):
        """Stop training after a non-finite loss, and restore the last good weights."""
        if "not_finite" in self.findings:
            return
        for variable, value in zip(self.variables(), self.good or (), strict=False):
            variable.assign(value)
        self.model.stop_training = True
        self.say(
            {
                "not_finite": f"the loss is not finite any more: training stopped, and the weights "
                f"after epoch {self.good_epoch} are restored; lower `learning_rate` of compile "
                "(--learning-rate), or look for extreme values in the data"
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
