"""`Model`: what all models of this library share, beside what `keras.Model` gives them."""

import inspect

import keras
import numpy as np

from . import backend, chunks, compiling, evaluation, exporting, feeding
from .callbacks import Progress, cosine
from .checks import at_least
from .preprocessing import Labels

__all__ = ["Model"]

EVALUATION_SEED = 20131220
PROBE = 256  # training examples that `symptoms` may look at, as `model.probe`


@keras.saving.register_keras_serializable(package="genai_basics")
class Model(keras.Model):
    """Base of all models: raw data in, raw data out, around a core that sees numbers only.

    A family subclasses it, hands its inner networks and arguments to `__init__` as attributes
    of the same names (they are saved and loaded by those names), sets `self.preprocessor`, and
    writes

    - `loss_terms(x, y, training)`: the loss of each example and its parts, `{name: (batch,)}`;
    - `call`, and `train_step` and `test_step`, which call `loss_terms`;
    - `generate(n, labels)`: n samples in the network's numbers, for `sample`.

    Args:
        value_range: `(low, high)` of raw data, mapped to `network_range`.
        class_names: Names of the labels 0, 1, ...; labels may then be given by name.
        seed: Seed of weights, noise and the order of data. `None` draws a fresh one.
    """

    network_range = (0.0, 1.0)
    batch_size = 128  # of `fit` where none is given
    learning_rate = 1e-3  # at the start; `fit` lowers it to zero by a cosine
    monitor = "val_loss"  # lower is better; prefix "-" where higher is
    tracked = ()  # names of metrics that a custom step reports, beside the loss
    can_sample = True  # whether `sample` works
    membership_score = "loss"  # what `losses_by_example` returns, in words
    loss_keyword = None  # the builder's keyword that chooses the loss, where `loss=` is refused
    xla = False  # measured: whether `jit_compile=None` means XLA
    validation_limit = None  # examples of a validation during `fit`; `evaluate` takes all
    cuts_windows = False  # whether examples are windows that `prepare` cuts out of x
    weighs_examples = True  # whether each example has a loss, which `sample_weight` multiplies
    restores = None  # whether `predict` maps outputs back to raw x; `None`: it is no graph of x
    private_steps = 0  # that private training has taken: saved with the weights
    num_classes = None
    preprocessor = None  # from raw x to the network's numbers: a `Preprocessor`
    remedy = "use fewer epochs, more data or a smaller network"  # against overfitting, for `Doctor`

    # What commands, run folders and the audit ask for: families bind their own.
    export = exporting.export
    report, answer, pictures = evaluation.report, evaluation.answer, evaluation.pictures
    symptoms, features_of = evaluation.symptoms, evaluation.features_of
    errors_of, losses_by_example = evaluation.errors_of, evaluation.losses_by_example
    privacy_of, reads = evaluation.privacy_of, evaluation.reads
    # For the verbs of families: methods on many examples, batch by batch, compiled once.
    compile_once, map_batches = chunks.compile_once, chunks.map_batches

    def __init__(self, *, value_range=None, class_names=None, seed=None, **kwargs):
        # The networks inside may compute in another precision; around them it is single.
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.value_range = None if value_range is None else tuple(value_range)
        self.class_names = None if class_names is None else tuple(map(str, class_names))
        self.seed = seed
        self.noise = keras.random.SeedGenerator(seed)
        self.evaluation_noise = keras.random.SeedGenerator(EVALUATION_SEED)
        self.sampling_noise = keras.random.SeedGenerator(0)
        # Where training stands, from 0 to 1: schedules (learning rate, beta) read it.
        self.progress = self._scalar("progress")
        self.adapted = self._scalar("adapted")
        self.trackers = [keras.metrics.Mean(name) for name in self.tracked]

    def _scalar(self, name):
        return self.add_weight(name=name, shape=(), initializer="zeros", trainable=False)

    # Saving: every argument of `__init__` is an attribute of the same name.

    def get_config(self):
        exporting.refuse_h5(self)
        names = {}
        for cls in type(self).__mro__[: type(self).__mro__.index(Model) + 1]:
            names.update(inspect.signature(cls.__init__).parameters)
        arguments = {name: getattr(self, name) for name in names if name not in ("self", "kwargs")}
        serialize = keras.saving.serialize_keras_object
        return {**super().get_config(), **{k: serialize(v) for k, v in arguments.items()}}

    @classmethod
    def from_config(cls, config):
        deserialize = keras.saving.deserialize_keras_object
        return cls(**{k: deserialize(v) if k != "dtype" else v for k, v in config.items()})

    def save_own_variables(self, store):
        super().save_own_variables(store)
        store["noise"] = self.noise.state  # so that training goes on as if never interrupted
        if self.private_steps:
            store["private_steps"] = np.array(self.private_steps)

    def load_own_variables(self, store):
        store = {name: store[name] for name in sorted(store.keys())}
        self.private_steps = int(np.asarray(store.pop("private_steps", 0)))
        noise = store.pop("noise", None)
        if noise is not None:
            self.noise.state.assign(noise)
        super().load_own_variables(store)

    # Compiling: defaults that suit the model, and a round trip through `save`.

    def compile(self, optimizer=None, loss=None, *, metrics=None, learning_rate=None, **kwargs):
        """Configure training. Without arguments, with defaults that suit the model.

        Args:
            optimizer: As in Keras. With the default, each `fit` raises the learning rate in
                its first 1% of steps (1 epoch at most) and lowers it to zero by a cosine over its
                epochs, or over those of a `callbacks.Progress` that it is given; with your own,
                your schedule counts, and batches have Keras' 32 examples where `fit` is given no
                `batch_size`.
            loss, metrics: As in Keras, where there is a y.
            learning_rate: Where the default optimizer, or one given by name, starts.
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
        # XLA does not reach other processes.
        given.setdefault("jit_compile", self.xla and backend.workers() == 1)
        defaults = {"loss": self.default_loss, "metrics": self.default_metrics}
        super().compile(**{**defaults, **given, "optimizer": optimizer})

    default_loss = default_metrics = None  # of `compile()`; a `train_step` brings its own

    def default_optimizer(self, learning_rate):
        """Return the optimizer of `compile()`."""
        return keras.optimizers.Adam(learning_rate)

    anneal = staticmethod(cosine)  # the factor on the learning rate, of where training stands

    def stand_at(self, progress, risen):
        """Note where training stands, and where its warm-ups do: from 0 to 1. See `Progress`."""
        self.progress.assign(progress)

    def players(self):
        """Return `[(optimizer, variables), ...]`: who trains what."""
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

    # Data: from what users have to what the network takes.

    def adapt(self, x, y=None):
        """Fit the preprocessing to raw training data. The first `fit` calls it."""
        self.preprocessor.adapt(x, y)

    def finalize(self, x, y=None, validation=None):
        """Fit to raw training data what depends on the trained weights. `fit` ends with it.

        `validation` is what `fit` was given as `validation_data`, as `feeding.Examples`.
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

        Called once for all of the data, so it is where they are checked.
        """
        parts = self.preprocessor.prepare(x), self.prepare_targets(y)
        return feeding.checked(self, *parts, sample_weight)

    @property
    def labels(self):
        """The labels of a classifier or a conditional model."""
        return Labels(self.class_names, self.num_classes)

    def transform(self, x, *rest):
        """Return a batch of prepared data with x as the network's numbers."""
        return (self.preprocessor(x), *rest)

    def invert(self, outputs):
        """Return outputs of the network, as NumPy arrays, in the units of raw data."""
        return self.preprocessor.invert(outputs)

    def pipeline(self, x, y=None, sample_weight=None, *, batch_size=None, **order):
        """Return batches of the network's numbers, ready for Keras; see `backend.batches`."""
        return feeding.read(self, x, y, sample_weight).batches(self, batch_size, **order)[0]

    def draws(self, data, batch_size, training=False, poisson=False):
        """Return arguments of `backend.epochs` for examples that are made on the way, or `None`.

        `data` is what `prepare` returned; `make` returns batches of the same structure.
        """

    # Keras' verbs, on raw data.

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

        The order of the data is a function of the model's seed and the epoch alone, so
        `initial_epoch` goes on where an earlier call stopped. The first `fit` adapts the
        preprocessor, to the first `feeding.SEEN` examples of a Dataset or generator.
        """
        self._assert_compile_called("fit")
        callbacks = [callbacks] if isinstance(callbacks, keras.callbacks.Callback) else callbacks
        callbacks = list(callbacks or [])
        self.settle()
        data, held_out = feeding.read(self, x, y, sample_weight, batch_size), None
        if validation_data is not None:
            held_out = data.held_out(self, validation_data)
        elif validation_split:
            data, held_out = data.split(validation_split)
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
            held_out = held_out.some(self.validation_limit)
            size, steps = validation_batch_size or batch_size, kwargs.get("validation_steps")
            validation_data, _ = held_out.batches(self, size, steps=steps)
        if not any(isinstance(callback, Progress) for callback in callbacks):
            callbacks.append(Progress.of_fit(self, epochs, initial_epoch))
        history = super().fit(
            batches,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            shuffle=False,  # the pipeline does
            validation_data=validation_data,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            **kwargs,
        )
        if not any(getattr(callback, "finalizes", False) for callback in callbacks):
            self.finalize(some.x, some.y, validation=held_out)
        return history

    def adapt_once(self, data):
        """Adapt to data unless that was done; return the examples that `adapt` looks at.

        It builds the optimizers, too: a first step that creates variables is traced twice.
        """
        some = data.first()
        if not backend.value_of(self.adapted):
            self.adapt(some.x, some.y)
            self.adapted.assign(1.0)
        if all(layer.built for layer in self.layers):
            with self.distribute_strategy.scope():
                self.build_optimizers()
        return some

    def evaluate(
        self, x=None, y=None, batch_size=None, verbose="auto", sample_weight=None, **kwargs
    ):
        """Evaluate on raw data: `keras.Model.evaluate`. Two evaluations draw the same noise.

        Without `return_dict=True`, the list of results begins with the loss.
        """
        self.settle()
        self.reset_evaluation_noise()
        if not kwargs.get("_use_cached_eval_dataset"):  # that of `fit`, which made the batches
            data = feeding.read(self, x, y, sample_weight, batch_size)
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
        """Take one step on a batch of raw data; a model that was not adapted adapts to it."""
        self._assert_compile_called("train_on_batch")
        data = feeding.read(self, x, y, sample_weight).weighted(self, class_weight)
        self.adapt_once(data)
        return super().train_on_batch(*data.one_batch(self), return_dict=return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """Evaluate on one batch of raw data."""
        self.settle()
        batch = feeding.read(self, x, y, sample_weight).one_batch(self)
        return super().test_on_batch(*batch, return_dict=return_dict)

    def predict_on_batch(self, x):
        """Return the outputs for one batch of raw x, as `predict` does."""
        return self.invert(super().predict_on_batch(*feeding.read(self, x).one_batch(self)))

    def summary(self, *args, expand_nested=True, **kwargs):
        """Print the layers of all inner networks."""
        return super().summary(*args, expand_nested=expand_nested, **kwargs)

    # For the steps of subclasses.

    def noise_of(self, training):
        """Return where a step draws its noise from: fresh in training, fixed in evaluation."""
        return self.noise if training else self.evaluation_noise

    def settle(self):
        """Bring up to date what follows the weights in training, before a verb reads it."""

    def reset_evaluation_noise(self):
        """Start the noise of evaluations from its fixed seed, so that two of them agree."""
        self.evaluation_noise.state.assign([EVALUATION_SEED, 0])

    def track(self, n, terms):
        """Count a batch of n examples into the running means of the loss and `tracked`."""
        for tracker in (self._loss_tracker, *self.trackers):
            tracker.update_state(terms[tracker.name], sample_weight=n)
        return self.get_metrics_result()

    # Sampling.

    def generate(self, n, labels=None):
        """Return n samples in the network's numbers, drawn by `self.sampling_noise`."""
        raise NotImplementedError(f"a {type(self).__name__} has no samples; try `predict`")

    @chunks.alone
    def sample(self, n=1, *, seed=None, batch_size=256, labels=None):
        """Draw n samples, in the data's range.

        Args:
            n: How many.
            seed: The same seed (and `batch_size`) gives the same samples, in a new process too,
                and the first of many are the same as few. `None` draws fresh ones.
            batch_size: How many are made at a time.
            labels: Labels (numbers or names) of a conditional model: one for all, or as many as
                are given, repeated up to n. Left out, all classes in turn.
        """
        labels = self.labels.spread(at_least("n", n, 1), labels)
        return self.invert(chunks.samples(self, n, seed, batch_size, labels))
