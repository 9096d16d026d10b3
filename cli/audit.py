"""`inspect`: what a file says about where it comes from."""

from pathlib import Path

import click

from .options import echo_json, echo_table, json_option

__all__ = ["inspect"]


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def inspect(file, json_):
    """Say whether FILE was made by a model, by which, and from which run.

    \b
    Example:
        genai-basics inspect grid.png
    """
    from genai_basics.provenance import read, read_manifest

    facts = read(file)
    manifest = read_manifest(file)
    if json_:
        return echo_json({"file": str(file), "provenance": facts, "c2pa": manifest})
    if facts is None and manifest is None:
        raise click.ClickException(f"'{file}' does not say where it comes from.")
    echo_table((facts or {}).items())
    if manifest is not None:
        active = manifest["manifests"][manifest["active_manifest"]]
        signer = active.get("signature_info", {}).get("issuer", "unknown")
        click.echo(f"C2PA manifest: {manifest.get('validation_state', 'read')}, signed by {signer}")
