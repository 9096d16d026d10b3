"""`Head`: what a network predicts, with its last layer, loss and metrics."""

import inspect

import keras
import numpy as np
from keras import layers, ops

from ..checks import between, channels_last, idle, names_or_none, one_of, whole
from ..preprocessing import Labels

__all__ = ["Crossentropy", "Head", "takes_one_hot"]

VALUES = "where values are predicted"


@keras.saving.register_keras_serializable(package="genai_basics")
class Head:
    """What a network predicts: one of several classes, several labels at once, or values.

    | given | last layer | default loss | y |
    | --- | --- | --- | --- |
    | `num_classes` or `class_names` | softmax | cross-entropy | labels (n,), or one-hot |
    | these and `multi_label` | sigmoid | binary cross-entropy | 0 and 1, (n, classes) |
    | neither, or `task="regression"` | linear | squared error | values (n, `num_outputs`) |

    Args:
        num_classes: Number of classes.
        task: "classification" or "regression". `None` infers it from `num_classes` and
            `class_names`; "regression" ignores both.
        class_names: Names of the classes 0, 1, ...
        multi_label: Whether an example may have several labels, or none.
        num_outputs: Number of values per example, for regression.
        balance: Whether rare classes weigh as much as frequent ones in training.
        label_smoothing: Label smoothing, from 0 to 1.

    Raises:
        ValueError: If the arguments are out of range or contradict each other.

    Example:

    >>> Head(class_names=("cat", "dog")).num_classes
    2
    """

    def __init__(
        self,
        num_classes=None,
        *,
        task=None,
        class_names=None,
        multi_label=False,
        num_outputs=1,
        balance=False,
        label_smoothing=0.0,
    ):
        channels_last()
        one_of("task", task, (None, "classification", "regression"))
        class_names = names_or_none("class_names", class_names)
        if num_classes is None and class_names:
            num_classes = len(class_names)
        if num_classes is None and task == "classification":
            raise ValueError("classification needs `num_classes`. Received: num_classes=None")
        if num_classes is None or task == "regression":
            num_classes, class_names, multi_label = None, None, False
            whole("num_outputs", num_outputs, 1)
            idle(Head, locals(), "balance", "label_smoothing", because=VALUES)
        else:
            idle(Head, locals(), "num_outputs", because="where classes are predicted")
            if multi_label:
                idle(Head, locals(), "balance", because="with `multi_label`")
            whole("num_classes", num_classes, 1 if multi_label else 2)
        if class_names is not None and len(class_names) != num_classes:
            raise ValueError(
                f"`class_names` must name each of {num_classes} classes. "
                f"Received: {len(class_names)} names"
            )
        self.num_classes, self.multi_label = num_classes, multi_label
        self.class_names = class_names
        self.num_outputs, self.balance = num_outputs, balance
        self.label_smoothing = between("label_smoothing", label_smoothing, 0, 1)

    @classmethod
    def of(cls, builder, given):
        """Return the head of a builder that has all arguments of `Head`, from its `locals()`."""
        arguments = {name: given[name] for name in inspect.signature(cls).parameters}
        values = arguments["num_classes"] is None and not arguments["class_names"]
        if values or arguments["task"] == "regression":
            idle(builder, given, "label_smoothing", because=VALUES)
            arguments["label_smoothing"] = 0.0
        return cls(**arguments)

    @property
    def units(self):
        """Number of outputs of the network per example."""
        return self.num_classes or self.num_outputs

    def __call__(self, features, seed=None):
        """Return the outputs of a network from its last features: a dense layer named "head"."""
        activation = "sigmoid" if self.multi_label else "softmax" if self.num_classes else "linear"
        init = keras.initializers.GlorotUniform(seed)
        features = layers.Identity(name="features")(features)
        return layers.Dense(self.units, activation, kernel_initializer=init, name="head")(features)

    def default_loss(self):
        """Return the default loss of `compile()`."""
        if not self.num_classes:
            return keras.losses.MeanSquaredError()
        if self.multi_label:
            return keras.losses.BinaryCrossentropy(label_smoothing=self.label_smoothing)
        return Crossentropy(self.label_smoothing)

    def default_metrics(self):
        """Return the default metrics of `compile()`."""
        if not self.num_classes:
            return [keras.metrics.MeanAbsoluteError(name="mae")]
        if self.multi_label:
            return [keras.metrics.BinaryAccuracy(name="accuracy")]
        return ["accuracy"]

    def targets(self, y):
        """Return y in the form that the loss expects: integers, rows of 0 and 1, or rows of values.

        Raises:
            ValueError: If y does not match the prediction.
        """
        y = np.asarray(y)
        if not self.num_classes:
            y = y.astype("float32").reshape(len(y), -1)
            if y.shape[1] != self.units or not np.isfinite(y).all():
                raise ValueError(
                    f"y must hold {self.units} finite values for each example (`num_outputs` in "
                    f"the builder). Received: shape {y.shape}, "
                    f"{int((~np.isfinite(y)).sum())} not finite"
                )
            return y
        if self.multi_label:
            if y.ndim != 2 or y.shape[1] != self.num_classes or not np.isin(y, (0, 1)).all():
                raise ValueError(
                    f"y must be an array (n, {self.num_classes}) of 0 and 1. "
                    f"Received: shape {y.shape}"
                )
            return y.astype("float32")
        if y.ndim == 2 and y.shape[1] == self.num_classes > 1:
            wrong = y[~np.isin(y, (0, 1)).all(axis=1) | (y.sum(axis=1) != 1)]
            if len(wrong):
                raise ValueError(
                    "rows of y must be one-hot, a single 1 among 0 (`multi_label=True` in the "
                    f"builder learns several labels). Received: the row {wrong[0].tolist()}"
                )
            y = y.argmax(axis=1)
        if y.dtype.kind == "f" and (y == np.round(y)).all():
            y = y.astype("int64")
        return Labels(self.class_names, self.num_classes).check(y)

    def get_config(self):
        names = ("num_classes", "multi_label", "num_outputs", "balance", "label_smoothing")
        class_names = None if self.class_names is None else list(self.class_names)
        return {**{name: getattr(self, name) for name in names}, "class_names": class_names}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable(package="genai_basics")
class Crossentropy(keras.losses.Loss):
    """-log p(y) for integers y; with label smoothing e, 1 - e times that plus e times the mean.

    The mean is over the classes (Szegedy et al., 2015, https://arxiv.org/abs/1512.00567, sec. 7).
    """

    def __init__(self, label_smoothing=0.0, name="crossentropy", **kwargs):
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        y_true = ops.convert_to_tensor(y_true)
        if len(y_true.shape) == 2 and y_true.shape[1] == y_pred.shape[1] > 1:
            y_true = ops.argmax(y_true, axis=-1)  # one-hot rows, as a metric requires
        y_true = ops.reshape(ops.cast(y_true, "int32"), (-1,))
        loss = keras.losses.sparse_categorical_crossentropy(y_true, y_pred)
        if not self.label_smoothing:
            return loss
        over_all = -ops.mean(ops.log(ops.maximum(y_pred, 1e-7)), axis=-1)
        return (1.0 - self.label_smoothing) * loss + self.label_smoothing * over_all

    def get_config(self):
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


def takes_one_hot(parts):
    """Return whether any of the given losses and metrics expects labels as one-hot rows.

    Raises:
        ValueError: If another one expects integers.
    """
    found = {True: [], False: []}
    for part in keras.tree.flatten(parts):
        if part is None or part in ("accuracy", "acc", "crossentropy", "ce"):
            continue  # Keras infers it from the labels
        name = part if isinstance(part, str) else type(part).__name__
        known = isinstance(part, (str, keras.losses.Loss, keras.metrics.Metric))
        if known and not isinstance(part, Crossentropy):
            found[not name.lower().startswith("sparse")].append(name)
    if found[True] and found[False]:
        raise ValueError(
            "losses and metrics must take labels in one form, integers or one-hot rows. "
            f"Received: {found[False][0]} (integers) and {found[True][0]} (one-hot rows)"
        )
    return bool(found[True])
