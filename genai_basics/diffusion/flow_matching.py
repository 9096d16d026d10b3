"""Diffusion by flow matching (Lipman et al., 2022, https://arxiv.org/abs/2210.02747).

A straight line connects noise e ~ N(0, I), at time 0, with an example x, at time 1:

    x_t = (1 - t) e + t x        with the velocity        x - e

A network learns the mean velocity of all lines through a point, v(x_t, t) = E[x - e | x_t]:

    loss = E |v(x_t, t) - (x - e)|^2        x from the data, e and log t / (1 - t) from N(0, I)

Points that start as noise and move by dx/dt = v(x, t) are, at time 1, distributed as the data.
(Middle times are drawn more, https://arxiv.org/abs/2403.03206; uniform ones did half as well.)

For data from N(m, s^2 I), the velocity is known. The model starts with it, and the network F adds
to it, with its own scale (Karras et al., 2022, https://arxiv.org/abs/2206.00364):

    r^2 = t^2 s^2 + (1 - t)^2
    v(x, t) = m + (t s^2 - (1 - t)) / r^2 (x - t m) + s / r F((x - t m) / r, t)

In pictures, s differs between frequencies and colours: x and F stand for their coefficients in
that basis (`Spectrum`), except that the r of F's input is one number, from the mean of s^2.

A conditional network also gets the label y, except for some examples, so that it learns both
velocities. Guidance w uses v(x, t) + w (v(x, t, y) - v(x, t)): w = 1 is as trained, larger w
makes samples more typical of y (Ho & Salimans, 2022, https://arxiv.org/abs/2207.12598).
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Literal

import keras
import numpy as np
from keras import ops

from ..backend import gradient_step
from ..callbacks import cosine, slow_cosine
from ..checks import at_least, between, idle, whole
from ..chunks import alone
from ..layers import MovingAverage
from ..layers.blocks import check_shape, check_widths
from ..losses import averaged, single
from ..metrics.features import Judge, some_examples
from ..model import Model
from ..preprocessing import Numbers
from . import evaluation
from .networks import build_dense, build_unet
from .spectrum import Spectrum, mixed

__all__ = ["Diffusion", "build_diffusion"]

SMALL = 1024  # elements per example; networks for more need a slow start to learn at all
DENSE_UP_TO = 256  # elements per example; convolutions are better for more
ADAPT_ON = 5000  # maximum examples from which the spectrum is estimated
JUDGE_LIMIT = 20_000  # maximum examples that the judge trains on


def build_diffusion(
    input_shape: Sequence[int | None] = (28, 28, 1),
    *,
    num_classes: int | None = None,
    network: Literal["dense", "conv"] | None = None,
    filters: Sequence[int] = (32, 64),
    hidden_units: Sequence[int] = (256, 256, 256),
    guidance: float = 1.0,
    steps: int = 15,
    label_dropout: float = 0.1,
    ema: float | None = 0.998,
    features=None,
    class_names: Iterable[str] | None = None,
    value_range: tuple[float, float] | None = (0, 255),
    seed: int | None = None,
) -> "Diffusion":
    """Build a diffusion model for images or vectors. Then `compile()` and `fit(x)`.

    Args:
        input_shape: Shape of one example: (height, width, channels), sides 8 to 64, or (numbers,).
        num_classes: Number of labels of a conditional model, trained by `fit(x, labels)`.
            `None` learns without labels.
        network: `"dense"` or `"conv"`, a U-Net. `None`: conv for images over 256 numbers.
        filters: Channels of the U-Net at a half, a quarter... of the size of the images (from
            their full size below 16 pixels). The last is repeated for larger images.
        hidden_units: Widths of the dense layers.
        guidance: Default strength of the label in `sample`.
        steps: Default number of sampling steps; each calls the network twice.
        label_dropout: Share of the training examples whose label is hidden.
        ema: Decay of the moving average of the weights that samples come from.
        features: Network from examples in [0, 1] to features for the Fréchet distance. `None`:
            a small classifier trained on the labels, random convolutions without labels.
        class_names: Names of the labels.
        value_range: Range of the data. Vectors: `None` standardizes each number instead.
        seed: Seed of weights, noise and the order of data. `None` draws a random seed.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> from genai_basics import build_diffusion, load_data
    >>> data = load_data("digits")
    >>> model = build_diffusion((8, 8, 1), num_classes=10, seed=0)
    >>> model.compile()
    >>> history = model.fit(data.train.x, data.train.y, epochs=1, verbose=0)
    >>> model.sample(16, labels=[3], seed=0).shape
    (16, 8, 8, 1)
    """
    input_shape = tuple(input_shape)
    is_image = len(input_shape) == 3
    size = math.prod(side or 0 for side in input_shape)
    network = network or ("conv" if is_image and size > DENSE_UP_TO else "dense")
    check_shape(input_shape, 1, network, num_classes)
    check_widths(build_diffusion, locals())
    at_least("guidance", guidance, 0)
    between("label_dropout", label_dropout, 0, 1)
    if not num_classes:
        idle(build_diffusion, locals(), "guidance", "label_dropout", because="without labels")
    if not is_image and value_range == (0, 255):
        value_range = None
    init = keras.initializers.LecunNormal(keras.random.SeedGenerator(seed))
    build, widths = {"dense": (build_dense, hidden_units), "conv": (build_unet, filters)}[network]
    return Diffusion(
        build(input_shape, widths, num_classes, init),
        num_classes=num_classes,
        guidance=guidance,
        steps=steps,
        label_dropout=label_dropout,
        ema=ema,
        features=features,
        class_names=class_names,
        value_range=value_range,
        seed=seed,
    )


@keras.saving.register_keras_serializable(package="genai_basics")
class Diffusion(Model):
    """Flow matching with any network F: [x, t] or [x, t, one-hot label] -> output of x's shape.

    The network gets x in and around [-1, 1], and t of shape (batch, 1). Samples come from
    `ema_network`, a moving average of its weights.
    """

    network_range = (-1.0, 1.0)
    batch_size = 64
    large = property(lambda self: math.prod(self.spectrum.shape) > SMALL)
    learning_rate = property(lambda self: 1e-3 if self.large else 5e-3)
    anneal = property(lambda self: slow_cosine if self.large else cosine)
    averaged = "network"
    loss_keyword = "no keyword: it is the flow matching loss"

    # For commands, run folders and the audit; see evaluation.py.
    report, answer, pictures = evaluation.report, evaluation.answer, evaluation.pictures
    examples, exported = evaluation.examples_of_samples, evaluation.exported
    losses_by_example, features_of = evaluation.losses_by_example, evaluation.features_of
    steps_from_noise = evaluation.steps_from_noise

    def __init__(
        self,
        network,
        *,
        num_classes=None,
        guidance=1.0,
        steps=15,
        label_dropout=0.1,
        ema=0.998,
        features=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.network, self.num_classes = network, num_classes
        self.guidance, self.steps = at_least("guidance", guidance, 0), whole("steps", steps, 1)
        self.label_dropout = between("label_dropout", label_dropout, 0, 1)
        self.ema = between("ema", ema, 0, 1)
        self.average = MovingAverage(network, ema)
        shape = network.inputs[0].shape[1:]
        self.features = features
        self.judge = Judge(shape, num_classes or len(self.class_names or ()) or None, features)
        self.spectrum = Spectrum(name="spectrum", dtype="float32")
        self.spectrum.build((None, *shape))
        self.sampling_steps = self._scalar("sampling_steps")
        self.sampling_guidance = self._scalar("sampling_guidance")
        reach = None if self.value_range is None else self.network_range
        self.preprocessor = Numbers(shape, self.value_range, reach)
        self.built = True

    @property
    def ema_network(self):
        """The averaged network, from which samples come."""
        return self.average.network

    def default_optimizer(self, learning_rate):
        return keras.optimizers.Adam(learning_rate, beta_2=0.99, global_clipnorm=1.0)

    # Data.

    reads_y = property(lambda self: bool(self.num_classes or self.judge.classifier is not None))

    def adapt(self, x, y=None):
        """Fit the preprocessing, and m and s of the initial velocity."""
        super().adapt(x, y)
        numbers = self.preprocessor(some_examples((x,), ADAPT_ON)[0])
        self.spectrum.adapt(ops.convert_to_numpy(numbers))
        if self.judge.classifier is not None and y is not None:
            x, y = some_examples((x, self.labels.encode(y)), JUDGE_LIMIT)
            self.judge.adapt(ops.convert_to_numpy(self.seen(self.preprocessor(x))), y)

    def seen(self, x):
        """Convert x from the network's range to the input of the judge: pictures in [0, 1]."""
        return x if self.value_range is None else 0.5 * (x + 1.0)

    def prepared_features(self, x):
        """Return features (n, d) of prepared x."""
        return self.judge(self.seen(self.preprocessor(x)))

    def prepared_loss(self, *batch):
        """Return the loss of each example of a prepared batch, (batch,)."""
        return self.loss_terms(*self.transform(*batch))["loss"]

    # The velocity and its loss.

    def one_hot(self, labels):
        return ops.one_hot(labels, self.num_classes) if self.num_classes else None

    def velocity(self, x, t, label=None, network=None, training=False):
        """Return v(x, t, label), with the shape of x. t: (batch, 1); label: one-hot, 0 for none."""
        network = network or self.ema_network
        inputs = [ops.convert_to_tensor(part) for part in (t, label) if part is not None]
        mean, s, t = self.spectrum.mean, self.spectrum.deviation, _beside(t, x)
        from_mean = x - t * mean
        overall = ops.mean(ops.square(s))
        scale = ops.sqrt(ops.square(t) * overall + ops.square(1.0 - t))
        outputs = single(network([from_mean / scale, *inputs], training=training))
        r = ops.sqrt(ops.square(t * s) + ops.square(1.0 - t))
        known = (t * ops.square(s) - (1.0 - t)) / ops.square(r) * self.spectrum.forward(from_mean)
        return mean + self.spectrum.back(known + s / r * self.spectrum.forward(outputs))

    def loss_terms(self, x, y=None, training=False):
        """Return `{"loss": (batch,)}`: the squared error of v, averaged within each example."""
        noise, network = self.noise_of(training), self.network if training else self.ema_network
        n, label = ops.shape(x)[0], self.one_hot(y)
        if training and label is not None:
            kept = keras.random.uniform((n, 1), seed=noise) >= self.label_dropout
            label = label * ops.cast(kept, label.dtype)
        t = ops.sigmoid(keras.random.normal((n, 1), seed=noise))
        e = keras.random.normal(ops.shape(x), seed=noise)
        between = (1.0 - _beside(t, x)) * e + _beside(t, x) * x
        error = self.velocity(between, t, label, network, training) - (x - e)
        return {"loss": ops.mean(ops.square(error), axis=tuple(range(1, len(x.shape))))}

    def train_step(self, data):
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        terms = gradient_step(
            lambda: averaged(self.loss_terms(x, y, training=True), weights, self.losses),
            self.network.trainable_variables,
            self.optimizer,
        )
        self.average.move(self.network, self.optimizer.iterations)
        return self.track(ops.shape(x)[0], terms)

    def test_step(self, data):
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        terms = averaged(self.loss_terms(x, y), weights, self.losses)
        return self.track(ops.shape(x)[0], terms)

    def call(self, x, t, labels=None, training=False):
        """Return the velocity at points x (batch, ...), in network space, and times t."""
        return self.velocity(x, t, self.one_hot(labels), training=training)

    def predict(self, x, y=None, batch_size=None, verbose="auto", **kwargs):
        """Return the loss of each raw x, (n,); lower is more typical of the data."""
        return self.losses_by_example(x, y, batch_size)

    # From noise to examples and back.

    def guided_velocity(self, x, t, label=None):
        """Return the velocity at times t (batch, 1), guided by a one-hot label."""
        if label is None:
            return self.velocity(x, t)

        as_learned, arguments = self.sampling_guidance == 1.0, (x, t, label)
        return ops.cond(
            as_learned, lambda: self.velocity(*arguments), lambda: self.extrapolated(*arguments)
        )

    def extrapolated(self, x, t, label):
        """Return v without label + guidance * (v with label - v without)."""
        labels = ops.concatenate([label, ops.zeros_like(label)])
        both = self.velocity(ops.concatenate([x, x]), ops.concatenate([t, t]), labels)
        with_label, without = ops.split(both, 2)
        return without + self.sampling_guidance * (with_label - without)

    def follow(self, x, labels=None, start=0.0, velocity=None):
        """Move points x from time `start`, 0 or 1, to the other end."""
        label, h = self.one_hot(labels), (1.0 - 2.0 * start) / self.sampling_steps

        def step(i, x):
            t = ops.full((ops.shape(x)[0], 1), start + h * ops.cast(i, "float32"))
            return self.moved(x, t, h, label, velocity)

        return ops.fori_loop(0, ops.cast(self.sampling_steps, "int32"), step, x)

    def moved(self, x, t, h, label=None, velocity=None):
        """Move points x from times t (batch, 1) to t + h by one step of Heun's method."""
        velocity = velocity or self.guided_velocity
        v = velocity(x, t, label)
        return x + 0.5 * h * (v + velocity(x + h * v, t + h, label))

    def next_points(self, x, t, labels=None):
        """Return where points x at times t are after one of the sampling steps."""
        return self.moved(x, t, 1.0 / self.sampling_steps, self.one_hot(labels))

    def generate(self, n, labels=None):
        shape = (n, *self.preprocessor.shape)
        return self.follow(keras.random.normal(shape, seed=self.sampling_noise), labels)

    @alone
    def sample(
        self,
        n=1,
        *,
        seed=None,
        batch_size=256,
        labels=None,
        guidance=None,
        steps=None,
        interpolate=None,
    ):
        """Draw n samples, in the data's range.

        Args:
            n, seed, batch_size, labels: As in `Model.sample`.
            guidance: Strength of the label: 1 samples as trained, more gives more typical and
                less diverse examples of the label, 0 ignores it. Values other than 1 take twice
                the time. `None` uses the builder's.
            steps: Number of sampling steps: more are slower and more accurate. `None` uses the
                builder's.
            interpolate: Draw only one in this many samples; the others interpolate between it and
                the next.
        """
        self.set_sampler(guidance, steps)
        if interpolate is None:
            return super().sample(n, seed=seed, batch_size=batch_size, labels=labels)
        whole("interpolate", interpolate, 2)
        rng = np.random.default_rng(seed)
        corners = rng.standard_normal(
            (-(-whole("n", n, 1) // interpolate) + 1, *self.preprocessor.shape)
        )
        if labels is None and self.num_classes:
            labels = np.arange(self.num_classes).repeat(interpolate)
        ways = [mixed(*pair, interpolate + 1)[:-1] for pair in itertools.pairwise(corners)]
        return self.decode(np.concatenate(ways)[:n], labels, guidance=guidance, steps=steps)

    def set_sampler(self, guidance=None, steps=None):
        """Set the strength of the label and the number of steps; `None`: the builder's."""
        guidance = self.guidance if guidance is None else at_least("guidance", guidance, 0)
        if guidance != 1 and not self.num_classes:
            raise ValueError(
                "`guidance` needs a model with labels: build it with num_classes. "
                f"Received: guidance={guidance}"
            )
        self.sampling_guidance.assign(guidance)
        self.sampling_steps.assign(self.steps if steps is None else whole("steps", steps, 1))

    def encode(self, x, labels=None, *, guidance=None, steps=None):
        """Return the noise that leads to raw x, with the shape of x: `decode` inverts it."""
        self.set_sampler(guidance, steps)
        return self.map_batches(self._encode_prepared, *self.prepare(x, labels))

    def _encode_prepared(self, x, labels=None):
        return self.follow(self.preprocessor(x), labels, start=1.0)

    def decode(self, z, labels=None, *, guidance=None, steps=None):
        """Return the examples that noise z (n, ...) leads to, in the data's range."""
        self.set_sampler(guidance, steps)
        z, shape = np.asarray(z, "float32"), self.preprocessor.shape
        if z.shape[1:] != shape:
            expected = ", ".join(map(str, ("n", *shape)))
            raise ValueError(f"z must have shape ({expected}). Received: shape {z.shape}")
        labels = self.labels.spread(len(z), labels)
        parts = (z,) if labels is None else (z, labels)
        return self.invert(self.map_batches(self.follow, *parts, batch_size=256))

    def interpolate(self, a, b, steps=8, *, labels=None):
        """Return `steps` examples from a to b.

        Their noise is mixed, so that each example in between is a sample. `labels`: for a
        conditional model, the label of both, or those of a and b.
        """
        whole("steps", steps, 2)
        labels = self.labels.spread(2, labels)
        noise = self.encode(np.stack([np.asarray(a), np.asarray(b)]), labels)
        along = None if labels is None else np.where(np.linspace(0, 1, steps) < 0.5, *labels)
        return self.decode(mixed(*noise, steps), along)


def _beside(t, x):
    """Reshape t (batch, 1) to as many axes as x."""
    return ops.reshape(t, (-1,) + (1,) * (len(x.shape) - 1))
