"""The page: a tab for each run, made from what its model can do, and tabs for training."""

from pathlib import Path

from ..warning import one_line
from .activities import activities_of
from .breaking import BreakTab
from .comparing import CompareTab
from .live_training import TrainTab
from .reporting import add_report
from .stage import Stage
from .style_sheet import STYLE
from .widgets import add_heading

__all__ = ["FIRST", "Page", "runs_in"]

FIRST = "vae"  # the model that is trained where there is no run


def runs_in(folder):
    """Return the run folders in a folder, in order of their names."""
    folder = Path(folder)
    if not folder.is_dir():
        return []
    return sorted(path.parent for path in folder.glob("*/config.json"))


class Page:
    """The page for some runs; call it to build it for a browser.

    Args:
        folders: Run folders. Without any, a model is trained on built-in data.
        runs: Folder of the runs that are trained on the page.
        data: Folder of data that may be trained on.
    """

    def __init__(self, folders, runs="runs", data=None):
        self.stages = []
        for folder in folders:
            self.stage_of(folder)
        begin = None if self.stages else FIRST
        self.tools = [TrainTab(runs, data, begin), CompareTab(lambda: self.stages), BreakTab()]

    def stage_of(self, folder):
        """Return the stage of a run folder, a new one unless it is on the page."""
        folder = Path(folder)
        for stage in self.stages:
            if stage.folder.resolve() == folder.resolve():
                return stage
        titles = {stage.title for stage in self.stages} | {tool.title for tool in self.tools_so_far}
        title = folder.name if folder.name not in titles else str(folder)
        self.stages.append(Stage(folder, title))
        return self.stages[-1]

    @property
    def tools_so_far(self):
        return getattr(self, "tools", ())

    def __call__(self):
        View(self).build()


class View:
    """The page in one browser."""

    def __init__(self, page):
        self.page, self.boxes, self.opened, self.builders = page, {}, set(), {}

    def build(self):
        from nicegui import ui

        ui.add_css(STYLE)
        ui.colors(primary="#0b5c8f")
        self.add_header()
        stages, tools = self.page.stages, self.page.tools
        self.tabs = ui.tabs().props("align=left outside-arrows mobile-arrows no-caps")
        self.panels = ui.tab_panels(self.tabs, animated=False).classes("full-width")
        for stage in list(stages):
            self.add_tab(stage.title, RunTab(stage).add)
        for tool in tools:
            self.add_tab(
                tool.title, lambda tool=tool: (add_heading(tool.title, 2), tool.add(self))[1]
            )
        self.tabs.on_value_change(lambda event: self.open(event.value))
        first = stages[0].title if stages else tools[0].title
        ui.timer(0, lambda: self.tabs.set_value(first), once=True)

    def add_header(self):
        from nicegui import ui

        dark = ui.dark_mode(value=None)
        with ui.header(fixed=False, wrap=False).classes("bar-top items-center"):
            add_heading("genai-basics", 1)
            ui.space()
            themes = {"auto": "As the system", "light": "Light", "dark": "Dark"}
            values = {"auto": None, "light": False, "dark": True}
            choice = ui.select(themes, value="auto", label="Colours").classes("colours")
            choice.props("dense options-dense dark")
            choice.on_value_change(lambda event: dark.set_value(values[event.value]))

    def add_tab(self, title, build, index=-1):
        """Add a tab, which is built once it is opened."""
        from nicegui import ui

        if title in self.builders:
            return
        self.builders[title] = build
        with self.tabs:
            tab = ui.tab(title)
        if index >= 0:
            tab.move(target_index=index)
        with self.panels, ui.tab_panel(title):
            self.boxes[title] = ui.column().classes("full-width")

    async def open(self, title):
        if title in self.builders and title not in self.opened:
            self.opened.add(title)
            with self.boxes[title]:
                found = self.builders[title]()
                if found is not None:
                    await found

    def keep(self, folder):
        """Add the tab of a run that was trained on the page."""
        stage = self.page.stage_of(folder)
        index = self.page.stages.index(stage)
        self.add_tab(stage.title, RunTab(stage).add, index)
        return stage.title

    def show(self, title):
        """Open a tab."""
        self.tabs.set_value(title)


class RunTab:
    """The tab of a run: facts, activities, audit and card."""

    def __init__(self, stage):
        self.stage = stage

    async def add(self):
        from nicegui import ui

        stage = self.stage
        add_heading(f"{stage.title}: {stage.recipe.summary}", 2)
        with ui.row().classes("items-center") as waiting:
            ui.spinner().props("aria-hidden=true")
            ui.label("The model is being loaded.").props("role=status")
        box = ui.column().classes("full-width")
        try:
            await stage.load()
        except Exception as error:  # a damaged run
            with box:
                ui.label(one_line(error)).classes("error").props("role=alert")
            return
        finally:
            waiting.delete()
        with box:
            self.add_facts()
            for activity in activities_of(stage):
                activity.add(stage)
            add_report(stage)

    def add_facts(self):
        """Show the data and the metrics."""
        from nicegui import ui

        config = self.stage.run.config
        facts = [f"trained on {config['data']['name']}", f"{config.get('steps', 0):,} steps"]
        if config["status"] != "finished":
            facts.append(config["status"])
        measured = [*self.stage.run.measured.items()][:4]
        facts += [f"{name.replace('_', ' ')} {value:.4g}" for name, value in measured]
        ui.label(", ".join(facts)).classes("words")
