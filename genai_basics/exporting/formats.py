"""The formats of exported graphs: how a file is written, and how a program runs it."""

import contextlib
import io
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ..backend import litert_operations
from ..extras import require
from .core_layers import core_model
from .served import model_of

__all__ = ["FORMATS", "Format"]


class Format(NamedTuple):
    """A format of graphs.

    Attributes:
        title: What people call it.
        suffix: End of the files' names; empty for folders.
        write: `write(model, graph, path)`.
        requires: Modules of the extra `export` that are needed.
        runs_with: Packages that run such files.
        loader: Source of the functions `load(name)` and `run(name, **inputs)` of `example.py`.
    """

    title: str
    suffix: str
    write: Callable
    requires: tuple
    runs_with: str
    loader: str

    def check(self):
        """Raise an `ImportError` if a package that writes this format is missing."""
        for module in self.requires:
            require(module, "export")


def _export(graph, kind, path, **options):
    with _quiet():
        graph.export(path, kind, verbose=False, input_signature=[graph.input], **options)


def _write_onnx(model, graph, path):
    _export(model_of(model, graph), "onnx", path)


def _write_litert(model, graph, path):
    # One example at a time: batches of any size fail in some operations.
    operations = {"supported_ops": litert_operations()}
    _export(model_of(model, graph, batch=1), "litert", path, target_spec=operations)


def _write_saved_model(model, graph, path):
    _export(model_of(model, graph), "tf_saved_model", path)


def _write_keras(model, graph, path):
    core_model(graph, Path(path).stem).save(path)


@contextlib.contextmanager
def _quiet():
    """Hide the progress messages of converters, which come from C++ and from loggers."""
    level, stderr = logging.root.manager.disable, os.dup(2)
    logging.disable(logging.WARNING)
    try:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(io.StringIO()):
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        logging.disable(level)


ONNX = """
def load(name):
    return onnxruntime.InferenceSession(HERE / f"{name}.onnx", providers=["CPUExecutionProvider"])


def call(graph, inputs):
    names = [output.name for output in graph.get_outputs()]
    return dict(zip(names, graph.run(names, inputs)))
"""

LITERT = """
def load(name):
    return Interpreter(str(HERE / f"{name}.tflite")).get_signature_runner("serving_default")


def call(graph, inputs):
    count = len(next(iter(inputs.values())))  # the graph takes one example at a time
    rows = [graph(**{k: v[i : i + 1] for k, v in inputs.items()}) for i in range(count)]
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
"""

SAVED_MODEL = """
def load(name):
    return tf.saved_model.load(HERE / name)


def call(graph, inputs):
    inputs = {name: tf.constant(value) for name, value in inputs.items()}
    return {name: value.numpy() for name, value in graph.serve(inputs).items()}
"""

KERAS = """
def load(name):
    return keras.saving.load_model(HERE / f"{name}.keras")


def call(graph, inputs):
    outputs = graph(inputs, training=False)
    return {name: keras.ops.convert_to_numpy(value) for name, value in outputs.items()}
"""

FORMATS = {
    "onnx": Format(
        "ONNX",
        ".onnx",
        _write_onnx,
        ("onnx", "tf2onnx"),
        "onnxruntime",
        f"import onnxruntime\n{ONNX}",
    ),
    "litert": Format(
        "LiteRT",
        ".tflite",
        _write_litert,
        (),
        "ai-edge-litert",
        f"from ai_edge_litert.interpreter import Interpreter\n{LITERT}",
    ),
    "saved_model": Format(
        "SavedModel",
        "",
        _write_saved_model,
        (),
        "tensorflow",
        f"import tensorflow as tf\n{SAVED_MODEL}",
    ),
    "keras": Format(
        "Keras, core layers only",
        ".keras",
        _write_keras,
        (),
        "keras and tensorflow",
        f"import keras\n{KERAS}",
    ),
}
