"""Tests for genai_basics.predictor: what feedforward, convolutional and recurrent models share."""

import inspect

import keras
import numpy as np
import pytest

from genai_basics import build_cnn, build_mlp, build_rnn
from genai_basics.data.dataset import Part
from genai_basics.metrics.simple import random_convolutions
from genai_basics.predictor import Head
from genai_basics.recipes import parameters

SHARED = [name for name in inspect.signature(Head).parameters if name != "label_smoothing"]
SMALL = {
    "mlp": (build_mlp, {"input_shape": (5, 2), "hidden_units": (4,)}),
    "cnn": (build_cnn, {"input_shape": (5, 2), "filters": (4,)}),
    "rnn": (build_rnn, {"input_shape": (5, 2), "units": 4}),
}


def built(name, **arguments):
    build, small = SMALL[name]
    return build(**small, seed=0, **arguments)


@pytest.mark.parametrize("name", SMALL)
def test_regression_wins_over_the_names_of_classes(name):
    """Labels in a file may be numbers to predict, if `task` says so."""
    for classes in ({"class_names": ("a", "b", "c")}, {"num_classes": 3}):
        model = built(name, task="regression", **classes)
        assert model.num_classes is None
        assert model.class_names is None
        assert isinstance(model.default_loss, keras.losses.MeanSquaredError)
        assert model.predict(np.zeros((2, 5, 2), "float32"), verbose=0).shape == (2, 1)


@pytest.mark.parametrize("name", SMALL)
def test_names_of_classes_make_a_classifier(name):
    model = built(name, class_names=("a", "b", "c"))
    assert model.num_classes == 3
    probabilities = model.predict(np.zeros((2, 5, 2), "float32"), verbose=0)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-5)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 1}, "`num_classes` must be at least 2. Received: num_classes=1"),
        ({"num_classes": 2, "class_names": ("a",)}, "each of 2 classes. Received: 1 names"),
        ({"task": "classification"}, "classification needs `num_classes`"),
        ({"task": "ranking"}, "Received: task='ranking'"),
        ({"num_outputs": 0}, "`num_outputs` must be at least 1"),
        ({"num_classes": 2, "label_smoothing": 1.5}, "Received: label_smoothing=1.5"),
    ],
)
def test_what_is_predicted_is_checked_alike(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        built(name, **arguments)


def test_builders_share_their_keywords_and_explain_them_in_the_same_words():
    builders = [parameters(name) for name in SMALL]
    for keyword in SHARED:
        assert len({(b[keyword].default, b[keyword].help) for b in builders}) == 1, keyword
    assert len({b["label_smoothing"].help for b in builders}) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        {"class_names": ("a", "b"), "balance": True, "label_smoothing": 0.1},
        {"num_classes": 3, "multi_label": True},
        {"num_outputs": 2},
    ],
)
def test_head_is_saved_whole(arguments):
    head = Head(**arguments)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(head))
    assert vars(again) == vars(head)


def test_loss_terms_average_to_what_keras_reports():
    """Also for values, whose loss is in units of their standard deviation."""
    x = np.random.default_rng(0).normal(size=(12, 5, 2)).astype("float32")
    for y, arguments in (
        (1e4 + 50 * x.mean(axis=(1, 2)), {}),
        (np.arange(12) % 3, {"num_classes": 3, "label_smoothing": 0.1}),
        (np.eye(3)[np.arange(12) % 3], {"num_classes": 3, "multi_label": True}),
    ):
        model = built("mlp", **arguments)
        model.compile()
        model.adapt(x, y)
        terms = model.loss_terms(model.preprocessor(x), model.head.targets(y))
        assert terms["loss"].shape == (12,)
        mean = model.evaluate(x, y, verbose=0, return_dict=True)["loss"]
        assert float(keras.ops.mean(terms["loss"])) == pytest.approx(mean, rel=1e-4)


def test_a_simple_method_is_the_baseline():
    rng = np.random.default_rng(0)
    frequency = rng.integers(1, 3, 80)
    steps = np.arange(5)[None] * frequency[:, None] + rng.uniform(0, 6, (80, 1))
    x = np.stack([np.sin(steps), np.cos(steps)], axis=-1).astype("float32")
    train, part = Part(x[:40], frequency[:40] - 1), Part(x[40:], frequency[40:] - 1)
    assert built("cnn", num_classes=2).baseline(train, part)["baseline"] > 0.9
    one_class = Part(x[:5], np.zeros(5, "int64"))
    assert built("cnn", num_classes=2).baseline(one_class, part) == {}
    flat = rng.normal(size=(60, 5)).astype("float32")
    values = flat @ rng.normal(size=(5, 1)) + 3
    model = build_mlp((5,), hidden_units=(4,))
    model.adapt(flat, values)
    found = model.baseline(Part(flat[:40], values[:40]), Part(flat[40:], values[40:]))
    assert found["baseline"] < 0.1 * values.std()


def test_random_convolutions_describe_pictures():
    x = np.random.default_rng(0).uniform(size=(70, 7, 8, 3)).astype("float32")
    features = random_convolutions(x)
    assert features.shape == (70, 9 * 128)
    np.testing.assert_allclose(features[66], random_convolutions(x[66:67])[0], rtol=1e-4, atol=1e-5)
