"""What a model returns, of any kind of data, as elements of the page and as files."""

import base64
import io
import tempfile
import threading
import zipfile
from html import escape
from pathlib import Path

import numpy as np

from .. import plotting
from ..data.writers import PREFERRED, to_pixels, write_samples
from ..plotting import style
from ..provenance import GENERATED, describe
from .widgets import add_button

__all__ = [
    "MIME",
    "Output",
    "as_file",
    "audio",
    "drawn",
    "pixels_of",
    "png",
    "prepared",
    "show_bars",
    "show_picture",
    "show_shaded",
    "table",
    "uri",
]

MIME = {
    ".png": "image/png",
    ".gif": "image/gif",
    ".wav": "audio/wav",
    ".txt": "text/plain",
    ".csv": "text/csv",
    ".mid": "audio/midi",
    ".npy": "application/octet-stream",
    ".zip": "application/zip",
}
FILES = {**PREFERRED, "audio": ".wav", "detection": ".png", "pairs": ".txt", "series": ".csv"}
MOST_SERIES, MOST_ROWS = 6, 20  # shown at once
DPI = 100
DRAWING = threading.Lock()  # Matplotlib's settings are global


def png(picture):
    """Return a PIL picture or an array of pixels as the bytes of a PNG."""
    if isinstance(picture, np.ndarray):
        from PIL import Image

        picture = Image.fromarray(style.pixels(picture))
    file = io.BytesIO()
    picture.save(file, format="png", compress_level=1)
    return file.getvalue()


def drawn(draw, *args, **kwargs):
    """Return the PNG of the figure that a function returns."""
    file = io.BytesIO()
    with DRAWING:
        draw(*args, **kwargs).savefig(file, format="png", dpi=DPI)
    return file.getvalue()


def as_file(samples, spec, suffix, facts=None, labels=None):
    """Return samples as `(bytes, suffix)` of one file, with the facts about their origin.

    Where a format has no room for the facts, the file and the facts are put into a `.zip`.
    """
    with tempfile.TemporaryDirectory() as folder, DRAWING:
        path = Path(folder) / f"samples{suffix}"
        write_samples(samples, path, spec, labels=labels, provenance=facts)
        files = sorted(Path(folder).iterdir())
        if len(files) == 1:
            return path.read_bytes(), suffix
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for one in files:
                archive.write(one, one.name)
        return file.getvalue(), ".zip"


def uri(content, suffix):
    """Return the content of a file as the address of a picture or a sound, without a path."""
    return f"data:{MIME[suffix]};base64,{base64.b64encode(content).decode()}"


def show_picture(content, alt, small=False, suffix=".png"):
    """Add a picture to the page; return the element, whose `src` may be changed."""
    from nicegui import ui

    element = ui.element("img").classes("picture small" if small else "picture")
    element.props["src"], element.props["alt"] = uri(content, suffix), alt
    return element


def audio(content, label):
    """Add a sound to the page."""
    from nicegui import ui

    element = ui.element("audio").props("controls")
    element.props["src"], element.props["aria-label"] = uri(content, ".wav"), label
    return element


def prepared(samples, spec, labels=None, walk=False):
    """Return what the page shows of samples: a list of `(form, content)`.

    The forms are the suffixes of files, "lines" with texts, and "rows" with a header and rows.
    """
    kind = spec.kind
    if isinstance(samples, dict):  # columns of a table
        rows = zip(*samples.values(), strict=True)
        return [("rows", (list(samples), [[str(cell) for cell in row] for row in rows]))]
    if kind in ("text", "pairs"):
        return [("lines", [str(one) for one in samples])]
    if kind in ("images", "detection") and np.ndim(samples[0]) == 3:
        if not walk and len({np.shape(one) for one in samples}) > 1:
            return [(".png", png(np.asarray(one))) for one in samples]
        return [as_file(samples, spec, ".gif" if walk else ".png", labels=labels)[::-1]]
    if kind == "video":
        return [as_file(samples, spec, ".gif")[::-1]]
    if kind == "audio":
        return [as_file(samples, spec, ".wav")[::-1]]
    if kind == "music":
        some = [np.asarray(piece) for piece in samples[:MOST_SERIES]]
        captions = [f"piece {i}" for i in range(1, len(some) + 1)]
        rolls = [
            (".png", drawn(plotting.piano_rolls, [one], [name], columns=1))
            for one, name in zip(some, captions, strict=True)
        ]
        sounds = [as_file(samples[i : i + 1], spec, ".wav")[::-1] for i in range(len(some))]
        return [part for pair in zip(rolls, sounds, strict=True) for part in pair]
    array = np.asarray(samples, "float64")
    if kind in ("series", "forecast") and array.ndim > 1:
        return [(".png", drawn(lines, array[:MOST_SERIES]))]
    names = list(getattr(spec, "columns", None) or [f"x{i}" for i in range(array.shape[-1])])
    rows = [[f"{number:.4g}" for number in row] for row in array.reshape(len(array), -1)]
    return [("rows", (names, rows[:MOST_ROWS]))]


@style.styled
def lines(series):
    """Return a figure with a panel for each series (n, time[, channels])."""
    figure, axes = style.new_figure(8, 1.3 * len(series), len(series))
    for axis, one in zip(axes, series, strict=True):
        axis.plot(one)
    return figure


class Output:
    """A place on the page that shows samples, with a button that downloads them.

    Args:
        stage: The `Stage` of the run.
        alt: What is shown, for screen readers.
        source: Kind of origin, for the facts in downloaded files.
    """

    def __init__(self, stage, alt, source=GENERATED):
        from nicegui import ui

        self.stage, self.alt, self.source = stage, alt, source
        self.samples, self.facts, self.elements = None, {}, {}
        self.box = ui.column().classes("full-width output")
        self.button = add_button("Download", self.download, icon="download")
        self.button.set_visibility(False)

    def show(self, parts, samples=None, labels=None, **facts):
        """Show `prepared` parts; `samples` can be downloaded, with facts such as the seed."""
        from nicegui import ui

        self.samples, self.labels, self.facts = samples, labels, facts
        self.button.set_visibility(samples is not None)
        forms = [form for form, _ in parts]
        if forms == [".png"] and self.elements.get("forms") == forms:  # only a new picture
            self.elements["picture"].props["src"] = uri(parts[0][1], ".png")
            return self.elements["picture"].update()
        self.box.clear()
        self.elements = {"forms": forms}
        with self.box:
            for form, content in parts:
                if form in (".png", ".gif"):
                    self.elements["picture"] = show_picture(content, self.alt, suffix=form)
                elif form == ".wav":
                    audio(content, self.alt)
                elif form == "caption":
                    ui.label(content).classes("words")
                elif form == "shaded":
                    show_shaded(*content)
                elif form == "lines":
                    for line in content:
                        ui.label(line).classes("sample-text")
                else:
                    table(*content)

    async def download(self):
        from nicegui import ui

        suffix = FILES.get(self.stage.spec.kind, ".npy")
        facts = await self.stage.call(describe, self.stage.run, self.source, **self.facts)
        content, suffix = await self.stage.call(
            as_file, self.samples, self.stage.spec, suffix, facts, self.labels
        )
        ui.download.content(content, f"{self.stage.title}-samples{suffix}", MIME[suffix])


def table(names, rows):
    """Add a table of texts to the page."""
    from nicegui import ui

    columns = [
        {"name": f"c{i}", "label": str(name), "field": f"c{i}", "align": "left"}
        for i, name in enumerate(names)
    ]
    cells = [
        {f"c{i}": cell for i, cell in enumerate(row)} | {"id": k} for k, row in enumerate(rows)
    ]
    ui.table(columns=columns, rows=cells, row_key="id").props("flat dense").classes("full-width")


def show_bars(bars):
    """Add bars of probabilities, `[(label, probability)]`, to the page."""
    from nicegui import ui

    rows = "".join(
        f'<li><span class="bar-name">{escape(name)}</span><span class="bar-room"><span '
        f'class="bar" style="width:{100 * p:.1f}%"></span></span>'
        f'<span class="bar-value">{p:.1%}</span></li>'
        for name, p in bars
    )
    ui.html(f'<ul class="bars" aria-label="probabilities">{rows}</ul>', sanitize=False)


def show_shaded(caption, parts):
    """Add a text whose parts are shaded, `[(text, strength, hint)]`; the hint is optional."""
    from nicegui import ui

    ui.label(caption).classes("words")
    spans = []
    for text, strength, *hint in parts:
        title = f' title="{escape(hint[0])}"' if hint else f' title="{strength:.0%}"'
        shade = f"background:rgba(213,94,0,{0.55 * strength:.2f})"
        spans.append(f'<span style="{shade}"{title}>{escape(text)}</span>')
    ui.html(f'<div class="written shaded">{"".join(spans)}</div>', sanitize=False)


def pixels_of(image, spec):
    """Return a picture of the data as uint8."""
    return to_pixels(np.asarray(image), getattr(spec, "value_range", (0, 255)))
