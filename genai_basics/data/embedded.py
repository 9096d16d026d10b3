"""Small data sets that need no network and no files: they come with the dependencies.

If the content varies with the version of Python or Babel, so does the fingerprint.
"""

import datetime
from collections import Counter

import numpy as np

from .dataset import Part, Reading
from .files import fingerprint_arrays
from .images import check_size, resize_images
from .pairs import pair_reading
from .spec import ImageSpec
from .text import corpus_reading, text_reading

__all__ = ["dates", "digits", "place_names", "python_topics", "terms"]

LANGUAGES = ("cs", "fr", "hu", "is", "ga", "lt", "pl", "tr")
DATE_LOCALES = ("de", "en", "es", "fr", "it")


def digit_arrays():
    """Return scikit-learn's digits: uint8 (1797, 8, 8, 1) of 0 to 255, and int64 labels."""
    from sklearn.datasets import load_digits

    bunch = load_digits()  # values are integers from 0 to 16
    images = np.round(bunch.images * (255 / 16)).astype("uint8")
    return images[..., None], bunch.target.astype("int64")


def digits(*, image_size=None, color=None):
    """1,797 handwritten digits of 8x8 pixels (Alpaydin & Kaynak, UCI, 1998)."""
    x, y = digit_arrays()
    x = resize_images(x, check_size(image_size), color)
    spec = ImageSpec(x.shape[1:], (0, 255), tuple(map(str, range(10))))
    return Reading(spec, {"all": Part(x, y)}, fingerprint_arrays(x, y))


def python_topics():
    """A corpus: the topics of Python's help, about 465,000 characters of English and code."""
    from pydoc_data.topics import topics

    content = "\n".join(topics[name].strip() + "\n" for name in sorted(topics))
    return corpus_reading(content, fingerprint_arrays([content]))


def place_names(*, languages=LANGUAGES):
    """Names of countries and cities from CLDR, labelled with their language.

    Args:
        languages: Language codes. Names that occur in several of them are left out.
    """

    def names_of(locale):
        yield from (name for key, name in locale.territories.items() if key.isalpha())
        yield from (zone["city"] for zone in locale.time_zones.values() if "city" in zone)

    return _by_language(languages, names_of)


def terms(*, languages=LANGUAGES):
    """Names of currencies and time zones from CLDR, labelled with their language.

    Args:
        languages: Language codes. Names that occur in several of them are left out.
    """

    def names_of(locale):
        yield from locale.currencies.values()
        for zone in locale.meta_zones.values():
            yield from zone.get("long", {}).values()

    return _by_language(languages, names_of)


def _by_language(languages, names_of):
    from babel import Locale, UnknownLocaleError

    names = {}
    for code in languages:
        try:
            locale = Locale.parse(code)
        except (UnknownLocaleError, ValueError) as error:
            raise ValueError(
                f"`languages` must be codes such as fi or pl. Received: {code!r}"
            ) from error
        names[locale.get_display_name("en")] = set(names_of(locale))
    times = Counter(name for found in names.values() for name in found)
    pairs = [(name, label) for label, found in names.items() for name in found]
    pairs = sorted((name, label) for name, label in pairs if times[name] == 1)
    texts, labels = [name for name, _ in pairs], [language for _, language in pairs]
    return text_reading({"all": (texts, labels)}, fingerprint_arrays(texts, labels))


def dates(*, n=12_000, locales=DATE_LOCALES):
    """Pairs: dates as people write them in several languages, and in ISO 8601.

    Args:
        n: Number of pairs.
        locales: Language codes.
    """
    from babel.dates import format_date

    generator = np.random.default_rng(0)
    first, last = datetime.date(1900, 1, 1).toordinal(), datetime.date(2099, 12, 31).toordinal()
    found = {}  # each text once
    while len(found) < n:
        date = datetime.date.fromordinal(int(generator.integers(first, last + 1)))
        form, code = generator.choice(["full", "long", "medium"]), generator.choice(list(locales))
        found[format_date(date, str(form), locale=str(code))] = date.isoformat()
    x, y = list(found), list(found.values())
    return pair_reading(x, y, fingerprint_arrays(x, y))
