"""The video GAN's digits move as the data's do.

Moving digits, 16 frames of 32x32 pixels, fifteen minutes. Means over clips: change from frame to
frame in grey levels; speed and acceleration of the centre of brightness in pixels a frame; spread
of brightness over a clip.
"""

import genai_basics as gb

HEADERS = ("statistic", "video GAN", "held-out clips", "ratio")
MINUTES = 15.0


def measure(folder):
    """Return the rows of the table."""
    data = gb.load_data("moving_digits")
    gan = gb.build_video_gan(data.spec.shape, seed=0)
    gan.compile()
    progress = gb.model.Progress(seconds=60 * MINUTES)
    gan.fit(data.train.x, epochs=10**6, callbacks=[progress], verbose=0)
    report, _ = gan.report(data.test.x)
    rows = []
    for name in ("change", "speed", "acceleration", "flicker"):
        ours, theirs = report[name], report[f"{name}_data"]
        ratio = f"{ours / theirs:.2f}" if theirs > 1e-6 else ""
        rows.append((name, f"{ours:.3f}", f"{theirs:.3f}", ratio))
    return rows
