"""Learning and writing characters: speed against Keras' own way.

Training: characters a second of the default language model against the network of Keras'
character-LSTM example (an LSTM of 128 on one-hot windows of 40, one prediction each, batch 128),
and against the same GRU of Keras in place of ours. Writing: 64 texts of 1,000 characters in one
compiled loop, against `model.predict` for each character of each text, as the example does it,
timed on a few characters.
"""

import statistics
import time

import keras
import numpy as np
from keras import layers

import genai_basics as gb

HEADERS = ["work", "genai_basics", "Keras", "ratio"]
TURNS = 5


def measure(folder):
    """Return the rows of the table."""
    text = (folder / "tinyshakespeare" / "input.txt").read_text()[:400_000]
    return [*training(text), writing(text)]


def training(text):
    alphabet = tuple(sorted(set(text)))
    model = gb.build_language_model(alphabet, seed=0)
    model.compile()
    tokens = model.tokenizer.encode(text)
    example, x, y = keras_example(tokens, len(alphabet) + 3)
    same = keras.Sequential(
        [
            keras.Input((100,), dtype="int32"),
            layers.Embedding(len(alphabet) + 3, 64),
            layers.GRU(256, return_sequences=True),
            layers.Dropout(0.1),
            layers.Dense(len(alphabet) + 3),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    same.compile(keras.optimizers.Adam(4e-3, global_clipnorm=1.0), loss)
    rows = tokens[: len(tokens) // 101 * 101].reshape(-1, 101)[:1600]

    def ours():
        model.fit([text], epochs=1, steps_per_epoch=50, verbose=0)
        return 50 * 32 * 100

    def of_example():
        example.fit(x, y, batch_size=128, epochs=1, verbose=0)
        return len(y)  # a character learned from for each window

    def of_same():
        same.fit(rows[:, :-1], rows[:, 1:], batch_size=32, epochs=1, verbose=0)
        return rows[:, 1:].size

    speeds = {ours: [], of_example: [], of_same: []}
    for turn in range(TURNS + 1):
        for run, found in speeds.items():
            began = time.perf_counter()
            seen = run()
            if turn:  # the first compiles
                found.append(seen / (time.perf_counter() - began))
    mine = statistics.median(speeds[ours])
    table = []
    for run, name in (
        (of_example, "training, Keras' example"),
        (of_same, "training, the same GRU"),
    ):
        theirs = statistics.median(speeds[run])
        ratios = sorted(a / b for a, b in zip(speeds[ours], speeds[run], strict=True))
        ratio = f"{statistics.median(ratios):.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}]"
        table.append([f"{name}, characters a second", f"{mine:,.0f}", f"{theirs:,.0f}", ratio])
    return table


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
    model.sample(64, length=10, seed=0)
    model.sample(64, length=1000, seed=0)
    began = time.perf_counter()
    model.sample(64, length=1000, seed=0)
    ours = time.perf_counter() - began
    network, x, _ = keras_example(model.tokenizer.encode(text), model.tokenizer.size, n=64)
    network.predict(x[:1], verbose=0)
    began = time.perf_counter()
    for _ in range(50):
        network.predict(x[:1], verbose=0)
    theirs = (time.perf_counter() - began) / 50 * 64 * 1000
    name = "writing 64 texts of 1,000 characters, seconds"
    return [name, f"{ours:.2f}", f"{theirs:,.0f}", f"{theirs / ours:,.0f}"]
