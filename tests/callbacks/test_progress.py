"""Tests for genai_basics.callbacks.progress: what controls the learning rate."""

import keras
import numpy as np
import pytest

from genai_basics import build_gan, build_vae
from genai_basics.callbacks import Progress

X = np.random.default_rng(0).integers(0, 256, (64, 8, 8, 1)).astype("uint8")
HALVED = keras.optimizers.schedules.ExponentialDecay(1e-3, 1, 0.5)


class Rates(keras.callbacks.Callback):
    """Records the learning rate of each player at each step."""

    def on_train_begin(self, logs=None):
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        optimizers = [optimizer for optimizer, _ in self.model.players()]
        self.seen.append([float(np.asarray(o.learning_rate)) for o in optimizers])


def rates(model, *callbacks, **arguments):
    """Return the learning rates of a training run, (steps, players)."""
    seen = Rates()
    model.fit(X, batch_size=4, callbacks=[*callbacks, seen], verbose=0, **arguments)
    return np.array(seen.seen)


@pytest.fixture
def vae():
    return build_vae((8, 8, 1), 2, hidden_units=(8,), seed=0)


@pytest.fixture
def gan():
    return build_gan((8, 8, 1), latent_dim=4, hidden_units=(4,), seed=0)


def constant(rate):
    return keras.callbacks.LearningRateScheduler(lambda epoch, old: rate)


def test_the_default_rate_rises_to_its_peak_and_falls_to_nearly_nothing(vae):
    vae.compile(learning_rate=1e-3)
    for i in range(2):  # a second `fit` starts again, even if it continues to count epochs
        found = rates(vae, epochs=i + 1, initial_epoch=i)[:, 0]
        assert found[0] == pytest.approx(1e-4, rel=1e-3)
        assert 0.9e-3 < found.max() <= 1e-3
        assert found[-1] < 0.05e-3


def test_a_callback_or_an_assignment_ends_the_annealing(vae):
    vae.compile()
    np.testing.assert_allclose(rates(vae, constant(1e-6), epochs=2), 1e-6, rtol=1e-5)
    np.testing.assert_allclose(rates(vae), 1e-6, rtol=1e-5)  # from then on constant
    vae.compile()
    vae.optimizer.learning_rate = 1e-5
    np.testing.assert_allclose(rates(vae), 1e-5, rtol=1e-5)


def test_a_plateau_is_counted_from_where_the_rate_stood(vae):
    vae.compile(learning_rate=2e-3)
    plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=0, min_delta=1e9)
    found = rates(vae, plateau, epochs=4)[:, 0]
    # Halfway through training, the cosine schedule is at half of 2e-3.
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


class Stop(keras.callbacks.Callback):
    """Stops training after one epoch."""

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch == 3


def test_epochs_that_are_a_mere_limit_do_not_stretch_the_warm_ups(vae):
    vae.compile(learning_rate=1e-3)
    with pytest.warns(UserWarning, match="stopped after epoch 4 of 100000, before the learning"):
        found = rates(vae, Stop(), epochs=100_000)[:, 0]
    np.testing.assert_allclose(found[16:], 1e-3, rtol=1e-4)  # warm-up of one epoch, 16 steps
    assert float(np.asarray(vae.ramp)) == pytest.approx(0.2)  # beta's warm-up takes 20 epochs
    found = rates(vae)[:, 0]  # a later `fit` also anneals, and beta does not decrease
    assert found.max() > 0.9e-3 > 0.05e-3 > found[-1]
    assert float(np.asarray(vae.ramp)) == 1.0


def test_a_budget_of_ones_own_is_stated_by_progress(vae):
    vae.compile(learning_rate=1e-3)
    found = rates(vae, Progress(epochs=2), epochs=3)[:, 0]
    assert found[31] == found[-1] == pytest.approx(1e-6, rel=0.1)


def test_steps_outside_of_fit_take_the_whole_loss(vae):
    vae.compile()
    terms = vae.train_on_batch(X, return_dict=True)
    assert terms["loss"] == pytest.approx(terms["reconstruction"] + terms["kl"], rel=1e-5)
