"""Inputs of a user, of any kind of data: an example, a drawing, a file, a recording, a text.

Files are read by the readers of `predict`. A browser sends contents and never paths.
"""

import base64
import binascii
import tempfile
from pathlib import Path, PurePath

import numpy as np

from ..data import read_inputs
from ..data.images import IMAGE_SUFFIXES
from ..data.midi import MIDI_SUFFIXES
from ..data.sound_files import SOUND_SUFFIXES
from ..warning import one_line
from .form import Form
from .serving import MOST_BYTES
from .widgets import Pad, Recorder, add_button, add_upload

__all__ = ["ACCEPTED", "Entry", "read_upload"]

ARRAYS = (".npy", ".npz")
ACCEPTED = {  # endings of files by kind of data
    "images": (*IMAGE_SUFFIXES, *ARRAYS),
    "detection": (*IMAGE_SUFFIXES, *ARRAYS),
    "text": (".txt", ".csv", ".tsv"),
    "pairs": (".txt", ".csv", ".tsv"),
    "vectors": (".csv", ".tsv", *ARRAYS),
    "tables": (".csv", ".tsv"),
    "series": (".csv", ".tsv", ".ts", *ARRAYS),
    "forecast": (".csv", ".tsv", *ARRAYS),
    "audio": (*SOUND_SUFFIXES, *ARRAYS),
    "video": (".gif", *ARRAYS),
    "music": (*MIDI_SUFFIXES, *ARRAYS),
}
SECONDS = 10  # of a recording
SILENT = 1e-4  # of full scale


def read_upload(name, content, spec):
    """Return the inputs in the content of an uploaded file, read as `predict` reads files.

    Raises:
        ValueError: If they cannot be read; the message names the file without its folder.
    """
    suffix = PurePath(name).suffix.lower()
    accepted = ACCEPTED[spec.kind]
    if suffix not in accepted:
        raise ValueError(f"'{name}' is not accepted here: upload one of {', '.join(accepted)}")
    if len(content) > MOST_BYTES:
        raise ValueError(f"'{name}' is larger than {MOST_BYTES >> 20} MiB")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"upload{suffix}"
        path.write_bytes(content)
        try:
            found = read_inputs([path], spec)[1]
            if spec.kind == "audio":
                check_heard(name, found)
            return found
        except Exception as error:  # files of others may break any reader
            raise ValueError(one_line(error).replace(str(path), name)) from error


def data_of(address):
    """Return the content of a data URL from the browser."""
    try:
        content = base64.b64decode(address.partition(",")[2], validate=True)
    except (AttributeError, binascii.Error) as error:
        raise ValueError("the browser sent no picture or sound") from error
    if len(content) > MOST_BYTES:
        raise ValueError(f"it is larger than {MOST_BYTES >> 20} MiB")
    return content


def batch_of_one(x, i=0):
    """Return example i of raw data as a batch of one."""
    if isinstance(x, dict):  # columns of a table
        return {name: column[i : i + 1] for name, column in x.items()}
    if hasattr(x, "following"):  # series with their times
        return type(x)(x[i : i + 1], x.times[i : i + 1], x.frequency, x.ahead)
    return x[i : i + 1]


def check_heard(name, clips):
    """Raise a `ValueError` if a clip is silent."""
    if not len(clips[0]) or np.abs(clips[0]).max() < SILENT:
        raise ValueError(f"'{name}' is silent: there is nothing to hear in it")


class Entry:
    """Widgets with which a user gives one input.

    Args:
        stage: The `Stage` of the run.
        panel: The `Panel`, which shows errors.
        given: Coroutine function, called with each input, a batch of one raw example, and its true
            label, a text or `None`.
        name: Name of the input.
    """

    def __init__(self, stage, panel, given, name="Input"):
        from nicegui import ui

        self.stage, self.panel, self.given, self.name = stage, panel, given, name
        self.form = None
        kind = stage.spec.kind
        with ui.column().classes("full-width"):
            if kind in ("text", "pairs"):
                self.add_text()
            elif kind in ("images",) and draws(stage.spec):
                self.add_pad()
            elif kind == "audio":
                self.add_recorder()
            elif kind == "tables":
                self.add_form()
            self.add_examples()
            suffixes = ACCEPTED[kind]
            add_upload("Upload a file", suffixes, MOST_BYTES, self.uploaded, panel.fail)

    async def give(self, read, *args):
        """Read an input in the run's thread and pass it on; show an error."""
        try:
            x, label = await self.stage.call(read, *args)
        except Exception as error:  # shown on the page
            return self.panel.fail(one_line(error))
        self.panel.fail("")
        if self.form is not None:
            self.form.fill(x)
        await self.given(x, label)

    # One of the held-out examples.

    def add_examples(self):
        from nicegui import ui

        with ui.row().classes("items-center full-width"):
            self.number = ui.number("Held-out example", value=None, min=0, step=1, format="%d")
            self.number.on_value_change(lambda: self.show_example())
            add_button("Next example", self.next_example)

    def next_example(self):
        self.number.value = 0 if self.number.value is None else int(self.number.value) + 1

    async def show_example(self):
        if self.number.value is not None:
            await self.give(self.example, int(self.number.value))

    def example(self, i):
        """Return example i of the held-out data, a batch of one, and its label as a text."""
        x, y = self.stage.examples
        n = len(next(iter(x.values()))) if isinstance(x, dict) else len(x)
        return batch_of_one(x, i % n), self.label(y, i % n)

    def label(self, y, i):
        if y is None or isinstance(y[i], dict) or self.stage.spec.kind == "forecast":
            return None
        names = getattr(self.stage.spec, "class_names", None)
        if names and np.ndim(y[i]) == 0 and not isinstance(y[i], str):
            return str(names[int(y[i])])
        return str(y[i])

    # A file.

    async def uploaded(self, name, content):
        await self.give(
            lambda: (batch_of_one(read_upload(name, content, self.stage.run.reads)), None)
        )

    # A text.

    def add_text(self):
        from nicegui import ui

        field = ui.textarea(self.name).props("outlined autogrow").classes("full-width")
        field.props["maxlength"] = 10_000

        async def typed():
            await self.give(self.text, field.value)

        field.on("keydown.enter.prevent", typed)
        add_button("Go", typed, main=True)

    @staticmethod
    def text(value):
        if not (value or "").strip():
            raise ValueError("the text is empty: type one")
        return [value], None  # never read as a path

    # A row of a table.

    def add_form(self):
        from nicegui import background_tasks, ui

        box = ui.column().classes("full-width")

        async def typed():
            await self.given(self.form.batch(), None)

        async def fill():
            try:
                x, _ = await self.stage.call(lambda: self.stage.examples)
            except Exception as error:  # the data may be gone
                return self.panel.fail(one_line(error))
            with box:
                self.form = Form(x, typed)
            await typed()

        background_tasks.create(fill())

    # A drawing.

    def add_pad(self):
        async def drawn(address):
            await self.give(lambda: (self.picture(address), None))

        Pad(self.name, drawn)

    def picture(self, address):
        return read_upload("drawing.png", data_of(address), self.stage.run.reads)

    # A recording.

    def add_recorder(self):
        async def recorded(address):
            await self.give(lambda: (self.clip(address), None))

        Recorder(f"Record {self.name.lower()}", recorded, SECONDS, self.panel.fail)

    def clip(self, address):
        return read_upload("recording.wav", data_of(address), self.stage.run.reads)


def draws(spec):
    """Return whether pictures of a kind can be drawn: small grey ones."""
    return spec.shape[-1] == 1 and max(side or 1000 for side in spec.shape[:2]) <= 64
