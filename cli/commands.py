"""`list` and the commands that use a run."""

import sys
from pathlib import Path

import click

from genai_basics.recipes import RECIPES, get_recipe

from .options import (
    able,
    check_out,
    check_signing,
    data_options,
    echo_json,
    echo_table,
    force_option,
    json_option,
    load,
    model_options,
    out_option,
    record,
    run_argument,
    seed_option,
    signing_options,
    split_data_options,
    take_options,
)
from .train import echo_parameters


@click.command("list")
@click.argument("model", required=False)
@json_option
def list_(model, json_):
    """List the models and the built-in data, or the arguments of one MODEL.

    \b
    Example:
        genai-basics list
        genai-basics list vae
    """
    from genai_basics.data import list_data

    if model:
        try:
            get_recipe(model)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        return echo_parameters(model)
    if json_:
        models = {recipe.name: recipe.summary for recipe in RECIPES.values()}
        return echo_json({"models": models, "data": list_data()})
    rows = [(r.name, r.family, r.data, r.summary) for r in RECIPES.values()]
    echo_table(rows, ("model", "family", "trains on", "what it is"))
    click.echo()
    echo_table(list_data().items(), ("data", ""))


@click.command()
@run_argument
@click.option(
    "-n",
    "--count",
    "n",
    type=click.IntRange(1),
    help="Number of samples. [default: 64, or one for each of several labels]",
)
@seed_option
@model_options("sample")
@out_option("Folder or file; its extension sets the format: .png .npy .npz .txt .gif .mid .wav")
@signing_options
@force_option
@json_option
def sample(run, n, seed, out, certificate, key, force, json_, **options):
    """Draw new samples from the trained model in RUN.

    \b
    Example:
        genai-basics sample runs/vae -n 64 --seed 1 --out grid.png
        genai-basics sample runs/vae -n 10000 --out samples.npy
        genai-basics sample runs/vae --between a.png b.png --out strip.gif
        genai-basics sample runs/gan --label G --label E --label N --out word.png
        genai-basics sample runs/text-vae -n 20 --new
    """
    check_out(out, force)
    check_signing(certificate, key, out)
    run = load(run)
    model = run.model
    if not (options["between"] or model.can_sample):
        raise click.ClickException(f"{run.name} makes no samples; try `genai-basics predict`.")
    from genai_basics.data.writers import PREFERRED, image_grid, to_pixels, write_samples
    from genai_basics.provenance import describe, sign

    options = take_options("sample", options, run)
    between = options.pop("between", None)
    as_written = n == 1 and out is None and not json_ and sys.stdout.isatty()
    if as_written and able(run, "streams") and run.spec.kind == "text":
        for piece in model.stream(seed=seed, **options):
            click.echo(piece, nl=False)
        return click.echo()
    labels = options.get("labels", ())
    word = n is None and len(labels) > 1  # one sample per label, in one row
    if between:
        samples = _between(run, between, n or 8, options)
    else:
        samples = model.sample(len(labels) if word else n or 64, seed=seed, **options)
    count = len(samples)
    picture = out is None or out.suffix.lower() == ".png"
    if (between or word) and run.spec.kind == "images" and picture:
        pixels = to_pixels(samples, run.spec.value_range)
        samples = image_grid(pixels, columns=len(samples))[None]
    if out is None and run.spec.kind in ("text", "pairs"):
        return echo_json(list(samples)) if json_ else click.echo("\n".join(samples))

    out = out or _free(Path(f"{run.name}-samples{PREFERRED.get(run.spec.kind, '.npy')}"))
    walk = between or options.get("interpolate")  # its classes have no order
    named = None if walk else model.labels.spread(len(samples), options.get("labels"))
    origin = describe(run, seed=seed)
    paths = write_samples(samples, out, run.spec, labels=named, provenance=origin)
    if certificate:
        for path in paths:
            sign(path, certificate, key, origin)
    facts = {"out": str(out), "n": count, "seed": seed}
    echo_json(facts) if json_ else click.echo(f"{count} samples -> {out}")


def _between(run, ends, steps, options):
    """Return samples between two inputs."""
    from genai_basics.data import read_inputs

    model = run.model
    if set(options) - {"labels"} or steps < 2:
        raise click.UsageError("--between supports only -n (2 or more), --label and --out.")
    _, found = read_inputs(list(ends), run.spec)
    if len(found) != 2:
        raise click.ClickException(f"--between takes two inputs. Received: {len(found)}")
    return model.interpolate(found[0], found[1], steps, **options)


def _free(path):
    paths = (path.with_stem(f"{path.stem}-{i}" if i > 1 else path.stem) for i in range(1, 10**6))
    return next(path for path in paths if not path.exists())


@click.command()
@run_argument
@click.argument("inputs", nargs=-1, required=True)
@model_options("predict")
@out_option(
    "Write the output to a file whose extension sets the format: pictures, texts or sounds; "
    ".csv or .json; boxes also as YOLO (.yaml)."
)
@force_option
@json_option
def predict(run, inputs, out, force, json_, **options):
    """Apply the trained model in RUN to INPUTS: files, folders, literal text, or - (stdin).

    \b
    Example:
        genai-basics predict runs/vae digit.png --out again.png
        genai-basics predict runs/detector photos/ --out found/data.yaml
    """
    check_out(out, force)
    if out is not None and out.suffix in (".yaml", ".yml"):  # a YOLO folder
        check_out(out.parent / "labels", force)
    run = load(run)

    from genai_basics.data import read_inputs

    options = take_options("predict", options, run)
    names, x = read_inputs(list(inputs), run.reads)
    rows, outputs = _answer(run, x, options)
    several = [row if isinstance(row, list) else [row] for row in rows]  # as for a forecast
    rows = [{"input": n, **row} for n, part in zip(names, several, strict=True) for row in part]
    if out is not None:
        _write_answer(rows, outputs, out, run, x)
    if json_:
        for row in rows:
            echo_json(row)
    elif out is None or outputs is None:
        rows = [{k: v for k, v in row.items() if not isinstance(v, (list, dict))} for row in rows]
        echo_table([row.values() for row in rows], rows[0])
    else:
        click.echo(f"{len(rows)} outputs -> {out}")


def _answer(run, x, options):
    """Return the predictions; a blank line among texts gets a blank prediction."""
    blank = [isinstance(text, str) and not text.strip() for text in x] if len(x) > 1 else []
    if run.spec.kind not in ("text", "pairs") or not any(blank) or all(blank):
        return run.model.answer(x, **options)
    found, outputs = run.model.answer(
        [text for text, gone in zip(x, blank, strict=True) if not gone], **options
    )
    nothing = dict.fromkeys(found[0])
    nothing.update({name: "" for name, value in found[0].items() if isinstance(value, str)})
    found = iter(found)
    rows = [nothing if gone else next(found) for gone in blank]
    if outputs is not None:
        filled = iter(outputs)
        outputs = ["" if gone else next(filled) for gone in blank]
    return rows, outputs


def _write_answer(rows, outputs, out, run, x):
    import csv

    from genai_basics.atomic import replacing, write_text
    from genai_basics.data.writers import rows_to_json, write_boxes, write_samples
    from genai_basics.provenance import ENHANCED, describe

    if out.suffix in (".json", ".jsonl"):
        write_text(out, rows_to_json(rows, out.suffix, run.spec))
    elif out.suffix in (".csv", ".tsv"):
        with (
            replacing(out) as temporary,
            open(temporary, "w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, rows[0], delimiter="\t" if out.suffix == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    elif out.suffix in (".yaml", ".yml"):
        write_boxes(rows, x, out, run.spec, provenance=describe(run, ENHANCED))
    elif outputs is None:
        raise ValueError(f"{run.name} writes .csv or .json. Received: --out {out}")
    else:
        write_samples(outputs, out, run.spec, provenance=describe(run, ENHANCED))


@click.command()
@run_argument
@data_options
@click.option(
    "--features",
    metavar="RUN",
    type=click.Path(path_type=Path),
    help="A classifier's run: measure samples by the Fréchet distance of its features.",
)
@model_options("evaluate")
@json_option
def evaluate(run, features, json_, **values):
    """Evaluate the trained model in RUN on held-out data: its own, or other DATA.

    \b
    Example:
        genai-basics evaluate runs/vae
        genai-basics evaluate runs/vae --data more.npz --json
        genai-basics evaluate runs/vae --features runs/cnn
    """
    run = load(run)
    decoding = take_options("evaluate", values, run)
    source, options = split_data_options(values)
    data, part = run.held_out(source, **options)
    if not len(part):
        raise click.ClickException(f"'{data.name}' has no held-out examples to measure on.")
    if data.fingerprint != run.config["data"]["fingerprint"] and source is None:
        click.echo("Warning: the data have changed since the run was trained.", err=True)
    metrics, intervals = run.model.report(part.x, part.y, **decoding)
    if part is not data.train:
        metrics.update(run.model.baseline(data.train, part))
    if features is not None:
        metrics.update(_frechet(run, load(features), data, part))
    metrics = {name: float(value) for name, value in metrics.items()}
    whole = source is None and not options and not decoding  # what the card describes
    facts = {"test": metrics, "test_intervals": intervals} if whole else {}
    from genai_basics.runs.run import inputs_of

    pictures = run.model.pictures(*inputs_of(data, part))
    if source is not None:  # keep the pictures of the run's own data
        pictures = {f"{name}-{Path(source).stem}": made for name, made in pictures.items()}
    paths = record(run, pictures, facts)
    if json_:
        return echo_json(
            {
                "model": run.name,
                "data": data.name,
                "n": len(part),
                "metrics": metrics,
                "intervals": intervals,
            }
        )
    click.echo(f"{run.name} on {len(part):,} held-out examples of {data.name}")
    rows = [(k, v, _interval(intervals.get(k))) for k, v in metrics.items()]
    echo_table(rows)
    for path in paths:
        click.echo(str(path))


def _frechet(run, judge, data, part):
    """Return the Fréchet distance of samples to held-out examples in a classifier's features."""
    from genai_basics.metrics import frechet_report

    if not (run.model.can_sample and able(judge, "features")):
        raise click.ClickException(
            f"--features needs a model that samples and a classifier. Received: {run.name}, "
            f"{judge.name}"
        )
    whole = part is data.train
    n = min(len(part) // 2 if whole else len(part), len(data.train), 5000)
    others = part.x[n : 2 * n] if whole else data.train.x[:n]
    sides = part.x[:n], run.model.sample(n, seed=0), others
    return frechet_report(*(judge.model.features(x) for x in sides))


def _interval(bounds):
    return "" if bounds is None else f"[{bounds[0]:.4g}, {bounds[1]:.4g}]"
