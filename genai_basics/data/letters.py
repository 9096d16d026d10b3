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


def letters(*, n=3_000, image_size=None, color=None):
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
    x, drawn = np.zeros((n, SIDE, SIDE, 1), "uint8"), functools.cache(_drawn)
    for i, letter in enumerate(y.tolist()):
        font, weight = FONTS[generator.integers(len(FONTS))], int(generator.choice(WEIGHTS))
        x[i, ..., 0] = _varied(drawn(ascii_uppercase[letter], font, weight), generator)
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


def _varied(picture, generator):
    """Return a letter at its final size, 20 pixels high, slightly rotated, slanted and moved."""
    from PIL import Image

    angle, slant = np.radians(generator.uniform(-8, 8)), generator.uniform(-0.12, 0.12)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    scale = max(picture.height / 20, picture.width / 21) / generator.uniform(0.9, 1.05, 2)
    matrix = turn @ [[1, slant], [0, 1]] * scale / 2  # at twice the size first, for smooth edges
    middle = SIDE + generator.uniform(-2, 2, 2)
    offset = np.divide(picture.size, 2) - matrix @ middle
    values = np.column_stack([matrix, offset]).ravel()
    size = (2 * SIDE, 2 * SIDE)
    turned = picture.transform(size, Image.Transform.AFFINE, values, Image.Resampling.BICUBIC)
    return np.asarray(turned.reduce(2))
