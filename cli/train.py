"""`genai-basics train MODEL`: one command per row of `recipes.py`."""

import contextlib
import shlex
import sys
from pathlib import Path

import click

from genai_basics.recipes import RECIPES, check_options, get_recipe, parameters
from genai_basics.warning import warn

from .inline import show_picture
from .options import (
    Number,
    able,
    as_click,
    assignments,
    data_options,
    echo_json,
    force_option,
    json_option,
    out_option,
    split_data_options,
)

FIGURES = 4  # number of validation metrics shown; the model card has all
GROUPS = {  # title: parameters; all others belong to the model
    "Budget": (
        *("epochs", "minutes", "batch_size", "learning_rate"),
        *("resume", "start_from"),
    ),
    "Data": (
        *("data", "kind", "target", "image_size", "fit", "color", "encoding", "delimiter"),
        *("decimal", "thousands", "missing", "header", "day_first", "group", "limit", "strict"),
        *("load", "drop"),
    ),
    "Model": (),
    "Checks and privacy": ("audit", "canaries", "dp_noise", "dp_clip"),
    "Machine": ("seed", "deterministic", "precision", "strategy"),
    "Output": ("out", "force", "log", "license", "quiet", "json_", "_click_default_help"),
}


class Grouped(click.Command):
    """A command that shows its options in `GROUPS` in the help."""

    def format_options(self, ctx, formatter):
        place = {name: title for title, names in GROUPS.items() for name in names}
        rows = {title: [] for title in GROUPS}
        for parameter in self.get_params(ctx):
            row = parameter.get_help_record(ctx)
            if row is not None:
                rows[place.get(parameter.name, "Model")].append(row)
        for title, found in rows.items():
            with formatter.section(title):
                formatter.write_dl(found)


class Models(click.Group):
    """The models as subcommands, created from their recipes on request."""

    def list_commands(self, ctx):
        return list(RECIPES)

    def get_command(self, ctx, name):
        try:
            return _command(get_recipe(name))
        except ValueError as error:
            raise click.UsageError(str(error), ctx) from None


@click.group(cls=Models, subcommand_metavar="MODEL [OPTIONS]")
def train():
    """Train a model; `train MODEL --help` lists its options.

    \b
    Example:
        genai-basics train vae
        genai-basics train vae --data photos/ --minutes 10 --out runs/photos
    """


def _command(recipe):
    """Return the click command that trains the model of a recipe."""

    def run(help_model, quiet, json_, assigned, **values):
        if help_model:
            return echo_parameters(recipe.name)
        _train(recipe, quiet, json_, assigned, values)

    run = data_options(run)
    for option in reversed(recipe.options_of("train")):
        run = as_click(option)(run)
    for option in reversed(_common(recipe)):
        run = option(run)
    article = "an" if recipe.summary[0] in "aeiou" else "a"
    return Grouped(
        recipe.name,
        params=list(reversed(run.__click_params__)),
        callback=run,
        short_help=recipe.summary,
        help=f"Train {article} {recipe.summary}.\n\n\b\nExample:\n"
        f"    genai-basics train {recipe.name} --data {recipe.data}",
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def _common(recipe):
    positive = Number(0, min_open=True)
    usual = str(recipe.epochs)
    if "epochs" in recipe.demo:
        usual += f"; {recipe.demo['epochs']} for {recipe.data}"
    return (
        click.option(
            "--epochs", type=click.IntRange(1), help=f"Number of epochs [default: {usual}]."
        ),
        click.option("--minutes", type=positive, help="Budget in minutes instead of epochs."),
        click.option(
            "--batch-size", type=click.IntRange(1), help=f"[default: {recipe.batch_size}]"
        ),
        click.option(
            "--learning-rate", type=positive, help="Initial learning rate; annealed to 0."
        ),
        click.option(
            "--set",
            "assigned",
            multiple=True,
            metavar="KEY=VALUE",
            callback=assignments,
            help="Set an argument of the builder; see --help-model.",
        ),
        click.option("--help-model", is_flag=True, help="Show the builder's arguments."),
        click.option("--seed", type=int, default=0, show_default=True, help="Random seed."),
        out_option("Run folder. [default: runs/MODEL, or the next free name]"),
        click.option("--resume", is_flag=True, help="Continue an interrupted run."),
        force_option,
        click.option(
            "--from",
            "start_from",
            type=click.Path(path_type=Path),
            help="Start from the weights of a run.",
        ),
        click.option("--deterministic", is_flag=True, help="Reproducible bit for bit; slower."),
        click.option("--precision", help="Keras dtype policy, such as mixed_bfloat16."),
        click.option(
            "--strategy",
            type=click.Choice(["one", "mirrored", "multiworker"]),
            default="one",
            help="One device, all devices of this machine, or several processes (TF_CONFIG) that "
            "all run the same command.",
        ),
        click.option(
            "--drop",
            multiple=True,
            type=click.Choice(["duplicates", "leaks", "groups", "labels", "personal"]),
            help="Remove suspicious examples from the training data; repeatable.",
        ),
        click.option(
            "--dp-noise", type=positive, help="Noise multiplier of private training (DP-SGD)."
        ),
        click.option(
            "--dp-clip", type=positive, help="Maximum norm of per-example gradients. [default: 1]"
        ),
        click.option(
            "--canary",
            "canaries",
            multiple=True,
            type=click.IntRange(1),
            help="Plant a secret N times in the training text; repeatable.",
        ),
        click.option(
            "--log",
            type=click.Choice(["tensorboard"]),
            help="Also write metrics, samples and examples for TensorBoard.",
        ),
        click.option("--license", help="Licence of the data, for the model card."),
        click.option(
            "--no-audit",
            "audit",
            is_flag=True,
            flag_value=False,
            default=True,
            help="Skip the data checks and the final audit.",
        ),
        click.option("--quiet", is_flag=True, help="Print no progress and no summary."),
        json_option,
    )


def _train(recipe, quiet, json_, assigned, values):
    if values["epochs"] and values["minutes"]:
        raise click.UsageError("give --epochs or --minutes, not both.")
    options = {}
    for option in recipe.options_of("train"):
        value = values.pop(option.name)
        if option.keyword and value not in (None, False):
            options[option.keyword] = value
        elif option.facts and value:
            values["facts"] = (*values.get("facts", ()), *option.facts)
    try:
        check_options(recipe.name, assigned)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if values["resume"] and (assigned or values["force"]):
        raise click.UsageError("--resume goes on with a run as it is; leave --set and --force out.")
    data, values["data_options"] = split_data_options(values)
    if not (values["resume"] or values["start_from"]):  # report mistakes before TensorFlow loads
        from genai_basics.data.loading import load_for

        data = load_for(recipe, data, values["data_options"])

    from genai_basics.startup import quiet_tensorflow

    quiet_tensorflow()
    from genai_basics.runs import train
    from genai_basics.runs.stopping import EXIT_CODES

    with progress_line(quiet or json_) as callbacks:
        run = train(recipe.name, data, callbacks=callbacks, **options, **assigned, **values)
    if json_:
        config = run.config
        keys = ("model", "status", "steps", "seconds", "validation", "checks", "audit")
        echo_json({"run": str(run.folder), **{key: config.get(key) for key in keys}})
    elif not quiet:
        summarize(run, data)
    if run.config["status"] in EXIT_CODES:
        raise SystemExit(EXIT_CODES[run.config["status"]])


@contextlib.contextmanager
def progress_line(quiet):
    """Yield Keras callbacks that show a line of progress on a terminal."""
    if quiet or not sys.stderr.isatty():
        yield ()
        return
    from .progress import Line

    line = Line(sys.stderr)
    try:
        yield (line,)
    finally:
        line.write("")


def echo_parameters(name):
    """Print the arguments of a model's builder, with their defaults."""
    for parameter in parameters(name).values():
        click.echo(f"{parameter.name}={parameter.default}")
        click.echo(click.wrap_text(parameter.help, 88, "    ", "    "))


def summarize(run, data):
    """Print a summary of a finished run.

    Args:
        run: The `Run`.
        data: Its `Dataset`. `None` reads it again.
    """
    config = run.config
    if config["status"] == "followed":
        return click.echo(f"{run.name}: trained along; the run is worker 0's, in {run.folder}")
    click.echo(
        f"{run.name}: {config['steps']:,} steps in {config['seconds']:.0f} s -> {run.folder}"
    )
    figures = list((config.get("validation") or {}).items())[:FIGURES]
    if figures:
        named = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in figures)
        click.echo(f"On held-out data: {named}")
    checks, audit = config.get("checks") or {}, config.get("audit") or {}
    for sentence in [*checks.get("findings", ()), *audit.get("findings", ())]:
        click.echo(f"* {sentence}")
    try:
        lines = run.examples(data)
    except Exception as error:  # a missing picture must not lose the run
        warn(f"no examples are drawn: {error}")
        lines = []
    for line in ["", *lines] if lines else []:
        click.echo(line)
    if (run.folder / "examples.png").exists():
        show_picture(run.folder / "examples.png", sys.stdout)
    click.echo("\nLook at")
    for path in [run.folder / "examples.png", *sorted(run.folder.glob("samples.*"))]:
        if path.exists() and path.suffix != ".json":
            click.echo(f"  {path}")
    click.echo("Try next")
    for command in _next(run, data):
        click.echo(f"  genai-basics {command}")


def _next(run, data):
    """Return one or two commands to copy."""
    folder = shlex.quote(str(run.folder))
    if able(run, "samples"):
        names = getattr(run.model, "class_names", None) or ()
        labels = "".join(f" --label {shlex.quote(str(name))}" for name in names[:3])
        chosen = able(run, "labels") and getattr(run.model, "num_classes", None)
        yield f"sample {folder}{labels if chosen else ' -n 16 --seed 1'}"
    elif run.spec.kind in ("text", "pairs") and data is not None:
        part = data.test if len(data.test) else data.train
        text = " ".join(str(part.x[len(part.x) // 2]).split())[:60]
        yield f"predict {folder} {shlex.quote(text)}"
    yield f"evaluate {folder}"
