"""Options shared by several commands, so that a flag has the same meaning everywhere."""

import ast
import json
import math
from pathlib import Path

import click

from genai_basics.jsonable import plain
from genai_basics.recipes import get_recipe, options_of


class Real(click.types.FloatParamType):
    """A number. NaN is rejected: it compares false with both bounds of a range."""

    def convert(self, value, param, ctx):
        value = super().convert(value, param, ctx)
        if math.isnan(value):
            self.fail("nan is not a number.", param, ctx)
        return value


class Number(Real, click.FloatRange):
    """A number in a range."""


run_argument = click.argument("run", type=click.Path(path_type=Path))
seed_option = click.option("--seed", type=int, help="Random seed [default: a new one].")
json_option = click.option("json_", "--json", is_flag=True, help="Print JSON instead of text.")
force_option = click.option("--force", is_flag=True, help="Overwrite existing files.")


def out_option(help):
    return click.option("--out", "-o", type=click.Path(path_type=Path), help=help)


def signing_options(command):
    """Add `--certificate` and `--key`, which sign the written files (C2PA)."""
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    for option in (
        click.option("--key", type=file, help="PEM file of the certificate's private key."),
        click.option("--certificate", type=file, help="PEM certificate to sign files with (C2PA)."),
    ):
        command = option(command)
    return command


def model_options(command):
    """Add the options that rows of the table declare for the command."""

    def add(function):
        for option in reversed(options_of(command)):
            function = as_click(option)(function)
        return function

    return add


def as_click(option):
    """Return the click option for an `Option` of the table."""
    if option.type in ("flag", "examples"):
        return click.option(option.flag, option.name, is_flag=True, help=option.help)
    settings = {"help": option.help}
    if option.type == "int":
        settings["type"] = int if option.least is None else click.IntRange(option.least)
    elif option.type == "float":
        low = option.least if option.above is None else option.above
        limits = {"min_open": option.above is not None, "max": option.most}
        settings["type"] = Real() if low is None else Number(low, **limits)
    elif option.type == "names":
        settings["type"] = names
    elif option.type == "labels":
        settings["multiple"] = True
    elif option.type == "inputs":
        settings.update(nargs=2, metavar="A B")
    elif option.type == "run":
        settings.update(metavar="RUN", type=click.Path(path_type=Path))
    return click.option(option.flag, option.name, **settings)


def names(text):
    """Parse "A,B"."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def take_options(command, values, run):
    """Take the table's options out of a command's values; return those given, by keyword.

    An option that the row of the run's model does not declare is an error.
    """
    found, known = {}, get_recipe(run.name).options_of(command, run.spec.kind)
    for option in options_of(command):
        value = values.pop(option.name)
        if value is None or value is False or value == ():
            continue
        if option not in known:
            raise click.UsageError(f"{run.name} takes no {option.flag}.")
        found[option.keyword] = _value(option, value, run)
    return found


def _value(option, value, run):
    """Return the value of an option in the form that the model expects."""
    if option.type == "labels":
        return _labels(value, getattr(run.model, "class_names", None))
    if option.type == "examples":
        data = run.data()
        return [*data.train.x, *data.validation.x, *data.test.x]
    if option.type == "run":
        other, (model, kind) = load(value), option.of
        if other.name != model or other.spec.kind != kind:
            raise click.UsageError(
                f"{option.flag} takes a run of {model} on {kind}. Received: a run of {other.name} "
                f"on {other.spec.kind}"
            )
        return other.model
    return value


def _labels(labels, class_names):
    """Return labels as typed, or as numbers if the classes have no such names."""
    named = set(labels) <= set(class_names or ())
    return list(labels) if named or not all(map(str.isdecimal, labels)) else list(map(int, labels))


def load(run):
    """Load a run and silence TensorFlow's start-up messages."""
    from genai_basics.runs import load_run

    run = load_run(run)

    from genai_basics.startup import quiet_tensorflow

    quiet_tensorflow()
    return run


def record(run, pictures, facts):
    """Record measurements in a run; if that is not possible, warn and continue."""
    try:
        return run.record(pictures, **facts)
    except OSError as error:
        click.echo(f"Warning: {error}: what was measured is only printed", err=True)
        return []


def able(run, ability):
    """Return whether the table lists an ability for the run's model."""
    return ability in get_recipe(run.name).can


def check_signing(certificate, key, out):
    """Reject a certificate without a key, or a key without a certificate, before any work."""
    if (certificate is None) != (key is None):
        raise click.UsageError("--certificate and --key go together.")
    if certificate is not None and out is None:
        raise click.UsageError("--certificate signs what --out writes; give --out.")


def data_options(command):
    """Add `--data` and the options of reading it."""
    options = (
        click.option("--data", metavar="DATA", help="Name (see `list`), file or folder."),
        click.option("--kind", help="Kind of data, if it cannot be inferred."),
        click.option("--target", help="Column to predict or to forecast."),
        click.option("--image-size", callback=image_size, metavar="H[xW]", help="Resize pictures."),
        click.option(
            "--fit",
            type=click.Choice(["stretch", "crop", "tiles"]),
            help="How to resize pictures; tiles: cut them into tiles.",
        ),
        click.option("--color", type=click.Choice(["grey", "rgb"]), help="Convert pictures."),
        click.option("--encoding", help="Encoding of text files."),
        click.option("--delimiter", help="Character that separates cells; tab or space."),
        click.option("--decimal", type=click.Choice([".", ","]), help="Decimal sign of numbers."),
        click.option("--thousands", help="Thousands separator: , . ' space or none."),
        click.option("--missing", metavar="A,B", help="Words for missing values."),
        click.option(
            "--header/--no-header", default=None, help="Whether the first row is a header."
        ),
        click.option(
            "--day-first/--month-first", default=None, help="Order of day and month in dates."
        ),
        click.option("--group", help="Keep equal values of this column in one split."),
        click.option("--limit", type=click.IntRange(1), help="Use at most N examples per split."),
        click.option(
            "--strict", is_flag=True, help="Fail if a file cannot be read or is not used."
        ),
        click.option(
            "--load",
            "load",
            multiple=True,
            metavar="KEY=VALUE",
            callback=assignments,
            help="Set another option of the reader; repeatable.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def split_data_options(values):
    """Take the options of `data_options` out of a command's values; return (data, options)."""
    names = ("kind", "target", "image_size", "fit", "color", "encoding", "group", "limit", "strict")
    names += ("delimiter", "decimal", "thousands", "missing", "header", "day_first")
    options = {name: values.pop(name) for name in names}
    options = {k: v for k, v in options.items() if v or (v is False and k != "strict")}
    return values.pop("data"), {**options, **values.pop("load")}


def image_size(ctx, param, value):
    """Parse "32" or "32x48" (height x width)."""
    if value is None:
        return None
    try:
        sizes = [int(part) for part in value.lower().split("x")]
    except ValueError:
        sizes = []
    if len(sizes) not in (1, 2) or min(sizes) < 1:
        raise click.BadParameter(f"{value!r} is no size; give 32 or 32x48 (height x width).")
    return sizes[0] if len(sizes) == 1 else tuple(sizes)


def assignments(ctx, param, values):
    """Parse repeated KEY=VALUE; values are Python literals, otherwise text."""
    found = {}
    for text in values:
        key, equals, value = text.partition("=")
        if not equals or not key.strip().isidentifier():
            raise click.BadParameter(f"{text!r} is not of the form key=value.")
        try:
            found[key.strip()] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            found[key.strip()] = value
    return found


def check_out(path, force):
    """Raise an error before any work if the output exists and is not to be overwritten."""
    if path is None:
        return
    if path.is_file() and not force:
        raise click.ClickException(f"'{path}' exists; add --force to write over it.")
    if path.is_dir() and any(path.iterdir()) and not force:
        raise click.ClickException(f"'{path}' is not empty; add --force to write into it.")
    parent = path if path.is_dir() else path.parent
    if not parent.is_dir() and path.suffix not in ("", ".yaml", ".yml"):  # folders are created
        raise click.ClickException(f"the folder '{parent}' does not exist.")


def echo_json(value):
    click.echo(json.dumps(plain(value)))


def echo_table(rows, headers=None):
    """Print rows of equal length in aligned columns."""
    rows = [[_cell(value) for value in row] for row in ([headers] if headers else []) + list(rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def _cell(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)
