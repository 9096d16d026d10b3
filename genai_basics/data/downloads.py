"""Picture data sets that Keras downloads once and caches in its own folder."""

from .dataset import Part, Reading
from .files import fingerprint_arrays
from .images import check_size, resize_images
from .spec import ImageSpec

__all__ = ["cifar10", "cifar100", "fashion_mnist", "mnist"]

DIGITS = tuple(map(str, range(10)))
CLOTHES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
CIFAR10 = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
CIFAR100_TEXT = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile
cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp
lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom
oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake
spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor
train trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""
CIFAR100 = tuple(CIFAR100_TEXT.split())


def mnist(*, image_size=None, color=None):
    """70,000 handwritten digits of 28x28 pixels (LeCun, Cortes & Burges)."""
    return _load("mnist", DIGITS, image_size, color)


def fashion_mnist(*, image_size=None, color=None):
    """70,000 pieces of clothing of 28x28 pixels (Xiao, Rasul & Vollgraf, 2017)."""
    return _load("fashion_mnist", CLOTHES, image_size, color)


def cifar10(*, image_size=None, color=None):
    """60,000 RGB pictures of 32x32 pixels in 10 classes (Krizhevsky, 2009)."""
    return _load("cifar10", CIFAR10, image_size, color)


def cifar100(*, image_size=None, color=None):
    """60,000 RGB pictures of 32x32 pixels in 100 classes (Krizhevsky, 2009)."""
    return _load("cifar100", CIFAR100, image_size, color)


def _load(name, class_names, image_size, color):
    from keras import datasets

    try:
        halves = getattr(datasets, name).load_data()
    except Exception as error:  # no network, or an interrupted download
        raise ValueError(
            f"'{name}' could not be downloaded ({error}); 'digits' needs no network, and a copy in "
            "a .npz file (x_train, y_train, x_test, y_test) loads by its path."
        ) from error
    parts, size = {}, check_size(image_size)
    for part, (x, y) in zip(("train", "test"), halves, strict=True):
        x = x[..., None] if x.ndim == 3 else x
        parts[part] = Part(resize_images(x, size, color), y.reshape(-1).astype("int64"))
    spec = ImageSpec(parts["train"].x.shape[1:], (0, 255), class_names)
    digest = fingerprint_arrays(*(array for part in parts.values() for array in (part.x, part.y)))
    return Reading(spec, parts, digest)
