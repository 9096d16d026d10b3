"""Tests for genai_basics.feedforward."""

import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest

from genai_basics import build_mlp, load_data

COLUMNS = (("size", "number"), ("colour", "category"), ("age", "number"))


def table(n=300, seed=0):
    rng = np.random.default_rng(seed)
    x = {
        "size": rng.normal(size=n).astype("float32"),
        "colour": rng.choice(["red", "green", "blue"], n),
        "age": (1000 + 10 * rng.normal(size=n)).astype("float32"),
    }
    x["age"][::5] = np.nan
    return x, ((x["size"] > 0) ^ (x["colour"] == "red")).astype("int64")


def trained(x, y, epochs=12, **arguments):
    model = build_mlp(hidden_units=(32,), seed=0, **arguments)
    model.compile(learning_rate=0.01)
    model.fit(x, y, batch_size=32, epochs=epochs, verbose=0)
    return model


@pytest.fixture(scope="module")
def classifier():
    x, y = table()
    return trained(x, y, columns=COLUMNS, num_classes=2, class_names=("no", "yes"))


@pytest.fixture(scope="module")
def reader_of_names():
    data = load_data("place_names", limit=1500)
    model = build_mlp(num_classes=data.spec.num_classes, class_names=data.spec.class_names, seed=0)
    model.compile()
    model.fit(data.train.x, data.train.y, batch_size=64, epochs=6, verbose=0)
    return model, data


def test_tables_are_learned_from_numbers_categories_and_gaps(classifier):
    x, y = table(200, seed=1)
    assert classifier.evaluate(x, y, verbose=0, return_dict=True)["accuracy"] > 0.85
    assert np.isfinite(classifier.predict(x, verbose=0)).all()


def test_columns_come_in_any_order_and_others_are_left(classifier):
    x, _ = table(20, seed=1)
    shuffled = {"other": np.zeros(20), **dict(reversed(x.items()))}
    np.testing.assert_array_equal(
        classifier.predict(shuffled, verbose=0), classifier.predict(x, verbose=0)
    )


def test_unseen_and_missing_categories_are_told_from_known_ones_and_do_no_harm(classifier):
    x, _ = table(3, seed=1)
    x["colour"] = np.array(["violet", "", "red"])
    codes = classifier.prepare(x)[0][:, 1]
    assert len(set(codes)) == 3
    assert np.isfinite(classifier.predict(x, verbose=0)).all()


def test_missing_column_is_named(classifier):
    x, _ = table(3)
    del x["age"]
    with pytest.raises(ValueError, match="must hold the column 'age'"):
        classifier.predict(x, verbose=0)


def test_unknown_label_is_named(classifier):
    x, _ = table(3)
    with pytest.raises(ValueError, match=r"no, yes\. Received: perhaps"):
        classifier.evaluate(x, ["no", "perhaps", "yes"], verbose=0)


def test_names_numbers_columns_and_one_hot_are_the_same_labels(classifier):
    expected = classifier.head.targets([0, 1, 1]).tolist()
    for labels in (["no", "yes", "yes"], [[0], [1], [1]], np.eye(2)[[0, 1, 1]], [0.0, 1.0, 1.0]):
        assert classifier.head.targets(np.array(labels)).tolist() == expected


@pytest.mark.slow
def test_saved_model_takes_raw_tables_in_a_new_process(classifier, tmp_path):
    x, _ = table(10, seed=2)
    classifier.save(tmp_path / "mlp.keras")
    np.savez(tmp_path / "x.npz", **x)
    code = (
        "import sys, genai_basics, keras, numpy as np\n"
        "model = keras.models.load_model(sys.argv[1] + '/mlp.keras')\n"
        "x = dict(np.load(sys.argv[1] + '/x.npz'))\n"
        "np.save(sys.argv[1] + '/p.npy', model.predict(x, verbose=0))\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True)
    np.testing.assert_array_equal(np.load(tmp_path / "p.npy"), classifier.predict(x, verbose=0))


def test_regression_predicts_in_the_units_of_its_targets():
    x, _ = table()
    y = 3e6 + 1e5 * x["size"]
    model = trained(x, y, columns=COLUMNS, epochs=30)
    report, intervals = model.report(x, y)
    assert report["mae"] < 0.4 * 1e5
    assert intervals["mae"][0] <= report["mae"] <= intervals["mae"][1]
    rows, _ = model.answer({name: column[:2] for name, column in x.items()})
    assert list(rows[0]) == ["value"]


def test_several_labels_at_once():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 6)).astype("float32")
    y = (x[:, :3] > 0).astype("int64")
    names = ("a", "b", "c")
    model = trained(
        x, y, input_shape=(6,), num_classes=3, multi_label=True, class_names=names, epochs=25
    )
    assert model.evaluate(x, y, verbose=0, return_dict=True)["accuracy"] > 0.9
    report, intervals = model.report(x, y)
    assert report["f1_micro"] > 0.9
    assert set(report) == set(intervals)
    labels, probabilities = model.classify(np.array([[9, -9, 9, 0, 0, 0]], "float32"))
    assert labels == [["a", "c"]]
    assert probabilities.shape == (1, 3)
    with pytest.raises(ValueError, match="of 0 and 1"):
        model.evaluate(x, np.arange(400) % 3, verbose=0)


@pytest.mark.slow
def test_short_texts_are_told_by_their_letters(reader_of_names):
    model, data = reader_of_names
    assert model.preprocessor.with_characters
    accuracy = model.evaluate(data.test.x, data.test.y, verbose=0, return_dict=True)["accuracy"]
    assert accuracy > 2 / data.spec.num_classes


def test_saved_text_model_takes_strings(reader_of_names, tmp_path):
    model, data = reader_of_names
    model.save(tmp_path / "mlp.keras")
    loaded = keras.saving.load_model(tmp_path / "mlp.keras")
    np.testing.assert_array_equal(
        loaded.predict(data.test.x[:9], verbose=0), model.predict(data.test.x[:9], verbose=0)
    )


def test_text_of_no_known_word_gets_an_answer(reader_of_names):
    probabilities = reader_of_names[0].predict(["", "\u4e2d"], verbose=0)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities[0], probabilities[1])


def test_words_are_weighed_by_inverse_document_frequency():
    from genai_basics.preprocessing import Words

    words = Words(max_words=10, ngrams=1, characters=False)
    words.adapt(["the cat", "the dog", "the end", "the end"])
    number = words.numbers["the"]
    assert words.inverse_frequencies[number] == pytest.approx(1.0)  # 1 + log(5 / 5)
    assert words.inverse_frequencies[words.numbers["end"]] == pytest.approx(1 + np.log(5 / 3))


def test_bag_of_words_is_a_product_with_normalized_weights():
    from genai_basics.feedforward.mlp import BagOfWords

    bag = BagOfWords(5, 3)
    numbers = np.array([[1, 3, 0], [2, 0, 0]])
    out = keras.ops.convert_to_numpy(bag(numbers))
    bag.frequencies.assign([9.0, 3.0, 2.0, 4.0, 1.0])
    vectors = keras.ops.convert_to_numpy(bag.vectors)
    out = keras.ops.convert_to_numpy(bag(numbers))
    np.testing.assert_allclose(out[0], 0.6 * vectors[1] + 0.8 * vectors[3], rtol=1e-4)
    np.testing.assert_allclose(out[1], vectors[2], rtol=1e-4)


def test_constant_column_of_vectors_stays_small():
    x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    x[:, 1] = 7.0
    model = trained(x, (x[:, 0] > 0).astype(int), input_shape=(3,), num_classes=2, epochs=1)
    x[:, 1] = 8.0
    assert np.abs(keras.ops.convert_to_numpy(model.preprocessor(x))).max() < 10


def test_rare_classes_are_named_and_balance_weighs_them_up():
    rng = np.random.default_rng(0)
    y = np.zeros(1000, "int64")
    y[:9] = 1
    x = (rng.normal(size=(1000, 2)) + 2.0 * y[:, None]).astype("float32")
    recalls = []
    for balance in (False, True):
        model = build_mlp((2,), 2, hidden_units=(8,), balance=balance, seed=0)
        model.compile(learning_rate=0.01)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(x, y, batch_size=100, epochs=8, verbose=0)
        assert any("1: under 1% of the training examples" in str(w.message) for w in caught)
        recalls.append(model.predict(x[:9], verbose=0).argmax(axis=1).mean())
    assert recalls[1] > recalls[0]


def test_class_of_one_example_trains():
    x = np.random.default_rng(0).normal(size=(20, 2)).astype("float32")
    y = np.r_[np.zeros(19, "int64"), 1]
    model = trained(x, y, input_shape=(2,), num_classes=2, epochs=1)
    assert model.report(x, y)[0]["accuracy"] >= 0


def test_label_smoothing_is_the_mixture_of_cross_entropies():
    from genai_basics.predictor import Crossentropy

    p = np.array([[0.7, 0.2, 0.1]], "float32")
    expected = -0.9 * np.log(0.7) - 0.1 * np.log(p).mean()
    assert float(Crossentropy(0.1)([0], p)) == pytest.approx(expected, rel=1e-5)


def test_answer_holds_the_likeliest_first(classifier):
    x, _ = table(5, seed=3)
    rows, _ = classifier.answer(x, top=2)
    assert list(rows[0]) == ["label", "probability", "label_2", "probability_2"]
    assert all(row["probability"] >= row["probability_2"] for row in rows)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (4,), "num_classes": 1}, "`num_classes` must be at least 2"),
        ({"input_shape": (4,), "columns": COLUMNS}, "`input_shape` or `columns`, not both"),
        ({"input_shape": (0,)}, "Received: input_shape=\\(0,\\)"),
        ({"input_shape": (4,), "hidden_units": ()}, "Received: hidden_units=\\(\\)"),
        ({"input_shape": (4,), "dropout": 1.0}, "Received: dropout=1.0"),
        ({"ngrams": 0, "num_classes": 2}, "Received: ngrams=0"),
        ({"num_classes": 2, "class_names": ("a",)}, "Received: 1 names"),
        ({"task": "classification"}, "classification needs `num_classes`"),
        ({"task": "ranking"}, "Received: task='ranking'"),
        ({"columns": (("a", "date"),)}, "Received: \\('a', 'date'\\)"),
    ],
)
def test_bad_arguments_are_named_in_the_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_mlp(**arguments)


def test_fit_without_labels_says_so():
    model = build_mlp((2,), 2, hidden_units=(4,))
    model.compile()
    with pytest.raises(ValueError, match="pass y"):
        model.fit(np.zeros((4, 2)), verbose=0)
