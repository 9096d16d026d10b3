"""Autoencoders (Hinton & Salakhutdinov, 2006, https://doi.org/10.1126/science.1127647).

An encoder maps x to a code, a decoder maps the code back, and the loss is the mean squared
error between the two, with terms for a sparse code, a contractive encoder or a short file:

loss = reconstruction + sparsity * mean |code| + contractive * |J|^2 / d + rate * bits / numbers
"""

import dataclasses
import math

import keras
import numpy as np
from keras import ops

from .. import metrics
from ..backend import gradient_step, gradients
from ..data.writers import image_grid
from ..model import EVALUATION_SEED, some_of
from . import transform
from .codec import Codec
from .compression import LARGEST, EntropyModel, round_straight_through
from .density import CodeDensity
from .noise import Corruption, blind_spots, in_tiles

__all__ = ["Autoencoder"]

STARTERS, STARTING_NUMBERS = 1000, 2**25  # examples, and numbers of them, to start from
LARGEST_CODE = 1024  # numbers in a code that a density is still fitted to
TABLES = 2048  # of frequencies at most, one a number of the code; else one a channel


@keras.saving.register_keras_serializable(package="genai_basics")
class Autoencoder(Codec):
    """An autoencoder of any `encoder: x -> code` with any `decoder: code -> x`.

    The networks see pictures in [0, 1] and other data standardized. An encoder with several
    outputs hands them all to the decoder; such a model has no code of its own, so it
    reconstructs and denoises only. Arguments as in `build_autoencoder`.
    """

    tracked = ("reconstruction",)
    loss_keyword = "`noise`, `sparsity`, `contractive` and `rate` of build_autoencoder"
    learning_rate = 2e-3
    remedy = "use fewer epochs, more data, a smaller network or `noise` (--set noise=gaussian)"

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
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.encoder, self.decoder = encoder, decoder
        self.noise_kind, self.noise_level, self.target = noise, noise_level, target
        self.sparsity, self.contractive, self.rate = sparsity, contractive, rate
        self.sample_rate = sample_rate
        self.standardize()
        self.corruption = noise and Corruption(noise, noise_level, self.value_range is not None)
        self.entropy, self.density = None, None
        if self.has_code:
            self._build_code(encoder.outputs[0].shape[1:])
        names = {"sparsity": sparsity, "contraction": contractive, "bits": rate}
        self.penalties = tuple(name for name, weight in names.items() if weight)
        for name in self.penalties:
            self.trackers.append(keras.metrics.Mean(name))
        self.built = True

    def _build_code(self, shape):
        if self.rate:
            numbers = math.prod(shape)
            self.entropy = EntropyModel(name="entropy")
            self.entropy.build(numbers if numbers <= TABLES else shape[-1])
        if math.prod(shape) <= LARGEST_CODE:
            self.density = CodeDensity(name="density")
            self.density.build(math.prod(shape))

    def get_config(self):
        config = super().get_config()
        return {**config, "noise": self.noise_kind}

    def input_shape_of_one(self):
        return self.encoder.inputs[0].shape[1:]

    @property
    def batch_size(self):
        """Examples in a batch of `fit` where none is given."""
        # Measured: convolutions from map to map learn most in a minute by many small steps.
        return 128 if self.has_code and len(self.encoder.outputs[0].shape) == 2 else 16

    @property
    def has_code(self):
        """Whether the encoder gives a code, not maps that lead past it."""
        return len(self.encoder.outputs) == 1

    # Data.

    def adapt(self, x, y=None):
        x = self._as_array(x)
        super().adapt(x)
        count = min(STARTERS, max(1, STARTING_NUMBERS // math.prod(x.shape[1:])))
        few = some_of(x, count)
        numbers = ops.convert_to_numpy(self.preprocess(few))
        step = transform.step_of(self.rate) if self.rate else None
        transform.start(self.encoder, self.decoder, numbers, step)
        if self.entropy is not None:
            self.entropy.start(self.map_batches(self._encode_prepared, few))

    def _as_array(self, x):
        """Return x as one array; clips of sound of any length cut off, or with silence after."""
        if not self.sample_rate:
            return x if hasattr(x, "shape") else np.asarray(x)
        if hasattr(x, "shape"):
            return x[..., None] if x.ndim == 2 else x
        length = self.input_shape_of_one()[0]
        array = np.zeros((len(x), length, 1), "float32")
        for row, clip in zip(array, x, strict=True):
            clip = np.asarray(clip, "float32").reshape(-1)[:length]
            row[: len(clip), 0] = clip
        return array

    def prepare(self, x, y=None, sample_weight=None):
        x = self._as_array(x)
        return super().prepare(x, self._clean(x, y), sample_weight)

    def _clean(self, x, y):
        """Return y where it holds clean examples like x, None where it holds labels."""
        alike = getattr(y, "shape", None) == getattr(x, "shape", ())
        return y if alike else None

    def _check_range(self, low, high):
        """As `Model` does, but let the noise that is to be taken away leave the range."""
        start, stop = self.value_range
        reach = 0.0 if self.corruption is None else self.corruption.reach * (stop - start)
        low, high = max(low, min(start, low + reach)), min(high, max(stop, high - reach))
        super()._check_range(low, high)

    def transform(self, *batch):
        return tuple(self.preprocess(part) for part in batch[:2]) + batch[2:]

    # The mathematics.

    def call(self, x, training=False):
        """Return x after a way through the code, rounded where there is a rate."""
        code = self.encoder(x, training=training)
        if self.entropy is not None:
            code = ops.clip(round_straight_through(code), -LARGEST, LARGEST)
        return self.decoder(code, training=training)

    def losses_of(self, x, clean=None, training=False):
        """Return `(loss, reconstruction, *penalties)`, means over the batch.

        reconstruction is the mean squared error over all numbers, in the network's units: of
        the hidden pixels alone with target="noise2void". Bits are those of an example.
        """
        seed = self.noise_of(training)
        clean = x if clean is None else clean
        hidden = None
        if self.corruption is not None:
            x = self.corruption(x, seed=seed)
        elif self.target == "noise2void":
            x, hidden = blind_spots(x, seed)
        if self.contractive:
            code, contraction = self.contraction(x, seed, training)
        else:
            code = self.encoder(x, training=training)
        penalties, extra = [], 0.0
        if self.sparsity:
            penalties.append(ops.mean(ops.abs(code)))
            extra += self.sparsity * penalties[-1]
        if self.contractive:
            penalties.append(contraction)
            extra += self.contractive * contraction
        if self.entropy is not None:
            penalties.append(ops.mean(self.entropy.bits(code, seed)))
            extra += self.rate * penalties[-1] / math.prod(x.shape[1:])
            code = round_straight_through(code)
        squares = ops.square(self.decoder(code, training=training) - clean)
        if hidden is None:
            reconstruction = ops.mean(squares)
        else:
            count = ops.maximum(ops.sum(hidden), 1.0) * clean.shape[-1]
            reconstruction = ops.sum(hidden * squares) / count
        return reconstruction + extra, reconstruction, *penalties

    def example_losses(self, x, y=None, sample_weight=None, training=False):
        return ops.mean(ops.square(self(x) - x), axis=tuple(range(1, len(x.shape))))

    def contraction(self, x, seed, training=False):
        """Return the code and |J|^2 over its length, J = d code / d x, averaged over the batch.

        |J|^2 = E |v J|^2 with v of random signs (Hutchinson, 1990): one draw, unbiased.
        """
        codes = []

        def projected(x):
            codes.append(self.encoder(x, training=training))
            draw = keras.random.uniform(ops.shape(codes[0]), -1.0, 1.0, seed=seed)
            return ops.sum(ops.sign(draw) * codes[0])

        _, slopes = gradients(projected, x)
        return codes[0], ops.sum(ops.square(slopes)) / ops.cast(ops.size(codes[0]), "float32")

    def train_step(self, data):
        x, clean, _ = keras.utils.unpack_x_y_sample_weight(data)
        losses = gradient_step(
            lambda: self.losses_of(x, clean, training=True),
            self.trainable_variables,
            self.optimizer,
        )
        return self.track(ops.shape(x)[0], *losses)

    def test_step(self, data):
        x, clean, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self.track(ops.shape(x)[0], *self.losses_of(x, clean))

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

    # Verbs on raw data.

    @property
    def can_sample(self):
        return self.density is not None

    def generate(self, n, labels=None):
        code = self.density.sample(n, self.sampling_noise)
        code = ops.reshape(code, (n, *self.decoder.inputs[0].shape[1:]))
        if self.sparsity:
            code = ops.relu(code)
        return self.decoder(ops.round(code) if self.entropy is not None else code)

    def sample(self, n=1, *, seed=None, batch_size=256):
        """Draw n samples from the density of codes, in the data's range; see `Model.sample`."""
        if not self.can_sample:
            raise ValueError(
                'this autoencoder has no code to draw from: build it with network="dense" or "conv"'
            )
        return super().sample(n, seed=seed, batch_size=batch_size)

    def encode(self, x):
        """Return the codes of x, (n, latent_dim); whole numbers where there is a rate."""
        self._check_code()
        return self.map_batches(self._encode_prepared, *self.prepare(x)[:1])

    def features_of(self, x, y=None):
        return self.encode(x).reshape(len(x), -1) if self.can_sample else None

    def _encode_prepared(self, x):
        code = self.encoder(self.preprocess(x))
        return ops.clip(ops.round(code), -LARGEST, LARGEST) if self.entropy is not None else code

    def _check_code(self):
        if not self.has_code:
            raise ValueError(
                'network="unet" leads past the code: build it with network="dense" or "conv"'
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
        return self.postprocess(self.map_batches(self._decode_codes, codes))

    def _decode_codes(self, codes):
        return self.decoder(codes)

    def reconstruct(self, x):
        """Return x after a way through the code; of any size, tile by tile where it must be.

        Args:
            x: Examples as `fit` takes them, or a list of pictures or clips of any sizes.

        Returns:
            An array where x was one, else a list.
        """
        shape = tuple(self.input_shape_of_one())
        if hasattr(x, "shape") and tuple(x.shape[1:]) == shape:
            return self.predict(x, verbose=0)
        outputs = [self._reconstruct_tiles(self._as_example(item)) for item in x]
        if self.sample_rate:
            outputs = [output[..., 0] for output in outputs]
        return np.stack(outputs) if hasattr(x, "shape") else outputs

    denoise = reconstruct

    def _as_example(self, x):
        x, shape = np.asarray(x), tuple(self.input_shape_of_one())
        x = x[..., None] if self.sample_rate and x.ndim == 1 else x
        if len(shape) == 1 or x.ndim != len(shape) or x.shape[-1] != shape[-1] or not x.size:
            raise ValueError(
                f"{self.name} takes examples of shape ({', '.join(map(str, shape))}), or other "
                f"sizes with as many axes and channels. Received: shape {x.shape}"
            )
        return x

    def _reconstruct_tiles(self, x):
        def through(tiles):
            self.check_input(tiles)
            return self.map_batches(self._call_prepared, tiles)

        return self.postprocess(in_tiles(through, x, tuple(self.input_shape_of_one()))[None])[0]

    def _call_prepared(self, x):
        return self(self.preprocess(x))

    def corrupt(self, x, seed=0):
        """Return x with the noise that the model was trained on, unbounded, in the data's range."""
        if self.corruption is None:
            raise ValueError("this autoencoder was built without `noise`")
        self.evaluation_noise.state.assign([EVALUATION_SEED + seed, 0])
        noisy = self.map_batches(self._corrupt_prepared, *self.prepare(x)[:1])
        if self.scaling is not None:
            return self.postprocess(noisy)
        low, high = self.value_range
        return noisy * (high - low) + low

    def _corrupt_prepared(self, x):
        return self.corruption(self.preprocess(x), seed=self.evaluation_noise, training=False)

    def interpolate(self, a, b, steps=8):
        """Return `steps` examples on the straight line between the codes of a and b."""
        if steps < 2:
            raise ValueError(f"`steps` must be at least 2. Received: steps={steps}")
        codes = self.encode(np.stack([np.asarray(a), np.asarray(b)]))
        weights = np.linspace(0.0, 1.0, steps).reshape(-1, *[1] * (codes.ndim - 1))
        return self.decode(codes[:1] * (1 - weights) + codes[1:] * weights)

    # What is reported and drawn.

    def report(self, x, y=None):
        x = self._as_array(x)
        clean = self._clean(x, y)
        if self.target == "noise2void" and clean is None:  # nobody knows the clean pictures
            loss = self.evaluate(x, verbose=0, return_dict=True)["reconstruction"]
            return {"hidden_pixel_error": loss}, {}
        inputs = x if self.corruption is None else self.corrupt(x)
        outputs = self.postprocess(self.map_batches(self._call_prepared, np.asarray(inputs)))
        x = np.asarray(x if clean is None else clean)
        scale = self._scale()
        error = np.square((outputs.astype("float32") - x.astype("float32")) / scale)
        found = {"mean_squared_error": float(error.mean())}
        if self.value_range is not None:
            low, high = self.value_range
            if inputs is not x:
                found["psnr_noisy"] = metrics.psnr(x, inputs, high - low)
            found["psnr"] = metrics.psnr(x, outputs, high - low)
            if min(x.shape[1:3]) >= 3:
                found["ssim"] = metrics.ssim(x, outputs, high - low)
        if self.entropy is not None:
            size = len(self.compress(x))
            found["bytes_per_example"] = size / len(x)
            found["bits_per_number"] = 8 * size / x.size
        return found, {}

    def _scale(self):
        if self.scaling is not None:
            return np.maximum(np.sqrt(ops.convert_to_numpy(self.scaling.variance)), 1e-7)
        return self.value_range[1] - self.value_range[0]

    def answer(self, x):
        """Reconstruct (denoise) x; each row holds what changed, in the data's units."""
        outputs = self.reconstruct(x)
        changes = [
            float(np.abs(np.subtract(b, np.reshape(a, np.shape(b)), dtype="float32")).mean())
            for a, b in zip(x, outputs, strict=True)
        ]
        if len({np.shape(output) for output in outputs}) == 1 and not self.sample_rate:
            outputs = np.stack(outputs)
        return [{"mean_absolute_change": change} for change in changes], outputs

    def reads(self, spec):
        if spec.kind != "images":
            return spec
        return dataclasses.replace(spec, shape=(None, None, spec.shape[-1]))  # see `in_tiles`

    def pictures(self, x, y=None):
        """Return originals, what the model saw where that was noisy, and outputs: rows in turn."""
        if len(self.input_shape_of_one()) != 3 or self.value_range != (0, 255):
            return {}
        many, x = np.asarray(x[:400]), np.asarray(x[:20])
        inputs = x if self.corruption is None else self.corrupt(x)
        outputs = self.postprocess(self.map_batches(self._call_prepared, np.asarray(inputs)))
        parts = [x, outputs]  # noise leaves the range: no reason to warn
        if self.corruption is not None:
            parts.insert(1, np.clip(np.rint(inputs), 0, 255))
        rows = [part[i : i + 10] for i in range(0, len(x), 10) for part in parts]
        found = {"reconstructions": image_grid(np.concatenate(rows).astype("uint8"), columns=10)}
        return found if self.entropy is None else {**found, **self.rate_distortion(many)}

    def symptoms(self, history):
        """Say where numbers of the code are dead: the same for every example."""
        x = self.__dict__.get("probe", (None,))[0]
        watched = self.density is not None or self.entropy is not None
        if x is None or len(x) < 64 or not watched or len(history) < 3:
            return {}
        codes = self.encode(x).reshape(len(x), -1)
        dead = int((codes.std(axis=0) < 1e-4).sum())
        if self.entropy is not None and dead == codes.shape[1]:
            return {
                "empty_code": "every example has the same code, so nothing is kept: lower `rate`"
            }
        # Single numbers of a rounded code fall silent where they are not worth their bits.
        if self.entropy is not None or dead <= codes.shape[1] // 4:
            return {}
        found = f"{dead} of {codes.shape[1]} numbers of the code are the same for every example"
        cause = "lower `sparsity`" if self.sparsity else "lower `latent_dim` or the learning rate"
        return {"dead_units": f"{found}: {cause}"}
