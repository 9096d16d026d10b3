"""Runs side by side: curves, measures, and samples of the same seed."""

import numpy as np

from ..plotting import style
from ..warning import one_line
from .activities import generating
from .controls import Panel
from .showing import Output, drawn, show_picture, table
from .stage import in_thread

__all__ = ["CompareTab", "measures", "overlaid"]

MOST, SAMPLES = 4, 8
COUNTERS = ("step", "epoch", "seconds", "progress", "learning_rate")


@style.styled
def overlaid(histories, name):
    """Return a figure with a line per run of one measure over the steps.

    Args:
        histories: `{run: rows of its history}`.
        name: Name of the measure.
    """
    figure, (axis,) = style.new_figure(8, 3)
    for run, rows in histories.items():
        points = [(row["step"], row[name]) for row in rows if np.isfinite(row.get(name, np.nan))]
        if points:
            axis.plot(*zip(*points, strict=True), label=run, marker="o" if len(points) < 2 else "")
    axis.set(xlabel="step", title=name.replace("_", " "))
    if axis.lines:
        axis.legend()
    return figure


def measures(runs):
    """Return `(header, rows)`: the measures of runs, `{title: Run}`, on held-out data."""
    found = {title: run.measured for title, run in runs.items()}
    names = dict.fromkeys(name for one in found.values() for name in one)
    rows = [
        [name.replace("_", " ")]
        + [f"{one[name]:.4g}" if name in one else "" for one in found.values()]
        for name in names
    ]
    return ["measure", *found], rows


class CompareTab:
    """The tab on which runs are compared.

    Args:
        stages: Function that returns the stages of the page.
    """

    title = "Compare"

    def __init__(self, stages):
        self.stages = stages

    def add(self, view):
        from nicegui import ui

        def titles():
            return [stage.title for stage in self.stages()]

        words = f"Curves, measures and samples of the same seed, of up to {MOST} runs."
        with Panel("Compare runs", words) as panel:
            chosen = ui.select(titles(), multiple=True, label="Runs").props("use-chips")
            chosen.classes("full-width")
            chosen.on("popup-show", lambda: chosen.set_options(titles()))
            name = ui.select(["loss"], value="loss", label="Measure of the curves")
            box = ui.column().classes("full-width")

        async def compute(names, measure):
            some = {stage.title: stage for stage in self.stages() if stage.title in names[:MOST]}
            runs = {title: stage.run for title, stage in some.items()}
            histories = await in_thread(lambda: {t: run.history for t, run in runs.items()})
            known = {key for rows in histories.values() for row in rows for key in row}
            picture = await in_thread(drawn, overlaid, histories, measure)
            samples = {t: await samples_of(stage) for t, stage in some.items()}
            return sorted(known.difference(COUNTERS)), picture, measures(runs), some, samples

        def show(found):
            known, picture, (names, rows), some, samples = found
            name.set_options(known, value=name.value if name.value in known else None)
            box.clear()
            with box:
                show_picture(picture, "curves of the runs")
                if rows:
                    table(names, rows)
                with ui.row().classes("full-width two"):
                    for title, parts in samples.items():
                        with ui.column().classes("half"):
                            ui.label(title).classes("text-bold")
                            Output(some[title], f"samples of {title}").show(parts)

        latest = panel.latest(compute, show)

        async def change():
            if chosen.value:
                await latest(list(chosen.value), name.value or "loss")

        chosen.on_value_change(change)
        name.on_value_change(change)


async def samples_of(stage):
    """Return samples of a run with seed 0, as the page shows them, or a sentence."""
    try:
        await stage.load()
        if not generating.fits(stage):
            return []
        return (await stage.call(generating.sampled, stage, SAMPLES, 0, {}))[0]
    except Exception as error:  # one run's problem must not hide the others
        return [("caption", one_line(error))]
