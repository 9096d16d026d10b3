"""`train`: trains a model, given by name, on data and writes a complete run folder."""

import contextlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from .. import backend
from ..checks import one_of
from ..data import Dataset, load_data
from ..data.loading import load_for
from ..extras import require
from ..recipes import builder_of, check_options, get_recipe, parameters
from .fitting import fit
from .preparing import (
    check_numbers,
    checked,
    describe,
    facts_of,
    free_folder,
    latest_folder,
    plain,
    planted,
    prepare_process,
    versions,
)
from .run import Run, load_model, load_run
from .run_folder import locked, new_folder, put_aside
from .stopping import interruptible

__all__ = ["train"]


def train(
    name: str,
    data=None,
    *,
    epochs: int | None = None,
    minutes: float | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    seed: int | None = 0,
    out: str | Path | None = None,
    resume: bool = False,
    force: bool = False,
    deterministic: bool = False,
    precision: str | None = None,
    strategy: str = "one",
    start_from=None,
    data_options: dict | None = None,
    facts=(),
    audit: bool = True,
    license: str | None = None,
    drop: Sequence[str] = (),
    dp_noise: float | None = None,
    dp_clip: float | None = None,
    canaries: Sequence[str] = (),
    log: Literal["tensorboard"] | None = None,
    callbacks=(),
    **options,
) -> "Run":
    """Train a model on data and write a run folder. `genai-basics train` is this function.

    Args:
        name: Name of a model; see `genai_basics.recipes.RECIPES`.
        data: A `Dataset`, or a source for `load_data`. `None`: the model's default data set.
        epochs: Number of epochs. `None` uses the recipe's.
        minutes: Budget in minutes instead of epochs, including compilation; the learning rate
            and other schedules end with it.
        batch_size: Examples per step, of all workers together. `None` uses the recipe's, or
            less for few data.
        learning_rate: Initial learning rate. `None` uses the model's.
        seed: Seed of weights, noise and the order of data.
        out: The run folder. `None`: the first of runs/NAME, runs/NAME-2, ... that is free.
        resume: Continue the run in `out` from its last checkpoint, on the same data, to the
            end of its budget, which `epochs` or `minutes` may extend.
        force: Overwrite an existing run in `out`.
        deterministic: Make training reproducible bit for bit, at some cost in speed.
        precision: A Keras dtype policy such as "mixed_bfloat16".
        strategy: "one" device, "mirrored" over all devices of this machine, or "multiworker":
            the same call is made in each of the processes, on one or many machines, that the
            environment variable TF_CONFIG lists. Each batch is split over them, in the same
            order as with a single process (so `batch_size` is rounded down to a multiple of
            their number); batch normalization uses each worker's own share. Each needs all
            data, and uses the first device in CUDA_VISIBLE_DEVICES. Worker 0 writes the run;
            any number of workers with access to its folder may resume it.
        start_from: A run folder whose weights to start from, on new data.
        data_options: Keyword arguments for `load_data`.
        facts: Fields of the data's spec that are passed to the builder in addition to the
            recipe's: `("num_classes", "class_names")` makes a model conditional.
        audit: Whether to check the data first, and to end with a short audit of what the
            model copies and leaks.
        license: Licence of the data, for the model card.
        drop: What to remove from the training data: any of "duplicates", "leaks", "groups",
            "labels" and "personal"; see `genai_basics.audit.check_data`.
        dp_noise, dp_clip: Noise multiplier and clipping norm of private training (DP-SGD); the
            run then reports its epsilon.
        canaries: How often to plant each secret in the training text, such as `(1, 10)` for
            two secrets; the audit then measures their exposure. For texts only.
        log: "tensorboard" also writes event files to the folder `tensorboard` of the run:
            metrics, samples as pictures, text or sound, and examples at the end.
        callbacks: Additional Keras callbacks.
        **options: Keyword arguments of the model's builder.

    Returns:
        The `Run`.

    Raises:
        ValueError: If an argument is invalid.
        FileExistsError: If `out` exists and neither `resume` nor `force` is given.
        Interrupted: On Ctrl-C, SIGTERM or SIGHUP; the run then has the state of its last
            checkpoint.
        OutOfMemoryError: If training does not fit into memory even with half the batch size.
        BlockingIOError: If another process is writing the run.
        ConnectionError: If another worker has ended, after the run has been saved.

    Example:

    >>> from genai_basics import train
    >>> run = train("vae", "digits", epochs=2, latent_dim=8)
    >>> run.model.sample(16).shape
    (16, 8, 8, 1)
    """
    recipe = get_recipe(name)
    check_options(name, options)
    if log is not None:
        one_of("log", log, ("tensorboard",))
        require("tensorboard", "log")
    check_numbers(epochs, minutes, batch_size, dp_noise, dp_clip)
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
        own = {"callbacks": callbacks, "log": log}
        return _resume(recipe, data, epochs, minutes, out, strategy, own, {**asked, **options})
    origin = _origin(start_from, recipe, facts, options)
    place = Path(out) if out else free_folder(name) if first else None
    writing = new_folder(place, force, made=not out) if first else contextlib.nullcontext()
    with interruptible(), writing as folder:
        data = load_for(recipe, data, data_options or {}, origin and origin.spec)
        data, checks = checked(data, drop, audit, seed)
        data, secrets = planted(data, canaries, seed)
        demo = recipe.demo_of(data)
        facts = facts or demo.get("facts", ())
        arguments = {**demo, **facts_of(data, recipe.facts, facts), **options, "seed": seed}
        arguments = {k: v for k, v in arguments.items() if k in parameters(name)}
        builder = {"name": recipe.builder, "arguments": plain(arguments)}
        config = {
            "model": name,
            "status": "running",
            "builder": origin.config["builder"] if origin else builder,
            "training": {
                "epochs": None if minutes else epochs or demo.get("epochs", recipe.epochs),
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
            "private_before": ((origin and origin.config.get("privacy")) or {}).get("parts", []),
        }
        prepare_process(config["training"])
        with backend.distribution(strategy):
            folder = _same_for_all(folder, config)
            model = load_model(start_from) if origin else builder_of(name)(**arguments)
            model.compile(learning_rate=learning_rate)
            if first:
                put_aside(folder)
            return fit(Run(folder, config), recipe, model, data, callbacks, log)


def _origin(start_from, recipe, facts, options):
    """Return the run to start from, whose model is not changed."""
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
    """Raise a `ValueError` for an option that cannot be changed for an existing run."""
    usual = {name: parameter.value for name, parameter in parameters(recipe.name).items()}
    for name, value in plain(options).items():
        if value not in (None, [], recorded.get(name, usual.get(name))):
            raise ValueError(
                f"{what} goes on with its own `{name}`: leave it out. Received: {name}={value!r}"
            )


def _resume(recipe, data, epochs, minutes, out, strategy, own, asked):
    folder = Path(out) if out else latest_folder(recipe.name)
    first = backend.join(strategy) == 0
    load_run(folder)  # or raise an error that explains the problem
    with interruptible(), locked(folder) if first else contextlib.nullcontext():
        return _go_on(recipe, data, epochs, minutes, folder, strategy, own, asked)


def _go_on(recipe, data, epochs, minutes, folder, strategy, own, asked):
    """Continue a run whose folder is locked."""
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
    if "multiworker" in (strategy, training["strategy"]):  # any number of workers may continue
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
    prepare_process(training)
    with backend.distribution(training["strategy"]):
        _same_for_all(folder, run.config)
        model = load_model(folder)
        if not model.compiled:
            model.compile(learning_rate=training["learning_rate"])
        return fit(run, recipe, model, data, **own)


def _same_for_all(folder, config):
    """Return the first worker's folder; raise an error if this worker's arguments differ."""
    work = {key: config[key] for key in ("model", "builder", "training")}
    work["data"] = config["data"]["fingerprint"]
    folder, firsts = json.loads(backend.of_first(json.dumps([str(folder), work])))
    work = json.loads(json.dumps(work))
    if work != firsts:
        other = ", ".join(key for key in work if work[key] != firsts[key])
        raise ValueError(f"all workers need the same command and data; here is another {other}")
    return Path(folder)
