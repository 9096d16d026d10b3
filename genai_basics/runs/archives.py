"""Checks the content of a `.keras` file against an allowlist before Keras reads it.

Keras' safe mode rejects what is known to be dangerous. Here, everything that our models do not use
is rejected: other classes, functions and classes as values, paths, files outside the archive, and
weights that declare more than the file stores.
"""

import contextlib
import io
import json
import math
import re
import threading
import zipfile
from collections import Counter

from .. import limits
from .run_files import NotARunError

__all__ = ["check_archive", "small_enough"]

MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
ASSET = re.compile(r"assets/(\w+/)*\w+\.txt")  # vocabularies for tables
TEXT = 64 << 20  # maximum bytes of a description, 16 times the largest vocabulary
UNBOUNDED = ("seed", "shared_object_id")  # arguments that are not sizes
RATIO = 100  # maximum compression ratio of a member
DEPTH, OBJECTS = 100, 100_000  # maximum nesting depth and number of objects
OUTPUTS = 1 << 28  # maximum elements of a layer's output per example

LAYERS = """Activation ActivityRegularization Add AlphaDropout Attention Average AveragePooling1D
AveragePooling2D AveragePooling3D BatchNormalization Bidirectional CategoryEncoding Concatenate
Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose Cropping1D Cropping2D
Cropping3D Dense DepthwiseConv1D DepthwiseConv2D Dot Dropout ELU EinsumDense Embedding Flatten GRU
GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D
GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization
Identity InputLayer LSTM LSTMCell LayerNormalization LeakyReLU Masking MaxPooling1D MaxPooling2D
MaxPooling3D Maximum Minimum MultiHeadAttention Multiply Normalization PReLU Permute
RMSNormalization RNN ReLU RepeatVector Rescaling Reshape ReversibleEmbedding SeparableConv1D
SeparableConv2D SimpleRNN SimpleRNNCell Softmax SpatialDropout1D SpatialDropout2D SpatialDropout3D
SpectralNormalization StackedRNNCells Subtract TimeDistributed UnitNormalization
UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D"""
OPTIMIZERS = """Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lamb Lion LossScaleOptimizer Muon
Nadam RMSprop SGD"""
SCHEDULES = """CosineDecay CosineDecayRestarts ExponentialDecay InverseTimeDecay
PiecewiseConstantDecay PolynomialDecay"""
LOSSES = """BinaryCrossentropy BinaryFocalCrossentropy CategoricalCrossentropy
CategoricalFocalCrossentropy CosineSimilarity Hinge Huber KLDivergence LogCosh MeanAbsoluteError
MeanSquaredError Poisson SparseCategoricalCrossentropy"""
METRICS = """AUC Accuracy BinaryAccuracy CategoricalAccuracy F1Score Mean MeanAbsoluteError
MeanSquaredError Precision Recall RootMeanSquaredError SparseCategoricalAccuracy
SparseTopKCategoricalAccuracy Sum TopKCategoricalAccuracy"""
INITIALIZERS = """Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal
LecunUniform Ones Orthogonal RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros"""
KERAS = {
    "keras": "DTypePolicy Functional Sequential",
    "keras.layers": LAYERS,
    "keras.optimizers": OPTIMIZERS,
    "keras.optimizers.schedules": SCHEDULES,
    "keras.losses": LOSSES,
    "keras.metrics": METRICS,
    "keras.initializers": INITIALIZERS,
    "keras.regularizers": "L1 L1L2 L2 OrthogonalRegularizer",
    "keras.constraints": "MaxNorm MinMaxNorm NonNeg UnitNorm",
    "keras.dtype_policies": "DTypePolicy",
    "keras.random": "SeedGenerator",
    "keras.src.models.functional": "Functional",
    "keras.src.models.sequential": "Sequential",
    "keras.src.ops.numpy": "Add Concatenate Divide Equal GetItem Multiply NotEqual Subtract",
}
KERAS = {module: frozenset(names.split()) for module, names in KERAS.items()}
VALUES = ("__keras_tensor__", "__numpy__", "__tensor__", "__slice__", "__ellipsis__", "__tuple__")


class _RefusedError(Exception):
    """The reason why a file is not loaded."""


@contextlib.contextmanager
def check_archive(path):
    """Check a `.keras` file, and bound the memory of a model that is built from it in this context.

    Raises:
        NotARunError: If the file is damaged or contains something that our models do not use.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive)
            _Description(json.loads(archive.read("config.json")))
            json.loads(archive.read("metadata.json"))
            count = _check_weights(io.BytesIO(archive.read("model.weights.h5")))
        with _budget(2 * count + (1 << 20)):  # optimizer averages are saved, metrics are not
            yield
    except _RefusedError as reason:
        raise NotARunError(f"'{path}' is refused: {reason}") from reason
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError, OSError, RecursionError) as error:
        if isinstance(error, NotARunError):
            raise
        reason = str(error)[:150]
        raise NotARunError(f"'{path}' is damaged ({reason}); train the run again") from error


def _check_members(archive):
    members = [info for info in archive.infolist() if not info.is_dir()]
    for name, times in Counter(info.filename for info in members).items():
        if times > 1 or not (name in MEMBERS or ASSET.fullmatch(name)):
            raise _RefusedError(f"it holds {name[:60]!r}")
    for info in members:
        most = limits.get("weights") if info.filename == MEMBERS[2] else TEXT
        if info.file_size > most:
            raise _RefusedError(
                f"{info.filename} has {info.file_size:,} bytes, over the limit of {most:,}"
            )
        if info.file_size > RATIO * max(info.compress_size, 1):
            raise _RefusedError(f"{info.filename} is compressed to less than a {RATIO}th")


class _Description:
    """Traverses `config.json` of an archive and rejects what is not allowed."""

    def __init__(self, config):
        from ..registration import register

        register()
        import keras

        self.ours = {
            name: cls
            for name, cls in keras.saving.get_custom_objects().items()
            if name.startswith("genai_basics>") and isinstance(cls, type)
        }
        self.count = 0
        if not isinstance(config, dict) or not self.is_ours(config):
            raise _RefusedError("its model is not one of genai_basics")
        self.visit(config, "", False, 0)

    def visit(self, value, key, foreign, depth):
        """Check a value; `foreign` is whether it is an argument of a Keras class."""
        self.count += 1
        if depth > DEPTH or self.count > 50 * OBJECTS:
            raise _RefusedError("its config.json is nested or long beyond all measure")
        if isinstance(value, dict):
            if "class_name" in value:
                foreign = self.check_class(value)
            for name, item in value.items():
                self.visit(item, name, foreign, depth + 1)
        elif isinstance(value, list):
            for item in value:
                self.visit(item, key, foreign, depth + 1)
        elif isinstance(value, str):
            if foreign and ("/" in value or "\\" in value or len(value) > 1000):
                raise _RefusedError(f"a path as an argument: {key}={value[:60]!r}")
        elif isinstance(value, float):
            if not math.isfinite(value):
                raise _RefusedError(f"a number that is not finite: {key}={value}")
        elif isinstance(value, int) and abs(value) > 10**9 and key not in UNBOUNDED:
            raise _RefusedError(f"a number out of all bounds: {key}={str(value)[:30]}")

    def check_class(self, value):
        """Reject a class that is not on the list; return whether it is a Keras class."""
        name, module = value["class_name"], value.get("module")
        if name in VALUES and module in (None, "builtins") and isinstance(value["config"], dict):
            return True
        if self.is_ours(value):
            return False
        known = isinstance(module, str) and isinstance(name, str) and name in KERAS.get(module, ())
        if not known or value.get("registered_name") not in (None, name):
            raise _RefusedError(
                f"{str(module)[:60]}.{str(name)[:60]} is not on the list of classes"
            )
        return True

    def is_ours(self, value):
        name, module = value.get("class_name"), value.get("module")
        cls = self.ours.get(f"genai_basics>{name}")
        registered = value.get("registered_name")
        return cls is not None and registered == f"genai_basics>{name}" and cls.__module__ == module


def _check_weights(file):
    """Reject links, external, virtual and oversized data sets; return the number of elements."""
    import h5py

    count = objects = 0
    with h5py.File(file, "r") as weights:
        groups = [(weights, 0)]
        while groups:
            group, depth = groups.pop()
            for name in group:
                objects += 1
                if objects > OBJECTS or depth > DEPTH:
                    raise _RefusedError("its weights are nested or many beyond all measure")
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise _RefusedError(f"a link among its weights: {name[:60]!r}")
                item = group[name]
                if isinstance(item, h5py.Group):
                    groups.append((item, depth + 1))
                    continue
                if not isinstance(item, h5py.Dataset) or item.is_virtual or item.external:
                    raise _RefusedError(f"weights outside of the file: {name[:60]!r}")
                size = math.prod(item.shape)
                stored = item.id.get_storage_size()
                if item.dtype.kind not in "fiubV" or size * item.dtype.itemsize > stored:
                    raise _RefusedError(
                        f"the weights {name[:60]!r} declare {size:,} numbers, and {stored:,} bytes "
                        "are stored"
                    )
                count += size
    return count


_ROOM = threading.local()


@contextlib.contextmanager
def _budget(numbers):
    """Reject variables with more elements in total before their memory is allocated."""
    import keras

    variable, plain = keras.Variable, keras.Variable.__init__

    def bounded(self, initializer, shape=None, *args, **kwargs):
        left = getattr(_ROOM, "numbers", None)
        if left is not None and shape is not None:
            _ROOM.numbers = left - math.prod(shape)
            if _ROOM.numbers < 0:
                raise _RefusedError(f"its layers want more weights than it holds: {tuple(shape)}")
        plain(self, initializer, shape, *args, **kwargs)

    own = variable.__dict__.get("__init__")
    _ROOM.numbers = numbers
    variable.__init__ = bounded
    try:
        yield
    finally:
        _ROOM.numbers = None
        if own is None:
            del variable.__init__
        else:
            variable.__init__ = own


def small_enough(model):
    """Reject a loaded model if the outputs of a layer would exceed the memory."""
    import keras

    for layer in model._flatten_layers():
        for node in layer._inbound_nodes:
            for output in keras.tree.flatten(node.outputs):
                if math.prod(side or 1 for side in output.shape) > OUTPUTS:
                    raise NotARunError(
                        f"the layer '{layer.name}' makes {tuple(output.shape)} of one example, "
                        "over the limit"
                    )
    return model
