"""Compiled graphs, loops and values."""

import keras
import numpy as np
import tensorflow as tf

__all__ = [
    "compiled",
    "deterministic",
    "fingerprint",
    "litert_operations",
    "on_gpu",
    "scan",
    "value_of",
]


def compiled(fn, *, jit_compile=False):
    """Return `fn` as a compiled graph. It maps arrays to tensors and is retraced for new shapes."""
    return tf.function(fn, jit_compile=jit_compile, reduce_retracing=True, autograph=False)


def deterministic():
    """Make TensorFlow's operations reproducible bit for bit, for the whole process."""
    tf.config.experimental.enable_op_determinism()


def fingerprint(variables):
    """Return an integer (int64) that depends on every bit of a list of `keras.Variable`.

    It is a sum of the bits as integers, so it is the same on every device and in every order.
    """
    total = tf.zeros((), tf.int64)
    for i, variable in enumerate(variables):
        value = tf.convert_to_tensor(variable.value)
        if value.dtype.is_floating:
            value = tf.bitcast(value, tf.as_dtype(f"int{8 * value.dtype.size}"))
        total += (2 * i + 1) * tf.reduce_sum(tf.cast(value, tf.int64))
    return total % 2**52  # also exact in float64


def on_gpu():
    """Return whether a GPU is available."""
    return bool(tf.config.list_logical_devices("GPU"))


def scan(fn, carry, xs, like, *, reverse=False):
    """Run `fn(carry, x) -> (carry, y)` over the first axis of `xs`; return `(carry, ys)`.

    Unlike in `keras.ops.scan` on this backend, ys may have another structure than the carry.

    Args:
        fn: Callable on pytrees of tensors.
        carry: Pytree of tensors, whose shapes do not change.
        xs: Pytree of tensors (steps, ...).
        like: Pytree of `keras.KerasTensor`: shape and dtype of y.
        reverse: Whether to go from the last step to the first; ys keep the order of xs.
    """
    carry = keras.tree.map_structure(tf.convert_to_tensor, carry)
    flat = [tf.convert_to_tensor(x) for x in keras.tree.flatten(xs)]
    n = tf.shape(flat[0])[0]
    inputs = [tf.TensorArray(x.dtype, n, element_shape=x.shape[1:]).unstack(x) for x in flat]
    outputs = [tf.TensorArray(y.dtype, n, element_shape=y.shape) for y in keras.tree.flatten(like)]

    def body(i, carry, outputs):
        row = n - 1 - i if reverse else i
        x = keras.tree.pack_sequence_as(xs, [array.read(row) for array in inputs])
        carry, y = fn(carry, x)
        flat = keras.tree.flatten(y)
        return i + 1, carry, [a.write(row, t) for a, t in zip(outputs, flat, strict=True)]

    _, carry, outputs = tf.while_loop(lambda i, *_: i < n, body, (0, carry, outputs))
    return carry, keras.tree.pack_sequence_as(like, [array.stack() for array in outputs])


def litert_operations():
    """Return the sets of operations that every LiteRT runtime has, for `keras.Model.export`."""
    return [tf.lite.OpsSet.TFLITE_BUILTINS]


def value_of(variable):
    """Return a variable or an array as NumPy; a mirrored variable gives its first copy."""
    value = getattr(variable, "value", variable)
    if isinstance(value, tf.distribute.DistributedValues):
        value = value.values[0]
    return np.asarray(keras.ops.convert_to_numpy(value))
