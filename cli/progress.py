"""The progress bar, as a Keras callback."""

import keras

__all__ = ["Bar"]


class Bar(keras.callbacks.Callback):
    """Updates a click progress bar from the model's `progress`, and shows the loss."""

    def __init__(self, bar):
        super().__init__()
        self.bar = bar

    def on_train_batch_end(self, batch, logs=None):
        done = round(self.model.progress.numpy() * self.bar.length)
        if done > self.bar.pos:
            self.bar.label = f"loss {float(logs['loss']):.4g}"
            self.bar.update(done - self.bar.pos)
