"""Moving through the latent space: a slider per latent, and a map of the data to click on."""

import numpy as np

from ...plotting import style
from ...warning import one_line
from ..controls import Panel, add_label
from ..showing import Output, drawn, pixels_of, png, prepared, uri
from ..widgets import Map, Slider, add_button

__all__ = ["Space", "add", "fits"]

MOST = 500  # examples on the map
SLIDERS = 8  # latents that vary most
SIDE = 480  # pixels of the map


def fits(stage):
    return stage.can("encodes") and getattr(stage.model, "has_code", True) and not is_noise(stage)


def is_noise(stage):
    """Return whether the code is noise, as large as an example."""
    return hasattr(stage.model, "steps_from_noise")


class Space:
    """The codes of the held-out data, and what they decode to; used in the run's thread."""

    def __init__(self, stage):
        self.stage = stage
        x, y = stage.examples
        x = x[:MOST]
        conditional = getattr(stage.model, "num_classes", None)
        codes = stage.model.encode(x, y[: len(x)]) if conditional else stage.model.encode(x)
        self.shape = codes.shape[1:]
        codes = codes.reshape(len(codes), -1)
        self.mean, self.spread = codes.mean(axis=0), codes.std(axis=0) + 1e-6
        self.order = np.argsort(-self.spread)[:SLIDERS].tolist()
        axes = np.linalg.svd(codes - self.mean, full_matrices=False)[2][:2]
        self.axes = np.eye(2) if codes.shape[1] == 2 else np.pad(axes, [(0, 2 - len(axes)), (0, 0)])
        self.points = (codes - self.mean) @ self.axes.T
        self.reach = np.abs(self.points).max(axis=0).clip(1e-6) * 1.05
        self.labels = None if y is None or np.ndim(y) != 1 else np.asarray(y[: len(x)])
        self.codes = codes

    def decode(self, code, label=None):
        """Return the example that a code decodes to, as what the page shows."""
        codes = np.asarray(code, "float32").reshape(1, *self.shape)
        more = {} if label is None else {"labels": [label]}
        made = self.stage.model.decode(codes, **more)
        if self.stage.spec.kind == "images":
            return [(".png", png(pixels_of(made[0], self.stage.spec)))], made
        return prepared(made, self.stage.spec), made

    def at(self, place):
        """Return the code at a place on the map, each axis from -1 to 1."""
        return self.mean + (np.asarray(place) * self.reach) @ self.axes

    def place_of(self, code):
        return (code - self.mean) @ self.axes.T / self.reach

    @style.styled
    def draw(self):
        """Return the map as a figure: a point for each example, coloured by label."""
        figure, (axis,) = style.new_figure(SIDE / 100, SIDE / 100)
        figure.set_layout_engine("none")
        axis.set_position([0, 0, 1, 1])
        x, y = (self.points / self.reach).T
        colours = style.COLOURS[0]
        if self.labels is not None and len(set(self.labels.tolist())) <= 40:
            kinds = np.unique(self.labels, return_inverse=True)[1]
            colours = kinds
        axis.scatter(x, y, c=colours, cmap="turbo", s=14, linewidths=0)
        axis.set(xlim=(-1, 1), ylim=(-1, 1))
        axis.set_axis_off()
        figure.set_dpi(100)
        return figure


def add(stage):
    words = "Each slider moves one latent, those that vary most first; the decoder draws the rest."
    with Panel("Move through the latent space", words) as panel:
        Explorer(stage, panel).start()


class Explorer:
    """The panel: a code, its sliders, its place on the map, and what it decodes to."""

    def __init__(self, stage, panel):
        self.stage, self.panel = stage, panel

    def start(self):
        from nicegui import background_tasks, ui

        self.box = ui.row().classes("full-width two")
        background_tasks.create(self.fill())

    async def fill(self):
        from nicegui import ui

        self.panel.spinner.set_visibility(True)
        try:
            space = self.space = await self.stage.call(self.stage.keep, "space", Space)
            picture = uri(await self.stage.call(lambda: drawn(space.draw)), ".png")
        except Exception as error:  # the data may be gone
            return self.panel.fail(one_line(error))
        finally:
            self.panel.spinner.set_visibility(False)
        self.code = space.mean.copy()
        with self.box:
            with ui.column().classes("half"):
                self.output = Output(self.stage, "what the code decodes to")
                self.output.box.classes("small")
                self.latest = self.panel.latest(self.compute, self.shown)
                self.add_sliders()
            with ui.column().classes("half"):
                ui.label("The data in two dimensions: click to decode a place.").classes("words")
                self.map = Map(picture, "map of the codes of held-out examples", self.clicked)
                self.across = Slider("Across", -1, 1, 0.01, 0, self.placed)
                self.up = Slider("Up", -1, 1, 0.01, 0, self.placed)
        self.mark()
        await self.decode()

    def add_sliders(self):
        from nicegui import ui

        space = self.space
        self.bars = {}
        for i in space.order:
            low, high = space.mean[i] - 3 * space.spread[i], space.mean[i] + 3 * space.spread[i]
            low, high = (round(float(end), 2) for end in (low, high))
            step = max(0.01, round((high - low) / 100, 2))
            value = round(float(space.mean[i]), 2)
            bar = Slider(f"Latent {i}", low, high, step, value, lambda i=i: self.moved(i))
            self.bars[i] = bar
        self.label = add_label(self.stage, self.decode)
        with ui.row():
            add_button("Back to the mean", lambda: self.set(space.mean.copy()))
            add_button("A held-out example", self.example)

    async def compute(self, code, label):
        return await self.stage.call(self.space.decode, code, label)

    def shown(self, found):
        parts, made = found
        self.output.show(parts, made)

    async def moved(self, i):
        self.code[i] = self.bars[i].value
        self.mark()
        await self.decode()

    async def decode(self):
        await self.latest(self.code.copy(), self.label())

    async def clicked(self, place):
        across, down = place
        await self.set(self.space.at((2 * across - 1, 1 - 2 * down)))

    async def placed(self):
        await self.set(self.space.at((self.across.value, self.up.value)))

    async def example(self):
        codes = self.space.codes
        await self.set(codes[np.random.default_rng().integers(len(codes))].copy())

    async def set(self, code):
        """Move to a code, with the sliders and the map."""
        self.code = code
        for i, bar in self.bars.items():
            bar.value = round(float(code[i]), 2)
        self.mark()
        self.across.value, self.up.value = (
            round(float(v), 2) for v in self.space.place_of(code).clip(-1, 1)
        )
        await self.decode()

    def mark(self):
        """Mark the code's place on the map."""
        x, y = self.space.place_of(self.code)
        self.map.mark((x + 1) / 2, (1 - y) / 2)
