"""The only package that imports TensorFlow.

Everything else uses `keras` and `keras.ops`, so supporting another Keras backend means rewriting
only this package.
"""

import keras

from ..startup import check_backend

if keras.backend.backend() != "tensorflow":
    check_backend()

from .graphs import (
    compiled,
    deterministic,
    fingerprint,
    litert_operations,
    on_gpu,
    scan,
    value_of,
)
from .pipelines import (
    arrays_of,
    as_array,
    batched,
    batches,
    epochs,
    is_dataset,
    is_endless,
    length_of,
    streamed,
)
from .steps import (
    gradient_step,
    gradients,
    private_gradient_step,
    stop_gradient_of,
    straight_through,
)
from .strategies import (
    OUT_OF_MEMORY,
    WorkerLost,
    agreed,
    distribution,
    join,
    of_first,
    train_as_one,
    workers,
)
from .summaries import EventFile

__all__ = [
    "OUT_OF_MEMORY",
    "EventFile",
    "WorkerLost",
    "agreed",
    "arrays_of",
    "as_array",
    "batched",
    "batches",
    "compiled",
    "deterministic",
    "distribution",
    "epochs",
    "fingerprint",
    "gradient_step",
    "gradients",
    "is_dataset",
    "is_endless",
    "join",
    "length_of",
    "litert_operations",
    "of_first",
    "on_gpu",
    "private_gradient_step",
    "scan",
    "stop_gradient_of",
    "straight_through",
    "streamed",
    "train_as_one",
    "value_of",
    "workers",
]
