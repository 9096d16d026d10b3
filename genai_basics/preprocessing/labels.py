"""Labels as integers, given as numbers or by name."""

from numbers import Integral

import numpy as np

__all__ = ["Labels"]


class Labels:
    """The labels 0, 1, ... of a model and their names.

    Args:
        class_names: Names of the labels; `None` if they have none.
        num_classes: Number of labels; `None` if unknown.

    Example:

    >>> Labels(("cat", "dog"), 2).encode(["dog", "cat"]).tolist()
    [1, 0]
    """

    def __init__(self, class_names=None, num_classes=None):
        self.class_names, self.num_classes = class_names, num_classes

    def encode(self, y):
        """Return names as integers, and other labels as an array.

        A column (n, 1) becomes (n,), and true and false become 1 and 0, or the names "True" and
        "False" if there are such.
        """
        y = np.asarray(y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        if y.dtype.kind == "O" and all(isinstance(v, (bool, np.bool_, Integral)) for v in y.flat):
            y = np.array(y.tolist())
        if y.dtype.kind == "b":
            y = y.astype(str if {"True", "False"} <= set(self.class_names or ()) else int)
        if y.dtype.kind not in "USO":
            return y
        if self.class_names is None:
            raise ValueError(
                "labels by name need `class_names=` in the builder. "
                f"Received: labels such as {y.flat[0]!r}"
            )
        numbers = {name: i for i, name in enumerate(self.class_names)}
        unknown = sorted({str(label) for label in y.flat} - set(numbers))
        if unknown:
            raise ValueError(
                f"labels must be among {', '.join(self.class_names)}. "
                f"Received: {', '.join(unknown[:5])}"
            )
        return np.array([numbers[str(label)] for label in y.flat], "int32").reshape(y.shape)

    def check(self, y):
        """Return labels as int32; raise a `ValueError` unless all are in 0 to num_classes - 1."""
        y = self.encode(y)
        if not np.issubdtype(y.dtype, np.integer):
            raise ValueError(f"labels must be integers or names. Received: dtype {y.dtype}")
        wrong = sorted(set(y[(y < 0) | (y >= self.num_classes)].tolist()))
        if wrong:
            raise ValueError(
                f"labels must lie between 0 and {self.num_classes - 1}. Received: {wrong[:5]}"
            )
        return y.astype("int32")

    def name(self, label):
        """Return the name of an integer label."""
        return self.class_names[label] if self.class_names else str(int(label))

    def spread(self, n, labels=None):
        """Return n labels to sample: those given, or all classes, repeated up to n.

        The result is `None` for a model without labels.
        """
        if not self.num_classes:
            if labels is not None:
                raise ValueError(
                    "this model was built without `num_classes`, so it takes no labels. "
                    f"Received: labels={labels!r}"
                )
            return None
        labels = np.arange(self.num_classes) if labels is None else np.atleast_1d(labels)
        return np.resize(self.check(labels), n)
