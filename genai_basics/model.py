"""`Model`: what all models of this library share in addition to `keras.Model`."""

import keras
import numpy as np

from . import arguments, backend, chunks, compiling, evaluation, exporting, feeding, saving
from .callbacks import Progress, cosine
from .checks import channels_last, names_or_none, range_or_none, whole
from .preprocessing import Labels

__all__ = ["Model"]

EVALUATION_SEED = 20131220
PROBE = 256  # training examples available to `symptoms` as `model.probe`


@keras.saving.register_keras_serializable(package="genai_basics")
class Model(keras.Model):
    """Base class of all models: raw data in, raw data out, around a numeric core.

    Subclasses store inner networks and arguments of `__init__` in attributes of the same names
    (they are saved and loaded by these names), set `self.preprocessor`, and define

    - `loss_terms(x, y, training)`: the loss of each example and its terms, `{name: (batch,)}`;
    - `call`, and `train_step` and `test_step`, which call `loss_terms`;
    - `generate(n, labels)`: n samples in network space, for `sample`.

    Args:
        value_range: `(low, high)` of raw data, mapped to `network_range`.
        class_names: Names of the labels 0, 1, ...; labels may then be given by name.
        seed: Seed of weights, noise and the order of data. `None` draws a fresh one.
    """

    network_range = (0.0, 1.0)
    batch_size = 128  # default of `fit`
    learning_rate = 1e-3  # initial; `fit` anneals it to zero by a cosine
    monitor = "val_loss"  # lower is better; prefix "-" if higher is
    tracked = ()  # names of metrics that a custom step reports, in addition to the loss
    can_sample = True  # whether `sample` works
    membership_score = "loss"  # name of what `losses_by_example` returns
    carries_loss = True  # whether its step computes the loss, not what `compile` is given
    loss_keyword = None  # the builder's argument that sets the loss, if `loss=` is not supported
    xla = False  # measured: whether `jit_compile=None` means XLA
    averaged = None  # name of the network that `average`, a `MovingAverage`, follows
    validation_limit = None  # validation examples during `fit`; `evaluate` uses all
    cuts_windows = False  # whether examples are windows that `prepare` cuts out of x
    weighs_examples = True  # whether each example has a loss, which `sample_weight` multiplies
    restores = None  # whether `predict` maps outputs back to raw x; `None`: not a graph of x
    private_steps = 0  # number of private training steps, saved with the weights
    num_classes = None
    preprocessor: "keras.Layer" = None  # from raw x to network space: a `Preprocessor`
    remedy = "use fewer epochs, more data or a smaller network"  # against overfitting, for `Doctor`

    # For commands, run folders and the audit; families bind their own.
    export, quantize = exporting.export, exporting.quantize
    report, answer, pictures = evaluation.report, evaluation.answer, evaluation.pictures
    symptoms, features_of = evaluation.symptoms, evaluation.features_of
    examples = evaluation.examples
    errors_of, losses_by_example = evaluation.errors_of, evaluation.losses_by_example
    privacy_of, reads = evaluation.privacy_of, evaluation.reads
    baseline, exported = evaluation.baseline, exporting.exported
    # For methods of families on many examples: batch by batch, compiled once.
    compile_once, map_batches = chunks.compile_once, chunks.map_batches

    def __init__(self, *, value_range=None, class_names=None, seed=None, **kwargs):
        channels_last()
        # Inner networks may compute in another precision; everything else is in single precision.
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.value_range = range_or_none("value_range", value_range)
        self.class_names = names_or_none("class_names", class_names)
        self.seed = seed
        self.noise = keras.random.SeedGenerator(seed)
        self.evaluation_noise = keras.random.SeedGenerator(EVALUATION_SEED)
        self.sampling_noise = keras.random.SeedGenerator(0)
        # Progress of training, from 0 to 1; schedules (learning rate, beta) read it.
        self.progress = self._scalar("progress")
        self.adapted = self._scalar("adapted")
        self.trackers = [keras.metrics.Mean(name) for name in self.tracked]

    def _scalar(self, name):
        return self.add_weight(name=name, shape=(), initializer="zeros", trainable=False)

    def __setattr__(self, name, value):
        """Set an attribute; another network is used from the next call of any method on."""
        old = self.__dict__.get(name)
        super().__setattr__(name, value)
        if isinstance(old, keras.layers.Layer) and value is not old:
            chunks.replaced(self, name, old)

    # Saving: every argument of `__init__` is an attribute of the same name.

    def get_config(self):
        return {**super().get_config(), **saving.arguments_of(self, Model)}

    @classmethod
    def from_config(cls, config):
        deserialize = keras.saving.deserialize_keras_object
        return cls(**{k: deserialize(v) if k != "dtype" else v for k, v in config.items()})

    def save_own_variables(self, store):
        super().save_own_variables(store)
        store["noise"] = self.noise.state  # so that resumed training is identical
        if self.private_steps:
            store["private_steps"] = np.array(self.private_steps)

    def load_own_variables(self, store):
        store = {name: store[name] for name in sorted(store.keys())}
        self.private_steps = int(np.asarray(store.pop("private_steps", 0)))
        noise = store.pop("noise", None)
        if noise is not None:
            self.noise.state.assign(noise)
        super().load_own_variables(store)

    # Compiling: suitable defaults, saved and restored by `save`.

    def compile(self, optimizer=None, loss=None, *, metrics=None, learning_rate=None, **kwargs):
        """Configure training. Without arguments, suitable defaults are used.

        Args:
            optimizer: As in Keras. With the default, each `fit` increases the learning rate in
                its first 1% of steps (at most 1 epoch) and anneals it to zero by a cosine over its
                epochs, or over those of a given `callbacks.Progress`; with your own optimizer,
                your schedule is used, and `fit` without `batch_size` uses Keras' default of 32
                examples.
            loss, metrics: As in Keras, for models with a y.
            learning_rate: Initial learning rate of the default optimizer or one given by name.
            **kwargs: As in `keras.Model.compile`.
        """
        given = {"optimizer": optimizer, "loss": loss, "metrics": metrics, **kwargs}
        given = {name: value for name, value in given.items() if value is not None}
        compiling.check_losses(self, given)
        self.compile_arguments = {**given, "learning_rate": learning_rate}
        rate = self.learning_rate if learning_rate is None else learning_rate
        self.anneals = optimizer is None and not compiling.is_schedule(rate)
        self.peak_rates = self.annealed_rates = (rate,)
        self.progress.assign(0.0)
        optimizer = compiling.optimizer_of(self, optimizer, learning_rate)
        optimizer = compiling.scaling_losses(self, optimizer, given.pop("auto_scale_loss", True))
        # XLA does not work across processes.
        given.setdefault("jit_compile", self.xla and backend.workers() == 1)
        defaults = {"loss": self.default_loss, "metrics": self.default_metrics}
        super().compile(**{**defaults, **given, "optimizer": optimizer})

    default_loss = default_metrics = None  # of `compile()`; a custom `train_step` has its own

    def default_optimizer(self, learning_rate):
        """Return the default optimizer of `compile()`."""
        return keras.optimizers.Adam(learning_rate)

    anneal = staticmethod(cosine)  # factor of the learning rate as a function of progress

    def stand_at(self, progress, risen):
        """Set the progress of training and of its warm-ups, from 0 to 1. See `Progress`."""
        self.progress.assign(progress)

    def players(self):
        """Return `[(optimizer, variables), ...]`: which optimizer trains which variables."""
        return [(self.optimizer, self.trainable_variables)]

    def get_compile_config(self):
        if not self.compiled:
            return None
        serialize = keras.saving.serialize_keras_object
        return {name: serialize(value) for name, value in self.compile_arguments.items()}

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.build_optimizers()

    def build_optimizers(self):
        """Create the optimizers' variables, so that they can be saved and restored."""
        for optimizer, variables in self.players():
            optimizer.build(variables)

    # Data: from raw data to the network's inputs.

    def adapt(self, x, y=None):
        """Fit the preprocessing to raw training data. The first `fit` calls it."""
        self.preprocessor.adapt(x, y)

    def finalize(self, x, y=None, validation=None):
        """Fit what depends on the trained weights to raw training data; called at the end of `fit`.

        `validation` is the `validation_data` of `fit`, as `feeding.Examples`.
        """

    def prepare_targets(self, y):
        """Return raw y as arrays for the loss: the labels of a conditional model, or `None`."""
        if not self.num_classes:
            return None
        if y is None:
            kind = type(self).__name__
            raise ValueError(f"a conditional {kind} needs labels: pass y. Received: y=None")
        return self.labels.check(y)

    def prepare(self, x, y=None, sample_weight=None):
        """Return raw data as a tuple of arrays of one length: `(x,)`, `(x, y)`, `(x, y, w)`.

        It is called once for all data, so the data are checked here.
        """
        parts = self.preprocessor.prepare(x), self.prepare_targets(y)
        return feeding.checked(self, *parts, sample_weight)

    reads_y = property(lambda self: bool(self.num_classes))  # whether training reads a y
    reads_labels, needs_y = True, False  # whether y may be labels, and whether it is required

    @property
    def labels(self):
        """The labels of a classifier or a conditional model."""
        return Labels(self.class_names, self.num_classes)

    def transform(self, x, *rest):
        """Return a batch of prepared data with x in network space."""
        return (self.preprocessor(x), *rest)

    def invert(self, outputs):
        """Convert outputs of the network to NumPy arrays in the units of raw data."""
        return self.preprocessor.invert(outputs)

    def step_size(self, data, batch_size):
        """Return how many examples a training step takes of prepared data."""
        return batch_size

    def draws(self, data, batch_size, training=False, poisson=False):
        """Return arguments of `backend.epochs` for examples generated on the fly, or `None`.

        `data` is the result of `prepare`; `make` returns batches of the same structure.
        """

    def __call__(self, x, *args, **kwargs):
        arguments.check_numbers(self, x)
        return super().__call__(x, *args, **kwargs)

    # Keras' methods, on raw data.

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_batch_size=None,
        **kwargs,
    ):
        """Train on raw data: `keras.Model.fit`, with the preprocessor in the input pipeline.

        Their order depends only on the model's seed and the epoch, so `initial_epoch` continues
        an earlier call exactly. The first `fit` adapts to the data, or to their first
        `feeding.SEEN` examples if they are a Dataset or a generator.
        """
        self._assert_compile_called("fit")
        arguments.check_counts({**locals(), **kwargs})
        callbacks = compiling.callbacks_of(callbacks)
        self.settle()
        data = feeding.read(self, x, y, sample_weight, batch_size, "training")
        data, held_out = data.parted(self, validation_data, validation_split)
        some = self.adapt_once(data)
        self.__dict__["probe"] = some[:PROBE].parts[:2]
        seed = np.random.randint(2**31) if self.seed is None else self.seed
        batches, steps_per_epoch = data.weighted(self, class_weight).batches(
            self,
            batch_size,
            seed=seed if shuffle else None,
            epoch=initial_epoch,
            steps=steps_per_epoch,
            training=True,
        )
        if held_out is not None:
            size, steps = validation_batch_size or batch_size, kwargs.get("validation_steps")
            validation_data, _ = held_out.batches(self, size, steps=steps)
        if not any(isinstance(callback, Progress) for callback in callbacks):
            callbacks.append(Progress.of_fit(self, epochs, initial_epoch))
        history = super().fit(
            batches,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            shuffle=False,  # the pipeline shuffles
            validation_data=validation_data,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            **kwargs,
        )
        if not any(getattr(callback, "finalizes", False) for callback in callbacks):
            self.finalize(some.x, some.y, validation=held_out)
        return history

    def adapt_once(self, data):
        """Adapt to data if not yet done; return the examples that `adapt` uses.

        It also builds the optimizers, since a first step that creates variables is traced twice.
        """
        some = data.first()
        if not backend.value_of(self.adapted):
            self.adapt(self.preprocessor.raw(some.x), some.y)
            self.adapted.assign(1.0)
        if all(layer.built for layer in self.layers):
            with self.distribute_strategy.scope():
                self.build_optimizers()
        return some

    def evaluate(
        self, x=None, y=None, batch_size=None, verbose="auto", sample_weight=None, **kwargs
    ):
        """Evaluate on raw data, always with the same noise; a list begins with the loss."""
        self.settle()
        self.reset_evaluation_noise()
        if not kwargs.get("_use_cached_eval_dataset"):  # set by `fit`, which has made the batches
            data = feeding.read(self, x, y, sample_weight, batch_size, "evaluation")
            x, _ = data.batches(self, batch_size, steps=kwargs.get("steps"))
        as_dict = kwargs.pop("return_dict", False)
        found = super().evaluate(x, verbose=verbose, return_dict=True, **kwargs)
        found = {"loss": found["loss"], **found}
        return found if as_dict else list(found.values()) if len(found) > 1 else found["loss"]

    def predict(self, x, batch_size=None, verbose="auto", **kwargs):
        """Return the model's outputs for raw x, in the data's range."""
        data = feeding.read(self, x, batch_size=batch_size)
        x, _ = data.batches(self, batch_size, steps=kwargs.get("steps"))
        return self.invert(super().predict(x, verbose=verbose, **kwargs))

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """Take one step on a batch of raw data; a model that is not adapted adapts to it."""
        self._assert_compile_called("train_on_batch")
        data = feeding.read(self, x, y, sample_weight).weighted(self, class_weight)
        self.adapt_once(data)
        return super().train_on_batch(*data.one_batch(self), return_dict=return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """Evaluate on one batch of raw data."""
        self.settle()
        data = feeding.read(self, x, y, sample_weight)
        return super().test_on_batch(*data.one_batch(self), return_dict=return_dict)

    def predict_on_batch(self, x):
        """Return the outputs for one batch of raw x, as `predict` does."""
        return self.invert(super().predict_on_batch(*feeding.read(self, x).one_batch(self)))

    def summary(self, *args, expand_nested=True, **kwargs):
        """Print the layers of all inner networks."""
        return super().summary(*args, expand_nested=expand_nested, **kwargs)

    # For the steps of subclasses.

    def noise_of(self, training):
        """Return the source of a step's noise: fresh in training, seeded in evaluation."""
        return self.noise if training else self.evaluation_noise

    def settle(self):
        """Let the averaged network take over weights that were assigned to its original."""
        if self.averaged:
            self.average.settle(getattr(self, self.averaged))

    def reset_evaluation_noise(self):
        """Reset the noise of evaluations to its fixed seed, so that repeated ones agree."""
        self.evaluation_noise.state.assign([EVALUATION_SEED, 0])

    def track(self, n, terms):
        """Update the running means of the loss and `tracked` with a batch of n examples."""
        for tracker in (self._loss_tracker, *self.trackers):
            tracker.update_state(terms[tracker.name], sample_weight=n)
        return self.get_metrics_result()

    # Sampling.

    def generate(self, n, labels=None):
        """Return n samples in network space, drawn with `self.sampling_noise`."""
        raise NotImplementedError(f"a {type(self).__name__} has no samples; try `predict`")

    @chunks.alone
    def sample(self, n=1, *, seed=None, batch_size=256, labels=None):
        """Draw n samples, in the data's range.

        Args:
            n: Number of samples.
            seed: The same seed (and `batch_size`) gives the same samples, also in a new process,
                and fewer samples are a prefix of more. `None` draws new ones.
            batch_size: Number of samples generated at a time.
            labels: Labels (numbers or names) for a conditional model, repeated up to n. By
                default, all classes in turn.
        """
        labels = self.labels.spread(whole("n", n, 1), labels)
        return self.invert(chunks.samples(self, n, seed, batch_size, labels))
