"""What a model computes, as graphs of arrays: raw data in, raw data out."""

import contextlib
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np

from ..chunks import forget
from ..preprocessing import SPECIAL, Numbers
from ..preprocessing.tokens import PIECES, WORDS

__all__ = [
    "Export",
    "Graph",
    "codes_of",
    "example_of",
    "export",
    "exported",
    "in_common_operations",
    "inputs_of",
    "label_of",
    "largest",
    "model_of",
    "no_such_units",
    "quantize",
    "vocabulary_of",
]


class Graph(NamedTuple):
    """A computation that is exported as one file.

    Attributes:
        compute: `compute(*inputs)` maps tensors to a dict of tensors. It uses `keras.ops` only.
        inputs: `{name: (shape of one example, dtype)}`, in the order of the arguments; `None` in
            a shape is an axis of any length.
    """

    compute: Callable
    inputs: dict


class Export(NamedTuple):
    """What a model exports.

    Attributes:
        graphs: `{name: Graph}`.
        programs: Functions of `programs` that run the graphs, the one to call first; their
            source is written to `example.py`.
        example: Arguments of that call, as source.
        facts: What the programs need to know, written to `preprocessing.json`.
        arrays: `{name: array}`, each written to a file NAME.npy.
    """

    graphs: dict
    programs: tuple
    example: str
    facts: dict
    arrays: dict


def exported(model):
    """Return the `Export` of a model; families that export something bind their own."""
    raise ValueError(f"a {model.name} cannot be exported as a graph")


def vocabulary_of(tokenizer):
    """Return what `programs.units_of` needs to know of a `Tokenizer`, as JSON types."""
    patterns = {"word": WORDS.pattern, "subword": PIECES.pattern}
    return {
        "unit": tokenizer.unit,
        "pattern": patterns.get(tokenizer.unit, "."),
        "merges": tokenizer.unit == "subword",
        "units": None if tokenizer.unit == "byte" else list(tokenizer.vocabulary or ()),
    }


def no_such_units(tokenizer, *others):
    """Return numbers (vocabulary,) to add to logits, so that tokens without a unit are not drawn.

    `others` are further tokens that are not drawn.
    """
    less = np.zeros(tokenizer.size, "float32")
    less[list(others)] = -1e9
    if tokenizer.unit != "byte":
        less[len(tokenizer.vocabulary or ()) + SPECIAL :] = -1e9
    return less


def label_of(model):
    """Return the input for the labels of a conditional model, an integer each, or no input."""
    return {"label": ((), "int32")} if model.num_classes else {}


def codes_of(model, n=1000):
    """Return n codes that a model draws for its samples, always the same."""
    model.sampling_noise.state.assign([0, 0])
    return keras.ops.convert_to_numpy(model.draw_codes(n))


def example_of(prepares, n=2):
    """Return the source of n examples of random numbers for a `Numbers`."""
    low, high = prepares.value_range or (-1, 1)
    shape = (n, *(side or 20 for side in prepares.shape))
    return f"np.random.default_rng(0).uniform({low}, {high}, {shape})"


def largest(x):
    """Return the place of the largest number on the last axis, in operations of all formats."""
    return keras.ops.top_k(x, 1)[1][..., 0]


@contextlib.contextmanager
def in_common_operations(model):
    """Let a model compute in this context with operations that most formats have.

    Fourier transforms are matrix products, loops write into one array, sums are in single
    precision.
    """
    ways = {"by_matrix": True, "in_one_array": True, "sums": "float32"}
    layers = list(model._flatten_layers())
    changed = [(layer, name) for layer in layers for name in ways if hasattr(layer, name)]
    for layer, name in changed:
        setattr(layer, name, ways[name])
    try:
        yield
    finally:
        for layer, name in changed:
            delattr(layer, name)


class Served(keras.layers.Layer):
    """Computes a graph, and holds the model whose weights it uses."""

    def __init__(self, model, compute):
        super().__init__(dtype="float32")
        self.model, self.compute = model, compute

    def call(self, inputs):
        return self.compute(*inputs.values())


def inputs_of(graph, batch=None):
    """Return the symbolic inputs of a graph by name."""
    return {
        name: keras.Input(batch_shape=(batch, *shape), dtype=dtype, name=name)
        for name, (shape, dtype) in graph.inputs.items()
    }


def model_of(model, graph, batch=None):
    """Return a graph as a Keras model from a dict of inputs to a dict of outputs."""
    inputs = inputs_of(graph, batch)
    return keras.Model(inputs, Served(model, graph.compute)(inputs))


def export(model, filepath, format="tf_saved_model", **kwargs):
    """Export `predict` as SavedModel, ONNX or LiteRT with `keras.Model.export`.

    The graph maps raw x, float32, to raw outputs, so programs that use it need no
    preprocessing. `genai_basics.export` exports all models, with a program that uses them.

    Raises:
        ValueError: If x is prepared outside the graph, as for texts, tables and windows, or if
            the model needs other inputs than x.
    """
    if type(model.preprocessor) is not Numbers or model.restores is None:
        raise ValueError(
            f"what a {model.name} predicts is not computed by one graph of x: use "
            "`genai_basics.export`, or export the network inside it, for example "
            "`model.network.export(path)`. "
            f"Received: x prepared by {type(model.preprocessor).__name__}"
        )

    def predicted(x):
        outputs = model(model.preprocessor(x), training=False)
        return model.preprocessor.restored(outputs) if model.restores else outputs

    x = keras.Input(model.preprocessor.shape, name="x")
    served = Served(model, predicted)({"x": x})
    keras.Model(x, served).export(filepath, format=format, **kwargs)


def quantize(model, mode=None, config=None, filters=None, **kwargs):
    """Quantize the weights of the inner networks: `keras.Model.quantize`.

    What prepares x, and what only evaluates, keeps its precision; so do layers inside of layers
    that are no networks, as they would not load again, unless `filters` chooses them.
    """
    model.settle()
    networks = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    if model.averaged:
        networks.append(model.average.network)
    for network in networks:
        own = set(map(id, _layers_of(network)))
        choose = (lambda layer, own=own: id(layer) in own) if filters is None else filters
        network.quantize(mode, config=config, filters=choose, **kwargs)
    if model.averaged:
        model.average.note(getattr(model, model.averaged))
    forget(model)


def _layers_of(network):
    """Yield the layers of a network, and of networks inside it."""
    for layer in network.layers:
        yield from _layers_of(layer) if isinstance(layer, keras.Model) else (layer,)
