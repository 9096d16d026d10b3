"""The doctor: silent if all is well, otherwise one sentence that names an argument."""

import warnings

import keras
import numpy as np
import pytest

from genai_basics import Doctor, build_autoencoder, build_vae, load_data


@pytest.fixture(scope="module")
def digits():
    return load_data("digits")


def fit(model, x, doctor, *, learning_rate=None, validation_data=None, epochs=8):
    """Train with the doctor; return its warnings."""
    model.compile(learning_rate=learning_rate)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(x, epochs=epochs, verbose=0, callbacks=[doctor], validation_data=validation_data)
    return [str(w.message) for w in caught if w.category is UserWarning]


def test_it_is_silent_when_all_is_well(digits):
    doctor = Doctor()
    model = build_vae((8, 8, 1), 4, hidden_units=(64,), seed=0)
    said = fit(model, digits.train.x, doctor, validation_data=digits.validation.x)
    assert said == []
    assert doctor.findings == {}


def test_a_loss_that_is_not_finite_stops_training_at_good_weights(digits):
    doctor = Doctor()
    model = build_vae((8, 8, 1), 4, hidden_units=(64,), seed=0)
    said = fit(model, digits.train.x, doctor, learning_rate=1e30)
    assert list(doctor.findings) == ["cured", "not_finite"]
    assert [sentence.partition(" (cure ")[2][0] for sentence in said[:-1]] == list("12345")
    assert "not finite any more after 5 cures" in said[-1]
    assert "--learning-rate" in said[-1]
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    assert model.stop_training


class Ruin(keras.callbacks.Callback):
    """Adds `value` to all weights of the encoder's first layer, before some epochs."""

    def __init__(self, epochs, value=np.nan):
        super().__init__()
        self.epochs, self.value, self.rates = epochs, value, []

    def on_epoch_begin(self, epoch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))
        if epoch in self.epochs:
            kernel = self.model.encoder.trainable_variables[0]
            kernel.assign_add(np.full(kernel.shape, self.value))


def test_it_goes_back_to_the_last_good_epoch(digits):
    doctor, ruin = Doctor(cures=0), Ruin([2])
    model = build_vae((8, 8, 1), 4, hidden_units=(64,), seed=0)
    model.compile()
    with pytest.warns(UserWarning, match="not finite any more: training stopped"):
        model.fit(digits.train.x, epochs=4, verbose=0, callbacks=[ruin, doctor])
    assert len(doctor.history) == 2
    assert np.isfinite(model.evaluate(digits.test.x, verbose=0)).all()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:the loss exploded")
@pytest.mark.parametrize("value", [np.nan, 1e6])
def test_it_cures_a_loss_that_explodes_and_goes_on_at_half_the_rate(digits, value):
    doctor, ruin, usual = Doctor(), Ruin([2], value), Ruin([])
    losses = []
    for callbacks in ([usual], [ruin, doctor]):
        model = build_vae((8, 8, 1), 4, hidden_units=(64,), seed=0)
        model.compile()
        history = model.fit(digits.train.x, epochs=6, verbose=0, callbacks=callbacks)
        losses.append(history.history["loss"])
    assert (doctor.cured, list(doctor.findings)) == (1, ["cured"])
    assert "with half the learning rate" in doctor.findings["cured"]
    assert len(losses[1]) == 6
    assert np.isfinite(losses[1]).all()
    assert losses[1][-1] < losses[1][0]  # it learned after the cure, wherever that began
    np.testing.assert_allclose(ruin.rates[3:], np.array(usual.rates[3:]) / 2, rtol=1e-3)
    np.testing.assert_allclose(ruin.rates[:3], usual.rates[:3])


def test_a_bad_last_step_of_an_epoch_leaves_no_loss_of_zero():
    doctor = Doctor()
    model = build_vae((8, 8, 1), 2, hidden_units=(8,))
    model.compile()
    model.build_optimizers()
    doctor.set_model(model)
    doctor.on_train_begin()
    doctor.on_train_batch_end(0, {"loss": 50.0})
    with pytest.warns(UserWarning, match="the loss exploded"):
        doctor.on_train_batch_end(1, {"loss": np.inf})
    logs = {"loss": 0.0}
    doctor.on_epoch_end(0, logs)
    assert np.isnan(logs["loss"])
    assert doctor.history == []


def test_overfitting_is_named_once_and_only_where_it_is():
    def examined(validation):
        doctor = Doctor(patience=3)
        model = build_vae((8, 8, 1), 2, hidden_units=(8,))
        model.compile()
        doctor.set_model(model)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for epoch, value in enumerate(validation):
                doctor.on_epoch_end(epoch, {"loss": 50.0 - epoch, "val_loss": value})
        return doctor.findings, [w for w in caught if w.category is UserWarning]

    findings, said = examined([50, 45, 46, 48, 50, 52, 54])
    assert "val_loss was best after epoch 2 (45)" in findings["overfitting"]
    assert "hidden_units" in findings["overfitting"]
    assert len(said) == 1
    noisy = [50, 45, 49, 46, 50, 47, 51, 45, 50, 49, 51, 48, 51]  # one lucky value is not a trend
    steady = [50, 45, 45.5, 45.2, 45.4, 45.3]
    for well in ([50, 45, 44, 43, 42, 41], steady, noisy, [50, 60, 45, 44]):
        assert examined(well) == ({}, [])


def test_posterior_collapse_is_named_with_what_to_change(digits):
    doctor = Doctor()
    model = build_vae((8, 8, 1), 10, hidden_units=(32,), beta=300.0, warm_up=0.0, seed=0)
    fit(model, digits.train.x, doctor)
    assert "free_bits" in doctor.findings["posterior_collapse"]


def test_data_outside_the_likelihoods_range_are_named(digits):
    doctor = Doctor()
    model = build_vae((8, 8, 1), 4, hidden_units=(32,), value_range=(0, 1), seed=0)
    fit(model, digits.train.x, doctor)
    assert "value_range" in doctor.findings["data_range"]


@pytest.mark.slow
def test_dead_units_are_named(digits):
    doctor = Doctor()
    model = build_autoencoder((8, 8, 1), 32, hidden_units=(32,), sparsity=20.0, seed=0)
    fit(model, digits.train.x, doctor, epochs=20)  # units die one after the other
    assert "sparsity" in doctor.findings["dead_units"]
