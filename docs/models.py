"""Write the README's table of models: run `python docs/models.py` after changing `recipes.py`.

The measured figures are read from `benchmarks/results.json`.
"""

import json
import re
from pathlib import Path

from genai_basics.recipes import RECIPES

ROOT = Path(__file__).parent.parent
README, RESULTS = ROOT / "README.md", ROOT / "benchmarks" / "results.json"
MARKS = "<!-- models: start -->\n", "<!-- models: end -->"
# model: (claim, first cells of our row, first cells of the peer's row, sentence)
REACHES = {
    "mlp": (
        "predictors",
        ("pictures, dense", "genai_basics"),
        ("pictures, dense", "MLPClassifier"),
        "MNIST: accuracy {ours[2]} in 1 minute (scikit-learn {peer[2]})",
    ),
    "cnn": (
        "predictors",
        ("pictures, convolutional", "genai_basics"),
        ("pictures, convolutional", "mnist_convnet"),
        "MNIST: accuracy {ours[2]} in 2 minutes (Keras' convnet {peer[2]})",
    ),
    "detector": (
        "detection",
        ("bccd",),
        None,
        "blood cells: mAP {ours[3]} at an IoU of 0.5 in {ours[1]} minutes",
    ),
    "autoencoder": (
        "denoising",
        ("mnist",),
        None,
        "denoises MNIST to {ours[4]} dB in 5 minutes ({ours[3]} {ours[2]})",
    ),
    "vae": (
        "vae_bound",
        ("genai_basics",),
        ("Keras' example",),
        "MNIST: {ours[2]} nats in 3 minutes (Keras' example {peer[2]})",
    ),
    "text-vae": (
        "names",
        ("nats per name",),
        None,
        "first names: {ours[1]} nats in 5 minutes (bigram model {ours[2]})",
    ),
    "gan": (
        "gan_pictures",
        ("genai_basics, seed 0", "2.5"),
        ("Keras' example",),
        "MNIST: Fréchet distance {ours[3]} in {ours[1]} minutes (Keras' example {peer[3]} in "
        "{peer[1]})",
    ),
    "diffusion": (
        "diffusion_pictures",
        ("diffusion",),
        ("Keras' example",),
        "MNIST: Fréchet distance {ours[4]} in 10 minutes of one core (Keras' example {peer[4]})",
    ),
    "text-gan": (
        "gan_texts",
        ("text GAN",),
        ("letter pairs",),
        "first names: 3-gram divergence {ours[2]} in 10 minutes (letter pairs {peer[2]})",
    ),
    "video-gan": (
        "gan_motion",
        ("one digit", "speed"),
        None,
        "moving digits: speed {ours[2]} pixels per frame in 15 minutes (data {ours[3]})",
    ),
    "music-gan": (
        "gan_chorales",
        ("in_scale",),
        None,
        "Bach's chorales: {ours[1]} of notes in the scale in 10 minutes (data {ours[2]})",
    ),
    "rnn": (
        "unequal_series",
        ("JapaneseVowels",),
        None,
        "vowels of nine speakers: {ours[3]} right in {ours[1]} minute (1-NN with DTW {ours[4]})",
    ),
    "forecaster": (
        "forecasts",
        ("airline, 12 months",),
        None,
        "airline passengers: MASE {ours[2]} ({ours[3]})",
    ),
    "speech-recognizer": (
        "digits_spoken",
        ("other takes",),
        None,
        "spoken digits: {ours[2]} right in {ours[1]} minutes",
    ),
    "translator": (
        "translation",
        ("English to French, BLEU",),
        None,
        "English to French: BLEU {ours[2]} in {ours[1]} minutes (Keras' example {ours[3]})",
    ),
    "language-model": (
        "writing",
        ("genai_basics", 3),
        ("nanoGPT, PyTorch", 3),
        "Shakespeare: {ours[2]} nats per character in {ours[1]} minutes (nanoGPT {peer[2]})",
    ),
}


def table():
    """Return the table of models as Markdown, one row per recipe."""
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    lines = ["| name | what it is | reaches | builder |", "| --- | --- | --- | --- |"]
    for recipe in RECIPES.values():
        builder = recipe.builder.split(".")[1]
        cells = f"`{recipe.name}`", recipe.summary, reached(recipe.name, results), f"`gb.{builder}`"
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def reached(name, results):
    """Return a sentence with measured figures of a model, or "" if there are none."""
    claim, ours, peer, sentence = REACHES.get(name, (None,) * 4)
    if claim not in results:
        return ""
    rows = results[claim]["rows"]
    ours, peer = (
        start and next(r for r in rows if r[: len(start)] == list(start)) for start in (ours, peer)
    )
    return sentence.format(ours=ours, peer=peer)


def main():
    start, end = MARKS
    text = README.read_text(encoding="utf-8")
    found = re.sub(f"(?<={start}).*(?={end})", lambda _: table(), text, flags=re.DOTALL)
    README.write_text(found, encoding="utf-8")


if __name__ == "__main__":
    main()
