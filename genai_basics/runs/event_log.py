"""Logs of a training run for TensorBoard, next to `history.csv`."""

import numpy as np
from PIL import Image

from ..backend import EventFile
from ..data.writers import image_grid, to_pixels
from ..extras import require
from ..warning import warn

__all__ = ["EventLog"]

SHOWN = 16  # texts, sounds


class EventLog:
    """Writes the event files of a run: the history, samples, and what it makes of examples.

    Args:
        run: The `Run`, whose folder gets a folder `tensorboard`.
    """

    def __init__(self, run):
        require("tensorboard", "log")
        self.run, self.events = run, EventFile(run.folder / "tensorboard")

    def row(self, row):
        """Log the numbers of a row of the history."""
        step = row["step"]
        for name, value in row.items():
            if name != "step":
                group = "validation" if name.startswith("val_") else "training"
                name = name.removeprefix("val_")
                self.events.write("scalar", f"{group}/{name}", value, step)
        self.events.flush()

    def samples(self, samples, step):
        """Log samples of a model: as pictures, texts, sounds or histograms, by the kind of data."""
        spec = self.run.spec
        if spec.kind in ("images", "video"):
            pixels = to_pixels(samples, getattr(spec, "value_range", (0, 255)))
            if pixels.ndim == 5:  # clips: one row each
                pixels = pixels[:SHOWN].reshape(-1, *pixels.shape[2:])
            columns = None if spec.kind == "images" else len(pixels) // min(SHOWN, len(samples))
            self._picture("samples", image_grid(pixels, columns), step)
        elif isinstance(samples[0], str):
            self.text("samples", samples[:SHOWN], step)
        elif spec.kind == "music":
            from ..data.midi import SAMPLE_RATE, synthesize

            pieces = [synthesize(piece, spec.steps_per_quarter) for piece in samples[:3]]
            self._sounds("samples", pieces, SAMPLE_RATE, step)
        elif spec.kind == "audio":
            self._sounds("samples", samples[:3], spec.sample_rate, step)
        else:
            self.events.write("histogram", "samples", samples, step)

    def text(self, name, lines, step):
        """Log lines of text."""
        text = "\n".join(f"    {line}" for text in lines for line in str(text).splitlines())
        self.events.write("text", name, text, step)

    def _picture(self, name, picture, step):
        picture = np.asarray(picture)
        picture = picture[..., None] if picture.ndim == 2 else picture
        self.events.write("image", name, picture[None], step)

    def _sounds(self, name, clips, rate, step):
        for i, clip in enumerate(clips):
            sound = np.asarray(clip, "float32").reshape(1, -1, 1)
            self.events.write("audio", f"{name}/{i}", sound, step, sample_rate=rate)

    def finish(self, data, step):
        """Log what the finished model makes of held-out examples; failing is no error."""
        try:
            lines, drawn = self.run.examples_of(data)
            for path in self.run.write_pictures({} if drawn is None else {"examples": drawn}):
                with Image.open(path) as picture:
                    self._picture("examples", picture.convert("RGB"), step)
            if lines:
                self.text("examples", lines, step)
        except Exception as error:  # a missing picture must not lose the run
            warn(f"no examples are logged: {error}")
        self.events.flush()
