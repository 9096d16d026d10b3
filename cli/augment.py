"""`genai-basics augment`: enlarge a labelled data set and measure whether it helps."""

from pathlib import Path

import click

from genai_basics.recipes import models_that
from genai_basics.signatures import signature_of

from .options import (
    able,
    check_out,
    data_options,
    echo_json,
    echo_table,
    force_option,
    json_option,
    load,
    out_option,
    split_data_options,
)

MODELS = sorted({*models_that("labels", "images"), *models_that("labels", "vectors")})
USUAL = signature_of("augmenting.augment")["generator"].value  # the default model
ARMS = {
    "real": "real examples alone",
    "generated": "real and generated",
    "varied": "real, ordinary augmentation",
    "both": "real and generated, ordinary augmentation",
}


@click.command()
@click.argument("run", type=click.Path(path_type=Path), required=False)
@data_options
@click.option("-n", "--count", "n", type=click.IntRange(1), help="Examples to generate.")
@click.option("--model", type=click.Choice(MODELS), help=f"Model to train. [default: {USUAL}]")
@click.option("--epochs", type=click.IntRange(1), help="Number of epochs of that model.")
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Number of classifiers per comparison.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Random seed.")
@out_option("The enlarged data set, .npz in Keras' layout. [default: augmented.npz]")
@force_option
@json_option
def augment(run, n, model, epochs, seeds, seed, out, force, json_, **values):
    """Enlarge a labelled data set with generated examples and measure the gain.

    Uses the conditional model in RUN, or trains one on DATA. Samples whose label is not confirmed
    by a classifier are discarded. Classifiers are then trained with and without the remaining
    samples, and with ordinary augmentation, and evaluated on held-out real examples.

    \b
    Example:
        genai-basics augment --data digits --limit 300 --out more.npz
        genai-basics augment runs/gan --out more.npz
    """
    out = out or Path("augmented.npz")
    if out.suffix != ".npz":
        raise click.UsageError(f"an augmented data set is an .npz file. Received: --out {out}")
    check_out(out, force)
    source, options = split_data_options(values)
    if run is None and source is None:
        raise click.UsageError("give a RUN, or --data DATA to train a model on.")
    if run is not None and (model or epochs):
        raise click.UsageError("--model and --epochs train a model; leave them out with a RUN.")

    from genai_basics.startup import quiet_tensorflow

    quiet_tensorflow()
    import numpy as np

    from genai_basics.atomic import replacing
    from genai_basics.augmenting import augment as enlarge
    from genai_basics.data import load_data
    from genai_basics.provenance import COMPOSITE, describe, embed

    loaded = None if run is None else load(run)
    if loaded is not None and not able(loaded, "labels"):
        raise click.ClickException(
            f"{loaded.name} does not sample by label; train {' or '.join(MODELS)}."
        )
    model = model or USUAL
    data = load_data(source, **options) if loaded is None else loaded.data(source, **options)
    if data.kind not in ("images", "vectors"):
        raise ValueError(
            f"augment takes images or vectors, and '{data.name}' was read as {data.kind}"
        )
    if data.train.y is None:
        raise ValueError(f"'{data.name}' has no labels, which augment needs")
    done = enlarge(
        np.asarray(data.train.x[: len(data.train)]),
        data.train.y,
        held_out=_held_out(data),
        n=n,
        generator=model if loaded is None else loaded.model,
        epochs=epochs,
        seeds=seeds,
        class_names=data.spec.class_names,
        value_range=getattr(data.spec, "value_range", (0, 255)),
        seed=seed,
    )
    facts = describe(
        model if loaded is None else loaded,
        COMPOSITE,
        seed=seed,
        real_examples=done.real,
        generated_examples=len(done.x) - done.real,  # they follow the real ones
    )
    with replacing(out) as temporary:
        with open(temporary, "wb") as file:
            np.savez_compressed(file, x_train=done.x, y_train=done.y)
        embed(temporary, facts)
    if json_:
        return echo_json(
            {
                "out": str(out),
                "real": done.real,
                "generated": len(done.x) - done.real,
                "agreement": done.agreement,
                "accuracy": done.accuracy,
                "gains": done.gains,
                "verdict": done.verdict,
            }
        )
    rows = []
    for name, values in done.accuracy.items():
        gain = done.gains.get(name)
        change = "" if gain is None else f"{gain[0]:+.2%} [{gain[1]:+.2%}, {gain[2]:+.2%}]"
        rows.append((ARMS[name], f"{sum(values) / len(values):.2%}", change))
    echo_table(rows, ("classifier trained on", "accuracy", "against real alone"))
    click.echo(f"The classifier agreed with {done.agreement:.0%} of the generated examples.")
    click.echo(done.verdict)
    click.echo(f"{done.real:,} real and {len(done.x) - done.real:,} generated examples -> {out}")


def _held_out(data):
    """Return real examples that were not used in training, or None if there are none."""
    part = data.test if len(data.test) else data.validation
    return (part.x[: len(part)], part.y) if len(part) else None
