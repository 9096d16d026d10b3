"""Differentially private training (DP-SGD) and its guarantee.

Epsilon is computed with the package dp-accounting (extra `privacy`).
"""

import secrets

import keras

from .. import backend, feeding
from ..callbacks import Progress
from ..checks import positive
from ..extras import require
from ..model import Model
from ..preprocessing import Preprocessor

__all__ = ["PrivateTraining", "epsilon_spent", "usual_delta"]


class PrivateTraining:
    """Trains a model so that its weights reveal little about any example (Abadi et al., 2016).

    Each step draws every example independently (Poisson sampling), clips the gradient of each to
    the norm `clip`, and adds Gaussian noise to their sum:

        g = (sum_i g_i min(1, clip / |g_i|) + N(0, (noise clip)^2)) / batch_size

    (https://arxiv.org/abs/1607.00133, algorithm 1). The model itself is not changed: this class
    only replaces its `fit`. The seeds of noise and sampling are never saved, since they would
    allow the noise to be removed.

    Args:
        model: A compiled model with losses per example and a single optimizer.
        noise: Noise multiplier: the standard deviation of the noise, in units of `clip`.
        clip: Maximum norm of an example's gradient.

    Raises:
        ValueError: If the model mixes the examples of a batch, or has no losses per example.

    Example:

    >>> from genai_basics import build_mlp, load_data
    >>> data = load_data("digits")
    >>> mlp = build_mlp((8, 8, 1), num_classes=10, normalize=False)
    >>> mlp.compile()
    >>> training = PrivateTraining(mlp, noise=1.0)
    >>> history = training.fit(data.train.x, data.train.y, epochs=1)
    >>> 0.1 < training.guarantee(data.train.x, steps=11, batch_size=128)["epsilon"] < 10
    True
    """

    def __init__(self, model, noise, clip=1.0):
        self.model = model
        self.noise, self.clip = positive("dp_noise", noise), positive("dp_clip", clip)
        self.seed = keras.random.SeedGenerator(secrets.randbits(31))
        layers = list(model._flatten_layers())
        # The loops of recurrent layers cannot be vectorized over examples.
        self.vectorized = not any(isinstance(layer, keras.layers.RNN) for layer in layers)
        if not _has_example_losses(model):
            raise ValueError(
                f"a {model.name} has no loss of single examples to clip: train it without "
                f"`dp_noise`. Received: dp_noise={noise}"
            )
        for layer in layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                raise ValueError(
                    "batch normalization mixes examples, so per-example gradients are not "
                    "available: build without it, for example with normalize=False. Received: "
                    f"the layer {layer.name}"
                )

    def fit(
        self,
        x,
        y=None,
        batch_size=None,
        epochs=1,
        *,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_data=None,
        callbacks=(),
        verbose=0,
    ):
        """Train on raw data, as `Model.fit` does; returns Keras' `History`."""
        model = self.model
        data = model.adapt_once(feeding.Examples(x, y))
        size = batch_size or model.batch_size
        order = {"seed": secrets.randbits(31), "training": True, "poisson": True}
        batches, steps = data.batches(model, size, steps=steps_per_epoch, **order)
        callbacks = list(callbacks)
        if not any(isinstance(callback, Progress) for callback in callbacks):
            callbacks.append(Progress.of_fit(model, epochs, initial_epoch))
        finalizes = any(getattr(callback, "finalizes", False) for callback in callbacks)
        callbacks = keras.callbacks.CallbackList(
            callbacks,
            add_history=True,
            add_progbar=bool(verbose),
            model=model,
            epochs=epochs,
            steps=steps,
            verbose=verbose,
        )
        step, batches = backend.compiled(lambda batch: self.step(batch, size)), iter(batches)
        model.stop_training, logs = False, {}
        callbacks.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            model.reset_metrics()
            callbacks.on_epoch_begin(epoch)
            for i in range(steps):
                callbacks.on_train_batch_begin(i)
                model.private_steps += 1  # before the step, so that an interrupted one counts
                logs = {k: float(backend.value_of(v)) for k, v in step(next(batches)).items()}
                callbacks.on_train_batch_end(i, logs)
                if model.stop_training:
                    break
            if validation_data is not None:
                logs |= self._validate(validation_data, size, callbacks)
            callbacks.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
        model.optimizer.finalize_variable_values(model.trainable_weights)
        callbacks.on_train_end(logs)
        if not finalizes:
            held_out = None if validation_data is None else data.held_out(model, validation_data)
            model.finalize(x, y, validation=held_out)
        return model.history

    def step(self, batch, batch_size):
        """Take one private step on a batch in network space; return the metrics."""
        model, batch = self.model, batch if isinstance(batch, tuple) else (batch,)
        losses = backend.private_gradient_step(
            lambda batch: model.loss_terms(*batch[:2], training=True)["loss"],
            batch,
            model.trainable_variables,
            model.optimizer,
            clip=self.clip,
            noise=self.noise,
            expected=batch_size,
            seed=self.seed,
            vectorized=self.vectorized,
        )
        model._loss_tracker.update_state(losses)
        if model._compile_metrics is not None:
            x, y, weights = keras.utils.unpack_x_y_sample_weight(batch)
            model.compute_metrics(x, y, model(x, training=False), weights)
        found = model.get_metrics_result()
        return {name: value for name, value in found.items() if name not in model.tracked}

    def _validate(self, data, batch_size, callbacks):
        data = data if isinstance(data, tuple) else (data,)
        found = self.model.evaluate(
            *data, batch_size=batch_size, callbacks=callbacks, return_dict=True, verbose=0
        )
        return {f"val_{name}": value for name, value in found.items()}

    def guarantee(self, x, steps, batch_size, before=()):
        """Return epsilon and delta of training on raw x, and what they protect, as a dict.

        Args:
            x: The raw training data.
            steps: Number of private steps, which the model counts as `private_steps`.
            batch_size: Expected number of examples per step.
            before: `[noise, rate, steps]` of each earlier private training run of these weights.
        """
        n, unit = self.model.privacy_of(x)
        rate, delta = min(batch_size / n, 1.0), usual_delta(n)
        parts = [*before, [self.noise, rate, steps]]
        outside = ["what the choice of settings over several runs reveals"]
        if _reads_training_data(self.model):
            outside.append("what the preprocessing read from the training data: scales, vocabulary")
        return {
            "epsilon": _epsilon(parts, delta),
            "delta": delta,
            "noise": self.noise,
            "clip": self.clip,
            "rate": rate,
            "unit": unit,
            "parts": parts,
            "not_covered": outside,
        }


def _has_example_losses(model):
    """Return whether the loss of an example depends only on this example."""
    joins = getattr(model, "concatenate", 1) > 1  # joins several clips
    return hasattr(model, "loss_terms") and len(model.players()) == 1 and not joins


def _reads_training_data(model):
    preprocessor = model.preprocessor
    adapts = preprocessor is not None and type(preprocessor).adapt is not Preprocessor.adapt
    scales = adapts and getattr(preprocessor, "scaling", True) is not None
    return scales or type(model).adapt is not Model.adapt


def epsilon_spent(noise, rate, steps, delta):
    """Return epsilon of DP-SGD with Poisson sampling, adding or removing one example.

    Args:
        noise: Noise multiplier.
        rate: Probability that an example is in a batch.
        steps: Number of steps.
        delta: Probability that the guarantee fails; well below 1 / n.

    Raises:
        ImportError: Without dp-accounting: `pip install 'genai_basics[privacy]'`.

    Example:

    >>> round(epsilon_spent(1.1, 256 / 60_000, 60 * 60_000 // 256, 1e-5), 1)
    2.4
    """
    return _epsilon([(noise, rate, steps)], delta)


def _epsilon(parts, delta):
    """Return epsilon of several consecutive training runs of the same weights."""
    accounting = require("dp_accounting", "privacy")
    accountant = require("dp_accounting.pld", "privacy").PLDAccountant()
    for noise, rate, steps in parts:
        gaussian = accounting.GaussianDpEvent(noise)
        accountant.compose(accounting.PoissonSampledDpEvent(min(rate, 1.0), gaussian), steps)
    return float(accountant.get_epsilon(delta))


def usual_delta(n):
    """Return n^-1.1, at most 1e-5: the usual probability that the guarantee fails."""
    return min(n**-1.1, 1e-5)
