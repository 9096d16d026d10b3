"""Programs that drive Keras models: scikit-learn, KerasTuner, TensorBoard."""

import keras
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

import genai_basics as gb

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)).astype("float32")
Y = (X.sum(axis=1) > 0).astype(int)


def classifier(X=None, y=None, rate=1e-2):  # noqa: N803 (names that Keras passes)
    model = gb.build_mlp((3,), num_classes=2, hidden_units=(8,), dropout=0.0, seed=0)
    model.compile(learning_rate=rate)
    return model


@pytest.mark.slow
def test_a_grid_search_of_scikit_learn_finds_the_better_rate():
    wrapped = keras.wrappers.SKLearnClassifier(classifier, model_kwargs={"rate": 1e-2})
    rates = [{"rate": 1e-9}, {"rate": 3e-2}]
    search = GridSearchCV(wrapped, {"model_kwargs": rates}, cv=2)
    search.fit(X, Y, epochs=5, verbose=0)
    assert search.best_params_ == {"model_kwargs": rates[1]}
    assert search.best_score_ > 0.65


def test_keras_tuner_gives_back_what_was_trained(tmp_path):
    tuners = pytest.importorskip("keras_tuner", reason="KerasTuner is not installed")
    texts = [f"{'good' if i % 2 else 'bad'} film number {i}" for i in range(40)]
    labels = np.arange(40) % 2

    def build(choices):
        units = choices.Choice("units", [4, 8])
        model = gb.build_mlp(num_classes=2, hidden_units=(units,), seed=0)
        model.compile()
        return model

    tuner = tuners.GridSearch(build, objective="val_accuracy", directory=tmp_path)
    tuner.search(texts, labels, epochs=2, validation_data=(texts, labels), verbose=0)
    best = tuner.get_best_models(1)[0].evaluate(texts, labels, verbose=0, return_dict=True)
    assert best["accuracy"] == tuner.oracle.get_best_trials(1)[0].score


def test_tensorboard_gets_losses_and_rates_of_both_parts(tmp_path):
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    model = classifier()
    board = keras.callbacks.TensorBoard(tmp_path, update_freq="epoch")
    model.fit(X, Y, epochs=2, validation_data=(X, Y), callbacks=[board], verbose=0)
    for part, names in {
        "train": {"epoch_loss", "epoch_learning_rate"},
        "validation": {"epoch_loss"},
    }.items():
        events = EventAccumulator(str(tmp_path / part))
        events.Reload()
        assert names <= set(events.Tags()["tensors"])
