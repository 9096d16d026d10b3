"""`export`: take a trained model away."""

from pathlib import Path

import click

from .options import check_out, echo_json, force_option, json_option, load, run_argument

__all__ = ["export"]

FORMATS = ("onnx", "litert", "saved_model", "keras", "hub")


@click.command()
@run_argument
@click.option(
    "--to",
    type=click.Choice(FORMATS),
    required=True,
    help="Format; keras: core layers only; hub: share the run.",
)
@click.option("--out", "-o", type=click.Path(path_type=Path), help="Folder to write.")
@click.option("--repo", metavar="USER/NAME", help="Repository on the Hugging Face hub.")
@click.option("--private", is_flag=True, help="Make a new repository private.")
@force_option
@json_option
def export(run, to, out, repo, private, force, json_):
    """Export the trained model in RUN as files that do not need this program, or share RUN.

    OUT gets the model's graphs, preprocessing.json and example.py, which runs them.

    \b
    Example:
        genai-basics export runs/gan --to onnx --out generator
        python generator/example.py
        genai-basics export runs/gan --to hub --repo USER/NAME
        genai-basics sample hf://USER/NAME -n 16 --out grid.png
    """
    if to == "hub":
        if not repo or out:
            raise click.UsageError("--to hub takes --repo USER/NAME, and no --out.")
        from genai_basics.runs.hub import upload
        from genai_basics.runs.run import load_run  # without TensorFlow: files are copied

        address = upload(load_run(run), repo, private)
        echo_json({"address": address}) if json_ else click.echo(f"{run} -> {address}")
        return
    if repo or private or not out:
        raise click.UsageError(f"--to {to} takes --out, and no --repo or --private.")
    check_out(out, force)
    run = load(run)

    import genai_basics

    paths = genai_basics.export(run, to, out, force=force)
    names = [path.name for path in paths]
    echo_json({"out": str(out), "files": names}) if json_ else click.echo(
        f"{', '.join(names)} -> {out}"
    )
