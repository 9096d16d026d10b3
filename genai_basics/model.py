"""`Model`: what all models of this library share, beside what `keras.Model` gives them."""

import inspect
import math

import keras
import numpy as np
from keras import ops

from . import backend, evaluation
from .callbacks import Progress
from .checks import at_least
from .preprocessing import Labels

__all__ = ["Model", "averaged", "draw_unlike", "some_of"]

EVALUATION_SEED = 20131220
PROBE = 256  # training examples that `symptoms` may look at, as `model.probe`
REDRAWS = 200


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
    num_classes = None
    preprocessor = None  # from raw x to the network's numbers: a `Preprocessor`
    remedy = "use fewer epochs, more data or a smaller network"  # against overfitting, for `Doctor`

    # What commands, run folders and the audit ask for: families bind their own.
    report, answer, pictures = evaluation.report, evaluation.answer, evaluation.pictures
    symptoms, features_of = evaluation.symptoms, evaluation.features_of
    errors_of, losses_by_example = evaluation.errors_of, evaluation.losses_by_example
    privacy_of, reads = evaluation.privacy_of, evaluation.reads

    def __init__(self, *, value_range=None, class_names=None, seed=None, **kwargs):
        super().__init__(**kwargs)
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

    def load_own_variables(self, store):
        store = {name: store[name] for name in sorted(store.keys())}
        noise = store.pop("noise", None)
        if noise is not None:
            self.noise.state.assign(noise)
        super().load_own_variables(store)

    # Compiling: defaults that suit the model, and a round trip through `save`.

    def compile(
        self,
        optimizer=None,
        loss=None,
        loss_weights=None,
        metrics=None,
        weighted_metrics=None,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile=None,
        auto_scale_loss=True,
        *,
        learning_rate=None,
    ):
        """Configure training. Without arguments, with defaults that suit the model.

        Args:
            optimizer: As in Keras. With the default, `fit` lowers the learning rate to zero by
                a cosine over its epochs; with your own, your schedule counts.
            loss, loss_weights, metrics, weighted_metrics: As in Keras, where there is a y.
            run_eagerly, steps_per_execution, jit_compile, auto_scale_loss: As in Keras.
            learning_rate: Where the default optimizer starts.
        """
        arguments = dict(locals())
        arguments = {
            k: arguments[k] for k in inspect.signature(Model.compile).parameters if k in arguments
        }
        arguments.pop("self")
        for name in ("loss", "loss_weights", "metrics", "weighted_metrics"):
            if self.loss_keyword and arguments.get(name) is not None:
                raise ValueError(
                    f"{type(self).__name__} carries its own loss and reports the parts of it; "
                    f"choose it by {self.loss_keyword}. Received: {name}={arguments[name]!r}"
                )
        self.compile_arguments = {k: v for k, v in arguments.items() if v is not None}
        if learning_rate is None:
            learning_rate = self.learning_rate
        elif isinstance(optimizer, str):
            optimizer = keras.optimizers.get(optimizer)
            optimizer.learning_rate = learning_rate
        elif optimizer is not None:
            raise ValueError(
                "`learning_rate` belongs to the default optimizer: set that of yours where you "
                f"make it. Received: learning_rate={learning_rate} and an optimizer"
            )
        self.peak_learning_rate = learning_rate
        self.progress.assign(0.0)
        scheduled = isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule)
        self.anneals = optimizer is None and not scheduled
        super().compile(
            optimizer=self.default_optimizer() if optimizer is None else optimizer,
            loss=self.default_loss() if loss is None else loss,
            loss_weights=loss_weights,
            metrics=self.default_metrics() if metrics is None else metrics,
            weighted_metrics=weighted_metrics,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            # XLA does not reach other processes.
            jit_compile=self.xla and backend.workers() == 1 if jit_compile is None else jit_compile,
            auto_scale_loss=auto_scale_loss,
        )

    def default_optimizer(self):
        """Return the optimizer of `compile()`, at `peak_learning_rate`."""
        return keras.optimizers.Adam(self.peak_learning_rate)

    def default_loss(self):
        """Return the loss of `compile()`; `None` where a step brings its own."""
        return None

    def default_metrics(self):
        """Return the metrics of `compile()`."""
        return None

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

    @property
    def stage(self):
        """Where training stands, from 0 to 1, as a Python number."""
        return float(backend.value_of(self.progress))

    def peaks(self):
        """Return the learning rate at which each player's default optimizer starts."""
        return [self.peak_learning_rate] * len(self.players())

    def anneal(self, progress):
        """Return the factor on the learning rate: a short rise, then a cosine to nearly zero."""
        rise = min(1.0, 0.1 + progress / 0.01)
        return rise * max(0.5 * (1.0 + math.cos(math.pi * progress)), 1e-3)

    # Data: from what users have to what the network takes.

    def adapt(self, x, y=None):
        """Fit the preprocessing to raw training data. The first `fit` calls it."""
        self.preprocessor.adapt(x, y)

    def plan(self, x, y=None, batch_size=None):
        """Return how many steps of `batch_size` a pass over raw, training x takes.

        Called before training, after `adapt`. A model that cuts its examples out of x, as
        windows of a text, counts those.
        """
        n = len(next(iter(x.values())) if isinstance(x, dict) else x)
        return max(n // max(min(batch_size or self.batch_size, n), 1), 1)

    def finalize(self, x, y=None, validation=None):
        """Fit to raw training data what depends on the trained weights. `fit` ends with it.

        `validation` is what `fit` was given as `validation_data`: x, or a tuple `(x, y)`.
        """

    def prepare(self, x, y=None, sample_weight=None):
        """Return raw data as a tuple of arrays of one length: `(x,)`, `(x, y)`, `(x, y, w)`.

        Called once for all of the data, so it is where they are checked.
        """
        parts = (self.preprocessor.prepare(x),)
        if y is not None or sample_weight is not None:
            parts += (None if y is None else self.labels.encode(y),)
        if sample_weight is not None:
            parts += (np.asarray(sample_weight, "float32"),)
        return self.check_lengths(parts)

    @staticmethod
    def check_lengths(parts):
        """Return prepared parts, or refuse them where they are empty or of different lengths."""
        lengths = [len(part) for part in keras.tree.flatten(parts) if part is not None]
        if len(set(lengths)) > 1:
            raise ValueError(f"x and y must have the same length. Received: lengths {lengths}")
        if not lengths[0]:
            raise ValueError("x must hold at least one example. Received: an empty array")
        return parts

    def input_shape_of_one(self):
        """Return the shape of one raw example, `None` where it is free."""
        return self.input_shape[1:]

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
        if backend.is_pipeline(x):
            return x.map(self.transform)
        data = self.prepare(x, y, sample_weight)
        size = batch_size or self.batch_size
        # x, y and weights travel by their place, so that none is taken for another.
        parts = {i: part for i, part in enumerate(data) if part is not None}

        def transform(batch):
            return self.transform(*(batch.get(i) for i in range(len(data))))

        drawn = self.draws(data, size, order.get("training", False), order.get("poisson", False))
        if drawn is not None:
            arguments = {"batch_size": size, "seed": None, **order, **drawn}
            return backend.epochs(transform=lambda batch: self.transform(*batch), **arguments)
        lengths = self.preprocessor.lengths(data[0])
        return backend.batches(parts, size, transform=transform, lengths=lengths, **order)

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
        validation_steps=None,
        validation_batch_size=None,
        validation_freq=1,
    ):
        """Train on raw data: `keras.Model.fit`, with the preprocessor in the input pipeline.

        The order of the data is a function of the model's seed and the epoch alone, so
        `initial_epoch` goes on where an earlier call stopped.
        """
        self._assert_compile_called("fit")
        callbacks = [callbacks] if isinstance(callbacks, keras.callbacks.Callback) else callbacks
        callbacks = list(callbacks or [])
        raw = None
        if not backend.is_pipeline(x):
            if validation_split and validation_data is None:
                cut = round(len(x) * (1 - validation_split))
                validation_data = (x[cut:], None if y is None else y[cut:])
                x, y = x[:cut], None if y is None else y[:cut]
            if not backend.value_of(self.adapted):
                self.adapt(x, y)
                self.adapted.assign(1.0)
            raw = (x, y)
            self.__dict__["probe"] = (_first(x), None if y is None else _first(y))
            batch_size = batch_size or self.batch_size
            planned = self.plan(x, y, batch_size)
            steps_per_epoch = steps_per_epoch or planned
            seed = np.random.randint(2**31) if self.seed is None else self.seed
            x = self.pipeline(
                x,
                y,
                sample_weight,
                batch_size=batch_size,
                seed=seed if shuffle else None,
                start=initial_epoch * steps_per_epoch,
                training=True,
            )
        else:
            x = self.pipeline(x)
        held_out = validation_data
        if validation_data is not None:
            parts = held_out if _is_several(held_out) else (held_out,)
            size = validation_batch_size or batch_size
            validation_data = self.pipeline(*parts, batch_size=size)
        if not any(isinstance(callback, Progress) for callback in callbacks):
            callbacks.append(Progress(epochs=epochs))
        history = super().fit(
            x,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            shuffle=False,  # the pipeline does
            validation_data=validation_data,
            class_weight=class_weight,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            validation_freq=validation_freq,
        )
        if raw is not None and not any(getattr(c, "finalizes", False) for c in callbacks):
            self.finalize(*raw, validation=held_out)
        return history

    def evaluate(
        self, x=None, y=None, batch_size=None, verbose="auto", sample_weight=None, **kwargs
    ):
        """Evaluate on raw data: `keras.Model.evaluate`. Two evaluations draw the same noise."""
        self.reset_evaluation_noise()
        if not kwargs.get("_use_cached_eval_dataset"):
            x, y, sample_weight = (
                self.pipeline(x, y, sample_weight, batch_size=batch_size),
                None,
                None,
            )
        return super().evaluate(x, y, verbose=verbose, sample_weight=sample_weight, **kwargs)

    def predict(self, x, batch_size=None, verbose="auto", **kwargs):
        """Return the model's outputs for raw x, in the data's range."""
        x = self.pipeline(x, batch_size=batch_size)
        return self.invert(super().predict(x, verbose=verbose, **kwargs))

    def summary(self, *args, expand_nested=True, **kwargs):
        """Print the layers of all inner networks."""
        return super().summary(*args, expand_nested=expand_nested, **kwargs)

    # For the steps of subclasses.

    def noise_of(self, training):
        """Return where a step draws its noise from: fresh in training, fixed in evaluation."""
        return self.noise if training else self.evaluation_noise

    def reset_evaluation_noise(self):
        """Start the noise of evaluations from its fixed seed, so that two of them agree."""
        self.evaluation_noise.state.assign([EVALUATION_SEED, 0])

    def track_terms(self, n, terms):
        """Count the averaged terms of a batch of n examples into the running means."""
        return self.track(n, terms["loss"], *(terms[name] for name in self.tracked))

    def track(self, n, loss, *values):
        """Count a batch of n examples into the running means of loss and `tracked`."""
        for tracker, value in zip(
            [self._loss_tracker, *self.trackers], (loss, *values), strict=True
        ):
            tracker.update_state(value, sample_weight=n)
        return self.get_metrics_result()

    # Sampling and mapping in chunks, compiled once.

    def compile_once(self, method, jit_compile=False):
        """Return the bound method `method` as one compiled graph, kept for the next call."""
        graphs = self.__dict__.setdefault("_graphs", {})
        if method.__name__ not in graphs:
            graphs[method.__name__] = backend.compiled(method, jit_compile=jit_compile)
        return graphs[method.__name__]

    def map_batches(self, method, *arrays, batch_size=None):
        """Return what the bound method `method` makes of prepared arrays, batch by batch."""
        compute = self.compile_once(method)
        outputs = [
            keras.tree.map_structure(ops.convert_to_numpy, compute(*batch))
            for batch in backend.batches(arrays, batch_size or self.batch_size)
        ]
        return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *outputs)

    def generate(self, n, labels=None):
        """Return n samples in the network's numbers, drawn by `self.sampling_noise`."""
        raise NotImplementedError(f"a {type(self).__name__} has no samples; try `predict`")

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
        at_least("n", n, 1)
        labels = self.labels.spread(n, labels)
        generate = self.compile_once(self.generate)
        seed = int(np.random.default_rng().integers(2**31)) if seed is None else seed
        chunks = []
        for start in range(0, n, batch_size):
            self.sampling_noise.state.assign([seed, start])
            chunk = None
            if labels is not None:
                chunk = np.resize(labels[start : start + batch_size], batch_size)
            chunks.append(
                keras.tree.map_structure(ops.convert_to_numpy, generate(batch_size, chunk))
            )
        samples = keras.tree.map_structure(lambda *parts: np.concatenate(parts)[:n], *chunks)
        return self.invert(samples)


def averaged(terms, weights=None):
    """Return the means over the batch of per-example loss terms, `{name: scalar}`.

    Args:
        terms: `{name: (batch,)}`, as `Model.loss_terms` returns them.
        weights: Weights of the examples (batch,), as Keras' `sample_weight`: each term is
            multiplied by them before the mean.
    """
    if weights is not None:
        weights = ops.cast(ops.reshape(weights, (-1,)), "float32")
        terms = {name: ops.cast(term, "float32") * weights for name, term in terms.items()}
    return {name: ops.mean(term) for name, term in terms.items()}


def _is_several(data):
    """Return whether validation data are `(x, y)` or `(x, y, weights)`, not a list of examples."""
    if isinstance(data, list):
        return (
            len(data) in (2, 3)
            and len({len(part) for part in data}) == 1
            and all(not isinstance(part, str) for part in data)
        )
    return isinstance(data, tuple)


def _first(data, n=PROBE):
    """Return the first n examples of raw data."""
    return {k: v[:n] for k, v in data.items()} if isinstance(data, dict) else data[:n]


def some_of(x, most):
    """Return at most so many examples of an array or of files, in order, the same each time."""
    chosen = np.random.default_rng(0).permutation(len(x))[:most]
    return np.asarray(x[np.sort(chosen)])


def draw_unlike(avoid, draw, seed=None):
    """Return the samples of `draw(seed=seed)`, those among `avoid` replaced by other seeds'.

    Raises:
        ValueError: If after `REDRAWS` draws some are still among `avoid`.
    """
    samples, avoid = list(draw(seed=seed)), set(avoid)
    seeds = np.random.default_rng(seed).integers(2**31, size=REDRAWS)
    for other in seeds.tolist():
        known = [i for i, sample in enumerate(samples) if sample in avoid]
        if not known:
            return samples
        others = draw(seed=other)
        for i in known:
            samples[i] = others[i]
    raise ValueError(
        f"after {REDRAWS} draws, {len(known)} of {len(samples)} samples are still among those to "
        "avoid: the model has learned them by heart; raise the temperature, or train it for less"
    )
