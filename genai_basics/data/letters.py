"""Letters rendered from the fonts that come with Matplotlib."""

import functools
from pathlib import Path
from string import ascii_uppercase

import numpy as np

from .dataset import Part, Reading
from .files import fingerprint_arrays
from .images import check_size, resize_images
from .spec import ImageSpec

__all__ = ["letters"]

FONTS = (  # upright, bold, italic; sans serif, monospaced, serif
    *(f"DejaVuSans{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSansMono{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSerif{style}" for style in ("", "-Bold", "-Italic", "-BoldItalic")),
    *(f"STIXGeneral{style}" for style in ("", "Bol", "Italic", "BolIta")),
    *("cmr10", "cmb10", "cmss10", "cmtt10"),
)
SIDE = 28  # pixels of a picture
WEIGHTS = (0, 2)  # stroke thickening, in hundredths of a letter's size


def letters(*, n=10_000, image_size=None, color=None):
    """Capital letters of 28x28 pixels in 20 fonts, slightly rotated, slanted and thickened.

    The fonts come with Matplotlib; other versions of it may render other pixels, which
    changes the fingerprint.

    Args:
        n: Number of pictures; all letters are equally frequent.
        image_size: Height and width, or one number for both.
        color: "grey" or "rgb".
    """
    generator = np.random.default_rng(5)
    y = np.arange(n) % len(ascii_uppercase)
    drawn = functools.cache(_drawn)
    fonts, weights = generator.choice(FONTS, n), generator.choice(WEIGHTS, n)
    turns = np.radians(generator.uniform(-8, 8, n))
    slants, scales = generator.uniform(-0.12, 0.12, n), generator.uniform(0.9, 1.0, (n, 2))
    shifts = generator.uniform(-0.75, 0.75, (n, 2))
    x = np.zeros((n, SIDE, SIDE, 1), "uint8")
    for i, letter in enumerate(y.tolist()):
        picture = drawn(ascii_uppercase[letter], str(fonts[i]), int(weights[i]))
        x[i, ..., 0] = _varied(picture, turns[i], slants[i], scales[i], shifts[i])
    order = generator.permutation(n)
    x, y = resize_images(x[order], check_size(image_size), color), y[order]
    spec = ImageSpec(x.shape[1:], (0, 255), tuple(ascii_uppercase))
    return Reading(spec, {"all": Part(x, y)}, fingerprint_arrays(x, y))


@functools.cache
def _font(name):
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", f"{name}.ttf"), 100)


def _drawn(letter, font, weight):
    """Return a large picture filled by a letter."""
    from PIL import Image, ImageDraw

    options = {"font": _font(font), "stroke_width": weight}
    left, top, right, bottom = options["font"].getbbox(letter, stroke_width=weight)
    picture = Image.new("L", (round(right - left), round(bottom - top)))
    ImageDraw.Draw(picture).text((-left, -top), letter, fill=255, **options)
    return picture


def _varied(picture, turn, slant, scale, shift):
    """Return a letter in its final size, 20 pixels high, turned, slanted, scaled and moved."""
    from PIL import Image

    cos, sin = np.cos(turn), np.sin(turn)
    rotation = np.array([[cos, slant * cos - sin], [sin, slant * sin + cos]])
    # Drawn in twice the size first, so that edges are smooth.
    matrix = rotation * max(picture.height, picture.width) / 41 / scale
    offset = np.divide(picture.size, 2) - matrix @ (SIDE + 2 * shift)
    values = np.column_stack([matrix, offset]).ravel().tolist()
    size = (2 * SIDE, 2 * SIDE)
    turned = picture.transform(size, Image.Transform.AFFINE, values, Image.Resampling.BILINEAR)
    return np.asarray(turned.reduce(2))
