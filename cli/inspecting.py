"""`inspect`: describes data, a run, or the origin of a generated file."""

from pathlib import Path

import click

from .options import (
    check_out,
    data_options,
    echo_json,
    echo_table,
    force_option,
    json_option,
    out_option,
    split_data_options,
)

__all__ = ["inspect"]


@click.command()
@click.argument("file", metavar="DATA|FILE|RUN")
@data_options
@out_option("Draw the data to this .png: a grid, histograms, a series or boxes.")
@force_option
@json_option
def inspect(file, out, force, json_, **values):
    """Show what would be read from DATA, what RUN is, or which model made FILE.

    Nothing is trained. For DATA, the output shows the kind, columns, classes, splits and times,
    and what was left out and why.

    \b
    Example:
        genai-basics inspect sales.csv --kind forecast --target sales
        genai-basics inspect photos/ --out grid.png
        genai-basics inspect grid.png
    """
    path = Path(file)
    values["data"] = file
    source, options = split_data_options(values)
    if (
        not options
        and out is None
        and (file.startswith("hf://") or (path / "config.json").exists())
    ):
        return _inspect_run(file, json_)
    if not options and out is None and path.is_file():
        from genai_basics.provenance import read, read_manifest

        try:
            facts, manifest = read(path), read_manifest(path)
        except (ValueError, ImportError):
            facts = manifest = None
        if facts is not None or manifest is not None:
            return _inspect_made(path, facts, manifest, json_)
    check_out(out, force)

    from genai_basics.data.previewing import draw, look

    page, data = look(source, **options)
    if out is not None:
        page["picture"] = str(draw(data, out))
    echo_json(page) if json_ else click.echo(str(page))


inspect.params = [param for param in inspect.params if param.name != "data"]


def _inspect_run(folder, json_):
    from genai_basics.runs import load_run
    from genai_basics.runs.run_folder import holder
    from genai_basics.runs.stopping import early_end

    run = load_run(folder)
    config = run.config
    facts = {"run": str(folder), "model": run.name, "status": config["status"]}
    facts |= {"data": config["data"].get("name"), "steps": config.get("steps")}
    facts |= {"seconds": config.get("seconds"), **(config.get("test") or {})}
    facts = {name: value for name, value in facts.items() if value is not None}
    echo_json(facts) if json_ else echo_table(facts.items())
    notice = early_end(run, holder(run.folder))
    if notice:
        click.echo(f"Warning: {notice}", err=True)


def _inspect_made(file, facts, manifest, json_):
    if json_:
        return echo_json({"file": str(file), "provenance": facts, "c2pa": manifest})
    echo_table((facts or {}).items())
    if manifest is not None:
        active = manifest["manifests"][manifest["active_manifest"]]
        signer = active.get("signature_info", {}).get("issuer", "unknown")
        click.echo(f"C2PA manifest: {manifest.get('validation_state', 'read')}, signed by {signer}")
