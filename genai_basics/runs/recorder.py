"""`Recorder`: the Keras callback that writes a run folder during `fit`."""

import os
import time

import keras
import numpy as np

from .. import backend, plotting
from ..arguments import wanted
from ..data.writers import PREFERRED, write_samples
from ..feeding import Examples
from ..provenance import describe
from ..warning import warn
from .card import write_card
from .run_files import NotARunError, checkpoint, restore, write_history
from .run_folder import CHECKPOINTS, drop_earlier
from .schema import check_facts

__all__ = ["Follower", "Recorder", "validation_of"]

PREVIEWS = 8  # pictures of samples during training


class Recorder(keras.callbacks.Callback):
    """Writes the run folder during `fit`: history, checkpoints, best weights, samples.

    Args:
        run: The `Run`.
        model: The compiled model.
        data: The `Dataset`.
        per_epoch: Steps per epoch of the data.
        steps: Steps per round, which `fit` calls an epoch.
        log: An `EventLog`, if there is one.
    """

    spacing = 5.0  # minimum seconds between checkpoints
    finalizes = True  # instead of `fit`, after restoring the best weights

    def __init__(self, run, model, data, per_epoch, steps, log=None):
        super().__init__()
        self.run, self.data, self.log = run, data, log
        self.per_epoch, self.steps = per_epoch, steps
        self.trained = model
        self.begin()
        self.checkpointed = -np.inf  # always after the first round
        self.clock = self.guarantee = None  # for private training: a function without arguments

    def begin(self):
        """Set the state before the first round."""
        self.history, self.rounds_done, self.seconds = [], 0, 0.0
        self.best, self.best_value, self.best_step = None, np.inf, 0

    @property
    def checkpoints(self):
        """Paths of the last checkpoint, the previous one, and the best weights."""
        folder = self.run.folder / "checkpoints"
        return *(folder / name for name in CHECKPOINTS), folder / "best.npz"

    def groups(self):
        """Return all that training depends on, by name: weights, random states, optimizers."""
        optimizers = [o for o, _ in self.trained.players()]
        return {
            "weights": self.trained.variables,
            **{f"optimizer{i}": o.variables for i, o in enumerate(optimizers)},
        }

    def restore(self):
        """Restore the last complete checkpoint; return whether there is one.

        Raises:
            NotARunError: If there are checkpoints, but all are damaged.
        """
        *checkpoints, best = self.checkpoints
        existing = [path for path in checkpoints if path.exists()]
        for path in existing:
            try:
                facts = restore(path, check_facts, **self.groups())["facts"]
                break
            except NotARunError as error:
                if path == existing[-1]:
                    raise
                warn(f"{error}: going on from the one before")
        else:
            return False
        self.history, self.rounds_done = facts["history"], facts["rounds"]
        self.seconds, self.best_step = facts["seconds"], facts["best_step"]
        self.best_value = np.inf if facts["best"] is None else facts["best"]
        self.trained.private_steps = facts.get("private_steps", 0)
        if facts.get("rates"):  # halved by the doctor
            self.trained.peak_rates = facts["rates"]
        if best.exists():
            self.restore_best(best)
        return True

    def start(self):
        """Write the model before its first step, or restore the random states that it then had.

        An archive of Keras does not hold those of layers without a seed.
        """
        path = self.run.folder / "checkpoints" / "start.npz"
        states = [v for v in self.trained.variables if "int" in v.dtype]
        if path.exists():
            restore(path, states=states)
        else:
            self.run.save_model(self.trained)
            checkpoint(path, states=states)

    def restore_best(self, path):
        """Read the best weights with their own value and step, since they may be newer."""
        found = [_Held(v) for v in self.trained.variables]
        try:
            facts = restore(path, weights=found)
        except NotARunError as error:
            warn(f"{error}: the best weights are searched anew")
            self.best, self.best_value = None, np.inf
            return
        self.best = [held.value for held in found]
        self.best_step = facts.get("step", self.best_step)
        self.best_value = facts.get("value", self.best_value)

    @property
    def rates(self):
        """Peak learning rates of the players, after `Doctor`; `None` for the user's optimizers."""
        return list(self.trained.peak_rates) if self.trained.anneals else None

    @property
    def progress(self):
        """Progress of training, from 0 to 1."""
        return float(backend.value_of(self.trained.progress))

    def on_epoch_end(self, epoch, logs=None):
        logs = {name: float(value) for name, value in (logs or {}).items()}
        self.rounds_done = epoch + 1
        self.seconds = self.clock.elapsed
        step = self.history[-1]["step"] if self.history else 0
        step = int(step + self.steps)
        row = {"step": step, "epoch": round(step / self.per_epoch, 4)}
        row |= {"seconds": round(self.seconds, 2), "progress": round(self.progress, 6)}
        row["learning_rate"] = float(backend.value_of(self.trained.optimizer.learning_rate))
        self.history.append({**row, **logs})
        if self.log:
            self.log.row(self.history[-1])
        self.keep_best(logs, step)
        self.preview(step)
        if time.monotonic() - self.checkpointed > self.spacing:
            self.write()

    def keep_best(self, logs, step):
        """Keep the weights if the model's `monitor` is the best so far."""
        name, sign = (
            self.trained.monitor.lstrip("-"),
            -1.0 if self.trained.monitor[0] == "-" else 1.0,
        )
        value = logs.get(name, logs.get("loss") if name == "val_loss" else None)
        # On ties, keep the later one: few held-out examples give few distinct accuracies.
        if value is not None and sign * value <= self.best_value:
            self.best_value, self.best_step = sign * value, step
            self.best = [backend.value_of(v).copy() for v in self.trained.variables]

    def preview(self, step):
        """Write samples, always with the same seed, after each eighth of training."""
        suffix = PREFERRED.get(self.data.kind)
        part = int(self.progress * PREVIEWS)
        if not (suffix or self.log) or part == getattr(self, "part", -1):
            return
        self.part, name = part, f"samples/step-{step:06d}{suffix}"
        samples = write_preview(self.trained, self.run, suffix and name)
        if self.log and samples is not None:
            self.log.samples(samples, step)

    def write(self):
        """Write the checkpoint and its history."""
        began = time.monotonic()
        facts = {
            "history": self.history,
            "rounds": self.rounds_done,
            "seconds": self.clock.elapsed,
            "best": None if np.isinf(self.best_value) else self.best_value,
            "best_step": self.best_step,
            "private_steps": self.trained.private_steps,
            "rates": self.rates,
        }
        last, previous, best = self.checkpoints
        if self.best is not None:
            checkpoint(best, weights=self.best, step=self.best_step, value=self.best_value)
        if last.exists():
            os.replace(last, previous)
        checkpoint(last, facts=facts, **self.groups())
        write_history(self.run.folder / "history.csv", self.history)
        self.checkpointed = time.monotonic()
        self.spacing = max(self.spacing, 30 * (self.checkpointed - began))

    def on_train_end(self, logs=None):
        self.write()

    def end_early(self, status):
        """Restore the last checkpoint, whose state is complete, and keep its best weights."""
        if self.restore():
            return self.finish(status)
        self.run.config["status"] = status  # model.keras has the state before the first step
        self.run.save_config()

    def finish(self, status):
        """Keep the best weights and write the files of a finished run."""
        if self.best is not None:
            for variable, value in zip(self.trained.variables, self.best, strict=True):
                variable.assign(value)
        part = self.data.train
        held_out = self.data.validation
        held_out = Examples(held_out.x, held_out.y) if len(held_out) else None
        self.trained.finalize(part.x, part.y, validation=held_out)
        run, config = self.run, self.run.config
        config["status"] = status
        config["steps"] = self.history[-1]["step"] if self.history else 0
        config["seconds"] = round(self.seconds, 2)
        config["best"] = {"step": self.best_step, "monitor": self.trained.monitor}
        run.save_model(self.trained)
        run.__dict__["model"] = self.trained
        if self.history:
            write_history(run.folder / "history.csv", self.history)
            config["validation"] = self.validation_metrics()
        if self.guarantee:
            config["privacy"] = self.guarantee()
        self.draw()
        run.save_config()
        write_card(run)
        if self.log:
            self.log.finish(self.data, config["steps"])
        if status == "finished":
            drop_earlier(run.folder)

    def draw(self):
        """Write curves and samples; if the disk is full, the run is kept without them."""
        folder, suffix = self.run.folder, PREFERRED.get(self.data.kind)
        try:
            if self.history:
                plotting.curves(self.history, folder / "curves.png", best=self.best_step)
            if suffix:
                write_preview(self.trained, self.run, f"samples{suffix}")
        except OSError as error:
            warn(f"the run is complete, but its curves or samples are not written: {error}")

    def validation_metrics(self):
        """Return the validation metrics of the weights that are kept."""
        rows = [row for row in self.history if row["step"] == self.best_step] or self.history[-1:]
        return {k.removeprefix("val_"): v for k, v in rows[0].items() if k.startswith("val_")}


class _Held:
    """A placeholder for the value of a variable, to which `restore` assigns."""

    def __init__(self, variable):
        self.shape = variable.shape

    def assign(self, value):
        self.value = value


class Follower(Recorder):
    """The `Recorder` of all workers except the first; it writes nothing."""

    def restore(self):
        return True  # the first worker restores and shares its state

    def on_epoch_end(self, epoch, logs=None):
        pass

    def on_train_end(self, logs=None):
        pass

    def end_early(self, status):
        self.finish(status)

    def finish(self, status):
        self.run.config["status"] = "followed"
        self.run.__dict__["model"] = self.trained


def write_preview(model, run, name, n=64):
    """Return n samples, `None` if the model makes none, and write them to the run folder.

    Without a name, nothing is written.
    """
    if not model.can_sample:
        return None
    seed = run.config["training"]["seed"]
    samples = model.sample(n, seed=seed)
    if name:
        labels = model.labels.spread(n)
        facts = describe(run, seed=seed)
        write_samples(samples, run.folder / name, run.spec, labels=labels, provenance=facts)
    return samples


def validation_of(model, data):
    """Return the validation part in the form that `fit` expects, `None` if there is none."""
    part = data.validation
    if not len(part):
        return None
    y = wanted(model, part.y)
    return part.x if y is None else (part.x, y)
