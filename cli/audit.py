"""`audit`: what a trained model copies and leaks."""

from pathlib import Path

import click

from .options import (
    Number,
    able,
    data_options,
    echo_json,
    echo_table,
    json_option,
    load,
    record,
    run_argument,
    split_data_options,
)

__all__ = ["audit"]

GATES = {  # name: what `--max-NAME` limits
    "copied": "Maximum share of samples that are copies.",
    "auc": "Maximum area under the curve of membership inference; 0.5 is chance.",
    "exposure": "Maximum exposure of a planted secret, in bits.",
    "gap": "Maximum gap in error between the worst group and the rest.",
}


def gate_options(command):
    """Add a `--max-...` option for each gate."""
    for name, help in reversed(GATES.items()):
        command = click.option(f"--max-{name}", type=Number(0), help=help)(command)
    return command


@click.command()
@run_argument
@data_options
@click.option(
    "-n",
    "--count",
    "n",
    type=click.IntRange(20),
    default=1000,
    show_default=True,
    help="Number of samples to draw.",
)
@click.option(
    "--members",
    type=click.IntRange(20),
    default=2000,
    show_default=True,
    help="Maximum number of examples per side in membership inference.",
)
@click.option("--by", help="Compare the errors of groups by this column, label or target.")
@click.option(
    "--features",
    metavar="RUN",
    type=click.Path(path_type=Path),
    help="A classifier's run whose features are used to find copies.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Random seed.")
@gate_options
@json_option
def audit(run, n, members, by, features, seed, json_, **values):
    """Measure what the trained model in RUN copies, leaks and leaves out.

    The exit code is 3 if a limit (--max-...) is exceeded or cannot be checked. --group names a
    column, such as speaker, whose values should not occur in more than one split.

    \b
    Example:
        genai-basics audit runs/vae
        genai-basics audit runs/vae --max-copied 0.01 --max-auc 0.6
    """
    limits = {name: values.pop(f"max_{name}") for name in GATES}
    limits = {name: limit for name, limit in limits.items() if limit is not None}
    group = values.pop("group")  # here a column to check, not one to split by
    source, options = split_data_options({**values, "group": None})
    whole = source is None and not options  # the run's own data, described by the card

    run = load(run)
    if features is not None:
        judge = load(features)
        if not able(judge, "features"):
            raise click.ClickException(f"--features needs a classifier. Received: {judge.name}")
        options["features"] = judge.model.features

    from genai_basics.audit import audit_run, exceeded

    found = audit_run(run, source, n=n, members=members, by=by, group=group, seed=seed, **options)
    broken = exceeded(found, limits)
    paths = record(run, found.pictures, {"audit": found.to_config()} if whole else {})
    if json_:
        echo_json(
            {
                "model": run.name,
                "data": source or run.config["data"]["name"],
                **found.to_config(),
                "broken": broken,
            }
        )
    else:
        echo_audit(found)
        for path in paths:
            click.echo(str(path))
        for sentence in broken:
            click.echo(sentence, err=True)
    if broken:
        raise SystemExit(3)


def echo_audit(found):
    """Print an audit: the metrics, the findings, and what could not be checked."""
    rows = []
    for name, value in found.metrics.items():
        low, high = found.intervals.get(name, (None, None))
        rows.append((name, value, "" if low is None else f"[{low:.4g}, {high:.4g}]"))
    if rows:
        echo_table(rows)
    for name in ("groups", "balance"):
        table = found.tables.get(name)
        if table:
            click.echo()
            shown = [key for key in table[0] if key not in ("by", "error_is")]
            echo_table([[row[key] for key in shown] for row in table[:12]], shown)
    for sentence in found.findings or ["Nothing wrong was found."]:
        click.echo(f"* {sentence}")
    for sentence in found.unchecked:
        click.echo(f"- {sentence}")
