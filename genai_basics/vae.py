"""Variational autoencoder (Kingma & Welling, 2013, https://arxiv.org/abs/1312.6114).

The encoder maps x to a Gaussian q(z | x), the decoder maps z to p(x | z), and the loss is the
negative ELBO: -log p(x | z) + beta * KL(q(z | x) || N(0, I)), in nats.
"""

import math

import keras
import numpy as np
from keras import layers, ops

from . import metrics
from .backend import gradient_step
from .data.writers import image_grid
from .distributions import get_likelihood
from .layers import PixelShuffle, Sampling
from .model import Model

__all__ = ["VAE", "build_vae"]

DENSE_UP_TO = 4096  # numbers in an example; measured: more pay for convolutions


def build_vae(
    input_shape=(28, 28, 1),
    latent_dim=20,
    *,
    network=None,
    hidden_units=(512, 512),
    filters=(32, 64, 128),
    beta=1.0,
    likelihood=None,
    num_classes=None,
    class_names=None,
    value_range=(0, 255),
    seed=None,
):
    """Build a variational autoencoder for images or vectors. Then `compile()` and `fit(x)`.

    Args:
        input_shape: Shape of one example: (height, width, channels), sides from 8 to 128, or
            (numbers,).
        latent_dim: Size of the latent code z.
        network: `"dense"` or `"conv"`. `None` takes dense up to 4,096 numbers an example,
            where it reaches a lower bound in the same minutes on a CPU, and conv beyond.
        hidden_units: Widths of the dense encoder's layers; the decoder mirrors them.
        filters: Channels of the convolutional encoder's stages, each at half the size of the
            one before; stages that would fall under 4 pixels are left out.
        beta: Weight of the KL term. 1.0 is the ELBO; more gives a beta-VAE (Higgins et al., 2017).
        likelihood: `"bernoulli"`, `"gaussian"` (learned variance), `"logistic"` (discretized to
            256 levels) or a layer. `None`: bernoulli for images, gaussian for vectors.
        num_classes: Number of labels of a conditional VAE: `fit(x, labels)`.
        class_names: Names of the labels.
        value_range: Range of the data. Vectors: `None` standardizes each number instead.
        seed: Seed of weights, noise and the order of data. `None` draws a fresh one.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> from genai_basics import build_vae, load_data
    >>> data = load_data("digits")
    >>> vae = build_vae((8, 8, 1), latent_dim=4, hidden_units=(64,), seed=0)
    >>> vae.compile()
    >>> history = vae.fit(data.train.x, epochs=1, verbose=0)
    >>> vae.sample(16, seed=0).shape
    (16, 8, 8, 1)
    """
    input_shape = tuple(input_shape)
    is_image = len(input_shape) == 3
    if network is None:
        dense = not is_image or math.prod(input_shape) <= DENSE_UP_TO
        network = "dense" if dense else "conv"
    _check(input_shape, latent_dim, network, beta, num_classes)
    if not is_image and value_range == (0, 255):
        value_range = None
    initializer = keras.initializers.GlorotUniform(keras.random.SeedGenerator(seed))
    networks = {"dense": (_dense_networks, hidden_units), "conv": (_conv_networks, filters)}
    build, widths = networks[network]
    encoder, decoder = build(input_shape, latent_dim, widths, num_classes, initializer)
    return VAE(
        encoder,
        decoder,
        beta=beta,
        likelihood=likelihood or ("bernoulli" if is_image else "gaussian"),
        num_classes=num_classes,
        class_names=class_names,
        value_range=value_range,
        seed=seed,
        name="vae",
    )


def _check(input_shape, latent_dim, network, beta, num_classes):
    if latent_dim < 1:
        raise ValueError(f"`latent_dim` must be at least 1. Received: latent_dim={latent_dim}")
    if network not in ("dense", "conv"):
        raise ValueError(f'`network` must be "dense" or "conv". Received: network={network!r}')
    if beta < 0:
        raise ValueError(f"`beta` must not be negative. Received: beta={beta}")
    if num_classes is not None and num_classes < 2:
        raise ValueError(f"`num_classes` must be at least 2. Received: num_classes={num_classes}")
    if len(input_shape) not in (1, 3) or any(not size or size < 1 for size in input_shape):
        raise ValueError(
            "`input_shape` must be (height, width, channels) or (numbers,). "
            f"Received: input_shape={input_shape}"
        )
    if network == "conv" and (len(input_shape) != 3 or min(input_shape[:2]) < 8):
        raise ValueError(
            'network="conv" needs images of 8x8 pixels at least; use network="dense". '
            f"Received: input_shape={input_shape}"
        )


def _with_label(inputs, num_classes):
    """Return the model inputs and what to join to features: a label input, where conditional."""
    if not num_classes:
        return inputs, lambda x: x
    label = keras.Input((num_classes,), name="label")  # one-hot
    return [inputs, label], lambda x: layers.Concatenate()([x, label])


def _dense_networks(input_shape, latent_dim, hidden_units, num_classes, init):
    """Return a dense encoder x -> (mean, log_var) and decoder z -> parameters of p(x | z)."""
    x = keras.Input(input_shape, name="x")
    inputs, join = _with_label(x, num_classes)
    x = join(layers.Flatten()(x))
    for units in hidden_units:
        x = layers.Dense(units, "relu", kernel_initializer=init)(x)
    encoder = keras.Model(inputs, _code(x, latent_dim, init), name="encoder")

    z = keras.Input((latent_dim,), name="z")
    inputs, join = _with_label(z, num_classes)
    x = join(z)
    for units in reversed(hidden_units):
        x = layers.Dense(units, "relu", kernel_initializer=init)(x)
    x = layers.Dense(math.prod(input_shape), kernel_initializer=init)(x)
    decoder = keras.Model(inputs, layers.Reshape(input_shape)(x), name="decoder")
    return encoder, decoder


def _conv_networks(input_shape, latent_dim, filters, num_classes, init):
    """Return a convolutional encoder and decoder; upsampling by pixel shuffles."""
    height, width, channels = input_shape
    stages = [f for i, f in enumerate(filters) if min(height, width) >> (i + 1) >= 4] or [filters[0]]

    def conv(filters, strides=1, activation="relu"):
        return layers.Conv2D(
            filters, 3, strides, "same", activation=activation, kernel_initializer=init
        )

    x = keras.Input(input_shape, name="x")
    inputs, join = _with_label(x, num_classes)
    for width_of_stage in stages:
        x = conv(width_of_stage, strides=2)(x)
    rows, columns = x.shape[1:3]
    x = layers.Dense(256, "relu", kernel_initializer=init)(join(layers.Flatten()(x)))
    encoder = keras.Model(inputs, _code(x, latent_dim, init), name="encoder")

    z = keras.Input((latent_dim,), name="z")
    inputs, join = _with_label(z, num_classes)
    x = layers.Dense(256, "relu", kernel_initializer=init)(join(z))
    x = layers.Dense(rows * columns * stages[-1], "relu", kernel_initializer=init)(x)
    x = layers.Reshape((rows, columns, stages[-1]))(x)
    for width_of_stage in reversed(stages[:-1]):
        x = layers.ReLU()(PixelShuffle()(conv(4 * width_of_stage, activation=None)(x)))
    x = PixelShuffle()(conv(4 * channels, activation=None)(x))
    x = layers.Cropping2D(((0, x.shape[1] - height), (0, x.shape[2] - width)))(x)
    return encoder, keras.Model(inputs, x, name="decoder")


def _code(x, latent_dim, init):
    mean = layers.Dense(latent_dim, kernel_initializer=init, name="z_mean")(x)
    return [mean, layers.Dense(latent_dim, kernel_initializer=init, name="z_log_var")(x)]


@keras.saving.register_keras_serializable(package="genai_basics")
class VAE(Model):
    """A VAE of any `encoder: x -> (mean, log_var)` with any `decoder: z -> parameters of p(x | z)`.

    The networks see x in [0, 1] and, where `num_classes` is given, a second input: the one-hot
    label. `likelihood` says what the decoder's output means: logits for `"bernoulli"`.
    """

    tracked = ("reconstruction", "kl")
    loss_keyword = "`likelihood` and `beta` of build_vae"
    learning_rate = 2e-3

    def __init__(
        self, encoder, decoder, *, beta=1.0, likelihood="bernoulli", num_classes=None, **kwargs
    ):
        super().__init__(**kwargs)
        self.encoder, self.decoder = encoder, decoder
        self.beta, self.num_classes = beta, num_classes
        self.likelihood = get_likelihood(likelihood)
        self.likelihood.build()
        self.sampling = Sampling(name="sampling")
        self.scaling = layers.Normalization() if self.value_range is None else None
        if self.scaling is not None:
            self.scaling.build((None, *self.input_shape_of_one()))
        self.built = True

    def input_shape_of_one(self):
        return self.encoder.inputs[0].shape[1:]

    def adapt(self, x, y=None):
        if self.scaling is not None:
            self.scaling.adapt(np.asarray(x, "float32"))

    def prepare(self, x, y=None, sample_weight=None):
        if self.num_classes and y is None:
            raise ValueError(f"a conditional VAE needs labels: pass y. Received: y={y}")
        parts = super().prepare(x, y if self.num_classes else None, sample_weight)
        return (parts[0], self.check_labels(parts[1]), *parts[2:]) if self.num_classes else parts

    def preprocess(self, x):
        return super().preprocess(x) if self.scaling is None else self.scaling(x)

    def postprocess(self, outputs):
        if self.scaling is None:
            return super().postprocess(outputs)
        mean, variance = (ops.convert_to_numpy(v) for v in (self.scaling.mean, self.scaling.variance))
        return outputs * np.maximum(np.sqrt(variance), 1e-7) + mean

    def encode_batch(self, x, labels=None, training=False):
        """Return mean and log variance of q(z | x), each (batch, latent_dim)."""
        return self.encoder(self._joined(x, labels), training=training)

    def decode_batch(self, z, labels=None, training=False):
        """Return the parameters of p(x | z), of the shape of x."""
        return self.decoder(self._joined(z, labels), training=training)

    def _joined(self, x, labels):
        return [x, ops.one_hot(labels, self.num_classes)] if self.num_classes else x

    def call(self, x, labels=None, training=False):
        """Reconstruct x from the mean of q(z | x), without noise."""
        mean, _ = self.encode_batch(x, labels, training)
        return self.likelihood.mean(self.decode_batch(mean, labels, training))

    def negative_elbo(self, x, labels=None, training=False):
        """Return `(loss, reconstruction, kl)` in nats, averaged over the batch.

        reconstruction = -log p(x | z), z ~ q(z | x); kl = KL(q(z | x) || N(0, I))
        = sum over latents of (exp(log_var) + mean^2 - 1 - log_var) / 2 (appendix B).
        """
        # Sum within an example, average over the batch: a mean over pixels or latents as well
        # would silently change beta.
        reconstruction, kl = map(ops.mean, self.example_terms(x, labels, training))
        return reconstruction + self.beta * kl, reconstruction, kl

    def example_terms(self, x, labels=None, training=False):
        """Return `(reconstruction, kl)` of each example, two (batch,), in nats."""
        mean, log_var = self.encode_batch(x, labels, training)
        z = self.sampling([mean, log_var], noise=self.noise_of(training))
        parameters = self.decode_batch(z, labels, training)
        kl = 0.5 * (ops.exp(log_var) + ops.square(mean) - 1.0 - log_var)
        return self.likelihood.negative_log_likelihood(x, parameters), ops.sum(kl, axis=-1)

    def example_losses(self, x, y=None, sample_weight=None, training=False):
        reconstruction, kl = self.example_terms(x, y, training)
        return reconstruction + self.beta * kl

    def train_step(self, data):
        x, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        losses = gradient_step(
            lambda: self.negative_elbo(x, labels, training=True),
            self.trainable_variables,
            self.optimizer,
        )
        return self.track(ops.shape(x)[0], *losses)

    def test_step(self, data):
        x, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self.track(ops.shape(x)[0], *self.negative_elbo(x, labels))

    def predict_step(self, data):
        x, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self(x, labels, training=False)

    def generate(self, n, labels=None):
        z = keras.random.normal((n, self.decoder.inputs[0].shape[-1]), seed=self.sampling_noise)
        return self.likelihood.mean(self.decode_batch(z, labels))

    # Verbs on raw data.

    def predict(self, x, y=None, batch_size=None, verbose="auto", **kwargs):
        """Return reconstructions of x: `reconstruct`, with Keras' arguments."""
        data = self.pipeline(x, y, batch_size=batch_size)
        return self.postprocess(keras.Model.predict(self, data, verbose=verbose, **kwargs))

    def encode(self, x, labels=None):
        """Return the codes of x: the means of q(z | x), (n, latent_dim)."""
        return self.map_batches(self._encode_prepared, *self.prepare(x, labels))

    def _encode_prepared(self, x, labels=None):
        return self.encode_batch(self.preprocess(x), labels)[0]

    def features(self, x, y=None):
        return self.encode(x, y if self.num_classes else None)

    def decode(self, z, labels=None):
        """Return examples decoded from codes z, (n, latent_dim), in the data's range."""
        z = np.asarray(z, "float32")
        latent_dim = self.decoder.inputs[0].shape[-1]
        if z.ndim != 2 or z.shape[1] != latent_dim:
            raise ValueError(f"z must have shape (n, {latent_dim}). Received: shape {z.shape}")
        labels = self.sampling_labels(len(z), labels)
        parts = (z,) if labels is None else (z, labels)
        return self.postprocess(self.map_batches(self._decode_codes, *parts))

    def _decode_codes(self, z, labels=None):
        return self.likelihood.mean(self.decode_batch(z, labels))

    def reconstruct(self, x, labels=None):
        """Return x after a way through the code: decoded from the means of q(z | x)."""
        return self.predict(x, labels, verbose=0)

    def interpolate(self, a, b, steps=8, *, labels=None):
        """Return `steps` examples on the straight line between the codes of two: a first, b last.

        `labels`: the label of both, or of a and of b, for a conditional VAE.
        """
        if steps < 2:
            raise ValueError(f"`steps` must be at least 2. Received: steps={steps}")
        labels = self.sampling_labels(2, labels)
        codes = self.encode(np.stack([np.asarray(a), np.asarray(b)]), labels)
        weights = np.linspace(0.0, 1.0, steps)[:, None]
        line = codes[:1] * (1 - weights) + codes[1:] * weights
        along = None if labels is None else np.where(weights[:, 0] < 0.5, *labels)
        return self.decode(line, along)

    def report(self, x, y=None):
        logs = self.evaluate(x, y, verbose=0, return_dict=True)
        units = metrics.active_units(self.encode(x, y if self.num_classes else None))
        return {
            "negative_elbo": logs["reconstruction"] + logs["kl"],
            "reconstruction": logs["reconstruction"],
            "kl": logs["kl"],
            "active_units": units,
        }, {}

    def answer(self, x):
        """Reconstruct x; each row holds the mean absolute error, in the data's units."""
        x = np.asarray(x)
        labels = self.sampling_labels(len(x))
        outputs = self.reconstruct(x, labels)
        errors = np.abs(outputs.astype("float32") - x).reshape(len(x), -1).mean(axis=1)
        return [{"mean_absolute_error": float(error)} for error in errors], outputs

    def pictures(self, x, y=None):
        """Return reconstructions beside originals: rows in turn."""
        if len(self.input_shape_of_one()) != 3:
            return {}
        x = np.asarray(x[:30])
        labels = y[:30] if self.num_classes else None
        outputs = self.reconstruct(x, labels)
        rows = [part[i : i + 10] for i in range(0, len(x) // 10 * 10, 10) for part in (x, outputs)]
        return {"reconstructions": image_grid(np.concatenate(rows or [x, outputs]), columns=10)}
