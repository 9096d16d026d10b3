"""Autoencoders (Hinton & Salakhutdinov, 2006, https://doi.org/10.1126/science.1127647).

An encoder maps x to a code, a decoder maps the code back, and the loss is the mean squared error
of the reconstruction, with terms for a sparse code, a contractive encoder or a short file:

loss = reconstruction + sparsity * mean |code| + contractive * |J|^2 / d + rate * bits / numbers
"""

import math
from collections.abc import Sequence
from typing import Literal

import keras
import numpy as np
from keras import ops

from ..backend import gradient_step, gradients
from ..checks import idle, whole
from ..layers.blocks import check_widths
from ..losses import averaged, single
from ..metrics.features import some_examples
from ..model import Model
from ..preprocessing import Clips, Numbers
from . import autoencoder_networks as nets
from . import compression, evaluation, tiles, transform
from .density import CodeDensity
from .entropy import LARGEST, EntropyModel, round_straight_through
from .noise import Corruption, blind_spots, clean_examples, corrupted

__all__ = ["Autoencoder", "build_autoencoder"]

STARTERS, STARTING_NUMBERS = 1000, 2**25  # maximum examples, and their elements, to start from
COMPONENTS = 30  # of the density; with 10, some of 26 letters are sampled too often
LARGEST_CODE = 1024  # maximum size of a code that a density is fitted to
TABLES = 2048  # maximum number of frequency tables per code element; otherwise per channel


def build_autoencoder(
    input_shape: Sequence[int | None] = (28, 28, 1),
    latent_dim: int | None = None,
    *,
    network: Literal["dense", "conv", "unet"] | None = None,
    hidden_units: Sequence[int] = (512, 512),
    filters: Sequence[int] = (32, 64, 128),
    noise=None,
    noise_level: float = 0.3,
    target="clean",
    sparsity: float = 0.0,
    contractive: float = 0.0,
    rate: float = 0.0,
    value_range: tuple[float, float] | None = (0, 255),
    sample_rate: int | None = None,
    max_length: int | None = None,
    seed: int | None = None,
) -> "Autoencoder":
    """Build an autoencoder for pictures, vectors, series or clips of sound.

    Then `compile()` and `fit(x)`. By default it compresses each example to `latent_dim` numbers;
    arguments make it sparse, contractive, a denoiser or a codec.

    Args:
        input_shape: Shape of one example: (height, width, channels), (time, channels) or
            (numbers,).
        latent_dim: Size of the code; with `network="conv"` and a `rate`, channels of the code,
            which is then a map. `None`: 32; with a `rate` 128, or 16 channels per channel of
            the data, of which the rate determines how many are used.
        network: `"dense"`, `"conv"`, or `"unet"`: convolutions with skip connections, which
            denoise best and have no code to sample. `None`: unet for noise on pictures, series
            and sound, conv for pictures with a `rate`, otherwise dense for up to 4,096 numbers
            per example and conv for more.
        hidden_units: Widths of the dense encoder's layers; the decoder mirrors them.
        filters: Channels of the stages of "conv" and "unet", each at half the resolution of the
            previous one.
        noise: `"gaussian"`, `"mask"`, `"salt_pepper"` or `"poisson"`: noise that is added in
            training, for the model to remove (Vincent et al., 2008). `None`: no noise.
        noise_level: gaussian, poisson: standard deviation (poisson: at full brightness) as a
            fraction of the value range, or in standard deviations of the data if there is no
            range; mask, salt_pepper: fraction of numbers lost. A pair: drawn between the two.
        target: `"clean"`: the data are clean, or `fit(noisy, clean)`. `"noise2void"`: the data
            are noisy, and each number is predicted from its neighbours (Krull et al., 2019);
            `noise` must be `None`.
        sparsity: Weight of the mean absolute code, which is then positive (ReLU).
        contractive: Weight of the squared Frobenius norm of the encoder's Jacobian, per number
            of the code (Rifai et al., 2011).
        rate: Weight of the bits per element of x, added to the mean squared error: the code is
            rounded, and `compress` writes it. 0.01 makes small files, 0.001 good pictures.
            0: no rounding.
        value_range: Range of pictures. Other data are standardized.
        sample_rate: Samples per second of sound. Required for clips; `max_length` then applies.
        max_length: Samples in a clip of sound; `input_shape` is then (max_length, 1).
        seed: Seed of weights, noise and the order of the data. `None` draws a random seed.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> from genai_basics import build_autoencoder, load_data
    >>> data = load_data("digits")
    >>> autoencoder = build_autoencoder((8, 8, 1), latent_dim=8, hidden_units=(64,), seed=0)
    >>> autoencoder.compile()
    >>> history = autoencoder.fit(data.train.x, epochs=1, verbose=0)
    >>> autoencoder.encode(data.test.x).shape[1]
    8
    """
    if sample_rate is None:
        idle(build_autoencoder, locals(), "max_length", because="without `sample_rate`")
    else:
        input_shape = (max_length or whole("sample_rate", sample_rate, 1), 1)
    input_shape = tuple(input_shape)
    nets.check_shape(input_shape)
    nets.check_noise(input_shape, noise, noise_level, target)
    if network is None:
        network = nets.network_for(input_shape, noise or target == "noise2void", rate)
    if latent_dim is None:
        latent_dim = nets.latent_dim_for(input_shape, network, rate)
    check_widths(build_autoencoder, locals())
    if not noise and network != "unet":
        idle(build_autoencoder, locals(), "noise_level", because="without `noise`")
    nets.check_code(input_shape, latent_dim, network, sparsity, contractive, rate)
    init = keras.initializers.GlorotUniform(keras.random.SeedGenerator(seed))
    if network == "unet":
        encoder, decoder = nets.unet(input_shape, filters, noise_level, init)
    else:
        widths = hidden_units if network == "dense" else filters
        sizes = (input_shape, latent_dim, network, widths)
        encoder, decoder = nets.networks(*sizes, sparsity, rate, init)
    return Autoencoder(
        encoder,
        decoder,
        noise=noise,
        noise_level=noise_level,
        target=target,
        sparsity=sparsity,
        contractive=contractive,
        rate=rate,
        sample_rate=sample_rate,
        components=COMPONENTS,
        value_range=value_range if len(input_shape) == 3 else None,
        seed=seed,
        name="autoencoder",
    )


@keras.saving.register_keras_serializable(package="genai_basics")
class Autoencoder(Model):
    """An autoencoder of any `encoder: x -> code` with any `decoder: code -> x`.

    The networks get pictures in [0, 1] and other data standardized. If the encoder has several
    outputs, the decoder takes them all; such a model has no single code, so it can only
    reconstruct and denoise. The arguments are those of `build_autoencoder`.
    """

    tracked = ("reconstruction",)
    loss_keyword = "`noise`, `sparsity`, `contractive` and `rate` of build_autoencoder"
    learning_rate = 2e-3
    reads_y, reads_labels = True, False  # clean examples
    remedy = "use fewer epochs, more data, a smaller network or `noise` (--set noise=gaussian)"

    # For commands, run folders and the audit; see evaluation.py.
    report, answer, pictures = evaluation.report, evaluation.answer, evaluation.pictures
    examples, exported = evaluation.examples, evaluation.exported
    symptoms, features_of = evaluation.symptoms, evaluation.features_of
    losses_by_example, reads = evaluation.losses_by_example, evaluation.reads
    # Files, examples of any size, noise; see compression.py, tiles.py and noise.py.
    compress, decompress = compression.compress, compression.decompress
    reconstruct = denoise = tiles.reconstruct
    corrupt, prepare_targets = corrupted, clean_examples

    def __init__(
        self,
        encoder,
        decoder,
        *,
        noise=None,
        noise_level=0.3,
        target="clean",
        sparsity=0.0,
        contractive=0.0,
        rate=0.0,
        sample_rate=None,
        components=10,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.encoder, self.decoder = encoder, decoder
        self.noise_kind, self.noise_level, self.target = noise, noise_level, target
        self.sparsity, self.contractive, self.rate = sparsity, contractive, rate
        self.sample_rate, self.components = sample_rate, components
        self.corruption = noise and Corruption(noise, noise_level, self.value_range is not None)
        self.preprocessor = (Clips if sample_rate else Numbers)(
            encoder.inputs[0].shape[1:],
            self.value_range,
            self.network_range,
            reach=self.corruption.reach if noise else 0.0,
        )
        self.entropy, self.density = None, None
        if self.has_code:
            self._build_code(encoder.outputs[0].shape[1:])
        self.can_sample = self.density is not None
        weights = {"sparsity": sparsity, "contraction": contractive, "bits": rate}
        extra = [name for name, weight in weights.items() if weight]
        self.tracked = (*self.tracked, *extra)
        self.trackers += [keras.metrics.Mean(name) for name in extra]
        self.built = True

    def _build_code(self, shape):
        if self.rate:
            numbers = math.prod(shape)
            self.entropy = EntropyModel(name="entropy")
            self.entropy.build(numbers if numbers <= TABLES else shape[-1])
        if math.prod(shape) <= LARGEST_CODE:
            self.density = CodeDensity(self.components, name="density")
            self.density.build(math.prod(shape))

    restores = True

    def get_config(self):
        return {**super().get_config(), "noise": self.noise_kind}

    @property
    def batch_size(self):
        """Default number of examples per batch of `fit`."""
        # Measured: convolutional autoencoders learn fastest with many small steps.
        return 128 if self.has_code and len(self.encoder.outputs[0].shape) == 2 else 16

    @property
    def has_code(self):
        """Whether the encoder returns one code rather than several maps."""
        return len(self.encoder.outputs) == 1

    # Data.

    def adapt(self, x, y=None):
        x = self.preprocessor.prepare(x)
        self.preprocessor.adapt(x)
        most = min(STARTERS, max(1, STARTING_NUMBERS // math.prod(x.shape[1:])))
        (few,) = some_examples((x,), most)
        numbers = ops.convert_to_numpy(self.preprocessor(few))
        step = transform.step_of(self.rate) if self.rate else None
        transform.start(self.encoder, self.decoder, numbers, step)
        if self.entropy is not None:
            self.entropy.start(self.map_batches(self._encode_prepared, few))

    # The mathematics.

    def call(self, x, training=False):
        """Return the reconstruction of x, from a rounded code if there is a rate."""
        code = single(self.encoder(x, training=training))
        if self.entropy is not None:
            code = ops.clip(round_straight_through(code), -LARGEST, LARGEST)
        return single(self.decoder(code, training=training))

    def loss_terms(self, x, y=None, training=False):
        """Return `{"loss", "reconstruction", ...}` of each example, (batch,).

        reconstruction is the mean squared error over all elements, in network space; with
        target="noise2void", over the hidden pixels. Bits are per example.

        Args:
            x: Examples in network space.
            y: Clean examples, raw, if x is noisy.
        """
        seed, hidden = self.noise_of(training), None
        clean = x if y is None else self.preprocessor(y)
        if self.corruption is not None:
            x = self.corruption(x, seed=seed)
        elif self.target == "noise2void":
            x, hidden = blind_spots(x, seed)
        terms, loss = {}, 0.0
        if self.contractive:
            code, terms["contraction"] = self.contraction(x, seed, training)
            loss += self.contractive * terms["contraction"]
        else:
            code = single(self.encoder(x, training=training))
        if self.sparsity:
            terms["sparsity"] = mean_of_each(ops.abs(code))
            loss += self.sparsity * terms["sparsity"]
        if self.entropy is not None:
            terms["bits"] = self.entropy.bits(code, seed)
            loss += self.rate * terms["bits"] / math.prod(x.shape[1:])
            code = round_straight_through(code)
        squares = ops.square(single(self.decoder(code, training=training)) - clean)
        if hidden is not None:  # the mean over the hidden pixels of the batch
            squares = squares * hidden / ops.maximum(ops.mean(hidden), 1e-6)
        reconstruction = mean_of_each(squares)
        return {"loss": reconstruction + loss, "reconstruction": reconstruction, **terms}

    def contraction(self, x, seed, training=False):
        """Return the code of each example, and |J|^2 divided by its length, J = d code / d x.

        |J|^2 = E |v J|^2 for random signs v (Hutchinson, 1990), estimated from one draw.
        """
        codes = []

        def projected(x):
            codes.append(single(self.encoder(x, training=training)))
            draw = keras.random.uniform(ops.shape(codes[0]), -1.0, 1.0, seed=seed)
            return ops.sum(ops.sign(draw) * codes[0])

        _, slopes = gradients(projected, x)
        squares = ops.sum(ops.square(slopes), axis=tuple(range(1, len(x.shape))))
        return codes[0], squares / math.prod(codes[0].shape[1:])

    def train_step(self, data):
        x, clean, weights = keras.utils.unpack_x_y_sample_weight(data)
        terms = gradient_step(
            lambda: averaged(self.loss_terms(x, clean, training=True), weights, self.losses),
            self.trainable_variables,
            self.optimizer,
        )
        return self.track(ops.shape(x)[0], terms)

    def test_step(self, data):
        x, clean, weights = keras.utils.unpack_x_y_sample_weight(data)
        terms = averaged(self.loss_terms(x, clean), weights, self.losses)
        return self.track(ops.shape(x)[0], terms)

    def finalize(self, x, y=None, validation=None):
        """Fit the density of codes, and the tables of `compress`, to the trained encoder."""
        if self.density is None and self.entropy is None:
            return
        x = self.prepare(x)[0]
        count = min(len(x), self.density.examples if self.density else 10_000)
        chosen = np.random.default_rng(0).choice(len(x), count, replace=False)
        codes = self.map_batches(self._encode_prepared, x[np.sort(chosen)])
        if not np.isfinite(codes).all():
            return
        if self.entropy is not None:
            self.entropy.fit_tables(codes)
        if self.density is not None:
            self.density.fit(codes.reshape(len(codes), -1))

    # Methods on raw data.

    def draw_codes(self, n):
        """Return n codes from the density of codes, drawn with `self.sampling_noise`."""
        code = self.density.sample(n, self.sampling_noise)
        code = ops.reshape(code, (n, *self.decoder.inputs[0].shape[1:]))
        code = ops.relu(code) if self.sparsity else code
        return ops.round(code) if self.entropy is not None else code

    def generate(self, n, labels=None):
        return self._decode_codes(self.draw_codes(n))

    def sample(self, n=1, *, seed=None, batch_size=256):
        """Draw n samples from the density of codes, in the data's range; see `Model.sample`."""
        if not self.can_sample:
            raise ValueError(
                'this autoencoder has no code to sample: build it with network="dense" or "conv"'
            )
        return super().sample(n, seed=seed, batch_size=batch_size)

    def encode(self, x):
        """Return the codes of x, (n, latent_dim); integers if there is a rate."""
        self._check_code()
        return self.map_batches(self._encode_prepared, *self.prepare(x)[:1])

    def _encode_prepared(self, x):
        code = single(self.encoder(self.preprocessor(x)))
        return ops.clip(ops.round(code), -LARGEST, LARGEST) if self.entropy is not None else code

    def _check_code(self):
        if not self.has_code:
            raise ValueError(
                'network="unet" has skip connections, so it has no code: build it with '
                'network="dense" or "conv"'
            )

    def decode(self, codes):
        """Return examples decoded from codes, in the data's range."""
        self._check_code()
        codes, shape = np.asarray(codes, "float32"), self.decoder.inputs[0].shape
        if codes.shape[1:] != shape[1:]:
            raise ValueError(
                f"codes must have shape (n, {', '.join(map(str, shape[1:]))}). "
                f"Received: shape {codes.shape}"
            )
        return self.preprocessor.invert(self.map_batches(self._decode_codes, codes))

    def _decode_codes(self, codes):
        return single(self.decoder(codes))

    def reconstruct_batch(self, x):
        """Return the reconstructions of a batch of prepared x, in network space."""
        return self(self.preprocessor(x))

    def interpolate(self, a, b, steps=8):
        """Return `steps` examples on the straight line between the codes of a and b."""
        whole("steps", steps, 2)
        codes = self.encode(np.stack([np.asarray(a), np.asarray(b)]))
        weights = np.linspace(0.0, 1.0, steps).reshape(-1, *[1] * (codes.ndim - 1))
        return self.decode(codes[:1] * (1 - weights) + codes[1:] * weights)


def mean_of_each(x):
    """Return the mean of each example of x (batch, ...), (batch,)."""
    return ops.mean(x, axis=tuple(range(1, len(x.shape))))
