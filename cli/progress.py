"""The progress line of training, as a Keras callback."""

import shutil
import time

import keras
import numpy as np

__all__ = ["Line"]

SPACING = 0.2  # seconds between updates


class Line(keras.callbacks.Callback):
    """Updates one line with the completed share, the loss, the main metric and the time left.

    The time left is estimated from the steps only, without the time before the first.

    Args:
        file: A terminal.
        clock: Returns seconds.
    """

    def __init__(self, file, clock=time.monotonic):
        super().__init__()
        self.file, self.clock = file, clock
        self.begun, self.wrote, self.measure = None, 0.0, ""

    def on_train_begin(self, logs=None):
        self.write("compiling ...")

    def on_train_batch_end(self, batch, logs=None):
        now, done = self.clock(), float(np.asarray(self.model.progress))
        if self.begun is None:
            self.begun = now, done
        if now - self.wrote >= SPACING:
            self.wrote = now
            loss = f"loss {float(logs['loss']):.4g}"
            parts = f"{done:4.0%}", loss, self.measure, self.left(now, done)
            self.write("  ".join(filter(None, parts)))

    def on_epoch_end(self, epoch, logs=None):
        name = self.model.monitor.lstrip("-")
        if name != "val_loss" and name in (logs or {}):
            self.measure = f"{name.removeprefix('val_').replace('_', ' ')} {float(logs[name]):.4g}"

    def on_train_end(self, logs=None):
        self.write("")

    def left(self, now, done):
        """Return the time left, as text."""
        since, start = self.begun
        if done - start < 0.01:
            return ""
        seconds = round((now - since) * (1 - done) / (done - start))
        return f"{seconds // 60}:{seconds % 60:02d} left"

    def write(self, text):
        width = shutil.get_terminal_size().columns - 1
        self.file.write(f"\r{text[:width]:{width}}\r")  # what comes next writes over it
        self.file.flush()
