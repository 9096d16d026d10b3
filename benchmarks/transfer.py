"""Photographs are classified better by a network that was trained on ImageNet.

243 photographs of ants and bees at 96x96 pixels, and 153 to test on; three minutes for `train cnn
--backbone MobileNetV3Small`, whose weights Keras downloads once, and for `train cnn` from scratch.
`baseline` is ridge regression on random convolutions. Needs a network or the weights in Keras'
cache.
"""

import genai_basics as gb

from .predictors import ours

HEADERS = ("network", "minutes", "test accuracy")
MINUTES = 3.0
BACKBONE = "MobileNetV3Small"


def measure(folder):
    """Return the rows of the table."""
    data = gb.load_data(folder / "ants_bees", image_size=96)
    gb.build_cnn(data.spec.shape, 2, backbone=BACKBONE)  # downloads, or says why not
    model = gb.build_cnn(data.spec.shape, class_names=data.spec.class_names)
    model.adapt(data.train.x)
    baseline = model.baseline(data.train, data.test)["baseline"]
    scratch = ours("cnn", data, 60 * MINUTES)
    transfer = ours("cnn", data, 60 * MINUTES, backbone=BACKBONE)
    return [
        (f"genai_basics, {BACKBONE}", f"{MINUTES:g}", f"{transfer:.1%}"),
        ("genai_basics, from scratch", f"{MINUTES:g}", f"{scratch:.1%}"),
        ("ridge on random convolutions", "-", f"{baseline:.1%}"),
    ]
