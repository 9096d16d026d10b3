"""`train`: from the name of a model and some data to a run folder with everything in it."""

import contextlib
import json
import time
import warnings
from pathlib import Path

import keras

from .. import backend
from ..callbacks import Doctor, Progress
from ..checks import positive
from ..data import Dataset, load_data
from ..feeding import Examples, fitting_size, steps_per_epoch
from ..recipes import builder_of, check_options, get_recipe, parameters
from .card import write_card
from .preparing import checked, describe, facts_of, load, plain, planted, versions
from .recorder import Follower, Recorder, validation_of
from .run import Interrupted, Run, load_model, load_run, new_folder, put_aside

__all__ = ["Interrupted", "train"]

LEAST_STEPS = 20  # of a round, in a budget of minutes
SHORT_AUDIT = (256, 1000)  # samples and members of the audit at the end


def train(
    name,
    data=None,
    *,
    epochs=None,
    minutes=None,
    batch_size=None,
    learning_rate=None,
    seed=0,
    out=None,
    resume=False,
    force=False,
    deterministic=False,
    precision=None,
    strategy="one",
    start_from=None,
    data_options=None,
    facts=(),
    audit=True,
    license=None,
    drop=(),
    dp_noise=None,
    dp_clip=None,
    canaries=(),
    callbacks=(),
    **options,
):
    """Train a model on data and write a run folder. `genai-basics train` is this function.

    Args:
        name: Name of a model, see `genai_basics.recipes.RECIPES`.
        data: A `Dataset`, or what `load_data` takes. `None`: data that need no network.
        epochs: Budget in passes over the data. `None` takes the recipe's.
        minutes: Budget in minutes instead, compilation included; learning rate and other
            schedules end where it ends.
        batch_size: Examples in a step, those of all workers together. `None` takes the recipe's,
            or less where data are few.
        learning_rate: Where the learning rate starts. `None` takes the model's.
        seed: Seed of weights, noise and the order of data.
        out: The run folder. `None`: the first of runs/NAME, runs/NAME-2, ... that is free.
        resume: Go on with the run in `out` from its last checkpoint, on the same data, to the
            end of its budget. `epochs` or `minutes` may enlarge it.
        force: Write into `out` although there is a run.
        deterministic: Repeat bit for bit, at some cost in speed.
        precision: A Keras dtype policy such as "mixed_bfloat16".
        strategy: "one" device, "mirrored" over all of this machine, or "multiworker": the same
            call is made once in each of the processes, on one machine or many, that the
            environment variable TF_CONFIG names. Each batch is split over them, in the order of
            a training by one (so `batch_size` is rounded down to a multiple of their number);
            batch normalization sees a worker's own part. Each needs all of the data, and takes
            the first device that CUDA_VISIBLE_DEVICES shows it. Worker 0 writes the run; any
            number of workers that see its folder may resume it.
        start_from: A run folder whose weights to start from, on new data.
        data_options: Keyword arguments for `load_data`.
        facts: Facts of the data that the builder gets in addition to the recipe's, by its keywords:
            `("num_classes", "class_names")` makes a model conditional.
        audit: Whether to look through the data first, and to end with a short audit: what the
            model copied and leaks.
        license: Licence of the data, for the model card.
        drop: What to take out of the training data, among "duplicates", "leaks", "groups",
            "labels" and "personal"; see `genai_basics.audit.check_data`.
        dp_noise, dp_clip: Noise multiplier and clipping norm of private training (DP-SGD); the
            run then says what epsilon it comes to.
        canaries: How often to plant each of some secrets in the training text, `(1, 10)`: the
            audit then measures their exposure. For text only.
        callbacks: More Keras callbacks.
        **options: Keyword arguments of the model's builder.

    Returns:
        The `Run`.

    Raises:
        ValueError: If an argument is wrong, in one sentence.
        FileExistsError: If `out` exists and neither `resume` nor `force` is given.
        Interrupted: On Ctrl-C, after the run has been saved.
        ConnectionError: If another worker has ended, after the run has been saved.

    Example:

    >>> from genai_basics import train
    >>> run = train("vae", "digits", epochs=2, latent_dim=8)
    >>> run.model.sample(16).shape
    (16, 8, 8, 1)
    """
    recipe = get_recipe(name)
    check_options(name, options)
    _check_numbers(epochs, minutes, batch_size, dp_noise, dp_clip)
    first = backend.join(strategy) == 0
    asked = {
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "precision": precision,
        "start_from": start_from and str(start_from),
        "drop": list(drop),
        "dp_noise": dp_noise,
        "dp_clip": dp_clip,
        "canaries": list(canaries),
    }
    if resume:
        return _resume(
            recipe, data, epochs, minutes, out, strategy, callbacks, {**asked, **options}
        )
    origin = _origin(start_from, recipe, facts, options)
    place = Path(out) if out else _free(name)
    with new_folder(place, force) if first else contextlib.nullcontext() as folder:
        data = load(recipe, data, data_options or {}, origin and origin.spec)
        data, checks = checked(data, drop, audit, seed)
        data, secrets = planted(data, canaries, seed)
        arguments = {**facts_of(data, recipe.facts, facts), **options, "seed": seed}
        arguments = {k: v for k, v in arguments.items() if k in parameters(name)}
        builder = {"name": recipe.builder, "arguments": plain(arguments)}
        config = {
            "model": name,
            "status": "running",
            "builder": origin.config["builder"] if origin else builder,
            "training": {
                "epochs": None if minutes else epochs or recipe.epochs,
                "minutes": minutes,
                "seed": seed,
                "deterministic": deterministic,
                "strategy": strategy,
                "audit": audit,
                **asked,
            },
            "data": {**describe(data), "license": license},
            "checks": checks,
            "canaries": secrets,
            "versions": versions(),
            "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        }
        _prepare_process(config["training"])
        with backend.distribution(strategy):
            folder = _same_for_all(folder, config)
            model = load_model(start_from) if origin else builder_of(name)(**arguments)
            model.compile(learning_rate=learning_rate)
            run = Run(folder, config)
            if first:
                put_aside(folder)
                run.save_config()
            return _fit(run, recipe, model, data, callbacks)


def _origin(start_from, recipe, facts, options):
    """Return the run to start from, whose model stays what it is."""
    if not start_from:
        return None
    origin = load_run(start_from)
    if origin.name != recipe.name:
        raise ValueError(
            f"'{start_from}' is a run of {origin.name}. Received: train {recipe.name} --from"
        )
    recorded = origin.config["builder"]["arguments"]
    facts = {name: "of the data" for name in facts if name not in recorded}
    _check_same({**facts, **options}, recorded, recipe, f"'{start_from}'")
    return origin


def _check_same(options, recorded, recipe, what):
    """Raise a `ValueError` where an option was given that a run cannot take on any more."""
    usual = {name: parameter.value for name, parameter in parameters(recipe.name).items()}
    for name, value in plain(options).items():
        if value not in (None, [], recorded.get(name, usual.get(name))):
            raise ValueError(
                f"{what} goes on with its own `{name}`: leave it out. Received: {name}={value!r}"
            )


def _resume(recipe, data, epochs, minutes, out, strategy, callbacks, asked):
    folder = Path(out) if out else _latest(recipe.name)
    run = load_run(folder)
    if run.name != recipe.name:
        raise ValueError(
            f"'{folder}' is a run of {run.name}. Received: train {recipe.name} --resume"
        )
    training = run.config["training"]
    recorded = {**run.config["builder"]["arguments"], **training}
    _check_same(asked, recorded, recipe, f"'{folder}'")
    if epochs or minutes:
        training.update(epochs=epochs, minutes=minutes)
    if "multiworker" in (strategy, training["strategy"]):  # any number of workers may go on
        training["strategy"] = strategy
    if isinstance(data, Dataset):
        pass
    elif data is None or run.config["data"]["source"]:
        data = run.data(data) if data and data != run.config["data"]["name"] else run.data()
    else:
        data = load_data(data, like=run.spec)
    if data.fingerprint != run.config["data"]["fingerprint"]:
        raise ValueError(
            f"the data have changed since '{folder}' was trained ({len(data.train)} training "
            f"examples now, {run.config['data']['sizes'][0]} then): go on from its weights by "
            "`--from` instead of `--resume`"
        )
    data = checked(data, training.get("drop", ()), False, training["seed"])[0]
    data = planted(data, training.get("canaries", ()), training["seed"])[0]
    _prepare_process(training)
    with backend.distribution(training["strategy"]):
        _same_for_all(folder, run.config)
        model = load_model(folder)
        if not model.compiled:
            model.compile(learning_rate=training["learning_rate"])
        run.config["status"] = "running"
        return _fit(run, recipe, model, data, callbacks)


def _same_for_all(folder, config):
    """Return the first worker's folder, or raise where this one was given other work."""
    work = {key: config[key] for key in ("model", "builder", "training")}
    work["data"] = config["data"]["fingerprint"]
    folder, firsts = json.loads(backend.of_first(json.dumps([str(folder), work])))
    work = json.loads(json.dumps(work))
    if work != firsts:
        other = ", ".join(key for key in work if work[key] != firsts[key])
        raise ValueError(f"all workers need the same command and data; here is another {other}")
    return Path(folder)


def _fit(run, recipe, model, data, callbacks):
    """Train `model`, from the last checkpoint where there is one, and finish the run folder."""
    training, began = run.config["training"], time.monotonic()
    first = backend.join(training["strategy"]) == 0
    model.adapt_once(Examples(data.train.x, data.train.y))
    asked = training["batch_size"]  # a requested size is not changed
    usual = min(recipe.batch_size, model.batch_size)  # some models want less by their arguments
    training["batch_size"], steps = _plan(model, data.train, asked, usual)
    rounds = -(-steps // recipe.round_steps)  # of one epoch
    length = -(-steps // rounds)
    if training["minutes"]:  # passes over a few examples are too short for a round each
        length *= max(1, LEAST_STEPS // length)
    recorder = (Recorder if first else Follower)(run, model, data, per_epoch=steps, steps=length)
    if not recorder.restore():
        run.save_model(model)
        recorder.seconds = time.monotonic() - began  # preparation counts
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
    recorder.clock = Progress(**budget)
    trainer = _trainer(model, training)
    doctor = Doctor()
    left = recorder.rounds_done < total
    if training["minutes"]:
        left = recorder.seconds < 60 * training["minutes"]
    try:
        if left:
            trainer.fit(
                data.train.x,
                data.train.y,
                batch_size=training["batch_size"],
                epochs=total,
                initial_epoch=recorder.rounds_done,
                steps_per_epoch=recorder.steps,
                validation_data=validation_of(data),
                callbacks=[recorder.clock, *callbacks, doctor, recorder],
                verbose=0,
            )
    except (KeyboardInterrupt, backend.WorkerLost) as error:
        recorder.finish("interrupted")
        if isinstance(error, backend.WorkerLost):
            raise
        raise Interrupted(run) from None
    if doctor.findings:
        run.config["findings"] = doctor.findings
    recorder.finish("finished")
    if not first:
        return run
    if trainer is not model:
        run.config["privacy"] = trainer.guarantee(
            data.train.x, run.config["steps"], training["batch_size"]
        )
        run.save_config()
        write_card(run)
    if training.get("audit", True):
        _end_with_audit(run, data)
    return run


def _trainer(model, training):
    """Return what fits the model: itself, or what trains it privately."""
    if training.get("dp_noise") is None:
        return model
    from ..audit import PrivateTraining

    return PrivateTraining(model, training["dp_noise"], training["dp_clip"] or 1.0)


def _end_with_audit(run, data):
    """Write a short audit into the run; whatever goes wrong in it, the run is kept."""
    from ..audit import audit_run

    began = time.monotonic()
    try:
        found = audit_run(run, data, n=SHORT_AUDIT[0], members=SHORT_AUDIT[1])
        run.write_pictures(found.pictures)
        run.config["audit"] = {**found.to_config(), "seconds": time.monotonic() - began}
    except Exception as error:  # a model of the user's own may lack what an audit asks for
        warnings.warn(f"the audit stopped: {type(error).__name__}: {error}", stacklevel=2)
        return
    run.save_config()
    write_card(run)


def _plan(model, part, asked, usual):
    """Return batch size, as asked or fitting the data, and steps of a pass."""
    prepared = model.prepare(part.x, part.y)
    size = asked or fitting_size(model, prepared, usual)
    if size % backend.workers():  # each worker gets as many
        size = max(size - size % backend.workers(), backend.workers())
    return size, steps_per_epoch(model, prepared, size)


def _check_numbers(epochs, minutes, batch_size, dp_noise, dp_clip):
    if epochs and minutes:
        raise ValueError(
            f"give `epochs` or `minutes`, not both. Received: epochs={epochs}, minutes={minutes}"
        )
    budget = {"epochs": epochs, "minutes": minutes, "batch_size": batch_size}
    for name, value in {**budget, "dp_noise": dp_noise, "dp_clip": dp_clip}.items():
        if value is not None:
            positive(name, value)
    if dp_clip is not None and dp_noise is None:
        raise ValueError(f"`dp_clip` needs `dp_noise`. Received: dp_clip={dp_clip}, dp_noise=None")


def _prepare_process(training):
    if training["strategy"] != "one" and training.get("dp_noise"):
        raise ValueError(
            "private training takes one process and one device: leave `dp_noise` out, or the "
            f"strategy. Received: dp_noise={training['dp_noise']}, "
            f'strategy="{training["strategy"]}"'
        )
    keras.utils.set_random_seed(training["seed"])
    if training["deterministic"]:
        backend.deterministic()
    if training["precision"]:
        keras.config.set_dtype_policy(training["precision"])


def _free(name):
    folders = (Path("runs") / (name if i == 1 else f"{name}-{i}") for i in range(1, 10**6))
    return next(folder for folder in folders if not folder.exists())


def _latest(name):
    folders = [p.parent for p in Path("runs").glob(f"{name}*/config.json")]
    if not folders:
        raise ValueError(f"there is no run of {name} in runs/; say which by `--out`")
    return max(folders, key=lambda folder: (folder / "config.json").stat().st_mtime)
