"""Tests for genai_basics.callbacks.progress: who rules the learning rate."""

import keras
import numpy as np
import pytest

from genai_basics import build_gan, build_vae

X = np.random.default_rng(0).integers(0, 256, (64, 8, 8, 1)).astype("uint8")
HALVED = keras.optimizers.schedules.ExponentialDecay(1e-3, 1, 0.5)


class Rates(keras.callbacks.Callback):
    """Notes the learning rate of each player in each step."""

    def on_train_begin(self, logs=None):
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        optimizers = [optimizer for optimizer, _ in self.model.players()]
        self.seen.append([float(np.asarray(o.learning_rate)) for o in optimizers])


def rates(model, *callbacks, epochs=1):
    """Return the learning rates of a training, (steps, players)."""
    seen = Rates()
    model.fit(X, epochs=epochs, batch_size=4, callbacks=[*callbacks, seen], verbose=0)
    return np.array(seen.seen)


@pytest.fixture
def vae():
    return build_vae((8, 8, 1), 2, hidden_units=(8,), seed=0)


@pytest.fixture
def gan():
    return build_gan((8, 8, 1), latent_dim=4, filters=(4, 4), seed=0)


def constant(rate):
    return keras.callbacks.LearningRateScheduler(lambda epoch, old: rate)


def test_the_default_rate_rises_to_its_peak_and_falls_to_nearly_nothing(vae):
    vae.compile(learning_rate=1e-3)
    for _ in range(2):  # a second training starts again
        found = rates(vae)[:, 0]
        assert found[0] == pytest.approx(1e-4, rel=1e-3)
        assert 0.9e-3 < found.max() <= 1e-3
        assert found[-1] < 0.05e-3


def test_a_callback_or_an_assignment_ends_the_annealing(vae):
    vae.compile()
    np.testing.assert_allclose(rates(vae, constant(1e-6), epochs=2), 1e-6, rtol=1e-5)
    np.testing.assert_allclose(rates(vae), 1e-6, rtol=1e-5)  # from then on
    vae.compile()
    vae.optimizer.learning_rate = 1e-5
    np.testing.assert_allclose(rates(vae), 1e-5, rtol=1e-5)


def test_a_plateau_is_counted_from_where_the_rate_stood(vae):
    vae.compile(learning_rate=2e-3)
    plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=0, min_delta=1e9)
    found = rates(vae, plateau, epochs=4)[:, 0]
    # Half of the training done, the cosine stands at a half of 2e-3.
    np.testing.assert_allclose(found[32:48], 1e-3 / 2, rtol=1e-4)
    np.testing.assert_allclose(found[48:], 1e-3 / 4, rtol=1e-4)


def test_the_other_player_follows_in_proportion(gan):
    gan.compile()
    np.testing.assert_allclose(rates(gan, constant(1e-6)), [[1e-6, 2e-6]] * 16, rtol=1e-4)


def test_a_rate_given_to_compile_is_the_one_used(vae):
    vae.compile("adam", learning_rate=1e-5)
    np.testing.assert_allclose(rates(vae), 1e-5, rtol=1e-5)
    vae.compile(learning_rate=HALVED)
    np.testing.assert_allclose(rates(vae)[:3, 0], [5e-4, 2.5e-4, 1.25e-4], rtol=1e-5)
    vae.compile(learning_rate=0.0)
    before = [np.copy(weights) for weights in vae.encoder.get_weights()]
    assert rates(vae).max() == 0
    for weights, old in zip(vae.encoder.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weights, old)
    with pytest.raises(ValueError, match="`learning_rate` belongs to the default optimizer"):
        vae.compile(keras.optimizers.Adam(1e-3), learning_rate=1e-5)
