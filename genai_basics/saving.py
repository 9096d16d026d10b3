"""The configuration of a model: the arguments that it was made with."""

import inspect

import keras
from keras.src.backend.common import global_state

__all__ = ["arguments_of"]


def arguments_of(model, base):
    """Return the arguments of `__init__`, of the model's class and of those it inherits from.

    Args:
        model: The model; each argument is an attribute of the same name.
        base: The last class whose arguments count.

    Raises:
        ValueError: If Keras is about to write an HDF5 file, which it does under an option.
    """
    if global_state.get_global_attribute("use_legacy_config", False):
        raise ValueError(
            f"an .h5 file cannot hold all of a {model.name}: save it as .keras, or its weights "
            "alone by `save_weights`. Received: a path that ends in .h5"
        )
    names = {}
    for cls in type(model).__mro__[: type(model).__mro__.index(base) + 1]:
        parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
        names |= {p.name: p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    serialize = keras.saving.serialize_keras_object
    return {name: serialize(getattr(model, name)) for name in names}
