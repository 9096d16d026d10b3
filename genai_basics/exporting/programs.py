"""The functions of `example.py`, which runs exported graphs with NumPy and a runtime alone.

Their source is written to `example.py`, where `run` computes a graph, `FACTS` is the content of
`preprocessing.json`, and `HERE` is the folder. They use nothing else of this file but each other.
"""

import itertools
import re
from pathlib import Path

import numpy as np

__all__ = [
    "code_numbers",
    "compose",
    "decode",
    "detect",
    "draw_codes",
    "encode",
    "encode_texts",
    "forecast",
    "generate",
    "labels_of",
    "numbers_of",
    "padded",
    "predict",
    "predict_rows",
    "predict_sounds",
    "predict_texts",
    "predict_words",
    "reconstruct",
    "resized",
    "rows_of",
    "text_of",
    "transcribe",
    "translate",
    "units_of",
    "word_numbers",
    "write",
    "write_names",
    "write_texts",
]

FACTS, HERE = {}, Path()


def run(name, **inputs):
    """Run an exported graph on arrays; return a dict of arrays."""
    raise NotImplementedError("example.py defines it, for the format of the files")


# Samples.


def draw_codes(n, seed):
    """Draw n codes: normal noise, or some of the codes that the model drew when it was exported."""
    rng = np.random.default_rng(seed)
    if not FACTS["codes"]:
        return rng.standard_normal((n, *FACTS["code_shape"]))
    codes = np.load(HERE / FACTS["codes"])
    return codes[rng.integers(len(codes), size=n)]


def labels_of(n, label=None):
    """Return n class numbers for a model with labels, all classes in turn by default."""
    if not FACTS["num_classes"]:
        return {}
    return {"label": np.resize(np.arange(FACTS["num_classes"]) if label is None else label, n)}


def decode(z, label=None):
    """Return the samples of noise or codes z; `label` is a class number, or one for each."""
    return run(FACTS["decoder"], z=z, **labels_of(len(z), label))["x"]


def generate(n=4, seed=0, label=None):
    """Return n new samples."""
    return decode(draw_codes(n, seed), label)


def encode(x, label=None):
    """Return the codes of x."""
    return run("encoder", x=x, **labels_of(len(x), label))["z"]


def encode_texts(texts, label=None):
    """Return the codes of texts."""
    x = padded([[*numbers_of(text), 2] for text in texts])
    return run("encoder", x=x, **labels_of(len(texts), label))["z"]


def reconstruct(x):
    """Return the reconstructions of x: without noise, if the model removes it."""
    return run("reconstructor", x=x)["reconstruction"]


def write_names(n=4, seed=0, temperature=1.0):
    """Return n new texts; a lower temperature gives more typical ones."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n, *FACTS["code_shape"]))
    chance = temperature * rng.gumbel(size=(n, *FACTS["chance_shape"]))
    tokens = run("generator", z=z, chance=chance)["tokens"]
    ended = [row[: (row == 0).argmax()] if (row == 0).any() else row for row in tokens]
    known = dict(enumerate(FACTS["tokens"]))
    return [FACTS["separator"].join(known[i] for i in row if i in known) for row in ended]


# Predictions.


def predict(x):
    """Return probabilities of the classes, or values, of each example in x."""
    return run("predictor", x=x)["y"]


def predict_texts(texts):
    """Return probabilities of the classes, or values, of each text."""
    return run("predictor", x=padded([numbers_of(text) for text in texts]))["y"]


def predict_words(texts):
    """Return probabilities of the classes, or values, of each text."""
    return run("predictor", x=padded([word_numbers(text) for text in texts]))["y"]


def predict_rows(columns):
    """Return probabilities or values for each row of a table, a dict of lists."""
    return run("predictor", x=rows_of(columns))["y"]


def predict_sounds(clips):
    """Return probabilities or values of each clip, an array of samples in [-1, 1]."""
    lengths = [len(clip) for clip in clips]
    return run("predictor", samples=padded(clips, "float32"), length=lengths)["y"]


def detect(picture, threshold=None):
    """Return the objects in a picture (height, width, channels), best first.

    They are a dict of boxes (left, top, right, bottom) in pixels, labels and scores.
    """
    height, width = FACTS["size"]
    found = {k: v[0] for k, v in run("detector", x=resized(picture, (height, width))[None]).items()}
    least = FACTS["threshold"] if threshold is None else threshold
    order = np.argsort(-found["scores"], kind="stable")
    order = order[(found["scores"][order] >= max(least, 1e-3)) & (found["first"][order] > 0)]
    scale = np.array([picture.shape[1] / width, picture.shape[0] / height] * 2)
    names = FACTS["class_names"] or range(FACTS["num_classes"])
    return {
        "boxes": found["boxes"][order] * scale,
        "labels": [names[i] for i in found["labels"][order]],
        "scores": found["scores"][order],
    }


def forecast(history, future=None):
    """Return quantiles (horizon, targets, quantiles) of the steps after a series.

    `history` is (time, channels), at least a window; `future` holds the channels known ahead.
    """
    inputs = {"history": np.reshape(history, (len(history), -1))[None, -FACTS["window"] :]}
    if FACTS["known"]:
        inputs["future"] = np.asarray(future)[None]
    return run("forecaster", **inputs)["quantiles"][0]


def transcribe(clips):
    """Return the text of each clip, an array of samples in [-1, 1]."""
    lengths = [len(clip) for clip in clips]
    found = run("recognizer", samples=padded(clips, "float32"), length=lengths)
    texts = []
    for log_p, frames in zip(found["log_p"], found["frames"], strict=True):
        best = log_p[:frames].argmax(axis=1)
        kept = [b for a, b in itertools.pairwise([0, *best]) if b and a != b]
        texts.append(FACTS["separator"].join(FACTS["symbols"][b - 1] for b in kept).strip())
    return texts


# Text and music, step by step.


def write(prompt="", length=100, temperature=1.0, seed=0):
    """Return a text that continues the prompt; a temperature of 0 takes the likeliest unit."""
    rng = np.random.default_rng(seed)
    first = [2, *code_numbers(prompt or FACTS["opening"], FACTS["vocabulary"])]
    states = {name: np.zeros((1, size)) for name, size in FACTS["states"].items()}
    written = []
    for token in first:
        found = run("step", token=[[token]], **states)
        states = {name: found[f"next_{name}"] for name in states}
    while len(written) < length:
        logits = found["logits"][0].astype("float64")
        p = np.exp((logits - logits.max()) / max(temperature, 1e-6))
        written.append(int(rng.choice(len(p), p=p / p.sum())))
        if written[-1] == 2:  # the end of the text
            break
        found = run("step", token=[[written[-1]]], **states)
        states = {name: found[f"next_{name}"] for name in states}
    return prompt + text_of(written, FACTS["vocabulary"])


def write_texts(n=4, seed=0, temperature=1.0, label=None):
    """Return n new texts; a lower temperature gives more typical ones."""
    rng, z = np.random.default_rng(seed), draw_codes(n, seed)
    for labels in labels_of(n, label).values():
        z = np.concatenate([z, np.eye(FACTS["num_classes"])[labels]], axis=1)
    state, last, texts = run("start", z=z)["state"], np.full((n, 1), 2), []
    for _ in range(FACTS["max_length"]):
        found = run("step", z=z, token=last, state=state)
        logits, state = found["logits"].astype("float64"), found["next_state"]
        p = np.exp((logits - logits.max(axis=1, keepdims=True)) / max(temperature, 1e-6))
        last = np.array([[rng.choice(len(row), p=row / row.sum())] for row in p])
        texts.append(last[:, 0])
    return [text_of(row, FACTS["vocabulary"]) for row in np.transpose(texts)]


def compose(length=64, temperature=1.0, seed=0):
    """Return a new piece of music: a list of MIDI pitches for each step."""
    rng = np.random.default_rng(seed)
    states = {name: np.zeros((1, size)) for name, size in FACTS["states"].items()}
    notes, piece = np.zeros(FACTS["high"] - FACTS["low"] + 1), []
    chord = np.load(HERE / "chord.npy")  # how lower notes of a step change higher ones
    for _ in range(length):
        found = run("step", notes=notes[None, None], **states)
        states, notes = {name: found[f"next_{name}"] for name in states}, np.zeros_like(notes)
        for i in range(len(notes)):  # from the lowest note to the highest
            logit = (found["logits"][0, i] + notes @ chord[:, i]) / max(temperature, 1e-6)
            notes[i] = rng.random() < 1 / (1 + np.exp(-np.clip(logit, -50, 50)))
        piece.append((np.flatnonzero(notes) + FACTS["low"]).tolist())
    return piece


def translate(text, length=None):
    """Return the translation of a text, by the likeliest unit at each of `length` steps."""
    spaced = " " + " ".join(text.split())
    pieces = units_of(spaced, FACTS["source"])
    source = [[*code_numbers(spaced, FACTS["source"])[: FACTS["max_length"]], 2]]
    states = run("encoder", source=source)
    encoded, last, written = states.pop("encoded"), 2, ""
    for _ in range(length or 2 * len(source[0]) + 10):
        found = run("step", token=[[last]], encoded=encoded, source=source, **states)
        states = {name: found[f"next_{name}"] for name in states}
        last, look = int(found["logits"][0].argmax()), int(found["attention"][0].argmax())
        if last == 2:  # the end of the translation
            break
        copied = pieces[look] if look < len(pieces) else ""  # for a unit that is not known
        written += copied if last == 1 else text_of([last], FACTS["target"])
    return written.strip()


# Readers: from raw data to the numbers that graphs take.


def padded(rows, dtype="int32"):
    """Return rows of unequal length as one array, padded with 0."""
    out = np.zeros((len(rows), max([1, *map(len, rows)])), dtype)
    for row, values in zip(out, rows, strict=True):
        row[: len(values)] = values
    return out


def word_numbers(text):
    """Return the numbers of the words and n-grams of a text that the model knows."""
    places = {entry: i + 1 for i, entry in enumerate(FACTS["entries"])}
    words = re.findall(r"\w+|[^\w\s]", text.lower())
    found = list(words)
    for n in range(2, FACTS["ngrams"] + 1):
        found += [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]
    for word in words if FACTS["characters"] else ():
        word = f"<{word}>"
        for n in (2, 3, 4):
            found += [f"#{word[i : i + n]}" for i in range(len(word) - n + 1)]
    return [places[entry] for entry in found if entry in places][: FACTS["max_length"]]


def rows_of(columns):
    """Return a dict of columns as rows of numbers; 0 is a missing category, 1 another one."""
    values = []
    for name, categories in FACTS["columns"].items():
        column = columns[name]
        if categories is None:
            values.append([np.nan if v is None or v == "" else float(v) for v in column])
        else:
            places = {category: i + 2 for i, category in enumerate(categories)}
            values.append([0 if v in (None, "") else places.get(str(v), 1) for v in column])
    return np.array(values, "float32").T


def numbers_of(text):
    """Return the numbers of the units of a text."""
    return code_numbers(text, FACTS["vocabulary"])[: FACTS["max_length"]]


def units_of(text, vocabulary):
    """Split a text into units: characters, words, or pieces joined in the order of merging."""
    pieces = re.findall(vocabulary["pattern"], text, re.DOTALL)
    if not vocabulary["merges"]:
        return pieces
    places, units = {unit: i for i, unit in enumerate(vocabulary["units"])}, []
    for piece in pieces:
        symbols = list(piece)
        while len(symbols) > 1:
            ranks = [places.get(a + b, 2**31) for a, b in itertools.pairwise(symbols)]
            best = int(np.argmin(ranks))
            if ranks[best] == 2**31:
                break
            symbols[best : best + 2] = [symbols[best] + symbols[best + 1]]
        units += symbols
    return units


def code_numbers(text, vocabulary):
    """Return the numbers of the units of a text: from 3, and 1 for an unknown unit."""
    if vocabulary["units"] is None:
        return [byte + 3 for byte in text.encode()]
    places = {unit: i + 3 for i, unit in enumerate(vocabulary["units"])}
    return [places.get(unit, 1) for unit in units_of(text, vocabulary)]


def text_of(numbers, vocabulary):
    """Return the text of the numbers of units, up to the end of the text, 2."""
    numbers = [int(number) for number in numbers]
    numbers = [n for n in numbers[: [*numbers, 2].index(2)] if n > 2]
    if vocabulary["units"] is None:
        return bytes(number - 3 for number in numbers).decode(errors="replace")
    known = dict(enumerate(vocabulary["units"], 3))
    return "".join(known.get(number, "\N{REPLACEMENT CHARACTER}") for number in numbers)


def resized(picture, size):
    """Return a picture at another size (height, width), by Lanczos' filter."""
    if tuple(picture.shape[:2]) == tuple(size):
        return picture
    out = picture.astype("float64")
    for axis, count in ((1, size[1]), (0, size[0])):
        ratio = out.shape[axis] / count
        places = (np.arange(count)[:, None] + 0.5) * ratio - np.arange(out.shape[axis]) - 0.5
        d = places / max(ratio, 1.0)
        weights = np.sinc(d) * np.sinc(d / 3) * (np.abs(d) < 3)
        weights = weights / weights.sum(axis=1, keepdims=True)
        out = np.moveaxis(np.tensordot(weights, out, (1, axis)), 0, axis)
        out = out.clip(0, 255).round() if picture.dtype == np.uint8 else out
    return out.astype(picture.dtype)
