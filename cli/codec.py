"""`compress` and `decompress`: a trained model as a codec."""

from pathlib import Path

import click

from genai_basics.recipes import models_that

from .options import (
    able,
    check_out,
    echo_json,
    force_option,
    json_option,
    load,
    out_option,
    run_argument,
)


@click.command()
@run_argument
@click.argument("inputs", nargs=-1, required=True)
@out_option("The compressed file. [default: compressed.gbac]")
@force_option
@json_option
def compress(run, inputs, out, force, json_):
    """Compress INPUTS (pictures, folders, .npy) into one file with the trained model in RUN.

    The model must have been trained for compression, as in the example. Pictures larger than
    those it was trained on are cut into tiles.

    \b
    Example:
        genai-basics train autoencoder --data photos/ --image-size 64 --fit tiles --rate 0.003
        genai-basics compress runs/autoencoder photos/ --out photos.gbac
    """
    out = out or Path("compressed.gbac")
    check_out(out, force)
    run = _codec(run)

    from genai_basics.atomic import replacing
    from genai_basics.data import read_inputs

    names, x = read_inputs(list(inputs), run.reads)
    data = run.model.compress(x, names=[Path(name).name for name in names])
    with replacing(out) as temporary:
        temporary.write_bytes(data)
    numbers = sum(item.size for item in x)
    facts = {"out": str(out), "n": len(x), "bytes": len(data), "bytes_before": numbers}
    echo_json(facts) if json_ else click.echo(
        f"{len(x)} inputs, {numbers:,} bytes as raw numbers -> {out}, {len(data):,} bytes"
    )


@click.command()
@run_argument
@click.argument("file", type=click.Path(path_type=Path))
@out_option("Folder, or file as for `sample --out`. [default: folder named after FILE]")
@force_option
@json_option
def decompress(run, file, out, force, json_):
    """Decompress the pictures in FILE, which `compress` wrote with the same RUN.

    \b
    Example:
        genai-basics decompress runs/codec photos.gbac --out photos/
    """
    out = out or file.with_suffix("")
    check_out(out, force)
    if not file.is_file():
        raise click.ClickException(f"'{file}' is not a file.")
    run = _codec(run)

    from genai_basics.data.writers import write_samples
    from genai_basics.provenance import ENHANCED, describe

    facts = describe(run, ENHANCED)
    try:
        x, names = run.model.decompress(file.read_bytes())
    except ValueError as error:
        raise click.ClickException(f"'{file}': {error}") from error
    if out.suffix or names is None or run.spec.kind != "images":
        paths = write_samples(x, out, run.spec, provenance=facts)
    else:
        paths = [
            write_samples(x[i : i + 1], out / name, run.spec, provenance=facts)[0]
            for i, name in enumerate(_file_names(names))
        ]
    facts = {"out": str(out), "n": len(x), "files": len(paths)}
    echo_json(facts) if json_ else click.echo(f"{len(x)} -> {out}")


def _codec(run):
    run = load(run)
    if not able(run, "compresses"):
        others = " or ".join(models_that("compresses"))
        raise click.ClickException(f"{run.name} does not compress; train {others}.")
    return run


def _file_names(names):
    """Return a unique file name that ends in .png for each input, without folders."""
    found = {}
    for i, name in enumerate(names):
        stem = Path(name.replace("\\", "/")).stem.strip(".") or "picture"
        found[f"{i}-{stem}.png" if f"{stem}.png" in found else f"{stem}.png"] = None
    return list(found)
