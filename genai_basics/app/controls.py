"""Widgets for the options that a model's row declares, so that a new option needs no page code."""

import asyncio

from .stage import Latest
from .widgets import Slider, add_heading

__all__ = ["Controls", "Panel", "add_label", "labels_of", "minutes_of"]

RANGES = {  # of sliders, by the option's keyword: least, most, step; others are number fields
    "temperature": (0, 2, 0.05),
    "truncation": (0.1, 3, 0.1),
    "guidance": (0, 6, 0.1),
    "steps": (1, 64, 1),
    "top_p": (0.05, 1, 0.05),
    "threshold": (0, 1, 0.01),
    "length": (1, 1000, 1),
    "beam": (1, 16, 1),
    "top": (1, 10, 1),
    "weight": (0, 2, 0.05),
}
USUAL = {"temperature": 1.0, "top_p": 1.0, "length": 200, "beam": 1, "top": 10, "weight": 0.5}
PATIENCE = 0.3  # seconds until work is shown, so that quick answers cause no flicker
WALK = 8  # steps from each sample to the next


def labels_of(stage):
    """Return the class labels by name, `{label: name}`, of a conditional model."""
    model = stage.model
    if not getattr(model, "num_classes", None):
        return {}
    return {i: str(model.labels.name(i)) for i in range(model.num_classes)}


def add_label(stage, change):
    """Add a choice of label; return a function that reads it, `None` without labels."""
    from nicegui import ui

    labels = labels_of(stage)
    if not labels:
        return lambda: None
    field = ui.select(labels, value=0, label="Label", on_change=lambda: change())
    return lambda: field.value


def minutes_of(field, most):
    """Return the minutes in a number field; raise a `ValueError` unless they are in (0, most]."""
    if field.value is None or not 0 < field.value <= most:
        raise ValueError(f"the minutes must be above 0 and at most {most}")
    return field.value


class Controls:
    """The widgets of a command's options for a run, and what they say.

    Args:
        stage: The `Stage` of the run.
        command: "sample" or "predict".
        change: Function without arguments, called after each change.
        without: Keywords that are left out.
    """

    def __init__(self, stage, command, change, without=()):
        self.stage, self.readers = stage, {}
        for option in stage.recipe.options_of(command, stage.spec.kind):
            if option.keyword in without or option.type in ("inputs", "run", "names"):
                continue
            reader = self.add(option, change)
            if reader is not None:
                self.readers[option.keyword] = reader

    def add(self, option, change):
        """Add the widget of an option; return a function that reads it, `None` if unset."""
        from nicegui import ui

        name = option.flag.lstrip("-").replace("-", " ").capitalize()
        usual = getattr(self.stage.model, option.keyword, None)
        usual = USUAL.get(option.keyword) if not isinstance(usual, (int, float)) else usual
        if option.type in ("flag", "examples", "labels") or option.keyword == "interpolate":
            return self.add_choice(option, name, change)
        if option.type == "str":
            field = ui.input(name, on_change=lambda: change()).classes("full-width")
            return lambda: field.value or None
        if option.keyword == "guidance" and not labels_of(self.stage):
            return None
        if option.keyword in RANGES and usual is not None:
            least, most, step = RANGES[option.keyword]
            bar = Slider(name, least, most, step, usual, change)
            kind = int if option.type == "int" else float
            return lambda: kind(bar.value)
        field = ui.number(name, min=option.least, max=option.most, on_change=lambda: change())
        field.props["hint"] = option.help
        field.props("clearable").classes("full-width")
        kind = int if option.type == "int" else float
        return lambda: None if field.value in (None, "") else kind(field.value)

    def add_choice(self, option, name, change):
        """Add a checkbox, or a choice of labels."""
        from nicegui import ui

        if option.type == "labels":
            labels = labels_of(self.stage)
            if not labels:
                return None
            chosen = ui.select(labels, multiple=True, label="Labels", on_change=lambda: change())
            chosen.props("use-chips clearable").classes("full-width")
            return lambda: [*chosen.value] or None
        if option.keyword == "interpolate":
            box = ui.checkbox("Walk from sample to sample", on_change=lambda: change())
            return lambda: WALK if box.value else None
        box = ui.checkbox(option.help.rstrip("."), on_change=lambda: change())
        if option.type == "examples":
            return lambda: self.all_examples if box.value else None  # called in the run's thread
        return lambda: True if box.value else None

    def all_examples(self):
        """Return all examples of the run's data."""
        data = self.stage.run.data()
        return [*data.train.x, *data.validation.x, *data.test.x]

    def __call__(self):
        """Return the options that are set; functions give values in the run's thread."""
        values = {name: reader() for name, reader in self.readers.items()}
        return {name: value for name, value in values.items() if value is not None}


class Panel:
    """An activity on the page: a title, what it is, a line for errors, and a spinner.

    Use it as a context manager; elements are added to it.
    """

    def __init__(self, title, words=""):
        from nicegui import ui

        self.card = ui.element("section").classes("panel")
        self.card.props["aria-label"] = title
        with self.card:
            with ui.row().classes("items-center no-wrap"):
                add_heading(title, 3)
                self.spinner = ui.spinner(size="1.2em").props("aria-hidden=true")
                self.spinner.set_visibility(False)
            if words:
                ui.label(words).classes("words")
            self.box = ui.column().classes("full-width")
            self.error = ui.label().classes("error").props("role=alert")
            self.error.set_visibility(False)

    def __enter__(self):
        self.box.__enter__()
        return self

    def __exit__(self, *args):
        return self.box.__exit__(*args)

    def fail(self, sentence):
        """Show a sentence about an error; an empty one hides it."""
        if sentence != self.error.text:
            self.error.set_text(sentence)
            self.error.set_visibility(bool(sentence))

    def latest(self, compute, show):
        """Return a `Latest` that shows its errors and its work here."""

        async def watched(*args):
            loop = asyncio.get_running_loop()
            later = loop.call_later(PATIENCE, self.spinner.set_visibility, True)
            try:
                return await compute(*args)
            finally:
                later.cancel()
                self.spinner.set_visibility(False)

        return Latest(watched, show, self.fail)
