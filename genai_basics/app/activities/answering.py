"""What the model makes of an input: classes, boxes, texts, forecasts, reconstructions."""

import numpy as np

from ... import plotting
from ...provenance import ENHANCED
from ...recurrent.evaluation import history_shown
from ..controls import Controls, Panel
from ..entering import Entry
from ..showing import Output, drawn, prepared, show_bars, table
from ..widgets import Slider
from .evidence import evidence_of

__all__ = ["PREDICT", "add", "answered", "fits", "verb_of"]

MOST_BARS = 10
WORDS = {  # by the model's method: a title, and a sentence
    "detect": ("Detect objects", "Boxes above the threshold."),
    "transcribe": ("Recognize speech", "The text that the model hears, and its frames."),
    "translate": ("Translate", "The translation, and what each of its units looked at."),
    "forecast": ("Forecast", "The next steps after a history, with the bands of its quantiles."),
    "classify": ("Classify", "What the model sees in an input, and what spoke for it."),
    "denoise": ("Reconstruct and denoise", "What is left of an input after the network."),
    "reconstruct": ("Reconstruct", "What is left of an input after the code."),
}
PREDICT = ("detect", "transcribe", "translate", "forecast", "classify")  # rather than generate


def fits(stage):
    writes = stage.can("streams") and stage.spec.kind == "text"  # `written_text` continues texts
    return not writes


def verb_of(model):
    """Return the method that says what a model is for, if it has one of them."""
    return next((name for name in WORDS if hasattr(model, name)), None)


def purpose(stage):
    """Return the title and the sentence of the panel."""
    verb = verb_of(stage.model)
    if verb == "classify" and not stage.model.num_classes:
        return "Predict a value", "What the model predicts for an input."
    return WORDS.get(verb, ("Rate an input", "What the model says of an input."))


def answered(stage, batch, options, horizon=None):
    """Return what the page shows of the model's answer for a batch of one.

    Returns:
        row: The answer as a dict.
        bars: `[(label, probability)]`, the most likely first, of a classifier.
        parts: Pictures, sounds and texts, as `prepared`.
        outputs: What can be downloaded, or `None`.
    """
    model, spec = stage.model, stage.spec
    if spec.kind == "forecast":
        return forecast(stage, batch, horizon)
    rows, outputs = model.answer(batch, **options)
    row, bars, parts = rows[0], [], []
    if outputs is not None and spec.kind not in ("text", "pairs"):
        parts += prepared(outputs, spec)
    if hasattr(model, "classify") and model.num_classes:
        probabilities = model.predict(batch, verbose=0)[0]
        chosen = np.argsort(-probabilities)[:MOST_BARS]
        bars = [(str(model.labels.name(i)), float(probabilities[i])) for i in chosen]
    if hasattr(model, "attention") and spec.kind == "pairs":
        parts.append((".png", drawn(plotting.attention, *model.attention(batch[0]))))
    if hasattr(model, "log_mel"):
        parts += heard(model, batch)
    return row, bars, parts, outputs


def forecast(stage, batch, horizon=None):
    """Return the answer of a forecaster: a picture per target, and a table."""
    model = stage.model
    rows, outputs = model.answer(batch)
    steps = rows[0][: horizon or model.horizon]
    past = np.asarray(batch[0])[: len(batch[0]) - (model.horizon if model.known else 0)]
    shown = min(len(past), history_shown(model))
    times = batch.times[0] if getattr(batch, "times", None) else None
    if times is not None:
        ahead = np.array([row["time"] for row in steps], "datetime64")
        times = np.concatenate([np.asarray(times[: len(past)][-shown:]), ahead])
    parts = []
    for name, place in zip(model.targets, model.preprocessor.target_places, strict=True):
        levels = [[row[f"{name}_{q:g}"] for q in model.quantiles] for row in steps]
        quantiles = np.array(levels)
        picture = drawn(
            plotting.forecast,
            past[-shown:, place],
            quantiles[:, model.middle],
            quantiles,
            levels=model.quantiles,
            times=times,
            name=str(name),
        )
        parts.append((".png", picture))
    cells = [
        [f"{v:.4g}" if isinstance(v, float) else str(v) for v in row.values()] for row in steps
    ]
    parts.append(("rows", (list(steps[0]), cells)))
    return {}, [], parts, outputs


def heard(model, batch):
    """Return the spectrogram of a clip, and the symbol of each frame as CTC emits them."""
    waves = model.waves(batch)
    bands = np.asarray(model.log_mel(waves["samples"]))[0]
    seconds = waves["length"][0] / model.log_mel.sample_rate / max(1, len(bands))
    parts = [(".png", drawn(plotting.spectrograms, [bands], ["spectrogram"], seconds=seconds))]
    best = model.log_probabilities(batch)[0]
    symbols = ["·", *model.symbols]
    emitted = [(symbols[i], float(np.exp(row[i]))) for row in best for i in [int(row.argmax())]]
    return [*parts, ("shaded", ("The most likely symbol of each frame; · is the blank", emitted))]


def add(stage):
    from nicegui import ui

    kind = stage.spec.kind
    with Panel(*purpose(stage)) as panel:
        state = {"batch": None, "label": None}
        with ui.row().classes("full-width two"):
            with ui.column().classes("half"):

                async def given(batch, label):
                    state.update(batch=batch, label=label)
                    await change()

                Entry(stage, panel, given)
                entered = Output(stage, "the input as the model sees it")
                entered.box.classes("small")
                controls = Controls(stage, "predict", lambda: change(), without=("explain", "top"))
                noise = horizon = None
                if getattr(stage.model, "corruption", None):
                    noise = ui.checkbox("Add noise first", on_change=lambda: change())
                if kind == "forecast" and stage.model.horizon > 1:
                    longest = stage.model.horizon
                    horizon = Slider("Horizon", 1, longest, 1, longest, lambda: change())
            with ui.column().classes("half").props("aria-live=polite"):
                truth, box = ui.label().classes("words"), ui.column().classes("full-width")
                output = Output(stage, "what the model returns", ENHANCED)

    async def compute(batch, options, steps, noisy):
        if noisy:
            batch = await stage.call(stage.model.corrupt, batch)
        seen = kind in ("forecast", "tables")  # in the plot, and in the form
        given = [] if seen else await stage.call(prepared, batch, stage.spec)
        found = await stage.call(answered, stage, batch, options, steps)
        spoke = await stage.call(evidence_of, stage, batch) if found[1] else []
        return given, found, spoke

    def show(everything):
        given, (row, bars, parts, outputs), spoke = everything
        entered.show(given)
        truth.set_text(f"True label: {state['label']}" if state["label"] is not None else "")
        box.clear()
        with box:
            if bars:
                show_bars(bars)
            else:
                show_row(row)
        output.show(parts + spoke, outputs)

    latest = panel.latest(compute, show)

    async def change():
        if state["batch"] is not None:
            steps = horizon and int(horizon.value)
            await latest(state["batch"], controls(), steps, noise is not None and noise.value)


def show_row(row):
    """Show the answer: texts in large letters, numbers in a table."""
    from nicegui import ui

    rows = []
    for name, value in row.items():
        if isinstance(value, str) and len(row) <= 2:
            ui.label(value or "(nothing)").classes("answer").props(f'data-name="{name}"')
        elif not isinstance(value, (list, dict)):
            shown = f"{value:.4g}" if isinstance(value, float) else str(value)
            rows.append([name.replace("_", " "), shown])
    if rows:
        table(["what", "value"], rows)
