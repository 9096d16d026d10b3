"""Log-mel spectrograms of sounds, and convolutions over clips of different lengths."""

import keras
import numpy as np
from keras import ops

__all__ = ["LogMel", "MaskedAverage", "Spectrogram", "StridedConv", "Within", "mel_filters"]


def mel_filters(bands, fft_length, sample_rate, low=0.0, high=None):
    """Return triangular filters (fft_length // 2 + 1, bands), evenly spaced in mel.

    mel = 2595 log10(1 + f / 700) (O'Shaughnessy, 1987), with peaks of height 1, like librosa's
    with `htk=True, norm=None`.

    Args:
        bands: Number of bands.
        fft_length: Length of the Fourier transform in samples.
        sample_rate: Samples per second.
        low, high: Lower end of the lowest band and upper end of the highest, in Hz; `None`: half
            the sample rate.

    Example:

    >>> mel_filters(40, 256, 8000).shape
    (129, 40)
    """
    high = sample_rate / 2 if high is None else high
    mels = np.linspace(*(2595 * np.log10(1 + np.array([low, high]) / 700)), bands + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    frequencies = np.linspace(0, sample_rate / 2, fft_length // 2 + 1)[:, None]
    rising = (frequencies - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)).astype("float32")


@keras.saving.register_keras_serializable(package="genai_basics")
class LogMel(keras.layers.Layer):
    """Maps samples (batch, time) to log power in mel bands (batch, frames, bands), in nats.

    A frame begins every `hop` seconds; the end is padded with silence, so a clip shorter than a
    window also has a frame: frames = ceil(samples / hop). The Hann window is normalized to a sum
    of 1, so a sine of amplitude A in the middle of a band has the power A^2 / 4.

    Args:
        sample_rate: Samples per second.
        bands: Number of mel bands.
        window: Length of a frame in seconds.
        hop: Seconds between frames.
        low, high: Frequencies where the bands begin and end, in Hz.
        floor: Power below which there is silence; 1e-6 is -60 dB of full scale.

    Example:

    >>> import keras
    >>> from genai_basics.layers import LogMel
    >>> LogMel(8000)(keras.ops.zeros((1, 4000))).shape
    TensorShape([1, 50, 40])
    """

    by_matrix = False  # whether the transform is a matrix product, for formats without transforms

    def __init__(
        self,
        sample_rate,
        bands=40,
        window=0.025,
        hop=0.010,
        low=20.0,
        high=None,
        floor=1e-6,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.sample_rate, self.bands = sample_rate, bands
        self.window, self.hop, self.low, self.high = window, hop, low, high
        self.floor = floor
        self.frame, self.step = round(window * sample_rate), max(1, round(hop * sample_rate))
        self.fft_length = 1 << max(self.frame - 1, 1).bit_length()
        if sample_rate < 1 or self.frame < 2 or bands < 1:
            raise ValueError(
                "`sample_rate`, `bands` and `window` must leave samples in a frame. "
                f"Received: sample_rate={sample_rate}, bands={bands}, window={window}"
            )
        self.filters = mel_filters(bands, self.fft_length, sample_rate, low, high)
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.frame) / self.frame)
        self.taper = (hann / hann.sum()).astype("float32")
        self.built = True

    def num_frames(self, length):
        """Return the number of frames that begin within `length` samples."""
        return (length + self.step - 1) // self.step

    def call(self, samples):
        # Single precision, since lower precision loses quiet samples and their power.
        samples = ops.pad(ops.cast(samples, "float32"), ((0, 0), (0, self.frame)))
        frames = self.num_frames(ops.shape(samples)[1] - self.frame)
        starts = ops.arange(frames)[:, None] * self.step
        windows = ops.take(samples, starts + np.arange(self.frame)[None], axis=1)
        windows = ops.pad(windows * self.taper, ((0, 0), (0, 0), (0, self.fft_length - self.frame)))
        real, imaginary = self.transformed(windows)
        power = ops.matmul(ops.square(real) + ops.square(imaginary), self.filters)
        return ops.cast(ops.log(power + self.floor), self.compute_dtype)

    def transformed(self, windows):
        """Return the real and the imaginary part of the Fourier transform of real windows."""
        if not self.by_matrix:
            return ops.rfft(windows)
        places = np.outer(np.arange(self.fft_length), np.arange(self.fft_length // 2 + 1))
        angles = 2 * np.pi / self.fft_length * places
        sines = -np.sin(angles).astype("float32")
        return ops.matmul(windows, np.cos(angles).astype("float32")), ops.matmul(windows, sines)

    def compute_output_shape(self, input_shape):
        time = input_shape[1]
        return (input_shape[0], None if time is None else self.num_frames(time), self.bands)

    def get_config(self):
        names = ("sample_rate", "bands", "window", "hop", "low", "high", "floor")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="genai_basics")
class Spectrogram(keras.layers.Layer):
    """Log-mel bands as a picture (frames, bands, 2): standardized bands and mask.

    Each clip is standardized by the mean and standard deviation of its own frames, so that
    neither its loudness nor the padding of the batch matters. The number of frames is padded to
    an even one, because the alignment of strided convolutions depends on its parity.

    Args:
        hop: Samples between frames.
    """

    def __init__(self, hop, **kwargs):
        super().__init__(**kwargs)
        self.hop = hop

    def call(self, inputs):
        x, length = inputs
        x = ops.pad(x, ((0, 0), (0, ops.shape(x)[1] % 2), (0, 0)))
        frames = (ops.cast(length, "int32") + self.hop - 1) // self.hop
        there = ops.arange(ops.shape(x)[1])[None] < frames[:, None]
        mask = ops.expand_dims(ops.cast(there, x.dtype), -1)
        count = ops.maximum(ops.sum(mask, axis=(1, 2), keepdims=True), 1.0) * x.shape[2]
        mean = ops.sum(x * mask, axis=(1, 2), keepdims=True) / count
        variance = ops.sum(ops.square(x - mean) * mask, axis=(1, 2), keepdims=True) / count
        x = (x - mean) * mask / ops.sqrt(variance + 0.1)
        return ops.stack([x, ops.broadcast_to(mask, ops.shape(x))], axis=-1)

    def compute_output_shape(self, input_shape):
        batch, _, bands = input_shape[0]
        return (batch, None, bands, 2)

    def get_config(self):
        return {**super().get_config(), "hop": self.hop}


@keras.saving.register_keras_serializable(package="genai_basics")
class MaskedAverage(keras.layers.Layer):
    """Averages features (frames, bands, channels) over the positions of a mask (..., 1)."""

    def call(self, inputs):
        x, mask = inputs
        total = ops.maximum(ops.sum(mask, axis=(1, 2)), 1e-3)
        return ops.sum(x * mask, axis=(1, 2)) / total

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], input_shape[0][-1])


@keras.saving.register_keras_serializable(package="genai_basics")
class StridedConv(keras.layers.Layer):
    """Strided convolution of `[x (batch, time, channels), frames (batch,)]`; returns the same pair.

    Frames after the last count as zero, regardless of the padding of a batch.
    """

    def __init__(
        self, filters, kernel_size, strides, kernel_initializer="glorot_uniform", **kwargs
    ):
        super().__init__(**kwargs)
        self.filters, self.kernel_size, self.strides = filters, kernel_size, strides
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.conv = keras.layers.Conv1D(
            filters,
            kernel_size,
            strides,
            "valid",
            kernel_initializer=self.kernel_initializer,
            dtype=self.dtype_policy,
        )

    def build(self, shapes):
        self.conv.build(shapes[0])

    def call(self, inputs):
        x, frames = inputs
        there = ops.arange(ops.shape(x)[1])[None] < frames[:, None]
        x = x * ops.expand_dims(ops.cast(there, x.dtype), -1)
        side = self.kernel_size // 2
        x = self.conv(ops.pad(x, ((0, 0), (side, side), (0, 0))))
        return ops.relu(x), (frames + self.strides - 1) // self.strides

    def compute_output_shape(self, shapes):
        (batch, time, _), frames = shapes
        time = None if time is None else -(-time // self.strides)
        return (batch, time, self.filters), frames

    def get_config(self):
        names = ("filters", "kernel_size", "strides")
        own = {name: getattr(self, name) for name in names}
        init = keras.initializers.serialize(self.kernel_initializer)
        return {**super().get_config(), **own, "kernel_initializer": init}


@keras.saving.register_keras_serializable(package="genai_basics")
class Within(keras.layers.Layer):
    """`[x (batch, time, channels), frames (batch,)]` -> mask of the frames that are not padding."""

    def call(self, inputs):
        x, frames = inputs
        return ops.arange(ops.shape(x)[1])[None] < frames[:, None]

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs[0].shape[:2], "bool")
