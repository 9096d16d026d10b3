"""The video GAN's digits move like those in the data.

Fifteen minutes each: moving digits, 16 frames of 32x32 pixels, and Moving MNIST, two digits in
64x64, with 400 training clips (`moving=2`, and networks half as wide, which allows more steps).
Means over clips: change from frame to frame in grey levels; speed and acceleration of the centre of
brightness in pixels per frame; variation of brightness within a clip.
"""

import genai_basics as gb

HEADERS = ("clips", "statistic", "video GAN", "held-out clips", "ratio")
MINUTES = 15.0


def measure(folder):
    """Return the rows of the table."""
    one = gb.load_data("moving_digits")
    two = gb.load_data(folder / "moving_mnist" / "moving_mnist_small.npz")
    return [
        *rows("one digit", one, (16, 32, 32, 1)),
        *rows("two digits", two, (16, 64, 64, 1), moving=2, filters=(24, 48, 64)),
    ]


def rows(name, data, shape, **options):
    """Return the rows of one data set."""
    gan = gb.build_video_gan(shape, seed=0, **options)
    gan.compile()
    progress = gb.model.Progress(seconds=60 * MINUTES)
    gan.fit(data.train.x, epochs=10**6, callbacks=[progress], verbose=0)
    report, _ = gan.report(data.test.x)
    found = []
    for statistic in ("change", "speed", "acceleration", "flicker"):
        ours, theirs = report[statistic], report[f"{statistic}_data"]
        ratio = f"{ours / theirs:.2f}" if theirs > 1e-6 else ""
        found.append((name, statistic, f"{ours:.3f}", f"{theirs:.3f}", ratio))
    return found
