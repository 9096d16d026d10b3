"""The music GAN's pitches and intervals are those of Bach's chorales.

JSB chorales in sixteenth notes, windows of 32 steps, ten minutes. Jensen-Shannon divergences, in
nats, from the test pieces; the floor is the divergence between two halves of the test pieces.
"""

import genai_basics as gb

HEADERS = ("statistic", "music GAN", "floor of real data")
MINUTES = 10.0


def measure(folder):
    """Return the rows of the table."""
    data = gb.load_data(folder / "jsb_chorales" / "jsb16_satb.npz")
    spec = data.spec
    gan = gb.build_music_gan(spec.voices, spec.low, spec.high, seed=0)
    gan.compile()
    progress = gb.model.Progress(seconds=60 * MINUTES)
    gan.fit(data.train.x, epochs=10**6, callbacks=[progress], verbose=0)
    report, _ = gan.report(data.test.x)
    rows = [
        (name, f"{report[f'{name}_jsd']:.4f}", f"{report[f'{name}_jsd_floor']:.4f}")
        for name in ("pitch_class", "interval", "harmony")
    ]
    for name in ("in_scale", "held_notes"):
        rows.append((name, f"{report[name]:.1%}", f"{report[f'{name}_data']:.1%}"))
    return rows
