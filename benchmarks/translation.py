"""Translation: short sentences from English to French, and dates between their formats.

English-French pairs, split by the English side, a twentieth as test data; BLEU by sacrebleu against
all French versions of a sentence, after twenty minutes. The peer is the network of Keras'
lstm_seq2seq example (two LSTMs of 256 on one-hot characters, greedy) for the same time on the same
pairs; padding is masked, and each batch is padded only to its longest text, which the example does
not need for its shorter sentences. Dates: the share of test dates without an error after three
minutes.
"""

import time

import keras
import numpy as np
from keras import layers, ops

import genai_basics as gb
from genai_basics.metrics import bleu
from genai_basics.model import Progress

HEADERS = ["work", "minutes", "genai_basics", "Keras' lstm_seq2seq"]
MINUTES = 20


def measure(folder):
    """Return the rows of the table."""
    path = folder / "eng_fra" / "fra.txt"
    data = gb.load_data(path, kind="pairs", test=0.05, validation=0.02)
    model = gb.build_translator(vocab_size=3000, seed=0)
    score = trained(model, data, MINUTES).report(data.test.x, data.test.y)[0]["bleu"]
    theirs = keras_example(data, MINUTES)
    dates = gb.load_data("dates")
    exact = trained(gb.build_translator(seed=0), dates, 3).report(dates.test.x, dates.test.y)[0]
    return [
        ["English to French, BLEU", MINUTES, f"{score:.1f}", f"{theirs:.1f}"],
        ["dates, exact", 3, f"{exact['exact']:.2%}", ""],
    ]


def trained(model, data, minutes):
    model.compile()
    model.fit(
        data.train.x,
        data.train.y,
        epochs=10**6,
        steps_per_epoch=200,
        verbose=0,
        callbacks=[Progress(seconds=60 * minutes)],
    )
    return model


def keras_example(data, minutes, size=256, n=1000):
    """Train Keras' example for `minutes`; return BLEU on n test sentences."""
    sources, targets = data.train.x, [f"\t{text}\n" for text in data.train.y]
    letters = [
        {c: i for i, c in enumerate(sorted(set("".join(side))))} for side in (sources, targets)
    ]

    def one_hot(texts, numbers):
        length = max(map(len, texts))
        out = np.zeros((len(texts), length, len(numbers)), "float32")
        for i, text in enumerate(texts):
            for t, c in enumerate(text):
                if c in numbers:
                    out[i, t, numbers[c]] = 1
        return out

    read = keras.Input((None, len(letters[0])))
    write = keras.Input((None, len(letters[1])))
    _, *states = layers.LSTM(size, return_state=True)(layers.Masking()(read))
    decoder = layers.LSTM(size, return_sequences=True, return_state=True)
    head = layers.Dense(len(letters[1]), activation="softmax")
    network = keras.Model([read, write], head(decoder(write, initial_state=states)[0]))
    network.compile("rmsprop", "categorical_crossentropy")
    rng, began = np.random.default_rng(0), time.perf_counter()
    while time.perf_counter() - began < 60 * minutes:
        rows = rng.integers(len(sources), size=64)
        x = one_hot([sources[i] for i in rows], letters[0])
        y = one_hot([targets[i] for i in rows], letters[1])
        network.train_on_batch([x, y[:, :-1]], y[:, 1:])
    encoder = keras.Model(read, states)
    before = [keras.Input((size,)), keras.Input((size,))]
    outputs, *after = decoder(write, initial_state=before)
    step = keras.Model([write, *before], [head(outputs), *after])
    references = {}
    for source, target in zip(data.test.x, data.test.y, strict=True):
        references.setdefault(source, []).append(target)
    chosen = list(references)[:n]
    states = encoder(one_hot(chosen, letters[0]))
    written, names = [""] * len(chosen), list(letters[1])
    last = one_hot(["\t"] * len(chosen), letters[1])
    for _ in range(max(map(len, targets))):
        p, *states = step([ops.convert_to_tensor(last), *states])
        place = ops.convert_to_numpy(ops.argmax(p[:, 0], axis=-1))
        written = [text + names[i] for text, i in zip(written, place, strict=True)]
        last = np.eye(len(names), dtype="float32")[place][:, None]
    found = [text.split("\n")[0] for text in written]
    return bleu(found, [references[source] for source in chosen])
