"""The page: a tab for each run, made from what the run's model can do."""

from pathlib import Path

from ..warning import one_line
from .activities import activities_of
from .stage import Stage
from .style_sheet import STYLE

__all__ = ["Page", "runs_in"]


def runs_in(folder):
    """Return the run folders in a folder, in order of their names."""
    folder = Path(folder)
    if not folder.is_dir():
        return []
    return sorted(path.parent for path in folder.glob("*/config.json"))


class Page:
    """The page for some runs; call it to build it for a browser.

    Args:
        folders: Run folders.
        more: Objects with a `title` and `add()`, for further tabs.
    """

    def __init__(self, folders, more=()):
        self.stages, self.more = [Stage(folder) for folder in folders], more

    def __call__(self):
        from nicegui import ui

        ui.add_css(STYLE)
        dark = ui.dark_mode(value=None)
        with ui.header(fixed=False, wrap=False).classes("bar-top items-center"):
            ui.label("genai-basics").classes("text-h6").props("role=heading aria-level=1")
            ui.space()
            ui.select(
                {None: "As the system", False: "Light", True: "Dark"}, value=None, label="Colours"
            ).bind_value(dark).props("dense options-dense dark").classes("colours")
        sections = [*((stage.title, Tab(stage).add) for stage in self.stages)]
        sections += [(one.title, one.add) for one in self.more]
        if not sections:
            return ui.label("There are no runs: train one by `genai-basics train`.")
        with ui.tabs().props("align=left outside-arrows mobile-arrows no-caps") as tabs:
            for title, _ in sections:
                ui.tab(title)
        boxes, opened = {}, set()
        with ui.tab_panels(tabs, value=sections[0][0], animated=False).classes("full-width"):
            for title, _ in sections:
                with ui.tab_panel(title):
                    boxes[title] = ui.column().classes("full-width")

        async def opening(title):
            if title not in opened:
                opened.add(title)
                with boxes[title]:
                    found = dict(sections)[title]()
                    if found is not None:
                        await found

        tabs.on_value_change(lambda event: opening(event.value))
        ui.timer(0, lambda: opening(sections[0][0]), once=True)


class Tab:
    """The tab of a run: facts, activities, audit and card."""

    def __init__(self, stage):
        self.stage = stage

    async def add(self):
        from nicegui import ui

        stage = self.stage
        ui.label(f"{stage.title}: {stage.recipe.summary}").classes("text-h6").props(
            "role=heading aria-level=2"
        )
        waiting = ui.row().classes("items-center")
        with waiting:
            ui.spinner()
            ui.label("The model is being loaded.").props("role=status")
        box = ui.column().classes("full-width")
        try:
            await stage.load()
        except Exception as error:  # a damaged run
            waiting.delete()
            with box:
                return ui.label(one_line(error)).classes("error").props("role=alert")
        waiting.delete()
        with box:
            self.add_facts()
            for activity in activities_of(stage):
                activity.add(stage)

    def add_facts(self):
        """Show the data and the metrics."""
        from nicegui import ui

        config = self.stage.run.config
        facts = [f"trained on {config['data']['name']}", f"{config.get('steps', 0):,} steps"]
        if config["status"] != "finished":
            facts.append(config["status"])
        measured = config.get("test") or config.get("validation") or {}
        facts += [
            f"{name.replace('_', ' ')} {value:.4g}" for name, value in [*measured.items()][:4]
        ]
        ui.label(", ".join(facts)).classes("words")
