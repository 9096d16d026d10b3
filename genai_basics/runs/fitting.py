"""Trains a model in its run folder: budget, stopping, halving the batch, final steps."""

import time

from .. import backend
from ..arguments import wanted
from ..callbacks import Doctor, Progress
from ..feeding import Examples, fitting_size, steps_per_epoch
from ..warning import warn
from .card import write_card
from .event_log import EventLog
from .pace import Pace
from .recorder import Follower, Recorder, validation_of
from .run import load_model
from .run_folder import learned
from .stopping import TOO_SHORT, Interrupted, OutOfMemoryError

__all__ = ["fit"]

LEAST_STEPS = 20  # minimum steps of a round with a budget in minutes
SHORT_AUDIT = (256, 1000)  # samples and members of the final audit


def fit(run, recipe, model, data, callbacks, log=None):
    """Train `model`, from the last checkpoint if there is one, and complete the run folder.

    If the first steps do not fit into memory, they are tried once more with half the batch size.
    """
    training = run.config["training"]
    log = EventLog(run) if log and backend.join(training["strategy"]) == 0 else None
    try:
        return _fit(run, recipe, model, data, callbacks, log)
    except OutOfMemoryError as error:
        size = training["batch_size"]
        alone = training["strategy"] == "one" and training.get("dp_noise") is None
        if learned(run.folder) or size < 2 or not alone:
            raise
        training["batch_size"] = size // 2
        warn(f"{error}; trying {size // 2}")
    model = load_model(run.folder)  # its state before the first step
    return _fit(run, recipe, model, data, callbacks, log)


def _fit(run, recipe, model, data, callbacks, log):
    training, began = run.config["training"], time.monotonic()
    run.config["status"] = "running"
    first = backend.join(training["strategy"]) == 0
    model.adapt_once(Examples(data.train.x, data.train.y))
    asked = training["batch_size"]  # a requested size is not changed
    usual = min(recipe.batch_size, model.batch_size)  # some models' arguments require less
    training["batch_size"], steps = _plan(model, data.train, asked, usual)
    rounds = -(-steps // recipe.round_steps)  # per epoch
    length = -(-steps // rounds)
    if training["minutes"]:  # epochs of few examples are too short for a round
        length *= max(1, LEAST_STEPS // length)
    recorder = (Recorder if first else Follower)(run, model, data, steps, length, log)
    if not recorder.restore():
        recorder.start()
        recorder.seconds = time.monotonic() - began  # preparation counts
    if first:
        run.save_config()
    done = backend.of_first([recorder.rounds_done, recorder.seconds])
    recorder.rounds_done, recorder.seconds = int(done[0]), float(done[1])
    state = [variable for group in recorder.groups().values() for variable in group]
    backend.train_as_one(state, [optimizer for optimizer, _ in model.players()])
    if training["minutes"]:
        budget = {"seconds": 60 * training["minutes"], "spent": recorder.seconds}
        total = 10**9
    else:
        total = training["epochs"] * rounds
        budget = {"epochs": total}
    recorder.clock = clock = Progress(**budget)
    if training["minutes"] and first:
        callbacks = [*callbacks, Pace(training["minutes"], lambda: clock.elapsed)]
    trainer = _trainer(model, training)
    if trainer is not model:
        before = run.config.get("private_before", ())
        earlier = sum(steps for _, _, steps in before)  # also counted by the model
        recorder.guarantee = lambda: trainer.guarantee(
            data.train.x, model.private_steps - earlier, training["batch_size"], before
        )
    doctor = Doctor()
    left = recorder.rounds_done < total
    if training["minutes"]:
        left = recorder.seconds < 60 * training["minutes"]
    try:
        if left:
            trainer.fit(
                data.train.x,
                wanted(model, data.train.y),
                batch_size=training["batch_size"],
                epochs=total,
                initial_epoch=recorder.rounds_done,
                steps_per_epoch=recorder.steps,
                validation_data=validation_of(model, data),
                callbacks=[recorder.clock, *callbacks, doctor, recorder],
                verbose=0,
            )
    except backend.OUT_OF_MEMORY as error:
        recorder.end_early("out of memory")
        raise OutOfMemoryError(training["batch_size"]) from error
    except KeyboardInterrupt:
        recorder.end_early("interrupted")
        raise Interrupted(run) from None
    except backend.WorkerLost:
        recorder.end_early("interrupted")
        raise
    if doctor.findings:
        run.config["findings"] = doctor.findings
    if first and not recorder.history:
        recorder.finish(TOO_SHORT)
        warn(
            f"the budget of {training['minutes']:g} minutes ended before the first step: "
            f"preparing took {recorder.seconds:.0f} s; give more `minutes` (--minutes)"
        )
        return run
    recorder.finish("not finite" if "not_finite" in doctor.findings else "finished")
    if not first:
        return run
    if training.get("audit", True):
        _end_with_audit(run, data)
    return run


def _trainer(model, training):
    """Return the object whose `fit` trains the model: itself, or a private training."""
    if training.get("dp_noise") is None:
        return model
    from ..audit import PrivateTraining

    return PrivateTraining(model, training["dp_noise"], training["dp_clip"] or 1.0)


def _end_with_audit(run, data):
    """Add a short audit to the run; the run is kept whatever happens."""
    from ..audit import audit_run

    began = time.monotonic()
    try:
        found = audit_run(run, data, n=SHORT_AUDIT[0], members=SHORT_AUDIT[1])
        run.write_pictures(found.pictures)
        run.config["audit"] = {**found.to_config(), "seconds": time.monotonic() - began}
    except Exception as error:  # a user's own model may not support an audit
        warn(f"the audit stopped: {type(error).__name__}: {error}")
        return
    run.save_config()
    write_card(run)


def _plan(model, part, asked, usual):
    """Return the batch size, as requested or adapted to the data, and the steps per epoch."""
    prepared = model.prepare(part.x, part.y)
    size = asked or fitting_size(model, prepared, usual)
    if size % backend.workers():  # equal shares for all workers
        size = max(size - size % backend.workers(), backend.workers())
    model.draws(prepared, size, training=True)  # creates the states between batches, if any
    return size, steps_per_epoch(model, prepared, size)
