"""Interpolation between two inputs of the user."""

from ...provenance import ENHANCED
from ..controls import Panel, add_label
from ..entering import Entry
from ..showing import Output, as_file, prepared

__all__ = ["add", "fits"]

STEPS = 9


def fits(stage):
    return stage.can("interpolates") and getattr(stage.model, "has_code", True)


def between(stage, a, b, steps, label=None):
    """Return `(parts to show, examples between a and b)`, two batches of one."""
    more = {} if label is None else {"labels": [label, label]}
    made = stage.model.interpolate(a[0], b[0], steps, **more)
    if stage.spec.kind == "images":
        content, form = as_file(made[None], stage.spec, ".png")
        return [(form, content)], made
    return prepared(made, stage.spec), made


def add(stage):
    from nicegui import ui

    ends = {}
    with Panel(
        "Between two inputs", "Give two inputs; the model finds what lies between."
    ) as panel:
        with ui.row().classes("full-width two"):
            for name in ("First", "Second"):
                with ui.column().classes("half"):
                    ui.label(name).classes("text-bold")

                    async def given(x, label, name=name):
                        ends[name] = x
                        shown[name].show(await stage.call(prepared, x, stage.spec))
                        await change()

                    Entry(stage, panel, given, f"{name} input")
                    ends[name] = None
        shown = {}
        with ui.row().classes("full-width"):
            for name in ("First", "Second"):
                shown[name] = Output(stage, f"{name.lower()} input")
                shown[name].box.classes("small")
        label = add_label(stage, lambda: change())
        output = Output(stage, "examples between the inputs", ENHANCED)

    async def compute(*args):
        return await stage.call(between, stage, *args)

    latest = panel.latest(compute, lambda found: output.show(*found))

    async def change():
        if all(end is not None for end in ends.values()):
            await latest(ends["First"], ends["Second"], STEPS, label())
