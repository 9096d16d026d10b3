"""Drawing samples with all options of the command `sample`."""

import inspect

from ...warning import one_line
from ..controls import Controls, Panel
from ..showing import Output, prepared
from ..widgets import add_button

__all__ = ["add", "fits", "sampled"]

FEW = {"video": 4, "music": 2, "audio": 4, "series": 4}  # samples at first
USUAL, MOST = 16, 64


def fits(stage):
    streams = stage.can("streams") and stage.spec.kind == "text"  # `written_text` shows these
    return stage.can("samples") and stage.model.can_sample and not streams


def sampled(stage, n, seed, options):
    """Return `(parts to show, samples, labels)`; the same seed gives the same samples."""
    options = {name: value() if callable(value) else value for name, value in options.items()}
    if stage.spec.kind == "forecast":
        options["history"] = stage.examples[0][0]
    walk = "interpolate" in options
    labels = options.get("labels")
    if labels is not None and not walk:
        n = max(n, len(labels))
    samples = stage.model.sample(n, seed=seed, **options)
    named = None
    if getattr(stage.model, "num_classes", None) and not walk:
        named = stage.model.labels.spread(len(samples), labels)
    spec = stage.spec
    return prepared(samples, spec, named, walk and spec.kind == "images"), samples, named


def add(stage):
    from nicegui import ui

    words = "The same seed gives the same samples."
    with Panel("Draw samples", words) as panel, ui.row().classes("full-width two"):
        with ui.column().classes("half"):
            count = ui.number(
                "Number of samples", value=FEW.get(stage.spec.kind, USUAL), min=1, max=MOST
            )
            seed = ui.number("Seed", value=0, min=0, format="%d")
            with ui.row():
                add_button("Another seed", lambda: another(seed), main=True)
            controls = Controls(stage, "sample", lambda: change())
        with ui.column().classes("half"):
            output = Output(stage, "samples")

    async def compute(*args):
        return args[1], await stage.call(sampled, stage, *args)

    def show(found):
        seed, (parts, samples, labels) = found
        output.show(parts, samples, labels, seed=seed)

    latest = panel.latest(compute, show)

    async def change():
        try:
            n, number = whole("number of samples", count.value, 1, MOST), whole("seed", seed.value)
        except ValueError as error:
            return panel.fail(one_line(error))
        await latest(n, number, controls())

    count.on_value_change(change)
    seed.on_value_change(change)
    start(change)


def whole(name, value, least=0, most=2**31 - 1):
    """Return a number field's value as a whole number within limits."""
    if value is None or value != int(value) or not least <= value <= most:
        raise ValueError(f"the {name} must be a whole number from {least} to {most:,}")
    return int(value)


def another(seed):
    seed.value = int(seed.value or 0) + 1


def start(change):
    """Do something once the page is built."""
    from nicegui import background_tasks

    found = change()
    if inspect.isawaitable(found):
        background_tasks.create(found)
