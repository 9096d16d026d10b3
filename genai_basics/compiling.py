"""The checks of `Model.compile`, and the optimizers that it creates."""

import keras

__all__ = ["callbacks_of", "check_losses", "is_schedule", "optimizer_of", "scaling_losses"]


def check_losses(model, given):
    """Raise an error if Keras losses or metrics are given to a model with its own loss."""
    if not model.carries_loss:
        return
    for name in ("loss", "loss_weights", "metrics", "weighted_metrics"):
        if name in given:
            choose = f"; choose it by {model.loss_keyword}" if model.loss_keyword else ""
            raise ValueError(
                f"{type(model).__name__} carries its own loss and reports the parts of it{choose}. "
                f"Received: {name}={given[name]!r}"
            )


def is_schedule(learning_rate):
    """Return whether a learning rate is a Keras schedule."""
    return isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule)


def optimizer_of(model, optimizer, learning_rate):
    """Return the given optimizer or the model's default, with the learning rate if given.

    Raises:
        ValueError: If a learning rate is given and the optimizer has its own.
    """
    if optimizer is None:
        rate = model.learning_rate if learning_rate is None else learning_rate
        return model.default_optimizer(rate)
    if learning_rate is not None and not isinstance(optimizer, str):
        raise ValueError(
            "`learning_rate` belongs to the default optimizer: set that of yours where you "
            f"make it. Received: learning_rate={learning_rate} and an optimizer"
        )
    optimizer = keras.optimizers.get(optimizer)
    if learning_rate is not None:
        optimizer.learning_rate = learning_rate
    return optimizer


def scaling_losses(model, optimizer, automatic=True):
    """Wrap the optimizer in loss scaling if a network computes in half precision."""
    half = any(layer.compute_dtype == "float16" for layer in model._flatten_layers())
    if not (half and automatic) or isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer)


def callbacks_of(given):
    """Return the callbacks given to `fit` as a list."""
    one = given is None or isinstance(given, (keras.callbacks.Callback, str, type))
    callbacks = ([] if given is None else [given]) if one else list(given)
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            raise ValueError(
                "`callbacks` must be objects such as `keras.callbacks.EarlyStopping()`. "
                f"Received: {callback!r}"
            )
    return callbacks
