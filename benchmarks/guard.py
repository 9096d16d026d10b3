"""Nothing became slower: ours beside plain Keras, in turn, on built-in data.

`python -m benchmarks guard` records the ratios. `python -m benchmarks.guard` measures them again,
in about four minutes, and exits with 1 if one is more than a tenth below the recorded one. A ratio
is the fastest time of the peer divided by our fastest time for the same work: what a busy machine
adds to a run does not count, and a ratio that is too low is measured further before it counts.
"""

import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HEADERS = ("the same work", "fastest time of the peer divided by ours")
TURNS, TRIES, LEAST = 5, 3, 0.9
PICTURES = 10_000


def letters(n):
    """Return n pictures of letters, (n, 28, 28, 1) in 0 to 255, and labels from 0 to 9."""
    from genai_basics import load_data

    train = load_data("letters").train
    few = train.y < 10
    return np.resize(train.x[few], (n, 28, 28, 1)), np.resize(train.y[few], n)


def vae_training():
    """`fit` of the VAE and `keras.Model.fit` of the same network."""
    import keras

    from genai_basics import build_vae

    from .vae_overhead import Peer

    x, _ = letters(12_800)
    ours, peer = build_vae((28, 28, 1), seed=0), Peer()
    ours.compile()
    peer.compile(keras.optimizers.Adam(2e-3, global_clipnorm=1000.0))
    scaled, options = x.astype("float32") / 255, {"batch_size": 128, "verbose": 0}
    return lambda: ours.fit(x, **options), lambda: peer.fit(scaled, **options)


def gan_training():
    """`fit` of the conditional GAN and that of Keras' example, the same number of pictures."""
    from genai_basics import build_gan

    from .gan_pictures import Peer

    x, y = letters(2560)
    ours, peer = build_gan((28, 28, 1), num_classes=10, seed=0), Peer()
    ours.compile()
    peer.compile()
    scaled, options = x.astype("float32") / 255, {"batch_size": 64, "verbose": 0}
    return lambda: ours.fit(x, y, **options), lambda: peer.fit(scaled, y, **options)


def recurrent_training():
    """The language model and the same GRU in plain Keras."""
    from genai_basics import build_language_model, load_data

    from .writing_speed import BATCH, STEPS, WINDOW, of_keras, ours

    text = "".join(load_data("python_topics").train.x)[:200_000]
    alphabet = tuple(sorted(set(text)))
    tokenizer = build_language_model(alphabet, seed=0).tokenizer
    rows = np.resize(tokenizer.encode(text), (STEPS * BATCH, WINDOW + 1))
    return ours(text, alphabet, "gru"), of_keras(rows, tokenizer.size)


def sampling():
    """`sample` of the VAE and `predict` of its decoder."""
    from genai_basics import build_vae

    n = 10_000
    vae = build_vae((28, 28, 1), seed=0)
    z = np.random.default_rng(0).normal(size=(n, 20)).astype("float32")
    return (
        lambda: vae.sample(n, seed=0, batch_size=500),
        lambda: vae.decoder.predict(z, batch_size=500, verbose=0),
    )


def start_up():
    """`genai-basics --help` and `import keras`."""

    def run(*arguments):
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)

    return lambda: run("-m", "genai_basics", "--help"), lambda: run("-c", "import keras")


def reading():
    """A folder of pictures, and the same files opened by Pillow alone."""
    from PIL import Image

    from genai_basics import load_data

    folder = tempfile.TemporaryDirectory()
    for i, picture in enumerate(letters(PICTURES)[0]):
        Image.fromarray(picture[..., 0]).save(f"{folder.name}/{i}.png", compress_level=1)
    files = sorted(Path(folder.name).iterdir())
    return (
        lambda: load_data(folder.name),
        lambda: np.stack([np.asarray(Image.open(file)) for file in files]),
    )


PAIRS = (vae_training, gan_training, recurrent_training, sampling, start_up, reading)


def fastest(pair, before=(math.inf, math.inf)):
    """Run both sides in turn; return the fastest time of each."""
    found = list(before)
    for _ in range(TURNS):
        for i, run in enumerate(pair):
            began = time.perf_counter()
            run()
            found[i] = min(found[i], time.perf_counter() - began)
    return found


def prepared(build):
    """Return both sides of a pair, each run once, which compiles it."""
    pair = build()
    for run in pair:
        run()
    return pair


def measure(folder=None):
    """Return the rows of the table."""
    rows = []
    for build in PAIRS:
        ours, peer = fastest(prepared(build))
        rows.append([name(build), f"{peer / ours:.2f}"])
    return rows


def name(build):
    return build.__doc__.strip(".")


def slower(build, least):
    """Measure a pair; return whether it is still too slow after three tries."""
    pair, found = prepared(build), (math.inf, math.inf)
    for _ in range(TRIES):
        found = fastest(pair, found)
        ratio = found[1] / found[0]
        print(f"{name(build)}: {ratio:.2f}, at least {least:.2f}", flush=True)
        if ratio >= least:
            return False
    return True


def main():
    record = json.loads((Path(__file__).parent / "results.json").read_text())["guard"]["rows"]
    recorded = {row[0]: float(row[1]) for row in record}
    culprits = [name(b) for b in PAIRS if slower(b, LEAST * recorded[name(b)])]
    if culprits:
        sys.exit(f"slower than recorded: {'; '.join(culprits)}")


if __name__ == "__main__":
    main()
