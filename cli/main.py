"""`genai-basics`: train, sample, apply and evaluate basic neural networks from the shell.

The library takes seconds to import, so commands import it in their bodies: help and usage
errors stay instant. Each command is a thin layer over one function of the library.
"""

import contextlib
import logging
import sys
import warnings

import click

from genai_basics import limits
from genai_basics.warning import one_line

from .app import app
from .audit import audit
from .augment import augment
from .codec import compress, decompress
from .commands import evaluate, list_, predict, sample
from .export import export
from .inspecting import inspect
from .train import train

__all__ = ["cli"]


class Program(click.Group):
    """A group that prints each error as one line on standard error and sets the exit code."""

    def main(self, args=None, **kwargs):
        args = list(sys.argv[1:] if args is None else args)
        self.debug = "--debug" in args
        with contextlib.suppress(AttributeError):  # a terminal may lack letters of the data
            sys.stdout.reconfigure(errors="replace")
        logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it reports on its font cache
        args, larger = _limits([arg for arg in args if arg != "--debug"])
        with limits.raised(**larger):
            return super().main(args, **kwargs)

    def invoke(self, ctx):
        with warnings.catch_warnings():
            warnings.showwarning = _shower()
            try:
                return super().invoke(ctx)
            except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
                raise  # click reports these; a closed pipe (`head`) is silent
            except KeyboardInterrupt as stop:
                if str(stop):
                    click.echo(str(stop), err=True)
                ctx.exit(130)
            except Exception as error:
                if self.debug:
                    raise
                text = one_line(error)
                if text.startswith(f"{type(error).__name__}: "):
                    text += " (--debug shows where)"
                shown = click.ClickException(text)
                shown.exit_code = getattr(error, "exit_code", 1)
                raise shown from error


def _limits(args):
    """Split `--limit-NAME N` and `--limit-NAME=N` off arguments; return the rest and the limits."""
    rest, found, args = [], {}, iter(args)
    for arg in args:
        name, _, value = arg.removeprefix("--limit-").partition("=")
        if arg.startswith("--limit-") and name in limits.LIMITS:
            value = value or next(args, "")
            if not value.isdecimal() or not int(value):
                click.echo(f"Error: --limit-{name} takes a whole number, not {value!r}.", err=True)
                sys.exit(2)
            found[name] = int(value)
        else:
            rest.append(arg)
    return rest, found


def _shower():
    """Return a function that shows each warning meant for users once, wherever it arises."""
    shown = set()

    def show(message, category, filename, lineno, file=None, line=None):
        if issubclass(category, UserWarning) and str(message) not in shown:
            shown.add(str(message))
            click.echo(f"Warning: {message}", err=True)

    return show


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="genai_basics", prog_name="genai-basics")
def cli():
    """Train, sample, apply and evaluate basic neural networks, predictive and generative.

    Add --debug to any command to see the traceback of an error, and --limit-pixels N,
    --limit-bytes N, ... to read files that need an unusual amount of memory.

    \b
    Example:
        genai-basics list
        genai-basics train vae
        genai-basics sample runs/vae -n 64 --seed 1 --out grid.png
    """


COMMANDS = (
    list_,
    train,
    sample,
    predict,
    evaluate,
    audit,
    export,
    augment,
    inspect,
    compress,
    decompress,
    app,
)
for command in COMMANDS:
    cli.add_command(command)
