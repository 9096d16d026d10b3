"""Training seen live: a process that trains, and what its run folder shows meanwhile."""

import contextlib
import signal
import subprocess
import sys
import tempfile
from pathlib import Path, PurePath

from ..data import list_data
from ..data.describing import describe
from ..data.loading import load_for
from ..plotting import curves
from ..recipes import RECIPES, get_recipe
from ..runs.run_files import read_history
from ..warning import one_line
from .controls import Panel, minutes_of
from .serving import MOST_BYTES
from .showing import drawn, show_picture, uri
from .stage import in_thread
from .widgets import add_button, add_upload

__all__ = ["TrainTab", "Training", "source_within"]

SUFFIXES = (".csv", ".tsv", ".txt", ".npz", ".npy", ".ts")  # of uploads; none names other files
MOST_MINUTES = 120
USUAL = 1  # minute
ENDED = (0, 130, -signal.SIGTERM)  # exit codes of trainings that were finished or stopped
SHOWN = (".png", ".gif")  # samples that are pictures


def source_within(root, name):
    """Return the path of data in the folder `root`.

    Raises:
        ValueError: If there is no such file or folder, or it lies outside.
    """
    root = Path(root).resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root) or path == root or not path.exists():
        raise ValueError(f"'{name}' is not in the folder of data")
    return path


class Training:
    """A training in a process of its own, so that it neither slows nor ends with the page.

    Args:
        folder: The new run folder.
        arguments: What Python is started with.
    """

    def __init__(self, folder, *arguments):
        self.folder, command = Path(folder), [sys.executable, *map(str, arguments)]
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.errors
        )

    @property
    def running(self):
        return self.process.poll() is None

    def stop(self):
        """End the training as Ctrl-C does: what was learned is kept.

        By SIGTERM, since a page that was started in the background ignores Ctrl-C, and so do its
        processes.
        """
        if self.running:
            self.process.terminate()

    @property
    def history(self):
        """The history so far, a list of dicts."""
        with contextlib.suppress(OSError, ValueError):
            return read_history(self.folder / "history.csv")
        return []

    @property
    def picture(self):
        """Path of the newest picture of samples or examples, or `None`."""
        paths = [*self.folder.glob("samples/step-*"), *self.folder.glob("samples.*")]
        paths += self.folder.glob("examples.png")
        paths = [path for path in paths if path.suffix in SHOWN]
        return max(paths, key=lambda path: path.stat().st_mtime, default=None)

    @property
    def problem(self):
        """What went wrong, in words, or an empty text."""
        if self.running or self.process.returncode in ENDED:
            return ""
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1].removeprefix("Error: ") if lines else "the training stopped"

    def look(self):
        """Return `(history, curves, samples)`: the pictures as addresses, `None` if there are none.

        It reads files, so it is called in a thread.
        """
        rows, newest = self.history, self.picture
        lines = uri(drawn(curves, rows), ".png") if len(rows) > 1 else None
        with contextlib.suppress(OSError):
            return rows, lines, newest and uri(newest.read_bytes(), newest.suffix)
        return rows, lines, None


class TrainTab:
    """The tab on which a model is trained.

    Args:
        runs: Folder of new runs.
        data: Folder whose files and folders may be trained on; `None`: there is none.
        begin: Name of a model whose training starts at once.
    """

    title = "Train"

    def __init__(self, runs, data=None, begin=None):
        self.runs, self.data = Path(runs), data
        self.training = None
        if begin is not None:
            self.start(begin, None, USUAL)

    def start(self, model, source, minutes, target=None):
        """Start a training; one at a time."""
        if self.training is not None and self.training.running:
            raise ValueError("a training is running: stop it first")
        self.runs.mkdir(exist_ok=True)
        names = (f"{model}-{i}" if i > 1 else model for i in range(1, 10**6))
        folder = next(self.runs / name for name in names if not (self.runs / name).exists())
        arguments = ["train", model, "--minutes", f"{minutes:g}", "--out", folder]
        arguments += ["--data", source] if source else []
        arguments += ["--target", target] if target else []
        self.training = Training(folder, "-m", "genai_basics", *arguments)

    def sources(self):
        """Return what can be chosen, `{key: words}`: names of data, and files of the folder."""
        found = {f"name:{name}": f"{name}: {words}" for name, words in list_data().items()}
        for root, kind in ((self.data, "folder"), (self.uploads, "upload")):
            if root is not None and Path(root).is_dir():
                names = sorted(path.name for path in Path(root).iterdir() if path.name[0] != ".")
                found |= {f"{kind}:{name}": f"{name} ({kind})" for name in names}
        return found

    @property
    def uploads(self):
        return self.runs / ".uploads"

    def source_of(self, key):
        """Return what a key of `sources` stands for, as `load_data` takes it."""
        kind, _, name = (key or "").partition(":")
        if kind == "name" and name in list_data():
            return name
        if kind in ("folder", "upload"):
            return str(source_within(self.data if kind == "folder" else self.uploads, name))
        raise ValueError("choose the data to train on")

    def keep_upload(self, name, content):
        """Write uploaded data into the folder of runs; return its key."""
        name = PurePath(name).name
        if PurePath(name).suffix.lower() not in SUFFIXES or name.startswith("."):
            raise ValueError(f"'{name}' is not accepted: upload one of {', '.join(SUFFIXES)}")
        self.uploads.mkdir(parents=True, exist_ok=True)
        (self.uploads / name).write_bytes(content)
        return f"upload:{name}"

    def described(self, model, key, target=None):
        """Return what `inspect` says of the data, if the model can be trained on them."""
        options = {"target": target} if target else {}
        return str(describe(load_for(get_recipe(model), self.source_of(key), options)))

    def add(self, view):
        """Add the tab to the page of a browser."""
        _TrainView(self, view).add()


class _TrainView:
    """The widgets of one browser for the training."""

    def __init__(self, tab, view):
        self.tab, self.view, self.told = tab, view, None

    def add(self):
        from nicegui import ui

        words = "A model learns from data; its curves and samples appear while it does."
        with Panel("Train a model", words) as self.panel, ui.row().classes("full-width two"):
            with ui.column().classes("half"):
                self.add_choices()
            with ui.column().classes("half").props("aria-live=polite"):
                self.status = ui.label().classes("words").props("role=status")
                self.bar = ui.linear_progress(0, show_value=False).props("aria-label=progress")
                self.box = ui.column().classes("full-width")
                self.pictures = {}
        ui.timer(1.0, self.refresh)

    def add_choices(self):
        from nicegui import ui

        models = {name: f"{name}: {recipe.summary}" for name, recipe in RECIPES.items()}
        self.model = ui.select(models, value="vae", label="Model", on_change=self.model_chosen)
        self.data = ui.select(self.tab.sources(), label="Data", value="name:letters")
        self.target = ui.input("Target column, for a table of your own")
        add_upload("Upload data", SUFFIXES, MOST_BYTES, self.uploaded, self.panel.fail)
        self.minutes = ui.number("Minutes", value=USUAL, min=0.1, max=MOST_MINUTES, step=0.5)
        with ui.row():
            add_button("Look at the data", self.inspect)
            add_button("Train", self.train, main=True)
            add_button("Stop and keep", self.stop)
        self.description = ui.label().classes("written").props("role=status")

    def model_chosen(self, event):
        self.data.value = f"name:{RECIPES[event.value].data}"

    async def uploaded(self, name, content):
        try:
            key = self.tab.keep_upload(name, content)
            self.data.set_options(self.tab.sources(), value=key)
            self.panel.fail("")
        except (ValueError, OSError) as error:
            self.panel.fail(one_line(error))

    async def inspect(self):
        """Say what the data are; return whether the model can be trained on them."""
        self.panel.spinner.set_visibility(True)
        try:
            words = await in_thread(
                self.tab.described, self.model.value, self.data.value, self.target.value
            )
        except Exception as error:  # readers raise many types for users' files
            self.description.set_text("")
            self.panel.fail(one_line(error))
            return False
        finally:
            self.panel.spinner.set_visibility(False)
        self.panel.fail("")
        self.description.set_text(words)
        return True

    async def train(self):
        try:
            minutes = minutes_of(self.minutes, MOST_MINUTES)
            if await self.inspect():
                source = self.tab.source_of(self.data.value)
                self.tab.start(self.model.value, source, minutes, self.target.value)
        except (ValueError, OSError) as error:
            self.panel.fail(one_line(error))

    def stop(self):
        if self.tab.training is not None:
            self.tab.training.stop()

    async def refresh(self):
        """Show how far the training is."""

        training = self.tab.training
        if training is None:
            return
        rows, lines, samples = await in_thread(training.look)
        running = training.running
        last = rows[-1] if rows else {}
        self.bar.value = last.get("progress", 0.0) if running else 1.0
        state = "is being trained" if running else "was trained"
        facts = [f"{last['step']:,.0f} steps", f"{last['seconds']:.0f} s"] if last else []
        starts = ["starting"] if running and not rows else []
        self.status.set_text(f"{training.folder.name} {state}: {', '.join(facts + starts)}")
        self.show("curves", lines, "curves of training")
        self.show("samples", samples, "samples of the model in training")
        if not running and self.told is not training:
            self.told = training
            self.panel.fail(training.problem)
            if (training.folder / "model.keras").exists():
                title = self.view.keep(training.folder)
                with self.box:
                    add_button(f"Try {title}", lambda: self.view.show(title), main=True)

    def show(self, name, address, alt):
        """Show a picture, in place of the one before."""
        if address is None or self.pictures.get(name, (None, None))[1] == address:
            return
        if name not in self.pictures:
            with self.box:
                element = show_picture(b"", alt)
        else:
            element = self.pictures[name][0]
        element.props["src"] = address
        element.update()
        self.pictures[name] = (element, address)
