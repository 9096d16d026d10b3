"""The layers of GANs."""

import keras
import numpy as np
import pytest
from keras import ops

from genai_basics.backend import gradients
from genai_basics.layers import (
    ConditionalNormalization,
    DifferentiableAugmentation,
    MovingAverage,
    SpectralConv2D,
    SpectralDense,
)


@pytest.mark.parametrize(
    ("kind", "sizes", "shape"), [(SpectralDense, (5,), (7,)), (SpectralConv2D, (6, 3), (8, 8, 2))]
)
def test_spectral_norm_against_svd(kind, sizes, shape):
    layer = kind(*sizes)  # here, after the seed is set
    x = np.zeros((1, *shape), "float32")
    for _ in range(50):  # one iteration per call
        layer(x, training=True)
    matrix = ops.convert_to_numpy(layer.normalized_kernel()).reshape(-1, layer.kernel.shape[-1])
    assert np.linalg.svd(matrix, compute_uv=False)[0] == pytest.approx(1.0, rel=1e-4)
    full = ops.convert_to_numpy(layer.kernel).reshape(matrix.shape)
    sigma = np.linalg.svd(full, compute_uv=False)[0]
    np.testing.assert_allclose(matrix, full / sigma, rtol=1e-3)


def test_spectral_norm_moves_in_training_only():
    layer = SpectralDense(5)
    x = np.ones((1, 7), "float32")
    layer(x)
    before = layer.u.numpy()
    layer(x, training=False)
    np.testing.assert_array_equal(before, layer.u.numpy())
    layer(x, training=True)
    assert not np.array_equal(before, layer.u.numpy())


@pytest.mark.parametrize(("kind", "sizes"), [(SpectralDense, (5,)), (SpectralConv2D, (6, 3))])
def test_a_spectral_norm_is_saved_with_its_estimate(kind, sizes, tmp_path):
    layer, shape = kind(*sizes), (8, 8, 2)
    model = keras.Sequential([keras.Input(shape), layer])
    x = np.random.default_rng(0).normal(size=(4, *shape)).astype("float32")
    model(x, training=True)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded.layers[-1].u.numpy(), layer.u.numpy())
    np.testing.assert_allclose(loaded(x), model(x), rtol=1e-6)


def test_conditional_normalization_has_a_scale_and_a_shift_for_each_class():
    layer = ConditionalNormalization()
    x = np.random.default_rng(0).normal(3.0, 2.0, (256, 4)).astype("float32")
    label = np.eye(2, dtype="float32")[np.arange(256) % 2]
    plain = ops.convert_to_numpy(layer([x, label], training=True))
    np.testing.assert_allclose(plain.mean(axis=0), 0.0, atol=1e-4)
    np.testing.assert_allclose(plain.std(axis=0), 1.0, atol=1e-2)
    layer.scale.assign([[0.0] * 4, [1.0] * 4])
    layer.shift.assign([[0.0] * 4, [5.0] * 4])
    changed = ops.convert_to_numpy(layer([x, label], training=True))
    np.testing.assert_allclose(changed[::2], plain[::2], atol=1e-5)
    np.testing.assert_allclose(changed[1::2], 2.0 * plain[1::2] + 5.0, atol=1e-5)


def test_augmentation_shifts_whole_pictures_and_passes_gradients():
    layer = DifferentiableAugmentation(("translation",), seed=0)
    x = np.full((32, 8, 8, 1), -1.0, "float32")
    x[:, 4, 4] = 1.0
    y, slope = gradients(layer, ops.convert_to_tensor(x))
    places = np.argwhere(ops.convert_to_numpy(y)[..., 0] > 0)
    assert len(places) == 32  # one bright pixel each, moved by at most one pixel
    assert np.abs(places[:, 1:] - 4).max() == 1
    assert len(np.unique(places[:, 1:], axis=0)) > 4
    assert float(ops.sum(slope)) > 0


def test_augmentation_keeps_shape_and_refuses_unknown_policies():
    layer = DifferentiableAugmentation(("translation", "brightness", "cutout"), seed=0)
    assert layer(np.zeros((3, 9, 12, 3), "float32")).shape == (3, 9, 12, 3)
    with pytest.raises(ValueError, match=r"translation, brightness, cutout.*Received: blur"):
        DifferentiableAugmentation(("blur",))


@pytest.mark.parametrize(
    "layer",
    [
        ConditionalNormalization(momentum=0.5),
        SpectralDense(3),
        SpectralConv2D(4, 3, 2, "same"),
        DifferentiableAugmentation(("cutout",), seed=1),
    ],
)
def test_layers_come_back_from_their_configuration(layer):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()


def test_moving_average_of_weights():
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
    average = MovingAverage(network, 0.9)
    assert average.trainable_weights == []
    old = [ops.convert_to_numpy(w) for w in average.network.weights]
    for weight in network.weights:
        weight.assign(weight + 1.0)
    new = [ops.convert_to_numpy(w) for w in network.weights]
    average.move(network, 0)  # nine tenths of the first average are new: 1 - (1 + 0) / (10 + 0)
    for before, current, after in zip(old, new, average.network.weights, strict=True):
        np.testing.assert_allclose(after, 0.1 * before + 0.9 * current, rtol=1e-5, atol=1e-6)
    old = [ops.convert_to_numpy(w) for w in average.network.weights]
    average.move(network, 10**6)
    for before, current, after in zip(old, new, average.network.weights, strict=True):
        np.testing.assert_allclose(after, 0.9 * before + 0.1 * current, rtol=1e-5, atol=1e-6)
