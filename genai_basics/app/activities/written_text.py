"""Writing text letter by letter, with the probability of each."""

import numpy as np

from ..controls import Controls, Panel
from ..showing import Output, show_shaded
from ..widgets import add_button
from .generating import another, start, whole

__all__ = ["add", "fits", "probabilities"]


def fits(stage):
    return stage.can("streams") and stage.spec.kind == "text"


def probabilities(model, text, opening=None):
    """Return `[(unit, probability)]` of a text under a language model.

    Args:
        model: A `LanguageModel`.
        text: The text.
        opening: Text before it, which is not returned.
    """
    from keras import ops

    before = len(model.tokenizer.encode(opening or ""))
    (document,) = model.documents([(opening or "") + text])
    p = ops.convert_to_numpy(ops.softmax(model(np.asarray(document)[None, :-1])))[0]
    units = document[1:]
    pairs = [(model.tokenizer.unit_of(u), float(row[u])) for u, row in zip(units, p, strict=True)]
    return pairs[before : before + len(model.tokenizer.encode(text))]


def add(stage):
    from nicegui import ui

    words = "The text appears as it is written; then each unit is shaded by its probability."
    with Panel("Write", words) as panel, ui.row().classes("full-width two"):
        with ui.column().classes("half"):
            controls = Controls(stage, "sample", lambda: None)
            seed = ui.number("Seed", value=0, min=0, format="%d")
            with ui.row():
                add_button("Write", lambda: change(), main=True)
                add_button("Another seed", lambda: (another(seed), change())[1])
        with ui.column().classes("half"):
            text = ui.label().classes("written").props('role=log aria-label="written text"')
            shades = ui.column().classes("full-width")
            output = Output(stage, "the written text")

    async def compute(number, options):
        shades.clear()
        text.set_text("")
        text.set_visibility(True)
        pieces = []
        async for piece in stage.stream(stage.model.stream(seed=number, **options)):
            pieces.append(piece)
            text.set_text("".join(pieces))
        written = "".join(pieces)
        opening = None if options.get("prompt") else stage.model.opening
        return number, written, await stage.call(probabilities, stage.model, written, opening)

    def show(found):
        number, written, pairs = found
        text.set_visibility(False)
        with shades:
            show_shaded(
                "Probability of each unit: the darker, the less expected",
                [(unit, 1 - p, f"{p:.1%}") for unit, p in pairs],
            )
        output.show([], [written], seed=number)

    latest = panel.latest(compute, show)

    async def change():
        try:
            number = whole("seed", seed.value)
        except ValueError as error:
            return panel.fail(str(error))
        await latest(number, controls())

    start(change)
