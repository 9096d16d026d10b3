"""Speed of training on characters and of writing them, against Keras' code and PyTorch's layers.

Training: characters per second of the default language model, compared with the network of Keras'
character-LSTM example (an LSTM of 128 on one-hot windows of 40, one prediction each, batch 128),
with Keras' GRU in place of ours, and, with GRU and with LSTM, with PyTorch's layers of the same
kind and size; these are omitted without PyTorch. Writing: 64 texts of 1,000 characters in one
compiled loop, compared with `model.predict` of the example's network for each character, one text
at a time as in the example and all 64 at once, timed on 20 characters.
"""

import statistics
import time

import keras
import numpy as np
from keras import layers

import genai_basics as gb

HEADERS = ["work", "genai_basics", "peer", "ratio"]
TURNS, STEPS, BATCH, WINDOW = 3, 60, 32, 50
CALLS = 20  # timed calls of `predict`


def measure(folder):
    """Return the rows of the table."""
    text = (folder / "tinyshakespeare" / "input.txt").read_text()[:400_000]
    return [*training(text), *writing(text)]


def training(text):
    alphabet = tuple(sorted(set(text)))
    model = gb.build_language_model(alphabet, seed=0)
    model.adapt([text])
    tokens, size = model.tokenizer.encode(text), model.tokenizer.size
    rows = tokens[: len(tokens) // (WINDOW + 1) * (WINDOW + 1)].reshape(-1, WINDOW + 1)
    rows = rows[: STEPS * BATCH]
    gru = ours(text, alphabet, "gru")
    pairs = {
        "Keras' example": (gru, of_example(tokens, size)),
        "the same GRU of Keras": (gru, of_keras(rows, size)),
    }
    try:
        pairs["GRU of PyTorch"] = (gru, of_torch(rows, size, "GRU"))
        pairs["LSTM of PyTorch"] = (ours(text, alphabet, "lstm"), of_torch(rows, size, "LSTM"))
    except ImportError:
        pairs["GRU and LSTM of PyTorch"] = None
    table = []
    for name, pair in pairs.items():
        work = f"training, characters per second; {name}"
        if pair is None:
            table.append([work, "", "PyTorch is not installed", ""])
            continue
        mine, theirs = zip(*([speed(run) for run in pair] for _ in range(TURNS)), strict=True)
        ratios = sorted(a / b for a, b in zip(mine, theirs, strict=True))
        ratio = f"{statistics.median(ratios):.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}]"
        speeds = [f"{statistics.median(found):,.0f}" for found in (mine, theirs)]
        table.append([work, *speeds, ratio])
    return table


def speed(run):
    """Return characters per second; `run` returns the number of characters trained on."""
    began = time.perf_counter()
    return run() / (time.perf_counter() - began)


def ours(text, alphabet, cell):
    model = gb.build_language_model(alphabet, cell=cell, window=WINDOW, seed=0)
    model.compile()

    def run(steps=STEPS):
        model.fit([text], batch_size=BATCH, epochs=1, steps_per_epoch=steps, verbose=0)
        return steps * BATCH * WINDOW

    run(2)  # compiles
    return run


def of_example(tokens, size):
    network, x, y = keras_example(tokens, size)

    def run(n=None):
        network.fit(x[:n], y[:n], batch_size=128, epochs=1, verbose=0)
        return len(y[:n])  # each window predicts one character

    run(256)
    return run


def of_keras(rows, size):
    network = keras.Sequential(
        [
            keras.Input((WINDOW,), dtype="int32"),
            layers.Embedding(size, 64),
            layers.GRU(256, return_sequences=True),
            layers.Dropout(0.1),
            layers.Dense(size),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(4e-3, global_clipnorm=1.0), loss)

    def run(n=None):
        network.fit(rows[:n, :-1], rows[:n, 1:], batch_size=BATCH, epochs=1, verbose=0)
        return len(rows[:n]) * WINDOW

    run(2 * BATCH)
    return run


def of_torch(rows, size, kind):
    import torch
    from torch import nn

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.dropout = nn.Embedding(size, 64), nn.Dropout(0.1)
            self.recurrent = getattr(nn, kind)(64, 256, batch_first=True)
            self.head = nn.Linear(256, size)

        def forward(self, x):
            return self.head(self.dropout(self.recurrent(self.embedding(x))[0]))

    network = Network()
    optimizer = torch.optim.Adam(network.parameters(), 4e-3)
    rows = torch.from_numpy(np.asarray(rows, "int64"))

    def run(n=None):
        for batch in rows[:n].split(BATCH):
            optimizer.zero_grad()
            logits = network(batch[:, :-1]).flatten(0, 1)
            nn.functional.cross_entropy(logits, batch[:, 1:].flatten()).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
        return len(rows[:n]) * WINDOW

    run(2 * BATCH)
    return run


def keras_example(tokens, size, window=40, n=12_800):
    """Return the network of Keras' lstm_text_generation example, and its windows."""
    starts = np.arange(n) * 3
    x = np.eye(size, dtype="float32")[tokens[starts[:, None] + np.arange(window)]]
    y = tokens[starts + window]
    network = keras.Sequential(
        [keras.Input((window, size)), layers.LSTM(128), layers.Dense(size, activation="softmax")]
    )
    network.compile(keras.optimizers.RMSprop(0.01), "sparse_categorical_crossentropy")
    return network, x, y


def writing(text):
    model = gb.build_language_model(tuple(sorted(set(text))), seed=0)
    model.adapt([text])
    model.sample(64, length=1000, seed=0)  # compiles
    began = time.perf_counter()
    model.sample(64, length=1000, seed=0)
    mine = time.perf_counter() - began
    network, x, _ = keras_example(model.tokenizer.encode(text), model.tokenizer.size, n=64)
    table = []
    for at_once, name in ((1, "one text at a time"), (64, "all texts at once")):
        network.predict(x[:at_once], verbose=0)
        began = time.perf_counter()
        for _ in range(CALLS):
            network.predict(x[:at_once], verbose=0)
        theirs = (time.perf_counter() - began) / CALLS * 64 * 1000 / at_once
        work = f"writing 64 texts of 1,000 characters, seconds; predict, {name}"
        table.append([work, f"{mine:.2f}", f"{theirs:,.0f}", f"{theirs / mine:,.0f}"])
    return table
