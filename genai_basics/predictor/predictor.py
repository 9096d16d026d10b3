"""`Predictor`: the base of all networks that predict classes or values."""

import functools

import keras
import numpy as np
from keras import ops

from ..evaluation import losses_by_example
from ..losses import single
from ..model import Model
from ..warning import warn
from . import evaluation
from .head import takes_one_hot

__all__ = ["Predictor"]

RARE = 0.01  # share of examples below which a class is rare


@keras.saving.register_keras_serializable(package="genai_basics")
class Predictor(Model):
    """A `network` from x to class probabilities or values, trained by Keras' own step.

    Args:
        network: A Functional model that ends in the layers of `head`.
        preprocessor: From raw x to network space; see `genai_basics.preprocessing`.
        head: The `Head`: what is predicted.

    Example:

    >>> from genai_basics import Head, Predictor
    >>> from genai_basics.preprocessing import Numbers
    >>> head, inputs = Head(num_classes=3), keras.Input((8,))
    >>> network = keras.Model(inputs, head(keras.layers.Dense(16, "relu")(inputs)))
    >>> model = Predictor(network, Numbers((8,)), head)
    >>> model.predict(np.zeros((2, 8)), verbose=0).shape
    (2, 3)
    """

    # For commands, run folders and the audit; see evaluation.py.
    report, answer, pictures = evaluation.report, evaluation.answer, evaluation.pictures
    errors_of, features_of = evaluation.errors_of, evaluation.features_of
    losses_by_example, examples = losses_by_example, evaluation.examples
    baseline, exported = evaluation.baseline, evaluation.exported

    can_sample = False
    reads_y = needs_y = True
    carries_loss = False
    restores = False

    def __init__(self, network, preprocessor, head, **kwargs):
        super().__init__(**{**kwargs, "class_names": head.class_names})
        self.network, self.preprocessor, self.head = network, preprocessor, head
        self.monitor = "-val_accuracy" if head.num_classes else "val_loss"
        # Values are learned in units of their standard deviation and predicted in original units.
        for name, initial in (("target_mean", "zeros"), ("target_scale", "ones")):
            weight = self.add_weight(
                name=name, shape=(head.units,), initializer=initial, trainable=False
            )
            setattr(self, name, weight)
        self.built = True

    @property
    def num_classes(self):
        """Number of classes; `None` for values."""
        return self.head.num_classes

    @property
    def default_loss(self):
        """The default loss of `compile()`."""
        return self.head.default_loss()

    @property
    def default_metrics(self):
        """The default metrics of `compile()`."""
        return self.head.default_metrics()

    # Data.

    def adapt(self, x, y=None):
        super().adapt(x, y)
        if not self.num_classes and y is not None:
            y = self.head.targets(y)
            scale = y.std(axis=0)
            self.target_mean.assign(y.mean(axis=0))
            self.target_scale.assign(np.where(scale > 0, scale, 1.0))

    def prepare_targets(self, y):
        if y is None:
            return None
        y = self.head.targets(y)
        return np.eye(self.num_classes, dtype="float32")[y] if self.one_hot else y

    @property
    def one_hot(self):
        """Whether the compiled loss or a metric expects labels as one-hot rows."""
        if not self.num_classes or self.head.multi_label or not self.compiled:
            return False
        names = ("loss", "metrics", "weighted_metrics")
        return takes_one_hot([self.compile_arguments.get(name) for name in names])

    def invert(self, outputs):
        return outputs  # they are not in the space of x

    def adapt_once(self, data):
        """Adapt to data if not yet done, and create the metrics' variables; see `Model`."""
        some = super().adapt_once(data)
        if some.y is not None and not getattr(self._compile_metrics, "built", True):
            y = self.prepare_targets(some[:1].y)
            self.compute_metrics(None, y, np.zeros((1, self.head.units), "float32"))
            self.reset_metrics()
        return some

    # Training: Keras' own step on the network.

    def call(self, x, training=False):
        """Return probabilities (batch, classes), or values (batch, outputs)."""
        outputs = single(self.network(x, training=training))
        return outputs if self.num_classes else outputs * self.target_scale + self.target_mean

    def standardized(self, y):
        """Return values in units of the training targets' standard deviation; labels unchanged."""
        if self.num_classes:
            return y
        return (ops.cast(y, "float32") - self.target_mean) / self.target_scale

    def loss_terms(self, x, y=None, training=False):
        """Return `{"loss": (batch,)}`: the compiled loss of each example."""
        if y is None or not self.compiled:
            raise ValueError(f"a {self.name} has no loss of single examples")
        outputs = self.standardized(self(x, training=training))
        loss = keras.losses.get(self.loss)
        loss = loss.call if isinstance(loss, keras.losses.Loss) else loss
        losses = ops.reshape(loss(self.standardized(y), outputs), (ops.shape(outputs)[0], -1))
        return {"loss": ops.mean(losses, axis=-1)}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        y, y_pred = self.standardized(y), self.standardized(y_pred)
        return super().compute_loss(x, y, y_pred, sample_weight, training=training)

    def fit(self, x=None, y=None, *args, class_weight=None, validation_data=None, **kwargs):
        """Train on raw data: `keras.Model.fit`. See `Model.fit`."""
        if y is not None and self.num_classes and not self.head.multi_label:
            counts = np.bincount(self.head.targets(y), minlength=self.num_classes)
            self._warn_of_rare(counts, "training")
            held = validation_data[1:2] if isinstance(validation_data, tuple) else ()
            if held and held[0] is not None:
                held = np.bincount(self.head.targets(held[0]), minlength=self.num_classes)
                if held.sum() >= 10 * self.num_classes:
                    self._warn_of_rare(held, "validation", share=0.0)
            if self.head.balance and class_weight is None:
                weights = counts.sum() / np.maximum(counts, 1) / np.count_nonzero(counts)
                class_weight = dict(enumerate(weights.tolist()))
        return super().fit(
            x, y, *args, class_weight=class_weight, validation_data=validation_data, **kwargs
        )

    def _warn_of_rare(self, counts, part, share=RARE):
        share = min(share, 0.1 / self.num_classes)
        rare = [self.labels.name(i) for i in np.flatnonzero(counts <= share * counts.sum())]
        if rare:
            more = f" and {len(rare) - 5} more" if len(rare) > 5 else ""
            unbalanced = part == "training" and not self.head.balance
            advice = "; `balance=True` gives them more weight" if unbalanced else ""
            warn(
                f"{', '.join(rare[:5])}{more}: under {RARE:.0%} of the {part} examples, or "
                f"none{advice}"
            )

    # Methods on raw data.

    def classify(self, x):
        """Return `(labels, probabilities)` of raw x.

        `labels` is a list of names (integers without `class_names`); with `multi_label`, a list
        of lists of the labels with a probability above one half. `probabilities` is (n, classes).
        """
        if not self.num_classes:
            raise ValueError(
                "this model predicts values: use `predict`. Received: num_classes=None"
            )
        probabilities = self.predict(x, verbose=0)
        names = self.class_names or range(self.num_classes)
        if self.head.multi_label:
            labels = [[names[i] for i in np.flatnonzero(p > 0.5)] for p in probabilities]
        else:
            labels = [names[i] for i in probabilities.argmax(axis=1)]
        return labels, probabilities

    def features(self, x):
        """Return the inputs of the last layer for raw x, (n, features), as similarity features."""
        return self.map_batches(self._features_prepared, *self.prepare(x))

    def _features_prepared(self, x):
        return self._feature_network(self.preprocessor(x), training=False)

    @functools.cached_property
    def _feature_network(self):
        """Return the network without its last layer."""
        return keras.Model(self.network.inputs, self.network.get_layer("features").output)
