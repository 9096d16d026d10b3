"""Small files of each kind of data, which the documentation shows; see `pages.py`.

`KINDS` has, for each kind: a title, a paragraph, a function that writes files into a folder and
returns what to read, and the options of `inspect`.
"""

import json

import numpy as np
from PIL import Image

from genai_basics.data.sound_files import write_wav

__all__ = ["KINDS"]

RNG = np.random.default_rng(0)


def pictures(folder):
    for name, colour in (("apple", (200, 40, 40)), ("pear", (120, 180, 60))):
        place = folder / "fruit" / name
        place.mkdir(parents=True)
        for i in range(8):
            noise = RNG.integers(-30, 30, (16, 16, 3))
            pixels = np.clip(np.array(colour) + noise, 0, 255).astype("uint8")
            Image.fromarray(pixels).save(place / f"{i}.png")
    return folder / "fruit"


def vectors(folder):
    np.savez(folder / "points.npz", x=RNG.normal(size=(40, 4)), y=np.arange(40) % 2)
    return folder / "points.npz"


def table(folder):
    rows = ["rooms,city,area,price"]
    for i in range(24):
        area = 30 + 5 * i
        city = ("Lyon", "Porto", "Graz")[i % 3]
        rows.append(f"{1 + i // 6},{city},{area if i != 7 else ''},{1000 * area + 500 * (i % 5)}")
    return _written(folder / "flats.csv", rows)


def texts(folder):
    good = ["a film to see twice", "warm and funny", "what a cast", "I laughed and cried"]
    bad = ["two hours lost", "a dull plot", "I left early", "loud and empty"]
    rows = [
        f"{text},{label}"
        for a, b in zip(good, bad, strict=True)
        for text, label in ((a, "good"), (b, "bad"))
    ]
    return _written(folder / "reviews.csv", ["text,label", *rows])


def pairs(folder):
    words = {
        "one": "un",
        "two": "deux",
        "three": "trois",
        "good day": "bonjour",
        "thank you": "merci",
    }
    words |= {"four": "quatre", "five": "cinq", "the sea": "la mer", "the sun": "le soleil"}
    return _written(folder / "phrases.tsv", [f"{a}\t{b}" for a, b in words.items()])


def series(folder):
    time, kinds = np.arange(32) / 4, np.arange(20) % 2
    x = np.stack([np.sin(time * (1 + kind)) for kind in kinds])[..., None]
    np.savez(folder / "waves.npz", x=x.astype("float32"), y=kinds)
    return folder / "waves.npz"


def sales(folder):
    rows = ["month,sales,advertising"]
    for i in range(48):
        season = 20 * np.sin(i * np.pi / 6)
        rows.append(f"{2020 + i // 12}-{1 + i % 12:02d},{100 + 2 * i + season:.0f},{5 + i % 3}")
    return _written(folder / "sales.csv", rows)


def sounds(folder):
    place = folder / "tones"
    place.mkdir()
    rows = ["file_name,label"]
    for i in range(12):
        name, pitch = ("low", 220) if i % 2 else ("high", 880)
        clip = 0.5 * np.sin(2 * np.pi * pitch * np.arange(4000) / 8000)
        write_wav(place / f"{i}.wav", clip.astype("float32"), 8000)
        rows.append(f"{i}.wav,{name}")
    _written(place / "metadata.csv", rows)
    return place


def boxes(folder):
    place = folder / "cells"
    place.mkdir()
    images, found = [], []
    for i in range(8):
        pixels = np.full((48, 64, 3), 230, "uint8")
        left, top = int(RNG.integers(4, 40)), int(RNG.integers(4, 24))
        pixels[top : top + 16, left : left + 16] = (180, 60, 60)
        Image.fromarray(pixels).save(place / f"{i}.png")
        images.append({"id": i, "file_name": f"{i}.png", "width": 64, "height": 48})
        box = [left, top, 16, 16]
        found.append(
            {"id": i, "image_id": i, "category_id": 1, "bbox": box, "area": 256, "iscrowd": 0}
        )
    facts = {"images": images, "annotations": found, "categories": [{"id": 1, "name": "cell"}]}
    (place / "annotations.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
    return place


def clips(folder):
    place = folder / "clips"
    place.mkdir()
    for i in range(8):
        frames = []
        for t in range(8):
            pixels = np.zeros((32, 32), "uint8")
            pixels[8 + i : 16 + i, 2 * t : 2 * t + 8] = 255
            frames.append(Image.fromarray(pixels))
        frames[0].save(place / f"{i}.gif", save_all=True, append_images=frames[1:], duration=100)
    return place


def music(folder):
    scale = [60, 62, 64, 65, 67, 69, 71, 72]
    pieces = [[[scale[(i + t) % 8], scale[(i + t) % 8] - 12] for t in range(24)] for i in range(10)]
    parts = {"train": pieces[:8], "valid": pieces[8:9], "test": pieces[9:]}
    (folder / "chords.json").write_text(json.dumps(parts), encoding="utf-8")
    return folder / "chords.json"


def _written(path, lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


KINDS = {
    "images": (
        "Pictures",
        "A folder with one folder for each class, or a flat folder without labels. A `.npz` file "
        "in the layout of Keras (`x_train`, `y_train`, ...) and a `.npy` file also work. "
        "`--image-size` resizes pictures of different sizes.",
        pictures,
        ["--image-size", "16"],
    ),
    "vectors": (
        "Vectors",
        "A `.npz` file with an array `x` (n, numbers) and, if there are labels, `y`.",
        vectors,
        [],
    ),
    "tables": (
        "Tables",
        "A `.csv`, `.tsv`, Excel or Parquet file of numbers and categories. `--target` names the "
        "column to predict: categories are classified, numbers are regressed.",
        table,
        ["--target", "price"],
    ),
    "text": (
        "Texts",
        "A `.csv` file with a text and a label, a `.txt` file with one text in each line, or one "
        "long text.",
        texts,
        ["--target", "label"],
    ),
    "pairs": (
        "Pairs of texts",
        "A `.tsv` file: a source and its translation in each line, separated by a tab.",
        pairs,
        [],
    ),
    "series": (
        "Series with labels",
        "A `.npz` file with `x` (n, time, channels) and `y`, or `.ts` files of the UEA and UCR "
        "archive. Series may differ in length.",
        series,
        ["--kind", "series"],
    ),
    "forecast": (
        "Series to forecast",
        "A `.csv` file with a row for each step. `--target` names the column to forecast; a "
        "column of times gives the step and the season.",
        sales,
        ["--kind", "forecast", "--target", "sales"],
    ),
    "audio": (
        "Sounds",
        "A folder of WAV, FLAC, OGG or MP3 files with a folder for each class, or with a "
        "`metadata.csv` that has a `label` or a `transcription` for each file.",
        sounds,
        [],
    ),
    "detection": (
        "Pictures with boxes",
        "Pictures with annotations in the format of COCO, Pascal VOC or YOLO.",
        boxes,
        [],
    ),
    "video": (
        "Clips",
        "A folder of GIFs, or a `.npz` file with `x` (n, frames, height, width, channels).",
        clips,
        [],
    ),
    "music": (
        "Music",
        "A folder of MIDI files, or a JSON file with the pitches of each step, as for the JSB "
        "chorales.",
        music,
        [],
    ),
}
