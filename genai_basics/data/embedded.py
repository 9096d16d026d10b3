"""Small sets that need no network and no file: everything here comes with the dependencies."""

import numpy as np

from .dataset import Part, Reading
from .files import fingerprint_arrays
from .images import check_size, resize_images
from .spec import ImageSpec

__all__ = ["digits"]


def digit_arrays():
    """Return scikit-learn's digits: uint8 (1797, 8, 8, 1) of 0 to 255, and int64 labels."""
    from sklearn.datasets import load_digits

    bunch = load_digits()  # values are whole numbers from 0 to 16
    images = np.round(bunch.images * (255 / 16)).astype("uint8")
    return images[..., None], bunch.target.astype("int64")


def digits(*, image_size=None, color=None):
    """1,797 handwritten digits of 8x8 pixels (Alpaydin & Kaynak, UCI, 1998)."""
    x, y = digit_arrays()
    x = resize_images(x, check_size(image_size), color)
    spec = ImageSpec(x.shape[1:], (0, 255), tuple(map(str, range(10))))
    return Reading(spec, {"all": Part(x, y)}, fingerprint_arrays(x, y))
