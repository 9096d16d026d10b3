"""`export`: take a trained model away."""

from pathlib import Path

import click

from .options import check_out, echo_json, force_option, json_option, load, run_argument

__all__ = ["export"]

FORMATS = ("onnx", "litert", "saved_model", "keras")


@click.command()
@run_argument
@click.option(
    "--to", type=click.Choice(FORMATS), required=True, help="Format; keras: core layers only."
)
@click.option("--out", "-o", type=click.Path(path_type=Path), required=True, help="Folder.")
@force_option
@json_option
def export(run, to, out, force, json_):
    """Export the trained model in RUN as files that do not need this program.

    OUT gets the model's graphs, preprocessing.json and example.py, which runs them.

    \b
    Example:
        genai-basics export runs/gan --to onnx --out generator
        python generator/example.py
    """
    check_out(out, force)
    run = load(run)

    import genai_basics

    paths = genai_basics.export(run, to, out, force=force)
    names = [path.name for path in paths]
    echo_json({"out": str(out), "files": names}) if json_ else click.echo(
        f"{', '.join(names)} -> {out}"
    )
