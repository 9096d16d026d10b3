"""Tests for genai_basics.convolutional.backbone: pretrained networks in CNNs and detectors."""

import keras
import numpy as np
import pytest
from keras import layers

from genai_basics import build_cnn, build_detector
from genai_basics.convolutional.backbone import FROZEN, Backbone

X = np.random.default_rng(0).integers(0, 256, (32, 32, 32, 1), dtype="uint8")
Y = np.arange(32) % 2


def network(size=None, width=8, channels=3):
    """Return a small network whose maps have 1/2, 1/4, 1/8 and 1/16 of the pictures' size."""
    x = inputs = keras.Input((size, size, channels))
    for _ in range(4):
        x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(width, 3, 2, "same")(x)))
    return keras.Model(inputs, x, name="small")


def application(include_top, weights, input_shape):
    """A stand-in for a function of `keras.applications`."""
    if weights == "imagenet":
        raise RuntimeError("URL fetch failure on https://example.org/a/small.h5: None -- offline")
    return network()


@pytest.fixture
def applications(monkeypatch):
    monkeypatch.setattr(application, "__module__", "keras.src.applications.mobilenet")
    monkeypatch.setattr(keras.applications, "Small", application, raising=False)


class Watch(keras.callbacks.Callback):
    """Records the learning rate and the change of the backbone's weights after each epoch."""

    def on_train_begin(self, logs=None):
        self.start, self.found = self.model.backbone.network.get_weights(), []

    def on_epoch_end(self, epoch, logs=None):
        weights = self.model.backbone.network.get_weights()
        moved = [np.abs(a - b).max() for a, b in zip(weights, self.start, strict=True)]
        rate = float(self.model.optimizer.learning_rate)
        self.found.append((max(moved), rate, len(self.model.trainable_variables)))


@pytest.mark.slow
def test_a_backbone_is_frozen_first_then_fine_tuned_and_saved(tmp_path):
    cnn, watch = build_cnn((32, 32, 1), 2, backbone=network(), seed=0), Watch()
    cnn.compile()
    cnn.fit(X, Y, epochs=5, callbacks=[watch], verbose=0)
    moved, rates, counts = zip(*watch.found, strict=True)
    assert moved[: int(5 * FROZEN)] == (0.0, 0.0)  # neither weights nor batch statistics
    assert 0 < moved[2] < moved[4] < 0.01
    assert max(rates[1:]) < 0.1 * rates[0]
    assert counts == (2, 18, 18, 18, 18)  # unfrozen at the end of the second
    cnn.save(tmp_path / "cnn.keras")
    loaded = keras.models.load_model(tmp_path / "cnn.keras")
    np.testing.assert_allclose(loaded.predict(X, verbose=0), cnn.predict(X, verbose=0), rtol=1e-5)
    assert loaded.explain(X[:2]).shape == (2, 32, 32)
    loaded.fit(X, Y, epochs=1, verbose=0)


def test_the_preprocessing_of_an_application_is_inside():
    inputs = keras.Input((2, 2, 3))
    x = np.full((1, 2, 2, 1), 51.0 / 255, "float32")
    for family, low in (("mobilenet", 51 / 127.5 - 1), ("vgg16", 51 - 103.939), (None, 51.0)):
        seen = Backbone(keras.Model(inputs, layers.Identity()(inputs)), family)(x)
        assert seen.shape == (1, 2, 2, 3)  # grey in all channels
        assert float(seen[0, 0, 0, 0]) == pytest.approx(low, abs=1e-4)


def test_weights_are_those_of_a_file(applications, tmp_path):
    original = network()
    original.save_weights(tmp_path / "w.weights.h5")
    cnn = build_cnn((32, 32, 1), 2, backbone="Small", weights=str(tmp_path / "w.weights.h5"))
    assert (cnn.backbone.family, cnn.backbone.pretrained) == ("mobilenet", True)
    for a, b in zip(cnn.backbone.network.get_weights(), original.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    fresh = build_cnn((32, 32, 1), 2, backbone="Small", weights=None)
    assert fresh.backbone is None  # random weights are trained from the start
    assert len(fresh.trainable_variables) == 18


@pytest.mark.slow
def test_a_detector_learns_on_the_maps_of_a_backbone(tmp_path):
    target = {"boxes": np.array([[4.0, 4, 20, 20]]), "labels": np.array([0])}
    arguments = {"backbone": network(), "filters": (8, 8, 8, 8), "augment": False}
    model = build_detector((32, 32, 1), 1, **arguments, seed=0)
    model.compile()
    watch = Watch()
    model.fit(X[:8], [target] * 8, epochs=3, callbacks=[watch], verbose=0)
    assert watch.found[0][0] == 0.0 < watch.found[2][0]
    model.save(tmp_path / "detector.keras")
    loaded = keras.models.load_model(tmp_path / "detector.keras")
    x = X[:2] / np.float32(255)
    np.testing.assert_allclose(loaded(x)[0], model(x)[0], rtol=1e-4, atol=1e-4)


def test_what_does_not_fit_is_refused_in_a_sentence(applications, tmp_path):
    network(width=4).save_weights(tmp_path / "other.weights.h5")
    shape, other = (32, 32, 3), str(tmp_path / "other.weights.h5")
    refused = {
        "takes \\(16, 16, 3\\): resize": {"backbone": network(16)},
        "did you mean MobileNet\\?": {"backbone": "MobilNet"},
        "could not be downloaded: put the file at '.*models/small.h5'": {"backbone": "Small"},
        "there is no weights file": {"backbone": "Small", "weights": "nothing.h5"},
        "does not hold weights of Small": {"backbone": "Small", "weights": other},
        "takes the place of `filters`": {"backbone": network(), "filters": (8,)},
    }
    for sentence, arguments in refused.items():
        with pytest.raises(ValueError, match=sentence) as caught:
            build_cnn(shape, 2, **arguments)
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="needs pictures"):
        build_cnn((20, 2), 2, backbone=network())
    shallow = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(3, 3, 4, "same")])
    with pytest.raises(ValueError, match="no maps at 1/8 and 1/16"):
        build_detector(shape, 2, backbone=shallow)
