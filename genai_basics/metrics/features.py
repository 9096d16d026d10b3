"""The small network whose features are used to compare generated examples with real ones.

A Fréchet distance needs features of visible content. Usually they come from a large classifier of
photographs; here they come from a small one, trained on the data's labels in a few seconds, or with
random weights if there are no labels (cruder, but it still separates a good generator from a bad
one). Only compare distances computed with the same network.
"""

import keras
import numpy as np
from keras import layers, ops

from .intervals import share_interval
from .samples import density_coverage, frechet_distance, precision_recall

__all__ = [
    "FeatureStatistics",
    "Judge",
    "build_features",
    "sample_report",
    "some_examples",
]

WIDTH = 64  # features per example


def build_features(input_shape, seed=0):
    """Return an untrained network that maps examples to 64 features.

    Args:
        input_shape: (height, width, channels), in [0, 1], (steps, channels) or (numbers,).
        seed: Seed of the weights.
    """
    init = keras.initializers.HeNormal(keras.random.SeedGenerator(seed))
    x = inputs = keras.Input(input_shape, name="x")
    if len(input_shape) == 3:
        for filters in (16, 32, 64):
            strides = 2 if min(x.shape[1:3]) > 4 else 1
            x = layers.Conv2D(
                filters, 3, strides, "same", activation="relu", kernel_initializer=init
            )(x)
    if len(input_shape) == 2:
        x = layers.Conv1D(128, 3, activation="relu", kernel_initializer=init)(x)
        x = layers.GlobalAveragePooling1D()(x)
    x = layers.Dense(WIDTH, "relu", kernel_initializer=init)(layers.Flatten()(x))
    return keras.Model(inputs, x, name="features")


class FeatureStatistics(keras.metrics.Metric):
    """Sums of two sets of features, batch by batch, from which `distance` is computed.

    `result` is empty: the matrix root is computed once, at the end, not for every batch.
    """

    def __init__(self, width=WIDTH, name="features", **kwargs):
        super().__init__(name=name, **kwargs)
        sides = ("real", "fake")
        self.sums = [self.add_variable((width,), "zeros", name=f"sum_{side}") for side in sides]
        self.products = [
            self.add_variable((width, width), "zeros", name=f"product_{side}") for side in sides
        ]
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, real, fake, sample_weight=None):
        """Add a batch of real features and an equally large one of generated features."""
        for side, batch in enumerate((real, fake)):
            batch = ops.cast(batch, "float32")
            self.sums[side].assign_add(ops.sum(batch, axis=0))
            self.products[side].assign_add(ops.matmul(ops.transpose(batch), batch))
        self.count.assign_add(ops.cast(ops.shape(real)[0], "float32"))

    def result(self):
        return {}

    def distance(self):
        """Return the Fréchet distance of all batches so far, with covariances divided by n.

        The formula is that of `genai_basics.metrics.frechet_distance`.
        """
        n = max(float(ops.convert_to_numpy(self.count)), 1.0)
        means = [ops.convert_to_numpy(total).astype("float64") / n for total in self.sums]
        real, fake = (
            ops.convert_to_numpy(product).astype("float64") / n - np.outer(mean, mean)
            for product, mean in zip(self.products, means, strict=True)
        )
        # tr (S_r S_f)^(1/2): the roots of the eigenvalues of S_r^(1/2) S_f S_r^(1/2).
        values, vectors = np.linalg.eigh(real)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root.T @ fake @ root), 0.0)).sum()
        distance = np.square(means[0] - means[1]).sum() + np.trace(real) + np.trace(fake)
        return max(float(distance - 2.0 * shared), 0.0)


@keras.saving.register_keras_serializable(package="genai_basics")
class Judge(layers.Layer):
    """Features of examples, a classifier on top of them, and the Fréchet distance of batches.

    `statistics`, a metric, accumulates the features of both sides; its state is not saved.

    Args:
        shape: Shape of one example; pictures in [0, 1].
        num_classes: Number of labels. `None`: no classifier, and features of random weights.
        features: Network of your own from examples to features (n, d), which is not trained.
    """

    def __init__(self, shape, num_classes=None, features=None, **kwargs):
        super().__init__(**kwargs)
        self.shape, self.num_classes = tuple(shape), num_classes
        self.trains_features = features is None
        self.features = features or build_features(self.shape)
        width = self.features.outputs[0].shape[-1]
        self.classifier = None
        if num_classes:
            init = keras.initializers.GlorotUniform(0)
            inputs = keras.Input((width,))
            outputs = layers.Dense(num_classes, kernel_initializer=init)(inputs)
            self.classifier = keras.Model(inputs, outputs, name="classifier")
        self.statistics = FeatureStatistics(width)
        for layer in (self, self.features, self.classifier or self):
            layer.trainable = False  # trainable=False in the constructor is not recursive
        self.built = True

    def call(self, x):
        """Return features (n, d)."""
        return self.features(x)

    def classify(self, features):
        """Return the most likely label of each row of features, integers (n,)."""
        return ops.convert_to_numpy(self.classifier(features)).argmax(axis=1)

    def adapt(self, x, y, steps=300, batch_size=128):
        """Train the classifier, and the features unless they are your own, on labelled x.

        Args:
            x: Examples, as for `call`.
            y: Integer labels.
            steps: Training steps; each takes `batch_size` examples.
            batch_size: Number of examples per step.
        """
        order = np.random.default_rng(0)
        passes = -(-steps * batch_size // len(x))
        index = np.concatenate([order.permutation(len(x)) for _ in range(passes)])
        index = index[: steps * batch_size]
        self.classifier.trainable, self.features.trainable = True, self.trains_features
        model = keras.Sequential([self.features, self.classifier])
        model.compile(
            keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        model.optimizer.build(model.trainable_variables)  # otherwise the first step is traced twice
        model.fit(x[index], y[index], batch_size, shuffle=False, verbose=0)
        self.features.trainable = self.classifier.trainable = False

    def report(self, real, fake, labels=None, class_names=None):
        """Return `(metrics, intervals)` for features of real and of generated examples.

        Args:
            real, fake: Features (n, d) and (m, d).
            labels: The integer labels (m,) that generated examples should have.
            class_names: Names of the labels.

        Returns:
            The metrics of `sample_report`; with a classifier, also `share_NAME`, the share of
            each class in the generated examples; with labels, also `label_obedience`, the share
            that the classifier assigns to the requested label.
        """
        metrics, intervals = sample_report(real, fake), {}
        if self.classifier is None:
            return metrics, intervals
        classes = self.classify(fake)
        if labels is not None:
            obeyed = classes == labels
            metrics["label_obedience"] = obeyed.mean()
            intervals["label_obedience"] = list(share_interval(obeyed.sum(), len(obeyed)))
        names = class_names or range(self.num_classes)
        shares = np.bincount(classes, minlength=self.num_classes) / len(classes)
        metrics |= {f"share_{name}": share for name, share in zip(names, shares, strict=True)}
        return metrics, intervals

    def get_config(self):
        own = None if self.trains_features else self.features
        config = {"shape": self.shape, "num_classes": self.num_classes}
        features = keras.saving.serialize_keras_object(own)
        return {**super().get_config(), **config, "features": features}

    @classmethod
    def from_config(cls, config):
        features = keras.saving.deserialize_keras_object(config.pop("features"))
        return cls(features=features, **config)


def sample_report(real, fake, most=3000):
    """Return the usual metrics of how close generated features are to real ones.

    Args:
        real: Features (n, d) of held-out real examples.
        fake: Features (m, d) of generated ones.
        most: Maximum number of examples of each for precision, recall, density and coverage.

    Returns:
        A dict: `frechet_distance`, `frechet_floor` (between the two halves of the real
        examples), `precision`, `recall`, `density`, `coverage`. The last five are omitted
        if there are too few examples.
    """
    report = {}
    if min(len(real), len(fake)) > 1:
        report["frechet_distance"] = frechet_distance(real, fake)
    if len(real) > 3:
        halves = np.random.default_rng(0).permutation(len(real))
        report["frechet_floor"] = frechet_distance(real[halves[::2]], real[halves[1::2]])
    real, fake = real[:most], fake[:most]
    if min(len(real), len(fake)) > 5:
        report |= precision_recall(real, fake) | density_coverage(real, fake)
    return report


def some_examples(parts, most):
    """Return at most `most` examples of parts of equal length, drawn with a fixed seed."""
    n = len(parts[0])
    if n <= most:
        return parts
    index = np.sort(np.random.default_rng(0).permutation(n)[:most])
    return tuple(
        None
        if part is None
        else part[index]
        if hasattr(part, "shape")
        else [part[i] for i in index]
        for part in parts
    )
