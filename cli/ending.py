"""The summary of `train`: examples, paths of pictures, and commands to try next."""

import shlex
import warnings

import click

from .options import able

__all__ = ["summarize"]

FIGURES = 4  # number of validation metrics shown; the model card has all


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
        warnings.warn(f"no examples are drawn: {error}", stacklevel=2)
        lines = []
    for line in ["", *lines] if lines else []:
        click.echo(line)
    click.echo("\nLook at")
    for path in [run.folder / "examples.png", *sorted(run.folder.glob("samples.*"))]:
        if path.exists():
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
        yield f"predict {folder} {shlex.quote(' '.join(str(part.x[0]).split())[:60])}"
    yield f"evaluate {folder}"
