"""Rounded codes and their entropy: the bits of a code, in training and in a file.

In training, the rate is measured with noise instead of rounding (Ballé et al., 2017,
https://arxiv.org/abs/1611.01704), and the decoder gets rounded codes, with straight-through
gradients. After training, each element of the code gets a table of integer frequencies, saved
with the model, with which a range coder (`constriction`) writes and reads it: decoding depends on
integers only.
"""

import math

import keras
import numpy as np
from keras import ops

from ..backend import straight_through
from ..extras import require

__all__ = ["LARGEST", "EntropyModel", "round_straight_through"]

LARGEST = 127  # codes are clipped to [-LARGEST, LARGEST]
TOTAL = 2**20  # sum of a table's frequencies, within the coder's 24 bits


def round_straight_through(z):
    """Return z rounded; the gradient is that of the identity."""
    return straight_through(z, ops.round(z))


@keras.saving.register_keras_serializable(package="genai_basics")
class EntropyModel(keras.layers.Layer):
    """The bits of a code: a mixture of logistics per element, trained with the networks.

    In a large map, all positions share the mixtures of the channels; in a small one, each
    position has its own, since the border of a digit differs from its centre.

    P(k) = sum_i w_i (s((k + 1/2 - m_i) / scale_i) - s((k - 1/2 - m_i) / scale_i)) for integers k,
    with the sigmoid s; in training, the same at z + u, u uniform in [-1/2, 1/2].

    Args:
        components: Number of logistics per mixture.
    """

    def __init__(self, components=3, **kwargs):
        super().__init__(**kwargs)
        self.components = components

    def build(self, tables):
        """Create the weights of `tables` mixtures: one per element of the code, or per channel."""
        shape = (tables, self.components)
        spread = np.linspace(-2.0, 2.0, self.components, dtype="float32")
        self.logits = self.add_weight(name="logits", shape=shape, initializer="zeros")
        self.means = self.add_weight(name="means", shape=shape, initializer="zeros")
        self.means.assign(np.broadcast_to(spread, shape))
        self.log_scales = self.add_weight(name="log_scales", shape=shape, initializer="zeros")
        # Set after training by `fit_tables`; equal until then.
        self.frequencies = self.add_weight(
            name="frequencies",
            shape=(tables, 2 * LARGEST + 1),
            dtype="int32",
            initializer="ones",
            trainable=False,
        )
        self.built = True

    def start(self, codes):
        """Spread the mixtures over codes (n, ...), before training."""
        codes = codes.reshape(-1, self.means.shape[0])
        mean, deviation = codes.mean(axis=0)[:, None], codes.std(axis=0)[:, None]
        self.means.assign(mean + deviation * np.linspace(-1, 1, self.components + 2)[1:-1])
        self.log_scales.assign(np.log(0.1 + 0.5 * deviation) + np.zeros(self.components))

    def nats(self, z):
        """Return -log P of each element of z (..., tables), in nats."""
        z = ops.cast(z, "float32")[..., None] - self.means
        inverse = ops.exp(-ops.clip(self.log_scales, -6.0, 6.0))
        upper, lower = (z + 0.5) * inverse, (z - 0.5) * inverse
        # log(s(a) - s(b)) without cancellation in the tails: s(a) s(-b) (1 - exp(b - a))
        log_p = -ops.softplus(-upper) - ops.softplus(lower) + ops.log(-ops.expm1(-inverse))
        return -ops.logsumexp(log_p + ops.log_softmax(self.logits, axis=-1), axis=-1)

    def bits(self, z, seed=None):
        """Return the bits of each code of z (batch, ...), (batch,).

        With a `SeedGenerator` as seed, noise replaces rounding, so that there is a gradient.
        """
        z = ops.reshape(z, (ops.shape(z)[0], -1, self.means.shape[0]))
        if seed is not None:
            z = z + keras.random.uniform(ops.shape(z), -0.5, 0.5, seed=seed)
        nats = self.nats(z)
        return ops.sum(nats, axis=(1, 2)) / math.log(2.0)

    def fit_tables(self, codes):
        """Set the integer frequencies from rounded codes (n, ...) and the learned mixtures."""
        tables, size = self.frequencies.shape
        codes = np.clip(codes, -LARGEST, LARGEST).astype("int64").reshape(-1, tables) + LARGEST
        symbols = np.arange(-LARGEST, LARGEST + 1, dtype="float32")
        grid = np.broadcast_to(symbols[:, None], (size, tables))
        learned = np.exp(-ops.convert_to_numpy(self.nats(grid))).T.astype("float64")
        learned /= learned.sum(axis=1, keepdims=True)
        found = np.empty((tables, size), "int64")
        for i in range(tables):
            counts = np.bincount(codes[:, i], minlength=size)
            p = (counts + 50 * learned[i]) / (len(codes) + 50)
            found[i] = 1 + np.floor(p * (TOTAL - size))
            found[i, np.argmax(found[i])] += TOTAL - found[i].sum()
        self.frequencies.assign(found.astype("int32"))

    def encode(self, codes):
        """Encode codes (n, ...), integers, to bytes with the range coder."""
        stream = require("constriction", "compress").stream
        encoder = stream.queue.RangeEncoder()
        codes = np.reshape(codes, (-1, self.frequencies.shape[0]))
        symbols = np.clip(np.rint(codes), -LARGEST, LARGEST).astype("int32") + LARGEST
        for i, table in enumerate(self._tables(stream)):
            encoder.encode(np.ascontiguousarray(symbols[:, i]), table)
        return encoder.get_compressed().astype("<u4").tobytes()

    def decode(self, data, count):
        """Decode the `count` integers written by `encode`, (count,).

        Raises:
            ValueError: If the data hold fewer.
        """
        stream = require("constriction", "compress").stream
        n = count // self.frequencies.shape[0]
        surest = ops.convert_to_numpy(self.frequencies).max(axis=1) / TOTAL
        least = -n * np.log2(surest).sum()  # bits, if each code is the most likely
        if len(data) % 4 or 8 * len(data) + 64 < least:
            raise ValueError(f"{len(data):,} bytes do not hold {count:,} codes")
        decoder = stream.queue.RangeDecoder(np.frombuffer(data, "<u4").astype("uint32"))
        try:
            columns = [decoder.decode(table, n) for table in self._tables(stream)]
        except Exception as error:  # from the coder
            raise ValueError(f"the codes are damaged ({str(error)[:100]})") from error
        return np.stack(columns, axis=1).astype("int32").reshape(-1) - LARGEST

    def _tables(self, stream):
        # Integers divided by a power of two are exact floats, so the coder's tables are exact.
        frequencies = ops.convert_to_numpy(self.frequencies).astype("float64") / TOTAL
        return [stream.model.Categorical(p, perfect=False) for p in frequencies]

    def get_config(self):
        return {**super().get_config(), "components": self.components}
