"""Bach's chorales: nats per step on the official test pieces, after ten minutes.

Quarter notes; each step is a set of pitches. Our model gives each pitch a Bernoulli probability,
given all earlier steps and the lower pitches of the chord, as does the RNN-NADE of
Boulanger-Lewandowski et al. (2012, https://arxiv.org/abs/1206.6392). The LSTM, the GRU and the
convolutional network that Bai et al. (2018, https://arxiv.org/abs/1803.01271) report depend only on
the earlier steps.
"""

import keras

import genai_basics as gb
from genai_basics.model import Progress

HEADERS = ["model", "minutes", "test nats per step"]
MINUTES = 10


def measure(folder):
    """Return the rows of the table."""
    data = gb.load_data(folder / "jsb_chorales" / "jsb-chorales-quarter.json", kind="music")
    model = gb.build_language_model(pitches=data.spec.facts()["pitches"], dropout=0.5, seed=0)
    model.compile()
    best = Best()
    model.fit(
        data.train.x,
        epochs=10**6,
        steps_per_epoch=200,
        validation_data=(data.validation.x,),
        verbose=0,
        callbacks=[Progress(seconds=60 * MINUTES), best],
    )
    model.set_weights(best.weights)
    nats = model.report(data.test.x)[0]["nats_per_step"]
    published = [("LSTM", 8.45), ("GRU", 8.43), ("TCN", 8.10), ("RNN-NADE", 5.56)]
    rows = [[f"{name}, as reported", "", value] for name, value in published]
    return [["genai_basics", MINUTES, f"{nats:.2f}"], *rows]


class Best(keras.callbacks.Callback):
    """Keeps the weights with the lowest validation loss."""

    least = float("inf")

    def on_epoch_end(self, epoch, logs=None):
        if logs["val_loss"] < self.least:
            self.least, self.weights = logs["val_loss"], self.model.get_weights()
