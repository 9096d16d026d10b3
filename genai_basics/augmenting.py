"""`augment`: enlarge a labelled data set with generated examples and measure the gain."""

import dataclasses
from collections.abc import Iterable

import keras
import numpy as np

from .checks import one_of, whole
from .convolutional.cnn import build_cnn
from .feedforward.mlp import build_mlp
from .layers import RandomAffine
from .recipes import builder_of, get_recipe, models_that

__all__ = ["Augmented", "augment"]

LEAST_CLASSIFIER_STEPS = 2000  # with fewer steps, a classifier does not learn the variations
FEW_PICTURES, ENOUGH_PICTURES = 1000, 4000  # fewer than 1,000 become 4,000 varied copies
MANY_PICTURES = 5000  # with fewer, the generator gets its arguments for few pictures
GENERATOR_STEPS = 2000
BATCH = 32
T_95 = (0, 12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23)  # Student's t, by df


@dataclasses.dataclass(frozen=True)
class Augmented:
    """What `augment` returns.

    Attributes:
        x, y: The real training examples and then the generated ones, with their labels.
        real: How many are real.
        agreement: Share of the generator's samples that the classifier assigned to their label.
        accuracy: `{arm: [accuracy on held-out real data, one per seed]}` for the arms "real",
            "generated" (and real), "varied" (real, with ordinary augmentation) and "both".
        gains: `{arm: (mean gain over "real", lower, upper)}`, 95% intervals over the seeds.
        verdict: The outcome in a sentence or two.
    """

    x: np.ndarray
    y: np.ndarray
    real: int
    agreement: float
    accuracy: dict
    gains: dict
    verdict: str


def augment(
    x,
    y,
    *,
    held_out=None,
    n: int | None = None,
    generator="gan",
    epochs: int | None = None,
    classifier=None,
    seeds: int = 5,
    class_names: Iterable[str] | None = None,
    value_range: tuple[float, float] | None = (0, 255),
    seed: int | None = 0,
) -> "Augmented":
    """Enlarge a labelled data set with samples of a conditional model and measure the gain.

    A sample is discarded unless a classifier trained on the real examples confirms its label.
    Classifiers are then trained in the same way, several times each: on the real examples, with
    the generated ones, with ordinary augmentation, and with both. All are evaluated on real
    examples that none of them was trained on.

    Args:
        x: Pictures (n, height, width, channels) or vectors (n, numbers).
        y: Their labels, integers or names.
        held_out: `(x, y)` to evaluate on. `None` holds out a quarter of the examples.
        n: Number of examples to generate. `None`: as many as there are real ones.
        generator: Name of the model to train, which must be able to sample by label: `"gan"`,
            `"vae"` or `"diffusion"`; or a trained conditional model.
        epochs: Number of epochs of the generator. `None`: enough for 2,000 steps.
        classifier: Callable `(seed, varied)` that returns a compiled classifier with Keras'
            `fit` and `predict`, with ordinary augmentation if `varied`. `None`: `build_cnn`.
        seeds: Number of classifiers per arm.
        class_names: Names of the labels, if y holds names.
        value_range: Range of pictures.
        seed: Seed of the split, the generator and its samples.

    Returns:
        `Augmented`.

    Raises:
        ValueError: If the labels have fewer than two classes, or the generator cannot sample by
            label.

    Example:

    >>> from genai_basics import augment, load_data
    >>> data = load_data("digits", limit=200)
    >>> more = augment(data.train.x, data.train.y, epochs=2, seeds=1)  # doctest: +SKIP
    >>> print(more.verdict)  # doctest: +SKIP
    """
    x, y = np.asarray(x), np.asarray(y).reshape(-1)
    if y.dtype.kind in "USO" and class_names is None:
        class_names = tuple(sorted(set(map(str, y))))
    y = _numbers(y, class_names)
    num_classes = len(class_names) if class_names else int(y.max()) + 1
    if len(np.unique(y)) < 2:
        raise ValueError(f"y must have at least two classes. Received: {len(np.unique(y))}")
    whole("seeds", seeds, 1)
    if isinstance(generator, str):
        one_of(
            "generator", generator, models_that("labels", "images" if x.ndim == 4 else "vectors")
        )
    elif not getattr(generator, "num_classes", None):
        raise ValueError(
            "`generator` must be conditional: build it with `num_classes`. Received: one without"
        )
    if held_out is None:
        x, y, *held_out = _quarter(x, y, seed)
    else:
        held_out = np.asarray(held_out[0]), _numbers(np.asarray(held_out[1]), class_names)
    if classifier is None:
        classifier = _usual_classifier(x.shape[1:], num_classes, value_range)
    if isinstance(generator, str):
        generator = _trained(generator, x, y, num_classes, value_range, epochs, seed)
    judge = classifier(seed, True)
    _fit(judge, x, y)
    made_x, made_y, agreement = _agreed(generator, judge, n or len(x), num_classes, seed)
    arms = {
        "real": (x, y, False),
        "generated": (np.concatenate([x, made_x]), np.concatenate([y, made_y]), False),
        "varied": (x, y, True),
    }
    arms["both"] = (*arms["generated"][:2], True)
    accuracy = {name: [] for name in arms}
    for number in range(seeds):
        for name, (arm_x, arm_y, varied) in arms.items():
            model = classifier(seed + 1 + number, varied)
            _fit(model, arm_x, arm_y, steps=_steps(len(x)))
            accuracy[name].append(_accuracy(model, *held_out))
    gains = {name: _gain(accuracy[name], accuracy["real"]) for name in arms if name != "real"}
    return Augmented(
        *arms["generated"][:2], len(x), agreement, accuracy, gains, _verdict(accuracy, gains, seeds)
    )


def _numbers(y, class_names):
    y = np.asarray(y).reshape(-1)
    if y.dtype.kind not in "USO":
        return y.astype("int32")
    numbers = {str(name): i for i, name in enumerate(class_names)}
    unknown = sorted({str(label) for label in y} - set(numbers))
    if unknown:
        raise ValueError(f"labels must be among {', '.join(numbers)}. Received: {unknown[0]}")
    return np.array([numbers[str(label)] for label in y], "int32")


def _quarter(x, y, seed):
    """Split off a quarter of each class; return x, y of the rest and x, y of the quarter."""
    rng, aside = np.random.default_rng(seed), np.zeros(len(y), bool)
    for label in np.unique(y):
        index = rng.permutation(np.flatnonzero(y == label))
        aside[index[: max(len(index) // 4, 1)]] = True
    return x[~aside], y[~aside], x[aside], y[aside]


def _usual_classifier(shape, num_classes, value_range):
    def build(seed, varied):
        if len(shape) == 3:
            model = build_cnn(
                shape,
                num_classes,
                filters=(16, 32),
                augment=varied,
                value_range=value_range,
                seed=seed,
            )
        else:
            model = build_mlp(shape, num_classes, seed=seed)
        model.compile()
        return model

    return build


def _trained(name, x, y, num_classes, value_range, epochs, seed):
    """Return a conditional model of the table, trained on x and y."""
    recipe, picture, n = get_recipe(name), x.ndim == 4, len(x)
    if picture and n < FEW_PICTURES:
        x, y = _varied_copies(x, y, seed)
    model = builder_of(name)(
        x.shape[1:],
        num_classes=num_classes,
        value_range=value_range if picture else None,
        seed=seed,
        **(recipe.few_pictures if picture and n < MANY_PICTURES else {}),
    )
    model.compile()
    steps = max(n // recipe.batch_size, 1)
    epochs = epochs or -(-GENERATOR_STEPS // steps)
    model.fit(x, y, batch_size=recipe.batch_size, epochs=epochs, steps_per_epoch=steps, verbose=0)
    return model


def _varied_copies(x, y, seed):
    """Return slightly rotated, sheared and zoomed copies, as many as a generator needs.

    The samples vary in the same way; a generator trained on few pictures would repeat them.
    """
    copies = -(-ENOUGH_PICTURES // len(x))
    vary = RandomAffine(0.05, 0.1, 10.0, 10.0, seed=seed)
    batches = [vary(x.astype("float32"), training=True) for _ in range(copies)]
    varied = np.concatenate([keras.ops.convert_to_numpy(batch) for batch in batches])
    np.clip(varied, x.min(), x.max(), out=varied)  # interpolation may overshoot
    return varied, np.tile(y, copies)


def _steps(n):
    return max(LEAST_CLASSIFIER_STEPS, 3 * n // BATCH)


def _fit(model, x, y, steps=None):
    """Train for a number of steps that does not depend on the number of examples."""
    steps = steps or _steps(len(x))
    per_epoch = max(len(x) // BATCH, 1)
    epochs = max(round(steps / per_epoch), 1)
    model.fit(x, y, batch_size=BATCH, epochs=epochs, verbose=0)


def _predicted(model, x):
    return np.asarray(model.predict(x, verbose=0)).argmax(axis=-1)


def _accuracy(model, x, y):
    return float((_predicted(model, x) == y).mean())


def _agreed(generator, judge, n, num_classes, seed):
    """Return n samples whose label the judge confirms, and the share of confirmed samples."""
    xs, ys, hits, drawn = [], [], 0, 0
    for attempt in range(20):
        labels = np.arange(max(2 * (n - hits), num_classes)) % num_classes
        samples = generator.sample(len(labels), seed=seed + attempt, labels=labels)
        right = _predicted(judge, samples) == labels
        xs.append(samples[right])
        ys.append(labels[right])
        hits, drawn = hits + int(right.sum()), drawn + len(labels)
        if hits >= n:
            break
    if not hits:
        raise ValueError(
            "the classifier confirmed none of the generator's samples: train it for more `epochs`. "
            f"Received: {drawn} samples, none of which looks like its label"
        )
    return np.concatenate(xs)[:n], np.concatenate(ys)[:n].astype("int32"), hits / drawn


def _gain(with_it, without):
    """Return the mean of the paired differences and its 95% interval."""
    differences = np.subtract(with_it, without)
    mean, n = float(differences.mean()), len(differences)
    if n < 2:
        return mean, mean, mean
    t = T_95[n - 1] if n <= len(T_95) else 1.96
    reach = t * float(differences.std(ddof=1)) / np.sqrt(n)
    return mean, mean - reach, mean + reach


def _verdict(accuracy, gains, seeds):
    """Describe the gain of the generated examples, compared with ordinary augmentation."""
    mean, low, high = gains["generated"]
    if low > 0:
        outcome = f"The generated examples help: {mean:+.1%}"
    elif high < 0:
        outcome = f"The generated examples hurt: {mean:+.1%}"
    else:
        outcome = f"The generated examples make no significant difference: {mean:+.1%}"
    means = {name: float(np.mean(values)) for name, values in accuracy.items()}
    added = means["both"] - means["varied"]
    return (
        f"{outcome} [{low:+.1%}, {high:+.1%}] over {seeds} seeds, from {means['real']:.1%}. "
        f"Ordinary augmentation alone gives {means['varied']:.1%}, and both together "
        f"{means['both']:.1%} ({added:+.1%})."
    )
