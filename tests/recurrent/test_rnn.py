"""The recurrent classifier: unequal lengths, texts, values."""

import keras
import numpy as np
import pytest

from genai_basics import build_rnn


def rising_or_falling(n=64, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    slope = np.where(y, 1.0, -1.0)
    x = [
        slope[i] * np.linspace(0, 2, rng.integers(8, 20))[:, None] + rng.normal() * np.ones((1, 2))
        for i in range(n)
    ]
    return x, y


@pytest.mark.slow
def test_series_of_unequal_length_are_told_apart_and_padding_changes_nothing(tmp_path):
    x, y = rising_or_falling()
    model = build_rnn((None, 2), class_names=("down", "up"), units=8, seed=0)
    model.compile(learning_rate=2e-2)
    model.fit(x, y, batch_size=16, epochs=6, verbose=0)
    test, truth = rising_or_falling(seed=1)
    metrics, _ = model.report(test, truth)
    assert metrics["accuracy"] > 0.9
    short = min(range(len(test)), key=lambda i: len(test[i]))
    alone = model.predict([test[short]], verbose=0)[0]
    beside = model.predict(test, verbose=0)[short]
    np.testing.assert_allclose(beside, alone, rtol=0, atol=1e-6)
    model.save(tmp_path / "rnn.keras")
    loaded = keras.models.load_model(tmp_path / "rnn.keras")
    np.testing.assert_allclose(
        loaded.predict(test[:3], verbose=0), model.predict(test[:3], verbose=0)
    )


@pytest.mark.slow
@pytest.mark.parametrize(("cell", "bidirectional"), [("gru", False), ("lstm", True)])
def test_texts_are_told_apart(cell, bidirectional, tmp_path):
    x, y = ["abab", "baba", "cdcd", "dcdc"] * 16, ["ab", "ab", "cd", "cd"] * 16
    model = build_rnn(
        class_names=("ab", "cd"), units=8, cell=cell, bidirectional=bidirectional, vocab_size=20
    )
    model.compile(learning_rate=2e-2)
    model.fit(x, y, epochs=6, batch_size=16, verbose=0)
    assert model.classify(["abba", "ddc"])[0] == ["ab", "cd"]
    assert model.preprocessor.tokenizer.unit == "character"
    model.save(tmp_path / "rnn.keras")
    loaded = keras.models.load_model(tmp_path / "rnn.keras")
    assert loaded.classify(["abba"])[0] == ["ab"]


@pytest.mark.slow
def test_values_are_predicted():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(128, 10, 1)).astype("float32")
    y = 100 + 10 * x.mean(axis=(1, 2))
    model = build_rnn((10, 1), units=8, dropout=0.0, seed=0)
    model.compile(learning_rate=2e-2)
    model.fit(x, y, batch_size=16, epochs=15, verbose=0)
    assert model.report(x, y)[0]["r2"] > 0.8


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([np.array([[np.nan, 1.0]])], "finite numbers: fill gaps first"),
        ([np.zeros((4, 3))], r"shape \(n, time, 2\)"),
        ([np.array([["a", "b"]])], "finite numbers"),
    ],
)
def test_bad_series_are_one_sentence(x, message):
    with pytest.raises(ValueError, match=message):
        build_rnn((None, 2), 2).predict(x, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (3,)}, r"`input_shape` must be \(time, channels\)"),
        ({"units": 0, "num_classes": 2}, "units=0"),
        ({"cell": "rnn", "num_classes": 2}, "cell='rnn'"),
    ],
)
def test_bad_arguments_of_the_builder(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_rnn(**arguments)


def test_one_text_and_empty_ones_are_refused():
    model = build_rnn(num_classes=2, units=4)
    with pytest.raises(ValueError, match=r"list of texts. Received: the text 'abc'"):
        model.predict("abc", verbose=0)
    with pytest.raises(ValueError, match="something in them"):
        model.predict(["abc", ""], verbose=0)
