"""Learning by breaking: a model trained as it should be, and with one thing wrong."""

import tempfile
from pathlib import Path

from ..runs.run import load_run
from .comparing import measures
from .controls import Panel, minutes_of
from .live_training import Training
from .showing import show_picture, table
from .stage import in_thread
from .switches import SWITCHES
from .widgets import add_button

__all__ = ["BreakTab"]

MINUTES, MOST_MINUTES = 0.5, 10
SIDES = {"whole": "As it should be", "broken": "Broken"}


class BreakTab:
    """The tab on which a model is broken on purpose."""

    title = "Break"

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="genai-basics-")
        self.trainings = {}  # by what is trained, in order
        self.wanted = []

    def start(self, key, minutes):
        """Train both sides, one after the other."""
        self.stop()
        self.wanted = [(key, side, minutes) for side in SIDES]

    def stop(self):
        self.wanted = []
        for training in self.trainings.values():
            training.stop()

    def work(self):
        """Start the next side, if none is being trained."""
        if any(training.running for training in self.trainings.values()) or not self.wanted:
            return
        key, side, minutes = self.wanted.pop(0)
        name = (SWITCHES[key].model if side == "whole" else key, side, minutes)
        if name in self.trainings and not self.trainings[name].problem:
            return  # the same as before
        folder = Path(self.folder.name) / "-".join(map(str, (*name, len(self.trainings))))
        command = ("-m", "genai_basics.app.switches", key, side, minutes, folder)
        self.trainings[name] = Training(folder, *command)

    def training_of(self, key, side, minutes):
        name = SWITCHES[key].model if side == "whole" else key
        return self.trainings.get((name, side, minutes))

    def add(self, view):
        """Add the tab to the page of a browser."""
        _BreakView(self).add()


class _BreakView:
    """The widgets of one browser."""

    def __init__(self, tab):
        self.tab, self.shown = tab, {}

    def add(self):
        from nicegui import ui

        words = "One thing is wrong in the right model below. What does it do, and why?"
        with Panel("Learn by breaking", words) as self.panel:
            names = {key: switch.name for key, switch in SWITCHES.items()}
            self.key = ui.select(
                names, value="vae-beta", label="What is broken", on_change=self.chosen
            ).classes("full-width")
            self.sentence = ui.label().props("role=status")
            with ui.row().classes("items-center"):
                self.minutes = ui.number(
                    "Minutes for each", value=MINUTES, min=0.1, max=MOST_MINUTES, step=0.1
                )
                add_button("Train both", self.train, main=True)
                add_button("Stop", self.tab.stop)
            self.boxes = {}
            with ui.row().classes("full-width two"):
                for side, title in SIDES.items():
                    with ui.column().classes("half"):
                        ui.label(title).classes("text-bold")
                        status = ui.label().classes("words")
                        self.boxes[side] = (status, ui.column().classes("full-width"))
            self.figures = ui.column().classes("full-width")
        self.chosen()
        ui.timer(1.0, self.refresh)

    def chosen(self):
        switch = SWITCHES[self.key.value]
        self.sentence.set_text(f"{switch.sentence} See tutorials/{switch.tutorial}.py.")

    def train(self):
        try:
            minutes = minutes_of(self.minutes, MOST_MINUTES)
        except ValueError as error:
            return self.panel.fail(str(error))
        self.panel.fail("")
        self.tab.start(self.key.value, minutes)

    async def refresh(self):
        """Show how far the trainings are."""
        self.tab.work()
        trainings = {
            side: self.tab.training_of(self.key.value, side, self.minutes.value) for side in SIDES
        }
        for side, training in trainings.items():
            status, box = self.boxes[side]
            if training is None:
                status.set_text("")
                rows = lines = samples = None
            else:
                rows, lines, samples = await in_thread(training.look)
                state = "being trained" if training.running else "trained"
                steps = f", {rows[-1]['step']:,.0f} steps" if rows else ""
                status.set_text(training.problem or state + steps)
            if self.shown.get(side) != (lines, samples):
                self.shown[side] = (lines, samples)
                box.clear()
                with box:
                    for address, alt in ((samples, "what the model makes"), (lines, "curves")):
                        if address:
                            show_picture(b"", f"{SIDES[side]}: {alt}").props["src"] = address
        await self.measure(trainings)

    async def measure(self, trainings):
        """Show the measures of both runs, once they are trained."""
        done = [t for t in trainings.values() if t and not t.running and not t.problem]
        key = tuple(str(t.folder) for t in done)
        if self.shown.get("measures") == key:
            return
        self.shown["measures"] = key
        self.figures.clear()
        if len(done) == len(SIDES):
            runs = {SIDES[side]: load_run(t.folder) for side, t in trainings.items()}
            with self.figures:
                table(*measures(runs))
