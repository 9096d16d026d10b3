"""`Predictor`: what all networks that predict classes or values share."""

import functools
import warnings

import keras
import numpy as np
from keras import ops

from . import backend, metrics, plotting
from .evaluation import Errors
from .model import Model
from .preprocessing import Numbers

__all__ = ["Predictor", "head_of"]

RARE = 0.01  # share of the examples under which a class is rare


def head_of(task, num_classes, class_names, multi_label, num_outputs=1):
    """Check the arguments that say what is predicted; return `(units, activation)` of the head.

    Raises:
        ValueError: If they do not agree.
    """
    if task not in (None, "classification", "regression"):
        raise ValueError(
            f'`task` must be "classification" or "regression". Received: task={task!r}'
        )
    if num_classes is None and class_names:
        num_classes = len(class_names)
    if num_classes is None or task == "regression":
        if task == "classification":
            raise ValueError("classification needs `num_classes`. Received: num_classes=None")
        if num_outputs < 1:
            raise ValueError(
                f"`num_outputs` must be at least 1. Received: num_outputs={num_outputs}"
            )
        return num_outputs, "linear"
    if num_classes < 2 and not multi_label:
        raise ValueError(f"`num_classes` must be at least 2. Received: num_classes={num_classes}")
    if class_names is not None and len(class_names) != num_classes:
        raise ValueError(
            f"`class_names` must name each of {num_classes} classes. "
            f"Received: {len(class_names)} names"
        )
    return num_classes, "sigmoid" if multi_label else "softmax"


@keras.saving.register_keras_serializable(package="genai_basics")
class Crossentropy(keras.losses.Loss):
    """-log p(y), y an integer; with label smoothing e, y counts 1 - e and all classes e / k more.

    (Szegedy et al., 2015, https://arxiv.org/abs/1512.00567, section 7.)
    """

    def __init__(self, label_smoothing=0.0, name="crossentropy", **kwargs):
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        y_true = ops.reshape(ops.cast(y_true, "int32"), (-1,))
        loss = keras.losses.sparse_categorical_crossentropy(y_true, y_pred)
        if not self.label_smoothing:
            return loss
        over_all = -ops.mean(ops.log(ops.maximum(y_pred, 1e-7)), axis=-1)
        return (1.0 - self.label_smoothing) * loss + self.label_smoothing * over_all

    def get_config(self):
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable(package="genai_basics")
class Predictor(Model):
    """A `network` from x to probabilities of classes, or to values, trained by Keras' own step.

    Args:
        network: A Functional model whose last layer is a softmax (one class of many), a sigmoid
            (several labels at once) or linear (values).
        reader: How raw x becomes the network's numbers: a layer of `genai_basics.preprocessing`.
        num_classes: Number of classes; `None` predicts values (regression).
        multi_label: Whether an example may have several labels at once, or none: y is then an
            array (n, classes) of 0 and 1.
        balance: Whether rare classes weigh as much as frequent ones in training.
        label_smoothing: How much of the certainty, from 0 to 1, is spread over all classes.
    """

    def __init__(
        self,
        network,
        reader,
        *,
        num_classes=None,
        multi_label=False,
        balance=False,
        label_smoothing=0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.network, self.reader = network, reader
        if num_classes is None and self.class_names:
            num_classes = len(self.class_names)
        self.num_classes, self.multi_label = num_classes, multi_label
        self.balance, self.label_smoothing = balance, label_smoothing
        self.monitor = "-val_accuracy" if num_classes else "val_loss"
        # Values are learned in their own standard deviations, and predicted in their own units.
        shape = (network.outputs[0].shape[-1],)
        self.target_mean = self.add_weight(
            name="target_mean", shape=shape, initializer="zeros", trainable=False
        )
        self.target_scale = self.add_weight(
            name="target_scale", shape=shape, initializer="ones", trainable=False
        )
        self.built = True

    def default_loss(self):
        if self.num_classes is None:
            return keras.losses.MeanSquaredError()
        if self.multi_label:
            return keras.losses.BinaryCrossentropy(label_smoothing=self.label_smoothing)
        return Crossentropy(self.label_smoothing)

    def default_metrics(self):
        if self.num_classes is None:
            return [keras.metrics.MeanAbsoluteError(name="mae")]
        if self.multi_label:
            return [keras.metrics.BinaryAccuracy(name="accuracy")]
        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]

    # Data.

    def input_shape_of_one(self):
        return self.reader.shape

    def adapt(self, x, y=None):
        self.reader.adapt(x)
        if self.num_classes is None and y is not None:
            y = self.check_targets(y)
            scale = y.std(axis=0)
            self.target_mean.assign(y.mean(axis=0))
            self.target_scale.assign(np.where(scale > 0, scale, 1.0))

    def prepare(self, x, y=None, sample_weight=None):
        x = self.reader.prepare(x)
        if isinstance(self.reader, Numbers) and None not in self.reader.shape:
            self.check_input(x)
        parts = (x,)
        if y is not None:
            parts += (self.check_targets(y),)
        if sample_weight is not None:
            parts += (np.asarray(sample_weight, "float32"),)
        lengths = [len(array) for array in keras.tree.flatten(parts)]
        if len(set(lengths)) > 1:
            raise ValueError(f"x and y must have the same length. Received: lengths {lengths}")
        if not lengths[0]:
            raise ValueError("x must hold at least one example. Received: an empty array")
        return parts

    def check_targets(self, y):
        """Return y as the loss takes it: integers, rows of 0 and 1, or rows of values."""
        if self.num_classes is None:
            y = np.asarray(y, "float32").reshape(len(y), -1)
            outputs = self.target_mean.shape[0]
            if y.shape[1] != outputs or not np.isfinite(y).all():
                raise ValueError(
                    f"y must hold {outputs} finite values for each example (`num_outputs` in "
                    f"the builder). Received: shape {y.shape}, "
                    f"{int((~np.isfinite(y)).sum())} not finite"
                )
            return y
        y = np.asarray(y)
        if self.multi_label:
            if y.ndim != 2 or y.shape[1] != self.num_classes or not np.isin(y, (0, 1)).all():
                raise ValueError(
                    f"y must be an array (n, {self.num_classes}) of 0 and 1. "
                    f"Received: shape {y.shape}"
                )
            return y.astype("float32")
        if y.ndim == 2 and y.shape[1] == self.num_classes > 1:
            y = y.argmax(axis=1)  # one-hot
        if y.dtype.kind == "f" and (y == np.round(y)).all():
            y = y.astype("int64")
        return self.check_labels(self.encode_labels(y))

    def preprocess(self, x):
        return self.reader(x)

    def postprocess(self, outputs):
        return outputs

    # Training: Keras' own step on the network.

    def call(self, x, training=False):
        """Return probabilities (batch, classes), or values (batch, outputs)."""
        outputs = self.network(x, training=training)
        if self.num_classes is None:
            outputs = outputs * self.target_scale + self.target_mean
        return outputs

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        if self.num_classes is None:
            y = (ops.cast(y, "float32") - self.target_mean) / self.target_scale
            y_pred = (y_pred - self.target_mean) / self.target_scale
        return super().compute_loss(x, y, y_pred, sample_weight, training=training)

    def fit(self, x=None, y=None, *args, class_weight=None, validation_data=None, **kwargs):
        """Train on raw data: `keras.Model.fit`. See `Model.fit`."""
        if y is None and not backend.is_pipeline(x):
            raise ValueError("labels or values to learn are needed: pass y. Received: y=None")
        if y is not None and self.num_classes and not self.multi_label:
            counts = np.bincount(self.check_targets(y), minlength=self.num_classes)
            self._warn_of_rare(counts, "training")
            if isinstance(validation_data, tuple) and validation_data[1] is not None:
                held = np.bincount(
                    self.check_targets(validation_data[1]), minlength=self.num_classes
                )
                if len(validation_data[1]) >= 10 * self.num_classes:
                    self._warn_of_rare(held, "validation", share=0.0)
            if self.balance and class_weight is None:
                weights = counts.sum() / np.maximum(counts, 1) / np.count_nonzero(counts)
                class_weight = dict(enumerate(weights.tolist()))
        return super().fit(
            x, y, *args, class_weight=class_weight, validation_data=validation_data, **kwargs
        )

    def _warn_of_rare(self, counts, part, share=RARE):
        share = min(share, 0.1 / self.num_classes)
        rare = [self.name_of(i) for i in np.flatnonzero(counts <= share * counts.sum())]
        if rare:
            more = f" and {len(rare) - 5} more" if len(rare) > 5 else ""
            advice = "" if self.balance or part != "training" else "; `balance=True` weighs them up"
            warnings.warn(
                f"{', '.join(rare[:5])}{more}: under {RARE:.0%} of the {part} examples, or "
                f"none{advice}",
                stacklevel=3,
            )

    # Verbs.

    def name_of(self, label):
        """Return the name of an integer label."""
        return self.class_names[label] if self.class_names else str(int(label))

    def classify(self, x):
        """Return `(labels, probabilities)` of raw x.

        `labels` is a list of names (of integers without `class_names`), or of lists of those of
        all labels over one half where there may be several; `probabilities` is (n, classes).
        """
        if not self.num_classes:
            raise ValueError(
                "this model predicts values: use `predict`. Received: num_classes=None"
            )
        probabilities = self.predict(x, verbose=0)
        names = self.class_names or range(self.num_classes)
        if self.multi_label:
            return [
                [names[i] for i in np.flatnonzero(p > 0.5)] for p in probabilities
            ], probabilities
        return [names[i] for i in probabilities.argmax(axis=1)], probabilities

    def example_losses(self, x, y=None, sample_weight=None, training=False):
        if self.num_classes is None:
            y = (ops.cast(y, "float32") - self.target_mean) / self.target_scale
            outputs = self.network(x, training=training)
            return ops.mean(ops.square(outputs - y), axis=-1)
        return super().example_losses(x, y, sample_weight, training)

    def errors_of(self, x, y=None):
        outputs, y = self.predict(x, verbose=0), self.check_targets(y)
        if self.num_classes is None:
            return Errors("absolute error", np.abs(outputs - y).mean(axis=1))
        if self.multi_label:
            return Errors("labels wrong", ((outputs > 0.5) != y).mean(axis=1))
        return Errors("error", (outputs.argmax(axis=1) != y).astype("float64"))

    def features_of(self, x, y=None):
        return self.features(x)

    def features(self, x):
        """Return what the last layer sees of raw x, (n, features), to measure likeness by."""
        return self.map_batches(self._features_prepared, *self.prepare(x))

    def _features_prepared(self, x):
        return self._feature_network(self.preprocess(x), training=False)

    @functools.cached_property
    def _feature_network(self):
        """Return the network without its last layer."""
        return keras.Model(self.network.inputs, self.network.get_layer("features").output)

    def report(self, x, y=None):
        if y is None:
            raise ValueError("labels are needed to measure a prediction. Received: data without")
        predictions, y = self.predict(x, verbose=0), self.check_targets(y)
        if self.num_classes is None:
            return metrics.regression_report(y, predictions)
        if self.multi_label:
            return metrics.multi_label_report(y, predictions)
        return metrics.classification_report(y, predictions, self.class_names)

    def answer(self, x, top=1):
        """Return a row for each x with its label and probability, and those of the `top` next."""
        predictions = self.predict(x, verbose=0)
        if self.num_classes is None:
            columns = ["value"] if predictions.shape[1] == 1 else None
            columns = columns or [f"value_{i}" for i in range(predictions.shape[1])]
            return [dict(zip(columns, row, strict=True)) for row in predictions.tolist()], None
        if self.multi_label:
            return [self._labels_over_half(row) for row in predictions], None
        order = np.argsort(-predictions, axis=1)[:, :top]
        rows = []
        for row, best in zip(predictions.tolist(), order.tolist(), strict=True):
            rows.append({"label": self.name_of(best[0]), "probability": round(row[best[0]], 4)})
            for place, i in enumerate(best[1:], 2):
                rows[-1] |= {
                    f"label_{place}": self.name_of(i),
                    f"probability_{place}": round(row[i], 4),
                }
        return rows, None

    def _labels_over_half(self, row):
        over = np.flatnonzero(row > 0.5)
        labels = {self.name_of(i): round(float(row[i]), 4) for i in over}
        return {"labels": ", ".join(labels) or "(none)", "probabilities": labels}

    def pictures(self, x, y=None):
        """Return the confusion matrix, drawn."""
        if y is None or not self.num_classes or self.multi_label or self.num_classes > 50:
            return {}
        predictions = self.predict(x, verbose=0).argmax(axis=1)
        matrix = metrics.confusion_matrix(self.check_targets(y), predictions, self.num_classes)
        names = [self.name_of(i) for i in range(self.num_classes)]
        return {"confusion": plotting.confusion_matrix(matrix, names)}
